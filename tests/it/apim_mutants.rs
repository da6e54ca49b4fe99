//! Whether the table of packets would notice a lost rule of the API Management policy: each emitted
//! rule is taken away in turn. Rules that another covers (an envelope, a wider rule) are missed by no
//! packet; `cargo test --test it rules_that -- --nocapture` lists them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::Value;

use crate::apim_packets;
use crate::oracle::load::{self, Emitted};
use crate::oracle::{path, text};

#[test]
fn rules_that_no_packet_would_miss() {
    let apim = apim_packets::read();
    let file = load::root().join("tests/cases/apim/packets.csv");
    let rows = load::table(&file, &["environment", "verdict"]).unwrap();
    let (mut asked, mut missed) = (0, 0);
    for (name, (topology, emitted)) in &apim.environments {
        let packets: Vec<_> = rows
            .iter()
            .filter(|row| row["environment"] == *name)
            .map(|row| (row["verdict"].trim(), load::packet(row).unwrap()))
            .collect();
        for (gone, mutant) in mutants(emitted) {
            asked += 1;
            let same = packets.iter().all(|(expected, packet)| {
                let way = path::evaluate(topology, &mutant, packet, &apim.known);
                way.verdict.to_string() == *expected
            });
            if same {
                missed += 1;
                println!("{name}: {gone}");
            }
        }
    }
    println!("{missed} of {asked} rules and routes");
    assert!(
        asked > 100 && missed * 2 < asked,
        "the packets would not notice {missed} of {asked} lost rules"
    );
}

/// The resources with one rule or route less, for each of them.
fn mutants(emitted: &Emitted) -> Vec<(String, Emitted)> {
    let mut found = Vec::new();
    for index in 0..emitted.nsgs.len() {
        let list = |e: &mut Emitted| e.nsgs[index]["properties"]["securityRules"].take();
        found.extend(without_each(emitted, &list, &mut |mutant, rules| {
            mutant.nsgs[index]["properties"]["securityRules"] = rules;
        }));
    }
    for index in 0..emitted.route_tables.len() {
        let list = |e: &mut Emitted| e.route_tables[index]["properties"]["routes"].take();
        found.extend(without_each(emitted, &list, &mut |mutant, routes| {
            mutant.route_tables[index]["properties"]["routes"] = routes;
        }));
    }
    for index in 0..emitted.firewall.groups.len() {
        let properties = &emitted.firewall.groups[index]["properties"];
        for place in 0..crate::oracle::items(properties, "ruleCollections").len() {
            let collection = |e: &mut Emitted| -> Value {
                e.firewall.groups[index]["properties"]["ruleCollections"][place]["rules"].take()
            };
            found.extend(without_each(emitted, &collection, &mut |mutant, rules| {
                mutant.firewall.groups[index]["properties"]["ruleCollections"][place]["rules"] =
                    rules;
            }));
        }
    }
    found
}

fn without_each(
    emitted: &Emitted,
    take: &dyn Fn(&mut Emitted) -> Value,
    put: &mut dyn FnMut(&mut Emitted, Value),
) -> Vec<(String, Emitted)> {
    let all = take(&mut emitted.clone());
    let mut found = Vec::new();
    for position in 0..all.as_array().map_or(0, Vec::len) {
        let mut rest = all.as_array().unwrap().clone();
        let gone = rest.remove(position);
        let mut mutant = emitted.clone();
        put(&mut mutant, Value::Array(rest));
        found.push((format!("{} {gone}", text(&gone, "name")), mutant));
    }
    found
}
