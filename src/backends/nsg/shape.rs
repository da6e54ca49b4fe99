//! The JSON objects of a network security group, one struct each, in the order of Azure's schema.
//! The choice between Azure's singular and plural fields is made here and nowhere else; limits are
//! not checked.
//!
//! Source: REST reference "Network Security Groups", "Security Rules" (checked 2026-11-23).

use serde::{Deserialize, Serialize};

use super::operand::OneOrMany;
use crate::backends::resource::SubResource;

/// `properties` of a network security group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkSecurityGroupProperties {
    /// Whether a changed rule also ends the flows that run; Azure's default is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flush_connection: Option<bool>,
    /// All rules: a PUT states the complete list.
    pub security_rules: Vec<SecurityRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityRule {
    /// Its name, unique in the group.
    pub name: String,
    /// Its content.
    pub properties: SecurityRuleProperties,
}

/// `properties` of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub struct SecurityRuleProperties {
    /// At most 140 characters.
    pub description: Option<String>,
    /// The protocol.
    pub protocol: Protocol,
    /// The ports it comes from.
    pub source_ports: OneOrMany,
    /// The ports it goes to.
    pub destination_ports: OneOrMany,
    /// Where it comes from.
    pub source: Side,
    /// Where it goes.
    pub destination: Side,
    /// The verdict.
    pub access: Access,
    /// 100 to 4096, unique in a direction, low first.
    pub priority: u32,
    /// The direction.
    pub direction: Direction,
}

/// One side of a rule: addresses and application security groups exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// `*`, one service tag, or prefixes.
    Prefixes(OneOrMany),
    /// Application security groups.
    ApplicationSecurityGroups(Vec<SubResource>),
}

/// `protocol`. The firewall spells its own otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// IPsec ESP.
    Esp,
    /// IPsec AH.
    Ah,
    /// Every protocol.
    #[serde(rename = "*")]
    Any,
}

/// `access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Access {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
}

/// `direction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Direction {
    /// Towards the subnet's machines.
    Inbound,
    /// From them.
    Outbound,
}

/// What Azure reads and writes: a singular and a plural field per operand, of which exactly one is
/// used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    protocol: Protocol,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_port_range: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination_port_range: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_address_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    source_address_prefixes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    source_application_security_groups: Vec<SubResource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    destination_address_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destination_address_prefixes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destination_application_security_groups: Vec<SubResource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    source_port_ranges: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destination_port_ranges: Vec<String>,
    access: Access,
    priority: u32,
    direction: Direction,
}

impl From<SecurityRuleProperties> for Wire {
    fn from(rule: SecurityRuleProperties) -> Self {
        let side = |side: Side| match side {
            Side::Prefixes(prefixes) => {
                let (one, many) = prefixes.fields();
                (one, many, Vec::new())
            }
            Side::ApplicationSecurityGroups(groups) => (None, Vec::new(), groups),
        };
        let (source_port_range, source_port_ranges) = rule.source_ports.fields();
        let (destination_port_range, destination_port_ranges) = rule.destination_ports.fields();
        let (source_address_prefix, source_address_prefixes, source_application_security_groups) =
            side(rule.source);
        let (
            destination_address_prefix,
            destination_address_prefixes,
            destination_application_security_groups,
        ) = side(rule.destination);
        Self {
            description: rule.description,
            protocol: rule.protocol,
            source_port_range,
            destination_port_range,
            source_address_prefix,
            source_address_prefixes,
            source_application_security_groups,
            destination_address_prefix,
            destination_address_prefixes,
            destination_application_security_groups,
            source_port_ranges,
            destination_port_ranges,
            access: rule.access,
            priority: rule.priority,
            direction: rule.direction,
        }
    }
}

impl TryFrom<Wire> for SecurityRuleProperties {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let operand = |one: Option<String>, many: Vec<String>, what: &str| {
            let values = one
                .into_iter()
                .chain(many)
                .filter(|value| !value.is_empty());
            OneOrMany::as_given(values.collect()).ok_or_else(|| format!("no {what}"))
        };
        let side = |groups: Vec<SubResource>, one, many, what: &str| {
            if groups.is_empty() {
                operand(one, many, what).map(Side::Prefixes)
            } else {
                Ok(Side::ApplicationSecurityGroups(groups))
            }
        };
        Ok(Self {
            description: wire.description,
            protocol: wire.protocol,
            source_ports: operand(
                wire.source_port_range,
                wire.source_port_ranges,
                "source ports",
            )?,
            destination_ports: operand(
                wire.destination_port_range,
                wire.destination_port_ranges,
                "destination ports",
            )?,
            source: side(
                wire.source_application_security_groups,
                wire.source_address_prefix,
                wire.source_address_prefixes,
                "source",
            )?,
            destination: side(
                wire.destination_application_security_groups,
                wire.destination_address_prefix,
                wire.destination_address_prefixes,
                "destination",
            )?,
            access: wire.access,
            priority: wire.priority,
            direction: wire.direction,
        })
    }
}
