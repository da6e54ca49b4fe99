//! Edits with their regions computed by hand: each folder of tests/cases/diff holds two sides and what
//! differs between them, names included. Nothing else may differ. What was written by hand is never
//! blessed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::oracle::address::{Address, Range};
use crate::oracle::load::{entries, root};

/// The edits that must have a case.
const EDITS: [&str; 13] = [
    "default-changed",
    "dnat-added",
    "dnat-retargeted",
    "exception-expired",
    "exception-route-added",
    "group-renamed",
    "guard-removed",
    "name-under-category-deny",
    "nsg-detached",
    "prefix-widened",
    "sku-changed",
    "tag-data-changed",
    "type-inversion",
];

#[test]
fn regions_are_those_computed_by_hand() {
    let mut done = BTreeSet::new();
    let mut wrong = Vec::new();
    for folder in entries(&root().join("tests/cases/diff")).unwrap() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(folder.join("expected.yaml")).unwrap();
        let expected: Value = serde_yaml::from_str(&text).unwrap();
        let found = found(&folder, &expected);
        let shown = expected["expect"].clone();
        if found != shown {
            wrong.push(format!(
                "{name}: expected\n{}\nfound\n{}",
                serde_yaml::to_string(&shown).unwrap(),
                serde_yaml::to_string(&found).unwrap()
            ));
        }
        done.insert(name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for edit in EDITS {
        assert!(done.contains(edit), "no case `{edit}`");
    }
}

/// What the JSON form says, cut to what is written by hand.
fn found(folder: &Path, expected: &Value) -> Value {
    let lone = folder.join("old.gate").is_file();
    let mut words: Vec<&str> = if lone {
        vec!["old.gate", "new.gate"]
    } else {
        vec!["old", "new"]
    };
    let more = expected["options"].as_str().unwrap_or("");
    words.extend(more.split_whitespace());
    let all = super::json(folder, &words);
    let changes: Vec<Value> = items(&all["semantic"]).iter().map(change).collect();
    let moved: Vec<String> = items(&all["moved"])
        .iter()
        .map(|m| format!("{} -> {}", word(&m["was"]), word(&m["now"])))
        .collect();
    let mut out = Map::new();
    out.insert("verdict".to_owned(), all["summary"]["verdict"].clone());
    if !moved.is_empty() {
        out.insert("moved".to_owned(), json!(moved));
    }
    out.insert("regions".to_owned(), changes.into());
    out.into()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn change(value: &Value) -> Value {
    let mut out = Map::new();
    for key in ["change", "caused_by", "environments"] {
        out.insert(key.to_owned(), value[key].clone());
    }
    out.insert("traffic".to_owned(), traffic(&value["traffic"]));
    let already: Vec<Value> = items(&value["already"]).iter().map(traffic).collect();
    if !already.is_empty() {
        out.insert("already".to_owned(), already.into());
    }
    if !value["led"].is_null() {
        let led = ["before", "after"].map(|side| word(&value["led"][side]));
        out.insert("led".to_owned(), json!(led));
        out.insert("risk".to_owned(), value["risk"]["score"].clone());
    }
    if value["required_lost"] == true {
        out.insert("required_lost".to_owned(), true.into());
    }
    if value["exact"] == false {
        out.insert("assuming".to_owned(), value["assuming"].clone());
    }
    let causes: Vec<String> = items(&value["causes"])
        .iter()
        .map(|c| {
            format!(
                "{} {} {} {}:{}",
                word(&c["flow"]),
                word(&c["edit"]),
                word(&c["side"]),
                word(&c["file"]),
                c["line"]
            )
        })
        .collect();
    out.insert("causes".to_owned(), json!(causes));
    out.into()
}

/// Packets in short; what is any is not said.
fn traffic(value: &Value) -> Value {
    let mut out = Map::new();
    let protocols: Vec<&str> = items(&value["protocols"]).iter().map(word).collect();
    out.insert("services".to_owned(), value["services"].clone());
    out.insert("protocols".to_owned(), protocols.join(" ").into());
    out.insert("ports".to_owned(), ports(&value["ports"]).into());
    if value["source_ports"] != json!([[1, 65535]]) {
        let own = ports(&value["source_ports"]);
        out.insert("source_ports".to_owned(), own.into());
    }
    for end in ["source", "destination"] {
        let own = &value[end];
        let mut prefixes: Vec<&str> = items(&own["prefixes"]).iter().map(word).collect();
        if is_anywhere(&prefixes) {
            prefixes = vec!["0.0.0.0/0 but the platform"];
        }
        let label = own["label"].as_str().map(|l| format!("{l} = "));
        let mut text = format!("{}{}", label.unwrap_or_default(), prefixes.join(" "));
        for (key, front) in [("within", " in "), ("outside", " not in ")] {
            for symbol in items(&own[key]) {
                text.push_str(&format!("{front}{}", word(symbol)));
            }
        }
        out.insert(end.to_owned(), text.into());
    }
    let names = &value["names"];
    let any = names["patterns"] == json!([{"pattern": "*", "except": []}]);
    let said = !items(&names["within"]).is_empty() || !items(&names["outside"]).is_empty();
    if !any || said || names["none"] == false {
        let mut text: Vec<String> = Vec::new();
        if names["none"] == true {
            text.push("none".to_owned());
        }
        for one in items(&names["patterns"]) {
            text.push(word(&one["pattern"]).to_owned());
            let except: Vec<&str> = items(&one["except"]).iter().map(word).collect();
            if !except.is_empty() {
                text.push(format!("except {}", except.join(" ")));
            }
        }
        for (key, front) in [("within", "in"), ("outside", "not in")] {
            for symbol in items(&names[key]) {
                text.push(format!("{front} {}", word(symbol)));
            }
        }
        out.insert("names".to_owned(), text.join(" ").into());
    }
    out.into()
}

/// Whether it is every address but the two of the platform, which no rule speaks of unless it names them.
fn is_anywhere(prefixes: &[&str]) -> bool {
    let ranges: Vec<Range> = prefixes.iter().map(|p| Range::parse(p).unwrap()).collect();
    let missing = ["168.63.129.16", "169.254.169.254"].map(|a| Address::parse(a).unwrap());
    let four = ranges.iter().filter(|r| !r.six);
    let count: u128 = four.map(|r| r.last - r.first + 1).sum();
    count == (1 << 32) - 2 && missing.iter().all(|a| !a.within(&ranges))
}

fn ports(value: &Value) -> String {
    let all: Vec<String> = items(value)
        .iter()
        .map(|range| match (&range[0], &range[1]) {
            (a, b) if a == b => a.to_string(),
            (a, b) => format!("{a}-{b}"),
        })
        .collect();
    all.join(" ")
}
