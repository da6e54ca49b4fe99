//! Every limit of Azure, one below it, at it and one above it, in generated policies. The figures
//! are the table's; whether they are Azure's is said by their sources.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};

use portcullis::backends::limits::{self, Cap, LimitKind};
use portcullis::catalog::{Catalog, Cloud};
use portcullis::config::{Deploy, Settings};
use portcullis::diag::Severity;
use portcullis::driver::{Compiled, LimitsMode, Options, Project, Usage, compile};
use portcullis::source::MemoryLoader;

use crate::cli::{SETTINGS, folder, portcullis};

/// A policy that uses exactly so much of a limit.
type Maker = fn(usize) -> String;

/// By the name of the limit.
const MAKERS: [(&str, Maker); 16] = [
    ("rules", rules),
    ("source addresses", sources),
    ("destination addresses", destinations),
    ("routes", routes),
    ("routes, as before 2026", routes),
    ("service tag routes", tag_routes),
    ("addresses", group_addresses),
    ("IP groups referred to", ip_groups),
    ("rule collection groups", groups),
    ("rule collections", collections),
    ("source and destination pairs", pairs),
    ("names in network rules", names),
    ("DNAT destinations", translated),
    ("bytes", bytes),
    ("application security groups", application_groups),
    ("public addresses", public_addresses),
];

const SUBNET: &str = "\
vnet all = 10.0.0.0/8

nsg app

route-table app

subnet app = 10.1.4.0/24 {
  vnet = all
  nsg = app
  route-table = app
}

";

#[test]
fn every_limit_one_below_at_and_one_above() {
    let caps = limits::all();
    let made: BTreeSet<&str> = MAKERS.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<&str> = caps.iter().map(|cap| cap.name).collect();
    assert_eq!(made, known, "each limit has its generated policy");
    for cap in caps {
        let make = MAKERS.iter().find(|(name, _)| *name == cap.name).unwrap().1;
        for used in [cap.value - 1, cap.value, cap.value + 1] {
            let text = make(used);
            let compiled = run(&text, LimitsMode::Off);
            assert!(!has(&compiled, "PC3011"), "{} is not compiled", cap.name);
            let found = usage(&compiled, cap.name);
            assert_eq!(found.used, used, "{}", cap.name);
            assert_eq!(found.is_over(), used > cap.value);
            assert!(found.is_near());
            assert!(!has(&compiled, code(cap)), "off is silent: {}", cap.name);
            let judged = run(&text, LimitsMode::Error);
            assert_eq!(
                told(&judged, cap),
                used > cap.value,
                "{} of {used}: {:?}",
                cap.name,
                judged
                    .diagnostics
                    .iter()
                    .map(|d| &d.message)
                    .collect::<Vec<_>>()
            );
            let warning = matches!(cap.kind, LimitKind::AddressPairs | LimitKind::Recommended);
            let refused = judged.output.is_none();
            let others = judged
                .diagnostics
                .iter()
                .any(|d| d.severity == Severity::Error && !d.message.contains(cap.name));
            assert!(
                refused == (used > cap.value && !warning) || others,
                "{}",
                cap.name
            );
        }
    }
}

#[test]
fn a_warning_goes_on() {
    let above = run(&rules(1001), LimitsMode::Warn);
    assert!(has(&above, "PC3001") && above.output.is_some());
}

#[test]
fn names_have_eighty_characters() {
    for (length, refused) in [(79, false), (80, false), (81, true)] {
        let name = "n".repeat(length);
        let text = SUBNET.replacen(
            "nsg app\n",
            &format!("nsg app {{\n  name = \"{name}\"\n}}\n"),
            1,
        );
        let flow = "allow web: tcp/443 from app to 10.0.8.0/24\n";
        let compiled = run(&format!("{text}{flow}"), LimitsMode::Error);
        assert_eq!(has(&compiled, "PC3007"), refused, "{length}");
    }
}

#[test]
fn descriptions_have_a_hundred_and_forty_characters() {
    for (length, shortened) in [(139, false), (140, false), (141, true)] {
        let purpose = "p".repeat(length);
        let flow = format!("allow web: tcp/443 from app to 10.0.8.0/24 for \"{purpose}\"\n");
        let compiled = run(&format!("{SUBNET}{flow}"), LimitsMode::Error);
        assert_eq!(has(&compiled, "PC3006"), shortened, "{length}");
        let files = compiled.output.unwrap().files;
        let longest = files
            .iter()
            .filter(|f| f.path.contains("/nsg/"))
            .flat_map(|f| f.text.lines())
            .filter_map(|line| line.trim().strip_prefix("\"description\": \""))
            .map(|line| line.trim_end_matches([',', '"']).len())
            .max()
            .unwrap();
        assert_eq!(longest, length.min(140));
    }
}

#[test]
fn the_command_prints_used_and_allowed() {
    let text = tag_routes(20);
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", text.as_str())]);
    let ran = portcullis(dir.path(), &["limits", "-q"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let line = ran
        .out
        .lines()
        .find(|l| l.contains("service tag routes"))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        words[words.len() - 4..],
        ["20", "25", "80", "near"],
        "{line}"
    );
    let near = portcullis(dir.path(), &["limits", "-q", "--near"]);
    assert_eq!(near.out.lines().count(), 3, "{}", near.out);

    let ran = portcullis(dir.path(), &["limits", "--format", "json"]);
    let rows: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_str(&ran.out).unwrap();
    let row = rows
        .iter()
        .find(|r| r["limit"] == "service tag routes")
        .unwrap();
    assert_eq!(row["environment"], "default");
    assert_eq!(row["resource"], "route table");
    assert_eq!(row["name"], "app");
    assert_eq!((&row["used"], &row["allowed"]), (&20.into(), &25.into()));
    assert_eq!(
        (&row["percent"], &row["mark"]),
        (&80.into(), &"near".into())
    );
    assert!(row["source"].as_str().unwrap().contains("25"));

    let text = tag_routes(26);
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", text.as_str())]);
    let ran = portcullis(dir.path(), &["limits", "-q"]);
    assert_eq!(ran.code, 1, "above a limit is bad input");
    assert!(ran.out.contains("104  over"), "{}", ran.out);
}

// Policies by use.

fn rules(n: usize) -> String {
    let mut text = SUBNET.to_owned();
    for at in 0..n {
        let port = 1000 + 2 * at;
        text.push_str(&format!(
            "allow r{at}: tcp/{port} from app to 10.0.8.0/24\n"
        ));
    }
    text
}

fn sources(n: usize) -> String {
    format!(
        "{SUBNET}allow web: tcp/443 from [{}] to app\n",
        hosts(64, n)
    )
}

fn destinations(n: usize) -> String {
    format!(
        "{SUBNET}allow web: tcp/443 from app to [{}]\n",
        hosts(64, n)
    )
}

fn routes(n: usize) -> String {
    format!("{SUBNET}route away: [{}] via none on app\n", hosts(64, n))
}

fn tag_routes(n: usize) -> String {
    let tags: Vec<String> = Catalog::embedded(Cloud::Public)
        .tags()
        .map(|t| t.name().to_owned())
        .filter(|t| t.starts_with("Storage."))
        .take(n)
        .map(|t| format!("tag({t})"))
        .collect();
    assert_eq!(tags.len(), n);
    format!(
        "{SUBNET}route away: [{}] via internet on app\n",
        tags.join(", ")
    )
}

fn group_addresses(n: usize) -> String {
    format!(
        "ip-group partners = [{}]\n\nallow web: tcp/443 from 10.1.0.0/16 to ip-group(partners)\n",
        hosts(64, n)
    )
}

fn ip_groups(n: usize) -> String {
    let mut text = String::new();
    let mut uses = Vec::new();
    for at in 0..n {
        text.push_str(&format!("ip-group g{at} = 10.64.{at}.0/24\n").replace(
            &format!("10.64.{at}."),
            &format!("10.{}.{}.", 64 + at / 128, 2 * (at % 128)),
        ));
        uses.push(format!("ip-group(g{at})"));
    }
    text.push_str(&format!(
        "allow web: tcp/443 from 10.1.0.0/16 to [{}]\n",
        uses.join(", ")
    ));
    text
}

fn groups(n: usize) -> String {
    (0..n)
        .map(|at| {
            format!(
                "group g{at} {{\n  allow web: tcp/{} from 10.1.0.0/16 to 10.2.0.0/16\n}}\n",
                1000 + at
            )
        })
        .collect()
}

fn collections(n: usize) -> String {
    let mut text = String::new();
    for at in 0..n.div_ceil(2) {
        text.push_str(&format!("group g{at} {{\n"));
        text.push_str(&format!(
            "  allow web: tcp/{} from 10.1.0.0/16 to 10.2.0.0/16\n",
            1000 + at
        ));
        if 2 * at + 1 < n {
            text.push_str(&format!(
                "  allow name: https from 10.1.0.0/16 to h{at}.contoso.com\n"
            ));
        }
        text.push_str("}\n");
    }
    text
}

fn pairs(n: usize) -> String {
    let (block, rest) = (n / 100 - 1, n - (n / 100 - 1) * 100);
    format!(
        "allow mesh: tcp/443 from [{}] to [{}]\nallow more: tcp/8443 from 10.1.0.1 to [{}]\n",
        hosts(32, 100),
        hosts(64, block),
        hosts(96, rest)
    )
}

fn names(n: usize) -> String {
    let list: Vec<String> = (0..n).map(|at| format!("h{at}.contoso.com")).collect();
    format!(
        "firewall azfw {{\n  dns-proxy = true\n}}\n\nallow db: tcp/1521 from 10.1.0.0/16 to [{}]\n",
        list.join(", ")
    )
}

fn translated(n: usize) -> String {
    // The public address counts too.
    let mut text = "firewall azfw {\n  public-ips = [20.50.60.70]\n}\n\n".to_owned();
    for at in 1..n {
        let port = 1000 + at;
        text.push_str(&format!(
            "dnat d{at}: tcp/{port} from 20.60.0.0/16 to 20.50.60.70 into 10.1.0.5:{port}\n"
        ));
    }
    text
}

fn bytes(n: usize) -> String {
    let text = |padding: usize| {
        let share = padding / 200;
        (0..200)
            .map(|at| {
                let length = if at == 0 {
                    padding - 199 * share
                } else {
                    share
                };
                format!(
                    "allow r{at}: tcp/{} from 10.1.0.0/16 to 10.2.0.0/16 for \"p{}\"\n",
                    2000 + at,
                    "p".repeat(length)
                )
            })
            .collect::<String>()
    };
    let bare = usage(&run(&text(0), LimitsMode::Off), "bytes").used;
    text(n - bare)
}

fn application_groups(n: usize) -> String {
    let list: Vec<String> = (0..n).map(|at| format!("asg(a{at})")).collect();
    format!(
        "{SUBNET}allow web: tcp/443 from [{}] to app\n",
        list.join(", ")
    )
}

fn public_addresses(n: usize) -> String {
    let list: Vec<String> = (0..n)
        .map(|at| format!("20.60.{}.{}", at / 128, 2 * (at % 128) + 1))
        .collect();
    format!(
        "firewall azfw {{\n  public-ips = [{}]\n}}\n\nallow web: tcp/443 from 10.1.0.0/16 to 10.2.0.0/16\n",
        list.join(", ")
    )
}

/// So many single addresses that do not merge, from `10.FIRST.0.1` on.
fn hosts(first: usize, n: usize) -> String {
    let list: Vec<String> = (0..n)
        .map(|at| {
            format!(
                "10.{}.{}.{}",
                first + at / 16384,
                at / 128 % 128,
                2 * (at % 128) + 1
            )
        })
        .collect();
    list.join(", ")
}

// Running.

fn run(text: &str, mode: LimitsMode) -> Compiled {
    let mut loader = MemoryLoader::default();
    loader.files.insert("a.gate".to_owned(), text.to_owned());
    let project = Project {
        settings: Settings {
            project: Some("limits".to_owned()),
            deploy: Deploy {
                subscription: Some("00000000-0000-0000-0000-000000000000".to_owned()),
                resource_group: Some("rg-network".to_owned()),
                location: Some("westeurope".to_owned()),
            },
            ..Settings::default()
        },
        sources: vec!["a.gate".to_owned()],
    };
    let options = Options {
        limits: mode,
        ..Options::default()
    };
    compile(
        &loader,
        &project,
        Catalog::embedded(Cloud::Public),
        &options,
    )
}

fn usage(compiled: &Compiled, name: &str) -> Usage {
    let output = compiled.output.as_ref().unwrap_or_else(|| {
        panic!(
            "{name}: {:?}",
            compiled
                .diagnostics
                .iter()
                .filter(|d| d.severity == Severity::Error)
                .map(|d| format!("{} {}", d.code, d.message))
                .collect::<Vec<_>>()
        )
    });
    output
        .limits
        .iter()
        .flat_map(|(_, usages)| usages)
        .filter(|u| u.cap.name == name)
        .max_by_key(|u| u.used)
        .cloned()
        .unwrap_or_else(|| panic!("{name} is not measured"))
}

fn has(compiled: &Compiled, id: &str) -> bool {
    compiled.diagnostics.iter().any(|d| d.code.id() == id)
}

fn told(compiled: &Compiled, cap: &Cap) -> bool {
    let what = format!(" {}; the ", cap.name);
    compiled
        .diagnostics
        .iter()
        .any(|d| d.code.id() == code(cap) && d.message.contains(&what))
}

fn code(cap: &Cap) -> &'static str {
    match cap.kind {
        LimitKind::NsgRules => "PC3001",
        LimitKind::GroupSize => "PC3002",
        LimitKind::GroupCount => "PC3003",
        LimitKind::AddressPairs => "PC3004",
        LimitKind::Routes => "PC3005",
        LimitKind::Other => "PC3020",
        LimitKind::Recommended => "PC3021",
    }
}
