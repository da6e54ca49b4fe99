//! Ordered groups that meet at a layer: which of them counts first is nowhere said. What the order
//! inside a group becomes, the rooms know.

use std::collections::{BTreeMap, BTreeSet};

use crate::backends::lowered::Context;
use crate::backends::plan::{Duties, Duty};
use crate::backends::{example, faults};
use crate::diag::Sink;
use crate::model::Flow;
use crate::model::endpoint::Endpoint;
use crate::model::service::Proto;

/// Checks every layer; each pair of groups is told once.
pub(super) fn check(context: &Context<'_>, sink: &mut Sink) {
    let plan = context.plan;
    let inbound = plan.inbound.iter().map(|(key, d)| ("NSG", key, d));
    let outbound = plan.outbound.iter().map(|(key, d)| ("NSG", key, d));
    let firewalls = plan.firewalls.iter().map(|(key, d)| ("firewall", key, d));
    let mut told = BTreeSet::new();
    for (kind, key, duties) in inbound.chain(outbound).chain(firewalls) {
        for (first, second) in meeting(context, duties) {
            let pair = (
                (&first.id.instance, &first.id.group),
                (&second.id.instance, &second.id.group),
            );
            if told.insert(pair) {
                let layer = format!("{kind} `{key}`");
                let told = faults::ordered_groups_meet(first, second, &layer);
                example::tell(sink, told, || {
                    example::of_both(context.fabric, first, second)
                });
            }
        }
    }
}

/// Pairs of members of different groups that match some of the same traffic, in order of their ids.
fn meeting<'a>(context: &Context<'a>, duties: &Duties) -> Vec<(&'a Flow, &'a Flow)> {
    let policy = context.fabric.policy;
    let members: Vec<(&Flow, &Duty)> = duties
        .values()
        .filter_map(|duty| policy.flows.get(duty.flow).map(|flow| (flow, duty)))
        .filter(|(flow, _)| flow.position.is_some())
        .collect();
    // Members of one group may meet, and a long imported list is one group.
    let mut groups: BTreeMap<(&[String], &str), Vec<usize>> = BTreeMap::new();
    for (place, (flow, _)) in members.iter().enumerate() {
        let group = (flow.id.instance.as_slice(), flow.id.group.as_str());
        groups.entry(group).or_default().push(place);
    }
    let mut out = Vec::new();
    for (place, (second, theirs)) in members.iter().enumerate() {
        let own = (second.id.instance.as_slice(), second.id.group.as_str());
        let others = groups.iter().filter(|(group, _)| **group != own);
        let mut before: Vec<usize> = others
            .flat_map(|(_, places)| places.iter().copied().filter(|p| *p < place))
            .collect();
        before.sort_unstable();
        for (first, mine) in before.iter().filter_map(|p| members.get(*p)) {
            if mine.from.meets(&theirs.from)
                && (mine.to.meets(&theirs.to) || named_alike(&first.to, &second.to))
                && traffic_meets(first, second)
            {
                out.push((*first, *second));
            }
        }
    }
    out
}

fn named_alike(a: &Endpoint, b: &Endpoint) -> bool {
    !a.tags.is_disjoint(&b.tags)
        || !a.fqdn_tags.is_disjoint(&b.fqdn_tags)
        || !a.categories.is_disjoint(&b.categories)
        || !a.urls.is_disjoint(&b.urls)
        || a.names.iter().any(|x| b.names.iter().any(|y| x.meets(y)))
}

/// True if both flows match some protocol and port.
pub(super) fn traffic_meets(a: &Flow, b: &Flow) -> bool {
    let (mine, theirs) = (a.traffic.transport(), b.traffic.transport());
    mine.iter().any(|(proto, ports)| {
        theirs.iter().any(|(other, set)| {
            *proto == Proto::Any || *other == Proto::Any || (proto == other && ports.meets(set))
        })
    })
}
