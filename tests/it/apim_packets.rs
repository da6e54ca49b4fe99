//! The packets of the API Management policy, put to what the compiler emitted for it. The verdicts
//! were written by hand from Microsoft's page before anything was compiled; none is taken from output.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::oracle::address::Address;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::{self, Emitted};
use crate::oracle::path::{self, Topology};
use crate::oracle::{Verdict, refusals};

const CASES: &str = "tests/cases/apim";
const OUT: &str = "policies/apim/out";
const COLUMNS: [&str; 11] = [
    "id",
    "environment",
    "source",
    "destination",
    "name",
    "protocol",
    "source_port",
    "port",
    "l7",
    "verdict",
    "reason",
];
/// Fewer packets than this do not cover the page's rows with their edges in two environments.
const LEAST: usize = 200;

/// The policy's topology and emitted resources by environment.
pub(crate) struct Apim {
    /// By environment.
    pub(crate) environments: BTreeMap<String, (Topology, Emitted)>,
    /// Service tags of the addresses, tags of the names.
    pub(crate) known: Knowledge,
}

/// Reads everything but the packets; fails with what is missing.
pub(crate) fn read() -> Apim {
    let root = load::root();
    let cases = root.join(CASES);
    let file = load::json(&cases.join("topology.json"))
        .unwrap_or_else(|error| panic!("the API Management topology is missing: {error}"));
    let mut known = Knowledge::default();
    load::addresses(&cases.join("addresses.csv"), &mut known)
        .unwrap_or_else(|error| panic!("the addresses' service tags are missing: {error}"));
    let names = cases.join("names.csv");
    if names.is_file() {
        load::names(&names, &mut known).unwrap();
    }
    let mut environments = BTreeMap::new();
    for (name, environment) in file["environments"]
        .as_object()
        .expect("topology.json has no `environments`")
    {
        let out = root.join(OUT).join(name);
        assert!(
            out.is_dir(),
            "{} is not there: compile policies/apim first (portcullis compile policies/apim)",
            out.display()
        );
        let emitted = Emitted::read(&out).unwrap();
        environments.insert(name.clone(), (Topology::read(environment), emitted));
    }
    Apim {
        environments,
        known,
    }
}

#[test]
fn every_packet_of_the_page_gets_its_verdict() {
    let apim = read();
    let file = load::root().join(CASES).join("packets.csv");
    let rows = load::table(&file, &COLUMNS)
        .unwrap_or_else(|error| panic!("the API Management packets are missing: {error}"));
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut unlisted: BTreeSet<Address> = BTreeSet::new();
    for row in &rows {
        let id = &row["id"];
        let mut fault = |what: String| faults.push(format!("{id} {what}"));
        if !seen.insert(id.clone()) {
            fault("is there twice".to_owned());
        }
        let packet = match load::packet(row) {
            Ok(packet) => packet,
            Err(what) => {
                fault(what);
                continue;
            }
        };
        let expected = match row["verdict"].trim() {
            "allow" => Verdict::Allow,
            "deny" => Verdict::Deny,
            other => {
                fault(format!("verdict `{other}` is neither allow nor deny"));
                continue;
            }
        };
        let environment = row["environment"].trim();
        let Some((topology, emitted)) = apim.environments.get(environment) else {
            fault(format!(
                "environment `{environment}` is not in topology.json"
            ));
            continue;
        };
        let way = path::evaluate(topology, emitted, &packet, &apim.known);
        if way.verdict == expected {
            continue;
        }
        if way.verdict == Verdict::Unknown {
            let open = [packet.source, packet.destination].into_iter();
            unlisted
                .extend(open.filter(|a| a.is_public() && !apim.known.addresses().any(|k| k == *a)));
        }
        fault(format!(
            "[{environment}] {packet}\n    expected {expected} ({})\n    found    {}\n{way}",
            row["reason"].trim(),
            way.verdict
        ));
    }
    if !unlisted.is_empty() {
        let list: Vec<String> = unlisted.iter().map(Address::to_string).collect();
        faults.push(format!(
            "not in addresses.csv, hence in any tag or none (list them; no tags is an empty field): {}",
            list.join(", ")
        ));
    }
    assert!(
        faults.is_empty(),
        "\n{} of {} packets are wrong\n{}",
        faults.len(),
        rows.len(),
        faults.join("\n")
    );
    assert!(
        rows.len() >= LEAST,
        "{} packets; at least {LEAST} are needed",
        rows.len()
    );
}

#[test]
fn azure_refuses_nothing_of_any_emitted_environment() {
    let folders = load::emitted_folders();
    assert!(
        folders
            .iter()
            .any(|f| f.starts_with(load::root().join(OUT))),
        "{OUT} is not there: compile policies/apim first"
    );
    let mut found = Vec::new();
    for folder in folders {
        let emitted = Emitted::read(&folder).unwrap();
        for fault in refusals::of(&emitted) {
            found.push(format!("{}: {fault}", short(&folder)));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// A path below the repository.
pub(crate) fn short(path: &Path) -> String {
    let below = path.strip_prefix(load::root()).unwrap_or(path);
    below.to_string_lossy().replace('\\', "/")
}
