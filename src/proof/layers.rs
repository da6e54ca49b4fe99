//! What each layer lets through, as sets, by the parts that its rules play. Where a layer stands is
//! not known here.

use crate::packet::{Filter, Set, Space, Verdict};
use crate::reach::passage::admitted;
use crate::reach::{Admitted, Traces};

use super::roles::{Part, part};

/// What a list of rules does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    /// What it lets through.
    pub(super) admitted: Admitted,
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

/// The sets of a list.
pub(super) fn layer(space: &mut Space, filter: &Filter, traces: &Traces) -> Layer {
    let mut defaults: Vec<(Verdict, Set)> = Vec::new();
    let mut built_in: Vec<(Verdict, Set)> = Vec::new();
    let (mut foreign, mut envelopes, mut guards) = (Vec::new(), Vec::new(), Vec::new());
    for rule in &filter.rules {
        if rule.built_in {
            let set = space.regions(&rule.regions);
            built_in.push((rule.verdict, set));
        }
        let of = match part(traces, rule) {
            Part::Exact => continue,
            Part::Envelope => &mut envelopes,
            Part::Guard => &mut guards,
            Part::Foreign => &mut foreign,
            Part::Default => {
                let set = space.regions(&rule.regions);
                defaults.push((rule.verdict, set));
                continue;
            }
        };
        of.push(space.regions(&rule.regions));
    }
    let by_default = crate::packet::first_match::allowed(space, &defaults);
    let built_in = crate::packet::first_match::allowed(space, &built_in);
    Layer {
        built_in,
        admitted: admitted(space, filter),
        by_default,
        foreign: space.unite(foreign),
        envelopes: space.unite(envelopes),
        guards: space.unite(guards),
    }
}
