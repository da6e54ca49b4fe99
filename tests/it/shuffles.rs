//! Order means nothing: statements, members of groups and files in any order give the same bytes.
//! Members of ordered groups, whose order does count, stay in theirs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::config::{self, Deploy, Settings};
use portcullis::diag::Severity;
use portcullis::driver::{self, Options, Output, Project};
use portcullis::source::{MemoryLoader, SourceMap};
use portcullis::syntax::ast::{Item, Member};

use crate::meaning::generate::Dice;
use crate::oracle::load;

/// Shuffles of each project.
const SHUFFLES: u64 = 200;

/// A project's text in memory.
#[derive(Clone)]
struct Sources {
    settings: Settings,
    /// Files of the root module.
    root: Vec<String>,
    /// All files by path, modules included.
    files: BTreeMap<String, String>,
}

#[test]
fn the_main_policy_in_any_order() {
    let folder = load::root().join("policies/apim");
    let mut sources = read(&folder);
    // The library is served as a file, so that it can be shuffled too.
    let library = fs::read_to_string(load::root().join("policies/std/apim.gate")).unwrap();
    sources.files.insert("library.gate".to_owned(), library);
    for name in sources.root.clone() {
        let text = sources.files.get_mut(&name).unwrap();
        *text = text.replace("\"std/apim\"", "\"library.gate\"");
    }
    every_shuffle("policies/apim", &sources);
}

#[test]
fn every_example_in_any_order() {
    let examples = load::root().join("examples");
    let mut shuffled = 0;
    // An example may be several projects, each in a folder of its own.
    let mut folders = load::entries(&examples).unwrap();
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        if !folder.join("portcullis.yaml").is_file() {
            folders.extend(load::entries(&folder).unwrap());
            continue;
        }
        let name = folder.strip_prefix(&examples).unwrap().to_string_lossy();
        every_shuffle(&format!("examples/{name}"), &read(&folder));
        shuffled += 1;
    }
    assert!(shuffled >= 3, "{shuffled}");
}

#[test]
fn the_design_example_in_any_order() {
    let folder = load::root().join("../shared/design/examples");
    if !folder.is_dir() {
        println!("skipped: ../shared/design/examples is not here");
        return;
    }
    let mut sources = Sources {
        settings: Settings {
            project: Some("example".to_owned()),
            deploy: deploy(),
            ..Settings::default()
        },
        root: ["hub.gate", "apim-prod.gate", "spokes.gate", "baseline.gate"]
            .map(str::to_owned)
            .to_vec(),
        files: gate_files(&folder),
    };
    for text in sources.files.values_mut() {
        // Web categories are refused by this version.
        *text = text
            .lines()
            .filter(|line| !line.contains("category("))
            .map(|line| format!("{line}\n"))
            .collect();
    }
    if let Err(why) = compile(&sources) {
        println!("skipped: the example does not compile: {why}");
        return;
    }
    every_shuffle("the design example", &sources);
}

fn every_shuffle(name: &str, sources: &Sources) {
    let wanted = compile(sources).unwrap_or_else(|why| panic!("{name}: {why}"));
    assert!(!wanted.files.is_empty());
    for seed in 0..SHUFFLES {
        let shuffled = shuffle(sources, seed);
        let found = compile(&shuffled).unwrap_or_else(|why| {
            panic!(
                "{name}: shuffle {seed} does not compile: {why}\n{}",
                show(&shuffled)
            )
        });
        for (a, b) in wanted.files.iter().zip(&found.files) {
            assert_eq!(a.path, b.path, "{name}, shuffle {seed}");
            assert!(
                a.text == b.text,
                "{name}, shuffle {seed}: {} differs\n{}\n{}\n{}",
                a.path,
                a.text,
                b.text,
                show(&shuffled)
            );
        }
        assert_eq!(wanted, found, "{name}, shuffle {seed}");
    }
}

fn show(sources: &Sources) -> String {
    let mut out = String::new();
    for (name, text) in &sources.files {
        out.push_str(&format!("--- {name}\n{text}\n"));
    }
    out
}

fn compile(sources: &Sources) -> Result<Output, String> {
    let loader = MemoryLoader {
        files: sources.files.clone(),
    };
    let project = Project {
        settings: sources.settings.clone(),
        sources: sources.root.clone(),
    };
    let catalog = Catalog::embedded(Cloud::Public);
    let compiled = driver::compile(&loader, &project, catalog, &Options::default());
    compiled.output.ok_or_else(|| {
        let errors = compiled
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error);
        let lines: Vec<String> = errors
            .map(|d| format!("{:?} {}", d.code, d.message))
            .collect();
        lines.join("; ")
    })
}

/// Another order of everything whose order means nothing.
fn shuffle(sources: &Sources, seed: u64) -> Sources {
    let mut dice = Dice::new(seed);
    let mut out = sources.clone();
    let mut moved: Vec<String> = Vec::new();
    for (name, text) in &sources.files {
        let mut statements = statements(text, &mut dice);
        if sources.root.contains(name) {
            moved.append(&mut statements);
        } else {
            mix(&mut statements, &mut dice);
            out.files.insert(name.clone(), join(&statements));
        }
    }
    // Statements of the root module may stand in any of its files.
    mix(&mut moved, &mut dice);
    let mut parts: Vec<Vec<String>> = vec![Vec::new(); sources.root.len()];
    for statement in moved {
        let into = dice.below(parts.len());
        parts[into].push(statement);
    }
    for (name, part) in sources.root.iter().zip(parts) {
        out.files.insert(name.clone(), join(&part));
    }
    mix(&mut out.root, &mut dice);
    out
}

fn join(statements: &[String]) -> String {
    format!("portcullis 1\n\n{}\n", statements.join("\n\n"))
}

/// The statements of a file as text, the members of its groups in another order.
fn statements(text: &str, dice: &mut Dice) -> Vec<String> {
    let mut map = SourceMap::default();
    let file = map.add("file.gate", text);
    let (tree, faults) = portcullis::syntax::parse(&map, file);
    assert!(faults.is_empty(), "{faults:?}");
    let mut out = Vec::new();
    for item in &tree.items {
        let whole = map.text(item.span);
        let Item::Group(group) = &item.node else {
            out.push(whole.to_owned());
            continue;
        };
        let mut members: Vec<&str> = Vec::new();
        let mut first = None;
        for member in &group.members {
            assert!(!matches!(member.node, Member::Error));
            first = first.or(Some(member.span.start));
            members.push(map.text(member.span));
        }
        let Some(first) = first else {
            out.push(whole.to_owned());
            continue;
        };
        let start = usize::try_from(first - item.span.start).unwrap();
        let head = whole[..start].split_once('{').unwrap().0;
        if group.ordered.is_none() {
            mix(&mut members, dice);
        }
        out.push(format!("{head}{{\n{}\n}}", members.join("\n")));
    }
    out
}

fn mix<T>(list: &mut [T], dice: &mut Dice) {
    for last in (1..list.len()).rev() {
        list.swap(last, dice.below(last + 1));
    }
}

/// A project on the disk.
fn read(folder: &Path) -> Sources {
    let text = fs::read_to_string(folder.join("portcullis.yaml")).unwrap();
    let mut map = SourceMap::default();
    let file = map.add("portcullis.yaml", text);
    let (settings, faults) = config::parse(&map, file);
    assert!(faults.is_empty(), "{faults:?}");
    let files = gate_files(folder);
    let root = if settings.sources.is_empty() {
        files.keys().cloned().collect()
    } else {
        settings.sources.clone()
    };
    Sources {
        settings,
        root,
        files,
    }
}

fn gate_files(folder: &Path) -> BTreeMap<String, String> {
    load::entries(folder)
        .unwrap()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "gate"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn deploy() -> Deploy {
    Deploy {
        subscription: Some("00000000-0000-0000-0000-000000000000".to_owned()),
        resource_group: Some("rg".to_owned()),
        location: Some("westeurope".to_owned()),
    }
}
