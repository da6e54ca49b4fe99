//! `portcullis plan` as users run it: exit codes, forms, and what it says of bad surroundings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{POLICY, Ran, SETTINGS, folder, portcullis};

fn project() -> tempfile::TempDir {
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", POLICY)]);
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    dir
}

fn edit(folder: &Path) {
    let path = folder.join("a.gate");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("udp/53", "udp/53, tcp/53");
    fs::write(path, text).unwrap();
}

fn plan(folder: &Path, more: &[&str]) -> Ran {
    let mut args = vec!["plan"];
    args.extend(more);
    portcullis(folder, &args)
}

/// The only group, as it was written.
fn group(folder: &Path) -> (std::path::PathBuf, Value) {
    let path = folder.join("out/default/firewall/demo/rcg/pc-30-allow-main.json");
    let value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    (path, value)
}

#[test]
fn exit_codes_say_what_was_asked() {
    let dir = project();
    let ran = plan(dir.path(), &["--exit-code"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "default: nothing to write against out\n")
    );
    edit(dir.path());
    let ran = plan(dir.path(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("about 3 to 5 minutes"), "{}", ran.out);
    assert!(ran.out.contains("+ TCP"), "{}", ran.out);
    assert_eq!(plan(dir.path(), &["--exit-code"]).code, 3);
    // Nothing was written.
    assert!(!group(dir.path()).1.to_string().contains("TCP\",\"UDP"));
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    assert_eq!(plan(dir.path(), &["--exit-code"]).code, 0);
}

#[test]
fn without_output_everything_is_new() {
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", POLICY)]);
    let ran = plan(dir.path(), &["--exit-code"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.out.contains("create firewall demo / pc-30-allow-main"),
        "{}",
        ran.out
    );
    assert!(!dir.path().join("out").exists() && !dir.path().join("portcullis.lock").exists());
}

#[test]
fn the_form_for_programs_has_every_member() {
    let dir = project();
    edit(dir.path());
    let ran = plan(dir.path(), &["--format", "json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["schema"], "urn:portcullis:plan:1");
    let one = &told["environments"][0];
    assert_eq!(one["minutes"], serde_json::json!([3, 5]));
    assert_eq!(one["steps"][0]["resource"]["kind"], "rule_collection_group");
    assert_eq!(one["steps"][0]["tier"], "allow");
    let entry = &one["textual"]["entries"][0];
    assert_eq!(entry["kind"], "changed");
    assert_eq!(entry["flow"], "main::names");
    assert_eq!(entry["fields"][0]["path"], "ipProtocols");
    assert_eq!(entry["fields"][0]["added"], serde_json::json!(["TCP"]));
    assert_eq!(one["bands"][0]["bands"][0]["band"], "allow");
    assert_eq!(plan(dir.path(), &["--format", "json"]).out, ran.out);
}

#[test]
fn another_output_folder_is_a_base() {
    let dir = project();
    let ran = portcullis(dir.path(), &["compile", "--out", "deployed"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    edit(dir.path());
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    assert_eq!(plan(dir.path(), &["--exit-code"]).code, 0);
    let ran = plan(dir.path(), &["--exit-code", "--base", "deployed"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("against deployed"), "{}", ran.out);
    let ran = plan(dir.path(), &["--base", "nowhere"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("there is no folder `nowhere`"),
        "{}",
        ran.err
    );
    fs::create_dir(dir.path().join("empty")).unwrap();
    let ran = plan(dir.path(), &["--base", "empty"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("`empty` holds no output of `default`"),
        "{}",
        ran.err
    );
}

#[test]
fn drift_is_what_somebody_else_did() {
    let dir = project();
    let (_, mut value) = group(dir.path());
    let write = |value: &Value| {
        fs::create_dir_all(dir.path().join("live")).unwrap();
        fs::write(dir.path().join("live/group.json"), value.to_string()).unwrap();
    };
    value["properties"]["provisioningState"] = "Succeeded".into();
    value["etag"] = "W/7".into();
    write(&value);
    let ran = plan(
        dir.path(),
        &["--live", "live", "--fail-on", "drift", "--exit-code"],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("no drift"), "{}", ran.out);
    // What the sources change is to be written, and is no drift.
    edit(dir.path());
    let ran = plan(
        dir.path(),
        &["--live", "live", "--fail-on", "drift", "--exit-code"],
    );
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    value["properties"]["ruleCollections"][0]["rules"]
        .as_array_mut()
        .unwrap()
        .remove(0);
    write(&value);
    let ran = plan(
        dir.path(),
        &["--live", "live", "--fail-on", "drift", "--exit-code"],
    );
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("drift: Azure does not hold"),
        "{}",
        ran.out
    );
}

#[test]
fn fields_can_be_left_out() {
    let dir = project();
    let (path, mut value) = group(dir.path());
    value["properties"]["ruleCollections"][0]["rules"][0]["description"] = "Another".into();
    fs::write(&path, value.to_string()).unwrap();
    assert_eq!(plan(dir.path(), &["--exit-code"]).code, 3);
    let ran = plan(
        dir.path(),
        &["--exit-code", "--ignore-fields", "tags,Description"],
    );
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn bad_surroundings_are_said() {
    let dir = project();
    let ran = plan(dir.path(), &["--fail-on", "drift"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--live"), "{}", ran.err);
    let ran = plan(dir.path(), &["--live", "nowhere"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there is no `nowhere`"), "{}", ran.err);
    fs::create_dir(dir.path().join("live")).unwrap();
    fs::write(dir.path().join("live/a.json"), "{ \"name\": ").unwrap();
    let ran = plan(dir.path(), &["--live", "live"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("is no JSON"), "{}", ran.err);
    fs::write(
        dir.path().join("live/a.json"),
        "{\"name\": \"vm\", \"type\": \"Microsoft.Compute/virtualMachines\"}",
    )
    .unwrap();
    let ran = plan(dir.path(), &["--live", "live"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("`live` holds no security group"),
        "{}",
        ran.err
    );
    // A manifest that cannot be read: rules are known by name, and that is said.
    fs::write(dir.path().join("out/default/manifest.json"), "<<<<<<< ours").unwrap();
    let ran = plan(dir.path(), &["--exit-code"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("known by their names only"), "{}", ran.err);
    // A policy with an error has no plan.
    fs::write(dir.path().join("a.gate"), "allow oops").unwrap();
    let ran = plan(dir.path(), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
}
