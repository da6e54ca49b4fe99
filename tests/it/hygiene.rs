//! Hygiene of flows through the command: what expiry does to a run, whose flows are judged, how the
//! levels may be changed. What each code says is golden elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;

use crate::cli::{Ran, SETTINGS, folder, portcullis};

const POLICY: &str = "\
endpoint servers = 10.1.0.0/16

allow lasting: tcp/443 from servers to 10.2.0.4
allow trial: tcp/8443 from servers to 10.2.0.5 until 2026-06-30
";

fn check(policy: &str, settings: &str, args: &[&str]) -> Ran {
    let text = format!("{SETTINGS}{settings}");
    let dir = folder(&[("portcullis.yaml", &text), ("a.gate", policy)]);
    let fixed = ["check", "--allow", "PC9002", "--color", "never"];
    portcullis(dir.path(), &[&fixed, args].concat())
}

#[test]
fn the_last_day_is_inside() {
    for (day, code, told) in [
        ("2026-01-01", 0, ""),
        ("2026-05-01", 0, "expires in 60 days"),
        ("2026-06-29", 0, "expires tomorrow"),
        ("2026-06-30", 0, "expires today"),
        ("2026-07-01", 1, "error[PC6001]"),
    ] {
        let ran = check(POLICY, "", &["--as-of", day]);
        assert_eq!(ran.code, code, "{day}: {}", ran.err);
        assert!(ran.err.contains(told), "{day}: {}", ran.err);
        assert_eq!(ran.err.is_empty(), told.is_empty(), "{day}: {}", ran.err);
    }
}

#[test]
fn expired_flows_are_refused_told_or_left_out() {
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", POLICY)]);
    let file = dir
        .path()
        .join("out/default/firewall/demo/rcg/pc-30-allow-main.json");
    let compile = |mode: &[&str]| {
        let fixed = ["compile", "--as-of", "2026-07-01", "--allow", "PC9002"];
        let ran = portcullis(dir.path(), &[&fixed, mode].concat());
        (
            ran.code,
            ran.err,
            fs::read_to_string(&file).unwrap_or_default(),
        )
    };
    let (code, err, text) = compile(&[]);
    assert_eq!((code, text.as_str()), (1, ""), "{err}");
    let (code, err, text) = compile(&["--expired", "warn"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("warning[PC6001]") && text.contains("8443"),
        "{err}"
    );
    let (code, err, text) = compile(&["--expired", "drop"]);
    assert_eq!(code, 0, "{err}");
    assert!(!text.contains("8443") && text.contains("\"443\""), "{text}");
    let (code, _, _) = compile(&["--expired", "error"]);
    assert_eq!(code, 1);
}

#[test]
fn the_settings_decide_where_no_flag_does() {
    let settings = "expiry: { on-expired: drop, warn-days: 5 }\nas-of: 2026-07-01\n";
    let ran = check(POLICY, settings, &["-v"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("left out of this run"), "{}", ran.err);
    let ran = check(POLICY, settings, &["--expired", "error"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let ran = check(POLICY, settings, &["--as-of", "2026-06-20"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = check(POLICY, settings, &["--as-of", "none", "-v"]);
    assert!(ran.err.contains("note[PC6011]"), "{}", ran.err);
}

#[test]
fn a_year_is_counted_in_days() {
    let policy = POLICY.replace("2026-06-30", "2027-06-30");
    let settings = "require: { max-days: { allow: 365 } }\n";
    let ran = check(&policy, settings, &["--as-of", "2026-06-30"]);
    let told = |what: &str| ran.err.contains(what);
    assert!(told("`main::lasting` has no end"), "{}", ran.err);
    assert!(!told("`main::trial`"), "{}", ran.err);
    let ran = check(&policy, settings, &["--as-of", "2026-06-29"]);
    assert!(
        ran.err
            .contains("`until` of flow `main::trial` is 366 days away"),
        "{}",
        ran.err
    );
}

#[test]
fn hygiene_may_be_lowered_and_silenced() {
    let policy = "\
endpoint servers = 10.1.0.0/16

deny smb: tcp/445 from servers to 10.2.0.0/16
allow share: tcp/445 from servers to 10.2.0.4 overrides smb
";
    assert_eq!(check(policy, "", &[]).code, 1);
    let ran = check(policy, "lints: { PC6006: warn }\n", &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("warning[PC6006]"), "{}", ran.err);
    let ran = check(policy, "", &["--allow", "PC6006"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let silenced = policy.replace(
        "allow share",
        "// portcullis: allow PC6006 agreed with security in SEC-4\nallow share",
    );
    let ran = check(&silenced, "", &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn an_error_of_hygiene_writes_nothing() {
    let policy = "allow a: tcp/443 from 10.1.0.0/16 to 10.2.0.4 overrides b\n\
                  deny b: tcp/443 from 10.1.0.0/16 to 10.2.0.0/16\n";
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", policy)]);
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(!dir.path().join("out").exists());
}

#[test]
fn what_is_required_is_asked_of_every_flow() {
    let policy = "\
group egress owner \"platform\" {
  allow one: tcp/443 from 10.1.0.0/16 to 10.2.0.4 for \"Reason\"
  allow two: tcp/444 from 10.1.0.0/16 to 10.2.0.4
}

allow three: tcp/445 from 10.1.0.0/16 to 10.2.0.4
";
    let settings = "require: { purpose: all, owner: all, ticket: exceptions }\n";
    let ran = check(policy, settings, &[]);
    assert_eq!(ran.code, 0);
    assert!(!ran.err.contains("`egress::one`"), "{}", ran.err);
    assert!(
        ran.err.contains("`egress::two` has no `for`\n"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("`main::three` has no `for` and `owner`\n"),
        "{}",
        ran.err
    );
    assert_eq!(check(policy, "", &[]).err, "");
}

#[test]
fn shipped_policies_are_free_of_warnings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for below in ["policies", "examples"] {
        for entry in fs::read_dir(root.join(below)).unwrap() {
            let project = entry.unwrap().path();
            if !project.join("portcullis.yaml").is_file() {
                continue;
            }
            let ran = portcullis(
                &project,
                &["check", "--color", "never", "--deny", "warnings"],
            );
            assert_eq!(ran.code, 0, "{}: {}", project.display(), ran.err);
            seen += 1;
        }
    }
    assert!(seen >= 2);
}

#[test]
fn what_a_parameter_makes_redundant_once_is_not_told() {
    let policy = |flow: &str| {
        format!(
            "param jump: cidr\nparam second: region\n{flow}\n\
             env dev {{\n  jump = 10.0.4.128/25\n  second = westeurope\n}}\n\
             env prod {{\n  jump = 10.0.9.0/25\n  second = northeurope\n}}\n"
        )
    };
    let quiet = policy(
        "endpoint hosts = [10.0.4.0/24, jump]\n\
         allow ssh: tcp/2222 from hosts to 10.1.0.4 for \"x\"\n\
         allow blobs: tcp/443 from 10.1.0.4 to [tag(Storage.WestEurope), tag(Storage.${second})] for \"x\"",
    );
    let ran = check(&quiet, "", &[]);
    assert!(!ran.err.contains("PC6018"), "{}", ran.err);
    let told = policy(
        "endpoint hosts = [10.0.4.0/24, 10.0.4.128/25, jump]\n\
         allow ssh: tcp/2222 from hosts to 10.1.0.4 for \"x\"\n\
         allow blobs: tcp/443 from 10.1.0.4 to tag(Storage.${second}) for \"x\"",
    );
    let ran = check(&told, "", &[]);
    assert_eq!(ran.err.matches("PC6018").count(), 1, "{}", ran.err);
}

#[test]
fn azures_own_rules_let_through_what_a_service_requires() {
    let network = "vnet net = 10.0.0.0/16\nsubnet gw = 10.0.1.0/24 {\n  vnet = net\n  nsg = n\n  runs = aks\n}\n";
    let ran = check(&format!("{network}nsg n {{}}\n"), "", &[]);
    let told = |ran: &Ran, flow: &str| ran.err.contains("PC4024") && ran.err.contains(flow);
    assert!(!told(&ran, "cluster::nodes"), "{}", ran.err);
    let deny = "nsg n {\n  default-inbound = deny\n  default-outbound = deny\n}\n";
    let ran = check(&format!("{network}{deny}"), "", &[]);
    assert!(told(&ran, "cluster::nodes"), "{}", ran.err);
}
