//! The compiler's own sets of packets against the meaning by hand: for generated policies, flow by
//! flow and packet by packet, what `denote` says a flow asks for is what the flow speaks of, and its
//! tiers decide what the language decides. It emits nothing.

use std::collections::BTreeMap;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::denote::{self, Denotation, Part, Sets};
use portcullis::diag::Sink;
use portcullis::packet::{Answer, Names, Region};
use portcullis::path::Fabric;
use portcullis::resolve;
use portcullis::source::{MemoryLoader, SourceMap};

use crate::oracle::Packet;
use crate::rooms_meaning::subject::probe;

use super::denote::{Meaning, denote, matches, surely};
use super::facts::Facts;
use super::policy::Policy;
use super::{CASES, PACKETS, generate, packets};

/// What was compared.
#[derive(Debug, Default)]
struct Counts {
    policies: usize,
    refused: usize,
    flows: usize,
    packets: usize,
    /// Packets that a flow speaks of, counted for each such flow.
    inside: usize,
    /// Of these the ones that an FQDN tag decides.
    by_symbol: usize,
    /// A name at an address that the policy declares as its own: the language says names are public.
    resolved: usize,
    /// An exception meets a deny that it does not name: the language refuses that.
    open: usize,
}

#[test]
fn regions_hold_the_packets_that_flows_speak_of() {
    let cases = std::env::var("PORTCULLIS_CASES").map_or(CASES, |text| text.parse().unwrap());
    let facts = Facts::read();
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    for seed in super::FOUND.into_iter().chain([6043]).chain(0..cases) {
        let policy = generate::policy(seed);
        compare(seed, &policy, &facts, &mut counts, &mut wrong);
    }
    println!("{counts:?}");
    wrong.truncate(super::SHOWN);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counts.inside * 10 > counts.packets && counts.by_symbol > 0);
    assert!(counts.refused * 10 < counts.policies && counts.resolved * 50 < counts.packets);
}

fn compare(
    seed: u64,
    policy: &Policy,
    facts: &Facts,
    counts: &mut Counts,
    wrong: &mut Vec<String>,
) {
    let text = policy.text();
    let mut loader = MemoryLoader::default();
    loader.files.extend(policy.files());
    let (mut sources, mut sink) = (SourceMap::default(), Sink::default());
    let catalog = Catalog::embedded(Cloud::Public);
    let roots = ["policy.gate".to_owned()];
    let resolved = resolve::resolve(&loader, &roots, catalog, &[], &mut sources, &mut sink);
    if sink.has_errors() {
        counts.refused += 1;
        return;
    }
    counts.policies += 1;
    let fabric = Fabric::new(&resolved[0], catalog);
    let denotation = denote::denotation(&fabric);
    // Both halves of a `between` are one flow here.
    let mut parts: BTreeMap<String, Vec<&Part>> = BTreeMap::new();
    for claim in &denotation.claims {
        let id = claim.id.split('/').next().unwrap().to_owned();
        parts.entry(id).or_default().extend(&claim.parts);
    }
    counts.flows += policy.flows.len();
    let declared = policy.declared();
    let mut sample = packets::sample(policy, facts, seed, PACKETS);
    let all = sample.len();
    sample.retain(|p| p.name.is_empty() || !p.destination.within(&declared));
    counts.resolved += all - sample.len();
    counts.packets += sample.len();
    for packet in &sample {
        for flow in policy.flows.iter().filter(|f| policy.present(f)) {
            let id = Policy::path(flow);
            let meant = matches(policy, facts, flow, packet);
            let sure = surely(policy, facts, flow, packet);
            let found = parts[&id]
                .iter()
                .map(|part| holds(&part.region, facts, packet));
            let found = found.max().unwrap_or(Found::No);
            counts.inside += usize::from(meant);
            counts.by_symbol += usize::from(found == Found::BySymbol);
            // What nobody knows may be found or not.
            if sure && found < Found::BySymbol || !meant && found != Found::No {
                wrong.push(format!(
                    "\nseed {seed}: {id} and {packet}: meant {meant}, found {found:?}\n{text}{:#?}",
                    parts[&id]
                ));
            }
        }
    }
    compare_tiers(seed, policy, facts, &sample, &denotation, counts, wrong);
}

fn compare_tiers(
    seed: u64,
    policy: &Policy,
    facts: &Facts,
    sample: &[Packet],
    denotation: &Denotation,
    counts: &mut Counts,
    wrong: &mut Vec<String>,
) {
    let tiers = denote::tiers(denotation, &mut Sample { facts, sample });
    for (index, packet) in sample.iter().enumerate() {
        let found = (tiers.allowed[index], tiers.denied[index]);
        // What arrives and what leaves are two packets: `tiers` leaves translations out.
        if packet.destination.within(&policy.published()) {
            continue;
        }
        let meaning = denote(policy, facts, packet);
        let meant = match meaning {
            Meaning::Allow(_) => (true, false),
            Meaning::Deny(_) => (false, true),
            Meaning::Default => (false, false),
            Meaning::Translated(_) => continue,
            Meaning::Open => {
                counts.open += 1;
                continue;
            }
        };
        if meant != found {
            let text = policy.text();
            wrong.push(format!(
                "\nseed {seed}: {packet} means {meaning:?}, found {found:?}\n{text}"
            ));
        }
    }
}

/// Sets of the packets of a sample.
struct Sample<'a> {
    facts: &'a Facts,
    sample: &'a [Packet],
}

impl Sets for Sample<'_> {
    type Set = Vec<bool>;

    fn none(&mut self) -> Self::Set {
        vec![false; self.sample.len()]
    }

    fn region(&mut self, region: &Region) -> Self::Set {
        let all = self.sample.iter();
        all.map(|p| holds(region, self.facts, p) >= Found::BySymbol)
            .collect()
    }

    fn union(&mut self, a: &Self::Set, b: &Self::Set) -> Self::Set {
        a.iter().zip(b).map(|(a, b)| *a || *b).collect()
    }

    fn subtract(&mut self, a: &Self::Set, b: &Self::Set) -> Self::Set {
        a.iter().zip(b).map(|(a, b)| *a && !*b).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    No,
    /// It may, and no fact says whether.
    May,
    /// It may, and the facts about an FQDN tag say that it does.
    BySymbol,
    Yes,
}

/// Whether a region holds a packet; of FQDN tags the facts know the names.
fn holds(region: &Region, facts: &Facts, packet: &Packet) -> Found {
    let probe = probe(packet);
    let symbols = match &region.names {
        Names::Some { symbols, .. } => symbols.clone(),
        Names::Any => std::collections::BTreeSet::new(),
    };
    match region.holds(&probe) {
        Answer::Yes => Found::Yes,
        Answer::No => Found::No,
        Answer::May if symbols.is_empty() => Found::May,
        Answer::May => {
            let mut rest = region.clone();
            rest.names = Names::Any;
            let known = symbols.iter().any(|s| {
                ["fqdn tag", "category"].contains(&s.kind) && facts.name_has(&packet.name, &s.name)
            });
            match rest.holds(&probe) {
                Answer::Yes if known => Found::BySymbol,
                Answer::Yes | Answer::No => Found::No,
                // The source may be a member of a group; the name is known to be none of these.
                Answer::May
                    if !known && region.names.holds(probe.name.as_deref()) != Answer::Yes =>
                {
                    Found::No
                }
                Answer::May => Found::May,
            }
        }
    }
}
