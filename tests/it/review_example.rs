//! examples/review: a pull request as its reviewer reads it. The history is built in a temporary folder
//! from the two states in the repository; what is told of it is committed beside them.
//!
//! `PORTCULLIS_BLESS=1 cargo test --test it review_example` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{command, run};
use crate::examples::{blessing, copy_folder, root};

/// Kind, environments, sources, services, statement.
type Told = (String, Vec<String>, Vec<String>, Vec<String>, String);

const HOME: &str = "examples/review";

/// Git as nobody's settings have it, at a fixed moment, so that commits have the same name everywhere.
fn git(folder: &Path, args: &[&str]) {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "example")
        .env("GIT_AUTHOR_EMAIL", "example@example.invalid")
        .env("GIT_AUTHOR_DATE", "2026-11-23T09:00:00Z")
        .env("GIT_COMMITTER_NAME", "example")
        .env("GIT_COMMITTER_EMAIL", "example@example.invalid")
        .env("GIT_COMMITTER_DATE", "2026-11-23T09:00:00Z")
        .output()
        .expect("git");
    assert!(
        done.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A repository with the branch `main` and the pull request's branch `change`, the project in `policy`.
fn history() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    git(top, &["init", "-q", "-b", "main"]);
    for (side, branch) in [("base", "main"), ("head", "change")] {
        if branch != "main" {
            git(top, &["checkout", "-q", "-b", branch]);
        }
        let project = top.join("policy");
        if project.exists() {
            fs::remove_dir_all(&project).unwrap();
        }
        fs::create_dir_all(&project).unwrap();
        copy_folder(&root().join(HOME).join(side), &project, true);
        git(top, &["add", "-A"]);
        git(top, &["commit", "-q", "-m", side]);
    }
    folder
}

fn told(top: &Path, args: &[&str], code: i32) -> String {
    let mut all = vec!["diff", "main", "change", "policy"];
    all.extend(args);
    let ran = run(command(top, &all).env("COLUMNS", "100"));
    assert_eq!(ran.code, code, "{args:?}: {}{}", ran.out, ran.err);
    ran.out
}

#[test]
fn the_pull_request_is_told_as_it_is_committed() {
    let folder = history();
    let top = folder.path();
    let mut forms: Vec<(&str, String)> = vec![
        ("diff.txt", told(top, &[], 0)),
        ("rules.txt", told(top, &["--rules", "--only", "widened"], 0)),
        ("diff.md", told(top, &["--format", "markdown"], 0)),
        ("diff.json", told(top, &["--format", "json"], 0)),
        ("diff.sarif", told(top, &["--format", "sarif"], 0)),
        ("diff.rdjson", told(top, &["--format", "rdjson"], 0)),
        ("annotations.txt", told(top, &["--format", "github"], 0)),
        (
            "azure-pipelines.txt",
            told(top, &["--format", "azure-pipelines"], 0),
        ),
    ];
    let summary = top.join("summary.md");
    let ran = run(
        command(top, &["diff", "main", "change", "policy", "--step-summary"])
            .env("GITHUB_STEP_SUMMARY", &summary),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    forms.push(("summary.md", fs::read_to_string(&summary).unwrap()));
    let mut wrong = Vec::new();
    for (name, text) in forms {
        let path = root().join(HOME).join("told").join(name);
        if blessing() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            wrong.push(name);
        }
    }
    assert!(
        wrong.is_empty(),
        "not as committed in {HOME}/told: {wrong:?}"
    );
}

/// What the change does, said by hand: five edits, and nothing else.
#[test]
fn the_pull_request_does_what_its_description_says() {
    let folder = history();
    let text = told(folder.path(), &["--format", "json"], 0);
    let all: Value = serde_json::from_str(&text).unwrap();
    let strings = |v: &Value| -> Vec<String> {
        let list = v.as_array().unwrap().iter();
        list.map(|s| s.as_str().unwrap().to_owned()).collect()
    };
    let found: Vec<Told> = all["semantic"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            (
                c["change"].as_str().unwrap().to_owned(),
                strings(&c["environments"]),
                strings(&c["traffic"]["source"]["prefixes"]),
                strings(&c["traffic"]["services"]),
                c["causes"][0]["flow"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let row = |kind: &str, envs: &[&str], from: &[&str], what: &str, flow: &str| {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        (
            kind.to_owned(),
            own(envs),
            own(from),
            vec![what.to_owned()],
            flow.to_owned(),
        )
    };
    assert_eq!(
        found,
        [
            row(
                "newly_allowed",
                &["prod", "dev"],
                &["10.40.32.0/22"],
                "tcp/80,443",
                "avd-egress::intranet"
            ),
            row(
                "newly_allowed",
                &["dev"],
                &["172.20.0.0/24", "172.20.8.0/24"],
                "tcp/3389",
                "aks-egress::debug"
            ),
            row(
                "newly_allowed",
                &["prod", "dev"],
                &["10.40.0.0/20"],
                "https",
                "aks-egress::feeds"
            ),
            row(
                "no_longer_allowed",
                &["prod", "dev"],
                &["10.80.1.10"],
                "tcp/21",
                "exceptions::vendor-ftp"
            ),
        ]
    );
    assert_eq!(
        all["semantic"][0]["traffic"]["destination"]["prefixes"][0],
        "172.31.0.0/16"
    );
    assert_eq!(
        all["semantic"][0]["elsewhere"]["dev"]["traffic"]["source"]["prefixes"][0],
        "10.30.8.0/24"
    );
    assert_eq!(all["moved"][0]["was"], "common::dns");
    assert_eq!(all["moved"][0]["now"], "common::names");
    assert_eq!(all["summary"]["risk"]["max"], "high");
    assert_eq!(all["expiring"][0]["flow"], "exceptions::scanner");
}

#[test]
fn the_gate_of_the_pull_request_holds() {
    let folder = history();
    let top = folder.path();
    told(top, &["--fail-on", "risk=high"], 4);
    told(top, &["--exit-code"], 3);
    let text = told(top, &["--format", "json"], 0);
    let all: Value = serde_json::from_str(&text).unwrap();
    let id = all["semantic"][0]["id"].as_str().unwrap().to_owned();
    told(top, &["--fail-on", "risk=high", "--accept", &id], 0);
    told(top, &["--fail-on", "widened", "--accept", &id], 4);
    // The work tree and the index are as they were.
    let status = Command::new("git")
        .arg("-C")
        .arg(top)
        .args(["status", "--porcelain"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&status.stdout), "");
}

/// The published schema is that of the program, and what is told keeps to it: every form of a region.
#[test]
fn the_schema_is_published_and_kept_to() {
    let schema = portcullis::diff::told::schema();
    let published = root().join("docs/diff.schema.json");
    if blessing() {
        fs::write(&published, &schema).unwrap();
    }
    assert_eq!(fs::read_to_string(&published).unwrap(), schema);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let judge = jsonschema::draft202012::new(&schema).unwrap();
    let folder = history();
    let top = folder.path();
    let text = told(top, &["--format", "json"], 0);
    let all: Value = serde_json::from_str(&text).unwrap();
    let wrong: Vec<String> = judge.iter_errors(&all).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The schema says something: a kind that there is not, and a missing member, are refused.
    let mut spoiled = all.clone();
    spoiled["semantic"][0]["change"] = "newly_forbidden".into();
    assert!(!judge.is_valid(&spoiled));
    let mut spoiled = all;
    spoiled.as_object_mut().unwrap().remove("semantic");
    assert!(!judge.is_valid(&spoiled));
}
