//! One packet of a set, the one that is read most easily. That it is a member is checked in tests.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::address::{AddressSet, Family, number};
use crate::model::service::PortSet;

use super::bdd::{Change, EMPTY};
use super::builder::{Block, Side};
use super::names::NONE;
use super::probe::Probe;
use super::region::Symbol;
use super::space::{FAMILIES, Set, Space, fix, fix_bit, transport_at};
use super::transport::Transport;

/// Whether a part of a packet is a member of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assumption {
    /// The part.
    pub side: Side,
    /// The symbol.
    pub symbol: Symbol,
    /// Whether it is.
    pub holds: bool,
}

/// `source in service tag Foo`, `destination not in ip group x`.
impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.holds { "" } else { "not " };
        write!(f, "{} {not}in {}", self.side, self.symbol)
    }
}

/// One packet, and what it assumes about symbols.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Witness {
    /// Protocol.
    pub transport: Transport,
    /// Source address.
    pub source: IpAddr,
    /// Source port; of no account where the protocol has none.
    pub source_port: u16,
    /// Destination address.
    pub destination: IpAddr,
    /// Destination port; of no account where the protocol has none.
    pub port: u16,
    /// The name that the connection shows.
    pub name: Option<String>,
    /// What makes it a member of the set; empty if it is one whatever the symbols hold.
    pub assuming: Vec<Assumption>,
}

impl From<&Witness> for Probe {
    fn from(witness: &Witness) -> Self {
        let mut probe = Self::new(
            witness.transport,
            witness.source,
            witness.destination,
            witness.port,
        );
        if witness.transport.has_ports() {
            probe.source_ports = PortSet::one(witness.source_port);
        }
        probe.name.clone_from(&witness.name);
        probe
    }
}

/// As the probe, then `assuming source in service tag Foo`.
impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Probe::from(self))?;
        for (at, assumption) in self.assuming.iter().enumerate() {
            let before = if at == 0 { " assuming " } else { ", " };
            write!(f, "{before}{assumption}")?;
        }
        Ok(())
    }
}

/// Ports that people know, the best known first.
const KNOWN_PORTS: [u16; 14] = [
    443, 80, 22, 3389, 53, 1433, 445, 25, 123, 389, 5671, 5672, 8080, 8443,
];

/// What a client might use.
const SOURCE_PORT: u16 = 50000;

impl Space {
    /// The packet of the set that is read most easily; `None` if there is none.
    pub fn witness(&mut self, set: Set) -> Option<Witness> {
        if set.0 == EMPTY {
            return None;
        }
        let mut point = vec![Change::Keep; self.layout.said.len()];
        let mut at = set.0;

        let ranges = self.step(at, self.layout.port);
        let port = self.port(&ranges, &self.layout.port_line, &KNOWN_PORTS)?;
        let code = self.layout.port_line.index(u128::from(port));
        at = choose(&ranges, code, self.layout.port, &mut point)?;

        let ranges = self.step(at, self.layout.transport);
        let code = ranges.first()?.0;
        let transport = transport_at(code);
        at = choose(&ranges, code, self.layout.transport, &mut point)?;

        let ranges = self.step(at, self.layout.name);
        let code = self.name(&ranges)?;
        let name = (code != NONE).then(|| self.layout.names_table.example(code).to_owned());
        at = choose(&ranges, code, self.layout.name, &mut point)?;

        let family = bit(self.layout.family);
        let ranges = self.step(at, family);
        let code = ranges.first()?.0;
        at = choose(&ranges, code, family, &mut point)?;
        let of = code as usize;

        let source = *self.layout.source.get(of)?;
        let ranges = self.step(at, source);
        let source_address = self.address(&ranges, Side::Source, of)?;
        let code = self.layout.source_lines.get(of)?;
        let code = code.index(number(source_address));
        at = choose(&ranges, code, source, &mut point)?;

        let destination = *self.layout.destination.get(of)?;
        let ranges = self.step(at, destination);
        let destination_address = self.address(&ranges, Side::Destination, of)?;
        let code = self.layout.destination_lines.get(of)?;
        let code = code.index(number(destination_address));
        at = choose(&ranges, code, destination, &mut point)?;

        let ranges = self.step(at, self.layout.source_port);
        let source_port = self.port(&ranges, &self.layout.source_port_line, &[SOURCE_PORT])?;
        let code = self.layout.source_port_line.index(u128::from(source_port));
        choose(&ranges, code, self.layout.source_port, &mut point)?;

        let assuming = self.assumptions(set, &mut point);
        Some(Witness {
            transport,
            source: source_address,
            source_port,
            destination: destination_address,
            port,
            name,
            assuming,
        })
    }

    fn step(&self, at: u32, block: Block) -> Vec<(u32, u32, u32)> {
        self.bdd.split(at, block.first, block.bits, block.values)
    }

    /// What the symbols must hold for the packet to be in the set, as little as possible.
    fn assumptions(&mut self, set: Set, point: &mut [Change]) -> Vec<Assumption> {
        // Every bit that is no symbol's has its value by now, but for those of a shorter family.
        for (change, said) in point.iter_mut().zip(&self.layout.said) {
            if said.is_none() && *change == Change::Keep {
                *change = Change::Fix(false);
            }
        }
        let own = self.bdd.substitute(set.0, point);
        let allowed = self.bdd.substitute(self.full().0, point);
        let asked = self.bdd.simplify(own, allowed);
        let mut values = vec![false; self.layout.said.len()];
        self.bdd.some_point(own, &mut values);
        let mut out: Vec<Assumption> = Vec::new();
        for var in self.bdd.support(asked) {
            if let Some(Some((side, symbol))) = self.layout.said.get(var as usize) {
                out.push(Assumption {
                    side: *side,
                    symbol: symbol.clone(),
                    holds: values.get(var as usize).copied().unwrap_or(false),
                });
            }
        }
        out.sort();
        out
    }

    fn port(
        &self,
        ranges: &[(u32, u32, u32)],
        line: &super::atoms::Line,
        liked: &[u16],
    ) -> Option<u16> {
        let intervals: Vec<(u128, u128)> = ranges
            .iter()
            .map(|(from, to, _)| line.interval(*from, *to))
            .collect();
        let holds = |port: u16| {
            intervals
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&u128::from(port)))
        };
        if let Some(port) = liked.iter().find(|port| holds(**port)) {
            return Some(*port);
        }
        u16::try_from(intervals.first()?.0).ok()
    }

    /// None if possible, else a name that somebody wrote, else one that nobody did.
    fn name(&self, ranges: &[(u32, u32, u32)]) -> Option<u32> {
        let first = ranges.first()?.0;
        if first == NONE {
            return Some(first);
        }
        ranges
            .iter()
            .flat_map(|(from, to, _)| *from..=*to)
            .find(|code| self.layout.names_table.is_exact(*code))
            .or(Some(first))
    }

    fn address(&self, ranges: &[(u32, u32, u32)], side: Side, of: usize) -> Option<IpAddr> {
        let family = FAMILIES.get(of).copied()?;
        let lines = if side == Side::Source {
            &self.layout.source_lines
        } else {
            &self.layout.destination_lines
        };
        let line = lines.get(of)?;
        let intervals = ranges
            .iter()
            .map(|(from, to, _)| line.interval(*from, *to))
            .collect();
        readable(&AddressSet::from_intervals(family, intervals), family, side)
    }
}

fn bit(var: u32) -> Block {
    Block {
        first: var,
        bits: 1,
        values: 2,
    }
}

/// Fixes a block to a number that is in one of the ranges, and gives what is left below.
fn choose(
    ranges: &[(u32, u32, u32)],
    code: u32,
    block: Block,
    point: &mut [Change],
) -> Option<u32> {
    let (_, _, rest) = ranges
        .iter()
        .find(|(from, to, _)| *from <= code && code <= *to)?;
    if block.bits == 1 && block.values == 2 {
        fix_bit(point, block.first, code == 1);
    } else {
        fix(point, block, code);
    }
    Some(*rest)
}

/// An address of a set that looks like one in use: a usual example if it is in, else one near the
/// start of an interval outside the reserved ranges.
fn readable(set: &AddressSet, family: Family, side: Side) -> Option<IpAddr> {
    let v4 = |a, b, c, d| IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    let v6 = |a, b, h| IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, h));
    let private = [v4(10, 0, 0, 4), v4(172, 16, 0, 4), v4(192, 168, 0, 4)];
    let liked: Vec<IpAddr> = match (family, side) {
        (Family::V4, Side::Source) => private.to_vec(),
        (Family::V4, _) => [&[v4(203, 0, 113, 5)], private.as_slice()].concat(),
        (Family::V6, Side::Source) => vec![v6(0xfd00, 0, 4), v6(0x2001, 0xdb8, 4)],
        (Family::V6, _) => vec![v6(0x2001, 0xdb8, 5), v6(0xfd00, 0, 5)],
    };
    let has = |address: &IpAddr| AddressSet::range(*address, *address).is_subset(set);
    if let Some(address) = liked.into_iter().find(has) {
        return Some(address);
    }
    let reserved = match family {
        Family::V4 => AddressSet::range(v4(0, 0, 0, 0), v4(0, 255, 255, 255))
            .union(&AddressSet::range(v4(127, 0, 0, 0), v4(127, 255, 255, 255)))
            .union(&AddressSet::range(v4(224, 0, 0, 0), v4(255, 255, 255, 255))),
        Family::V6 => AddressSet::range(v6(0, 0, 0), v6(0xff, 0xffff, 0xffff)).union(
            &AddressSet::range(v6(0xfe80, 0, 0), v6(0xffff, 0xffff, 0xffff)),
        ),
    };
    let usable = set.subtract(&reserved);
    let usable = if usable.is_empty() { set } else { &usable };
    let intervals = usable.intervals(family);
    // Where nobody is at home at the ends: a network's own address and that of all its hosts.
    let roomy = intervals.iter().find(|(first, last)| last - first >= 2);
    let (first, last) = roomy.or(intervals.first()).copied()?;
    let address = match last - first {
        7.. => first + 4,
        2..7 => first + 1,
        _ => first,
    };
    Some(match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(address).ok()?)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(address)),
    })
}
