//! What Azure answers, against what was written: the same state in Azure's own words is no difference, and
//! what was changed by hand is one.

use portcullis::catalog::Cloud;
use portcullis::diff::textual::{Change, Options, Side, Textual, compare};
use portcullis::driver::OutFile;
use portcullis::foreign;
use serde_json::{Map, Value, json};

use super::{Made, made, read_back};
use crate::lock::project::Built;
use crate::oracle::load;

fn hub() -> Made {
    let text =
        std::fs::read_to_string(load::root().join("tests/cases/textual/bypass-added/new.gate"));
    made(&Built::of(&text.unwrap()), None).unwrap()
}

/// Resources as the REST interface or the command line answers them.
fn answers(made: &Made, flat: bool, change: &dyn Fn(&str, &mut Value)) -> Side {
    let files = made
        .files
        .iter()
        .filter(|f| !f.path.ends_with("manifest.json"));
    let all = files.map(|file: &OutFile| {
        let mut value: Value = serde_json::from_str(&file.text).unwrap();
        change(&file.path, &mut value);
        answered(&mut value, true);
        if flat {
            value = flattened(value);
        }
        // Azure names a child by its own name, and an export says nothing of our folders.
        let name = value["name"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        value["name"] = json!(name);
        let file = file.path.replace('/', "_");
        (file, Ok(value.to_string()))
    });
    let all = foreign::read(all.collect(), Cloud::Public);
    assert!(all.faults.is_empty(), "{:?}", all.faults);
    let mut side = Side::of_definitions(&all, None, "");
    side.exported = true;
    side.behind = read_back(&made.files, "default").behind;
    side
}

/// Turns what we write into what Azure answers: other case, other order, singular for plural, read-only
/// fields, empty lists and defaults.
fn answered(value: &mut Value, top: bool) {
    match value {
        Value::Object(members) => {
            let mut more = Map::new();
            for (name, value) in members.iter_mut() {
                answered(value, false);
                let list = value.as_array().cloned().unwrap_or_default();
                if let (true, [one]) = (name.ends_with("AddressPrefixes"), list.as_slice()) {
                    more.insert(name.replace("Prefixes", "Prefix"), one.clone());
                    *value = json!([]);
                }
                if name == "destinationPortRange" {
                    let one = value.clone();
                    more.insert("destinationPortRanges".to_owned(), json!([one]));
                    *value = Value::Null;
                }
                if name == "id" {
                    let id = value.as_str().unwrap().to_owned();
                    *value = json!(
                        id.replace("resourceGroups", "resourcegroups")
                            .to_uppercase()
                    );
                }
            }
            members.extend(more);
            if members.contains_key("name") {
                members.insert("etag".to_owned(), json!("W/\"1\""));
                members
                    .entry("type")
                    .or_insert(json!("Microsoft.Network/x/y"));
            }
            if members.contains_key("direction") || members.contains_key("securityRules") {
                members.insert("provisioningState".to_owned(), json!("Succeeded"));
            }
            if members.contains_key("securityRules") {
                members.insert(
                    "defaultSecurityRules".to_owned(),
                    json!([{"name": "AllowVnetInBound"}]),
                );
                members.insert("resourceGuid".to_owned(), json!("7"));
                members.insert("subnets".to_owned(), json!([{"id": "/x"}]));
            }
            if members.contains_key("ruleType") {
                for name in [
                    "sourceIpGroups",
                    "webCategories",
                    "targetUrls",
                    "httpHeadersToInsert",
                ] {
                    members.entry(name).or_insert(json!([]));
                }
                members.entry("terminateTLS").or_insert(json!(false));
            }
            if members.contains_key("nextHopType") {
                members.insert("hasBgpOverride".to_owned(), json!(false));
            }
            if top {
                members.remove("apiVersion");
                members.insert("location".to_owned(), json!("West Europe"));
                members.insert("tags".to_owned(), json!({"cost": "7"}));
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|i| answered(i, false));
            items.reverse();
        }
        Value::String(text) if ["Tcp", "Allow", "Deny", "Outbound"].contains(&text.as_str()) => {
            *text = text.to_uppercase();
        }
        Value::String(text) if text.ends_with("/32") => *text = text.replace("/32", ""),
        _ => {}
    }
}

/// As the command line prints it: no `properties`.
fn flattened(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut out = Map::new();
            for (name, value) in members {
                match flattened(value) {
                    Value::Object(inner) if name == "properties" => out.extend(inner),
                    value => {
                        out.insert(name, value);
                    }
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => items.into_iter().map(flattened).collect(),
        other => other,
    }
}

fn against(live: &Side, made: &Made) -> Textual {
    compare("default", live, &made.sides["default"], Options::default())
}

#[test]
fn what_azure_answers_is_what_was_written() {
    let made = hub();
    for flat in [false, true] {
        let live = answers(&made, flat, &|_, _| {});
        let found = against(&live, &made);
        assert!(found.is_same(), "{flat}: {:#?}", found.entries);
        // Drift is asked the other way round.
        let last = read_back(&made.files, "default");
        let drift = compare("default", &last, &live, Options::default());
        assert!(drift.is_same(), "{flat}: {:#?}", drift.entries);
    }
}

#[test]
fn what_was_changed_by_hand_is_a_difference() {
    let made = hub();
    let live = answers(&made, false, &|path, value| {
        let Some(rules) = value["properties"]["securityRules"].as_array_mut() else {
            if path.contains("egress") {
                value["properties"]["ruleCollections"][0]["rules"]
                    .as_array_mut()
                    .unwrap()
                    .remove(0);
            }
            return;
        };
        rules[0]["properties"]["destinationPortRange"] = json!("8443");
        rules.push(json!({"name": "quick-fix", "properties": {
            "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "*",
            "access": "Allow", "priority": 101, "direction": "Inbound"}}));
    });
    let found = against(&live, &made);
    let told: Vec<(Change, &str)> = found
        .entries
        .iter()
        .map(|e| (e.change, e.rule.as_deref().unwrap_or("")))
        .collect();
    let expected = [
        (Change::Added, "egress-debug"),
        (Change::Removed, "quick-fix"),
        (Change::Changed, "transfer-in"),
    ];
    assert_eq!(told, expected, "{:#?}", found.entries);
}

#[test]
fn what_an_export_lacks_and_what_is_not_ours_is_said() {
    let made = hub();
    let mut live = answers(&made, false, &|_, _| {});
    live.items
        .retain(|i| !matches!(i.names.last().map(String::as_str), Some("apps")));
    let mut stranger = live
        .items
        .iter()
        .find(|i| i.names == ["web"])
        .unwrap()
        .clone();
    stranger.names = vec!["theirs".to_owned()];
    live.items.push(stranger);
    let found = against(&live, &made);
    assert!(found.is_same(), "{:#?}", found.entries);
    let said = found.aside.join("\n");
    assert!(
        said.contains("no route table of this policy was exported: 1 not compared"),
        "{said}"
    );
    assert!(
        said.contains("NSG `theirs` is not of this policy; it stays as it is"),
        "{said}"
    );
}
