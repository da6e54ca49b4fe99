//! The golden vectors of Azure's semantics, put to the oracle. They test the oracle, not the compiler;
//! an evaluator of the compiler's may be put to the same files (tests/cases/golden).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::oracle::firewall::Firewall;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::nsg::Direction;
use crate::oracle::path::ranges;
use crate::oracle::routes::Neighbourhood;
use crate::oracle::{items, load, nsg, routes, text, texts};

/// The vectors that must be there: those of the list, and the second half of the thirteenth.
const VECTORS: [&str; 18] = [
    "G1",
    "G2",
    "G3",
    "G4",
    "G5",
    "G6",
    "G7",
    "G8",
    "G9",
    "G10",
    "G11",
    "G12",
    "G13",
    "G13-without-prefix",
    "G14",
    "G15",
    "G16",
    "G17",
];

#[test]
fn every_golden_vector_holds() {
    let mut wrong = Vec::new();
    for vector in VECTORS {
        let path = load::root().join(format!("tests/cases/golden/{vector}.json"));
        let case = load::json(&path).unwrap();
        for fault in run(&case) {
            wrong.push(format!("{vector} ({}): {fault}", text(&case, "setup")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What a vector's file expects and the oracle does not say.
fn run(case: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let firewall = Firewall {
        policies: items(case, "policies").to_vec(),
        groups: items(case, "groups").to_vec(),
        ip_groups: items(case, "ipGroups").to_vec(),
        classic: items(case, "classic").to_vec(),
    };
    let policy = text(case, "policy");
    if !items(case, "order").is_empty() {
        let found: Vec<String> = firewall.order(policy).into_iter().map(|c| c.path).collect();
        let expected = texts(case, "order");
        if found != expected {
            wrong.push(format!(
                "order\n  expected {expected:?}\n  found    {found:?}"
            ));
        }
    }
    let mut known = Knowledge::default();
    for (address, tags) in case["tags"].as_object().into_iter().flatten() {
        let tags: Vec<&str> = tags
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        known.address(address, &tags);
    }
    let near = neighbourhood(case);
    let table = case.get("routeTable");
    let around = routes::surroundings(table, &near);
    let group = |direction, packet: &_| {
        let (subnet, interface) = (case.get("subnetNsg"), case.get("interfaceNsg"));
        nsg::evaluate(subnet, interface, direction, packet, &around, &known)
    };
    for ask in items(case, "asks") {
        let row: BTreeMap<String, String> = serde_json::from_value(ask["packet"].clone()).unwrap();
        let packet = load::packet(&row).unwrap();
        let (verdict, by) = match text(ask, "what") {
            "route" => {
                let choice = routes::next_hop(table, &near, packet.destination, &known);
                (choice.hop.to_string(), choice.by)
            }
            what => {
                let decision = match what {
                    "firewall" => firewall.evaluate(policy, &packet, &known),
                    "nsg in" => group(Direction::Inbound, &packet),
                    "nsg out" => group(Direction::Outbound, &packet),
                    other => panic!("`{other}`"),
                };
                (decision.verdict.to_string(), decision.by)
            }
        };
        let (expected, expected_by) = (text(ask, "expect"), text(ask, "by"));
        if (verdict.as_str(), by.as_str()) != (expected, expected_by) {
            wrong.push(format!(
                "{packet}\n  expected {expected} by {expected_by}\n  found    {verdict} by {by}"
            ));
        }
    }
    if items(case, "asks").is_empty() && items(case, "order").is_empty() {
        wrong.push("asks nothing".to_owned());
    }
    wrong
}

/// What lies around the subnet of a case.
pub(crate) fn neighbourhood(case: &Value) -> Neighbourhood {
    let near = &case["near"];
    Neighbourhood {
        space: ranges(near, "space"),
        peers: ranges(near, "peers"),
        on_premises: ranges(near, "onPremises"),
        service_endpoints: texts(near, "serviceEndpoints")
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}
