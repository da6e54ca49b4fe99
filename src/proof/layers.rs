//! What each layer lets through, as sets, by the parts that its rules play. Where a layer stands is
//! not known here.

use crate::packet::{Filter, Set, Space, Verdict};
use crate::reach::Traces;

use super::roles::{Part, part};

/// What a list of rules does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    /// What it lets through under the source that it came with.
    pub(super) kept: Set,
    /// What it lets through with a connection of its own.
    pub(super) replaced: Set,
    /// What its defaults alone would let through.
    pub(super) by_default: Set,
    /// What Azure's own rules alone would let through.
    pub(super) built_in: Set,
    /// What somebody else's rules speak of.
    pub(super) foreign: Set,
    /// What its envelopes speak of.
    pub(super) envelopes: Set,
    /// What its guards speak of.
    pub(super) guards: Set,
}

/// The sets of a list. Runs of rules with one verdict are joined before they are counted.
pub(super) fn layer(space: &mut Space, filter: &Filter, traces: &Traces) -> Layer {
    let mut runs: Vec<(Verdict, bool, Vec<Set>)> = Vec::new();
    let mut defaults: Vec<(Verdict, Set)> = Vec::new();
    let mut built_in: Vec<(Verdict, Set)> = Vec::new();
    let (mut foreign, mut envelopes, mut guards) = (Vec::new(), Vec::new(), Vec::new());
    for rule in &filter.rules {
        let set = space.regions(&rule.regions);
        if rule.built_in {
            built_in.push((rule.verdict, set));
        }
        match part(traces, rule) {
            Part::Exact => {}
            Part::Envelope => envelopes.push(set),
            Part::Guard => guards.push(set),
            Part::Foreign => foreign.push(set),
            Part::Default => defaults.push((rule.verdict, set)),
        }
        match runs.last_mut() {
            Some((verdict, replaces, sets))
                if *verdict == rule.verdict && *replaces == rule.replaces_source =>
            {
                sets.push(set);
            }
            _ => runs.push((rule.verdict, rule.replaces_source, vec![set])),
        }
    }
    let (mut kept, mut replaced) = (space.empty(), space.empty());
    for (verdict, replaces, sets) in runs.into_iter().rev() {
        let run = space.unite(sets);
        kept = space.subtract(kept, run);
        replaced = space.subtract(replaced, run);
        if verdict == Verdict::Allow {
            let whole = if replaces { &mut replaced } else { &mut kept };
            *whole = space.union(*whole, run);
        }
    }
    let by_default = crate::packet::first_match::allowed(space, &defaults);
    let built_in = crate::packet::first_match::allowed(space, &built_in);
    Layer {
        built_in,
        kept,
        replaced,
        by_default,
        foreign: space.unite(foreign),
        envelopes: space.unite(envelopes),
        guards: space.unite(guards),
    }
}
