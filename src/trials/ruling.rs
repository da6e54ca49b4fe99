//! What a test's probes come to. `allow` speaks of every packet of a probe, `deny` of every one,
//! `reach` of some; what hangs on things that nobody told is neither held nor failed.

use std::collections::BTreeSet;

use crate::model::Layer;
use crate::model::address::AddressSet;
use crate::model::verify::{Expect, ModelProbe, TestBlock};
use crate::packet::{Answer, Assumption, Set, Side, Symbol, Verdict, Witness};
use crate::reach::Outcome;
use crate::reach::question::open_reason;

use super::deciders::Meant;
use super::lab::{Lab, Packets};
use super::shown;
use super::{Doubt, Judged, Ruling, Trial};

/// The test at a place of the list.
pub(super) fn trial(lab: &mut Lab<'_>, test: &TestBlock, at: usize) -> Trial {
    let mut probes = Vec::new();
    for (number, probe) in test.probes.iter().enumerate() {
        let packets = lab.packets.get(at).and_then(|row| row.get(number)).cloned();
        let packets = packets.unwrap_or_default();
        let ruling = ruling(lab, probe, &packets);
        let assumes = if matches!(ruling, Ruling::Passed) {
            let mut all = assumes(lab, probe, &packets);
            all.extend(wayless(lab, probe, &packets));
            all
        } else {
            Vec::new()
        };
        probes.push(Judged {
            span: probe.spans.whole,
            expect: probe.expect,
            ruling,
            assumes,
        });
    }
    Trial {
        name: test.path(),
        generated: false,
        span: test.span,
        probes,
    }
}

/// What an expectation says of packets whose fate is known.
enum Held {
    Yes,
    /// A packet that shows it, whatever the things hold that nobody told.
    No(Set),
    /// Packets for which it hangs on such things.
    Perhaps(Set),
}

/// How a probe of these packets ends.
pub(super) fn ruling(lab: &mut Lab<'_>, probe: &ModelProbe, packets: &Packets) -> Ruling {
    let at = probe.at.as_ref();
    if lab.space.is_empty(packets.judged) {
        return Ruling::Empty(
            "an end of it holds nothing, or its ends are of different address families",
        );
    }
    let outcome = lab.outcome(packets.judged, at);
    let spoken = outcome.whole(lab.space);
    if lab.space.is_empty(spoken) {
        return Ruling::Empty(match at {
            Some(_) => "none of its packets meets this layer",
            None => "nothing that is declared lies between its ends",
        });
    }
    match held(lab, probe.expect, spoken, outcome) {
        Held::No(set) => {
            // What is denied shows more than what only may be.
            let stopped = lab.space.intersect(set, outcome.denied);
            let (set, verdict) = match probe.expect {
                Expect::Deny => (set, Verdict::Allow),
                _ if lab.space.is_empty(stopped) => (set, Verdict::Deny),
                _ => (stopped, Verdict::Deny),
            };
            match lab.space.witness(set) {
                Some(witness) => {
                    Ruling::Failed(Box::new(shown::shown(lab, witness, at, Some(verdict))))
                }
                None => Ruling::Passed,
            }
        }
        Held::Perhaps(set) => undecided(lab, set, outcome.open, at, packets),
        Held::Yes => by(lab, probe, packets, outcome),
    }
}

fn held(lab: &mut Lab<'_>, expect: Expect, spoken: Set, outcome: Outcome) -> Held {
    let space = &mut *lab.space;
    let perhaps = space.union(outcome.allowed, outcome.open);
    match expect {
        Expect::Allow => {
            let rest = space.subtract(spoken, outcome.allowed);
            if space.is_empty(rest) {
                return Held::Yes;
            }
            let may = space.possibly(perhaps);
            let surely = space.subtract(spoken, may);
            if space.is_empty(surely) {
                Held::Perhaps(rest)
            } else {
                Held::No(surely)
            }
        }
        Expect::Deny => {
            if space.is_empty(perhaps) {
                return Held::Yes;
            }
            let not = space.union(outcome.denied, outcome.open);
            let may_not = space.possibly(not);
            let surely = space.subtract(spoken, may_not);
            if space.is_empty(surely) {
                Held::Perhaps(perhaps)
            } else {
                Held::No(surely)
            }
        }
        Expect::Reach => {
            let not = space.subtract(spoken, outcome.allowed);
            let may_not = space.possibly(not);
            let surely = space.subtract(spoken, may_not);
            if !space.is_empty(surely) {
                Held::Yes
            } else if space.is_empty(perhaps) {
                Held::No(spoken)
            } else {
                Held::Perhaps(perhaps)
            }
        }
    }
}

/// Whether `by` names what decides.
fn by(lab: &mut Lab<'_>, probe: &ModelProbe, packets: &Packets, outcome: Outcome) -> Ruling {
    let Some(decider) = &probe.by else {
        return Ruling::Passed;
    };
    let at = probe.at.as_ref();
    let allowed = probe.expect != Expect::Deny;
    let of = if allowed {
        outcome.allowed
    } else {
        outcome.denied
    };
    let decided = lab.decided(of, at, Meant::by(decider), allowed);
    let decided = lab.space.intersect(decided, of);
    let others = lab.space.subtract(of, decided);
    if lab.space.is_empty(others) {
        return Ruling::Passed;
    }
    let may = lab.space.possibly(decided);
    let surely = lab.space.subtract(others, may);
    if lab.space.is_empty(surely) {
        let first = lab.decided(of, at, Meant::surely_by(decider), allowed);
        if lab.space.is_subset(of, first) {
            return Ruling::Passed;
        }
        let none = lab.space.empty();
        return undecided(lab, others, none, at, packets);
    }
    let verdict = if allowed {
        Verdict::Allow
    } else {
        Verdict::Deny
    };
    match lab.space.witness(surely) {
        Some(witness) => Ruling::NotBy(Box::new(shown::shown(lab, witness, at, Some(verdict)))),
        None => Ruling::Passed,
    }
}

/// A packet of which nobody can tell, and what it hangs on.
fn undecided(
    lab: &mut Lab<'_>,
    set: Set,
    open: Set,
    at: Option<&Layer>,
    packets: &Packets,
) -> Ruling {
    // What hangs on a symbol can be told; what hangs on the rest of the world cannot.
    let told = lab.space.subtract(set, open);
    let shown = if lab.space.is_empty(told) { set } else { told };
    let Some(witness) = lab.space.witness(shown) else {
        return Ruling::Passed;
    };
    let mut doubts = doubts(&witness, &packets.symbols);
    let shown = shown::shown(lab, witness, at, None);
    if doubts.is_empty() {
        let reason = shown.journey.as_ref().map_or_else(
            || "it hangs on what nobody told".to_owned(),
            |journey| open_reason(lab.network, journey),
        );
        doubts.push(Doubt {
            on: reason,
            symbol: false,
            assume: None,
        });
    }
    Ruling::Undecided(Box::new(shown), doubts)
}

/// What a packet assumes beside what the probe itself names.
pub(super) fn doubts(witness: &Witness, own: &BTreeSet<Symbol>) -> Vec<Doubt> {
    let foreign = |symbol: &Symbol| !own.contains(symbol);
    let several = witness.assuming.iter().any(|a| foreign(&a.symbol));
    let mut out: Vec<Doubt> = Vec::new();
    // What would have to hold is told before what would have not to.
    let (positive, negative): (Vec<&Assumption>, Vec<&Assumption>) =
        witness.assuming.iter().partition(|a| a.holds);
    for assumption in positive.into_iter().chain(negative) {
        if several && !foreign(&assumption.symbol) {
            continue;
        }
        let on = written(&assumption.symbol);
        let other = own.iter().next().map(written);
        let other = other.filter(|other| *other != on && assumption.side == Side::Name);
        let against = other.unwrap_or_else(|| match assumption.side {
            Side::Name => witness.name.clone().unwrap_or_default(),
            Side::Source => witness.source.to_string(),
            Side::Destination => witness.destination.to_string(),
            // The packet does not tell the address that it has behind a firewall.
            Side::NewSource | Side::NewDestination => String::new(),
        });
        let doubt = Doubt {
            assume: (assumption.symbol.kind != "url" && !against.is_empty())
                .then(|| format!("assume {on} apart {against}")),
            symbol: true,
            on,
        };
        if !out.contains(&doubt) {
            out.push(doubt);
        }
    }
    out
}

/// A symbol as it is written in a policy.
fn written(symbol: &Symbol) -> String {
    match symbol.kind {
        "service tag" => format!("tag({})", symbol.name),
        kind => format!("{}({})", kind.replace(' ', "-"), symbol.name),
    }
}

/// Where the names of a probe are taken not to be, though it would end otherwise there.
fn assumes(lab: &mut Lab<'_>, probe: &ModelProbe, packets: &Packets) -> Vec<String> {
    let outcome = lab.outcome(packets.elsewhere, probe.at.as_ref());
    let own = lab.space.to_anywhere(packets.judged);
    let wrong = match probe.expect {
        Expect::Allow | Expect::Reach => outcome.denied,
        Expect::Deny => outcome.allowed,
    };
    let mut wrong = lab.space.union(wrong, outcome.open);
    if probe.expect == Expect::Reach {
        // Only what of it holds takes anything for granted.
        let reached = lab.outcome(packets.judged, probe.at.as_ref()).allowed;
        let reached = lab.space.to_anywhere(reached);
        wrong = lab.space.intersect(wrong, reached);
    }
    let Some(witness) = lab.space.witness(wrong) else {
        return Vec::new();
    };
    let name = witness
        .name
        .clone()
        .unwrap_or_else(|| "the name".to_owned());
    let shown = shown::shown(lab, witness, probe.at.as_ref(), None);
    let address = shown.witness.destination;
    let free = lab.space.contains(own, &(&shown.witness).into()) != Answer::No;
    let place = match shown.journey.as_ref().filter(|_| free) {
        Some(journey) => shown::where_to(lab, journey),
        None => format!("what the probe names, such as {address}"),
    };
    vec![format!("{name} does not resolve into {place}")]
}

/// Packets between named ends that nothing declared stands between: of these nothing is said, though
/// others of the probe have a way.
pub(super) fn wayless(lab: &mut Lab<'_>, probe: &ModelProbe, packets: &Packets) -> Option<String> {
    if probe.at.is_some() || probe.expect == Expect::Reach {
        return None;
    }
    let spoken = lab.outcome(packets.judged, None).whole(lab.space);
    let rest = lab.space.subtract(packets.judged, spoken);
    let rest = lab.space.intersect(rest, packets.named);
    let all = AddressSet::all();
    let passed = lab.space.box_of(&lab.network.transit, &all);
    let between = lab.space.subtract(rest, passed);
    let (set, word) = if lab.space.is_empty(between) {
        (rest, "no way is known out of a subnet that is only passed")
    } else {
        (between, "nothing that is declared lies between its ends")
    };
    let witness = lab.space.witness(set)?;
    Some(format!("{witness} is as expected: {word}"))
}
