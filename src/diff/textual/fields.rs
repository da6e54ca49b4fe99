//! The fields of a rule or a resource as they are compared: what Azure reads as equal is equal here. It
//! knows no resource type and pairs nothing.
//!
//! Sources: REST references "Security Rules", "Firewall Policy Rule Collection Groups", "Route Tables",
//! "Ip Groups" (checked 2026-11-30): which fields are read-only, and which come singular and plural.
//! Names, ids, tags, prefixes and the words of enumerations compare without case; paths of URLs, header
//! values, descriptions and tags of resources do not.

use std::collections::BTreeMap;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::foreign::ANSWERED;

/// One value: how it compares, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    key: String,
    shown: String,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// One value.
    One(Word),
    /// A list, of which neither order nor repetition counts.
    Many(BTreeMap<String, String>),
}

/// Fields by their path in lower case, each with its path as Azure spells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeMap<String, (String, Field)>);

/// How one field differs. A list tells what left and what came, a single value the old and the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct FieldChange {
    /// Its path below the rule or the resource, in Azure's spelling; of a pair of fields the plural.
    pub path: String,
    /// Members that left a list, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Members that came to a list, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// The old value, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The new value, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// What else Azure writes into answers and takes from nobody, and what is compared elsewhere, in lower case.
const READ_ONLY: [&str; 9] = [
    "etag",
    "provisioningstate",
    "resourcegroup",
    "systemdata",
    "hasbgpoverride",
    "name",
    "location",
    "tags",
    "zones",
];

fn is_read_only(name: &str) -> bool {
    READ_ONLY.contains(&name) || ANSWERED.contains(&name)
}

/// Switches that are off where nothing is said (REST references, checked 2026-11-30), in lower case.
const OFF_BY_DEFAULT: [&str; 5] = [
    "terminatetls",
    "disablebgproutepropagation",
    "flushconnection",
    "enableproxy",
    "requireproxyfornetworkrules",
];

/// The singular fields of a security rule, in lower case, and the plural ones that say the same.
const PLURALS: [(&str, &str); 4] = [
    ("sourceportrange", "sourcePortRanges"),
    ("destinationportrange", "destinationPortRanges"),
    ("sourceaddressprefix", "sourceAddressPrefixes"),
    ("destinationaddressprefix", "destinationAddressPrefixes"),
];

impl Fields {
    /// The fields of an object, but for those named.
    pub(super) fn of(value: &Value, but: &[&str]) -> Self {
        let mut out = Self::default();
        let Value::Object(members) = value else {
            return out;
        };
        for (name, value) in members {
            let lower = name.to_lowercase();
            let typed = lower == "type" && value.as_str().is_some_and(|t| t.contains('/'));
            let aside = lower == "id" || typed || but.iter().any(|b| b.eq_ignore_ascii_case(name));
            if !aside && !is_read_only(&lower) {
                out.take(name, value);
            }
        }
        out
    }

    fn take(&mut self, path: &str, value: &Value) {
        let last = path.rsplit('.').next().unwrap_or(path).to_lowercase();
        match value {
            Value::Null => {}
            Value::Bool(false) if OFF_BY_DEFAULT.contains(&last.as_str()) => {}
            Value::Array(items) => {
                let words: Vec<Word> = items.iter().filter_map(|i| word(&last, i)).collect();
                self.extend(path, words);
            }
            Value::Object(members) => {
                if let Some(one) = reference(value) {
                    self.put(path, Field::One(one));
                    return;
                }
                for (name, value) in members {
                    if !is_read_only(&name.to_lowercase()) {
                        self.take(&format!("{path}.{name}"), value);
                    }
                }
            }
            _ => {
                let Some(one) = word(&last, value) else {
                    return;
                };
                match PLURALS.iter().find(|(single, _)| *single == last) {
                    Some((_, plural)) if !path.contains('.') => self.extend(plural, vec![one]),
                    _ => self.put(path, Field::One(one)),
                }
            }
        }
    }

    /// Sets a single value.
    pub(super) fn set(&mut self, path: &str, value: &str) {
        let one = word(path, &Value::String(value.to_owned()));
        if let Some(one) = one {
            self.put(path, Field::One(one));
        }
    }

    fn put(&mut self, path: &str, field: Field) {
        self.0.insert(path.to_lowercase(), (path.to_owned(), field));
    }

    fn extend(&mut self, path: &str, words: Vec<Word>) {
        if words.is_empty() {
            return;
        }
        let empty = || (path.to_owned(), Field::Many(BTreeMap::new()));
        let (_, field) = self.0.entry(path.to_lowercase()).or_insert_with(empty);
        if let Field::One(one) = field {
            *field = Field::Many(BTreeMap::from([(one.key.clone(), one.shown.clone())]));
        }
        if let Field::Many(all) = field {
            all.extend(words.into_iter().map(|w| (w.key, w.shown)));
        }
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Without some.
    pub(super) fn without(&self, but: &[&str]) -> Self {
        let mut out = self.clone();
        out.0
            .retain(|path, _| !but.iter().any(|b| b.eq_ignore_ascii_case(path)));
        out
    }

    /// Only those that the other has too, and the paths of the rest.
    pub(super) fn stated_by(&self, other: &Self) -> (Self, Vec<String>) {
        let mut out = self.clone();
        let mut rest = Vec::new();
        out.0.retain(|path, (shown, _)| {
            let kept = other.0.contains_key(path);
            if !kept {
                rest.push(shown.clone());
            }
            kept
        });
        (out, rest)
    }

    /// All that is said, as it compares.
    pub(super) fn text(&self) -> String {
        let all = self.0.iter().map(|(path, (_, field))| match field {
            Field::One(one) => format!("{path}={}\n", one.key),
            Field::Many(all) => {
                let keys: Vec<&str> = all.keys().map(String::as_str).collect();
                format!("{path}={}\n", keys.join(","))
            }
        });
        all.collect()
    }

    /// How many of the fields are equal.
    pub(super) fn alike(&self, other: &Self) -> usize {
        let same = |(path, (_, field)): &(&String, &(String, Field))| {
            other
                .0
                .get(*path)
                .is_some_and(|(_, theirs)| equal(field, theirs))
        };
        self.0.iter().filter(same).count()
    }

    /// Joins lists member by member; single values stay those of the first.
    pub(super) fn joined(&mut self, other: &Self) {
        for (path, (shown, field)) in &other.0 {
            match (self.0.get_mut(path), field) {
                (None, _) => {
                    self.0.insert(path.clone(), (shown.clone(), field.clone()));
                }
                (Some((_, Field::Many(all))), Field::Many(more)) => {
                    all.extend(more.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
                _ => {}
            }
        }
    }

    /// How these became others, sorted by path.
    pub(super) fn changes(&self, new: &Self) -> Vec<FieldChange> {
        // Most rules are as they were.
        if self == new {
            return Vec::new();
        }
        let mut paths: Vec<(&String, &String)> = Vec::new();
        for (path, (shown, _)) in new.0.iter().chain(&self.0) {
            if !paths.iter().any(|(known, _)| *known == path) {
                paths.push((path, shown));
            }
        }
        paths.sort();
        let find = |side: &'_ Self, path: &String| side.0.get(path).map(|(_, f)| f.clone());
        paths
            .into_iter()
            .filter_map(|(path, shown)| change(shown, find(self, path), find(new, path)))
            .collect()
    }
}

fn change(path: &str, old: Option<Field>, new: Option<Field>) -> Option<FieldChange> {
    if let (Some(a), Some(b)) = (&old, &new)
        && equal(a, b)
    {
        return None;
    }
    let mut out = FieldChange {
        path: path.to_owned(),
        ..FieldChange::default()
    };
    let many = |f: &Option<Field>| matches!(f, Some(Field::Many(_)));
    if many(&old) || many(&new) {
        let list = |f: Option<Field>| match f {
            None => BTreeMap::new(),
            Some(Field::One(one)) => BTreeMap::from([(one.key, one.shown)]),
            Some(Field::Many(all)) => all,
        };
        let (removed, added) = split(list(old), list(new));
        out.removed = removed.into_values().collect();
        out.added = added.into_values().collect();
        out.removed.sort_by_cached_key(|text| sort_key(text));
        out.added.sort_by_cached_key(|text| sort_key(text));
    } else {
        let shown = |f: Option<Field>| match f {
            Some(Field::One(one)) => Some(one.shown),
            _ => None,
        };
        (out.old, out.new) = (shown(old), shown(new));
    }
    Some(out)
}

/// Addresses and ports by number, the rest by text.
fn sort_key(text: &str) -> (Option<IpNet>, Option<u32>, String) {
    let address = text.split('-').next().unwrap_or(text);
    let net = address.parse::<IpNet>().ok();
    let net = net.or_else(|| address.parse::<std::net::IpAddr>().ok().map(IpNet::from));
    (net, address.parse().ok(), text.to_owned())
}

fn equal(a: &Field, b: &Field) -> bool {
    match (a, b) {
        (Field::One(a), Field::One(b)) => same(&a.key, &b.key),
        (Field::Many(a), Field::Many(b)) => {
            let (removed, added) = split(a.clone(), b.clone());
            removed.is_empty() && added.is_empty()
        }
        (Field::One(one), Field::Many(all)) | (Field::Many(all), Field::One(one)) => {
            all.len() == 1 && all.keys().all(|key| same(key, &one.key))
        }
    }
}

type Members = BTreeMap<String, String>;

/// What each side has alone.
fn split(mut old: Members, mut new: Members) -> (Members, Members) {
    let both: Vec<String> = old
        .keys()
        .filter(|k| new.contains_key(*k))
        .cloned()
        .collect();
    for key in both {
        old.remove(&key);
        new.remove(&key);
    }
    // Ids of which one side does not say the subscription.
    let short: Vec<String> = old
        .keys()
        .filter(|k| k.contains("/providers/"))
        .cloned()
        .collect();
    for key in short {
        if let Some(theirs) = new.keys().find(|other| same(&key, other)).cloned() {
            old.remove(&key);
            new.remove(&theirs);
        }
    }
    (old, new)
}

/// Whether two keys are one: ids also where one of them does not say its subscription or its resource
/// group.
fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let tail = |key: &str| {
        key.rfind("/providers/")
            .and_then(|at| key.get(at..))
            .map(str::to_owned)
    };
    let whole = |key: &str| key.starts_with("/subscriptions/") && key.contains("/resourcegroups/");
    (!whole(a) || !whole(b)) && tail(a).is_some() && tail(a) == tail(b)
}

/// A reference: an object that holds an id, and beside it only what Azure adds.
fn reference(value: &Value) -> Option<Word> {
    let members = value.as_object()?;
    let mut id = None;
    for (name, value) in members {
        match name.to_lowercase() {
            n if n == "id" => id = value.as_str(),
            n if is_read_only(&n) || value.is_null() => {}
            _ => return None,
        }
    }
    id.map(id_word)
}

fn id_word(id: &str) -> Word {
    let known = id
        .replace("/subscriptions/{subscriptionId}", "")
        .replace("/resourceGroups/{resourceGroupName}", "");
    Word {
        key: known.to_lowercase(),
        shown: id.rsplit('/').next().unwrap_or(id).to_owned(),
    }
}

fn word(field: &str, value: &Value) -> Option<Word> {
    let shown = match value {
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(on) => on.to_string(),
        Value::Null | Value::Array(_) => return None,
        Value::Object(members) => {
            if let Some(one) = reference(value) {
                return Some(one);
            }
            let text = |name: &str| {
                let found = members
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.and_then(|(_, value)| word(name, value))
            };
            let pair = |a: &Word, b: &Word| Word {
                key: format!("{}:{}", a.key, b.key),
                shown: format!("{}:{}", a.shown, b.shown),
            };
            if let (Some(kind), Some(port)) = (text("protocolType"), text("port")) {
                return Some(pair(&kind, &port));
            }
            if let (Some(name), Some(value)) = (text("headerName"), text("headerValue")) {
                return Some(pair(&name, &value));
            }
            let inner = Fields::of(value, &[]);
            let list = inner.0.values().map(|(path, field)| match field {
                Field::One(one) => format!("{path}={}", one.shown),
                Field::Many(all) => {
                    let all: Vec<&str> = all.values().map(String::as_str).collect();
                    format!("{path}={}", all.join(","))
                }
            });
            let list: Vec<String> = list.collect();
            if list.is_empty() {
                return None;
            }
            list.join(" ")
        }
    };
    if shown.contains("/providers/") && shown.starts_with('/') {
        return Some(id_word(&shown));
    }
    let field = field.to_lowercase();
    let exact = ["description", "targeturls", "headervalue"];
    let key = if exact.contains(&field.as_str()) || field.starts_with("tags.") {
        shown.clone()
    } else if field == "location" {
        shown.to_lowercase().replace(' ', "")
    } else if ["address", "prefix", "range"]
        .iter()
        .any(|part| field.contains(part))
    {
        address_key(&shown)
    } else {
        shown.to_lowercase()
    };
    Some(Word { key, shown })
}

/// An address or prefix as Azure reads it: a host with or without its length is one.
fn address_key(text: &str) -> String {
    match text.parse::<IpNet>() {
        Ok(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Ok(net) => net.trunc().to_string(),
        Err(_) => text
            .parse::<std::net::IpAddr>()
            .map_or_else(|_| text.to_lowercase(), |ip| ip.to_string()),
    }
}
