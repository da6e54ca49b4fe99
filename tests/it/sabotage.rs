//! Faults done to what was lowered on purpose: the proof must find every one, on every compile. The
//! list is in sabotage/faults; beside it every rule of the repository's projects, and of generated
//! policies, is damaged in every simple way. It tests the proof, not the lowering.
//!
//! `PORTCULLIS_DAMAGES=1` does all of that to the projects instead of a sample, and
//! `PORTCULLIS_CASES=500` takes so many generated policies instead of the usual number, from the seed
//! `PORTCULLIS_FIRST`. `PORTCULLIS_SHOW=1` prints what is found, and what tells nothing apart.
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

use crate::meaning::files_of;
use crate::meaning::generate::Dice;

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
        if SHOW.with(|s| *s) {
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
    for policy in [faults::HUB, faults::CLASSIC, faults::PLAIN, faults::PARENT] {
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
    assert!(text.lines().count() <= 24, "{text}");
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
    /// Damages what a policy became; `wanted` says which of so many damages, by index. Gives how many
    /// there are; nothing if the policy is refused.
    fn damage(
        &mut self,
        subject: &Subject,
        wanted: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Option<usize> {
        let mut count = 0;
        let sound = subject.each(&mut |context, lowered, told| {
            let oracle = Oracle::new(context, lowered, packets());
            let all = mutants::all(lowered);
            count += all.len();
            for (index, mutant) in all.iter().enumerate() {
                if !wanted(index, all.len()) {
                    continue;
                }
                let spoiled = mutant.of(lowered);
                if !bench::judged(context, &spoiled, told).is_empty() {
                    self.found += 1;
                } else if let Some(packet) = oracle.tells(lowered, mutant) {
                    self.missed.push(format!("{} ({packet})", mutant.what));
                } else {
                    self.alike += 1;
                    if SHOW.with(|s| *s) {
                        println!("alike: {}", mutant.what);
                    }
                }
            }
        });
        sound.ok().map(|()| count)
    }

    fn text(&self) -> String {
        format!(
            "{} found, {} tell nothing apart, {} missed",
            self.found,
            self.alike,
            self.missed.len()
        )
    }
}

thread_local! {
    static SHOW: bool = std::env::var("PORTCULLIS_SHOW").is_ok();
}

/// Packets that the oracle is asked about one damage.
fn packets() -> usize {
    let long = ["PORTCULLIS_DAMAGES", "PORTCULLIS_CASES"];
    let long = long.iter().any(|name| std::env::var(name).is_ok());
    if long { 2000 } else { 400 }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn every_damage_to_a_project_is_found_or_changes_nothing() {
    let all = std::env::var("PORTCULLIS_DAMAGES").is_ok();
    let mut wrong = Vec::new();
    for (folder, stride) in [
        ("policies/apim", 311),
        ("policies/hub", 1601),
        ("examples/classic", 23),
        ("examples/dnat-url", 11),
        ("examples/ordered", 7),
    ] {
        let mut tally = Tally::default();
        let subject = Subject::of_folder(folder);
        let stride = if all { 1 } else { stride };
        let count = tally.damage(&subject, &mut |index, _| index % stride == 0);
        println!("{folder}: {} damages, {}", count.unwrap(), tally.text());
        wrong.extend(tally.missed.iter().map(|m| format!("{folder}: {m}")));
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Policies of a usual run.
const CASES: u64 = 50;
/// Damages to one of them.
const EACH: usize = 3;

#[test]
fn damage_to_generated_policies_is_found_or_changes_nothing() {
    let first = number("PORTCULLIS_FIRST", 0);
    let cases = number("PORTCULLIS_CASES", CASES);
    let mut tally = Tally::default();
    let (mut judged, mut count) = (0, 0);
    for seed in first..first + cases {
        let subject = Subject::of_files(&files_of(seed));
        let mut dice = Dice::new(seed ^ 0x5ab0_7a6e);
        let before = tally.missed.len();
        let some = tally.damage(&subject, &mut |_, all| dice.below(all) < EACH);
        judged += u64::from(some.is_some());
        count += some.unwrap_or(0);
        for missed in &mut tally.missed[before..] {
            *missed = format!("seed {seed}: {missed}");
        }
    }
    println!(
        "{judged} of {cases} policies from seed {first}: some of {count} damages, {}",
        tally.text()
    );
    let wrong = &tally.missed;
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(judged * 10 >= cases * 4 && tally.found > 0);
}
