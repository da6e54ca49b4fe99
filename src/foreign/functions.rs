//! The functions of templates that need nothing but their arguments, and the form of resource ids.
//! What only a deployment knows is not here and stays unknown.
//!
//! Source: "ARM template functions" (Microsoft Learn, checked 2026-11-30).

use serde_json::{Map, Value};

use super::evaluate::{marked, open_part};
use crate::catalog::Cloud;

/// The longest text or list that is made.
const MOST: usize = 1 << 20;

/// An element of a list, or a member of an object.
pub(super) fn index<'v>(of: &'v Value, at: &Value) -> Option<&'v Value> {
    match (of, at) {
        (Value::Array(items), Value::Number(number)) => number
            .as_u64()
            .and_then(|n| items.get(usize::try_from(n).ok()?)),
        (Value::Object(_), Value::String(name)) => super::member(of, name),
        _ => None,
    }
}

/// What `environment()` says of a cloud, as far as names are made of it ("Deployment functions for ARM
/// templates", checked 2026-11-30).
pub(super) fn environment(cloud: Cloud) -> Value {
    let (name, registry, vault, sql, storage) = match cloud {
        Cloud::Public => (
            "AzureCloud",
            ".azurecr.io",
            ".vault.azure.net",
            ".database.windows.net",
            "core.windows.net",
        ),
        Cloud::UsGov => (
            "AzureUSGovernment",
            ".azurecr.us",
            ".vault.usgovcloudapi.net",
            ".database.usgovcloudapi.net",
            "core.usgovcloudapi.net",
        ),
        Cloud::China => (
            "AzureChinaCloud",
            ".azurecr.cn",
            ".vault.azure.cn",
            ".database.chinacloudapi.cn",
            "core.chinacloudapi.cn",
        ),
    };
    serde_json::json!({ "name": name, "suffixes": {
        "acrLoginServer": registry,
        "keyvaultDns": vault,
        "sqlServerHostname": sql,
        "storage": storage,
    }})
}

/// The value of a function; its name is in lower case.
///
/// # Errors
/// It depends on a deployment, is not understood here, or is called with something odd.
pub(super) fn call(name: &str, values: &[&Value]) -> Result<Value, String> {
    // These keep what is not known as a part of what they make.
    match name {
        "createarray" => return list(values.iter().copied().cloned().collect()),
        "createobject" => return create_object(values),
        "array" => {
            if let [one] = values {
                return Ok(match one {
                    Value::Array(_) => Value::clone(one),
                    _ => Value::Array(vec![Value::clone(one)]),
                });
            }
        }
        "concat" if values.iter().all(|v| v.is_array()) => {
            let parts = values.iter().filter_map(|v| v.as_array()).flatten();
            return list(parts.cloned().collect());
        }
        "union" if !values.is_empty() && values.iter().all(|v| plain_object(v)) => {
            return Ok(union_of_objects(values));
        }
        "length" | "empty" | "first" | "last" | "skip" | "take" | "null" | "true" | "false" => {
            if let Some(unknown) = values.iter().find_map(|v| marked(v)) {
                return Err(unknown.reason);
            }
            return shallow(name, values);
        }
        _ => {}
    }
    if let Some(unknown) = values.iter().find_map(|v| open_part(v)) {
        return Err(unknown.reason);
    }
    match name {
        "resourceid" | "subscriptionresourceid" | "tenantresourceid" => resource_id(name, values),
        "concat" | "format" | "tolower" | "toupper" | "trim" | "replace" | "substring"
        | "split" | "join" | "startswith" | "endswith" | "indexof" | "padleft" | "string"
        | "uri" => text(name, values),
        "equals" | "not" | "less" | "lessorequals" | "greater" | "greaterorequals" | "contains"
        | "bool" | "xor" => logic(name, values),
        "add" | "sub" | "mul" | "div" | "mod" | "min" | "max" | "int" | "range" => {
            number(name, values)
        }
        "union" | "intersection" | "json" | "tryget" | "items" | "flatten" => other(name, values),
        _ => Err(format!(
            "`{}` is not known before a deployment",
            proper(name)
        )),
    }
}

/// Names as Microsoft writes them, for people.
fn proper(name: &str) -> &str {
    const NAMES: [&str; 7] = [
        "resourceGroup",
        "uniqueString",
        "newGuid",
        "utcNow",
        "listKeys",
        "pickZones",
        "cidrSubnet",
    ];
    let found = NAMES.into_iter().find(|n| n.eq_ignore_ascii_case(name));
    found.unwrap_or(name)
}

fn odd(name: &str) -> String {
    format!("`{name}` is called with something that it does not take")
}

fn list(items: Vec<Value>) -> Result<Value, String> {
    if items.len() > MOST {
        return Err("the list is too long".to_owned());
    }
    Ok(Value::Array(items))
}

fn said(text: String) -> Result<Value, String> {
    if text.len() > MOST {
        return Err("the text is too long".to_owned());
    }
    Ok(Value::String(text))
}

fn plain_object(value: &Value) -> bool {
    value.is_object() && marked(value).is_none()
}

fn create_object(values: &[&Value]) -> Result<Value, String> {
    let mut out = Map::new();
    for pair in values.chunks(2) {
        let [Value::String(name), value] = pair else {
            return Err(odd("createObject"));
        };
        out.insert(name.clone(), Value::clone(value));
    }
    Ok(Value::Object(out))
}

/// Later members win, but objects in them are joined.
fn union_of_objects(values: &[&Value]) -> Value {
    let mut out = Map::new();
    for (name, value) in values.iter().filter_map(|v| v.as_object()).flatten() {
        let joined = match out.get(name) {
            Some(known) if plain_object(known) && plain_object(value) => {
                union_of_objects(&[known, value])
            }
            _ => value.clone(),
        };
        out.insert(name.clone(), joined);
    }
    Value::Object(out)
}

/// What looks at the outside of a value only.
fn shallow(name: &str, values: &[&Value]) -> Result<Value, String> {
    let counted = |text: &str, from: usize, many: usize| -> String {
        text.chars().skip(from).take(many).collect()
    };
    let size = |value: &Value| value.as_i64().map(|n| usize::try_from(n).unwrap_or(0));
    match (name, values) {
        ("null", []) => Ok(Value::Null),
        ("true", []) => Ok(Value::Bool(true)),
        ("false", []) => Ok(Value::Bool(false)),
        ("length", [Value::Array(items)]) => Ok(Value::from(items.len())),
        ("length", [Value::Object(members)]) => Ok(Value::from(members.len())),
        ("length", [Value::String(text)]) => Ok(Value::from(text.chars().count())),
        ("empty", [Value::Null]) => Ok(Value::Bool(true)),
        ("empty", [Value::Array(items)]) => Ok(Value::Bool(items.is_empty())),
        ("empty", [Value::Object(members)]) => Ok(Value::Bool(members.is_empty())),
        ("empty", [Value::String(text)]) => Ok(Value::Bool(text.is_empty())),
        ("first", [Value::Array(items)]) => Ok(items.first().cloned().unwrap_or_default()),
        ("last", [Value::Array(items)]) => Ok(items.last().cloned().unwrap_or_default()),
        ("first", [Value::String(text)]) => Ok(counted(text, 0, 1).into()),
        ("last", [Value::String(text)]) => Ok(text.chars().last().map(String::from).into()),
        ("skip" | "take", [of, many]) => {
            let many = size(many).ok_or_else(|| odd(name))?;
            let (from, to) = if name == "skip" {
                (many, usize::MAX)
            } else {
                (0, many)
            };
            match of {
                Value::Array(items) => {
                    let part = items.iter().skip(from).take(to);
                    Ok(Value::Array(part.cloned().collect()))
                }
                Value::String(text) => Ok(counted(text, from, to).into()),
                _ => Err(odd(name)),
            }
        }
        _ => Err(odd(name)),
    }
}

/// A value in a text, as `concat` and `format` put it there.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

fn text(name: &str, values: &[&Value]) -> Result<Value, String> {
    let texts: Option<Vec<String>> = values.iter().map(|v| shown(v)).collect();
    match (name, values, texts) {
        ("concat", _, Some(parts)) => said(parts.concat()),
        ("format", [Value::String(form), ..], Some(parts)) => format(form, parts.get(1..)),
        ("tolower", [Value::String(text)], _) => said(text.to_lowercase()),
        ("toupper", [Value::String(text)], _) => said(text.to_uppercase()),
        ("trim", [Value::String(text)], _) => said(text.trim().to_owned()),
        ("string", [Value::String(text)], _) => said(text.clone()),
        ("string", [one], _) => said(one.to_string()),
        ("replace", [Value::String(text), Value::String(old), Value::String(new)], _) => {
            if old.is_empty() || text.len().saturating_mul(new.len().max(1)) > MOST {
                return Err(odd(name));
            }
            said(text.replace(old, new))
        }
        ("substring", [Value::String(text), rest @ ..], _) => {
            let number = |at: usize| rest.get(at).and_then(|v| v.as_u64());
            let from = number(0).ok_or_else(|| odd(name))?;
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let many = number(1).map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
            said(text.chars().skip(from).take(many).collect())
        }
        ("split", [Value::String(text), delimiter], _) => {
            let ends: Vec<&str> = match delimiter {
                Value::String(one) => vec![one],
                Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
                _ => return Err(odd(name)),
            };
            let mut parts = vec![text.clone()];
            for end in ends.into_iter().filter(|end| !end.is_empty()) {
                parts = parts
                    .iter()
                    .flat_map(|part| part.split(end).map(str::to_owned))
                    .collect();
            }
            list(parts.into_iter().map(Value::String).collect())
        }
        ("join", [Value::Array(items), Value::String(between)], _) => {
            let parts: Option<Vec<String>> = items.iter().map(shown).collect();
            said(parts.ok_or_else(|| odd(name))?.join(between))
        }
        ("startswith", [Value::String(text), Value::String(start)], _) => Ok(text
            .to_lowercase()
            .starts_with(&start.to_lowercase())
            .into()),
        ("endswith", [Value::String(text), Value::String(end)], _) => {
            Ok(text.to_lowercase().ends_with(&end.to_lowercase()).into())
        }
        ("indexof", [Value::String(text), Value::String(part)], _) => {
            let at = text.to_lowercase().find(&part.to_lowercase());
            let count = |at: usize| text.get(..at).map_or(at, |t| t.chars().count());
            Ok(at.map_or(Value::from(-1), |at| Value::from(count(at))))
        }
        ("padleft", [_, width, rest @ ..], Some(parts)) => {
            let width = width.as_u64().filter(|w| *w <= 1000);
            let width = width.and_then(|w| usize::try_from(w).ok());
            let text = parts.first().cloned().unwrap_or_default();
            let with = rest.first().and_then(|v| v.as_str()).unwrap_or(" ");
            let missing = width
                .ok_or_else(|| odd(name))?
                .saturating_sub(text.chars().count());
            said(with.chars().take(1).collect::<String>().repeat(missing) + &text)
        }
        _ => Err(odd(name)),
    }
}

/// `{0}`, `{1}`; doubled braces stand for themselves. A form behind a colon is not understood.
fn format(form: &str, parts: Option<&[String]>) -> Result<Value, String> {
    let mut out = String::new();
    let mut rest = form.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' if rest.peek() == Some(&c) => {
                rest.next();
                out.push(c);
            }
            '{' => {
                let inner: String = rest.by_ref().take_while(|c| *c != '}').collect();
                let part = inner
                    .parse::<usize>()
                    .ok()
                    .and_then(|at| parts?.get(at))
                    .ok_or_else(|| format!("`{{{inner}}}` of `format` is not understood"))?;
                out.push_str(part);
            }
            c => out.push(c),
        }
        if out.len() > MOST {
            break;
        }
    }
    said(out)
}

fn logic(name: &str, values: &[&Value]) -> Result<Value, String> {
    let order = |wanted: fn(std::cmp::Ordering) -> bool| {
        let found = match values {
            [Value::Number(a), Value::Number(b)] => {
                a.as_i64().zip(b.as_i64()).map(|(a, b)| a.cmp(&b))
            }
            // In which order texts stand nobody wrote down.
            _ => None,
        };
        found
            .map(|o| Value::Bool(wanted(o)))
            .ok_or_else(|| odd(name))
    };
    match (name, values) {
        // Case counts: the operator that it does not count for, `=~`, is this on lower case ("Bicep
        // comparison operators", checked 2026-11-30).
        ("equals", [a, b]) => Ok(Value::Bool(a == b)),
        ("not", [Value::Bool(value)]) => Ok(Value::Bool(!value)),
        ("xor", [Value::Bool(a), Value::Bool(b)]) => Ok(Value::Bool(a != b)),
        ("bool", [Value::Bool(value)]) => Ok(Value::Bool(*value)),
        ("bool", [Value::String(text)]) => match text.to_lowercase().as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(odd(name)),
        },
        ("bool", [Value::Number(number)]) => Ok(Value::Bool(number.as_i64() != Some(0))),
        ("less", _) => order(std::cmp::Ordering::is_lt),
        ("lessorequals", _) => order(std::cmp::Ordering::is_le),
        ("greater", _) => order(std::cmp::Ordering::is_gt),
        ("greaterorequals", _) => order(std::cmp::Ordering::is_ge),
        ("contains", [Value::Array(items), one]) => Ok(Value::Bool(items.contains(one))),
        ("contains", [Value::String(text), Value::String(part)]) => {
            Ok(Value::Bool(text.contains(part.as_str())))
        }
        ("contains", [of @ Value::Object(_), Value::String(name)]) => {
            Ok(Value::Bool(super::member(of, name).is_some()))
        }
        _ => Err(odd(name)),
    }
}

fn number(name: &str, values: &[&Value]) -> Result<Value, String> {
    let flat: Vec<Value> = match values {
        [Value::Array(items)] if name == "min" || name == "max" => items.clone(),
        _ => values.iter().copied().cloned().collect(),
    };
    let numbers: Option<Vec<i64>> = flat
        .iter()
        .map(|value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if name == "int" => text.trim().parse().ok(),
            _ => None,
        })
        .collect();
    let numbers = numbers.ok_or_else(|| odd(name))?;
    let found = match (name, numbers.as_slice()) {
        ("int", [one]) => Some(*one),
        ("add", [a, b]) => a.checked_add(*b),
        ("sub", [a, b]) => a.checked_sub(*b),
        ("mul", [a, b]) => a.checked_mul(*b),
        ("div", [a, b]) => a.checked_div(*b),
        ("mod", [a, b]) => a.checked_rem(*b),
        ("min", all) => all.iter().min().copied(),
        ("max", all) => all.iter().max().copied(),
        ("range", [from, many]) if (0..=10_000).contains(many) => {
            return Ok((0..*many).map(|n| from.saturating_add(n)).collect());
        }
        _ => None,
    };
    found.map(Value::from).ok_or_else(|| odd(name))
}

fn other(name: &str, values: &[&Value]) -> Result<Value, String> {
    match (name, values) {
        ("json", [Value::String(text)]) => {
            serde_json::from_str(text).map_err(|_| "the text of `json` is no JSON".to_owned())
        }
        ("tryget", [of, keys @ ..]) => {
            let mut at = *of;
            for key in keys {
                match index(at, key) {
                    Some(next) => at = next,
                    None => return Ok(Value::Null),
                }
            }
            Ok(at.clone())
        }
        ("union", [Value::Array(_), ..]) => {
            let mut out: Vec<Value> = Vec::new();
            for item in values.iter().filter_map(|v| v.as_array()).flatten() {
                if !out.contains(item) {
                    out.push(item.clone());
                }
            }
            list(out)
        }
        ("intersection", [Value::Array(first), rest @ ..]) => {
            let in_all = |item: &&Value| {
                let mut lists = rest.iter().map(|v| v.as_array());
                lists.all(|list| list.is_some_and(|list| list.contains(item)))
            };
            list(first.iter().filter(in_all).cloned().collect())
        }
        ("flatten", [Value::Array(lists)]) => {
            let parts = lists.iter().filter_map(Value::as_array).flatten();
            list(parts.cloned().collect())
        }
        ("items", [Value::Object(members)]) => Ok(members
            .iter()
            .map(|(key, value)| serde_json::json!({ "key": key, "value": value }))
            .collect()),
        _ => Err(odd(name)),
    }
}

/// `/subscriptions/../resourceGroups/../providers/TYPE/NAME`; without its beginning where that is
/// not given.
fn resource_id(name: &str, values: &[&Value]) -> Result<Value, String> {
    let texts: Option<Vec<String>> = values.iter().map(|v| shown(v)).collect();
    let texts = texts.ok_or_else(|| odd(name))?;
    let at = texts
        .iter()
        .position(|text| text.contains('/'))
        .ok_or_else(|| odd("resourceId"))?;
    let (before, rest) = texts.split_at(at);
    let Some((kind, names)) = rest.split_first() else {
        return Err(odd("resourceId"));
    };
    let mut out = String::new();
    if name == "resourceid"
        && let [subscription, group] = before
    {
        out = format!("/subscriptions/{subscription}/resourceGroups/{group}");
    }
    let mut types = kind.split('/');
    out.push_str("/providers/");
    out.push_str(types.next().unwrap_or_default());
    let types: Vec<&str> = types.collect();
    if types.len() != names.len() || types.is_empty() {
        return Err(odd("resourceId"));
    }
    for (kind, name) in types.into_iter().zip(names) {
        out.push_str(&format!("/{kind}/{name}"));
    }
    said(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn run(name: &str, values: Value) -> Result<Value, String> {
        call(name, &values.as_array().unwrap().iter().collect::<Vec<_>>())
    }

    #[test]
    fn functions_do_what_microsoft_says() {
        for (name, values, expected) in [
            ("concat", json!(["a", 1, true]), json!("a1True")),
            ("concat", json!([["a"], ["b"]]), json!(["a", "b"])),
            ("format", json!(["{0}-{{}}-{1}", "x", 7]), json!("x-{}-7")),
            ("tolower", json!(["AbC"]), json!("abc")),
            ("replace", json!(["a-b-c", "-", ""]), json!("abc")),
            ("substring", json!(["abcdef", 1, 2]), json!("bc")),
            (
                "split",
                json!(["a,b;c", [",", ";"]]),
                json!(["a", "b", "c"]),
            ),
            ("join", json!([["a", "b"], "/"]), json!("a/b")),
            ("equals", json!(["a", "a"]), json!(true)),
            ("equals", json!(["A", "a"]), json!(false)),
            ("not", json!([false]), json!(true)),
            ("contains", json!([["a"], "a"]), json!(true)),
            ("contains", json!([{"Key": 1}, "key"]), json!(true)),
            ("empty", json!([""]), json!(true)),
            ("length", json!([{"a": 1}]), json!(1)),
            ("skip", json!([[1, 2, 3], 1]), json!([2, 3])),
            ("take", json!(["abc", 2]), json!("ab")),
            ("add", json!([1, 2]), json!(3)),
            ("int", json!(["42"]), json!(42)),
            ("range", json!([5, 2]), json!([5, 6])),
            ("max", json!([[1, 9, 3]]), json!(9)),
            ("union", json!([["a"], ["b", "a"]]), json!(["a", "b"])),
            (
                "union",
                json!([{"a": {"x": 1}}, {"a": {"y": 2}}]),
                json!({"a": {"x": 1, "y": 2}}),
            ),
            ("json", json!(["{\"a\":1}"]), json!({"a": 1})),
            ("tryget", json!([{"a": [1]}, "a", 4]), json!(null)),
            ("padleft", json!(["7", 3, "0"]), json!("007")),
            (
                "resourceid",
                json!(["Microsoft.Network/ipGroups", "g"]),
                json!("/providers/Microsoft.Network/ipGroups/g"),
            ),
            (
                "resourceid",
                json!([
                    "s",
                    "r",
                    "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
                    "p",
                    "g"
                ]),
                json!(
                    "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/firewallPolicies/p/ruleCollectionGroups/g"
                ),
            ),
        ] {
            assert_eq!(run(name, values.clone()), Ok(expected), "{name} {values}");
        }
    }

    #[test]
    fn what_is_odd_is_no_value() {
        for (name, values) in [
            ("add", json!([i64::MAX, 1])),
            ("div", json!([1, 0])),
            ("format", json!(["{0:N}", 1])),
            ("format", json!(["{9}"])),
            ("resourceid", json!(["Microsoft.Network/ipGroups"])),
            ("resourceid", json!([])),
            ("range", json!([0, 1_000_000_000])),
            ("padleft", json!(["7", 1_000_000_000])),
            ("createobject", json!(["a"])),
            ("json", json!(["nope"])),
            ("uniquestring", json!(["a"])),
            ("greater", json!(["b", "B"])),
        ] {
            assert!(run(name, values.clone()).is_err(), "{name} {values}");
        }
    }
}
