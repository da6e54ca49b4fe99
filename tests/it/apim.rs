//! The API Management policy against a hand-written table of the rules it must become, and the reading
//! of such tables. It compiles nothing: it reads the committed output.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The columns of `expected.csv`, in order.
const COLUMNS: &str =
    "environment,resource,layer,direction,source,destination,protocol,ports,action,tier";

/// Priorities of NSG rules by tier: the default bands of the settings.
const NSG_BANDS: &[(u64, u64, &str)] = &[
    (200, 699, "forbid"),
    (700, 1199, "exception"),
    (1200, 1999, "deny"),
    (2000, 2499, "ordered"),
    (2500, 3799, "allow"),
    (3800, 3899, "guard"),
    (3900, 3999, "envelope"),
    (4000, 4096, "default"),
];

/// One rule or route, as the table writes it.
pub(crate) type Row = Vec<String>;

#[test]
fn the_output_is_what_the_page_and_the_language_ask_for() {
    let out = root().join("policies/apim/out");
    assert!(
        out.is_dir(),
        "policies/apim/out is missing: run `portcullis -C policies/apim compile`"
    );
    let report = differences("tests/cases/apim/expected.csv", emitted_rows(&out));
    assert!(report.is_empty(), "{report}");
}

#[test]
fn the_packets_are_complete_and_use_known_addresses() {
    let known: BTreeSet<String> = table("tests/cases/apim/addresses.csv", "address,tags")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let packets = table(
        "tests/cases/apim/packets.csv",
        "id,environment,source,destination,name,protocol,source_port,port,l7,verdict,reason",
    );
    assert_eq!(packets.len(), 200);
    let mut seen = BTreeSet::new();
    for p in &packets {
        assert!(known.contains(&p[2]), "{}: {} has no tags", p[0], p[2]);
        assert!(known.contains(&p[3]), "{}: {} has no tags", p[0], p[3]);
        assert!(["tcp", "udp", "icmp"].contains(&p[5].as_str()), "{}", p[0]);
        assert!(
            ["none", "http", "https", "mssql"].contains(&p[8].as_str()),
            "{}",
            p[0]
        );
        assert!(["allow", "deny"].contains(&p[9].as_str()), "{}", p[0]);
        let mut packet = p[1..6].to_vec();
        packet.extend_from_slice(&p[7..9]);
        assert!(seen.insert(packet), "{}: the same packet again", p[0]);
    }
}

/// The rules and routes of an output folder, every environment.
pub(crate) fn emitted_rows(out: &Path) -> Vec<Row> {
    let mut emitted = Vec::new();
    for environment in entries(out).into_iter().filter(|p| p.is_dir()) {
        let name = environment
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        for file in files(&environment) {
            let text = fs::read_to_string(&file).unwrap();
            let json: Value = serde_json::from_str(&text)
                .unwrap_or_else(|e| panic!("{} is not JSON: {e}", file.display()));
            emitted.extend(rows(&name, &json));
        }
    }
    emitted
}

/// How emitted rules differ from a hand-written table of them; empty if they do not.
pub(crate) fn differences(expected: &str, emitted: Vec<Row>) -> String {
    let expected = count(
        table(expected, COLUMNS)
            .into_iter()
            .map(|row| canonical(&row)),
    );
    let emitted = count(emitted.iter().map(canonical));
    let mut report = String::new();
    for (title, left, right) in [
        ("missing from the output", &expected, &emitted),
        ("in the output but not expected", &emitted, &expected),
    ] {
        let lines: Vec<String> = left
            .iter()
            .filter(|(row, n)| right.get(*row).copied().unwrap_or(0) < **n)
            .map(|(row, n)| {
                let extra = n - right.get(row).copied().unwrap_or(0);
                let times = if extra > 1 {
                    format!(" ({extra} times)")
                } else {
                    String::new()
                };
                format!("  {}{times}\n", row.join(" | "))
            })
            .collect();
        if !lines.is_empty() {
            report.push_str(&format!("\n{title}: {}\n{}", lines.len(), lines.concat()));
        }
    }
    if !report.is_empty() {
        report.insert_str(0, &format!("columns: {}\n", COLUMNS.replace(',', " | ")));
    }
    report
}

/// The rules and routes of one emitted resource; none for any other file.
fn rows(environment: &str, json: &Value) -> Vec<Row> {
    let name = text(json, "name");
    // A child resource may carry its parent's name in front.
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    let kind = text(json, "type").to_ascii_lowercase();
    let properties = &json["properties"];
    match kind.rsplit('/').next().unwrap_or_default() {
        "networksecuritygroups" => list(properties, "securityRules")
            .iter()
            .map(|rule| nsg_row(environment, &name, &rule["properties"]))
            .collect(),
        "routetables" => list(properties, "routes")
            .iter()
            .map(|route| {
                let route = &route["properties"];
                let hop = [text(route, "nextHopType"), text(route, "nextHopIpAddress")];
                row([
                    environment,
                    &name,
                    "route",
                    "-",
                    "-",
                    &text(route, "addressPrefix"),
                    "-",
                    "-",
                    hop.join(" ").trim(),
                    "-",
                ])
            })
            .collect(),
        "rulecollectiongroups" => {
            let tier = name.split('-').nth(2).unwrap_or("?").to_owned();
            let mut out = Vec::new();
            for collection in list(properties, "ruleCollections") {
                let action = text(&collection["action"], "type");
                for rule in list(collection, "rules") {
                    out.push(firewall_row(environment, &name, rule, &action, &tier));
                }
            }
            out
        }
        _ => Vec::new(),
    }
}

fn nsg_row(environment: &str, name: &str, rule: &Value) -> Row {
    let priority = rule["priority"].as_u64().unwrap_or(0);
    let tier = NSG_BANDS
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&priority))
        .map_or("outside every band", |band| band.2);
    let direction = match text(rule, "direction").as_str() {
        "Inbound" => "in",
        "Outbound" => "out",
        _ => "?",
    };
    let mut source = one_or_many(rule, "sourceAddressPrefix", "sourceAddressPrefixes");
    source.extend(unknown(
        rule,
        &[
            "access",
            "description",
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
            "destinationPortRange",
            "destinationPortRanges",
            "direction",
            "priority",
            "protocol",
            "sourceAddressPrefix",
            "sourceAddressPrefixes",
            "sourcePortRange",
        ],
    ));
    if text(rule, "sourcePortRange") != "*" {
        source.push("!sourcePortRange".to_owned());
    }
    row([
        environment,
        name,
        "nsg",
        direction,
        &source.join(" "),
        &one_or_many(
            rule,
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
        )
        .join(" "),
        &text(rule, "protocol"),
        &one_or_many(rule, "destinationPortRange", "destinationPortRanges").join(" "),
        &text(rule, "access"),
        tier,
    ])
}

fn firewall_row(environment: &str, group: &str, rule: &Value, action: &str, tier: &str) -> Row {
    let mut source = strings(rule, "sourceAddresses");
    let common = ["description", "name", "ruleType", "sourceAddresses"];
    if text(rule, "ruleType") == "ApplicationRule" {
        let protocols: Vec<String> = list(rule, "protocols")
            .iter()
            .map(|p| format!("{}:{}", text(p, "protocolType"), p["port"]))
            .collect();
        source.extend(unknown(
            rule,
            &[&common[..], &["fqdnTags", "protocols", "targetFqdns"]].concat(),
        ));
        let mut destination = strings(rule, "targetFqdns");
        let tags = strings(rule, "fqdnTags");
        destination.extend(tags.iter().map(|tag| format!("fqdn-tag({tag})")));
        return row([
            environment,
            group,
            "application",
            "-",
            &source.join(" "),
            &destination.join(" "),
            &protocols.join(" "),
            "-",
            action,
            tier,
        ]);
    }
    let mut destination = strings(rule, "destinationAddresses");
    destination.extend(strings(rule, "destinationFqdns"));
    let own = [
        "destinationAddresses",
        "destinationFqdns",
        "destinationPorts",
        "ipProtocols",
    ];
    source.extend(unknown(rule, &[&common[..], &own[..]].concat()));
    row([
        environment,
        group,
        "network",
        "-",
        &source.join(" "),
        &destination.join(" "),
        &strings(rule, "ipProtocols").join(" "),
        &strings(rule, "destinationPorts").join(" "),
        action,
        tier,
    ])
}

/// Fields with content that the table has no column for, so that they show as a difference.
fn unknown(rule: &Value, known: &[&str]) -> Vec<String> {
    let Some(object) = rule.as_object() else {
        return vec!["!not an object".to_owned()];
    };
    object
        .iter()
        .filter(|(key, value)| {
            let empty = value.is_null()
                || value == &&Value::Bool(false)
                || value.as_array().is_some_and(Vec::is_empty);
            !known.contains(&key.as_str()) && !empty
        })
        .map(|(key, _)| format!("!{key}"))
        .collect()
}

/// The row with lists sorted, single addresses as prefixes and ports merged, so that two ways of
/// writing one rule compare equal.
fn canonical(row: &Row) -> Row {
    row.iter()
        .zip(COLUMNS.split(','))
        .map(|(cell, column)| match column {
            "source" | "destination" | "protocol" => {
                let mut words: Vec<String> = cell.split(' ').map(prefix).collect();
                words.sort();
                words.join(" ")
            }
            "ports" => ports(cell),
            _ => cell.clone(),
        })
        .collect()
}

fn prefix(word: &str) -> String {
    if word.parse::<Ipv4Addr>().is_ok() {
        format!("{word}/32")
    } else {
        word.to_owned()
    }
}

fn ports(cell: &str) -> String {
    if cell == "*" || cell == "-" {
        return cell.to_owned();
    }
    let mut ranges: Vec<(u32, u32)> = cell
        .split(' ')
        .map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            match (first.parse(), last.parse()) {
                (Ok(first), Ok(last)) => (first, last),
                _ => panic!("`{cell}` is not a list of ports"),
            }
        })
        .collect();
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(end) if first <= end.1 + 1 => end.1 = end.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    let words: Vec<String> = merged
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    words.join(" ")
}

fn row(cells: [&str; 10]) -> Row {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn count(rows: impl Iterator<Item = Row>) -> BTreeMap<Row, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_insert(0) += 1;
    }
    counts
}

/// A table without quoting: the first line must be `header`.
pub(crate) fn table(path: &str, header: &str) -> Vec<Row> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(header), "{path}: header");
    let width = header.split(',').count();
    lines
        .map(|line| {
            let row: Row = line.split(',').map(str::to_owned).collect();
            assert_eq!(row.len(), width, "{path}: {line}");
            row
        })
        .collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    list(value, key)
        .iter()
        .map(|v| v.as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Azure's operands come as one value or as a list; never both.
fn one_or_many(value: &Value, one: &str, many: &str) -> Vec<String> {
    let mut out = strings(value, many);
    if let Some(single) = value[one].as_str() {
        out.push(single.to_owned());
    }
    out
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// Every JSON file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            out.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "json") {
            out.push(path);
        }
    }
    out
}
