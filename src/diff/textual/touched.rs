//! Resources that differ, and how many of how many. It compares nothing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::wrap::manifest::Retired;

use super::effect::{Effect, effect, passes};
use super::shape::Thing;
use super::{Change, Counts, Entry, Kind, Place, Side, Things};

/// One resource that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Blast {
    /// The type.
    pub kind: Kind,
    /// How many differ.
    pub touched: usize,
    /// Of how many: all of both sides, with what is retired and still in force.
    pub total: usize,
}

/// What a resource is known by.
pub(super) type Key = (Kind, Option<String>, String);

pub(super) fn key(place: &Place) -> Key {
    (
        place.kind,
        place.parent.as_ref().map(|p| p.to_lowercase()),
        place.name.to_lowercase(),
    )
}

/// Resources by where they stand.
fn by_place<'t>(things: &'t Things<'t>) -> BTreeMap<Key, &'t Thing<'t>> {
    things.values().map(|t| (key(&t.place()), t)).collect()
}

/// The resources behind sorted entries.
pub(super) fn touched(
    entries: &[Entry],
    before: &Things<'_>,
    after: &Things<'_>,
    old: &Side,
) -> Vec<Touched> {
    let (olds, news) = (by_place(before), by_place(after));
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
    (olds, news): (&BTreeMap<Key, &Thing<'_>>, &BTreeMap<Key, &Thing<'_>>),
    old: &Side,
) -> usize {
    let key = key(place);
    *index.entry(key.clone()).or_insert_with(|| {
        let thing = news.get(&key).or_else(|| olds.get(&key)).copied();
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

/// How many resources of each type differ, of how many there are.
pub(super) fn blast(
    touched: &[Touched],
    before: &Things<'_>,
    after: &Things<'_>,
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
