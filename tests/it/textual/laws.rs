//! Laws of the textual difference, on the projects of the repository and on drawn policies.

use std::collections::BTreeMap;

use portcullis::diff::textual::{Change, Options, Textual, compare};

use super::{Made, made, read_back};
use crate::lock::draw::{Dice, Source};

/// How many sources are drawn; each is edited some times.
fn cases() -> u64 {
    let told = std::env::var("PORTCULLIS_CASES").ok();
    told.and_then(|n| n.parse().ok()).unwrap_or(25)
}

fn both(old: &Made, new: &Made) -> Vec<(Textual, Textual)> {
    let shared = old.sides.keys().filter(|e| new.sides.contains_key(*e));
    shared
        .map(|e| {
            let (a, b) = (&old.sides[e], &new.sides[e]);
            let there = compare(e, a, b, Options::default());
            let back = compare(e, b, a, Options::default());
            (there, back)
        })
        .collect()
}

/// What came and what went, with all that it says.
fn of(change: Change, of: &Textual) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for entry in of.entries.iter().filter(|e| e.change == change) {
        let mut said: Vec<String> = Vec::new();
        for field in &entry.fields {
            let lists = field.added.iter().chain(&field.removed);
            let all: Vec<&String> = lists.chain(&field.old).chain(&field.new).collect();
            said.push(format!("{} {all:?}", field.path));
        }
        let key = format!("{:?} {:?} {said:?}", entry.resource, entry.rule);
        *out.entry(key).or_default() += 1;
    }
    out
}

#[test]
fn nothing_differs_from_itself_and_sides_mirror() {
    for seed in 0..cases() {
        let mut dice = Dice::new(seed);
        let mut source = Source::draw(&mut dice, 12);
        let mut lock: Option<String> = None;
        let mut before: Option<Made> = None;
        for edit in 0..4 {
            let Ok(now) = made(&source.built(&mut dice), lock.as_deref()) else {
                break;
            };
            for (there, back) in both(&now, &now) {
                assert!(
                    there.is_same() && back.is_same(),
                    "seed {seed}, edit {edit}: {there:#?}"
                );
            }
            // The files that are written say the same, whoever reads them.
            for (environment, side) in &now.sides {
                let files = read_back(&now.files, environment);
                let found = compare(environment, &files, side, Options::default());
                assert!(
                    found.is_same(),
                    "seed {seed}, edit {edit}: {:#?}",
                    found.entries
                );
            }
            if let Some(old) = &before {
                for (there, back) in both(old, &now) {
                    // `moved` tells of one direction only.
                    let renamed = there
                        .entries
                        .iter()
                        .any(|e| e.was.is_some() || e.was_in.is_some());
                    if !renamed {
                        assert_eq!(
                            of(Change::Added, &there),
                            of(Change::Removed, &back),
                            "seed {seed}"
                        );
                        assert_eq!(
                            of(Change::Removed, &there),
                            of(Change::Added, &back),
                            "seed {seed}"
                        );
                    }
                    assert_eq!(there.is_same(), back.is_same());
                }
            }
            lock = Some(now.lock.clone());
            before = Some(now);
            source.edit(&mut dice);
        }
    }
}

/// Statements in another order, and in other files, are the same policy.
#[test]
fn order_of_statements_is_no_difference() {
    for seed in 0..cases() {
        let mut dice = Dice::new(1000 + seed);
        let source = Source::draw(&mut dice, 12);
        let (one, two) = (source.built(&mut dice), source.built(&mut dice));
        let (Ok(old), true) = (made(&one, None), true) else {
            continue;
        };
        let new = made(&two, Some(&old.lock)).unwrap();
        for (there, back) in both(&old, &new) {
            assert!(there.is_same() && back.is_same(), "seed {seed}: {there:#?}");
        }
    }
}
