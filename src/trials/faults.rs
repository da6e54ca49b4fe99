//! What is said of tests that do not hold: the packet, what was expected of it, what becomes of it,
//! and which rule decides.

use crate::backends::Context;
use crate::diag::internal::internal;
use crate::diag::{Code, Diagnostic};
use crate::model::verify::{Expect, ModelProbe, TestBlock};
use crate::packet::Verdict;
use crate::reach::question::end_reason;
use crate::reach::{Network, Step, Traces};
use crate::source::Span;

use super::{Doubt, Judged, Ruling, Shown, Trial};

/// What all of them need.
struct Telling<'a> {
    context: &'a Context<'a>,
    network: &'a Network,
    traces: &'a Traces,
}

/// The faults of a trial; `test` is what it comes from, if it is no promise.
pub(super) fn of_trial(
    context: &Context<'_>,
    network: &Network,
    traces: &Traces,
    test: Option<&TestBlock>,
    trial: &Trial,
) -> Vec<Diagnostic> {
    let telling = Telling {
        context,
        network,
        traces,
    };
    let probes = trial.probes.iter().enumerate();
    probes
        .filter_map(|(at, judged)| {
            let probe = test.and_then(|test| test.probes.get(at));
            telling.fault(&trial.name, judged, probe)
        })
        .collect()
}

/// PC9004: sets and walk differ.
pub(super) fn disagreement(environment: &str, what: &str) -> Diagnostic {
    internal(format!(
        "a test of environment `{environment}` was not judged alike twice: {what}"
    ))
}

impl Telling<'_> {
    fn fault(&self, name: &str, judged: &Judged, probe: Option<&ModelProbe>) -> Option<Diagnostic> {
        Some(match &judged.ruling {
            Ruling::Passed => return None,
            Ruling::Failed(shown) => self.failed(name, judged, shown),
            Ruling::NotBy(shown) => self.not_by(name, judged, shown, probe?),
            Ruling::Undecided(shown, doubts) => self.undecided(name, judged, shown, doubts),
            Ruling::Empty(why) => self.empty(name, judged, why),
        })
    }

    /// PC8001
    fn failed(&self, name: &str, judged: &Judged, shown: &Shown) -> Diagnostic {
        let expected = match judged.expect {
            Expect::Allow => "expected to be allowed, and this packet of it is not",
            Expect::Deny => "expected to be denied, and this packet of it is not",
            Expect::Reach => "expected that some of it is allowed, and none is",
        };
        let d = Diagnostic::new(
            Code::PC8001,
            judged.span,
            format!("test failed: {name}{}", self.environment()),
        )
        .label(expected.replace("this packet", "a packet"));
        self.packet(d, shown)
    }

    /// PC8004
    fn not_by(&self, name: &str, judged: &Judged, shown: &Shown, probe: &ModelProbe) -> Diagnostic {
        let written = self.by(probe);
        let d = Diagnostic::new(
            Code::PC8004,
            probe.spans.by.unwrap_or(judged.span),
            format!(
                "`{written}` did not decide: test {name}{}",
                self.environment()
            ),
        )
        .label(format!("decided by {}", self.decider(shown)));
        self.packet(d, shown)
    }

    /// PC8005
    fn undecided(
        &self,
        name: &str,
        judged: &Judged,
        shown: &Shown,
        doubts: &[Doubt],
    ) -> Diagnostic {
        let on: Vec<&str> = doubts.iter().map(|d| d.on.as_str()).collect();
        let word = match doubts.first() {
            Some(doubt) if doubt.symbol => "it depends on ",
            _ => "",
        };
        let d = Diagnostic::new(
            Code::PC8005,
            judged.span,
            format!(
                "probe cannot be decided: {word}{}: test {name}{}",
                on.join(", "),
                self.environment()
            ),
        )
        .label("may hold, and may not");
        let d = match doubts.iter().find_map(|doubt| doubt.assume.as_ref()) {
            Some(assume) => d.help(format!(
                "state what you know, for example `{assume}`, or name it in the probe"
            )),
            None => d.help("ask for packets of which it is known, or declare what is missing"),
        };
        self.packet(d, shown)
    }

    /// PC8006
    fn empty(&self, name: &str, judged: &Judged, why: &str) -> Diagnostic {
        Diagnostic::new(
            Code::PC8006,
            judged.span,
            format!("probe covers no packet: test {name}{}", self.environment()),
        )
        .label(why)
        .help("correct its ends, or take the probe away: it says nothing")
    }

    fn environment(&self) -> String {
        match self.context.fabric.policy.environment.as_str() {
            "default" => String::new(),
            name => format!(" (environment `{name}`)"),
        }
    }

    /// What stands behind `by`.
    fn by(&self, probe: &ModelProbe) -> String {
        match &probe.by {
            Some(crate::model::verify::Decider::Flow(ids)) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                ids.join("`, `")
            }
            _ => "default".to_owned(),
        }
    }

    /// Adds the packet with what becomes of it, and the statement that decides.
    fn packet(&self, d: Diagnostic, shown: &Shown) -> Diagnostic {
        let walked = shown.journey.as_ref().and_then(|j| j.verdict);
        let d = d.packet(shown.witness.to_string());
        let word = match (shown.verdict, walked) {
            (Some(verdict), _) => verdict_word(verdict).to_owned(),
            (None, Some(verdict)) => format!("then {}", verdict_word(verdict)),
            (None, None) => return d,
        };
        let d = d.note(format!("{word} by {}", self.decider(shown)));
        match self.statement(shown) {
            Some((id, span)) => d.also(span, format!("`{id}` decides")),
            None => d,
        }
    }

    fn step<'s>(&self, shown: &'s Shown) -> Option<&'s Step> {
        shown.journey.as_ref()?.deciding(self.network)
    }

    /// The rule that decides, in words.
    fn decider(&self, shown: &Shown) -> String {
        let Some(step) = self.step(shown) else {
            return "nothing that is known".to_owned();
        };
        if let Some(translation) = &step.translation {
            return format!("`{}` of `{}`", translation.path, translation.resource);
        }
        if let Some(rule) = self.network.rule(step) {
            return format!("`{}` of `{}`", rule.path, rule.resource);
        }
        if let Some(reason) = shown.journey.as_ref().and_then(end_reason) {
            return format!("the route: {reason}");
        }
        match step.decision {
            Some(_) => format!("the default of the {}", step.layer().word()),
            None => "no rule: nothing on its way filters it".to_owned(),
        }
    }

    /// The first statement behind it.
    fn statement(&self, shown: &Shown) -> Option<(String, Span)> {
        let step = self.step(shown)?;
        let flows = match (&step.translation, self.network.rule(step)) {
            (Some(t), _) => self.traces.placed(&t.resource, &t.path)?.1,
            (None, Some(rule)) => self.traces.of(rule)?.1,
            _ => return None,
        };
        let id = flows.first()?;
        let policy = self.context.fabric.policy;
        let flow = policy.flows.iter().find(|f| f.id.text() == *id);
        let dnat = policy.dnats.iter().find(|d| d.id.text() == *id);
        let span = flow
            .map(|f| f.spans.whole)
            .or_else(|| dnat.map(|d| d.spans.whole))?;
        Some((id.clone(), span))
    }
}

const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allowed",
        Verdict::Deny => "denied",
    }
}

/// The words with which `explain` tells a packet's way.
#[must_use]
pub fn explain_words(shown: &Shown) -> String {
    let w = &shown.witness;
    let port = |at: String| {
        if w.transport.has_ports() {
            format!("{at}:{}", w.port)
        } else {
            at
        }
    };
    let bracketed = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V6(six) => format!("[{six}]"),
        std::net::IpAddr::V4(four) => four.to_string(),
    };
    match &w.name {
        Some(name) => format!(
            "{} {} {} --address {}",
            w.transport,
            w.source,
            port(name.clone()),
            w.destination
        ),
        None => format!(
            "{} {} {}",
            w.transport,
            w.source,
            port(bracketed(w.destination))
        ),
    }
}
