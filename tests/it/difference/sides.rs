//! Sides that are wrong, and sides with other catalogues, settings and locks. Revisions are in
//! repositories.rs.

use std::fs;

use super::{diff, folder, json, policy, repository, write};
use crate::cli::{SETTINGS, command, run};

const CATALOG: &str = "portcullis-catalog 1
cloud public
change 1
date 2026-10-05
origin a test
tags 1

Storage.WestEurope|API+NSG+UDR+FW|westeurope|AzureStorage|1
 20.60.0.0/24 20.60.2.0/24
";

#[test]
fn the_errors_of_both_sides_are_shown() {
    let good = policy("tcp/443", "10.9.0.0/24");
    let bad = policy("tcp/443", "elsewhere");
    let worse =
        "allow x: tcp/443 from nowhere to 10.9.0.0/24\nallow y: tcp/99999 from any to any\n";
    let dir = folder(&[
        ("good.gate", &good),
        ("bad.gate", &bad),
        ("worse.gate", worse),
    ]);
    let ran = |words: &[&str]| {
        let more = ["-o", "out.json", "--also", "sarif=out.sarif"];
        let ran = diff(dir.path(), &[words, &more].concat());
        assert_eq!(ran.code, 1, "{words:?}: {}{}", ran.out, ran.err);
        for name in ["out.json", "out.sarif"] {
            assert!(!dir.path().join(name).exists(), "{words:?}: {name}");
        }
        ran.out + &ran.err
    };
    let told = ran(&["bad.gate", "good.gate"]);
    assert!(told.contains("bad.gate:3"), "{told}");
    assert!(!told.contains("good.gate:"), "{told}");
    let told = ran(&["good.gate", "worse.gate"]);
    assert!(
        told.contains("worse.gate:1") && told.contains("worse.gate:2"),
        "{told}"
    );
    let told = ran(&["bad.gate", "worse.gate"]);
    for place in ["bad.gate:3", "worse.gate:1", "worse.gate:2"] {
        assert!(told.contains(place), "{place}: {told}");
    }
}

#[test]
fn errors_of_a_revision_say_so() {
    let dir = repository("");
    write(dir.path(), "a.gate", &policy("tcp/443", "elsewhere"));
    super::commit(dir.path(), "bad");
    write(dir.path(), "a.gate", &policy("tcp/99999", "10.9.0.0/24"));
    let ran = diff(dir.path(), &["HEAD"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let told = ran.out + &ran.err;
    assert!(told.contains("HEAD:a.gate:3"), "{told}");
    assert!(told.contains(" a.gate:3"), "{told}");
    // Settings that are wrong on one side, and sources on the other.
    write(dir.path(), "portcullis.yaml", "version: 1\nprojekt: demo\n");
    let ran = diff(dir.path(), &["HEAD"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let told = ran.out + &ran.err;
    assert!(told.contains("HEAD:a.gate:3"), "{told}");
    assert!(told.contains("portcullis.yaml:2"), "{told}");
}

#[test]
fn a_side_that_is_not_there() {
    let dir = folder(&[("a.gate", &policy("tcp/443", "10.9.0.0/24"))]);
    for words in [["a.gate", "b.gate"], ["b.gate", "a.gate"]] {
        let ran = diff(dir.path(), &words);
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(ran.err.contains("there is no `b.gate`"), "{}", ran.err);
    }
    let ran = diff(dir.path(), &["a.gate", "a.gate", "-e", "prod"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    let words = "neither side has an environment `prod`";
    assert!(ran.err.contains(words), "{}", ran.err);
}

#[test]
fn two_catalogues_are_told_apart_and_one_that_is_broken_is_told() {
    let text = "endpoint workloads = 10.1.0.0/16\n\nallow blobs: tcp/443 from workloads to tag(Storage.WestEurope)\n";
    let settings = format!("{SETTINGS}catalog: {{ file: tags.txt }}\n");
    let newer = CATALOG
        .replace("change 1", "change 2")
        .replace("20.60.2.0/24", "20.60.7.0/24");
    let dir = folder(&[
        ("old/portcullis.yaml", &settings),
        ("old/a.gate", text),
        ("old/tags.txt", CATALOG),
        ("new/portcullis.yaml", &settings),
        ("new/a.gate", text),
        ("new/tags.txt", &newer),
    ]);
    let all = json(dir.path(), &["old", "new"]);
    assert_eq!(all["summary"]["regions"]["by_data"], 2);
    assert_eq!(all["old"]["catalog"], "public 1 (2026-10-05)");
    assert_eq!(all["new"]["catalog"], "public 2 (2026-10-05)");
    let notes = all["notes"].as_array().unwrap();
    assert!(
        notes
            .iter()
            .any(|n| n.as_str().unwrap().contains("is told apart")),
        "{notes:?}"
    );
    // The old policy asks for a tag that the new data lack.
    let other = newer.replace("Storage.WestEurope|", "Storage.NorthEurope|");
    write(dir.path(), "new/tags.txt", &other);
    let moved = text.replace("WestEurope", "NorthEurope");
    write(dir.path(), "new/a.gate", &moved);
    let all = json(dir.path(), &["old", "new"]);
    assert_eq!(all["summary"]["regions"]["by_data"], 0);
    assert_eq!(all["summary"]["verdict"], "mixed");
    let notes = all["notes"].as_array().unwrap();
    assert!(
        notes
            .iter()
            .any(|n| n.as_str().unwrap().contains("is not told apart")),
        "{notes:?}"
    );
    write(
        dir.path(),
        "new/tags.txt",
        "portcullis-catalog 1\ncloud moon\n",
    );
    let ran = diff(dir.path(), &["old", "new"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("tags.txt"), "{}", ran.err);
    assert!(fs::read_dir(dir.path()).unwrap().count() == 2);
}

#[test]
fn an_environment_of_one_side_only() {
    let one = "endpoint workloads = 10.1.0.0/16\nenv prod {\n}\nallow web: tcp/443 from workloads to 10.9.0.0/24\n";
    let two = one.replace("env prod {\n}", "env prod {\n}\nenv dev {\n}");
    let dir = folder(&[("one.gate", one), ("two.gate", &two)]);
    let all = json(dir.path(), &["one.gate", "two.gate"]);
    let environments = &all["summary"]["environments"];
    assert_eq!(environments["dev"]["only"], "added");
    assert!(environments["prod"].get("only").is_none(), "{environments}");
    let all = json(dir.path(), &["two.gate", "one.gate"]);
    assert_eq!(all["summary"]["environments"]["dev"]["only"], "removed");
    let all = json(dir.path(), &["one.gate", "two.gate", "-e", "dev"]);
    assert_eq!(all["summary"]["environments"]["dev"]["only"], "added");
    assert_eq!(all["summary"]["verdict"], "widened");
    assert_eq!(all["semantic"][0]["causes"][0]["edit"], "added");
    assert_eq!(all["notes"][0], "environment `dev` is new");
    let all = json(dir.path(), &["two.gate", "one.gate", "-e", "prod"]);
    assert_eq!(all["summary"]["verdict"], "same");
}

#[test]
fn whole_and_sliced_are_the_same_bytes_and_so_are_two_runs() {
    let cases = crate::oracle::load::entries(&crate::oracle::load::root().join("tests/cases/diff"));
    for case in cases.unwrap() {
        let words: &[&str] = if case.join("old.gate").is_file() {
            &["old.gate", "new.gate"]
        } else {
            &["old", "new"]
        };
        let words = [words, &["--format", "json", "--as-of", "2026-11-30"]].concat();
        let once = diff(&case, &words).out;
        assert!(!once.is_empty());
        assert_eq!(once, diff(&case, &words).out, "{}", case.display());
        let whole = diff(&case, &[&words[..], &["--whole"]].concat()).out;
        assert_eq!(once, whole, "{}", case.display());
    }
}

/// An output folder whose manifest is damaged is compared all the same, and that is said.
#[test]
fn a_manifest_that_cannot_be_read_is_said() {
    let dir = folder(&[
        ("portcullis.yaml", SETTINGS),
        ("a.gate", &policy("tcp/443", "10.9.0.0/24")),
    ]);
    let made = run(&mut command(dir.path(), &["compile", "--quiet"]));
    assert_eq!(made.code, 0, "{}", made.err);
    let manifest = "out/default/manifest.json";
    assert!(dir.path().join(manifest).exists());
    write(dir.path(), manifest, "{ \"tool\": ");
    let ran = diff(dir.path(), &["out", "."]);
    assert!(
        ran.out.contains("manifest.json` cannot be read") || ran.err.contains("manifest.json"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn what_expired_on_the_old_side_is_in_force_there() {
    let old = format!(
        "{}allow ftp: tcp/21 from workloads to 10.9.1.0/24 until 2026-12-31 for \"FTP\"\n",
        policy("tcp/443", "10.9.0.0/24")
    );
    let new = policy("tcp/443", "10.9.0.0/24");
    let dir = folder(&[("old.gate", &old), ("new.gate", &new)]);
    let day = ["--as-of", "2027-01-02"];
    let all = json(dir.path(), &[&["old.gate", "new.gate"], &day[..]].concat());
    assert_eq!(all["summary"]["verdict"], "narrowed");
    assert_eq!(all["semantic"][0]["causes"][0]["edit"], "removed");
    let ran = diff(dir.path(), &[&["new.gate", "old.gate"], &day[..]].concat());
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("PC6001"), "{}", ran.err);
}

#[test]
fn with_the_exit_codes_of_terraform_an_error_is_1() {
    let dir = folder(&[("old.gate", &policy("tcp/443", "10.9.0.0/24"))]);
    let words = ["old.gate", "nowhere.gate"];
    assert_eq!(diff(dir.path(), &words).code, 2);
    let detailed = [&words[..], &["--detailed-exitcode"]].concat();
    assert_eq!(diff(dir.path(), &detailed).code, 1);
}

/// Two exports of one policy, of which the second has one rule more.
fn exports(rule: &str) -> tempfile::TempDir {
    let own = |rules: &str| {
        format!(
            r#"[{{"name": "pol", "type": "Microsoft.Network/firewallPolicies", "properties": {{}}}},
            {{"name": "pol/in", "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
              "properties": {{"priority": 100, "ruleCollections": [{{"name": "publish", "priority": 100,
                "ruleCollectionType": "FirewallPolicyNatRuleCollection",
                "action": {{"type": "DNAT"}}, "rules": [{rules}]}}]}}}}]"#
        )
    };
    let one = r#"{"ruleType": "NatRule", "name": "web", "ipProtocols": ["TCP"], "sourceAddresses": ["20.9.9.0/24"],
        "destinationAddresses": ["20.1.1.1"], "destinationPorts": ["443"],
        "translatedAddress": "10.1.0.4", "translatedPort": "443"}"#;
    folder(&[
        ("old.json", &own(one)),
        ("new.json", &own(&format!("{one}, {rule}"))),
    ])
}

#[test]
fn translations_of_exports_are_compared() {
    let dir = exports(
        r#"{"ruleType": "NatRule", "name": "files", "ipProtocols": ["TCP"], "sourceAddresses": ["192.0.2.0/24"],
        "destinationAddresses": ["20.1.1.2"], "destinationPorts": ["22"],
        "translatedAddress": "10.1.0.5", "translatedPort": "22"}"#,
    );
    let all = json(dir.path(), &["old.json", "new.json"]);
    assert_eq!(all["summary"]["verdict"], "widened");
    let regions = all["semantic"].as_array().unwrap();
    assert_eq!(regions.len(), 1, "{regions:?}");
    assert_eq!(
        regions[0]["traffic"]["source"]["prefixes"][0],
        "192.0.2.0/24"
    );
    assert_eq!(
        regions[0]["traffic"]["destination"]["prefixes"][0],
        "20.1.1.2"
    );
    // There is no source to ask.
    assert!(regions[0]["witness"]["explain"].is_null(), "{}", regions[0]);
    let back = json(dir.path(), &["new.json", "old.json"]);
    assert_eq!(back["summary"]["verdict"], "narrowed");
    // Environments of output folders are chosen by their names.
    let out = crate::oracle::load::root().join("policies/apim");
    let named = json(&out, &["out", "out", "-e", "dev"]);
    assert_eq!(named["summary"]["verdict"], "same", "{named}");
    assert_eq!(diff(&out, &["out", "out", "-e", "nowhere"]).code, 2);
}

#[test]
fn a_subnet_that_comes_opens_nothing_by_itself() {
    let old = "vnet own = 10.1.0.0/16\nfirewall fw {\n  vnet = own\n  subnet = 10.1.255.0/26\n  private-ip = 10.1.255.4\n}\n";
    let new = format!(
        "{old}nsg shut {{\n  default-inbound = deny\n  default-outbound = deny\n}}\nsubnet jump = 10.1.7.0/24 {{\n  vnet = own\n  nsg = shut\n}}\n"
    );
    let dir = folder(&[
        ("old/portcullis.yaml", SETTINGS),
        ("old/a.gate", old),
        ("new/portcullis.yaml", SETTINGS),
        ("new/a.gate", &new),
    ]);
    let all = json(dir.path(), &["old", "new"]);
    assert_eq!(all["summary"]["regions"]["newly_allowed"], 0, "{all}");
    let all = json(dir.path(), &["new", "old"]);
    assert_eq!(all["summary"]["regions"]["no_longer_allowed"], 0, "{all}");
}
