//! Which flow is behind which rule, and where it is written. For resources that no source is known of
//! it is empty.

use std::collections::BTreeMap;

use crate::backends::Lowered;
use crate::backends::resource::ResourceId;
use crate::driver::Stage;
use crate::packet::Rule;

/// A statement behind a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// `instance::group::label`.
    pub(super) id: String,
    /// `file:line`; empty if nobody wrote it.
    pub(super) place: String,
    /// `for`.
    pub(super) purpose: Option<String>,
    /// `owner`.
    pub(super) owner: Option<String>,
}

/// The statements behind the rules of one environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Behind {
    statements: BTreeMap<String, Statement>,
    /// By the names of the resource and the rule, lower case.
    rules: BTreeMap<String, Vec<String>>,
}

impl Behind {
    /// What is behind the rules of an environment. `shown` makes a file's name one for people.
    pub(super) fn new(
        stage: &Stage<'_>,
        lowered: &Lowered,
        shown: &dyn Fn(&str) -> String,
    ) -> Self {
        let policy = stage.context.fabric.policy;
        let mut out = Self::default();
        let place = |span| {
            let (file, line, _) = stage.sources.place(span);
            if line == 0 || file.is_empty() {
                String::new()
            } else {
                format!("{}:{line}", shown(&file))
            }
        };
        let flows = policy.flows.iter().map(|f| {
            (
                f.id.text(),
                f.spans.whole,
                f.purpose.clone(),
                f.owner.clone(),
            )
        });
        let dnats = policy.dnats.iter().map(|d| {
            (
                d.id.text(),
                d.spans.whole,
                d.purpose.clone(),
                d.owner.clone(),
            )
        });
        let routes = policy
            .routes
            .iter()
            .map(|r| (r.id.text(), r.span, None, r.owner.clone()));
        for (id, span, purpose, owner) in flows.chain(dnats).chain(routes) {
            out.statements.insert(
                id.clone(),
                Statement {
                    id,
                    place: place(span),
                    purpose,
                    owner,
                },
            );
        }
        for trace in &lowered.traces {
            let names = ResourceId::parse(&trace.resource).names().join("/");
            out.rules
                .entry(key(&names, &trace.rule))
                .or_default()
                .extend(trace.flows.iter().cloned());
        }
        out
    }

    /// The statements behind a rule of a layer.
    pub(super) fn of(&self, rule: &Rule) -> Vec<&Statement> {
        let parts: Vec<&str> = rule.path.split('/').collect();
        let name = parts.last().copied().unwrap_or_default();
        let mut keys = vec![key(&rule.resource, name)];
        // A rule of a policy is in a group of it: `group/collection/rule`.
        if let [group, _, name] = parts.as_slice() {
            keys.push(key(&format!("{}/{group}", rule.resource), name));
        }
        keys.iter()
            .filter_map(|k| self.rules.get(k))
            .flatten()
            .filter_map(|id| self.statements.get(id))
            .collect()
    }

    /// The statements behind a route, or another rule, by the names of resource and rule.
    pub(super) fn named(&self, resource: &str, rule: &str) -> Vec<&Statement> {
        self.rules
            .get(&key(resource, rule))
            .into_iter()
            .flatten()
            .filter_map(|id| self.statements.get(id))
            .collect()
    }
}

fn key(resource: &str, rule: &str) -> String {
    format!("{resource}/{rule}").to_lowercase()
}
