//! Where two networks can treat packets differently at all: the rules that are not in both in the same
//! order, and the pairs of addresses whose ways differ. Packets elsewhere meet the same rules in the same
//! order on the same way. It compares; it evaluates nothing.

use std::collections::{BTreeMap, HashMap};

use crate::backends::firewall_rules::Translation;
use crate::model::address::AddressSet;
use crate::model::service::PortSet;
use crate::packet::{Addresses, Facts, Filter, Region, Rule, Service, Transports, Verdict};
use crate::reach::passage::met;
use crate::reach::{End, Firewall, Network, Pass, Way};

/// Two networks with what can differ between them.
#[derive(Debug)]
pub(super) struct Slice {
    /// Where packets can fare differently; no region if nowhere.
    pub(super) regions: Vec<Region>,
    /// The old network, with the rules that matter there.
    pub(super) old: Side,
    /// The new one.
    pub(super) new: Side,
}

/// One network with its ways.
#[derive(Debug)]
pub(super) struct Side {
    /// The network.
    pub(super) network: Network,
    /// The ways that packets of the regions take.
    pub(super) ways: Vec<Way>,
}

/// Numbers for contents: two with one number are equal.
#[derive(Debug, Default)]
struct Contents<'n> {
    rules: HashMap<(Verdict, bool, &'n [Region]), usize>,
    lists: HashMap<(String, Vec<usize>), usize>,
}

impl<'n> Contents<'n> {
    fn rule(&mut self, rule: &'n Rule) -> usize {
        let next = self.rules.len();
        let key = (rule.verdict, rule.replaces_source, rule.regions.as_slice());
        *self.rules.entry(key).or_insert(next)
    }

    fn list(&mut self, filter: &'n Filter, beside: String) -> Content {
        let rules: Vec<usize> = filter.rules.iter().map(|rule| self.rule(rule)).collect();
        let next = self.lists.len();
        let key = (beside.clone(), rules.clone());
        let number = *self.lists.entry(key).or_insert(next);
        Content {
            number,
            rules,
            beside,
        }
    }
}

/// What a layer does, as numbers.
#[derive(Clone, Debug)]
struct Content {
    number: usize,
    rules: Vec<usize>,
    beside: String,
}

/// The contents of the layers of a network, by their indices there.
struct Layers {
    filters: Vec<Content>,
    firewalls: Vec<Content>,
}

impl Layers {
    fn new<'n>(contents: &mut Contents<'n>, network: &'n Network) -> Self {
        let filters = network.filters.iter();
        let filters = filters.map(|f| contents.list(f, String::new())).collect();
        let firewalls = network.firewalls.iter();
        let firewalls = firewalls
            .map(|f| contents.list(&f.does.filter, beside(f)))
            .collect();
        Self { filters, firewalls }
    }

    fn of(&self, pass: Pass) -> Option<&Content> {
        match pass {
            Pass::Out(at) | Pass::In(at) => self.filters.get(at),
            Pass::Firewall(at) => self.firewalls.get(at),
        }
    }

    /// What the packets of a way meet.
    fn signature(&self, way: &Way) -> Signature {
        let passes: Vec<Pass> = met(way);
        Signature {
            end: way.end,
            passes: passes
                .into_iter()
                .map(|pass| {
                    let word = match pass {
                        Pass::Out(_) => 'o',
                        Pass::Firewall(_) => 'f',
                        Pass::In(_) => 'i',
                    };
                    (word, self.of(pass).map_or(usize::MAX, |c| c.number), pass)
                })
                .collect(),
        }
    }
}

/// What beside its rules decides what becomes of a packet at a firewall and behind it.
fn beside(firewall: &Firewall) -> String {
    format!("{:?} {:?}", firewall.does.unknown_parent, firewall.own())
}

/// What is met on a way: kinds with the numbers of their contents.
#[derive(Clone, Debug)]
struct Signature {
    end: End,
    passes: Vec<Met>,
}

/// A layer on a way: its kind, the number of its content, itself.
type Met = (char, usize, Pass);

impl Signature {
    fn same(&self, other: &Self) -> bool {
        self.pairs(other, |a, b| (a.0, a.1) == (b.0, b.1))
    }

    /// Whether only contents differ.
    fn aligned(&self, other: &Self) -> bool {
        self.pairs(other, |a, b| a.0 == b.0)
    }

    /// Whether the ways end alike, and what is met on them is alike one by one.
    fn pairs(&self, other: &Self, alike: impl Fn(&Met, &Met) -> bool) -> bool {
        self.end == other.end
            && self.passes.len() == other.passes.len()
            && self
                .passes
                .iter()
                .zip(&other.passes)
                .all(|(a, b)| alike(a, b))
    }
}

impl Slice {
    /// What can differ; with `whole` everything.
    pub(super) fn new(old: &Network, new: &Network, whole: bool) -> Self {
        let all = AddressSet::all();
        let (old_ways, new_ways) = (old.ways(&all, &all), new.ways(&all, &all));
        if whole {
            return Self {
                regions: vec![Region::everything()],
                old: Side::whole(old, old_ways),
                new: Side::whole(new, new_ways),
            };
        }
        let mut contents = Contents::default();
        let (old_layers, new_layers) = (
            Layers::new(&mut contents, old),
            Layers::new(&mut contents, new),
        );
        let mut changed = Changed {
            old,
            new,
            old_layers: &old_layers,
            new_layers: &new_layers,
            regions: Vec::new(),
            pairs: BTreeMap::new(),
        };
        changed.ways(&old_ways, &new_ways);
        changed.translations();
        let regions = simplest(changed.regions);
        Self {
            old: Side::sliced(old, old_ways, &regions),
            new: Side::sliced(new, new_ways, &regions),
            regions,
        }
    }

    /// The same knowledge of symbols on both sides. Packets that only one side says there are none of
    /// have a fate on both. Of members what either side states is true, for it is said of the world and
    /// not of the policy; with `agreed` only what both state, where the two contradict each other.
    pub(super) fn share_facts(&mut self, agreed: bool) {
        let (old, new) = (&self.old.network.facts, &self.new.network.facts);
        let mut facts = common(&old.facts, &new.facts);
        if !agreed {
            for one in old.facts.iter().chain(&new.facts) {
                if !facts.contains(one) {
                    facts.push(one.clone());
                }
            }
        }
        let shared = Facts {
            facts,
            unseen: common(&old.unseen, &new.unseen),
            impossible: common(&old.impossible, &new.impossible),
        };
        self.old.network.facts = shared.clone();
        self.new.network.facts = shared;
    }

    /// Whether one side states of symbols what the other does not.
    pub(super) fn facts_differ(&self) -> bool {
        let (old, new) = (&self.old.network.facts.facts, &self.new.network.facts.facts);
        old.iter().any(|f| !new.contains(f)) || new.iter().any(|f| !old.contains(f))
    }
}

fn common<T: PartialEq + Clone>(a: &[T], b: &[T]) -> Vec<T> {
    a.iter().filter(|one| b.contains(one)).cloned().collect()
}

/// The regions without such as another one holds by its box alone.
fn simplest(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort();
    regions.dedup();
    regions
}

struct Changed<'n> {
    old: &'n Network,
    new: &'n Network,
    old_layers: &'n Layers,
    new_layers: &'n Layers,
    regions: Vec<Region>,
    /// Pairs of layers that were compared, and whether the source may be a firewall's there.
    pairs: BTreeMap<(Pass, Pass), bool>,
}

/// Ways of one set of sources: their place, destinations and what they meet.
type Group<'w> = Vec<(&'w AddressSet, Signature)>;

fn by_source<'w>(ways: &'w [Way], layers: &Layers) -> Vec<(&'w AddressSet, Group<'w>)> {
    let mut out: Vec<(&AddressSet, Group<'_>)> = Vec::new();
    let mut known: HashMap<&AddressSet, usize> = HashMap::new();
    for way in ways {
        let at = *known.entry(&way.from).or_insert_with(|| {
            out.push((&way.from, Vec::new()));
            out.len() - 1
        });
        if let Some((_, group)) = out.get_mut(at) {
            group.push((&way.to, layers.signature(way)));
        }
    }
    out
}

impl Changed<'_> {
    /// The parts of ways that are not on both sides, and the rules that differ on those that are.
    fn ways(&mut self, old: &[Way], new: &[Way]) {
        let old = by_source(old, self.old_layers);
        let new = by_source(new, self.new_layers);
        let mut unpaired_new: Vec<Vec<(AddressSet, AddressSet)>> = new
            .iter()
            .flat_map(|(from, group)| {
                let own = group.iter();
                own.map(|(to, _)| vec![((*from).clone(), (*to).clone())])
            })
            .collect();
        let starts: Vec<usize> = new
            .iter()
            .scan(0_usize, |at, (_, group)| {
                let here = *at;
                *at += group.len();
                Some(here)
            })
            .collect();
        for (from, group) in &old {
            let near: Vec<(usize, AddressSet, bool)> = new
                .iter()
                .enumerate()
                .filter(|(_, (other, _))| from.meets(other))
                .map(|(at, (other, _))| (at, from.intersect(other), from == other))
                .collect();
            for (to, mine) in group {
                let mut rest = vec![((*from).clone(), (*to).clone())];
                for (at, sources, equal) in &near {
                    let (Some((_, others)), Some(start)) = (new.get(*at), starts.get(*at)) else {
                        continue;
                    };
                    for (offset, (other, theirs)) in others.iter().enumerate() {
                        let exact = *equal && to == other;
                        if !exact && !to.meets(other) {
                            continue;
                        }
                        let both = if exact {
                            (*to).clone()
                        } else {
                            to.intersect(other)
                        };
                        self.cell(sources, &both, mine, theirs);
                        cut(&mut rest, sources, &both);
                        if let Some(left) = unpaired_new.get_mut(start + offset) {
                            cut(left, sources, &both);
                        }
                    }
                }
                self.boxes(rest);
            }
        }
        for left in unpaired_new {
            self.boxes(left);
        }
    }

    fn boxes(&mut self, boxes: Vec<(AddressSet, AddressSet)>) {
        for (from, to) in boxes {
            self.regions.push(Region {
                source: Addresses::of(from),
                destination: Addresses::of(to),
                ..Region::everything()
            });
        }
    }

    /// Packets that have a way on both sides.
    fn cell(&mut self, from: &AddressSet, to: &AddressSet, old: &Signature, new: &Signature) {
        if old.same(new) {
            return;
        }
        if !old.aligned(new) {
            self.boxes(vec![(from.clone(), to.clone())]);
            return;
        }
        let mut behind = false;
        for ((_, a, mine), (_, b, theirs)) in old.passes.iter().zip(&new.passes) {
            if a != b {
                self.layers(*mine, *theirs, behind);
            }
            behind |= matches!(mine, Pass::Firewall(_));
        }
    }

    /// The rules of two layers that stand for each other.
    fn layers(&mut self, old: Pass, new: Pass, behind: bool) {
        let known = self.pairs.get(&(old, new));
        if known.is_some_and(|wide| *wide || !behind) {
            return;
        }
        self.pairs.insert((old, new), behind);
        let (Some(a), Some(b)) = (self.old_layers.of(old), self.new_layers.of(new)) else {
            return;
        };
        let (Some(mine), Some(theirs)) = (filter(self.old, old), filter(self.new, new)) else {
            return;
        };
        if a.beside != b.beside {
            // A parent, an address of its own.
            self.regions.push(Region::everything());
            return;
        }
        let (kept_old, kept_new) = in_both(&a.rules, &b.rules);
        let sides = [(mine, kept_old), (theirs, kept_new)];
        for (filter, kept) in sides {
            for (rule, kept) in filter.rules.iter().zip(kept) {
                if !kept {
                    for region in &rule.regions {
                        self.rule(region.clone(), behind);
                    }
                }
            }
        }
    }

    /// A region of a rule that differs. Behind a firewall that replaced the source it holds for whoever
    /// the firewall stands for.
    fn rule(&mut self, region: Region, behind: bool) {
        let firewalls = self.old.firewalls.iter().chain(&self.new.firewalls);
        let replaced = behind
            && firewalls
                .into_iter()
                .any(|f| may_hold(&region.source, &f.own()));
        if replaced {
            self.regions.push(Region {
                source: Addresses::any(),
                ..region
            });
        } else {
            self.regions.push(region);
        }
    }

    /// Translations that are not the same on both sides, with what they lead to.
    fn translations(&mut self) {
        let told = |network: &Network, layers: &Layers| -> Vec<(String, Vec<Region>)> {
            let sites = network.site_addresses();
            let mut out = Vec::new();
            for firewall in &network.firewalls {
                for one in &firewall.does.translations {
                    out.push((
                        leads(network, layers, firewall, one, &sites),
                        one.regions.clone(),
                    ));
                }
                if firewall.does.translations.is_empty() {
                    continue;
                }
                out.push((format!("{:?}", firewall.public_ips), Vec::new()));
            }
            out
        };
        let old = told(self.old, self.old_layers);
        let new = told(self.new, self.new_layers);
        if old == new {
            return;
        }
        for (_, regions) in old.into_iter().chain(new) {
            self.regions.extend(regions);
        }
        // An address that is a firewall's on one side only.
        let ips = |network: &Network| {
            let all = network.firewalls.iter();
            all.filter(|f| !f.does.translations.is_empty())
                .fold(AddressSet::empty(), |all, f| all.union(&f.public_ips))
        };
        let (old, new) = (ips(self.old), ips(self.new));
        if old != new {
            let apart = old.subtract(&new).union(&new.subtract(&old));
            self.boxes(vec![(AddressSet::all(), apart)]);
        }
    }
}

/// All that decides what becomes of what a translation takes, as text.
fn leads(
    network: &Network,
    layers: &Layers,
    firewall: &Firewall,
    translation: &Translation,
    sites: &AddressSet,
) -> String {
    use crate::backends::firewall_rules::Target;
    let mut out = format!(
        "{:?} {} {:?} {:?} {:?} {sites:?}",
        translation.target,
        translation.port,
        firewall.does.unknown_parent,
        firewall.behind_translations(),
        firewall.reaches,
    );
    if let Target::Address(address) = translation.target
        && let Some(index) = network.site_of(&AddressSet::range(address, address))
        && let Some(site) = network.sites.get(index)
    {
        let gates = site.inbound.iter();
        let contents: Vec<usize> = gates
            .filter_map(|gate| Some(layers.filters.get(gate.filter)?.number))
            .collect();
        out.push_str(&format!(" {contents:?} {:?}", site.hops));
    }
    out
}

fn filter(network: &Network, pass: Pass) -> Option<&Filter> {
    match pass {
        Pass::Out(at) | Pass::In(at) => network.filters.get(at),
        Pass::Firewall(at) => network.firewalls.get(at).map(|f| &f.does.filter),
    }
}

fn may_hold(end: &Addresses, addresses: &AddressSet) -> bool {
    end.known.meets(addresses)
        || !end.symbols.is_empty()
            && !addresses.is_empty()
            && end.within.as_ref().is_none_or(|set| set.meets(addresses))
}

/// Takes a box out of boxes.
fn cut(rest: &mut Vec<(AddressSet, AddressSet)>, from: &AddressSet, to: &AddressSet) {
    if rest.is_empty() {
        return;
    }
    let mut out = Vec::with_capacity(rest.len());
    for (a, b) in rest.drain(..) {
        if !a.meets(from) || !b.meets(to) {
            out.push((a, b));
            continue;
        }
        let outside = a.subtract(from);
        let inside = a.intersect(from);
        let beyond = b.subtract(to);
        if !beyond.is_empty() {
            out.push((inside, beyond));
        }
        if !outside.is_empty() {
            out.push((outside, b));
        }
    }
    *rest = out;
}

/// Of two lists, which of their members are a common part in the same order: the longest rising run of
/// those that both have. Two that are equal stand for each other in order.
fn in_both(a: &[usize], b: &[usize]) -> (Vec<bool>, Vec<bool>) {
    let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, number) in b.iter().enumerate().rev() {
        places.entry(*number).or_default().push(at);
    }
    // Pairs of places, rising in the first.
    let pairs: Vec<(usize, usize)> = a
        .iter()
        .enumerate()
        .filter_map(|(at, number)| Some((at, places.get_mut(number)?.pop()?)))
        .collect();
    // Patience: the smallest end of a run of each length, with the pair before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; pairs.len()];
    for (at, (_, place)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs.get(*end).is_some_and(|p| p.1 < *place));
        if let Some(slot) = before.get_mut(at) {
            *slot = length.checked_sub(1).and_then(|l| ends.get(l)).copied();
        }
        if length == ends.len() {
            ends.push(at);
        } else if let Some(end) = ends.get_mut(length) {
            *end = at;
        }
    }
    let (mut kept_a, mut kept_b) = (vec![false; a.len()], vec![false; b.len()]);
    let mut next = ends.last().copied();
    while let Some(at) = next {
        if let Some((x, y)) = pairs.get(at) {
            if let Some(kept) = kept_a.get_mut(*x) {
                *kept = true;
            }
            if let Some(kept) = kept_b.get_mut(*y) {
                *kept = true;
            }
        }
        next = before.get(at).copied().flatten();
    }
    (kept_a, kept_b)
}

/// The outline of regions, to see quickly that something lies elsewhere.
struct Outline {
    source: AddressSet,
    destination: AddressSet,
    ports: PortSet,
}

impl Outline {
    fn of(region: &Region) -> Self {
        let end = |end: &Addresses| match (&end.within, end.symbols.is_empty()) {
            (_, true) => end.known.clone(),
            (Some(within), false) => end.known.union(within),
            (None, false) => AddressSet::all(),
        };
        Self {
            source: end(&region.source),
            destination: end(&region.destination),
            ports: ports(&region.services),
        }
    }

    fn around(all: &[Self]) -> Self {
        let none = Self {
            source: AddressSet::empty(),
            destination: AddressSet::empty(),
            ports: PortSet::from_ranges(&[]),
        };
        all.iter().fold(none, |sum, own| Self {
            source: sum.source.union(&own.source),
            destination: sum.destination.union(&own.destination),
            ports: sum.ports.union(&own.ports),
        })
    }

    fn meets(&self, region: &Region, any_source: bool) -> bool {
        let end = |end: &Addresses, own: &AddressSet| {
            end.known.meets(own)
                || !end.symbols.is_empty() && end.within.as_ref().is_none_or(|set| set.meets(own))
        };
        (any_source || end(&region.source, &self.source))
            && end(&region.destination, &self.destination)
            && region
                .services
                .iter()
                .any(|s| portless(s) || s.ports.meets(&self.ports))
    }
}

fn portless(service: &Service) -> bool {
    !service
        .transports
        .intersect(Transports::PORTLESS)
        .is_empty()
}

fn ports(services: &[Service]) -> PortSet {
    if services.iter().any(portless) {
        return PortSet::all();
    }
    services
        .iter()
        .fold(PortSet::from_ranges(&[]), |all, s| all.union(&s.ports))
}

impl Side {
    fn whole(network: &Network, ways: Vec<Way>) -> Self {
        Self {
            network: network.clone(),
            ways,
        }
    }

    /// The network with the rules, and the ways, that packets of some regions can meet.
    fn sliced(network: &Network, ways: Vec<Way>, regions: &[Region]) -> Self {
        let outlines: Vec<Outline> = regions.iter().map(Outline::of).collect();
        let around = Outline::around(&outlines);
        // Behind a firewall the source may be another one, and at the target of a translation the
        // destination too.
        let owns = network
            .firewalls
            .iter()
            .fold(AddressSet::empty(), |all, f| all.union(&f.own()));
        let targets = targets(network);
        let keeps = |rule: &Rule, inbound: bool| {
            rule.regions.iter().any(|region| {
                let own = inbound && may_hold(&region.source, &owns);
                around.meets(region, own) && outlines.iter().any(|o| o.meets(region, own))
                    || inbound && may_hold(&region.destination, &targets)
            })
        };
        let mut out = Network {
            sites: network.sites.clone(),
            gateways: network.gateways.clone(),
            firewalls: network.firewalls.iter().map(bare).collect(),
            firewalled: network.firewalled.clone(),
            filters: vec![Filter::default(); network.filters.len()],
            declared: network.declared.clone(),
            transit: network.transit.clone(),
            resolved: network.resolved.clone(),
            facts: network.facts.clone(),
            outside: network.outside.clone(),
        };
        let kept = |filter: &Filter, inbound: bool| Filter {
            rules: filter
                .rules
                .iter()
                .filter(|rule| keeps(rule, inbound))
                .cloned()
                .collect(),
        };
        for (own, full) in out.filters.iter_mut().zip(&network.filters) {
            *own = kept(full, true);
        }
        for (own, full) in out.firewalls.iter_mut().zip(&network.firewalls) {
            own.does.filter = kept(&full.does.filter, true);
        }
        let ways = ways
            .into_iter()
            .filter(|way| {
                let here = |o: &Outline| o.source.meets(&way.from) && o.destination.meets(&way.to);
                here(&around) && outlines.iter().any(here)
            })
            .collect();
        Self { network: out, ways }
    }
}

/// A firewall without its rules; its translations stay, they are few.
fn bare(firewall: &Firewall) -> Firewall {
    let mut out = Firewall {
        key: firewall.key.clone(),
        resource: firewall.resource.clone(),
        private_ip: firewall.private_ip,
        subnet: firewall.subnet.clone(),
        public_ips: firewall.public_ips.clone(),
        reaches: firewall.reaches.clone(),
        ..Firewall::default()
    };
    out.does.translations = firewall.does.translations.clone();
    out.does.unknown_parent = firewall.does.unknown_parent.clone();
    out
}

fn targets(network: &Network) -> AddressSet {
    use crate::backends::firewall_rules::Target;
    let all = network.firewalls.iter();
    all.flat_map(|f| &f.does.translations)
        .filter_map(|t| match t.target {
            Target::Address(address) => Some(AddressSet::range(address, address)),
            Target::Name(_) => None,
        })
        .fold(AddressSet::empty(), |all, one| all.union(&one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_common_run_is_kept() {
        let kept = |a: &[usize], b: &[usize]| in_both(a, b).0.iter().filter(|k| **k).count();
        assert_eq!(kept(&[1, 2, 3, 4], &[1, 2, 3, 4]), 4);
        assert_eq!(kept(&[1, 2, 3, 4], &[2, 3, 4, 1]), 3);
        assert_eq!(kept(&[1, 1, 2], &[1, 2, 1]), 2);
        assert_eq!(kept(&[1, 2], &[3, 4]), 0);
        let (a, b) = in_both(&[5, 1, 2], &[1, 2, 6]);
        assert_eq!(a, [false, true, true]);
        assert_eq!(b, [true, true, false]);
    }

    #[test]
    fn boxes_are_cut_without_loss() {
        let set = |text: &str| {
            text.parse()
                .map_or_else(|_| AddressSet::empty(), AddressSet::prefix)
        };
        let mut rest = vec![(set("10.0.0.0/8"), set("10.0.0.0/8"))];
        cut(&mut rest, &set("10.0.0.0/9"), &set("10.0.0.0/9"));
        let area = |boxes: &[(AddressSet, AddressSet)]| -> u128 {
            use crate::model::address::Family::V4;
            boxes.iter().map(|(a, b)| a.count(V4) * b.count(V4)).sum()
        };
        assert_eq!(area(&rest), 3 << 46);
    }
}
