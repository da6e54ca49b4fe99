//! The other scripts of the action, run: what they hand to the program, and what they make of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{bash_script, outputs};
use crate::cli::{folder, portcullis};
use crate::examples::root;

/// A program that writes down its arguments, one a line, and makes the files of a difference.
const FAKE: &str = r#"#!/usr/bin/env bash
set -eu
printf '%s\n' "$@" >"$FAKE_ARGUMENTS"
if [ "${1-}" != diff ]; then exit 0; fi
out=""
while [ "$#" -gt 0 ]; do
  case "$1" in
    -o) out="$2" ;;
    json=*) printf '{\n  "summary": {\n    "verdict": "%s",\n    "risk": {\n      "max": %s\n    }\n  },\n  "semantic": [{"before": {"verdict": "deny"}}]\n}\n' "$FAKE_VERDICT" "$FAKE_RISK" >"${1#json=}" ;;
    sarif=*) echo '{}' >"${1#sarif=}" ;;
    github=*) echo '::error title=Portcullis::risk' >"${1#github=}" ;;
  esac
  shift
done
if [ "$FAKE_CODE" -eq 0 ] || [ "$FAKE_CODE" -eq 4 ]; then echo '<!-- marker -->' >"$out"; fi
exit "$FAKE_CODE"
"#;

/// Runs a script of the action with these variables and no others of ours.
fn run(script: &str, home: &Path, env: &[(&str, &str)]) -> (i32, BTreeMap<String, String>, String) {
    let output = home.join("output");
    let _ = fs::remove_file(&output);
    let said = Command::new("bash")
        .arg(bash_script(script))
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", home)
        .env("GITHUB_OUTPUT", &output)
        .env("GITHUB_STEP_SUMMARY", home.join("summary"))
        .env("GITHUB_ACTION_PATH", root())
        .env("RUNNER_TEMP", home)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = [said.stdout, said.stderr].concat();
    (
        said.status.code().unwrap(),
        outputs(&output),
        String::from_utf8(text).unwrap(),
    )
}

fn fake(home: &Path) -> String {
    let path = home.join("fake");
    fs::write(&path, FAKE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn the_difference_is_asked_for_and_read() {
    let dir = folder(&[(
        "net/portcullis.yaml",
        "version: 1\nproject: 'my hub' # ours\n",
    )]);
    let program = fake(dir.path());
    let arguments = dir.path().join("arguments");
    let arguments = arguments.to_str().unwrap();
    let mut env = vec![
        ("PROGRAM", program.as_str()),
        ("PROJECT_PATH", "net"),
        ("PROJECT", ""),
        ("BASE", "b1"),
        ("HEAD", "h1"),
        ("AS_OF", "today"),
        ("ENVIRONMENTS", "dev, prod"),
        ("FAIL_ON", "risk=high,required-lost\nwidened"),
        ("ACCEPT", "sem-1"),
        ("LABEL_PREFIX", "accept:"),
        (
            "LABELS",
            "bug,accept:sem-2,accept:--fail-on=x,accept: sem-3,my accept:sem-4,accept:sem-5 x",
        ),
        ("MAX_BYTES", "65000"),
        ("FAKE_ARGUMENTS", arguments),
        ("FAKE_CODE", "0"),
        ("FAKE_VERDICT", "same-traffic"),
        ("FAKE_RISK", "null"),
    ];
    let (code, outputs, said) = run("diff.sh", dir.path(), &env);
    assert_eq!(code, 0, "{said}");
    let asked = fs::read_to_string(arguments).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    let folder = dir.path().join("portcullis-diff");
    let place = |form: &str, file: &str| format!("{form}{}", folder.join(file).display());
    let forms = [
        place("", "diff.md"),
        place("json=", "diff.json"),
        place("sarif=", "diff.sarif"),
        place("html=", "diff.html"),
        place("github=", "annotations.txt"),
    ];
    let mut expected = vec![
        "diff",
        "b1",
        "h1",
        "net",
        "--as-of",
        "today",
        "--env=dev",
        "--env=prod",
        "--fail-on=risk=high",
        "--fail-on=required-lost",
        "--fail-on=widened",
        "--accept=sem-1",
        "--accept=sem-2",
        "--format",
        "markdown",
        "-o",
        &forms[0],
        "--max-bytes",
        "65000",
        "--step-summary",
    ];
    for form in &forms[1..] {
        expected.extend(["--also", form.as_str()]);
    }
    assert_eq!(asked, expected);
    assert_eq!(outputs["exit"], "0");
    assert_eq!(outputs["verdict"], "same-traffic");
    assert_eq!(outputs["risk"], "");
    assert_eq!(outputs["project"], "my hub");
    assert_eq!(outputs["markdown"], forms[0]);
    assert!(said.contains("::error title=Portcullis::risk"), "{said}");
    assert!(!folder.join("annotations.txt").exists());

    // A condition holds: everything is there all the same.
    for (name, value) in [
        ("FAKE_CODE", "4"),
        ("FAKE_VERDICT", "widened"),
        ("FAKE_RISK", "\"high\""),
    ] {
        env.iter_mut().find(|(n, _)| *n == name).unwrap().1 = value;
    }
    let (code, outputs, said) = run("diff.sh", dir.path(), &env);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        (outputs["exit"].as_str(), outputs["risk"].as_str()),
        ("4", "high")
    );
    assert_eq!(outputs["verdict"], "widened");

    // Nothing was compared: nothing of the last run is left, and the summary says so.
    env.iter_mut().find(|(n, _)| *n == "FAKE_CODE").unwrap().1 = "1";
    env.iter_mut()
        .find(|(n, _)| *n == "PROJECT_PATH")
        .unwrap()
        .1 = ".";
    let (code, outputs, said) = run("diff.sh", dir.path(), &env);
    assert_eq!(code, 0, "{said}");
    for name in ["verdict", "risk", "markdown", "sarif"] {
        assert_eq!(outputs[name], "", "{name}");
    }
    let name = dir.path().file_name().unwrap().to_string_lossy();
    assert_eq!(outputs["project"], name);
    let summary = fs::read_to_string(dir.path().join("summary")).unwrap();
    assert!(
        summary.contains("`portcullis diff b1 h1` ended with 1"),
        "{summary}"
    );
}

#[test]
fn empty_lists_are_no_arguments() {
    let dir = folder(&[]);
    let program = fake(dir.path());
    let arguments = dir.path().join("arguments");
    let env = [
        ("PROGRAM", program.as_str()),
        ("PROJECT_PATH", "."),
        ("BASE", "b"),
        ("HEAD", "h"),
        ("FAKE_ARGUMENTS", arguments.to_str().unwrap()),
        ("FAKE_CODE", "0"),
        ("FAKE_VERDICT", "same"),
        ("FAKE_RISK", "null"),
    ];
    let (code, _, said) = run("diff.sh", dir.path(), &env);
    assert_eq!(code, 0, "{said}");
    let asked = fs::read_to_string(&arguments).unwrap();
    assert!(
        !asked.contains("--fail-on") && !asked.contains("--accept") && !asked.contains("--env"),
        "{asked}"
    );
}

#[test]
fn the_checks_run_all_and_tell_which_failed() {
    let dir = folder(&[]);
    assert_eq!(portcullis(dir.path(), &["init", "net"]).code, 0);
    assert_eq!(
        portcullis(dir.path(), &["compile", "net", "--allow", "PC9002"]).code,
        0
    );
    let env = [
        ("PROGRAM", env!("CARGO_BIN_EXE_portcullis")),
        ("PROJECT_PATH", "net"),
        ("AS_OF", "none"),
        ("LOCKED", "true"),
    ];
    let (code, outputs, said) = run("checks.sh", dir.path(), &env);
    assert_eq!(code, 0, "{said}");
    assert_eq!(outputs["failed"], "", "{said}");
    assert_eq!(said.matches("::group::").count(), 3);
    assert_eq!(said.matches("::endgroup::").count(), 3);

    let policy = dir.path().join("net/hub.gate");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(
        &policy,
        text.replace("portcullis 1\n", "portcullis   1\n")
            .replace("names:", "other:"),
    )
    .unwrap();
    let (code, outputs, said) = run("checks.sh", dir.path(), &env);
    assert_eq!(code, 0, "{said}");
    // The lock is out of date, and the file is not formatted; the tests still hold.
    assert_eq!(outputs["failed"], "check,fmt", "{said}");
    let summary = fs::read_to_string(dir.path().join("summary")).unwrap();
    assert!(
        summary.contains("| `fmt` | **failed** (exit 1) |\n| `test` | passed |\n"),
        "{summary}"
    );
}

#[test]
fn the_job_is_judged_at_its_end() {
    let dir = folder(&[]);
    for (checks, diff, expected, said) in [
        ("", "", 0, ""),
        ("", "0", 0, ""),
        ("fmt", "0", 1, "did not pass: fmt"),
        ("", "4", 1, "a condition of fail-on holds: risk=high"),
        ("check", "1", 1, "a side of the comparison has errors"),
        ("", "2", 1, "the comparison could not run (exit 2)"),
        ("", "101", 1, "the comparison could not run (exit 101)"),
    ] {
        let env = [
            ("CHECKS", checks),
            ("DIFF", diff),
            ("FAIL_ON", "risk=high"),
            ("SARIF", "skipped"),
        ];
        let (code, _, out) = run("judge.sh", dir.path(), &env);
        assert_eq!(code, expected, "{checks} {diff}: {out}");
        assert!(out.contains(said), "{out}");
    }
    let env = [
        ("CHECKS", ""),
        ("DIFF", "0"),
        ("FAIL_ON", ""),
        ("SARIF", "failure"),
    ];
    let (code, _, out) = run("judge.sh", dir.path(), &env);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("::notice title=Portcullis::the upload"),
        "{out}"
    );
}

#[test]
fn the_program_is_the_one_that_is_named_or_in_the_cache() {
    let dir = folder(&[]);
    let real = env!("CARGO_BIN_EXE_portcullis");
    let (code, outputs, said) = run(
        "program.sh",
        dir.path(),
        &[("BINARY", real), ("FOLDER", "")],
    );
    assert_eq!(code, 0, "{said}");
    assert_eq!(outputs["binary"], real);
    assert!(said.starts_with("portcullis "), "{said}");
    fs::create_dir(dir.path().join("cache")).unwrap();
    fs::copy(real, dir.path().join("cache/portcullis")).unwrap();
    let (code, outputs, said) = run(
        "program.sh",
        dir.path(),
        &[("BINARY", ""), ("FOLDER", "cache")],
    );
    assert_eq!(code, 0, "{said}");
    assert!(outputs["binary"].starts_with('/'), "{outputs:?}");
    for nothing in ["./nothing", "no-such-program-here", "cache"] {
        let (code, outputs, said) = run(
            "program.sh",
            dir.path(),
            &[("BINARY", nothing), ("FOLDER", "")],
        );
        assert_eq!((code, outputs.len()), (2, 0), "{said}");
        assert!(
            said.starts_with("::error title=Portcullis::the input binary names "),
            "{said}"
        );
    }
}

#[test]
fn the_cache_is_named_after_the_sources() {
    let dir = folder(&[
        ("Cargo.toml", "x"),
        ("Cargo.lock", ""),
        ("src/main.rs", ""),
        ("catalog/a", ""),
        ("policies/std/a", ""),
        ("grammar/a", ""),
        ("docs/a", ""),
    ]);
    let key = || {
        let here = dir.path().to_str().unwrap();
        let (code, outputs, said) = run("sources.sh", dir.path(), &[("GITHUB_ACTION_PATH", here)]);
        assert_eq!(code, 0, "{said}");
        assert!(outputs["folder"].ends_with("/portcullis-program"));
        outputs["key"].clone()
    };
    let first = key();
    assert_eq!(first.len(), 64);
    assert_eq!(first, key());
    fs::write(dir.path().join("src/main.rs"), "y").unwrap();
    assert_ne!(first, key());
}
