//! The oracle's whole way of a packet through a hub with two spokes, by hand. It tests the oracle and
//! compiles nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::oracle::firewall::Firewall;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::{self, Emitted};
use crate::oracle::path::{self, Topology};

/// A source, a destination, protocol/port/l7, a name, the verdict, and a piece of the deciding step.
type Ask = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const ASKS: [Ask; 18] = [
    // Spoke to spoke through the firewall, by a network rule.
    (
        "10.1.0.4",
        "10.2.0.4",
        "tcp/443/none",
        "",
        "allow",
        "firewall: allow by pol/g/net/peers",
    ),
    (
        "10.1.0.4",
        "10.2.0.4",
        "tcp/22/none",
        "",
        "deny",
        "firewall: deny by firewall default",
    ),
    (
        "10.1.0.4",
        "10.2.0.4",
        "tcp/8443/none",
        "",
        "deny",
        "nsg in at b: deny by nsg-b/no-8443",
    ),
    // An application rule translates the source: the group at the end sees the firewall.
    (
        "10.1.0.4",
        "10.2.0.4",
        "tcp/80/http",
        "app.example",
        "deny",
        "nsg in at b: deny by nsg-b/not-from-firewall",
    ),
    // Out by name, by tag past the firewall, and nothing else.
    (
        "10.1.0.4",
        "20.9.9.9",
        "tcp/443/https",
        "www.example",
        "allow",
        "firewall: allow by pol/g/app/www",
    ),
    (
        "10.1.0.4",
        "20.9.9.9",
        "tcp/443/https",
        "other.example",
        "deny",
        "firewall: deny by firewall default",
    ),
    (
        "10.1.0.4",
        "52.145.1.1",
        "tcp/443/https",
        "other.example",
        "allow",
        "route at a to 52.145.1.1: allow by Internet",
    ),
    (
        "10.1.0.4",
        "20.9.9.9",
        "tcp/25/none",
        "",
        "deny",
        "nsg out at a: deny by nsg-a/no-mail",
    ),
    // Nothing is known of the address: is it in the tag that has a route?
    (
        "10.1.0.4",
        "20.77.7.7",
        "tcp/443/https",
        "www.example",
        "unknown",
        "unknown",
    ),
    // The firewall itself, the platform, an undeclared private range.
    (
        "10.1.0.4",
        "10.0.1.4",
        "udp/53/none",
        "",
        "allow",
        "route at a to 10.0.1.4: allow by VNetPeering",
    ),
    (
        "10.1.0.4",
        "168.63.129.16",
        "udp/53/none",
        "",
        "allow",
        "platform address",
    ),
    (
        "10.1.0.4",
        "10.99.0.1",
        "tcp/443/none",
        "",
        "deny",
        "firewall: deny by firewall default",
    ),
    (
        "10.3.0.4",
        "10.99.0.1",
        "tcp/443/none",
        "",
        "deny",
        "route at c to 10.99.0.1: deny by None",
    ),
    // From outside: the internet arrives directly, if the reply leaves so; on-premises by its gateway.
    (
        "52.145.1.1",
        "10.1.0.4",
        "tcp/3443/none",
        "",
        "allow",
        "reply at a to 52.145.1.1: allow by Internet",
    ),
    (
        "20.9.9.9",
        "10.1.0.4",
        "tcp/3443/none",
        "",
        "deny",
        "reply at a to 20.9.9.9: deny by VirtualAppliance",
    ),
    (
        "192.168.7.7",
        "10.3.0.4",
        "tcp/443/none",
        "",
        "allow",
        "VirtualNetworkGateway",
    ),
    (
        "192.168.7.7",
        "10.1.0.4",
        "tcp/443/none",
        "",
        "deny",
        "firewall: deny by firewall default",
    ),
    // Both ends outside every subnet: the one firewall.
    (
        "10.2.9.9",
        "10.99.0.1",
        "tcp/443/none",
        "",
        "deny",
        "firewall: deny by firewall default",
    ),
];

#[test]
fn packets_take_their_way_through_hub_and_spokes() {
    let topology = Topology::read(&topology());
    let emitted = emitted();
    let mut known = Knowledge::default();
    known.address("52.145.1.1", &["ApiManagement.WestEurope"]);
    known.address("20.9.9.9", &[]);
    let mut wrong = Vec::new();
    for (source, destination, service, name, verdict, step) in ASKS {
        let mut parts = service.split('/');
        let mut row = BTreeMap::new();
        for (column, value) in [
            ("source", source),
            ("destination", destination),
            ("name", name),
            ("protocol", parts.next().unwrap()),
            ("port", parts.next().unwrap()),
            ("l7", parts.next().unwrap()),
        ] {
            row.insert(column.to_owned(), value.to_owned());
        }
        let packet = load::packet(&row).unwrap();
        let way = path::evaluate(&topology, &emitted, &packet, &known);
        let said = way.steps.iter().any(|s| s.contains(step));
        if way.verdict.to_string() != verdict || !said {
            wrong.push(format!(
                "{packet}: expected {verdict} by `{step}`, found {}\n{way}",
                way.verdict
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Spokes a and b hang on the hub and send everything through its firewall; c has Azure's routes.
fn topology() -> Value {
    let subnet = |name: &str, prefix: &str, table: &str| {
        json!({"name": name, "vnet": format!("vnet-{name}"), "prefix": prefix,
            "nsg": format!("nsg-{name}"), "routeTable": table, "serviceEndpoints": []})
    };
    json!({
        "subnets": [
            subnet("a", "10.1.0.0/24", "rt"),
            subnet("b", "10.2.0.0/24", "rt"),
            subnet("c", "10.3.0.0/24", ""),
        ],
        "vnets": [
            {"name": "hub", "space": ["10.0.0.0/16"], "peers": ["vnet-a", "vnet-b"]},
            {"name": "vnet-a", "space": ["10.1.0.0/16"], "peers": []},
            {"name": "vnet-b", "space": ["10.2.0.0/16"], "peers": []},
            {"name": "vnet-c", "space": ["10.3.0.0/16"], "peers": []},
        ],
        "onPremises": ["192.168.0.0/16"],
        "firewall": {"privateIp": "10.0.1.4", "policy": "pol"},
    })
}

fn emitted() -> Emitted {
    let rule = |name: &str, number: u64, way: [&str; 4]| {
        let [direction, access, source, port] = way;
        json!({"name": name, "properties": {"priority": number, "direction": direction,
            "access": access, "protocol": "*", "sourceAddressPrefix": source,
            "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": port}})
    };
    let group = |name: &str, rules: Vec<Value>| json!({"name": name, "properties": {"securityRules": rules}});
    let nsgs = vec![
        group(
            "nsg-a",
            vec![
                rule("no-mail", 100, ["Outbound", "Deny", "*", "25"]),
                rule("management", 110, ["Inbound", "Allow", "*", "3443"]),
            ],
        ),
        group(
            "nsg-b",
            vec![
                rule("no-8443", 100, ["Inbound", "Deny", "10.1.0.0/24", "8443"]),
                rule(
                    "not-from-firewall",
                    110,
                    ["Inbound", "Deny", "10.0.1.4", "*"],
                ),
            ],
        ),
        group("nsg-c", vec![]),
    ];
    let route_tables = vec![json!({"name": "rt", "properties": {
    "disableBgpRoutePropagation": true,
    "routes": [
        {"name": "default", "properties": {"addressPrefix": "0.0.0.0/0",
            "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.1.4"}},
        {"name": "apim", "properties": {"addressPrefix": "ApiManagement",
            "nextHopType": "Internet"}},
    ]}})];
    let groups = vec![json!({"name": "pol/g", "properties": {"priority": 200,
    "ruleCollections": [
        {"name": "net", "priority": 100, "action": {"type": "Allow"}, "rules": [
            {"ruleType": "NetworkRule", "name": "peers", "ipProtocols": ["TCP"],
                "sourceAddresses": ["10.1.0.0/24"], "destinationAddresses": ["10.2.0.0/24"],
                "destinationPorts": ["443", "8443"]}]},
        {"name": "app", "priority": 200, "action": {"type": "Allow"}, "rules": [
            {"ruleType": "ApplicationRule", "name": "www", "sourceAddresses": ["*"],
                "protocols": [{"protocolType": "Https", "port": 443}],
                "targetFqdns": ["www.example"]},
            {"ruleType": "ApplicationRule", "name": "inner", "sourceAddresses": ["*"],
                "protocols": [{"protocolType": "Http", "port": 80}],
                "targetFqdns": ["app.example"]}]},
    ]}})];
    Emitted {
        nsgs,
        route_tables,
        firewall: Firewall {
            groups,
            ..Firewall::default()
        },
        ..Emitted::default()
    }
}
