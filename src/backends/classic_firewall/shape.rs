//! The JSON objects of a classic firewall's rule collections, one struct each, in the order of
//! Azure's schema. No rule of the language is known here.
//!
//! Source: REST reference "Azure Firewalls" (checked 2026-11-23). Beside a policy's objects each
//! collection has its content below `properties`, protocols are `protocols`, and nothing says which
//! type it is: the array does.

use serde::{Deserialize, Serialize};

use crate::backends::resource::Reference;

/// The part of a firewall's `properties` that holds rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleCollections {
    /// Network rules.
    pub network_rule_collections: Vec<Collection<NetworkRule>>,
    /// Application rules.
    pub application_rule_collections: Vec<Collection<ApplicationRule>>,
    /// Translations.
    pub nat_rule_collections: Vec<Collection<NatRule>>,
}

/// What a statement says of the firewall itself, beside its rules; the rest is the export's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    /// `Off`, `Alert`, `Deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threat_intel_mode: Option<String>,
    /// The tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Settings that have no field of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<AdditionalProperties>,
}

/// `sku`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sku {
    /// `Basic`, `Standard`, `Premium`.
    pub tier: String,
}

/// `additionalProperties`, all of them text.
///
/// Source: "Azure Firewall SNAT private IP address ranges" and "Azure Firewall DNS settings", both on
/// firewalls without a policy (checked 2026-11-25).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdditionalProperties {
    /// `true` or `false`.
    #[serde(
        rename = "Network.DNS.EnableProxy",
        skip_serializing_if = "Option::is_none"
    )]
    pub dns_proxy: Option<String>,
    /// Ranges in one text, a comma between them.
    #[serde(
        rename = "Network.SNAT.PrivateRanges",
        skip_serializing_if = "Option::is_none"
    )]
    pub private_ranges: Option<String>,
}

/// One rule collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection<R> {
    /// Its name.
    pub name: String,
    /// Its content.
    pub properties: CollectionProperties<R>,
}

/// `properties` of a rule collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionProperties<R> {
    /// 100 to 65000, low first; unique in its array.
    pub priority: u32,
    /// What its rules do.
    pub action: Action,
    /// Its rules, in no order.
    pub rules: Vec<R>,
}

/// `action`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The verdict.
    #[serde(rename = "type")]
    pub kind: ActionType,
}

/// `action.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionType {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
    /// Translate the destination; in its own array only.
    Dnat,
}

/// A network rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkRule {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `TCP`, `UDP`, `ICMP`, `Any`.
    pub protocols: Vec<String>,
    /// Addresses, prefixes, ranges or `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_addresses: Vec<String>,
    /// Addresses, prefixes, ranges, service tags or `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_addresses: Vec<String>,
    /// Ports, ranges or `*`.
    pub destination_ports: Vec<String>,
    /// Names without wildcards; they need the DNS proxy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_fqdns: Vec<String>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ip_groups: Vec<Reference>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_ip_groups: Vec<Reference>,
}

/// An application rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationRule {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Addresses, prefixes, ranges or `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_addresses: Vec<String>,
    /// Protocols and their ports.
    pub protocols: Vec<ApplicationProtocol>,
    /// Names, with an asterisk at the front only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_fqdns: Vec<String>,
    /// FQDN tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fqdn_tags: Vec<String>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ip_groups: Vec<Reference>,
}

/// One protocol of an application rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationProtocol {
    /// `Http`, `Https`, `Mssql`.
    pub protocol_type: String,
    /// One port.
    pub port: i64,
}

/// A DNAT rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NatRule {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who may come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_addresses: Vec<String>,
    /// The firewall's own addresses.
    pub destination_addresses: Vec<String>,
    /// Ports on the firewall.
    pub destination_ports: Vec<String>,
    /// `TCP`, `UDP`.
    pub protocols: Vec<String>,
    /// Where it goes; exclusive with a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated_address: Option<String>,
    /// The port there, written as text.
    pub translated_port: String,
    /// Where it goes, by name; exclusive with an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated_fqdn: Option<String>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ip_groups: Vec<Reference>,
}
