//! The JSON objects of a firewall policy and of its rule collection groups, one struct each, in the
//! order of Azure's schema. No rule of the language is known here, and no limit is checked.
//!
//! Source: REST reference "Firewall Policies" and "Firewall Policy Rule Collection Groups"
//! (checked 2026-11-23).

use serde::{Deserialize, Serialize};

use crate::backends::resource::{Reference, SubResource};

/// `properties` of a firewall policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyProperties {
    /// The parent policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_policy: Option<SubResource>,
    /// What to do with traffic to known bad addresses and names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threat_intel_mode: Option<ThreatIntelMode>,
    /// The ranges that are not translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snat: Option<Snat>,
    /// Name resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_settings: Option<DnsSettings>,
    /// The tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
}

/// `threatIntelMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThreatIntelMode {
    /// Report.
    Alert,
    /// Block and report.
    Deny,
    /// Do nothing.
    Off,
}

/// `snat`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snat {
    /// Prefixes that are never translated. The list replaces the default one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub private_ranges: Vec<String>,
    /// Whether the firewall learns such prefixes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_learn_private_ranges: Option<AutoLearn>,
}

/// `autoLearnPrivateRanges`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AutoLearn {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// `dnsSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DnsSettings {
    /// The servers asked; Azure's own if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// Whether the firewall answers DNS itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_proxy: Option<bool>,
    /// Whether names in network rules need the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_proxy_for_network_rules: Option<bool>,
}

/// `sku`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sku {
    /// The tier.
    pub tier: Tier,
}

/// `sku.tier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Basic.
    Basic,
    /// Standard.
    Standard,
    /// Premium.
    Premium,
}

/// `properties` of a rule collection group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleCollectionGroupProperties {
    /// 100 to 65000, low first.
    pub priority: u32,
    /// The collections.
    #[serde(default)]
    pub rule_collections: Vec<RuleCollection>,
}

/// One rule collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ruleCollectionType")]
pub enum RuleCollection {
    /// Network or application rules.
    #[serde(rename = "FirewallPolicyFilterRuleCollection")]
    Filter(FilterCollection),
    /// DNAT rules.
    #[serde(rename = "FirewallPolicyNatRuleCollection")]
    Nat(NatCollection),
}

impl RuleCollection {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Filter(collection) => &collection.name,
            Self::Nat(collection) => &collection.name,
        }
    }

    /// Its priority.
    #[must_use]
    pub const fn priority(&self) -> u32 {
        match self {
            Self::Filter(collection) => collection.priority,
            Self::Nat(collection) => collection.priority,
        }
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        match self {
            Self::Filter(collection) => &collection.rules,
            Self::Nat(collection) => &collection.rules,
        }
    }
}

/// A collection that allows or denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterCollection {
    /// Its name.
    pub name: String,
    /// 100 to 65000, low first.
    pub priority: u32,
    /// What its rules do.
    pub action: FilterAction,
    /// Network or application rules, not both.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// `action` of a filter collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterAction {
    /// The verdict.
    #[serde(rename = "type")]
    pub kind: Verdict,
}

/// `action.type` of a filter collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
}

/// A collection that translates destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatCollection {
    /// Its name.
    pub name: String,
    /// 100 to 65000, low first.
    pub priority: u32,
    /// Always DNAT.
    pub action: NatAction,
    /// DNAT rules.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// `action` of a DNAT collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatAction {
    /// Always DNAT.
    #[serde(rename = "type")]
    pub kind: NatVerdict,
}

/// `action.type` of a DNAT collection. The service reads back `Dnat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NatVerdict {
    /// Translate the destination.
    #[default]
    #[serde(rename = "DNAT", alias = "Dnat")]
    Dnat,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ruleType")]
pub enum Rule {
    /// By name, URL, tag or category.
    #[serde(rename = "ApplicationRule")]
    Application(ApplicationRule),
    /// By address, protocol and port.
    #[serde(rename = "NetworkRule")]
    Network(NetworkRule),
    /// Destination translation.
    #[serde(rename = "NatRule")]
    Nat(NatRule),
}

impl Rule {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Application(rule) => &rule.name,
            Self::Network(rule) => &rule.name,
            Self::Nat(rule) => &rule.name,
        }
    }
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<ApplicationProtocol>,
    /// Names, with an asterisk at the front only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_fqdns: Vec<String>,
    /// URLs; Premium.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_urls: Vec<String>,
    /// FQDN tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fqdn_tags: Vec<String>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ip_groups: Vec<Reference>,
    /// Whether TLS is opened; Premium.
    #[serde(rename = "terminateTLS", skip_serializing_if = "Option::is_none")]
    pub terminate_tls: Option<bool>,
    /// Web categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub web_categories: Vec<String>,
    /// Headers that are put into requests; Premium.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http_headers_to_insert: Vec<HttpHeader>,
}

/// One header that is put into requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpHeader {
    /// Its name.
    pub header_name: String,
    /// Its value.
    pub header_value: String,
}

/// One protocol of an application rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationProtocol {
    /// The protocol.
    pub protocol_type: ApplicationProtocolType,
    /// One port; there are no ranges here.
    pub port: u32,
}

/// `protocolType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ApplicationProtocolType {
    /// HTTP.
    Http,
    /// HTTPS.
    Https,
    /// SQL, in proxy mode. The policy's schema leaves it out, the service takes it
    /// ("Configure Azure Firewall application rules with SQL FQDNs", checked 2026-11-23).
    Mssql,
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
    /// The protocols.
    pub ip_protocols: Vec<IpProtocol>,
    /// Addresses, prefixes, ranges or `*`; no service tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_addresses: Vec<String>,
    /// Addresses, prefixes, ranges, service tags or `*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_addresses: Vec<String>,
    /// Ports, ranges or `*`.
    pub destination_ports: Vec<String>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ip_groups: Vec<Reference>,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_ip_groups: Vec<Reference>,
    /// Names without wildcards; they need the DNS proxy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_fqdns: Vec<String>,
}

/// `ipProtocols` of network and DNAT rules. NSGs spell theirs otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IpProtocol {
    /// TCP.
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
    /// ICMP.
    #[serde(rename = "ICMP")]
    Icmp,
    /// Every protocol with ports `*`; TCP and UDP only with given ports.
    Any,
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
    /// TCP, UDP.
    pub ip_protocols: Vec<IpProtocol>,
    /// Who may come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_addresses: Vec<String>,
    /// The firewall's own addresses.
    pub destination_addresses: Vec<String>,
    /// Ports on the firewall.
    pub destination_ports: Vec<String>,
    /// Where it goes; exclusive with a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated_address: Option<String>,
    /// The port there, written as text.
    pub translated_port: String,
    /// IP groups, as plain ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ip_groups: Vec<Reference>,
    /// Where it goes, by name; exclusive with an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated_fqdn: Option<String>,
}
