//! Where two networks can treat packets differently at all: the rules that are not in both in the same
//! order, and the pairs of addresses whose ways differ. Packets elsewhere meet the same rules in the same
//! order on the same way. It compares; it evaluates nothing.

mod common;
mod contents;
mod keep;

use std::collections::{BTreeMap, HashMap};

use crate::backends::firewall_rules::{Target, Translation};
use crate::model::address::AddressSet;
use crate::packet::{Addresses, Facts, Filter, Region};
use crate::reach::{Firewall, Network, Pass, Way};

use common::{cut, in_both};
use contents::{Contents, Layers, Signature};
use keep::may_hold;

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
