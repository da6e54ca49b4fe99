//! Ordered groups in what is emitted: the first match in source order decides, and an insertion moves
//! no neighbour. The verdicts are the evaluator's; the expected ones are a plain loop over the lines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::cli::portcullis;
use crate::meaning::generate::Dice;
use crate::oracle::address::Address;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::Emitted;
use crate::oracle::nsg::{self, Direction, Surroundings};
use crate::oracle::{Packet, Verdict, text};

/// Random lists of each kind.
const LISTS: u64 = 12;

const SETTINGS: &str = "version: 1\nproject: ordered\nsources: [main.gate]\ndeploy:\n  subscription: 00000000-0000-0000-0000-000000000000\n  resource-group: rg\n  location: westeurope\n";

const SUBNET: &str = "vnet plant = 10.20.0.0/16\n\nsubnet cell = 10.20.4.0/24 {\n  vnet = plant\n  nsg = cell\n}\n\nnsg cell {\n  default-inbound = deny\n}\n";

/// One line of a list: action, source, destination, first and last port.
#[derive(Clone, Debug)]
struct Line {
    label: String,
    allow: bool,
    from: &'static str,
    to: &'static str,
    ports: (u16, u16),
}

impl Line {
    fn text(&self) -> String {
        format!(
            "  {} {}: tcp/{}-{} from {} to {} for \"Line\"\n",
            if self.allow { "allow" } else { "deny" },
            self.label,
            self.ports.0,
            self.ports.1,
            self.from,
            self.to
        )
    }

    fn matches(&self, source: &str, destination: &str, port: u16) -> bool {
        within(source, self.from)
            && within(destination, self.to)
            && (self.ports.0..=self.ports.1).contains(&port)
    }
}

#[test]
fn a_security_group_takes_the_first_match() {
    for seed in 0..LISTS {
        let lines = list(seed, &["10.20.4.0/24", "10.20.4.0/25", "10.20.4.8"]);
        let emitted = compile(&format!("{SUBNET}\n{}", group("acl", &lines)));
        for (source, port) in asks() {
            for destination in ["10.20.4.8", "10.20.4.9", "10.20.4.200"] {
                let found = inbound(&emitted, source, destination, port);
                let expected = first(&lines, source, destination, port);
                assert_eq!(
                    found, expected,
                    "seed {seed}: {source} {destination}:{port}\n{lines:#?}"
                );
            }
        }
    }
}

#[test]
fn a_firewall_takes_the_first_match() {
    for seed in 0..LISTS {
        let lines = list(seed, &["192.168.4.0/24", "192.168.4.0/25", "192.168.4.8"]);
        let emitted = compile(&format!(
            "firewall azfw {{\n  sku = standard\n}}\n\n{}",
            group("acl", &lines)
        ));
        for (source, port) in asks() {
            for destination in ["192.168.4.8", "192.168.4.9", "192.168.4.200"] {
                let packet = packet(source, destination, "", port, "none");
                let found = emitted
                    .firewall
                    .evaluate("azfw", &packet, &Knowledge::default());
                assert_eq!(
                    found.verdict,
                    first(&lines, source, destination, port),
                    "seed {seed}: {source} {destination}:{port} by {}\n{lines:#?}",
                    found.by
                );
            }
        }
    }
}

#[test]
fn runs_are_collections_in_source_order() {
    let emitted = compile(
        "firewall azfw {\n  sku = standard\n}\n\nordered group acl {\n  \
         allow dns: udp/53 from 10.1.0.0/16 to 192.0.2.53 for \"A\"\n  \
         allow shop: https from 10.1.0.0/16 to shop.contoso.com for \"B\"\n  \
         deny sites: https from 10.1.0.0/16 to *.contoso.com for \"C\"\n  \
         deny names: udp/53 from 10.1.0.0/16 to 192.0.2.0/24 for \"D\"\n  \
         allow web: https from 10.1.0.0/16 to *.com for \"E\"\n}\n\n\
         allow late: udp/53 from 10.1.0.0/16 to 192.0.2.54 for \"F\"\n\
         forbid never: https from 10.1.9.0/24 to shop.contoso.com for \"G\"\n",
    );
    let groups = &emitted.firewall.groups;
    let ordered = groups
        .iter()
        .find(|g| text(g, "name").ends_with("/pc-25-ordered-acl"))
        .expect("one group of its own");
    let collections = ordered["properties"]["ruleCollections"].as_array().unwrap();
    let names: Vec<&str> = collections.iter().map(|c| text(c, "name")).collect();
    assert_eq!(
        names,
        [
            "net-dns-allow",
            "app-shop-allow",
            "net-names-deny",
            "app-sites-deny",
            "app-web-allow"
        ]
    );
    let priorities: Vec<u64> = collections
        .iter()
        .map(|c| c["priority"].as_u64().unwrap())
        .collect();
    assert!(priorities.is_sorted_by(|a, b| a < b), "{priorities:?}");
    for (source, destination, name, port, l7, expected) in [
        ("10.1.0.4", "192.0.2.53", "", 53, "none", Verdict::Allow),
        // The denies of the group are final for what they match, whatever plain allows say.
        ("10.1.0.4", "192.0.2.54", "", 53, "none", Verdict::Deny),
        (
            "10.1.0.4",
            "20.0.0.1",
            "shop.contoso.com",
            443,
            "https",
            Verdict::Allow,
        ),
        (
            "10.1.0.4",
            "20.0.0.1",
            "files.contoso.com",
            443,
            "https",
            Verdict::Deny,
        ),
        (
            "10.1.0.4",
            "20.0.0.1",
            "www.fabrikam.com",
            443,
            "https",
            Verdict::Allow,
        ),
        (
            "10.1.9.4",
            "20.0.0.1",
            "shop.contoso.com",
            443,
            "https",
            Verdict::Deny,
        ),
    ] {
        let mut packet = packet(source, destination, name, port, l7);
        if l7 == "none" {
            packet.protocol = "udp".to_owned();
        }
        let found = emitted
            .firewall
            .evaluate("azfw", &packet, &Knowledge::default());
        assert_eq!(found.verdict, expected, "{packet:?} by {}", found.by);
    }
}

#[test]
fn an_insertion_moves_no_neighbour() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines: Vec<Line> = list(3, &["10.20.4.0/24"]);
    let write = |lines: &[Line]| format!("{SUBNET}\n{}", group("acl", lines));
    let before = numbers(&compile_in(folder.path(), &write(&lines)));
    lines.insert(
        3,
        Line {
            label: "between".to_owned(),
            ..lines[0].clone()
        },
    );
    let after = numbers(&compile_in(folder.path(), &write(&lines)));
    for (name, number) in &before {
        assert_eq!(after[name], *number, "{name}");
    }
    let order: Vec<u64> = lines
        .iter()
        .map(|l| after[&format!("acl-{}-in", l.label)])
        .collect();
    assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    assert!(order.iter().all(|n| (2000..=2499).contains(n)), "{order:?}");
}

/// Whether two lines need their order.
fn related(a: &Line, b: &Line) -> bool {
    let meet = |a: &str, b: &str| {
        let net = |text: &str| {
            let host = || format!("{text}/32");
            text.parse()
                .unwrap_or_else(|_| host().parse::<ipnet::IpNet>().unwrap())
        };
        let (a, b) = (net(a), net(b));
        a.contains(&b) || b.contains(&a)
    };
    a.allow != b.allow
        && a.ports.0 <= b.ports.1
        && b.ports.0 <= a.ports.1
        && meet(a.from, b.from)
        && meet(a.to, b.to)
}

#[test]
fn a_line_moved_past_unrelated_lines_keeps_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let write = |lines: &[Line]| format!("{SUBNET}\n{}", group("acl", lines));
    let number = |of: &BTreeMap<String, u64>, line: &Line| of[&format!("acl-{}-in", line.label)];
    let (mut quiet, mut moves) = (0, 0);
    for seed in 100..106 {
        let mut dice = Dice::new(seed);
        let mut lines = list(seed, &["10.20.4.0/24", "10.20.4.0/25", "10.20.4.8"]);
        let _ = fs::remove_file(folder.path().join("portcullis.lock"));
        let _ = fs::remove_dir_all(folder.path().join("out"));
        let mut before = numbers(&compile_in(folder.path(), &write(&lines)));
        for _ in 0..6 {
            let line = lines.remove(dice.below(lines.len()));
            lines.insert(dice.below(lines.len() + 1), line);
            let emitted = compile_in(folder.path(), &write(&lines));
            let after = numbers(&emitted);
            let pairs = || {
                let all = lines.iter().enumerate();
                all.flat_map(|(at, late)| lines.iter().take(at).map(move |early| (early, late)))
                    .filter(|(early, late)| related(early, late))
            };
            assert!(pairs().all(|(a, b)| number(&after, a) < number(&after, b)));
            if pairs().all(|(a, b)| number(&before, a) < number(&before, b)) {
                assert_eq!(before, after, "seed {seed}: {lines:#?}");
                quiet += 1;
            }
            for (source, port) in asks() {
                for destination in ["10.20.4.8", "10.20.4.200"] {
                    let found = inbound(&emitted, source, destination, port);
                    assert_eq!(found, first(&lines, source, destination, port));
                }
            }
            before = after;
            moves += 1;
        }
    }
    println!("{quiet} of {moves} moves changed no number");
    assert!(quiet > 0 && quiet < moves);
}

#[test]
fn a_security_group_cannot_allow_names_before_a_deny_of_the_internet() {
    let text = "firewall azfw {\n  vnet = hub\n  subnet = 10.0.1.0/26\n  private-ip = 10.0.1.4\n  dns-proxy = true\n}\n\n\
        vnet hub = 10.0.0.0/16 {\n  peers = [spoke]\n}\n\nvnet spoke = 10.1.0.0/16\n\n\
        nsg app {\n  default-outbound = deny\n}\n\nroute-table app {\n  default = azfw\n}\n\n\
        subnet app = 10.1.1.0/24 {\n  vnet = spoke\n  nsg = app\n  route-table = app\n}\n\n\
        ordered group acl {\n  allow broker: tcp/8883 from app to mqtt.contoso.com for \"Broker\"\n  \
        deny rest: any from app to tag(Internet) for \"Nothing else\"\n}\n";
    let folder = tempfile::tempdir().unwrap();
    let ran = compile_at(folder.path(), text);
    assert_eq!(ran.0, 1, "{}", ran.1);
    assert!(ran.1.contains("PC4001"), "{}", ran.1);
    let exact = text.replace("\"Nothing else\"", "\"Nothing else\" at firewall");
    let ran = compile_at(folder.path(), &exact);
    assert_eq!(ran.0, 0, "{}", ran.1);
}

/// A list in which allows and denies take turns.
fn list(seed: u64, to: &[&'static str]) -> Vec<Line> {
    let mut dice = Dice::new(seed);
    let from = [
        "10.20.0.0/16",
        "10.20.9.0/24",
        "10.20.9.128/25",
        "10.20.9.7",
    ];
    let ports = [(1, 65535), (20, 29), (22, 22), (25, 502), (443, 443)];
    (0..8)
        .map(|number| Line {
            // Names in no order, so that no order by name helps.
            label: format!("l{}-{number}", (number * 5) % 8),
            allow: dice.below(2) == 0,
            from: from[dice.below(from.len())],
            to: to[dice.below(to.len())],
            ports: ports[dice.below(ports.len())],
        })
        .collect()
}

fn group(name: &str, lines: &[Line]) -> String {
    let lines: String = lines.iter().map(Line::text).collect();
    format!("ordered group {name} {{\n{lines}}}\n")
}

fn asks() -> Vec<(&'static str, u16)> {
    let mut out = Vec::new();
    for source in ["10.20.9.7", "10.20.9.6", "10.20.9.200", "10.20.77.1"] {
        for port in [19, 20, 22, 24, 25, 29, 30, 443, 502, 503] {
            out.push((source, port));
        }
    }
    out
}

fn first(lines: &[Line], source: &str, destination: &str, port: u16) -> Verdict {
    let line = lines.iter().find(|l| l.matches(source, destination, port));
    match line {
        Some(line) if line.allow => Verdict::Allow,
        _ => Verdict::Deny,
    }
}

fn within(address: &str, prefix: &str) -> bool {
    let address: std::net::IpAddr = address.parse().unwrap();
    match prefix.parse::<ipnet::IpNet>() {
        Ok(net) => net.contains(&address),
        Err(_) => prefix.parse::<std::net::IpAddr>().unwrap() == address,
    }
}

fn packet(source: &str, destination: &str, name: &str, port: u16, l7: &str) -> Packet {
    Packet {
        source: Address::parse(source).unwrap(),
        destination: Address::parse(destination).unwrap(),
        name: name.to_owned(),
        protocol: "tcp".to_owned(),
        source_port: 50000,
        port,
        l7: l7.to_owned(),
    }
}

fn inbound(emitted: &Emitted, source: &str, destination: &str, port: u16) -> Verdict {
    let packet = packet(source, destination, "", port, "none");
    let around = Surroundings::default();
    let known = Knowledge::default();
    let group = &emitted.nsgs[0];
    nsg::evaluate_one(group, Direction::Inbound, &packet, &around, &known).verdict
}

/// The numbers of a security group's inbound rules, by name.
fn numbers(emitted: &Emitted) -> BTreeMap<String, u64> {
    nsg::rules(&emitted.nsgs[0], Direction::Inbound)
        .into_iter()
        .map(|rule| (rule.name, rule.priority))
        .collect()
}

fn compile(source: &str) -> Emitted {
    compile_in(tempfile::tempdir().unwrap().path(), source)
}

fn compile_in(folder: &Path, source: &str) -> Emitted {
    let (code, err) = compile_at(folder, source);
    assert_eq!(code, 0, "{source}\n{err}");
    Emitted::read(&folder.join("out/default")).unwrap()
}

fn compile_at(folder: &Path, source: &str) -> (i32, String) {
    fs::write(
        folder.join("main.gate"),
        format!("portcullis 1\n\n{source}"),
    )
    .unwrap();
    fs::write(folder.join("portcullis.yaml"), SETTINGS).unwrap();
    // Drawn lists have lines that never match: their order is what is looked at.
    let ran = portcullis(folder, &["compile", "--warn", "PC5001"]);
    (ran.code, ran.err)
}
