//! What a space must be able to tell apart, gathered before it is built: ends of intervals, name
//! patterns, symbols and what is known of them. It makes no set.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::hash::BuildHasherDefault;

use crate::model::address::{AddressSet, Family};
use crate::model::service::PortSet;

use super::atoms::{Cuts, Line};
use super::bdd::{Bdd, Mix};
use super::names::NameTable;
use super::region::{Addresses, Names, Region, Symbol};
use super::space::Space;

/// The part of a packet that a symbol is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The name that the connection shows.
    Name,
    /// The source address.
    Source,
    /// The address that [`Space::with_source`] put in its place.
    NewSource,
    /// The destination address.
    Destination,
    /// The address that [`Space::with_destination`] put in its place.
    NewDestination,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Source => "source",
            Self::NewSource => "new source",
            Self::Destination => "destination",
            Self::NewDestination => "new destination",
        })
    }
}

/// Something known about the members of symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Every address of the symbol lies in the set.
    Within(Symbol, AddressSet),
    /// No address of the symbol lies in the set.
    Outside(Symbol, AddressSet),
    /// Every address of the set is the symbol's.
    Holds(Symbol, AddressSet),
    /// Every member of the first is one of the second.
    Inside(Symbol, Symbol),
    /// They share no member.
    Apart(Symbol, Symbol),
    /// Every name of the symbol matches one of the patterns.
    NamesWithin(Symbol, BTreeSet<String>),
    /// No name of the symbol matches one of the patterns.
    NamesOutside(Symbol, BTreeSet<String>),
    /// Every name that matches one of the patterns is the symbol's.
    NamesHold(Symbol, BTreeSet<String>),
}

/// Why no answer can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exhausted {
    /// The sets need more nodes than this.
    Nodes(usize),
    /// A set was asked for whose ends, patterns or symbols were never gathered: our own fault.
    NotGathered,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(most) => write!(f, "the packet sets need more than {most} nodes"),
            Self::NotGathered => f.write_str("a packet set was not announced"),
        }
    }
}

impl std::error::Error for Exhausted {}

/// How many nodes a space may have unless told.
pub const DEFAULT_MOST_NODES: usize = 20_000_000;

/// A line that is being gathered, with the larger sets that it has already seen.
#[derive(Default)]
struct Side4And6 {
    cuts: [Cuts; 2],
    seen: HashSet<AddressSet, BuildHasherDefault<Mix>>,
}

impl Side4And6 {
    fn add(&mut self, set: &AddressSet) {
        let size = set.intervals(Family::V4).len() + set.intervals(Family::V6).len();
        // A service tag stands in many rules, and its intervals are many.
        if size > 16 {
            if self.seen.contains(set) {
                return;
            }
            self.seen.insert(set.clone());
        }
        for (family, cuts) in [Family::V4, Family::V6].into_iter().zip(&mut self.cuts) {
            for (first, last) in set.intervals(family) {
                cuts.add(*first, *last);
            }
        }
    }

    fn lines(self) -> [Line; 2] {
        let [v4, v6] = self.cuts;
        [v4.line(0, u128::from(u32::MAX)), v6.line(0, u128::MAX)]
    }
}

/// Gathers what a space must tell apart.
pub struct Builder {
    source: Side4And6,
    destination: Side4And6,
    ports: Cuts,
    source_ports: Cuts,
    patterns: BTreeSet<String>,
    symbols: BTreeSet<(Side, Symbol)>,
    facts: Vec<Fact>,
    most_nodes: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            source: Side4And6::default(),
            destination: Side4And6::default(),
            ports: Cuts::default(),
            source_ports: Cuts::default(),
            patterns: BTreeSet::new(),
            symbols: BTreeSet::new(),
            facts: Vec::new(),
            most_nodes: DEFAULT_MOST_NODES,
        }
    }

    /// How many nodes the space may have.
    #[must_use]
    pub fn most_nodes(mut self, most: usize) -> Self {
        self.most_nodes = most;
        self
    }

    /// Everything in a region.
    pub fn region(&mut self, region: &Region) {
        let end = |lines: &mut Side4And6, end: &Addresses| {
            lines.add(&end.known);
            if let Some(within) = &end.within {
                lines.add(within);
            }
        };
        end(&mut self.source, &region.source);
        end(&mut self.destination, &region.destination);
        for service in &region.services {
            add_ports(&mut self.ports, &service.ports);
            add_ports(&mut self.source_ports, &service.source_ports);
        }
        for (side, end) in [
            (Side::Source, &region.source),
            (Side::Destination, &region.destination),
        ] {
            for symbol in &end.symbols {
                self.symbol(side, symbol);
            }
        }
        if let Names::Some { patterns, symbols } = &region.names {
            for pattern in patterns {
                self.pattern(pattern);
            }
            for symbol in symbols {
                self.symbol(Side::Name, symbol);
            }
        }
    }

    /// Addresses, on either side.
    pub fn addresses(&mut self, set: &AddressSet) {
        self.source.add(set);
        self.destination.add(set);
    }

    /// Ports, on either side.
    pub fn ports(&mut self, set: &PortSet) {
        add_ports(&mut self.ports, set);
        add_ports(&mut self.source_ports, set);
    }

    /// A name or a pattern of names.
    pub fn pattern(&mut self, pattern: &str) {
        if !self.patterns.contains(pattern) {
            self.patterns.insert(pattern.to_owned());
        }
    }

    /// A symbol on a side; for regions this is done already.
    pub fn symbol(&mut self, side: Side, symbol: &Symbol) {
        let side = match side {
            Side::NewSource => Side::Source,
            Side::NewDestination => Side::Destination,
            same => same,
        };
        self.symbols.insert((side, symbol.clone()));
    }

    /// Something known about symbols.
    pub fn fact(&mut self, fact: Fact) {
        match &fact {
            Fact::Within(_, set) | Fact::Outside(_, set) | Fact::Holds(_, set) => {
                self.addresses(set);
            }
            Fact::NamesWithin(_, patterns)
            | Fact::NamesOutside(_, patterns)
            | Fact::NamesHold(_, patterns) => {
                for pattern in patterns {
                    self.pattern(pattern);
                }
            }
            Fact::Inside(..) | Fact::Apart(..) => {}
        }
        self.facts.push(fact);
    }

    /// The space.
    #[must_use]
    pub fn build(mut self) -> Space {
        self.relate_symbols();
        let ports = |cuts: Cuts| cuts.line(1, u128::from(u16::MAX));
        let layout = Layout::new(
            ports(self.ports),
            NameTable::new(self.patterns),
            self.source.lines(),
            self.destination.lines(),
            ports(self.source_ports),
            &self.symbols,
        );
        Space::new(Bdd::new(self.most_nodes), layout, &self.facts)
    }

    /// A fact about two symbols says something only where both are asked about.
    fn relate_symbols(&mut self) {
        loop {
            let before = self.symbols.len();
            for fact in &self.facts {
                let (Fact::Inside(a, b) | Fact::Apart(a, b)) = fact else {
                    continue;
                };
                for side in [Side::Name, Side::Source, Side::Destination] {
                    let (a, b) = ((side, a.clone()), (side, b.clone()));
                    if self.symbols.contains(&a) || self.symbols.contains(&b) {
                        self.symbols.extend([a, b]);
                    }
                }
            }
            if self.symbols.len() == before {
                return;
            }
        }
    }
}

fn add_ports(cuts: &mut Cuts, set: &PortSet) {
    for (first, last) in set.ranges() {
        cuts.add(u128::from(*first), u128::from(*last));
    }
}

/// Some neighbouring bits that hold one number, or one bit that holds a symbol or the family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) first: u32,
    pub(super) bits: u32,
    pub(super) values: u32,
}

/// Which bits of a diagram stand for what, and what the numbers in them mean.
pub(super) struct Layout {
    pub(super) port_line: Line,
    pub(super) names_table: NameTable,
    pub(super) source_lines: [Line; 2],
    pub(super) destination_lines: [Line; 2],
    pub(super) source_port_line: Line,

    pub(super) port: Block,
    pub(super) transport: Block,
    pub(super) name: Block,
    pub(super) family: u32,
    /// By family. Both begin at the same bit.
    pub(super) source: [Block; 2],
    pub(super) destination: [Block; 2],
    pub(super) source_port: Block,
    /// The bit of each symbol.
    pub(super) symbols: BTreeMap<(Side, Symbol), u32>,
    /// What each bit says, if it is a symbol's.
    pub(super) said: Vec<Option<(Side, Symbol)>>,
}

impl Layout {
    fn new(
        port_line: Line,
        names_table: NameTable,
        source_lines: [Line; 2],
        destination_lines: [Line; 2],
        source_port_line: Line,
        symbols: &BTreeSet<(Side, Symbol)>,
    ) -> Self {
        let mut said: Vec<Option<(Side, Symbol)>> = Vec::new();
        let mut places = BTreeMap::new();
        let block = |said: &mut Vec<Option<(Side, Symbol)>>, values: u32| {
            let bits = values.max(1).next_power_of_two().trailing_zeros();
            let first = said.len() as u32;
            said.resize(said.len() + bits as usize, None);
            Block {
                first,
                bits,
                values,
            }
        };
        let ends = |said: &mut Vec<Option<(Side, Symbol)>>, lines: &[Line; 2]| {
            let [v4, v6] = lines;
            let wide = block(said, v4.len().max(v6.len()));
            [v4, v6].map(|line| Block {
                first: wide.first,
                bits: line.bits(),
                values: line.len(),
            })
        };
        let mut place = |said: &mut Vec<Option<(Side, Symbol)>>, from: Side, on: Side| {
            for (_, symbol) in symbols.iter().filter(|(side, _)| *side == from) {
                places.insert((on, symbol.clone()), said.len() as u32);
                said.push(Some((on, symbol.clone())));
            }
        };
        let port = block(&mut said, port_line.len());
        let transport = block(&mut said, 9);
        let name = block(&mut said, names_table.len());
        // One bit for both ends: no packet has ends of two families.
        let family = said.len() as u32;
        said.push(None);
        let source = ends(&mut said, &source_lines);
        let destination = ends(&mut said, &destination_lines);
        let source_port = block(&mut said, source_port_line.len());
        // Symbols come last: which of them matter to one packet is little, but every choice of them
        // above the addresses would need a diagram of its own below.
        place(&mut said, Side::Name, Side::Name);
        place(&mut said, Side::Source, Side::Source);
        place(&mut said, Side::Source, Side::NewSource);
        place(&mut said, Side::Destination, Side::Destination);
        place(&mut said, Side::Destination, Side::NewDestination);
        Self {
            port_line,
            names_table,
            source_lines,
            destination_lines,
            source_port_line,
            port,
            transport,
            name,
            family,
            source,
            destination,
            source_port,
            symbols: places,
            said,
        }
    }

    /// The bits of the symbols that stand on a side.
    pub(super) fn symbols_of(&self, side: Side) -> Vec<u32> {
        self.symbols
            .iter()
            .filter(|((on, _), _)| *on == side)
            .map(|(_, var)| *var)
            .collect()
    }
}
