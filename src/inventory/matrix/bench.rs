//! Probes asked of the emitted resources, as the policy's tests are. What is asked is decided elsewhere.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::inventory::Seen;
use crate::model::endpoint::Endpoint;
use crate::model::service::Traffic;
use crate::model::verify::{Expect, ModelProbe, ProbeSpans, TestBlock};
use crate::packet::Witness;
use crate::query::typed;
use crate::reach::{Network, Traces};
use crate::source::Span;
use crate::trials::{Judged, Ruling, Shown, Wanted, judge};

/// What a probe came to.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) ruling: Outcome,
    /// What it hangs on, or what decides.
    pub(super) why: Option<String>,
    pub(super) packet: Option<String>,
    /// The flows behind the rules that it meets, if it shows a packet.
    pub(super) by: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Holds,
    Fails,
    Open,
    Nowhere,
}

impl Verdict {
    pub(super) fn passed(&self) -> bool {
        self.ruling == Outcome::Holds
    }
}

/// What is asked, and of what.
pub(super) struct Bench<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) network: &'a Network,
    pub(super) traces: Traces,
    pub(super) flows: BTreeMap<&'a str, usize>,
    pub(super) told: Vec<Diagnostic>,
}

impl Bench<'_> {
    pub(super) fn judge(&mut self, probes: Vec<ModelProbe>) -> Result<Vec<Verdict>, String> {
        if probes.is_empty() {
            return Ok(Vec::new());
        }
        let test = TestBlock {
            instance: Vec::new(),
            name: "report".to_owned(),
            span: Span::default(),
            with: None,
            probes,
        };
        let wanted = Wanted {
            tests: vec![&test],
            ..Wanted::default()
        };
        let Seen {
            context,
            lowered,
            told,
            ..
        } = self.seen;
        let findings =
            judge(context, self.network, lowered, &wanted, told).map_err(|why| why.to_string())?;
        self.told.extend(findings.diagnostics);
        let trials = findings.trials.iter();
        Ok(trials
            .flat_map(|trial| &trial.probes)
            .map(|judged| self.verdict(judged))
            .collect())
    }

    fn verdict(&self, judged: &Judged) -> Verdict {
        let nothing = |ruling, why| Verdict {
            ruling,
            why,
            packet: None,
            by: Vec::new(),
        };
        match &judged.ruling {
            Ruling::Passed => nothing(Outcome::Holds, None),
            Ruling::Failed(shown) | Ruling::NotBy(shown) => Verdict {
                ruling: Outcome::Fails,
                why: self.decider(shown),
                packet: arguments(&shown.witness),
                by: self.behind(shown),
            },
            Ruling::Undecided(shown, doubts) => {
                let on: Vec<&str> = doubts.iter().map(|doubt| doubt.on.as_str()).collect();
                Verdict {
                    ruling: Outcome::Open,
                    why: Some(format!("hangs on {}", on.join(", "))),
                    packet: arguments(&shown.witness),
                    by: Vec::new(),
                }
            }
            Ruling::Empty(why) => nothing(Outcome::Nowhere, Some((*why).to_owned())),
        }
    }

    /// The rule that decides, with its resource.
    fn decider(&self, shown: &Shown) -> Option<String> {
        let step = shown.journey.as_ref()?.deciding(self.network)?;
        match self.network.rule(step) {
            Some(rule) => Some(format!("`{}` of `{}`", rule.path, rule.resource)),
            None if step.verdict == Some(crate::packet::Verdict::Deny) => {
                Some("the default of a layer".to_owned())
            }
            None => Some("no layer with rules".to_owned()),
        }
    }

    fn behind(&self, shown: &Shown) -> Vec<usize> {
        let Some(journey) = &shown.journey else {
            return Vec::new();
        };
        let Some(step) = journey.deciding(self.network) else {
            return Vec::new();
        };
        let found = match (self.network.rule(step), &step.translation) {
            (Some(rule), _) => self.traces.of(rule),
            (None, Some(one)) => self.traces.placed(&one.resource, &one.path),
            (None, None) => None,
        };
        let ids = found.map(|(_, flows)| flows).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.flows.get(id.as_str()).copied())
            .collect()
    }
}

/// A packet as arguments of `explain`.
pub(super) fn arguments(witness: &Witness) -> Option<String> {
    // A packet that has to be assumed to be what a tag holds shows nothing that can be tried.
    witness
        .assuming
        .is_empty()
        .then(|| typed(witness, true))
        .flatten()
}

pub(super) fn probe(
    from: &Endpoint,
    to: &Endpoint,
    traffic: &Traffic,
    expect: Expect,
) -> ModelProbe {
    ModelProbe {
        expect,
        traffic: traffic.clone(),
        from: from.clone(),
        to: to.clone(),
        at: None,
        by: None,
        spans: ProbeSpans::default(),
    }
}
