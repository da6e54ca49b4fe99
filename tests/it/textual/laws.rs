//! Laws of the textual difference, on the projects of the repository and on drawn policies.

use std::collections::BTreeMap;

use portcullis::diff::order::{Action, Write};
use portcullis::diff::textual::{Change, Options, Textual, compare};

use super::{Made, difference, made, read_back};
use crate::cli::portcullis;
use crate::examples::copy_folder;
use crate::lock::draw::{Dice, Source};
use crate::lock::project::Built;
use crate::oracle::load;

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

/// Rules that are resources of their own: no two hold one number at a time, and all is written.
#[test]
fn writes_of_single_rules_never_meet() {
    let head = "vnet v = 10.2.0.0/16\n\nsubnet web = 10.2.1.0/24 {\n  vnet = v\n  nsg = web\n}\n\nnsg web {}\n\n";
    for seed in 0..cases() * 2 {
        let mut dice = Dice::new(7000 + seed);
        // Numbers are pinned, so that they can be exchanged.
        let mut numbers: Vec<usize> = (0..8).collect();
        let mut side = |dice: &mut Dice| {
            dice.shuffle(&mut numbers);
            let shown = 4 + dice.below(4);
            let mut text = head.to_owned();
            for (at, number) in numbers.iter().enumerate().take(shown) {
                let port = 1000 + at;
                let pin = 2600 + 10 * number;
                text.push_str(&format!(
                    "allow f{at}: tcp/{port} from 10.2.9.0/24 to web for \"F\" pin {pin}\n"
                ));
            }
            let mut built = Built::of(&text);
            built.settings.layout.nsg_rules = portcullis::config::NsgRuleLayout::Children;
            built
        };
        let (one, two) = (side(&mut dice), side(&mut dice));
        let old = made(&one, None).unwrap_or_else(|why| panic!("{why}"));
        let new = made(&two, Some(&old.lock)).unwrap_or_else(|why| panic!("{why}"));
        let (textual, order) = difference(&old, &new, "default");
        let numbers = |made: &Made| -> BTreeMap<String, i64> {
            let items = &made.sides["default"].items;
            let rules = items.iter().filter(|i| i.part);
            rules
                .map(|i| {
                    let priority = i.value["properties"]["priority"].as_i64().unwrap();
                    (i.names.last().unwrap().clone(), priority)
                })
                .collect()
        };
        let mut state = numbers(&old);
        assert!(!state.is_empty());
        for step in &order.steps {
            assert_eq!(step.action, Action::WriteRules);
            for write in &step.writes {
                match write.write {
                    Write::Delete => {
                        assert!(state.remove(&write.rule).is_some(), "{write:?}");
                    }
                    _ => {
                        let number = write.priority.unwrap();
                        state.insert(write.rule.clone(), number);
                        let same = state.values().filter(|n| **n == number).count();
                        assert_eq!(same, 1, "seed {seed}: {write:?} in {order:#?}");
                    }
                }
            }
        }
        assert_eq!(state, numbers(&new), "seed {seed}: {textual:#?}");
    }
}

/// Every committed project: its output folder is what it compiles to, in every form.
#[test]
fn committed_projects_have_nothing_to_write() {
    let areas = ["examples", "policies", "tests/cases/targets"];
    let folders = areas
        .iter()
        .flat_map(|a| load::entries(&load::root().join(a)).unwrap());
    let mut projects = 0;
    for folder in folders.filter(|f| f.join("portcullis.yaml").is_file()) {
        let here = tempfile::tempdir().unwrap();
        copy_folder(&folder, here.path(), true);
        for emit in ["rest", "arm"] {
            let ran = portcullis(
                here.path(),
                &["compile", "-q", "--emit", emit, "--out", emit],
            );
            // Some are there to show what is refused.
            if ran.code != 0 {
                continue;
            }
            projects += 1;
            let ran = portcullis(here.path(), &["plan", "-q", "--exit-code", "--base", emit]);
            assert_eq!(
                ran.code,
                0,
                "{} as {emit}: {}{}",
                folder.display(),
                ran.out,
                ran.err
            );
        }
    }
    assert!(projects > 40, "{projects}");
}
