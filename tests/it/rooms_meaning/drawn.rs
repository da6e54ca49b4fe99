//! Resources drawn by a fixed sequence, with what committed outputs do not hold: platform tags, URLs,
//! categories, names in network rules, groups without members, parents, ties between routes. The same
//! resource in the command line's flat form has to be read alike.

use portcullis::backends::meaning::World;
use serde_json::{Map, Value, json};

use super::subject::{self, Subject};
use super::{Said, Tally};
use crate::oracle::address::Address;
use crate::oracle::firewall::Firewall;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::nsg::Direction;
use crate::oracle::path::ranges;
use crate::oracle::routes::Neighbourhood;
use crate::oracle::{Packet, items, nsg, routes};

/// Resources of each kind, and packets of each.
const RESOURCES: u64 = 150;
const PACKETS: usize = 60;

/// The public addresses asked and their tags.
pub(crate) const PUBLIC: [(&str, &[&str]); 5] = [
    (
        "20.60.1.1",
        &[
            "Storage=20.60.0.0/16",
            "Storage.WestUS=20.60.0.0/16",
            "AzureCloud=20.60.0.0/16",
            "AzureCloud.westus=20.60.0.0/16",
        ],
    ),
    (
        "20.70.1.1",
        &["Sql=20.70.1.0/24", "AzureCloud=20.70.0.0/16"],
    ),
    ("8.8.8.8", &[]),
    ("172.32.0.0", &[]),
    ("2603:1000::1", &["AzureCloud=2603:1000::/24"]),
];

const PRIVATE: [&str; 10] = [
    "10.1.0.4",
    "10.1.0.255",
    "10.2.0.4",
    "10.200.0.1",
    "192.168.1.1",
    "172.16.5.5",
    "168.63.129.16",
    "169.254.169.254",
    "203.0.113.7",
    "fd00::1",
];

const NAMES: [&str; 6] = [
    "",
    "contoso.com",
    "www.contoso.com",
    "evilcontoso.com",
    "a.b.contoso.com",
    "other.example",
];

pub(crate) struct Lot(pub(crate) u64);

impl Lot {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn some(&mut self, all: &[&str]) -> Value {
        let first = self.one(all);
        let second = self.one(all);
        if self.below(2) == 0 || first == second {
            json!([first])
        } else {
            json!([first, second])
        }
    }

    fn address(&mut self) -> Address {
        let index = self.below(PUBLIC.len() + PRIVATE.len());
        let text = PUBLIC
            .get(index)
            .map_or_else(|| PRIVATE[index - PUBLIC.len()], |(text, _)| text);
        Address::parse(text).unwrap()
    }

    pub(crate) fn packet(&mut self) -> Packet {
        let protocol = self.one(&["tcp", "tcp", "tcp", "tcp", "udp", "icmp", "esp", "ah"]);
        let ports = protocol == "tcp" || protocol == "udp";
        let port = self.one(&[53, 80, 81, 443, 450, 1433, 1688, 1, 65535]);
        let source_port = self.one(&[50_000, 53, 1]);
        let l7 = self.one(&["none", "http", "https", "https", "mssql"]);
        Packet {
            source: self.address(),
            destination: self.address(),
            name: self.one(&NAMES).to_owned(),
            protocol: protocol.to_owned(),
            source_port: if ports { source_port } else { 0 },
            port: if ports { port } else { 0 },
            l7: if protocol == "tcp" { l7 } else { "none" }.to_owned(),
        }
    }
}

#[test]
fn drawn_resources_are_read_as_the_oracle_reads_them() {
    let mut tally = Tally::default();
    for told in [true, false] {
        let (known, world) = (knowledge(told), || subject_world(told));
        for seed in 0..RESOURCES {
            let mut lot = Lot(seed);
            let firewall = firewall(&mut lot);
            let subject = Subject::new(world(), &firewall);
            let near = near(&mut lot);
            let table = table(&mut lot, told);
            groups(&mut lot, &subject, &table, &near, &known, &mut tally);
            policies(&mut lot, &subject, &firewall, &known, &mut tally);
            classics(&mut lot, &subject, &firewall, &known, &mut tally);
            if told {
                hops(&subject, &table, &near, &known, &mut tally);
            }
        }
    }
    tally.finish(&["nsg", "firewall", "classic", "route"]);
}

fn groups(
    lot: &mut Lot,
    subject: &Subject<'_>,
    table: &Value,
    near: &Neighbourhood,
    known: &Knowledge,
    tally: &mut Tally,
) {
    let group = group(lot);
    let flat = flat(&group);
    let around = routes::surroundings(Some(table), near);
    for direction in [Direction::Inbound, Direction::Outbound] {
        let read = subject.group(&group, direction, Some(table), near);
        let same = subject.group(&flat, direction, Some(table), near);
        assert_eq!(read.filter, same.filter, "{flat}");
        for _ in 0..PACKETS {
            let packet = lot.packet();
            let said = nsg::evaluate_one(&group, direction, &packet, &around, known);
            let said = (said.verdict.to_string(), said.by);
            let what = format!("{direction:?} {group}");
            tally.meet(
                "nsg",
                &what,
                &packet.to_string(),
                said,
                read.decide(&packet),
            );
        }
    }
}

fn policies(
    lot: &mut Lot,
    subject: &Subject<'_>,
    firewall: &Firewall,
    known: &Knowledge,
    tally: &mut Tally,
) {
    let read = subject.policy("child");
    let flat = Firewall {
        policies: firewall.policies.iter().map(flat).collect(),
        groups: firewall.groups.iter().map(flat).collect(),
        ip_groups: firewall.ip_groups.clone(),
        classic: Vec::new(),
    };
    // What tags hold makes no difference to the form.
    let [one, other] =
        [firewall, &flat].map(|f| Subject::new(World::unknown(), f).policy("child").filter);
    assert_eq!(one, other);
    for _ in 0..PACKETS {
        let packet = lot.packet();
        let said = firewall.evaluate("child", &packet, known);
        let said = (said.verdict.to_string(), said.by);
        let what = json!(firewall.groups).to_string();
        tally.meet(
            "firewall",
            &what,
            &packet.to_string(),
            said,
            read.decide(&packet),
        );
    }
}

/// The last group's collections as those of a classic firewall.
fn classics(
    lot: &mut Lot,
    subject: &Subject<'_>,
    firewall: &Firewall,
    known: &Knowledge,
    tally: &mut Tally,
) {
    let alone = Firewall {
        policies: Vec::new(),
        groups: vec![firewall.groups[2].clone()],
        ip_groups: firewall.ip_groups.clone(),
        classic: Vec::new(),
    };
    let mut arrays: [Vec<Value>; 2] = [Vec::new(), Vec::new()];
    for collection in items(&alone.groups[0]["properties"], "ruleCollections") {
        let mut body = collection.clone();
        let mut application = false;
        for rule in body["rules"].as_array_mut().unwrap() {
            application = rule["ruleType"] == "ApplicationRule";
            if !application {
                rule["protocols"] = rule["ipProtocols"].take();
            }
        }
        let name = body["name"].take();
        arrays[usize::from(application)].push(json!({"name": name, "properties": body}));
    }
    let [network, application] = arrays;
    let classic = json!({"name": "azfw", "properties": {
        "networkRuleCollections": network, "applicationRuleCollections": application}});
    let read = subject.classic(&classic);
    assert_eq!(read.filter, subject.classic(&flat(&classic)).filter);
    for _ in 0..PACKETS {
        let packet = lot.packet();
        let said = alone.evaluate("child", &packet, known);
        let by = said.by.replace("child/g2/", "");
        let said = (said.verdict.to_string(), by);
        let (what, found) = (classic.to_string(), read.decide(&packet));
        tally.meet("classic", &what, &packet.to_string(), said, found);
    }
}

fn hops(
    subject: &Subject<'_>,
    table: &Value,
    near: &Neighbourhood,
    known: &Knowledge,
    tally: &mut Tally,
) {
    let read = subject.hops(Some(table), near);
    let same = subject.hops(Some(&flat(table)), near);
    for text in PUBLIC.iter().map(|(text, _)| *text).chain(PRIVATE) {
        let address = Address::parse(text).unwrap();
        if address.is_platform() {
            continue;
        }
        let said = routes::next_hop(Some(table), near, address, known);
        let said: Said = (said.hop.to_string(), super::route_name(&said.by));
        let found = read.decide(address);
        assert_eq!(found, same.decide(address));
        tally.meet("route", &table.to_string(), text, said, found);
    }
}

pub(crate) fn knowledge(told: bool) -> Knowledge {
    let mut known = Knowledge::default();
    if told {
        for (address, tags) in PUBLIC {
            known.address(address, tags);
        }
    }
    known
}

fn subject_world(told: bool) -> World<'static> {
    let mut world = World::unknown();
    if told {
        for tag in TAGS {
            let mut set = portcullis::model::address::AddressSet::empty();
            for written in PUBLIC.iter().flat_map(|(_, tags)| *tags) {
                let (name, prefix) = written.split_once('=').unwrap();
                if name == tag {
                    set = set.union(&subject::set(prefix));
                }
            }
            world.set_tag(tag, Some(set));
        }
    }
    world
}

pub(crate) const TAGS: [&str; 5] = [
    "Storage",
    "Storage.WestUS",
    "AzureCloud",
    "AzureCloud.westus",
    "Sql",
];

fn near(lot: &mut Lot) -> Neighbourhood {
    let value = json!({
        "space": ["10.1.0.0/16"],
        "peers": lot.some(&["10.2.0.0/16", "10.3.0.0/16"]),
        "onPremises": lot.some(&["192.168.0.0/16", "10.2.0.0/24", "10.1.0.0/24", "10.0.0.0/8", "0.0.0.0/0"]),
    });
    let endpoints: [&[&str]; 3] = [&[], &["Microsoft.Storage"], &["Storage.WestUS"]];
    Neighbourhood {
        space: ranges(&value, "space"),
        peers: ranges(&value, "peers"),
        on_premises: ranges(&value, "onPremises"),
        service_endpoints: lot.one(&endpoints).iter().map(|&t| t.to_owned()).collect(),
    }
}

pub(crate) fn table(lot: &mut Lot, told: bool) -> Value {
    let mut targets = vec![
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.2.0.0/16",
        "10.1.0.0/24",
        "20.60.0.0/16",
        "20.60.1.1",
        "fd00::/8",
        "::/0",
    ];
    // Of what a tag holds that nobody told, a route says nothing.
    targets.extend(if told { TAGS.to_vec() } else { vec!["Storage"] });
    let mut list: Vec<Value> = Vec::new();
    for index in 0..lot.below(5) {
        let target = targets.remove(lot.below(targets.len()));
        let kind = lot.one(&[
            "VirtualAppliance",
            "Internet",
            "None",
            "VnetLocal",
            "VirtualNetworkGateway",
        ]);
        let mut body = json!({"addressPrefix": target, "nextHopType": kind});
        if kind == "VirtualAppliance" {
            body["nextHopIpAddress"] = lot.one(&["10.0.1.4", "10.0.2.4"]).into();
        }
        list.push(json!({"name": format!("r{index}"), "properties": body}));
    }
    json!({"name": "rt", "properties": {"routes": list,
        "disableBgpRoutePropagation": lot.below(2) == 0}})
}

pub(crate) fn group(lot: &mut Lot) -> Value {
    let sides = [
        json!("*"),
        json!("10.1.0.0/24"),
        json!("VirtualNetwork"),
        json!("internet"),
        json!("Storage"),
        json!("Storage.WestUS"),
        json!("AzureLoadBalancer"),
        json!("168.63.129.16"),
        json!("169.254.0.0/16"),
        json!("fd00::/8"),
        json!(["10.0.0.0/8", "192.168.1.1"]),
        json!([]),
        json!("AzurePlatformDNS"),
        json!("AzurePlatformIMDS"),
        json!("AzurePlatformLKM"),
    ];
    let ports = [
        json!("*"),
        json!("*"),
        json!("0-65535"),
        json!("53"),
        json!("1688"),
        json!(["80", "443-500"]),
        json!("0-32767"),
    ];
    let mut rules = Vec::new();
    for index in 0..lot.below(6) + 1 {
        let mut body = Map::new();
        body.insert(
            "priority".into(),
            (100 + lot.below(20) * 10 + index * 200).into(),
        );
        body.insert("direction".into(), lot.one(&["Inbound", "Outbound"]).into());
        body.insert("access".into(), lot.one(&["Allow", "Deny"]).into());
        let protocol = lot.one(&["Tcp", "Udp", "Icmp", "Esp", "Ah", "*", "*", "*"]);
        body.insert("protocol".into(), protocol.into());
        for side in ["source", "destination"] {
            // Platform tags are destinations only.
            let count = sides.len() - if side == "source" { 3 } else { 0 };
            match &sides[lot.below(count)] {
                Value::String(one) => {
                    body.insert(format!("{side}AddressPrefix"), one.as_str().into());
                    body.insert(format!("{side}AddressPrefixes"), json!([]));
                }
                Value::Array(many) if many.is_empty() => {
                    let groups = json!([{"id": "/subscriptions/0/x/asg-web"}]);
                    body.insert(format!("{side}ApplicationSecurityGroups"), groups);
                }
                many => {
                    body.insert(format!("{side}AddressPrefixes"), many.clone());
                }
            }
            let which = if side == "source" {
                lot.below(4)
            } else {
                lot.below(ports.len())
            };
            let (member, value) = match &ports[which] {
                many @ Value::Array(_) => (format!("{side}PortRanges"), many.clone()),
                one => (format!("{side}PortRange"), one.clone()),
            };
            body.insert(member, value);
        }
        rules.push(json!({"name": format!("r{index}"), "properties": body}));
    }
    json!({"name": "nsg", "properties": {"securityRules": rules}})
}

pub(crate) fn firewall(lot: &mut Lot) -> Firewall {
    let base = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/";
    let ip_groups = [
        ("full", json!(["10.1.0.0-10.1.0.9", "192.168.0.0/16"])),
        ("empty", json!([])),
    ]
    .map(|(name, list)| {
        json!({"id": format!("{base}ipGroups/{name}"), "name": name,
                "properties": {"ipAddresses": list}})
    })
    .to_vec();
    let mut groups = Vec::new();
    for (index, policy) in ["parent", "child", "child"].into_iter().enumerate() {
        let mut collections = Vec::new();
        for number in 0..lot.below(3) + 1 {
            let application = lot.below(2) == 0;
            let mut rules = Vec::new();
            for rule in 0..lot.below(3) + 1 {
                let name = format!("r{rule}");
                rules.push(if application {
                    application_rule(lot, &name, base)
                } else {
                    network_rule(lot, &name, base)
                });
            }
            collections.push(json!({"name": format!("c{number}"),
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "priority": 100 + lot.below(50) * 10 + number,
                "action": {"type": lot.one(&["Allow", "Deny"])}, "rules": rules}));
        }
        groups.push(json!({"name": format!("{policy}/g{index}"),
            "properties": {"priority": 100 + lot.below(50) * 10 + index,
                "ruleCollections": collections}}));
    }
    let policies = vec![
        json!({"id": format!("{base}firewallPolicies/parent"), "name": "parent",
            "properties": {"threatIntelMode": "Alert"}}),
        json!({"id": format!("{base}firewallPolicies/child"), "name": "child",
            "properties": {"basePolicy": {"id": format!("{base}firewallPolicies/Parent")}}}),
    ];
    Firewall {
        policies,
        groups,
        ip_groups,
        classic: Vec::new(),
    }
}

fn sources(lot: &mut Lot, rule: &mut Value, base: &str) {
    let all = [
        "*",
        "10.1.0.0/24",
        "10.1.0.4",
        "192.168.0.0-192.168.1.1",
        "fd00::/8",
    ];
    if lot.below(4) == 0 {
        let which = lot.one(&["full", "FULL", "full", "empty"]);
        rule["sourceIpGroups"] = json!([format!("{base}ipGroups/{which}")]);
    } else {
        rule["sourceAddresses"] = lot.some(&all);
    }
}

fn network_rule(lot: &mut Lot, name: &str, base: &str) -> Value {
    let mut rule = json!({"ruleType": "NetworkRule", "name": name,
        "ipProtocols": lot.some(&["TCP", "UDP", "ICMP", "Any", "Any"]),
        "destinationPorts": lot.some(&["*", "443", "1-100", "53", "443-65535"]),
        "destinationFqdns": [], "destinationIpGroups": []});
    sources(lot, &mut rule, base);
    let addresses = [
        "*",
        "10.2.0.0/16",
        "Storage",
        "AzureCloud",
        "Sql",
        "8.8.8.8",
        "20.60.0.0/16",
    ];
    match lot.below(4) {
        0 => rule["destinationFqdns"] = lot.some(&["contoso.com", "WWW.contoso.com"]),
        1 => rule["destinationIpGroups"] = json!([format!("{base}ipgroups/full")]),
        2 => {
            rule["destinationFqdns"] = lot.some(&["contoso.com", "other.example"]);
            rule["destinationAddresses"] = lot.some(&addresses);
        }
        _ => rule["destinationAddresses"] = lot.some(&addresses),
    }
    rule
}

fn application_rule(lot: &mut Lot, name: &str, base: &str) -> Value {
    let mut protocols = Vec::new();
    for _ in 0..lot.below(2) + 1 {
        let kind = lot.one(&["Http", "Https", "Https", "Mssql"]);
        protocols.push(json!({"protocolType": kind, "port": lot.one(&[80, 443, 1433])}));
    }
    let mut rule = json!({"ruleType": "ApplicationRule", "name": name, "protocols": protocols});
    sources(lot, &mut rule, base);
    match lot.below(5) {
        0 => rule["fqdnTags"] = json!(["WindowsUpdate"]),
        1 => rule["targetUrls"] = lot.some(&["www.contoso.com/test/*", "*.contoso.com", "*"]),
        2 => {
            rule["webCategories"] = json!(["News"]);
            rule["targetFqdns"] = lot.some(&["contoso.com", "*.example"]);
        }
        _ => {
            let all = [
                "*",
                "contoso.com",
                "*.contoso.com",
                "*CONTOSO.com",
                "other.example",
            ];
            rule["targetFqdns"] = lot.some(&all);
        }
    }
    if lot.below(8) == 0 {
        rule["destinationAddresses"] = json!(["8.8.8.8"]);
    }
    rule
}

/// A resource as the command line shows it: members of `properties` one level up, words in another
/// case, nulls for what is absent.
pub(crate) fn flat(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut out = Map::new();
            out.insert("provisioningState".to_owned(), "Succeeded".into());
            out.insert("description".to_owned(), Value::Null);
            out.insert("sourceApplicationSecurityGroups".to_owned(), Value::Null);
            for (key, member) in members {
                if key == "properties" {
                    let Value::Object(inner) = flat(member) else {
                        panic!("{member}")
                    };
                    out.extend(inner.into_iter().filter(|(_, v)| !v.is_null()));
                } else {
                    out.insert(key.clone(), flat_word(key, member));
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(flat).collect(),
        other => other.clone(),
    }
}

fn flat_word(key: &str, member: &Value) -> Value {
    let words = [
        "access",
        "direction",
        "protocol",
        "nextHopType",
        "ruleType",
        "type",
        "protocolType",
    ];
    match member {
        Value::String(word) if words.contains(&key) => word.to_uppercase().into(),
        Value::Array(items) if key == "ipProtocols" => items
            .iter()
            .map(|word| Value::String(word.as_str().unwrap().to_lowercase()))
            .collect(),
        other => flat(other),
    }
}
