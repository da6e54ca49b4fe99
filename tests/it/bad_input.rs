//! Bad input and bad surroundings, a case each: a clear error at its place, and nothing lost. Every
//! case is a project that has good output and a lock already; it is spoilt, compiled by the real
//! program, and must then be what it was, to the byte.
//!
//! Cases that are files stand in `tests/cases/bad-input`, a folder each, with what is said in
//! `stderr.txt`; `PORTCULLIS_BLESS=1 cargo test --test it bad_input` writes that. The others are made
//! here. Faults in the middle of writing are in `bad_input/writes.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod hostile;
mod writes;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::apim::root;
use crate::cli::{Ran, command};
use crate::examples::blessing;

/// Nothing takes longer, however hostile, on a slow machine without optimisation.
const TOO_LONG: Duration = Duration::from_secs(60);

fn cases() -> PathBuf {
    root().join("tests/cases/bad-input")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name != "stderr.txt" {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// The project of the cases, compiled.
fn project() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&cases().join("project"), dir.path());
    let ran = run(dir.path(), &["compile"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    dir
}

/// Runs the program, which must end by itself and in time.
fn run(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let logs = tempfile::tempdir().unwrap();
    let log = |name: &str| fs::File::create(logs.path().join(name)).unwrap();
    let mut child = command(folder, args)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(log("out"))
        .stderr(log("err"))
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > TOO_LONG {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{args:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = |name: &str| fs::read_to_string(logs.path().join(name)).unwrap();
    Ran {
        // Ended by a signal, as after a stack overflow.
        code: status.code().unwrap_or(-1),
        out: text("out"),
        err: text("err"),
    }
}

/// Everything below a folder: texts of files, targets of links, kinds of the rest.
fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let what = if kind.is_dir() {
                open.push(path.clone());
                b"folder".to_vec()
            } else if kind.is_symlink() {
                let to = fs::read_link(&path).unwrap();
                to.into_os_string().into_encoded_bytes()
            } else if kind.is_file() {
                fs::read(&path).unwrap()
            } else {
                b"other".to_vec()
            };
            found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), what);
        }
    }
    found
}

/// Compares without printing megabytes.
fn assert_same(
    name: &str,
    before: &BTreeMap<PathBuf, Vec<u8>>,
    after: &BTreeMap<PathBuf, Vec<u8>>,
) {
    for (path, what) in before {
        assert!(
            after.get(path) == Some(what),
            "{name}: {} is not what it was",
            path.display()
        );
    }
    for path in after.keys() {
        assert!(
            before.contains_key(path),
            "{name}: {} is new",
            path.display()
        );
    }
}

/// Compiles a spoilt project: nothing may change, and the program must not blame itself.
fn compile(name: &str, folder: &Path, args: &[&str]) -> Ran {
    let before = everything(folder);
    let ran = run(folder, &[&["compile"], args].concat(), &[]);
    let head: String = ran.err.chars().take(3000).collect();
    assert!(
        ran.code == 1 || ran.code == 2,
        "{name}: {}: {head}",
        ran.code
    );
    assert_eq!(ran.out, "", "{name}");
    assert!(ran.err.contains("error"), "{name}: {head}");
    for word in ["PC9004", "panicked", "overflow"] {
        assert!(!ran.err.contains(word), "{name}: {head}");
    }
    assert!(ran.err.len() < 100_000, "{name}: {} bytes", ran.err.len());
    assert_same(name, &before, &everything(folder));
    ran
}

#[test]
fn cases_that_are_files() {
    let mut wrong = Vec::new();
    let mut names: Vec<_> = fs::read_dir(cases())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "project")
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let case = cases().join(&name);
        let dir = project();
        copy(&case, dir.path());
        let ran = compile(&name, dir.path(), &[]);
        // Settings that cannot be read are a command that cannot run.
        let expected = if ran.err.contains("error[PC9001]") {
            2
        } else {
            1
        };
        assert_eq!(ran.code, expected, "{name}: {}", ran.err);
        assert!(ran.err.contains(" --> "), "{name}: {}", ran.err);
        let golden = case.join("stderr.txt");
        if blessing() {
            fs::write(&golden, &ran.err).unwrap();
        } else if fs::read_to_string(&golden).ok().as_deref() != Some(ran.err.as_str()) {
            wrong.push(format!("{name}: now says\n{}", ran.err));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nhelp: if this is meant, PORTCULLIS_BLESS=1 cargo test --test it bad_input",
        wrong.join("\n")
    );
}

/// Spoils a project.
type Spoil = fn(&Path);

fn gate(folder: &Path, text: impl AsRef<[u8]>) {
    fs::write(folder.join("a.gate"), text).unwrap();
}

/// Adds to the policy, which stays good otherwise.
fn more(folder: &Path, text: &str) {
    let old = fs::read_to_string(folder.join("a.gate")).unwrap();
    gate(folder, format!("{old}{text}"));
}

/// Name, what is spoilt, exit code, what is said.
type Row = (&'static str, Spoil, i32, &'static [&'static str]);

const MADE: &[Row] = &[
    (
        "binary",
        |f| {
            gate(
                f,
                (0..4000_u32)
                    .map(|n| (n * 7919 % 251) as u8)
                    .collect::<Vec<u8>>(),
            )
        },
        1,
        &[
            "error[PC0011]: the file holds bytes that are not UTF-8",
            "--> a.gate:1:",
        ],
    ),
    (
        "invalid UTF-8",
        |f| gate(f, b"endpoint a = any\nendpoint \xc3\x28 = any\n"),
        1,
        &[
            "error[PC0011]: the file holds bytes that are not UTF-8",
            "--> a.gate:2:10\n",
        ],
    ),
    (
        "UTF-16",
        |f| {
            gate(
                f,
                "endpoint a"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<u8>>(),
            )
        },
        1,
        &[
            "error[PC0011]: the file holds the control character U+0000",
            "--> a.gate:1:2\n",
        ],
    ),
    (
        "invalid UTF-8 in a module",
        |f| {
            fs::write(f.join("m.x"), b"\xef\xbb\xbfab\xff").unwrap();
            more(f, "use \"m.x\" as m\n");
        },
        1,
        &["error[PC0011]", "--> m.x:1:3\n", "error: 1 error\n"],
    ),
    (
        "a NUL",
        |f| more(f, "endpoint a = any\0\n"),
        1,
        &[
            "error[PC0011]: the file holds the control character U+0000",
            "--> a.gate:8:17\n",
        ],
    ),
    (
        "a mark that turns the order of reading",
        |f| more(f, "// \u{202e} x\n"),
        1,
        &["error[PC0011]", "--> a.gate:8:4\n"],
    ),
    (
        "a lone carriage return",
        |f| more(f, "// x\rendpoint a = any\n"),
        1,
        &["error[PC0011]", "--> a.gate:8:5\n"],
    ),
    (
        "50 MB of text",
        |f| gate(f, "endpoint a = any\n".repeat(50_000_000 / 17)),
        1,
        &[
            "error[PC1003]",
            "--> a.gate:1:1\n",
            "it is larger than 16 MiB",
        ],
    ),
    (
        "nesting 10,000 deep",
        |f| {
            more(
                f,
                &format!(
                    "endpoint a = {}x{}\n",
                    "[".repeat(10_000),
                    "]".repeat(10_000)
                ),
            )
        },
        1,
        &[
            "error[PC0012]: nesting deeper than 64 levels",
            "--> a.gate:8:78\n",
        ],
    ),
    (
        "a name of 10,000 characters",
        |f| {
            let name = "n".repeat(10_000);
            more(
                f,
                &format!("allow {name}: tcp/443 from workloads to 10.9.0.4 for \"x\"\n"),
            );
        },
        1,
        &[
            "error[PC3007]: the Azure name `nnn",
            "nnn…nnn",
            "--> a.gate:8:1\n",
        ],
    ),
    (
        "an unreadable file: a folder",
        |f| {
            fs::remove_file(f.join("a.gate")).unwrap();
            fs::create_dir(f.join("a.gate")).unwrap();
            let settings = fs::read_to_string(f.join("portcullis.yaml")).unwrap();
            fs::write(f.join("portcullis.yaml"), settings + "sources: [a.gate]\n").unwrap();
        },
        1,
        &[
            "error[PC1003]: cannot read the module file `a.gate`: it is a folder",
            "--> a.gate:1:1\n",
        ],
    ),
    (
        "a source that is not there",
        |f| {
            let settings = fs::read_to_string(f.join("portcullis.yaml")).unwrap();
            fs::write(
                f.join("portcullis.yaml"),
                settings + "sources: [a.gate, gone.gate]\n",
            )
            .unwrap();
        },
        1,
        &[
            "error[PC1003]: there is no module file `gone.gate`",
            "--> gone.gate:1:1\n",
        ],
    ),
    (
        "settings that are not UTF-8",
        |f| fs::write(f.join("portcullis.yaml"), b"version: 1\nproject: \xff\n").unwrap(),
        2,
        &[
            "error[PC9001]: the file holds bytes that are not UTF-8",
            "--> portcullis.yaml:2:10\n",
        ],
    ),
    (
        "a lock that is not UTF-8",
        |f| {
            let mut lock = fs::read(f.join("portcullis.lock")).unwrap();
            lock.extend(b"prod/fw/demo/rcg  \xff  1  1\n");
            fs::write(f.join("portcullis.lock"), lock).unwrap();
        },
        1,
        &[
            "error[PC7008]",
            "this is not text",
            "--> portcullis.lock:8:1\n",
        ],
    ),
    (
        "an empty lock",
        |f| fs::write(f.join("portcullis.lock"), "").unwrap(),
        1,
        &[
            "error[PC7008]",
            "cannot be read: it is empty",
            "--> portcullis.lock:1:1\n",
        ],
    ),
    (
        "environments that differ in case",
        |f| more(f, "env Prod { workloads = 10.3.0.0/16 }\n"),
        1,
        &[
            "error[PC1002]: environment `Prod` is defined twice",
            "--> a.gate:8:5\n",
        ],
    ),
    (
        "a lock of NULs, as a crash leaves it",
        |f| fs::write(f.join("portcullis.lock"), vec![0; 4096]).unwrap(),
        1,
        &[
            "error[PC7008]",
            "this is not text",
            "--> portcullis.lock:1:1\n",
        ],
    ),
    (
        "a lock of a million damaged lines",
        |f| {
            fs::write(
                f.join("portcullis.lock"),
                "what is this\n".repeat(1_000_000),
            )
            .unwrap()
        },
        1,
        &[
            "error[PC7008]",
            "--> portcullis.lock:1:1\n",
            "error: 50 errors\n",
        ],
    ),
    (
        "a folder in the place of the lock",
        |f| {
            fs::remove_file(f.join("portcullis.lock")).unwrap();
            fs::create_dir(f.join("portcullis.lock")).unwrap();
        },
        2,
        &["cannot read `portcullis.lock`"],
    ),
    (
        "an output folder that is a file",
        |f| {
            fs::remove_dir_all(f.join("out")).unwrap();
            fs::write(f.join("out"), "a file").unwrap();
        },
        2,
        &["error: cannot write `out`: it is not a folder\n"],
    ),
    (
        "a file in the place of a folder of the output",
        |f| {
            more(
                f,
                "allow more: tcp/1 from workloads to 10.9.0.4 for \"x\"\n",
            );
            fs::remove_dir_all(f.join("out/prod")).unwrap();
            fs::write(f.join("out/prod"), "a file").unwrap();
        },
        2,
        &["error: cannot write `out/prod/"],
    ),
    (
        "a folder in the place of a file of the output",
        |f| {
            more(
                f,
                "allow more: tcp/1 from workloads to 10.9.0.4 for \"x\"\n",
            );
            fs::remove_file(f.join("out/prod/manifest.json")).unwrap();
            fs::create_dir(f.join("out/prod/manifest.json")).unwrap();
        },
        1,
        &[
            "error[PC9003]: file `out/prod/firewall/demo/rcg/pc-30-allow-main.json` stands where output goes",
        ],
    ),
    (
        "an output path that is too long",
        |f| {
            let settings = fs::read_to_string(f.join("portcullis.yaml")).unwrap();
            let out = format!("out: {}\n", "o".repeat(3000));
            fs::write(f.join("portcullis.yaml"), settings + &out).unwrap();
        },
        2,
        &["error: cannot write `ooo"],
    ),
];

#[test]
fn cases_that_are_made() {
    for (name, spoil, code, says) in MADE {
        check(name, *spoil, *code, says);
    }
}

fn check(name: &str, spoil: impl Fn(&Path), code: i32, says: &[&str]) {
    let dir = project();
    spoil(dir.path());
    let ran = compile(name, dir.path(), &[]);
    let head: String = ran.err.chars().take(3000).collect();
    assert_eq!(ran.code, code, "{name}: {head}");
    for text in says {
        assert!(ran.err.contains(text), "{name}: {text:?} in {head}");
    }
}

/// What only Unix has among files.
#[cfg(unix)]
#[test]
fn files_that_are_none() {
    use std::os::unix::fs::symlink;
    let rows: [Row; 3] = [
        (
            "a pipe, which never ends",
            |f| {
                let made = std::process::Command::new("mkfifo")
                    .arg(f.join("b.gate"))
                    .status();
                assert!(made.unwrap().success());
            },
            1,
            &["`b.gate`: it is not a regular file", "--> b.gate:1:1\n"],
        ),
        (
            "a link that leads nowhere",
            |f| symlink("gone", f.join("b.gate")).unwrap(),
            1,
            &[
                "error[PC1003]: there is no module file `b.gate`",
                "--> b.gate:1:1\n",
            ],
        ),
        (
            "a link that leads to itself",
            |f| symlink("b.gate", f.join("b.gate")).unwrap(),
            1,
            &[
                "error[PC1003]: cannot read the module file `b.gate`",
                "--> b.gate:1:1\n",
            ],
        ),
    ];
    for (name, spoil, code, says) in rows {
        check(name, spoil, code, says);
    }
}
