//! What the diagnostics of an environment give up: of that the proof claims nothing. It compares
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Diagnostic;
use crate::model::Flow;
use crate::model::address::{AddressSet, Family};
use crate::packet::{Set, Space};
use crate::source::Span;

use super::asked::Asked;

/// What diagnostics say is not claimed.
pub(super) struct Excuses {
    /// Of allows.
    pub(super) allowed: Set,
    /// Of denies.
    pub(super) denied: Set,
    /// By flow: what of it has no way over IPv6.
    six: BTreeMap<usize, Set>,
    /// Where a network rule may be read before a rule for names.
    pub(super) preempted: Set,
    none: Set,
}

impl Excuses {
    pub(super) fn new(
        space: &mut Space,
        flows: &[Flow],
        asked: &Asked,
        told: &[Diagnostic],
    ) -> Self {
        let v6 = AddressSet::all().only(Family::V6);
        let six_all = space.box_of(&v6, &v6);
        let (mut allowed, mut denied) = (Vec::new(), Vec::new());
        let mut preempted = Vec::new();
        let mut six = BTreeMap::new();
        for diagnostic in told {
            let code = diagnostic.code.info().id;
            if !["PC4001", "PC4002", "PC4014", "PC4022", "PC4023"].contains(&code) {
                continue;
            }
            let about: Vec<usize> = flows
                .iter()
                .enumerate()
                .filter(|(_, f)| speaks_of(diagnostic, f))
                .map(|(i, _)| i)
                .collect();
            match code {
                // A layer that is left out, or passed by, or that cannot say it.
                "PC4001" | "PC4002" | "PC4023" => {
                    for index in about {
                        let Some(spoken) = asked.flows.get(index) else {
                            continue;
                        };
                        match flows.get(index).map(Flow::allows) {
                            Some(true) => allowed.push(spoken.may),
                            _ => denied.push(spoken.may),
                        }
                    }
                }
                // One family has no way.
                "PC4022" => {
                    for index in about {
                        if let Some(spoken) = asked.flows.get(index) {
                            let part = space.intersect(spoken.may, six_all);
                            allowed.push(part);
                            six.insert(index, part);
                        }
                    }
                }
                // A network rule may be read before a rule for names.
                "PC4014" => {
                    let sets: Vec<Set> = about
                        .iter()
                        .filter_map(|i| asked.flows.get(*i))
                        .map(|s| s.may)
                        .collect();
                    for (at, a) in sets.iter().enumerate() {
                        for b in sets.iter().skip(at + 1) {
                            let both = space.intersect(*a, *b);
                            allowed.push(both);
                            denied.push(both);
                            preempted.push(both);
                        }
                    }
                }
                _ => {}
            }
        }
        Self {
            allowed: space.unite(allowed),
            denied: space.unite(denied),
            six,
            preempted: space.unite(preempted),
            none: space.empty(),
        }
    }

    /// The flows of which something has no way over IPv6.
    pub(super) fn one_family(&self) -> BTreeSet<usize> {
        self.six.keys().copied().collect()
    }

    /// What of a flow has no way over IPv6.
    pub(super) fn six(&self, flow: usize) -> Set {
        self.six.get(&flow).copied().unwrap_or(self.none)
    }
}

/// Whether a diagnostic stands in a flow's statement.
fn speaks_of(diagnostic: &Diagnostic, flow: &Flow) -> bool {
    let whole = flow.spans.whole;
    let places = [
        Some(flow.spans.whole),
        Some(flow.spans.from),
        Some(flow.spans.to),
        Some(flow.spans.services),
        flow.spans.layers,
        flow.spans.via,
        flow.spans.inspect,
        flow.spans.header,
        flow.spans.source_ports,
    ];
    let mut all = diagnostic
        .primary
        .into_iter()
        .chain(diagnostic.labels.iter().map(|l| l.span));
    all.any(|span| places.contains(&Some(span)) || covers(whole, span))
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}
