//! The types of resources that are read, and how one is known.

use serde_json::Value;

use super::member;

/// Types of resources that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A network security group.
    SecurityGroup,
    /// A rule of one that is a resource of its own.
    SecurityRule,
    /// A route table.
    RouteTable,
    /// A route of one that is a resource of its own.
    Route,
    /// A firewall policy.
    Policy,
    /// A rule collection group.
    Group,
    /// A firewall.
    Firewall,
    /// An IP group.
    IpGroup,
    /// A virtual network.
    Network,
    /// A subnet that is a resource of its own.
    Subnet,
    /// A peering that is a resource of its own.
    Peering,
}

const TYPES: [(&str, Kind); 11] = [
    ("networkSecurityGroups", Kind::SecurityGroup),
    ("networkSecurityGroups/securityRules", Kind::SecurityRule),
    ("routeTables", Kind::RouteTable),
    ("routeTables/routes", Kind::Route),
    ("firewallPolicies", Kind::Policy),
    ("firewallPolicies/ruleCollectionGroups", Kind::Group),
    ("azureFirewalls", Kind::Firewall),
    ("ipGroups", Kind::IpGroup),
    ("virtualNetworks", Kind::Network),
    ("virtualNetworks/subnets", Kind::Subnet),
    ("virtualNetworks/virtualNetworkPeerings", Kind::Peering),
];

const PROVIDER: &str = "microsoft.network/";

impl Kind {
    /// The kind of a full type, in any case.
    pub(super) fn of_type(full: &str) -> Option<Self> {
        let full = full.to_lowercase();
        let own = full.strip_prefix(PROVIDER)?;
        let found = TYPES.iter().find(|(name, _)| name.to_lowercase() == own);
        found.map(|(_, kind)| *kind)
    }

    /// The kind of what an id names.
    pub(super) fn of_id(id: &str) -> Option<Self> {
        let lower = id.to_lowercase();
        let at = lower.rfind("/providers/")? + "/providers/".len();
        let mut parts = lower.get(at..)?.split('/');
        let mut full = parts.next()?.to_owned();
        while let (Some(kind), Some(_)) = (parts.next(), parts.next()) {
            full.push('/');
            full.push_str(kind);
        }
        Self::of_type(&full)
    }

    /// By what only such a resource has, for files that do not say their type.
    pub(super) fn of_shape(value: &Value) -> Option<Self> {
        let body = match member(value, "properties") {
            Some(inner @ Value::Object(_)) => inner,
            _ => value,
        };
        let has = |name: &str| member(body, name).is_some();
        let is_list = |name: &str| member(body, name).is_some_and(Value::is_array);
        if is_list("securityRules") || is_list("defaultSecurityRules") {
            Some(Self::SecurityGroup)
        } else if is_list("ruleCollections") && has("priority") {
            Some(Self::Group)
        } else if is_list("networkRuleCollections")
            || is_list("applicationRuleCollections")
            || is_list("natRuleCollections")
        {
            Some(Self::Firewall)
        } else if is_list("ipAddresses") {
            Some(Self::IpGroup)
        } else if is_list("routes") && member(value, "name").is_some() {
            Some(Self::RouteTable)
        } else if has("addressSpace") && is_list("subnets") {
            Some(Self::Network)
        } else if has("threatIntelMode") || has("basePolicy") {
            Some(Self::Policy)
        } else if has("direction") && has("access") && has("priority") {
            Some(Self::SecurityRule)
        } else {
            None
        }
    }

    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SecurityGroup => "network security group",
            Self::SecurityRule => "security rule",
            Self::RouteTable => "route table",
            Self::Route => "route",
            Self::Policy => "firewall policy",
            Self::Group => "rule collection group",
            Self::Firewall => "firewall",
            Self::IpGroup => "IP group",
            Self::Network => "virtual network",
            Self::Subnet => "subnet",
            Self::Peering => "peering",
        }
    }
}
