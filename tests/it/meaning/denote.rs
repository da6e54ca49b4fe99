//! What a generated policy means, by section 1.1 of the language alone: forbid, exception, deny,
//! allow, default. It reads the generator's own list of flows and knows no layer, path or rule.

use crate::oracle::Packet;
use crate::oracle::address::{Address, HOST};
use crate::oracle::firewall::fqdn_matches;

use super::facts::Facts;
use super::policy::{Flow, ON_PREMISES, Part, Policy, Service, Verb, range};

/// What the policy says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Allowed by these flows.
    Allow(Vec<usize>),
    /// Denied by these.
    Deny(Vec<usize>),
    /// No flow speaks of it.
    Default,
    /// An exception meets a deny that it does not name: the language refuses that.
    Open,
}

/// The meaning of a packet.
pub(super) fn denote(policy: &Policy, facts: &Facts, packet: &Packet) -> Meaning {
    let met: Vec<usize> = (0..policy.flows.len())
        .filter(|index| matches(policy, facts, &policy.flows[*index], packet))
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

/// Whether a flow speaks of a packet.
pub(super) fn matches(policy: &Policy, facts: &Facts, flow: &Flow, packet: &Packet) -> bool {
    let one_way = |from: &[Part], to: &[Part]| {
        let source = from.iter().any(|part| {
            holds(
                policy,
                facts,
                part,
                packet.source,
                packet.source,
                packet.destination,
            )
        });
        source
            && to.iter().any(|part| match part {
                Part::Name(pattern) => {
                    fqdn_matches(pattern, &packet.name) && by_name(&flow.services, packet)
                }
                Part::NameTag(tag) => {
                    facts.name_has(&packet.name, tag) && by_name(&flow.services, packet)
                }
                _ => {
                    holds(
                        policy,
                        facts,
                        part,
                        packet.destination,
                        packet.destination,
                        packet.source,
                    ) && by_address(&flow.services, packet)
                }
            })
    };
    one_way(&flow.from, &flow.to) || flow.between && one_way(&flow.to, &flow.from)
}

/// Whether an address lies in a part of an end; `own` and `other` are both ends of the packet.
fn holds(
    policy: &Policy,
    facts: &Facts,
    part: &Part,
    address: Address,
    own: Address,
    other: Address,
) -> bool {
    match part {
        Part::Any => true,
        Part::Range(text) => range(text).contains(address),
        Part::Subnet(name) => address.within(&policy.subnet(name).ranges()),
        Part::Tag("AzureLoadBalancer") => address == HOST,
        Part::Tag(tag) => facts.in_tag(address, tag),
        Part::Internet => address.is_public() && !address.within(&policy.declared()),
        Part::Network => {
            // Seen from the subnet at the other end; a packet whose other end is in none is seen
            // from its own.
            let seen = network(policy, other).or_else(|| network(policy, own));
            seen.is_some_and(|ranges| address.within(&ranges))
        }
        Part::Except(base, minus) => {
            holds(policy, facts, base, address, own, other)
                && !minus.iter().any(|m| range(m).contains(address))
        }
        Part::Name(_) | Part::NameTag(_) => false,
    }
}

/// The address space of the virtual network of the subnet that holds an address, and its peers'.
fn network(policy: &Policy, address: Address) -> Option<Vec<crate::oracle::address::Range>> {
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
        word => packet.protocol == word && (word == "icmp" || on_port(service, packet)),
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
        word => packet.protocol == word && (word == "icmp" || on_port(service, packet)),
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
    ports
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&packet.port))
}
