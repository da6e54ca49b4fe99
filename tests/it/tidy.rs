//! The architecture as tests: who may use whom, where IO lives, sizes, first lines, one raising place
//! for each code. It reads the sources as text and is no substitute for reading them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod rust_text;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::diag::CODES;

use rust_text::{paths, product_code, without_comments};

/// What each module of `src` may use. The order is that of the data flow; the lists are written out
/// so that a new edge is a decision and shows in a diff. `*` stands for every module above.
const EDGES: [(&str, &[&str]); 25] = [
    ("source", &[]),
    ("diag", &["source"]),
    ("syntax", &["source", "diag"]),
    ("fmt", &["source", "diag", "syntax"]),
    ("catalog", &["source", "diag"]),
    // syntax: the dates of the syntax tree.
    ("config", &["source", "diag", "catalog", "syntax"]),
    // syntax: the verbs, protocol words and dates that the model shares with the tree.
    ("model", &["source", "syntax"]),
    // model: address and port sets.
    ("packet", &["model"]),
    ("resolve", &["source", "diag", "syntax", "catalog", "model"]),
    ("path", &["source", "catalog", "model"]),
    ("denote", &["model", "packet", "path"]),
    (
        "analyze",
        &[
            "source", "diag", "syntax", "catalog", "config", "model", "packet", "path", "denote",
        ],
    ),
    ("allocate", &[]),
    ("backends", &["*"]),
    // backends: its resource tree only, checked below. allocate: files hold numbers to take over.
    (
        "wrap",
        &["source", "diag", "config", "allocate", "backends"],
    ),
    // What the rooms read in resources, and what was asked.
    ("reach", &["*"]),
    // What the rooms read, composed as `reach` composes it, from resources that nobody compiled.
    (
        "foreign",
        &[
            "source", "diag", "catalog", "model", "packet", "path", "backends", "reach",
        ],
    ),
    ("proof", &["*"]),
    ("query", &["*"]),
    // What a policy promises by `required` is judged like a test; what the proof finds of it is told.
    ("trials", &["*"]),
    // What differs between two sides, and the writes that make one of the other.
    ("diff", &["*"]),
    // One policy as data, its verdicts those of trials.
    ("inventory", &["*"]),
    // Data in, text out: no set, no policy. packet: the word of a verdict. diag: what ASCII is,
    // escapes and SARIF, which diagnostics have too.
    ("review", &["diag", "packet", "diff", "inventory"]),
    ("driver", &["*"]),
    ("cli", &["*"]),
];

/// Edges against the order, each with its reason.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

/// The only files that may touch files, the environment, the clock or the process.
const IO_FILES: [&str; 4] = [
    "src/cli/io.rs",
    "src/cli/io/ground.rs",
    "src/cli/io/write.rs",
    "src/main.rs",
];
const IO_MODULES: [&str; 4] = ["fs", "env", "time", "process"];

/// The longest a file may be.
const MOST_LINES: usize = 800;

/// Files that may be longer, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Rooms by name, where one is a single file.
const ROOMS: [&str; 6] = [
    "firewall_policy",
    "classic_firewall",
    "nsg",
    "udr",
    "route_table",
    "ip_group",
];

/// One source file.
struct File {
    /// Below the repository, forward slashes: `src/syntax/lex.rs`.
    path: String,
    /// As written.
    text: String,
    /// Without comments, the contents of literals and test code; line breaks kept.
    code: String,
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let mut wrong = Vec::new();
    for file in product() {
        let from = module(&file.path);
        let Some(position) = EDGES.iter().position(|(name, _)| *name == from[0]) else {
            if from[0] != "lib" && from[0] != "main" {
                wrong.push(format!(
                    "{}: module `{}` is not in the table of edges (tests/it/tidy.rs)",
                    file.path, from[0]
                ));
            }
            continue;
        };
        let above: Vec<&str> = EDGES[..position].iter().map(|(name, _)| *name).collect();
        for (line, to) in uses(&file) {
            let Some(to) = to.first() else { continue };
            let known = EDGES.iter().any(|(name, _)| name == to);
            if *to == from[0] || !known {
                continue;
            }
            let listed = EDGES[position].1;
            let allowed = if listed == ["*"] {
                above.contains(&to.as_str())
            } else {
                listed.contains(&to.as_str())
            };
            let excepted = EXCEPTIONS
                .iter()
                .any(|(a, b, reason)| *a == from[0] && b == to && !reason.is_empty());
            if !allowed && !excepted {
                wrong.push(format!(
                    "{}:{line}: `{}` uses `{to}`; it may use {}",
                    file.path,
                    from[0],
                    if listed == ["*"] {
                        above.join(", ")
                    } else {
                        listed.join(", ")
                    }
                ));
            }
        }
    }
    report(
        wrong,
        "move the code, or the type it needs, to where both may see it; EDGES and EXCEPTIONS in tests/it/tidy.rs say what is allowed and why",
    );
}

#[test]
fn rooms_do_not_know_each_other() {
    // Every folder is a room; so is a file that has the name of one.
    let mut rooms: Vec<String> = folders(&root().join("src/backends"));
    rooms.extend(ROOMS.map(str::to_owned));
    let mut wrong = Vec::new();
    for file in product() {
        let from = module(&file.path);
        for (line, to) in uses(&file) {
            if to.len() < 2 || to[0] != "backends" {
                continue;
            }
            let own = from[0] == "backends" && from.get(1) == Some(&to[1]);
            let registry = file.path == "src/backends/mod.rs";
            if rooms.contains(&to[1]) && !own && !registry {
                wrong.push(format!(
                    "{}:{line}: uses the room `{}`; only src/backends/mod.rs sees the rooms",
                    file.path, to[1]
                ));
            }
            if from[0] == "wrap" && !["resource", "tree"].contains(&to[1].as_str()) {
                wrong.push(format!(
                    "{}:{line}: a wrapper uses `backends::{}`; it may see the resource tree only",
                    file.path, to[1]
                ));
            }
        }
    }
    report(wrong, "go through src/backends/mod.rs or the resource tree");
}

#[test]
fn only_the_command_does_io() {
    let mut wrong = Vec::new();
    for file in product() {
        if IO_FILES.contains(&file.path.as_str()) {
            continue;
        }
        for (line, path) in paths(&file.code, "std") {
            if let Some(part) = path.get(1).filter(|p| IO_MODULES.contains(&p.as_str())) {
                wrong.push(format!("{}:{line}: std::{part}", file.path));
            }
        }
        if !file.path.starts_with("src/cli/") {
            for word in ["print!", "println!", "eprint!", "eprintln!"] {
                for line in lines_with_word(&file.code, word) {
                    wrong.push(format!("{}:{line}: {word}", file.path));
                }
            }
        }
    }
    report(
        wrong,
        "the core is pure: take a value as a parameter and let src/cli/io.rs make it",
    );
}

#[test]
fn files_are_short() {
    let mut wrong = Vec::new();
    for file in product().into_iter().chain(tests()) {
        let lines = file.text.lines().count();
        let allowed = LONG_FILES
            .iter()
            .any(|(path, reason)| *path == file.path && !reason.is_empty());
        if lines > MOST_LINES && !allowed {
            wrong.push(format!(
                "{}: {lines} lines, at most {MOST_LINES}",
                file.path
            ));
        }
    }
    for (path, _) in LONG_FILES {
        let lines = fs::read_to_string(root().join(path)).map_or(0, |t| t.lines().count());
        if lines <= MOST_LINES {
            wrong.push(format!("{path}: needs its exception no longer"));
        }
    }
    report(wrong, "one idea per file: split it");
}

#[test]
fn every_file_says_what_it_is() {
    let mut wrong = Vec::new();
    for file in product().into_iter().chain(tests()) {
        let first = file.text.lines().next().unwrap_or("");
        if !first.starts_with("//! ") {
            wrong.push(format!("{}: begins with `{first}`", file.path));
        } else if first.contains("Not written yet") {
            wrong.push(format!("{}: is not written yet", file.path));
        }
    }
    report(
        wrong,
        "begin with `//! ` and a sentence: what the file is, and what it is not",
    );
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for file in product() {
        for word in ["TODO", "FIXME", "XXX"] {
            for line in lines_with_word(&file.text, word) {
                wrong.push(format!("{}:{line}: {word}", file.path));
            }
        }
        for word in ["todo!", "unimplemented!", "dbg!"] {
            for line in lines_with_word(&without_comments(&file.text), word) {
                wrong.push(format!("{}:{line}: {word}", file.path));
            }
        }
    }
    report(wrong, "do it, or write it down in the documentation");
}

#[test]
fn foreign_crates_stay_in_their_place() {
    let mut wrong = Vec::new();
    for file in product() {
        for (name, place) in [
            ("annotate_snippets", "src/diag/render_text.rs"),
            ("nom", "src/syntax/"),
        ] {
            let bare = format!("use {name}");
            let mut lines: Vec<usize> = paths(&file.code, name).into_iter().map(|p| p.0).collect();
            lines.extend(lines_with_word(&file.code, &bare));
            lines.dedup();
            if file.path.starts_with(place) {
                continue;
            }
            for line in lines {
                wrong.push(format!(
                    "{}:{line}: {name}, which stays in {place}",
                    file.path
                ));
            }
        }
    }
    report(wrong, "use our own types at the boundary");
}

#[test]
fn every_code_is_raised_at_one_place() {
    let mut places: BTreeMap<&str, Vec<String>> = CODES.iter().map(|c| (c.id, vec![])).collect();
    for file in product() {
        if file.path == "src/diag/code.rs" {
            continue;
        }
        for (line, path) in paths(&file.code, "Code") {
            if let Some(places) = path.get(1).and_then(|id| places.get_mut(id.as_str())) {
                places.push(format!("{}:{line}", file.path));
            }
        }
    }
    let missing: Vec<&str> = places
        .iter()
        .filter(|(_, at)| at.is_empty())
        .map(|(id, _)| *id)
        .collect();
    let mut wrong = Vec::new();
    if !missing.is_empty() {
        wrong.push(format!(
            "{} of {} codes are raised nowhere: {}",
            missing.len(),
            CODES.len(),
            missing.join(", ")
        ));
    }
    for (id, at) in &places {
        if at.len() > 1 {
            wrong.push(format!(
                "{id} stands at {} places: {}",
                at.len(),
                at.join(", ")
            ));
        }
    }
    report(
        wrong,
        "write `Code::PCnnnn` once, in a small constructor that all callers use",
    );
}

#[test]
fn the_oracle_shares_no_code_with_the_compiler() {
    let mut wrong = Vec::new();
    for file in tests() {
        if !file.path.starts_with("tests/it/oracle/") {
            continue;
        }
        for (line, _) in paths(&file.code, "portcullis") {
            wrong.push(format!("{}:{line}", file.path));
        }
        for line in lines_with_word(&file.code, "use portcullis") {
            wrong.push(format!("{}:{line}", file.path));
        }
    }
    report(wrong, "an oracle that asks the compiler proves nothing");
}

#[test]
fn no_tracked_file_names_the_place_it_was_made_at() {
    // Written in halves, so that this file passes its own test.
    let places = [concat!("/wo", "rk/"), concat!("/tm", "p/w")];
    let mut wrong = Vec::new();
    for path in tracked() {
        let Ok(bytes) = fs::read(root().join(&path)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        for (index, line) in text.lines().enumerate() {
            for place in places {
                if names_path(line, place) {
                    wrong.push(format!("{path}:{}: {place}", index + 1));
                }
            }
        }
    }
    report(wrong, "write a path below the repository");
}

/// Whether a line names an absolute path that starts so; the end of a longer word does not.
fn names_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        let starts = before.is_none_or(|c| !c.is_alphanumeric() && !"._-~/}".contains(c));
        let ends = place.ends_with('/') || after.is_none_or(|c| !c.is_alphanumeric());
        starts && ends
    })
}

/// Lines on which a word stands by itself.
fn lines_with_word(text: &str, word: &str) -> Vec<usize> {
    let inner = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let stands = line.match_indices(word).any(|(at, _)| {
            !line[..at].chars().next_back().is_some_and(inner)
                && !line[at + word.len()..].chars().next().is_some_and(inner)
        });
        if stands {
            found.push(index + 1);
        }
    }
    found
}

/// The modules of this crate that a file uses, as absolute paths without `crate`, with their lines.
fn uses(file: &File) -> Vec<(usize, Vec<String>)> {
    let own = module(&file.path);
    let mut found = Vec::new();
    for (line, path) in paths(&file.code, "crate") {
        found.push((line, path[1..].to_vec()));
    }
    for (line, path) in paths(&file.code, "super") {
        let ups = path.iter().take_while(|part| *part == "super").count();
        if ups <= own.len() {
            let mut absolute = own[..own.len() - ups].to_vec();
            absolute.extend_from_slice(&path[ups..]);
            found.push((line, absolute));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `src/syntax/parse/flow.rs` is `syntax::parse::flow`; `src/syntax/mod.rs` is `syntax`.
fn module(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner
        .trim_end_matches("/mod")
        .split('/')
        .map(str::to_owned)
        .collect()
}

fn product() -> Vec<File> {
    read("src")
}

fn tests() -> Vec<File> {
    read("tests/it")
}

/// Every Rust file below a folder, sorted, without those that are compiled for tests only.
fn read(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut only_tests = Vec::new();
    for path in walk(&root().join(folder)) {
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (code, test_modules) = product_code(&text);
        let below = below_root(&path);
        let home = below
            .trim_end_matches("/mod.rs")
            .trim_end_matches(".rs")
            .to_owned();
        let home = match below.as_str() {
            "src/lib.rs" | "src/main.rs" => "src".to_owned(),
            _ => home,
        };
        only_tests.extend(test_modules.iter().map(|name| format!("{home}/{name}")));
        found.push(File {
            path: below,
            text,
            code,
        });
    }
    for file in &mut found {
        let is_test = only_tests.iter().any(|module| {
            file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/"))
        });
        if is_test {
            file.code.clear();
        }
    }
    assert!(!found.is_empty(), "no Rust file below {folder}");
    found
}

/// What git tracks; without git, every file outside the build folder.
fn tracked() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output();
    match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            String::from_utf8_lossy(&output.stdout)
                .split('\0')
                .filter(|path| !path.is_empty())
                .map(str::to_owned)
                .collect()
        }
        _ => walk(&root()).iter().map(|p| below_root(p)).collect(),
    }
}

/// Every file below a folder, sorted, without build and hidden folders.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if !entry.is_dir() {
            found.push(entry);
        } else if !name.starts_with('.') && name != "target" {
            found.extend(walk(&entry));
        }
    }
    found
}

fn folders(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

fn below_root(path: &Path) -> String {
    let below = path.strip_prefix(root()).unwrap_or(path);
    below.to_string_lossy().replace('\\', "/")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn report(wrong: Vec<String>, help: &str) {
    assert!(
        wrong.is_empty(),
        "\n  {}\n  help: {help}\n",
        wrong.join("\n  ")
    );
}

#[test]
fn paths_of_a_place_are_told_from_others() {
    let place = concat!("/wo", "rk/");
    for (before, expected) in [
        ("see ", true),
        ("\"", true),
        ("", true),
        ("frame", false),
        ("https://a.io", false),
        (".", false),
    ] {
        let line = format!("{before}{place}x");
        assert_eq!(names_path(&line, place), expected, "{line}");
    }
}
