//! Pairs of subnets whose traffic stays in a peering because a flow says `via vnet`, although a table
//! leads to a firewall. It makes no routes; it says which ones there must not be.

use std::collections::BTreeMap;

use crate::model::address::AddressSet;
use crate::model::{FlowId, Hop, Key};

use super::Fabric;

/// What is reached without the firewall that the tables default to.
#[derive(Clone, Debug, Default)]
pub struct Direct {
    /// Per route table: the addresses of peers that it must not lead to the firewall.
    pub(super) tables: BTreeMap<Key, AddressSet>,
    /// Per pair of subnets, both ways: the flow that says so, and the firewall that is passed by.
    pairs: BTreeMap<(Key, Key), (FlowId, Key)>,
}

impl Direct {
    /// The flow that keeps a pair of subnets in the peering, and the firewall that is passed by.
    #[must_use]
    pub fn cause(&self, a: &Key, b: &Key) -> Option<&(FlowId, Key)> {
        self.pairs.get(&(a.clone(), b.clone()))
    }
}

/// Works out the pairs. A table serves all its subnets alike, so whoever shares a table with an end
/// of such a flow shares the way: else requests and replies would part.
pub(super) fn direct(fabric: &Fabric<'_>) -> Direct {
    let mut out = Direct::default();
    let stays = |flow: &&crate::model::Flow| flow.via == Some(Hop::Vnet);
    for flow in fabric.policy.flows.iter().filter(stays) {
        for (a, near) in fabric.end_subnets() {
            let from = fabric.addresses(&flow.from, Some(a));
            if !from.meets(&near.prefix) {
                continue;
            }
            let to = fabric
                .addresses(&flow.to, Some(a))
                .intersect(&peers(fabric, a));
            let mut rest = to.clone();
            for (b, far) in fabric.end_subnets() {
                if far.prefix.meets(&to) {
                    rest = rest.subtract(&far.prefix);
                    out.join(fabric, &flow.id, a, b);
                }
            }
            out.leave_out(near.route_table.as_ref(), &rest);
        }
        // A source in a peer that no subnet declares comes back the same way.
        for (b, far) in fabric.end_subnets() {
            if !fabric.addresses(&flow.to, Some(b)).meets(&far.prefix) {
                continue;
            }
            let mut rest = fabric
                .addresses(&flow.from, Some(b))
                .intersect(&peers(fabric, b));
            for (_, subnet) in fabric.end_subnets() {
                rest = rest.subtract(&subnet.prefix);
            }
            out.leave_out(far.route_table.as_ref(), &rest);
        }
    }
    out
}

/// The address space of every network that a subnet's network is peered with.
fn peers(fabric: &Fabric<'_>, subnet: &Key) -> AddressSet {
    let vnets = &fabric.policy.vnets;
    fabric
        .vnet_of(subnet)
        .and_then(|v| vnets.get(v))
        .into_iter()
        .flat_map(|v| &v.peers)
        .filter_map(|peer| vnets.get(peer))
        .fold(AddressSet::empty(), |all, peer| all.union(&peer.space))
}

impl Direct {
    fn leave_out(&mut self, table: Option<&Key>, set: &AddressSet) {
        if let (Some(table), false) = (table, set.is_empty()) {
            let entry = self.tables.entry(table.clone()).or_default();
            *entry = entry.union(set);
        }
    }

    fn join(&mut self, fabric: &Fabric<'_>, flow: &FlowId, a: &Key, b: &Key) {
        let users = |key: &Key| -> Vec<Key> {
            let table = fabric
                .policy
                .subnets
                .get(key)
                .and_then(|s| s.route_table.as_ref());
            let shares = |other: &Key, theirs: Option<&Key>| {
                other == key || table.is_some() && theirs == table
            };
            fabric
                .end_subnets()
                .filter(|(other, s)| shares(other, s.route_table.as_ref()))
                .map(|(other, _)| other.clone())
                .collect()
        };
        let (near, far) = (users(a), users(b));
        for (own, others) in [(&near, &far), (&far, &near)] {
            for key in own {
                let Some(subnet) = fabric.policy.subnets.get(key) else {
                    continue;
                };
                for other in others.iter().filter(|other| *other != key) {
                    let Some(there) = fabric.policy.subnets.get(other) else {
                        continue;
                    };
                    self.leave_out(subnet.route_table.as_ref(), &there.prefix);
                    let firewall = [subnet, there]
                        .into_iter()
                        .filter_map(|s| s.route_table.as_ref())
                        .find_map(|t| {
                            match fabric.policy.route_tables.get(t)?.default.as_ref()? {
                                Hop::Firewall(key) => Some(key),
                                _ => None,
                            }
                        });
                    if let Some(firewall) = firewall {
                        self.pairs
                            .entry((key.clone(), other.clone()))
                            .or_insert_with(|| (flow.clone(), firewall.clone()));
                    }
                }
            }
        }
    }
}
