//! What differs between a drawn policy and the same one edited: packet by packet against the oracle on
//! what both sides emit, and the laws of the regions. Rewrites that say the same differ in nothing. How a
//! difference is told is not asked here.
//!
//! `PORTCULLIS_CASES=2000` draws so many pairs instead of the usual number, and `PORTCULLIS_FIRST=1234`
//! begins at that seed.

use std::collections::BTreeMap;
use std::fmt;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::diff::scene::Scene;
use portcullis::diff::semantic::{Region, compare};
use portcullis::diff::textual;
use portcullis::diff::told::Kind;
use portcullis::driver::{self, Options};
use portcullis::packet::{Assumption, Builder, Rectangle, Set, Side, Space, Symbol, Transport};
use portcullis::reach::{Traces, passage};
use portcullis::source::MemoryLoader;

use crate::oracle::address::{Address, Range};
use crate::oracle::firewall::fqdn_matches;
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load::Emitted;
use crate::oracle::path::{self, Topology, Way};
use crate::oracle::{Match, Packet, Verdict};
use crate::rooms_meaning::subject::transport;

use super::edits::{EDITS, REWRITES, edited, rewritten};
use super::facts::Facts;
use super::generate::{self, Dice};
use super::judge;
use super::packets::{self, in_universe};
use super::policy::Policy;

/// Pairs of a usual run.
const CASES: u64 = 48;
/// Packets of each side of a pair.
const PACKETS: usize = 60;
/// Packets at the corners of each region.
const CORNERS: usize = 12;

const KINDS: [Kind; 6] = [
    Kind::NewlyAllowed,
    Kind::NewlyBypassing,
    Kind::NoLongerAllowed,
    Kind::NewlyPassing,
    Kind::Redirected,
    Kind::Undecided,
];

/// One side: what is compared, and what the oracle reads.
struct Built {
    scene: Scene,
    emitted: Emitted,
}

fn built(files: &[(String, String)], roots: usize) -> Option<Built> {
    let mut loader = MemoryLoader::default();
    loader.files.extend(files.iter().cloned());
    let mut project = judge::project();
    project.sources = files.iter().take(roots).map(|f| f.0.clone()).collect();
    let options = Options {
        no_prove: true,
        ..Options::default()
    };
    let mut scene = None;
    let catalog = Catalog::embedded(Cloud::Public);
    let compiled = driver::compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            let side = textual::Side::of_lowered(stage.context, lowered);
            let traces = Traces::new(&lowered.traces);
            let made = Scene::new(stage.context, stage.sources, side.items.iter(), traces);
            scene = Some(made.unwrap());
        },
    );
    let output = compiled.output?;
    let mut emitted = Emitted::default();
    for file in &output.files {
        let value = serde_json::from_str(&file.text).unwrap();
        judge::put(&mut emitted, &file.path, value);
    }
    Some(Built {
        scene: scene?,
        emitted,
    })
}

#[derive(Default)]
struct Counts {
    pairs: usize,
    refused: usize,
    differing: usize,
    regions: BTreeMap<&'static str, usize>,
    edits: BTreeMap<&'static str, usize>,
    packets: usize,
    changed: usize,
    /// The oracle does not know what becomes of it on one side.
    unknown: usize,
    /// Whether it is in a region hangs on what nobody tells.
    open: usize,
    /// It is said to be undecided, and the oracle knows what becomes of it.
    blunt: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pairs, {} refused, {} differ; regions {:?}; {} packets, {} of them changed, {} unknown to \
             the oracle, {} open, {} undecided; edits {:?}",
            self.pairs,
            self.refused,
            self.differing,
            self.regions,
            self.packets,
            self.changed,
            self.unknown,
            self.open,
            self.blunt,
            self.edits
        )
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn regions_are_exactly_the_packets_that_fare_otherwise() {
    let first = number("PORTCULLIS_FIRST", 0);
    let cases = number("PORTCULLIS_CASES", CASES);
    let facts = Facts::read();
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    let mut faulty = 0;
    let mut seed = first;
    while u64::try_from(counts.pairs).unwrap() < cases {
        let own = seed;
        seed += 1;
        let old = generate::made(own);
        let Some(before) = built(&old.policy.files(), 1) else {
            continue;
        };
        let mut dice = Dice::new(own ^ 0xd1ff);
        // Some edits are for few policies: each policy tries another one first.
        let start = usize::try_from(own).unwrap();
        let mut tried = 0;
        for at in 0..EDITS.len() {
            let which = EDITS[(start + at * 5) % EDITS.len()];
            let Some(new) = edited(generate::made(own), which, &mut dice) else {
                continue;
            };
            let Some(after) = built(&new.files(), 1) else {
                counts.refused += 1;
                continue;
            };
            tried += 1;
            *counts.edits.entry(which).or_default() += 1;
            let pair = Pair {
                policies: (&old.policy, &new),
                sides: (&before, &after),
                facts: &facts,
            };
            if let Err(why) = pair.judge(own, &mut counts) {
                faulty += 1;
                if wrong.len() < 4 {
                    wrong.push(format!(
                        "seed {own}, {which}: {why}\n--- old\n{}\n--- new\n{}",
                        old.policy.text(),
                        new.text()
                    ));
                }
            }
            if tried == 2 {
                break;
            }
        }
    }
    println!("seeds {first} to {seed}: {counts}");
    assert!(
        wrong.is_empty(),
        "{faulty} of {} pairs are compared wrongly\n{}",
        counts.pairs,
        wrong.join("\n\n")
    );
    if cases >= CASES {
        assert!(counts.differing * 3 > counts.pairs, "{counts}");
        assert!(counts.changed * 50 > counts.packets, "{counts}");
        assert!(counts.unknown * 20 < counts.packets, "{counts}");
        assert!(counts.open * 20 < counts.packets, "{counts}");
        assert!(counts.blunt * 500 < counts.packets, "{counts}");
        for kind in KINDS.iter().take(4).filter(|_| cases >= 1000) {
            assert!(counts.regions.contains_key(kind.word()), "{counts}");
        }
    }
}

/// Two policies with what they become.
struct Pair<'a> {
    policies: (&'a Policy, &'a Policy),
    sides: (&'a Built, &'a Built),
    facts: &'a Facts,
}

impl Pair<'_> {
    fn judge(&self, seed: u64, counts: &mut Counts) -> Result<(), String> {
        counts.pairs += 1;
        let (old, new) = (&self.sides.0.scene.sight, &self.sides.1.scene.sight);
        let told = |a, b, whole| compare(a, b, whole).map_err(|why| why.to_string());
        for own in [old, new] {
            for whole in [false, true] {
                if let Some(region) = told(own, own, whole)?.first() {
                    return Err(format!("it differs from itself: {}", region.rectangle));
                }
            }
        }
        let regions = told(old, new, false)?;
        if format!("{regions:?}") != format!("{:?}", told(old, new, false)?) {
            return Err("two runs differ".to_owned());
        }
        counts.differing += usize::from(!regions.is_empty());
        for region in &regions {
            *counts.regions.entry(region.kind.word()).or_default() += 1;
        }
        // It compares the sets itself, and tells the rows of the sliced look.
        let whole = told(old, new, true)?;
        if format!("{regions:?}") != format!("{whole:?}") {
            return Err("the look at everything tells other rows".to_owned());
        }
        let back = told(new, old, false)?;
        self.laws(&regions, &back)?;
        self.packets(seed, &regions, counts)
    }

    /// The laws of the sets: nothing is told twice, and the way back tells the same with the words turned
    /// round.
    fn laws(&self, regions: &[Region], back: &[Region]) -> Result<(), String> {
        let mut space = self.space();
        let sets: Vec<(Kind, Set)> = regions
            .iter()
            .map(|r| (r.kind, set(&mut space, r)))
            .collect();
        for (at, (kind, own)) in sets.iter().enumerate() {
            if space.is_empty(*own) {
                return Err(format!("an empty region: {}", regions[at].rectangle));
            }
            for (other, set) in sets.iter().take(at).map(|(k, s)| (*k, *s)) {
                if space.meets(*own, set) {
                    return Err(format!(
                        "{} as {} is told twice, once as {}",
                        regions[at].rectangle,
                        kind.word(),
                        other.word()
                    ));
                }
            }
        }
        for kind in KINDS {
            let turned = match kind {
                Kind::NewlyAllowed => Kind::NoLongerAllowed,
                Kind::NoLongerAllowed => Kind::NewlyAllowed,
                Kind::NewlyBypassing => Kind::NewlyPassing,
                Kind::NewlyPassing => Kind::NewlyBypassing,
                Kind::Redirected => Kind::Redirected,
                Kind::Undecided => Kind::Undecided,
            };
            let own = of_kind(&mut space, regions, kind);
            let other = of_kind(&mut space, back, turned);
            if own != other {
                let more = space.subtract(own, other);
                let less = space.subtract(other, own);
                return Err(format!(
                    "{} differs on the way back: more {:?}, less {:?}",
                    kind.word(),
                    space.rectangles(more, 2).rows,
                    space.rectangles(less, 2).rows
                ));
            }
        }
        Ok(())
    }

    /// A space that can tell apart what either side can.
    fn space(&self) -> Space {
        let mut builder = Builder::new();
        for side in [self.sides.0, self.sides.1] {
            let network = &side.scene.sight.network;
            let all = portcullis::model::address::AddressSet::all();
            passage::tell(&mut builder, network, &network.ways(&all, &all));
            builder.addresses(&network.transit);
            builder.addresses(&network.site_addresses());
        }
        builder.build()
    }

    /// Every packet whose verdict changed lies in one region of the right kind, every other one in none.
    fn packets(&self, seed: u64, regions: &[Region], counts: &mut Counts) -> Result<(), String> {
        let mut all = packets::sample(self.policies.0, self.facts, seed, PACKETS);
        all.extend(packets::sample(
            self.policies.1,
            self.facts,
            seed + 1,
            PACKETS,
        ));
        let rows: Vec<(Kind, Row, Vec<Row>)> = regions
            .iter()
            .map(|r| {
                let already = r.already.iter().map(Row::of).collect();
                (r.kind, Row::of(&r.rectangle), already)
            })
            .collect();
        let mut dice = Dice::new(seed ^ 0xc0_4e);
        for (_, row, already) in &rows {
            for at in 0..CORNERS {
                let own = match already.as_slice() {
                    [] => row,
                    some if at % 3 == 0 => dice.pick(some),
                    _ => row,
                };
                all.extend(own.corner(&mut dice));
            }
        }
        let topologies = (
            Topology::read(&self.policies.0.topology()),
            Topology::read(&self.policies.1.topology()),
        );
        for packet in &all {
            let (a, b) = self.policies;
            // Of IPv6 outside these nobody has any.
            let held = |end: Address| {
                let ranges = ["2000::/3", "fc00::/7"].map(|r| Range::parse(r).unwrap());
                !end.six || end.within(&ranges)
            };
            // No firewall has an IPv6 address, so that between two ends outside all subnets none passes.
            let inside = |end: Address| {
                let (old, new) = &topologies;
                old.subnet_of(end).or_else(|| new.subnet_of(end)).is_some()
            };
            let carried = !packet.source.six || inside(packet.source) || inside(packet.destination);
            let real = held(packet.source) && held(packet.destination) && carried;
            if !real || !in_universe(a, packet) || !in_universe(b, packet) {
                continue;
            }
            counts.packets += 1;
            let known = self.facts.knowledge(&[packet.source, packet.destination]);
            let was = path::evaluate(&topologies.0, &self.sides.0.emitted, packet, &known);
            let is = path::evaluate(&topologies.1, &self.sides.1.emitted, packet, &known);
            one(packet, &known, &rows, (&was, &is), counts)
                .map_err(|why| format!("{packet}: {why}\n  before\n{was}  after\n{is}"))?;
        }
        Ok(())
    }
}

fn set(space: &mut Space, region: &Region) -> Set {
    let mut own = space.rectangle(&region.rectangle);
    let full = space.full();
    own = space.intersect(own, full);
    for row in &region.already {
        let row = space.rectangle(row);
        own = space.subtract(own, row);
    }
    own
}

fn of_kind(space: &mut Space, regions: &[Region], kind: Kind) -> Set {
    let own = regions.iter().filter(|r| r.kind == kind);
    let sets: Vec<Set> = own.map(|r| set(space, r)).collect();
    space.unite(sets)
}

/// What the oracle says of the packet against the regions that hold it.
fn one(
    packet: &Packet,
    known: &Knowledge,
    rows: &[(Kind, Row, Vec<Row>)],
    (was, is): (&Way, &Way),
    counts: &mut Counts,
) -> Result<(), String> {
    if was.verdict == Verdict::Unknown || is.verdict == Verdict::Unknown {
        counts.unknown += 1;
        return Ok(());
    }
    let expected = match (was.verdict, is.verdict) {
        (Verdict::Deny, Verdict::Allow) => Some(Kind::NewlyAllowed),
        (Verdict::Allow, Verdict::Deny) => Some(Kind::NoLongerAllowed),
        (Verdict::Allow, Verdict::Allow) => match (walled(was), walled(is)) {
            (true, false) => Some(Kind::NewlyBypassing),
            (false, true) => Some(Kind::NewlyPassing),
            _ if was.led.is_some() && is.led.is_some() && was.led != is.led => {
                Some(Kind::Redirected)
            }
            _ => None,
        },
        _ => None,
    };
    let mut found = Vec::new();
    let mut open = false;
    for (kind, row, already) in rows {
        let mut held = row.holds(packet, known);
        for other in already {
            held = match other.holds(packet, known) {
                Match::Yes => Match::No,
                Match::May => held.min(Match::May),
                Match::No => held,
            };
        }
        match held {
            Match::Yes => found.push(*kind),
            Match::May => open = true,
            Match::No => {}
        }
    }
    counts.changed += usize::from(expected.is_some());
    if open {
        counts.open += 1;
        return Ok(());
    }
    let wanted: Vec<Kind> = expected.into_iter().collect();
    if found == wanted {
        return Ok(());
    }
    if found == [Kind::Undecided] {
        counts.blunt += 1;
        return Ok(());
    }
    Err(format!("it is {wanted:?}, and told to be {found:?}"))
}

/// Whether a firewall is on the way.
fn walled(way: &Way) -> bool {
    let mut steps = way.steps.iter();
    steps.any(|s| s.starts_with("firewall:") || s.starts_with("dnat:"))
}

/// A row in the oracle's words.
struct Row {
    sources: Vec<Range>,
    destinations: Vec<Range>,
    transports: Vec<Transport>,
    ports: Vec<(u16, u16)>,
    source_ports: Vec<(u16, u16)>,
    none: bool,
    patterns: Vec<(String, Vec<String>)>,
    assumed: Vec<Assumption>,
}

impl Row {
    fn of(row: &Rectangle) -> Self {
        let texts = |set: &portcullis::model::address::AddressSet| -> Vec<Range> {
            let all = set.to_prefixes();
            all.iter()
                .map(|p| Range::parse(&p.to_string()).unwrap())
                .collect()
        };
        let mut assumed = row.assuming.clone();
        let mut say = |side: Side, symbols: &[Symbol], holds: bool| {
            assumed.extend(symbols.iter().map(|symbol| Assumption {
                side,
                symbol: symbol.clone(),
                holds,
            }));
        };
        say(Side::Source, &row.source.within, true);
        say(Side::Source, &row.source.outside, false);
        say(Side::Destination, &row.destination.within, true);
        say(Side::Destination, &row.destination.outside, false);
        say(Side::Name, &row.names.within, true);
        say(Side::Name, &row.names.outside, false);
        let patterns = row.names.patterns.iter();
        Self {
            sources: texts(&row.source.addresses),
            destinations: texts(&row.destination.addresses),
            transports: row.transports.iter().collect(),
            ports: row.ports.ranges().to_vec(),
            source_ports: row.source_ports.ranges().to_vec(),
            none: row.names.none,
            patterns: patterns
                .map(|p| (p.pattern.clone(), p.except.clone()))
                .collect(),
            assumed,
        }
    }

    fn holds(&self, packet: &Packet, known: &Knowledge) -> Match {
        let port = |ranges: &[(u16, u16)], port: u16| {
            !packet.has_ports() || ranges.iter().any(|(a, b)| *a <= port && port <= *b)
        };
        let named = |(pattern, except): &(String, Vec<String>)| {
            fqdn_matches(pattern, &packet.name)
                && !except.iter().any(|e| fqdn_matches(e, &packet.name))
        };
        let name = if packet.name.is_empty() {
            self.none
        } else {
            self.patterns.iter().any(named)
        };
        let plain = packet.source.within(&self.sources)
            && packet.destination.within(&self.destinations)
            && self.transports.contains(&transport(packet))
            && port(&self.ports, packet.port)
            && port(&self.source_ports, packet.source_port)
            && name;
        let mut out = Match::from(plain);
        for one in &self.assumed {
            let text = &one.symbol.name;
            let held = match (one.side, one.symbol.kind) {
                (Side::Source, "service tag") => known.in_service_tag(packet.source, text),
                (Side::Destination, "service tag") => {
                    known.in_service_tag(packet.destination, text)
                }
                (Side::Name, "fqdn tag" | "category") => known.in_name_tag(&packet.name, text),
                _ => Match::May,
            };
            let held = match (held, one.holds) {
                (Match::Yes, false) => Match::No,
                (Match::No, false) => Match::Yes,
                (held, _) => held,
            };
            out = out.and(held);
        }
        out
    }

    /// A packet at a corner of it, inside or just outside.
    fn corner(&self, dice: &mut Dice) -> Option<Packet> {
        let end = |ranges: &[Range], dice: &mut Dice| -> Option<Address> {
            let range = *dice.pick(ranges);
            match dice.below(10) {
                0..4 => Some(range.low()),
                4..8 => Some(range.high()),
                8 => range.low().step(-1),
                _ => range.high().step(1),
            }
        };
        let port = |ranges: &[(u16, u16)], dice: &mut Dice| -> u16 {
            let (first, last) = *dice.pick(ranges);
            let below = first.saturating_sub(1);
            let edges = [first, last, first, last, below, last.saturating_add(1)];
            (*dice.pick(&edges)).max(1)
        };
        if self.ports.is_empty() || self.source_ports.is_empty() {
            return None;
        }
        let (mut protocol, mut l7) = match dice.pick(&self.transports) {
            Transport::Tcp => ("tcp", "none"),
            Transport::Http => ("tcp", "http"),
            Transport::Https => ("tcp", "https"),
            Transport::Mssql => ("tcp", "mssql"),
            Transport::Udp => ("udp", "none"),
            Transport::Icmp => ("icmp", "none"),
            Transport::Esp => ("esp", "none"),
            Transport::Ah => ("ah", "none"),
            Transport::Other => return None,
        };
        if dice.percent(10) {
            (protocol, l7) = (dice.word(&["tcp", "udp"]), "none");
        }
        let names: Vec<&str> = Facts::names().collect();
        let mut name = String::new();
        if !self.none || dice.percent(15) {
            let fit: Vec<&&str> = names
                .iter()
                .filter(|n| self.patterns.iter().any(|p| fqdn_matches(&p.0, n)))
                .collect();
            name = if fit.is_empty() || dice.percent(15) {
                (*dice.pick(&names)).to_owned()
            } else {
                (**dice.pick(&fit)).to_owned()
            };
        }
        let ported = protocol == "tcp" || protocol == "udp";
        let source_port = if dice.percent(70) && self.source_ports == [(1, 65_535)] {
            50_000
        } else {
            port(&self.source_ports, dice)
        };
        Some(Packet {
            source: end(&self.sources, dice)?,
            destination: end(&self.destinations, dice)?,
            name,
            protocol: protocol.to_owned(),
            source_port: if ported { source_port } else { 0 },
            port: if ported { port(&self.ports, dice) } else { 0 },
            l7: if protocol == "tcp" { l7 } else { "none" }.to_owned(),
        })
    }
}

#[test]
fn what_says_the_same_differs_in_no_packet() {
    let first = number("PORTCULLIS_FIRST", 0);
    let cases = number("PORTCULLIS_CASES", CASES);
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut pairs, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    let mut seed = first;
    while pairs < cases {
        let own = seed;
        seed += 1;
        let policy = generate::policy(own);
        let Some(before) = built(&policy.files(), 1) else {
            continue;
        };
        let mut dice = Dice::new(own ^ 0x5a3e);
        for which in REWRITES {
            let Some((files, roots)) = rewritten(&policy, which, &mut dice) else {
                continue;
            };
            let Some(after) = built(&files, roots) else {
                refused += 1;
                continue;
            };
            pairs += 1;
            *done.entry(which).or_default() += 1;
            for whole in [false, true] {
                let (a, b) = (&before.scene.sight, &after.scene.sight);
                let found = match compare(a, b, whole) {
                    Ok(regions) if regions.is_empty() => continue,
                    Ok(regions) => regions[0].rectangle.to_string(),
                    Err(why) => why.to_string(),
                };
                let texts: Vec<&str> = files.iter().map(|f| f.1.as_str()).collect();
                wrong.push(format!(
                    "seed {own}, {which}, whole {whole}: {found}\n--- old\n{}--- new\n{}",
                    policy.text(),
                    texts.join("\n")
                ));
            }
        }
    }
    println!("{pairs} pairs of seeds {first} to {seed}, {refused} refused: {done:?}");
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.iter().take(4).cloned().collect::<Vec<_>>().join("\n")
    );
    if cases >= CASES {
        for which in REWRITES {
            assert!(done.contains_key(which), "{which}: {done:?}");
        }
    }
}
