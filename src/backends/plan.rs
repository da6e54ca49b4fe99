//! Which layer has to say what: every flow's ways, and for each layer on them the duties it gets.
//! It decides what a layer can express, not how.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::catalog::{SpecialTag, Target, TargetUse};
use crate::diag::{Diagnostic, Severity, Sink};
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::internet::public;
use crate::model::service::Proto;
use crate::model::{Flow, Key, Layer};
use crate::path::{Entry, Fabric, HopClass, Way};

use super::route_faults::{
    check_families, check_flow, check_passed_by, check_second_firewall, check_topology, check_via,
};
use super::{dnat, example, faults, shut};

/// What one layer has to do for one flow.
#[derive(Clone, Debug, Default)]
pub struct Duty {
    /// Index of the flow in the policy.
    pub flow: usize,
    /// Sources that come by here.
    pub from: AddressSet,
    /// Destinations that are reached from here.
    pub to: AddressSet,
    /// Names are reached from here.
    pub names: bool,
    /// The subnets at which it applies (security groups only).
    pub subnets: BTreeSet<Key>,
    /// Sources whose names a firewall behind this layer narrows (security groups only).
    pub narrowed: AddressSet,
    /// Sources whose names nothing behind this layer narrows (security groups only).
    pub unnarrowed: AddressSet,
    /// `any` on one side is no more than the addresses here.
    pub partial: bool,
    /// Its sources are in no declared subnet (firewalls only).
    pub outside: bool,
    /// Set if this is one of several duties of one flow: which destinations count depends on the
    /// source. Four hex digits.
    pub part: Option<String>,
}

/// The duties of one layer, by flow and part.
pub type Duties = BTreeMap<(usize, usize), Duty>;

/// The duties of every layer.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Per security group, outbound: duties in flow order.
    pub outbound: BTreeMap<Key, Duties>,
    /// Per security group, inbound.
    pub inbound: BTreeMap<Key, Duties>,
    /// Per firewall.
    pub firewalls: BTreeMap<Key, Duties>,
    /// Per firewall: indices of its translations.
    pub dnats: BTreeMap<Key, Vec<usize>>,
}

/// Gives every layer its duties.
#[must_use]
pub fn plan(fabric: &Fabric<'_>, sink: &mut Sink) -> Plan {
    let mut plan = Plan::default();
    check_topology(fabric, sink);
    for (index, flow) in fabric.policy.flows.iter().enumerate() {
        let ways = match fabric.ways(flow) {
            Ok(ways) => ways,
            Err(_) => {
                let names: Vec<&str> = fabric.policy.firewalls.keys().map(String::as_str).collect();
                let told = faults::undetermined(
                    flow.spans.whole,
                    &format!(
                        "flow `{}` may cross any of {}",
                        flow.id.text(),
                        names.join(", ")
                    ),
                    "say which with `at`, or declare the subnets",
                );
                example::tell(sink, told, || example::of(fabric, flow));
                continue;
            }
        };
        let known = !flow.from.is_opaque() && flow.from.asgs.is_empty();
        if check_families(fabric, flow, &ways, sink)
            || check_second_firewall(fabric, flow, &ways, sink)
        {
            continue;
        }
        if ways.is_empty() && is_foreign(fabric, flow) {
            let at_firewall =
                !fabric.policy.firewalls.is_empty() && (flow.at.is_none() || asked_by_name(flow));
            let refused = at_firewall.then(|| not_at_a_firewall(flow));
            let told = refused.flatten().unwrap_or_else(|| {
                faults::nowhere(
                    flow,
                    "any way: no declared subnet is at its ends, and no firewall between them",
                )
            });
            example::tell(sink, told, || example::of(fabric, flow));
        } else if ways.is_empty() && flow.allows() && known {
            example::tell(sink, faults::unreachable(flow), || {
                example::of(fabric, flow)
            });
        }
        // Seen from different networks `tag(VirtualNetwork)` is different sets, and then sources
        // times destinations would be more than the flow says: each way is a duty of its own.
        let apart =
            (flow.from.virtual_network || flow.to.virtual_network) && !fabric.is_one_network();
        for (number, way) in ways.iter().enumerate() {
            let slot = (index, if apart { number } else { 0 });
            // What `tag(VirtualNetwork)` is to a source in no subnet is known of the subnets that it
            // reaches alone: that is another product than that of the subnets themselves.
            let network = flow.from.virtual_network || flow.to.virtual_network;
            let outside = network && way.out_of.is_none();
            // Nor do ways to other ends reach each other's.
            let outside = if outside { number + 1 } else { 0 };
            let at_firewall = (index, if apart { number } else { outside });
            assign(fabric, &mut plan, (slot, at_firewall), flow, way, sink);
        }
        let asgs = !(flow.from.asgs.is_empty() && flow.to.asgs.is_empty());
        if asgs && ways.is_empty() {
            sink.push(faults::cannot_express(
                flow,
                flow.spans.whole,
                "any layer",
                "an application security group is known to the NSG of a subnet only",
                "declare the `subnet` of its members with an `nsg`",
            ));
        }
        if let (Some(span), false) = (
            flow.spans.inspect.or(flow.spans.header),
            ways.iter().any(|w| w.firewall.is_some()),
        ) {
            sink.push(faults::cannot_express(
                flow,
                span,
                "any layer of its path",
                "only a firewall opens and changes requests",
                "route the subnet through a firewall, or drop the clause",
            ));
        }
        check_opaque(fabric, flow, &ways, sink);
        check_via(fabric, flow, &ways, sink);
        // Where the members of a group are that is only named is not known, nor their replies.
        if !flow.from.is_opaque() && !flow.to.is_opaque() {
            check_flow(fabric, flow, &ways, sink);
        }
    }
    plan.dnats = dnat::assign(fabric, sink);
    for duties in plan
        .outbound
        .values_mut()
        .chain(plan.inbound.values_mut())
        .chain(plan.firewalls.values_mut())
    {
        *duties = settled(fabric, std::mem::take(duties));
    }
    check_pins(fabric, &plan, sink);
    shut::check(fabric, &plan, sink);
    plan
}

/// A pin is the number of a security rule; a flow that makes none has nothing to pin.
fn check_pins(fabric: &Fabric<'_>, plan: &Plan, sink: &mut Sink) {
    for (index, flow) in fabric.policy.flows.iter().enumerate() {
        let Some(pin) = flow.pin else {
            continue;
        };
        let makes_rule = plan
            .outbound
            .values()
            .chain(plan.inbound.values())
            .flat_map(BTreeMap::values)
            .any(|duty| duty.flow == index);
        if !makes_rule {
            sink.push(faults::bad_pin(
                flow.spans.pin.unwrap_or(flow.spans.whole),
                pin,
                "has no rule of a security group to number",
                &[],
            ));
        }
    }
}

/// Puts the parts of each flow together where that adds nothing: the same destinations, then the
/// same sources.
fn settled(fabric: &Fabric<'_>, duties: Duties) -> Duties {
    let mut by_flow: BTreeMap<usize, Vec<Duty>> = BTreeMap::new();
    for duty in duties.into_values() {
        by_flow.entry(duty.flow).or_default().push(duty);
    }
    let mut out = Duties::new();
    for (flow, parts) in by_flow {
        let mut merged: Vec<Duty> = Vec::new();
        for part in parts {
            let same = |d: &&mut Duty| d.to == part.to && d.names == part.names;
            match merged.iter_mut().find(same) {
                Some(there) => {
                    there.from = there.from.union(&part.from);
                    there.narrowed = there.narrowed.union(&part.narrowed);
                    there.unnarrowed = there.unnarrowed.union(&part.unnarrowed);
                    there.partial |= part.partial;
                    there.outside &= part.outside;
                    there.subnets.extend(part.subnets);
                }
                None => merged.push(part),
            }
        }
        let mut settled: Vec<Duty> = Vec::new();
        for part in merged {
            let fits = |d: &&mut Duty| d.from == part.from && d.subnets == part.subnets;
            match settled.iter_mut().find(fits) {
                Some(there) => {
                    there.to = there.to.union(&part.to);
                    there.narrowed = there.narrowed.union(&part.narrowed);
                    there.unnarrowed = there.unnarrowed.union(&part.unnarrowed);
                    there.names |= part.names;
                    there.partial |= part.partial;
                    there.outside &= part.outside;
                }
                None => settled.push(part),
            }
        }
        let several = settled.len() > 1;
        // The rule of the subnets keeps its name beside that of the sources outside them, and its
        // other end as it is written where its own is told by address.
        let inside = settled.iter().filter(|d| !d.outside).count();
        let by_address = fabric.policy.flows.get(flow).is_some_and(|f| {
            let from = &f.from;
            !from.any && !from.internet && from.tags.is_empty() && from.ip_groups.is_empty()
        });
        for (number, mut duty) in settled.into_iter().enumerate() {
            let alone = inside == 1 && !duty.outside;
            duty.part = (several && !alone).then(|| four_hex(&duty));
            duty.partial |= several && !(alone && by_address);
            out.insert((flow, number), duty);
        }
    }
    out
}

fn four_hex(duty: &Duty) -> String {
    let text = |set: &AddressSet| {
        let list: Vec<String> = set.to_prefixes().iter().map(ToString::to_string).collect();
        list.join(",")
    };
    let what = format!("{}|{}|{}", text(&duty.from), text(&duty.to), duty.names);
    Sha256::digest(what.as_bytes())
        .iter()
        .take(2)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Neither end is in a declared subnet, so that nothing here can meet the flow. An end in one whose
/// next hop drops everything is another matter: there is nothing to enforce.
fn is_foreign(fabric: &Fabric<'_>, flow: &Flow) -> bool {
    fabric.end_subnets().all(|(key, subnet)| {
        !fabric
            .addresses(&flow.from, Some(key))
            .meets(&subnet.prefix)
            && !fabric.addresses(&flow.to, Some(key)).meets(&subnet.prefix)
    })
}

fn assign(
    fabric: &Fabric<'_>,
    plan: &mut Plan,
    (slot, at_firewall): ((usize, usize), (usize, usize)),
    flow: &Flow,
    way: &Way,
    sink: &mut Sink,
) {
    let nsg_of = |subnet: &Key| {
        fabric
            .policy
            .subnets
            .get(subnet)
            .and_then(|s| s.nsg.clone())
    };
    let mut layers = 0;
    let mut enforcing = 0;
    let mut told = false;
    for (subnet, outbound) in [(&way.out_of, true), (&way.into, false)] {
        let Some(subnet) = subnet else {
            continue;
        };
        let Some(nsg) = nsg_of(subnet) else {
            let asked = flow.at.as_ref().is_some_and(|l| l.contains(&Layer::AnyNsg));
            if asked {
                let fault = faults::no_nsg(
                    flow.spans.layers.unwrap_or(flow.spans.whole),
                    subnet,
                    &format!("flow `{}` is to be enforced at NSGs", flow.id.text()),
                );
                example::tell(sink, fault, || example::on_way(fabric, flow, way));
                told = true;
            }
            continue;
        };
        layers += 1;
        if !wanted(flow, &Layer::Nsg(nsg.clone()), &Layer::AnyNsg) {
            continue;
        }
        let by_name = way.names;
        // A name that is said to be at some addresses is not these addresses: others may be there.
        let bound = Endpoint {
            names: BTreeSet::new(),
            ..flow.to.clone()
        };
        let by_address = || fabric.addresses(&bound, Some(subnet)).meets(&way.to);
        let exact = !by_name
            && !flow.from.is_opaque()
            && !flow.to.is_opaque()
            && (flow.to.names.is_empty() || by_address());
        if !exact && !flow.allows() {
            continue;
        }
        enforcing += 1;
        let table = if outbound {
            &mut plan.outbound
        } else {
            &mut plan.inbound
        };
        let duty = table.entry(nsg).or_default().entry(slot).or_default();
        duty.flow = slot.0;
        duty.from = duty.from.union(&way.from);
        duty.to = duty.to.union(&way.to);
        duty.partial |= way.partial;
        duty.subnets.insert(subnet.clone());
        if by_name {
            let sources = match &way.firewall {
                Some(_) => &mut duty.narrowed,
                None => &mut duty.unnarrowed,
            };
            *sources = sources.union(&way.from);
            duty.names = true;
        }
    }
    if let Some(firewall) = &way.firewall {
        layers += 1;
        if wanted(
            flow,
            &Layer::Firewall(firewall.clone()),
            &Layer::AnyFirewall,
        ) && (flow.allows() || asked_by_name(flow) || firewall_is_exact(fabric, flow))
        {
            enforcing += 1;
            let duty = plan
                .firewalls
                .entry(firewall.clone())
                .or_default()
                .entry(at_firewall)
                .or_default();
            duty.flow = at_firewall.0;
            duty.outside = at_firewall.1 > 0 && way.out_of.is_none();
            duty.from = duty.from.union(&way.from);
            duty.to = duty.to.union(&way.to);
            duty.names |= way.names;
            duty.partial |= way.partial;
        }
    }
    let lost = if flow.allows() {
        layers == 0 || (flow.at.is_some() && enforcing == 0)
    } else {
        enforcing == 0
    };
    // Whether a group that is only named has members on this way is not known: told once a flow.
    let opaque = flow.from.is_opaque() || flow.to.is_opaque();
    // An allow from anywhere to anywhere is no claim about any one way; a deny is.
    let everything = flow.from.any && flow.to.any && flow.allows();
    told |= shut::passes_over_ipv6(flow, way);
    told |= flow.allows() && check_passed_by(fabric, flow, way, sink);
    if lost && !told && !opaque && !everything && !only_by_the_way(flow, way) {
        let refused = asked_by_name(flow).then(|| not_at_a_firewall(flow));
        let told = match refused.flatten() {
            Some(d) => d,
            None => faults::nowhere(flow, &describe(way)),
        };
        example::tell(sink, told, || example::on_way(fabric, flow, way));
    }
}

/// A deny of a group that is only named holds where a firewall is on the way, and nowhere else.
fn check_opaque(fabric: &Fabric<'_>, flow: &Flow, ways: &[Way], sink: &mut Sink) {
    if flow.allows() || !(flow.from.is_opaque() || flow.to.is_opaque()) {
        return;
    }
    let Some(past) = ways.iter().find(|w| w.firewall.is_none()) else {
        return;
    };
    let told = faults::nowhere(flow, &describe(past));
    let told = if ways.iter().any(|w| w.firewall.is_some()) {
        told.severity(Severity::Warning)
    } else {
        told
    };
    example::tell(sink, told, || example::on_way(fabric, flow, past));
}

/// A flow that only a firewall could enforce, with a service tag at an end that none knows.
fn not_at_a_firewall(flow: &Flow) -> Option<Diagnostic> {
    for (end, span) in [(&flow.from, flow.spans.from), (&flow.to, flow.spans.to)] {
        let platform = end.tags.iter().find(|t| SpecialTag::find(t).is_some());
        let (tag, help) = match platform {
            Some(tag) => (
                tag.as_str(),
                "keep the flow at the NSG of a declared `subnet`: this traffic crosses no firewall",
            ),
            None if end.virtual_network => (
                "VirtualNetwork",
                "declare each `vnet` with its `peers`, or write the prefixes",
            ),
            None => continue,
        };
        return Some(
            faults::cannot_express(
                flow,
                span,
                "a firewall",
                &format!("Azure Firewall does not know `tag({tag})`"),
                help,
            )
            .note("Virtual network service tags, column `Can use with Azure Firewall`: No for AzureLoadBalancer, VirtualNetwork and the tags of the platform (checked 2026-11-25)"),
        );
    }
    None
}

/// The platform's addresses count only where a flow names them: `any` does not.
fn only_by_the_way(flow: &Flow, way: &Way) -> bool {
    match (&way.hop, &way.entry) {
        (HopClass::Platform, Entry::Subnet) => flow.to.any,
        (HopClass::Platform, _) => flow.from.any,
        _ => false,
    }
}

/// The flow says that a firewall is to enforce it.
pub(super) fn asked_by_name(flow: &Flow) -> bool {
    flow.at.as_ref().is_some_and(|layers| {
        layers
            .iter()
            .any(|l| matches!(l, Layer::AnyFirewall | Layer::Firewall(_)))
    })
}

/// A deny that a firewall cannot say exactly is not said there at all: service tags as a source and
/// some as a destination, application security groups, source ports, ESP and AH have no rule on
/// Azure Firewall.
fn firewall_is_exact(fabric: &Fabric<'_>, flow: &Flow) -> bool {
    let refused = |tag: &String| {
        matches!(
            fabric.catalog.usable(tag, Target::Firewall),
            Some(TargetUse::No(_))
        )
    };
    flow.from.tags.is_empty()
        && flow.from.asgs.is_empty()
        && flow.to.asgs.is_empty()
        && flow.source_ports.is_none()
        && !flow.to.tags.iter().any(refused)
        && !flow.traffic.has(Proto::Esp)
        && !flow.traffic.has(Proto::Ah)
}

/// The flow wants this layer: it names none, or this one.
pub(super) fn wanted(flow: &Flow, this: &Layer, any: &Layer) -> bool {
    flow.at
        .as_ref()
        .is_none_or(|layers| layers.contains(this) || layers.contains(any))
}

/// A way in words.
pub(crate) fn describe(way: &Way) -> String {
    let from = match (&way.out_of, &way.entry) {
        (Some(subnet), _) => format!("the way from subnet `{subnet}`"),
        (None, Entry::Internet) => "the way from the internet".to_owned(),
        (None, Entry::Platform) => "the way from the platform".to_owned(),
        (None, _) => "the way from outside the declared subnets".to_owned(),
    };
    let to = match (&way.into, &way.hop) {
        (Some(subnet), _) => format!("to subnet `{subnet}`"),
        (None, HopClass::Internet) => "to the internet".to_owned(),
        (None, HopClass::Gateway) => "through the gateway".to_owned(),
        (None, HopClass::Firewall(f)) => format!("through firewall `{f}`"),
        (None, HopClass::ServiceEndpoint) => "through a service endpoint".to_owned(),
        (None, HopClass::Platform) => "to the platform".to_owned(),
        (None, _) => "inside the virtual network".to_owned(),
    };
    format!("{from} {to}")
}

/// True if an address set has a public part.
#[must_use]
pub(crate) fn is_public(set: &AddressSet) -> bool {
    set.meets(&public())
}
