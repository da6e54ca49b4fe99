//! The target-neutral policy of one environment: resources, flows and routes with every name bound.
//! It knows no Azure JSON and no numbers.

pub mod address;
pub mod asked;
pub mod canonical;
pub mod dnat;
pub mod endpoint;
pub mod internet;
pub mod service;
pub mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::source::Span;
use crate::syntax::ast::{Date, Need, Verb};

use address::AddressSet;
use asked::Asked;
use dnat::Dnat;
use endpoint::Endpoint;
use service::{PortSet, Traffic};
use verify::{Assumption, TestBlock};

/// The key of a resource: `instance::name`, or `name` in the root module.
pub type Key = String;

/// The policy of one environment.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The environment.
    pub environment: String,
    /// Virtual networks.
    pub vnets: BTreeMap<Key, Vnet>,
    /// Subnets.
    pub subnets: BTreeMap<Key, Subnet>,
    /// Firewalls.
    pub firewalls: BTreeMap<Key, Firewall>,
    /// Network security groups.
    pub nsgs: BTreeMap<Key, Nsg>,
    /// Route tables.
    pub route_tables: BTreeMap<Key, RouteTable>,
    /// IP groups.
    pub ip_groups: BTreeMap<Key, IpGroup>,
    /// Flows that are in force, by id.
    pub flows: Vec<Flow>,
    /// Exception routes that are in force.
    pub routes: Vec<Route>,
    /// Translations that are in force, by id.
    pub dnats: Vec<Dnat>,
    /// Flows with a label that are not in force here.
    pub idle: Vec<Idle>,
    /// Pairs that the policy states to be apart.
    pub apart: Vec<Assumption>,
    /// Pairs of which the policy states that the left lies in the right.
    pub inside: Vec<Assumption>,
    /// What is asked about it, if anything is.
    pub asked: Option<Asked>,
    /// The tests that run in this environment.
    pub tests: Vec<TestBlock>,
    /// Old and new paths of renamed flows and groups, instance first.
    pub moved: Vec<(String, String)>,
    /// Statements that were taken out, their last day being over.
    pub expired: Vec<Expired>,
}

/// A statement that was taken out, its last day being over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Its id.
    pub id: String,
    /// Its last day.
    pub until: Option<Date>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// The statement.
    pub span: Span,
}

/// Where a resource lives, as far as its statement says.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The Azure name.
    pub name: String,
    /// A complete resource id, if given.
    pub id: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// Resource group.
    pub resource_group: Option<String>,
    /// Azure tags.
    pub tags: BTreeMap<String, String>,
    /// The statement's name.
    pub span: Span,
}

/// A virtual network.
#[derive(Clone, Debug, Default)]
pub struct Vnet {
    /// Identity.
    pub identity: Identity,
    /// Address space.
    pub space: AddressSet,
    /// Peered virtual networks; symmetric.
    pub peers: BTreeSet<Key>,
    /// Prefixes behind its gateway.
    pub on_premises: AddressSet,
    /// The firewall that the subnets which are not declared send through what leaves the network.
    pub firewall: Option<Key>,
}

/// A subnet.
#[derive(Clone, Debug, Default)]
pub struct Subnet {
    /// Identity.
    pub identity: Identity,
    /// Prefixes.
    pub prefix: AddressSet,
    /// Its virtual network.
    pub vnet: Option<Key>,
    /// Its network security group.
    pub nsg: Option<Key>,
    /// Its route table.
    pub route_table: Option<Key>,
    /// Service tags reached through service endpoints.
    pub service_endpoints: BTreeSet<String>,
    /// The zone that it belongs to, a word for reports.
    pub zone: Option<String>,
    /// The platform service that it runs, with its place.
    pub runs: Option<(String, Span)>,
}

impl Subnet {
    /// `GatewaySubnet` and the firewall's subnet are transit, never ends of a flow.
    #[must_use]
    pub fn is_gateway(&self) -> bool {
        self.identity.name == "GatewaySubnet"
    }
}

/// SKU tier of a firewall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sku {
    /// Basic.
    Basic,
    /// Standard.
    #[default]
    Standard,
    /// Premium.
    Premium,
}

/// A firewall and its policy.
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    /// Identity of the policy; the name is `policy`, else the firewall's.
    pub identity: Identity,
    /// Its rules are in the firewall itself, not in a policy.
    pub classic: bool,
    /// The policy resource is ours.
    pub manage_policy: bool,
    /// SKU.
    pub sku: Sku,
    /// The statement says the SKU.
    pub sku_stated: bool,
    /// DNS proxy is on.
    pub dns_proxy: bool,
    /// The statement says whether it is.
    pub dns_proxy_stated: bool,
    /// Private address.
    pub private_ip: Option<Ipv4Addr>,
    /// Public addresses; empty if nobody told them.
    pub public_ips: AddressSet,
    /// The parent policy, by name or id, with its place.
    pub base_policy: Option<(String, Span)>,
    /// Destinations that the firewall does not translate the source for; Azure's list if absent.
    pub snat_private: Option<AddressSet>,
    /// The firewall's built-in allows for the platform are closed.
    pub infrastructure_denied: bool,
    /// Its subnet.
    pub subnet: AddressSet,
    /// Its virtual network.
    pub vnet: Option<Key>,
    /// Threat intelligence mode: `off`, `alert`, `deny`.
    pub threat_intel: Option<String>,
    /// An exported firewall that the rules of a classic one are merged into.
    pub base: Option<BaseFile>,
    /// Nobody declared it.
    pub implied: bool,
}

/// What happens to traffic that no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// Denied.
    Deny,
    /// Allowed.
    Allow,
}

/// A network security group.
#[derive(Clone, Debug, Default)]
pub struct Nsg {
    /// Identity.
    pub identity: Identity,
    /// Inbound default, if not Azure's.
    pub default_inbound: Option<DefaultAction>,
    /// Outbound default, if not Azure's.
    pub default_outbound: Option<DefaultAction>,
    /// Name flows may be let out to Internet with nothing behind.
    pub names_open: bool,
    /// Existing sessions are re-evaluated.
    pub flush: Option<bool>,
    /// An exported security group whose foreign rules are kept.
    pub base: Option<BaseFile>,
}

/// A file that a resource names, with its text.
#[derive(Clone, Debug, Default)]
pub struct BaseFile {
    /// The path as written.
    pub path: String,
    /// The text.
    pub text: String,
    /// Where it was written.
    pub span: Span,
}

/// A route table.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    /// Identity.
    pub identity: Identity,
    /// Next hop of 0.0.0.0/0.
    pub default: Option<Hop>,
    /// BGP routes are taken over.
    pub bgp: Option<bool>,
}

/// A declared IP group.
#[derive(Clone, Debug, Default)]
pub struct IpGroup {
    /// Identity.
    pub identity: Identity,
    /// Its prefixes.
    pub addresses: AddressSet,
}

/// A next hop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// A declared firewall.
    Firewall(Key),
    /// `internet`
    Internet,
    /// `none`
    None,
    /// `vnet`
    Vnet,
    /// `gateway`
    Gateway,
}

/// The tier of a flow; lower wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// `forbid`
    Forbid,
    /// `allow ... overrides`
    Exception,
    /// `deny`
    Deny,
    /// Member of an ordered group.
    Ordered,
    /// `allow`
    Allow,
}

impl Tier {
    /// The tier's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Forbid => "forbid",
            Self::Exception => "exception",
            Self::Deny => "deny",
            Self::Ordered => "ordered",
            Self::Allow => "allow",
        }
    }
}

/// A layer that `at` names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Every network security group.
    AnyNsg,
    /// Every firewall.
    AnyFirewall,
    /// One network security group.
    Nsg(Key),
    /// One firewall.
    Firewall(Key),
}

/// Who a flow is: instance, group, label; it does not change when the line moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowId {
    /// Instance path, outermost first.
    pub instance: Vec<String>,
    /// Group; `main` for a flow outside groups.
    pub group: String,
    /// Label; `u` and eight hex digits if it has none.
    pub label: String,
    /// `ab` or `ba` of a `between`.
    pub way: Option<&'static str>,
}

impl Flow {
    /// Whether this exception names that deny, of which it may be a half.
    #[must_use]
    pub fn names_deny(&self, deny: &Self) -> bool {
        let whole = FlowId {
            way: None,
            ..deny.id.clone()
        };
        self.overrides.contains(&whole.text())
    }
}

impl FlowId {
    /// `instance::group::label`, `/ab` behind it for a half of a `between`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts: Vec<&str> = self.instance.iter().map(String::as_str).collect();
        parts.push(&self.group);
        parts.push(&self.label);
        let mut out = parts.join("::");
        if let Some(way) = self.way {
            out.push('/');
            out.push_str(way);
        }
        out
    }
}

/// Places inside a flow's statement.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlowSpans {
    /// Verb to the end of the ends.
    pub whole: Span,
    /// Source.
    pub from: Span,
    /// Destination.
    pub to: Span,
    /// Services.
    pub services: Span,
    /// The layers of `at`.
    pub layers: Option<Span>,
    /// `via`.
    pub via: Option<Span>,
    /// `pin`.
    pub pin: Option<Span>,
    /// `name`.
    pub name: Option<Span>,
    /// `for`.
    pub purpose: Option<Span>,
    /// `inspect`, if it stands on the flow itself.
    pub inspect: Option<Span>,
    /// The first `header`.
    pub header: Option<Span>,
    /// `source-port`.
    pub source_ports: Option<Span>,
}

/// What an end was before `except` took something from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// `any` stands in it.
    pub any: bool,
    /// `tag(Internet)` stands in it.
    pub internet: bool,
    /// Prefixes and ranges.
    pub addresses: AddressSet,
}

/// One flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Identity.
    pub id: FlowId,
    /// Tier.
    pub tier: Tier,
    /// Its place in source order among the members of its ordered group; `None` elsewhere.
    pub position: Option<usize>,
    /// Verb.
    pub verb: Verb,
    /// `required`, `optional`.
    pub need: Option<Need>,
    /// Protocols and ports.
    pub traffic: Traffic,
    /// Source.
    pub from: Endpoint,
    /// Destination.
    pub to: Endpoint,
    /// Source and destination as they were written, where `except` made them what they are.
    pub written: [Option<Written>; 2],
    /// Layers, if restricted.
    pub at: Option<Vec<Layer>>,
    /// `via`.
    pub via: Option<Hop>,
    /// Ids that an exception overrides.
    pub overrides: Vec<String>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// `until`.
    pub until: Option<Date>,
    /// `pin`.
    pub pin: Option<u32>,
    /// `name`.
    pub rule_name: Option<String>,
    /// `source-port`.
    pub source_ports: Option<PortSet>,
    /// `inspect`: TLS is opened.
    pub inspect: bool,
    /// `header`: what is put into requests, in order.
    pub headers: Vec<(String, String)>,
    /// Places.
    pub spans: FlowSpans,
}

impl Flow {
    /// True if it lets traffic through.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.verb == Verb::Allow
    }

    /// True if both are members of one ordered group and this one stands first.
    #[must_use]
    pub fn stands_before(&self, other: &Self) -> bool {
        self.id.instance == other.id.instance
            && self.id.group == other.id.group
            && self
                .position
                .zip(other.position)
                .is_some_and(|(mine, theirs)| mine < theirs)
    }
}

/// A flow that is not in force in an environment. No rule comes of it; reports tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Idle {
    /// Identity.
    pub id: FlowId,
    /// It is `optional` and not enabled; else a `when` keeps it out.
    pub not_enabled: bool,
    /// It is `optional`.
    pub optional: bool,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// The statement.
    pub span: Span,
}

/// An exception route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Identity.
    pub id: FlowId,
    /// Destination.
    pub to: Endpoint,
    /// Next hop.
    pub hop: Hop,
    /// The table.
    pub table: Key,
    /// `owner`.
    pub owner: Option<String>,
    /// `until`.
    pub until: Option<Date>,
    /// `name`, with its place.
    pub name: Option<(String, Span)>,
    /// The statement.
    pub span: Span,
}
