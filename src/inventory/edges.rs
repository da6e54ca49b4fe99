//! Which ways allowed flows take: from a subnet or another source, by what enforces there, to a
//! destination. Whether all of a flow arrives is not said here.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::endpoint::Endpoint;
use crate::path::{Fabric, Way};

use super::data::{Edge, Flow, Kind, Node, PointKind, UnitKind};
use super::units::Terms;

/// From, what enforces, its name, to.
type Course = (Node, PointKind, String, Node);

/// The edges, by their ends.
pub(super) fn edges(fabric: &Fabric<'_>, terms: &Terms<'_>, flows: &[Flow]) -> Vec<Edge> {
    let mut found: BTreeMap<Course, BTreeSet<usize>> = BTreeMap::new();
    // INVARIANT: the flows of the policy come first in the list, in its order.
    for (at, flow) in fabric.policy.flows.iter().enumerate() {
        if !flow.allows() {
            continue;
        }
        for way in fabric.ways(flow).unwrap_or_default() {
            let (point, by) = point(fabric, &way);
            let from = match &way.out_of {
                Some(key) => vec![subnet(fabric, key)],
                None => nodes(terms, &outside(fabric, &flow.from)),
            };
            let to = match &way.into {
                Some(key) => vec![subnet(fabric, key)],
                None => nodes(terms, &reached(&flow.to, &way)),
            };
            for from in &from {
                for to in &to {
                    found
                        .entry((from.clone(), point, by.clone(), to.clone()))
                        .or_default()
                        .insert(at);
                }
            }
        }
    }
    for (at, dnat) in (fabric.policy.flows.len()..).zip(&fabric.policy.dnats) {
        let target = terms.of(&Endpoint::of(dnat.target()));
        let by = flows
            .get(at)
            .filter(|flow| flow.kind == Kind::Translation)
            .and_then(|flow| flow.rules.first())
            .and_then(|rule| rule.resource.split('/').next())
            .unwrap_or_default();
        let to = target.first().map_or_else(
            || Node {
                label: flows
                    .get(at)
                    .and_then(|flow| flow.into.clone())
                    .unwrap_or_default(),
                kind: UnitKind::Names,
                ..Node::default()
            },
            |term| node(&term.label, term.kind),
        );
        for from in nodes(terms, &dnat.from) {
            found
                .entry((from, PointKind::Firewall, by.to_owned(), to.clone()))
                .or_default()
                .insert(at);
        }
    }
    found
        .into_iter()
        .map(|((from, point, by, to), flows)| Edge {
            from,
            point,
            by,
            to,
            flows: flows.into_iter().collect(),
        })
        .collect()
}

/// What enforces on a way: the firewall, else a security group at an end.
fn point(fabric: &Fabric<'_>, way: &Way) -> (PointKind, String) {
    let policy = fabric.policy;
    if let Some(key) = &way.firewall {
        let found = policy.firewalls.get(key);
        let name = found.map_or_else(|| key.clone(), |f| f.identity.name.clone());
        return (PointKind::Firewall, name);
    }
    let group = |key: &Option<String>| {
        let subnet = policy.subnets.get(key.as_ref()?)?;
        let nsg = policy.nsgs.get(subnet.nsg.as_ref()?)?;
        Some(nsg.identity.name.clone())
    };
    match group(&way.out_of).or_else(|| group(&way.into)) {
        Some(name) => (PointKind::Nsg, name),
        None => (PointKind::Direct, String::new()),
    }
}

fn node(label: &str, kind: UnitKind) -> Node {
    Node {
        label: label.to_owned(),
        kind,
        ..Node::default()
    }
}

/// A subnet as an end.
pub(super) fn subnet(fabric: &Fabric<'_>, key: &str) -> Node {
    Node {
        label: key.to_owned(),
        kind: UnitKind::Subnet,
        network: fabric.vnet_of(key).cloned(),
        zone: fabric
            .policy
            .subnets
            .get(key)
            .and_then(|subnet| subnet.zone.clone()),
    }
}

fn nodes(terms: &Terms<'_>, e: &Endpoint) -> Vec<Node> {
    let found = terms.of(e).into_iter();
    found.map(|term| node(&term.label, term.kind)).collect()
}

/// What of a source lies in no declared subnet: those have ways of their own.
fn outside(fabric: &Fabric<'_>, e: &Endpoint) -> Endpoint {
    let mut out = e.clone();
    for (_, subnet) in fabric.end_subnets() {
        if !e.any {
            out.addresses = out.addresses.subtract(&subnet.prefix);
        }
    }
    out
}

/// What of a destination a way leads to: names where it is for names, else the rest.
fn reached(e: &Endpoint, way: &Way) -> Endpoint {
    let mut out = e.clone();
    if way.names {
        return Endpoint {
            names: out.names,
            fqdn_tags: out.fqdn_tags,
            categories: out.categories,
            urls: out.urls,
            ..Endpoint::default()
        };
    }
    // Names that are said to be somewhere take the ways of addresses.
    let placed = out.names.iter().any(|name| name.within.is_some());
    if e.has_addresses() && !placed {
        out.names.clear();
    }
    if e.has_addresses() {
        out.fqdn_tags.clear();
        out.categories.clear();
        out.urls.clear();
    }
    if !e.any {
        out.addresses = out.addresses.intersect(&way.to);
    }
    out
}
