//! Network security groups: stateful packet filters at a subnet.
//!
//! * Order: per direction by priority, 100 to 4096, first match; then Azure's own default rules.
//! * Cannot express: names, URLs, categories. A flow to names becomes an envelope, an allow to
//!   Internet that the firewall behind narrows, with guards for what goes past the firewall.
//! * One service tag a side; address families apart; no overlapping prefixes in a rule.
//! * Limits: see `caps`.
//! * Source: "Network security groups overview" (Microsoft Learn, checked 2026-11-23).

mod assemble;
mod base;
pub(crate) mod caps;
pub mod emit;
mod envelope;
pub(crate) mod lower;
pub mod meaning;
pub(crate) mod measure;
mod nat;
pub mod operand;
mod sequence;
pub mod shape;
