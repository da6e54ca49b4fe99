//! Limits of Azure as data, and how much of each a resource uses. The figures stand in each room's
//! `caps.rs`; whether a limit is exceeded is judged here, at one place.

use crate::diag::{Diagnostic, Sink};
use crate::source::Span;

use super::faults;
use super::lowered::{Context, Lowered};
use super::resource::AzureType;

/// Which code an exceeded limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Rules of a security group.
    NsgRules,
    /// Size of a rule collection group.
    GroupSize,
    /// Number of rule collection groups.
    GroupCount,
    /// Pairs of addresses.
    AddressPairs,
    /// Routes.
    Routes,
    /// Any other limit that Azure enforces.
    Other,
    /// A figure that Azure recommends or has raised lately.
    Recommended,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// What is counted, for people: `rules`.
    pub name: &'static str,
    /// The most there may be.
    pub value: usize,
    /// Which code it is.
    pub kind: LimitKind,
    /// Where that is said.
    pub source: &'static str,
    /// When that was read.
    pub checked: &'static str,
    /// What to do when it is exceeded.
    pub help: &'static str,
}

/// How much of a limit a resource uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The resource's type.
    pub resource: AzureType,
    /// Its Azure name.
    pub name: String,
    /// The limit.
    pub cap: &'static Cap,
    /// How much is used.
    pub used: usize,
}

/// Share of a limit, in hundredths, from which it is marked.
pub const NEAR: usize = 80;

/// Every limit that is measured, room by room.
#[must_use]
pub fn all() -> Vec<&'static Cap> {
    super::all_caps()
}

impl Usage {
    /// The share used, in hundredths, rounded down.
    #[must_use]
    pub fn percent(&self) -> usize {
        (self.used * 100).checked_div(self.cap.value).unwrap_or(0)
    }

    /// Whether it is above the limit.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.used > self.cap.value
    }

    /// Whether it is at least 80 % of the limit.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.used * 100 >= self.cap.value * NEAR
    }
}

/// The resource that is measured.
pub(crate) struct Measured {
    /// Its type.
    pub resource: AzureType,
    /// Its Azure name.
    pub name: String,
    /// How a fault calls it: `NSG `web``.
    pub what: String,
    /// Where it is declared.
    pub span: Span,
}

impl Measured {
    /// Records a use, and tells it if it is too much.
    pub(crate) fn record(
        &self,
        context: &Context<'_>,
        cap: &'static Cap,
        used: usize,
        out: &mut Lowered,
        sink: &mut Sink,
    ) {
        let usage = Usage {
            resource: self.resource,
            name: self.name.clone(),
            cap,
            used,
        };
        if usage.is_over() {
            context.exceeded(sink, self.fault(cap, used));
        }
        out.usages.push(usage);
    }

    fn fault(&self, cap: &'static Cap, used: usize) -> Diagnostic {
        let limit = faults::Limit {
            what: &format!("{} ({})", self.what, cap.name),
            used,
            allowed: cap.value,
            source: &format!("{} (checked {})", cap.source, cap.checked),
            help: cap.help,
        };
        match cap.kind {
            LimitKind::NsgRules => faults::nsg_rules(self.span, &limit),
            LimitKind::GroupSize => faults::group_size(self.span, &limit),
            LimitKind::GroupCount => faults::group_count(self.span, &limit),
            LimitKind::AddressPairs => faults::address_pairs(self.span, &limit),
            LimitKind::Routes => faults::route_count(self.span, &limit),
            LimitKind::Other => faults::other_limit(self.span, &limit),
            LimitKind::Recommended => faults::recommended_limit(self.span, &limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        let caps = all();
        assert!(caps.len() >= 13);
        for cap in caps {
            assert!(cap.value > 0 && !cap.name.is_empty() && !cap.help.is_empty());
            assert!(cap.source.contains(':'), "{}: page and figure", cap.name);
            assert_eq!(cap.checked.len(), "2026-11-23".len(), "{}", cap.name);
        }
    }
}
