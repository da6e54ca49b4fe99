//! `portcullis diff`: cases with their regions computed by hand, how it is called, what goes wrong with
//! sides, and the score. Packet by packet it is judged in meaning/differences.rs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod by_hand;
mod codes;
mod many;
mod outputs;
mod repositories;
mod risk;
mod sides;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Ran, SETTINGS, command, run};

/// Runs `diff` in a folder.
fn diff(folder: &Path, words: &[&str]) -> Ran {
    run(&mut diff_command(folder, words))
}

fn diff_command(folder: &Path, words: &[&str]) -> Command {
    let mut out = command(folder, &[&["diff"], words].concat());
    out.env_remove("GITHUB_STEP_SUMMARY");
    out
}

/// The JSON form.
fn json(folder: &Path, words: &[&str]) -> Value {
    let ran = diff(folder, &[&["--format", "json"], words].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Runs git in a folder, as somebody, whatever the machine's settings say.
fn git(folder: &Path, words: &[&str]) -> String {
    let done = Command::new("git")
        .current_dir(folder)
        .args(words)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_AUTHOR_EMAIL", "a@example.org"),
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@example.org"),
            ("GIT_AUTHOR_DATE", "2026-11-01T00:00:00Z"),
            ("GIT_COMMITTER_DATE", "2026-11-01T00:00:00Z"),
        ])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "git {words:?}: {told}");
    String::from_utf8(done.stdout).unwrap()
}

/// All files are committed.
fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--allow-empty", "-m", message]);
    git(folder, &["rev-parse", "HEAD"]).trim().to_owned()
}

/// A folder with these files. Its name can be that of a resource.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::Builder::new().prefix("net").tempdir().unwrap();
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    dir
}

/// One flow from the workloads.
fn policy(services: &str, to: &str) -> String {
    format!(
        "endpoint workloads = 10.1.0.0/16\n\nallow web: {services} from workloads to {to} for \"Web\"\n"
    )
}

/// A repository with a project below a folder: the base has one prefix, the work tree a wider one.
fn repository(below: &str) -> TempDir {
    let dir = folder(&[]);
    let at = |name: &str| {
        if below.is_empty() {
            name.to_owned()
        } else {
            format!("{below}/{name}")
        }
    };
    git(dir.path(), &["init", "-q", "-b", "main"]);
    write(dir.path(), &at("portcullis.yaml"), SETTINGS);
    write(dir.path(), &at("a.gate"), &policy("tcp/443", "10.9.0.0/24"));
    commit(dir.path(), "base");
    write(dir.path(), &at("a.gate"), &policy("tcp/443", "10.9.0.0/23"));
    dir
}
