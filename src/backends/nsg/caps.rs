//! Limits of a network security group, with their sources. Nothing is checked here.

use crate::backends::limits::{Cap, LimitKind};

/// Rules a group holds.
pub(crate) const RULES: Cap = Cap {
    name: "rules",
    value: 1000,
    kind: LimitKind::NsgRules,
    source: "Azure networking limits: 1,000 rules per network security group",
    checked: "2026-11-23",
    help: "merge flows, or use broader tags",
};

/// Addresses and ranges over the sources of all rules.
pub(crate) const SOURCES: Cap = Cap {
    name: "source addresses",
    value: 4000,
    kind: LimitKind::Other,
    source: "Azure networking limits: 4,000 addresses and ranges for the sources of a network security group",
    checked: "2026-11-23",
    help: "use broader prefixes or service tags",
};

/// Addresses and ranges over the destinations of all rules.
pub(crate) const DESTINATIONS: Cap = Cap {
    name: "destination addresses",
    value: 4000,
    kind: LimitKind::Other,
    source: "Azure networking limits: 4,000 addresses and ranges for the destinations of a network security group",
    checked: "2026-11-23",
    help: "use broader prefixes or service tags",
};

/// Application security groups over all rules. A side of one rule may have 10 of them ("Azure
/// networking limits", checked 2026-11-25); here it has one, so that is never above.
pub(crate) const APPLICATION_GROUPS: Cap = Cap {
    name: "application security groups",
    value: 100,
    kind: LimitKind::Other,
    source: "Azure networking limits: 100 application security groups in all rules of a network security group",
    checked: "2026-11-25",
    help: "use prefixes, or put members of several groups into one",
};

/// Every limit of this room.
pub(crate) const ALL: [&Cap; 4] = [&RULES, &SOURCES, &DESTINATIONS, &APPLICATION_GROUPS];

/// Characters of a rule's description (Security Rules REST reference, checked 2026-11-23). A longer
/// one is shortened, so nothing is ever above.
pub(crate) const DESCRIPTION: usize = 140;
