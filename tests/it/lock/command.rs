//! The lock as users meet it: the files that commands write, and merges by git.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli::{POLICY, SETTINGS, folder, portcullis};

/// What `git merge-file --union` makes; nothing where there is no git.
pub(crate) fn git_union(base: &str, one: &str, two: &str) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("base", base), ("one", one), ("two", two)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let output = Command::new("git")
        .args(["merge-file", "-p", "--union", "one", "base", "two"])
        .current_dir(dir.path())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

fn git(folder: &Path, args: &[&str]) -> bool {
    let output = Command::new("git")
        .args(["-c", "user.name=n", "-c", "user.email=n@contoso.com"])
        .args(["-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(folder)
        .output();
    output.is_ok_and(|o| o.status.success())
}

fn read(folder: &Path) -> String {
    fs::read_to_string(folder.join("portcullis.lock")).unwrap()
}

fn project() -> tempfile::TempDir {
    folder(&[("portcullis.yaml", SETTINGS), ("a.gate", POLICY)])
}

fn add(folder: &Path, label: &str) {
    let path = folder.join("a.gate");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str(&format!(
        "\nallow {label}: tcp/443 from workloads to tag(Storage.NorthEurope) for \"More\"\n"
    ));
    fs::write(path, text).unwrap();
}

#[test]
fn compile_writes_the_lock_and_locked_refuses_to() {
    let dir = project();
    let missing = portcullis(dir.path(), &["compile", "--locked"]);
    assert_eq!(missing.code, 1, "{}", missing.err);
    assert!(missing.err.contains("PC7001"), "{}", missing.err);
    assert!(!dir.path().join("out").exists());
    // Nothing to be out of date with.
    assert_eq!(portcullis(dir.path(), &["check"]).err, "");
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    let lock = read(dir.path());
    assert!(lock.contains("main::storage"), "{lock}");
    assert_eq!(portcullis(dir.path(), &["compile", "--locked"]).code, 0);
    assert_eq!(portcullis(dir.path(), &["check", "--locked"]).code, 0);

    add(dir.path(), "more");
    let refused = portcullis(dir.path(), &["compile", "--locked"]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("PC7001"), "{}", refused.err);
    assert_eq!(read(dir.path()), lock);
    let told = portcullis(dir.path(), &["check"]);
    assert_eq!(told.code, 0);
    assert!(told.err.contains("warning[PC7001]"), "{}", told.err);
    let differs = portcullis(dir.path(), &["compile", "--check"]);
    assert_eq!(differs.code, 3);
    assert!(
        differs.out.contains("would write portcullis.lock\n"),
        "{}",
        differs.out
    );
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    assert_ne!(read(dir.path()), lock);
    assert_eq!(portcullis(dir.path(), &["compile", "--check"]).code, 0);
}

#[test]
fn a_damaged_lock_stops_everything() {
    let dir = project();
    portcullis(dir.path(), &["compile"]);
    let files = fs::read_to_string(dir.path().join("out/default/manifest.json")).unwrap();
    add(dir.path(), "more");
    for damage in [
        "x  y  1  1\n".to_owned(),
        "\u{0}\u{1}\n".to_owned(),
        format!("<<<<<<< a\n{}=======\n>>>>>>> b\n", read(dir.path())),
        read(dir.path()).replace("  -  ", "  "),
    ] {
        fs::write(dir.path().join("portcullis.lock"), &damage).unwrap();
        let ran = portcullis(dir.path(), &["compile"]);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.err.contains("PC7008"), "{}", ran.err);
        assert!(ran.err.contains(" portcullis.lock:"), "{}", ran.err);
        assert_eq!(read(dir.path()), damage);
        let manifest = dir.path().join("out/default/manifest.json");
        assert_eq!(fs::read_to_string(manifest).unwrap(), files);
    }
}

#[test]
fn an_error_leaves_the_lock_alone() {
    let dir = project();
    portcullis(dir.path(), &["compile"]);
    let lock = read(dir.path());
    add(dir.path(), "more");
    let path = dir.path().join("a.gate");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("Storage.North", "Storge.North")).unwrap();
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 1);
    assert_eq!(read(dir.path()), lock);
    // A folder where the lock should be: nothing of the output changes either.
    fs::write(&path, text).unwrap();
    let manifest = dir.path().join("out/default/manifest.json");
    let before = fs::read_to_string(&manifest).unwrap();
    fs::remove_file(dir.path().join("portcullis.lock")).unwrap();
    fs::create_dir(dir.path().join("portcullis.lock")).unwrap();
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 2);
    assert_eq!(fs::read_to_string(&manifest).unwrap(), before);
}

#[test]
fn fix_keeps_what_the_common_ancestor_has() {
    let dir = project();
    let at = dir.path();
    if !git(at, &["init", "-q"]) {
        println!("skipped: there is no git");
        return;
    }
    fs::write(
        at.join(".gitattributes"),
        "portcullis.lock merge=union\na.gate merge=union\n",
    )
    .unwrap();
    portcullis(at, &["compile"]);
    let lock = read(at);
    assert!(git(at, &["add", "-A"]) && git(at, &["commit", "-qm", "base"]));
    let number = |text: &str, id: &str| {
        let mut lines = text
            .lines()
            .map(|l| l.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|l| l.get(1) == Some(&id)).unwrap();
        line[2].to_owned()
    };
    // A branch gives a new group the number of an old one: as two branches might, by hand here.
    assert!(git(at, &["checkout", "-qb", "side"]));
    let group = "pc-30-allow-main";
    let held = number(&lock, group);
    let clash = lock.replace(
        &format!("  {group}  {held}  1\n"),
        &format!("  {group}  {held}  1\ndefault/fw/demo/rcg  pc-30-allow-late  {held}  2\n"),
    );
    fs::write(at.join("portcullis.lock"), &clash).unwrap();
    let gate = fs::read_to_string(at.join("a.gate")).unwrap();
    let late =
        "group late {\n  allow x: tcp/443 from workloads to tag(Sql.WestEurope) for \"X\"\n}\n";
    fs::write(at.join("a.gate"), format!("{gate}{late}")).unwrap();
    assert!(git(at, &["add", "-A"]) && git(at, &["commit", "-qm", "side"]));
    assert!(git(at, &["checkout", "-q", "main"]));
    fs::write(at.join("x"), "x").unwrap();
    assert!(git(at, &["add", "-A"]) && git(at, &["commit", "-qm", "main"]));
    assert!(git(at, &["merge", "-q", "--no-edit", "side"]));
    let refused = portcullis(at, &["compile"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("PC7002"), "{}", refused.err);
    let fixed = portcullis(at, &["lock", "--fix"]);
    assert_eq!(fixed.code, 0, "{}{}", fixed.out, fixed.err);
    assert!(
        fixed
            .out
            .contains(&format!("pc-30-allow-late gives up {held}")),
        "{}",
        fixed.out
    );
    assert_eq!(number(&read(at), group), held);
    assert!(!read(at).contains("pc-30-allow-late  "));
    assert_eq!(portcullis(at, &["compile"]).code, 0);
    assert_eq!(number(&read(at), group), held);
    assert_ne!(number(&read(at), "pc-30-allow-late"), held);
    let again = portcullis(at, &["lock", "--fix"]);
    assert!(again.out.contains("is in order"), "{}", again.out);
}

#[test]
fn merge_marks_are_taken_out() {
    let dir = project();
    portcullis(dir.path(), &["compile"]);
    let lock = read(dir.path());
    let entry = lock.lines().nth(1).unwrap();
    let marked = lock.replace(
        entry,
        &format!("<<<<<<< a\n{entry}\n||||||| base\n=======\n{entry}\n>>>>>>> b"),
    );
    fs::write(dir.path().join("portcullis.lock"), marked).unwrap();
    assert_eq!(portcullis(dir.path(), &["lock"]).code, 1);
    assert_eq!(portcullis(dir.path(), &["lock", "--fix"]).code, 0);
    assert_eq!(read(dir.path()), lock);
}

#[test]
fn a_retired_group_goes_when_told_to() {
    let dir = project();
    let path = dir.path().join("a.gate");
    let text = fs::read_to_string(&path).unwrap();
    let late =
        "group late {\n  allow x: tcp/443 from workloads to tag(Sql.WestEurope) for \"X\"\n}\n";
    fs::write(&path, format!("{text}{late}")).unwrap();
    portcullis(dir.path(), &["compile"]);
    fs::write(&path, text).unwrap();
    // `--prune` forgets what was retired earlier, not what leaves now.
    for args in [vec!["compile"], vec!["compile"]] {
        let ran = portcullis(dir.path(), &args);
        assert!(ran.err.contains("PC7007"), "{}", ran.err);
        assert!(
            ran.err.contains("rule-collection-group delete"),
            "{}",
            ran.err
        );
        assert!(read(dir.path()).contains("pc-30-allow-late"));
    }
    let manifest = dir.path().join("out/default/manifest.json");
    assert!(
        fs::read_to_string(&manifest)
            .unwrap()
            .contains("pc-30-allow-late")
    );
    let pruned = portcullis(dir.path(), &["lock", "--prune"]);
    assert_eq!(pruned.code, 0, "{}", pruned.err);
    assert!(
        pruned.out.contains("pc-30-allow-late is forgotten"),
        "{}",
        pruned.out
    );
    let ran = portcullis(dir.path(), &["compile", "--clean"]);
    assert_eq!(ran.err, "");
    assert!(
        !fs::read_to_string(&manifest)
            .unwrap()
            .contains("pc-30-allow-late")
    );
}

#[test]
fn numbers_are_taken_from_an_export() {
    let export = r#"[{ "name": "pc-30-allow-main", "priority": 31234,
        "id": "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/demo/ruleCollectionGroups/pc-30-allow-main",
        "ruleCollections": [{ "name": "net-allow", "rules": [
            { "ruleType": "NetworkRule", "name": "storage" },
            { "ruleType": "NetworkRule", "name": "names" } ] }] }]"#;
    let dir = project();
    fs::write(dir.path().join("live.json"), export).unwrap();
    fs::write(dir.path().join("none.json"), "{}").unwrap();
    let none = portcullis(dir.path(), &["lock", "--from", "none.json"]);
    assert_eq!(none.code, 2);
    let seeded = portcullis(dir.path(), &["lock", ".", "--from", "live.json"]);
    assert_eq!(seeded.code, 0, "{}", seeded.err);
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.err, "");
    let group = fs::read_to_string(
        dir.path()
            .join("out/default/firewall/demo/rcg/pc-30-allow-main.json"),
    )
    .unwrap();
    assert!(group.contains("\"priority\": 31234"), "{group}");
    assert!(
        group.find("\"storage\"") < group.find("\"names\""),
        "{group}"
    );
    let shown = portcullis(dir.path(), &["lock", "--show", "demo"]);
    assert_eq!(
        shown.out,
        "demo groups (default): allow 1 of 350 round slots\n"
    );
}

#[test]
fn an_export_gives_its_numbers_to_every_environment_that_is_declared() {
    let dir = project();
    let path = dir.path().join("a.gate");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        format!("{text}env dev {}\nenv prod {}\n", "{}", "{}"),
    )
    .unwrap();
    let export = r#"{ "name": "demo/pc-30-allow-main", "priority": 31234, "ruleCollections": [] }"#;
    fs::write(dir.path().join("live.json"), export).unwrap();
    let seeded = portcullis(dir.path(), &["lock", "--from", "live.json"]);
    assert_eq!(seeded.code, 0, "{}", seeded.err);
    assert!(
        seeded.out.contains("prod/fw/demo/rcg: 1 number"),
        "{}",
        seeded.out
    );
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    let numbered = read(dir.path());
    for environment in ["dev", "prod"] {
        let line = format!("{environment}/fw/demo/rcg  pc-30-allow-main  31234  1");
        assert!(numbered.contains(&line), "{numbered}");
    }
    // What a run numbered stays, and the command says so.
    fs::write(
        dir.path().join("live.json"),
        export.replace("31234", "31000"),
    )
    .unwrap();
    let again = portcullis(dir.path(), &["lock", "--from", "live.json"]);
    assert!(
        again.out.contains("has its numbers already"),
        "{}",
        again.out
    );
    assert_eq!(read(dir.path()), numbered);
}

#[test]
fn without_a_lock_the_output_is_asked() {
    let dir = project();
    portcullis(dir.path(), &["compile"]);
    let lock = read(dir.path());
    fs::remove_file(dir.path().join("portcullis.lock")).unwrap();
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err
            .contains("numbers are taken from the existing output"),
        "{}",
        ran.err
    );
    assert_eq!(read(dir.path()), lock);
}

#[test]
fn one_file_of_a_project_says_nothing_of_its_lock() {
    let dir = project();
    fs::write(
        dir.path().join("b.gate"),
        "group late {\n  allow x: tcp/443 from 10.7.0.0/16 to tag(Sql.WestEurope) for \"X\"\n}\n",
    )
    .unwrap();
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    let lock = read(dir.path());
    let ran = portcullis(dir.path(), &["check", "a.gate", "--locked"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    portcullis(dir.path(), &["compile", "a.gate"]);
    assert_eq!(read(dir.path()), lock);
    // Line ends of a checkout are no change.
    fs::write(
        dir.path().join("portcullis.lock"),
        lock.replace('\n', "\r\n"),
    )
    .unwrap();
    assert_eq!(portcullis(dir.path(), &["check", "--locked"]).err, "");
}

/// A line that gave way to one that stands for nothing comes back, beside a rule that is new: both
/// have a place in time of their own, so the next run changes nothing.
#[test]
fn what_comes_back_shares_no_place_with_what_is_new() {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics/PC7002-number-held-twice");
    let dir = tempfile::tempdir().unwrap();
    for name in ["main.gate", "portcullis.yaml"] {
        fs::copy(fixture.join(name), dir.path().join(name)).unwrap();
    }
    let lock = "\
default/nsg/web/outbound  egress::2500  2500  1
default/nsg/web/outbound  egress::data/out/Sql.WestEurope  2500  2
";
    fs::write(dir.path().join("portcullis.lock"), lock).unwrap();
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(read(dir.path()).contains("Sql.WestEurope  2500  2\n"));
    let again = portcullis(dir.path(), &["compile", "--check"]);
    assert_eq!(again.code, 0, "{}{}", again.out, read(dir.path()));
}
