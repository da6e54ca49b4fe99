//! Which resource and which rule of the new side is which of the old one. A label is a rule's identity,
//! `moved` its change of name; a rule without a label is known by its name. Nothing is compared beyond
//! what that takes.

use std::collections::{BTreeMap, BTreeSet};

use crate::allocate::numbers::{Rename, moved, old_paths};
use crate::backends::Role;

use super::fields::{FieldChange, Fields};
use super::shape::{Rule, Thing};
use super::{Kind, Parts, Side, Things};

/// What flows of the old side are called on the new one.
#[derive(Clone, Debug, Default)]
pub(super) struct Renames {
    to: BTreeMap<String, String>,
    /// Flows of the old side that the new one does not have, under no name.
    gone: BTreeSet<String>,
    /// Flows of the new side that the old one did not have, under no name.
    fresh: BTreeSet<String>,
    /// All flows of each side.
    before: BTreeSet<String>,
    after: BTreeSet<String>,
}

impl Renames {
    pub(super) fn new(old: &Side, new: &Side) -> Self {
        let (before, after) = (old.flows(), new.flows());
        let statements: Vec<Rename> = new
            .moved
            .iter()
            .map(|(from, to)| Rename {
                from: from.clone(),
                to: to.clone(),
            })
            .collect();
        let owned = |all: &BTreeSet<&str>| all.iter().map(|f| (*f).to_owned()).collect();
        let mut out = Self {
            before: owned(&before),
            after: owned(&after),
            ..Self::default()
        };
        for flow in after.iter().filter(|f| !before.contains(*f)) {
            let mut candidates = old_paths(flow, &statements).into_iter();
            let found = candidates.find(|old| {
                before.contains(old.as_str())
                    && !after.contains(old.as_str())
                    && !out.to.contains_key(old)
            });
            match found {
                Some(old) => {
                    out.to.insert(old, (*flow).to_owned());
                }
                None => {
                    out.fresh.insert((*flow).to_owned());
                }
            }
        }
        let gone = before.iter().filter(|f| !after.contains(*f));
        let gone = gone.filter(|f| !out.to.contains_key(**f));
        out.gone = gone.map(|f| (*f).to_owned()).collect();
        out
    }

    /// What to write for a rename: of the group or instance only if the old one is gone and the new one
    /// is new.
    fn statement(&self, from: &str, to: &str) -> String {
        let (short_from, short_to) = moved(from, to);
        let below = |all: &BTreeSet<String>, path: &str| {
            all.iter().any(|f| {
                f.strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with("::"))
            })
        };
        if short_from != from && (below(&self.after, &short_from) || below(&self.before, &short_to))
        {
            return format!("moved {from} -> {to}");
        }
        format!("moved {short_from} -> {short_to}")
    }

    /// The flows of a rule of the old side, by the names that they have now.
    fn now(&self, flows: &[String]) -> Vec<String> {
        let mut out: Vec<String> = flows
            .iter()
            .map(|flow| self.to.get(flow).unwrap_or(flow).clone())
            .collect();
        out.sort();
        out
    }
}

/// A resource of each side that are one.
pub(super) type Both<'t> = (Option<&'t Thing<'t>>, Option<&'t Thing<'t>>);

/// The resources of both sides, by kind and name. A rule collection group that came is the one that went
/// if all its labelled rules were in that one.
pub(super) fn resources<'t>(
    (before, after): (&'t Things<'t>, &'t Things<'t>),
    old: &Side,
    renames: &Renames,
) -> Vec<Both<'t>> {
    let mut out: Vec<Both<'t>> = Vec::new();
    let mut gone: BTreeMap<&(Kind, String), &Thing<'_>> = before
        .iter()
        .filter(|(k, _)| !after.contains_key(*k))
        .collect();
    // Where each flow was, by the names it has now; also in groups that are not read.
    let mut homes: BTreeMap<String, BTreeSet<&(Kind, String)>> = BTreeMap::new();
    if gone
        .keys()
        .any(|(kind, _)| *kind == Kind::RuleCollectionGroup)
    {
        for (rule, behind) in &old.behind {
            let group = rule.rsplit_once('/').map_or("", |(group, _)| group);
            let key = (Kind::RuleCollectionGroup, group.to_owned());
            let Some((key, _)) = before.get_key_value(&key) else {
                continue;
            };
            for flow in renames.now(&behind.flows) {
                homes.entry(flow).or_default().insert(key);
            }
        }
    }
    for (key, new) in after {
        if let Some(old) = before.get(key) {
            out.push((Some(old), Some(new)));
            continue;
        }
        let mut from: BTreeSet<&(Kind, String)> = BTreeSet::new();
        for flow in new.rules.iter().flat_map(|r| r.flows) {
            from.extend(homes.get(flow).into_iter().flatten().copied());
        }
        let mut left = from.into_iter();
        let only = match (left.next(), left.next()) {
            (Some(one), None) => gone.remove(one),
            _ => None,
        };
        let same_policy = |old: &&Thing<'_>| old.names.first() == new.names.first();
        out.push((only.filter(same_policy), Some(new)));
        if let Some(old) = only.filter(|old| !same_policy(old)) {
            gone.extend(before.get_key_value(&old.key()));
        }
    }
    out.extend(gone.into_values().map(|old| (Some(old), None)));
    out
}

/// A full id that is another one: the resource is another.
pub(super) fn another_id(old: &Thing<'_>, new: &Thing<'_>) -> Option<FieldChange> {
    let whole = |t: &Thing<'_>| {
        let id = t.id.as_ref()?;
        let lower = id.to_lowercase();
        let full = lower.starts_with("/subscriptions/") && !lower.contains('{');
        full.then(|| id.clone())
    };
    let (a, b) = (whole(old)?, whole(new)?);
    let renamed = !old.name().eq_ignore_ascii_case(&new.name());
    (!renamed && !a.eq_ignore_ascii_case(&b)).then(|| FieldChange {
        path: "id".to_owned(),
        old: Some(a),
        new: Some(b),
        ..FieldChange::default()
    })
}

/// A rule of each side that are one.
#[derive(Clone, Debug)]
pub(super) struct Paired<'t> {
    /// The resource that it is told with: of the new rule, else of the old one.
    pub(super) resource: usize,
    pub(super) old: Option<&'t Rule<'t>>,
    pub(super) new: Option<&'t Rule<'t>>,
    /// The old one stood in another resource.
    pub(super) crossed: bool,
    pub(super) parts: Option<Parts>,
    pub(super) like: Option<String>,
    pub(super) suggestion: Option<String>,
}

impl<'t> Paired<'t> {
    fn of(resource: usize, old: Option<&'t Rule<'t>>, new: Option<&'t Rule<'t>>) -> Self {
        Self {
            resource,
            old,
            new,
            crossed: false,
            parts: None,
            like: None,
            suggestion: None,
        }
    }
}

/// The rules of paired resources, paired.
pub(super) fn rules<'t>(resources: &[Both<'t>], renames: &Renames) -> Vec<Paired<'t>> {
    let mut out = Vec::new();
    // By resource: what is left of each side.
    let mut left: Vec<(usize, Vec<&'t Rule<'t>>, Vec<&'t Rule<'t>>)> = Vec::new();
    for (at, (old, new)) in resources.iter().enumerate() {
        let mut scope = Scope {
            renames,
            old: old.iter().flat_map(|t| &t.rules).collect(),
            new: new.iter().flat_map(|t| &t.rules).collect(),
            pairs: Vec::new(),
        };
        scope.pair();
        let pairs = scope.pairs.iter();
        out.extend(pairs.map(|(old, new)| Paired::of(at, Some(old), Some(new))));
        left.push((at, scope.old, scope.new));
    }
    crossings(resources, renames, &mut left, &mut out);
    for (at, old, new) in &left {
        out.extend(old.iter().map(|r| Paired::of(*at, Some(r), None)));
        out.extend(new.iter().map(|r| Paired::of(*at, None, Some(r))));
    }
    split(&mut out, renames);
    likenesses(&mut out, renames);
    out
}

/// How well two rules fit, if they do; more is better.
type Score<'s> = dyn Fn(&Rule<'_>, &Rule<'_>) -> Option<(usize, usize)> + 's;

/// The rules of one resource.
struct Scope<'t, 'r> {
    renames: &'r Renames,
    old: Vec<&'t Rule<'t>>,
    new: Vec<&'t Rule<'t>>,
    pairs: Vec<(&'t Rule<'t>, &'t Rule<'t>)>,
}

impl<'t> Scope<'t, '_> {
    fn pair(&mut self) {
        let named = |a: &Rule<'_>, b: &Rule<'_>| a.name.eq_ignore_ascii_case(b.name);
        let placed = |a: &Rule<'_>, b: &Rule<'_>| {
            let lower = |r: &Rule<'_>| r.place.collection.as_ref().map(|c| c.to_lowercase());
            lower(a) == lower(b)
        };
        let kind = |a: &Rule<'_>, b: &Rule<'_>| {
            a.place.direction == b.place.direction && a.place.rule_type == b.place.rule_type
        };
        let renames = self.renames;
        let label = |a: &Rule<'_>, b: &Rule<'_>| {
            !a.flows.is_empty() && a.role == b.role && renames.now(a.flows) == b.flows
        };
        let shared = |a: &Rule<'_>, b: &Rule<'_>| {
            let now = renames.now(a.flows);
            now.iter().filter(|f| b.flows.contains(f)).count()
        };
        // A name decides only where no label does, or where the flows behind a rule are several.
        let loose = |a: &Rule<'_>, b: &Rule<'_>| {
            let unknown = a.flows.is_empty() || b.flows.is_empty();
            unknown || shared(a, b) > 0 || (a.role != Role::Exact && b.role != Role::Exact)
        };
        self.take(&|a, b| kind(a, b) && label(a, b) && named(a, b) && placed(a, b));
        self.take(&|a, b| kind(a, b) && label(a, b) && named(a, b));
        self.take(&|a, b| kind(a, b) && named(a, b) && placed(a, b) && loose(a, b));
        self.take(&|a, b| kind(a, b) && named(a, b) && loose(a, b));
        // Only rules that share a flow can be one.
        self.best(&|a, b| {
            let same = kind(a, b) && label(a, b);
            same.then(|| (a.fields().alike(b.fields()), 0))
        });
        self.best(&|a, b| {
            let both = a.role == b.role && a.role != Role::Exact;
            let fits = kind(a, b) && both;
            fits.then(|| (shared(a, b), a.fields().alike(b.fields())))
        });
        // In another direction or of another type, a flow is not the same rule any more.
    }

    /// Pairs what fits, by name.
    fn take(&mut self, fits: &dyn Fn(&Rule<'_>, &Rule<'_>) -> bool) {
        let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, rule) in self.new.iter().enumerate() {
            names.entry(rule.name.to_lowercase()).or_default().push(at);
        }
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut kept = Vec::new();
        for old in std::mem::take(&mut self.old) {
            let candidates = names.get(&old.name.to_lowercase()).into_iter().flatten();
            let mut free = candidates.filter(|at| !used.contains(at));
            let found = free.find_map(|at| {
                let new = *self.new.get(*at)?;
                fits(old, new).then_some((*at, new))
            });
            match found {
                Some((at, new)) => {
                    used.insert(at);
                    self.pairs.push((old, new));
                }
                None => kept.push(old),
            }
        }
        self.old = kept;
        self.drop_new(&used);
    }

    /// Pairs rules that share a flow, what fits best first; of equal ones by name.
    fn best(&mut self, score: &Score<'_>) {
        let mut by_flow: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (j, new) in self.new.iter().enumerate() {
            for flow in new.flows {
                by_flow.entry(flow).or_default().push(j);
            }
        }
        let mut all = Vec::new();
        for (i, old) in self.old.iter().enumerate() {
            let now = self.renames.now(old.flows);
            let near = now.iter().filter_map(|flow| by_flow.get(flow.as_str()));
            let near: BTreeSet<usize> = near.flatten().copied().collect();
            for j in near {
                if let Some(new) = self.new.get(j)
                    && let Some(score) = score(old, new)
                {
                    all.push((std::cmp::Reverse(score), old.name, new.name, i, j));
                }
            }
        }
        all.sort();
        let (mut olds, mut news) = (BTreeSet::new(), BTreeSet::new());
        let mut found = Vec::new();
        for (_, _, _, i, j) in all {
            if !olds.contains(&i) && !news.contains(&j) {
                olds.insert(i);
                news.insert(j);
                found.extend(self.old.get(i).copied().zip(self.new.get(j).copied()));
            }
        }
        self.pairs.extend(found);
        let mut at = 0;
        self.old.retain(|_| {
            at += 1;
            !olds.contains(&(at - 1))
        });
        self.drop_new(&news);
    }

    fn drop_new(&mut self, used: &BTreeSet<usize>) {
        let mut at = 0;
        self.new.retain(|_| {
            at += 1;
            !used.contains(&(at - 1))
        });
    }
}

/// What a flow is one for: its label, the direction and the type of the rule.
type Label = (Vec<String>, Option<String>, Option<String>);

fn label(flows: Vec<String>, rule: &Rule<'_>) -> Label {
    (
        flows,
        rule.place.direction.clone(),
        rule.place.rule_type.clone(),
    )
}

/// Rules of the old side and of the new one.
type Sides<'t> = (Vec<&'t Rule<'t>>, Vec<&'t Rule<'t>>);

/// Flows that are written as more or fewer rules than before, told with a rule that came or went.
fn split(pairs: &mut [Paired<'_>], renames: &Renames) {
    let mut groups: BTreeMap<(usize, Label), Sides<'_>> = BTreeMap::new();
    let exact = |r: &Rule<'_>| r.flows.len() == 1 && r.role == Role::Exact;
    // Only flows of which a rule came or went can be written as more or fewer.
    let mut open: BTreeSet<String> = BTreeSet::new();
    for pair in pairs.iter() {
        match (pair.old, pair.new) {
            (None, Some(new)) => open.extend(new.flows.iter().cloned()),
            (Some(old), None) => open.extend(renames.now(old.flows)),
            _ => {}
        }
    }
    for pair in pairs.iter().filter(|p| !p.crossed) {
        let old = pair.old.filter(|r| exact(r));
        if let Some(rule) = old.filter(|r| renames.now(r.flows).iter().any(|f| open.contains(f))) {
            let key = (pair.resource, label(renames.now(rule.flows), rule));
            groups.entry(key).or_default().0.push(rule);
        }
        let new = pair.new.filter(|r| exact(r));
        if let Some(rule) = new.filter(|r| r.flows.iter().any(|f| open.contains(f))) {
            let key = (pair.resource, label(rule.flows.to_vec(), rule));
            groups.entry(key).or_default().1.push(rule);
        }
    }
    let all = |rules: &[&Rule<'_>]| {
        let mut out = Fields::default();
        for rule in rules {
            out.joined(&rule.fields().without(&["description"]));
        }
        out
    };
    let mut told: BTreeSet<(usize, Label)> = BTreeSet::new();
    for pair in pairs.iter_mut() {
        let rule = match (pair.old, pair.new) {
            (None, Some(new)) => Some((label(new.flows.to_vec(), new), new)),
            (Some(old), None) => Some((label(renames.now(old.flows), old), old)),
            _ => None,
        };
        let Some((own, _)) = rule.filter(|(_, rule)| exact(rule)) else {
            continue;
        };
        let key = (pair.resource, own);
        let Some((before, after)) = groups.get(&key) else {
            continue;
        };
        let several = !before.is_empty() && !after.is_empty() && before.len() != after.len();
        if several && told.insert(key) {
            pair.parts = Some(Parts {
                before: before.len(),
                after: after.len(),
                same_members: all(before).changes(&all(after)).is_empty(),
            });
        }
    }
}

/// Rules of firewalls that went to another group of the same policy.
fn crossings<'t>(
    resources: &[Both<'t>],
    renames: &Renames,
    left: &mut [(usize, Vec<&'t Rule<'t>>, Vec<&'t Rule<'t>>)],
    out: &mut Vec<Paired<'t>>,
) {
    type Key = (Option<String>, Vec<String>, Option<String>);
    let policy = |at: usize| {
        let (old, new) = resources.get(at)?;
        let thing = new.or(*old)?;
        (thing.kind == Kind::RuleCollectionGroup).then(|| thing.names.first().cloned())
    };
    let mut waiting: BTreeMap<Key, Vec<(usize, &'t Rule<'t>)>> = BTreeMap::new();
    for (at, old, _) in left.iter() {
        let Some(policy) = policy(*at) else { continue };
        for rule in old.iter().filter(|r| !r.flows.is_empty()) {
            let flows = renames.now(rule.flows);
            let key = (policy.clone(), flows, rule.place.rule_type.clone());
            waiting.entry(key).or_default().push((*at, rule));
        }
    }
    let mut gone: BTreeSet<*const Rule<'_>> = BTreeSet::new();
    for (at, _, new) in left.iter_mut() {
        let Some(policy) = policy(*at) else { continue };
        new.retain(|rule| {
            let key = (
                policy.clone(),
                rule.flows.to_vec(),
                rule.place.rule_type.clone(),
            );
            let Some(candidates) = waiting.get_mut(&key) else {
                return true;
            };
            let named = candidates
                .iter()
                .position(|(_, r)| r.name.eq_ignore_ascii_case(rule.name));
            if candidates.is_empty() {
                return true;
            }
            let (_, old) = candidates.remove(named.unwrap_or(0));
            gone.insert(std::ptr::from_ref(old));
            let mut pair = Paired::of(*at, Some(old), Some(rule));
            pair.crossed = true;
            out.push(pair);
            false
        });
    }
    for (_, old, _) in left.iter_mut() {
        old.retain(|rule| !gone.contains(&std::ptr::from_ref(*rule)));
    }
}

/// Rules that came and say what one says that went: in the same resource, or in any group of a firewall,
/// since a group under another label is another resource.
fn likenesses(pairs: &mut [Paired<'_>], renames: &Renames) {
    let said = |rule: &Rule<'_>| {
        let lower = |text: &Option<String>| text.as_ref().map(|t| t.to_lowercase());
        let place = &rule.place;
        (
            place.kind,
            place.direction.clone(),
            lower(&place.rule_type),
            lower(&place.action),
            rule.fields().without(&["description"]).text(),
        )
    };
    let mut gone: BTreeMap<_, Vec<(usize, usize, &Rule<'_>)>> = BTreeMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        if let (Some(old), None) = (pair.old, pair.new) {
            gone.entry(said(old))
                .or_default()
                .push((at, pair.resource, old));
        }
    }
    let mut found = Vec::new();
    for (new_at, pair) in pairs.iter().enumerate() {
        let (None, Some(new)) = (pair.old, pair.new) else {
            continue;
        };
        let Some(candidates) = gone.get_mut(&said(new)) else {
            continue;
        };
        let own = candidates.iter().position(|(_, r, _)| *r == pair.resource);
        let any =
            (new.place.kind == Kind::RuleCollectionGroup && !candidates.is_empty()).then_some(0);
        let Some(hit) = own.or(any) else { continue };
        let (old_at, _, old) = candidates.remove(hit);
        let suggestion = match (old.flows, new.flows) {
            ([a], [b]) if renames.gone.contains(a) && renames.fresh.contains(b) => {
                Some(renames.statement(a, b))
            }
            _ => None,
        };
        found.push((
            old_at,
            new_at,
            old.name.to_owned(),
            new.name.to_owned(),
            suggestion,
        ));
    }
    for (old_at, new_at, old, new, suggestion) in found {
        if let Some(pair) = pairs.get_mut(old_at) {
            pair.like = Some(new);
            pair.suggestion.clone_from(&suggestion);
        }
        if let Some(pair) = pairs.get_mut(new_at) {
            pair.like = Some(old);
            pair.suggestion = suggestion;
        }
    }
}
