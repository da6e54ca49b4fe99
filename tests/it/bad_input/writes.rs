//! A disk that gives out in the middle of writing: after every step the old files are whole or the
//! new ones complete, nothing temporary stays, and the next run puts everything right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{assert_same, everything, more, project, run};

/// More steps than one compilation of the project takes.
const STEPS: usize = 200;

/// The steps of writing can be made to fail only where there are debug assertions.
fn without_seam() -> bool {
    let without = !cfg!(debug_assertions);
    if without {
        println!("skipped: a build without debug assertions");
    }
    without
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with(".portcullis-")
}

/// Runs with a fault at every step in turn, until the run has fewer steps than that.
fn at_every_step(kind: &str, judge: impl Fn(i32, &str)) -> usize {
    let change = "group later {\n  allow more: tcp/1 from workloads to 10.9.0.4 for \"x\"\n}\n";
    let good = project();
    let old = everything(good.path());
    more(good.path(), change);
    assert_eq!(run(good.path(), &["compile"], &[]).code, 0);
    let new = everything(good.path());
    for step in 1..STEPS {
        let dir = project();
        more(dir.path(), change);
        let fault = format!("{kind}:{step}");
        let ran = run(
            dir.path(),
            &["compile"],
            &[("PORTCULLIS_TEST_WRITE", fault.as_str())],
        );
        let mut after = everything(dir.path());
        if ran.code == 0 {
            assert_same(&fault, &new, &after);
            return step - 1;
        }
        judge(ran.code, &ran.err);
        let temporary: Vec<PathBuf> = after.keys().filter(|p| is_temporary(p)).cloned().collect();
        assert!(
            kind == "stop" || temporary.is_empty(),
            "{fault}: {temporary:?}"
        );
        after.retain(|path, _| !is_temporary(path));
        assert_old_or_new(&fault, &old, &new, &after);
        // The next run mends it, whatever was left.
        assert_eq!(run(dir.path(), &["compile"], &[]).code, 0, "{fault}");
        let mut mended = everything(dir.path());
        mended.retain(|path, _| !is_temporary(path));
        assert_same(&fault, &new, &mended);
    }
    panic!("no run came to its end");
}

fn assert_old_or_new(
    name: &str,
    old: &BTreeMap<PathBuf, Vec<u8>>,
    new: &BTreeMap<PathBuf, Vec<u8>>,
    now: &BTreeMap<PathBuf, Vec<u8>>,
) {
    for path in old.keys().chain(now.keys()) {
        let found = now.get(path);
        assert!(
            found.is_some() && (found == old.get(path) || found == new.get(path)),
            "{name}: {} is neither old nor new",
            path.display()
        );
    }
}

#[test]
fn a_disk_that_is_full_at_any_step() {
    if without_seam() {
        return;
    }
    let steps = at_every_step("fail", |code, said| {
        assert_eq!(code, 2, "{said}");
        assert!(said.starts_with("error: cannot write `"), "{said}");
        assert!(said.contains("there is no space left"), "{said}");
    });
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_machine_that_stops_at_any_step() {
    if without_seam() {
        return;
    }
    let steps = at_every_step("stop", |code, said| {
        assert!(code < 0 && said.is_empty(), "{code}: {said}");
    });
    assert!(steps > 20, "{steps}");
}

/// More files than the process may hold open, and a limit on the size of a file: both by the shell.
#[cfg(target_os = "linux")]
#[test]
fn limits_of_the_system() {
    let shell = |folder: &Path, script: &str| {
        let output = std::process::Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_portcullis")])
            .current_dir(folder)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap_or(-1), said)
    };
    let dir = project();
    for n in 0..50 {
        more(
            dir.path(),
            &format!(
                "group g{n} {{ allow x: tcp/{} from workloads to 10.9.0.4 for \"x\" }}\n",
                n + 1
            ),
        );
    }
    let before = everything(dir.path());
    // Output of two kilobytes and more cannot be written.
    let (code, said) = shell(dir.path(), "trap '' XFSZ; ulimit -f 1; exec \"$0\" compile");
    assert_eq!(code, 2, "{said}");
    assert!(said.starts_with("error: cannot write `"), "{said}");
    assert_same("size", &before, &everything(dir.path()));
    let (code, said) = shell(dir.path(), "ulimit -n 24; exec \"$0\" compile");
    assert_eq!(code, 0, "{said}");
    assert!(dir.path().join("out/prod/manifest.json").is_file());
}

/// A link in the place of an output file is replaced; what it leads to is not written to.
#[cfg(unix)]
#[test]
fn links_in_the_output_are_not_followed() {
    let dir = project();
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    for path in ["out/prod/manifest.json", "portcullis.lock"] {
        let file = dir.path().join(path);
        let text = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        if path == "portcullis.lock" {
            // A lock that is a link is read through it.
            fs::write(outside.path().join("lock"), text).unwrap();
            std::os::unix::fs::symlink(outside.path().join("lock"), &file).unwrap();
        } else {
            std::os::unix::fs::symlink(&precious, &file).unwrap();
        }
    }
    more(
        dir.path(),
        "allow more: tcp/1 from workloads to 10.9.0.4 for \"x\"\n",
    );
    let before = fs::read(outside.path().join("lock")).unwrap();
    assert_eq!(run(dir.path(), &["compile"], &[]).code, 1);
    assert_eq!(run(dir.path(), &["compile", "--force"], &[]).code, 0);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert_eq!(fs::read(outside.path().join("lock")).unwrap(), before);
    for path in ["out/prod/manifest.json", "portcullis.lock"] {
        let kind = fs::symlink_metadata(dir.path().join(path)).unwrap();
        assert!(kind.is_file(), "{path}");
    }
}

/// Formatting writes through a link, so that the link stays one.
#[cfg(unix)]
#[test]
fn a_linked_source_stays_linked() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("real.txt"), "endpoint   a=any\n").unwrap();
    std::os::unix::fs::symlink("real.txt", dir.path().join("a.gate")).unwrap();
    assert_eq!(run(dir.path(), &["fmt"], &[]).code, 0);
    let text = fs::read_to_string(dir.path().join("real.txt")).unwrap();
    assert_eq!(text, "endpoint a = any\n");
    let kind = fs::symlink_metadata(dir.path().join("a.gate")).unwrap();
    assert!(kind.is_symlink());
}
