//! Resources that differ: how many of how many, and whether they gain or lose. It compares nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::wrap::manifest::Retired;

use super::shape::Thing;
use super::{Change, Counts, Entry, Kind, Place, Side, Things};

/// What a change does to what a resource lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Effect {
    /// Something comes: a rule, a member, another value, another number.
    pub gains: bool,
    /// Something goes.
    pub loses: bool,
}

impl Effect {
    fn and(&mut self, other: Self) {
        self.gains |= other.gains;
        self.loses |= other.loses;
    }
}

/// One resource that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// It; where it stood if it is gone.
    pub resource: Place,
    /// Its id, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What became of it.
    pub change: Change,
    /// Its old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Its rules or routes by what became of them.
    pub rules: Counts,
    /// What it gains and loses.
    pub effect: Effect,
    /// Of a route table: whether addresses get past the firewall that did not, and the other way round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bypass: Option<Effect>,
    /// Only rules that are resources of their own are written.
    #[serde(skip_serializing_if = "is_false")]
    pub parts: bool,
    /// It left the source long ago or now, and is in force until somebody deletes it.
    #[serde(skip_serializing_if = "is_false")]
    pub stays: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// How many resources of a type differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Blast {
    /// The type.
    pub kind: Kind,
    /// How many differ.
    pub touched: usize,
    /// Of how many: all of both sides, with what is retired and still in force.
    pub total: usize,
}

type Key = (Kind, Option<String>, String);

fn key(place: &Place) -> Key {
    (
        place.kind,
        place.parent.as_ref().map(|p| p.to_lowercase()),
        place.name.to_lowercase(),
    )
}

/// The resources behind sorted entries.
pub(super) fn touched(
    entries: &[Entry],
    before: &Things,
    after: &Things,
    old: &Side,
) -> Vec<Touched> {
    let all = |things: &'_ Things| -> BTreeMap<Key, Thing> {
        let pairs = things.values().map(|t| (key(&t.place()), t.clone()));
        pairs.collect()
    };
    let (olds, news) = (all(before), all(after));
    let mut out: Vec<Touched> = Vec::new();
    let mut index: BTreeMap<Key, usize> = BTreeMap::new();
    let mut left: Vec<Place> = Vec::new();
    for entry in entries {
        // A rule that went to another group is a loss to the one that it left.
        if let Some(from) = entry
            .was_in
            .as_ref()
            .filter(|from| key(from) != key(&entry.resource))
            && news.contains_key(&key(from))
        {
            left.push(from.clone());
        }
        let at = slot(&mut out, &mut index, &entry.resource, (&olds, &news), old);
        let Some(own) = out.get_mut(at) else { continue };
        if entry.rule.is_some() {
            own.rules.count(entry.change);
        } else if entry.resource.collection.is_none() {
            own.change = entry.change;
            own.was.clone_from(&entry.was);
        }
        own.effect.and(effect(entry));
        if entry.resource.kind == Kind::RouteTable {
            let mut bypass = own.bypass.unwrap_or_default();
            bypass.and(passes(entry));
            own.bypass = Some(bypass);
        }
    }
    for place in left {
        let at = slot(&mut out, &mut index, &place, (&olds, &news), old);
        if let Some(own) = out.get_mut(at) {
            own.effect.loses = true;
        }
    }
    out.sort_by_cached_key(|t| key(&t.resource));
    out
}

fn slot(
    out: &mut Vec<Touched>,
    index: &mut BTreeMap<Key, usize>,
    place: &Place,
    (olds, news): (&BTreeMap<Key, Thing>, &BTreeMap<Key, Thing>),
    old: &Side,
) -> usize {
    let key = key(place);
    *index.entry(key.clone()).or_insert_with(|| {
        let thing = news.get(&key).or_else(|| olds.get(&key));
        let name = thing.map(Thing::name).unwrap_or_default();
        let retired = |r: &Retired| format!("{}/{}", r.policy, r.name).eq_ignore_ascii_case(&name);
        out.push(Touched {
            resource: thing.map_or_else(|| place.clone(), Thing::place),
            id: thing.and_then(|t| t.id.clone()),
            change: Change::Changed,
            was: None,
            rules: Counts::default(),
            effect: Effect::default(),
            bypass: None,
            parts: thing.is_some_and(|t| t.parts),
            stays: !news.contains_key(&key) || old.retired.iter().any(retired),
        });
        out.len() - 1
    })
}

/// What one difference adds and takes away.
fn effect(entry: &Entry) -> Effect {
    match entry.change {
        Change::Added => Effect {
            gains: true,
            loses: false,
        },
        Change::Removed => Effect {
            gains: false,
            loses: true,
        },
        _ => {
            let mut out = Effect::default();
            // Another number or place is another order: both may come of it.
            let same_resource = |from: &Place| key(from) == key(&entry.resource);
            if entry.was_priority.is_some() || entry.was_in.as_ref().is_some_and(same_resource) {
                out = Effect {
                    gains: true,
                    loses: true,
                };
            }
            // From another resource it comes as a whole.
            if entry
                .was_in
                .as_ref()
                .is_some_and(|from| !same_resource(from))
            {
                return Effect {
                    gains: true,
                    loses: false,
                };
            }
            let told = entry.fields.iter();
            for field in told.filter(|f| f.path != "description" && !f.path.starts_with("tags.")) {
                let value = field.old.is_some() || field.new.is_some();
                out.gains |= value || !field.added.is_empty();
                out.loses |= value || !field.removed.is_empty();
            }
            out
        }
    }
}

/// What a route's change does to what goes past the firewall: a hop to an appliance or to nowhere does
/// not pass it, any other does.
fn passes(entry: &Entry) -> Effect {
    let past = |hop: &str| !matches!(hop.to_lowercase().as_str(), "virtualappliance" | "none");
    let hop = entry
        .fields
        .iter()
        .find(|f| f.path.eq_ignore_ascii_case("nextHopType"));
    let (old, new) = (
        hop.and_then(|f| f.old.as_deref()),
        hop.and_then(|f| f.new.as_deref()),
    );
    match entry.change {
        _ if entry.rule.is_none() && entry.fields.is_empty() => Effect::default(),
        // Whether routes are learnt decides which way everything goes that they name.
        _ if entry.rule.is_none() => Effect {
            gains: true,
            loses: true,
        },
        Change::Added => match new {
            Some(hop) if past(hop) => Effect {
                gains: true,
                loses: false,
            },
            Some(_) => Effect {
                gains: false,
                loses: true,
            },
            None => Effect {
                gains: true,
                loses: true,
            },
        },
        Change::Removed => match old {
            Some(hop) if past(hop) => Effect {
                gains: false,
                loses: true,
            },
            Some(_) => Effect {
                gains: true,
                loses: false,
            },
            None => Effect {
                gains: true,
                loses: true,
            },
        },
        Change::Renamed | Change::Renumbered => Effect::default(),
        Change::Changed => match (old, new) {
            (Some(a), Some(b)) if past(a) == past(b) => Effect::default(),
            (Some(_), Some(b)) if past(b) => Effect {
                gains: true,
                loses: false,
            },
            (Some(_), Some(_)) => Effect {
                gains: false,
                loses: true,
            },
            // The prefix or the appliance changed.
            _ => Effect {
                gains: true,
                loses: true,
            },
        },
    }
}

/// How many resources of each type differ, of how many there are.
pub(super) fn blast(
    touched: &[Touched],
    before: &Things,
    after: &Things,
    retired: &[Retired],
) -> Vec<Blast> {
    let mut all: BTreeSet<(Kind, String)> = before.keys().chain(after.keys()).cloned().collect();
    all.extend(retired.iter().map(|r| {
        let name = format!("{}/{}", r.policy, r.name).to_lowercase();
        (Kind::RuleCollectionGroup, name)
    }));
    let of = |kind: Kind| Blast {
        kind,
        // Under another name a group is another one, and the old one has to go.
        touched: touched
            .iter()
            .filter(|t| t.resource.kind == kind)
            .map(|t| 1 + usize::from(t.was.is_some() && kind == Kind::RuleCollectionGroup))
            .sum(),
        total: all.iter().filter(|(k, _)| *k == kind).count(),
    };
    let kinds = Kind::ALL.into_iter().filter(|k| *k != Kind::Subnet);
    kinds.map(of).filter(|b| b.total > 0).collect()
}
