//! The generator's own model of a policy: what it wrote, as text for the compiler and as a topology
//! for the oracle. It is not the compiler's model and knows nothing of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

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
}

/// What lies behind every gateway.
pub(super) const ON_PREMISES: &str = "192.168.0.0/16";

/// A subnet.
#[derive(Clone, Debug)]
pub(super) struct Subnet {
    pub(super) name: String,
    pub(super) vnet: Option<String>,
    pub(super) prefix: String,
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
}

impl Policy {
    /// The policy as a `.gate` file.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for vnet in &self.vnets {
            let _ = write!(out, "vnet {} = {}", vnet.name, both(&vnet.space, &vnet.six));
            let mut keys = String::new();
            if !vnet.peers.is_empty() {
                let _ = writeln!(keys, "  peers = [{}]", vnet.peers.join(", "));
            }
            if vnet.gateway {
                let _ = writeln!(keys, "  on-premises = {ON_PREMISES}");
            }
            if keys.is_empty() {
                out.push('\n');
            } else {
                let _ = writeln!(out, " {{\n{keys}}}");
            }
        }
        for firewall in self.firewalls.iter().filter(|f| !f.implied) {
            let _ = writeln!(out, "firewall {} {{", firewall.name);
            let _ = writeln!(out, "  private-ip = {}", firewall.address);
            if let Some(subnet) = &firewall.subnet {
                let _ = writeln!(out, "  subnet = {subnet}");
            }
            if let Some(vnet) = &firewall.vnet {
                let _ = writeln!(out, "  vnet = {vnet}");
            }
            let _ = writeln!(out, "  dns-proxy = {}\n}}", firewall.dns_proxy);
        }
        for nsg in &self.nsgs {
            let word = |deny: bool| if deny { "deny" } else { "allow" };
            let _ = writeln!(out, "nsg {} {{", nsg.name);
            if let Some(deny) = nsg.inbound {
                let _ = writeln!(out, "  default-inbound = {}", word(deny));
            }
            if let Some(deny) = nsg.outbound {
                let _ = writeln!(out, "  default-outbound = {}", word(deny));
            }
            if nsg.open {
                out.push_str("  names = open\n");
            }
            out.push_str("}\n");
        }
        for table in &self.tables {
            let _ = writeln!(out, "route-table {} {{", table.name);
            if let Some(default) = &table.default {
                let _ = writeln!(out, "  default = {default}");
            }
            out.push_str("}\n");
        }
        for subnet in &self.subnets {
            let _ = writeln!(
                out,
                "subnet {} = {} {{",
                subnet.name,
                both(&subnet.prefix, &subnet.six)
            );
            for (key, value) in [
                ("vnet", &subnet.vnet),
                ("nsg", &subnet.nsg),
                ("route-table", &subnet.table),
            ] {
                if let Some(value) = value {
                    let _ = writeln!(out, "  {key} = {value}");
                }
            }
            if !subnet.endpoints.is_empty() {
                let list = subnet.endpoints.join(", ");
                let _ = writeln!(out, "  service-endpoints = [{list}]");
            }
            out.push_str("}\n");
        }
        for route in &self.routes {
            let _ = writeln!(
                out,
                "route {}: {} via {} on {}",
                route.label,
                route.to.text(),
                route.hop,
                route.table
            );
        }
        let groups: BTreeSet<usize> = self.flows.iter().map(|f| f.group).collect();
        for group in groups {
            let inside = group > 0;
            if inside {
                let ordered = self.flows.iter().any(|f| f.group == group && f.ordered);
                let word = if ordered { "ordered group" } else { "group" };
                let _ = writeln!(out, "{word} g{group} {{");
            }
            for flow in self.flows.iter().filter(|f| f.group == group) {
                let indent = if inside { "  " } else { "" };
                let _ = writeln!(out, "{indent}{}", self.flow_text(flow));
            }
            if inside {
                out.push_str("}\n");
            }
        }
        out
    }

    fn flow_text(&self, flow: &Flow) -> String {
        let verb = match flow.verb {
            Verb::Allow | Verb::Exception(_) => "allow",
            Verb::Deny => "deny",
            Verb::Forbid => "forbid",
        };
        let services: Vec<String> = flow.services.iter().map(service_text).collect();
        let (from, to) = (list(&flow.from), list(&flow.to));
        let ends = if flow.between {
            format!("between {from} and {to}")
        } else {
            format!("from {from} to {to}")
        };
        let mut out = format!("{verb} {}: {} {ends}", flow.label, services.join(", "));
        if let Some(at) = &flow.at {
            let _ = write!(out, " at {at}");
        }
        if let Some(via) = flow.via {
            let _ = write!(out, " via {via}");
        }
        if let Verb::Exception(denies) = &flow.verb {
            let names: Vec<String> = denies
                .iter()
                .map(|index| {
                    let deny = &self.flows[*index];
                    if deny.group == 0 {
                        deny.label.clone()
                    } else {
                        format!("g{}::{}", deny.group, deny.label)
                    }
                })
                .collect();
            let _ = write!(
                out,
                " overrides {} ticket SEC-1 until 2030-12-31",
                names.join(", ")
            );
        }
        out
    }

    /// The place that the emitted resources are deployed to, as the oracle reads it. Without any
    /// `vnet` all subnets form one.
    pub(super) fn topology(&self) -> Value {
        let one = "all";
        let mut vnets: Vec<Value> = self
            .vnets
            .iter()
            .map(|v| json!({ "name": v.name, "space": texts(&v.space, &v.six), "peers": v.peers }))
            .collect();
        if vnets.is_empty() {
            let all = self.subnets.iter();
            let space: Vec<&str> = all.flat_map(|s| texts(&s.prefix, &s.six)).collect();
            vnets.push(json!({ "name": one, "space": space, "peers": [] }));
        }
        let subnets: Vec<Value> = self
            .subnets
            .iter()
            .map(|s| {
                json!({
                    "name": s.name, "vnet": s.vnet.as_deref().unwrap_or(one),
                    "prefix": texts(&s.prefix, &s.six), "nsg": s.nsg, "routeTable": s.table,
                    "serviceEndpoints": s.endpoints,
                })
            })
            .collect();
        let firewalls: Vec<Value> = self
            .firewalls
            .iter()
            .map(|f| json!({ "privateIp": f.address, "policy": f.name }))
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
            .flat_map(|v| texts(&v.space, &v.six))
            .chain(self.subnets.iter().flat_map(|s| texts(&s.prefix, &s.six)))
            .chain(self.vnets.iter().any(|v| v.gateway).then_some(ON_PREMISES))
            .map(range)
            .collect()
    }

    /// The subnet of that name.
    pub(super) fn subnet(&self, name: &str) -> &Subnet {
        self.subnets.iter().find(|s| s.name == name).unwrap()
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
        texts(&self.space, &self.six)
            .into_iter()
            .map(range)
            .collect()
    }
}

impl Subnet {
    /// Its prefixes.
    pub(super) fn ranges(&self) -> Vec<Range> {
        texts(&self.prefix, &self.six)
            .into_iter()
            .map(range)
            .collect()
    }
}

/// The prefixes of both families.
fn texts<'a>(four: &'a str, six: &'a Option<String>) -> Vec<&'a str> {
    let mut out = vec![four];
    out.extend(six.as_deref());
    out
}

/// The same as written.
fn both(four: &str, six: &Option<String>) -> String {
    match six {
        Some(six) => format!("[{four}, {six}]"),
        None => four.to_owned(),
    }
}

impl Part {
    /// The part as written.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Range(text) => text.clone(),
            Self::Subnet(name) => name.clone(),
            Self::Tag(tag) => format!("tag({tag})"),
            Self::Internet => "tag(Internet)".to_owned(),
            Self::Network => "tag(VirtualNetwork)".to_owned(),
            Self::Name("*") => "fqdn(*)".to_owned(),
            Self::Name(name) => (*name).to_owned(),
            Self::NameTag(tag) => format!("fqdn-tag({tag})"),
            Self::Except(base, minus) => {
                let minus = match minus.as_slice() {
                    [one] => one.clone(),
                    several => format!("[{}]", several.join(", ")),
                };
                format!("{} except {minus}", base.text())
            }
        }
    }

    /// Whether it is matched by name.
    pub(super) fn is_name(&self) -> bool {
        matches!(self, Self::Name(_) | Self::NameTag(_))
    }
}

/// A range that the generator wrote.
pub(super) fn range(text: &str) -> Range {
    Range::parse(text).unwrap_or_else(|| panic!("`{text}` is no range"))
}

fn list(parts: &[Part]) -> String {
    match parts {
        [one] => one.text(),
        several => {
            let texts: Vec<String> = several.iter().map(Part::text).collect();
            format!("[{}]", texts.join(", "))
        }
    }
}

fn service_text((word, ports): &Service) -> String {
    if ports.is_empty() {
        return (*word).to_owned();
    }
    let texts: Vec<String> = ports
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    format!("{word}/{}", texts.join(","))
}
