//! How the action finds the commits to compare, in real repositories: merges, shallow clones, pushes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{bash_script, outputs};

/// A repository whose main went on after a branch parted, and the merge of both as a forge makes it.
struct Origin {
    dir: TempDir,
    parted: String,
    main: String,
    branch: String,
    merge: String,
}

pub(super) fn git(folder: &Path, args: &[&str]) -> String {
    let said = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "git {args:?}: {error}");
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path, file: &str) -> String {
    fs::write(folder.join(file), file).unwrap();
    git(folder, &["add", "."]);
    git(folder, &["commit", "-qm", file]);
    git(folder, &["rev-parse", "HEAD"])
}

fn origin() -> Origin {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    git(at, &["init", "-q", "-b", "main"]);
    commit(at, "a");
    let parted = commit(at, "b");
    git(at, &["checkout", "-q", "-b", "feature"]);
    commit(at, "c");
    let branch = commit(at, "d");
    git(at, &["checkout", "-q", "main"]);
    let main = commit(at, "e");
    git(at, &["checkout", "-q", "--detach"]);
    git(at, &["merge", "-q", "--no-ff", "-m", "merge", "feature"]);
    let merge = git(at, &["rev-parse", "HEAD"]);
    git(at, &["update-ref", "refs/pull/1/merge", &merge]);
    git(at, &["checkout", "-q", "main"]);
    Origin {
        dir,
        parted,
        main,
        branch,
        merge,
    }
}

impl Origin {
    /// A clone of one revision, as actions/checkout makes it; depth 0 is all of it.
    fn clone(&self, revision: &str, depth: u32) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("file://{}", self.dir.path().display());
        git(dir.path(), &["init", "-q"]);
        git(dir.path(), &["remote", "add", "origin", &url]);
        let depth = format!("--depth={depth}");
        let mut args = vec!["fetch", "-q", "--no-tags"];
        if depth != "--depth=0" {
            args.push(&depth);
        }
        args.extend(["origin", revision]);
        git(dir.path(), &args);
        git(dir.path(), &["checkout", "-q", "--detach", "FETCH_HEAD"]);
        dir
    }
}

/// Runs the script: exit code, outputs, what it said.
fn run(clone: &Path, env: &[(&str, &str)]) -> (i32, BTreeMap<String, String>, String) {
    let output = clone.join(".git/output");
    let mut command = Command::new("bash");
    command
        .arg(bash_script("base.sh"))
        .current_dir(clone)
        .env("GITHUB_OUTPUT", &output)
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for name in [
        "BASE",
        "HEAD",
        "PULL_BASE",
        "PULL_HEAD",
        "GROUP_BASE",
        "PUSH_BASE",
    ] {
        command.env(name, "");
    }
    for (name, value) in env {
        command.env(name, value);
    }
    let said = command.output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    (
        said.status.code().unwrap(),
        outputs(&output),
        String::from_utf8(text).unwrap(),
    )
}

#[track_caller]
fn finds(clone: &Path, env: &[(&str, &str)], base: &str, head: &str) {
    let (code, outputs, said) = run(clone, env);
    assert_eq!(code, 0, "{said}");
    assert_eq!(outputs["base"], base, "{said}");
    assert_eq!(outputs["head"], head, "{said}");
    if !base.is_empty() {
        git(clone, &["cat-file", "-e", &format!("{base}^{{tree}}")]);
    }
}

#[test]
fn a_merge_is_compared_with_its_first_parent() {
    let origin = origin();
    // The event may have been sent before main went on: the parent counts, not the event.
    let event = [
        ("PULL_BASE", origin.parted.as_str()),
        ("PULL_HEAD", origin.branch.as_str()),
    ];
    for depth in [0, 1, 2] {
        let clone = origin.clone("refs/pull/1/merge", depth);
        finds(clone.path(), &event, &origin.main, &origin.merge);
    }
}

#[test]
fn a_head_is_compared_with_where_it_parted() {
    let origin = origin();
    let event = [
        ("PULL_BASE", origin.main.as_str()),
        ("PULL_HEAD", origin.branch.as_str()),
    ];
    for depth in [0, 1, 2] {
        let clone = origin.clone("feature", depth);
        finds(clone.path(), &event, &origin.parted, &origin.branch);
    }
}

#[test]
fn a_merge_of_the_author_is_not_taken_for_the_forges() {
    let origin = origin();
    let at = origin.dir.path();
    git(at, &["checkout", "-q", "feature"]);
    git(at, &["merge", "-q", "--no-ff", "-m", "merge", "main"]);
    let head = git(at, &["rev-parse", "HEAD"]);
    let event = [
        ("PULL_BASE", origin.main.as_str()),
        ("PULL_HEAD", head.as_str()),
    ];
    let clone = origin.clone("feature", 1);
    finds(clone.path(), &event, &origin.main, &head);
}

#[test]
fn pushes_and_merge_groups() {
    let origin = origin();
    let clone = origin.clone("main", 1);
    finds(
        clone.path(),
        &[("PUSH_BASE", &origin.parted)],
        &origin.parted,
        &origin.main,
    );
    finds(
        clone.path(),
        &[("GROUP_BASE", &origin.parted)],
        &origin.parted,
        &origin.main,
    );
    // A new branch, and a tip that a forced push removed: nothing to compare with, and no failure.
    finds(
        clone.path(),
        &[("PUSH_BASE", &"0".repeat(40))],
        "",
        &origin.main,
    );
    finds(
        clone.path(),
        &[("PUSH_BASE", &"12".repeat(20))],
        "",
        &origin.main,
    );
    finds(clone.path(), &[], "", &origin.main);
}

#[test]
fn what_the_user_names_wins() {
    let origin = origin();
    let clone = origin.clone("refs/pull/1/merge", 1);
    let event = ("PULL_BASE", origin.main.as_str());
    for name in ["feature", "origin/feature", &origin.branch] {
        finds(
            clone.path(),
            &[("BASE", name), event],
            &origin.branch,
            &origin.merge,
        );
    }
    let both = [("BASE", "main"), ("HEAD", "feature"), event];
    finds(clone.path(), &both, &origin.main, &origin.branch);
}

#[test]
fn what_cannot_be_had_is_told() {
    let origin = origin();
    let clone = origin.clone("refs/pull/1/merge", 1);
    let event = [
        ("PULL_BASE", origin.main.as_str()),
        ("PULL_HEAD", origin.branch.as_str()),
    ];
    for (name, value) in [
        ("BASE", "nowhere"),
        ("HEAD", "nowhere"),
        ("BASE", "--upload-pack=touch x"),
    ] {
        let (code, outputs, said) = run(clone.path(), &[(name, value), event[0], event[1]]);
        assert_eq!((code, outputs.len()), (2, 0), "{said}");
        assert!(
            said.contains("::error title=Portcullis::the revision "),
            "{said}"
        );
    }
    assert!(!clone.path().join("x").exists());
    // A line break in a name is no command of its own.
    let (_, _, said) = run(clone.path(), &[("BASE", "x\n::set-output name=a::b")]);
    assert!(
        said.lines().all(|line| !line.starts_with("::set-output")),
        "{said}"
    );
    // Without a way to the origin, a shallow clone has no base.
    git(
        clone.path(),
        &["remote", "set-url", "origin", "file:///nowhere"],
    );
    let (code, _, said) = run(clone.path(), &event);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("give actions/checkout fetch-depth: 0"),
        "{said}"
    );
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir(empty.path().join(".git")).unwrap();
    let (code, _, said) = run(empty.path(), &event);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("run actions/checkout before"), "{said}");
}
