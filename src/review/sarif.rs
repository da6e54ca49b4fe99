//! A difference as a SARIF log for code scanning. The format itself is in `diag/sarif.rs`.
//!
//! GitHub matches alerts by `primaryLocationLineHash`, and takes the severity of a security alert from
//! its rule: GitHub Docs, "SARIF support for code scanning", checked 2026-11-30. So that field is a hash
//! of flow and traffic here, which keeps an alert when lines move, and what is newly allowed has a rule
//! for each level of risk.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::forge::{Spot, below, message, place_of, spot};
use super::harmless::harmless;
use super::words::first_few;
use crate::diag::sarif::{
    Artifact, AutomationDetails, Configuration, Invocation, Location, Log, Notification, Physical,
    Region, ResultRow, Rule, RuleProperties, Run, Suppression, Text, short_hash,
};
use crate::diff::textual;
use crate::diff::told::{Change, Difference, Finding, Kind, Level};

/// Most results: code scanning shows no more of one run. GitHub Docs, "SARIF support for code scanning",
/// checked 2026-11-30.
const MOST: usize = 5_000;

/// One of our rules.
struct Known {
    id: &'static str,
    name: &'static str,
    short: &'static str,
    full: &'static str,
    help: &'static str,
    level: &'static str,
    severity: Option<&'static str>,
}

const LOOK: &str = "Ask `portcullis explain` for the whole way of the example packet, and compare it with the purpose of the flow. If the traffic is wanted, `--accept ID` says so for exactly this traffic.";
const LOST: &str = "Ask `portcullis explain` for the whole way of the example packet: its last hop is what stops it now.";

/// By id, so that a rule is found by halving.
const RULES: [Known; 14] = [
    Known {
        id: "PCD001H",
        name: "NewlyAllowedTrafficHigh",
        short: "Traffic becomes newly allowed (high risk)",
        full: "The change lets packets through that the base stopped.",
        help: LOOK,
        level: "error",
        severity: Some("8.0"),
    },
    Known {
        id: "PCD001L",
        name: "NewlyAllowedTrafficLow",
        short: "Traffic becomes newly allowed (low risk)",
        full: "The change lets packets through that the base stopped.",
        help: LOOK,
        level: "note",
        severity: Some("2.0"),
    },
    Known {
        id: "PCD001M",
        name: "NewlyAllowedTrafficMedium",
        short: "Traffic becomes newly allowed (medium risk)",
        full: "The change lets packets through that the base stopped.",
        help: LOOK,
        level: "warning",
        severity: Some("5.0"),
    },
    Known {
        id: "PCD002",
        name: "NoLongerAllowedTraffic",
        short: "Traffic is no longer allowed",
        full: "The change stops packets that the base let through.",
        help: LOST,
        level: "note",
        severity: None,
    },
    Known {
        id: "PCD003",
        name: "RequiredTrafficLost",
        short: "Traffic that a required flow asks for is lost",
        full: "The change stops packets that a `required` flow asks for.",
        help: LOST,
        level: "error",
        severity: None,
    },
    Known {
        id: "PCD004",
        name: "UndecidedTraffic",
        short: "Whether traffic is allowed is not decided",
        full: "The sides differ, and what becomes of the packets hangs on what nobody told, such as which addresses a name has.",
        help: "Say what is not told with `assume`, or write the two flows so that they cannot meet.",
        level: "warning",
        severity: Some("4.0"),
    },
    Known {
        id: "PCD005",
        name: "NumberMoved",
        short: "Rules have another number",
        full: "Rules or collections that stay have another priority. A deployment that is cut short can meet both numbers.",
        help: "Commit portcullis.lock: with it the number of a rule stays.",
        level: "note",
        severity: None,
    },
    Known {
        id: "PCD006H",
        name: "TrafficPastTheFirewallHigh",
        short: "Traffic passes the firewall no more (high risk)",
        full: "Packets arrive as before, and no firewall sees them any more.",
        help: LOOK,
        level: "error",
        severity: Some("8.0"),
    },
    Known {
        id: "PCD006L",
        name: "TrafficPastTheFirewallLow",
        short: "Traffic passes the firewall no more (low risk)",
        full: "Packets arrive as before, and no firewall sees them any more.",
        help: LOOK,
        level: "note",
        severity: Some("2.0"),
    },
    Known {
        id: "PCD006M",
        name: "TrafficPastTheFirewallMedium",
        short: "Traffic passes the firewall no more (medium risk)",
        full: "Packets arrive as before, and no firewall sees them any more.",
        help: LOOK,
        level: "warning",
        severity: Some("5.0"),
    },
    Known {
        id: "PCD007",
        name: "TrafficThroughTheFirewall",
        short: "Traffic passes the firewall now",
        full: "Packets arrive as before, and a firewall sees them now.",
        help: LOOK,
        level: "note",
        severity: None,
    },
    Known {
        id: "PCD008H",
        name: "TrafficLedElsewhereHigh",
        short: "Traffic is led to another target (high risk)",
        full: "Packets arrive as before, and a firewall leads them to another address or port behind it.",
        help: LOOK,
        level: "error",
        severity: Some("8.0"),
    },
    Known {
        id: "PCD008L",
        name: "TrafficLedElsewhereLow",
        short: "Traffic is led to another target (low risk)",
        full: "Packets arrive as before, and a firewall leads them to another address or port behind it.",
        help: LOOK,
        level: "note",
        severity: Some("2.0"),
    },
    Known {
        id: "PCD008M",
        name: "TrafficLedElsewhereMedium",
        short: "Traffic is led to another target (medium risk)",
        full: "Packets arrive as before, and a firewall leads them to another address or port behind it.",
        help: LOOK,
        level: "warning",
        severity: Some("5.0"),
    },
];

/// The rule that a change is a case of.
#[must_use]
pub fn rule_id(change: &Change) -> &'static str {
    match (change.change, change.risk.level) {
        (Kind::NewlyAllowed, Level::High) => "PCD001H",
        (Kind::NewlyAllowed, Level::Medium) => "PCD001M",
        (Kind::NewlyAllowed, _) => "PCD001L",
        (Kind::NoLongerAllowed, _) if change.required_lost => "PCD003",
        (Kind::NoLongerAllowed, _) => "PCD002",
        (Kind::Undecided, _) => "PCD004",
        (Kind::NewlyBypassing, Level::High) => "PCD006H",
        (Kind::NewlyBypassing, Level::Medium) => "PCD006M",
        (Kind::NewlyBypassing, _) => "PCD006L",
        (Kind::NewlyPassing, _) => "PCD007",
        (Kind::Redirected, Level::High) => "PCD008H",
        (Kind::Redirected, Level::Medium) => "PCD008M",
        (Kind::Redirected, _) => "PCD008L",
    }
}

/// One log. `folder` is the project's, as seen from where files are named from.
#[must_use]
pub fn render(difference: &Difference, folder: &str) -> String {
    let mut found = Vec::new();
    for (print, change) in merged(difference) {
        found.push(of_change(&change, &print, folder));
    }
    found.extend(moved_numbers(difference, folder));
    let mut seen = BTreeMap::new();
    for finding in difference.diagnostics.iter().filter(|f| f.new) {
        found.push(of_finding(finding, folder, &mut seen));
    }
    let cut = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    let ids: Vec<String> = found
        .iter()
        .map(|row| row.rule_id.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    for row in &mut found {
        row.rule_index = ids.binary_search(&row.rule_id).unwrap_or(0);
    }
    let rules = ids.into_iter().map(|id| rule(id, difference)).collect();
    let mut notifications: Vec<Notification> = difference
        .notes
        .iter()
        .map(|note| Notification {
            level: "note",
            message: Text::plain(note.clone()),
        })
        .collect();
    if cut > 0 {
        notifications.push(Notification {
            level: "warning",
            message: Text::plain(format!(
                "{cut} more results are not in this log: code scanning takes {MOST}; those of least risk were left out, `--format json` has all"
            )),
        });
    }
    let mut run = Run::new(rules, found);
    run.automation_details = Some(AutomationDetails {
        id: format!("portcullis/diff/{}/", difference.project),
    });
    if !notifications.is_empty() {
        run.invocations.push(Invocation {
            execution_successful: true,
            tool_execution_notifications: notifications,
        });
    }
    Log::new(run).text()
}

/// Every change by its fingerprint, the riskiest first; what several environments share is one.
fn merged(difference: &Difference) -> Vec<(String, Change)> {
    let mut out: Vec<(String, Change)> = Vec::new();
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    for change in &difference.semantic {
        let print = fingerprint(change);
        let held = at.get(&print).and_then(|at| out.get_mut(*at));
        let Some((_, held)) = held else {
            at.insert(print.clone(), out.len());
            out.push((print, change.clone()));
            continue;
        };
        let mut environments = std::mem::take(&mut held.environments);
        for environment in &change.environments {
            if !environments.contains(environment) {
                environments.push(environment.clone());
            }
        }
        let accepted = held.accepted && change.accepted;
        let required_lost = held.required_lost || change.required_lost;
        if change.risk.score > held.risk.score {
            *held = change.clone();
        }
        held.environments = environments;
        held.accepted = accepted;
        held.required_lost = required_lost;
    }
    out.sort_by_key(|(_, change)| {
        std::cmp::Reverse((change.required_lost, change.risk.level, change.risk.score))
    });
    out
}

/// Kind, flows and traffic; no line, no file, no environment, no number of a rule.
fn fingerprint(change: &Change) -> String {
    let flows: BTreeSet<&str> = change.causes.iter().map(|c| c.flow.as_str()).collect();
    let key = json!([
        change.change.word(),
        flows,
        change.traffic.protocols,
        change.traffic.ports,
        change.traffic.source_ports,
        end(&change.traffic.source),
        end(&change.traffic.destination),
        change.traffic.names.none,
        change.traffic.names.patterns,
        change.traffic.names.within,
        change.traffic.names.outside,
        change.already,
    ]);
    short_hash(&key.to_string())
}

/// The addresses of an end, without the name that a policy has for them.
fn end(end: &crate::diff::told::End) -> Value {
    json!([end.prefixes, end.within, end.outside])
}

fn of_change(change: &Change, print: &str, folder: &str) -> ResultRow {
    let id = rule_id(change);
    let mut fingerprints = BTreeMap::from([("primaryLocationLineHash", format!("{print}:1"))]);
    if let Some(first) = change.causes.first() {
        fingerprints.insert("portcullisFlow/v1", first.flow.clone());
    }
    let place = spot(change, folder);
    let related_locations = change
        .causes
        .iter()
        .filter(|c| c.side == "new" && c.line > 0 && !c.file.is_empty())
        .map(|c| {
            let spot = Spot {
                path: c.file.clone(),
                line: Some(c.line),
            };
            (c, spot)
        })
        .filter(|(_, spot)| *spot != place)
        .enumerate()
        .map(|(at, (c, spot))| location(&spot, Some(at), Some(&c.flow)))
        .collect();
    let mut properties = BTreeMap::from([
        ("id", json!(change.id)),
        ("change", json!(change.change.word())),
        ("environments", json!(change.environments)),
    ]);
    if change.change.widens() {
        properties.insert("score", json!(change.risk.score));
    }
    ResultRow {
        rule_id: id.to_owned(),
        rule_index: 0,
        level: known(id).map_or("note", |k| k.level),
        message: Text::plain(message(change)),
        locations: vec![location(&place, None, None)],
        related_locations,
        partial_fingerprints: fingerprints,
        fixes: Vec::new(),
        suppressions: change
            .accepted
            .then(|| Suppression {
                kind: "external",
                status: "accepted",
                justification: format!("`--accept {}`", change.id),
            })
            .into_iter()
            .collect(),
        properties,
    }
}

/// Rules that stay and have another number, as one result at the lock.
fn moved_numbers(difference: &Difference, folder: &str) -> Option<ResultRow> {
    let mut environments = Vec::new();
    let mut told = Vec::new();
    for of in &difference.textual {
        let moved = of
            .entries
            .iter()
            .filter(|entry| entry.change == textual::Change::Renumbered);
        let before = told.len();
        told.extend(moved.map(|entry| number(&of.environment, entry)));
        if told.len() > before {
            environments.push(&of.environment);
        }
    }
    if told.is_empty() {
        return None;
    }
    let spot = Spot {
        path: below(folder, "portcullis.lock"),
        line: None,
    };
    let print = short_hash(&format!("PCD005\n{}", difference.project));
    Some(ResultRow {
        rule_id: "PCD005".to_owned(),
        rule_index: 0,
        level: "note",
        message: Text::plain(harmless(&format!(
            "Rules that stay have another number: {}.",
            first_few(&told, 5)
        ))),
        locations: vec![location(&spot, None, None)],
        related_locations: Vec::new(),
        partial_fingerprints: BTreeMap::from([("primaryLocationLineHash", format!("{print}:1"))]),
        fixes: Vec::new(),
        suppressions: Vec::new(),
        properties: BTreeMap::from([
            ("environments", json!(environments)),
            ("rules", json!(told.len())),
        ]),
    })
}

/// `prod: nsg-app names 2500 to 2510 (it is pinned)`.
fn number(environment: &str, entry: &textual::Entry) -> String {
    let mut out = format!("{environment}: {}", entry.resource.name);
    let inner = entry.rule.as_ref().or(entry.resource.collection.as_ref());
    if let Some(inner) = inner {
        out.push_str(&format!(" {inner}"));
    }
    if let (Some(was), Some(is)) = (entry.was_priority, entry.priority) {
        out.push_str(&format!(" {was} to {is}"));
    }
    if let Some(reason) = entry.reason {
        out.push_str(&format!(" ({})", reason.text()));
    }
    out
}

/// Something newly said of the new side.
fn of_finding(finding: &Finding, folder: &str, seen: &mut BTreeMap<String, usize>) -> ResultRow {
    let key = format!("{}\n{}\n{}", finding.code, finding.file, finding.message);
    let count = seen.entry(key.clone()).or_insert(0);
    *count += 1;
    let spot = place_of(finding, folder);
    ResultRow {
        rule_id: finding.code.clone(),
        rule_index: 0,
        level: level(&finding.level),
        message: Text::plain(harmless(&finding.message)),
        locations: vec![location(&spot, None, None)],
        related_locations: Vec::new(),
        partial_fingerprints: BTreeMap::from([(
            "primaryLocationLineHash",
            format!("{}:{count}", short_hash(&key)),
        )]),
        fixes: Vec::new(),
        suppressions: Vec::new(),
        properties: BTreeMap::new(),
    }
}

fn level(word: &str) -> &'static str {
    match word {
        "error" => "error",
        "warning" => "warning",
        _ => "note",
    }
}

fn location(spot: &Spot, id: Option<usize>, text: Option<&str>) -> Location {
    Location {
        id,
        physical_location: Physical {
            artifact_location: Artifact::new(&spot.path),
            // Code scanning refuses a place without a line: a whole file is shown at its first.
            region: Region {
                start_line: spot.line.unwrap_or(1),
                start_column: None,
                end_line: Some(spot.line.unwrap_or(1)),
                end_column: None,
            },
        },
        message: text.map(Text::plain),
    }
}

fn known(id: &str) -> Option<&'static Known> {
    RULES
        .binary_search_by(|rule| rule.id.cmp(id))
        .ok()
        .and_then(|at| RULES.get(at))
}

/// One of our rules, or the diagnostic of that code.
fn rule(id: String, difference: &Difference) -> Rule {
    let Some(known) = known(&id) else {
        let info = crate::diag::CODES.iter().find(|info| info.id == id);
        let slug = info.map_or(id.as_str(), |info| info.slug);
        let told = difference.diagnostics.iter().find(|f| f.code == id);
        return Rule {
            name: crate::diag::sarif::pascal(slug),
            short_description: Text::plain(slug.replace('-', " ")),
            full_description: None,
            help: info.map_or_else(
                || Text::plain(format!("portcullis explain {id}")),
                |info| crate::diag::render_sarif::help(info.code),
            ),
            default_configuration: Configuration {
                level: told.map_or("note", |f| level(&f.level)),
            },
            properties: None,
            id,
        };
    };
    let mut tags = vec!["network", "diff"];
    if known.severity.is_some() {
        tags.insert(0, "security");
    }
    Rule {
        id,
        name: known.name.to_owned(),
        short_description: Text::plain(known.short),
        full_description: Some(Text::plain(known.full)),
        help: Text {
            text: known.help.replace('`', ""),
            markdown: Some(known.help.to_owned()),
        },
        default_configuration: Configuration { level: known.level },
        properties: Some(RuleProperties {
            tags,
            precision: "very-high",
            security_severity: known.severity,
        }),
    }
}
