//! `query` on drawn policies against `explain` and the oracle, packet by packet, and the laws of its
//! rows: they cover the sets, share nothing, and show packets of theirs; a part of a question has that
//! part of the answer.
//!
//! `PORTCULLIS_CASES=5000` draws so many policies instead of the usual number, and `PORTCULLIS_FIRST=1234`
//! begins at that seed.

use std::fmt;
use std::net::IpAddr;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::driver::{self, Options};
use portcullis::model::service::PortSet;
use portcullis::packet::{Answer, Probe, Verdict};
use portcullis::query::{Certainty, Picture, Wanted, question, rows};
use portcullis::reach::{Memo, Network, Question, Reply, ask, emitted};
use portcullis::resolve::Words;
use portcullis::source::MemoryLoader;

use crate::oracle::path;
use crate::oracle::{self, Packet};

use crate::rooms_meaning::subject::transport;

use super::facts::{self, Facts};
use super::generate::{self, Dice};
use super::policy::Policy;
use super::{judge, packets};

/// Policies of a usual run.
const CASES: u64 = 120;
/// Packets a policy.
const PACKETS: usize = 60;

#[derive(Default)]
struct Counts {
    policies: usize,
    packets: usize,
    asked: usize,
    allowed: usize,
    denied: usize,
    open: usize,
    /// The sets have a verdict where the walk has none.
    sharper: usize,
    judged: usize,
    rows: usize,
    /// Answers that were given before.
    remembered: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} policies, {} packets: {} asked about, {} allowed, {} denied, {} open, {} of them by the \
             walk alone; {} judged by the oracle; {} rows; {} answers remembered",
            self.policies,
            self.packets,
            self.asked,
            self.allowed,
            self.denied,
            self.open,
            self.sharper,
            self.judged,
            self.rows,
            self.remembered
        )
    }
}

/// Seeds whose policies once had two answers: a translation to where the firewall's network does not lead, a
/// connection that two firewalls open one after the other, a reply into the own network that is for nobody there.
const FOUND: [u64; 5] = [103, 1590, 2287, 2903, 3292];

#[test]
fn policies_that_once_had_two_answers_have_one() {
    let facts = Facts::read();
    let mut counts = Counts::default();
    for seed in FOUND {
        let policy = generate::policy(seed);
        if let Err(why) = one(seed, &policy, &facts, &mut counts) {
            panic!("seed {seed}: {why}\n{}", policy.text());
        }
    }
    assert_eq!(counts.policies, FOUND.len());
}

#[test]
fn query_explain_and_the_oracle_agree_and_rows_cover_exactly() {
    let number = |name: &str, usual: u64| -> u64 {
        std::env::var(name).map_or(usual, |text| text.parse().unwrap())
    };
    let first = number("PORTCULLIS_FIRST", 0);
    let cases = number("PORTCULLIS_CASES", CASES);
    let facts = Facts::read();
    let mut counts = Counts::default();
    let mut wrong: Vec<String> = Vec::new();
    let mut faulty = 0;
    for seed in first..first + cases {
        let policy = generate::policy(seed);
        if let Err(why) = one(seed, &policy, &facts, &mut counts) {
            faulty += 1;
            if wrong.len() < 5 {
                wrong.push(format!("seed {seed}: {why}\n{}", policy.text()));
            }
        }
    }
    println!("{cases} policies from seed {first}: {counts}");
    assert!(
        wrong.is_empty(),
        "{faulty} policies are answered wrongly\n{}",
        wrong.join("\n\n")
    );
    if cases >= CASES {
        assert!(counts.policies as u64 * 10 >= cases * 4, "{counts}");
        assert!(counts.allowed * 20 > counts.asked, "{counts}");
        assert!(counts.denied * 20 > counts.asked, "{counts}");
        assert!(counts.judged * 3 > counts.asked, "{counts}");
        assert!(counts.remembered * 100 > counts.packets, "{counts}");
        assert!(counts.sharper * 50 <= counts.asked, "{counts}");
    }
}

/// Asks all packets, then a few parts of them.
fn one(seed: u64, policy: &Policy, facts: &Facts, counts: &mut Counts) -> Result<(), String> {
    let Ok(emission) = judge::compile(policy) else {
        return Ok(());
    };
    let mut dice = Dice::new(seed ^ 0x51_7e);
    let sample = packets::sample(policy, facts, seed, PACKETS);
    if sample.is_empty() {
        return Ok(());
    }
    counts.policies += 1;
    let whole = Words {
        from: Some("any".to_owned()),
        ..Words::default()
    };
    let mut part = whole.clone();
    draw(&mut part, &sample, &mut dice);
    let mut results: Vec<Result<(), String>> = Vec::new();
    // What was found of every packet with the whole question, to be found again.
    let mut known: Vec<(Probe, Option<Verdict>)> = Vec::new();
    watched(policy, &whole, &mut |network, picture| {
        let mut memo = Memo::new(network);
        for packet in &sample {
            results.push(remembered(network, &mut memo, packet, counts));
            counts.packets += 1;
            let found = asked(network, picture, packet, counts);
            match found {
                Ok(None) => {}
                Ok(Some(verdict)) => {
                    known.push((probe(packet), verdict));
                    let known = facts.knowledge(&[packet.source, packet.destination]);
                    let way = path::evaluate(&emission.topology, &emission.emitted, packet, &known);
                    results.push(judged(packet, verdict, &way, counts));
                }
                Err(why) => results.push(Err(why)),
            }
            let back = Packet {
                source: packet.destination,
                destination: packet.source,
                name: String::new(),
                ..packet.clone()
            };
            counts.packets += 1;
            results.push(asked(network, picture, &back, counts).map(|_| ()));
        }
    });
    watched(policy, &part, &mut |network, picture| {
        results.push(laws(network, picture, counts));
        for (probe, verdict) in &known {
            if picture.space.contains(picture.asked, probe) == Answer::Yes {
                let found = picture.verdicts(probe).sure();
                if found != *verdict {
                    results.push(Err(format!("{probe}: {verdict:?}, asked alone {found:?}")));
                }
            }
        }
    });
    results
        .into_iter()
        .collect::<Result<Vec<()>, String>>()
        .map(|_| ())
        .map_err(|why| format!("{part:?}\n{why}"))
}

/// What query says of a packet, if it is asked about at all, once explain has said the same.
fn asked(
    network: &Network,
    picture: &Picture,
    packet: &Packet,
    counts: &mut Counts,
) -> Result<Option<Option<Verdict>>, String> {
    let probe = probe(packet);
    if picture.space.contains(picture.asked, &probe) != Answer::Yes {
        return Ok(None);
    }
    counts.asked += 1;
    let found = picture.verdicts(&probe);
    let yes = [found.allowed, found.denied, found.open];
    if yes.contains(&Answer::Yes) && yes.iter().filter(|a| **a == Answer::No).count() != 2
        || yes.iter().all(|a| *a == Answer::No)
    {
        return Err(format!("{probe}: {found:?}"));
    }
    match found.sure() {
        Some(Verdict::Allow) => counts.allowed += 1,
        Some(Verdict::Deny) => counts.denied += 1,
        None => counts.open += 1,
    }
    let reply = ask(network, &as_question(packet), true);
    if reply.verdict == found.sure() {
        return Ok(Some(found.sure()));
    }
    if reply.verdict.is_none() {
        counts.sharper += 1;
        return Ok(Some(found.sure()));
    }
    Err(format!(
        "{probe}: query {found:?}, explain {:?}\n{:#?}",
        reply.verdict, reply.journey
    ))
}

/// Who stands like somebody who asked before gets the answer that would have been found anew.
fn remembered(
    network: &Network,
    memo: &mut Memo,
    packet: &Packet,
    counts: &mut Counts,
) -> Result<(), String> {
    if packet.name.is_empty() {
        return Ok(());
    }
    let question = Question {
        destination: None,
        ..as_question(packet)
    };
    for strict in [false, true] {
        let anew = || ask(network, &question, strict);
        let mut found = false;
        let told = memo.reply(network, &question, strict, || {
            found = true;
            anew()
        });
        counts.remembered += usize::from(!found);
        let short = |reply: &Reply| {
            let steps = reply.journey.iter().flat_map(|j| &j.steps);
            let rules: Vec<_> = steps
                .map(|s| {
                    (
                        s.station.clone(),
                        s.verdict,
                        s.decision.as_ref().and_then(|d| d.rule),
                    )
                })
                .collect();
            let said = (reply.assumes.clone(), reply.reason.clone());
            (reply.verdict, rules, said)
        };
        if short(&told) != short(&anew()) {
            return Err(format!("{question:?}: remembered {told:#?}"));
        }
    }
    Ok(())
}

fn judged(
    packet: &Packet,
    verdict: Option<Verdict>,
    way: &path::Way,
    counts: &mut Counts,
) -> Result<(), String> {
    let expected = match way.verdict {
        oracle::Verdict::Allow => Verdict::Allow,
        oracle::Verdict::Deny => Verdict::Deny,
        oracle::Verdict::Unknown => return Ok(()),
    };
    let Some(verdict) = verdict else {
        return Ok(());
    };
    counts.judged += 1;
    if verdict == expected {
        return Ok(());
    }
    Err(format!("{packet}: query {verdict:?}, oracle\n{way}"))
}

/// The laws of the rows.
fn laws(network: &Network, picture: &mut Picture, counts: &mut Counts) -> Result<(), String> {
    let full = picture.space.full();
    let mut covered = Vec::new();
    for course in picture.courses.values().copied().collect::<Vec<_>>() {
        for (a, b) in [
            (course.allowed, course.denied),
            (course.allowed, course.open),
            (course.denied, course.open),
        ] {
            if picture.space.meets(a, b) {
                return Err("allowed, denied and open share a packet".to_owned());
            }
        }
        for set in [course.allowed, course.denied, course.open] {
            if covered.iter().any(|other| picture.space.meets(*other, set)) {
                return Err("two ways share a packet".to_owned());
            }
            covered.push(set);
        }
    }
    let covered = picture.space.unite(covered);
    if covered != picture.asked {
        return Err("some packets are in no way".to_owned());
    }
    for verdict in [Verdict::Allow, Verdict::Deny] {
        let wanted = Wanted {
            verdict,
            most: usize::MAX,
        };
        let groups = rows(picture, network, wanted, |_| true).map_err(|why| why.to_string())?;
        let mut everything = picture.space.empty();
        for group in &groups {
            counts.rows += group.rows.len();
            for row in &group.rows {
                let own = picture.space.rectangle(&row.rectangle);
                let own = picture.space.intersect(own, full);
                if picture.space.meets(own, everything) {
                    return Err(format!("{} is told twice", row.rectangle));
                }
                everything = picture.space.union(everything, own);
                let probe = Probe::from(&row.witness);
                if picture.space.contains(own, &probe) == Answer::No {
                    return Err(format!("{} is not in {}", row.witness, row.rectangle));
                }
                let found = picture.verdicts(&probe);
                let sure = group.certainty == Certainty::Sure;
                if sure && found.sure() != Some(verdict) {
                    return Err(format!(
                        "{} shows {}: {found:?}",
                        row.witness, row.rectangle
                    ));
                }
                let reply = ask(network, &question(&row.witness), true);
                if reply.verdict.is_some() && reply.verdict != found.sure() {
                    return Err(format!("{}: {found:?}, {:?}", row.witness, reply.verdict));
                }
            }
            if group.left_out > 0 {
                return Err(format!("{} rows are left out", group.left_out));
            }
        }
        let mut sets = Vec::new();
        for course in picture.courses.values() {
            sets.push(course.open);
            sets.push(match verdict {
                Verdict::Allow => course.allowed,
                Verdict::Deny => course.denied,
            });
        }
        if picture.space.unite(sets) != everything {
            return Err("the rows are not the set".to_owned());
        }
    }
    Ok(())
}

/// A question about a part of all packets.
fn draw(words: &mut Words, sample: &[Packet], dice: &mut Dice) {
    let near = |address: String, dice: &mut Dice| {
        let (narrow, wide) = if address.contains(':') {
            ("128", "48")
        } else {
            ("32", "20")
        };
        let net = |length: &str| {
            let net: ipnet::IpNet = format!("{address}/{length}").parse().unwrap();
            net.trunc().to_string()
        };
        match dice.below(5) {
            0 => "any".to_owned(),
            1 => address,
            2 => format!("any except {}", net(wide)),
            3 => format!("tag({})", dice.pick(&facts::TAGS)),
            _ => format!("[{}, {}]", net(wide), net(narrow)),
        }
    };
    let packet = dice.pick(sample);
    words.from = Some(near(packet.source.to_string(), dice));
    let packet = dice.pick(sample);
    words.to = Some(match dice.below(6) {
        0 => "*.contoso.com".to_owned(),
        1 => "tag(Internet)".to_owned(),
        2 => "fqdn-tag(WindowsUpdate)".to_owned(),
        _ => near(packet.destination.to_string(), dice),
    });
    words.services = match dice.below(5) {
        0 => Some("tcp".to_owned()),
        1 => Some("https, udp/53".to_owned()),
        2 => Some("icmp".to_owned()),
        _ => None,
    };
    if words.services.as_deref() == Some("tcp") && dice.percent(50) {
        words.ports = Some(format!("22,{}", packet.port.max(1)));
    }
}

/// Compiles with a question and shows the network and the answer.
fn watched(policy: &Policy, words: &Words, show: &mut dyn FnMut(&Network, &mut Picture)) {
    let mut loader = MemoryLoader::default();
    loader.files.extend(policy.files());
    let project = judge::project();
    let options = Options {
        no_prove: true,
        no_files: true,
        asked: Some(words.clone()),
        ..Options::default()
    };
    let catalog = Catalog::embedded(Cloud::Public);
    let mut shown = 0;
    let compiled = driver::compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            let fabric = stage.context.fabric;
            let network = emitted::network(stage.context, &lowered.resources).unwrap();
            let asked = fabric.policy.asked.as_ref().unwrap();
            let mut picture = Picture::new(fabric, &network, asked);
            show(&network, &mut picture);
            assert!(!picture.space.exhausted());
            shown += 1;
        },
    );
    assert_eq!(shown, 1, "{words:?}: {:#?}", compiled.diagnostics);
}

fn as_question(packet: &Packet) -> Question {
    let ported = packet.has_ports();
    Question {
        transport: transport(packet),
        source: ip(packet.source),
        source_port: ported.then_some(packet.source_port),
        destination: Some(ip(packet.destination)),
        port: ported.then_some(packet.port),
        name: name(packet),
    }
}

fn probe(packet: &Packet) -> Probe {
    let mut out = Probe::new(
        transport(packet),
        ip(packet.source),
        ip(packet.destination),
        packet.port,
    );
    if packet.has_ports() {
        out.source_ports = PortSet::one(packet.source_port);
    }
    out.name = name(packet);
    out
}

fn name(packet: &Packet) -> Option<String> {
    (!packet.name.is_empty()).then(|| packet.name.to_lowercase())
}

fn ip(address: oracle::address::Address) -> IpAddr {
    address.to_string().parse().unwrap()
}
