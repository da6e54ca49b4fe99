//! Clauses that say something of a rule which no room makes: a number, a name, source ports. What a
//! clause means where there is a rule is the rooms' business.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Sink;
use crate::model::{Flow, Key, Policy};

use super::faults;
use super::lowered::Context;
use super::plan::Duties;

/// Tells them.
pub(super) fn check(context: &Context<'_>, sink: &mut Sink) {
    let policy = context.fabric.policy;
    let plan = context.plan;
    let flows = |layers: [&BTreeMap<Key, Duties>; 2]| -> BTreeSet<usize> {
        let duties = layers.into_iter().flat_map(BTreeMap::values);
        duties
            .flat_map(|d| d.values().map(|duty| duty.flow))
            .collect()
    };
    let at_firewalls = flows([&plan.firewalls, &BTreeMap::new()]);
    for index in flows([&plan.outbound, &plan.inbound]) {
        if let Some(flow) = policy.flows.get(index).filter(|f| only_an_envelope(f)) {
            envelope(flow, at_firewalls.contains(&index), sink);
        }
    }
    for dnat in &policy.dnats {
        if let (Some(pin), Some(span)) = (dnat.pin, dnat.spans.pin)
            && !has_nsg(context, policy, &dnat.target())
        {
            sink.push(faults::bad_pin(
                span,
                pin,
                "has no rule of a security group to number",
                &[],
            ));
        }
    }
}

/// To a security group such a flow is an envelope, which flows share.
fn only_an_envelope(flow: &Flow) -> bool {
    flow.to.has_names()
        && !flow.to.has_addresses()
        && flow.to.names.iter().all(|n| n.within.is_none())
}

fn envelope(flow: &Flow, at_firewall: bool, sink: &mut Sink) {
    if let (Some(pin), Some(span)) = (flow.pin, flow.spans.pin) {
        sink.push(faults::bad_pin(
            span,
            pin,
            "has no rule of its own to number: to a security group the names are an envelope, which flows share",
            &[],
        ));
    }
    if at_firewall {
        return;
    }
    if let (Some(name), Some(span)) = (&flow.rule_name, flow.spans.name) {
        sink.push(faults::bad_given_name(
            span,
            name,
            "names no rule: to a security group the names are an envelope, which flows share",
        ));
    }
    if let Some(span) = flow.spans.source_ports {
        sink.push(faults::cannot_express(
            flow,
            span,
            "a security group",
            "the names are an envelope there, and it is for every source port",
            "drop `source-port`, or write the addresses",
        ));
    }
}

/// Whether the target of a translation lies behind a security group.
fn has_nsg(
    context: &Context<'_>,
    policy: &Policy,
    target: &crate::model::address::AddressSet,
) -> bool {
    context.fabric.end_subnets().any(|(_, subnet)| {
        let nsg = subnet.nsg.as_ref().and_then(|key| policy.nsgs.get(key));
        nsg.is_some() && subnet.prefix.meets(target)
    })
}
