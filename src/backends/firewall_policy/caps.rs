//! Limits of a firewall policy, with their sources. Nothing is checked here.

use crate::backends::limits::{Cap, LimitKind};

/// Bytes of a rule collection group, as its file is written.
pub(crate) const GROUP_BYTES: Cap = Cap {
    name: "bytes",
    value: 2_000_000,
    kind: LimitKind::GroupSize,
    source: "Azure Firewall limits: 2 MB per rule collection group in policies made since July 2022, 1 MB before",
    checked: "2026-11-23",
    help: "split the group",
};

/// Rule collection groups of a policy.
pub(crate) const GROUPS: Cap = Cap {
    name: "rule collection groups",
    value: 60,
    kind: LimitKind::GroupCount,
    source: "Azure Firewall limits: 60 rule collection groups per policy (2023; newer text says 90, unverified)",
    checked: "2026-11-23",
    help: "put flows of one tier and owner into fewer groups",
};

/// Rule collections of a policy.
pub(crate) const COLLECTIONS: Cap = Cap {
    name: "rule collections",
    value: 2000,
    kind: LimitKind::Other,
    source: "Azure Firewall known issues: 2,000 rule collections, a limit of Azure Resource Manager",
    checked: "2026-11-23",
    help: "put flows of one tier and owner into fewer groups, or set `layout: { rcg: merged }`",
};

/// Unique source and destination pairs over all network rules.
pub(crate) const ADDRESS_PAIRS: Cap = Cap {
    name: "source and destination pairs",
    value: 20_000,
    kind: LimitKind::AddressPairs,
    source: "Azure Firewall limits: 20,000 unique source and destination pairs in network rules",
    checked: "2026-11-23",
    help: "use IP groups, broader prefixes, or names",
};

/// Names in network rules.
pub(crate) const NETWORK_FQDNS: Cap = Cap {
    name: "names in network rules",
    value: 1000,
    kind: LimitKind::Recommended,
    source: "Azure Firewall limits: at most 1,000 FQDNs across all network rules are recommended",
    checked: "2026-11-23",
    help: "use application rules (http, https, mssql) or service tags for some of them",
};

/// Destinations that are translated.
pub(crate) const DNAT: Cap = Cap {
    name: "DNAT destinations",
    value: 250,
    kind: LimitKind::Other,
    source: "Azure Firewall limits: 250 DNAT rules, counted as public addresses and unique destinations together (298 in older text)",
    checked: "2026-11-23",
    help: "publish through Application Gateway, or use another firewall",
};

/// IP groups that the rules of a policy refer to.
pub(crate) const IP_GROUPS: Cap = Cap {
    name: "IP groups referred to",
    value: 200,
    kind: LimitKind::Other,
    source: "Azure Firewall limits: 200 unique IP groups per firewall (2023; newer text says 600 per policy, unverified)",
    checked: "2026-11-23",
    help: "merge groups that are used together",
};

/// Public addresses of a firewall.
pub(crate) const PUBLIC_IPS: Cap = Cap {
    name: "public addresses",
    value: 250,
    kind: LimitKind::Other,
    source: "Azure Firewall limits: 250 public IP addresses per firewall",
    checked: "2026-11-25",
    help: "publish through another firewall, or take unused addresses out of `public-ips`",
};

/// Every limit of this room.
pub(crate) const ALL: [&Cap; 8] = [
    &GROUP_BYTES,
    &GROUPS,
    &COLLECTIONS,
    &ADDRESS_PAIRS,
    &NETWORK_FQDNS,
    &DNAT,
    &IP_GROUPS,
    &PUBLIC_IPS,
];

/// The highest priority of a rule collection group ("Azure Firewall rule processing logic", checked
/// 2026-11-23).
pub(crate) const LAST_GROUP: u32 = 65000;
/// The highest port of an application rule (REST schema; the limits page says 65535).
pub(crate) const APPLICATION_PORT: u16 = 64000;
/// The highest port of a translation ("Azure Firewall known issues", checked 2026-11-23).
pub(crate) const NAT_PORT: u16 = 63999;
/// The most single ports that a range on `http` or `https` is written out as.
pub(crate) const PORTS_WRITTEN_OUT: usize = 64;
