//! What a generated policy means, by section 1.1 of the language alone: forbid, exception, deny,
//! allow, default. It reads the generator's own list of flows and knows no layer, path or rule.

use crate::oracle::Packet;
use crate::oracle::address::{Address, HOST, Range};
use crate::oracle::firewall::fqdn_matches;

use super::facts::Facts;
use super::policy::{Dnat, Flow, ON_PREMISES, Part, Policy, Service, Verb, range};

/// What the policy says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Allowed by these flows.
    Allow(Vec<usize>),
    /// Denied by these.
    Deny(Vec<usize>),
    /// Allowed by this translation.
    Translated(usize),
    /// No flow speaks of it.
    Default,
    /// The language does not say: an exception meets a deny that it does not name, or it depends on
    /// what nobody knows.
    Open,
}

/// A packet under a policy. What nobody knows (the members of an application security group, the path
/// of a request) is taken to match or not, all at once.
struct View<'a> {
    policy: &'a Policy,
    facts: &'a Facts,
    packet: &'a Packet,
    doubt: bool,
}

/// The meaning of a packet.
pub(super) fn denote(policy: &Policy, facts: &Facts, packet: &Packet) -> Meaning {
    let meaning = |doubt| {
        let view = View {
            policy,
            facts,
            packet,
            doubt,
        };
        if packet.destination.within(&policy.published()) {
            view.published()
        } else {
            view.meaning()
        }
    };
    let (no, yes) = (meaning(false), meaning(true));
    if no == yes { no } else { Meaning::Open }
}

/// Whether a flow speaks of a packet, or may.
pub(super) fn matches(policy: &Policy, facts: &Facts, flow: &Flow, packet: &Packet) -> bool {
    matches_if(policy, facts, flow, packet, true)
}

/// Whether a flow surely speaks of a packet.
pub(super) fn surely(policy: &Policy, facts: &Facts, flow: &Flow, packet: &Packet) -> bool {
    matches_if(policy, facts, flow, packet, false)
}

fn matches_if(policy: &Policy, facts: &Facts, flow: &Flow, packet: &Packet, doubt: bool) -> bool {
    let view = View {
        policy,
        facts,
        packet,
        doubt,
    };
    view.matches(flow)
}

impl View<'_> {
    fn meaning(&self) -> Meaning {
        let policy = self.policy;
        let met: Vec<usize> = (0..policy.flows.len())
            .filter(|index| self.matches(&policy.flows[*index]))
            .collect();
        let of = |wanted: fn(&Verb) -> bool| -> Vec<usize> {
            met.iter()
                .copied()
                .filter(|index| wanted(&policy.flows[*index].verb))
                .collect()
        };
        let forbids = of(|v| *v == Verb::Forbid);
        if !forbids.is_empty() {
            return Meaning::Deny(forbids);
        }
        let exceptions = of(|v| matches!(v, Verb::Exception(_)));
        let denies: Vec<usize> = of(|v| *v == Verb::Deny)
            .into_iter()
            .filter(|index| !policy.flows[*index].ordered)
            .collect();
        if !exceptions.is_empty() {
            let named = |deny: &usize| {
                exceptions.iter().any(
                    |e| matches!(&policy.flows[*e].verb, Verb::Exception(list) if list.contains(deny)),
                )
            };
            if denies.iter().all(named) {
                return Meaning::Allow(exceptions);
            }
            return Meaning::Open;
        }
        if !denies.is_empty() {
            return Meaning::Deny(denies);
        }
        // Of an ordered group the first match is final.
        if let Some(first) = met.iter().copied().find(|i| policy.flows[*i].ordered) {
            return match policy.flows[first].verb {
                Verb::Allow => Meaning::Allow(vec![first]),
                _ => Meaning::Deny(vec![first]),
            };
        }
        let allows = of(|v| *v == Verb::Allow);
        if allows.is_empty() {
            Meaning::Default
        } else {
            Meaning::Allow(allows)
        }
    }

    /// A packet to a public address of a firewall. Only a translation lets it in: what else allows it
    /// allows what nobody can do. Denies count for the address as written and for the target.
    fn published(&self) -> Meaning {
        let policy = self.policy;
        let found = (0..policy.dnats.len()).find(|i| self.translates(&policy.dnats[*i]));
        let target = found.and_then(|index| {
            let dnat = &policy.dnats[index];
            Some(Packet {
                destination: Address::parse(&dnat.into)?,
                port: dnat.into_port.unwrap_or(dnat.port),
                ..self.packet.clone()
            })
        });
        let behind = target.as_ref().map(|packet| {
            let view = View {
                policy,
                facts: self.facts,
                packet,
                doubt: self.doubt,
            };
            view.meaning()
        });
        for meaning in [Some(self.meaning()), behind].into_iter().flatten() {
            match meaning {
                // What an ordered group says of the target is not held against a translation.
                Meaning::Deny(flows) if flows.iter().any(|f| policy.flows[*f].ordered) => {
                    return Meaning::Open;
                }
                Meaning::Deny(flows) => return Meaning::Deny(flows),
                Meaning::Open => return Meaning::Open,
                Meaning::Allow(_) if found.is_none() => return Meaning::Open,
                Meaning::Allow(_) | Meaning::Translated(_) | Meaning::Default => {}
            }
        }
        found.map_or(Meaning::Default, Meaning::Translated)
    }

    fn translates(&self, dnat: &Dnat) -> bool {
        let packet = self.packet;
        let to: Vec<Range> = dnat.to.iter().map(|text| range(text)).collect();
        let head = self.policy.heads.get(&dnat.group);
        head.and_then(|h| h.when) != Some(false)
            && packet.protocol == dnat.protocol
            && packet.port == dnat.port
            && packet.destination.within(&to)
            && dnat
                .from
                .iter()
                .any(|part| self.holds(part, packet.source, packet.destination))
    }

    fn matches(&self, flow: &Flow) -> bool {
        let packet = self.packet;
        let source_port = flow.source_ports.is_empty()
            || packet.has_ports() && within(&flow.source_ports, packet.source_port);
        self.policy.present(flow)
            && source_port
            && (self.one_way(flow, &flow.from, &flow.to)
                || flow.between && self.one_way(flow, &flow.to, &flow.from))
    }

    fn one_way(&self, flow: &Flow, from: &[Part], to: &[Part]) -> bool {
        let packet = self.packet;
        let services = &flow.services;
        from.iter()
            .any(|part| self.holds(part, packet.source, packet.destination))
            && to.iter().flat_map(Part::plain).any(|part| {
                if part.is_name() {
                    self.named(&part) && by_name(services, packet)
                } else {
                    self.holds(&part, packet.destination, packet.source)
                        && by_address(services, packet)
                }
            })
    }

    /// Whether the packet is for a part that is matched by name. A name resolves to public addresses,
    /// or to those that are written beside it; of any other the language does not speak.
    fn named(&self, part: &Part) -> bool {
        let name = &self.packet.name;
        let usual = self.packet.destination.is_public() || self.doubt;
        match part {
            Part::Name(pattern) => fqdn_matches(pattern, name) && usual,
            Part::NameTag(tag) | Part::Category(tag) => self.facts.name_has(name, tag) && usual,
            Part::Url(url) => self.doubt && fqdn_matches(url.split('/').next().unwrap_or(""), name),
            Part::NameWithin(own, prefix) => {
                let inside = range(prefix).contains(self.packet.destination);
                fqdn_matches(own, name) && (inside || self.doubt)
            }
            _ => false,
        }
    }

    /// Whether an address, one end of the packet, lies in a part.
    fn holds(&self, part: &Part, address: Address, other: Address) -> bool {
        let policy = self.policy;
        match part {
            Part::Any => true,
            Part::Range(text) => range(text).contains(address),
            Part::Subnet(name) => address.within(&policy.subnet(name).ranges()),
            Part::Group(name) => address.within(&policy.ip_group(name)),
            Part::Tag("AzureLoadBalancer") => address == HOST,
            Part::Tag(tag) => self.facts.in_tag(address, tag),
            Part::Internet => address.is_public() && !address.within(&policy.declared()),
            Part::Network => {
                // Seen from the subnet at the other end; a packet whose other end is in none is seen
                // from its own.
                let seen = network(policy, other).or_else(|| network(policy, address));
                seen.is_some_and(|ranges| address.within(&ranges))
            }
            Part::Except(base, minus) => {
                self.holds(base, address, other)
                    && !minus.iter().any(|m| range(m).contains(address))
            }
            Part::Asg(_) => self.doubt,
            Part::Named(_, _, parts) => parts.iter().any(|p| self.holds(p, address, other)),
            Part::Name(_)
            | Part::NameTag(_)
            | Part::Category(_)
            | Part::Url(_)
            | Part::NameWithin(..) => false,
        }
    }
}

/// The address space of the virtual network of the subnet that holds an address, and its peers'.
fn network(policy: &Policy, address: Address) -> Option<Vec<Range>> {
    let subnet = policy
        .subnets
        .iter()
        .find(|s| address.within(&s.ranges()))?;
    let Some(name) = &subnet.vnet else {
        return Some(
            policy
                .subnets
                .iter()
                .flat_map(super::policy::Subnet::ranges)
                .collect(),
        );
    };
    let own = policy.vnets.iter().find(|v| v.name == *name).unwrap();
    Some(
        policy
            .vnets
            .iter()
            .filter(|v| v.name == *name || own.peers.contains(&v.name) || v.peers.contains(name))
            .flat_map(super::policy::Vnet::ranges)
            .chain(own.gateway.then(|| range(ON_PREMISES)))
            .collect(),
    )
}

fn by_address(services: &[Service], packet: &Packet) -> bool {
    services.iter().any(|service| match service.0 {
        "any" => true,
        "tcp" | "http" | "https" | "mssql" => packet.protocol == "tcp" && on_port(service, packet),
        word => packet.protocol == word && (!packet.has_ports() || on_port(service, packet)),
    })
}

/// tcp/80, tcp/443 and tcp/1433 to names mean HTTP, HTTPS and SQL; other ports mean any client that
/// asked for the name.
fn by_name(services: &[Service], packet: &Packet) -> bool {
    services.iter().any(|service| match service.0 {
        "any" => true,
        "tcp" => {
            let meant = match packet.port {
                80 => packet.l7 == "http",
                443 => packet.l7 == "https",
                1433 => packet.l7 == "mssql",
                _ => true,
            };
            packet.protocol == "tcp" && on_port(service, packet) && meant
        }
        word @ ("http" | "https" | "mssql") => {
            packet.protocol == "tcp" && packet.l7 == word && on_port(service, packet)
        }
        word => packet.protocol == word && (!packet.has_ports() || on_port(service, packet)),
    })
}

fn on_port((word, ports): &Service, packet: &Packet) -> bool {
    if ports.is_empty() {
        return match *word {
            "http" => packet.port == 80,
            "https" => packet.port == 443,
            "mssql" => packet.port == 1433,
            _ => true,
        };
    }
    within(ports, packet.port)
}

fn within(ports: &[(u16, u16)], port: u16) -> bool {
    ports
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&port))
}
