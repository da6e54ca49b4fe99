//! What the network does with every packet, as sets: what `walk` says of one. What a policy asks for
//! is not known here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::backends::firewall_rules::{Target, Translation};
use crate::model::address::{AddressSet, Family};
use crate::packet::{Builder, Filter, Set, Space, Verdict};

use super::network::{Firewall, Network};
use super::ways::{End, Station, Way};

/// A layer with rules on a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// A security group outbound, by index in [`Network::filters`].
    Out(usize),
    /// A firewall, by index in [`Network::firewalls`].
    Firewall(usize),
    /// A security group inbound, by index in [`Network::filters`].
    In(usize),
}

/// Ways that meet the same layers and end alike.
#[derive(Clone, Debug)]
pub struct Run {
    /// How they end.
    pub end: End,
    /// The layers that are met, in order: none behind a route that drops.
    pub passes: Vec<Pass>,
    /// The packets that take them.
    pub region: Set,
}

/// What a list of rules lets through.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    /// Under the source that it came with.
    pub kept: Set,
    /// With a connection of the firewall's own.
    pub replaced: Set,
}

/// What every list of rules lets through.
#[derive(Clone, Debug)]
pub struct Layers {
    /// Security groups, as [`Network::filters`].
    pub filters: Vec<Admitted>,
    /// Firewalls, as [`Network::firewalls`].
    pub firewalls: Vec<Admitted>,
}

/// What becomes of the packets of a region; the three parts share none. Each depends on the symbols
/// that nobody told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// They arrive.
    pub allowed: Set,
    /// They do not.
    pub denied: Set,
    /// It depends on what is not declared: an appliance, a policy's parent.
    pub open: Set,
}

impl Outcome {
    /// Everything that it speaks of.
    #[must_use]
    pub fn whole(self, space: &mut Space) -> Set {
        space.unite(vec![self.allowed, self.denied, self.open])
    }

    /// Takes in what becomes of other packets.
    pub fn add(&mut self, space: &mut Space, more: Self) {
        self.allowed = space.union(self.allowed, more.allowed);
        self.denied = space.union(self.denied, more.denied);
        self.open = space.union(self.open, more.open);
    }

    /// What of it lies in a set.
    #[must_use]
    pub fn within(self, space: &mut Space, set: Set) -> Self {
        Self {
            allowed: space.intersect(self.allowed, set),
            denied: space.intersect(self.denied, set),
            open: space.intersect(self.open, set),
        }
    }

    /// What of it lies outside a set.
    #[must_use]
    pub fn without(self, space: &mut Space, set: Set) -> Self {
        Self {
            allowed: space.subtract(self.allowed, set),
            denied: space.subtract(self.denied, set),
            open: space.subtract(self.open, set),
        }
    }
}

/// A translation of a firewall, with the packets that it takes.
#[derive(Clone, Debug)]
pub struct Taken<'n> {
    /// The firewall, by index.
    pub firewall: usize,
    /// The translation.
    pub translation: &'n Translation,
    /// The packets, as they arrive at the firewall.
    pub packets: Set,
    /// What becomes of them on their whole way.
    pub outcome: Outcome,
}

/// Adds to a space what the network can tell apart.
pub fn tell(builder: &mut Builder, network: &Network, ways: &[Way]) {
    let firewalls = network.firewalls.iter().map(|f| &f.does.filter);
    for filter in network.filters.iter().chain(firewalls) {
        for region in filter.rules.iter().flat_map(|r| &r.regions) {
            builder.region(region);
        }
    }
    for region in &network.facts.impossible {
        builder.region(region);
    }
    for fact in &network.facts.facts {
        builder.fact(fact.clone());
    }
    let translations = network.firewalls.iter().flat_map(|f| &f.does.translations);
    for region in translations.flat_map(|t| &t.regions) {
        builder.region(region);
    }
    for site in &network.sites {
        builder.addresses(&site.prefix);
    }
    builder.addresses(&network.outside);
    for way in ways {
        builder.addresses(&way.from);
        builder.addresses(&way.to);
    }
    for firewall in &network.firewalls {
        builder.addresses(&firewall.own());
        builder.addresses(&firewall.subnet);
        builder.addresses(&firewall.public_ips);
    }
}

/// Ways by what they meet, in a fixed order.
pub fn runs(space: &mut Space, ways: &[Way]) -> Vec<Run> {
    grouped(space, ways, |way| (way.end, met(way)))
}

/// Ways by the layers on them, whatever the routes do: for who asks what a layer does by itself.
pub fn layered(space: &mut Space, ways: &[Way]) -> Vec<Run> {
    grouped(space, ways, |way| (End::There, passes(way)))
}

fn grouped(space: &mut Space, ways: &[Way], of: impl Fn(&Way) -> (End, Vec<Pass>)) -> Vec<Run> {
    let mut groups: BTreeMap<(End, Vec<Pass>), Vec<Set>> = BTreeMap::new();
    for way in ways {
        let set = space.box_of(&way.from, &way.to);
        groups.entry(of(way)).or_default().push(set);
    }
    groups
        .into_iter()
        .map(|((end, passes), boxes)| Run {
            end,
            passes,
            region: space.unite(boxes),
        })
        .collect()
}

/// The layers with rules on a way, in order.
#[must_use]
pub fn passes(way: &Way) -> Vec<Pass> {
    passes_of(&way.stations)
}

/// Those that a packet of the way meets.
#[must_use]
pub fn met(way: &Way) -> Vec<Pass> {
    match way.end {
        End::There | End::Unknown => passes(way),
        End::NoRoute | End::Asymmetric => {
            let last = way.stations.iter().rposition(Station::is_route);
            passes_of(way.stations.get(..last.unwrap_or(0)).unwrap_or_default())
        }
    }
}

fn passes_of(stations: &[Station]) -> Vec<Pass> {
    stations
        .iter()
        .filter_map(|station| match station {
            Station::Out(gate, _) => Some(Pass::Out(gate.filter)),
            Station::Firewall(index) => Some(Pass::Firewall(*index)),
            Station::In(gate, _) => Some(Pass::In(gate.filter)),
            _ => None,
        })
        .collect()
}

/// Packets to addresses of the internet by the usual route of their source: where a name leads of
/// which nobody said where it is.
pub fn usual(space: &mut Space, network: &Network, internet: &AddressSet) -> Set {
    let sites = network.site_addresses();
    let mut out = vec![space.box_of(&AddressSet::all().subtract(&sites), internet)];
    for site in &network.sites {
        for family in [Family::V4, Family::V6] {
            let usual = site.hops.default_of(family);
            let from = site.prefix.only(family);
            for (hop, part) in site.hops.split(&internet.only(family)) {
                if hop == usual && !from.is_empty() {
                    out.push(space.box_of(&from, &part));
                }
            }
        }
    }
    space.unite(out)
}

/// What a list lets through. Runs of rules with one verdict are joined before they are counted.
pub fn admitted(space: &mut Space, filter: &Filter) -> Admitted {
    let mut runs: Vec<(Verdict, bool, Vec<Set>)> = Vec::new();
    for rule in &filter.rules {
        let set = space.regions(&rule.regions);
        match runs.last_mut() {
            Some((verdict, replaces, sets))
                if *verdict == rule.verdict && *replaces == rule.replaces_source =>
            {
                sets.push(set);
            }
            _ => runs.push((rule.verdict, rule.replaces_source, vec![set])),
        }
    }
    let (mut kept, mut replaced) = (space.empty(), space.empty());
    for (verdict, replaces, sets) in runs.into_iter().rev() {
        let run = space.unite(sets);
        kept = space.subtract(kept, run);
        replaced = space.subtract(replaced, run);
        if verdict == Verdict::Allow {
            let whole = if replaces { &mut replaced } else { &mut kept };
            *whole = space.union(*whole, run);
        }
    }
    Admitted { kept, replaced }
}

impl Layers {
    /// Of all that a network has.
    pub fn new(space: &mut Space, network: &Network) -> Self {
        Self {
            filters: network
                .filters
                .iter()
                .map(|filter| admitted(space, filter))
                .collect(),
            firewalls: network
                .firewalls
                .iter()
                .map(|firewall| admitted(space, &firewall.does.filter))
                .collect(),
        }
    }

    /// What the layer at a pass lets through.
    #[must_use]
    pub fn at(&self, pass: Pass) -> Option<Admitted> {
        match pass {
            Pass::Out(index) | Pass::In(index) => self.filters.get(index),
            Pass::Firewall(index) => self.firewalls.get(index),
        }
        .copied()
    }

    /// What becomes of the packets of a run, as far as they are not translated.
    pub fn outcome(&self, space: &mut Space, network: &Network, run: &Run) -> Outcome {
        let end = match run.end {
            End::There | End::Unknown => run.region,
            End::NoRoute | End::Asymmetric => space.empty(),
        };
        // A parent that nobody showed comes first in its rule type: it may allow and deny.
        let shown = |pass: Pass| match pass {
            Pass::Firewall(index) => network
                .firewalls
                .get(index)
                .is_none_or(|f| f.does.unknown_parent.is_none()),
            _ => true,
        };
        let known = run.end == End::There && run.passes.iter().all(|p| shown(*p));
        let all = Admitted {
            kept: space.full(),
            replaced: space.full(),
        };
        let passed = through(space, network, &run.passes, end, |pass| {
            if shown(pass) {
                self.at(pass)
            } else {
                Some(all)
            }
        });
        passed.outcome(space, run.region, known)
    }

    /// What translations take: packets from outside all subnets to addresses of firewalls. No run
    /// speaks of these.
    pub fn translated<'n>(&self, space: &mut Space, network: &'n Network) -> Vec<Taken<'n>> {
        let outside = AddressSet::all().subtract(&network.site_addresses());
        let outside = outside.union(&network.outside);
        let mut out = Vec::new();
        for (index, firewall) in network.firewalls.iter().enumerate() {
            let mut rest = space.box_of(&outside, &firewall.public_ips);
            for translation in &firewall.does.translations {
                let set = space.regions(&translation.regions);
                let own = space.intersect(rest, set);
                rest = space.subtract(rest, set);
                if space.is_empty(own) {
                    continue;
                }
                let arrives = self.arrives(space, network, index, translation, own);
                let none = space.empty();
                let outcome = match arrives {
                    Some((sure, may)) if firewall.does.unknown_parent.is_none() => Outcome {
                        allowed: sure,
                        denied: space.subtract(own, may),
                        open: space.subtract(may, sure),
                    },
                    _ => Outcome {
                        allowed: none,
                        denied: none,
                        open: own,
                    },
                };
                out.push(Taken {
                    firewall: index,
                    translation,
                    packets: own,
                    outcome,
                });
            }
        }
        out
    }

    /// Of packets that a translation takes, those that the target's security groups let in from
    /// every address of the firewall, and from some.
    fn arrives(
        &self,
        space: &mut Space,
        network: &Network,
        firewall: usize,
        translation: &Translation,
        own: Set,
    ) -> Option<(Set, Set)> {
        let Target::Address(address) = translation.target else {
            return None;
        };
        let firewall = network.firewalls.get(firewall)?;
        let sources = firewall.behind_translations();
        let target = AddressSet::range(address, address);
        if !target.is_subset(&firewall.reaches) {
            return Some((space.empty(), space.empty()));
        }
        let Some(site) = network.site_of(&target) else {
            return Some((own, own));
        };
        let gates: Vec<usize> = network.inbound(site).filter_map(gate_of).collect();
        let none = space.empty();
        let let_in = self.let_in(space, network, firewall, translation, own, &gates);
        match network.reply(site, firewall, &sources).1 {
            Some(Verdict::Deny) => Some((none, none)),
            Some(Verdict::Allow) => Some(let_in),
            None => Some((none, let_in.1)),
        }
    }

    /// Of packets that a translation takes, those that some groups let in from every address of the
    /// firewall, and from some.
    fn let_in(
        &self,
        space: &mut Space,
        network: &Network,
        firewall: &Firewall,
        translation: &Translation,
        own: Set,
        gates: &[usize],
    ) -> (Set, Set) {
        let Target::Address(address) = translation.target else {
            return (space.empty(), own);
        };
        let sources = firewall.behind_translations();
        if gates.is_empty() {
            return (own, own);
        }
        if sources.is_empty() {
            // Nobody told who comes.
            return (space.empty(), own);
        }
        let (mut sure, mut may) = (own, space.empty());
        let filters = gates.iter().filter_map(|gate| network.filters.get(*gate));
        for source in told_apart(filters, &sources) {
            let mut from_here = own;
            for layer in gates.iter().filter_map(|gate| self.filters.get(*gate)) {
                let let_in = space.with_destination(layer.kept, address, Some(translation.port));
                let let_in = space.with_source(let_in, source);
                from_here = space.intersect(from_here, let_in);
            }
            sure = space.intersect(sure, from_here);
            may = space.union(may, from_here);
        }
        (sure, may)
    }

    /// What some layers by themselves do with what a translation takes; `None` if it meets none of
    /// them.
    pub fn taken_at(
        &self,
        space: &mut Space,
        network: &Network,
        taken: &Taken<'_>,
        asked: impl Fn(&Station) -> bool,
    ) -> Option<Outcome> {
        let firewall = network.firewalls.get(taken.firewall)?;
        let own = taken.packets;
        let none = space.empty();
        if asked(&Station::Firewall(taken.firewall)) {
            // A firewall lets pass what it translates, but for what a parent says that nobody showed.
            let shown = firewall.does.unknown_parent.is_none();
            return Some(Outcome {
                allowed: if shown { own } else { none },
                denied: none,
                open: if shown { none } else { own },
            });
        }
        let stations = arrival(network, taken).into_iter();
        let gates: Vec<usize> = stations.filter(asked).filter_map(gate_of).collect();
        if gates.is_empty() {
            return None;
        }
        let (sure, may) = self.let_in(space, network, firewall, taken.translation, own, &gates);
        let passed = Passed { sure, may };
        Some(passed.outcome(space, own, true))
    }
}

fn gate_of(station: Station) -> Option<usize> {
    match station {
        Station::In(gate, _) => Some(gate.filter),
        _ => None,
    }
}

/// One address of each part of some sources that the rules of some filters can tell from the rest.
fn told_apart<'n>(filters: impl Iterator<Item = &'n Filter>, sources: &AddressSet) -> Vec<IpAddr> {
    let mut parts = vec![sources.clone()];
    let regions = filters.flat_map(|f| &f.rules).flat_map(|r| &r.regions);
    let ends = regions.flat_map(|r| std::iter::once(&r.source.known).chain(&r.source.within));
    for known in ends {
        if !known.meets(sources) || sources.is_subset(known) {
            continue;
        }
        parts = parts
            .into_iter()
            .flat_map(|part| [part.intersect(known), part.subtract(known)])
            .filter(|part| !part.is_empty())
            .collect();
    }
    parts.iter().filter_map(AddressSet::first).collect()
}

/// What of a region passes the layers of a way.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// Whichever of its addresses a firewall uses for a connection of its own.
    pub sure: Set,
    /// With some of them. It holds the former.
    pub may: Set,
}

impl Passed {
    /// What becomes of the packets of a region; `known` says that nothing else on their way is open.
    #[must_use]
    pub fn outcome(self, space: &mut Space, region: Set, known: bool) -> Outcome {
        let allowed = if known { self.sure } else { space.empty() };
        Outcome {
            allowed,
            denied: space.subtract(region, self.may),
            open: space.subtract(self.may, allowed),
        }
    }
}

/// What of a region the layers of a way let through, by what each of them admits.
pub fn through(
    space: &mut Space,
    network: &Network,
    passes: &[Pass],
    region: Set,
    layer: impl Fn(Pass) -> Option<Admitted>,
) -> Passed {
    under(space, network, passes, region, None, &layer)
}

/// The same for packets that come from one source, if a firewall put its own there.
fn under(
    space: &mut Space,
    network: &Network,
    passes: &[Pass],
    region: Set,
    source: Option<IpAddr>,
    layer: &dyn Fn(Pass) -> Option<Admitted>,
) -> Passed {
    let mut kept = region;
    let (mut sure, mut may) = (Vec::new(), Vec::new());
    for (number, pass) in passes.iter().enumerate() {
        let Some(admitted) = layer(*pass) else {
            continue;
        };
        let mut seen = |set: Set| match source {
            Some(source) => space.with_source(set, source),
            None => set,
        };
        let (let_in, opened) = (seen(admitted.kept), seen(admitted.replaced));
        if let Pass::Firewall(index) = pass {
            let again = space.intersect(kept, opened);
            if !space.is_empty(again) {
                // Behind a firewall that makes a connection of its own the source is the firewall's.
                let rest = passes.get(number + 1..).unwrap_or_default();
                let own = behind(space, network, *index, rest, again, layer);
                sure.push(own.sure);
                may.push(own.may);
            }
        }
        kept = space.intersect(kept, let_in);
    }
    sure.push(kept);
    may.push(kept);
    Passed {
        sure: space.unite(sure),
        may: space.unite(may),
    }
}

/// What the rest of a way lets through of connections of a firewall's own.
fn behind(
    space: &mut Space,
    network: &Network,
    firewall: usize,
    rest: &[Pass],
    opened: Set,
    layer: &dyn Fn(Pass) -> Option<Admitted>,
) -> Passed {
    if rest.is_empty() {
        return Passed {
            sure: opened,
            may: opened,
        };
    }
    let sources = own_addresses(network, firewall, rest);
    if sources.is_empty() {
        // Nobody told who comes.
        return Passed {
            sure: space.empty(),
            may: opened,
        };
    }
    let (mut sure, mut may) = (opened, space.empty());
    for source in sources {
        let one = under(space, network, rest, opened, Some(source), layer);
        sure = space.intersect(sure, one.sure);
        may = space.union(may, one.may);
    }
    Passed { sure, may }
}

/// Of the addresses that connections of a firewall's own come from, one of each kind that the layers
/// behind it can tell apart; none if nobody told them.
#[must_use]
pub fn own_addresses(network: &Network, firewall: usize, rest: &[Pass]) -> Vec<IpAddr> {
    let Some(firewall) = network.firewalls.get(firewall) else {
        return Vec::new();
    };
    let filters = rest.iter().filter_map(|pass| match pass {
        Pass::Out(index) | Pass::In(index) => network.filters.get(*index),
        Pass::Firewall(index) => network.firewalls.get(*index).map(|f| &f.does.filter),
    });
    told_apart(filters, &firewall.own())
}

/// The security groups that let in what a translation brings to its target; none if no route leads
/// there.
#[must_use]
pub fn arrival(network: &Network, taken: &Taken<'_>) -> Vec<Station> {
    let Target::Address(address) = taken.translation.target else {
        return Vec::new();
    };
    let target = AddressSet::range(address, address);
    let firewall = network.firewalls.get(taken.firewall);
    if !firewall.is_some_and(|firewall| target.is_subset(&firewall.reaches)) {
        return Vec::new();
    }
    let site = network.site_of(&target);
    site.map_or_else(Vec::new, |site| network.inbound(site).collect())
}

/// The same as passes, each with a source of every kind that it may see, and the target; none if no
/// route leads to the target.
#[must_use]
pub fn arriving(network: &Network, taken: &Taken<'_>) -> Vec<(Pass, IpAddr, IpAddr)> {
    let Target::Address(address) = taken.translation.target else {
        return Vec::new();
    };
    let Some(firewall) = network.firewalls.get(taken.firewall) else {
        return Vec::new();
    };
    let passes = passes_of(&arrival(network, taken));
    let gates: Vec<usize> = passes
        .iter()
        .filter_map(|pass| match pass {
            Pass::In(filter) => Some(*filter),
            _ => None,
        })
        .collect();
    let filters = gates.iter().filter_map(|gate| network.filters.get(*gate));
    let sources = told_apart(filters, &firewall.behind_translations());
    let each = passes.into_iter();
    each.flat_map(|pass| {
        let sources = sources.iter();
        sources.map(move |source| (pass, *source, address))
    })
    .collect()
}
