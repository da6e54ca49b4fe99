//! Which statements made packets fare differently: those that are not the same on both sides, and whose
//! rules the packets meet. It parts a set by them; no packet is lost and none is told twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::backends::Role;
use crate::model::canonical::Digest;
use crate::packet::{Region, Set, Space, Verdict};
use crate::reach::{Network, Traces};

use super::super::told::Kind;
use super::Scene;

/// A statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// What it says, without its place and its name.
    pub content: Digest,
    /// It has an id of its own and rules: a flow, a translation, a route. Others are `subnet app`.
    pub ruled: bool,
}

/// The statements of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// By id.
    pub all: BTreeMap<String, Statement>,
    /// Paths that were something else before: from, to.
    pub moved: Vec<(String, String)>,
    /// Ids of such as are written and were taken out, their last day being over.
    pub expired: BTreeSet<String>,
    /// There is a source, so that it is known what they say; else only their ids may be.
    pub known: bool,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edit {
    /// Only the new side has it.
    Added,
    /// Both have it, and it says something else.
    Changed,
    /// Only the old side has it.
    Removed,
    /// The new side has it as well, and its last day is over.
    Expired,
    /// It is as it was; something else made way for it, or stands in its way.
    There,
}

/// A statement behind a difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// Its id on the side where it is.
    pub id: String,
    /// It is told as the old side has it.
    pub old: bool,
    /// What became of it.
    pub edit: Edit,
}

impl Statements {
    /// The id that a statement of the new side had on the old one.
    #[must_use]
    pub fn before(&self, id: &str) -> String {
        let mut out = id.to_owned();
        // A path moves once; a chain of moves ends.
        for _ in 0..self.moved.len() {
            let found = self.moved.iter().find_map(|(from, to)| {
                let rest = out.strip_prefix(to.as_str())?;
                (rest.is_empty() || rest.starts_with("::")).then(|| format!("{from}{rest}"))
            });
            match found {
                Some(before) if before != id => out = before,
                _ => break,
            }
        }
        out
    }
}

/// What became of the statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    /// Of the new side, by id.
    pub(super) new: BTreeMap<String, Edit>,
    /// Of the old side, by id.
    pub(super) old: BTreeMap<String, Edit>,
    /// Those whose last day is over, by their ids on the old side.
    expired: BTreeMap<String, String>,
    /// Of changed ones: the id on the old side by that on the new one, and the other way.
    was: BTreeMap<String, String>,
    now: BTreeMap<String, String>,
}

impl Edits {
    /// Of two sides.
    pub(super) fn new(old: &Statements, new: &Statements) -> Self {
        let mut out = Self::default();
        if !old.known || !new.known {
            return out;
        }
        let mut met: BTreeSet<String> = BTreeSet::new();
        for (id, statement) in &new.all {
            let before = new.before(id);
            let edit = match old.all.get(&before) {
                None => Edit::Added,
                Some(was) if was.content == statement.content => Edit::There,
                Some(_) => Edit::Changed,
            };
            if edit == Edit::Changed {
                out.was.insert(id.clone(), before.clone());
                out.now.insert(before.clone(), id.clone());
            }
            if edit != Edit::Added {
                out.old.insert(before.clone(), edit);
                met.insert(before);
            }
            out.new.insert(id.clone(), edit);
        }
        let expired = new.expired.iter().map(|id| (new.before(id), id.clone()));
        out.expired = expired.collect();
        for id in old.all.keys().filter(|id| !met.contains(*id)) {
            let edit = if out.expired.contains_key(id) {
                Edit::Expired
            } else {
                Edit::Removed
            };
            out.old.insert(id.clone(), edit);
        }
        out
    }

    /// A statement of one side as a cause.
    pub(super) fn cause(&self, id: &str, old: bool) -> Cause {
        let known = if old { &self.old } else { &self.new };
        // It is written on the new side too, with the day that made it go.
        if let Some(now) = self.expired.get(id).filter(|_| old)
            && known.get(id) == Some(&Edit::Expired)
        {
            return Cause {
                id: now.clone(),
                old: false,
                edit: Edit::Expired,
            };
        }
        Cause {
            id: id.to_owned(),
            old,
            edit: known.get(id).copied().unwrap_or(Edit::There),
        }
    }
}

/// A part of a set with the statements that did it; none if nobody knows from the rules alone.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) set: Set,
    pub(super) causes: Vec<Cause>,
}

/// The rules that say exactly what statements say, by these.
fn ruled(network: &Network, traces: &Traces) -> BTreeMap<(String, Verdict), Vec<Region>> {
    let mut out: BTreeMap<(String, Verdict), Vec<Region>> = BTreeMap::new();
    let firewalls = network.firewalls.iter().map(|f| &f.does.filter);
    let filters = network.filters.iter().chain(firewalls);
    for rule in filters.flat_map(|f| &f.rules) {
        let Some((Role::Exact, ids)) = traces.of(rule) else {
            continue;
        };
        for id in ids {
            let known = out.entry((id.clone(), rule.verdict)).or_default();
            known.extend(rule.regions.iter().cloned());
        }
    }
    let all = network.firewalls.iter().flat_map(|f| &f.does.translations);
    for one in all {
        let Some((_, ids)) = traces.placed(&one.resource, &one.path) else {
            continue;
        };
        for id in ids {
            let known = out.entry((id.clone(), Verdict::Allow)).or_default();
            known.extend(one.regions.iter().cloned());
        }
    }
    out
}

/// Parts a difference by the statements that did it.
pub(super) struct Groups {
    edits: Edits,
    old: BTreeMap<(String, Verdict), Vec<Region>>,
    new: BTreeMap<(String, Verdict), Vec<Region>>,
}

impl Groups {
    /// Of two sides, with the networks that the space knows all rules of.
    pub(super) fn new(old: (&Scene, &Network), new: (&Scene, &Network)) -> Self {
        Self {
            edits: Edits::new(&old.0.statements, &new.0.statements),
            old: ruled(old.1, &old.0.traces),
            new: ruled(new.1, &new.0.traces),
        }
    }

    /// What became of the statements.
    pub(super) const fn edits(&self) -> &Edits {
        &self.edits
    }

    /// What the rules of the same statement say on the other side.
    fn other(&self, id: &str, old: bool, verdict: Verdict) -> Option<&Vec<Region>> {
        let (rules, name) = if old {
            (&self.new, self.edits.now.get(id))
        } else {
            (&self.old, self.edits.was.get(id))
        };
        rules.get(&(name?.clone(), verdict))
    }

    /// The parts of a set.
    pub(super) fn part(&self, space: &mut Space, kind: Kind, set: Set) -> Vec<Part> {
        let mut out = Vec::new();
        let mut rest = set;
        // What lets packets in where they are newly in, and what held them back.
        let order: &[(bool, Verdict)] = match kind {
            Kind::NewlyAllowed | Kind::NewlyBypassing | Kind::Redirected | Kind::NewlyPassing => {
                &[(false, Verdict::Allow), (true, Verdict::Deny)]
            }
            Kind::NoLongerAllowed => &[(true, Verdict::Allow), (false, Verdict::Deny)],
            Kind::Undecided => &[
                (false, Verdict::Allow),
                (false, Verdict::Deny),
                (true, Verdict::Allow),
                (true, Verdict::Deny),
            ],
        };
        for (old, verdict) in order {
            let (rules, edits) = if *old {
                (&self.old, &self.edits.old)
            } else {
                (&self.new, &self.edits.new)
            };
            for ((id, _), regions) in rules.iter().filter(|((_, own), _)| own == verdict) {
                if edits.get(id).is_none_or(|edit| *edit == Edit::There) {
                    continue;
                }
                if space.is_empty(rest) {
                    return out;
                }
                let mut own = space.regions(regions);
                // What a statement said before and says now it did not change.
                if let Some(other) = self.other(id, *old, *verdict) {
                    let other = space.regions(other);
                    own = space.subtract(own, other);
                }
                let part = space.intersect(rest, own);
                if space.is_empty(part) {
                    continue;
                }
                rest = space.subtract(rest, part);
                out.push(Part {
                    kind,
                    set: part,
                    causes: vec![self.edits.cause(id, *old)],
                });
            }
        }
        if !space.is_empty(rest) {
            out.push(Part {
                kind,
                set: rest,
                causes: Vec::new(),
            });
        }
        out
    }
}
