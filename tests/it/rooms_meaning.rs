//! What the rooms read in resources, against the oracle: the golden vectors, and packets at the edges
//! of every committed output. One layer at a time; the way through several is judged elsewhere.
//! `PORTCULLIS_CASES=200` draws so many packets of each rule instead of the usual number.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drawn;
pub(crate) mod subject;

use std::collections::{BTreeMap, BTreeSet};

use portcullis::backends::meaning::World;
use portcullis::catalog::{Catalog, Cloud};
use portcullis::model::address::AddressSet;
use serde_json::{Value, json};

use crate::golden_vectors::neighbourhood;
use crate::oracle::address::Address;
use crate::oracle::firewall::{Firewall, policy_of};
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::{self, Emitted};
use crate::oracle::nsg::Direction;
use crate::oracle::routes::Neighbourhood;
use crate::oracle::sample::{Draw, Edges};
use crate::oracle::{Match, Packet, items, last_segment, nsg, routes, text, texts};

use subject::Subject;

/// Packets of each rule, and twelve times as many of each whole resource.
const EACH: usize = 10;

/// A verdict and what gave it, as the oracle words them.
type Said = (String, String);

#[test]
fn every_golden_vector_holds() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    let folder = load::root().join("tests/cases/golden");
    for path in load::entries(&folder).unwrap() {
        let case = load::json(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for (packet, expected, found) in golden(&case) {
            asked += 1;
            if expected != found {
                wrong.push(format!(
                    "{name}: {packet}\n  expected {expected:?}\n  found    {found:?}"
                ));
            }
        }
    }
    println!("{asked} questions of golden vectors");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(asked > 30);
}

fn golden(case: &Value) -> Vec<(String, Said, Said)> {
    let mut out = Vec::new();
    let mut sets: BTreeMap<String, AddressSet> = BTreeMap::new();
    for (address, tags) in case["tags"].as_object().into_iter().flatten() {
        for written in tags.as_array().unwrap() {
            let written = written.as_str().unwrap();
            let (tag, prefix) = written.split_once('=').unwrap_or((written, address));
            let parent = tag.split('.').next().unwrap();
            for tag in [tag, parent] {
                let set = sets.entry(tag.to_lowercase()).or_default();
                *set = set.union(&subject::set(prefix));
            }
        }
    }
    let mut world = World::unknown();
    for tag in tags_in(case) {
        let set = sets.get(&tag.to_lowercase()).cloned().unwrap_or_default();
        world.set_tag(&tag, Some(set));
    }
    for (tag, set) in sets {
        world.set_tag(&tag, Some(set));
    }
    let firewall = Firewall {
        policies: items(case, "policies").to_vec(),
        groups: items(case, "groups").to_vec(),
        ip_groups: items(case, "ipGroups").to_vec(),
        classic: Vec::new(),
    };
    let near = neighbourhood(case);
    let subject = Subject::new(world, &firewall);
    let policy = text(case, "policy");
    if !items(case, "order").is_empty() {
        let expected = texts(case, "order").join(" ");
        let found = subject.order(policy).join(" ");
        out.push((
            "order".to_owned(),
            (expected, String::new()),
            (found, String::new()),
        ));
    }
    let table = case.get("routeTable");
    for ask in items(case, "asks") {
        let row: BTreeMap<String, String> = serde_json::from_value(ask["packet"].clone()).unwrap();
        let packet = load::packet(&row).unwrap();
        let groups = |direction: Direction| {
            let both = [case.get("subnetNsg"), case.get("interfaceNsg")];
            let mut last = None;
            for group in both.into_iter().flatten() {
                let said = subject
                    .group(group, direction, table, &near)
                    .decide(&packet);
                if said.0 != "allow" {
                    return said;
                }
                last = Some(said);
            }
            last.unwrap()
        };
        let found = match text(ask, "what") {
            "route" => subject.hops(table, &near).decide(packet.destination),
            "firewall" => subject.policy(policy).decide(&packet),
            "nsg in" => groups(Direction::Inbound),
            "nsg out" => groups(Direction::Outbound),
            other => panic!("`{other}`"),
        };
        let expected = (text(ask, "expect").to_owned(), text(ask, "by").to_owned());
        out.push((packet.to_string(), expected, found));
    }
    out
}

#[test]
fn every_committed_output_is_read_as_the_oracle_reads_it() {
    let mut tally = Tally::default();
    for folder in load::emitted_folders() {
        let emitted = Emitted::read(&folder).unwrap();
        for told in [true, false] {
            compare(&emitted, told, &mut tally);
        }
    }
    tally.finish(&["nsg", "firewall", "route"]);
}

#[derive(Default)]
struct Tally {
    /// By layer and the oracle's answer.
    asked: BTreeMap<(&'static str, String), usize>,
    wrong: Vec<String>,
}

impl Tally {
    /// Prints what was asked, and fails if anything is answered in two ways or next to nothing is asked.
    fn finish(&self, layers: &[&str]) {
        println!("{:?}", self.asked);
        let shown: Vec<&str> = self.wrong.iter().take(8).map(String::as_str).collect();
        let all = self.wrong.len();
        assert!(all == 0, "{all} disagreements\n{}", shown.join("\n"));
        for layer in layers {
            for verdict in ["allow", "deny"] {
                let asked: usize = self
                    .asked
                    .iter()
                    .filter(|((l, v), _)| l == layer && (v == verdict || *layer == "route"))
                    .map(|(_, n)| n)
                    .sum();
                assert!(asked > 40, "{layer}: {asked} {verdict}");
            }
        }
    }

    fn meet(&mut self, layer: &'static str, what: &str, packet: &str, oracle: Said, found: Said) {
        let key = (layer, oracle.0.clone());
        *self.asked.entry(key).or_default() += 1;
        if oracle != found {
            self.wrong.push(format!(
                "{layer} {what}: {packet}\n  oracle {oracle:?}\n  found  {found:?}"
            ));
        }
    }
}

/// One environment, with service tags as the catalogue has them or with nothing known of them.
fn compare(emitted: &Emitted, told: bool, tally: &mut Tally) {
    let near = around_outputs();
    let classic = classic(emitted);
    let mut all: Vec<Value> = emitted.nsgs.clone();
    all.extend(emitted.route_tables.iter().cloned());
    all.extend(emitted.firewall.groups.iter().cloned());
    all.extend(classic.iter().cloned());
    let all = Value::Array(all);
    let catalog = Catalog::embedded(Cloud::Public);
    let tags = Tags::of(&all, &near, catalog);
    let mut known = Knowledge::default();
    let mut world = World::unknown();
    if told {
        world = World::new(catalog);
        tags.tell_members(&mut known);
    }
    let subject = Subject::new(world, &emitted.firewall);
    let mut edges = Edges::of(&all, &emitted.firewall, &known);
    for part in [&near.space, &near.peers, &near.on_premises] {
        edges.add(part);
    }
    let told_cases = std::env::var("PORTCULLIS_CASES").ok();
    let each = told_cases.map_or(EACH, |text| text.parse().unwrap());
    let mut draw = Draw::new(7 + u64::from(told));
    let mut sample = |parts: &[&Value], known: &mut Knowledge| {
        let mut packets = Vec::new();
        for part in parts {
            let own = Edges::of(part, &emitted.firewall, known);
            packets.extend(own.packets(&edges, each, &mut draw));
        }
        packets.extend(edges.packets(&edges, each * 12, &mut draw));
        // No port 0: nothing is sent there.
        packets.retain(|p: &Packet| !p.has_ports() || (p.port > 0 && p.source_port > 0));
        if told {
            for packet in &packets {
                tags.tell(packet.source, known);
                tags.tell(packet.destination, known);
            }
        }
        packets
    };
    let tables: Vec<Option<&Value>> = std::iter::once(None)
        .chain(emitted.route_tables.iter().map(Some))
        .collect();
    for (index, group) in emitted.nsgs.iter().enumerate() {
        let rules: Vec<&Value> = items(&group["properties"], "securityRules")
            .iter()
            .collect();
        let packets = sample(&rules, &mut known);
        for table in [None, tables[index % tables.len()]] {
            let around = routes::surroundings(table, &near);
            for direction in [Direction::Inbound, Direction::Outbound] {
                let read = subject.group(group, direction, table, &near);
                for packet in &packets {
                    let said = nsg::evaluate_one(group, direction, packet, &around, &known);
                    let said = (said.verdict.to_string(), said.by);
                    let what = format!("{} {direction:?}", text(group, "name"));
                    tally.meet("nsg", &what, &packet.to_string(), said, read.decide(packet));
                }
            }
        }
    }
    let names: BTreeSet<String> = emitted
        .firewall
        .groups
        .iter()
        .map(|g| policy_of(g).to_owned())
        .collect();
    for name in names {
        let rules = rules_of(&emitted.firewall.groups);
        let packets = sample(&rules, &mut known);
        let read = subject.policy(&name);
        for packet in &packets {
            let said = emitted.firewall.evaluate(&name, packet, &known);
            let said = (said.verdict.to_string(), said.by);
            tally.meet(
                "firewall",
                &name,
                &packet.to_string(),
                said,
                read.decide(packet),
            );
        }
    }
    for fragment in &classic {
        let as_policy = as_policy(fragment, &emitted.firewall);
        let rules = rules_of(&as_policy.groups);
        let packets = sample(&rules, &mut known);
        let read = subject.classic(fragment);
        for packet in &packets {
            let said = as_policy.evaluate("pol", packet, &known);
            let by = said.by.replace("pol/g/", "");
            let said = (said.verdict.to_string(), by);
            let name = text(fragment, "name");
            tally.meet(
                "classic",
                name,
                &packet.to_string(),
                said,
                read.decide(packet),
            );
        }
    }
    for table in tables {
        if !told {
            continue;
        }
        let parts: Vec<&Value> = table.map_or(&[][..], routes::routes).iter().collect();
        let packets = sample(&parts, &mut known);
        let read = subject.hops(table, &near);
        let mut asked = BTreeSet::new();
        for packet in &packets {
            for address in [packet.source, packet.destination] {
                // The platform is reached whatever the routes say; the oracle's walk knows it.
                if address.is_platform() || !asked.insert(address) {
                    continue;
                }
                let said = routes::next_hop(table, &near, address, &known);
                let said = (said.hop.to_string(), route_name(&said.by));
                let what = table.map_or("no table", |t| text(t, "name"));
                tally.meet(
                    "route",
                    what,
                    &address.to_string(),
                    said,
                    read.decide(address),
                );
            }
        }
    }
}

/// The oracle's name of a route; of learnt ones it tells the prefix too.
fn route_name(by: &str) -> String {
    let learnt = by.starts_with("bgp ");
    if learnt { "bgp" } else { by }.to_owned()
}

/// A network around the outputs; a learnt prefix is longer than the network's and a peer's own.
fn around_outputs() -> Neighbourhood {
    let value = json!({
        "space": ["10.10.0.0/16", "10.0.0.0/22"],
        "peers": ["10.20.0.0/16", "10.1.0.0/16"],
        "onPremises": ["192.168.0.0/16", "172.16.0.0/12", "10.10.5.0/24", "10.1.0.0/16", "10.0.0.0/8"],
        "serviceEndpoints": ["Storage"],
    });
    neighbourhood(&json!({ "near": value }))
}

fn rules_of(groups: &[Value]) -> Vec<&Value> {
    groups
        .iter()
        .flat_map(|group| items(&group["properties"], "ruleCollections"))
        .flat_map(|collection| items(collection, "rules"))
        .collect()
}

/// Classic firewalls of an environment.
fn classic(emitted: &Emitted) -> Vec<Value> {
    let mut out = Vec::new();
    for folder in load::entries(&emitted.folder.join("firewall")).unwrap() {
        for file in load::entries(&folder).unwrap() {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".fragment.json") || name == "firewall.json" {
                out.push(load::json(&file).unwrap());
            }
        }
    }
    out
}

/// The rules of a classic firewall as a group `g` of a policy `pol`, which the oracle reads.
fn as_policy(fragment: &Value, beside: &Firewall) -> Firewall {
    let mut collections = Vec::new();
    for (member, kind) in [
        ("natRuleCollections", "NatRule"),
        ("networkRuleCollections", "NetworkRule"),
        ("applicationRuleCollections", "ApplicationRule"),
    ] {
        for collection in items(&fragment["properties"], member) {
            let mut body = collection["properties"].clone();
            body["name"] = collection["name"].clone();
            for rule in body["rules"].as_array_mut().unwrap() {
                rule["ruleType"] = kind.into();
                if kind != "ApplicationRule" {
                    rule["ipProtocols"] = rule["protocols"].take();
                }
            }
            collections.push(body);
        }
    }
    Firewall {
        policies: Vec::new(),
        groups: vec![
            json!({"name": "pol/g", "properties": {"priority": 100, "ruleCollections": collections}}),
        ],
        ip_groups: beside.ip_groups.clone(),
        classic: Vec::new(),
    }
}

/// Words in some JSON that are service tags.
fn tags_in(value: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    collect(value, &mut out);
    out
}

fn collect(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let catalog = Catalog::embedded(Cloud::Public);
            if catalog.tag(text).is_some_and(|t| t.special().is_none()) {
                out.insert(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
        Value::Object(members) => members.values().for_each(|item| collect(item, out)),
        _ => {}
    }
}

/// The service tags of some JSON as the catalogue has them, told to the oracle address by address.
struct Tags(Vec<(String, AddressSet)>);

impl Tags {
    fn of(value: &Value, near: &Neighbourhood, catalog: &Catalog) -> Self {
        let mut names = tags_in(value);
        names.extend(near.service_endpoints.iter().cloned());
        let set =
            |name: &String| AddressSet::prefixes(catalog.tag(name).unwrap().prefixes().iter());
        Self(names.iter().map(|name| (name.clone(), set(name))).collect())
    }

    /// Tells the oracle of addresses at the edges of a few prefixes of each tag.
    fn tell_members(&self, known: &mut Knowledge) {
        for (_, set) in &self.0 {
            let nets = set.to_prefixes();
            let step = (nets.len() / 3).max(1);
            for net in nets.iter().step_by(step) {
                for end in [net.network(), net.broadcast()] {
                    let address = Address::parse(&end.to_string()).unwrap();
                    for by in [-1, 0, 1] {
                        self.tell(address.step(by).unwrap_or(address), known);
                    }
                }
            }
        }
    }

    /// Tells the oracle every tag of an address, if it can have any.
    fn tell(&self, address: Address, known: &mut Knowledge) {
        if !address.is_public() {
            return;
        }
        let text = address.to_string();
        let one = subject::set(&text);
        let mut told = Vec::new();
        for (name, set) in &self.0 {
            if !one.is_subset(set) {
                continue;
            }
            let ip = text.parse::<std::net::IpAddr>().unwrap();
            let nets = set.to_prefixes();
            let net = nets.iter().find(|net| net.contains(&ip)).unwrap();
            told.push(format!("{name}={net}"));
        }
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        known.address(&text, &told);
        for (name, set) in &self.0 {
            let same = (known.in_service_tag(address, name) == Match::Yes) == one.is_subset(set);
            assert!(same, "{address} and {}", last_segment(name));
        }
    }
}
