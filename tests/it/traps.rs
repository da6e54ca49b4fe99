//! docs/traps.md is kept to its word: each code of a trap is raised by a policy of its own in
//! tests/traps, and what cannot be written is looked for in output. Whether a trap exists is Azure's
//! affair.
//!
//! The policies of a trap are `T29.gate`, `T29-SLUG.gate` and folders of such names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::diag::CODES;
use serde_json::Value;

use crate::cli::{SETTINGS, folder, portcullis};
use crate::tidy::walk;

/// One row of the table: `PC3013, PC2005`, perhaps with `; and a remark`, or a reason.
struct Row {
    trap: String,
    codes: Vec<String>,
    reason: String,
}

/// The traps that may wait for exact sets of packets; another one without a code says why.
const MAY_WAIT: [&str; 8] = ["T17", "T19", "T20", "T41", "T52", "T55", "T60", "T64"];

/// Looks for a trap in output.
type Search = fn(&Emitted);

/// Traps that are never emitted, each with what looks for it in output.
const IMPOSSIBLE: [(&str, Search); 17] = [
    ("T04", names_and_addresses_stand_apart),
    ("T05", tags_make_network_rules),
    ("T07", no_nsg_tags_at_the_firewall),
    ("T13", application_rules_have_protocols),
    ("T16", one_kind_of_target_a_rule),
    ("T21", collections_have_their_own_numbers),
    ("T22", one_type_a_collection),
    ("T30", groups_wait_for_each_other),
    ("T32", rules_are_complete),
    ("T33", tags_stand_alone),
    ("T34", all_ports_stand_alone),
    ("T35", tags_stand_alone),
    ("T36", prefixes_do_not_overlap),
    ("T37", one_family_a_side),
    ("T38", security_rules_have_their_own_numbers),
    ("T46", tags_are_spelt_as_azure_does),
    ("T46", no_lower_case_tag_is_left),
];

/// A policy that says everything the impossible traps are about.
const POLICY: &str = "\
vnet hub = 10.0.0.0/16 {
  peers = [spoke]
}

vnet spoke = [10.1.0.0/16, fd00:1::/48]

firewall azfw {
  manage = policy
  dns-proxy = true
  vnet = hub
  subnet = 10.0.1.0/26
  private-ip = 10.0.1.4
}

nsg app

route-table app {
  default = azfw
}

subnet app = [10.1.4.0/24, fd00:1:0:4::/64] {
  vnet = spoke
  nsg = app
  route-table = app
}

group one {
  allow mixed: tcp/1521 from app to [20.50.60.70, db.contoso.com] for \"Database\"
  allow secure: https from app to [tag(AzureKeyVault), www.contoso.com] for \"Keys\"
  allow tags: tcp/443 from app to [tag(storage.westus), tag(Sql.WestUS), 20.50.60.0/24]
  allow inside: tcp/8080 from app to tag(VirtualNetwork)
  allow updates: http, https from app to [fqdn-tag(WindowsUpdate), updates.contoso.com]
}

group two {
  deny out: tcp/445 from app to tag(Internet)
  allow nested: tcp/1000-2000,1500,80 from [10.1.4.0/24, 10.1.4.64/26] to [10.0.0.0/17, 10.0.8.0/24]
  allow every: tcp, udp/53 from app to 10.0.9.0/24
  allow several: tcp/7000 from app to [10.0.16.0/24, 10.0.32.0/24, 10.0.32.0/25, fd00:2::/48]
  allow six: tcp/443 from app to [2603:1020:100::/48, 20.51.0.0/16]
  allow calls: tcp/8443 from [10.0.0.0/16, 10.0.8.0/24] to app
}
";

/// What the policy became.
struct Emitted {
    /// Rules of the firewall, with the type of their collection.
    rules: Vec<Value>,
    groups: Vec<Value>,
    security_rules: Vec<Value>,
    template: Value,
}

#[test]
fn every_trap_has_its_row() {
    let rows = rows();
    let traps: Vec<String> = rows.iter().map(|r| r.trap.clone()).collect();
    let wanted: Vec<String> = (1..=64).map(|n| format!("T{n:02}")).collect();
    assert_eq!(traps, wanted);
    let impossible: BTreeSet<&str> = IMPOSSIBLE.iter().map(|(t, _)| *t).collect();
    let mut kept = 0;
    let mut coded = 0;
    for row in &rows {
        assert!(!row.reason.is_empty(), "{}", row.trap);
        let written = row.reason.starts_with("cannot be written: ");
        let none = row.reason.starts_with("no code");
        assert!(
            !row.codes.is_empty() || written || none,
            "{}: {}",
            row.trap,
            row.reason
        );
        let never = written || row.reason.contains("; never emitted: ");
        assert!(
            !never || impossible.contains(row.trap.as_str()),
            "{}: what is never emitted needs its check",
            row.trap
        );
        let waits = row.reason.starts_with("no code yet: ");
        assert!(
            !waits || MAY_WAIT.contains(&row.trap.as_str()),
            "{}: this one does not wait for sets",
            row.trap
        );
        kept += usize::from(!none);
        coded += usize::from(!row.codes.is_empty());
    }
    assert!(coded >= 52, "{coded} traps have a code");
    let counted = format!(
        "Of {} traps {coded} have a code, {} cannot be written, and {} have neither.",
        rows.len(),
        kept - coded,
        rows.len() - kept
    );
    assert!(page().contains(&counted), "the page should say: {counted}");
}

#[test]
fn every_claimed_code_is_raised() {
    let here = folder_of_traps();
    let mut wrong = Vec::new();
    let mut claimed: BTreeSet<String> = BTreeSet::from(["portcullis.yaml".to_owned()]);
    for row in rows().iter().filter(|r| !r.codes.is_empty()) {
        let mut missing: BTreeSet<&String> = row.codes.iter().collect();
        for target in targets(&here, &row.trap) {
            let ran = portcullis(&here, &["check", &target, "-v", "--color", "never"]);
            let raised: Vec<&String> = row
                .codes
                .iter()
                .filter(|code| ran.err.contains(&format!("[{code}]: ")))
                .collect();
            if raised.is_empty() {
                wrong.push(format!("{target}: none of {:?}\n{}", row.codes, ran.err));
            }
            for code in raised {
                missing.remove(code);
            }
            claimed.insert(target);
        }
        for code in missing {
            wrong.push(format!("{}: no policy of it raises {code}", row.trap));
        }
        let known = |code: &String| CODES.iter().any(|c| c.id == code);
        if !row.codes.iter().all(known) {
            wrong.push(format!("{}: no such code", row.trap));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for entry in fs::read_dir(&here).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(claimed.contains(&name), "tests/traps/{name} is of no row");
    }
}

/// The policies of a trap: files, and projects where it takes more than a policy.
fn targets(here: &Path, trap: &str) -> Vec<String> {
    let mut out: Vec<String> = fs::read_dir(here)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| {
            name.strip_prefix(trap)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        })
        .collect();
    out.sort();
    assert!(!out.is_empty(), "tests/traps/{trap}");
    out
}

#[test]
fn what_cannot_be_written_is_not_emitted() {
    let emitted = emit();
    assert!(emitted.rules.len() > 8 && emitted.security_rules.len() > 8);
    for (_, check) in IMPOSSIBLE {
        check(&emitted);
    }
}

// What each trap would look like.

fn names_and_addresses_stand_apart(e: &Emitted) {
    for rule in &e.rules {
        for name in strings(rule, "destinationFqdns") {
            assert!(name.contains(|c: char| c.is_alphabetic()), "{name}");
        }
        for address in strings(rule, "sourceAddresses") {
            assert!(is_prefix(&address) || address == "*", "{address}");
        }
        for address in strings(rule, "destinationAddresses") {
            let tag = !address.contains(".com");
            assert!(is_prefix(&address) || tag, "{address}");
        }
    }
}

fn tags_make_network_rules(e: &Emitted) {
    let mut seen = false;
    for rule in &e.rules {
        seen |= strings(rule, "destinationAddresses").contains(&"AzureKeyVault".to_owned());
        if rule["ruleType"] == "ApplicationRule" {
            assert!(strings(rule, "destinationAddresses").is_empty(), "{rule}");
        }
    }
    assert!(seen, "the tag is in some network rule");
}

fn no_nsg_tags_at_the_firewall(e: &Emitted) {
    for rule in &e.rules {
        let all = [
            strings(rule, "sourceAddresses"),
            strings(rule, "destinationAddresses"),
        ]
        .concat();
        for tag in ["Internet", "VirtualNetwork", "AzureLoadBalancer"] {
            assert!(!all.contains(&tag.to_owned()), "{rule}");
        }
    }
}

fn application_rules_have_protocols(e: &Emitted) {
    for rule in &e.rules {
        if rule["ruleType"] == "ApplicationRule" {
            assert!(!rule["protocols"].as_array().unwrap().is_empty(), "{rule}");
        }
    }
}

fn one_kind_of_target_a_rule(e: &Emitted) {
    for rule in &e.rules {
        let kinds = ["targetFqdns", "fqdnTags", "targetUrls"]
            .iter()
            .filter(|k| !strings(rule, k).is_empty())
            .count();
        assert!(kinds <= 1, "{rule}");
    }
}

fn collections_have_their_own_numbers(e: &Emitted) {
    let mut of_groups = BTreeSet::new();
    for group in &e.groups {
        assert!(of_groups.insert(group["properties"]["priority"].to_string()));
        let mut own = BTreeSet::new();
        let mut names = BTreeSet::new();
        for collection in list(&group["properties"]["ruleCollections"]) {
            assert!(own.insert(collection["priority"].to_string()));
            assert!(names.insert(collection["name"].to_string()));
        }
    }
    assert!(of_groups.len() > 1);
}

fn one_type_a_collection(e: &Emitted) {
    for group in &e.groups {
        for collection in list(&group["properties"]["ruleCollections"]) {
            let types: BTreeSet<String> = list(&collection["rules"])
                .iter()
                .map(|r| r["ruleType"].to_string())
                .collect();
            assert_eq!(types.len(), 1, "{collection}");
        }
    }
}

fn groups_wait_for_each_other(e: &Emitted) {
    let groups: Vec<&Value> = list(&e.template["resources"])
        .iter()
        .filter(|r| r["type"] == "Microsoft.Network/firewallPolicies/ruleCollectionGroups")
        .collect();
    assert!(groups.len() > 1);
    let waiting = groups
        .iter()
        .filter(|g| g["dependsOn"].to_string().contains("ruleCollectionGroups"))
        .count();
    assert_eq!(waiting, groups.len() - 1, "all but the first wait");
}

fn rules_are_complete(e: &Emitted) {
    for rule in &e.rules {
        let some = |keys: &[&str]| keys.iter().any(|k| !list(&rule[*k]).is_empty());
        assert!(some(&["sourceAddresses", "sourceIpGroups"]), "{rule}");
        assert!(
            some(&[
                "destinationAddresses",
                "destinationIpGroups",
                "destinationFqdns",
                "targetFqdns",
                "fqdnTags",
                "targetUrls",
                "webCategories",
            ]),
            "{rule}"
        );
        assert!(some(&["destinationPorts", "protocols"]), "{rule}");
    }
    for rule in &e.security_rules {
        for operand in ["sourcePort", "destinationPort"] {
            let one = rule["properties"][format!("{operand}Range")].is_string();
            let many = !list(&rule["properties"][format!("{operand}Ranges")]).is_empty();
            assert!(one != many, "{rule}");
        }
    }
}

fn tags_stand_alone(e: &Emitted) {
    for (_, many) in sides(e) {
        for value in &many {
            assert!(is_prefix(value), "{value} among {many:?}");
        }
    }
}

fn all_ports_stand_alone(e: &Emitted) {
    for rule in &e.security_rules {
        for field in ["sourcePortRanges", "destinationPortRanges"] {
            assert!(!strings(&rule["properties"], field).contains(&"*".to_owned()));
        }
    }
}

fn prefixes_do_not_overlap(e: &Emitted) {
    for (_, many) in sides(e) {
        let nets: Vec<ipnet::IpNet> = many.iter().map(|p| net(p)).collect();
        for (at, a) in nets.iter().enumerate() {
            for b in nets.iter().skip(at + 1) {
                assert!(!a.contains(b) && !b.contains(a), "{a} and {b}");
            }
        }
    }
}

fn one_family_a_side(e: &Emitted) {
    let mut families = BTreeSet::new();
    for (_, many) in sides(e) {
        let six: BTreeSet<bool> = many.iter().map(|p| p.contains(':')).collect();
        assert!(six.len() <= 1, "{many:?}");
        families.extend(six);
    }
    for rule in &e.security_rules {
        for field in ["sourceAddressPrefix", "destinationAddressPrefix"] {
            let text = rule["properties"][field].as_str().unwrap_or_default();
            families.insert(text.contains(':'));
        }
    }
    assert_eq!(families.len(), 2, "both families occur");
}

fn security_rules_have_their_own_numbers(e: &Emitted) {
    let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
    for rule in &e.security_rules {
        let key = (
            rule["properties"]["direction"].to_string(),
            rule["properties"]["priority"].to_string(),
        );
        assert!(
            seen.insert(key, rule["name"].to_string()).is_none(),
            "{rule}"
        );
    }
}

fn tags_are_spelt_as_azure_does(e: &Emitted) {
    let nsg = e
        .security_rules
        .iter()
        .any(|r| r["properties"]["destinationAddressPrefix"] == "Storage.WestUS");
    let firewall = e
        .rules
        .iter()
        .any(|r| strings(r, "destinationAddresses").contains(&"Storage.WestUS".to_owned()));
    assert!(nsg && firewall);
}

fn no_lower_case_tag_is_left(e: &Emitted) {
    let text = format!("{:?}{:?}{}", e.rules, e.security_rules, e.template);
    assert!(!text.contains("storage.westus\""));
}

// Helpers.

fn emit() -> Emitted {
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", POLICY)]);
    let ran = portcullis(dir.path(), &["compile", "--emit", "rest,arm"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let out = dir.path().join("out/default");
    let mut emitted = Emitted {
        rules: Vec::new(),
        groups: Vec::new(),
        security_rules: Vec::new(),
        template: Value::Null,
    };
    for path in walk(&out) {
        let value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let shown = path.to_string_lossy().replace('\\', "/");
        if shown.contains("/rcg/") {
            for collection in list(&value["properties"]["ruleCollections"]) {
                emitted
                    .rules
                    .extend(list(&collection["rules"]).iter().cloned());
            }
            emitted.groups.push(value);
        } else if shown.contains("/nsg/") {
            let rules = list(&value["properties"]["securityRules"]);
            emitted.security_rules.extend(rules.iter().cloned());
        } else if shown.contains("/arm/") {
            emitted.template = value;
        }
    }
    emitted
}

/// Every plural address field, with its rule.
fn sides(e: &Emitted) -> Vec<(String, Vec<String>)> {
    let mut out = Vec::new();
    for rule in &e.security_rules {
        for field in ["sourceAddressPrefixes", "destinationAddressPrefixes"] {
            let many = strings(&rule["properties"], field);
            if !many.is_empty() {
                out.push((rule["name"].to_string(), many));
            }
        }
    }
    assert!(!out.is_empty());
    out
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value, field: &str) -> Vec<String> {
    list(&value[field])
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn is_prefix(text: &str) -> bool {
    let first = text.split('-').next().unwrap_or(text);
    first.parse::<ipnet::IpNet>().is_ok() || first.parse::<std::net::IpAddr>().is_ok()
}

fn net(text: &str) -> ipnet::IpNet {
    text.parse()
        .unwrap_or_else(|_| ipnet::IpNet::from(text.parse::<std::net::IpAddr>().unwrap()))
}

fn rows() -> Vec<Row> {
    page()
        .lines()
        .filter(|line| line.starts_with("| T") && !line.starts_with("| Trap"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "{line}");
            let reason = cells[2].to_owned();
            let codes = if reason.starts_with("PC") {
                let codes = reason.split("; ").next().unwrap_or_default();
                codes.split(", ").map(str::to_owned).collect()
            } else {
                Vec::new()
            };
            Row {
                trap: cells[0].to_owned(),
                codes,
                reason,
            }
        })
        .collect()
}

/// The page, unwrapped.
fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/traps.md");
    fs::read_to_string(path).unwrap()
}

fn folder_of_traps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps")
}
