//! The documentation as tests: every example in it is run, every link leads somewhere, the code map
//! is that of the sources. It does not judge prose.
//!
//! What a code block is taken for:
//!
//! | block | is |
//! |---|---|
//! | `gate` | a whole policy, which must pass `portcullis check` |
//! | `gate`, `<!-- fragment -->` above | a part of one, which must parse |
//! | any, `<!-- part of PATH -->` above | an excerpt of that file of the repository, word for word |
//! | any, `<!-- file: NAME -->` above | a file that the commands after it find in their folder |
//! | `diff`, `<!-- edit: NAME -->` above | a change of such a file |
//! | `json` | an excerpt of a committed output file |
//! | `console` | commands after `$ `, each with exactly what it prints; a line `...` stands for others |
//!
//! `PORTCULLIS_BLESS=1 cargo test --test it docs` writes what commands print into the pages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::cli::{command, portcullis, run};
use crate::examples::{blessing, copy_folder, files, projects, root};

/// Pages whose examples are run, besides the README of every example.
const PAGES: [&str; 4] = [
    "README.md",
    "docs/guide.md",
    "grammar/semantics.md",
    "policies/README.md",
];

/// Pages whose links are followed, besides those and docs/adr.
const LINKED: [&str; 7] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "STYLE.md",
    "catalog/README.md",
    "action/README.md",
    "examples/ci/README.md",
];

/// The commands that a fresh clone needs.
const TWO_COMMANDS: [&str; 2] = ["cargo run --release -- compile policies/apim", "cargo test"];

/// Commands that are shown and not run here: the first cannot be, it would run this test.
const NOT_RUN: [&str; 3] = ["cargo test", "git clone ", "cd "];

/// A fenced block.
struct Block {
    /// The line of its first content line, from 1.
    line: usize,
    language: String,
    /// What stands in the comment above.
    directive: String,
    text: String,
}

#[test]
fn examples_run() {
    let mut wrong = Vec::new();
    let (mut checked, mut fragments, mut commands) = (0, 0, 0);
    for page in pages() {
        let text = read(&page);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let folder = tempfile::tempdir().unwrap();
        let here = prepare(&page, folder.path());
        // Blessing changes the number of lines, so new text is put in from the end.
        let mut replaced: Vec<(usize, usize, String)> = Vec::new();
        for block in blocks(&text) {
            let at = format!("{page}:{}", block.line);
            if let Some(path) = block.directive.strip_prefix("part of ") {
                if !read(path).contains(&block.text) {
                    wrong.push(format!("{at}: is not a part of {path}"));
                }
            } else if let Some(name) = block.directive.strip_prefix("file: ") {
                let path = here.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, &block.text).unwrap();
            } else if let Some(name) = block.directive.strip_prefix("edit: ") {
                let old = fs::read_to_string(here.join(name)).unwrap();
                let (before, after) = sides(&block.text);
                if old.matches(&before).count() != 1 {
                    wrong.push(format!("{at}: does not fit {name} at one place"));
                }
                fs::write(here.join(name), old.replace(&before, &after)).unwrap();
            } else if block.language == "gate" && block.directive == "fragment" {
                fragments += 1;
                wrong.extend(fault_of_fragment(&at, &block.text));
            } else if block.language == "gate" {
                checked += 1;
                wrong.extend(fault_of_policy(&at, &block.text));
            } else if block.language == "json" {
                wrong.extend(fault_of_excerpt(&at, &block.text));
            } else if block.language == "console" {
                let (faults, ran, real) = session(&at, &block.text, &here);
                commands += ran;
                if blessing() && !faults.is_empty() && !block.text.lines().any(|l| l == "...") {
                    let first = block.line - 1;
                    replaced.push((first, first + block.text.lines().count(), real));
                } else {
                    wrong.extend(faults);
                }
            }
        }
        if !replaced.is_empty() {
            for (from, to, text) in replaced.into_iter().rev() {
                lines.splice(from..to, text.lines().map(str::to_owned));
            }
            fs::write(root().join(&page), lines.join("\n") + "\n").unwrap();
        }
    }
    println!("{checked} policies checked, {fragments} fragments parsed, {commands} commands run");
    report(
        &wrong,
        "PORTCULLIS_BLESS=1 cargo test --test it docs writes what commands print; mark a part of a policy with <!-- fragment -->",
    );
}

#[test]
fn the_readme_has_exactly_the_two_commands() {
    let found: Vec<String> = blocks(&read("README.md"))
        .into_iter()
        .filter(|block| ["console", "sh", "bash", "shell"].contains(&block.language.as_str()))
        .flat_map(|block| commands(&block.text))
        .map(|(command, _)| command)
        .filter(|command| !command.starts_with("git clone ") && !command.starts_with("cd "))
        .collect();
    assert_eq!(found, TWO_COMMANDS);
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut all = pages();
    all.extend(LINKED.map(str::to_owned));
    let decisions = files(&root().join("docs/adr"));
    all.extend(decisions.keys().map(|name| format!("docs/adr/{name}")));
    for page in all {
        let text = read(&page);
        let home = Path::new(&page).parent().unwrap();
        for (index, line) in text.lines().enumerate() {
            for (_, rest) in line
                .match_indices("](")
                .map(|(at, _)| line.split_at(at + 2))
            {
                let target = rest.split(')').next().unwrap_or("");
                let path = target.split('#').next().unwrap_or("");
                if path.is_empty() || path.contains("://") {
                    continue;
                }
                if !root().join(home).join(path).exists() {
                    wrong.push(format!("{page}:{}: {target}", index + 1));
                }
            }
        }
    }
    report(&wrong, "links are relative to the page");
}

#[test]
fn the_code_map_is_that_of_the_sources() {
    let map = read("ARCHITECTURE.md");
    let mut wrong = Vec::new();
    // Every folder is in the map, and what the map names exists.
    let sources = files(&root().join("src"));
    let folders = sources
        .keys()
        .filter_map(|path| path.rsplit_once('/').map(|(folder, _)| folder));
    for folder in folders {
        let entry = format!("src/{folder}/");
        if !map.contains(&entry) && !wrong.contains(&entry) {
            wrong.push(entry);
        }
    }
    let named = map.split('`').skip(1).step_by(2);
    for path in named.filter(|part| part.starts_with("src/") || part.starts_with("tests/")) {
        if !root().join(path).exists() {
            wrong.push(format!("{path} (does not exist)"));
        }
    }
    // The modules stand in the order of src/lib.rs.
    let mut position = 0;
    for line in read("src/lib.rs").lines() {
        let Some(module) = line
            .strip_prefix("pub mod ")
            .and_then(|l| l.strip_suffix(';'))
        else {
            continue;
        };
        let entries = [
            format!("\n| `src/{module}/`"),
            format!("\n| `src/{module}.rs`"),
        ];
        let Some(at) = entries.iter().find_map(|entry| map.find(entry)) else {
            wrong.push(format!("src/{module} has no row of its own"));
            continue;
        };
        if at < position {
            wrong.push(format!("src/{module} stands before one that is above it"));
        }
        position = at;
    }
    report(&wrong, "correct the code map of ARCHITECTURE.md");
}

/// The pages whose examples are run.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = PAGES.map(str::to_owned).to_vec();
    pages.extend(
        projects()
            .iter()
            .map(|project| format!("{project}/README.md"))
            .filter(|page| root().join(page).is_file()),
    );
    pages
}

/// Fills the folder of a page's commands; the folder they run in.
fn prepare(page: &str, folder: &Path) -> std::path::PathBuf {
    if page.starts_with("docs/") || page.starts_with("grammar/") {
        return folder.to_path_buf();
    }
    for home in ["policies", "examples"] {
        copy_folder(&root().join(home), &folder.join(home), false);
    }
    folder.join(Path::new(page).parent().unwrap())
}

/// The fenced blocks of a page.
fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut directive = String::new();
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(language)) => {
                open = Some(Block {
                    line: index + 2,
                    language: language.to_owned(),
                    directive: std::mem::take(&mut directive),
                    text: String::new(),
                });
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => {
                directive = line
                    .strip_prefix("<!-- ")
                    .and_then(|rest| rest.strip_suffix(" -->"))
                    .unwrap_or("")
                    .to_owned();
            }
        }
    }
    assert!(open.is_none(), "a code block is not closed");
    found
}

/// What a change takes away and what it puts in its place, both with the lines around it.
fn sides(diff: &str) -> (String, String) {
    let side = |without: char| {
        diff.lines()
            .filter(|line| !line.starts_with(without))
            .map(|line| format!("{}\n", line.get(1..).unwrap_or("")))
            .collect()
    };
    (side('+'), side('-'))
}

fn fault_of_policy(at: &str, text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policy.gate"), text).unwrap();
    let ran = portcullis(folder.path(), &["check", "policy.gate"]);
    (ran.code != 0).then(|| format!("{at}: does not compile\n{}", ran.err))
}

fn fault_of_fragment(at: &str, text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["fmt", "--stdin"])
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
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then(|| format!("{at}: does not parse\n{said}"))
}

fn fault_of_excerpt(at: &str, text: &str) -> Option<String> {
    let wanted = one_line(text);
    let found = projects().iter().any(|project| {
        files(&root().join(project).join("out"))
            .values()
            .any(|file| one_line(file).contains(&wanted))
    });
    (!found).then(|| format!("{at}: no committed output has this"))
}

/// Runs the commands of a block; the faults, how many ran, and the block as it should be.
fn session(at: &str, text: &str, here: &Path) -> (Vec<String>, usize, String) {
    let (mut wrong, mut ran, mut real) = (Vec::new(), 0, String::new());
    let mut last_code = 0;
    for (line, shown) in commands(text) {
        real.push_str(&format!("$ {line}\n"));
        if NOT_RUN.iter().any(|prefix| line.starts_with(prefix)) {
            real.push_str(&shown);
            continue;
        }
        let words = words(&line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let printed = match words.as_slice() {
            ["portcullis", args @ ..] | ["cargo", "run", "--release", "--", args @ ..] => {
                let said = run(&mut command(here, args));
                last_code = said.code;
                // As a terminal shows it: diagnostics come before results.
                said.err + &said.out
            }
            ["cat", file] => fs::read_to_string(here.join(file)).unwrap_or_default(),
            ["echo", "$?"] => format!("{last_code}\n"),
            _ => {
                wrong.push(format!("{at}: do not know how to run `{line}`"));
                continue;
            }
        };
        ran += 1;
        let printed: String = printed
            .lines()
            .map(|l| l.trim_end().to_owned() + "\n")
            .collect();
        if !agrees(&shown, &printed) {
            wrong.push(format!(
                "{at}: `{line}` prints something else:\n{printed}instead of:\n{shown}"
            ));
        }
        real.push_str(&printed);
    }
    (wrong, ran, real)
}

/// The commands of a console block, each with the text shown below it.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.trim().to_owned(), String::new())),
            (None, Some((_, shown))) => {
                shown.push_str(line);
                shown.push('\n');
            }
            (None, None) => panic!("a console block begins with `{line}`, not with a command"),
        }
    }
    found
}

/// The words of a command line; double quotes keep spaces.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            found.push(part.to_owned());
        } else {
            found.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    found
}

/// True if what is shown is what was printed, a line `...` standing for any others.
fn agrees(shown: &str, printed: &str) -> bool {
    let parts: Vec<&str> = shown.split("...\n").collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return shown == printed;
    };
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The text without white space, so that an excerpt may be laid out in fewer lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn report(wrong: &[String], help: &str) {
    assert!(
        wrong.is_empty(),
        "\n  {}\n  help: {help}\n",
        wrong.join("\n  ")
    );
}

#[test]
fn left_out_lines_are_understood() {
    assert!(agrees("a\nb\n", "a\nb\n"));
    assert!(!agrees("a\n", "a\nb\n"));
    assert!(agrees("a\n...\nd\n", "a\nb\nc\nd\n"));
    assert!(agrees("...\nb\n...\n", "a\nb\nc\n"));
    assert!(!agrees("a\n...\nc\n", "a\nb\nd\n"));
    assert!(!agrees("...\nx\n...\n", "a\nb\nc\n"));
}
