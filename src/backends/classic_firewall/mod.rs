//! Classic firewalls: rule collections inside the firewall itself, no policy beside it. Which rule a
//! flow becomes is not decided here.
//!
//! * Order: all DNAT rules first, then all network rules before all application rules; inside a type
//!   by the collection's priority, 100 to 65000, one list for each type.
//! * Cannot express: URLs, web categories, TLS inspection, headers, some FQDN tags, a parent.
//! * Written as its three arrays, or merged into an export of the firewall; never as a template, which
//!   would state the whole firewall.
//! * Limits: those of a firewall, counted with the policies'.
//! * Source: REST reference "Azure Firewalls", "Azure Firewall rule processing logic" (Microsoft
//!   Learn, checked 2026-11-23).

pub(crate) mod base;
pub mod emit;
pub(crate) mod lower;
pub mod meaning;
pub mod shape;
