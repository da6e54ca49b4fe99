//! Sides that are revisions: what is in no repository, in no revision, in a shallow clone; paths of every
//! kind; and that the work tree stays as it is.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{commit, diff, diff_command, folder, git, json, policy, repository, write};
use crate::cli::{SETTINGS, run};

fn opened(value: &serde_json::Value) -> Vec<String> {
    let regions = value["semantic"].as_array().unwrap().iter();
    regions
        .map(|c| {
            let prefixes = &c["traffic"]["destination"]["prefixes"];
            format!("{} {prefixes}", c["change"].as_str().unwrap())
        })
        .collect()
}

const WIDER: &str = "newly_allowed [\"10.9.1.0/24\"]";

#[test]
fn a_revision_that_is_not_there() {
    let dir = repository("");
    for words in [
        &["gone"][..],
        &["HEAD~9"],
        &["gone..HEAD"],
        &["HEAD..gone"],
        &["gone:a.gate", "a.gate"],
    ] {
        let ran = diff(dir.path(), words);
        assert_eq!(ran.code, 2, "{words:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.out, "");
        let name = if words[0].starts_with("HEAD~") {
            "HEAD~9"
        } else {
            "gone"
        };
        assert!(
            ran.err.contains(&format!("there is no revision `{name}`")),
            "{words:?}: {}",
            ran.err
        );
    }
    // No options of git are meant.
    let ran = diff(dir.path(), &["--", "--help", "HEAD"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
}

#[test]
fn the_work_tree_against_its_head_stays_as_it_is() {
    let dir = repository("");
    write(dir.path(), "notes.txt", "not of the project");
    write(dir.path(), "a.gate", &policy("tcp/443", "10.9.0.0/23"));
    // Half of it is staged.
    git(dir.path(), &["add", "a.gate"]);
    write(
        dir.path(),
        "a.gate",
        &(policy("tcp/443", "10.9.0.0/23") + "\n// not staged\n"),
    );
    let state = || {
        (
            git(dir.path(), &["status", "--porcelain=v2", "-uall"]),
            git(dir.path(), &["rev-parse", "HEAD"]),
            git(dir.path(), &["stash", "list"]),
            fs::read(dir.path().join(".git/index")).unwrap(),
            fs::read(dir.path().join("a.gate")).unwrap(),
        )
    };
    let before = state();
    for words in [&[][..], &["HEAD"], &["main"], &["HEAD", "."]] {
        assert_eq!(opened(&json(dir.path(), words)), [WIDER], "{words:?}");
    }
    assert!(state() == before);
    let all = json(dir.path(), &[]);
    assert_eq!(all["old"]["commit"], before.1.trim());
    assert!(all["new"]["commit"].is_null());
}

#[test]
fn revisions_are_compared_in_every_spelling() {
    let dir = repository("");
    commit(dir.path(), "wider");
    git(dir.path(), &["tag", "v1", "HEAD~1"]);
    git(dir.path(), &["checkout", "-q", "-b", "side", "v1"]);
    write(dir.path(), "a.gate", &policy("tcp/444", "10.9.0.0/24"));
    commit(dir.path(), "other port");
    let found = |words: &[&str]| opened(&json(dir.path(), words));
    for words in [
        &["v1", "main"][..],
        &["v1..main"],
        &["main~1", "main"],
        &["v1..main", "."],
    ] {
        assert_eq!(found(words), [WIDER], "{words:?}");
    }
    assert_eq!(found(&["v1:a.gate", "main:a.gate"]), [WIDER]);
    // From where the two lines parted, which is `v1`.
    assert_eq!(found(&["side...main"]), [WIDER]);
    assert_eq!(found(&["side..main"]).len(), 2);
    // A side is left out: it is HEAD.
    let ran = diff(dir.path(), &["main.."]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let dir = repository("");
    commit(dir.path(), "wider");
    let away = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().display());
    git(away.path(), &["clone", "-q", "--depth", "1", &url, "copy"]);
    let copy = away.path().join("copy");
    for words in [&["HEAD~1"][..], &["HEAD~1..HEAD"], &["origin/gone...HEAD"]] {
        let ran = diff(&copy, words);
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.out);
        for part in [
            "the clone is shallow",
            "git fetch --unshallow",
            "fetch-depth: 0",
        ] {
            assert!(ran.err.contains(part), "{words:?}: {}", ran.err);
        }
    }
    git(&copy, &["fetch", "-q", "--unshallow"]);
    assert_eq!(opened(&json(&copy, &["HEAD~1"])), [WIDER]);
}

#[test]
fn paths_with_blanks_sub_folders_and_imports_from_above() {
    let shared =
        |to: &str| format!("param a: endpoint\nallow web: tcp/443 from a to {to} for \"Web\"\n");
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join("a place/with blanks");
    fs::create_dir_all(&top).unwrap();
    git(&top, &["init", "-q", "-b", "main"]);
    write(&top, "shared/ends.gate", &shared("10.9.0.0/24"));
    write(&top, "prod net/portcullis.yaml", SETTINGS);
    write(
        &top,
        "prod net/a.gate",
        "endpoint workloads = 10.1.0.0/16\n\nuse \"../shared/ends.gate\" as s with {\n  a = workloads\n}\n",
    );
    commit(&top, "base");
    write(&top, "shared/ends.gate", &shared("10.9.0.0/23"));
    let own = top.join("prod net");
    let named = own.display().to_string();
    for (at, words) in [
        (own.as_path(), &["HEAD"][..]),
        (own.as_path(), &[]),
        (top.as_path(), &["HEAD", "prod net", "prod net"]),
        (top.as_path(), &["HEAD", "prod net"]),
        (top.as_path(), &["HEAD:prod net", "prod net"]),
        (own.as_path(), &["HEAD:./", "."]),
        (dir.path(), &["HEAD", &named, &named]),
    ] {
        assert_eq!(opened(&json(at, words)), [WIDER], "{words:?}");
    }
    let all = json(&own, &[]);
    let place = &all["semantic"][0]["causes"][0];
    assert_eq!(place["file"], "../shared/ends.gate");
    commit(&top, "wider");
    assert_eq!(opened(&json(&own, &["HEAD~1..HEAD"])), [WIDER]);
    assert_eq!(opened(&json(&top, &["HEAD~1..HEAD", "prod net"])), [WIDER]);
    // The project was not there yet.
    git(&top, &["rm", "-q", "-r", "--cached", "prod net"]);
    git(&top, &["commit", "-q", "-m", "gone"]);
    let all = json(&own, &["HEAD"]);
    assert_eq!(all["summary"]["verdict"], "widened");
    assert_eq!(all["semantic"][0]["causes"][0]["edit"], "added");
    let note = "`HEAD` has no project at `.`: it is compared as an empty one";
    assert_eq!(all["notes"][0], note, "{}", all["notes"]);
    let all = json(&top, &["HEAD~1..HEAD", "prod net"]);
    assert_eq!(all["summary"]["verdict"], "narrowed");
    assert_eq!(all["semantic"][0]["causes"][0]["edit"], "removed");
    assert!(all["semantic"][0]["witness"]["explain"].is_null());
    // Nowhere is nowhere.
    let ran = diff(&top, &["HEAD~1..HEAD", "prod nte"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("there is no `prod nte`"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn links_of_a_revision_are_followed() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    write(dir.path(), "net/portcullis.yaml", SETTINGS);
    write(
        dir.path(),
        "shared/a.gate",
        &policy("tcp/443", "10.9.0.0/24"),
    );
    symlink("../shared/a.gate", dir.path().join("net/a.gate")).unwrap();
    commit(dir.path(), "base");
    write(
        dir.path(),
        "shared/a.gate",
        &policy("tcp/443", "10.9.0.0/23"),
    );
    let net = dir.path().join("net");
    assert_eq!(opened(&json(&net, &["HEAD"])), [WIDER]);
    // One that leads out of the repository is not in the revision.
    fs::remove_file(net.join("a.gate")).unwrap();
    symlink("/etc/hostname", net.join("a.gate")).unwrap();
    let bad = commit(dir.path(), "out");
    fs::remove_file(net.join("a.gate")).unwrap();
    write(&net, "a.gate", &policy("tcp/443", "10.9.0.0/23"));
    let ran = diff(&net, &[&bad]);
    assert!([1, 2].contains(&ran.code), "{}", ran.out);
    assert!(ran.err.contains("a.gate"), "{}", ran.err);
    // A ring of links ends.
    fs::remove_file(net.join("a.gate")).unwrap();
    symlink("b.gate", net.join("a.gate")).unwrap();
    symlink("a.gate", net.join("b.gate")).unwrap();
    let ring = commit(dir.path(), "ring");
    fs::remove_file(net.join("a.gate")).unwrap();
    fs::remove_file(net.join("b.gate")).unwrap();
    write(&net, "a.gate", &policy("tcp/443", "10.9.0.0/23"));
    let ran = diff(&net, &[&ring]);
    assert!([1, 2].contains(&ran.code), "{}", ran.out);
    assert!(!ran.err.contains("panic"), "{}", ran.err);
}

#[test]
fn a_word_that_is_a_revision_and_a_path() {
    let dir = repository("");
    commit(dir.path(), "wider");
    write(dir.path(), "main/portcullis.yaml", SETTINGS);
    write(dir.path(), "main/a.gate", &policy("tcp/443", "10.9.0.0/25"));
    let ran = diff(dir.path(), &["main", "."]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err
            .contains("`main` is a revision and a path: write `git:main` or `./main`"),
        "{}",
        ran.err
    );
    fs::remove_dir_all(dir.path().join("main")).unwrap();
    write(dir.path(), "main/b.gate", &policy("tcp/443", "10.9.0.0/25"));
    write(dir.path(), "main/portcullis.yaml", SETTINGS);
    // The folder lies in the project too, so that the project is named by its file.
    let as_path = opened(&json(dir.path(), &["./main", "a.gate"]));
    assert_eq!(as_path.len(), 1, "{as_path:?}");
    assert_eq!(
        opened(&json(dir.path(), &["git:main", "./main", "a.gate"])),
        ["no_longer_allowed [\"10.9.0.128/25\",\"10.9.1.0/24\"]"]
    );
}

#[test]
fn where_there_is_no_repository_two_folders_are_compared() {
    let one = |to: &str| policy("tcp/443", to);
    let dir = folder(&[
        ("old/portcullis.yaml", SETTINGS),
        ("old/a.gate", &one("10.9.0.0/24")),
        ("new/portcullis.yaml", SETTINGS),
        ("new/a.gate", &one("10.9.0.0/23")),
    ]);
    assert_eq!(opened(&json(dir.path(), &["old", "new"])), [WIDER]);
    for words in [&["HEAD", "new", "new"][..], &["HEAD~1..HEAD", "new"], &[]] {
        let ran = diff(dir.path(), words);
        assert_eq!(ran.code, 2, "{words:?}");
        assert!(
            ran.err.contains("is in no git repository that can be read")
                && ran.err.contains("name two files or folders instead"),
            "{words:?}: {}",
            ran.err
        );
    }
    // Nor is git needed for it.
    let empty = tempfile::tempdir().unwrap();
    let without = |words: &[&str]| {
        let mut command: Command = diff_command(dir.path(), words);
        command.env("PATH", empty.path());
        run(&mut command)
    };
    let ran = without(&["old", "new", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(opened(&serde_json::from_str(&ran.out).unwrap()), [WIDER]);
    let ran = without(&["HEAD", "new", "new"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("`git` cannot be run"), "{}", ran.err);
}

#[test]
fn a_bare_repository_and_one_without_commits() {
    let dir = repository("");
    let bare = tempfile::tempdir().unwrap();
    let from = dir.path().display().to_string();
    git(bare.path(), &["clone", "-q", "--bare", &from, "bare"]);
    let ran = diff(&bare.path().join("bare"), &["HEAD"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    let empty = tempfile::tempdir().unwrap();
    git(empty.path(), &["init", "-q", "-b", "main"]);
    write(empty.path(), "portcullis.yaml", SETTINGS);
    write(empty.path(), "a.gate", &policy("tcp/443", "10.9.0.0/24"));
    let ran = diff(empty.path(), &[]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err.contains("there is no revision `HEAD`"),
        "{}",
        ran.err
    );
    assert!(Path::new(&empty.path().join("a.gate")).is_file());
}

/// A folder with a project below it is not that project's output, though it holds JSON.
#[test]
fn a_folder_above_a_project_is_no_output() {
    let dir = repository("sub");
    write(dir.path(), "sub/out/prod/nsg.json", "{}");
    commit(dir.path(), "output");
    for words in [&["HEAD"][..], &["HEAD", "."]] {
        let ran = diff(dir.path(), words);
        assert_eq!(ran.code, 2, "{words:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("no .gate files"), "{words:?}: {}", ran.err);
    }
}
