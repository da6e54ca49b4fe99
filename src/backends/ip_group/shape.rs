//! The JSON object of an IP group. Its limits are not checked here.
//!
//! Source: REST reference "Ip Groups" (checked 2026-11-23).

use serde::{Deserialize, Serialize};

/// `properties` of an IP group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IpGroupProperties {
    /// IPv4 addresses, prefixes and ranges `a-b`. A rule that refers to an empty group is skipped
    /// by the firewall ("IP Groups in Azure Firewall").
    pub ip_addresses: Vec<String>,
}
