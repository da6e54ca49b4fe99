//! What each construct of the language becomes in Azure: golden output of the cases below
//! tests/cases/targets, and what the naive evaluator says of some. Whether Azure takes the form is
//! for tests/conformance.sh.
//!
//! A case is a folder with `main.gate` and `portcullis.yaml`; `expect` is the output folder, the
//! manifest left out. `PORTCULLIS_BLESS=1` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::portcullis;
use crate::oracle::firewall::Firewall;

#[test]
fn cases_compile_to_what_is_expected() {
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some_and(|v| v == "1");
    let mut wrong = Vec::new();
    for case in cases() {
        let made = compile(&case, bless);
        let folder = case.join("expect");
        if bless {
            let _ = fs::remove_dir_all(&folder);
            for (path, text) in &made {
                let path = folder.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        let expected = files(&folder);
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        for path in made.keys().chain(expected.keys()) {
            if made.get(path) != expected.get(path) {
                wrong.push(format!("{name}: {path}"));
            }
        }
    }
    wrong.dedup();
    assert!(
        wrong.is_empty(),
        "these differ (PORTCULLIS_BLESS=1 if the new ones are right):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn cases_are_formatted() {
    for case in cases() {
        let ran = portcullis(&case, &["fmt", "--check", "main.gate"]);
        assert_eq!(ran.code, 0, "{}: {}", case.display(), ran.err);
    }
}

#[test]
fn translations_lead_where_the_policy_says() {
    let emitted = emitted("dnat");
    let firewall = Firewall {
        groups: emitted.of_type("Microsoft.Network/firewallPolicies/ruleCollectionGroups"),
        ip_groups: emitted.of_type("Microsoft.Network/ipGroups"),
        ..Firewall::default()
    };
    for (source, destination, protocol, port, expected) in [
        ("8.8.8.8", "20.50.60.70", "tcp", 443, Some("10.1.0.4:8443")),
        ("8.8.8.8", "20.50.60.70", "tcp", 80, None),
        ("8.8.8.8", "20.50.60.70", "udp", 443, None),
        ("8.8.8.8", "20.50.60.71", "tcp", 443, None),
        // Private sources are not the internet.
        ("10.1.0.9", "20.50.60.70", "tcp", 443, None),
        (
            "203.0.113.200",
            "20.50.60.71",
            "udp",
            53,
            Some("10.1.0.5:53"),
        ),
        ("203.0.113.5", "20.50.60.71", "udp", 53, None),
        (
            "198.51.100.9",
            "20.50.60.71",
            "tcp",
            8443,
            Some("api.internal.contoso.com:443"),
        ),
        ("8.8.8.8", "20.50.60.71", "tcp", 8443, None),
    ] {
        let found = firewall.translate("azfw", source, destination, protocol, port);
        assert_eq!(
            found.as_deref(),
            expected,
            "{source} {destination} {protocol}/{port}"
        );
    }
}

#[test]
fn a_translation_opens_its_target_for_the_firewall_only() {
    let emitted = emitted("dnat");
    let groups = emitted.of_type("Microsoft.Network/networkSecurityGroups");
    let rules = groups[0]["properties"]["securityRules"].as_array().unwrap();
    let rule = rules
        .iter()
        .find(|r| r["name"] == "published-site-in")
        .expect("a rule at the target");
    let properties = &rule["properties"];
    assert_eq!(properties["sourceAddressPrefix"], "10.0.1.0/26");
    assert_eq!(properties["destinationAddressPrefix"], "10.1.0.4/32");
    assert_eq!(properties["destinationPortRange"], "8443");
}

#[test]
fn the_summary_names_a_rule_with_its_group() {
    let folder = root().join("security-rules-as-children");
    let out = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["main.gate", "portcullis.yaml"] {
        fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    let out_name = out.path().to_string_lossy().into_owned();
    let ran = portcullis(copy.path(), &["compile", "--out", &out_name]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let names: Vec<&str> = ran
        .out
        .lines()
        .filter_map(|line| line.trim().strip_prefix("security rule"))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(!names.is_empty(), "{}", ran.out);
    assert!(names.iter().all(|name| name.contains('/')), "{names:?}");
}

#[test]
fn a_zone_is_listed_with_its_subnet() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("portcullis.yaml"), crate::cli::SETTINGS).unwrap();
    fs::write(
        folder.path().join("a.gate"),
        "nsg app\n\nsubnet app = 10.1.0.0/24 {\n  nsg = app\n  zone = restricted\n}\n\nallow web: tcp/443 from app to 10.2.0.0/16\n",
    )
    .unwrap();
    let ran = portcullis(folder.path(), &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let manifest = fs::read_to_string(folder.path().join("out/default/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["associations"][0]["zone"], "restricted");
}

/// The resources of one case's expected output.
struct Emitted(Vec<Value>);

impl Emitted {
    fn of_type(&self, kind: &str) -> Vec<Value> {
        self.0
            .iter()
            .filter(|r| r["type"] == kind)
            .cloned()
            .collect()
    }
}

fn emitted(case: &str) -> Emitted {
    let folder = root().join(case).join("expect");
    Emitted(
        files(&folder)
            .values()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect(),
    )
}

/// The output of a case by path, without the manifest. It is compiled in a copy, so that a test
/// changes no file of the case; with `in_place` the lock file beside it is brought up to date.
fn compile(case: &Path, in_place: bool) -> BTreeMap<String, String> {
    let copy = tempfile::tempdir().unwrap();
    for name in [
        "main.gate",
        "portcullis.yaml",
        "portcullis.lock",
        "existing.json",
    ] {
        if case.join(name).is_file() {
            fs::copy(case.join(name), copy.path().join(name)).unwrap();
        }
    }
    let folder = if in_place { case } else { copy.path() };
    let out = tempfile::tempdir().unwrap();
    let out_name = out.path().to_string_lossy().into_owned();
    let ran = portcullis(folder, &["compile", "--out", &out_name]);
    assert_eq!(ran.code, 0, "{}: {}", case.display(), ran.err);
    let mut made = files(out.path());
    made.retain(|path, _| path.ends_with(".json") && !path.ends_with("manifest.json"));
    made
}

fn cases() -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    list.sort();
    list
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/targets")
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap();
            let name = name.to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
            out.insert(name, text);
        }
    }
    out
}
