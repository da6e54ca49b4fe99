//! Route tables: which next hop a subnet's traffic takes.
//!
//! * Order: longest prefix first, then user over BGP over system, then explicit prefix over tag.
//! * Cannot express: ports, protocols, names; the tags Internet, VirtualNetwork, AzureLoadBalancer
//!   and AzurePlatform*.
//! * Limits: see `caps`.
//! * Source: "Virtual network traffic routing" (Microsoft Learn, checked 2026-11-23).

pub(crate) mod caps;
pub mod emit;
pub(crate) mod lower;
pub mod meaning;
pub(crate) mod measure;
pub mod shape;
