//! The generator's own model of a policy, and the topology that the oracle reads. It is not the
//! compiler's model and knows nothing of it; how it is written is in text.rs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::oracle::address::Range;

/// A virtual network.
#[derive(Clone, Debug)]
pub(super) struct Vnet {
    pub(super) name: String,
    pub(super) space: String,
    /// Its IPv6 space.
    pub(super) six: Option<String>,
    pub(super) peers: Vec<String>,
    /// The prefix of on-premises is reached from here.
    pub(super) gateway: bool,
    /// The firewall of its undeclared rest.
    pub(super) firewall: Option<String>,
}

/// What lies behind every gateway.
pub(super) const ON_PREMISES: &str = "192.168.0.0/16";

/// A subnet.
#[derive(Clone, Debug)]
pub(super) struct Subnet {
    pub(super) name: String,
    pub(super) vnet: Option<String>,
    /// Its IPv4 prefix; absent if it has IPv6 alone.
    pub(super) prefix: Option<String>,
    /// Its IPv6 prefix.
    pub(super) six: Option<String>,
    pub(super) nsg: Option<String>,
    pub(super) table: Option<String>,
    pub(super) endpoints: Vec<&'static str>,
}

/// A firewall; an implied one is not written.
#[derive(Clone, Debug)]
pub(super) struct Firewall {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) subnet: Option<String>,
    pub(super) vnet: Option<String>,
    pub(super) dns_proxy: bool,
    pub(super) implied: bool,
    pub(super) classic: bool,
    pub(super) premium: bool,
    /// `infrastructure = deny`
    pub(super) closed: bool,
    /// Its public addresses.
    pub(super) public: Vec<&'static str>,
}

/// A network security group; a default is deny, allow or Azure's.
#[derive(Clone, Debug)]
pub(super) struct Nsg {
    pub(super) name: String,
    pub(super) inbound: Option<bool>,
    pub(super) outbound: Option<bool>,
    pub(super) open: bool,
}

/// A route table with its exceptions.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) default: Option<String>,
    /// Whether it takes what the gateway learns, if that is said.
    pub(super) bgp: Option<bool>,
}

/// An exception route.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) label: String,
    pub(super) to: Part,
    pub(super) hop: String,
    pub(super) table: String,
}

/// One part of an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `any`
    Any,
    /// A prefix, a range or an address as written.
    Range(String),
    /// A declared subnet.
    Subnet(String),
    /// A service tag.
    Tag(&'static str),
    /// `tag(Internet)`
    Internet,
    /// `tag(VirtualNetwork)`
    Network,
    /// A name or a pattern.
    Name(&'static str),
    /// An FQDN tag.
    NameTag(&'static str),
    /// `a except b`
    Except(Box<Part>, Vec<String>),
    /// A declared IP group.
    Group(String),
    /// A web category.
    Category(&'static str),
    /// `url("host/path")`, of which a packet shows the host alone.
    Url(&'static str),
    /// An application security group, whose members nobody knows.
    Asg(&'static str),
    /// `fqdn(name, in = prefix)`
    NameWithin(&'static str, &'static str),
    /// A declared name: how it is declared, the name, what it stands for.
    Named(Declared, String, Vec<Part>),
}

/// How a name is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    /// `endpoint`
    Endpoint,
    /// A parameter with a default.
    Param,
    /// A parameter whose value the environment gives.
    Env,
}

/// What a flow does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Allow,
    Deny,
    Forbid,
    /// An allow that overrides these flows, by index of [`Policy::flows`].
    Exception(Vec<usize>),
}

/// A protocol word with its ports as written, which may be none.
pub(super) type Service = (&'static str, Vec<(u16, u16)>);

/// One flow statement.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) label: String,
    pub(super) group: usize,
    pub(super) verb: Verb,
    pub(super) services: Vec<Service>,
    pub(super) from: Vec<Part>,
    pub(super) to: Vec<Part>,
    pub(super) between: bool,
    pub(super) at: Option<String>,
    pub(super) via: Option<&'static str>,
    /// A member of an ordered group: an allow or a deny that counts by its place.
    pub(super) ordered: bool,
    /// `required`, `optional` or neither.
    pub(super) need: Option<&'static str>,
    /// The environment lists it, if it is optional.
    pub(super) enabled: bool,
    /// A condition that holds or does not.
    pub(super) when: Option<bool>,
    pub(super) source_ports: Vec<(u16, u16)>,
    /// Its services are declared apart.
    pub(super) named_services: bool,
    /// It is the one flow of a module.
    pub(super) instance: bool,
    /// Clauses that do not change what it means.
    pub(super) clauses: Vec<String>,
}

/// A translation.
#[derive(Clone, Debug)]
pub(super) struct Dnat {
    pub(super) label: String,
    pub(super) group: usize,
    pub(super) protocol: &'static str,
    pub(super) port: u16,
    pub(super) from: Vec<Part>,
    /// Public addresses of one firewall.
    pub(super) to: Vec<&'static str>,
    /// An address or a name.
    pub(super) into: String,
    pub(super) into_port: Option<u16>,
    pub(super) clauses: Vec<String>,
}

/// What a group says for its members.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) when: Option<bool>,
    pub(super) at: Option<String>,
    pub(super) clauses: Vec<String>,
}

/// A whole policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    pub(super) vnets: Vec<Vnet>,
    pub(super) subnets: Vec<Subnet>,
    pub(super) firewalls: Vec<Firewall>,
    pub(super) nsgs: Vec<Nsg>,
    pub(super) tables: Vec<Table>,
    pub(super) routes: Vec<Route>,
    pub(super) flows: Vec<Flow>,
    pub(super) dnats: Vec<Dnat>,
    pub(super) ip_groups: Vec<(String, Vec<&'static str>)>,
    /// The clauses of groups.
    pub(super) heads: BTreeMap<usize, Head>,
    /// The `GatewaySubnet`.
    pub(super) gateway: Option<Subnet>,
    /// The one environment, if it is declared.
    pub(super) env: Option<&'static str>,
    /// `moved`, `assume` and `test`, which change nothing.
    pub(super) moved: bool,
    pub(super) assume: bool,
    pub(super) test: bool,
}

impl Policy {
    /// The place that the emitted resources are deployed to, as the oracle reads it. Without any
    /// `vnet` all subnets form one.
    pub(super) fn topology(&self) -> Value {
        let one = "all";
        let mut vnets: Vec<Value> = self
            .vnets
            .iter()
            .map(|v| {
                json!({
                    "name": v.name, "space": texts(Some(&v.space), &v.six), "peers": v.peers,
                    "firewall": v.firewall,
                })
            })
            .collect();
        if vnets.is_empty() {
            let all = self.subnets.iter();
            let space: Vec<&str> = all.flat_map(|s| texts(s.prefix.as_ref(), &s.six)).collect();
            vnets.push(json!({ "name": one, "space": space, "peers": [] }));
        }
        let subnets: Vec<Value> = self
            .subnets
            .iter()
            .chain(&self.gateway)
            .map(|s| {
                json!({
                    "name": s.name, "vnet": s.vnet.as_deref().unwrap_or(one),
                    "prefix": texts(s.prefix.as_ref(), &s.six), "nsg": s.nsg, "routeTable": s.table,
                    "serviceEndpoints": s.endpoints,
                })
            })
            .collect();
        let firewalls: Vec<Value> = self
            .firewalls
            .iter()
            .map(|f| {
                json!({
                    "privateIp": f.address, "policy": f.name, "publicIps": f.public,
                    "subnet": f.subnet, "vnet": f.vnet,
                })
            })
            .collect();
        let gateway = self.vnets.iter().any(|v| v.gateway);
        let on_premises: Vec<&str> = gateway.then_some(ON_PREMISES).into_iter().collect();
        json!({
            "vnets": vnets, "subnets": subnets, "firewalls": firewalls, "onPremises": on_premises,
        })
    }

    /// Every range that the policy declares as its own.
    pub(super) fn declared(&self) -> Vec<Range> {
        self.vnets
            .iter()
            .flat_map(|v| texts(Some(&v.space), &v.six))
            .chain(
                self.subnets
                    .iter()
                    .flat_map(|s| texts(s.prefix.as_ref(), &s.six)),
            )
            .chain(self.vnets.iter().any(|v| v.gateway).then_some(ON_PREMISES))
            .map(range)
            .collect()
    }

    /// The subnet of that name.
    pub(super) fn subnet(&self, name: &str) -> &Subnet {
        self.subnets.iter().find(|s| s.name == name).unwrap()
    }

    /// The path of a flow: `main::f0`, `g1::f1`, `if2::main::f2`.
    pub(super) fn path(flow: &Flow) -> String {
        let label = &flow.label;
        match flow.group {
            _ if flow.instance => format!("i{label}::main::{label}"),
            0 => format!("main::{label}"),
            group => format!("g{group}::{label}"),
        }
    }

    /// Whether a flow is there at all.
    pub(super) fn present(&self, flow: &Flow) -> bool {
        let head = self.heads.get(&flow.group).and_then(|head| head.when);
        flow.when != Some(false)
            && (flow.instance || head != Some(false))
            && (flow.need != Some("optional") || flow.enabled)
    }

    /// The addresses of a declared IP group.
    pub(super) fn ip_group(&self, name: &str) -> Vec<Range> {
        let found = self.ip_groups.iter().find(|(own, _)| own == name).unwrap();
        found.1.iter().map(|text| range(text)).collect()
    }

    /// Every public address of a firewall.
    pub(super) fn published(&self) -> Vec<Range> {
        let all = self.firewalls.iter().flat_map(|f| &f.public);
        all.map(|text| range(text)).collect()
    }

    /// The policy without one flow; exceptions that override nothing then go too.
    pub(super) fn without_flow(&self, gone: usize) -> Self {
        let mut out = self.clone();
        let mut kept = vec![true; self.flows.len()];
        kept[gone] = false;
        for (index, flow) in self.flows.iter().enumerate() {
            if let Verb::Exception(denies) = &flow.verb {
                kept[index] &= denies.iter().all(|d| *d != gone);
            }
        }
        let place = |index: usize| kept[..index].iter().filter(|k| **k).count();
        out.flows = self
            .flows
            .iter()
            .enumerate()
            .filter(|(index, _)| kept[*index])
            .map(|(_, flow)| flow.clone())
            .collect();
        for flow in &mut out.flows {
            if let Verb::Exception(denies) = &mut flow.verb {
                for deny in denies {
                    *deny = place(*deny);
                }
            }
        }
        out
    }
}

impl Vnet {
    /// Its address space.
    pub(super) fn ranges(&self) -> Vec<Range> {
        texts(Some(&self.space), &self.six)
            .into_iter()
            .map(range)
            .collect()
    }
}

impl Subnet {
    /// Its prefixes.
    pub(super) fn ranges(&self) -> Vec<Range> {
        texts(self.prefix.as_ref(), &self.six)
            .into_iter()
            .map(range)
            .collect()
    }
}

/// The prefixes of both families.
pub(super) fn texts<'a>(four: Option<&'a String>, six: &'a Option<String>) -> Vec<&'a str> {
    let mut out: Vec<&str> = four.map(String::as_str).into_iter().collect();
    out.extend(six.as_deref());
    out
}

impl Part {
    /// Whether it is matched by name.
    pub(super) fn is_name(&self) -> bool {
        match self {
            Self::Name(_)
            | Self::NameTag(_)
            | Self::Category(_)
            | Self::Url(_)
            | Self::NameWithin(..) => true,
            Self::Named(_, _, parts) => parts.iter().any(Self::is_name),
            _ => false,
        }
    }

    /// The same without declared names around it.
    pub(super) fn plain(&self) -> Vec<Self> {
        match self {
            Self::Named(_, _, parts) => parts.iter().flat_map(Self::plain).collect(),
            other => vec![other.clone()],
        }
    }
}

/// A range that the generator wrote.
pub(super) fn range(text: &str) -> Range {
    Range::parse(text).unwrap_or_else(|| panic!("`{text}` is no range"))
}
