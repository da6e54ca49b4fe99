//! Subnets that run a platform service: the flows that the library's module of the service requires
//! are there and no deny takes them away. What the module leaves to its user is not judged.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::address::AddressSet;
use crate::model::endpoint::{Endpoint, NamePattern};
use crate::model::service::{PortSet, Proto, word};
use crate::model::{DefaultAction, Flow, Key, Subnet, Tier};
use crate::path::{Fabric, HopClass, HopMap};

use super::{Scene, is_own};

/// What a service requires of its subnet.
#[derive(Clone, Debug, Default)]
pub struct Required {
    /// The module that says so.
    pub module: String,
    /// Its required flows; one entry for each edition of the page behind it, any of which will do.
    pub choices: Vec<Vec<Flow>>,
    /// No region is known: any will do for this one, which the flows name.
    pub any_region: Option<String>,
}

/// One thing that an end of a required flow holds.
enum Atom<'a> {
    Tag(&'a str),
    Internet,
    Network,
    Name(&'a NamePattern),
    FqdnTag(&'a str),
    Addresses(&'a AddressSet),
    /// Left to the user.
    Anything,
}

/// Tells subnets that lack a required flow.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, subnet) in scene.fabric.end_subnets() {
        let Some(required) = scene.required.get(key) else {
            continue;
        };
        // The module itself made this subnet.
        if !is_own(scene.sources, subnet.identity.span) {
            continue;
        }
        let room = Room {
            fabric: scene.fabric,
            key,
            subnet,
            any_region: required.any_region.is_some(),
        };
        let missing = required
            .choices
            .iter()
            .map(|flows| {
                let lacks = |flow: &&Flow| !room.has(flow);
                flows.iter().filter(lacks).collect::<Vec<&Flow>>()
            })
            .min_by_key(Vec::len)
            .unwrap_or_default();
        if !missing.is_empty() {
            sink.push(lacks(key, subnet, required, &missing));
        }
    }
}

struct Room<'a> {
    fabric: &'a Fabric<'a>,
    key: &'a Key,
    subnet: &'a Subnet,
    any_region: bool,
}

impl Room<'_> {
    /// Every part of a required flow is allowed, and no deny certainly takes it away.
    fn has(&self, required: &Flow) -> bool {
        let own = |e: &Endpoint| e.addresses.meets(&self.subnet.prefix);
        let (inbound, other) = match (own(&required.from), own(&required.to)) {
            (true, _) => (false, &required.to),
            (false, true) => (true, &required.from),
            // It speaks of places that the module leaves to its user.
            (false, false) => return true,
        };
        let free = required.traffic.has(Proto::Esp);
        atoms(other).iter().all(|atom| {
            if free {
                return self.policy_flows(inbound, atom).any(Flow::allows);
            }
            let traffic = required.traffic.transport();
            traffic
                .iter()
                .all(|(proto, ports)| self.lets(inbound, atom, *proto, ports))
        })
    }

    fn lets(&self, inbound: bool, atom: &Atom<'_>, proto: Proto, ports: &PortSet) -> bool {
        let of = |wanted: &dyn Fn(&Flow) -> bool| -> PortSet {
            self.policy_flows(inbound, atom)
                .filter(|f| wanted(f) && f.source_ports.is_none())
                .flat_map(|f| f.traffic.transport())
                .filter(|(p, _)| *p == proto || *p == Proto::Any)
                .fold(PortSet::from_ranges(&[]), |all, (_, p)| all.union(&p))
        };
        let tier = |wanted: Tier| of(&move |f: &Flow| f.tier == wanted);
        let mut plain = of(&|f| f.allows() && matches!(f.tier, Tier::Allow | Tier::Ordered));
        if self.lets_by_default(inbound, atom) {
            plain = plain.union(ports);
        }
        // A deny of something that the user chooses takes away no more than he chose.
        let denied = match atom {
            Atom::Anything => PortSet::from_ranges(&[]),
            _ => tier(Tier::Deny),
        };
        let forbidden = match atom {
            Atom::Anything => PortSet::from_ranges(&[]),
            _ => tier(Tier::Forbid),
        };
        let allowed = plain
            .subtract(&denied)
            .union(&tier(Tier::Exception))
            .subtract(&forbidden);
        ports.subtract(&allowed).is_empty()
    }

    /// Whether the security group, or Azure's own last rules in it, let it through unasked and no
    /// firewall follows ("Network security groups overview", default security rules, checked
    /// 2026-11-25).
    fn lets_by_default(&self, inbound: bool, atom: &Atom<'_>) -> bool {
        let nsgs = &self.fabric.policy.nsgs;
        let nsg = self.subnet.nsg.as_ref().and_then(|key| nsgs.get(key));
        let stated = nsg.and_then(|nsg| {
            if inbound {
                nsg.default_inbound
            } else {
                nsg.default_outbound
            }
        });
        if nsg.is_none() || stated == Some(DefaultAction::Deny) {
            return false;
        }
        let probes = matches!(atom, Atom::Tag("AzureLoadBalancer"));
        let near = probes || matches!(atom, Atom::Network);
        let hop = self.fabric.hop_map(self.key).map(HopMap::default_hop);
        let filtered = matches!(hop, Some(HopClass::Firewall(_)));
        near || (!filtered && (!inbound || stated == Some(DefaultAction::Allow)))
    }

    /// The flows that speak of the whole subnet and of all that an atom holds.
    fn policy_flows(&self, inbound: bool, atom: &Atom<'_>) -> impl Iterator<Item = &Flow> {
        self.fabric.policy.flows.iter().filter(move |flow| {
            let (own, other) = if inbound {
                (&flow.to, &flow.from)
            } else {
                (&flow.from, &flow.to)
            };
            let here = self.fabric.addresses(own, Some(self.key));
            self.subnet.prefix.is_subset(&here) && self.holds(other, atom)
        })
    }

    fn holds(&self, end: &Endpoint, atom: &Atom<'_>) -> bool {
        if end.any {
            return true;
        }
        let addresses = || self.fabric.addresses(end, Some(self.key));
        match atom {
            Atom::Anything => true,
            Atom::Tag(tag) => {
                let base = |t: &str| t.split('.').next().unwrap_or_default().to_owned();
                let alike = |t: &String| {
                    t == tag || *t == base(tag) || self.any_region && base(t) == base(tag)
                };
                end.tags.iter().any(alike) || {
                    let set = self.fabric.tag(tag);
                    !set.is_empty() && set.is_subset(&addresses())
                }
            }
            Atom::Internet => end.internet || self.fabric.internet.is_subset(&addresses()),
            Atom::Network => {
                end.virtual_network
                    || self
                        .fabric
                        .virtual_network(self.key)
                        .is_subset(&addresses())
            }
            // What an FQDN tag or a category holds is not known: it may be this name.
            Atom::Name(name) => {
                let within = |n: &NamePattern| {
                    n.text == name.text
                        || n.text.strip_prefix('*').is_some_and(|suffix| {
                            name.text.len() > suffix.len() && name.text.ends_with(suffix)
                        })
                };
                end.names.iter().any(within)
                    || !end.fqdn_tags.is_empty()
                    || !end.categories.is_empty()
                    || self.fabric.internet.is_subset(&addresses())
                    || self.any_region && !end.names.is_empty()
            }
            Atom::FqdnTag(tag) => {
                end.fqdn_tags.contains(*tag) || self.fabric.internet.is_subset(&addresses())
            }
            Atom::Addresses(set) => set.is_subset(&addresses()),
        }
    }
}

fn atoms(end: &Endpoint) -> Vec<Atom<'_>> {
    if end.any || end.addresses.meets(&placeholder()) {
        return vec![Atom::Anything];
    }
    let mut out: Vec<Atom<'_>> = end.tags.iter().map(|t| Atom::Tag(t)).collect();
    out.extend(end.names.iter().map(Atom::Name));
    out.extend(end.fqdn_tags.iter().map(|t| Atom::FqdnTag(t)));
    if end.internet {
        out.push(Atom::Internet);
    }
    if end.virtual_network {
        out.push(Atom::Network);
    }
    if !end.addresses.is_empty() {
        out.push(Atom::Addresses(&end.addresses));
    }
    out
}

/// The documentation address that stands for what the module leaves to its user.
fn placeholder() -> AddressSet {
    AddressSet::prefix(IpNet::from(IpAddr::from([192, 0, 2, 1])))
}

/// A required flow in words: `inbound::management (tcp/3443 from tag(ApiManagement))`.
fn describe(flow: &Flow, subnet: &Subnet, region: Option<&str>) -> String {
    let (side, other) = if flow.from.addresses.meets(&subnet.prefix) {
        ("to", &flow.to)
    } else {
        ("from", &flow.from)
    };
    let parts: Vec<String> = atoms(other)
        .iter()
        .map(|atom| match atom {
            Atom::Tag(tag) => match (tag.split_once('.'), region) {
                (Some((base, _)), Some(_)) => format!("tag({base}.REGION)"),
                _ => format!("tag({tag})"),
            },
            Atom::Internet => "tag(Internet)".to_owned(),
            Atom::Network => "tag(VirtualNetwork)".to_owned(),
            Atom::Name(name) => match region {
                Some(region) => name.text.replace(region, "REGION"),
                None => name.text.clone(),
            },
            Atom::FqdnTag(tag) => format!("fqdn-tag({tag})"),
            Atom::Addresses(set) => {
                let list: Vec<String> = set.to_prefixes().iter().map(IpNet::to_string).collect();
                list.join(", ")
            }
            Atom::Anything => "those you choose".to_owned(),
        })
        .collect();
    let traffic: Vec<String> = flow
        .traffic
        .iter()
        .map(|(proto, ports)| match proto {
            Proto::Esp => "the ports you choose".to_owned(),
            _ if ports.is_all() => word(proto).to_owned(),
            _ => format!("{}/{}", word(proto), ports.texts().join(",")),
        })
        .collect();
    format!(
        "`{}::{}`, {} {side} {}",
        flow.id.group,
        flow.id.label,
        traffic.join(" and "),
        parts.join(", ")
    )
}

fn lacks(key: &Key, subnet: &Subnet, required: &Required, missing: &[&Flow]) -> Diagnostic {
    let module = &required.module;
    let region = required.any_region.as_deref();
    let (service, span) = subnet
        .runs
        .clone()
        .unwrap_or_else(|| (String::new(), subnet.identity.span));
    let list: Vec<String> = missing
        .iter()
        .map(|f| describe(f, subnet, region))
        .collect();
    let number = match missing.len() {
        1 => "1 flow".to_owned(),
        several => format!("{several} flows"),
    };
    Diagnostic::new(
        Code::PC4024,
        span,
        format!("subnet `{key}` runs {service}, and {number} that it requires are not allowed")
            .replace("1 flow that it requires are", "1 flow that it requires is"),
    )
    .label("not all that it requires is let through")
    .help(format!(
        "use \"{module}\", which declares the subnet with its flows, or allow what is missing and take away no part of it"
    ))
    .note(format!(
        "missing of {module}, which names Microsoft's page: {}",
        list.join("; ")
    ))
}
