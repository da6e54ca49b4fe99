//! What is said of flows against flows, on drawn policies: a flow that is told to go changes nothing when
//! it goes, alone or with the others. Whether every such flow is told is not judged here.
//!
//! `PORTCULLIS_CASES=5000` draws so many policies instead of the usual number.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::catalog::{Catalog, Cloud};
use portcullis::denote::{self, Sets};
use portcullis::driver::{self, Options};
use portcullis::model::Policy;
use portcullis::packet::{Answer, Builder, Probe, Region, Set, Space, Transport};
use portcullis::path::Fabric;
use portcullis::source::MemoryLoader;

use super::generate::{self, Dice};

/// One finding: code, message, note.
type Told = (String, String, String);

/// What was told of a policy of one environment, and its model if it lowers.
fn told(text: &str) -> (Vec<Told>, Option<Policy>) {
    let mut loader = MemoryLoader::default();
    loader
        .files
        .insert("policy.gate".to_owned(), text.to_owned());
    let project = super::judge::project();
    let options = Options {
        no_prove: true,
        no_files: true,
        ..Options::default()
    };
    let mut policy = None;
    let catalog = Catalog::embedded(Cloud::Public);
    let compiled =
        driver::compile_watched(&loader, &project, catalog, &options, &mut |stage, _| {
            policy = Some(stage.context.fabric.policy.clone());
        });
    let mut found: Vec<Told> = compiled
        .diagnostics
        .into_iter()
        .map(|d| (d.code.to_string(), d.message, d.note.unwrap_or_default()))
        .filter(|(code, ..)| {
            code.starts_with("PC5") && !["PC5010", "PC5012", "PC5013"].contains(&code.as_str())
        })
        .collect();
    found.sort();
    (found, policy)
}

/// The flow that a finding is about.
fn subject(told: &Told) -> String {
    told.1.split('`').nth(1).unwrap().to_owned()
}

fn may_go(told: &Told) -> bool {
    ["PC5001", "PC5003", "PC5004"].contains(&told.0.as_str())
}

struct Diagrams(Space);

impl Sets for Diagrams {
    type Set = Set;

    fn none(&mut self) -> Set {
        self.0.empty()
    }
    fn region(&mut self, region: &Region) -> Set {
        self.0.region(region)
    }
    fn union(&mut self, a: &Set, b: &Set) -> Set {
        self.0.union(*a, *b)
    }
    fn subtract(&mut self, a: &Set, b: &Set) -> Set {
        self.0.subtract(*a, *b)
    }
}

fn without(policy: &Policy, gone: &BTreeSet<String>) -> Policy {
    let mut out = policy.clone();
    out.flows.retain(|flow| {
        let id = flow.id.text();
        !gone.contains(id.split('/').next().unwrap())
    });
    assert!(out.flows.len() < policy.flows.len(), "{gone:?}");
    out
}

/// Whether two policies allow and deny the same packets.
fn mean_the_same(a: &Policy, b: &Policy) -> bool {
    let catalog = Catalog::embedded(Cloud::Public);
    let (x, y) = (Fabric::new(a, catalog), Fabric::new(b, catalog));
    let (x, y) = (denote::denotation(&x), denote::denotation(&y));
    let mut builder = Builder::new();
    for part in x.claims.iter().chain(&y.claims).flat_map(|c| &c.parts) {
        builder.region(&part.region);
    }
    let mut sets = Diagrams(builder.build());
    let x = denote::tiers(&x, &mut sets);
    let y = denote::tiers(&y, &mut sets);
    assert!(!sets.0.exhausted());
    (x.allowed, x.denied) == (y.allowed, y.denied)
}

/// What is wrong with what was told of a policy, if anything is.
fn check(text: &str) -> Result<BTreeMap<String, usize>, String> {
    let (found, policy) = told(text);
    let mut counts = BTreeMap::new();
    for (code, ..) in &found {
        *counts.entry(code.clone()).or_default() += 1;
    }
    let Some(policy) = policy else {
        return Ok(counts);
    };
    let gone: Vec<(String, String)> = found
        .iter()
        .filter(|t| may_go(t))
        .map(|t| (subject(t), format!("{} {}", t.0, t.1)))
        .collect();
    for (flow, why) in &gone {
        if !mean_the_same(&policy, &without(&policy, &BTreeSet::from([flow.clone()]))) {
            return Err(format!("{why}\nbut it changes something"));
        }
    }
    if gone.len() > 1 {
        let all = gone.iter().map(|(flow, _)| flow.clone()).collect();
        if !mean_the_same(&policy, &without(&policy, &all)) {
            return Err(format!("{gone:#?}\nbut together they change something"));
        }
    }
    for finding in &found {
        witness(&policy, finding)?;
    }
    Ok(counts)
}

/// The packet that a finding shows is one of its flow's, if it is of those that are read here.
fn witness(policy: &Policy, finding: &Told) -> Result<(), String> {
    let Some((_, packet)) = finding.2.split_once("for example ") else {
        return Ok(());
    };
    let parts: Vec<&str> = packet.split([' ', ':']).collect();
    let [protocol @ ("tcp" | "udp"), source, "->", destination, port] = parts.as_slice() else {
        return Ok(());
    };
    let transport = if *protocol == "udp" {
        Transport::Udp
    } else {
        Transport::Tcp
    };
    let probe = Probe::new(
        transport,
        source.parse().unwrap(),
        destination.parse().unwrap(),
        port.parse().unwrap(),
    );
    let fabric = Fabric::new(policy, Catalog::embedded(Cloud::Public));
    let flow = subject(finding);
    let held = denote::denotation(&fabric)
        .claims
        .iter()
        .filter(|claim| claim.id.split('/').next() == Some(&flow))
        .flat_map(|claim| &claim.parts)
        .any(|part| part.region.holds(&probe) != Answer::No);
    if held {
        Ok(())
    } else {
        Err(format!("{finding:?}\nshows a packet that is not its own"))
    }
}

/// A policy of few addresses and ports, so that flows lie in each other.
struct Dense {
    plain: Vec<String>,
    ordered: Vec<String>,
}

impl Dense {
    fn draw(dice: &mut Dice) -> Self {
        let mut denies = Vec::new();
        let mut line = |dice: &mut Dice, index: usize, ordered: bool| {
            let from = dice.word(&[
                "10.0.0.0/29",
                "10.0.0.0/30",
                "10.0.0.4/30",
                "[10.0.0.0/31, 10.0.0.6/31]",
                "10.0.0.2-10.0.0.5",
                "any",
            ]);
            let to = dice.word(&[
                "10.1.0.0/30",
                "10.1.0.0/31",
                "10.1.0.2/31",
                "any",
                "[10.1.0.1, 10.1.0.2]",
            ]);
            let service = dice.word(&["tcp/80", "tcp/80-90", "tcp/85-95", "tcp/80, udp/53", "any"]);
            let ends = format!("{service} from {from} to {to}");
            let need = if !ordered && dice.percent(10) {
                "required "
            } else {
                ""
            };
            match dice.below(10) {
                0..5 => format!("{need}allow f{index}: {ends} for \"Flow\""),
                5..8 => {
                    if !ordered {
                        denies.push(index);
                    }
                    format!("deny f{index}: {ends} for \"Flow\"")
                }
                8 if !ordered => format!("forbid f{index}: {ends} for \"Flow\""),
                9 if !ordered && !denies.is_empty() => {
                    let over = dice.pick(&denies);
                    format!(
                        "allow f{index}: {ends} for \"Flow\" overrides f{over} ticket T-1 until 2027-01-01"
                    )
                }
                _ => format!("allow f{index}: {ends}"),
            }
        };
        let plain = (0..2 + dice.below(8)).map(|index| line(dice, index, false));
        let plain: Vec<String> = plain.collect();
        let ordered = (0..dice.below(9)).map(|index| line(dice, 20 + index, true));
        Self {
            ordered: ordered.collect(),
            plain,
        }
    }

    fn text(&self) -> String {
        let mut out = format!("portcullis 1\n\n{}\n", self.plain.join("\n"));
        if !self.ordered.is_empty() {
            out.push_str(&format!(
                "\nordered group acl {{\n  {}\n}}\n",
                self.ordered.join("\n  ")
            ));
        }
        out
    }
}

fn cases(usual: u64) -> u64 {
    std::env::var("PORTCULLIS_CASES").map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn what_is_told_to_go_changes_nothing() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..cases(190) {
        let dense = Dense::draw(&mut Dice::new(seed)).text();
        let drawn = generate::policy(seed).text();
        for text in [dense, drawn] {
            match check(&text) {
                Ok(found) => {
                    for (code, times) in found {
                        *counts.entry(code).or_default() += times;
                    }
                }
                Err(why) => panic!("seed {seed}\n{text}\n{why}"),
            }
        }
    }
    println!("{counts:?}");
    for code in ["PC5001", "PC5003", "PC5004", "PC5006", "PC5007", "PC5011"] {
        assert!(
            counts.contains_key(code),
            "{code} was never told: {counts:?}"
        );
    }
}

#[test]
fn the_order_of_plain_flows_says_nothing() {
    for seed in 0..cases(60) {
        let mut dice = Dice::new(seed);
        let mut dense = Dense::draw(&mut dice);
        let (before, _) = told(&dense.text());
        for last in (1..dense.plain.len()).rev() {
            let other = dice.below(last + 1);
            dense.plain.swap(last, other);
        }
        let (after, _) = told(&dense.text());
        assert_eq!(before, after, "seed {seed}\n{}", dense.text());
    }
}

#[test]
fn dead_flows_stay_dead_without_each_other() {
    let mut seen = 0;
    for seed in 0..cases(80) {
        let dense = Dense::draw(&mut Dice::new(seed));
        let (found, _) = told(&dense.text());
        let dead = |found: &[Told]| -> BTreeSet<String> {
            let of = found.iter().filter(|t| t.0 == "PC5001").map(subject);
            of.collect()
        };
        let all = dead(&found);
        for one in &all {
            let kept = Dense {
                plain: dense.plain.clone(),
                ordered: dense
                    .ordered
                    .iter()
                    .filter(|line| {
                        all.iter().all(|other| {
                            let label = other.split("::").last().unwrap();
                            other == one || !line.contains(&format!(" {label}:"))
                        })
                    })
                    .cloned()
                    .collect(),
            };
            let (after, _) = told(&kept.text());
            // A stronger flow of its own action may be all that is left of the reason.
            assert!(
                after.iter().any(|t| may_go(t) && subject(t) == *one),
                "seed {seed} {one}\n{}",
                kept.text()
            );
            seen += 1;
        }
    }
    assert!(seen > 5);
}
