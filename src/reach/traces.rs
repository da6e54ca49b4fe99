//! Which flows are behind a rule that a layer reads. Rules are known by the names of their resource
//! and their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backends::resource::ResourceId;
use crate::backends::{Role, RuleTrace};
use crate::packet::Rule;

/// Rules of an environment with the flows behind them; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// By the names of the resource and the rule, lower case.
    rules: Arc<BTreeMap<String, (Role, Vec<String>)>>,
}

impl Traces {
    /// From what the lowering kept.
    #[must_use]
    pub fn new(traces: &[RuleTrace]) -> Self {
        Self::of_all(traces, |id| ResourceId::parse(id).names().join("/"))
    }

    /// The same where resources are told by their names, `policy/group`.
    #[must_use]
    pub fn named_so(traces: &[RuleTrace]) -> Self {
        Self::of_all(traces, str::to_owned)
    }

    fn of_all(traces: &[RuleTrace], names: impl Fn(&str) -> String) -> Self {
        let mut rules: BTreeMap<String, (Role, Vec<String>)> = BTreeMap::new();
        // The rules of a resource follow each other.
        let mut resource = ("", String::new());
        for trace in traces {
            if resource.0 != trace.resource {
                resource = (&trace.resource, names(&trace.resource));
            }
            rules
                .entry(key(&resource.1, &trace.rule))
                .or_insert_with(|| (trace.role, Vec::new()))
                .1
                .extend(trace.flows.iter().cloned());
        }
        Self {
            rules: Arc::new(rules),
        }
    }

    /// What a rule of a layer is to its flows, and their ids; `None` if nothing is known of it.
    #[must_use]
    pub fn of(&self, rule: &Rule) -> Option<(Role, &[String])> {
        self.placed(&rule.resource, &rule.path)
    }

    /// The same of a rule or a translation by the resource that holds it and its path there.
    #[must_use]
    pub fn placed(&self, resource: &str, path: &str) -> Option<(Role, &[String])> {
        let parts: Vec<&str> = path.split('/').collect();
        let name = parts.last().copied().unwrap_or_default();
        // A rule of a policy is in a group of it: `group/collection/rule`.
        let below = match parts.as_slice() {
            [group, _, name] => self.named(&format!("{resource}/{group}"), name),
            _ => None,
        };
        below.or_else(|| self.named(resource, name))
    }

    /// The same by the names of the resource and the rule.
    #[must_use]
    pub fn named(&self, resource: &str, rule: &str) -> Option<(Role, &[String])> {
        self.rules
            .get(&key(resource, rule))
            .map(|(role, flows)| (*role, flows.as_slice()))
    }
}

fn key(resource: &str, rule: &str) -> String {
    format!("{resource}/{rule}").to_lowercase()
}
