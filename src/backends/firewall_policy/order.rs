//! Type before priority: a stronger flow by name against a weaker one by address of the other
//! action would be emitted in an order that Azure does not keep.

use crate::backends::lowered::Context;
use crate::backends::plan::{Duty, is_public};
use crate::backends::{example, faults};
use crate::diag::Sink;
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Proto};
use crate::model::{Flow, Key};

/// Checks every pair of flows at one firewall.
pub(super) fn check(context: &Context<'_>, key: &Key, sink: &mut Sink) {
    let Some(duties) = context.plan.firewalls.get(key) else {
        return;
    };
    let flows: Vec<(&Flow, &Duty)> = duties
        .values()
        .filter_map(|d| context.fabric.policy.flows.get(d.flow).map(|f| (f, d)))
        .collect();
    let by_name: Vec<&(&Flow, &Duty)> = flows
        .iter()
        .filter(|(f, _)| f.to.has_names() && application_ports(f).is_some())
        .collect();
    for (strong, mine) in by_name {
        for (weak, theirs) in &flows {
            let weaker = weak.tier > strong.tier || strong.stands_before(weak);
            if !weaker || weak.allows() == strong.allows() {
                continue;
            }
            if !mine.from.meets(&theirs.from) {
                continue;
            }
            check_pair(context, strong, weak, theirs, sink);
        }
    }
}

fn check_pair(context: &Context<'_>, strong: &Flow, weak: &Flow, theirs: &Duty, sink: &mut Sink) {
    let (Some(mine), Some(other)) = (application_ports(strong), network_ports(weak)) else {
        return;
    };
    if !mine.meets(&other) {
        return;
    }
    let both = || example::of_both(context.fabric, strong, weak);
    let to = &weak.to;
    let plain = to.any || to.internet || {
        let mut set: AddressSet = to.addresses.intersect(&theirs.to);
        for group in to.ip_groups.values().flatten() {
            set = set.union(group);
        }
        is_public(&set) || private_names_meet(strong, &set)
    };
    if plain {
        let why = "a network rule to addresses that these names may have";
        example::tell(sink, faults::type_before_priority(strong, weak, why), both);
        return;
    }
    // Exact names outside 80, 443 and 1433 are network rules too.
    let same_name = weak.to.names.iter().any(|n| {
        !n.is_wildcard()
            && strong.to.names.iter().any(|s| s.meets(n))
            && network_name_ports(weak).is_some_and(|p| p.meets(&mine))
    });
    if same_name {
        let why = "a network rule to the same name";
        example::tell(sink, faults::type_before_priority(strong, weak, why), both);
        return;
    }
    let assumed = |named: &dyn Fn(&Endpoint) -> bool| {
        let facts = &context.fabric.policy.apart;
        facts
            .iter()
            .map(|fact| (&fact.left, &fact.right))
            .any(|(a, b)| (covers(a, strong) && named(b)) || (covers(b, strong) && named(a)))
    };
    let tags = to
        .tags
        .iter()
        .filter(|tag| !assumed(&|e| e.tags.contains(*tag)))
        .map(|tag| format!("tag({tag})"));
    // A group whose content is not known here may hold any address.
    let groups = to
        .ip_groups
        .iter()
        .filter(|(key, content)| content.is_none() && !assumed(&|e| e.ip_groups.contains_key(*key)))
        .map(|(key, _)| format!("ip-group({key})"));
    if let Some(unknown) = tags.chain(groups).next() {
        let told = faults::maybe_preempted(strong, weak, &unknown);
        example::tell(sink, told, both);
    }
}

/// A name with declared private addresses can meet a private prefix.
fn private_names_meet(strong: &Flow, set: &AddressSet) -> bool {
    strong
        .to
        .names
        .iter()
        .filter_map(|n| n.within.as_ref())
        .any(|w| w.meets(set))
}

/// An `assume` speaks of everything the flow names.
fn covers(fact: &Endpoint, flow: &Flow) -> bool {
    flow.to
        .names
        .iter()
        .all(|n| fact.names.iter().any(|f| f == n))
        && flow.to.fqdn_tags.is_subset(&fact.fqdn_tags)
        && flow.to.categories.is_subset(&fact.categories)
}

/// Ports on which a flow to names is an application rule.
pub(super) fn application_ports(flow: &Flow) -> Option<PortSet> {
    let mut ports = PortSet::from_ranges(&[]);
    for (proto, set) in flow.traffic.iter() {
        match proto {
            Proto::Http | Proto::Https | Proto::Mssql => ports = ports.union(set),
            Proto::Tcp if set.len() <= 256 => {
                for port in [80, 443, 1433] {
                    if set.contains(port) {
                        ports = ports.union(&PortSet::one(port));
                    }
                }
            }
            _ => {}
        }
    }
    (!ports.is_empty()).then_some(ports)
}

/// Ports on which a flow to addresses is a network rule that takes TCP.
fn network_ports(flow: &Flow) -> Option<PortSet> {
    let transport = flow.traffic.transport();
    transport
        .get(&Proto::Any)
        .or_else(|| transport.get(&Proto::Tcp))
        .cloned()
}

/// Ports on which a flow to exact names is a network rule that takes TCP.
fn network_name_ports(flow: &Flow) -> Option<PortSet> {
    let all = network_ports(flow)?;
    if flow.traffic.has(Proto::Any) || all.len() > 256 {
        return Some(all);
    }
    let mut rest = all;
    for port in [80, 443, 1433] {
        rest = rest.without(port);
    }
    (!rest.is_empty()).then_some(rest)
}
