//! The compiler's own reading of resources, asked in the oracle's words. It judges nothing.

use std::net::IpAddr;

use portcullis::backends::firewall_rules::{FirewallMeaning, Infrastructure};
use portcullis::backends::meaning::World;
use portcullis::backends::nsg::meaning::Surroundings;
use portcullis::backends::nsg::shape;
use portcullis::backends::udr::meaning::Routes;
use portcullis::backends::{classic_firewall, firewall_policy, ip_group, nsg, udr};
use portcullis::catalog::service_endpoint_tag;
use portcullis::model::address::AddressSet;
use portcullis::model::service::PortSet;
use portcullis::packet::{Filter, Probe, Transport};
use portcullis::path::{HopClass, HopMap, RouteCause, Surround};
use serde_json::Value;

use super::Said;
use crate::oracle::Packet;
use crate::oracle::address::{Address, Range};
use crate::oracle::firewall::Firewall;
use crate::oracle::nsg::Direction;
use crate::oracle::routes::Neighbourhood;

/// What the readers need of the world.
pub(super) struct Subject<'a> {
    world: World<'a>,
    firewall: &'a Firewall,
}

/// A filter with the way in which the oracle names its rules.
pub(super) struct Read {
    pub(super) filter: Filter,
    name: fn(&str, &str) -> String,
    end: &'static str,
}

/// Next hops with the names of the routes.
pub(super) struct Hops {
    map: HopMap,
    routes: Routes,
}

impl<'a> Subject<'a> {
    pub(super) fn new(mut world: World<'a>, firewall: &'a Firewall) -> Self {
        for group in &firewall.ip_groups {
            ip_group::meaning::register(group, &mut world).unwrap();
        }
        Self { world, firewall }
    }

    pub(super) fn group(
        &self,
        group: &Value,
        direction: Direction,
        table: Option<&Value>,
        near: &Neighbourhood,
    ) -> Read {
        let routes = table.map(|t| udr::meaning::routes(t).unwrap());
        let routes = routes.unwrap_or_default();
        let parts = [&near.space, &near.peers, &near.on_premises];
        let around = Surroundings {
            network: ranges(parts.into_iter().flatten()),
            routed: routes.prefixes(),
            routed_tags: routes.tags(),
            members: None,
            open: None,
        };
        let direction = match direction {
            Direction::Inbound => shape::Direction::Inbound,
            Direction::Outbound => shape::Direction::Outbound,
        };
        Read {
            filter: nsg::meaning::filter(group, &[], direction, &around, &self.world).unwrap(),
            name: |resource, path| {
                if path == nsg::meaning::PLATFORM {
                    path.to_owned()
                } else {
                    format!("{resource}/{path}")
                }
            },
            end: "",
        }
    }

    fn meaning(&self, policy: &str) -> FirewallMeaning {
        let policies: Vec<&Value> = self.firewall.policies.iter().collect();
        let groups: Vec<&Value> = self.firewall.groups.iter().collect();
        firewall_policy::meaning::read(
            policy,
            &policies,
            &groups,
            &self.world,
            Infrastructure::Closed,
        )
        .unwrap()
    }

    pub(super) fn policy(&self, policy: &str) -> Read {
        Read {
            filter: self.meaning(policy).filter,
            name: |resource, path| format!("{resource}/{path}"),
            end: "firewall default",
        }
    }

    /// The collections of a policy in their order.
    pub(super) fn order(&self, policy: &str) -> Vec<String> {
        let meaning = self.meaning(policy);
        let translations = meaning.translations.iter().map(|t| (&t.resource, &t.path));
        let rules = meaning.filter.rules.iter().map(|r| (&r.resource, &r.path));
        let mut out: Vec<String> = translations
            .chain(rules)
            .map(|(resource, path)| format!("{resource}/{}", path.rsplit_once('/').unwrap().0))
            .collect();
        out.dedup();
        out
    }

    pub(super) fn classic(&self, firewall: &Value) -> Read {
        let read =
            classic_firewall::meaning::read(firewall, &self.world, Infrastructure::Closed).unwrap();
        Read {
            filter: read.filter,
            name: |_, path| path.to_owned(),
            end: "firewall default",
        }
    }

    pub(super) fn hops(&self, table: Option<&Value>, near: &Neighbourhood) -> Hops {
        let routes = table.map(|t| udr::meaning::routes(t).unwrap());
        let routes = routes.unwrap_or(Routes {
            bgp: true,
            ..Routes::default()
        });
        let tag = |service: &String| service_endpoint_tag(service).unwrap_or(service).to_owned();
        let surround = Surround {
            space: ranges(&near.space),
            peers: near.peers.iter().map(|peer| ranges([peer])).collect(),
            on_premises: near.on_premises.iter().map(|one| ranges([one])).collect(),
            service_endpoints: near.service_endpoints.iter().map(tag).collect(),
            ..Surround::default()
        };
        let map = routes.hop_map(&surround, &self.world).unwrap();
        Hops { map, routes }
    }
}

impl Read {
    pub(super) fn decide(&self, packet: &Packet) -> Said {
        let decision = self.filter.decide(&probe(packet));
        let name = |index: usize| {
            let rule = &self.filter.rules[index];
            (self.name)(&rule.resource, &rule.path)
        };
        let by = decision.rule.map_or(self.end.to_owned(), name);
        match decision.verdict {
            Some(verdict) => (verdict.word().to_owned(), by),
            None => {
                let first = name(decision.open[0]);
                (
                    "unknown".to_owned(),
                    format!("`{first}` may match, else `{by}`"),
                )
            }
        }
    }
}

impl Hops {
    pub(super) fn decide(&self, address: Address) -> Said {
        let (class, cause) = self.map.decide(ip(address));
        let hop = match class {
            HopClass::Local => "VnetLocal".to_owned(),
            HopClass::Peer => "VNetPeering".to_owned(),
            HopClass::Gateway => "VirtualNetworkGateway".to_owned(),
            HopClass::Internet => "Internet".to_owned(),
            HopClass::ServiceEndpoint => "VirtualNetworkServiceEndpoint".to_owned(),
            HopClass::Appliance(address) => format!("VirtualAppliance {address}"),
            HopClass::None => "None".to_owned(),
            HopClass::Firewall(_) | HopClass::Platform => panic!("{class:?}"),
        };
        let by = match cause {
            RouteCause::User(index) => {
                format!("{}/{}", self.routes.name, self.routes.routes[index].name)
            }
            RouteCause::Bgp => "bgp".to_owned(),
            RouteCause::System(word) => format!("system {word}"),
        };
        (hop, by)
    }
}

/// The protocol of a packet of the oracle, with what is read inside.
pub(crate) fn transport(packet: &Packet) -> Transport {
    match (packet.protocol.as_str(), packet.l7.as_str()) {
        ("tcp", "http") => Transport::Http,
        ("tcp", "https") => Transport::Https,
        ("tcp", "mssql") => Transport::Mssql,
        ("tcp", _) => Transport::Tcp,
        ("udp", _) => Transport::Udp,
        ("icmp", _) => Transport::Icmp,
        ("esp", _) => Transport::Esp,
        ("ah", _) => Transport::Ah,
        (other, _) => panic!("{other}"),
    }
}

/// A packet of the oracle as the compiler's own.
pub(crate) fn probe(packet: &Packet) -> Probe {
    let transport = transport(packet);
    let mut probe = Probe::new(
        transport,
        ip(packet.source),
        ip(packet.destination),
        packet.port,
    );
    if transport.has_ports() {
        probe.source_ports = PortSet::one(packet.source_port);
    }
    if !packet.name.is_empty() {
        probe = probe.named(&packet.name);
    }
    probe
}

fn ip(address: Address) -> IpAddr {
    address.to_string().parse().unwrap()
}

/// An address, prefix or range as a set.
pub(super) fn set(written: &str) -> AddressSet {
    let range = Range::parse(written).unwrap();
    AddressSet::range(ip(range.low()), ip(range.high()))
}

fn ranges<'r>(ranges: impl IntoIterator<Item = &'r Range>) -> AddressSet {
    let mut out = AddressSet::empty();
    for range in ranges {
        out = out.union(&AddressSet::range(ip(range.low()), ip(range.high())));
    }
    out
}
