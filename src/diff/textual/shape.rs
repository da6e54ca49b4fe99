//! Resources of a side as they are compared: settings, and rules with their place, whatever file layout
//! they came in. It pairs nothing.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use crate::backends::Role;

use super::fields::Fields;
use super::side::{Item, Side};
use super::{Kind, Place};

/// One resource.
#[derive(Clone, Debug)]
pub(super) struct Thing<'s> {
    pub(super) kind: Kind,
    /// Its names, parent first.
    pub(super) names: Vec<String>,
    pub(super) id: Option<String>,
    /// What it says beside its rules.
    pub(super) settings: Fields,
    /// Location, tags, zones.
    pub(super) about: Fields,
    /// Of a rule collection group.
    pub(super) priority: Option<i64>,
    pub(super) rules: Vec<Rule<'s>>,
    /// Collections without a rule.
    pub(super) collections: BTreeMap<String, Rc<Place>>,
    /// Only its rules are here, each a resource of its own.
    pub(super) parts: bool,
    /// Others write it too.
    pub(super) fragment: bool,
}

/// One rule, or one route. Of very many most are alike on both sides, so that what one says is read when it
/// is asked for.
#[derive(Clone, Debug)]
pub(super) struct Rule<'s> {
    pub(super) name: &'s str,
    pub(super) place: Rc<Place>,
    pub(super) priority: Option<i64>,
    /// Its JSON, and which of its members are compared elsewhere.
    said: &'s Value,
    but: &'static [&'static str],
    fields: OnceCell<Fields>,
    /// The flows behind it; empty if nobody knows.
    pub(super) flows: &'s [String],
    pub(super) role: Role,
}

impl Rule<'_> {
    /// What it says.
    pub(super) fn fields(&self) -> &Fields {
        self.fields.get_or_init(|| Fields::of(self.said, self.but))
    }

    /// Whether another one says the same.
    pub(super) fn says_as(&self, other: &Self) -> bool {
        (self.said == other.said && self.but == other.but) || self.fields() == other.fields()
    }
}

impl Thing<'_> {
    /// Its names as one.
    pub(super) fn name(&self) -> String {
        self.names.join("/")
    }

    /// What it is known by: its kind and its names in lower case.
    pub(super) fn key(&self) -> (Kind, String) {
        (self.kind, self.name().to_lowercase())
    }

    /// It as a place.
    pub(super) fn place(&self) -> Place {
        Place {
            kind: self.kind,
            name: self.names.last().cloned().unwrap_or_default(),
            parent: (self.names.len() > 1)
                .then(|| self.names.first().cloned())
                .flatten(),
            priority: self.priority,
            ..Place::default()
        }
    }
}

/// Items by kind and name; `None` for a name that is there twice, or is a part.
type Named<'s> = BTreeMap<(Kind, String), Option<&'s Item>>;

fn by_name(side: &Side) -> Named<'_> {
    let mut out = Named::new();
    for item in &side.items {
        let key = (item.kind, item.names.join("/").to_lowercase());
        let once = (!item.part).then_some(item);
        out.entry(key)
            .and_modify(|known| *known = None)
            .or_insert(once);
    }
    out
}

/// The flows behind the rules of a resource.
fn all_behind<'s>(
    side: &'s Side,
    name: &str,
) -> impl Iterator<Item = (&'s String, &'s super::side::Behind)> {
    let front = format!("{name}/");
    let from = side.behind.range(front.clone()..);
    from.take_while(move |(key, _)| key.starts_with(&front))
}

/// Names of resources, in lower case, that both sides write alike, with the same flows behind them: nothing
/// in them differs, so they need not be read. Names that a side has twice are not among them.
pub(super) fn alike(old: &Side, new: &Side) -> BTreeSet<(Kind, String)> {
    let (before, mut after) = (by_name(old), by_name(new));
    // A rule that is a resource of its own is read with its group.
    for side in [old, new] {
        for item in side.items.iter().filter(|i| i.part) {
            if let Some((_, parents)) = item.names.split_last() {
                after.remove(&(item.kind, parents.join("/").to_lowercase()));
            }
        }
    }
    let mut out = BTreeSet::new();
    for (key, new_item) in after {
        let (Some(Some(a)), Some(b)) = (before.get(&key), new_item) else {
            continue;
        };
        let same = a.value == b.value && a.id == b.id && a.fragment == b.fragment;
        if same && all_behind(old, &key.1).eq(all_behind(new, &key.1)) {
            out.insert(key);
        }
    }
    out
}

/// The resources of a side, by what they are known by. Of several with one name the first counts, unless
/// they are in different resource groups. Those that are `alike` on both sides are not read.
pub(super) fn things<'s>(
    side: &'s Side,
    alike: &BTreeSet<(Kind, String)>,
) -> BTreeMap<(Kind, String), Thing<'s>> {
    let mut out: BTreeMap<(Kind, String), Thing<'s>> = BTreeMap::new();
    for item in side.items.iter().filter(|i| !i.part) {
        let key = (item.kind, item.names.join("/").to_lowercase());
        let thing = if alike.contains(&key) {
            unread(item)
        } else {
            read(item, side)
        };
        let mut key = thing.key();
        if out.contains_key(&key)
            && let Some(group) = thing.id.as_deref().and_then(resource_group)
        {
            key.1 = format!("{}@{group}", key.1);
        }
        out.entry(key).or_insert(thing);
    }
    for item in side.items.iter().filter(|i| i.part) {
        let Some((own, parents)) = item.names.split_last() else {
            continue;
        };
        let thing = Thing {
            names: parents.to_vec(),
            id: None,
            ..unread(item)
        };
        let held = out.entry(thing.key()).or_insert(Thing {
            parts: true,
            ..thing
        });
        let body = body(&item.value);
        let rule = match item.kind {
            Kind::Nsg => security_rule(held, own, body, side),
            _ => route(held, own, body, side),
        };
        held.rules.push(rule);
    }
    out
}

fn resource_group(id: &str) -> Option<String> {
    let mut parts = id.split('/');
    parts.find(|part| part.eq_ignore_ascii_case("resourceGroups"))?;
    parts.next().map(str::to_lowercase)
}

fn unread<'s>(item: &Item) -> Thing<'s> {
    Thing {
        kind: item.kind,
        names: item.names.clone(),
        id: item.id.clone(),
        settings: Fields::default(),
        about: Fields::default(),
        priority: None,
        rules: Vec::new(),
        collections: BTreeMap::new(),
        parts: false,
        fragment: item.fragment,
    }
}

fn read<'s>(item: &'s Item, side: &'s Side) -> Thing<'s> {
    let properties = body(&item.value);
    let mut thing = unread(item);
    thing.about = about(&item.value);
    match item.kind {
        Kind::Nsg => {
            thing.settings = Fields::of(properties, &["securityRules"]);
            for rule in list(properties, "securityRules") {
                let name = text(rule, "name");
                let rule = security_rule(&thing, name, body(rule), side);
                thing.rules.push(rule);
            }
        }
        Kind::RouteTable => {
            thing.settings = Fields::of(properties, &["routes"]);
            for one in list(properties, "routes") {
                let rule = route(&thing, text(one, "name"), body(one), side);
                thing.rules.push(rule);
            }
        }
        Kind::RuleCollectionGroup => {
            thing.settings = Fields::of(properties, &["ruleCollections", "priority"]);
            thing.priority = number(properties, "priority");
            for collection in list(properties, "ruleCollections") {
                read_collection(&mut thing, collection, None, side);
            }
        }
        Kind::ClassicFirewall => {
            let arrays = CLASSIC.map(|(array, _)| array);
            if !item.fragment {
                thing.settings = Fields::of(properties, &arrays);
            }
            for (array, word) in CLASSIC {
                for collection in list(properties, array) {
                    read_collection(&mut thing, collection, Some(word), side);
                }
            }
        }
        Kind::IpGroup | Kind::FirewallPolicy | Kind::Subnet => {
            thing.settings = Fields::of(properties, &[]);
        }
    }
    thing
}

/// The arrays of a classic firewall, each with the type of its rules.
const CLASSIC: [(&str, &str); 3] = [
    ("networkRuleCollections", "NetworkRule"),
    ("applicationRuleCollections", "ApplicationRule"),
    ("natRuleCollections", "NatRule"),
];

fn read_collection<'s>(
    thing: &mut Thing<'s>,
    collection: &'s Value,
    array: Option<&str>,
    side: &'s Side,
) {
    let inner = body(collection);
    let name = text(collection, "name").to_owned();
    let action = member(inner, "action").and_then(|a| member(a, "type"));
    let place = Rc::new(Place {
        collection: Some(name.clone()),
        collection_priority: number(inner, "priority"),
        action: action.and_then(Value::as_str).map(str::to_owned),
        rule_type: array.map(str::to_owned),
        ..thing.place()
    });
    // The rules of a collection have one place, if they are of one type.
    let mut own_place = Rc::clone(&place);
    let names = thing.name();
    for rule in list(inner, "rules") {
        let own = body(rule);
        let kind = member(own, "ruleType").and_then(Value::as_str);
        let kind = kind.or(place.rule_type.as_deref());
        if own_place.rule_type.as_deref() != kind {
            own_place = Rc::new(Place {
                rule_type: kind.map(str::to_owned),
                ..(*place).clone()
            });
        }
        let about = (text(rule, "name"), Rc::clone(&own_place), own, None);
        thing.rules.push(said(side, &names, about, &["ruleType"]));
    }
    thing.collections.insert(name.to_lowercase(), place);
}

fn security_rule<'s>(
    thing: &Thing<'_>,
    name: &'s str,
    body: &'s Value,
    side: &'s Side,
) -> Rule<'s> {
    let direction = text(body, "direction").to_lowercase();
    let place = Rc::new(Place {
        direction: (!direction.is_empty()).then_some(direction),
        ..thing.place()
    });
    let about = (name, place, body, number(body, "priority"));
    said(side, &thing.name(), about, &["priority", "direction"])
}

fn route<'s>(thing: &Thing<'_>, name: &'s str, body: &'s Value, side: &'s Side) -> Rule<'s> {
    let about = (name, Rc::new(thing.place()), body, None);
    said(side, &thing.name(), about, &[])
}

/// A rule by its name, its place, what it says and its number. `names` are those of its resource.
fn said<'s>(
    side: &'s Side,
    names: &str,
    (name, place, said, priority): (&'s str, Rc<Place>, &'s Value, Option<i64>),
    but: &'static [&'static str],
) -> Rule<'s> {
    // A rule that is a resource of its own is known by its own names.
    let keys = [format!("{names}/{name}"), format!("{names}/{name}/{name}")];
    let mut keys = keys.iter();
    let known = keys.find_map(|key| side.behind.get(&key.to_lowercase()));
    Rule {
        name,
        place,
        priority,
        said,
        but,
        fields: OnceCell::new(),
        flows: known.map_or(&[], |b| &b.flows),
        role: known.map_or(Role::Exact, |b| b.role),
    }
}

/// Location, tags and zones.
fn about(value: &Value) -> Fields {
    let mut out = Fields::default();
    if let Some(location) = member(value, "location").and_then(Value::as_str) {
        out.set("location", location);
    }
    if let Some(tags) = member(value, "tags").and_then(Value::as_object) {
        for (key, value) in tags {
            if let Some(value) = value.as_str() {
                out.set(&format!("tags.{key}"), value);
            }
        }
    }
    for zone in list(value, "zones") {
        if let Some(zone) = zone.as_str() {
            out.set(&format!("zones.{zone}"), "yes");
        }
    }
    out
}

/// The content: below `properties`, or beside the name.
fn body(value: &Value) -> &Value {
    match member(value, "properties") {
        Some(inner @ Value::Object(_)) => inner,
        _ => value,
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        let mut all = members.iter();
        all.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let found = member(value, name).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    member(value, name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(value: &Value, name: &str) -> Option<i64> {
    let found = member(value, name)?;
    found.as_i64().or_else(|| found.as_str()?.parse().ok())
}
