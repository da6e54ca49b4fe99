//! Which flows the tests decide: those behind a rule that decides a packet of a probe that holds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::backends::Context;
use crate::model::verify::TestBlock;
use crate::model::{Flow, Layer};
use crate::packet::Set;
use crate::reach::Pass;

use super::lab::Lab;
use super::{Ruling, Trial};

/// Ids of the flows and translations that tests decide.
pub(super) fn decided(
    lab: &mut Lab<'_>,
    tests: &[&TestBlock],
    trials: &[Trial],
) -> BTreeSet<String> {
    let mut asked: BTreeMap<Option<Layer>, Vec<Set>> = BTreeMap::new();
    for (at, (test, trial)) in tests.iter().zip(trials).enumerate() {
        let probes = test.probes.iter().zip(&trial.probes);
        for (number, (probe, judged)) in probes.enumerate() {
            let packets = lab.packets.get(at).and_then(|row| row.get(number));
            if let (Ruling::Passed, Some(packets)) = (&judged.ruling, packets) {
                let sets = asked.entry(probe.at.clone()).or_default();
                sets.push(packets.judged);
            }
        }
    }
    let mut out = BTreeSet::new();
    // By list and the source that it sees, what it decides.
    let mut lists: BTreeMap<(Pass, Option<IpAddr>), Vec<Set>> = BTreeMap::new();
    for (layer, sets) in asked {
        let of = lab.space.unite(sets);
        let outcome = lab.outcome(of, layer.as_ref());
        for (set, allowed) in [(outcome.allowed, true), (outcome.denied, false)] {
            for place in lab.places(set, layer.as_ref(), allowed).at {
                let key = (place.pass, place.source);
                lists.entry(key).or_default().push(place.packets);
            }
            out.extend(translations(lab, set));
        }
    }
    for ((pass, source), sets) in lists {
        let packets = lab.space.unite(sets);
        out.extend(behind(lab, pass, source, packets));
    }
    out
}

/// The flows behind the rules of a list that are the first match of some packets.
fn behind(lab: &mut Lab<'_>, pass: Pass, source: Option<IpAddr>, packets: Set) -> Vec<String> {
    let mut out = Vec::new();
    let Some(filter) = lab.filter(pass) else {
        return out;
    };
    let mut rest = packets;
    for rule in &filter.rules {
        let mut set = lab.space.regions(&rule.regions);
        if let Some(source) = source {
            set = lab.space.with_source(set, source);
        }
        if lab.space.meets(rest, set) {
            if let Some((_, flows)) = lab.traces.of(rule) {
                out.extend(flows.iter().cloned());
            }
            rest = lab.space.subtract(rest, set);
        }
    }
    out
}

fn translations(lab: &mut Lab<'_>, packets: Set) -> Vec<String> {
    let mut out = Vec::new();
    for taken in &lab.taken {
        if lab.space.meets(packets, taken.outcome.allowed) {
            let (resource, path) = (&taken.translation.resource, &taken.translation.path);
            let found = lab.traces.placed(resource, path);
            out.extend(found.into_iter().flat_map(|(_, flows)| flows).cloned());
        }
    }
    out
}

/// Ids of the flows and translations of a policy that are not among those decided, in its order.
pub(super) fn untested(context: &Context<'_>, decided: &BTreeSet<String>) -> Vec<String> {
    let policy = context.fabric.policy;
    let flows = policy.flows.iter().map(|flow: &Flow| flow.id.text());
    let all = flows.chain(policy.dnats.iter().map(|dnat| dnat.id.text()));
    all.filter(|id| !decided.contains(id)).collect()
}
