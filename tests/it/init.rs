//! `init` and the schema of the settings: what is scaffolded compiles, and the schema says what the
//! reader takes, both ways.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portcullis::config;
use portcullis::source::SourceMap;
use serde_json::Value;

use crate::cli::{folder, portcullis};

#[test]
fn what_is_scaffolded_compiles_without_a_warning() {
    for (template, policy) in [
        ("apim", "apim.gate"),
        ("hub", "hub.gate"),
        ("baseline", "baseline.gate"),
    ] {
        let dir = folder(&[]);
        let ran = portcullis(dir.path(), &["init", "--template", template, "net"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{template}");
        assert!(
            ran.out.contains(&format!("wrote net/{policy}\n")),
            "{}",
            ran.out
        );
        let net = dir.path().join("net");
        for day in ["none", "today"] {
            let args = ["compile", "--as-of", day, "--allow", "PC9002"];
            let ran = portcullis(&net, &args);
            assert_eq!(ran.code, 0, "{template}: {}", ran.err);
            assert!(!ran.err.contains("warning["), "{template}: {}", ran.err);
        }
        assert!(net.join("out").is_dir());
        let ran = portcullis(&net, &["fmt", "--check"]);
        assert_eq!(ran.code, 0, "{template}: {}{}", ran.out, ran.err);
        let attributes = fs::read_to_string(net.join(".gitattributes")).unwrap();
        assert!(attributes.contains("\nportcullis.lock merge=union\n"));
    }
}

#[test]
fn nothing_is_written_over() {
    let dir = folder(&[("hub.gate", "// mine\n")]);
    let ran = portcullis(dir.path(), &["init"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(
        ran.err,
        "error: `hub.gate` is there already; nothing was written (--force writes over it)\n"
    );
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(files.len(), 1);
    assert_eq!(
        fs::read_to_string(dir.path().join("hub.gate")).unwrap(),
        "// mine\n"
    );
    let ran = portcullis(dir.path(), &["init", "hub.gate"]);
    assert_eq!(ran.code, 2);
    fs::write(dir.path().join("portcullis.yaml"), "").unwrap();
    let ran = portcullis(dir.path(), &["init"]);
    assert!(ran.err.contains("` are there already; "), "{}", ran.err);
    let ran = portcullis(dir.path(), &["init", "--force"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        fs::read_to_string(dir.path().join("hub.gate"))
            .unwrap()
            .starts_with("// hub.gate: ")
    );
}

#[test]
fn pipelines_are_written_at_the_root_of_the_repository() {
    let example = |name: &str| {
        fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("examples/ci")
                .join(name),
        )
        .unwrap()
    };
    // A new project at the root: the pipelines are the examples.
    let dir = folder(&[(".git/HEAD", "")]);
    let ran = portcullis(dir.path(), &["init", "--ci", "github,azure"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.ends_with("\
wrote .github/workflows/portcullis.yml
wrote .azure-pipelines/portcullis.yml
next: change the addresses, then `portcullis compile`
next: say in .github/workflows/portcullis.yml where Portcullis is kept: PORTCULLIS_REPOSITORY and PORTCULLIS_COMMIT
next: say in .azure-pipelines/portcullis.yml where Portcullis is kept: PORTCULLIS_GIT and PORTCULLIS_COMMIT
"), "{}", ran.out);
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(
        read(".github/workflows/portcullis.yml"),
        example("github.yml")
    );
    assert_eq!(
        read(".azure-pipelines/portcullis.yml"),
        example("azure-pipelines.yml")
    );
    assert!(dir.path().join("hub.gate").is_file());

    // A project that is there, below the root: only the pipeline, which names its folder.
    let dir = folder(&[
        (".git/HEAD", ""),
        ("it's/hub/portcullis.yaml", "version: 1\n"),
    ]);
    let ran = portcullis(
        &dir.path().join("it's"),
        &["init", "hub", "--ci", "github", "--ci", "azure"],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out
            .starts_with("wrote ../.github/workflows/portcullis.yml\n"),
        "{}",
        ran.out
    );
    assert!(!dir.path().join("it's/hub/hub.gate").exists());
    for (name, pointer) in [
        (".github/workflows/portcullis.yml", "/env/POLICY"),
        (".azure-pipelines/portcullis.yml", "/variables/2/value"),
    ] {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        let value: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(value.pointer(pointer).unwrap(), "it's/hub", "{name}");
    }
    // Again: nothing is written, not even the one that is not there.
    fs::remove_file(dir.path().join(".azure-pipelines/portcullis.yml")).unwrap();
    let again = ["init", "hub", "--ci", "github,azure"];
    let ran = portcullis(&dir.path().join("it's"), &again);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(
        ran.err,
        "error: `../.github/workflows/portcullis.yml` is there already; nothing was written (--force writes over it)\n"
    );
    assert!(!dir.path().join(".azure-pipelines/portcullis.yml").exists());
    let ran = portcullis(dir.path(), &["init", "--ci", "gitlab"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("[possible values: github, azure]"),
        "{}",
        ran.err
    );
}

#[test]
fn the_schema_is_printed_as_published() {
    let dir = folder(&[]);
    let ran = portcullis(dir.path(), &["config", "schema"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, config::SCHEMA);
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/portcullis.schema.json");
    assert_eq!(fs::read_to_string(published).unwrap(), ran.out);
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema = schema();
    let mut maps = 0;
    // Where a map is, in YAML with a hole, and in the schema.
    for (frame, pointer) in [
        ("{}", ""),
        ("{ deploy: {} }", "/$defs/deploy"),
        (
            "{ environments: { prod: {} } }",
            "/properties/environments/additionalProperties",
        ),
        (
            "{ environments: { prod: { deploy: {} } } }",
            "/$defs/deploy",
        ),
        ("{ catalog: {} }", "/properties/catalog"),
        ("{ naming: {} }", "/properties/naming"),
        ("{ layout: {} }", "/properties/layout"),
        ("{ bands: {} }", "/properties/bands"),
        ("{ bands: { nsg: {} } }", "/properties/bands/properties/nsg"),
        ("{ bands: { rcg: {} } }", "/properties/bands/properties/rcg"),
        (
            "{ bands: { stride: {} } }",
            "/properties/bands/properties/stride",
        ),
        ("{ require: {} }", "/properties/require"),
        (
            "{ require: { max-days: {} } }",
            "/properties/require/properties/max-days",
        ),
        ("{ risk: {} }", "/properties/risk"),
        (
            "{ risk: { points: {} } }",
            "/properties/risk/properties/points",
        ),
        ("{ diff: {} }", "/properties/diff"),
        ("{ expiry: {} }", "/properties/expiry"),
    ] {
        let node = schema.pointer(pointer).unwrap();
        let of_schema: BTreeSet<String> = node["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(
            node["additionalProperties"],
            Value::Bool(false),
            "{pointer}"
        );
        // A key that resembles none is answered with the list of those that are known.
        let text = frame.replacen("{}", "{ zqxwvkjjq: 1 }", 1);
        let help = faults(&text)
            .into_iter()
            .find_map(|(message, help)| message.contains("zqxwvkjjq").then_some(help))
            .unwrap_or_else(|| panic!("{text} has no fault"));
        let of_reader: BTreeSet<String> = help
            .strip_prefix("known here: ")
            .unwrap_or_else(|| panic!("{help}"))
            .split(", ")
            .map(str::to_owned)
            .collect();
        assert_eq!(of_schema, of_reader, "{frame}");
        maps += 1;
    }
    // Every closed map of the schema was looked at, but for `lints`, whose keys are the codes; one is
    // shared by two places.
    let closed = config::SCHEMA
        .matches("\"additionalProperties\": false")
        .count();
    assert_eq!(maps - 1, closed - 1);
}

#[test]
fn schema_and_reader_know_the_same_words() {
    let schema = schema();
    for (key, pointer, frame) in [
        ("cloud", "/properties/cloud", "{ cloud: W }"),
        ("emit", "/properties/emit/items", "{ emit: [W] }"),
        (
            "rcg",
            "/properties/layout/properties/rcg",
            "{ layout: { rcg: W } }",
        ),
        (
            "nsg-rules",
            "/properties/layout/properties/nsg-rules",
            "{ layout: { nsg-rules: W } }",
        ),
        ("PC6003", "/$defs/level", "{ lints: { PC6003: W } }"),
        ("owner", "/$defs/required-of", "{ require: { owner: W } }"),
        (
            "fail",
            "/properties/risk/properties/fail",
            "{ risk: { fail: W } }",
        ),
        (
            "comment",
            "/properties/diff/properties/comment",
            "{ diff: { comment: W } }",
        ),
        (
            "on-expired",
            "/properties/expiry/properties/on-expired",
            "{ expiry: { on-expired: W } }",
        ),
    ] {
        let words: BTreeSet<String> = schema.pointer(pointer).unwrap()["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap().to_owned())
            .collect();
        let help = faults(&frame.replace('W', "zqxwvkjjq")).remove(0).1;
        let of_reader: BTreeSet<String> = help
            .strip_prefix("write one of ")
            .unwrap_or_else(|| panic!("{help}"))
            .split(", ")
            .map(|w| w.trim_matches('`').to_owned())
            .collect();
        assert_eq!(words, of_reader, "{key}");
    }
}

#[test]
fn schema_and_reader_agree_on_settings() {
    let schema = schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<(String, bool)> = Vec::new();
    for below in ["policies", "examples"] {
        for entry in fs::read_dir(root.join(below)).unwrap() {
            let file = entry.unwrap().path().join("portcullis.yaml");
            if let Ok(text) = fs::read_to_string(file) {
                texts.push((text, true));
            }
        }
    }
    assert!(texts.len() >= 2);
    texts.push((EVERYTHING.to_owned(), true));
    for bad in [
        "version: 2",
        "version: \"1\"",
        "versoin: 1",
        "project: \"\"",
        "sources: a.gate",
        "sources: [1]",
        "out: /abs",
        "cloud: azure",
        "as-of: today",
        "emit: []",
        "emit: [bicep]",
        "api-version: latest",
        "deploy: { subscription: mine }",
        "deploy: { group: x }",
        "environments: [dev]",
        "catalog: { max-age-days: 0 }",
        "layout: { rcg: all }",
        "bands: { nsg: { allow: 100 } }",
        "bands: { nsg: { all: 100-200 } }",
        "lints: { PC6003: off }",
        "require: { owner: yes }",
        "require: { max-days: { exception: 0 } }",
        "admin-ports: [0]",
        "admin-ports: 22",
        "risk: { weights: { dev: 101 } }",
        "diff: { max-bytes: 10 }",
        "expiry: { warn-days: -1 }",
        "associate: maybe",
    ] {
        texts.push((bad.to_owned(), false));
    }
    for (text, good) in texts {
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let refused = validate(&schema, &schema, &value);
        assert_eq!(refused.is_none(), good, "{text}: schema: {refused:?}");
        let told = faults(&text);
        assert_eq!(told.is_empty(), good, "{text}: reader: {told:?}");
    }
}

/// Every key once.
const EVERYTHING: &str = "\
version: 1
project: hub
sources: [hub.gate, lib/apim.gate]
out: out
cloud: usgov
as-of: \"2026-11-23\"
emit: [rest, arm]
api-version: { default: \"2024-10-01\", Microsoft.Network/routeTables: \"2025-05-01\" }
deploy: { subscription: 00000000-0000-0000-0000-000000000000, resource-group: rg, location: westeurope }
environments:
  dev: { deploy: { resource-group: rg-dev } }
  prod:
catalog: { file: catalog/public.txt, max-age-days: 30 }
lock: portcullis.lock
naming: { rule: \"{group}-{label}\", rcg: \"pc-{tier}-{action}-{instance}-{group}\" }
layout: { rcg: merged, nsg-rules: inline }
bands:
  nsg: { reserved: 100-199, forbid: 200-699, exception: 700-1199, deny: 1200-1999, ordered: 2000-2499, allow: 2500-3799, guard: 3800-3899, envelope: 3900-3999, default: 4000-4096 }
  rcg: { reserved: 100-999, forbid: 1000-4999, exception: 5000-9999, deny: 10000-19999, ordered: 20000-24999, allow: 25000-59999 }
  stride: { nsg: 10, rcg: 100 }
lints: { PC6003: error, PC6005: allow }
require: { purpose: all, owner: exceptions, ticket: none, max-days: { exception: 365, allow: 3650, deny: 1, forbid: 2 } }
admin-ports: [22, 3389, 5985-5986]
risk: { fail: high, weights: { dev: 0.5, prod: 1 } }
diff: { max-bytes: 65000, comment: update }
expiry: { warn-days: 0, on-expired: drop }
associate: false
";

/// Faults of the reader: message and help.
fn faults(text: &str) -> Vec<(String, String)> {
    let mut sources = SourceMap::default();
    let id = sources.add("portcullis.yaml", text);
    config::parse(&sources, id)
        .1
        .into_iter()
        .map(|d| (d.message, d.help.unwrap_or_default()))
        .collect()
}

fn schema() -> Value {
    serde_json::from_str(config::SCHEMA).unwrap()
}

/// The words of JSON Schema that the schema uses, and no others; why a value is refused.
fn validate(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let fail = |word: &str| Some(format!("{word}: {value}"));
    for (word, rule) in schema.as_object().unwrap() {
        let verdict = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" => None,
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                validate(root, root.pointer(pointer).unwrap(), value)
            }
            "const" => (value != rule).then(|| fail(word)).flatten(),
            "enum" => (!rule.as_array().unwrap().contains(value))
                .then(|| fail(word))
                .flatten(),
            "type" => {
                let names: Vec<&str> = match rule {
                    Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect(),
                };
                (!names.iter().any(|n| is_type(n, value)))
                    .then(|| fail(word))
                    .flatten()
            }
            "anyOf" => {
                let fits = |s: &Value| validate(root, s, value).is_none();
                (!rule.as_array().unwrap().iter().any(fits))
                    .then(|| fail(word))
                    .flatten()
            }
            "minLength" => value
                .as_str()
                .filter(|t| t.is_empty())
                .and_then(|_| fail(word)),
            "minimum" => value
                .as_f64()
                .filter(|n| *n < rule.as_f64().unwrap())
                .and_then(|_| fail(word)),
            "maximum" => value
                .as_f64()
                .filter(|n| *n > rule.as_f64().unwrap())
                .and_then(|_| fail(word)),
            "minItems" => value
                .as_array()
                .filter(|l| l.is_empty())
                .and_then(|_| fail(word)),
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|v| validate(root, rule, v)),
            "pattern" => value
                .as_str()
                .filter(|t| !matches(rule.as_str().unwrap(), t))
                .and_then(|_| fail(word)),
            "propertyNames" => value
                .as_object()
                .into_iter()
                .flatten()
                .find_map(|(key, _)| validate(root, rule, &Value::String(key.clone()))),
            "properties" => value
                .as_object()
                .into_iter()
                .flatten()
                .find_map(|(key, v)| rule.get(key).and_then(|s| validate(root, s, v))),
            "additionalProperties" => {
                let known = |key: &String| schema["properties"].get(key).is_some();
                value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(key, _)| !known(key))
                    .find_map(|(key, v)| match rule {
                        Value::Bool(false) => Some(format!("unknown key {key}")),
                        Value::Bool(true) => None,
                        s => validate(root, s, v),
                    })
            }
            other => panic!("the schema uses `{other}`, which this test does not know"),
        };
        if verdict.is_some() {
            return verdict;
        }
    }
    None
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

/// The schema's patterns, by hand: there is no engine of regular expressions here.
fn matches(pattern: &str, text: &str) -> bool {
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    let day = |t: &str| {
        let parts: Vec<&str> = t.split('-').collect();
        parts.len() == 3 && digits(parts[0], 4) && digits(parts[1], 2) && digits(parts[2], 2)
    };
    match pattern {
        "^[^/\\\\][^\\\\]*$" => !text.starts_with('/') && !text.contains('\\'),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => day(text),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$" => {
            day(text.strip_suffix("-preview").unwrap_or(text))
        }
        "^ *[0-9]+ *- *[0-9]+ *$" => text.split_once('-').is_some_and(|(a, b)| {
            a.trim().parse::<u32>().is_ok() && b.trim().parse::<u32>().is_ok()
        }),
        "^(default|.+/.+)$" => text == "default" || text.contains('/'),
        "^[Pp][Cc][0-9]{4}$" => {
            text.get(..2).is_some_and(|p| p.eq_ignore_ascii_case("pc"))
                && digits(text.get(2..).unwrap(), 4)
        }
        "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" => {
            let lengths: Vec<usize> = text.split('-').map(str::len).collect();
            lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        }
        other => panic!("the schema has a pattern that this test does not know: {other}"),
    }
}
