//! Flows that are not in force in an environment: remembered for reports, and for nothing else.

use crate::model::{Idle, Policy};
use crate::syntax::ast::{self, ClauseKind, Need};

use super::flows::Clauses;
use super::world::{InstanceId, World};

impl World<'_, '_> {
    /// Remembers a flow that is not in force, if it can be named.
    pub(super) fn idle(
        &self,
        instance: InstanceId,
        group: &str,
        flow: &ast::Flow,
        clauses: &Clauses<'_>,
        not_enabled: bool,
        policy: &mut Policy,
    ) {
        let Some(label) = &flow.label else {
            return;
        };
        policy.idle.push(Idle {
            id: self.id(instance, group, Some(label), String::new),
            not_enabled,
            optional: flow.need.as_ref().map(|n| n.node) == Some(Need::Optional),
            purpose: clauses.find(|k| match k {
                ClauseKind::For(text) => Some(text.node.clone()),
                _ => None,
            }),
            owner: clauses.find(|k| match k {
                ClauseKind::Owner(text) => Some(text.text.node.clone()),
                _ => None,
            }),
            span: flow.verb.span.to(label.span),
        });
    }
}
