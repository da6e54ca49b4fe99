//! Settings files through the command.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;

use portcullis::config;
use portcullis::diag::CODES;
use portcullis::diag::levels::may_be_lowered;
use portcullis::source::SourceMap;

use crate::cli::{POLICY, SETTINGS, command, folder, portcullis, run};

#[test]
fn every_fault_in_one_run_with_its_place() {
    let settings =
        "versoin: 1\ncloud: publik\nlints: { PC1001: allow }\nbands: { nsg: { deny: 5-2 } }\n";
    let dir = folder(&[("p/portcullis.yaml", settings), ("p/a.gate", POLICY)]);
    let ran = portcullis(dir.path(), &["compile", "p"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    for place in ["1:1", "2:8", "3:18", "4:23"] {
        let arrow = format!("--> p/portcullis.yaml:{place}\n");
        assert!(ran.err.contains(&arrow), "{place}: {}", ran.err);
    }
    assert_eq!(ran.err.matches("error[PC9001]").count(), 4, "{}", ran.err);
    assert!(ran.err.ends_with("error: 4 errors\n"), "{}", ran.err);
    assert!(!dir.path().join("p/out").exists());
}

#[test]
fn garbage_is_refused_at_once() {
    for text in [
        "{".repeat(100_000),
        "x".repeat(50_000_000),
        "\u{0}\u{1}".to_owned(),
    ] {
        let dir = folder(&[("a.gate", POLICY)]);
        fs::write(dir.path().join("portcullis.yaml"), text).unwrap();
        let ran = portcullis(dir.path(), &["check"]);
        assert_eq!(ran.code, 2);
        assert!(ran.err.len() < 2000, "{} bytes", ran.err.len());
    }
}

#[test]
fn lints_of_the_settings() {
    let policy = format!("endpoint spare = 10.2.0.0/16\n{POLICY}");
    let dir = folder(&[("a.gate", policy.as_str())]);
    let with = |line: &str| {
        fs::write(
            dir.path().join("portcullis.yaml"),
            format!("{SETTINGS}{line}"),
        )
        .unwrap();
        portcullis(dir.path(), &["check"])
    };
    assert_eq!(with("").code, 0);
    assert_eq!(with("lints: { PC1011: error }\n").code, 1);
    let ran = with("lints: { PC1011: allow }\n");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn the_schema_knows_every_code_and_its_levels() {
    let schema: serde_json::Value = serde_json::from_str(config::SCHEMA).unwrap();
    let lints = &schema["properties"]["lints"];
    assert_eq!(lints["additionalProperties"], false);
    let listed = lints["properties"].as_object().unwrap();
    assert_eq!(listed.len(), CODES.len(), "one entry a code");
    for info in CODES {
        let levels = if may_be_lowered(info.code) {
            "#/$defs/level"
        } else {
            "#/$defs/error-only"
        };
        assert_eq!(listed[info.id]["$ref"], levels, "{}", info.id);
    }
    assert_eq!(schema["$defs"]["error-only"]["const"], "error");
}

#[test]
fn flag_then_variable_then_file() {
    let dir = folder(&[
        ("portcullis.yaml", &format!("{SETTINGS}out: of/file\n")),
        ("other.yaml", &format!("{SETTINGS}out: of/other\n")),
        ("a.gate", POLICY),
    ]);
    let out = |args: &[&str], set: &[(&str, &str)]| {
        let mut command = command(dir.path(), &[&["compile"], args].concat());
        command.envs(set.iter().copied());
        let ran = run(&mut command);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out.trim().rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(out(&[], &[]), "of/file");
    assert_eq!(out(&[], &[("PORTCULLIS_CONFIG", "other.yaml")]), "of/other");
    assert_eq!(out(&[], &[("PORTCULLIS_OUT", "var")]), "var");
    // Pipelines set variables to nothing for values that were not given.
    let nothing = [
        ("PORTCULLIS_OUT", ""),
        ("PORTCULLIS_CONFIG", ""),
        ("PORTCULLIS_ENV", ""),
        ("PORTCULLIS_AS_OF", ""),
        ("PORTCULLIS_FORMAT", ""),
        ("PORTCULLIS_COLOR", ""),
    ];
    assert_eq!(out(&[], &nothing), "of/file");
    assert_eq!(
        out(&["--out", "flag"], &[("PORTCULLIS_OUT", "var")]),
        "flag"
    );
}

#[test]
fn sources_of_the_settings() {
    let dir = folder(&[
        (
            "portcullis.yaml",
            &format!("{SETTINGS}sources: [in/a.gate]\n"),
        ),
        ("in/a.gate", POLICY),
        ("ignored.gate", "nonsense"),
    ]);
    let ran = portcullis(dir.path(), &["check", "-v"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("read: in/a.gate\n"));
    assert!(!ran.err.contains("ignored"));
}

#[test]
fn the_settings_of_the_examples_are_read() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for entry in fs::read_dir(policies).unwrap() {
        let file = entry.unwrap().path().join("portcullis.yaml");
        if let Ok(text) = fs::read_to_string(&file) {
            let mut sources = SourceMap::default();
            let id = sources.add("portcullis.yaml", text);
            let (_, faults) = config::parse(&sources, id);
            assert!(faults.is_empty(), "{}: {faults:?}", file.display());
        }
    }
}
