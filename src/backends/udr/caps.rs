//! Limits of a route table, with their sources. Nothing is checked here.

/// Routes a table holds.
pub(crate) const ROUTES: usize = 1000;
/// Where that is said.
pub(crate) const ROUTES_SOURCE: &str = "Azure networking limits: 1,000 user-defined routes per route table since 2026, 400 before (checked 2026-11-23)";
/// Routes with a service tag.
pub(crate) const TAG_ROUTES: usize = 25;
/// Where that is said.
pub(crate) const TAG_ROUTES_SOURCE: &str = "Virtual network traffic routing: at most 25 routes with service tags per route table (checked 2026-11-23)";
