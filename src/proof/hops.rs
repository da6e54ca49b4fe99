//! The law of the route tables: every address has the next hop that the policy asks for. What lies
//! behind a hop is not asked here.

use std::collections::{BTreeMap, BTreeSet};

use crate::backends::Context;
use crate::model::address::{AddressSet, Family};
use crate::packet::{Builder, Witness};
use crate::path::{HopClass, HopMap};
use crate::reach::question::hop_word;
use crate::reach::{Network, Table, route_word};

use super::findings::{Place, Violation, Which};

/// A packet of every subnet that sends something elsewhere than it was asked to.
pub(super) fn check(context: &Context<'_>, network: &Network) -> Vec<Violation> {
    let fabric = context.fabric;
    let sites = network.sites.iter();
    let sites = sites.map(|s| (&s.name, &s.hops, s.table.as_ref()));
    let gateways = network.gateways.iter();
    let gateways = gateways.map(|g| (&g.name, &g.hops, g.table.as_ref()));
    let mut out = Vec::new();
    for (key, written, table) in sites.chain(gateways) {
        let (Some(subnet), Some(asked)) = (fabric.policy.subnets.get(key), fabric.hop_map(key))
        else {
            continue;
        };
        for family in [Family::V4, Family::V6] {
            let from = subnet.prefix.only(family);
            let (asked, led) = (by_hop(asked, family), by_hop(written, family));
            let none = AddressSet::empty();
            let hops: BTreeSet<&HopClass> = asked.keys().chain(led.keys()).collect();
            let wrong = hops.into_iter().fold(AddressSet::empty(), |all, hop| {
                let (a, b) = (asked.get(hop), led.get(hop));
                let (a, b) = (a.unwrap_or(&none), b.unwrap_or(&none));
                all.union(&a.subtract(b)).union(&b.subtract(a))
            });
            if let Some(witness) = packet(&from, &wrong) {
                out.push(Violation {
                    which: Which::Hop,
                    flows: Vec::new(),
                    place: Some((
                        Place::Routes(key.clone()),
                        Some(told(written, table, &witness)),
                    )),
                    witness,
                });
            }
        }
    }
    out
}

fn by_hop(hops: &HopMap, family: Family) -> BTreeMap<HopClass, AddressSet> {
    let mut out: BTreeMap<HopClass, AddressSet> = BTreeMap::new();
    for (hop, part) in hops.split(&AddressSet::all().only(family)) {
        let known = out.entry(hop).or_default();
        *known = known.union(&part);
    }
    out
}

fn packet(from: &AddressSet, to: &AddressSet) -> Option<Witness> {
    if from.is_empty() || to.is_empty() {
        return None;
    }
    let mut builder = Builder::new();
    builder.addresses(from);
    builder.addresses(to);
    let mut space = builder.build();
    let set = space.box_of(from, to);
    space.witness(set)
}

/// The route that leads a packet, in words.
fn told(hops: &HopMap, table: Option<&Table>, witness: &Witness) -> String {
    let (hop, cause) = hops.decide(witness.destination);
    format!("{} by {}", hop_word(&hop), route_word(table, cause))
}
