//! The same sources give the same bytes, whoever compiles them, where and when. It runs the program
//! in fresh processes; other orders of the same statements are the shuffles' work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cli::command;
use crate::oracle::load;

/// What happens to a source's text.
type Change = fn(String) -> String;

type Files = BTreeMap<String, Vec<u8>>;

#[test]
fn other_processes_folders_and_environments_give_the_same_bytes() {
    for project in projects() {
        let (first, second) = (copy(&project, |t| t), copy(&project, |t| t));
        let inside = compile(first.path(), ".", &[]);
        let elsewhere = tempfile::tempdir().unwrap();
        let path = second.path().to_string_lossy().into_owned();
        let outside = compile(
            elsewhere.path(),
            &path,
            &[
                ("TZ", "Pacific/Auckland"),
                ("LANG", "de_DE.UTF-8"),
                ("LC_ALL", "tr_TR.UTF-8"),
                ("HOME", "/nowhere"),
                ("USER", "somebody"),
                ("SOURCE_DATE_EPOCH", "1"),
                ("COLUMNS", "20"),
                ("GITHUB_ACTIONS", "true"),
                ("RUST_BACKTRACE", "1"),
            ],
        );
        assert!(inside.is_empty() && outside.is_empty(), "{inside}{outside}");
        same(&project, &output(first.path()), &output(second.path()));
        // A second time over the first output.
        compile(first.path(), ".", &[]);
        same(&project, &output(first.path()), &output(second.path()));
    }
}

#[test]
fn the_committed_output_is_what_compiling_gives() {
    for project in projects() {
        let fresh = copy(&project, |t| t);
        assert_eq!(compile(fresh.path(), ".", &[]), "");
        same(&project, &output(fresh.path()), &output(&project));
    }
}

#[test]
fn output_tells_neither_place_nor_time() {
    for project in projects() {
        let folder = copy(&project, |t| t);
        assert_eq!(compile(folder.path(), ".", &[]), "");
        let place = folder.path().to_string_lossy().into_owned();
        let root = load::root().to_string_lossy().into_owned();
        for (name, bytes) in output(folder.path()) {
            let text = String::from_utf8(bytes).unwrap();
            for word in [
                place.as_str(),
                &root,
                "/home/",
                "/root/",
                "/tmp/",
                "\\\\",
                "C:",
            ] {
                assert!(!text.contains(word), "{name} contains `{word}`");
            }
            assert!(!text.contains('\r') && text.ends_with('\n'), "{name}");
            for line in text.lines() {
                assert!(!has_time(line), "{name} tells a time: {line}");
            }
        }
    }
}

#[test]
fn line_ends_byte_order_marks_and_comments_change_nothing() {
    let ways: [(&str, Change); 4] = [
        ("CRLF", |t| t.replace('\n', "\r\n")),
        ("a byte order mark", |t| format!("\u{feff}{t}")),
        ("both", |t| format!("\u{feff}{}", t.replace('\n', "\r\n"))),
        ("comments", |t| {
            let mut out = String::from("// another remark\n");
            for line in t.lines().filter(|l| !l.trim_start().starts_with("//")) {
                if !line.is_empty() {
                    out.push_str("// before\n");
                }
                out.push_str(line);
                out.push('\n');
            }
            out.push_str("\n// the end\n");
            out
        }),
    ];
    for project in projects() {
        let plain = copy(&project, |t| t);
        assert_eq!(compile(plain.path(), ".", &[]), "");
        let wanted = output(plain.path());
        for (what, change) in ways {
            let other = copy(&project, change);
            let said = compile(other.path(), ".", &[]);
            assert_eq!(said, "", "{} with {what}", project.display());
            same(&project, &wanted, &output(other.path()));
        }
    }
}

/// Every project of the repository that has sources.
fn projects() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for area in ["policies", "examples"] {
        let folders = load::entries(&load::root().join(area)).unwrap();
        found.extend(
            folders
                .into_iter()
                .filter(|f| f.join("portcullis.yaml").is_file()),
        );
    }
    assert!(found.len() >= 2, "{found:?}");
    found
}

/// A project on its own, with the sources of the projects beside it, which it may use.
struct Copied {
    _folder: TempDir,
    project: PathBuf,
}

impl Copied {
    fn path(&self) -> &Path {
        &self.project
    }
}

/// A project's settings and changed sources in a folder of their own.
fn copy(project: &Path, change: impl Fn(String) -> String) -> Copied {
    let folder = tempfile::tempdir().unwrap();
    for sibling in load::entries(project.parent().unwrap()).unwrap() {
        if !sibling.is_dir() {
            continue;
        }
        let to = folder.path().join(sibling.file_name().unwrap());
        fs::create_dir(&to).unwrap();
        for path in load::entries(&sibling).unwrap() {
            let name = path.file_name().unwrap();
            if path.extension().is_some_and(|e| e == "gate") {
                let text = fs::read_to_string(&path).unwrap();
                fs::write(to.join(name), change(text)).unwrap();
            } else if path.is_file() && sibling == project {
                fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
    Copied {
        project: folder.path().join(project.file_name().unwrap()),
        _folder: folder,
    }
}

/// Compiles; what went wrong, or nothing.
fn compile(at: &Path, path: &str, environment: &[(&str, &str)]) -> String {
    let mut command = command(at, &["compile", path]);
    command.envs(environment.iter().copied());
    let ran = command.output().unwrap();
    if ran.status.success() {
        return String::new();
    }
    format!(
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    )
}

/// Everything below `out`, by path.
fn output(project: &Path) -> Files {
    let mut files = Files::new();
    let top = project.join("out");
    let mut open = vec![top.clone()];
    while let Some(folder) = open.pop() {
        for path in load::entries(&folder).unwrap() {
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(&top).unwrap().to_string_lossy();
            files.insert(name.replace('\\', "/"), fs::read(&path).unwrap());
        }
    }
    assert!(!files.is_empty(), "{} has no output", project.display());
    files
}

fn same(project: &Path, a: &Files, b: &Files) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(a), names(b), "{}", project.display());
    for (name, bytes) in a {
        assert!(
            *bytes == b[name],
            "{}: {name} differs\n{}\n{}",
            project.display(),
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&b[name])
        );
    }
}

/// `12:34:56` somewhere in a line.
fn has_time(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.windows(8).any(|w| {
        let digit = |i: usize| w[i].is_ascii_digit();
        digit(0)
            && digit(1)
            && w[2] == b':'
            && digit(3)
            && digit(4)
            && w[5] == b':'
            && digit(6)
            && digit(7)
    })
}
