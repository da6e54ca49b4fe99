//! The user routes of every route table: the default, the exceptions, and what peerings need so
//! that traffic between virtual networks meets the firewall on both ways.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::model::address::{AddressSet, Family};
use crate::model::{Hop, Key};
use crate::source::Span;

use super::Fabric;

/// What a route is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// 0.0.0.0/0, the table's `default`.
    Default,
    /// One prefix.
    Prefix(IpNet),
    /// A service tag.
    Tag(String),
}

/// One user route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRoute {
    /// What it is for.
    pub target: Target,
    /// Next hop.
    pub hop: Hop,
    /// Why it is there: the exception's id, the peer's key, or nothing for the default.
    pub cause: Cause,
    /// The statement behind it.
    pub span: Span,
    /// Other statements that ask for the same.
    pub also: BTreeSet<crate::model::FlowId>,
}

/// Why a route is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The table's `default`.
    Default,
    /// A `route` statement or a flow with `via`, by id: instance path, group, label.
    Exception(crate::model::FlowId),
    /// A peered virtual network that must be reached through the firewall.
    Peer(Key),
}

/// The routes of one table.
#[derive(Clone, Debug, Default)]
pub struct TableRoutes {
    /// The routes: default first, then exceptions, then peers.
    pub routes: Vec<UserRoute>,
    /// BGP routes are taken over.
    pub bgp: bool,
}

/// All user routes.
pub(super) fn user_routes(fabric: &Fabric<'_>) -> BTreeMap<Key, TableRoutes> {
    let policy = fabric.policy;
    let mut out: BTreeMap<Key, TableRoutes> = BTreeMap::new();
    for (key, table) in &policy.route_tables {
        let to_firewall = matches!(table.default, Some(Hop::Firewall(_)));
        let entry = out.entry(key.clone()).or_default();
        // Prefixes learnt by BGP are longer than 0.0.0.0/0 and would go past the firewall.
        entry.bgp = table.bgp.unwrap_or(!to_firewall);
        if let Some(hop) = &table.default {
            entry.routes.push(UserRoute {
                target: Target::Default,
                hop: hop.clone(),
                cause: Cause::Default,
                span: table.identity.span,
                also: BTreeSet::new(),
            });
        }
    }
    for route in &policy.routes {
        exception(
            fabric,
            &mut out,
            &route.table,
            &route.to,
            &route.hop,
            &route.id,
            route.span,
        );
    }
    for flow in &policy.flows {
        // `via` on a flow: an exception route for its destination on the table of its source.
        let Some(hop) = flow.via.as_ref().filter(|h| **h != Hop::Vnet) else {
            continue;
        };
        for (key, subnet) in fabric.end_subnets() {
            let from = fabric.addresses(&flow.from, Some(key));
            if let (true, Some(table)) = (from.meets(&subnet.prefix), &subnet.route_table) {
                exception(
                    fabric,
                    &mut out,
                    table,
                    &flow.to,
                    hop,
                    &flow.id,
                    flow.spans.whole,
                );
            }
        }
    }
    peer_routes(fabric, &mut out);
    out
}

fn exception(
    fabric: &Fabric<'_>,
    out: &mut BTreeMap<Key, TableRoutes>,
    table: &Key,
    to: &crate::model::endpoint::Endpoint,
    hop: &Hop,
    id: &crate::model::FlowId,
    span: Span,
) {
    let mut targets: Vec<Target> = to.tags.iter().cloned().map(Target::Tag).collect();
    // Azure's own tag is no destination of a route: where the table is made, that is told.
    if to.virtual_network {
        targets.push(Target::Tag("VirtualNetwork".to_owned()));
    }
    let mut plain = to.addresses.clone();
    for within in to.names.iter().filter_map(|n| n.within.as_ref()) {
        plain = plain.union(within);
    }
    for group in to.ip_groups.values().flatten() {
        plain = plain.union(group);
    }
    if to.any {
        plain = plain.union(&AddressSet::all());
    }
    if to.internet {
        plain = plain.union(&fabric.internet);
    }
    targets.extend(plain.to_prefixes().into_iter().map(Target::Prefix));
    let entry = out.entry(table.clone()).or_default();
    for target in targets {
        push(
            &mut entry.routes,
            UserRoute {
                target,
                hop: hop.clone(),
                cause: Cause::Exception(id.clone()),
                span,
                also: BTreeSet::new(),
            },
        );
    }
}

fn push(routes: &mut Vec<UserRoute>, route: UserRoute) {
    let same = |r: &UserRoute| r.target == route.target && r.hop == route.hop;
    if let Some(known) = routes.iter_mut().find(|r| same(r)) {
        if let Cause::Exception(id) = route.cause {
            known.also.insert(id);
        }
    } else {
        routes.push(route);
    }
}

/// A peering's system route is longer than 0.0.0.0/0, so each side of a peering whose traffic is to
/// meet the firewall needs routes for the other side.
fn peer_routes(fabric: &Fabric<'_>, out: &mut BTreeMap<Key, TableRoutes>) {
    let policy = fabric.policy;
    let mut wanted: Vec<(Key, Key, AddressSet, Hop, Span)> = Vec::new();
    for (key, subnet) in fabric.end_subnets() {
        let Some(table_key) = &subnet.route_table else {
            continue;
        };
        let default = policy
            .route_tables
            .get(table_key)
            .and_then(|t| t.default.as_ref());
        let Some(Hop::Firewall(firewall_key)) = default else {
            continue;
        };
        let hop = Hop::Firewall(firewall_key.clone());
        let home = policy
            .firewalls
            .get(firewall_key)
            .and_then(|f| f.vnet.clone());
        let Some(own) = fabric.vnet_of(key) else {
            continue;
        };
        let span = subnet.identity.span;
        let Some(vnet) = policy.vnets.get(own) else {
            continue;
        };
        for peer in &vnet.peers {
            let in_peer = || {
                fabric
                    .end_subnets()
                    .filter(move |(k, _)| fabric.vnet_of(k) == Some(peer))
            };
            if home.as_ref() == Some(peer) {
                // In the firewall's own network only declared subnets with a table can be led back
                // through it; the rest is reached directly on both ways.
                for (_, other) in in_peer() {
                    if let Some(table) = &other.route_table {
                        wanted.push((
                            table_key.clone(),
                            peer.clone(),
                            other.prefix.clone(),
                            hop.clone(),
                            span,
                        ));
                        wanted.push((
                            table.clone(),
                            own.clone(),
                            vnet.space.clone(),
                            hop.clone(),
                            span,
                        ));
                    }
                }
                continue;
            }
            if let Some(space) = policy.vnets.get(peer).map(|v| v.space.clone()) {
                wanted.push((table_key.clone(), peer.clone(), space, hop.clone(), span));
            }
            for (_, other) in in_peer() {
                if let Some(table) = &other.route_table {
                    wanted.push((
                        table.clone(),
                        own.clone(),
                        vnet.space.clone(),
                        hop.clone(),
                        span,
                    ));
                }
            }
        }
    }
    for (table, peer, set, hop, span) in wanted {
        let direct = fabric.direct.tables.get(&table);
        let set = direct.map_or_else(|| set.clone(), |direct| set.subtract(direct));
        let entry = out.entry(table).or_default();
        // Azure Firewall has no IPv6 address, so none of it is led there.
        for net in set.only(Family::V4).to_prefixes() {
            push(
                &mut entry.routes,
                UserRoute {
                    target: Target::Prefix(net),
                    hop: hop.clone(),
                    cause: Cause::Peer(peer.clone()),
                    span,
                    also: BTreeSet::new(),
                },
            );
        }
    }
}
