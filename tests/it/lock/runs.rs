//! The collections of ordered groups on a firewall: names and priorities that outlive insertions,
//! removals and renames, in a policy and in a classic firewall.

use std::collections::BTreeMap;

use portcullis::config::Band;
use portcullis::diag::{Code, Diagnostic};
use portcullis::driver::Output;

use super::draw::Dice;
use super::laws::each_collection;
use super::project::Built;

/// Name to priority.
type Collections = BTreeMap<String, u64>;

fn policy(classic: bool, flows: &[&str]) -> Built {
    let output = if classic { "  output = classic\n" } else { "" };
    let lines: String = flows.iter().map(|flow| line(flow)).collect();
    Built::of(&format!(
        "firewall azfw {{\n{output}  dns-proxy = true\n}}\nordered group acl {{\n{lines}}}\n"
    ))
}

/// `+dns` is an allow of the label `dns`, `-rest` a deny, `+*shop` an allow by name.
fn line(flow: &str) -> String {
    let verb = if flow.starts_with('+') {
        "allow"
    } else {
        "deny"
    };
    let label = flow.trim_start_matches(['+', '-', '*']);
    if flow.contains('*') {
        return format!(
            "  {verb} {label}: https from 10.1.0.0/16 to {label}.contoso.com for \"N\"\n"
        );
    }
    let sum = label
        .bytes()
        .fold(7_u32, |sum, b| sum.wrapping_mul(31) + u32::from(b));
    let host = format!("20.{}.{}.1", (sum >> 8) & 255, sum & 255);
    format!("  {verb} {label}: tcp/443 from 10.1.0.0/16 to {host} for \"A\"\n")
}

fn collections(output: &Output) -> Collections {
    let mut out = Collections::new();
    each_collection(output, |_, name, content| {
        out.insert(name.to_owned(), content["priority"].as_u64().unwrap());
    });
    out
}

/// The collections in order of their priority.
fn names(collections: &Collections) -> Vec<&str> {
    let mut sorted: Vec<(u64, &str)> = collections.iter().map(|(n, p)| (*p, n.as_str())).collect();
    sorted.sort();
    sorted.into_iter().map(|(_, name)| name).collect()
}

fn named(classic: bool, kind: &str, run: &str, word: &str) -> String {
    if classic {
        format!("pc-25-ordered-acl-{kind}.{run}")
    } else {
        format!("{kind}-{run}-{word}")
    }
}

fn silent(told: &[Diagnostic]) {
    let moved = told.iter().find(|d| d.code == Code::PC7003);
    assert!(moved.is_none(), "{moved:#?}");
}

/// Compiles one list after the other, and gives what both made.
fn both(classic: bool, before: &[&str], after: &[&str]) -> (Collections, Collections) {
    let (first, _) = policy(classic, before).compile(None);
    let (next, told) = policy(classic, after).compile(Some(&first.lock));
    silent(&told);
    // The lock it wrote is the lock it would write.
    let (again, _) = policy(classic, after).compile(Some(&next.lock));
    assert_eq!((&again.lock, &again.files), (&next.lock, &next.files));
    // And without a lock the output tells as much.
    let mut lost = policy(classic, after);
    lost.output.clone_from(&next.files);
    assert_eq!(lost.compile(None).0.files, next.files);
    (collections(&first), collections(&next))
}

#[test]
fn an_insertion_leaves_the_other_collections_alone() {
    for classic in [false, true] {
        let before = ["+a", "+b", "-c", "+e", "-f", "+*d"];
        for (label, at) in [
            ("+x", 0),
            ("-x", 0),
            ("-x", 1),
            ("+x", 3),
            ("-x", 5),
            ("+x", 5),
            ("-*x", 6),
        ] {
            let mut after = before.to_vec();
            after.insert(at, label);
            let (old, new) = both(classic, &before, &after);
            for (name, priority) in &old {
                assert_eq!(
                    new.get(name),
                    Some(priority),
                    "{label} at {at}: {name} {new:?}"
                );
            }
        }
    }
}

#[test]
fn a_run_survives_the_flow_that_it_is_named_after() {
    for classic in [false, true] {
        let before = ["+a", "+b", "-c", "+d"];
        let (old, new) = both(classic, &before, &["+b", "-c", "+d"]);
        assert_eq!(old, new);
        // The label comes back elsewhere: the run keeps its name, and the other gets another.
        let lists = [
            before.as_slice(),
            &["+b", "-c", "+d"],
            &["+b", "-c", "+d", "-a"],
        ];
        let mut lock = None;
        let mut seen = Vec::new();
        for list in lists {
            let (output, told) = policy(classic, list).compile(lock.as_deref());
            silent(&told);
            seen.push(collections(&output));
            lock = Some(output.lock);
        }
        assert!(
            old.iter()
                .all(|(name, priority)| seen[2].get(name) == Some(priority))
        );
        assert_eq!(seen[2].len(), 4, "{:?}", seen[2]);
    }
}

#[test]
fn two_runs_that_meet_keep_one_and_a_run_that_is_split_goes_on() {
    for classic in [false, true] {
        let (old, new) = both(
            classic,
            &["+a", "+b", "-c", "+d", "-e"],
            &["+a", "+b", "+d", "-e"],
        );
        let kept = named(classic, "net", "a", "allow");
        assert_eq!(
            names(&new),
            [kept.as_str(), &named(classic, "net", "e", "deny")]
        );
        assert!(new.iter().all(|(name, priority)| old[name] == *priority));
        // The greater part goes on under the old name.
        let (old, new) = both(classic, &["+a", "+b", "+c"], &["+a", "-x", "+b", "+c"]);
        assert_eq!(old[&kept], new[&kept]);
        let fresh = named(classic, "net", "a-", "");
        assert!(
            names(&new)[0].starts_with(fresh.trim_end_matches("-allow").trim_end_matches('-')),
            "{new:?}"
        );
        assert_eq!(names(&new)[2], kept);
    }
}

#[test]
fn a_label_that_is_renamed_renames_no_collection() {
    for classic in [false, true] {
        let (first, _) = policy(classic, &["+a", "-c"]).compile(None);
        let mut renamed = policy(classic, &["+z", "-c"]);
        let text = renamed.files["main.gate"].clone() + "moved acl::a -> acl::z\n";
        renamed.files.insert("main.gate".to_owned(), text);
        let (next, told) = renamed.compile(Some(&first.lock));
        silent(&told);
        assert_eq!(collections(&first), collections(&next));
    }
}

#[test]
fn a_full_gap_tells_what_it_moves() {
    let built = |flows: &[&str]| {
        let mut built = policy(true, flows);
        built
            .settings
            .bands
            .rcg
            .insert(Band::Ordered, (20000, 20003));
        built
    };
    let (first, _) = built(&["+a", "-b", "+c"]).compile(None);
    let (next, told) = built(&["+a", "-x", "+y", "-b"]).compile(Some(&first.lock));
    let (old, new) = (collections(&first), collections(&next));
    let moved = old
        .iter()
        .filter(|(n, p)| new.get(*n).is_some_and(|now| now != *p));
    let warned = told.iter().filter(|d| d.code == Code::PC7003).count();
    assert_eq!(moved.count() > 0, warned > 0, "{old:?} {new:?}");
    let (output, told) = built(&["+a", "-b", "+c", "-d", "+e"]).run(Some(&first.lock));
    assert!(output.is_none());
    assert!(told.iter().any(|d| d.code == Code::PC7004), "{told:#?}");
}

#[test]
fn random_insertions_and_removals_move_no_collection() {
    let mut edits = 0;
    for case in 0..super::cases() {
        let classic = case % 2 == 1;
        let mut dice = Dice::new(5_000_000 + case);
        let mut flows: Vec<String> = Vec::new();
        let mut lock: Option<String> = None;
        let mut before = Collections::new();
        let mut told_moves = 0;
        for step in 0..12 {
            for _ in 0..=dice.below(2) {
                if flows.len() > 3 && dice.below(3) == 0 {
                    flows.remove(dice.below(flows.len()));
                } else {
                    let sign = ["+", "-", "+*"][dice.below(3)];
                    let at = dice.below(flows.len() + 1);
                    flows.insert(at, format!("{sign}l{step}x{}", dice.below(1000)));
                }
            }
            let list: Vec<&str> = flows.iter().map(String::as_str).collect();
            let built = policy(classic, &list);
            let (output, told) = match built.run(lock.as_deref()) {
                (Some(output), told) => (output, told),
                // Rules by name stand behind those by address, whatever the order.
                (None, told) => {
                    assert!(told.iter().any(|d| d.code == Code::PC4007), "{told:#?}");
                    flows.retain(|f| !f.contains('*'));
                    continue;
                }
            };
            let now = collections(&output);
            let moved = before
                .iter()
                .filter(|(name, p)| now.get(*name).is_some_and(|n| n != *p))
                .count();
            if moved > 0 {
                assert!(told.iter().any(|d| d.code == Code::PC7003));
                told_moves += 1;
            }
            let mut reached = now.values().copied().collect::<Vec<_>>();
            reached.sort_unstable();
            reached.dedup();
            assert_eq!(reached.len(), now.len(), "{now:?}");
            before = now;
            lock = Some(output.lock);
            edits += 1;
        }
        assert_eq!(told_moves, 0, "case {case}");
    }
    println!("{edits} edits of ordered groups");
}
