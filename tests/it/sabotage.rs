//! Faults done to what was lowered on purpose: the proof must find every one, on every compile. The
//! list is in sabotage/faults; beside it every rule of the repository's projects, and of generated
//! policies, is damaged in every simple way. It tests the proof, not the lowering.
//!
//! `PORTCULLIS_CASES=0` damages every rule of every project; `PORTCULLIS_CASES=500` so many generated
//! policies instead of the usual number, from the seed `PORTCULLIS_FIRST`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bench;
mod faults;
mod mutants;
mod same;
mod spoil;

use std::collections::BTreeSet;

use bench::{Subject, errors};
use portcullis::backends::tree::Tree;
use portcullis::diag::Diagnostic;
use same::Oracle;

#[test]
fn every_seeded_fault_is_found() {
    let mut wrong = Vec::new();
    let mut names = BTreeSet::new();
    for fault in faults::all() {
        assert!(names.insert(fault.name), "two faults `{}`", fault.name);
        let subject = Subject::of_text(fault.policy);
        let mut changed = 0;
        let spoiled = subject.compile(&mut |_, lowered| {
            let before = lowered.resources.clone();
            (fault.spoil)(lowered);
            changed += usize::from(before != lowered.resources);
        });
        if changed == 0 {
            wrong.push(format!("{}: nothing was changed", fault.name));
        }
        let told = errors(&spoiled.diagnostics);
        let text: Vec<String> = told
            .iter()
            .map(|d| {
                let note = d.note.as_deref().unwrap_or_default();
                format!("{} {}\n        {note}", d.code, d.message)
            })
            .collect();
        let text = text.join("\n      ");
        if std::env::var("PORTCULLIS_SHOW").is_ok() {
            println!("{}\n      {text}", fault.name);
        }
        let accused = told.iter().any(|d| d.code.to_string() == "PC9004");
        if !accused || !text.contains(fault.says) || spoiled.output.is_some() {
            wrong.push(format!("{}: {text}", fault.name));
        }
    }
    println!("{} seeded faults", names.len());
    assert!(names.len() >= 36);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Without a fault the same policies are proven.
#[test]
fn what_is_not_spoiled_is_clean() {
    for policy in [faults::HUB, faults::CLASSIC, faults::PLAIN] {
        let sound = Subject::of_text(policy).compile(&mut |_, _| {});
        let told = errors(&sound.diagnostics);
        assert!(sound.output.is_some() && told.is_empty(), "{told:?}");
    }
}

/// How the note with the smallest input begins.
const SMALLEST: &str = "\nsmallest input found in ";

/// The compiler accuses itself with the statements that it takes, and no others.
#[test]
fn a_failed_proof_shows_the_smallest_input() {
    // A fault of the lowering: port 1433 becomes 1434 wherever it stands.
    let compiled = shifted(faults::HUB);
    assert!(compiled.output.is_none());
    let told = errors(&compiled.diagnostics);
    let smallest = |d: &&Diagnostic| d.note.iter().any(|n| n.contains(SMALLEST));
    let told = told.iter().find(smallest).unwrap();
    assert!(told.message.contains("NSG `apps`"), "{}", told.message);
    let note = told.note.clone().unwrap();
    let (_, smallest) = note.split_once(SMALLEST).unwrap();
    assert!(smallest.contains(env!("CARGO_PKG_VERSION")), "{smallest}");
    assert!(smallest.contains("catalogue public"), "{smallest}");
    let text: Vec<&str> = smallest.lines().skip(1).map(str::trim).collect();
    let text = text.join("\n");
    assert!(text.contains("tcp/1433"), "{text}");
    for gone in [
        "forbid",
        "deny ",
        "allow office",
        "dnat",
        "assume",
        "ordered",
        "base",
    ] {
        assert!(!text.contains(gone), "`{gone}` is not needed in\n{text}");
    }
    assert!(text.lines().count() <= 16, "{text}");
    // It does show the fault, and the place in the policy is the flow's.
    let again = shifted(&text);
    let again = errors(&again.diagnostics);
    assert!(
        again.iter().any(|d| d.code.to_string() == "PC9004"),
        "{again:?}"
    );
    let span = told.primary.unwrap();
    assert!(compiled.sources.text(span).starts_with("allow sql:"));
    // The same every time.
    let twice = shifted(faults::HUB);
    assert_eq!(twice.diagnostics, compiled.diagnostics);
}

/// Compiles with a compiler that takes 1433 for 1434 in security groups.
fn shifted(policy: &str) -> portcullis::driver::Compiled {
    fn shift(tree: &mut Tree) {
        match tree {
            Tree::Str(text) if text == "1433" => *text = "1434".to_owned(),
            Tree::List(items) => items.iter_mut().for_each(shift),
            Tree::Object(members) => members.iter_mut().for_each(|(_, value)| shift(value)),
            _ => {}
        }
    }
    Subject::of_text(policy).compile_to_the_end(&mut |_, lowered| {
        for resource in &mut lowered.resources {
            shift(&mut resource.properties);
        }
    })
}

/// What became of some damages.
#[derive(Default)]
struct Tally {
    found: usize,
    /// No packet of the oracle tells them.
    alike: usize,
    /// The proof is silent, and a packet tells them.
    missed: Vec<String>,
}

impl Tally {
    /// Every `stride`-th damage of a project, from the first.
    fn project(&mut self, subject: &Subject, stride: usize) -> usize {
        let mut count = 0;
        let sound = subject.each(&mut |context, lowered, told| {
            let oracle = Oracle::new(context, lowered);
            for mutant in mutants::all(lowered) {
                count += 1;
                if count % stride != 1 && stride > 1 {
                    continue;
                }
                let spoiled = mutant.of(lowered);
                if !bench::judged(context, &spoiled, told).is_empty() {
                    self.found += 1;
                } else if let Some(packet) = oracle.tells(lowered, &mutant) {
                    self.missed.push(format!("{} ({packet})", mutant.what));
                } else {
                    self.alike += 1;
                    if std::env::var("PORTCULLIS_SHOW").is_ok() {
                        println!("alike: {}", mutant.what);
                    }
                }
            }
        });
        if let Err(told) = sound {
            panic!("{told:?}");
        }
        count
    }
}

#[test]
fn every_damage_to_a_project_is_found_or_changes_nothing() {
    let all = std::env::var("PORTCULLIS_CASES").is_ok();
    let mut wrong = Vec::new();
    for (folder, stride) in [
        ("policies/apim", 97),
        ("policies/hub", 397),
        ("examples/classic", 7),
        ("examples/dnat-url", 11),
        ("examples/ordered", 5),
    ] {
        let mut tally = Tally::default();
        let start = std::time::Instant::now();
        let subject = Subject::of_folder(folder);
        let count = tally.project(&subject, if all { 1 } else { stride });
        println!(
            "{folder}: {count} damages, {} found, {} tell nothing apart, {} missed ({:?})",
            tally.found,
            tally.alike,
            tally.missed.len(),
            start.elapsed()
        );
        wrong.extend(tally.missed);
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
