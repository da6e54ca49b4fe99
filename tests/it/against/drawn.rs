//! Resources drawn by a fixed sequence and written in each form, against the oracle over the way out of
//! a group, by a route, through a firewall and into a group.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::catalog::{Catalog, Cloud, convert_weekly};
use portcullis::foreign::{self, Names, Setting};
use portcullis::model::address::AddressSet;
use portcullis::reach::question::word;
use serde_json::{Value, json};

use super::question;
use crate::oracle::address::Address;
use crate::oracle::firewall::{Firewall, Kind};
use crate::oracle::knowledge::Knowledge;
use crate::oracle::nsg::{self, Direction};
use crate::oracle::path::ranges;
use crate::oracle::routes::{self, Hop, Neighbourhood};
use crate::oracle::{Packet, Verdict};
use crate::rooms_meaning::drawn::{self, Lot, PUBLIC, TAGS};

const RESOURCES: u64 = 120;
const PACKETS: usize = 80;
const FORMS: usize = 4;

#[test]
fn drawn_definitions_are_answered_as_the_oracle_answers() {
    let catalog = catalog();
    let known = drawn::knowledge(true);
    let mut asked: BTreeMap<(usize, String), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in 0..RESOURCES {
        let form = usize::try_from(seed).unwrap() % FORMS;
        let mut lot = Lot(seed + 7000);
        let firewall = drawn::firewall(&mut lot);
        let table = drawn::table(&mut lot, true);
        let mut groups = [drawn::group(&mut lot), drawn::group(&mut lot)];
        for (group, name) in groups.iter_mut().zip(["out", "in"]) {
            group["name"] = name.into();
        }
        let files = written(form, &firewall, &table, &groups);
        let all = foreign::read(files.clone(), Cloud::Public);
        assert!(all.faults.is_empty(), "form {form}: {:?}", all.faults);
        let some = |name: &str| Some(name.to_owned());
        let names = Names {
            nsg_out: some("out"),
            route_table: some("rt"),
            policy: some("child"),
            nsg_in: some("in"),
        };
        let chosen = foreign::choose(&all, &names).unwrap();
        let space = AddressSet::prefix("10.1.0.0/16".parse().unwrap());
        let setting = Setting {
            all: &all,
            catalog: &catalog,
            space: &space,
        };
        let network = foreign::network(&setting, &chosen)
            .unwrap_or_else(|fault| panic!("seed {seed}: {}\n{files:?}", fault.message));
        let near = Neighbourhood {
            space: ranges(&json!({"space": "10.1.0.0/16"}), "space"),
            peers: Vec::new(),
            on_premises: Vec::new(),
            service_endpoints: Vec::new(),
        };
        let way = Oracle {
            firewall: &firewall,
            table: &table,
            groups: &groups,
            near: &near,
            known: &known,
            wall: wall(&table),
        };
        for _ in 0..PACKETS {
            let packet = lot.packet();
            let Some(asking) = question(&packet).filter(|_| !packet.source.is_platform()) else {
                continue;
            };
            let expected = way.verdict(&packet).to_string();
            let reply = foreign::answer(&network, &asking, false);
            *asked.entry((form, expected.clone())).or_default() += 1;
            if word(reply.verdict) != expected {
                wrong.push(format!(
                    "seed {seed} form {form}: {packet}\n  oracle {expected}\n  found {} {:?}\n  {:?}",
                    word(reply.verdict),
                    reply.reason,
                    reply.journey.map(|j| j.steps)
                ));
            }
        }
    }
    println!("{asked:?}");
    let shown: Vec<&str> = wrong.iter().take(5).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} disagreements\n{}",
        wrong.len(),
        shown.join("\n")
    );
    for form in 0..FORMS {
        for (verdict, least) in [("allow", 40), ("deny", 40), ("unknown", 1)] {
            let count = asked.get(&(form, verdict.to_owned())).copied();
            assert!(count >= Some(least), "form {form}: {count:?} {verdict}");
        }
    }
}

/// The way of a packet, in plain steps.
struct Oracle<'a> {
    firewall: &'a Firewall,
    table: &'a Value,
    groups: &'a [Value; 2],
    near: &'a Neighbourhood,
    known: &'a Knowledge,
    wall: Option<Address>,
}

impl Oracle<'_> {
    fn verdict(&self, packet: &Packet) -> Verdict {
        let around = routes::surroundings(Some(self.table), self.near);
        let [out, into] = self.groups;
        let group = |group, direction, packet: &Packet, around| {
            nsg::evaluate_one(group, direction, packet, around, self.known).verdict
        };
        let mut all = vec![group(out, Direction::Outbound, packet, &around)];
        let mut arriving = packet.clone();
        let to = packet.destination;
        if !to.is_platform() {
            let choice = routes::next_hop(Some(self.table), self.near, to, self.known);
            let reach = |reaches| {
                if reaches {
                    Verdict::Allow
                } else {
                    Verdict::Deny
                }
            };
            all.push(match choice.hop {
                Hop::Peering | Hop::Gateway | Hop::ServiceEndpoint => Verdict::Allow,
                Hop::Appliance(address) if Some(address) == self.wall => Verdict::Allow,
                Hop::VnetLocal => reach(to.within(&self.near.space)),
                Hop::Internet => reach(to.is_public()),
                Hop::Nowhere => Verdict::Deny,
                Hop::Appliance(_) | Hop::Unknown => Verdict::Unknown,
            });
            if let (Hop::Appliance(address), Some(wall)) = (choice.hop, self.wall)
                && address == wall
            {
                let (decision, kind) = self.firewall.decide("child", packet, self.known);
                all.push(decision.verdict);
                if kind == Some(Kind::Application) {
                    arriving.source = wall;
                }
            }
            // Of the destination's subnet nobody told a route.
            let bare = routes::surroundings(None, self.near);
            all.push(group(into, Direction::Inbound, &arriving, &bare));
        }
        if all.contains(&Verdict::Deny) {
            Verdict::Deny
        } else if all.contains(&Verdict::Unknown) {
            Verdict::Unknown
        } else {
            Verdict::Allow
        }
    }
}

/// The only appliance of a table, else that of the default route.
fn wall(table: &Value) -> Option<Address> {
    let list = table["properties"]["routes"].as_array().unwrap();
    let hop = |route: &Value| {
        let text = route["properties"]["nextHopIpAddress"].as_str();
        text.and_then(Address::parse)
    };
    let all: BTreeSet<Address> = list.iter().filter_map(hop).collect();
    if all.len() == 1 {
        return all.first().copied();
    }
    let default = list
        .iter()
        .find(|r| r["properties"]["addressPrefix"] == "0.0.0.0/0");
    default.and_then(hop)
}

/// The drawn resources as files of one form: exported, flat, a list, a template.
fn written(
    form: usize,
    firewall: &Firewall,
    table: &Value,
    groups: &[Value],
) -> Vec<(String, Result<String, String>)> {
    let typed = |kind: &str, value: &Value| {
        let mut value = value.clone();
        value["type"] = format!("Microsoft.Network/{kind}").into();
        value
    };
    let mut all: Vec<Value> = Vec::new();
    for (kind, list) in [
        ("networkSecurityGroups", groups),
        ("routeTables", std::slice::from_ref(table)),
        ("firewallPolicies", &firewall.policies),
        ("firewallPolicies/ruleCollectionGroups", &firewall.groups),
        ("ipGroups", &firewall.ip_groups),
    ] {
        all.extend(list.iter().map(|value| typed(kind, value)));
    }
    let flat = |value: &Value| {
        let mut out = drawn::flat(value);
        out["type"] = value["type"].clone();
        out
    };
    let texts: Vec<Value> = match form {
        0 => all,
        1 => all.iter().map(flat).collect(),
        2 => vec![json!({ "value": all })],
        _ => {
            let mut variables = BTreeMap::new();
            for (index, resource) in all.iter_mut().enumerate() {
                // An id would not stand in a template; what refers to it says its name.
                resource.as_object_mut().unwrap().remove("id");
                let name = format!("p{index}");
                let properties = resource["properties"].take();
                variables.insert(name.clone(), properties);
                resource["properties"] = format!("[variables('{name}')]").into();
            }
            vec![json!({
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "variables": variables,
                "resources": all,
            })]
        }
    };
    let text = |(index, value): (usize, &Value)| (format!("{index}.json"), Ok(value.to_string()));
    texts.iter().enumerate().map(text).collect()
}

/// A catalogue that holds what the oracle is told.
fn catalog() -> Catalog {
    let prefixes = |tag: &str| -> BTreeSet<&str> {
        let written = PUBLIC.iter().flat_map(|(_, tags)| *tags);
        let split = written.map(|text| text.split_once('=').unwrap());
        split
            .filter(|(name, _)| *name == tag)
            .map(|(_, p)| p)
            .collect()
    };
    let values: Vec<Value> = TAGS
        .iter()
        .map(|tag| json!({"name": tag, "properties": {"addressPrefixes": prefixes(tag)}}))
        .collect();
    let weekly = json!({"changeNumber": 1, "cloud": "Public", "values": values}).to_string();
    let made = convert_weekly(weekly.as_bytes(), "tags_20260101.json", None).unwrap();
    Catalog::parse(made.text).unwrap()
}
