//! One policy with everything that its tests are judged by, built once: the space, the ways, what each
//! layer lets through, what becomes of every packet that some probe speaks of.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Layer;
use crate::model::address::AddressSet;
use crate::model::internet::platform;
use crate::packet::{Addresses, Builder, Filter, Names, Region, Set, Space, Symbol};
use crate::path::Fabric;
use crate::reach::passage::{self, through};
use crate::reach::{
    Admitted, End, Layers, Network, Outcome, Pass, Run, Station, Taken, Traces, Way,
};

use crate::reach::question::is_most;

use super::asked::Drawn;
use super::deciders::Lists;
use super::urls;

/// The sets of a probe.
#[derive(Clone, Debug, Default)]
pub(super) struct Packets {
    /// What is judged.
    pub(super) judged: Set,
    /// To names at addresses that rules or the probe name by themselves, and by other routes than the
    /// usual one: taken not to be where they are.
    pub(super) elsewhere: Set,
    /// What of it has both ends named.
    pub(super) named: Set,
    /// What it names of which nobody told the members.
    pub(super) symbols: BTreeSet<Symbol>,
}

/// One policy on the bench.
pub(super) struct Lab<'a> {
    pub(super) fabric: &'a Fabric<'a>,
    pub(super) network: &'a Network,
    pub(super) traces: &'a Traces,
    pub(super) space: &'a mut Space,
    pub(super) runs: Vec<Run>,
    /// By the layers alone; made when one is first asked by itself.
    layered: Option<Vec<Run>>,
    ways: &'a [Way],
    /// What is asked about and not translated.
    untouched: Set,
    pub(super) layers: Layers,
    pub(super) taken: Vec<Taken<'a>>,
    /// By test and probe.
    pub(super) packets: Vec<Vec<Packets>>,
    pub(super) whole: Outcome,
    pub(super) lists: Lists,
    /// Where sets and walk did not agree: our own fault.
    pub(super) disagreements: Vec<String>,
}

/// A space in which everything that is compared can be said.
pub(super) fn space(
    fabric: &Fabric<'_>,
    network: &Network,
    ways: &[Way],
    drawn: &[Vec<Drawn>],
    also: &[Region],
) -> Space {
    let mut builder = Builder::new();
    for drawn in drawn.iter().flatten() {
        drawn.regions().for_each(|region| builder.region(region));
    }
    for region in resolved(network).iter().chain(also) {
        builder.region(region);
    }
    passage::tell(&mut builder, network, ways);
    for fact in urls::facts(network, drawn) {
        builder.fact(fact);
    }
    builder.addresses(&fabric.internet);
    builder.addresses(&platform());
    builder.build()
}

impl<'a> Lab<'a> {
    pub(super) fn new(
        fabric: &'a Fabric<'a>,
        network: &'a Network,
        traces: &'a Traces,
        space: &'a mut Space,
        ways: &'a [Way],
        drawn: &[Vec<Drawn>],
    ) -> Self {
        let impossible = space.regions(&network.facts.impossible);
        let free = drawn.iter().flatten().any(|d| !d.free.is_empty());
        let names = free.then(|| FreeNames::new(space, fabric, network));
        let internet = space.box_of(&AddressSet::all(), &fabric.internet);
        let resolved = resolved(network);
        let told = space.regions(&resolved);
        let told_names = space.to_anywhere(told);
        let nameless = space.nameless();
        // What shows no name, or one that is said to be there.
        let unnamed = space.union(nameless, told);
        let mut packets = Vec::new();
        let mut interest = Vec::new();
        for test in drawn {
            let mut row = Vec::new();
            for drawn in test {
                let placed = space.regions(&drawn.placed);
                let wide = space.regions(&drawn.wide);
                let both = space.union(placed, wide);
                let plain = space.intersect(both, unnamed);
                let out_there = space.intersect(wide, internet);
                let said = space.regions(&drawn.said);
                let judged = space.unite(vec![plain, out_there, said]);
                let mut own = Packets {
                    judged,
                    // A name never leads to a private address unless that is said.
                    elsewhere: {
                        let public = space.intersect(both, internet);
                        space.subtract(public, judged)
                    },
                    named: space.regions(&drawn.named(&fabric.internet)),
                    symbols: drawn.symbols(),
                };
                if let Some(names) = names.as_ref().filter(|_| !drawn.free.is_empty()) {
                    let all = space.regions(&drawn.free);
                    let all = space.subtract(all, told_names);
                    let free = names.of(space, all);
                    let anywhere = space.regions(&drawn.anywhere);
                    let there = space.intersect(anywhere, told);
                    own.judged = space.unite(vec![own.judged, free, there]);
                    let beside = space.subtract(all, own.judged);
                    own.elsewhere = space.union(own.elsewhere, beside);
                }
                own.judged = space.subtract(own.judged, impossible);
                own.elsewhere = space.subtract(own.elsewhere, impossible);
                interest.push(own.judged);
                interest.push(own.elsewhere);
                row.push(own);
            }
            packets.push(row);
        }
        let interest = space.unite(interest);
        let layers = Layers::new(space, network);
        let mut whole = Outcome::default();
        let mut taken = layers.translated(space, network);
        for one in &mut taken {
            one.outcome = one.outcome.within(space, interest);
            whole.add(space, one.outcome);
        }
        let translated = whole.whole(space);
        let untouched = space.subtract(interest, translated);
        let runs = passage::runs(space, ways);
        let runs = within(space, runs, untouched);
        for run in &runs {
            let outcome = layers.outcome(space, network, run);
            whole.add(space, outcome);
        }
        Self {
            fabric,
            network,
            traces,
            space,
            runs,
            layered: None,
            ways,
            untouched,
            layers,
            taken,
            packets,
            whole,
            lists: Lists::default(),
            disagreements: Vec::new(),
        }
    }

    /// What becomes of some packets: on their whole way, or at one layer by itself. What has no way,
    /// or does not meet the layer, is in no part.
    pub(super) fn outcome(&mut self, of: Set, at: Option<&Layer>) -> Outcome {
        let Some(layer) = at else {
            return self.whole.within(self.space, of);
        };
        let mut out = Outcome::default();
        let everything = Admitted {
            kept: self.space.full(),
            replaced: self.space.full(),
        };
        for run in &self.runs_for(at) {
            let region = self.space.intersect(run.region, of);
            let passes = self.at(layer, &run.passes);
            if passes.is_empty() || self.space.is_empty(region) {
                continue;
            }
            let hidden = passes.iter().any(|pass| self.is_hidden(*pass));
            let layers = &self.layers;
            let passed = through(self.space, self.network, &passes, region, |pass| {
                if hidden {
                    Some(everything)
                } else {
                    layers.at(pass)
                }
            });
            let own = passed.outcome(self.space, region, !hidden);
            out.add(self.space, own);
        }
        let (fabric, network) = (self.fabric, self.network);
        for one in &self.taken.clone() {
            let asked = |station: &Station| is_asked(fabric, network, layer, station);
            let own = self.layers.taken_at(self.space, self.network, one, asked);
            let Some(own) = own else {
                continue;
            };
            let part = own.within(self.space, of);
            out.add(self.space, part);
        }
        out
    }

    /// The runs in which a layer is looked for, or those of whole ways.
    pub(super) fn runs_for(&mut self, at: Option<&Layer>) -> Vec<Run> {
        if at.is_none() {
            return self.runs.clone();
        }
        if self.layered.is_none() {
            let runs = passage::layered(self.space, self.ways);
            self.layered = Some(within(self.space, runs, self.untouched));
        }
        self.layered.clone().unwrap_or_default()
    }

    /// The passes of a way that a layer is.
    pub(super) fn at(&self, layer: &Layer, passes: &[Pass]) -> Vec<Pass> {
        let is = |pass: &&Pass| match (layer, pass) {
            (Layer::AnyFirewall, Pass::Firewall(_))
            | (Layer::AnyNsg, Pass::Out(_) | Pass::In(_)) => true,
            (Layer::Firewall(key), Pass::Firewall(index)) => {
                self.network.firewall(key) == Some(*index)
            }
            (Layer::Nsg(key), Pass::Out(filter) | Pass::In(filter)) => group_name(self.fabric, key)
                .is_some_and(|name| {
                    let sites = self.network.sites.iter();
                    let gates = sites.flat_map(|s| s.outbound.iter().chain(&s.inbound));
                    gates
                        .filter(|gate| gate.filter == *filter)
                        .any(|gate| gate.group == name)
                }),
            _ => false,
        };
        passes.iter().filter(is).copied().collect()
    }

    /// Whether a station is of a layer.
    pub(super) fn is_asked(&self, layer: &Layer, station: &Station) -> bool {
        is_asked(self.fabric, self.network, layer, station)
    }

    /// A firewall whose policy has a parent that nobody showed.
    fn is_hidden(&self, pass: Pass) -> bool {
        match pass {
            Pass::Firewall(index) => {
                let firewall = self.network.firewalls.get(index);
                firewall.is_some_and(|f| f.does.unknown_parent.is_some())
            }
            _ => false,
        }
    }

    /// The rules of a pass.
    pub(super) fn filter(&self, pass: Pass) -> Option<&'a Filter> {
        match pass {
            Pass::Out(index) | Pass::In(index) => self.network.filters.get(index),
            Pass::Firewall(index) => self.network.firewalls.get(index).map(|f| &f.does.filter),
        }
    }
}

/// Packets to names of which the policy says where they are.
fn resolved(network: &Network) -> Vec<Region> {
    let one = |(pattern, set): &(String, AddressSet)| Region {
        destination: Addresses::of(set.clone()),
        names: Names::patterns([pattern.clone()]),
        ..Region::everything()
    };
    network.resolved.iter().map(one).collect()
}

/// Where a name is of which nobody said where: at an address on the usual route of who asks, and not
/// at one that some rule for addresses matches, as long as there are others; a rule for most of the
/// internet is where it is.
struct FreeNames {
    usual: Set,
    /// At the addresses of rules for a part of the internet, or beside those of rules for most of it.
    named: Vec<Set>,
    all_named: Set,
}

impl FreeNames {
    fn new(space: &mut Space, fabric: &Fabric<'_>, network: &Network) -> Self {
        let usual = passage::usual(space, network, &fabric.internet);
        let firewalls = network.firewalls.iter().map(|f| &f.does.filter);
        let rules = network.filters.iter().chain(firewalls);
        let mut named: BTreeMap<Set, ()> = BTreeMap::new();
        let parts = rules.flat_map(|f| &f.rules).flat_map(|rule| {
            let by_address = || rule.regions.iter().filter(|r| r.names == Names::Any);
            let all = by_address().fold(AddressSet::empty(), |all, r| {
                all.union(&r.destination.known)
            });
            // A name is in most of the internet rather than in the rest of it.
            let most = is_most(&all, &fabric.internet);
            let rest = fabric.internet.subtract(&all);
            by_address().map(move |region| {
                let own = if most {
                    rest.clone()
                } else {
                    region.destination.known.clone()
                };
                (region, own)
            })
        });
        for (region, known) in parts {
            if !known.meets(&fabric.internet) {
                continue;
            }
            // Who the sources of a symbol are nobody told: the rule may match any of them.
            let known = &known;
            let source = if region.source.symbols.is_empty() {
                region.source.clone()
            } else {
                let within = region.source.within.clone();
                let all = within.unwrap_or_else(AddressSet::all);
                let wide = space.box_of(&all, &AddressSet::all());
                let own = Region {
                    source: Addresses::any(),
                    destination: Addresses::of(known.clone()),
                    ..region.clone()
                };
                let own = space.region(&own);
                named.insert(space.intersect(own, wide), ());
                Addresses::of(region.source.known.clone())
            };
            let own = Region {
                source,
                destination: Addresses::of(known.clone()),
                ..region.clone()
            };
            named.insert(space.region(&own), ());
        }
        // What a firewall translates is asked for by its address.
        for firewall in &network.firewalls {
            let own = space.box_of(&AddressSet::all(), &firewall.public_ips);
            named.insert(own, ());
        }
        let named: Vec<Set> = named.into_keys().filter(|s| !space.is_empty(*s)).collect();
        let all_named = space.unite(named.clone());
        Self {
            usual,
            named,
            all_named,
        }
    }

    fn of(&self, space: &mut Space, packets: Set) -> Set {
        let wide = space.intersect(packets, self.usual);
        let free = space.subtract(wide, self.all_named);
        let left = space.to_anywhere(free);
        let mut rest = space.subtract(wide, left);
        if space.is_empty(rest) {
            return free;
        }
        // Rules take all addresses together: then one after the other, as long as some are left.
        for named in &self.named {
            if !space.meets(rest, *named) {
                continue;
            }
            let without = space.subtract(rest, *named);
            let still = space.to_anywhere(without);
            let last = space.subtract(rest, still);
            rest = space.union(without, last);
        }
        space.union(free, rest)
    }
}

fn is_asked(fabric: &Fabric<'_>, network: &Network, layer: &Layer, station: &Station) -> bool {
    match (layer, station) {
        (Layer::AnyFirewall, Station::Firewall(_))
        | (Layer::AnyNsg, Station::Out(..) | Station::In(..)) => true,
        (Layer::Firewall(key), Station::Firewall(index)) => network.firewall(key) == Some(*index),
        (Layer::Nsg(key), Station::Out(gate, _) | Station::In(gate, _)) => {
            group_name(fabric, key) == Some(gate.group.as_str())
        }
        _ => false,
    }
}

fn group_name<'f>(fabric: &Fabric<'f>, key: &str) -> Option<&'f str> {
    let group = fabric.policy.nsgs.get(key)?;
    Some(group.identity.name.as_str())
}

/// What of the runs lies in a set.
fn within(space: &mut Space, mut runs: Vec<Run>, set: Set) -> Vec<Run> {
    runs.retain_mut(|run| {
        run.region = space.intersect(run.region, set);
        !space.is_empty(run.region)
    });
    runs
}

/// Whether a run ends where its packets go.
pub(super) fn arrives(run: &Run) -> bool {
    matches!(run.end, End::There | End::Unknown)
}
