//! Numbers read back from JSON: from our own output where there is no lock, from exported resources
//! when a policy is taken over. It judges no rule.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::OutFile;
use super::manifest::Manifest;
use crate::allocate::collections::{parts_of_classic, run_in_group};
use crate::allocate::lock::{Entry, Lock, Part, Scope};
use crate::allocate::numbers::by_name;

/// One rule or group with its number, as found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which numbers.
    pub scope: Scope,
    /// The Azure name; for a rule of a collection `group/kind/name`.
    pub name: String,
    /// The priority; none for a rule of a collection.
    pub number: Option<u32>,
    /// What it matches and does, without name, number and description.
    pub body: String,
}

/// Whether a file of our output, by its path, holds numbers.
#[must_use]
pub fn has_numbers(path: &str) -> bool {
    path.split_once('/').is_some_and(|(_, rest)| {
        is_template(rest)
            || rest.contains("nsg/")
            || rest.contains("firewall/")
            || rest == "manifest.json"
    })
}

/// Whether a file, by its path below its environment, is a template.
fn is_template(rest: &str) -> bool {
    rest.starts_with("arm/")
}

/// The rows of the files that we wrote; the first folder of a path is the environment. A resource
/// that stands in a file of its own and in a template is read once.
#[must_use]
pub fn rows_of_output(files: &[OutFile]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for templates in [false, true] {
        for file in files.iter().filter(|file| has_numbers(&file.path)) {
            let Some((environment, rest)) = file.path.split_once('/') else {
                continue;
            };
            if is_template(rest) != templates {
                continue;
            }
            let Ok(mut value) = serde_json::from_str::<Value>(&file.text) else {
                continue;
            };
            if templates {
                unescape(&mut value);
            }
            for one in resources(&value) {
                let word = |key| member(one, key).and_then(Value::as_str);
                let key = [
                    environment,
                    word("type").unwrap_or(""),
                    word("name").unwrap_or(""),
                ]
                .map(str::to_lowercase);
                if seen.insert(key) {
                    read(environment, one, &mut rows);
                }
            }
        }
    }
    rows
}

/// The resources of a template; else the one that the file is.
fn resources(value: &Value) -> Vec<&Value> {
    match member(value, "resources").and_then(Value::as_array) {
        Some(list) => list.iter().collect(),
        None => vec![value],
    }
}

/// Takes away what keeps the text of a template from being an expression: the first bracket of `[[`.
fn unescape(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("[[") && text.ends_with(']') => {
            text.remove(0);
        }
        Value::Array(list) => list.iter_mut().for_each(unescape),
        Value::Object(members) => members.values_mut().for_each(unescape),
        _ => {}
    }
}

/// The numbers of our own output, as a lock.
#[must_use]
pub fn lock_of_output(files: &[OutFile]) -> Lock {
    let rows = rows_of_output(files);
    let mut lock = lock_of_rows(&rows, true);
    for file in files.iter().filter(|f| f.path.ends_with("/manifest.json")) {
        let Ok(manifest) = serde_json::from_str::<Manifest>(&file.text) else {
            continue;
        };
        for gone in manifest.retired {
            let scope = Scope::new(&manifest.environment, &gone.policy, Part::Groups);
            let entry = Entry {
                retired: true,
                number: Some(gone.priority),
                ..Entry::default()
            };
            lock.insert(&scope, &gone.name, entry);
        }
    }
    lock
}

/// The numbers of an exported network security group, rule collection group, or a list of these.
///
/// # Errors
/// Why the text holds none.
pub fn lock_of_export(environment: &str, text: &str) -> Result<Lock, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    let mut rows = Vec::new();
    read(environment, &value, &mut rows);
    if rows.is_empty() {
        return Err(
            "it holds neither rules of a network security group, nor a rule collection group, nor a firewall with rules of its own"
                .to_owned(),
        );
    }
    Ok(lock_of_rows(&rows, false))
}

/// `ours`: a group is one that we made, so it is known by its own name.
fn lock_of_rows(rows: &[Row], ours: bool) -> Lock {
    let mut lock = Lock::default();
    for row in rows {
        let serial = lock.scopes.get(&row.scope).map_or(0, |s| s.serial) + 1;
        let id = if ours && row.scope.part == Part::Groups {
            row.name.clone()
        } else {
            by_name(&row.name)
        };
        // Names with spaces are not ours and cannot become so.
        if id.contains(char::is_whitespace) {
            continue;
        }
        let entry = Entry {
            number: row.number,
            serial,
            ..Entry::default()
        };
        lock.insert(&row.scope, &id, entry);
    }
    lock
}

fn read(environment: &str, value: &Value, rows: &mut Vec<Row>) {
    if let Some(list) = value
        .as_array()
        .or_else(|| member(value, "value")?.as_array())
    {
        for one in list {
            read(environment, one, rows);
        }
        return;
    }
    let Some(name) = member(value, "name").and_then(Value::as_str) else {
        return;
    };
    // REST puts the content below `properties`, the command line beside the name.
    let body = member(value, "properties").unwrap_or(value);
    if let (Some((group, rule)), Some(_)) = (name.split_once('/'), member(body, "direction")) {
        // A rule that is a resource of its own.
        rows.extend(security_rule(environment, group, rule, body));
        return;
    }
    if let Some(list) = member(body, "securityRules").and_then(Value::as_array) {
        for rule in list {
            let body = member(rule, "properties").unwrap_or(rule);
            if let Some(rule) = member(rule, "name").and_then(Value::as_str) {
                rows.extend(security_rule(environment, name, rule, body));
            }
        }
    } else if CLASSIC.iter().any(|(a, _)| member(body, a).is_some()) {
        classic(environment, name, body, rows);
    } else if let Some(list) = member(body, "ruleCollections").and_then(Value::as_array) {
        let id = member(value, "id").and_then(Value::as_str);
        if let Some((policy, group)) = group_name(name, id) {
            let number = member(body, "priority").and_then(number);
            rows.push(Row {
                scope: Scope::new(environment, &policy, Part::Groups),
                name: group.clone(),
                number,
                body: String::new(),
            });
            for collection in list {
                group_collection(environment, &policy, &group, collection, rows);
            }
        }
    }
}

/// One collection of a rule collection group: its rules, and its number in an ordered group.
fn group_collection(
    environment: &str,
    policy: &str,
    group: &str,
    collection: &Value,
    rows: &mut Vec<Row>,
) {
    let scope = Scope::new(environment, policy, Part::Rules);
    let name = member(collection, "name").and_then(Value::as_str);
    let rules = member(collection, "rules").and_then(Value::as_array);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for rule in rules.into_iter().flatten() {
        let Some((kind, rule_name)) = collection_rule(rule) else {
            continue;
        };
        kinds.insert(kind);
        let run = name.and_then(|name| run_in_group(kind, name));
        rows.push(rule_row(&scope, group, kind, run, rule_name, rule));
    }
    for kind in kinds {
        if let Some(run) = name.and_then(|name| run_in_group(kind, name)) {
            rows.push(Row {
                scope: Scope::new(environment, &format!("{policy}:{group}"), Part::Runs),
                name: format!("{kind}/{run}"),
                number: member(collection, "priority").and_then(number),
                body: String::new(),
            });
        }
    }
}

/// A rule of a collection: `group/net/rule`, and `group/net-run/rule` in an ordered group.
fn rule_row(
    scope: &Scope,
    group: &str,
    kind: &str,
    run: Option<&str>,
    name: &str,
    rule: &Value,
) -> Row {
    let word = run.map_or_else(|| kind.to_owned(), |run| format!("{kind}-{run}"));
    Row {
        scope: scope.clone(),
        name: format!("{group}/{word}/{name}"),
        number: None,
        body: matched(rule),
    }
}

/// The arrays of a classic firewall, each with the word that ends the names of our collections.
const CLASSIC: [(&str, &str); 3] = [
    ("networkRuleCollections", "net"),
    ("applicationRuleCollections", "app"),
    ("natRuleCollections", "dnat"),
];

/// The collections of a classic firewall: those of one group have its number, the first as it is and
/// the others moved apart where they met; those of an ordered group have numbers of their own.
fn classic(environment: &str, firewall: &str, body: &Value, rows: &mut Vec<Row>) {
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let scope = Scope::new(environment, firewall, Part::Rules);
    for (array, word) in CLASSIC {
        let list = member(body, array).and_then(Value::as_array);
        for collection in list.into_iter().flatten() {
            let Some(name) = member(collection, "name").and_then(Value::as_str) else {
                continue;
            };
            let inside = member(collection, "properties").unwrap_or(collection);
            let (group, run) = parts_of_classic(word, name).unwrap_or((name, None));
            if let Some(number) = member(inside, "priority").and_then(number) {
                let known = numbers.entry(group.to_owned()).or_insert(number);
                *known = (*known).min(number);
                rows.extend(run.map(|run| Row {
                    scope: Scope::new(environment, firewall, Part::Runs),
                    name: format!("{group}/{word}/{run}"),
                    number: Some(number),
                    body: String::new(),
                }));
            }
            let rules = member(inside, "rules").and_then(Value::as_array);
            for rule in rules.into_iter().flatten() {
                if let Some(name) = member(rule, "name").and_then(Value::as_str) {
                    rows.push(rule_row(&scope, group, word, run, name, rule));
                }
            }
        }
    }
    for (name, number) in numbers {
        rows.push(Row {
            scope: Scope::new(environment, firewall, Part::Groups),
            name,
            number: Some(number),
            body: String::new(),
        });
    }
}

fn security_rule(environment: &str, group: &str, name: &str, body: &Value) -> Option<Row> {
    let part = match member(body, "direction")?.as_str()?.to_lowercase().as_str() {
        "inbound" => Part::Inbound,
        "outbound" => Part::Outbound,
        _ => return None,
    };
    Some(Row {
        scope: Scope::new(environment, group, part),
        name: name.to_owned(),
        number: Some(number(member(body, "priority")?)?),
        body: matched(body),
    })
}

/// Type and name of a rule of a collection.
fn collection_rule(rule: &Value) -> Option<(&'static str, &str)> {
    let kind = match member(rule, "ruleType")?.as_str()? {
        "NetworkRule" => "net",
        "ApplicationRule" => "app",
        "NatRule" => "dnat",
        _ => return None,
    };
    Some((kind, member(rule, "name")?.as_str()?))
}

/// What a rule matches and does, as text.
fn matched(body: &Value) -> String {
    let Some(object) = body.as_object() else {
        return String::new();
    };
    let mut kept: Vec<(&String, &Value)> = object
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "name" | "priority" | "description"))
        .collect();
    kept.sort_by_key(|(key, _)| *key);
    kept.iter().map(|(k, v)| format!("{k}:{v};")).collect()
}

/// Policy and group: of the name `policy/group`, or of the resource id.
fn group_name(name: &str, id: Option<&str>) -> Option<(String, String)> {
    if let Some((policy, group)) = name.split_once('/') {
        return Some((policy.to_owned(), group.to_owned()));
    }
    let parts: Vec<&str> = id?.split('/').collect();
    let at = parts
        .iter()
        .position(|p| p.eq_ignore_ascii_case("firewallPolicies"))?;
    Some(((*parts.get(at + 1)?).to_owned(), name.to_owned()))
}

fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key)
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok())
}
