//! Exact sets of packets and what can be asked of them. How they are stored is `bdd.rs`'s business,
//! what they are read back as `witness.rs`'s and `rectangles.rs`'s.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::address::{AddressSet, Family, number};
use crate::model::service::PortSet;

use super::atoms::Line;
use super::bdd::{ALL, Bdd, Change, EMPTY, Quick};
use super::builder::{Block, Exhausted, Fact, Layout, Side};
use super::names::{NONE, NamePattern};
use super::region::{Addresses, Names, Region, Service, Symbol};
use super::transport::{Transport, Transports};

/// A set of packets of one [`Space`]. Two are equal exactly if they hold the same packets. The default
/// is the empty set.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Set(pub(super) u32);

/// The packets that can be told apart, and sets of them.
///
/// An operation never fails. If it meets a limit, [`Space::exhausted`] is set and stays, and every
/// answer from then on is worthless; [`Space::answer`] turns that into an error.
pub struct Space {
    pub(super) bdd: Bdd,
    pub(super) layout: Layout,
    pub(super) full: u32,
    sources: Quick<AddressSet, u32>,
    destinations: Quick<AddressSet, u32>,
    services: Quick<Vec<Service>, u32>,
    not_gathered: bool,
    most_nodes: usize,
}

/// `V4` is 0 and `V6` is 1, in the diagram and in arrays.
pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

impl Space {
    pub(super) fn new(bdd: Bdd, layout: Layout, facts: &[Fact]) -> Self {
        let most_nodes = bdd.most();
        let mut space = Self {
            bdd,
            layout,
            full: ALL,
            sources: Quick::default(),
            destinations: Quick::default(),
            services: Quick::default(),
            not_gathered: false,
            most_nodes,
        };
        for fact in facts {
            let wrong = space.breach(fact);
            space.full = space.bdd.diff(space.full, wrong);
        }
        space
    }

    /// Where a fact would not hold.
    fn breach(&mut self, fact: &Fact) -> u32 {
        let mut wrong = EMPTY;
        for side in [Side::Name, Side::Source, Side::Destination] {
            let part = match (fact, side) {
                (Fact::Within(symbol, set), Side::Source | Side::Destination) => {
                    self.symbol_and(symbol, side, set, false)
                }
                (Fact::Outside(symbol, set), Side::Source | Side::Destination) => {
                    self.symbol_and(symbol, side, set, true)
                }
                (Fact::Holds(symbol, set), Side::Source | Side::Destination) => {
                    let Some(member) = self.symbol(symbol, side) else {
                        continue;
                    };
                    let known = self.end(side, set);
                    self.bdd.diff(known, member)
                }
                (Fact::NamesWithin(symbol, patterns), Side::Name) => {
                    let Some(member) = self.symbol(symbol, side) else {
                        continue;
                    };
                    let known = self.names_of(patterns);
                    self.bdd.diff(member, known)
                }
                (Fact::NamesOutside(symbol, patterns), Side::Name) => {
                    let Some(member) = self.symbol(symbol, side) else {
                        continue;
                    };
                    let known = self.names_of(patterns);
                    self.bdd.and(member, known)
                }
                (Fact::NamesHold(symbol, patterns), Side::Name) => {
                    let Some(member) = self.symbol(symbol, side) else {
                        continue;
                    };
                    let known = self.names_of(patterns);
                    self.bdd.diff(known, member)
                }
                (Fact::Inside(a, b), _) => match (self.symbol(a, side), self.symbol(b, side)) {
                    (Some(a), Some(b)) => self.bdd.diff(a, b),
                    _ => EMPTY,
                },
                (Fact::Apart(a, b), _) => match (self.symbol(a, side), self.symbol(b, side)) {
                    (Some(a), Some(b)) => self.bdd.and(a, b),
                    _ => EMPTY,
                },
                _ => EMPTY,
            };
            wrong = self.bdd.or(wrong, part);
        }
        wrong
    }

    fn symbol_and(&mut self, symbol: &Symbol, side: Side, set: &AddressSet, inside: bool) -> u32 {
        let Some(member) = self.symbol(symbol, side) else {
            return EMPTY;
        };
        let known = self.end(side, set);
        if inside {
            self.bdd.and(member, known)
        } else {
            self.bdd.diff(member, known)
        }
    }

    fn symbol(&mut self, symbol: &Symbol, side: Side) -> Option<u32> {
        let var = *self.layout.symbols.get(&(side, symbol.clone()))?;
        let member = self.bdd.make(var, EMPTY, ALL);
        if side != Side::Name {
            return Some(member);
        }
        // Who shows no name shows none of a symbol's.
        let none = self.number(self.layout.name, &[(NONE, NONE)]);
        Some(self.bdd.diff(member, none))
    }

    fn number(&mut self, block: Block, ranges: &[(u32, u32)]) -> u32 {
        self.bdd
            .block(block.first, block.bits, block.values, ranges)
    }

    /// One end of a packet lies in the set.
    fn end(&mut self, side: Side, set: &AddressSet) -> u32 {
        let memo = if side == Side::Source {
            &self.sources
        } else {
            &self.destinations
        };
        if let Some(known) = memo.get(set) {
            return *known;
        }
        let mut parts = [EMPTY; 2];
        for (at, part) in parts.iter_mut().enumerate() {
            let family = FAMILIES.get(at).copied().unwrap_or(Family::V4);
            let (lines, blocks) = self.ends(side);
            let (Some(line), Some(block)) = (lines.get(at), blocks.get(at).copied()) else {
                continue;
            };
            match line.codes(set.intervals(family)) {
                Some(ranges) => *part = self.number(block, &ranges),
                None => self.not_gathered = true,
            }
        }
        let [v4, v6] = parts;
        let node = self.bdd.make(self.layout.family, v4, v6);
        let memo = if side == Side::Source {
            &mut self.sources
        } else {
            &mut self.destinations
        };
        memo.insert(set.clone(), node);
        node
    }

    fn ends(&self, side: Side) -> (&[Line; 2], [Block; 2]) {
        if side == Side::Source {
            (&self.layout.source_lines, self.layout.source)
        } else {
            (&self.layout.destination_lines, self.layout.destination)
        }
    }

    fn addresses(&mut self, side: Side, end: &Addresses) -> u32 {
        let known = self.end(side, &end.known);
        if end.symbols.is_empty() {
            return known;
        }
        let mut members = EMPTY;
        for symbol in end.symbols.iter().rev() {
            match self.symbol(symbol, side) {
                Some(member) => members = self.bdd.or(members, member),
                None => self.not_gathered = true,
            }
        }
        if let Some(within) = &end.within {
            let within = self.end(side, within);
            members = self.bdd.and(within, members);
        }
        self.bdd.or(known, members)
    }

    fn names_of(&mut self, patterns: &BTreeSet<String>) -> u32 {
        let mut ranges = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            match self.layout.names_table.range(pattern) {
                Some(range) => ranges.push(range),
                None => self.not_gathered = true,
            }
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        self.number(self.layout.name, &merged)
    }

    fn names(&mut self, names: &Names) -> u32 {
        let Names::Some { patterns, symbols } = names else {
            return ALL;
        };
        let mut node = self.names_of(patterns);
        for symbol in symbols.iter().rev() {
            match self.symbol(symbol, Side::Name) {
                Some(member) => node = self.bdd.or(node, member),
                None => self.not_gathered = true,
            }
        }
        node
    }

    fn transports(&mut self, transports: Transports) -> u32 {
        let ranges: Vec<(u32, u32)> = transports.iter().map(|t| (t.index(), t.index())).collect();
        let block = self.layout.transport;
        let mut node = EMPTY;
        for range in ranges {
            let one = self.number(block, &[range]);
            node = self.bdd.or(node, one);
        }
        node
    }

    fn ports(&mut self, block: Block, source: bool, ports: &PortSet) -> u32 {
        let intervals: Vec<(u128, u128)> = ports
            .ranges()
            .iter()
            .map(|(first, last)| (u128::from(*first), u128::from(*last)))
            .collect();
        let line = if source {
            &self.layout.source_port_line
        } else {
            &self.layout.port_line
        };
        match line.codes(&intervals) {
            Some(ranges) => self.number(block, &ranges),
            None => {
                self.not_gathered = true;
                EMPTY
            }
        }
    }

    fn services(&mut self, services: &Vec<Service>) -> u32 {
        if let Some(known) = self.services.get(services) {
            return *known;
        }
        let mut node = EMPTY;
        for service in services {
            let ported = self.transports(service.transports.intersect(Transports::PORTED));
            let from = self.ports(self.layout.source_port, true, &service.source_ports);
            let to = self.ports(self.layout.port, false, &service.ports);
            let ported = self.bdd.and(ported, from);
            let ported = self.bdd.and(to, ported);
            let portless = self.transports(service.transports.intersect(Transports::PORTLESS));
            let one = self.bdd.or(ported, portless);
            node = self.bdd.or(node, one);
        }
        self.services.insert(services.clone(), node);
        node
    }

    /// No packet.
    #[must_use]
    pub fn empty(&self) -> Set {
        Set(EMPTY)
    }

    /// Every packet that the facts allow.
    #[must_use]
    pub fn full(&self) -> Set {
        Set(self.full)
    }

    /// The packets of a region.
    pub fn region(&mut self, region: &Region) -> Set {
        let destination = self.addresses(Side::Destination, &region.destination);
        let source = self.addresses(Side::Source, &region.source);
        let ends = self.bdd.and(source, destination);
        let names = self.names(&region.names);
        let named = self.bdd.and(names, ends);
        let services = self.services(&region.services);
        let node = self.bdd.and(services, named);
        Set(self.bdd.and(node, self.full))
    }

    /// The packets of some regions.
    pub fn regions(&mut self, regions: &[Region]) -> Set {
        let sets = regions.iter().map(|r| self.region(r)).collect();
        self.unite(sets)
    }

    /// The packets from here to there, by any service and with any name.
    pub fn box_of(&mut self, source: &AddressSet, destination: &AddressSet) -> Set {
        let source = self.end(Side::Source, source);
        let destination = self.end(Side::Destination, destination);
        let node = self.bdd.and(source, destination);
        Set(self.bdd.and(node, self.full))
    }

    /// The packets that show no name.
    pub fn nameless(&mut self) -> Set {
        let node = self.number(self.layout.name, &[(NONE, NONE)]);
        Set(self.bdd.and(node, self.full))
    }

    /// The packets in either.
    pub fn union(&mut self, a: Set, b: Set) -> Set {
        Set(self.bdd.or(a.0, b.0))
    }

    /// The packets in both.
    pub fn intersect(&mut self, a: Set, b: Set) -> Set {
        Set(self.bdd.and(a.0, b.0))
    }

    /// The packets of the first that the second lacks.
    pub fn subtract(&mut self, a: Set, b: Set) -> Set {
        Set(self.bdd.diff(a.0, b.0))
    }

    /// The packets that are not in it.
    pub fn complement(&mut self, set: Set) -> Set {
        Set(self.bdd.diff(self.full, set.0))
    }

    /// The packets in any of the sets.
    pub fn unite(&mut self, mut sets: Vec<Set>) -> Set {
        sets.sort_unstable();
        sets.dedup();
        while sets.len() > 1 {
            sets = sets
                .chunks(2)
                .map(|pair| match pair {
                    [a, b] => self.union(*a, *b),
                    [a] => *a,
                    _ => Set(EMPTY),
                })
                .collect();
        }
        sets.first().copied().unwrap_or(Set(EMPTY))
    }

    /// Whether there is no packet in it.
    #[must_use]
    pub fn is_empty(&self, set: Set) -> bool {
        set.0 == EMPTY
    }

    /// Whether every packet of the first is in the second.
    pub fn is_subset(&mut self, a: Set, b: Set) -> bool {
        self.bdd.is_subset(a.0, b.0)
    }

    /// Whether they share a packet.
    pub fn meets(&mut self, a: Set, b: Set) -> bool {
        self.bdd.meets(a.0, b.0)
    }

    /// The packets that are in the set once their source is `address`; their own source is free. What
    /// symbols say of `address` becomes a question of its own, [`Side::NewSource`], if no fact settles
    /// it. The questions of two addresses are not told apart.
    pub fn with_source(&mut self, set: Set, address: IpAddr) -> Set {
        let mut changes = self.keep_all();
        self.fix_end(&mut changes, Side::Source, address);
        self.substituted(set, &changes, address)
    }

    /// The packets that are in the set once their destination is `address` and, if given, their port
    /// `port`; their own ones are free. What symbols say of `address` becomes a question of its own,
    /// [`Side::NewDestination`].
    pub fn with_destination(&mut self, set: Set, address: IpAddr, port: Option<u16>) -> Set {
        let mut changes = self.keep_all();
        self.fix_end(&mut changes, Side::Destination, address);
        if let Some(port) = port {
            let code = self.layout.port_line.index(u128::from(port.max(1)));
            fix(&mut changes, self.layout.port, code);
        }
        self.substituted(set, &changes, address)
    }

    fn keep_all(&self) -> Vec<Change> {
        vec![Change::Keep; self.layout.said.len()]
    }

    fn fix_end(&self, changes: &mut [Change], side: Side, address: IpAddr) {
        let at = usize::from(address.is_ipv6());
        let (lines, blocks) = self.ends(side);
        if let (Some(line), Some(block)) = (lines.get(at), blocks.get(at)) {
            fix(changes, *block, line.index(number(address)));
        }
        fix_bit(changes, self.layout.family, address.is_ipv6());
        let new = if side == Side::Source {
            Side::NewSource
        } else {
            Side::NewDestination
        };
        let pairs = self.layout.symbols_of(side).into_iter();
        for (from, to) in pairs.zip(self.layout.symbols_of(new)) {
            if let Some(change) = changes.get_mut(from as usize) {
                *change = Change::Rename(to);
            }
        }
    }

    fn substituted(&mut self, set: Set, changes: &[Change], address: IpAddr) -> Set {
        let node = self.bdd.substitute(set.0, changes);
        // What the facts say of that address is settled now: it is no question any more.
        let care = self.bdd.substitute(self.full, changes);
        let node = self.bdd.simplify(node, care);
        // A packet keeps its family: of the other one none can have that address.
        let (v4, v6) = if address.is_ipv6() {
            (EMPTY, ALL)
        } else {
            (ALL, EMPTY)
        };
        let family = self.bdd.make(self.layout.family, v4, v6);
        let node = self.bdd.and(node, family);
        Set(self.bdd.and(node, self.full))
    }

    /// Whether the facts allow every packet for some members of the symbols: they do not contradict each
    /// other.
    pub fn facts_agree(&mut self) -> bool {
        let bound: Vec<bool> = self.layout.said.iter().map(Option::is_some).collect();
        let full = self.full;
        self.bdd.exists(full, &bound) == ALL
    }

    /// The packets that are in the set for some members of the symbols that the facts allow.
    pub fn possibly(&mut self, set: Set) -> Set {
        let bound: Vec<bool> = self.layout.said.iter().map(Option::is_some).collect();
        let node = self.bdd.exists(set.0, &bound);
        Set(self.bdd.and(node, self.full))
    }

    /// The packets that are in the set whatever members the symbols have.
    pub fn surely(&mut self, set: Set) -> Set {
        let outside = self.complement(set);
        let outside = self.possibly(outside);
        self.complement(outside)
    }

    /// The packets that are in the set for some destination of theirs, and for some that symbols hold.
    pub fn to_anywhere(&mut self, set: Set) -> Set {
        let mut bound: Vec<bool> = self.layout.said.iter().map(Option::is_some).collect();
        for block in self.layout.destination {
            for bit in block.first..block.first + block.bits {
                if let Some(bit) = bound.get_mut(bit as usize) {
                    *bit = true;
                }
            }
        }
        let node = self.bdd.exists(set.0, &bound);
        Set(self.bdd.and(node, self.full))
    }

    /// What a set assumes about symbols.
    pub fn symbols(&mut self, set: Set) -> Vec<(Side, Symbol)> {
        let node = self.bdd.simplify(set.0, self.full);
        let mut said: Vec<(Side, Symbol)> = self
            .bdd
            .support(node)
            .into_iter()
            .filter_map(|var| self.layout.said.get(var as usize).cloned().flatten())
            .collect();
        said.sort();
        said
    }

    /// Whether a limit was met: every answer since is worthless.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.not_gathered || self.bdd.exhausted()
    }

    /// An answer that can be relied on, or why there is none.
    ///
    /// # Errors
    ///
    /// If a limit was met in it or before.
    pub fn answer<T>(&mut self, ask: impl FnOnce(&mut Self) -> T) -> Result<T, Exhausted> {
        let answer = ask(self);
        if self.bdd.exhausted() {
            Err(Exhausted::Nodes(self.most_nodes))
        } else if self.not_gathered {
            Err(Exhausted::NotGathered)
        } else {
            Ok(answer)
        }
    }

    /// Sets the bits of some packet of the set.
    pub(super) fn some_point(&self, set: Set, point: &mut Vec<bool>) {
        point.clear();
        point.resize(self.layout.said.len(), false);
        self.bdd.some_point(set.0, point);
    }

    /// Whether a packet given in bits is in the set.
    pub(super) fn has_point(&self, set: Set, point: &[bool]) -> bool {
        self.bdd.holds(set.0, point)
    }

    /// The packets of a service.
    pub(super) fn service_set(&mut self, service: &Service) -> u32 {
        self.services(&vec![service.clone()])
    }

    /// The packets with names of some patterns.
    pub(super) fn pattern_set(&mut self, none: bool, patterns: &[NamePattern]) -> u32 {
        let mut node = EMPTY;
        for pattern in patterns {
            let own = self.names_of(&BTreeSet::from([pattern.pattern.clone()]));
            let except = self.names_of(&pattern.except.iter().cloned().collect());
            let own = self.bdd.diff(own, except);
            node = self.bdd.or(node, own);
        }
        if none {
            let shows_none = self.number(self.layout.name, &[(NONE, NONE)]);
            node = self.bdd.or(node, shows_none);
        }
        node
    }

    /// Notes that something was asked for that was never gathered.
    pub(super) fn miss(&mut self) {
        self.not_gathered = true;
    }

    /// How many nodes all sets together have.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.bdd.len()
    }
}

/// Fixes the bits of a block to a number.
pub(super) fn fix(changes: &mut [Change], block: Block, code: u32) {
    for bit in 0..block.bits {
        let value = code >> (block.bits - 1 - bit) & 1 == 1;
        fix_bit(changes, block.first + bit, value);
    }
}

pub(super) fn fix_bit(changes: &mut [Change], var: u32, value: bool) {
    if let Some(change) = changes.get_mut(var as usize) {
        *change = Change::Fix(value);
    }
}

/// Every transport that the bits can hold, by number.
pub(super) fn transport_at(code: u32) -> Transport {
    Transport::ALL
        .get(code as usize)
        .copied()
        .unwrap_or(Transport::Other)
}
