//! Who reaches what: a cell for each pair of ends that some flow speaks of, and what becomes of it. The
//! verdicts are those of tests that the policy could have: they are asked of the emitted resources.

mod axes;
mod bench;
mod defaults;
mod pairs;
mod states;

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::model::endpoint::Endpoint;
use crate::model::verify::{Expect, ModelProbe};
use crate::packet;
use crate::reach::{Network, Traces};

use super::Seen;
use super::data::{CellFlow, Fate, Flow, Matrix};
use super::units::Terms;

use axes::{Axis, ordered};
use bench::{Bench, Outcome, Verdict, probe};
use defaults::defaults;
use pairs::{Pair, packets, pairs};
use states::{Cells, wide};

/// The matrix of an environment, and what there is to say of the compiler itself.
pub(super) fn matrix(
    seen: Seen<'_>,
    network: &Network,
    terms: &Terms<'_>,
    flows: &[Flow],
) -> Result<(Matrix, Vec<Diagnostic>), String> {
    let (mut rows, mut columns) = (Axis::default(), Axis::default());
    let pairs = pairs(seen, terms, &mut rows, &mut columns);
    let mut bench = Bench {
        seen,
        network,
        traces: Traces::new(&seen.lowered.traces),
        flows: flows
            .iter()
            .enumerate()
            .map(|(at, flow)| (flow.id.as_str(), at))
            .collect(),
        told: Vec::new(),
    };
    let first: Vec<ModelProbe> = pairs
        .iter()
        .map(|pair| {
            let expect = if pair.allows {
                Expect::Allow
            } else {
                Expect::Deny
            };
            probe(&pair.from, &pair.to, &pair.traffic, expect)
        })
        .collect();
    let first = bench.judge(first)?;

    // What does not end as its flow says is asked for once more: some of it, or none?
    let again: Vec<usize> = (0..pairs.len())
        .filter(|at| first.get(*at).is_some_and(|judged| !judged.passed()))
        .collect();
    let mut second: Vec<ModelProbe> = again
        .iter()
        .filter_map(|at| pairs.get(*at))
        .map(|pair| {
            let expect = if pair.allows {
                Expect::Reach
            } else {
                Expect::Allow
            };
            probe(&pair.from, &pair.to, &pair.traffic, expect)
        })
        .collect();
    let (defaults, defaults_asked) = defaults(seen, &mut rows, &mut columns);
    let empty = Endpoint::default();
    second.extend(defaults.iter().map(|(row, column, traffic)| {
        let from = rows.endpoints.get(*row).unwrap_or(&empty);
        let to = columns.endpoints.get(*column).unwrap_or(&empty);
        probe(from, to, traffic, Expect::Deny)
    }));
    let second = bench.judge(second)?;
    let (more, by_default) = second.split_at(again.len().min(second.len()));
    let more: BTreeMap<usize, &Verdict> = again.iter().copied().zip(more).collect();

    let fates: Vec<(Fate, Option<String>)> = pairs
        .iter()
        .enumerate()
        .filter_map(|(at, pair)| Some(fate(pair, first.get(at)?, more.get(&at).copied())))
        .collect();
    let wanted: Vec<Option<packet::Verdict>> = fates
        .iter()
        .map(|(fate, _)| match fate {
            Fate::Passes => Some(packet::Verdict::Allow),
            Fate::Stopped => Some(packet::Verdict::Deny),
            Fate::Partly | Fate::Undecided | Fate::Nowhere => None,
        })
        .collect();
    let packets = packets(seen, network, &pairs, &wanted);
    let mut cells = Cells {
        flows,
        wide: wide(seen),
        found: BTreeMap::new(),
    };
    for (at, pair) in pairs.iter().enumerate() {
        let owner = flows.get(pair.flow).and_then(|flow| flow.owner.as_ref());
        rows.owned(pair.row, owner);
        columns.owned(pair.column, owner);
        let Some(verdict) = first.get(at) else {
            continue;
        };
        let (fate, why) = fates.get(at).cloned().unwrap_or((Fate::Undecided, None));
        let one = CellFlow {
            flow: Some(pair.flow),
            fate,
            why,
            packet: packets
                .get(at)
                .cloned()
                .flatten()
                .or_else(|| verdict.packet.clone()),
        };
        cells.add(pair.row, pair.column, one, verdict);
    }
    for ((row, column, _), verdict) in defaults.iter().zip(by_default) {
        cells.by_default(*row, *column, verdict);
    }
    let by_pair: BTreeMap<usize, Vec<&Pair>> = {
        let mut out: BTreeMap<usize, Vec<&Pair>> = BTreeMap::new();
        for pair in &pairs {
            out.entry(pair.flow).or_default().push(pair);
        }
        out
    };
    let found = cells.finish(&rows, &columns, &by_pair);
    let told = std::mem::take(&mut bench.told);
    Ok((ordered(rows, columns, found, defaults_asked), told))
}

fn fate(pair: &Pair, first: &Verdict, second: Option<&Verdict>) -> (Fate, Option<String>) {
    let again = second.map(|verdict| verdict.ruling);
    let fate = match (first.ruling, pair.allows) {
        (Outcome::Nowhere, _) => Fate::Nowhere,
        (Outcome::Holds, true) => Fate::Passes,
        (Outcome::Holds, false) => Fate::Stopped,
        (Outcome::Fails, true) => match again {
            Some(Outcome::Holds) => Fate::Partly,
            Some(Outcome::Open) => Fate::Undecided,
            _ => Fate::Stopped,
        },
        (Outcome::Fails, false) if again == Some(Outcome::Holds) => Fate::Passes,
        (Outcome::Fails, false) => Fate::Partly,
        (Outcome::Open, true) if again == Some(Outcome::Holds) => Fate::Partly,
        (Outcome::Open, _) => Fate::Undecided,
    };
    let why = match first.ruling {
        Outcome::Holds => None,
        Outcome::Fails if pair.allows => {
            let by = first.why.as_deref().unwrap_or("a layer");
            Some(format!("stopped by {by}"))
        }
        Outcome::Fails => {
            let by = first.why.as_deref().unwrap_or("a layer");
            Some(format!("let through by {by}"))
        }
        Outcome::Open | Outcome::Nowhere => first.why.clone(),
    };
    (fate, why)
}
