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
