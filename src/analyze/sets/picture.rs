//! The flows of one environment as exact sets, with what every check asks of them. It finds nothing.

use std::collections::BTreeMap;

use crate::analyze::{Scene, is_own, label, listed};
use crate::denote::{Denotation, denotation, facts};
use crate::diag::{Code, Diagnostic};
use crate::model::{Flow, Layer, Tier};
use crate::packet::{Builder, Exhausted, Region, Set, Space, Verdict, first_match};
use crate::syntax::ast::Need;

use crate::packet::near::{Hull, Index};

/// Flows that one finding names.
const NAMED: usize = 4;

/// A flow; the halves of a `between` are one.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) flow: &'a Flow,
    /// Its id without the half.
    pub(super) name: String,
    /// Its ids as others name it.
    ids: Vec<String>,
    /// Its wording is the user's.
    pub(super) own: bool,
    pub(super) regions: Vec<Region>,
    /// Its packets.
    pub(super) set: Set,
    /// Of these, those that are matched by address.
    pub(super) exact: Set,
    /// Of these, those by address to all of the internet.
    wide: Set,
    /// Those that are matched by a name which may have any public address.
    pub(super) named: Set,
    /// Something in it has members that nobody told.
    pub(super) opaque: bool,
}

/// Instance and group.
type GroupKey<'a> = (&'a [String], &'a str);

/// What becomes of a member of an ordered group.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its group, by number.
    group: usize,
    /// The packets that it decides in its group.
    pub(super) effective: Set,
    /// Where there are none: the members that take them.
    pub(super) by: Vec<usize>,
}

/// What the checks look at.
pub(super) struct Picture<'a> {
    pub(super) space: Space,
    /// By id, so that the order of statements is of no account.
    pub(super) subjects: Vec<Subject<'a>>,
    pub(super) index: Index,
    /// By number of the flow; of members of ordered groups only.
    pub(super) places: Vec<Option<Place>>,
    /// Flows of which it was told that they may go: nothing else is said about them.
    pub(super) gone: Vec<bool>,
    symbols: bool,
}

impl<'a> Picture<'a> {
    pub(super) fn new(scene: &Scene<'a>, most_nodes: usize) -> Self {
        let facts = facts(scene.fabric);
        let Denotation { claims, .. } = denotation(scene.fabric);
        let mut subjects: Vec<Subject<'a>> = Vec::new();
        let mut free: Vec<Vec<bool>> = Vec::new();
        let mut builder = Builder::new().most_nodes(most_nodes);
        for claim in claims {
            let Some(flow) = scene.fabric.policy.flows.get(claim.flow) else {
                continue;
            };
            let name = label(flow);
            if subjects.last().is_none_or(|last| last.name != name) {
                subjects.push(Subject {
                    flow,
                    name,
                    ids: Vec::new(),
                    own: is_own(scene.sources, flow.spans.whole),
                    regions: Vec::new(),
                    set: Set::default(),
                    exact: Set::default(),
                    wide: Set::default(),
                    named: Set::default(),
                    opaque: false,
                });
                free.push(Vec::new());
            }
            let (Some(subject), Some(free)) = (subjects.last_mut(), free.last_mut()) else {
                continue;
            };
            subject.ids.push(claim.id);
            for part in claim.parts {
                for region in facts.narrowed(part.region) {
                    builder.region(&region);
                    subject.opaque |= region.symbols().next().is_some();
                    subject.regions.push(region);
                    free.push(part.free_name);
                }
            }
        }
        for fact in &facts.facts {
            builder.fact(fact.clone());
        }
        let mut space = builder.build();
        let any_free = free.iter().flatten().any(|free| *free);
        for (subject, free) in subjects.iter_mut().zip(&free) {
            let (mut exact, mut wide, mut named) = (Vec::new(), Vec::new(), Vec::new());
            for (region, free) in subject.regions.iter().zip(free) {
                let set = space.region(region);
                if *free {
                    named.push(set);
                    continue;
                }
                exact.push(set);
                if any_free && scene.fabric.internet.is_subset(&region.destination.known) {
                    wide.push(set);
                }
            }
            subject.exact = space.unite(exact);
            subject.wide = space.unite(wide);
            subject.named = space.unite(named);
            subject.set = space.union(subject.exact, subject.named);
        }
        let hulls = subjects.iter().map(|s| Hull::around(&s.regions)).collect();
        let mut out = Self {
            space,
            index: Index::new(hulls),
            places: vec![None; subjects.len()],
            gone: vec![false; subjects.len()],
            symbols: subjects.iter().any(|s| s.opaque),
            subjects,
        };
        out.order();
        out
    }

    /// First match inside every ordered group. A member that counts at some layers only takes nothing
    /// from one that counts at others.
    fn order(&mut self) {
        let mut groups: BTreeMap<GroupKey<'_>, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, subject) in self.subjects.iter().enumerate() {
            if let Some(position) = subject.flow.position {
                let id = &subject.flow.id;
                groups
                    .entry((&id.instance, &id.group))
                    .or_default()
                    .push((position, at));
            }
        }
        let mut places = vec![None; self.subjects.len()];
        for (group, mut members) in groups.into_values().enumerate() {
            members.sort_unstable();
            let mut layers: Vec<&Option<Vec<Layer>>> = Vec::new();
            for (_, at) in &members {
                if let Some(subject) = self.subjects.get(*at)
                    && !layers.contains(&&subject.flow.at)
                {
                    layers.push(&subject.flow.at);
                }
            }
            for layer in layers {
                let list: Vec<(usize, &Subject<'_>)> = members
                    .iter()
                    .filter_map(|(_, at)| Some((*at, self.subjects.get(*at)?)))
                    .filter(|(_, s)| s.flow.at.is_none() || s.flow.at == *layer)
                    .collect();
                let rules: Vec<(Verdict, Set)> =
                    list.iter().map(|(_, s)| (verdict(s.flow), s.set)).collect();
                let Ok(fates) = first_match::deciding(&mut self.space, &rules) else {
                    return;
                };
                let numbers: Vec<usize> = list.iter().map(|(at, _)| *at).collect();
                for ((at, subject), fate) in list.iter().zip(fates) {
                    if subject.flow.at != *layer {
                        continue;
                    }
                    let by = fate.by.iter().filter_map(|i| numbers.get(*i).copied());
                    if let Some(place) = places.get_mut(*at) {
                        *place = Some(Place {
                            group,
                            effective: fate.effective,
                            by: by.collect(),
                        });
                    }
                }
            }
        }
        self.places = places;
    }

    pub(super) fn subject(&self, at: usize) -> Option<&Subject<'a>> {
        self.subjects.get(at)
    }

    /// What becomes of a member of an ordered group.
    pub(super) fn place(&self, at: usize) -> Option<&Place> {
        self.places.get(at)?.as_ref()
    }

    /// The members of ordered groups.
    pub(super) fn members(&self) -> Vec<usize> {
        (0..self.places.len())
            .filter(|at| self.place(*at).is_some())
            .collect()
    }

    /// The flows that a check asks about: the user's own, as long as nothing was told of them.
    pub(super) fn own(&self) -> Vec<usize> {
        (0..self.subjects.len())
            .filter(|at| self.stays(*at) && self.subject(*at).is_some_and(|s| s.own))
            .collect()
    }

    /// Whether a flow is still there once all that may go is gone.
    pub(super) fn stays(&self, at: usize) -> bool {
        !self.gone.get(at).copied().unwrap_or(false) && !self.is_dead(at)
    }

    pub(super) fn is_dead(&self, at: usize) -> bool {
        self.place(at)
            .is_some_and(|place| self.space.is_empty(place.effective))
    }

    /// It was told that a flow may go.
    pub(super) fn goes(&mut self, at: usize) {
        if let Some(gone) = self.gone.get_mut(at) {
            *gone = true;
        }
    }

    /// Of what a flow asks for the part that is its own: in an ordered group what no earlier member
    /// takes.
    pub(super) fn part(&self, at: usize) -> Set {
        match (self.place(at), self.subject(at)) {
            (Some(place), _) => place.effective,
            (None, Some(subject)) => subject.set,
            (None, None) => self.space.empty(),
        }
    }

    /// The denies that an exception names.
    pub(super) fn overridden_by(&self, exception: usize) -> Vec<usize> {
        let Some(exception) = self.subject(exception) else {
            return Vec::new();
        };
        (0..self.subjects.len())
            .filter(|at| self.subject(*at).is_some_and(|s| s.named_by(exception)))
            .collect()
    }

    /// Flows that may meet one, by id.
    pub(super) fn near(&self, at: usize, wanted: impl Fn(&Subject<'a>) -> bool) -> Vec<usize> {
        self.index
            .near(at, |other| self.subject(other).is_some_and(&wanted))
    }

    /// The members before a flow in its ordered group that may meet it and count wherever it does, in
    /// order, as far as they are wanted.
    pub(super) fn before(&self, at: usize, wanted: impl Fn(&Subject<'a>) -> bool) -> Vec<usize> {
        self.neighbours(at, |own, other| other < own, wanted)
    }

    /// The same for those behind it.
    pub(super) fn behind(&self, at: usize) -> Vec<usize> {
        self.neighbours(at, |own, other| other > own, |_| true)
    }

    fn neighbours(
        &self,
        at: usize,
        stands: impl Fn(Option<usize>, Option<usize>) -> bool,
        wanted: impl Fn(&Subject<'a>) -> bool,
    ) -> Vec<usize> {
        let (Some(own), Some(place)) = (self.subject(at), self.place(at)) else {
            return Vec::new();
        };
        let mut met = self.index.near(at, |other| {
            self.place(other).is_some_and(|p| p.group == place.group)
                && self.subject(other).is_some_and(|s| {
                    stands(own.flow.position, s.flow.position)
                        && wanted(s)
                        && counts_where(s.flow, own.flow)
                })
        });
        met.sort_by_key(|other| self.subject(*other).and_then(|s| s.flow.position));
        met
    }

    /// Those of some flows whose parts cover a set together, as few as can be.
    pub(super) fn covering(&mut self, set: Set, by: &[usize]) -> Option<Vec<usize>> {
        if by.is_empty() {
            return None;
        }
        let sets: Vec<Set> = by.iter().map(|at| self.part(*at)).collect();
        let found = first_match::covering(&mut self.space, set, &sets)?;
        Some(found.iter().filter_map(|i| by.get(*i).copied()).collect())
    }

    /// The packets that are surely in both flows. Where a name resolves to is the choice of nobody
    /// here: a name and an address surely meet only if the address is any of the internet.
    pub(super) fn overlap(&mut self, a: usize, b: usize) -> Set {
        let (Some(a), Some(b)) = (self.subjects.get(a), self.subjects.get(b)) else {
            return self.space.empty();
        };
        let pairs = [
            (a.exact, b.exact),
            (a.named, b.named),
            (a.named, b.wide),
            (a.wide, b.named),
        ];
        let parts = pairs.map(|(x, y)| self.space.intersect(x, y));
        let all = self.space.unite(parts.to_vec());
        self.surely(all)
    }

    /// The packets of a set that are in it whatever the symbols hold.
    pub(super) fn surely(&mut self, set: Set) -> Set {
        if self.symbols && !self.space.is_empty(set) {
            self.space.surely(set)
        } else {
            set
        }
    }

    /// `a`, `b` and 3 more.
    pub(super) fn named(&self, flows: &[usize]) -> String {
        let mut words: Vec<String> = flows
            .iter()
            .take(NAMED)
            .filter_map(|at| Some(format!("`{}`", self.subject(*at)?.name)))
            .collect();
        if flows.len() > NAMED {
            words.push(format!("{} more", flows.len() - NAMED));
        }
        listed(&words)
    }

    /// A finding about a flow, with the places of others.
    pub(super) fn told(
        &self,
        code: Code,
        at: usize,
        message: String,
        others: &[usize],
        what: &str,
    ) -> Diagnostic {
        let span = self.subject(at).map(|s| s.flow.spans.whole);
        let mut out = Diagnostic::general(code, span, message);
        for other in others.iter().take(NAMED).filter_map(|o| self.subject(*o)) {
            // Several instances of one file have one place.
            if !out.labels.iter().any(|l| l.span == other.flow.spans.whole) {
                out = out.also(other.flow.spans.whole, what);
            }
        }
        out
    }

    /// A finding with a packet of a set.
    pub(super) fn shown(&mut self, diagnostic: Diagnostic, set: Set) -> Diagnostic {
        match self.space.witness(set) {
            Some(witness) => diagnostic.packet(witness.to_string()),
            None => diagnostic,
        }
    }

    /// How flows are written in `overrides`, each once.
    pub(super) fn written<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
        let mut out: Vec<&str> = Vec::new();
        for name in names {
            let whole = name.split('/').next().unwrap_or(name);
            let short = whole.strip_prefix("main::").unwrap_or(whole);
            if !out.contains(&short) {
                out.push(short);
            }
        }
        out.join(", ")
    }

    /// An answer that can be relied on, or why there is none.
    pub(super) fn reliable(&mut self) -> Result<(), Exhausted> {
        self.space.answer(|_| ())
    }
}

impl Subject<'_> {
    pub(super) fn allows(&self) -> bool {
        self.flow.allows()
    }

    pub(super) fn tier(&self) -> Tier {
        self.flow.tier
    }

    /// Whether an exception names it.
    pub(super) fn named_by(&self, exception: &Subject<'_>) -> bool {
        exception
            .flow
            .overrides
            .iter()
            .any(|id| self.ids.contains(id))
    }
}

fn verdict(flow: &Flow) -> Verdict {
    if flow.allows() {
        Verdict::Allow
    } else {
        Verdict::Deny
    }
}

/// Whether a flow is enforced at every layer where another one is.
pub(super) fn counts_where(flow: &Flow, other: &Flow) -> bool {
    flow.at.is_none() || flow.at == other.at
}

/// Whether a flow does for its packets all that another one of the same action does: wherever that
/// counts, as long as that lasts, with the same promises.
pub(super) fn stands_for(flow: &Flow, other: &Flow) -> bool {
    let lasts = match (flow.until, other.until) {
        (None, _) => true,
        (Some(own), Some(theirs)) => theirs <= own,
        (Some(_), None) => false,
    };
    let overrides = flow.tier != Tier::Exception
        || other.tier != Tier::Exception
        || other.overrides.iter().all(|id| flow.overrides.contains(id));
    let promises = match (flow.need, other.need) {
        (Some(Need::Optional), need) => need == Some(Need::Optional),
        (own, Some(Need::Required)) => own == Some(Need::Required),
        _ => true,
    };
    flow.allows() == other.allows()
        && counts_where(flow, other)
        && lasts
        && overrides
        && promises
        && flow.via == other.via
        && flow.inspect == other.inspect
        && flow.headers == other.headers
}
