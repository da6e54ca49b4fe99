//! Random damage to every policy, settings file and lock of the repository: whatever the text, the
//! compiler answers with output or with an error at a place, in time, and never panics. The damage is
//! drawn from a seed, so a fault that is found can be found again. It judges no wording.
//!
//! `PORTCULLIS_FUZZ=100000 cargo test --test it fuzz` draws so many texts in place of the few of an
//! ordinary run; `PORTCULLIS_FUZZ_SEED=7` begins elsewhere, or at the draw that a failure names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis::allocate::lock;
use portcullis::catalog::Catalog;
use portcullis::config;
use portcullis::diag::{
    Diagnostic, Severity, render_github, render_json, render_pipelines, render_sarif, render_text,
};
use portcullis::driver::{self, Memory, Options, OutFile, Project};
use portcullis::fmt;
use portcullis::source::{MemoryLoader, SourceMap};

use crate::apim::root;
use crate::lock::draw::Dice;

/// Draws of an ordinary run: some seconds without optimisation.
const DRAWS: u64 = 600;

/// No text of a few kilobytes takes longer, on a slow machine without optimisation.
const TOO_LONG: Duration = Duration::from_secs(20);

/// What is put into a text.
const PIECES: &[&str] = &[
    "",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\u{0}",
    "\u{7f}",
    "\u{feff}",
    "\u{a0}",
    "\u{200b}",
    "\u{2028}",
    "\u{202e}",
    "é",
    "\u{301}",
    "😀",
    "\"",
    "\\",
    "//",
    "/",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    ":",
    "::",
    "=",
    "==",
    "!=",
    "->",
    "-",
    "*",
    "*.",
    "${",
    "}",
    "$",
    "%",
    "#",
    "&",
    "<<<<<<< a\n",
    "=======\n",
    "0",
    "1",
    "-1",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999999",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/8",
    "10.0.0.1-10.0.0.0",
    "1.2.3.4/33",
    "255.255.255.255",
    "0000-01-01",
    "9999-12-31",
    "2027-02-30",
    "any",
    "allow",
    "deny",
    "forbid",
    "group",
    "ordered group",
    "except",
    "from",
    "to",
    "between",
    "and",
    "for",
    "when",
    "not",
    "or",
    "on",
    "via",
    "at",
    "into",
    "over",
    "overrides",
    "until",
    "owner",
    "pin",
    "required",
    "optional",
    "endpoint",
    "service",
    "param",
    "env",
    "use",
    "with",
    "as",
    "subnet",
    "vnet",
    "nsg",
    "firewall",
    "route",
    "route-table",
    "ip-group",
    "dnat",
    "moved",
    "assume",
    "test",
    "tcp",
    "udp",
    "icmp",
    "https",
    "tcp/443",
    "tcp/1-65535",
    "tag(Internet)",
    "tag(VirtualNetwork)",
    "tag(Storage)",
    "tag(AzureCloud.WestEurope)",
    "fqdn-tag(AzureKubernetesService)",
    "fqdn(*)",
    "*.contoso.com",
    "url(\"a.com/*\")",
    "category(News)",
    "asg(x)",
    "ip-group(x)",
    "internet",
    "none",
    "gateway",
    "true",
    "main",
    "default",
    "enable",
    "std/apim",
    "../../x",
    "con",
    "retired",
    "- ",
    "&a ",
    "*a",
    "!x ",
    "---\n",
];

/// The texts of a project by name: sources, settings, lock.
type Texts = BTreeMap<String, String>;

const SETTINGS: &str = "portcullis.yaml";
const LOCK: &str = "portcullis.lock";

/// Every project of the repository, with the lock that it compiles to.
fn corpus() -> Vec<(String, Texts, Vec<OutFile>)> {
    let mut found = Vec::new();
    for area in [
        "policies",
        "examples",
        "tests/diagnostics",
        "tests/cases/std",
    ] {
        let mut paths: Vec<PathBuf> = fs::read_dir(root().join(area))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            let mut texts = Texts::new();
            if path.is_dir() {
                gather(&path, &path, &mut texts);
            } else if path.extension().is_some_and(|e| e == "gate") {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                texts.insert("main.gate".to_owned(), text);
            }
            if !texts.keys().any(|name| name.ends_with(".gate")) {
                continue;
            }
            let compiled = compile(&texts, &[]);
            let output = compiled.1.map(|output| {
                texts.entry(LOCK.to_owned()).or_insert(output.lock);
                output.files
            });
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.push((name, texts, output.unwrap_or_default()));
        }
    }
    found
}

fn gather(folder: &Path, at: &Path, texts: &mut Texts) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(folder).unwrap();
        let name = name.to_string_lossy().replace('\\', "/");
        if path.is_dir() && name != "out" {
            gather(folder, &path, texts);
        } else if path.is_file() && !name.starts_with("out/") && !name.ends_with(".md") {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            texts.insert(name, text);
        }
    }
}

/// Reads the settings and compiles, as the command does; everything that is said, and the output.
fn compile(
    texts: &Texts,
    old: &[OutFile],
) -> (Vec<(SourceMap, Vec<Diagnostic>)>, Option<driver::Output>) {
    let mut said = Vec::new();
    let mut settings = config::Settings::default();
    if let Some(text) = texts.get(SETTINGS) {
        let mut sources = SourceMap::default();
        let file = sources.add(SETTINGS, text.clone());
        let (read, faults) = config::parse(&sources, file);
        let bad = !faults.is_empty();
        said.push((sources, faults));
        if bad {
            return (said, None);
        }
        settings = read;
    }
    settings.project.get_or_insert_with(|| "demo".to_owned());
    let sources = if settings.sources.is_empty() {
        let plain = |name: &&String| name.ends_with(".gate") && !name.contains('/');
        texts.keys().filter(plain).cloned().collect()
    } else {
        settings.sources.clone()
    };
    let options = Options {
        memory: Memory {
            lock: texts.get(LOCK).cloned(),
            output: old.to_vec(),
            ..Memory::default()
        },
        ..Options::default()
    };
    let loader = MemoryLoader {
        files: texts.clone(),
    };
    let catalog = Catalog::embedded(settings.cloud);
    let project = Project { settings, sources };
    let compiled = driver::compile(&loader, &project, catalog, &options);
    said.push((compiled.sources, compiled.diagnostics));
    (said, compiled.output)
}

/// Damages one text in a few places.
fn damage(dice: &mut Dice, text: &str, other: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(chars.len() + 1);
        let end = (at + dice.below(12)).min(chars.len());
        match dice.below(12) {
            0 => {
                chars.drain(at..end);
            }
            1 => {
                let copy: Vec<char> = chars[at..end].to_vec();
                let to = dice.below(chars.len() + 1);
                chars.splice(to..to, copy);
            }
            2 => chars.truncate(at),
            3 => {
                // A line twice, or in another place.
                let mut lines: Vec<String> = lines_of(&chars);
                if !lines.is_empty() {
                    let (from, to) = (dice.below(lines.len()), dice.below(lines.len()));
                    let line = lines[from].clone();
                    lines.insert(to, line);
                    chars = lines.concat().chars().collect();
                }
            }
            4 => {
                let mut lines: Vec<String> = lines_of(&chars);
                if !lines.is_empty() {
                    lines.remove(dice.below(lines.len()));
                    chars = lines.concat().chars().collect();
                }
            }
            5 => {
                let lines: Vec<char> = other.chars().collect();
                let from = dice.below(lines.len() + 1);
                let until = (from + dice.below(200)).min(lines.len());
                chars.splice(at..at, lines[from..until].iter().copied());
            }
            6 => {
                let piece = PIECES[dice.below(PIECES.len())].repeat(1 + dice.below(70));
                chars.splice(at..at, piece.chars());
            }
            7 | 8 => {
                let piece = PIECES[dice.below(PIECES.len())];
                chars.splice(at..end, piece.chars());
            }
            // One word for another: what comes of it is read more often than not.
            _ => {
                let words = words_of(&chars);
                if !words.is_empty() {
                    let (from, to) = (dice.below(words.len()), dice.below(words.len()));
                    let word = match dice.below(4) {
                        0 => PIECES[dice.below(PIECES.len())].chars().collect(),
                        _ => chars[words[from].clone()].to_vec(),
                    };
                    chars.splice(words[to].clone(), word);
                }
            }
        }
    }
    chars.into_iter().collect()
}

/// Where words stand: names, numbers, addresses.
fn words_of(chars: &[char]) -> Vec<Range<usize>> {
    let ordinary = |c: &char| c.is_alphanumeric() || ".-_/*".contains(*c);
    let mut found = Vec::new();
    let mut start = None;
    for at in 0..=chars.len() {
        match (start, chars.get(at).is_some_and(ordinary)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    found
}

fn lines_of(chars: &[char]) -> Vec<String> {
    let text: String = chars.iter().collect();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// What holds for every text; whether it compiles.
fn judge(texts: &Texts, old: &[OutFile]) -> bool {
    let (said, output) = compile(texts, old);
    for (sources, diagnostics) in &said {
        for d in diagnostics {
            assert_ne!(d.code.id(), "PC9004", "{}", d.message);
            assert!(!d.message.is_empty());
            let labels = d.labels.iter().map(|l| l.span);
            for span in d.primary.into_iter().chain(labels) {
                let file = sources.get(span.file).expect("a file");
                assert!(span.start <= span.end, "{d:?}");
                assert!(file.text.get(span.start as usize..).is_some(), "{d:?}");
            }
        }
        let _ = render_text::render(sources, diagnostics, render_text::Style::default());
        let _ = render_json::render(sources, diagnostics);
        let _ = render_sarif::render(sources, diagnostics);
        let _ = render_github::render(sources, diagnostics);
        let _ = render_pipelines::render(sources, diagnostics);
    }
    let errors = said
        .iter()
        .flat_map(|(_, all)| all)
        .any(|d| d.severity == Severity::Error);
    assert!(output.is_some() || errors, "neither output nor error");
    for (name, text) in texts {
        if name.ends_with(".gate") {
            let mut sources = SourceMap::default();
            let file = sources.add(name.clone(), text.clone());
            if let Ok(once) = fmt::format(&sources, file) {
                let mut again = SourceMap::default();
                let file = again.add(name.clone(), once.clone());
                assert_eq!(
                    fmt::format(&again, file).ok(),
                    Some(once),
                    "formatted twice"
                );
            }
        }
    }
    if let Some(output) = &output {
        let lock = lock::parse(&output.lock).expect("a lock that can be read");
        assert_eq!(lock.lock().text(), output.lock);
        for file in &output.files {
            let inside = !file.path.starts_with('/') && !file.path.split('/').any(|p| p == "..");
            assert!(inside, "{}", file.path);
            serde_json::from_str::<serde_json::Value>(&file.text).expect("JSON");
        }
    }
    output.is_some()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn damaged_projects_are_answered() {
    let corpus = corpus();
    let first = number("PORTCULLIS_FUZZ_SEED").unwrap_or(1) << 32;
    let draws = number("PORTCULLIS_FUZZ").unwrap_or(DRAWS);
    let good_ones: Vec<_> = corpus.iter().filter(|c| !c.2.is_empty()).collect();
    let (mut good, mut bad) = (0_u64, 0_u64);
    for draw in first..first + draws {
        let mut dice = Dice::new(draw);
        // Most fixtures have a fault already; what compiles is damaged as often.
        let (name, texts, old) = match dice.below(2) {
            0 => good_ones[dice.below(good_ones.len())],
            _ => &corpus[dice.below(corpus.len())],
        };
        let mut texts = texts.clone();
        let other = &corpus[dice.below(corpus.len())].1;
        let other = other.values().nth(dice.below(other.len())).unwrap();
        let victim = texts.keys().nth(dice.below(texts.len())).unwrap().clone();
        let damaged = damage(&mut dice, &texts[&victim], other);
        texts.insert(victim.clone(), damaged.clone());
        let start = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| judge(&texts, old)));
        let took = start.elapsed();
        match done {
            Ok(true) => good += 1,
            Ok(false) => bad += 1,
            Err(_) => {}
        }
        assert!(
            done.is_ok() && took < TOO_LONG,
            "draw {} of seed {}: {victim} of {name}, {took:?}\n{damaged}",
            draw - first,
            first >> 32
        );
    }
    println!("{good} compiled, {bad} refused");
}
