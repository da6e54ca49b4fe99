//! The exit codes of `diff`, and what `--accept`, `--only` and `--max-bytes` do. What a form says is not
//! asked here.

use serde_json::Value;

use super::{diff, folder, json, policy, write};
use crate::cli::SETTINGS;

/// A prefix is opened, and RDP to another one; a required flow is lost.
fn two() -> tempfile::TempDir {
    let old = "endpoint workloads = 10.1.0.0/16\n\n\
        required allow names: udp/53 from workloads to 10.9.9.4 for \"Names\"\n\
        allow web: tcp/443 from workloads to 10.9.0.0/24 for \"Web\"\n";
    let new = "endpoint workloads = 10.1.0.0/16\n\n\
        allow web: tcp/443 from workloads to 10.9.0.0/23 for \"Web\"\n\
        allow rdp: tcp/3389 from workloads to 10.8.0.0/16 for \"Desktops\"\n";
    folder(&[("old.gate", old), ("new.gate", new)])
}

const SIDES: [&str; 2] = ["old.gate", "new.gate"];

fn code(dir: &tempfile::TempDir, words: &[&str]) -> i32 {
    let ran = diff(dir.path(), &[&SIDES, words].concat());
    assert!(!ran.out.is_empty(), "{words:?}: {}", ran.err);
    ran.code
}

#[test]
fn exit_codes_are_those_written_down() {
    let dir = two();
    assert_eq!(code(&dir, &[]), 0);
    assert_eq!(code(&dir, &["--exit-code"]), 3);
    assert_eq!(code(&dir, &["--detailed-exitcode"]), 2);
    for when in [
        "widened",
        "risk=high",
        "risk=medium",
        "required-lost",
        "drift",
    ] {
        assert_eq!(code(&dir, &["--fail-on", when]), 4, "{when}");
        assert_eq!(code(&dir, &["--fail-on", when, "--exit-code"]), 4, "{when}");
    }
    let same = |words: &[&str]| {
        let ran = diff(dir.path(), &[&["old.gate", "old.gate"], words].concat());
        ran.code
    };
    for words in [
        &[][..],
        &["--exit-code"],
        &["--detailed-exitcode"],
        &["--fail-on", "drift", "--fail-on", "widened"],
        &["--fail-on", "risk=low", "--fail-on", "required-lost"],
    ] {
        assert_eq!(same(words), 0, "{words:?}");
    }
    let back = |words: &[&str]| {
        let ran = diff(dir.path(), &[&["new.gate", "old.gate"], words].concat());
        ran.code
    };
    // The other way round `names` is new and nothing required is lost; web and rdp are narrowed.
    assert_eq!(back(&["--fail-on", "required-lost"]), 0);
    assert_eq!(back(&["--fail-on", "widened"]), 4);
    let ran = diff(
        dir.path(),
        &["old.gate", "new.gate", "--fail-on", "risk=huge"],
    );
    assert_eq!(ran.code, 2, "{}", ran.err);
    let ran = diff(
        dir.path(),
        &["old.gate", "new.gate", "--exit-code", "--detailed-exitcode"],
    );
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn rules_that_differ_without_traffic_are_a_difference() {
    let old = policy("tcp/443", "10.9.0.0/24");
    let new = policy("tcp/443", "[10.9.0.0/25, 10.9.0.128/26, 10.9.0.192/26]")
        + "\ndeny more: tcp/444 from 10.1.0.0/24 to 10.9.0.0/24 for \"No\"\n";
    let dir = folder(&[("old.gate", &old), ("new.gate", &new)]);
    let all = json(dir.path(), &SIDES);
    assert_eq!(all["summary"]["verdict"], "same-traffic");
    assert_eq!(code(&dir, &["--exit-code"]), 3);
    assert_eq!(code(&dir, &["--fail-on", "drift"]), 4);
    assert_eq!(code(&dir, &["--fail-on", "widened"]), 0);
    // Another spelling of the same prefixes is the same rule.
    let same = policy("tcp/443", "[10.9.0.0/25, 10.9.0.128/25]");
    write(dir.path(), "new.gate", &same);
    let verdict = json(dir.path(), &SIDES)["summary"]["verdict"].clone();
    assert!(verdict == "same" || verdict == "same-traffic", "{verdict}");
}

#[test]
fn settings_may_say_from_which_risk_a_change_fails() {
    let dir = two();
    for side in ["old", "new"] {
        let text = std::fs::read_to_string(dir.path().join(format!("{side}.gate"))).unwrap();
        write(dir.path(), &format!("{side}/a.gate"), &text);
        write(dir.path(), &format!("{side}/portcullis.yaml"), SETTINGS);
    }
    let code = |fail: &str| {
        let text = format!("{SETTINGS}risk: {{ fail: {fail} }}\n");
        write(dir.path(), "new/portcullis.yaml", &text);
        diff(dir.path(), &["old", "new"]).code
    };
    // 24 opened, 20 private and 25 for RDP.
    assert_eq!(code("high"), 4);
    assert_eq!(code("none"), 0);
    let text = format!("{SETTINGS}risk: {{ fail: high, weights: {{ default: 0.5 }} }}\n");
    write(dir.path(), "new/portcullis.yaml", &text);
    assert_eq!(diff(dir.path(), &["old", "new"]).code, 0);
}

fn ids(all: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let regions = all["semantic"].as_array().unwrap().iter();
    regions
        .map(|c| (text(&c["change"]), text(&c["id"])))
        .collect()
}

#[test]
fn what_was_looked_at_fails_no_more_and_what_is_new_still_does() {
    let dir = two();
    let found = ids(&json(dir.path(), &SIDES));
    let wider: Vec<&str> = found
        .iter()
        .filter(|(kind, _)| kind == "newly_allowed")
        .map(|(_, id)| id.as_str())
        .collect();
    let lost: Vec<&str> = found
        .iter()
        .filter(|(kind, _)| kind == "no_longer_allowed")
        .map(|(_, id)| id.as_str())
        .collect();
    assert_eq!((wider.len(), lost.len()), (2, 1), "{found:?}");
    let widened = ["--fail-on", "widened"];
    let accept = |ids: &[&str]| -> Vec<String> {
        let each = ids.iter().flat_map(|id| ["--accept", id]);
        each.map(str::to_owned).collect()
    };
    let with = |ids: &[&str], words: &[&str]| {
        let own = accept(ids);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        code(&dir, &[words, &own].concat())
    };
    assert_eq!(with(&[wider[0]], &widened), 4);
    assert_eq!(with(&[wider[1]], &widened), 4);
    assert_eq!(with(&wider, &widened), 0);
    assert_eq!(with(&lost, &widened), 4);
    assert_eq!(with(&lost, &["--fail-on", "required-lost"]), 0);
    assert_eq!(with(&wider, &["--fail-on", "required-lost"]), 4);
    // It differs all the same.
    assert_eq!(with(&wider, &["--exit-code"]), 3);
    let all = json(
        dir.path(),
        &[&SIDES[..], &["--accept", wider[0], "--accept", wider[1]]].concat(),
    );
    assert_eq!(all["summary"]["regions"]["accepted"], 2);
    assert_eq!(all["summary"]["risk"]["max"], Value::Null);
    // The ids hold while the traffic is the same, whatever stands around it.
    let text = std::fs::read_to_string(dir.path().join("new.gate")).unwrap();
    write(
        dir.path(),
        "new.gate",
        &format!(
            "// More lines.\n\n{text}allow more: tcp/8443 from workloads to 10.7.0.0/24 for \"New\"\n"
        ),
    );
    let later = ids(&json(dir.path(), &SIDES));
    assert!(found.iter().all(|one| later.contains(one)), "{later:?}");
    assert_eq!(later.len(), found.len() + 1);
    assert_eq!(with(&wider, &widened), 4);
    let ran = diff(
        dir.path(),
        &["old.gate", "new.gate", "--accept", "sem-00000000"],
    );
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("there is no such region"), "{}", ran.out);
}

#[test]
fn only_folds_what_people_read_and_not_the_data() {
    let dir = two();
    let text = |words: &[&str]| diff(dir.path(), &[&SIDES, words].concat()).out;
    let narrowed = text(&["--only", "narrowed"]);
    assert!(narrowed.contains("udp/53"), "{narrowed}");
    assert!(!narrowed.contains("tcp/3389"), "{narrowed}");
    let widened = text(&["--only", "widened"]);
    assert!(widened.contains("tcp/3389"), "{widened}");
    assert!(!widened.contains("udp/53"), "{widened}");
    assert_eq!(
        text(&["--format", "json"]),
        text(&["--format", "json", "--only", "narrowed"])
    );
    let ran = diff(dir.path(), &["old.gate", "new.gate", "--only", "widend"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `widened`?"), "{}", ran.err);
    // What is looked at does not decide the code.
    assert_eq!(
        code(&dir, &["--only", "narrowed", "--fail-on", "widened"]),
        4
    );
}

#[test]
fn markdown_keeps_to_its_bytes_but_for_what_is_high() {
    let dir = two();
    let page = |most: &str| {
        let words = ["--format", "markdown", "--max-bytes", most];
        diff(dir.path(), &[&SIDES[..], &words].concat())
    };
    let whole = page("60000");
    assert_eq!(whole.code, 0);
    assert!(whole.out.contains("udp/53") && whole.out.contains("tcp/3389"));
    let short = page("1500");
    assert!(short.out.len() <= 1500 || short.err.contains("longer than asked for"));
    assert!(short.out.contains("tcp/3389"), "{}", short.out);
    let none = page("10");
    assert_eq!(none.code, 0);
    assert!(none.out.contains("tcp/3389"), "{}", none.out);
    assert!(none.err.contains("never left out"), "{}", none.err);
}
