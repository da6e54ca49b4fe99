//! Verdicts of tests on drawn policies: of single packets against the oracle and against `explain`, of
//! whole flows against every packet drawn for them, and what decides against what `explain` says decides.
//!
//! `PORTCULLIS_CASES=5000` draws so many policies instead of the usual number.

use std::collections::BTreeMap;
use std::net::IpAddr;

use portcullis::backends::Lowered;
use portcullis::catalog::{Catalog, Cloud};
use portcullis::driver::{self, Options, Stage};
use portcullis::model::address::AddressSet;
use portcullis::model::endpoint::{Endpoint, NamePattern};
use portcullis::model::service::{PortSet, Proto, Traffic};
use portcullis::model::verify::{Decider, Expect, ModelProbe, ProbeSpans, TestBlock};
use portcullis::packet::Transport;
use portcullis::reach::{Network, Question, Reply, Traces, ask, emitted, walk};
use portcullis::source::{MemoryLoader, Span};
use portcullis::trials::{Ruling, Wanted, judge as try_out};

use crate::oracle::path;
use crate::oracle::{Packet, Verdict};

use super::denote::surely;
use super::facts::Facts;
use super::generate;
use super::judge::{self, Emission};
use super::packets::{self, FREE};
use super::policy::{Part, Policy, range};

/// Policies of a usual run.
const CASES: u64 = 200;
/// Packets a policy.
const PACKETS: usize = 60;

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Passed,
    Failed,
    Another,
    Undecided,
    Empty,
}

const EXPECTATIONS: [Expect; 3] = [Expect::Allow, Expect::Deny, Expect::Reach];

/// A packet that can be asked for, with what is asked.
struct Asked<'p> {
    packet: &'p Packet,
    traffic: Traffic,
    from: Endpoint,
    to: Endpoint,
    question: Question,
}

fn ip(text: &impl std::fmt::Display) -> IpAddr {
    text.to_string().parse().unwrap()
}

fn one(text: &impl std::fmt::Display) -> Endpoint {
    Endpoint::of(AddressSet::range(ip(text), ip(text)))
}

/// What asks for a packet; none if no probe speaks of it alone.
fn asked<'p>(policy: &Policy, packet: &'p Packet) -> Option<Asked<'p>> {
    let (proto, transport) = match (packet.protocol.as_str(), packet.l7.as_str()) {
        ("udp", _) => (Proto::Udp, Transport::Udp),
        ("icmp", _) => (Proto::Icmp, Transport::Icmp),
        ("esp", _) => (Proto::Esp, Transport::Esp),
        ("ah", _) => (Proto::Ah, Transport::Ah),
        ("tcp", _) if packet.name.is_empty() => (Proto::Tcp, Transport::Tcp),
        ("tcp", "http") => (Proto::Http, Transport::Http),
        ("tcp", "https") => (Proto::Https, Transport::Https),
        ("tcp", "mssql") => (Proto::Mssql, Transport::Mssql),
        _ => return None,
    };
    let ports = if packet.has_ports() {
        PortSet::one(packet.port)
    } else {
        PortSet::all()
    };
    let mut traffic = Traffic::default();
    traffic.add(proto, &ports);
    let named = !packet.name.is_empty();
    if named && !is_free(policy, packet) {
        return None;
    }
    // Who asks for an address asks for the names that are said to be there too.
    let mut said = policy
        .flows
        .iter()
        .flat_map(|f| &f.to)
        .flat_map(Part::plain);
    let told_there = |p: Part| match p {
        Part::NameWithin(_, prefix) => range(prefix).contains(packet.destination),
        _ => false,
    };
    if !named && said.any(told_there) {
        return None;
    }
    let to = if named {
        let text = packet.name.to_ascii_lowercase();
        Endpoint {
            names: [NamePattern { text, within: None }].into(),
            ..Endpoint::default()
        }
    } else {
        one(&packet.destination)
    };
    Some(Asked {
        packet,
        traffic,
        from: one(&packet.source),
        to,
        question: Question {
            transport,
            source: ip(&packet.source),
            source_port: None,
            destination: (!named).then(|| ip(&packet.destination)),
            port: packet.has_ports().then_some(packet.port),
            name: named.then(|| packet.name.to_ascii_lowercase()),
        },
    })
}

/// At an address of which no rule and no route speaks by itself.
fn is_free(policy: &Policy, packet: &Packet) -> bool {
    fn speaks(policy: &Policy, part: &Part, packet: &Packet) -> bool {
        let to = packet.destination;
        match part {
            Part::Range(text) => range(text).contains(to),
            Part::Group(name) => policy.ip_group(name).iter().any(|r| r.contains(to)),
            Part::Except(base, minus) => {
                speaks(policy, base, packet) || minus.iter().any(|t| range(t).contains(to))
            }
            Part::Named(_, _, parts) => parts.iter().any(|p| speaks(policy, p, packet)),
            _ => false,
        }
    }
    FREE.contains(&packet.destination.to_string().as_str())
        && policy.flows.iter().all(|f| f.via.is_none())
        && !policy.routes.iter().any(|r| speaks(policy, &r.to, packet))
        && !policy
            .flows
            .iter()
            .any(|f| f.to.iter().any(|p| speaks(policy, p, packet)))
}

fn probe(
    expect: Expect,
    traffic: &Traffic,
    from: &Endpoint,
    to: &Endpoint,
    by: Option<Decider>,
) -> ModelProbe {
    ModelProbe {
        expect,
        traffic: traffic.clone(),
        from: from.clone(),
        to: to.clone(),
        at: None,
        by,
        spans: ProbeSpans::default(),
    }
}

fn test(probes: Vec<ModelProbe>) -> TestBlock {
    TestBlock {
        instance: Vec::new(),
        name: "drawn".to_owned(),
        span: Span::default(),
        with: None,
        probes,
    }
}

/// How the probes end. Sets and walk agree, or it is told.
fn run(
    stage: &Stage<'_>,
    network: &Network,
    lowered: &Lowered,
    probes: Vec<ModelProbe>,
) -> Result<Vec<Ended>, String> {
    let block = test(probes);
    let wanted = Wanted {
        tests: vec![&block],
        ..Wanted::default()
    };
    let found = try_out(stage.context, network, lowered, &wanted, stage.told).unwrap();
    if let Some(d) = found.diagnostics.iter().find(|d| d.code.id() == "PC9004") {
        return Err(d.message.clone());
    }
    let trial = &found.trials[0];
    assert_eq!(trial.probes.len(), block.probes.len());
    Ok(trial
        .probes
        .iter()
        .map(|p| match p.ruling {
            Ruling::Passed => Ended::Passed,
            Ruling::Failed(_) => Ended::Failed,
            Ruling::NotBy(_) => Ended::Another,
            Ruling::Undecided(..) => Ended::Undecided,
            Ruling::Empty(_) => Ended::Empty,
        })
        .collect())
}

#[derive(Default)]
struct Counts {
    policies: usize,
    packets: usize,
    named: usize,
    flows: usize,
    members: usize,
    deciders: usize,
    ended: BTreeMap<(&'static str, Ended), usize>,
    wrong: Vec<String>,
}

/// The flows behind the rule that decides, without the halves of a `between`.
fn behind(network: &Network, traces: &Traces, reply: &Reply) -> Option<Vec<String>> {
    let step = reply.journey.as_ref()?.deciding(network)?;
    let flows: &[String] = match (&step.translation, network.rule(step)) {
        (Some(t), _) => traces.placed(&t.resource, &t.path).map_or(&[], |(_, f)| f),
        (None, Some(rule)) => traces.of(rule).map_or(&[], |(_, f)| f),
        (None, None) => &[],
    };
    let whole = flows.iter().map(|id| id.split('/').next().unwrap());
    Some(whole.map(str::to_owned).collect())
}

fn look(
    stage: &Stage<'_>,
    lowered: &Lowered,
    drawn: (&Policy, &Emission, &Facts, u64),
    counts: &mut Counts,
) {
    let (policy, emission, facts, seed) = drawn;
    let network = emitted::network(stage.context, &lowered.resources).unwrap();
    let traces = Traces::new(&lowered.traces);
    let sample = packets::sample(policy, facts, seed, PACKETS);
    let oracle = |packet: &Packet| {
        let known = facts.knowledge(&[packet.source, packet.destination]);
        let way = path::evaluate(&emission.topology, &emission.emitted, packet, &known);
        // Whether a route leads from a firewall to what it translates to is not read in the network, nor
        // whether one subnet's reply finds back to another.
        let published = packet.destination.within(&policy.published());
        let lost = |s: &String| s.starts_with("reply");
        if judge::no_route(&way) && (published || way.steps.iter().any(lost)) {
            return Verdict::Unknown;
        }
        way.verdict
    };
    let wrong = |counts: &mut Counts, what: String| {
        counts.wrong.push(format!("seed {seed}: {what}"));
    };
    let asks: Vec<Asked<'_>> = sample.iter().filter_map(|p| asked(policy, p)).collect();
    let mut probes = Vec::new();
    for asked in &asks {
        for expect in EXPECTATIONS {
            probes.push(probe(expect, &asked.traffic, &asked.from, &asked.to, None));
        }
    }
    let flows = &stage.context.fabric.policy.flows;
    for flow in flows {
        for expect in EXPECTATIONS {
            probes.push(probe(expect, &flow.traffic, &flow.from, &flow.to, None));
        }
    }
    let ended = match run(stage, &network, lowered, probes) {
        Ok(ended) => ended,
        Err(why) => return wrong(counts, why),
    };
    let (singles, wholes) = ended.split_at(asks.len() * 3);
    // Where flows speak of source ports, a probe is more than the packet.
    let exact = policy.flows.iter().all(|f| f.source_ports.is_empty());
    let mut second = Vec::new();
    let mut expected = Vec::new();
    for (asked, ended) in asks.iter().zip(singles.chunks(3)) {
        let packet = asked.packet;
        let [allow, deny, reach] = ended else {
            panic!()
        };
        for (word, one) in [("allow", allow), ("deny", deny), ("reach", reach)] {
            *counts.ended.entry((word, *one)).or_default() += 1;
        }
        counts.packets += 1;
        counts.named += usize::from(!packet.name.is_empty());
        let passed = |one: &Ended| *one == Ended::Passed;
        let open = |one: &Ended| matches!(one, Ended::Undecided | Ended::Empty);
        let oracle = oracle(packet);
        let reply = ask(&network, &asked.question, false);
        let bad = match oracle {
            // A probe asks for every source port.
            Verdict::Deny => passed(allow) || exact && passed(reach),
            Verdict::Allow => passed(deny),
            Verdict::Unknown => false,
        };
        let missed = exact
            && match oracle {
                Verdict::Deny => !passed(deny) && !open(deny),
                Verdict::Allow => !passed(allow) && !open(allow),
                Verdict::Unknown => false,
            };
        let explained = match reply.verdict {
            Some(portcullis::packet::Verdict::Allow) => passed(allow) && passed(reach),
            Some(portcullis::packet::Verdict::Deny) => passed(deny),
            None => true,
        };
        if bad || missed || !explained {
            let told = reply.verdict;
            let what = format!(
                "{packet}: oracle {oracle}, explain {told:?}, allow {allow:?}, deny {deny:?}, reach {reach:?}"
            );
            wrong(counts, what);
        }
        // What decides, as `explain` has it, and something else.
        if let (Some(verdict), true) = (reply.verdict, exact && packet.name.is_empty())
            && let Some(ids) = behind(&network, &traces, &reply)
        {
            let expect = match verdict {
                portcullis::packet::Verdict::Allow => Expect::Allow,
                portcullis::packet::Verdict::Deny => Expect::Deny,
            };
            let mut by = |decider: Decider, holds: bool| {
                let (traffic, from, to) = (&asked.traffic, &asked.from, &asked.to);
                second.push(probe(expect, traffic, from, to, Some(decider.clone())));
                expected.push((packet, decider, holds));
            };
            match ids.first() {
                Some(id) => by(Decider::Flow([id.clone()].into()), true),
                None => by(Decider::Default, true),
            }
            let other = flows.iter().map(|f| f.id.text());
            let mut other = other.map(|id| id.split('/').next().unwrap().to_owned());
            if let Some(other) = other.find(|id| !ids.contains(id)) {
                by(Decider::Flow([other].into()), false);
            }
        }
    }
    for (flow, ended) in flows.iter().zip(wholes.chunks(3)) {
        counts.flows += 1;
        let [allow, deny, reach] = ended else {
            panic!()
        };
        let id = flow.id.text();
        let Some(own) = policy.flows.iter().find(|f| Policy::path(f) == id) else {
            continue;
        };
        for packet in &sample {
            let counted = packet.name.is_empty() != own.to.iter().any(Part::is_name)
                && (packet.name.is_empty() || is_free(policy, packet));
            if !counted || !own.source_ports.is_empty() || !surely(policy, facts, own, packet) {
                continue;
            }
            // A packet that nothing declared stands before has no way to judge.
            if walk(&network, &crate::rooms_meaning::subject::probe(packet)).is_empty() {
                continue;
            }
            counts.members += 1;
            let oracle = oracle(packet);
            let bad = match oracle {
                Verdict::Deny => *allow == Ended::Passed,
                Verdict::Allow => *deny == Ended::Passed || *reach == Ended::Failed,
                Verdict::Unknown => false,
            };
            if bad {
                let what = format!(
                    "flow {id}, {packet}: oracle {oracle}, allow {allow:?}, deny {deny:?}, reach {reach:?}"
                );
                wrong(counts, what);
            }
        }
    }
    match run(stage, &network, lowered, second) {
        Err(why) => wrong(counts, why),
        Ok(ended) => {
            for ((packet, decider, holds), ended) in expected.into_iter().zip(ended) {
                counts.deciders += 1;
                let fine = match ended {
                    Ended::Passed => holds,
                    Ended::Another => !holds,
                    _ => true,
                };
                if !fine {
                    let what = format!("{packet}: by {decider:?} is {ended:?}");
                    wrong(counts, what);
                }
            }
        }
    }
}

#[test]
fn tests_of_drawn_policies_are_judged_as_packets_are() {
    let cases = std::env::var("PORTCULLIS_CASES").map_or(CASES, |text| text.parse().unwrap());
    let first = std::env::var("PORTCULLIS_FIRST").map_or(0, |text| text.parse().unwrap());
    let facts = Facts::read();
    let mut counts = Counts::default();
    for seed in first..first + cases {
        let policy = generate::policy(seed);
        let Ok(emission) = judge::compile(&policy) else {
            continue;
        };
        counts.policies += 1;
        let before = counts.wrong.len();
        let mut loader = MemoryLoader::default();
        loader.files.extend(policy.files());
        let options = Options {
            no_prove: true,
            no_files: true,
            ..Options::default()
        };
        let _ = driver::compile_watched(
            &loader,
            &judge::project(),
            Catalog::embedded(Cloud::Public),
            &options,
            &mut |stage, lowered| {
                look(
                    stage,
                    lowered,
                    (&policy, &emission, &facts, seed),
                    &mut counts,
                );
            },
        );
        if counts.wrong.len() > before {
            counts.wrong.push(policy.text());
            if before > 0 {
                break;
            }
        }
    }
    println!(
        "{} policies, {} packets of which {} show a name, {} flows with {} packets, {} deciders\n{:?}",
        counts.policies,
        counts.packets,
        counts.named,
        counts.flows,
        counts.members,
        counts.deciders,
        counts.ended
    );
    assert!(counts.wrong.is_empty(), "{}", counts.wrong.join("\n"));
    if cases >= CASES {
        for word in ["allow", "deny", "reach"] {
            for ended in [Ended::Passed, Ended::Failed] {
                assert!(
                    counts.ended.contains_key(&(word, ended)),
                    "{word} {ended:?}"
                );
            }
        }
        assert!(counts.named > 0 && counts.members > 0 && counts.deciders > 0);
    }
}
