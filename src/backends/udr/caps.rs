//! Limits of a route table, with their sources. Nothing is checked here.

use crate::backends::limits::{Cap, LimitKind};

/// Routes a table holds.
pub(crate) const ROUTES: Cap = Cap {
    name: "routes",
    value: 1000,
    kind: LimitKind::Routes,
    source: "Azure networking limits: 1,000 user-defined routes per route table since 2026, 400 before",
    checked: "2026-11-23",
    help: "merge prefixes, or split the table",
};

/// Routes a table held until 2026; a subscription may not have the new limit yet.
pub(crate) const ROUTES_BEFORE: Cap = Cap {
    name: "routes, as before 2026",
    value: 400,
    kind: LimitKind::Recommended,
    source: "Azure networking limits: 400 user-defined routes per route table before 2026",
    checked: "2026-11-23",
    help: "make sure that the subscription has the new limit, merge prefixes, or split the table",
};

/// Routes with a service tag.
pub(crate) const TAG_ROUTES: Cap = Cap {
    name: "service tag routes",
    value: 25,
    kind: LimitKind::Routes,
    source: "Virtual network traffic routing: at most 25 routes with service tags per route table",
    checked: "2026-11-23",
    help: "merge prefixes, or split the table",
};

/// Every limit of this room.
pub(crate) const ALL: [&Cap; 3] = [&ROUTES, &ROUTES_BEFORE, &TAG_ROUTES];
