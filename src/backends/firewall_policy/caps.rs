//! Limits of a firewall policy, with their sources. Nothing is checked here.

/// Bytes of a rule collection group, as its file is written.
pub(crate) const GROUP_BYTES: usize = 2_000_000;
/// Where that is said.
pub(crate) const GROUP_BYTES_SOURCE: &str = "Azure Firewall limits: 2 MB per rule collection group in policies made since July 2022, 1 MB before (checked 2026-11-23)";
/// Rule collection groups of a policy.
pub(crate) const GROUPS: usize = 60;
/// Where that is said.
pub(crate) const GROUPS_SOURCE: &str = "Azure Firewall limits: 60 rule collection groups per policy (2023; newer text says 90, unverified) (checked 2026-11-23)";
/// Unique source and destination pairs over all network rules.
pub(crate) const ADDRESS_PAIRS: usize = 20_000;
/// Where that is said.
pub(crate) const ADDRESS_PAIRS_SOURCE: &str = "Azure Firewall limits: 20,000 unique source and destination pairs in network rules (checked 2026-11-23)";
/// The highest priority of a rule collection group ("Azure Firewall rule processing logic", checked
/// 2026-11-23).
pub(crate) const LAST_GROUP: u32 = 65000;
/// The highest port of an application rule (REST schema; the limits page says 65535).
pub(crate) const APPLICATION_PORT: u16 = 64000;
/// The highest port of a translation ("Azure Firewall known issues", checked 2026-11-23).
pub(crate) const NAT_PORT: u16 = 63999;
/// The most single ports that a range on `http` or `https` is written out as.
pub(crate) const PORTS_WRITTEN_OUT: usize = 64;
