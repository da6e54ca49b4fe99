//! The forms of a difference for forges: annotations, rdjson, SARIF. Goldens of one sample, and laws of
//! their escapes and fingerprints. What a difference is, is not judged here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;

use indexmap::IndexMap;
use portcullis::diff::textual::{self, Entry, Place, Reason, Textual};
use portcullis::diff::told::{
    BlastRadius, Cause, CausingFlow, Change, Counts, Difference, End, EnvironmentSummary, Factor,
    Fate, Finding, Kind, Level, Names, Outcome, Pattern, Risk, RiskCount, SCHEMA, Side, Summary,
    Tool, Traffic, Witness,
};
use portcullis::packet::Verdict;
use portcullis::review::annotations::{self, Wanted};
use portcullis::review::harmless::harmless;
use portcullis::review::{rdjson, sarif};
use proptest::prelude::*;
use serde_json::Value;

use crate::examples::{blessing, root};

/// A change of one flow.
fn change(id: &str, kind: Kind, level: Level, score: u32) -> Change {
    let any = Names {
        short: "any".to_owned(),
        none: true,
        patterns: vec![Pattern {
            pattern: "*".to_owned(),
            except: Vec::new(),
        }],
        ..Names::default()
    };
    Change {
        id: id.to_owned(),
        change: kind,
        led: None,
        caused_by: Cause::Policy,
        environments: vec!["prod".to_owned(), "dev".to_owned()],
        traffic: Traffic {
            services: vec!["tcp/80,443".to_owned()],
            protocols: vec!["tcp".to_owned()],
            ports: vec![(80, 80), (443, 443)],
            source_ports: vec![(1, 65535)],
            source: End {
                label: Some("avd".to_owned()),
                short: "avd".to_owned(),
                prefixes: vec!["10.40.32.0/22".to_owned()],
                ipv4: "1024".to_owned(),
                ipv6: "0".to_owned(),
                ..End::default()
            },
            destination: End {
                label: None,
                short: "172.31.0.0/16".to_owned(),
                prefixes: vec!["172.31.0.0/16".to_owned()],
                ipv4: "65536".to_owned(),
                ipv6: "0".to_owned(),
                ..End::default()
            },
            names: any,
            assuming: Vec::new(),
        },
        already: Vec::new(),
        elsewhere: IndexMap::new(),
        exact: true,
        assuming: Vec::new(),
        required_lost: false,
        accepted: false,
        risk: Risk {
            level,
            score,
            factors: Vec::new(),
        },
        witness: Witness {
            environment: "prod".to_owned(),
            protocol: "tcp".to_owned(),
            source_ip: "10.40.32.4".to_owned(),
            source_port: None,
            destination_ip: "172.31.0.1".to_owned(),
            destination_port: Some(443),
            fqdn: None,
            text: "tcp 10.40.32.4 -> 172.31.0.1:443".to_owned(),
            explain: None,
        },
        before: Fate {
            verdict: Some(Verdict::Deny),
            text: "denied: firewall default".to_owned(),
            path: Vec::new(),
        },
        after: Fate {
            verdict: Some(Verdict::Allow),
            text: "allowed: firewall rule `avd-egress-intranet`".to_owned(),
            path: Vec::new(),
        },
        causes: vec![CausingFlow {
            flow: "avd-egress::intranet".to_owned(),
            side: "new".to_owned(),
            edit: "changed".to_owned(),
            file: "policy/hub.gate".to_owned(),
            line: 90,
            also: None,
            owner: Some("desktops".to_owned()),
            ticket: Some("NET-7".to_owned()),
            ..CausingFlow::default()
        }],
    }
}

/// A rule of a security group with another number.
fn renumbered(rule: &str, was: i64, is: i64) -> Entry {
    Entry {
        change: textual::Change::Renumbered,
        flow: Some(format!("egress::{rule}")),
        flows: Vec::new(),
        resource: Place {
            kind: textual::Kind::Nsg,
            name: "nsg-app".to_owned(),
            direction: Some("outbound".to_owned()),
            ..Place::default()
        },
        rule: Some(rule.to_owned()),
        was: None,
        was_in: None,
        priority: Some(is),
        was_priority: Some(was),
        reason: Some(Reason::Window),
        fields: Vec::new(),
        parts: None,
        like: None,
        suggestion: None,
    }
}

/// A difference with one change of each kind, and what is hard to write: a file with comma, colon and a
/// letter outside ASCII, a name with `%`, brackets and semicolons, a line break in a purpose.
fn sample() -> Difference {
    let mut high = change("sem-7c1f0a44", Kind::NewlyAllowed, Level::High, 72);
    high.risk.factors = vec![
        Factor {
            name: "addresses_opened",
            text: "65,536 private addresses newly reachable".to_owned(),
            points: 32,
        },
        Factor {
            name: "exception_dropped",
            text: "an `except` was dropped, 100% of it".to_owned(),
            points: 12,
        },
    ];
    let mut medium = change("sem-00000002", Kind::NewlyAllowed, Level::Medium, 41);
    medium.environments = vec!["dev".to_owned()];
    medium.traffic.ports = vec![(3389, 3389)];
    medium.traffic.services = vec!["tcp/3389".to_owned()];
    medium.causes[0].file = "policy/lib/a b,c:d;é].gate".to_owned();
    medium.causes[0].line = 12;
    let mut low = change("sem-00000003", Kind::NewlyAllowed, Level::Low, 18);
    low.traffic.protocols = vec!["https".to_owned()];
    low.traffic.services = vec!["https".to_owned()];
    low.traffic.destination.short = "any".to_owned();
    low.traffic.destination.prefixes = vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()];
    low.traffic.names = Names {
        short: "quay.io, *.quay.io".to_owned(),
        none: false,
        patterns: ["quay.io", "*.quay.io"]
            .map(|pattern| Pattern {
                pattern: pattern.to_owned(),
                except: Vec::new(),
            })
            .to_vec(),
        ..Names::default()
    };
    low.causes[0].until = Some("2027-03-31".to_owned());
    let mut bypass = change("sem-00000004", Kind::NewlyBypassing, Level::High, 64);
    bypass.causes.push(CausingFlow {
        flow: "subnet avd".to_owned(),
        side: "new".to_owned(),
        edit: "there".to_owned(),
        file: "policy/spokes.gate".to_owned(),
        line: 7,
        also: None,
        ..CausingFlow::default()
    });
    let mut lost = change("sem-00000005", Kind::NoLongerAllowed, Level::Info, 0);
    std::mem::swap(&mut lost.before, &mut lost.after);
    lost.required_lost = true;
    lost.causes[0].side = "old".to_owned();
    lost.causes[0].edit = "removed".to_owned();
    lost.causes[0].line = 47;
    let mut gone = lost.clone();
    gone.id = "sem-00000006".to_owned();
    gone.required_lost = false;
    gone.caused_by = Cause::Data;
    gone.causes.clear();
    gone.traffic.ports = vec![(21, 21)];
    let mut passing = change("sem-00000007", Kind::NewlyPassing, Level::Info, 0);
    passing.traffic.ports = vec![(22, 22)];
    let mut open = change("sem-00000008", Kind::Undecided, Level::Info, 0);
    open.assuming = vec!["that `contoso.com` is not in category Social".to_owned()];
    let mut accepted = change("sem-00000009", Kind::NewlyAllowed, Level::High, 90);
    accepted.accepted = true;
    accepted.traffic.ports = vec![(25, 25)];
    Difference {
        schema: SCHEMA,
        tool: Tool {
            name: "portcullis",
            version: "0.1.0",
            catalog: "2026-11-16".to_owned(),
            as_of: None,
        },
        project: "hub".to_owned(),
        old: Side {
            name: "origin/main".to_owned(),
            ..Side::default()
        },
        new: Side {
            name: "HEAD".to_owned(),
            ..Side::default()
        },
        summary: Summary {
            verdict: Outcome::Mixed,
            risk: RiskCount {
                max: Some(Level::High),
                score: 72,
                high: 2,
                medium: 1,
                low: 1,
            },
            regions: Counts {
                newly_allowed: 4,
                no_longer_allowed: 2,
                newly_bypassing: 1,
                redirected: 0,
                newly_passing: 1,
                undecided: 1,
                required_lost: 1,
                accepted: 1,
                by_data: 1,
            },
            environments: IndexMap::from([("prod".to_owned(), EnvironmentSummary::default())]),
            blast_radius: BlastRadius::default(),
        },
        semantic: vec![
            high, bypass, medium, low, lost, gone, passing, open, accepted,
        ],
        textual: vec![Textual {
            environment: "prod".to_owned(),
            entries: vec![
                renumbered("names", 2500, 2510),
                renumbered("time", 2510, 2520),
            ],
            ..Textual::default()
        }],
        moved: Vec::new(),
        order: Vec::new(),
        expiring: Vec::new(),
        diagnostics: vec![
            Finding {
                code: "PC6009".to_owned(),
                level: "warning".to_owned(),
                message: "`*.quay.io` covers a shared hosting domain".to_owned(),
                file: "policy/hub.gate".to_owned(),
                line: 73,
                new: true,
            },
            Finding {
                code: "PC5009".to_owned(),
                level: "warning".to_owned(),
                message: "the old side says it too".to_owned(),
                file: "policy/hub.gate".to_owned(),
                line: 1,
                new: false,
            },
        ],
        notes: vec!["`origin/main` has no lock: numbers are not compared".to_owned()],
    }
}

fn forms(difference: &Difference, folder: &str) -> [(&'static str, String); 4] {
    let wanted = Wanted::default();
    [
        (
            "github.txt",
            annotations::github(difference, folder, wanted),
        ),
        (
            "azure-pipelines.txt",
            annotations::azure_pipelines(difference, folder, wanted),
        ),
        ("diff.rdjson", rdjson::render(difference, folder)),
        ("diff.sarif", sarif::render(difference, folder)),
    ]
}

#[test]
fn goldens() {
    let folder = root().join("tests/cases/forge-forms");
    for (name, text) in forms(&sample(), "policy") {
        let path = folder.join(name);
        if blessing() {
            fs::write(&path, &text).unwrap();
        }
        let held = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, held, "{name}");
    }
}

#[test]
fn nothing_differs() {
    let mut none = sample();
    none.semantic.clear();
    none.diagnostics.clear();
    none.notes.clear();
    none.summary.verdict = Outcome::Same;
    none.summary.regions = Counts::default();
    none.summary.risk = RiskCount::default();
    none.summary.environments.clear();
    none.textual.clear();
    let [github, pipelines, rdjson, sarif] = forms(&none, "").map(|(_, text)| text);
    assert_eq!(github, "::notice title=Portcullis::nothing differs\n");
    assert_eq!(pipelines, "portcullis: nothing differs\n");
    let rdjson: Value = serde_json::from_str(&rdjson).unwrap();
    assert_eq!(rdjson["diagnostics"], Value::Array(Vec::new()));
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"], Value::Array(Vec::new()));
    assert!(sarif["runs"][0].get("invocations").is_none());
}

/// By `DiagnosticResult.json` of reviewdog, which lets other keys pass that it would not read.
#[test]
fn rdjson_has_the_published_form() {
    let answer: Value = serde_json::from_str(&rdjson::render(&sample(), "policy")).unwrap();
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&answer), ["diagnostics", "source"]);
    assert_eq!(answer["source"]["name"], "portcullis");
    let rows = answer["diagnostics"].as_array().unwrap();
    // All but the accepted one, and what is newly said.
    assert_eq!(rows.len(), 9);
    for row in rows {
        assert_eq!(keys(row), ["code", "location", "message", "severity"]);
        let severity = row["severity"].as_str().unwrap();
        assert!(["ERROR", "WARNING", "INFO"].contains(&severity), "{row}");
        assert!(
            !row["location"]["path"].as_str().unwrap().is_empty(),
            "{row}"
        );
        if let Some(range) = row["location"].get("range") {
            assert!(range["start"]["line"].as_u64().unwrap() > 0, "{row}");
        }
    }
    let severity = |code: &str| {
        let row = rows.iter().find(|r| r["code"]["value"] == code).unwrap();
        row["severity"].as_str().unwrap()
    };
    assert_eq!(severity("PCD001H"), "ERROR");
    assert_eq!(severity("PCD001M"), "WARNING");
    assert_eq!(severity("PCD001L"), "INFO");
    assert_eq!(severity("PCD003"), "ERROR");
    assert_eq!(severity("PC6009"), "WARNING");
}

#[test]
fn annotations_of_lower_risk_are_asked_for() {
    let wanted = Wanted { least: Level::Low };
    let all = annotations::github(&sample(), "", wanted);
    let few = annotations::github(&sample(), "", Wanted::default());
    assert_eq!(few.matches("::error ").count(), 3, "{few}");
    assert_eq!(few.matches("::warning ").count(), 0, "{few}");
    assert_eq!(all.matches("::warning ").count(), 2, "{all}");
    // Accepted traffic is counted, and has no annotation.
    assert!(!all.contains("sem-00000009"), "{all}");
    assert!(all.contains("1 accepted"), "{all}");
}

#[test]
fn annotations_are_cut_and_counted() {
    let mut many = sample();
    let one = change("sem-00000001", Kind::NewlyAllowed, Level::High, 60);
    many.semantic = (0..40)
        .map(|at| {
            let mut change = one.clone();
            change.risk.score = 60 + at;
            change
        })
        .collect();
    for text in [
        annotations::github(&many, "", Wanted::default()),
        annotations::azure_pipelines(&many, "", Wanted::default()),
    ] {
        assert_eq!(text.lines().count(), 10, "{text}");
        assert!(text.lines().next().unwrap().contains("HIGH 99"), "{text}");
        assert!(
            text.contains("31 regions of traffic have no annotation of their own"),
            "{text}"
        );
    }
}

#[test]
fn a_line_that_the_new_side_has_not_is_not_named() {
    let mut lost = sample();
    lost.semantic.retain(|c| c.required_lost);
    let text = annotations::github(&lost, "./policy/", Wanted::default());
    assert!(
        text.starts_with("::error file=policy/hub.gate,title="),
        "{text}"
    );
    assert!(text.contains("(policy/hub.gate:47 (base))"), "{text}");
}

fn results(difference: &Difference) -> Vec<Value> {
    let log: Value = serde_json::from_str(&sarif::render(difference, "policy")).unwrap();
    log["runs"][0]["results"].as_array().unwrap().clone()
}

fn prints(difference: &Difference) -> Vec<String> {
    results(difference)
        .iter()
        .map(|r| {
            r["partialFingerprints"]["primaryLocationLineHash"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn sarif_names_its_rules() {
    let log: Value = serde_json::from_str(&sarif::render(&sample(), "policy")).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["automationDetails"]["id"], "portcullis/diff/hub/");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], result["ruleId"]);
        assert_eq!(result["locations"].as_array().unwrap().len(), 1);
    }
    let severity = |id: &str| {
        let rule = rules.iter().find(|r| r["id"] == id).unwrap();
        rule["properties"]["security-severity"].clone()
    };
    assert_eq!(severity("PCD001H"), "8.0");
    assert_eq!(severity("PCD001M"), "5.0");
    assert_eq!(severity("PCD001L"), "2.0");
    assert_eq!(severity("PCD003"), Value::Null);
    let ids: BTreeSet<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
    for id in ["PCD002", "PCD004", "PCD005", "PCD006H", "PCD007", "PC6009"] {
        assert!(ids.contains(id), "{id} of {ids:?}");
    }
    assert!(!ids.contains("PC5009"));
    let accepted = results(&sample())
        .into_iter()
        .find(|r| r["properties"]["id"] == "sem-00000009")
        .unwrap();
    assert_eq!(accepted["suppressions"][0]["status"], "accepted");
}

#[test]
fn sarif_prints_survive_moved_lines_and_differ_by_traffic() {
    let before = prints(&sample());
    let distinct: BTreeSet<&String> = before.iter().collect();
    assert_eq!(distinct.len(), before.len(), "{before:?}");
    let mut moved = sample();
    for change in &mut moved.semantic {
        change.environments.truncate(1);
        change.risk.score = change.risk.score.saturating_sub(1);
        change.traffic.source.label = None;
        change.traffic.source.short = "10.40.32.0/22".to_owned();
        for cause in &mut change.causes {
            cause.line += 100;
            cause.file = format!("moved/{}", cause.file);
        }
    }
    for finding in &mut moved.diagnostics {
        finding.line += 100;
    }
    assert_eq!(prints(&moved), before);
    let mut other = sample();
    other.semantic[0].traffic.ports = vec![(443, 443)];
    other.semantic[1].causes[0].flow = "avd-egress::other".to_owned();
    let after = prints(&other);
    let kept = after.iter().filter(|print| before.contains(print)).count();
    assert_eq!(kept, before.len() - 2, "{before:?} {after:?}");
}

#[test]
fn sarif_merges_environments() {
    let mut apart = sample();
    let mut dev = apart.semantic[0].clone();
    dev.environments = vec!["dev".to_owned(), "test".to_owned()];
    dev.risk.score = 99;
    apart.semantic[0].environments = vec!["prod".to_owned()];
    apart.semantic.push(dev);
    let results = results(&apart);
    assert_eq!(results.len(), self::results(&sample()).len());
    let row = results
        .iter()
        .find(|r| r["properties"]["id"] == "sem-7c1f0a44")
        .unwrap();
    assert_eq!(
        row["properties"]["environments"],
        serde_json::json!(["prod", "dev", "test"])
    );
    assert_eq!(row["properties"]["score"], 99);
}

#[test]
fn sarif_is_cut_by_risk_and_says_so() {
    let mut many = sample();
    let one = change("sem-00000001", Kind::NewlyAllowed, Level::Low, 1);
    for port in 10_001..=15_100 {
        let mut change = one.clone();
        change.traffic.ports = vec![(port, port)];
        change.risk.score = u32::from(port % 20);
        many.semantic.insert(0, change);
    }
    let log: Value = serde_json::from_str(&sarif::render(&many, "")).unwrap();
    let run = &log["runs"][0];
    let rows = run["results"].as_array().unwrap();
    assert_eq!(rows.len(), 5_000);
    assert_eq!(rows[0]["ruleId"], "PCD003");
    assert_eq!(rows[1]["properties"]["id"], "sem-00000009");
    let said = run["invocations"][0]["toolExecutionNotifications"]
        .as_array()
        .unwrap();
    let text = said.last().unwrap()["message"]["text"].as_str().unwrap();
    // 5,100 and the nine of the sample, a moved number and a finding.
    assert!(text.starts_with("111 more results "), "{text}");
}

/// What the runner of GitHub Actions makes of a line: command, properties, text.
fn read_github(line: &str) -> (String, Vec<(String, String)>, String) {
    let decode = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    let (head, data) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
    let (command, properties) = head.split_once(' ').unwrap();
    let properties = properties
        .split(',')
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap();
            (key.to_owned(), decode(value))
        })
        .collect();
    let data = data
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%");
    (command.to_owned(), properties, data)
}

/// What the agent of Azure Pipelines makes of a line.
fn read_pipelines(line: &str) -> (Vec<(String, String)>, String) {
    let decode = |text: &str| {
        text.replace("%3B", ";")
            .replace("%5D", "]")
            .replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%AZP25", "%")
    };
    let rest = line.strip_prefix("##vso[task.logissue ").unwrap();
    let (properties, data) = rest.split_once(']').unwrap();
    let properties = properties
        .split_terminator(';')
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap();
            (key.to_owned(), decode(value))
        })
        .collect();
    (properties, decode(data))
}

fn wild() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("%".to_owned()),
        Just("%0A".to_owned()),
        Just("%25".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("::error::".to_owned()),
        Just("\n::error::x".to_owned()),
        Just("##vso[task.complete result=Failed;]".to_owned()),
        Just("\n##[error]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just(";]=".to_owned()),
        Just("é→漢🔴\u{202e}".to_owned()),
        Just("\"\\".to_owned()),
        "[a-z]{1,6}",
    ];
    proptest::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever a policy's words hold, each form gives them back, and no word becomes a command.
    #[test]
    fn what_is_written_is_read(file in wild(), flow in wild(), short in wild()) {
        let mut difference = sample();
        difference.semantic.truncate(1);
        let change = &mut difference.semantic[0];
        change.causes[0].file.clone_from(&file);
        change.causes[0].flow.clone_from(&flow);
        change.traffic.destination.short.clone_from(&short);
        let [github, pipelines, rdjson, sarif] = forms(&difference, "").map(|(_, text)| text);

        let lines: Vec<&str> = github.split(['\n', '\r']).filter(|l| !l.is_empty()).collect();
        prop_assert_eq!(lines.len(), 2);
        let (command, properties, data) = read_github(lines[0]);
        prop_assert_eq!(command, "error");
        prop_assert_eq!(&properties[0], &("file".to_owned(), file.clone()));
        prop_assert_eq!(&properties[1], &("line".to_owned(), "90".to_owned()));
        prop_assert!(data.contains(&harmless(&short)) && data.contains(&harmless(&flow)));

        let lines: Vec<&str> = pipelines.split(['\n', '\r']).filter(|l| !l.is_empty()).collect();
        prop_assert_eq!(lines.len(), 2);
        let (properties, data) = read_pipelines(lines[0]);
        prop_assert_eq!(&properties[1], &("sourcepath".to_owned(), file.clone()));
        prop_assert!(data.contains("newly allowed"));
        prop_assert!(!lines[1].contains("##vso[") && !lines[1].contains("##["));

        let rdjson: Value = serde_json::from_str(&rdjson).unwrap();
        prop_assert_eq!(rdjson["diagnostics"][0]["location"]["path"].as_str(), Some(file.as_str()));
        prop_assert!(rdjson["diagnostics"][0]["message"].as_str().unwrap().contains(&harmless(&flow)));

        let log: Value = serde_json::from_str(&sarif).unwrap();
        let row = &log["runs"][0]["results"][0];
        let uri = row["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        prop_assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b)));
        prop_assert_eq!(unescaped(uri), file);
        prop_assert_eq!(row["partialFingerprints"]["portcullisFlow/v1"].as_str(), Some(flow.as_str()));
    }
}

/// A URI's escapes undone.
fn unescaped(uri: &str) -> String {
    let mut out = Vec::new();
    let bytes = uri.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(&uri[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap()
}
