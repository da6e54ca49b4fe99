//! What an answer rests on beside the policy: the catalogue of service tags with its date, and how many
//! assumptions the policy states. Every report says it.

use crate::catalog::Catalog;
use crate::driver::Stage;

/// What answers rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Basis {
    /// The catalogue with its date.
    pub(super) catalogue: String,
    /// Assumptions that the policy states.
    assumptions: usize,
}

impl Basis {
    /// Of an environment.
    pub(super) fn of(stage: &Stage<'_>) -> Self {
        let fabric = stage.context.fabric;
        Self {
            catalogue: fabric.catalog.identity().to_string(),
            assumptions: fabric.policy.apart.len() + fabric.policy.inside.len(),
        }
    }

    /// Of definitions that no policy speaks of.
    pub(super) fn of_catalog(catalog: &Catalog) -> Self {
        Self {
            catalogue: catalog.identity().to_string(),
            assumptions: 0,
        }
    }

    /// In a line; nothing if nothing was asked.
    pub(super) fn line(&self) -> String {
        let assumed = match self.assumptions {
            _ if self.catalogue.is_empty() => return String::new(),
            0 => String::new(),
            1 => ", 1 assumption of the policy".to_owned(),
            more => format!(", {more} assumptions of the policy"),
        };
        format!("service tags of {}{assumed}\n", self.catalogue)
    }

    /// Of several environments: the most that one of them assumes.
    pub(super) fn and(&mut self, other: Self) {
        self.assumptions = self.assumptions.max(other.assumptions);
        self.catalogue = other.catalogue;
    }
}
