//! What a security group does with a packet, read from its JSON: its rules by priority, then Azure's
//! own. One group in one direction; which groups a packet passes is not known here.
//!
//! Source: "Azure network security groups overview", "How network security groups filter network
//! traffic", "Virtual network service tags" (Microsoft Learn, checked 2026-11-25).

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use crate::backends::meaning::{
    At, End, Unreadable, World, expression, is_tag_name, last_segment, literal, port_set,
};
use crate::catalog::SpecialTag;
use crate::model::address::AddressSet;
use crate::model::internet::platform;
use crate::model::service::PortSet;
use crate::packet::{Addresses, Filter, Names, Region, Rule, Service, Symbol, Transport};
use crate::packet::{Transports, Verdict};

use super::shape::Direction;

/// What `VirtualNetwork`, `Internet` and application security groups are made of, at one subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The virtual network's address space, its peers' and the on-premises prefixes.
    pub network: AddressSet,
    /// Prefixes of the subnet's user routes: `VirtualNetwork` absorbs them.
    pub routed: AddressSet,
    /// Service tags of the subnet's user routes; whether they count as prefixes is not documented.
    pub routed_tags: Vec<String>,
    /// Where members of application security groups can be; anywhere if absent.
    pub members: Option<AddressSet>,
    /// Where more of the network may lie, if nobody told all of its address space.
    pub open: Option<AddressSet>,
}

/// The name of the rule by which platform addresses pass.
pub const PLATFORM: &str = "platform address";

/// The host's address: DNS, probes, licensing ("What is IP address 168.63.129.16?", checked
/// 2026-11-25).
const HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// The metadata service ("Azure Instance Metadata Service", checked 2026-11-25).
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The rules of a group in one direction, Azure's own last. `children` are rules that are resources
/// of their own; one of them replaces a rule of the same name in the group.
///
/// Platform addresses pass outbound whatever the rules say, unless a rule names one of their tags
/// (overview, "Azure platform considerations").
///
/// # Errors
/// A rule is not understood.
pub fn filter(
    group: &Value,
    children: &[&Value],
    direction: Direction,
    around: &Surroundings,
    world: &World<'_>,
) -> Result<Filter, Unreadable> {
    let at = At::resource(group);
    let name = at.name()?;
    let mut places: Vec<(String, At<'_>)> = Vec::new();
    let inline = at.body()?.items("securityRules")?;
    for place in inline
        .into_iter()
        .chain(children.iter().map(|child| At::resource(child)))
    {
        let own = place.name()?;
        places.retain(|(known, _)| !known.eq_ignore_ascii_case(&own));
        places.push((own, place));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for (own, place) in &places {
        let reader = Reader {
            around,
            world,
            direction,
            resource: &name,
        };
        if let Some(rule) = reader.rule(own, &place.body()?)? {
            if let Some(twin) = rules.iter().find(|r| r.priority == rule.priority) {
                return Err(place.fault(format!(
                    "priority {} is that of `{}` too",
                    rule.priority, twin.path
                )));
            }
            rules.push(rule);
        }
    }
    rules.sort_by_key(|rule| rule.priority);
    rules.extend(built_in(&name, direction, around, world));
    Ok(Filter { rules })
}

/// Azure's own rules (overview, "Default security rules").
fn built_in(
    resource: &str,
    direction: Direction,
    around: &Surroundings,
    world: &World<'_>,
) -> Vec<Rule> {
    let host = End::of(one(HOST));
    let network = virtual_network(around, world);
    let rule = |path: &str, priority, verdict, from: &End, to: &End| {
        let mut to = to.clone();
        if direction == Direction::Outbound && path != PLATFORM && verdict == Verdict::Allow {
            to.remove(&platform());
        }
        Rule {
            path: path.to_owned(),
            resource: resource.to_owned(),
            priority,
            verdict,
            replaces_source: false,
            built_in: true,
            regions: product(from, &to, &[Service::any()]),
        }
    };
    let any = End::any();
    let (allow, deny) = (Verdict::Allow, Verdict::Deny);
    match direction {
        Direction::Inbound => vec![
            rule("AllowVnetInBound", 65000, allow, &network, &network),
            rule("AllowAzureLoadBalancerInBound", 65001, allow, &host, &any),
            rule("DenyAllInBound", 65500, deny, &any, &any),
        ],
        Direction::Outbound => {
            let internet = End::of(internet(around, world));
            let bypass = End::of(platform());
            vec![
                rule("AllowVnetOutBound", 65000, allow, &network, &network),
                rule("AllowInternetOutBound", 65001, allow, &any, &internet),
                rule(PLATFORM, 65500, allow, &any, &bypass),
                rule("DenyAllOutBound", 65500, deny, &any, &any),
            ]
        }
    }
}

/// Publicly reachable and outside the network, Azure's own public addresses included. Whether it
/// loses what `VirtualNetwork` absorbs from routes is not documented; here it does not.
fn internet(around: &Surroundings, world: &World<'_>) -> AddressSet {
    world.public().subtract(&around.network)
}

/// The network, the host's address and the prefixes of the subnet's user routes ("Virtual network
/// service tags", checked 2026-11-25).
fn virtual_network(around: &Surroundings, world: &World<'_>) -> End {
    let mut end = End::of(around.network.union(&around.routed).union(&one(HOST)));
    for tag in &around.routed_tags {
        let within = match world.tag(tag) {
            Some(known) => (*known).clone(),
            None => world.public().clone(),
        };
        let symbol = Symbol {
            kind: "routed tag",
            name: tag.clone(),
        };
        if !within.is_empty() {
            end.add_symbol(symbol, Some(within));
        }
    }
    if let Some(open) = &around.open {
        let symbol = Symbol {
            kind: "tag",
            name: "VirtualNetwork".to_owned(),
        };
        end.add_symbol(symbol, Some(open.clone()));
    }
    end
}

/// A destination that a platform tag names, with the port that it names.
type Platform = (Ipv4Addr, Option<u16>);

/// What a rule says of its destination.
#[derive(Default)]
struct Sides {
    end: End,
    platform: Vec<Platform>,
}

struct Reader<'r, 'w> {
    around: &'r Surroundings,
    world: &'r World<'w>,
    direction: Direction,
    resource: &'r str,
}

impl Reader<'_, '_> {
    /// A rule; nothing if it is of the other direction.
    fn rule(&self, name: &str, body: &At<'_>) -> Result<Option<Rule>, Unreadable> {
        let inbound = match body.needed("direction")?.to_lowercase().as_str() {
            "inbound" => true,
            "outbound" => false,
            other => return Err(body.fault(format!("direction `{other}` is not known"))),
        };
        if inbound != (self.direction == Direction::Inbound) {
            return Ok(None);
        }
        body.only(&["source", "destination", "protocol"], &FIELDS)?;
        let verdict = match body.needed("access")?.to_lowercase().as_str() {
            "allow" => Verdict::Allow,
            "deny" => Verdict::Deny,
            other => return Err(body.fault(format!("access `{other}` is not known"))),
        };
        let mut doubts: Vec<Symbol> = Vec::new();
        let protocol = body.needed("protocol")?;
        let transports = match protocol.to_lowercase().as_str() {
            "tcp" => Transports::TCP,
            "udp" => Transports::one(Transport::Udp),
            "icmp" => Transports::one(Transport::Icmp),
            "esp" => Transports::one(Transport::Esp),
            "ah" => Transports::one(Transport::Ah),
            "*" | "any" => Transports::ALL,
            other => match expression(&protocol) {
                Some(open) => {
                    doubts.push(open);
                    Transports::ALL
                }
                None => return Err(body.fault(format!("protocol `{other}`"))),
            },
        };
        let source_ports = ports(body, "source", &mut doubts)?;
        let ports = ports(body, "destination", &mut doubts)?;
        let mut source = self.side(body, "source")?;
        for doubt in &doubts {
            source.end = source.end.doubted(doubt);
        }
        if let Some((address, _)) = source.platform.first() {
            return Err(body.fault(format!("the tag of {address} is no source")));
        }
        let mut destination = self.side(body, "destination")?;
        if self.direction == Direction::Outbound && destination.platform.is_empty() {
            destination.end.remove(&platform());
        }
        let services = services(transports, &source_ports, &ports);
        let mut regions = product(&source.end, &destination.end, &services);
        for (address, port) in destination.platform {
            let to = End::of(one(address));
            let services: Vec<Service> = match port {
                None => services.clone(),
                Some(port) => services.iter().filter_map(|s| narrow(s, port)).collect(),
            };
            regions.extend(product(&source.end, &to, &services));
        }
        Ok(Some(Rule {
            path: name.to_owned(),
            resource: self.resource.to_owned(),
            priority: body.number("priority")?,
            verdict,
            replaces_source: false,
            built_in: false,
            regions,
        }))
    }

    fn side(&self, body: &At<'_>, side: &str) -> Result<Sides, Unreadable> {
        let mut out = Sides::default();
        let mut told = false;
        for (id, _) in body.texts(&format!("{side}ApplicationSecurityGroups"))? {
            told = true;
            let symbol = Symbol {
                kind: "asg",
                name: last_segment(&id).to_owned(),
            };
            out.end.add_symbol(symbol, self.around.members.clone());
        }
        let entries = body.one_or_many(
            &format!("{side}AddressPrefix"),
            &format!("{side}AddressPrefixes"),
        )?;
        for (text, place) in entries {
            told = true;
            if let Some(open) = expression(&text) {
                out.end.add_symbol(open, None);
            } else if text == "*" {
                out.end.add(&AddressSet::all());
            } else if let Some(set) = literal(&text) {
                out.end.add(&set);
            } else if let Some(special) = SpecialTag::find(&text) {
                match special {
                    SpecialTag::VirtualNetwork => {
                        for part in virtual_network(self.around, self.world).parts() {
                            out.end.join(&part);
                        }
                    }
                    SpecialTag::Internet => out.end.add(&internet(self.around, self.world)),
                    SpecialTag::AzureLoadBalancer => out.end.add(&one(HOST)),
                    SpecialTag::AzurePlatformDNS => out.platform.push((HOST, Some(53))),
                    SpecialTag::AzurePlatformLKM => out.platform.push((HOST, Some(1688))),
                    SpecialTag::AzurePlatformIMDS => out.platform.push((METADATA, None)),
                }
            } else if is_tag_name(&text) {
                out.end.join(&self.world.tag_end(&text));
            } else {
                return Err(place.fault(format!("`{text}` is no address, prefix or tag")));
            }
        }
        if told {
            Ok(out)
        } else {
            Err(body.fault(format!("has no {side}")))
        }
    }
}

/// Members that say what a rule matches.
const FIELDS: [&str; 11] = [
    "protocol",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationPortRange",
    "destinationPortRanges",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "sourceApplicationSecurityGroups",
    "destinationApplicationSecurityGroups",
];

/// Ports of one end, and whether they are written as all: only then protocols without ports match.
struct Ports {
    set: PortSet,
    every: bool,
}

fn ports(body: &At<'_>, side: &str, doubts: &mut Vec<Symbol>) -> Result<Ports, Unreadable> {
    let texts = body.one_or_many(&format!("{side}PortRange"), &format!("{side}PortRanges"))?;
    if texts.is_empty() {
        return Err(body.fault(format!("has no {side} ports")));
    }
    if let Some(open) = texts.iter().find_map(|(text, _)| expression(text)) {
        doubts.push(open);
        return Ok(Ports {
            set: PortSet::all(),
            every: true,
        });
    }
    Ok(Ports {
        set: port_set(&texts)?,
        every: texts.iter().any(|(t, _)| t == "*" || t == "0-65535"),
    })
}

fn services(transports: Transports, source: &Ports, destination: &Ports) -> Vec<Service> {
    let every = source.every && destination.every;
    let kept = if every {
        transports
    } else {
        transports.intersect(Transports::PORTED)
    };
    if kept.is_empty() {
        return Vec::new();
    }
    vec![Service {
        transports: kept,
        ports: destination.set.clone(),
        source_ports: source.set.clone(),
    }]
}

/// The part of a service on one port.
fn narrow(service: &Service, port: u16) -> Option<Service> {
    let transports = service.transports.intersect(Transports::PORTED);
    (!transports.is_empty() && service.ports.contains(port)).then(|| Service {
        transports,
        ports: PortSet::one(port),
        source_ports: service.source_ports.clone(),
    })
}

fn product(from: &End, to: &End, services: &[Service]) -> Vec<Region> {
    if services.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    let destinations: Vec<Addresses> = to.parts();
    for source in from.parts() {
        for destination in &destinations {
            out.push(Region {
                source: source.clone(),
                destination: destination.clone(),
                services: services.to_vec(),
                names: Names::Any,
            });
        }
    }
    out
}

fn one(address: Ipv4Addr) -> AddressSet {
    AddressSet::range(IpAddr::V4(address), IpAddr::V4(address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::packet::Probe;
    use serde_json::json;

    fn rule(name: &str, priority: u32, more: &Value) -> Value {
        let mut rule = json!({"name": name, "priority": priority, "direction": "Outbound",
            "access": "allow", "protocol": "TCP", "sourceAddressPrefix": "*",
            "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "443"});
        for (key, value) in more.as_object().unwrap() {
            rule[key] = value.clone();
        }
        rule
    }

    fn read(rules: &[Value], children: &[&Value]) -> Result<Filter, Unreadable> {
        let group = json!({"name": "nsg", "securityRules": rules});
        let around = Surroundings {
            network: AddressSet::prefix("10.1.0.0/16".parse().unwrap()),
            ..Surroundings::default()
        };
        let world = World::unknown();
        filter(&group, children, Direction::Outbound, &around, &world)
    }

    fn said(filter: &Filter, transport: Transport, to: &str, port: u16) -> String {
        let from = "10.1.0.4".parse().unwrap();
        let probe = Probe::new(transport, from, to.parse().unwrap(), port);
        let decision = filter.decide(&probe);
        filter.rules[decision.rule.unwrap()].path.clone()
    }

    #[test]
    fn platform_addresses_pass_unless_their_tag_is_named() {
        let deny = json!({"access": "Deny", "protocol": "*", "destinationPortRange": "*"});
        let all = rule("all", 200, &deny);
        let filter = read(std::slice::from_ref(&all), &[]).unwrap();
        assert_eq!(said(&filter, Transport::Udp, "168.63.129.16", 53), PLATFORM);
        assert_eq!(said(&filter, Transport::Udp, "8.8.8.8", 53), "all");
        let mut dns = rule("dns", 300, &deny);
        dns["destinationAddressPrefix"] = "AzurePlatformDNS".into();
        let filter = read(&[all, dns], &[]).unwrap();
        assert_eq!(said(&filter, Transport::Udp, "168.63.129.16", 53), "dns");
        assert_eq!(said(&filter, Transport::Udp, "168.63.129.16", 80), PLATFORM);
    }

    #[test]
    fn ports_shut_out_protocols_without_ports() {
        let any = rule("r", 100, &json!({"protocol": "*", "access": "Deny"}));
        let filter = read(&[any], &[]).unwrap();
        let icmp = said(&filter, Transport::Icmp, "8.8.8.8", 0);
        assert_eq!(icmp, "AllowInternetOutBound");
        assert_eq!(said(&filter, Transport::Https, "8.8.8.8", 443), "r");
    }

    #[test]
    fn a_child_replaces_the_rule_of_its_name() {
        let inline = rule("r", 100, &json!({}));
        let child =
            json!({"name": "nsg/R", "properties": rule("x", 100, &json!({"access": "Deny"}))});
        let filter = read(&[inline], &[&child]).unwrap();
        assert_eq!(filter.rules[0].path, "R");
        assert_eq!(filter.rules[0].verdict, Verdict::Deny);
        assert_eq!(filter.rules.iter().filter(|r| !r.built_in).count(), 1);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let fault = |more: Value| {
            let rules = [rule("a", 100, &json!({})), rule("b", 110, &more)];
            read(&rules, &[]).unwrap_err().to_string()
        };
        for (more, expected) in [
            (
                json!({"protocol": "Gre"}),
                "nsg.securityRules[1]: protocol `gre`",
            ),
            (
                json!({"priority": 100}),
                "nsg.securityRules[1]: priority 100 is that of `a` too",
            ),
            (
                json!({"access": null}),
                "nsg.securityRules[1]: has no `access`",
            ),
            (
                json!({"destinationAddressPrefix": "10.0.0.0/40"}),
                "nsg.securityRules[1].destinationAddressPrefix: `10.0.0.0/40` is no address, prefix or tag",
            ),
            (
                json!({"destinationPortRange": "9-8"}),
                "nsg.securityRules[1].destinationPortRange: `9-8` is no port and no range of ports",
            ),
            (
                json!({"sourceAsgAddressPrefixSets": ["x"]}),
                "nsg.securityRules[1]: `sourceAsgAddressPrefixSets` is not understood",
            ),
        ] {
            assert_eq!(fault(more), expected);
        }
    }
}
