//! Tiers hold in what was emitted: no sampled packet that a forbid rule matches, or a deny rule and no
//! exception, is allowed. A differential check on a boundary-biased sample, not a proof.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::apim_packets::{self, short};
use crate::oracle::firewall::{Collection, Kind, policy_of};
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::{self, Emitted};
use crate::oracle::nsg::{Direction, Surroundings};
use crate::oracle::path::{self, Topology};
use crate::oracle::sample::{self, Draw, Edges};
use crate::oracle::{Match, Packet, Verdict, nsg};

/// The bands of the numbers of one target.
struct Bands {
    forbid: RangeInclusive<u64>,
    exception: RangeInclusive<u64>,
    deny: RangeInclusive<u64>,
}

/// Rules of network security groups.
const RULES: Bands = Bands {
    forbid: 200..=699,
    exception: 700..=1199,
    deny: 1200..=1999,
};

/// Rule collection groups.
const GROUPS: Bands = Bands {
    forbid: 1000..=4999,
    exception: 5000..=9999,
    deny: 10000..=19999,
};

/// Packets for every rule, and as many times ten for a whole resource.
const EACH: usize = 60;

/// One rule as the bands see it: its number, whether it denies, whether it matches.
struct Seen {
    number: u64,
    access: Verdict,
    matched: Match,
    name: String,
}

#[test]
fn tiers_hold_in_every_emitted_environment() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    for folder in load::emitted_folders() {
        let emitted = Emitted::read(&folder).unwrap();
        let known = known(&emitted, Knowledge::default());
        let mut here = Vec::new();
        for group in &emitted.nsgs {
            for direction in [Direction::Inbound, Direction::Outbound] {
                for packet in packets(&emitted, group, &known, None) {
                    asked += 1;
                    here.extend(check_group(group, direction, &packet, &known));
                }
            }
        }
        for policy in policies(&emitted) {
            for packet in firewall_packets(&emitted, &known) {
                asked += 1;
                here.extend(check_firewall(&emitted, &policy, &packet, &known));
            }
        }
        wrong.extend(here.into_iter().map(|w| format!("{}: {w}", short(&folder))));
    }
    report(wrong, asked);
}

#[test]
fn tiers_hold_along_the_whole_way_in_api_management() {
    let apim = apim_packets::read();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (name, (topology, emitted)) in &apim.environments {
        let known = known(emitted, apim.known.clone());
        for group in &emitted.nsgs {
            for packet in packets(emitted, group, &known, Some(topology)) {
                asked += 1;
                wrong.extend(
                    check_way(topology, emitted, &packet, &known).map(|w| format!("{name}: {w}")),
                );
            }
        }
    }
    report(wrong, asked);
}

/// The end to end form: what the firewall or a group on the way denies by tier is denied in the end.
fn check_way(
    topology: &Topology,
    emitted: &Emitted,
    packet: &Packet,
    known: &Knowledge,
) -> Option<String> {
    let way = path::evaluate(topology, emitted, packet, known);
    if way.verdict != Verdict::Allow {
        return None;
    }
    for (address, direction) in [
        (packet.source, Direction::Outbound),
        (packet.destination, Direction::Inbound),
    ] {
        let Some(group) = topology.subnet_of(address).and_then(|s| s.group(emitted)) else {
            continue;
        };
        // Platform addresses pass groups by design.
        if packet.destination.is_platform() {
            continue;
        }
        let seen = seen_of_group(group, direction, packet, known);
        if let Some(rule) = denied_by_tier(&seen, &RULES) {
            return Some(format!(
                "{packet} passes although `{rule}` denies it\n{way}"
            ));
        }
    }
    None
}

fn check_group(
    group: &Value,
    direction: Direction,
    packet: &Packet,
    known: &Knowledge,
) -> Option<String> {
    if packet.destination.is_platform() {
        return None;
    }
    let seen = seen_of_group(group, direction, packet, known);
    let rule = denied_by_tier(&seen, &RULES)?;
    let around = Surroundings::default();
    let found = nsg::evaluate_one(group, direction, packet, &around, known);
    (found.verdict == Verdict::Allow)
        .then(|| format!("{packet}: `{}` allows what `{rule}` denies", found.by))
}

fn check_firewall(
    emitted: &Emitted,
    policy: &str,
    packet: &Packet,
    known: &Knowledge,
) -> Option<String> {
    let mut seen = Vec::new();
    for Collection {
        kind,
        group_priority,
        path,
        action,
        rules,
        ..
    } in emitted.firewall.order(policy)
    {
        if kind == Kind::Dnat {
            continue;
        }
        for rule in rules {
            seen.push(Seen {
                number: group_priority,
                access: action,
                matched: emitted.firewall.matches(kind, rule, packet, known),
                name: format!("{path}/{}", rule["name"]),
            });
        }
    }
    let rule = denied_by_tier(&seen, &GROUPS)?;
    let found = emitted.firewall.evaluate(policy, packet, known);
    (found.verdict == Verdict::Allow)
        .then(|| format!("{packet}: `{}` allows what `{rule}` denies", found.by))
}

fn seen_of_group(
    group: &Value,
    direction: Direction,
    packet: &Packet,
    known: &Knowledge,
) -> Vec<Seen> {
    nsg::rules(group, direction)
        .into_iter()
        .map(|rule| Seen {
            number: rule.priority,
            access: rule.access,
            matched: rule.matches(packet, &Surroundings::default(), known),
            name: rule.name,
        })
        .collect()
}

/// The forbid rule, or deny rule without exception, that surely matches.
fn denied_by_tier<'a>(seen: &'a [Seen], bands: &Bands) -> Option<&'a str> {
    let find = |band: &RangeInclusive<u64>, access, least| {
        seen.iter()
            .find(|s| band.contains(&s.number) && s.access == access && s.matched >= least)
    };
    if let Some(rule) = find(&bands.forbid, Verdict::Deny, Match::Yes) {
        return Some(&rule.name);
    }
    if find(&bands.exception, Verdict::Allow, Match::May).is_some() {
        return None;
    }
    find(&bands.deny, Verdict::Deny, Match::Yes).map(|rule| rule.name.as_str())
}

fn known(emitted: &Emitted, from: Knowledge) -> Knowledge {
    let all: Vec<&Value> = emitted
        .nsgs
        .iter()
        .chain(&emitted.route_tables)
        .chain(&emitted.firewall.groups)
        .collect();
    sample::knowledge(&all, from)
}

/// Packets at the edges of each rule of a group, then of the group as a whole.
fn packets(
    emitted: &Emitted,
    group: &Value,
    known: &Knowledge,
    topology: Option<&Topology>,
) -> Vec<Packet> {
    let mut all = Edges::of(group, &emitted.firewall, known);
    for table in &emitted.route_tables {
        all.join(Edges::of(table, &emitted.firewall, known));
    }
    if let Some(topology) = topology {
        all.add(&topology.ranges());
    }
    let mut draw = Draw::new(7);
    let mut found = all.packets(&all, EACH * 10, &mut draw);
    for rule in crate::oracle::items(&group["properties"], "securityRules") {
        let own = Edges::of(rule, &emitted.firewall, known);
        found.extend(own.packets(&all, EACH, &mut draw));
    }
    found
}

fn firewall_packets(emitted: &Emitted, known: &Knowledge) -> Vec<Packet> {
    let mut all = Edges::default();
    for group in &emitted.firewall.groups {
        all.join(Edges::of(group, &emitted.firewall, known));
    }
    let mut draw = Draw::new(11);
    let mut found = all.packets(&all, EACH * 10, &mut draw);
    for group in &emitted.firewall.groups {
        for collection in crate::oracle::items(&group["properties"], "ruleCollections") {
            for rule in crate::oracle::items(collection, "rules") {
                let own = Edges::of(rule, &emitted.firewall, known);
                found.extend(own.packets(&all, EACH, &mut draw));
            }
        }
    }
    found
}

fn policies(emitted: &Emitted) -> Vec<String> {
    let mut names: Vec<String> = emitted
        .firewall
        .groups
        .iter()
        .map(|group| policy_of(group).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn report(wrong: Vec<String>, asked: usize) {
    assert!(
        asked > 0,
        "no emitted environment below policies/ or examples/: compile policies/apim first"
    );
    let shown = &wrong[..wrong.len().min(20)];
    assert!(
        wrong.is_empty(),
        "\n{} of {asked} packets, the first {}:\n{}",
        wrong.len(),
        shown.len(),
        shown.join("\n")
    );
}

/// A resource that breaks its tiers, and what the sample must find in it.
#[test]
fn the_sample_finds_a_broken_tier() {
    let rule = |name: &str, number: u64, access: &str, source: &str| {
        serde_json::json!({"name": name, "properties": {"priority": number,
            "direction": "Inbound", "access": access, "protocol": "Tcp",
            "sourceAddressPrefix": source, "sourcePortRange": "*",
            "destinationAddressPrefix": "10.1.0.0/24", "destinationPortRange": "22"}})
    };
    let found = |rules: Vec<Value>| -> usize {
        let group = serde_json::json!({"name": "nsg", "properties": {"securityRules": rules}});
        let emitted = Emitted {
            nsgs: vec![group.clone()],
            ..Emitted::default()
        };
        let known = known(&emitted, Knowledge::default());
        packets(&emitted, &group, &known, None)
            .iter()
            .filter_map(|packet| check_group(&group, Direction::Inbound, packet, &known))
            .count()
    };
    let deny = rule("deny", 1200, "Deny", "Sql");
    let narrow = |number, access| rule("narrow", number, access, "20.200.0.0/30");
    assert_eq!(found(vec![deny.clone(), narrow(2500, "Allow")]), 0);
    assert_eq!(found(vec![deny.clone(), narrow(700, "Allow")]), 0);
    assert!(found(vec![deny.clone(), narrow(150, "Allow")]) > 0);
    let forbid = narrow(210, "Deny");
    assert_eq!(
        found(vec![forbid.clone(), rule("x", 700, "Allow", "Sql")]),
        0
    );
    assert!(found(vec![forbid, rule("x", 205, "Allow", "Sql")]) > 0);
}

#[test]
fn the_sample_finds_a_forbidden_name_behind_a_network_rule() {
    let emitted = Emitted {
        firewall: crate::oracle::firewall::Firewall {
            groups: vec![
                serde_json::json!({"name": "pol/forbid", "properties": {"priority": 1000,
                    "ruleCollections": [{"name": "app", "priority": 300,
                        "action": {"type": "Deny"}, "rules": [
                            {"ruleType": "ApplicationRule", "name": "x",
                                "sourceAddresses": ["10.1.0.0/24"],
                                "protocols": [{"protocolType": "Https", "port": 443}],
                                "targetFqdns": ["*.example.com"]}]}]}}),
                serde_json::json!({"name": "pol/allow", "properties": {"priority": 25000,
                    "ruleCollections": [{"name": "net", "priority": 200,
                        "action": {"type": "Allow"}, "rules": [
                            {"ruleType": "NetworkRule", "name": "y", "ipProtocols": ["TCP"],
                                "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.0/8"],
                                "destinationPorts": ["443"]}]}]}}),
            ],
            ..Default::default()
        },
        ..Emitted::default()
    };
    let known = known(&emitted, Knowledge::default());
    let found = firewall_packets(&emitted, &known)
        .iter()
        .filter_map(|packet| check_firewall(&emitted, "pol", packet, &known))
        .count();
    assert!(found > 0);
}
