//! `required` flows as tests of their own: what the proof finds of them, in the form of tests.

use crate::backends::Context;
use crate::model::Flow;
use crate::model::verify::Expect;
use crate::packet::Verdict;
use crate::proof::{Proven, Unmet};
use crate::reach::{Network, walk_knowing};
use crate::syntax::ast::Need;

use super::ruling::doubts;
use super::shown::knowing;
use super::{Doubt, Judged, Ruling, Shown, Trial, Wanted};

/// The name of the test that a flow is, if it is one.
#[must_use]
pub fn name(flow: &Flow) -> Option<String> {
    (flow.need == Some(Need::Required)).then(|| format!("required {}", flow.id.text()))
}

/// The promises that are wanted.
pub(super) fn judge(
    context: &Context<'_>,
    network: &Network,
    wanted: &Wanted<'_>,
    proven: &Proven,
) -> Vec<Trial> {
    let flows = &context.fabric.policy.flows;
    let one = |index: &usize| {
        let flow = flows.get(*index)?;
        let unmet = proven.unmet.iter().find(|u| u.flow == *index);
        let (ruling, assumes) = match unmet {
            None => (Ruling::Passed, Vec::new()),
            Some(unmet) if unmet.partly => (
                Ruling::Passed,
                vec![format!(
                    "it says `any` and does not need all of it: {} does not pass",
                    unmet.witness
                )],
            ),
            Some(unmet) => (ruling(network, flow, unmet), Vec::new()),
        };
        Some(Trial {
            name: name(flow)?,
            generated: true,
            span: flow.spans.whole,
            probes: vec![Judged {
                span: flow.spans.whole,
                expect: if flow.allows() {
                    Expect::Allow
                } else {
                    Expect::Deny
                },
                ruling,
                assumes,
            }],
        })
    };
    wanted.promises.iter().filter_map(one).collect()
}

fn ruling(network: &Network, flow: &Flow, unmet: &Unmet) -> Ruling {
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
