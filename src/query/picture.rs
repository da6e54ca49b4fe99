//! What becomes of the packets between two ends, as sets: allowed, denied, open, by the way they take.
//! What the sets are called is not said here.

use std::collections::BTreeMap;

use crate::backends::firewall_rules::{Target, Translation};
use crate::denote;
use crate::model::address::AddressSet;
use crate::model::asked::Asked;
use crate::packet::region::pattern_holds;
use crate::packet::{Addresses, Answer, Builder, Probe, Region, Set, Space, Verdict};
use crate::path::Fabric;
use crate::reach::{End, Layers, Network, Outcome, Pass, Run, passage};

/// Which way packets take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// Past every firewall.
    Direct,
    /// Through firewalls, in order, by index in [`Network::firewalls`].
    Through(Vec<usize>),
    /// To an address of a firewall, which translates it.
    Translated {
        /// The firewall, by index.
        firewall: usize,
        /// Address or name behind it.
        to: String,
        /// Port there.
        port: u16,
    },
    /// By something that nobody declared, after these firewalls.
    Undeclared(Vec<usize>),
    /// Between ends that nothing declared stands between.
    Nowhere,
}

impl Course {
    fn of(run: &Run) -> Self {
        let firewalls: Vec<usize> = run
            .passes
            .iter()
            .filter_map(|pass| match pass {
                Pass::Firewall(index) => Some(*index),
                _ => None,
            })
            .collect();
        if run.end == End::Unknown {
            Self::Undeclared(firewalls)
        } else if firewalls.is_empty() {
            Self::Direct
        } else {
            Self::Through(firewalls)
        }
    }

    /// The firewalls on the way.
    #[must_use]
    pub fn firewalls(&self) -> &[usize] {
        match self {
            Self::Through(list) | Self::Undeclared(list) => list,
            Self::Translated { firewall, .. } => std::slice::from_ref(firewall),
            Self::Direct | Self::Nowhere => &[],
        }
    }
}

/// What the sets say of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// It arrives.
    pub allowed: Answer,
    /// It does not.
    pub denied: Answer,
    /// It depends on what is not declared.
    pub open: Answer,
}

impl Verdicts {
    /// The verdict, if there is only one whatever the symbols hold.
    #[must_use]
    pub fn sure(self) -> Option<Verdict> {
        match self {
            Self {
                allowed: Answer::Yes,
                ..
            } => Some(Verdict::Allow),
            Self {
                denied: Answer::Yes,
                ..
            } => Some(Verdict::Deny),
            _ => None,
        }
    }
}

/// The packets between two ends. Of every packet that is asked about exactly one of allowed, denied
/// and open is true, once it is known what the symbols hold.
pub struct Picture {
    /// The space of all sets here.
    pub space: Space,
    /// What is asked about: packets that the policy says there are none of left out.
    pub asked: Set,
    /// What becomes of what is asked about, by way.
    pub courses: BTreeMap<Course, Outcome>,
    /// The same of every packet on these ways and of everybody's on the translations.
    all: Outcome,
}

impl Picture {
    /// Works it out.
    #[must_use]
    pub fn new(fabric: &Fabric<'_>, network: &Network, asked: &Asked) -> Self {
        let regions = regions(fabric, network, asked);
        let end = |of: fn(&Region) -> &Addresses| {
            let ends = regions.iter().map(of);
            ends.fold(AddressSet::empty(), |all, end| all.union(&extent(end)))
        };
        let (from, to) = (end(|r| &r.source), end(|r| &r.destination));
        let ways = network.ways(&from, &to);
        let mut builder = Builder::new();
        passage::tell(&mut builder, network, &ways);
        for region in &regions {
            builder.region(region);
        }
        builder.addresses(&network.transit);
        let space = builder.build();
        let none = space.empty();
        let mut out = Self {
            asked: none,
            courses: BTreeMap::new(),
            all: Outcome::default(),
            space,
        };
        let runs = passage::runs(&mut out.space, &ways);
        out.fill(network, asked, &regions, &runs);
        out
    }

    fn fill(&mut self, network: &Network, asked: &Asked, regions: &[Region], runs: &[Run]) {
        let space = &mut self.space;
        let impossible = space.regions(&network.facts.impossible);
        let sent = space.regions(regions);
        let sent = space.subtract(sent, impossible);
        let layers = Layers::new(space, network);
        let (mut taken, mut mine) = (space.empty(), Vec::new());
        for one in layers.translated(space, network) {
            let outcome = one.outcome;
            let whole = outcome.whole(space);
            taken = space.union(taken, whole);
            self.all.add(space, outcome);
            // It is asked about by where it is sent, and by where it ends.
            let ends = ends_there(space, network, asked, regions, one.translation);
            let wanted = space.union(sent, ends);
            let wanted = space.subtract(wanted, impossible);
            let met = space.intersect(whole, wanted);
            mine.push(met);
            let course = Course::Translated {
                firewall: one.firewall,
                to: match &one.translation.target {
                    Target::Address(address) => address.to_string(),
                    Target::Name(name) => name.clone(),
                },
                port: one.translation.port,
            };
            let part = outcome.within(space, wanted);
            let known = self.courses.entry(course).or_default();
            known.add(space, part);
        }
        let mine = space.unite(mine);
        let mut spoken = taken;
        for run in runs {
            let outcome = layers.outcome(space, network, run);
            let outcome = outcome.without(space, taken);
            spoken = space.union(spoken, run.region);
            self.all.add(space, outcome);
            let part = outcome.within(space, sent);
            let known = self.courses.entry(Course::of(run)).or_default();
            known.add(space, part);
        }
        let rest = space.subtract(sent, spoken);
        if !space.is_empty(rest) {
            let nowhere = Outcome {
                open: rest,
                ..Outcome::default()
            };
            self.all.add(space, nowhere);
            self.courses.insert(Course::Nowhere, nowhere);
        }
        self.courses.retain(|_, o| {
            [o.allowed, o.denied, o.open]
                .iter()
                .any(|set| !space.is_empty(*set))
        });
        self.asked = space.union(sent, mine);
    }

    /// What the sets say of a packet that is asked about.
    #[must_use]
    pub fn verdicts(&self, probe: &Probe) -> Verdicts {
        Verdicts {
            allowed: self.space.contains(self.all.allowed, probe),
            denied: self.space.contains(self.all.denied, probe),
            open: self.space.contains(self.all.open, probe),
        }
    }
}

/// What is asked about as products.
fn regions(fabric: &Fabric<'_>, network: &Network, asked: &Asked) -> Vec<Region> {
    denote::regions(fabric, &asked.from, &asked.to, &asked.traffic, None)
        .into_iter()
        .flat_map(|part| network.facts.narrowed(part.region))
        .collect()
}

/// Where the addresses of an end can lie.
fn extent(end: &Addresses) -> AddressSet {
    if end.symbols.is_empty() {
        return end.known.clone();
    }
    let rest = end.within.clone().unwrap_or_else(AddressSet::all);
    end.known.union(&rest)
}

/// Packets that are in what is asked about once a translation has changed them.
fn ends_there(
    space: &mut Space,
    network: &Network,
    asked: &Asked,
    regions: &[Region],
    translation: &Translation,
) -> Set {
    match &translation.target {
        Target::Address(address) => {
            let set = space.regions(regions);
            space.with_destination(set, *address, Some(translation.port))
        }
        Target::Name(name) => {
            let resolved = network
                .resolved
                .iter()
                .filter(|(pattern, _)| pattern_holds(pattern, name))
                .fold(AddressSet::empty(), |all, (_, set)| all.union(set));
            let lower = name.to_ascii_lowercase();
            let named = asked
                .to
                .names
                .iter()
                .any(|n| pattern_holds(&n.text, &lower));
            // Where nobody told what it resolves to, it may be any address.
            let met: Vec<Region> = regions
                .iter()
                .filter(|r| named || resolved.is_empty() || extent(&r.destination).meets(&resolved))
                .filter(|r| {
                    r.services
                        .iter()
                        .any(|s| s.ports.contains(translation.port))
                })
                .map(|r| Region {
                    source: r.source.clone(),
                    ..Region::everything()
                })
                .collect();
            space.regions(&met)
        }
    }
}
