//! Policies that once meant something else at the path, small, each with the verdicts that the
//! language asks for (packets.csv) or the codes it is refused with (refused.txt); told.txt is a piece of
//! the warning that says what is not claimed.

use crate::oracle::load;
use crate::oracle::path::{self, Topology};

use super::facts::Facts;
use super::judge;

const COLUMNS: [&str; 9] = [
    "id",
    "source",
    "destination",
    "name",
    "protocol",
    "port",
    "l7",
    "verdict",
    "reason",
];

#[test]
fn every_case_means_what_its_table_says() {
    let facts = Facts::read();
    let mut wrong = Vec::new();
    let folders = load::entries(&load::root().join("tests/cases/meaning")).unwrap();
    assert!(!folders.is_empty());
    for folder in folders {
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        let policy = load::read_text(&folder.join("policy.gate")).unwrap();
        let refused = folder.join("refused.txt");
        let emitted = match judge::compile_text(&policy) {
            Ok((emitted, warnings)) => {
                if refused.is_file() {
                    wrong.push(format!("{case}: is not refused"));
                    continue;
                }
                let told = load::read_text(&folder.join("told.txt")).unwrap_or_default();
                if !told.is_empty() && !warnings.iter().any(|w| w.contains(told.trim())) {
                    wrong.push(format!("{case}: tells {warnings:?}"));
                }
                emitted
            }
            Err(codes) => {
                let expected = load::read_text(&refused).unwrap_or_default();
                if expected
                    .split_whitespace()
                    .ne(codes.iter().map(String::as_str))
                {
                    wrong.push(format!("{case}: refused with {codes:?}"));
                }
                continue;
            }
        };
        let topology = Topology::read(&load::json(&folder.join("topology.json")).unwrap());
        for row in load::table(&folder.join("packets.csv"), &COLUMNS).unwrap() {
            let packet = load::packet(&row).unwrap();
            let known = facts.knowledge(&[packet.source, packet.destination]);
            let way = path::evaluate(&topology, &emitted, &packet, &known);
            if way.verdict.to_string() != row["verdict"] {
                wrong.push(format!(
                    "{case} {}: {packet}\n    expected {} ({})\n    found {}\n{way}",
                    row["id"], row["verdict"], row["reason"], way.verdict
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
