//! What no allow speaks of between subnets, and between a subnet and the internet. Whether any of it
//! passes is asked elsewhere.

use std::collections::BTreeSet;

use crate::inventory::Seen;
use crate::inventory::data::{Unit, UnitKind};
use crate::model;
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Proto, Traffic};

use super::axes::{Axis, of_subnet};

/// Pairs of subnets that are asked for what passes though no flow speaks of it.
const MOST_DEFAULTS: usize = 4_000;

/// Two ends, and what no allow between them speaks of.
pub(super) type Rest = (usize, usize, Traffic);

/// Pairs of subnets, and of a subnet and the internet, with the protocols and ports that no allow
/// speaks of there: what passes of those, passes though nobody asks for it.
pub(super) fn defaults(seen: Seen<'_>, rows: &mut Axis, columns: &mut Axis) -> (Vec<Rest>, bool) {
    let fabric = seen.context.fabric;
    let subnets: Vec<(&String, &AddressSet)> = fabric
        .end_subnets()
        .map(|(key, subnet)| (key, &subnet.prefix))
        .collect();
    if subnets.len() * (subnets.len() + 2) > MOST_DEFAULTS {
        return (Vec::new(), false);
    }
    if subnets.is_empty() {
        return (Vec::new(), true);
    }
    let internet = Unit {
        label: "tag(Internet)".to_owned(),
        kind: UnitKind::Everyone,
        members: vec!["tag(Internet)".to_owned()],
        ..Unit::default()
    };
    let everywhere = Endpoint {
        internet: true,
        ..Endpoint::default()
    };
    let allows: Vec<&model::Flow> = fabric.policy.flows.iter().filter(|f| f.allows()).collect();
    // By subnet: the allows that it may send, and those that it may take.
    let touching = |end: fn(&model::Flow) -> &Endpoint, (key, prefix): &(&String, &AddressSet)| {
        let meets = |flow: &&model::Flow| {
            let own = end(flow);
            own.is_opaque()
                || !own.asgs.is_empty()
                || fabric.addresses(own, Some(key)).meets(prefix)
        };
        let found = allows.iter().enumerate().filter(|(_, flow)| meets(flow));
        found.map(|(at, _)| at).collect::<BTreeSet<usize>>()
    };
    let sent: Vec<_> = subnets.iter().map(|s| touching(|f| &f.from, s)).collect();
    let taken: Vec<_> = subnets.iter().map(|s| touching(|f| &f.to, s)).collect();
    let spoken = |flows: &mut dyn Iterator<Item = &usize>| {
        let traffic = flows.filter_map(|at| allows.get(*at).map(|flow| &flow.traffic));
        unspoken(traffic)
    };
    let mut out = Vec::new();
    let mut add = |row: usize, column: usize, traffic: Option<Traffic>| {
        out.extend(traffic.map(|traffic| (row, column, traffic)));
    };
    let unit = |key: &str| of_subnet(seen, key);
    for ((from, _), sent) in subnets.iter().zip(&sent) {
        let row = rows.place(unit(from), Endpoint::default());
        for ((to, _), taken) in subnets.iter().zip(&taken) {
            let column = columns.place(unit(to), Endpoint::default());
            add(row, column, spoken(&mut sent.intersection(taken)));
        }
        let column = columns.place(internet.clone(), everywhere.clone());
        add(row, column, spoken(&mut sent.iter()));
    }
    let row = rows.place(internet, everywhere);
    for ((to, _), taken) in subnets.iter().zip(&taken) {
        let column = columns.place(unit(to), Endpoint::default());
        add(row, column, spoken(&mut taken.iter()));
    }
    (out, true)
}

/// Every protocol and port that none of these speaks of; `None` if there is none.
fn unspoken<'a>(all: impl Iterator<Item = &'a Traffic>) -> Option<Traffic> {
    const PORTED: [Proto; 2] = [Proto::Tcp, Proto::Udp];
    const PLAIN: [Proto; 3] = [Proto::Icmp, Proto::Esp, Proto::Ah];
    let mut spoken = Traffic::default();
    for traffic in all {
        for (proto, ports) in traffic.transport() {
            if proto == Proto::Any {
                PORTED.iter().for_each(|proto| spoken.add(*proto, &ports));
                if ports.is_all() {
                    PLAIN.iter().for_each(|proto| spoken.add(*proto, &ports));
                }
            } else {
                spoken.add(proto, &ports);
            }
        }
    }
    let mut out = Traffic::default();
    let mut any = false;
    for proto in PORTED {
        let known = spoken.iter().find(|(own, _)| *own == proto);
        let rest = match known {
            Some((_, ports)) => PortSet::all().subtract(ports),
            None => PortSet::all(),
        };
        if !rest.is_empty() {
            out.add(proto, &rest);
            any = true;
        }
    }
    for proto in PLAIN {
        if !spoken.has(proto) {
            out.add(proto, &PortSet::all());
            any = true;
        }
    }
    any.then_some(out)
}
