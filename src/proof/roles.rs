//! What a rule of the output is to the policy: one of ours, an envelope, a guard, a default, or
//! foreign.

use crate::backends::Role;
use crate::packet::Rule;
use crate::reach::Traces;

/// What a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It says what flows say.
    Exact,
    /// It is wider; something behind it narrows it, or it is accepted.
    Envelope,
    /// It keeps envelopes from what goes past the firewall.
    Guard,
    /// It decides what no other rule does.
    Default,
    /// Somebody else's, kept from an export.
    Foreign,
}

/// The part of a rule.
pub(super) fn part(traces: &Traces, rule: &Rule) -> Part {
    if rule.built_in {
        return Part::Default;
    }
    let is_default = matches!(rule.path.as_str(), "default-inbound" | "default-outbound");
    match traces.of(rule) {
        Some((_, [])) if is_default => Part::Default,
        Some((Role::Exact, _)) => Part::Exact,
        Some((Role::Envelope, _)) => Part::Envelope,
        Some((Role::Guard, _)) => Part::Guard,
        None if is_default => Part::Default,
        None => Part::Foreign,
    }
}
