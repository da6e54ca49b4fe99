//! Firewall policies and their rule collection groups.
//!
//! * Order: all DNAT rules first, then all network rules before all application rules, whatever the priorities; inside a type
//!   by rule collection group, then by collection. One group holds one tier, so a forbid or a deny
//!   precedes every allow of its type.
//! * Cannot express: service tags as a source, source ports, IPv6, ESP and AH, wildcards outside
//!   application rules, application security groups. URLs, TLS inspection and headers are Premium.
//! * Limits: see `caps`.
//! * Sources: "Azure Firewall rule processing logic", "Azure Firewall Policy rule sets" (Microsoft
//!   Learn, checked 2026-11-23).

pub(crate) mod caps;
mod application;
mod differ;
pub mod emit;
mod infrastructure;
pub(crate) mod lower;
pub mod meaning;
pub(crate) mod measure;
mod order;
pub(crate) mod places;
mod nat;
mod policy;
mod rules;
mod runs;
pub mod shape;
