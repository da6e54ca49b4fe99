//! What a policy says about itself: tests with their probes, and assumptions. Nothing is run here and
//! no rule comes of it.

use std::collections::BTreeSet;

pub use crate::syntax::ast::Expect;

use crate::source::Span;

use super::endpoint::Endpoint;
use super::service::Traffic;
use super::{FlowId, Layer};

/// A fact that the policy states about things whose content nobody told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What stands left of `in` or `apart`.
    pub left: Endpoint,
    /// What stands right of it.
    pub right: Endpoint,
    /// Both ends.
    pub span: Span,
}

/// One `test` of one instance, for one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestBlock {
    /// The instance whose names it uses, outermost first; empty for the root module.
    pub instance: Vec<String>,
    /// Its name; unique in its module.
    pub name: String,
    /// The name's place.
    pub span: Span,
    /// What it sets differently from the environment. The probes here are then those of the
    /// environment as it is: `resolve::resolve_with` gives the policy to ask, with the probes to ask
    /// it.
    pub with: Option<Overrides>,
    /// What must hold.
    pub probes: Vec<ModelProbe>,
}

impl TestBlock {
    /// `instance::name`; the name alone in the root module.
    #[must_use]
    pub fn path(&self) -> String {
        let mut parts: Vec<&str> = self.instance.iter().map(String::as_str).collect();
        parts.push(&self.name);
        parts.join("::")
    }
}

/// The `with` of a test, without `env`, which says where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrides {
    /// The block.
    pub span: Span,
    /// The keys that it sets: parameters and `enable`.
    pub keys: Vec<String>,
}

/// One probe: packets and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelProbe {
    /// What is expected.
    pub expect: Expect,
    /// Protocols and ports, with those behind the destination.
    pub traffic: Traffic,
    /// Source.
    pub from: Endpoint,
    /// Destination.
    pub to: Endpoint,
    /// The layer that is asked; the whole path if absent.
    pub at: Option<Layer>,
    /// What must be what decides.
    pub by: Option<Decider>,
    /// Places.
    pub spans: ProbeSpans,
}

/// What a probe says decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// `by default`: no flow does.
    Default,
    /// One of these flows or translations, as `instance::group::label`. A label alone may stand in
    /// several groups.
    Flow(BTreeSet<String>),
}

impl Decider {
    /// Whether a flow is one that is meant; either half of a `between` is.
    #[must_use]
    pub fn names(&self, id: &FlowId) -> bool {
        match self {
            Self::Default => false,
            Self::Flow(ids) => {
                let whole = FlowId {
                    way: None,
                    ..id.clone()
                };
                ids.contains(&whole.text())
            }
        }
    }
}

/// Places inside a probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeSpans {
    /// The probe.
    pub whole: Span,
    /// The expectation.
    pub expect: Span,
    /// Services.
    pub services: Span,
    /// Source.
    pub from: Span,
    /// Destination.
    pub to: Span,
    /// The layer.
    pub at: Option<Span>,
    /// What decides.
    pub by: Option<Span>,
}
