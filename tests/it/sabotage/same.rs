//! Whether two sets of resources do the same, by the oracle: many packets at the edges of what was
//! changed, at the changed layer alone. It shares no code with the proof. That no packet tells them
//! apart proves nothing; that one does is certain.

use std::collections::BTreeSet;

use portcullis::backends::meaning::resource_value;
use portcullis::backends::resource::AzureType;
use portcullis::backends::tree::Tree;
use portcullis::backends::{Context, Lowered};
use portcullis::model::address::AddressSet;
use serde_json::Value;

use super::mutants::Mutant;
use crate::oracle::address::{Address, Range};
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::Emitted;
use crate::oracle::nsg::{self, Direction};
use crate::oracle::routes::{self, Hop, Neighbourhood};
use crate::oracle::sample::{Draw, Edges};
use crate::oracle::{Packet, Verdict, text};

/// Asks the oracle about one environment.
pub(super) struct Oracle<'c> {
    context: &'c Context<'c>,
    sound: Emitted,
    known: Knowledge,
    /// Packets for one damage.
    packets: usize,
}

impl<'c> Oracle<'c> {
    pub(super) fn new(context: &'c Context<'c>, sound: &Lowered, packets: usize) -> Self {
        Self {
            context,
            sound: emitted(sound),
            known: knowledge(context, sound),
            packets,
        }
    }

    /// A packet that tells a damage, in words.
    pub(super) fn tells(&self, lowered: &Lowered, mutant: &Mutant) -> Option<String> {
        let resource = &lowered.resources[mutant.resource];
        let spoiled = mutant.of(lowered);
        let after = emitted(&spoiled);
        let new = resource_value(&spoiled.resources[mutant.resource]);
        let old = resource_value(resource);
        let rule = portcullis::backends::meaning::tree_value(&mutant.rule);
        let mut own = Edges::of(&rule, &self.sound.firewall, &self.known);
        let mut all = Edges::of(&old, &self.sound.firewall, &self.known);
        all.join(Edges::of(&new, &after.firewall, &self.known));
        let subnets = self.subnets();
        all.add(&subnets);
        own.add(&subnets);
        let mut draw = Draw::new(17);
        let mut packets = own.packets(&all, self.packets / 2, &mut draw);
        packets.extend(all.packets(&all, self.packets / 2, &mut draw));
        packets.retain(|p| {
            p.source.six == p.destination.six
                && !p.source.is_platform()
                && !p.destination.is_platform()
        });
        match resource.kind {
            AzureType::NetworkSecurityGroup => self.group(&old, &new, &packets),
            AzureType::RouteTable => self.table(&old, &new, &packets),
            _ => self.firewalls(&after, &packets),
        }
    }

    fn subnets(&self) -> Vec<Range> {
        let subnets = self.context.fabric.policy.subnets.values();
        subnets.flat_map(|s| ranges(&s.prefix)).collect()
    }

    fn near(&self, subnet: &str) -> Neighbourhood {
        let around = self.context.fabric.surround(subnet);
        Neighbourhood {
            space: ranges(&around.space),
            peers: around.peers.iter().flat_map(ranges).collect(),
            on_premises: around.on_premises.iter().flat_map(ranges).collect(),
            service_endpoints: around.service_endpoints,
        }
    }

    /// At every subnet of a group, packets of that subnet.
    fn group(&self, old: &Value, new: &Value, packets: &[Packet]) -> Option<String> {
        let policy = self.context.fabric.policy;
        for (key, subnet) in &policy.subnets {
            let group = subnet.nsg.as_ref().and_then(|n| policy.nsgs.get(n));
            if group.is_none_or(|n| n.identity.name != text(old, "name")) {
                continue;
            }
            let own = ranges(&subnet.prefix);
            let table = subnet.route_table.as_ref();
            let table = table.and_then(|t| policy.route_tables.get(t));
            let table = table.and_then(|t| self.sound.route_table(Some(&t.identity.name)));
            let around = routes::surroundings(table, &self.near(key));
            for direction in [Direction::Outbound, Direction::Inbound] {
                for packet in packets {
                    let here = match direction {
                        Direction::Outbound => packet.source,
                        Direction::Inbound => packet.destination,
                    };
                    if !here.within(&own) {
                        continue;
                    }
                    let ask = |group| {
                        nsg::evaluate_one(group, direction, packet, &around, &self.known).verdict
                    };
                    if differ(ask(old), ask(new)) {
                        return Some(format!("{direction:?} at {key}: {packet}"));
                    }
                }
            }
        }
        None
    }

    fn table(&self, old: &Value, new: &Value, packets: &[Packet]) -> Option<String> {
        let policy = self.context.fabric.policy;
        for (key, subnet) in &policy.subnets {
            let table = subnet.route_table.as_ref();
            let table = table.and_then(|t| policy.route_tables.get(t));
            if table.is_none_or(|t| t.identity.name != text(old, "name")) {
                continue;
            }
            let near = self.near(key);
            for packet in packets.iter().filter(|p| !p.destination.six) {
                let ask = |table| {
                    routes::next_hop(Some(table), &near, packet.destination, &self.known).hop
                };
                let (old, new) = (ask(old), ask(new));
                if old != new && old != Hop::Unknown && new != Hop::Unknown {
                    return Some(format!("next hop of {key} to {}", packet.destination));
                }
            }
        }
        None
    }

    fn firewalls(&self, after: &Emitted, packets: &[Packet]) -> Option<String> {
        for firewall in self.context.fabric.policy.firewalls.values() {
            let name = &firewall.identity.name;
            for packet in packets.iter().filter(|p| !p.source.six) {
                let ask = |emitted: &Emitted| {
                    let firewall = &emitted.firewall;
                    let passes = firewall.evaluate(name, packet, &self.known).verdict;
                    let to = firewall.translation(name, packet);
                    (passes, to.map(|t| (t.target, t.port)))
                };
                let (old, new) = (ask(&self.sound), ask(after));
                if differ(old.0, new.0) || old.1 != new.1 {
                    return Some(format!("at {name}: {packet}"));
                }
            }
        }
        None
    }
}

/// Both are known, and not the same.
fn differ(a: Verdict, b: Verdict) -> bool {
    a != b && a != Verdict::Unknown && b != Verdict::Unknown
}

fn emitted(lowered: &Lowered) -> Emitted {
    let mut out = Emitted::default();
    for resource in &lowered.resources {
        let value = resource_value(resource);
        match resource.kind {
            AzureType::NetworkSecurityGroup => out.nsgs.push(value),
            AzureType::RouteTable => out.route_tables.push(value),
            AzureType::IpGroup => out.firewall.ip_groups.push(value),
            AzureType::FirewallPolicy => out.firewall.policies.push(value),
            AzureType::RuleCollectionGroup => out.firewall.groups.push(value),
            AzureType::AzureFirewall => out.firewall.classic.push(value),
            AzureType::SecurityRule | AzureType::ApplicationSecurityGroup => {}
        }
    }
    out
}

fn ranges(set: &AddressSet) -> Vec<Range> {
    let prefixes = set.to_prefixes();
    let parse = |p: &ipnet::IpNet| Range::parse(&p.to_string()).unwrap();
    prefixes.iter().map(parse).collect()
}

/// Addresses of every tag that is written, with all the written tags that hold them.
fn knowledge(context: &Context<'_>, lowered: &Lowered) -> Knowledge {
    let mut words = BTreeSet::from(["AzureTrafficManager".to_owned()]);
    for resource in &lowered.resources {
        collect(&resource.properties, &mut words);
    }
    let tags: Vec<(String, AddressSet)> = words
        .into_iter()
        .map(|word| {
            let set = (*context.fabric.tag(&word)).clone();
            (word, set)
        })
        .filter(|(_, set)| !set.is_empty())
        .collect();
    let mut known = Knowledge::default();
    for (_, set) in &tags {
        let prefixes = set.to_prefixes();
        let some = prefixes.iter().take(2).chain(prefixes.last());
        for address in some.map(ipnet::IpNet::network) {
            let one = AddressSet::range(address, address);
            let of: Vec<&str> = tags
                .iter()
                .filter(|(_, set)| one.is_subset(set))
                .map(|(word, _)| word.as_str())
                .collect();
            known.address(&address.to_string(), &of);
        }
    }
    known
}

fn collect(tree: &Tree, words: &mut BTreeSet<String>) {
    match tree {
        Tree::Str(text) if Range::parse(text).is_none() && Address::parse(text).is_none() => {
            words.insert(text.clone());
        }
        Tree::List(items) => items.iter().for_each(|item| collect(item, words)),
        Tree::Object(members) => {
            for (key, value) in members {
                if key.contains("ddress") || !matches!(value, Tree::Str(_)) {
                    collect(value, words);
                }
            }
        }
        _ => {}
    }
}
