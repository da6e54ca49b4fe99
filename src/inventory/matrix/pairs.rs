//! What flows and translations speak of, pair by pair of ends, each with a packet.

use crate::denote::Denoter;
use crate::inventory::Seen;
use crate::inventory::units::Terms;
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Traffic};
use crate::packet::Builder;

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

/// A packet of each pair, as arguments of `explain`.
pub(super) fn packets(seen: Seen<'_>, pairs: &[Pair]) -> Vec<Option<String>> {
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
    let mut space = builder.build();
    let mut out = Vec::new();
    for list in &regions {
        let found = space.answer(|space| {
            let set = space.regions(list);
            space.witness(set)
        });
        out.push(found.ok().flatten().as_ref().and_then(arguments));
    }
    out
}
