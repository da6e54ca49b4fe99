//! Which flow is behind which rule, and where it is written. For resources that no source is known of
//! it is empty.

use std::collections::BTreeMap;

use crate::driver::Stage;
use crate::reach::{Network, Step, Traces};

/// A statement behind a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Statement {
    /// `instance::group::label`.
    pub(in crate::cli) id: String,
    /// `file:line`; empty if nobody wrote it.
    pub(in crate::cli) place: String,
    /// `for`.
    pub(in crate::cli) purpose: Option<String>,
    /// `owner`.
    pub(in crate::cli) owner: Option<String>,
}

/// The statements behind the rules of one environment.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Behind {
    statements: BTreeMap<String, Statement>,
    traces: Traces,
}

impl Behind {
    /// What is behind the rules of an environment. `shown` makes a file's name one for people.
    pub(in crate::cli) fn new(
        stage: &Stage<'_>,
        traces: Traces,
        shown: &dyn Fn(&str) -> String,
    ) -> Self {
        let policy = stage.context.fabric.policy;
        let mut out = Self {
            traces,
            ..Self::default()
        };
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
        out
    }

    /// Behind rules of which only the ids of their flows are known.
    pub(in crate::cli) fn bare(traces: Traces) -> Self {
        Self {
            traces,
            ..Self::default()
        }
    }

    /// The statements behind what decided at a step: a rule or a translation.
    pub(in crate::cli) fn at(&self, network: &Network, step: &Step) -> Vec<&Statement> {
        let found = match (network.rule(step), &step.translation) {
            (Some(rule), _) => self.traces.of(rule),
            (None, Some(translation)) => {
                self.traces.placed(&translation.resource, &translation.path)
            }
            (None, None) => None,
        };
        self.statements(found.map(|(_, flows)| flows))
    }

    /// The statements behind a route, or another rule, by the names of resource and rule.
    pub(in crate::cli) fn named(&self, resource: &str, rule: &str) -> Vec<&Statement> {
        self.statements(self.traces.named(resource, rule).map(|(_, flows)| flows))
    }

    /// Where a statement is written.
    pub(in crate::cli) fn place(&self, id: &str) -> String {
        let found = self.statements.get(id);
        found.map(|s| s.place.clone()).unwrap_or_default()
    }

    fn statements(&self, flows: Option<&[String]>) -> Vec<&Statement> {
        flows
            .into_iter()
            .flatten()
            .filter_map(|id| self.statements.get(id))
            .collect()
    }
}
