//! Numbers that never move, through the whole compiler: random edits, orders, older locks, merges,
//! layouts. `PORTCULLIS_CASES=400` draws so many policies of each property instead of a few.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod command;
pub(crate) mod draw;
mod exports;
pub(crate) mod project;
mod renames;
mod runs;
mod seeds;

use std::collections::{BTreeMap, BTreeSet};

use portcullis::allocate::lock::{self, Entry, Lock, Part, Scope};
use portcullis::config::RcgLayout;
use portcullis::diag::{Code, Diagnostic, Severity};
use portcullis::driver::Output;

use draw::{Dice, Edit, Source, path};
use project::Built;

const LAYOUTS: [RcgLayout; 3] = [
    RcgLayout::PerGroup,
    RcgLayout::PerInstance,
    RcgLayout::Merged,
];

/// Policies that each property draws, unless told.
const CASES: u64 = 6;

/// Edits of each policy.
const EDITS: usize = 12;

fn cases() -> u64 {
    let told = std::env::var("PORTCULLIS_CASES").ok();
    told.and_then(|t| t.parse().ok()).unwrap_or(CASES)
}

fn compile_all(
    text: &str,
    layout: RcgLayout,
    lock: Option<&str>,
    environments: &[&str],
) -> (Option<Output>, Vec<Diagnostic>) {
    let mut built = Built::of(text);
    built.settings.layout.rcg = layout;
    built.environments = environments.iter().map(|e| (*e).to_owned()).collect();
    built.run(lock)
}

fn compile(text: &str, layout: RcgLayout, lock: Option<&str>) -> (Output, Vec<Diagnostic>) {
    let mut built = Built::of(text);
    built.settings.layout.rcg = layout;
    built.compile(lock)
}

fn read(text: &str) -> Lock {
    lock::parse(text).unwrap().lock()
}

/// The flow path of an id of a scope.
fn flow(scope: &Scope, id: &str) -> String {
    let skipped = if scope.part == Part::Rules { 2 } else { 0 };
    id.split('/').nth(skipped).unwrap().to_owned()
}

/// The id that an old one is after an edit.
fn after(scope: &Scope, id: &str, edit: &Edit) -> String {
    match edit.renamed.get(&flow(scope, id)) {
        Some(new) => id.replacen(&flow(scope, id), new, 1),
        None => id.to_owned(),
    }
}

/// What must hold between two locks with an edit in between.
fn assert_sticky(old: &Lock, new: &Lock, edit: &Edit) {
    for (scope, entries) in &new.scopes {
        let mut numbers = BTreeSet::new();
        let mut serials = BTreeSet::new();
        for (id, entry) in entries.entries.iter().filter(|(_, e)| !e.retired) {
            assert!(
                entry.number.is_none_or(|n| numbers.insert(n)),
                "{scope} {id}"
            );
            assert!(serials.insert(entry.serial), "{scope} {id}");
        }
        let Some(before) = old.scopes.get(scope) else {
            continue;
        };
        let mut known = BTreeSet::new();
        let mut freed = BTreeSet::new();
        for (id, was) in &before.entries {
            let now_id = after(scope, id, edit);
            let now = entries.entries.get(&now_id);
            known.insert(now_id.clone());
            if now.is_none_or(|n| n.number != was.number) {
                freed.extend(was.number);
            }
            let may_move = edit.free.contains(&flow(scope, &now_id));
            if let Some(now) = now.filter(|_| !may_move) {
                assert_eq!(now.number, was.number, "{scope}: `{id}` was renumbered");
                assert_eq!(now.serial, was.serial, "{scope}: `{id}` has another place");
            }
        }
        for (id, now) in &entries.entries {
            let pinned = edit.free.contains(&flow(scope, id));
            if !known.contains(id) && !pinned {
                let reused = now.number.is_some_and(|n| freed.contains(&n));
                assert!(
                    !reused,
                    "{scope}: `{id}` got a number that this change freed"
                );
            }
        }
    }
}

/// Names of rules, by file and collection.
fn arrays(output: &Output) -> BTreeMap<(String, String), Vec<String>> {
    let mut out = BTreeMap::new();
    for file in output.files.iter().filter(|f| f.path.contains("/rcg/")) {
        let value: serde_json::Value = serde_json::from_str(&file.text).unwrap();
        for collection in value["properties"]["ruleCollections"].as_array().unwrap() {
            let names = collection["rules"].as_array().unwrap().iter();
            let names = names
                .map(|r| r["name"].as_str().unwrap().to_owned())
                .collect();
            let key = collection["name"].as_str().unwrap().to_owned();
            out.insert((file.path.clone(), key), names);
        }
    }
    out
}

/// Rules that were there keep their order, and new ones stand behind them.
fn assert_append_only(old: &Output, new: &Output, edit: &Edit) {
    let name = |path: &str| path.trim_start_matches("main::").replace("::", "-");
    let renamed: BTreeMap<String, String> = edit
        .renamed
        .iter()
        .map(|(from, to)| (name(from), name(to)))
        .collect();
    let now = arrays(new);
    for (key, before) in arrays(old) {
        let Some(after) = now.get(&key) else { continue };
        let kept: Vec<String> = before
            .iter()
            .map(|n| renamed.get(n).unwrap_or(n).clone())
            .filter(|n| after.contains(n))
            .collect();
        assert_eq!(after[..kept.len()], kept[..], "{key:?}");
    }
}

/// Groups that the old lock had are in the new output or told and recorded as retired.
fn assert_retired(old: &Lock, output: &Output, told: &[Diagnostic]) {
    let new = read(&output.lock);
    for (scope, entries) in old.scopes.iter().filter(|(s, _)| s.part == Part::Groups) {
        for (id, was) in &entries.entries {
            let now = &new.scopes[scope].entries[id];
            let file = format!(
                "{}/firewall/{}/rcg/{id}.json",
                scope.environment, scope.name
            );
            let made = output.files.iter().any(|f| f.path == file);
            assert_eq!(now.retired, !made, "{scope} {id}");
            assert_eq!(now.number, was.number, "{scope} {id}");
            if now.retired {
                let message = told.iter().find(|d| {
                    d.code == Code::PC7007
                        && d.message.contains(&format!("`{id}`"))
                        && d.message.contains(&scope.environment)
                });
                assert!(message.is_some(), "{scope} {id} is not told");
                let manifest = format!("{}/manifest.json", scope.environment);
                let manifest = output.files.iter().find(|f| f.path == manifest).unwrap();
                assert!(manifest.text.contains("\"retired\""), "{}", manifest.text);
                assert!(manifest.text.contains(&format!("\"{id}\"")));
            }
        }
    }
}

#[test]
fn random_edits_move_no_neighbour() {
    let (mut edits, mut flows) = (0, 0);
    for case in 0..cases() {
        let layout = LAYOUTS[case as usize % 3];
        let mut dice = Dice::new(case);
        let size = 4 + dice.below(60);
        let mut source = Source::draw(&mut dice, size);
        let (mut output, _) = compile(&source.text(&mut dice), layout, None);
        let mut history = vec![output.lock.clone()];
        for _ in 0..EDITS {
            let before = source.clone();
            let edit = source.edit(&mut dice, "r");
            let text = source.text(&mut dice);
            let (next, told) = compile(&text, layout, Some(&output.lock));
            let (old, new) = (read(&output.lock), read(&next.lock));
            assert_sticky(&old, &new, &edit);
            assert_append_only(&output, &next, &edit);
            assert_retired(&old, &next, &told);
            assert!(
                !told
                    .iter()
                    .any(|d| d.code == Code::PC7003 && d.severity > Severity::Note),
                "{told:#?}"
            );
            // Statement order means nothing, to the lock neither.
            let (other, _) = compile(&source.text(&mut dice), layout, Some(&output.lock));
            assert_eq!(other.lock, next.lock);
            assert_eq!(other.files, next.files);
            // The lock it wrote is the lock it would write.
            let (again, _) = compile(&text, layout, Some(&next.lock));
            assert_eq!(again.lock, next.lock);
            assert_eq!(again.files, next.files);
            if before == source {
                assert_eq!(next.lock, output.lock);
            }
            output = next;
            history.push(output.lock.clone());
            edits += 1;
            flows += source.rules.len();
        }
        older_lock(&source, &history, layout, &mut dice);
    }
    println!("{edits} edits, {} flows on average", flows / edits);
}

/// With the lock of any older state the output is sound, and what that lock knows keeps its number.
fn older_lock(source: &Source, history: &[String], layout: RcgLayout, dice: &mut Dice) {
    for _ in 0..3 {
        let old_text = &history[dice.below(history.len())];
        let (output, told) = compile(&source.text(dice), layout, Some(old_text));
        assert!(
            !told
                .iter()
                .any(|d| d.code == Code::PC7003 && d.severity > Severity::Note),
            "{told:#?}"
        );
        let everything = source.rules.keys().map(path).collect();
        let edit = Edit {
            free: everything,
            ..Edit::default()
        };
        let (old, new) = (read(old_text), read(&output.lock));
        assert_sticky(&old, &new, &edit);
        for (scope, entries) in old.scopes.iter().filter(|(s, _)| s.part != Part::Groups) {
            for (id, was) in &entries.entries {
                let rule = source
                    .rules
                    .iter()
                    .find(|(k, _)| path(k) == flow(scope, id));
                let now = new.scopes[scope].entries.get(id);
                if let (Some((_, rule)), Some(now)) = (rule, now)
                    && rule.pin.is_none()
                    && was
                        .number
                        .is_some_and(|n| (2500..3800).contains(&n) && n % 10 == 0)
                    && rule.verb == "allow"
                {
                    assert_eq!(now.number, was.number, "{scope} {id}");
                }
            }
        }
    }
}

/// A merge by union of lines: what one side removed is gone, what either added is there.
fn union(base: &str, one: &str, two: &str) -> String {
    let kept = |side: &str, other: &str| -> Vec<String> {
        let known: BTreeSet<&str> = base.lines().collect();
        let there: BTreeSet<&str> = other.lines().collect();
        let lines = side
            .lines()
            .filter(|l| !known.contains(l) || there.contains(l));
        lines.map(str::to_owned).collect()
    };
    let mut lines = kept(one, two);
    lines.extend(kept(two, one));
    lines.join("\n") + "\n"
}

#[test]
fn two_branches_merge_and_the_base_keeps_its_numbers() {
    let (mut clashes, mut refused) = (0, 0);
    for case in 0..cases() {
        let layout = LAYOUTS[case as usize % 3];
        let mut dice = Dice::new(1_000_000 + case);
        let size = 10 + dice.below(50);
        let base = Source::draw(&mut dice, size);
        let (base_output, _) = compile(&base.text(&mut dice), layout, None);
        let branch = |mark: &str, dice: &mut Dice| {
            let mut source = base.clone();
            for _ in 0..12 {
                source.add(dice, mark);
            }
            for _ in 0..dice.below(3) {
                let key = base.rules.keys().nth(dice.below(base.rules.len())).unwrap();
                source.rules.remove(key);
            }
            let lock = Some(base_output.lock.as_str());
            let (output, _) = compile(&source.text(dice), layout, lock);
            (source, output.lock)
        };
        let (a, lock_a) = branch("a", &mut dice);
        let (b, lock_b) = branch("b", &mut dice);
        let mut merged = a.clone();
        merged
            .rules
            .retain(|k, _| !base.rules.contains_key(k) || b.rules.contains_key(k));
        let added = b.rules.iter().filter(|(k, _)| !base.rules.contains_key(*k));
        merged
            .rules
            .extend(added.map(|(k, r)| (k.clone(), r.clone())));
        let text = merged.text(&mut dice);
        let base_lock = read(&base_output.lock);
        let mut unions = vec![
            union(&base_output.lock, &lock_a, &lock_b),
            union(&base_output.lock, &lock_b, &lock_a),
        ];
        unions.extend(command::git_union(&base_output.lock, &lock_a, &lock_b));
        for merge in unions {
            let parsed = lock::parse(&merge).unwrap();
            // Unfixed: refused, or nothing to fix.
            let (output, told) = compile_all(&text, layout, Some(&merge), &[]);
            let twice = told.iter().any(|d| d.code == Code::PC7002);
            assert_eq!(output.is_none(), twice, "{told:#?}");
            refused += usize::from(twice);
            let (fixed, gave_up) = parsed.settle(Some(&base_lock));
            clashes += gave_up.len();
            assert!(!(twice && gave_up.is_empty()));
            let (output, told) = compile(&text, layout, Some(&fixed.text()));
            assert!(!told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
            let new = read(&output.lock);
            for (scope, entries) in &base_lock.scopes {
                for (id, was) in &entries.entries {
                    if let Some(now) = new.scopes[scope].entries.get(id) {
                        let kept = Entry {
                            retired: now.retired,
                            ..was.clone()
                        };
                        assert_eq!(*now, kept, "{scope} {id}");
                    }
                }
            }
            assert_sticky(&base_lock, &new, &Edit::default());
        }
    }
    println!("{clashes} clashes, {refused} merges refused before the repair");
}

#[test]
fn one_environment_leaves_the_others_alone_and_new_rules_read_alike() {
    let mut alike = 0;
    for case in 0..cases() {
        let mut dice = Dice::new(2_000_000 + case);
        let layout = LAYOUTS[case as usize % 3];
        let mut source = Source::draw(&mut dice, 30);
        let (first, _) = compile(&source.text(&mut dice), layout, None);
        for _ in 0..5 {
            source.add(&mut dice, "r");
        }
        let text = source.text(&mut dice);
        let (output, _) = compile_all(&text, layout, Some(&first.lock), &["dev"]);
        let dev = read(&output.unwrap().lock);
        let before = read(&first.lock);
        for (scope, entries) in before
            .scopes
            .iter()
            .filter(|(s, _)| s.environment == "prod")
        {
            assert_eq!(dev.scopes[scope], *entries, "{scope}");
        }
        let (both, _) = compile(&text, layout, Some(&dev.text()));
        let both = read(&both.lock);
        for (scope, entries) in both.scopes.iter().filter(|(s, _)| s.environment == "prod") {
            let twin = Scope::new("dev", &scope.name, scope.part);
            for (id, entry) in &entries.entries {
                assert_eq!(
                    entry.number, both.scopes[&twin].entries[id].number,
                    "{scope} {id}"
                );
                alike += 1;
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
fn numbers_come_from_the_output_where_there_is_no_lock() {
    for case in 0..cases() {
        let mut dice = Dice::new(3_000_000 + case);
        let layout = LAYOUTS[case as usize % 3];
        let mut source = Source::draw(&mut dice, 40);
        let (mut output, _) = compile(&source.text(&mut dice), layout, None);
        // Some history, so that the numbers are not those of a fresh start.
        for _ in 0..6 {
            source.edit(&mut dice, "r");
            let lock = output.lock.clone();
            output = compile(&source.text(&mut dice), layout, Some(&lock)).0;
        }
        let (seeded, told) = from_output(&source.text(&mut dice), layout, &output);
        assert!(seeded.seeded);
        assert!(!told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
        assert_eq!(seeded.files, output.files);
    }
}

fn from_output(text: &str, layout: RcgLayout, old: &Output) -> (Output, Vec<Diagnostic>) {
    let mut built = Built::of(text);
    built.settings.layout.rcg = layout;
    built.output.clone_from(&old.files);
    built.compile(None)
}

#[test]
fn no_text_is_too_odd_to_read() {
    let (output, _) = compile(
        &Source::draw(&mut Dice::new(9), 20).text(&mut Dice::new(9)),
        RcgLayout::PerGroup,
        None,
    );
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
