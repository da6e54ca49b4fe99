//! What a rule of the output is to the policy: one of ours, an envelope, a guard, a default, or
//! foreign. It knows rules by the names of their resource and their own.

use std::collections::BTreeMap;

use crate::backends::resource::ResourceId;
use crate::backends::{Lowered, Role};
use crate::packet::Rule;

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

/// The rules of an environment.
pub(super) struct Roles {
    rules: BTreeMap<String, Role>,
}

impl Roles {
    pub(super) fn new(lowered: &Lowered) -> Self {
        let rules = lowered
            .traces
            .iter()
            .map(|trace| {
                let names = ResourceId::parse(&trace.resource).names().join("/");
                (key(&names, &trace.rule), trace.role)
            })
            .collect();
        Self { rules }
    }

    pub(super) fn of(&self, rule: &Rule) -> Part {
        if rule.built_in {
            return Part::Default;
        }
        let parts: Vec<&str> = rule.path.split('/').collect();
        let name = parts.last().copied().unwrap_or_default();
        let here = self.rules.get(&key(&rule.resource, name));
        // A rule of a policy is in a group of it: `group/collection/rule`.
        let below = match parts.as_slice() {
            [group, _, name] => self
                .rules
                .get(&key(&format!("{}/{group}", rule.resource), name)),
            _ => None,
        };
        match here.or(below) {
            Some(Role::Exact) => Part::Exact,
            Some(Role::Envelope) => Part::Envelope,
            Some(Role::Guard) => Part::Guard,
            None if matches!(name, "default-inbound" | "default-outbound") => Part::Default,
            None => Part::Foreign,
        }
    }
}

fn key(resource: &str, rule: &str) -> String {
    format!("{resource}/{rule}").to_lowercase()
}
