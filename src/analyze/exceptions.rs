//! Exceptions carry a ticket and an end, always. Other flows are judged by what the settings ask.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Flow, Tier};

use super::{Scene, label, listed};

/// Tells exceptions without a ticket or an end.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for flow in scene.own_flows().filter(|f| f.tier == Tier::Exception) {
        let mut missing = Vec::new();
        if flow.ticket.is_none() {
            missing.push("`ticket`".to_owned());
        }
        if flow.until.is_none() {
            missing.push("`until`".to_owned());
        }
        if !missing.is_empty() {
            sink.push(unbounded(flow, &missing));
        }
    }
}

fn unbounded(flow: &Flow, missing: &[String]) -> Diagnostic {
    Diagnostic::new(
        Code::PC6006,
        flow.spans.whole,
        format!("exception `{}` has no {}", label(flow), listed(missing)),
    )
    .label(format!("overrides `{}`", flow.overrides.join("`, `")))
    .help("write who agreed and until when, for example `ticket SEC-1 until 2027-06-30`")
    .note(
        "an exception takes effect against a deny; without an end it is a hole that nobody closes",
    )
}
