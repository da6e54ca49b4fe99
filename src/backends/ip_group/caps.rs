//! Limits of an IP group, with their sources. Nothing is checked here.

use crate::backends::limits::{Cap, LimitKind};

/// Addresses, prefixes and ranges of a group.
pub(crate) const ADDRESSES: Cap = Cap {
    name: "addresses",
    value: 5000,
    kind: LimitKind::Other,
    source: "Azure Firewall limits: 5,000 addresses, prefixes or ranges per IP group",
    checked: "2026-11-23",
    help: "use broader prefixes, or split the group",
};

/// Every limit of this room.
pub(crate) const ALL: [&Cap; 1] = [&ADDRESSES];
