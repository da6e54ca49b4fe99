//! Numbers that never move, through the whole compiler: random edits, orders, older locks, merges,
//! layouts. `PORTCULLIS_CASES=400` draws so many projects of each property instead of six; with six, the
//! properties make more than 2,000 random edits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod command;
pub(crate) mod draw;
mod exports;
mod laws;
pub(crate) mod project;
mod properties;
mod renames;
mod runs;
mod seeds;

use std::collections::BTreeSet;

use portcullis::allocate::lock::{self, Lock, Part, Scope, ScopeEntries};
use portcullis::config::RcgLayout;
use portcullis::diag::{Code, Diagnostic};
use portcullis::driver::Output;

use draw::{Dice, Source};
use project::Built;

const LAYOUTS: [RcgLayout; 3] = [
    RcgLayout::PerGroup,
    RcgLayout::PerInstance,
    RcgLayout::Merged,
];

/// Policies that each property draws, unless told.
const CASES: u64 = 6;

fn cases() -> u64 {
    let told = std::env::var("PORTCULLIS_CASES").ok();
    told.and_then(|t| t.parse().ok()).unwrap_or(CASES)
}

fn compile(text: &str, layout: RcgLayout, lock: Option<&str>) -> (Output, Vec<Diagnostic>) {
    let mut built = Built::of(text);
    built.settings.layout.rcg = layout;
    built.compile(lock)
}

fn read(text: &str) -> Lock {
    lock::parse(text).unwrap().lock()
}

#[test]
fn one_environment_leaves_the_others_alone_and_new_rules_read_alike() {
    let mut alike = 0;
    for case in 0..cases() {
        let mut dice = Dice::new(2_000_000 + case);
        let mut source = Source::draw(&mut dice, 30);
        let (first, _) = source.built(&mut dice).compile(None);
        for _ in 0..5 {
            source.add(&mut dice);
        }
        let mut built = source.built(&mut dice);
        built.environments = vec!["dev".to_owned()];
        let (output, _) = built.compile(Some(&first.lock));
        let dev = read(&output.lock);
        let before = read(&first.lock);
        let prod = |lock: &Lock| -> Vec<(Scope, ScopeEntries)> {
            let scopes = lock.scopes.iter().filter(|(s, _)| s.environment == "prod");
            scopes.map(|(s, e)| (s.clone(), e.clone())).collect()
        };
        assert_eq!(prod(&dev), prod(&before));
        built.environments.clear();
        let (both, _) = built.compile(Some(&dev.text()));
        let both = read(&both.lock);
        for (scope, entries) in prod(&both) {
            let twin = Scope::new("dev", &scope.name, scope.part);
            for (id, entry) in &entries.entries {
                let ordered = scope.part == Part::Runs || id.starts_with("acl::");
                if !ordered {
                    let other = both.scopes[&twin].entries[id].number;
                    assert_eq!(entry.number, other, "{scope} {id}");
                    alike += 1;
                }
            }
        }
    }
    assert!(alike > 0);
}

#[test]
fn a_renamed_group_leaves_its_number_to_the_one_that_stays_in_azure() {
    let text = |group: &str, moved: &str| {
        format!(
            "endpoint web = 10.0.1.0/24\n{moved}\ngroup {group} {{\n  allow a: tcp/443 from web to 20.1.1.1 for \"A\"\n  allow b: tcp/443 from web to 20.1.1.2 for \"B\"\n}}\n"
        )
    };
    for layout in LAYOUTS {
        let (first, _) = compile(&text("old", ""), layout, None);
        let (next, told) = compile(&text("new", "moved old -> new"), layout, Some(&first.lock));
        let (old, new) = (read(&first.lock), read(&next.lock));
        for (scope, entries) in &old.scopes {
            let now = &new.scopes[scope].entries;
            for (id, was) in &entries.entries {
                let same = id.replace("-old", "-new").replace("old::", "new::");
                if scope.part == Part::Groups && same != *id {
                    assert_eq!(now[id].number, was.number, "{scope} {id}");
                    assert!(now[id].retired, "{scope} {id}");
                    assert!(!now[&same].retired, "{scope} {same}");
                } else {
                    assert_eq!(now[&same], *was, "{scope} {same}");
                }
            }
            let numbers: Vec<u32> = now.values().filter_map(|e| e.number).collect();
            let distinct: BTreeSet<&u32> = numbers.iter().collect();
            assert_eq!(distinct.len(), numbers.len(), "{scope}: {numbers:?}");
        }
        // Azure knows the group by its name: the old one stays in force until it is deleted.
        let left = told.iter().any(|d| d.code == Code::PC7007);
        assert_eq!(left, layout == RcgLayout::PerGroup);
        assert!(!told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
        // And the next run changes nothing.
        let (again, _) = compile(&text("new", "moved old -> new"), layout, Some(&next.lock));
        assert_eq!(again.lock, next.lock);
        let (again, _) = compile(&text("new", ""), layout, Some(&next.lock));
        assert_eq!(again.lock, next.lock);
    }
}

#[test]
fn a_group_renamed_in_its_case_only_is_the_same_to_azure() {
    let text = |group: &str, moved: &str| {
        format!(
            "{moved}\ngroup {group} {{\n  allow a: tcp/443 from 10.0.1.0/24 to 20.1.1.1 for \"A\"\n}}\n"
        )
    };
    let (first, _) = compile(&text("Old", ""), RcgLayout::PerGroup, None);
    let moved = text("old", "moved Old -> old");
    let (next, told) = compile(&moved, RcgLayout::PerGroup, Some(&first.lock));
    assert_eq!(next.lock, first.lock.replace("Old", "old"));
    assert!(!told.iter().any(|d| d.code == Code::PC7007), "{told:#?}");
}

#[test]
fn a_lock_in_which_a_retired_group_shares_its_number_is_set_right() {
    let text = "group new {\n  allow a: tcp/443 from 10.0.1.0/24 to 20.1.1.1 for \"A\"\n}\n";
    let shared = "default/fw/p/rcg  pc-30-allow-new  30000  1\ndefault/fw/p/rcg  pc-30-allow-old  30000  1  retired\n";
    let (output, told) = compile(text, RcgLayout::PerGroup, Some(shared));
    let lock = read(&output.lock);
    let entries = &lock.scopes[&Scope::new("default", "p", Part::Groups)].entries;
    assert_eq!(entries["pc-30-allow-old"].number, Some(30000));
    assert_ne!(entries["pc-30-allow-new"].number, Some(30000));
    assert!(told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
}

#[test]
fn a_group_that_comes_back_has_its_number_again() {
    let flow = "allow a: tcp/443 from 10.0.1.0/24 to 20.1.1.1 for \"A\"\n";
    let both = format!("{flow}group legacy {{ {} }}\n", flow.trim());
    let (first, _) = compile(&both, RcgLayout::PerGroup, None);
    let (without, _) = compile(flow, RcgLayout::PerGroup, Some(&first.lock));
    assert!(without.lock.contains("  retired\n"));
    let (back, told) = compile(&both, RcgLayout::PerGroup, Some(&without.lock));
    let numbers = |text: &str| -> Vec<Option<u32>> {
        let lock = read(text);
        let scope = Scope::new("default", "p", Part::Groups);
        lock.scopes[&scope]
            .entries
            .values()
            .map(|e| e.number)
            .collect()
    };
    assert_eq!(numbers(&back.lock), numbers(&first.lock));
    assert!(!back.lock.contains("retired"));
    assert!(!told.iter().any(|d| d.code == Code::PC7007));
}

#[test]
fn no_text_is_too_odd_to_read() {
    let mut dice = Dice::new(9);
    let source = Source::draw(&mut dice, 20);
    let (output, _) = source.built(&mut dice).compile(None);
    let pieces = [
        "",
        " ",
        "\n",
        "\t",
        "\u{0}",
        "\r\n",
        "ü",
        "=======",
        "-",
        "9999999999",
        "#",
        "/",
        "retired",
        "dev/nsg/web/outbound",
        "  0  0\n",
        "\u{feff}",
        "'",
    ];
    let (mut good, mut bad) = (0, 0);
    for case in 0..cases() * 200 {
        let mut dice = Dice::new(4_000_000 + case);
        let mut text: Vec<char> = output.lock.chars().collect();
        for _ in 0..=dice.below(4) {
            let at = dice.below(text.len());
            let end = (at + dice.below(40)).min(text.len());
            let piece = pieces[dice.below(pieces.len())];
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        match lock::parse(&text) {
            Ok(parsed) => {
                good += 1;
                // What was read is written in one form, which is then its own.
                let once = parsed.lock().text();
                assert_eq!(lock::parse(&once).unwrap().lock().text(), once);
                assert!(lock::parse(&once).unwrap().settle(None).1.is_empty());
            }
            Err(damage) => {
                bad += 1;
                for one in damage {
                    assert!(
                        text.get(one.place.0..one.place.1)
                            .is_some_and(|t| !t.is_empty())
                    );
                }
            }
        }
    }
    println!("{good} read, {bad} refused");
}
