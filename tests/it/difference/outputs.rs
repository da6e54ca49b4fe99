//! Where a difference goes: files that cannot be written, all or none of several, a pipe that closes.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use super::{diff, diff_command, folder, policy};

fn dir() -> tempfile::TempDir {
    folder(&[
        ("old.gate", &policy("tcp/443", "10.9.0.0/24")),
        ("new.gate", &policy("tcp/443", "10.9.0.0/23")),
    ])
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let mut out: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    out.sort();
    out
}

#[test]
fn nothing_is_half_written() {
    let dir = dir();
    let before = names(&dir);
    fs::create_dir(dir.path().join("folder")).unwrap();
    fs::write(dir.path().join("kept.json"), "as it was").unwrap();
    let with_folder = names(&dir);
    // A file in the place of a folder, and a folder in the place of a file.
    for bad in ["old.gate/out.md", "folder"] {
        let ran = diff(
            dir.path(),
            &[
                "old.gate",
                "new.gate",
                "--also",
                "json=kept.json",
                "--also",
                "sarif=new.sarif",
                "--also",
                &format!("markdown={bad}"),
            ],
        );
        assert_eq!(ran.code, 2, "{bad}: {}{}", ran.out, ran.err);
        assert_eq!(ran.out, "", "{bad}");
        assert!(ran.err.contains(bad), "{}", ran.err);
        assert_eq!(names(&dir), with_folder, "{bad}");
        let kept = fs::read_to_string(dir.path().join("kept.json")).unwrap();
        assert_eq!(kept, "as it was", "{bad}");
        let ran = diff(
            dir.path(),
            &[
                "old.gate",
                "new.gate",
                "--also",
                "json=kept.json",
                "-o",
                bad,
            ],
        );
        assert_eq!(ran.code, 2, "{bad}: {}", ran.err);
        let kept = fs::read_to_string(dir.path().join("kept.json")).unwrap();
        assert_eq!(kept, "as it was", "{bad}");
    }
    fs::remove_dir(dir.path().join("folder")).unwrap();
    fs::remove_file(dir.path().join("kept.json")).unwrap();
    assert_eq!(names(&dir), before);
}

#[test]
fn several_forms_are_written_at_once() {
    let dir = dir();
    let ran = diff(
        dir.path(),
        &[
            "old.gate",
            "new.gate",
            "--format",
            "markdown",
            "-o",
            "d.md",
            "--also",
            "json=d.json",
            "--also",
            "sarif=d.sarif",
            "--also",
            "html=d.html",
        ],
    );
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    for (name, words) in [
        ("d.md", "10.9.1.0/24"),
        ("d.json", "urn:portcullis:diff:1"),
        ("d.sarif", "\"2.1.0\""),
        ("d.html", "<html"),
    ] {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(text.contains(words), "{name}");
    }
    let twice = diff(
        dir.path(),
        &[
            "old.gate", "new.gate", "--also", "json=x", "--also", "sarif=x",
        ],
    );
    assert_eq!(twice.code, 2);
    assert!(twice.err.contains("two forms go to `x`"), "{}", twice.err);
    assert!(!dir.path().join("x").exists());
    for bad in ["json", "json=", "yaml=x", "junit=x"] {
        let ran = diff(dir.path(), &["old.gate", "new.gate", "--also", bad]);
        assert_eq!(ran.code, 2, "{bad}");
    }
}

#[test]
fn a_pipe_that_closes_is_no_fault() {
    let dir = dir();
    for format in ["json", "text", "html"] {
        let mut child = diff_command(dir.path(), &["old.gate", "new.gate", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        let status = child.wait().unwrap();
        assert!(!told.contains("panic"), "{format}: {told}");
        assert_ne!(status.code(), Some(101), "{format}: {told}");
    }
}
