//! A file that was exported from Azure: the one resource in it that is meant, and JSON as a tree
//! without what only the service writes. What a room takes from it, the room knows.

use serde_json::{Map, Value};

use crate::backends::resource::AzureType;
use crate::backends::tree::{MemberName, Tree};

/// What the service adds to an export and refuses or ignores in a PUT.
const READ_ONLY: &[&str] = &["id", "etag", "type", "provisioningState", "resourceGroup"];

/// Reads a file that holds one resource of a type: what the command line prints, a REST body, or an
/// ARM template. `marks`: properties that only this type has.
///
/// # Errors
/// Why it holds none, or what in it is not a plain value.
pub(super) fn resource(
    text: &str,
    kind: AzureType,
    marks: &[&str],
) -> Result<Map<String, Value>, String> {
    // Exports of some programs begin with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    let found = find(&document, kind, marks)?;
    if let Some(expression) = expression(found) {
        return Err(format!(
            "it holds the template expression `{expression}`; export the deployed resource"
        ));
    }
    found.as_object().cloned().ok_or_else(|| no_resource(kind))
}

fn find<'v>(document: &'v Value, kind: AzureType, marks: &[&str]) -> Result<&'v Value, String> {
    let marked = |value: &Value| marks.iter().any(|mark| value.get(*mark).is_some());
    if marked(document) || document.get("properties").is_some_and(marked) || is_of(document, kind) {
        return Ok(document);
    }
    let listed: Vec<&Value> = ["resources", "value"]
        .iter()
        .find_map(|key| document.get(*key)?.as_array())
        .or_else(|| document.as_array())
        .into_iter()
        .flatten()
        .filter(|resource| is_of(resource, kind))
        .collect();
    match listed.as_slice() {
        [one] => Ok(one),
        [] => Err(no_resource(kind)),
        _ => Err(format!("it holds several {}s; export one", words(kind))),
    }
}

fn is_of(value: &Value, kind: AzureType) -> bool {
    let text = value.get("type").and_then(Value::as_str);
    text.is_some_and(|t| t.eq_ignore_ascii_case(&kind.full()))
}

fn no_resource(kind: AzureType) -> String {
    format!("it holds no {}", words(kind))
}

fn words(kind: AzureType) -> &'static str {
    match kind {
        AzureType::AzureFirewall => "firewall",
        _ => "network security group",
    }
}

/// The first string that is an expression of the template language.
fn expression(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => {
            (text.starts_with('[') && text.ends_with(']') && !text.starts_with("[["))
                .then_some(text.as_str())
        }
        Value::Array(list) => list.iter().find_map(expression),
        Value::Object(object) => object.values().find_map(expression),
        _ => None,
    }
}

/// The content of a resource or of a part of one: below `properties` in REST, beside the name on the
/// command line.
pub(super) fn properties(object: &Map<String, Value>, beside: &[&str]) -> Map<String, Value> {
    match object.get("properties").and_then(Value::as_object) {
        Some(nested) => nested.clone(),
        None => object
            .iter()
            .filter(|(key, _)| *key != "name" && !beside.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    }
}

/// An object as it is written again: without what is read-only, null or empty; known keys in the
/// order given, the others behind, by name.
pub(super) fn object(members: &Map<String, Value>, order: &[&str]) -> Tree {
    let mut out: Vec<(MemberName, Tree)> = members
        .iter()
        .filter(|(key, _)| !READ_ONLY.contains(&key.as_str()))
        .filter_map(|(key, value)| Some((key.clone().into(), tree(value)?)))
        .collect();
    let rank = |key: &str| order.iter().position(|o| *o == key).unwrap_or(order.len());
    out.sort_by(|a, b| (rank(&a.0), &a.0).cmp(&(rank(&b.0), &b.0)));
    Tree::Object(out)
}

/// A value as it is written again; what is null or empty is left out.
pub(super) fn tree(value: &Value) -> Option<Tree> {
    match value {
        Value::Null => None,
        Value::Bool(b) => Some(Tree::Bool(*b)),
        Value::Number(n) => Some(
            n.as_i64()
                .map_or_else(|| Tree::Str(n.to_string()), Tree::Int),
        ),
        Value::String(text) => Some(Tree::str(text.clone())),
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => Some(Tree::List(list.iter().filter_map(tree).collect())),
        Value::Object(object) => {
            let mut members: Vec<(MemberName, Tree)> = object
                .iter()
                .filter_map(|(key, v)| Some((key.clone().into(), tree(v)?)))
                .collect();
            // The name first, as in Azure's schema; what order an export has, nobody promises.
            members.sort_by(|(a, _), (b, _)| (a != "name", a).cmp(&(b != "name", b)));
            Some(Tree::Object(members))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MARKS: &[&str] = &["securityRules"];

    fn read(text: &str) -> Result<Map<String, Value>, String> {
        resource(text, AzureType::NetworkSecurityGroup, MARKS)
    }

    #[test]
    fn one_resource_is_found_in_every_form() {
        let nsg =
            r#"{"type":"Microsoft.Network/networkSecurityGroups","name":"a","properties":{}}"#;
        let vnet = r#"{"type":"Microsoft.Network/virtualNetworks","name":"v"}"#;
        for text in [
            nsg.to_owned(),
            format!("\u{feff}{nsg}"),
            r#"{"name":"a","securityRules":[]}"#.to_owned(),
            r#"{"name":"a","properties":{"securityRules":[]}}"#.to_owned(),
            format!(r#"{{"resources":[{vnet},{nsg}]}}"#),
            format!(r#"{{"value":[{nsg}]}}"#),
            format!("[{nsg}]"),
        ] {
            let name = read(&text).unwrap().get("name").cloned();
            assert_eq!(name, Some(Value::from("a")), "{text}");
        }
        for (text, why) in [
            ("{", "not JSON"),
            ("{}", "no network security group"),
            (&format!("[{nsg},{nsg}]"), "several"),
            (
                r#"{"name":"[parameters('x')]","securityRules":[]}"#,
                "the template expression `[parameters('x')]`",
            ),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
