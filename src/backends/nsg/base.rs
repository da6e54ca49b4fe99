//! Foreign rules: what an exported security group holds that this policy does not make. They are
//! kept as they are, and their numbers are not given away. They are not judged.

use serde_json::Value;

use crate::backends::base::{object, properties, resource};
use crate::backends::resource::AzureType;
use crate::backends::tree::Tree;

/// The order of a security rule's properties in Azure's schema.
const ORDER: &[&str] = &[
    "description",
    "protocol",
    "sourcePortRange",
    "destinationPortRange",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "sourceApplicationSecurityGroups",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "destinationApplicationSecurityGroups",
    "sourcePortRanges",
    "destinationPortRanges",
    "access",
    "priority",
    "direction",
];

/// What every rule says, each in one of these properties.
const NEEDED: &[(&str, &[&str])] = &[
    ("access", &["access"]),
    ("protocol", &["protocol"]),
    (
        "source",
        &[
            "sourceAddressPrefix",
            "sourceAddressPrefixes",
            "sourceApplicationSecurityGroups",
        ],
    ),
    (
        "destination",
        &[
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
            "destinationApplicationSecurityGroups",
        ],
    ),
    ("source ports", &["sourcePortRange", "sourcePortRanges"]),
    (
        "destination ports",
        &["destinationPortRange", "destinationPortRanges"],
    ),
];

/// One foreign rule.
#[derive(Clone, Debug)]
pub(super) struct ForeignRule {
    /// Its name.
    pub name: String,
    /// Inbound, or outbound.
    pub inbound: bool,
    /// Its number.
    pub priority: u32,
    /// The rule as it is written again.
    pub rule: Tree,
}

/// The rules of an export: what `az network nsg show` prints, a REST body, or an ARM template with
/// one network security group.
pub(super) fn read(text: &str) -> Result<Vec<ForeignRule>, String> {
    let group = resource(text, AzureType::NetworkSecurityGroup, &["securityRules"])?;
    let content = properties(&group, &[]);
    let rules = match content.get("securityRules") {
        None | Some(Value::Null) => None,
        Some(Value::Array(rules)) => Some(rules),
        Some(_) => return Err("its `securityRules` is no list".to_owned()),
    };
    let mut out = Vec::new();
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let read = foreign(rule).map_err(|why| format!("rule {} of it {why}", index + 1))?;
        out.push(read);
    }
    out.sort_by(|a, b| (!a.inbound, a.priority, &a.name).cmp(&(!b.inbound, b.priority, &b.name)));
    Ok(out)
}

fn foreign(rule: &Value) -> Result<ForeignRule, String> {
    let members = rule.as_object().ok_or("is not an object")?;
    let name = members.get("name").and_then(Value::as_str);
    let name = name.ok_or("has no name")?.to_owned();
    let properties = properties(members, &[]);
    let priority = properties
        .get("priority")
        .and_then(Value::as_u64)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| format!("(`{name}`) has no priority"))?;
    let inbound = match properties.get("direction").and_then(Value::as_str) {
        Some(word) if word.eq_ignore_ascii_case("inbound") => true,
        Some(word) if word.eq_ignore_ascii_case("outbound") => false,
        _ => return Err(format!("(`{name}`) has no direction")),
    };
    // Azure has these in every rule of an export; without one nobody can say what the rule does.
    for (what, members) in NEEDED {
        let there = |member: &str| match properties.get(member) {
            None | Some(Value::Null) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        if !members.iter().any(|member| there(member)) {
            return Err(format!("(`{name}`) has no {what}"));
        }
    }
    Ok(ForeignRule {
        rule: Tree::Object(vec![
            ("name".into(), Tree::str(name.clone())),
            ("properties".into(), object(&properties, ORDER)),
        ]),
        name,
        inbound,
        priority,
    })
}

/// Puts foreign rules among ours, by direction and number.
pub(super) fn merge(properties: &mut Tree, foreign: &[ForeignRule]) {
    let Tree::Object(members) = properties else {
        return;
    };
    let Some((_, Tree::List(rules))) = members.iter_mut().find(|(key, _)| key == "securityRules")
    else {
        return;
    };
    rules.extend(foreign.iter().map(|f| f.rule.clone()));
    rules.sort_by_key(position);
}

fn position(rule: &Tree) -> (bool, i64) {
    let properties = rule.get("properties");
    let outbound = properties
        .and_then(|p| p.get("direction"))
        .is_some_and(|d| matches!(d, Tree::Str(word) if word.eq_ignore_ascii_case("outbound")));
    let number = match properties.and_then(|p| p.get("priority")) {
        Some(Tree::Int(n)) => *n,
        _ => 0,
    };
    (outbound, number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn both_forms_of_an_export_are_read() {
        let flat = r#"{"name":"n","securityRules":[{"name":"ssh","priority":150,"direction":"Inbound",
            "access":"Allow","protocol":"Tcp","sourceAddressPrefix":"10.0.0.0/8","sourcePortRange":"*",
            "destinationAddressPrefix":"*","destinationPortRange":"22","etag":"x","id":"/s","provisioningState":"Succeeded",
            "destinationPortRanges":[],"description":null}]}"#;
        let rules = read(flat).unwrap();
        assert_eq!(
            (rules[0].name.as_str(), rules[0].inbound, rules[0].priority),
            ("ssh", true, 150)
        );
        let properties = rules[0].rule.get("properties").unwrap();
        assert!(properties.get("etag").is_none());
        assert!(properties.get("description").is_none());
        let nested = r#"{"resources":[{"type":"Microsoft.Network/networkSecurityGroups","properties":{"securityRules":
            [{"name":"a","properties":{"priority":200,"direction":"outbound","access":"Deny","protocol":"*",
            "sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRanges":["22"]}}]}}]}"#;
        assert!(!read(nested).unwrap()[0].inbound);
    }

    #[test]
    fn what_is_no_export_says_why() {
        for (text, why) in [
            ("{", "not JSON"),
            ("{}", "no network security group"),
            (r#"{"securityRules":[{}]}"#, "has no name"),
            (r#"{"securityRules":"x"}"#, "is no list"),
            (r#"{"securityRules":[{"name":"a"}]}"#, "has no priority"),
            (
                r#"{"securityRules":[{"name":"a","priority":1}]}"#,
                "has no direction",
            ),
            (
                r#"{"securityRules":[{"name":"a","priority":1,"direction":"Inbound","access":"Deny",
                "protocol":"*","sourceAddressPrefix":"*","sourcePortRange":"*",
                "destinationAddressPrefix":"*","destinationPortRanges":[]}]}"#,
                "has no destination ports",
            ),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
