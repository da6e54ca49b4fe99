//! How much of what `explain` is asked stays unknown: on the committed policies nothing that carries an
//! address and, where a name is read inside, a name that the policy lists. Packets are drawn at the
//! edges of everything in the committed output. `PORTCULLIS_CASES=50000` draws so many in each
//! environment instead of the usual number; `--nocapture` prints the shares.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use portcullis::model::address::AddressSet;
use serde_json::Value;

use crate::cli::{command, run};
use crate::oracle::load::root;
use crate::tidy::walk;

/// Packets of each environment.
const PACKETS: usize = 2_000;

/// What one rule speaks of.
#[derive(Debug, Default)]
struct Rule {
    sources: Vec<String>,
    destinations: Vec<String>,
    ports: Vec<String>,
    names: Vec<String>,
}

/// What the output of an environment speaks of.
#[derive(Debug, Default)]
struct Spoken {
    rules: Vec<Rule>,
    /// Addresses by service tag.
    tagged: Vec<(String, Ipv4Addr)>,
    /// First and last addresses of everything, and their neighbours.
    addresses: BTreeSet<Ipv4Addr>,
    ports: BTreeSet<u16>,
    /// Names as listed; a wildcard with a label in front.
    listed: BTreeSet<String>,
    /// Names of which nothing says whether a tag or category holds them.
    others: BTreeSet<String>,
}

impl Spoken {
    fn read(folder: &Path) -> Self {
        let mut out = Self::default();
        // Public addresses, of service tags and free.
        let tagged = fs::read_to_string(root().join("tests/cases/apim/addresses.csv")).unwrap();
        let tagged = tagged
            .lines()
            .filter_map(|l| l.split(',').next()?.parse::<Ipv4Addr>().ok());
        out.addresses.extend(tagged);
        out.ports.extend([22, 80, 443, 1433]);
        out.others.insert("www.unlisted.example".to_owned());
        for path in walk(folder) {
            let json = path.extension().is_some_and(|e| e == "json");
            if json && path.file_name().is_some_and(|n| n != "manifest.json") {
                let value: Value =
                    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
                out.walk("", &value);
            }
        }
        out.others = out.others.difference(&out.listed).cloned().collect();
        out
    }

    fn walk(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                let rule = Rule {
                    sources: texts(fields, "source", &["addresses", "addressprefix"]),
                    destinations: texts(fields, "destination", &["addresses", "addressprefix"]),
                    ports: texts(fields, "destination", &["ports", "portrange"]),
                    names: [
                        texts(fields, "destination", &["fqdns"]),
                        texts(fields, "target", &["fqdns"]),
                    ]
                    .concat(),
                };
                if !rule.sources.is_empty() {
                    self.rules.push(rule);
                }
                fields.iter().for_each(|(key, v)| self.walk(key, v));
            }
            Value::Array(items) => items.iter().for_each(|v| self.walk(key, v)),
            Value::String(text) => self.string(key, text),
            _ => {}
        }
    }

    fn string(&mut self, key: &str, text: &str) {
        let key = key.to_ascii_lowercase();
        if key.contains("fqdns") {
            let name = text.strip_prefix('*');
            let listed = name.map_or_else(|| text.to_owned(), |rest| format!("w0{rest}"));
            // The apex of a wildcard is not in it.
            if let Some(apex) = text.strip_prefix("*.") {
                self.others.insert(apex.to_owned());
            }
            self.listed.insert(listed);
        } else if key.contains("port") {
            for edge in text.split('-').filter_map(|t| t.parse::<u16>().ok()) {
                let near = [edge.saturating_sub(1), edge, edge.saturating_add(1)];
                self.ports.extend(near.into_iter().filter(|p| *p > 0));
            }
        } else if key.contains("address") || key.contains("prefix") {
            let Some((first, last)) = ends(text) else {
                return;
            };
            let (first, last) = (u32::from(first), u32::from(last));
            let near = [first.saturating_sub(1), first, last, last.saturating_add(1)];
            self.addresses.extend(near.map(Ipv4Addr::from));
        }
    }
}

/// The texts of the fields of one side whose names go on so.
fn texts(fields: &serde_json::Map<String, Value>, side: &str, words: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    for (key, value) in fields {
        let key = key.to_ascii_lowercase();
        let rest = key.strip_prefix(side).unwrap_or_default();
        if !words.iter().any(|word| rest.starts_with(word)) {
            continue;
        }
        match value {
            Value::Array(items) => {
                out.extend(items.iter().filter_map(|v| Some(v.as_str()?.to_owned())));
            }
            one => out.extend(one.as_str().map(str::to_owned)),
        }
    }
    out
}

/// First and last of a prefix or range of addresses.
fn ends(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match text.parse::<ipnet::Ipv4Net>() {
        Ok(net) => Some((net.network(), net.broadcast())),
        Err(_) => Option::zip(first.parse().ok(), last.parse().ok()),
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, set: &'a BTreeSet<T>) -> Option<&'a T> {
        (!set.is_empty()).then(|| set.iter().nth(self.below(set.len())).unwrap())
    }
}

impl Spoken {
    /// An address that a rule names, or any.
    fn address(&self, said: &[String], dice: &mut Dice) -> Ipv4Addr {
        let any = *dice.pick(&self.addresses).unwrap();
        if said.is_empty() || dice.below(8) == 0 {
            return any;
        }
        let text = &said[dice.below(said.len())];
        if let Some((first, last)) = ends(text) {
            let (first, last) = (u32::from(first), u32::from(last));
            let edges = [
                first,
                last,
                first.saturating_add(4).min(last),
                first - first % 2,
            ];
            return Ipv4Addr::from(edges[dice.below(edges.len())]);
        }
        let of_tag = self.tagged.iter().filter(|(tag, _)| tag == text);
        let of_tag: BTreeSet<Ipv4Addr> = of_tag.map(|(_, address)| *address).collect();
        dice.pick(&of_tag).copied().unwrap_or(any)
    }
}

/// A packet as `explain --flows` takes it, and whether everything in it is listed.
fn packet(spoken: &Spoken, dice: &mut Dice) -> (Value, bool) {
    let rule = &spoken.rules[dice.below(spoken.rules.len())];
    let source = spoken.address(&rule.sources, dice);
    let mut destination = spoken.address(&rule.destinations, dice);
    let near: BTreeSet<u16> = rule.ports.iter().filter_map(|t| t.parse().ok()).collect();
    let near = if dice.below(4) == 0 {
        &spoken.ports
    } else {
        &near
    };
    let port = *dice.pick(near).or(dice.pick(&spoken.ports)).unwrap();
    let protocol = ["tcp", "tcp", "tcp", "udp", "icmp"][dice.below(5)];
    let mut line = serde_json::json!({ "protocol": protocol, "source": source.to_string() });
    if protocol != "icmp" {
        line["port"] = port.into();
    }
    let mut listed = true;
    if !rule.names.is_empty() || dice.below(4) == 0 {
        let (l7, port) = [
            ("https", 443),
            ("https", 443),
            ("http", 80),
            ("mssql", 1433),
        ][dice.below(4)];
        listed = dice.below(4) > 0;
        let own = rule.names.iter().filter(|n| !n.starts_with('*')).cloned();
        let own: BTreeSet<String> = own.collect();
        let names = match (listed, dice.below(2)) {
            (true, 0) if !own.is_empty() => &own,
            (true, _) => &spoken.listed,
            _ => &spoken.others,
        };
        if let Some(name) = dice.pick(names) {
            // A name is public: at an address of the policy's own it would be another question.
            let asked = AddressSet::range(destination.into(), destination.into());
            if !asked.meets(&portcullis::model::internet::public()) {
                destination = Ipv4Addr::new(93, 184, 216, 34);
            }
            line["protocol"] = "tcp".into();
            line["l7"] = l7.into();
            line["port"] = port.into();
            line["fqdn"] = name.as_str().into();
        }
    }
    line["destination"] = destination.to_string().into();
    (line, listed)
}

#[test]
fn nothing_that_the_policies_list_is_unknown() {
    let told = std::env::var("PORTCULLIS_CASES").ok();
    let count = told.map_or(PACKETS, |t| t.parse().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = String::new();
    for project in ["apim", "hub", "baseline"] {
        let folder = root().join("policies").join(project);
        let mut environments: Vec<String> = fs::read_dir(folder.join("out"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        environments.sort();
        assert!(!environments.is_empty());
        for environment in environments {
            let spoken = Spoken::read(&folder.join("out").join(&environment));
            assert!(spoken.addresses.len() > 40, "{project}: {spoken:?}");
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
            let (mut lines, mut listed) = (String::new(), Vec::new());
            for _ in 0..count {
                let (line, all) = packet(&spoken, &mut dice);
                writeln!(lines, "{line}").unwrap();
                listed.push(all);
            }
            let file = scratch.path().join("packets.jsonl");
            fs::write(&file, &lines).unwrap();
            let file = file.to_str().unwrap();
            let args = ["explain", "--strict", "--format", "jsonl", "--flows", file];
            let mut asked = command(&folder, &args);
            asked.args(["-e", &environment]);
            let ran = run(&mut asked);
            assert_eq!(ran.code, 0, "{}", ran.err);
            let answers: Vec<Value> = ran
                .out
                .lines()
                .map(|l| serde_json::from_str(l).unwrap())
                .collect();
            assert_eq!(answers.len(), count);
            // The language speaks of packets with an end in a subnet, or a firewall between: others
            // have no way.
            let has_way = |answer: &Value| answer["path"].as_array().is_some_and(|p| !p.is_empty());
            let unknown = |answer: &Value| answer["verdict"] == "unknown" && has_way(answer);
            let open = answers.iter().filter(|a| unknown(a)).count();
            let outside = answers.iter().filter(|a| !has_way(a)).count();
            let allowed = answers.iter().filter(|a| a["verdict"] == "allow").count();
            println!(
                "{project} {environment}: {count} packets, {outside} without a way, {allowed} allowed, \
                 {open} unknown ({:.2} %); {} with all that is listed",
                100.0 * f64::from(u32::try_from(open).unwrap())
                    / f64::from(u32::try_from(count).unwrap()),
                listed.iter().filter(|l| **l).count(),
            );
            // A sample that nothing passes, or that has no way, would show little.
            assert!(allowed * 20 > count, "{project} {environment}");
            assert!(outside * 4 < count, "{project} {environment}");
            let rows = lines.lines().zip(&answers).zip(&listed);
            for ((line, answer), _) in rows.filter(|((_, a), listed)| **listed && unknown(a)) {
                writeln!(wrong, "{project} {environment}: {line}\n  {answer}").unwrap();
            }
        }
    }
    let shown: Vec<&str> = wrong.lines().take(20).collect();
    assert!(wrong.is_empty(), "{}", shown.join("\n"));
}
