//! The oracle's reading of a classic firewall: type before priority, priorities per type, and a
//! translation up to the security group at its target. It tests the oracle and compiles nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Value, json};

use crate::oracle::address::Address;
use crate::oracle::firewall::Firewall;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::Emitted;
use crate::oracle::path::{self, Topology};
use crate::oracle::{Packet, text};

fn collection(name: &str, priority: u64, action: &str, rules: &[Value]) -> Value {
    json!({"name": name, "properties": {"priority": priority, "action": {"type": action},
        "rules": rules}})
}

fn emitted() -> Emitted {
    let network = |name: &str, port: &str| {
        json!({"name": name, "protocols": ["TCP"], "sourceAddresses": ["10.1.0.0/24"],
            "destinationAddresses": ["20.9.9.9"], "destinationPorts": [port]})
    };
    let application = json!({"name": "www", "sourceAddresses": ["*"],
        "protocols": [{"protocolType": "Https", "port": 443}], "targetFqdns": ["www.example"]});
    let nat = |name: &str, source: &str, to: &str| {
        json!({"name": name, "protocols": ["TCP"], "sourceAddresses": [source],
            "destinationAddresses": ["20.50.60.70"], "destinationPorts": ["443"],
            "translatedAddress": to, "translatedPort": "8443"})
    };
    let firewall = json!({"name": "fw", "properties": {
        "natRuleCollections": [
            collection("late", 300, "Dnat", &[nat("all", "*", "10.1.0.5")]),
            collection("early", 200, "Dnat", &[nat("some", "8.0.0.0/8", "10.1.0.4")]),
        ],
        "networkRuleCollections": [
            collection("net-allow", 400, "Allow", &[network("web", "443")]),
            collection("net-deny", 300, "Deny", &[network("low", "1-1023")]),
        ],
        "applicationRuleCollections": [
            collection("app", 100, "Allow", &[application]),
        ],
    }});
    let inbound = json!({"name": "published", "properties": {"priority": 200,
        "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "10.0.1.0/26", "sourcePortRange": "*",
        "destinationAddressPrefix": "10.1.0.4", "destinationPortRange": "8443"}});
    let closed = json!({"name": "closed", "properties": {"priority": 4000,
        "direction": "Inbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*"}});
    Emitted {
        nsgs: vec![json!({"name": "n", "properties": {"securityRules": [inbound, closed]}})],
        route_tables: vec![json!({"name": "rt", "properties": {"routes": [
            {"name": "default", "properties": {"addressPrefix": "0.0.0.0/0",
                "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.1.4"}}]}})],
        firewall: Firewall {
            classic: vec![firewall],
            ..Firewall::default()
        },
        ..Emitted::default()
    }
}

fn topology(peers: &[&str]) -> Topology {
    Topology::read(&json!({
        "vnets": [
            {"name": "hub", "space": ["10.0.0.0/16"], "peers": peers},
            {"name": "spoke", "space": ["10.1.0.0/16"], "peers": []},
        ],
        "subnets": [{"name": "s", "vnet": "spoke", "prefix": "10.1.0.0/24", "nsg": "n",
            "routeTable": "rt"}],
        "firewalls": [{"privateIp": "10.0.1.4", "policy": "fw", "publicIps": ["20.50.60.70"],
            "subnet": "10.0.1.0/26", "vnet": "hub"}],
    }))
}

fn way(topology: &Topology, source: &str, destination: &str, port: u16) -> path::Way {
    let address = |text: &str| Address::parse(text).unwrap();
    let packet = Packet {
        source: address(source),
        destination: address(destination),
        name: String::new(),
        protocol: "tcp".to_owned(),
        source_port: 50_000,
        port,
        l7: "none".to_owned(),
    };
    path::evaluate(topology, &emitted(), &packet, &Knowledge::default())
}

#[test]
fn classic_collections_are_read_by_type_and_then_by_priority() {
    let firewall = emitted().firewall;
    let order: Vec<String> = firewall.order("fw").into_iter().map(|c| c.path).collect();
    let expected = [
        "fw/early",
        "fw/late",
        "fw/net-deny",
        "fw/net-allow",
        "fw/app",
    ];
    assert_eq!(order, expected);
    let topology = topology(&["spoke"]);
    let found = way(&topology, "10.1.0.9", "20.9.9.9", 443);
    assert!(
        found.steps.iter().any(|s| s.contains("net-deny/low")),
        "{found}"
    );
    assert_eq!(text(&firewall.classic[0], "name"), "fw");
}

#[test]
fn a_translation_ends_at_the_group_of_its_target() {
    let peered = topology(&["spoke"]);
    let all = |topology: &Topology| {
        ["8.8.8.8", "9.9.9.9", "10.1.0.9"].map(|source| {
            let found = way(topology, source, "20.50.60.70", 443);
            found.verdict.to_string()
        })
    };
    // The first leads to the machine that is open, the second to another; the third is no internet.
    assert_eq!(all(&peered), ["allow", "deny", "unknown"]);
    // Without a peering the firewall has no way there.
    assert_eq!(all(&topology(&[])), ["deny", "deny", "unknown"]);
    let other = way(&peered, "8.8.8.8", "20.50.60.70", 80);
    assert!(
        other.steps[0].ends_with("deny by no translation"),
        "{other}"
    );
}
