//! What each rule of an ordered list still decides, which are dead and which could go. How rules
//! become sets is not said here.

use super::builder::Exhausted;
use super::rule::Verdict;
use super::space::{Set, Space};

/// What becomes of a rule in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The packets that it decides: those it matches and no earlier rule does.
    pub effective: Set,
    /// There is no such packet.
    pub covered: bool,
    /// If covered: earlier rules that match all of its packets together, ascending; none of them can
    /// be left out.
    pub by: Vec<usize>,
    /// It decides packets, but without it each would get the same verdict; and so it is once every
    /// covered and every redundant rule is gone.
    pub redundant: bool,
}

/// The fate of every rule of a list that ends in a denial.
///
/// # Errors
///
/// If the sets need too many nodes.
pub fn order(space: &mut Space, rules: &[(Verdict, Set)]) -> Result<Vec<Fate>, Exhausted> {
    order_ending(space, rules, Verdict::Deny)
}

/// The fate of every rule of a list that ends in a verdict.
///
/// # Errors
///
/// If the sets need too many nodes.
pub fn order_ending(
    space: &mut Space,
    rules: &[(Verdict, Set)],
    default: Verdict,
) -> Result<Vec<Fate>, Exhausted> {
    space.answer(|space| {
        let (mut fates, matched) = effects(space, rules);
        mark_redundant(space, rules, default, &mut fates);
        find_coverers(space, rules, &matched, &mut fates);
        fates
    })
}

/// The fate of every rule of a list, but for which are redundant: that is told of none.
///
/// # Errors
///
/// If the sets need too many nodes.
pub fn deciding(space: &mut Space, rules: &[(Verdict, Set)]) -> Result<Vec<Fate>, Exhausted> {
    space.answer(|space| {
        let (mut fates, matched) = effects(space, rules);
        find_coverers(space, rules, &matched, &mut fates);
        fates
    })
}

/// The packets that a list allows.
pub fn allowed(space: &mut Space, rules: &[(Verdict, Set)]) -> Set {
    allowed_ending(space, rules, Verdict::Deny)
}

/// The packets that a list allows which ends in a verdict.
pub fn allowed_ending(space: &mut Space, rules: &[(Verdict, Set)], default: Verdict) -> Set {
    let mut allowed = ending(space, default);
    for (verdict, set) in rules.iter().rev() {
        allowed = before(space, *verdict, *set, allowed);
    }
    allowed
}

/// Of some sets those that cover another one together, by index, ascending; none of them can be left
/// out. `None` if all of them do not cover it.
pub fn covering(space: &mut Space, set: Set, by: &[Set]) -> Option<Vec<usize>> {
    let mut found: Vec<(usize, Set)> = Vec::new();
    let mut open = set;
    let mut point = Vec::new();
    while !space.is_empty(open) && !space.exhausted() {
        space.some_point(open, &mut point);
        let holders: Vec<(usize, Set)> = (0..)
            .zip(by.iter().copied())
            .filter(|(_, other)| space.has_point(*other, &point))
            .collect();
        // One that covers all by itself is told before several that do together.
        if found.is_empty()
            && let Some((at, _)) = holders
                .iter()
                .find(|(_, other)| space.is_subset(set, *other))
        {
            return Some(vec![*at]);
        }
        let (at, first) = holders.first().copied()?;
        found.push((at, first));
        open = space.subtract(open, first);
    }
    Some(minimal(space, found, set))
}

fn ending(space: &Space, default: Verdict) -> Set {
    match default {
        Verdict::Allow => space.full(),
        Verdict::Deny => space.empty(),
    }
}

/// What a list allows once a rule stands before it.
fn before(space: &mut Space, verdict: Verdict, set: Set, allowed: Set) -> Set {
    match verdict {
        Verdict::Allow => space.union(allowed, set),
        Verdict::Deny => space.subtract(allowed, set),
    }
}

/// What every rule decides, and for every rule what those before it match.
fn effects(space: &mut Space, rules: &[(Verdict, Set)]) -> (Vec<Fate>, Vec<Set>) {
    let mut fates = Vec::with_capacity(rules.len());
    let mut matched = Vec::with_capacity(rules.len());
    let mut so_far = space.empty();
    for (_, set) in rules {
        matched.push(so_far);
        let effective = space.subtract(*set, so_far);
        let covered = space.is_empty(effective);
        if !covered {
            so_far = space.union(so_far, *set);
        }
        fates.push(Fate {
            effective,
            covered,
            by: Vec::new(),
            redundant: false,
        });
    }
    (fates, matched)
}

fn find_coverers(space: &mut Space, rules: &[(Verdict, Set)], matched: &[Set], fates: &mut [Fate]) {
    for (at, (fate, (_, set))) in fates.iter_mut().zip(rules).enumerate() {
        if fate.covered {
            let before = matched.get(..=at).unwrap_or_default();
            fate.by = coverers(space, rules, before, *set);
        }
    }
}

fn mark_redundant(
    space: &mut Space,
    rules: &[(Verdict, Set)],
    default: Verdict,
    fates: &mut [Fate],
) {
    // What the rules behind allow by themselves: all of them, and those that are left once every dead
    // and redundant one is gone. A rule may go only if it makes no difference to either.
    let mut behind = ending(space, default);
    let mut kept = behind;
    for ((verdict, set), fate) in rules.iter().zip(fates).rev() {
        if !fate.covered {
            fate.redundant = [behind, kept].into_iter().all(|rest| match verdict {
                Verdict::Allow => space.is_subset(fate.effective, rest),
                Verdict::Deny => !space.meets(fate.effective, rest),
            });
        }
        if !fate.covered && !fate.redundant {
            kept = before(space, *verdict, *set, kept);
        }
        behind = before(space, *verdict, *set, behind);
    }
}

/// Earlier rules that cover a set. `matched` holds, for every rule up to this one, what the rules
/// before it match.
fn coverers(space: &mut Space, rules: &[(Verdict, Set)], matched: &[Set], set: Set) -> Vec<usize> {
    let mut found: Vec<(usize, Set)> = Vec::new();
    let mut open = set;
    let mut point = Vec::new();
    while !space.is_empty(open) && !space.exhausted() {
        space.some_point(open, &mut point);
        // `matched` only grows, so the rule that decides a packet is found by halving.
        let after = matched.partition_point(|before| !space.has_point(*before, &point));
        let Some((_, decider)) = after.checked_sub(1).and_then(|at| rules.get(at)) else {
            break;
        };
        found.push((after - 1, *decider));
        open = space.subtract(open, *decider);
    }
    minimal(space, found, set)
}

/// Leaves out what the others cover without it.
fn minimal(space: &mut Space, found: Vec<(usize, Set)>, set: Set) -> Vec<usize> {
    // What is still open once all from here on are taken.
    let mut open_behind = vec![set];
    let mut open = set;
    for (_, own) in found.iter().rev() {
        open = space.subtract(open, *own);
        open_behind.push(open);
    }
    // A rule is needed if the kept ones before it and all behind it leave something open.
    open_behind.pop();
    let mut kept = Vec::new();
    let mut kept_union = space.empty();
    for (at, own) in found {
        let rest = open_behind.pop().unwrap_or(set);
        if !space.is_subset(rest, kept_union) {
            kept.push(at);
            kept_union = space.union(kept_union, own);
        }
    }
    kept.sort_unstable();
    kept
}
