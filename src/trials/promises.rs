//! `required` flows as tests of their own: probes of all that they say, judged like those of tests. What
//! the proof finds stopped or let through is told with its packet.

use crate::denote::Denoter;
use crate::model::address::{AddressSet, Family};
use crate::model::internet::platform;
use crate::model::verify::{Expect, ModelProbe, ProbeSpans};
use crate::model::{Flow, Tier};
use crate::packet::{Addresses, Names, Region, Verdict};
use crate::path::Fabric;
use crate::proof::{Proven, Unmet};
use crate::reach::{End, Network, walk_knowing};
use crate::syntax::ast::Need;

use super::asked::{self, Drawn};
use super::lab::{Lab, Packets};
use super::ruling::{doubts, ruling, wayless};
use super::shown::knowing;
use super::{Doubt, Judged, Ruling, Shown, Trial};

/// The name of the test that a flow is, if it is one.
#[must_use]
pub fn name(flow: &Flow) -> Option<String> {
    (flow.need == Some(Need::Required)).then(|| format!("required {}", flow.id.text()))
}

/// The promises that are wanted.
pub(super) struct Promises<'a> {
    flows: Vec<(usize, &'a Flow)>,
    /// One row with one probe for each.
    pub(super) drawn: Vec<Vec<Drawn>>,
    /// What forbids may speak of: no required flow is held to that.
    pub(super) forbidden: Vec<Region>,
}

impl<'a> Promises<'a> {
    pub(super) fn new(fabric: &'a Fabric<'a>, network: &Network, wanted: &[usize]) -> Self {
        let flows = &fabric.policy.flows;
        let wanted = wanted.iter();
        let flows: Vec<(usize, &Flow)> =
            wanted.filter_map(|i| Some((*i, flows.get(*i)?))).collect();
        let each: Vec<&Flow> = flows.iter().map(|(_, flow)| *flow).collect();
        Self {
            drawn: asked::promised(fabric, network, &each),
            forbidden: if each.iter().any(|flow| flow.allows()) {
                forbidden(fabric, network)
            } else {
                Vec::new()
            },
            flows,
        }
    }

    /// Judges them; their packets are the rows of the lab from `first`.
    pub(super) fn judge(&self, lab: &mut Lab<'_>, first: usize, proven: &Proven) -> Vec<Trial> {
        let mut out = Vec::new();
        for (row, (index, flow)) in (first..).zip(&self.flows) {
            let Some(name) = name(flow) else {
                continue;
            };
            let unmet = proven.unmet.iter().find(|u| u.flow == *index);
            let (ruling, assumes) = match unmet {
                Some(unmet) if unmet.partly => (
                    Ruling::Passed,
                    vec![format!(
                        "it says `any` and does not need all of it: {} does not pass",
                        unmet.witness
                    )],
                ),
                Some(unmet) => (stopped(lab.network, flow, unmet), Vec::new()),
                None => {
                    let packets = lab.packets.get(row).and_then(|row| row.first()).cloned();
                    let packets = packets.unwrap_or_default();
                    let six = proven.one_family.contains(index);
                    self.kept(lab, flow, packets, six)
                }
            };
            out.push(Trial {
                name,
                generated: true,
                span: flow.spans.whole,
                probes: vec![Judged {
                    span: flow.spans.whole,
                    expect: expected(flow),
                    ruling,
                    assumes,
                }],
            });
        }
        out
    }

    /// What of a flow is promised, judged as a probe, and what is taken for granted. `six` says that
    /// IPv6 has no way and that this is told.
    fn kept(
        &self,
        lab: &mut Lab<'_>,
        flow: &Flow,
        mut packets: Packets,
        six: bool,
    ) -> (Ruling, Vec<String>) {
        let all = AddressSet::all();
        let mut excused = vec![lab.space.box_of(&all, &platform())];
        if !lab.fabric.names_platform() {
            excused.push(lab.space.box_of(&platform(), &all));
        }
        if six {
            let v6 = all.only(Family::V6);
            excused.push(lab.space.box_of(&v6, &v6));
        }
        if flow.allows() {
            excused.push(lab.space.regions(&self.forbidden));
        }
        let excused = lab.space.unite(excused);
        packets.judged = lab.space.subtract(packets.judged, excused);
        // Who says `any` does not say that a way leads everywhere, nor that all ways are known.
        let nowhere = lab.runs.iter().filter(|run| run.end != End::There);
        let nowhere = nowhere.map(|run| run.region).collect();
        let nowhere = lab.space.unite(nowhere);
        let nowhere = lab.space.subtract(nowhere, packets.named);
        let narrow = lab.space.subtract(packets.judged, nowhere);
        let mut assumes = Vec::new();
        if narrow != packets.judged && !lab.space.is_empty(narrow) {
            let left = lab.space.intersect(packets.judged, nowhere);
            if let Some(witness) = lab.space.witness(left) {
                assumes.push(format!(
                    "it says `any` and does not need all of it: no way that is known leads {witness}"
                ));
            }
            packets.judged = narrow;
        }
        let probe = ModelProbe {
            expect: expected(flow),
            traffic: flow.traffic.clone(),
            from: flow.from.clone(),
            to: flow.to.clone(),
            at: None,
            by: None,
            spans: ProbeSpans::default(),
        };
        match ruling(lab, &probe, &packets) {
            // A flow may hold nothing, or lie where nothing is declared: that is no promise broken.
            Ruling::Empty(why) => (Ruling::Passed, vec![why.to_owned()]),
            Ruling::Passed => {
                assumes.extend(wayless(lab, &probe, &packets));
                (Ruling::Passed, assumes)
            }
            other => (other, Vec::new()),
        }
    }
}

fn expected(flow: &Flow) -> Expect {
    if flow.allows() {
        Expect::Allow
    } else {
        Expect::Deny
    }
}

/// What forbids may speak of: names wherever they lead.
fn forbidden(fabric: &Fabric<'_>, network: &Network) -> Vec<Region> {
    let denoter = Denoter::new(fabric);
    let flows = fabric.policy.flows.iter();
    let forbids = flows.filter(|flow| flow.tier == Tier::Forbid);
    let parts = forbids.flat_map(|flow| {
        denoter.parts(
            &flow.from,
            &flow.to,
            &flow.traffic,
            flow.source_ports.as_ref(),
        )
    });
    let regions = parts.map(|part| {
        let by_address = part.region.names == Names::Any;
        let destination = if by_address {
            part.region.destination.clone()
        } else if part.region.destination.symbols.is_empty() {
            Addresses::any()
        } else {
            Addresses {
                within: None,
                ..part.region.destination.clone()
            }
        };
        Region {
            destination,
            ..part.region
        }
    });
    regions
        .flat_map(|region| network.facts.narrowed(region))
        .collect()
}

/// What the proof found.
fn stopped(network: &Network, flow: &Flow, unmet: &Unmet) -> Ruling {
    let witness = unmet.witness.clone();
    let facts = knowing(&network.facts, &witness);
    let journeys = walk_knowing(network, &(&witness).into(), &facts);
    let verdict = if flow.allows() {
        Verdict::Deny
    } else {
        Verdict::Allow
    };
    let shown = Box::new(Shown {
        verdict: (!unmet.maybe).then_some(verdict),
        journey: journeys.into_iter().next(),
        witness,
    });
    if unmet.maybe {
        let mut on: Vec<Doubt> = doubts(&shown.witness, &Default::default());
        if on.is_empty() {
            on.push(Doubt {
                on: "it hangs on what nobody told".to_owned(),
                symbol: false,
                assume: None,
            });
        }
        return Ruling::Undecided(shown, on);
    }
    Ruling::Failed(shown)
}
