//! The command `lint`, and findings that several environments have to agree on. What is found is judged
//! elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;

use portcullis::diag::CODES;
use serde_json::Value;

use crate::cli::{SETTINGS, folder, portcullis};

const LIST: &str = "\
firewall azfw {
  policy = \"afwp\"
}

ordered group acl {
  allow north: tcp/502 from 10.20.0.0/17 to 10.30.4.0/24 for \"North\"
  deny south: tcp/500-510 from 10.20.128.0/17 to 10.30.0.0/16 for \"South\"
  deny other: tcp/510 from 10.21.0.0/16 to 10.30.4.0/24 for \"Other\"
  allow plants: tcp/502 from 10.20.0.0/16 to 10.30.4.0/24 for \"Plants\"
  allow again: tcp/502 from 10.20.0.0/17 to 10.30.4.0/24 for \"Again\"
}
";

#[test]
fn dead_rules_are_rows_with_their_flows() {
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("main.gate", LIST)]);
    let ran = portcullis(
        dir.path(),
        &["lint", "--format", "json", "--warn", "PC5001"],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let rows: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let dead: Vec<String> = rows
        .iter()
        .filter(|row| row["kind"] == "dead")
        .map(|row| format!("{} {} {}", row["flow"], row["by"], row["how"]))
        .collect();
    assert_eq!(
        dead,
        [
            r#""acl::again" ["acl::north"] "duplicate""#,
            r#""acl::plants" ["acl::north","acl::south"] "several""#,
        ]
    );
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(files.len(), 2, "nothing is written: {files:?}");
    // An error of a flow is one of the run, and the rules are judged all the same.
    let ran = portcullis(dir.path(), &["lint"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("all of it by acl::north, acl::south"));
}

#[test]
fn codes_are_listed_and_explained() {
    let dir = folder(&[("main.gate", LIST)]);
    let ran = portcullis(dir.path(), &["lint", "--list"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, CODES.len()));
    assert!(ran.out.contains("PC5003  warning  redundant\n"));
    let page = portcullis(dir.path(), &["lint", "--explain", "PC5003"]);
    assert_eq!(page.out, portcullis(dir.path(), &["explain", "PC5003"]).out);
    let none = portcullis(dir.path(), &["lint", "--explain", "PC5099"]);
    assert_eq!(none.code, 2);
}

#[test]
fn what_one_environment_needs_is_not_redundant() {
    let policy = |dev: &str, prod: &str| {
        format!(
            "param wide: cidr\n\n\
             env dev {{\n  wide = {dev}\n}}\n\nenv prod {{\n  wide = {prod}\n}}\n\n\
             allow all: tcp/443 from wide to 10.2.0.0/16 for \"All\"\n\
             allow shop: tcp/443 from 10.1.4.0/24 to 10.2.0.0/24 for \"Shop\"\n"
        )
    };
    let told = |dev: &str, prod: &str, args: &[&str]| {
        let text = policy(dev, prod);
        let dir = folder(&[("portcullis.yaml", SETTINGS), ("main.gate", &text)]);
        let ran = portcullis(dir.path(), &[&["check"], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.err.matches("[PC5003]").count()
    };
    assert_eq!(told("10.1.0.0/16", "10.9.0.0/16", &[]), 0);
    assert_eq!(told("10.1.0.0/16", "10.1.0.0/16", &[]), 1);
    assert_eq!(told("10.1.0.0/16", "10.9.0.0/16", &["-e", "dev"]), 1);
}
