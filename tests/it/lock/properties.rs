//! The laws of numbers under random edits: step by step, with the lock of any older state, and after
//! merges of two branches, in every layout and form.

use std::collections::BTreeSet;
use std::ops::Range;

use portcullis::allocate::lock::{self, Lock};
use portcullis::diag::{Code, Diagnostic};
use portcullis::driver::Output;

use super::draw::{Dice, Source};
use super::laws::{assert_append_only, assert_laws, assert_truth, live};
use super::{cases, command, read};

/// Steps of one project, of one to nine edits each.
const STEPS: usize = 24;

/// Random edits that are made at least, with the cases that are drawn unless told.
const EDITS: usize = 2000;

fn compile(source: &Source, dice: &mut Dice, lock: Option<&str>) -> (Output, Vec<Diagnostic>) {
    source.built(dice).compile(lock)
}

#[test]
fn random_edits_of_policies_obey_the_laws() {
    random_edits(false, 0..cases() * 2);
}

#[test]
fn random_edits_of_classic_firewalls_obey_the_laws() {
    random_edits(true, 100_000..100_000 + cases());
}

/// Projects that begin in one form; an edit may change it.
fn random_edits(classic: bool, seeds: Range<u64>) {
    let least = EDITS * (seeds.end - seeds.start) as usize / 18;
    let (mut edits, mut steps, mut flows, mut moves) = (0, 0, 0, 0);
    for case in seeds {
        let mut dice = Dice::new(case);
        let size = 4 + dice.below(12);
        let mut source = Source::draw(&mut dice, size);
        source.set_policy_form(classic, case as usize % 3);
        let (mut output, _) = compile(&source, &mut dice, None);
        let mut history = vec![(source.clone(), output.clone())];
        for step in 0..STEPS {
            let before = source.clone();
            edits += source.edit(&mut dice);
            let (next, told) = compile(&source, &mut dice, Some(&output.lock));
            let old = read(&output.lock);
            assert_laws((&before, &old), (&source, &next), &told);
            assert_append_only((&before, &output), (&source, &next));
            assert_truth(&old, &next, &told);
            moves += told.iter().filter(|d| d.code == Code::PC7003).count();
            if step % 6 == 0 {
                // Statement order means nothing, to the lock neither.
                let (other, _) = compile(&source, &mut dice, Some(&output.lock));
                assert_eq!((&other.lock, &other.files), (&next.lock, &next.files));
                // The lock it wrote is the lock it would write.
                let (again, _) = compile(&source, &mut dice, Some(&next.lock));
                assert_eq!((&again.lock, &again.files), (&next.lock, &next.files));
            }
            output = next;
            history.push((source.clone(), output.clone()));
            steps += 1;
            flows += source.flows();
        }
        // With the lock of any older state, all that lies between is one edit.
        for _ in 0..3 {
            let (then, was) = &history[dice.below(history.len())];
            let (next, told) = compile(&source, &mut dice, Some(&was.lock));
            assert_laws((then, &read(&was.lock)), (&source, &next), &told);
            assert_append_only((then, was), (&source, &next));
        }
    }
    println!(
        "{edits} edits in {steps} steps, {} flows on average, {moves} moves told",
        flows / steps
    );
    assert!(edits >= least, "{edits}");
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
    let (mut clashes, mut refused, mut merges) = (0, 0, 0);
    for case in 0..cases() {
        let mut dice = Dice::new(1_000_000 + case);
        let size = 8 + dice.below(12);
        let mut base = Source::draw(&mut dice, size);
        base.set_policy_form(case % 4 == 3, case as usize % 3);
        let (base_output, _) = compile(&base, &mut dice, None);
        let branch = |number: u32, dice: &mut Dice| {
            let mut source = base.branch(number);
            for _ in 0..8 {
                source.add(dice);
            }
            // A classic firewall remembers no group that left, so one which only the other branch
            // still fills is a new one.
            for _ in 0..dice.below(if base.is_classic() { 1 } else { 3 }) {
                source.remove(dice);
            }
            let (output, _) = compile(&source, dice, Some(&base_output.lock));
            (source, output.lock)
        };
        let (a, lock_a) = branch(1, &mut dice);
        let (b, lock_b) = branch(2, &mut dice);
        let merged = base.merge(&a, &b);
        let base_lock = read(&base_output.lock);
        let mut unions = vec![
            union(&base_output.lock, &lock_a, &lock_b),
            union(&base_output.lock, &lock_b, &lock_a),
        ];
        unions.extend(command::git_union(&base_output.lock, &lock_a, &lock_b));
        for merge in unions {
            merges += 1;
            let parsed = lock::parse(&merge).unwrap();
            // Unfixed: refused, or nothing to fix.
            let (output, told) = merged.built(&mut dice).run(Some(&merge));
            let twice = told.iter().any(|d| d.code == Code::PC7002);
            assert_eq!(output.is_none(), twice, "{told:#?}");
            refused += usize::from(twice);
            let (fixed, gave_up) = parsed.settle(Some(&base_lock));
            clashes += gave_up.len();
            assert!(!(twice && gave_up.is_empty()));
            assert_base(&base_lock, &fixed);
            let (output, told) = compile(&merged, &mut dice, Some(&fixed.text()));
            assert_laws((&base, &base_lock), (&merged, &output), &told);
            assert_append_only((&base, &base_output), (&merged, &output));
            assert_base(&base_lock, &read(&output.lock));
            // What was settled without a base obeys the laws as well.
            let alone = parsed.settle(None).0;
            let (output, told) = compile(&merged, &mut dice, Some(&alone.text()));
            assert_laws((&merged, &alone), (&merged, &output), &told);
        }
    }
    println!("{merges} merges, {clashes} clashes, {refused} refused before the repair");
}

/// What the base had and the merge still has is what it was.
fn assert_base(base: &Lock, merged: &Lock) {
    let now = live(merged);
    for (key, was) in live(base) {
        let ordered = key.1.starts_with("acl::") || key.1.starts_with("net/");
        let ordered = ordered || key.1.contains("ordered");
        if let Some(entry) = now.get(&key).filter(|_| !ordered) {
            assert_eq!(*entry, was, "{key:?}");
        }
    }
}
