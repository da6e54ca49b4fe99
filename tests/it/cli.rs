//! The command as users run it: exit codes, streams, files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub(crate) const POLICY: &str = "\
endpoint workloads = 10.1.0.0/16

allow names: udp/53 from workloads to 10.9.0.4 for \"Name resolution\"
allow storage: tcp/443 from workloads to tag(Storage.WestEurope) for \"Blobs\"
";

pub(crate) const SETTINGS: &str = "\
version: 1
project: demo
deploy:
  subscription: 00000000-0000-0000-0000-000000000000
  resource-group: rg-network
  location: westeurope
";

/// What a run said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program in a folder, in an environment that says nothing about pipelines or colour.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(args).current_dir(folder);
    for name in [
        "TF_BUILD",
        "GITHUB_ACTIONS",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "PORTCULLIS_CONFIG",
        "PORTCULLIS_ENV",
        "PORTCULLIS_FORMAT",
        "PORTCULLIS_OUT",
        "PORTCULLIS_AS_OF",
        "PORTCULLIS_CATALOG",
    ] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("an exit code"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn portcullis(folder: &Path, args: &[&str]) -> Ran {
    run(&mut command(folder, args))
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// A project that compiles.
fn good() -> TempDir {
    folder(&[("portcullis.yaml", SETTINGS), ("a.gate", POLICY)])
}

/// A project with one error.
fn bad() -> TempDir {
    let policy = POLICY.replace("Storage.", "Storge.");
    folder(&[("portcullis.yaml", SETTINGS), ("a.gate", &policy)])
}

/// A project with one warning.
fn warned() -> TempDir {
    let policy = format!("endpoint spare = 10.2.0.0/16\n{POLICY}");
    folder(&[("portcullis.yaml", SETTINGS), ("a.gate", &policy)])
}

/// Every file below a folder with its text.
fn tree(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn compile_writes_then_leaves_alone() {
    let dir = good();
    let first = portcullis(dir.path(), &["compile"]);
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert_eq!(first.err, "");
    assert!(first.out.contains(" unchanged in out\n"), "{}", first.out);
    let files = tree(&dir.path().join("out"));
    assert!(!files.is_empty());
    assert!(files.iter().all(|(_, text)| text.ends_with('\n')));
    let second = portcullis(dir.path(), &["compile"]);
    assert!(
        second.out.ends_with(&format!(
            "wrote 0 files, {} unchanged in out\n",
            files.len()
        )),
        "{}",
        second.out
    );
    assert_eq!(tree(&dir.path().join("out")), files);
    assert_eq!(portcullis(dir.path(), &["compile", "-q"]).out, "");
}

#[test]
fn the_place_of_the_start_changes_no_output() {
    let dir = good();
    portcullis(dir.path(), &["compile", "--out", "one"]);
    let above = folder(&[
        ("p/portcullis.yaml", SETTINGS),
        ("p/a.gate", POLICY),
        ("q/r/x", ""),
    ]);
    let ran = portcullis(&above.path().join("q/r"), &["compile", "../../p", "-v"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("settings: ../../p/portcullis.yaml\n"));
    assert!(ran.out.ends_with("in ../../p/out\n"), "{}", ran.out);
    assert_eq!(
        tree(&dir.path().join("one")),
        tree(&above.path().join("p/out"))
    );
}

#[test]
fn check_asks_compile_answers() {
    let dir = good();
    let ran = portcullis(dir.path(), &["compile", "--check"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.starts_with("would write out/"), "{}", ran.out);
    assert!(!dir.path().join("out").exists());
    portcullis(dir.path(), &["compile"]);
    let ran = portcullis(dir.path(), &["compile", "--check"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let (name, _) = tree(&dir.path().join("out")).swap_remove(0);
    fs::remove_file(dir.path().join("out").join(&name)).unwrap();
    let ran = portcullis(dir.path(), &["compile", "--check"]);
    assert_eq!(
        (ran.code, ran.out),
        (3, format!("would write out/{name}\n"))
    );
}

#[test]
fn an_error_writes_nothing() {
    let dir = bad();
    let ran = portcullis(dir.path(), &["compile"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("error[PC1004]"), "{}", ran.err);
    assert!(ran.err.contains("--> a.gate:4:"), "{}", ran.err);
    assert!(ran.err.ends_with("error: 1 error\n"), "{}", ran.err);
    assert!(!dir.path().join("out").exists());
    assert_eq!(portcullis(dir.path(), &["check"]).code, 1);
}

#[test]
fn paths_are_shown_from_the_working_directory() {
    let dir = folder(&[
        ("p/portcullis.yaml", SETTINGS),
        ("p/a.gate", &POLICY.replace("Storage.", "Storge.")),
    ]);
    let ran = portcullis(dir.path(), &["check", "p"]);
    assert!(ran.err.contains("--> p/a.gate:4:"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["-C", "p", "check"]);
    assert!(ran.err.contains("--> a.gate:4:"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["check", "--config", "p/portcullis.yaml", "p"]);
    assert!(ran.err.contains("--> p/a.gate:4:"), "{}", ran.err);
    let root = dir.path().to_str().unwrap();
    let ran = portcullis(dir.path(), &["check", &format!("{root}/p")]);
    assert!(ran.err.contains("--> p/a.gate:4:"), "{}", ran.err);
}

#[test]
fn one_file_on_stdout() {
    let dir = good();
    portcullis(dir.path(), &["compile", "--out", "o"]);
    let files = tree(&dir.path().join("o"));
    let (path, text) = files.first().unwrap();
    // In a pipeline, too, nothing is mixed in.
    let ran = run(command(dir.path(), &["compile", "--stdout", path]).env("TF_BUILD", "True"));
    assert_eq!((ran.code, &ran.out), (0, text));
    assert!(!dir.path().join("out").exists());
    let ran = portcullis(dir.path(), &["compile", "--stdout", "nothing-like-it"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("no output file is called"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["compile", "--stdout", path, "-o", "one.json"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(
        &fs::read_to_string(dir.path().join("one.json")).unwrap(),
        text
    );
}

#[test]
fn what_cannot_run_is_two() {
    let dir = good();
    let empty = tempfile::tempdir().unwrap();
    let two = |folder: &Path, args: &[&str], says: &str| {
        let ran = portcullis(folder, args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    };
    two(dir.path(), &["compile", "nowhere"], "there is no `nowhere`");
    two(dir.path(), &["compile", "--emit", "bicep"], "invalid value");
    two(dir.path(), &["compyle"], "unrecognized subcommand");
    two(dir.path(), &["check", "--deny", "PC1"], "no such code");
    two(
        dir.path(),
        &["check", "--as-of", "2027-02-30"],
        "write a date",
    );
    two(
        dir.path(),
        &["check", "--allow", "PC1001"],
        "cannot be lowered",
    );
    two(
        dir.path(),
        &["check", "--config", "no.yaml"],
        "there is no such file",
    );
    two(
        dir.path(),
        &["-C", "nowhere", "check"],
        "cannot go to folder",
    );
    two(
        dir.path(),
        &["check", "portcullis.yaml"],
        "is a settings file",
    );
    two(
        empty.path(),
        &["check"],
        "no .gate files and no portcullis.yaml in `.`",
    );
}

#[test]
fn an_environment_that_is_none() {
    let ran = portcullis(good().path(), &["compile", "-e", "nope"]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("environment `nope`"), "{}", ran.err);
}

#[test]
fn a_file_alone() {
    let dir = folder(&[
        (".git/x", ""),
        (
            "portcullis.yaml",
            &format!("{SETTINGS}sources: [gone.gate]\n"),
        ),
        ("sub/a.gate", POLICY),
        ("sub/b.gate", "nonsense"),
    ]);
    let ran = portcullis(dir.path(), &["check", "sub/a.gate", "-v"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("settings: portcullis.yaml\n"));
    let ran = portcullis(&dir.path().join("sub"), &["check", "a.gate", "-v"]);
    assert!(ran.err.contains("settings: ../portcullis.yaml\n"));
    assert_eq!(portcullis(dir.path(), &["check"]).code, 1);
}

#[test]
fn settings_are_not_looked_for_outside_a_repository() {
    let dir = folder(&[
        ("portcullis.yaml", "nonsense: true"),
        ("repo/.git/x", ""),
        ("repo/portcullis.yaml", SETTINGS),
        ("repo/deep/er/a.gate", POLICY),
        ("plain/a.gate", POLICY),
    ]);
    let ran = portcullis(dir.path(), &["check", "repo/deep/er", "-v"]);
    assert!(
        ran.err.contains("settings: repo/portcullis.yaml\n"),
        "{}",
        ran.err
    );
    let ran = portcullis(dir.path(), &["check", "plain", "-v"]);
    assert!(!ran.err.contains("settings:"), "{}", ran.err);
}

#[test]
fn warnings_pass_unless_denied() {
    let dir = warned();
    let ran = portcullis(dir.path(), &["check"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("warning[PC1011]"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["compile", "--deny", "warnings"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[PC1011]"), "{}", ran.err);
    assert!(!dir.path().join("out").exists());
    assert_eq!(
        portcullis(dir.path(), &["check", "--deny", "pc1011"]).code,
        1
    );
    let ran = portcullis(dir.path(), &["check", "--allow", "PC1011"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = portcullis(dir.path(), &["check", "-q"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let deny = ["check", "--deny", "warnings", "--warn", "PC1011"];
    assert_eq!(portcullis(dir.path(), &deny).code, 0);
}

#[test]
fn notes_are_counted_unless_asked_for() {
    let policy = POLICY
        .replace("10.9.0.4", "contoso.com")
        .replace("udp/53", "tcp/443");
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", &policy)]);
    let ran = portcullis(dir.path(), &["check"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (0, "note: 1 note (-v shows notes)\n")
    );
    let ran = portcullis(dir.path(), &["check", "-v"]);
    assert!(ran.err.contains("note[PC4020]"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["check", "--format", "json"]);
    assert!(ran.err.contains("PC4020"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["check", "--warn", "PC4020"]);
    assert!(ran.err.contains("warning[PC4020]"), "{}", ran.err);
    let ran = run(command(dir.path(), &["check"]).env("TF_BUILD", "True"));
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
}

#[test]
fn silencers() {
    let dir = warned();
    let file = dir.path().join("a.gate");
    let text = fs::read_to_string(&file).unwrap();
    let with = |line: &str| {
        fs::write(&file, format!("{line}\n{text}")).unwrap();
        portcullis(dir.path(), &["check"])
    };
    let ran = with("// portcullis: allow PC1011 used from next month, SEC-4");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = with("// portcullis: allow PC1011");
    assert!(ran.err.contains("warning[PC9005]") && ran.err.contains("warning[PC1011]"));
    let ran = with("// portcullis: allow PC0007 because");
    assert!(ran.err.contains("warning[PC9006]") && ran.err.contains("warning[PC1011]"));
}

#[test]
fn formats_and_streams() {
    let dir = bad();
    let ran = portcullis(dir.path(), &["check", "--format", "json"]);
    let line: serde_json::Value = serde_json::from_str(ran.err.trim()).unwrap();
    assert_eq!(line["code"], "PC1004");
    assert_eq!(line["file"], "a.gate");
    let to_stdout = ["check", "--format", "sarif", "--diagnostics", "stdout"];
    let ran = portcullis(dir.path(), &to_stdout);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let log: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "PC1004");
    let to_file = ["check", "--format", "sarif", "--diagnostics", "d.sarif"];
    let ran = portcullis(dir.path(), &to_file);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("", "error: 1 error\n")
    );
    let log = fs::read_to_string(dir.path().join("d.sarif")).unwrap();
    assert!(log.contains("PC1004"));
    // A run without faults leaves a valid, empty log, not the old one.
    let dir = good();
    fs::write(dir.path().join("d.sarif"), "old").unwrap();
    portcullis(dir.path(), &to_file);
    let log = fs::read_to_string(dir.path().join("d.sarif")).unwrap();
    assert!(log.contains("\"results\": []"));
    let ran = portcullis(
        dir.path(),
        &["compile", "--format", "sarif", "--diagnostics", "stdout"],
    );
    assert!(serde_json::from_str::<serde_json::Value>(&ran.out).is_ok());
}

#[test]
fn pipelines_and_actions() {
    let dir = bad();
    let ran = run(command(dir.path(), &["check"]).env("TF_BUILD", "True"));
    assert_eq!(ran.err, "");
    assert!(
        ran.out
            .starts_with("##vso[task.logissue type=error;sourcepath=a.gate;linenumber=4;"),
        "{}",
        ran.out
    );
    let ran = run(command(dir.path(), &["check", "--format", "text"]).env("TF_BUILD", "True"));
    assert!(ran.out.starts_with("error[PC1004]"), "{}", ran.out);
    let ran = run(command(dir.path(), &["check", "nowhere"]).env("TF_BUILD", "True"));
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (
            2,
            "##vso[task.logissue type=error;]there is no `nowhere`\n",
            ""
        )
    );
    let ran = run(command(dir.path(), &["check"]).env("GITHUB_ACTIONS", "true"));
    assert_eq!(ran.out, "");
    assert!(ran.err.starts_with("error[PC1004]"), "{}", ran.err);
    assert!(
        ran.err.contains("\n::error file=a.gate,line=4,"),
        "{}",
        ran.err
    );
}

#[test]
fn colour_is_asked_for() {
    let dir = bad();
    let colour = |args: &[&str], set: &[(&str, &str)]| {
        let mut command = command(dir.path(), &[&["check"], args].concat());
        command.envs(set.iter().copied());
        run(&mut command).err.contains('\u{1b}')
    };
    assert!(!colour(&[], &[]));
    assert!(colour(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colour(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colour(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!colour(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colour(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let dir = good();
    let mut child = command(dir.path(), &["catalog", "tags"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_fault() {
    let dir = good();
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command(dir.path(), &["explain", "PC1004"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write `standard output`"));
}

#[test]
fn explain() {
    let dir = tempfile::tempdir().unwrap();
    let ran = portcullis(dir.path(), &["explain", "pc1004"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("# PC1004: "));
    assert_eq!(
        portcullis(dir.path(), &["explain", "unknown-service-tag"]).out,
        ran.out
    );
    let ran = portcullis(dir.path(), &["explain", "PC1099"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("did you mean PC10"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["explain", "tcp", "10.0.0.1", "1.1.1.1:443"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
}

#[test]
fn a_catalogue_of_ones_own() {
    let dir = good();
    fs::write(dir.path().join("bad.txt"), "not a catalogue\n").unwrap();
    let ran = portcullis(dir.path(), &["check", "--catalog", "bad.txt"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("error[PC9008]") && ran.err.contains("--> bad.txt:1:1"),
        "{}",
        ran.err
    );
    let ran = portcullis(dir.path(), &["catalog", "tags", "--catalog", "gone.txt"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn an_old_catalogue_is_told_on_a_given_day() {
    let dir = good();
    let says = |args: &[&str]| {
        let ran = portcullis(dir.path(), &[&["check"], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.err.contains("warning[PC9002]")
    };
    assert!(!says(&[]));
    assert!(says(&["--as-of", "2090-01-01"]));
    assert!(!says(&["--as-of", "2000-01-01"]));
    let old = format!("{SETTINGS}as-of: 2090-01-01\n");
    fs::write(dir.path().join("portcullis.yaml"), &old).unwrap();
    assert!(says(&[]));
    assert!(!says(&["--as-of", "none"]));
    let patient = format!("{old}catalog: {{ max-age-days: 3650 }}\n");
    fs::write(dir.path().join("portcullis.yaml"), patient).unwrap();
    assert!(!says(&["--as-of", "2030-01-01"]));
}

const UNTIDY: &str =
    "endpoint   workloads=10.1.0.0/16\nallow a: tcp/443 from workloads   to 10.2.0.0/16\n";

#[test]
fn fmt_in_place_and_check() {
    let dir = folder(&[
        ("a.gate", UNTIDY),
        ("sub/b.gate", UNTIDY),
        (".x/c.gate", "{{{"),
    ]);
    let ran = portcullis(dir.path(), &["fmt", "--check"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (1, "a.gate is not formatted\nsub/b.gate is not formatted\n")
    );
    let ran = portcullis(dir.path(), &["fmt", "--diff"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.out.starts_with("--- a/a.gate\n+++ b/a.gate\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\n-endpoint   workloads=10.1.0.0/16\n"));
    assert_eq!(
        fs::read_to_string(dir.path().join("a.gate")).unwrap(),
        UNTIDY
    );
    let ran = portcullis(dir.path(), &["fmt"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "formatted a.gate\nformatted sub/b.gate\n")
    );
    assert_eq!(portcullis(dir.path(), &["fmt", "--check"]).code, 0);
}

#[test]
fn fmt_of_what_does_not_parse_changes_nothing() {
    let text = "endpoint = {\n";
    let dir = folder(&[("a.gate", text), ("b.gate", UNTIDY)]);
    let ran = portcullis(dir.path(), &["fmt"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("--> a.gate:1:"), "{}", ran.err);
    assert_eq!(fs::read_to_string(dir.path().join("a.gate")).unwrap(), text);
    assert_eq!(ran.out, "formatted b.gate\n");
}

#[test]
fn fmt_of_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = |args: &[&str], text: &str| {
        let mut child = command(dir.path(), &[&["fmt", "--stdin"], args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, tidy) = pipe(&[], UNTIDY);
    assert_eq!(code, 0);
    assert!(
        tidy.starts_with("endpoint workloads = 10.1.0.0/16\n"),
        "{tidy}"
    );
    assert_eq!(pipe(&["--check"], UNTIDY), (1, String::new()));
    assert_eq!(pipe(&["--check"], &tidy), (0, String::new()));
    assert_eq!(pipe(&[], "endpoint = {"), (1, String::new()));
}
