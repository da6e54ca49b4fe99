//! Resources of several files put together: what is there twice is one, children find their parents. It
//! reads no file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::definitions::{Definition, Definitions};
use super::faults::unreadable;
use super::kind::Kind;
use super::member;

/// Takes out what is there twice, and puts children to their parents.
pub(super) fn join(out: &mut Definitions) {
    let mut kept: Vec<Definition> = Vec::new();
    let mut by_name: BTreeMap<(Kind, String), Vec<usize>> = BTreeMap::new();
    let mut faults = Vec::new();
    for next in std::mem::take(&mut out.resources) {
        let key = (next.kind, next.name.to_lowercase());
        let known = by_name.entry(key).or_default();
        let twin = known.iter().copied().find(|at| {
            kept.get(*at)
                .is_some_and(|other| match (&other.id, &next.id) {
                    (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                    _ => true,
                })
        });
        let Some(twin) = twin.and_then(|at| kept.get_mut(at)) else {
            known.push(kept.len());
            kept.push(next);
            continue;
        };
        if normal(&twin.value) != normal(&next.value) {
            let (first, second) = (out.span(twin, ""), out.span(&next, ""));
            let message = format!(
                "{} `{}` is there twice, and not the same",
                next.kind.word(),
                next.name
            );
            let mut fault = unreadable(second, message)
                .label("one of them")
                .help("give only the files of one state, or one file alone");
            if let Some(first) = first {
                fault = fault.also(first, "the other one");
            }
            faults.push(fault);
        }
        // What has an id can be referred to.
        if twin.id.is_none() && next.id.is_some() {
            *twin = next;
        }
    }
    out.resources = kept;
    out.faults.extend(faults);
    adopt(out);
}

/// Gives children that name no parent to the only one there is, and makes parents of which only
/// children are here.
fn adopt(out: &mut Definitions) {
    let mut owners: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for d in &out.resources {
        let parent = match d.kind {
            Kind::Group => d
                .name
                .split_once('/')
                .map(|(owner, _)| (Kind::Policy, owner)),
            Kind::Policy => Some((Kind::Policy, d.name.as_str())),
            Kind::SecurityRule => d
                .name
                .split_once('/')
                .map(|(owner, _)| (Kind::SecurityGroup, owner)),
            Kind::Route => d
                .name
                .split_once('/')
                .map(|(owner, _)| (Kind::RouteTable, owner)),
            Kind::SecurityGroup | Kind::RouteTable => Some((d.kind, d.name.as_str())),
            _ => None,
        };
        if let Some((kind, owner)) = parent {
            owners.entry(kind).or_default().insert(owner.to_owned());
        }
    }
    let mut orphans = Vec::new();
    for (at, d) in out.resources.iter().enumerate() {
        let parent = match d.kind {
            Kind::Group => Kind::Policy,
            Kind::SecurityRule => Kind::SecurityGroup,
            Kind::Route => Kind::RouteTable,
            _ => continue,
        };
        if d.name.contains('/') {
            continue;
        }
        let there = owners.get(&parent).cloned().unwrap_or_default();
        let mut there = there.into_iter();
        match (there.next(), there.next()) {
            (Some(only), None) => orphans.push((at, Some(only))),
            (None, _) => orphans.push((at, Some("policy".to_owned()))),
            _ => orphans.push((at, None)),
        }
    }
    for (at, owner) in orphans {
        match owner {
            Some(owner) => {
                if let Some(d) = out.resources.get_mut(at) {
                    d.name = format!("{owner}/{}", d.name);
                    if let Some(members) = d.value.as_object_mut() {
                        members.insert("name".to_owned(), Value::String(d.name.clone()));
                    }
                }
            }
            None => {
                let Some(d) = out.resources.get(at) else {
                    continue;
                };
                let what = format!(
                    "{} `{}` does not say whose it is, and there are several that it can be of",
                    d.kind.word(),
                    d.name
                );
                let at = out.span(d, "");
                let fault = unreadable(at, what)
                    .help("export it with its `id`, or give its parent's files alone");
                out.faults.push(fault);
            }
        }
    }
    let mut made: Vec<Definition> = Vec::new();
    for d in &out.resources {
        let parent = match d.kind {
            Kind::SecurityRule => Kind::SecurityGroup,
            Kind::Route => Kind::RouteTable,
            _ => continue,
        };
        let Some((owner, _)) = d.name.split_once('/') else {
            continue;
        };
        let there = out.resources.iter().chain(&made);
        let mut there = there.filter(|p| p.kind == parent);
        if !there.any(|p| p.name.eq_ignore_ascii_case(owner)) {
            out.ignored.push(format!(
                "{} `{owner}` itself is not here: only those of its parts are asked that are",
                parent.word()
            ));
            made.push(Definition {
                kind: parent,
                name: owner.to_owned(),
                value: json!({ "name": owner, "properties": {} }),
                open: Vec::new(),
                id: None,
                ..d.clone()
            });
        }
    }
    out.resources.extend(made);
}

/// What Azure writes into answers beside what a resource says, in lower case: it makes no difference.
pub const ANSWERED: [&str; 12] = [
    "apiversion",
    "resourceguid",
    "defaultsecurityrules",
    "subnets",
    "networkinterfaces",
    "flowlogs",
    "size",
    "rulecollectiongroups",
    "childpolicies",
    "firewalls",
    "firewallpolicies",
    "dependson",
];

/// What says nothing of what a resource does.
const ASIDE: [&str; 4] = ["name", "location", "tags", "zones"];

/// A resource without what makes no difference, to compare it: names in lower case, ids by name,
/// `properties` beside the rest.
fn normal(value: &Value) -> Value {
    fn inner(value: &Value, top: bool) -> Value {
        match value {
            Value::Object(members) => {
                let mut out = Map::new();
                // A rule in a list has a name, a reference to something has none.
                let named = member(value, "name").is_some();
                for (name, value) in members {
                    let name = name.to_lowercase();
                    let aside = match name.as_str() {
                        "etag" | "provisioningstate" | "resourcegroup" | "description" => true,
                        "id" => top || named,
                        "type" => top || value.as_str().is_some_and(|t| t.contains('/')),
                        name => top && (ASIDE.contains(&name) || ANSWERED.contains(&name)),
                    };
                    let value = inner(value, top && name == "properties");
                    let empty = match &value {
                        Value::Null => true,
                        Value::Array(items) => items.is_empty(),
                        Value::String(text) => text.is_empty(),
                        Value::Object(members) => members.is_empty(),
                        _ => false,
                    };
                    match value {
                        _ if aside || empty => {}
                        Value::Object(inner) if name == "properties" => out.extend(inner),
                        value => {
                            out.insert(name, value);
                        }
                    }
                }
                Value::Object(out)
            }
            Value::Array(items) => items.iter().map(|v| inner(v, false)).collect(),
            Value::String(text) => {
                let lower = text.to_lowercase();
                let short = lower.rfind("/providers/").and_then(|at| lower.get(at..));
                Value::String(short.unwrap_or(&lower).to_owned())
            }
            Value::Number(number) => Value::String(number.to_string()),
            other => other.clone(),
        }
    }
    inner(value, true)
}
