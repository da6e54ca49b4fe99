//! What is said of a proof that fails, and of required flows that are stopped.

use crate::backends::{Context, Lowered};
use crate::diag::internal::internal;
use crate::diag::{Code, Diagnostic, Severity};
use crate::packet::{Probe, Verdict};
use crate::reach::{Network, Traces, walk};

use super::findings::{Place, Proven, Unmet, Violation};
use super::theorem::NoProof;

/// The diagnostics of a proof. `network` is what was proven about.
#[must_use]
pub fn tell(
    context: &Context<'_>,
    network: &Network,
    lowered: &Lowered,
    proven: &Proven,
) -> Vec<Diagnostic> {
    let traces = Traces::new(&lowered.traces);
    let mut out = tell_violations(context, network, proven);
    out.extend(
        proven
            .unmet
            .iter()
            .filter_map(|u| unmet(context, network, &traces, u)),
    );
    out
}

/// What is our own fault in a proof.
#[must_use]
pub fn tell_violations(
    context: &Context<'_>,
    network: &Network,
    proven: &Proven,
) -> Vec<Diagnostic> {
    let shown = proven.shown().into_iter();
    shown.map(|v| violated(context, network, v)).collect()
}

/// PC9004: the output does not mean what was asked.
fn violated(context: &Context<'_>, network: &Network, violation: &Violation) -> Diagnostic {
    let flows = match violation.flows.as_slice() {
        [] => "no flow speaks of it".to_owned(),
        some => format!("flows: {}", some.join(", ")),
    };
    let Violation {
        which,
        witness,
        place,
        ..
    } = violation;
    let (whose, why) = match place {
        None => (String::new(), steps(network, violation)),
        Some((place, rule)) => {
            let rule = rule.as_deref();
            let by = |what| rule.map_or("by default".to_owned(), |rule| format!("{what}`{rule}`"));
            match place {
                Place::Group(key, outbound) => {
                    let side = if *outbound { "outbound" } else { "inbound" };
                    (format!("{side} in NSG `{key}`: "), by("decided by "))
                }
                Place::Firewall(key) => (format!("at firewall `{key}`: "), by("decided by ")),
                Place::Routes(key) => (format!("in the routes of subnet `{key}`: "), by("to ")),
            }
        }
    };
    internal(format!(
        "the output of environment `{}` is not what the policy asks: {whose}{}; packet {witness}",
        context.fabric.policy.environment,
        which.words(),
    ))
    .note(format!("{flows}; {why}"))
}

fn steps(network: &Network, violation: &Violation) -> String {
    let probe = Probe::from(&violation.witness);
    let mut out: Vec<String> = Vec::new();
    for journey in walk(network, &probe) {
        for step in &journey.steps {
            let Some(filter) = network.filter(&step.station) else {
                continue;
            };
            let word = crate::reach::question::word(step.verdict);
            let rule = step
                .decision
                .as_ref()
                .and_then(|d| d.rule)
                .and_then(|i| filter.rules.get(i));
            out.push(match rule {
                Some(rule) => format!("{word} by `{}` of `{}`", rule.path, rule.resource),
                None => format!("{word} by default"),
            });
        }
    }
    if out.is_empty() {
        return "no layer with rules on its way".to_owned();
    }
    out.join(", then ")
}

/// PC9004: a firewall policy is not the one that was asked for, its rules aside.
pub(super) fn misset(environment: &str, what: &str) -> Diagnostic {
    internal(format!(
        "the output of environment `{environment}` is not what the policy asks: {what}"
    ))
}

/// PC9004: the output could not be compared.
#[must_use]
pub fn unproven(environment: &str, why: &NoProof) -> Diagnostic {
    match why {
        NoProof::Unreadable(unreadable) => internal(format!(
            "the output of environment `{environment}` could not be read back: {unreadable}"
        )),
        NoProof::Exhausted(_) => internal(format!(
            "the output of environment `{environment}` was not proven: {why}"
        ))
        .help("split the project, or compile with `--no-prove`, which the manifest then says"),
    }
}

/// PC4003 and PC4019: a required flow is stopped, or may be; a required deny lets a packet through.
fn unmet(
    context: &Context<'_>,
    network: &Network,
    traces: &Traces,
    unmet: &Unmet,
) -> Option<Diagnostic> {
    let policy = context.fabric.policy;
    let flow = policy.flows.get(unmet.flow)?;
    let probe = Probe::from(&unmet.witness);
    let environment = &policy.environment;
    let (stop, kind, fate) = if flow.allows() {
        (stopping(network, &probe), "flow", ("stopped", "allowed"))
    } else {
        (passing(network, &probe), "deny", ("let through", "denied"))
    };
    if unmet.maybe {
        let assumed: Vec<String> = unmet
            .witness
            .assuming
            .iter()
            .map(ToString::to_string)
            .collect();
        let (wrong, right) = fate;
        return Some(
            Diagnostic::new(
                Code::PC4019,
                flow.spans.whole,
                format!(
                    "required {kind} `{}` may be {wrong} in environment `{environment}`: nobody told whether the {}",
                    flow.id.text(),
                    assumed.join(", the ")
                ),
            )
            .label(format!("{right} only if it is otherwise"))
            .help("state the fact with `assume`, or name the ends exactly")
            .note(stop)
            .packet(probe.to_string()),
        );
    }
    let d = Diagnostic::new(
        Code::PC4003,
        flow.spans.whole,
        if !flow.allows() {
            format!(
                "required deny `{}` is not denied from end to end in environment `{environment}`",
                flow.id.text()
            )
        } else if unmet.partly {
            format!(
                "not all of required flow `{}` is allowed from end to end in environment `{environment}`",
                flow.id.text()
            )
        } else if unmet.forbidden {
            format!(
                "a forbid matches all of required flow `{}` in environment `{environment}`",
                flow.id.text()
            )
        } else {
            format!(
                "required flow `{}` is not allowed from end to end in environment `{environment}`",
                flow.id.text()
            )
        },
    )
    .label(if flow.allows() {
        "required, and stopped on its way"
    } else {
        "required, and let through"
    })
    .help(if flow.allows() {
        "narrow what stops it, let an exception override it, or drop `required`"
    } else {
        "narrow what lets it through: nothing may override a required deny; or drop `required`"
    })
    .note(stop)
    .packet(unmet.witness.to_string());
    // Who writes `any` for a service does not say that every port of it is needed.
    let d = if unmet.partly {
        d.severity(Severity::Warning)
    } else {
        d
    };
    // The flow behind the rule that stops it, or lets it through.
    let journeys = walk(network, &probe);
    let rule = journeys
        .iter()
        .filter_map(|j| j.deciding(network))
        .find_map(|s| network.rule(s));
    let behind: &[String] = rule
        .and_then(|rule| traces.of(rule))
        .map_or(&[], |(_, flows)| flows);
    let against = policy
        .flows
        .iter()
        .find(|other| other.allows() != flow.allows() && behind.contains(&other.id.text()));
    Some(match against {
        Some(other) if flow.allows() => d.also(other.spans.whole, "denied here"),
        Some(other) => d.also(other.spans.whole, "let through here"),
        None => d,
    })
}

/// `: deny at nsg-a by rule x`.
fn stopping(network: &Network, probe: &Probe) -> String {
    for journey in walk(network, probe) {
        for step in &journey.steps {
            if step.verdict == Some(Verdict::Allow) {
                continue;
            }
            let word = crate::reach::question::word(step.verdict);
            return match network.rule(step) {
                Some(rule) => format!("{word} by `{}` of `{}`", rule.path, rule.resource),
                None => format!("{word} by the default of the {}", step.layer().word()),
            };
        }
    }
    "no way leads there".to_owned()
}

/// `allow by rule x of nsg-a`.
fn passing(network: &Network, probe: &Probe) -> String {
    let journeys = walk(network, probe);
    let deciding = journeys.iter().find_map(|j| j.deciding(network));
    match deciding.and_then(|step| network.rule(step)) {
        Some(rule) => format!(
            "{} by `{}` of `{}`",
            rule.verdict.word(),
            rule.path,
            rule.resource
        ),
        None => "no rule on its way stops it".to_owned(),
    }
}
