//! The collections of an ordered group: one per run of neighbours with the same action and rule type,
//! with priorities that rise in source order. Which run was which before its rules say, so that an
//! insertion leaves the others alone. Whether the types allow that order, `order` has checked.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::allocate::collections::{in_group, run_name};
use crate::allocate::lock::{Part, Scope};
use crate::allocate::numbers::{Leaving, Terms, Wanted, by_name};
use crate::allocate::{Allocation, Request};
use crate::backends::faults;
use crate::backends::lowered::Context;
use crate::config::Band;
use crate::diag::Sink;
use crate::model::Firewall;

use super::lower::Group;
use super::places::{self, APPLICATION, NETWORK};
use super::shape::{FilterAction, FilterCollection, Rule, RuleCollection, Verdict};

/// Priorities of collections inside a rule collection group ("Azure Firewall Policy rule sets",
/// checked 2026-11-23), from where those of other groups begin.
const INSIDE: (u32, u32) = (200, 65000);

/// One collection of an ordered group.
#[derive(Clone, Debug)]
pub(super) struct Run {
    kind: &'static str,
    action: Verdict,
    /// Names of its rules.
    rules: Vec<String>,
    /// Labels of its flows.
    labels: Vec<String>,
    name: String,
    priority: u32,
}

/// A run that may go on as one that is remembered. The one with the most rules of it does; of equals,
/// the one that comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim<'o> {
    votes: Reverse<usize>,
    first: usize,
    run: usize,
    old: &'o str,
}

/// Names and numbers the runs of all ordered groups.
pub(super) fn settle(
    context: &Context<'_>,
    firewall: &Firewall,
    groups: &mut [&mut Group],
    foreign: &[u32],
    sink: &mut Sink,
) {
    for group in groups.iter_mut() {
        let mut runs = runs(group);
        name(context, firewall, group, &mut runs);
        let run_of = run_of(&runs);
        for rule in &mut group.ids {
            let run = run_of.get(&(rule.kind, &rule.name));
            if let Some(run) = run.and_then(|index| runs.get(*index)) {
                rule.run = Some(run.name.clone());
            }
        }
        group.runs = runs;
    }
    if firewall.classic {
        number_together(context, firewall, groups, foreign, sink);
    } else {
        for group in groups {
            number_inside(context, firewall, group, sink);
        }
    }
}

/// Neighbours with one action, by type.
fn runs(group: &Group) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut before: Option<Verdict> = None;
    let mut start = 0;
    for member in group.members.values() {
        if before != Some(member.action) {
            before = Some(member.action);
            start = out.len();
            for kind in [NETWORK, APPLICATION] {
                out.push(Run {
                    kind,
                    action: member.action,
                    rules: Vec::new(),
                    labels: Vec::new(),
                    name: String::new(),
                    priority: 0,
                });
            }
        }
        for run in out.iter_mut().skip(start) {
            let of_kind = member.rules.iter().filter(|(kind, _)| *kind == run.kind);
            let names: Vec<String> = of_kind.map(|(_, name)| name.clone()).collect();
            if !names.is_empty() {
                run.labels.push(member.label.clone());
            }
            run.rules.extend(names);
        }
    }
    out.retain(|run| !run.rules.is_empty());
    out
}

/// By type and name of a rule: the place of its run.
fn run_of(runs: &[Run]) -> BTreeMap<(&'static str, &String), usize> {
    let places = runs.iter().enumerate();
    places
        .flat_map(|(index, run)| run.rules.iter().map(move |rule| ((run.kind, rule), index)))
        .collect()
}

/// Gives each run the name that most of its rules were remembered under, and new ones the label of
/// their first flow.
fn name(context: &Context<'_>, firewall: &Firewall, group: &Group, runs: &mut [Run]) {
    let remembered = places::runs(context, firewall, group);
    let mut taken: BTreeSet<(&'static str, String)> = remembered
        .iter()
        .map(|((kind, _), run)| (*kind, run.clone()))
        .collect();
    let mut claims: BTreeMap<(usize, &str), Claim> = BTreeMap::new();
    let mut place = 0;
    for (index, run) in runs.iter().enumerate() {
        for rule in &run.rules {
            place += 1;
            if let Some(old) = remembered.get(&(run.kind, rule.clone())) {
                let claim = claims.entry((index, old)).or_insert(Claim {
                    votes: Reverse(0),
                    first: place,
                    run: index,
                    old,
                });
                claim.votes.0 += 1;
            }
        }
    }
    let mut sorted: Vec<Claim> = claims.into_values().collect();
    sorted.sort();
    let mut given: BTreeSet<(&'static str, &str)> = BTreeSet::new();
    for claim in sorted {
        if let Some(run) = runs.get_mut(claim.run).filter(|r| r.name.is_empty())
            && given.insert((run.kind, claim.old))
        {
            claim.old.clone_into(&mut run.name);
        }
    }
    for run in runs.iter_mut().filter(|run| run.name.is_empty()) {
        let labels: Vec<&str> = run.labels.iter().map(String::as_str).collect();
        let kind = run.kind;
        run.name = run_name(&labels, &|name| taken.contains(&(kind, name.to_owned())));
        taken.insert((kind, run.name.clone()));
    }
}

/// In a policy the priorities of collections count inside their group.
fn number_inside(context: &Context<'_>, firewall: &Firewall, group: &mut Group, sink: &mut Sink) {
    let mut scope = places::scope(context, firewall, Part::Runs);
    scope.name = format!("{}:{}", scope.name, group.name);
    let wanted = (0..).zip(&group.runs).map(|(place, run)| {
        let id = format!("{}/{}", run.kind, run.name);
        wanted(id, Vec::new(), INSIDE, place)
    });
    let result = allocate(
        context,
        &scope,
        &wanted.collect::<Vec<_>>(),
        Vec::new(),
        group,
        sink,
    );
    for run in &mut group.runs {
        let id = format!("{}/{}", run.kind, run.name);
        run.priority = result.numbers.get(&id).copied().unwrap_or_default();
    }
}

/// A classic firewall has no groups: the collections of all share the band of ordered groups.
fn number_together(
    context: &Context<'_>,
    firewall: &Firewall,
    groups: &mut [&mut Group],
    foreign: &[u32],
    sink: &mut Sink,
) {
    let bands = &context.settings.bands.rcg;
    let band = bands.get(&Band::Ordered).copied().unwrap_or(INSIDE);
    let mut reserved: Vec<(u32, u32)> = foreign.iter().map(|n| (*n, *n)).collect();
    reserved.extend(bands.get(&Band::Reserved).copied());
    let id = |group: &str, run: &Run| format!("{group}/{}/{}", run.kind, run.name);
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let mut all = Vec::new();
    for group in groups.iter() {
        for run in &group.runs {
            let old = group.old_names.iter().map(|old| id(old, run)).collect();
            let place = u32::try_from(all.len()).unwrap_or(u32::MAX);
            all.push(wanted(id(&group.name, run), old, band, place));
        }
    }
    let scope = places::scope(context, firewall, Part::Runs);
    let Some(first) = groups.first() else {
        return;
    };
    let result = allocate(context, &scope, &all, reserved, first, sink);
    for group in groups.iter_mut() {
        let name = group.name.clone();
        for run in &mut group.runs {
            let number = result.numbers.get(&id(&name, run));
            run.priority = number.copied().unwrap_or_default();
        }
    }
}

fn wanted(id: String, mut formerly: Vec<String>, band: (u32, u32), place: u32) -> Wanted {
    formerly.push(by_name(&id));
    Wanted {
        request: Request {
            id,
            band,
            pin: None,
        },
        formerly,
        name: None,
        order: Some(place),
    }
}

fn allocate(
    context: &Context<'_>,
    scope: &Scope,
    wanted: &[Wanted],
    reserved: Vec<(u32, u32)>,
    group: &Group,
    sink: &mut Sink,
) -> Allocation {
    let terms = Terms {
        reserved,
        stride: context.settings.bands.stride.rcg,
        leaving: Leaving::Goes(BTreeMap::new()),
    };
    let result = context.numbers.borrow_mut().allocate(scope, wanted, &terms);
    if let Some(d) = faults::renumbered(group.span, &scope.to_string(), &result.moved) {
        sink.push(d);
    }
    if !result.errors.is_empty() {
        let full = format!("rule collection group `{}`", group.name);
        sink.push(faults::band_full(group.span, &full, "ordered"));
    }
    result
}

/// The collections in the order in which Azure is to read them.
pub(super) fn collections(group: &Group) -> Vec<RuleCollection> {
    let mut out = Vec::new();
    let run_of = run_of(&group.runs);
    let mut rules_of: BTreeMap<usize, Vec<Rule>> = BTreeMap::new();
    let mut put = |kind: &'static str, name: &String, rule: Rule| {
        if let Some(run) = run_of.get(&(kind, name)) {
            rules_of.entry(*run).or_default().push(rule);
        }
    };
    for rule in &group.network {
        put(NETWORK, &rule.name, Rule::Network(rule.clone()));
    }
    for rule in &group.application {
        put(APPLICATION, &rule.name, Rule::Application(rule.clone()));
    }
    for (index, run) in group.runs.iter().enumerate() {
        let rules = rules_of.remove(&index).unwrap_or_default();
        let word = match run.action {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
        };
        out.push(RuleCollection::Filter(FilterCollection {
            name: in_group(run.kind, Some(&run.name), word),
            priority: run.priority,
            action: FilterAction { kind: run.action },
            rules,
        }));
    }
    out.sort_by_key(|collection| match collection {
        RuleCollection::Filter(filter) => filter.priority,
        RuleCollection::Nat(nat) => nat.priority,
    });
    out
}
