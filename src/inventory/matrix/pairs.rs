//! What flows and translations speak of, pair by pair of ends, each with a packet.

use crate::denote::Denoter;
use crate::inventory::Seen;
use crate::inventory::units::Terms;
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Traffic};
use crate::packet::{Builder, Verdict, Witness};
use crate::query::question;
use crate::reach::{Network, ask};

use super::axes::{Axis, ends, of_subnet};
use super::bench::arguments;

/// What a flow speaks of between two ends.
pub(super) struct Pair {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) flow: usize,
    pub(super) allows: bool,
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    pub(super) traffic: Traffic,
}

/// Every flow with the rows and columns that it speaks of.
pub(super) fn pairs(
    seen: Seen<'_>,
    terms: &Terms<'_>,
    rows: &mut Axis,
    columns: &mut Axis,
) -> Vec<Pair> {
    let fabric = seen.context.fabric;
    let policy = fabric.policy;
    for (key, own) in fabric.end_subnets() {
        for axis in [&mut *rows, &mut *columns] {
            axis.place(of_subnet(seen, key), Endpoint::of(own.prefix.clone()));
        }
    }
    let mut out = Vec::new();
    let mut add = |flow: usize, allows: bool, from: &Endpoint, to: &Endpoint, traffic: &Traffic| {
        let from = ends(seen, terms, from, rows);
        let to = ends(seen, terms, to, columns);
        for (row, from) in &from {
            for (column, to) in &to {
                out.push(Pair {
                    row: *row,
                    column: *column,
                    flow,
                    allows,
                    from: from.clone(),
                    to: to.clone(),
                    traffic: traffic.clone(),
                });
            }
        }
    };
    for (at, flow) in policy.flows.iter().enumerate() {
        add(at, flow.allows(), &flow.from, &flow.to, &flow.traffic);
    }
    for (at, dnat) in (policy.flows.len()..).zip(&policy.dnats) {
        let mut traffic = Traffic::default();
        traffic.add(dnat.proto, &PortSet::one(dnat.port));
        let public = dnat.to.iter().fold(AddressSet::empty(), |all, ip| {
            all.union(&AddressSet::range((*ip).into(), (*ip).into()))
        });
        add(at, true, &dnat.from, &Endpoint::of(public), &traffic);
    }
    out
}

/// A packet of each pair, as arguments of `explain`: one that is walked to `wanted`, the verdict of its
/// pair. Packets with an end in a subnet are tried first: of others less is known.
pub(super) fn packets(
    seen: Seen<'_>,
    network: &Network,
    pairs: &[Pair],
    wanted: &[Option<Verdict>],
) -> Vec<Option<String>> {
    let denoter = Denoter::new(seen.context.fabric);
    let regions: Vec<Vec<_>> = pairs
        .iter()
        .map(|pair| {
            let parts = denoter.parts(&pair.from, &pair.to, &pair.traffic, None);
            parts.into_iter().map(|part| part.region).collect()
        })
        .collect();
    let mut builder = Builder::new();
    for region in regions.iter().flatten() {
        builder.region(region);
    }
    let sites = network.site_addresses();
    builder.addresses(&sites);
    builder.addresses(&network.transit);
    let mut space = builder.build();
    let everywhere = AddressSet::all();
    let mut out = Vec::new();
    for (list, wanted) in regions.iter().zip(wanted) {
        let Some(wanted) = wanted else {
            out.push(None);
            continue;
        };
        let found = space.answer(|space| {
            let set = space.regions(list);
            let from_sites = space.box_of(&sites, &everywhere);
            let to_sites = space.box_of(&everywhere, &sites);
            let through = space.box_of(&network.transit, &everywhere);
            let ending = space.box_of(&everywhere, &network.transit);
            let crossing = space.union(through, ending);
            let whole = space.subtract(set, crossing);
            let near = space.union(from_sites, to_sites);
            let near = space.intersect(whole, near);
            [near, whole, set].map(|set| space.witness(set))
        });
        let ends_so = |witness: &Witness| {
            let reply = ask(network, &question(witness), false);
            reply.verdict == Some(*wanted)
        };
        let tried = found.unwrap_or_default().into_iter().flatten();
        out.push(tried.filter(ends_so).find_map(|w| arguments(&w)));
    }
    out
}
