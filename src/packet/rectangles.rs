//! A set read back as rows, each a product over the dimensions. The rows are disjoint. What rows are
//! called in a policy is not said here.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::address::{AddressSet, Family};
use crate::model::service::PortSet;

use super::atoms::Line;
use super::bdd::{ALL, EMPTY, Quick};
use super::builder::{Block, Side};
use super::names::{NONE, NamePattern};
use super::region::{Service, Symbol};
use super::space::{FAMILIES, Set, Space, transport_at};
use super::transport::Transports;
use super::witness::Assumption;

/// One end of a row: addresses that are in the set, in every symbol of `within` and in none of
/// `outside`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RectangleEnd {
    /// The addresses, of both families. A packet has both ends in one family.
    pub addresses: AddressSet,
    /// Symbols that hold the address.
    pub within: Vec<Symbol>,
    /// Symbols that do not.
    pub outside: Vec<Symbol>,
}

/// The names of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RectangleNames {
    /// Whether a packet without a name is in it.
    pub none: bool,
    /// The names, a union.
    pub patterns: Vec<NamePattern>,
    /// Symbols that hold the name.
    pub within: Vec<Symbol>,
    /// Symbols that do not.
    pub outside: Vec<Symbol>,
}

impl RectangleNames {
    /// Whether every name is in it, and none too.
    #[must_use]
    pub fn is_any(&self) -> bool {
        let all = matches!(self.patterns.as_slice(), [one] if one.pattern == "*" && one.except.is_empty());
        self.none && all && self.within.is_empty() && self.outside.is_empty()
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rectangle {
    /// Sources.
    pub source: RectangleEnd,
    /// Destinations.
    pub destination: RectangleEnd,
    /// Protocols.
    pub transports: Transports,
    /// Destination ports, where the protocol has any.
    pub ports: PortSet,
    /// Source ports, where the protocol has any.
    pub source_ports: PortSet,
    /// Names.
    pub names: RectangleNames,
    /// What else is assumed: of addresses that a layer put in.
    pub assuming: Vec<Assumption>,
}

impl Rectangle {
    /// What its symbols hold, in words: `source in service tag Foo`.
    #[must_use]
    pub fn assumptions(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (side, within, outside) in [
            ("source", &self.source.within, &self.source.outside),
            (
                "destination",
                &self.destination.within,
                &self.destination.outside,
            ),
            ("name", &self.names.within, &self.names.outside),
        ] {
            out.extend(within.iter().map(|s| format!("{side} in {s}")));
            out.extend(outside.iter().map(|s| format!("{side} not in {s}")));
        }
        out.extend(self.assuming.iter().map(ToString::to_string));
        out
    }
}

/// A set as rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rectangles {
    /// Disjoint, the widest first.
    pub rows: Vec<Rectangle>,
    /// How many more there are. Beyond ten thousand rows these are not merged before they are counted.
    pub left_out: usize,
}

/// `tcp:443 from 10.0.0.0/24 to any`, without names if they are any.
impl fmt::Display for Rectangle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = if self.transports == Transports::ALL {
            vec!["any".to_owned()]
        } else {
            self.transports.iter().map(|t| t.to_string()).collect()
        };
        f.write_str(&words.join(","))?;
        if !self.ports.is_all() {
            write!(f, ":{}", self.ports.texts().join(","))?;
        }
        write!(f, " from {}", self.source)?;
        if !self.source_ports.is_all() {
            write!(f, ":{}", self.source_ports.texts().join(","))?;
        }
        write!(f, " to {}", self.destination)?;
        if !self.names.is_any() {
            write!(f, " named {}", self.names)?;
        }
        for (at, assumption) in self.assuming.iter().enumerate() {
            let before = if at == 0 { " assuming " } else { ", " };
            write!(f, "{before}{assumption}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RectangleEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = |family: Family| {
            let all = AddressSet::all();
            let own = self.addresses.intervals(family);
            own.is_empty() || own == all.intervals(family)
        };
        if full(Family::V4) && full(Family::V6) && !self.addresses.is_empty() {
            f.write_str("any")?;
        } else {
            let prefixes = self.addresses.to_prefixes();
            let texts: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
            f.write_str(&texts.join(","))?;
        }
        membership(f, &self.within, &self.outside)
    }
}

impl fmt::Display for RectangleNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts: Vec<String> = Vec::new();
        if self.none {
            texts.push("none".to_owned());
        }
        for pattern in &self.patterns {
            let mut text = pattern.pattern.clone();
            if !pattern.except.is_empty() {
                text.push_str(&format!(" except {}", pattern.except.join(",")));
            }
            texts.push(text);
        }
        f.write_str(&texts.join(","))?;
        membership(f, &self.within, &self.outside)
    }
}

fn membership(f: &mut fmt::Formatter<'_>, within: &[Symbol], outside: &[Symbol]) -> fmt::Result {
    for symbol in within {
        write!(f, " in {symbol}")?;
    }
    for symbol in outside {
        write!(f, " not in {symbol}")?;
    }
    Ok(())
}

/// Rows that are read back at most before they are merged.
const MOST_ROWS: usize = 10_000;

type Ranges = Vec<(u32, u32)>;

/// A row in numbers of elementary intervals.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    family: usize,
    source: Ranges,
    destination: Ranges,
    transports: Transports,
    ports: Ranges,
    source_ports: Ranges,
    names: Ranges,
    said: BTreeMap<u32, bool>,
}

/// A dimension, in the order of the diagram.
#[derive(Clone, Copy)]
enum Step {
    Port,
    Transport,
    Name,
    Symbol(u32),
    Family,
    Source,
    Destination,
    SourcePort,
}

impl Space {
    /// The set as rows, at most so many.
    pub fn rectangles(&mut self, set: Set, most: usize) -> Rectangles {
        // Where the facts allow no packet the rows may say what reads best.
        let at = self.bdd.simplify(set.0, self.full().0);
        let steps = self.steps(at);
        let total = count(self, at, &steps, 0, 0, &mut Quick::default());
        let mut rows = Vec::new();
        read(self, at, &steps, &mut Row::default(), &mut rows);
        let unread = total.saturating_sub(rows.len());
        let rows = self.merged(self.by_ports(rows));
        let mut wide: Vec<(f64, Rectangle)> = self.glued(rows);
        wide.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
        let left_out = unread.saturating_add(wide.len().saturating_sub(most));
        Rectangles {
            rows: wide.into_iter().take(most).map(|(_, row)| row).collect(),
            left_out,
        }
    }

    /// A set that reads more easily: it holds all of the first, and beside that only what the second
    /// holds.
    pub fn between(&mut self, least: Set, most: Set) -> Set {
        let free = self.subtract(most, least);
        let care = self.complement(free);
        let either = self.bdd.simplify(least.0, care.0);
        let either = self.bdd.and(either, most.0);
        Set(either)
    }

    /// The packets of a row.
    pub fn rectangle(&mut self, row: &Rectangle) -> Set {
        let service = Service {
            transports: row.transports,
            ports: row.ports.clone(),
            source_ports: row.source_ports.clone(),
        };
        let mut node = self.service_set(&service);
        let ends = self.box_of(&row.source.addresses, &row.destination.addresses);
        node = self.bdd.and(node, ends.0);
        let names = self.pattern_set(row.names.none, &row.names.patterns);
        node = self.bdd.and(node, names);
        for (side, within, outside) in [
            (Side::Name, &row.names.within, &row.names.outside),
            (Side::Source, &row.source.within, &row.source.outside),
            (
                Side::Destination,
                &row.destination.within,
                &row.destination.outside,
            ),
        ] {
            let all = within.iter().map(|s| (s, true));
            for (symbol, holds) in all.chain(outside.iter().map(|s| (s, false))) {
                node = self.and_said(node, side, symbol, holds);
            }
        }
        for one in &row.assuming {
            node = self.and_said(node, one.side, &one.symbol, one.holds);
        }
        Set(node)
    }

    fn and_said(&mut self, node: u32, side: Side, symbol: &Symbol, holds: bool) -> u32 {
        let Some(&var) = self.layout.symbols.get(&(side, symbol.clone())) else {
            self.miss();
            return EMPTY;
        };
        let literal = if holds {
            self.bdd.make(var, EMPTY, ALL)
        } else {
            self.bdd.make(var, ALL, EMPTY)
        };
        self.bdd.and(node, literal)
    }

    fn steps(&self, at: u32) -> Vec<Step> {
        let is_symbol = |var: &u32| matches!(self.layout.said.get(*var as usize), Some(Some(_)));
        let support = self.bdd.support(at).into_iter();
        [
            Step::Port,
            Step::Transport,
            Step::Name,
            Step::Family,
            Step::Source,
            Step::Destination,
            Step::SourcePort,
        ]
        .into_iter()
        .chain(support.filter(is_symbol).map(Step::Symbol))
        .collect()
    }

    fn block_of(&self, step: Step, family: usize) -> Block {
        let bit = |first| Block {
            first,
            bits: 1,
            values: 2,
        };
        let of = |blocks: [Block; 2]| {
            let [v4, v6] = blocks;
            if family == 0 { v4 } else { v6 }
        };
        match step {
            Step::Port => self.layout.port,
            Step::Transport => self.layout.transport,
            Step::Name => self.layout.name,
            Step::Symbol(var) => bit(var),
            Step::Family => bit(self.layout.family),
            Step::Source => of(self.layout.source),
            Step::Destination => of(self.layout.destination),
            Step::SourcePort => self.layout.source_port,
        }
    }

    /// The numbers of a block by what is left below them.
    fn groups(&self, at: u32, step: Step, family: usize) -> Vec<(Ranges, u32)> {
        let block = self.block_of(step, family);
        let mut places: Quick<u32, usize> = Quick::default();
        let mut out: Vec<(Ranges, u32)> = Vec::new();
        for (from, to, rest) in self.bdd.split(at, block.first, block.bits, block.values) {
            // Rows say one family each.
            if matches!(step, Step::Family) && from != to {
                out.extend((from..=to).map(|code| (vec![(code, code)], rest)));
                continue;
            }
            let place = *places.entry(rest).or_insert(out.len());
            match out.get_mut(place) {
                Some(group) => group.0.push((from, to)),
                None => out.push((vec![(from, to)], rest)),
            }
        }
        out
    }

    /// Ports do not count where a protocol has none: those protocols get rows of their own.
    fn by_ports(&self, rows: Vec<Row>) -> Vec<Row> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let ported = row.transports.intersect(Transports::PORTED);
            let portless = row.transports.intersect(Transports::PORTLESS);
            if !portless.is_empty() {
                out.push(Row {
                    transports: portless,
                    ports: whole(self.layout.port),
                    source_ports: whole(self.layout.source_port),
                    ..row.clone()
                });
            }
            if !ported.is_empty() {
                out.push(Row {
                    transports: ported,
                    ..row
                });
            }
        }
        out.sort();
        out.dedup();
        out
    }

    /// Rows that are equal in all but one dimension become one, until there are none.
    fn merged(&self, mut rows: Vec<Row>) -> Vec<Row> {
        let mut vars: Vec<u32> = rows.iter().flat_map(|r| r.said.keys().copied()).collect();
        vars.sort_unstable();
        vars.dedup();
        loop {
            let before = rows.len();
            rows = join(rows, |row| std::mem::take(&mut row.ports), |r| &mut r.ports);
            rows = join(
                rows,
                |row| std::mem::take(&mut row.source),
                |r| &mut r.source,
            );
            rows = join(
                rows,
                |row| std::mem::take(&mut row.destination),
                |r| &mut r.destination,
            );
            rows = join(rows, |row| std::mem::take(&mut row.names), |r| &mut r.names);
            rows = join(
                rows,
                |row| std::mem::take(&mut row.source_ports),
                |r| &mut r.source_ports,
            );
            let mut by: BTreeMap<Row, Transports> = BTreeMap::new();
            for mut row in rows {
                let own = std::mem::take(&mut row.transports);
                let all = by.entry(row).or_default();
                *all = all.union(own);
            }
            rows = by
                .into_iter()
                .map(|(row, transports)| Row { transports, ..row })
                .collect();
            for var in &vars {
                rows = either(rows, *var);
            }
            if rows.len() == before {
                return rows;
            }
        }
    }

    /// Rows as they are shown, with how wide they are. A row of one family joins its like of the
    /// other where both are everything, or neither is, on each end.
    fn glued(&self, rows: Vec<Row>) -> Vec<(f64, Rectangle)> {
        let mut by: BTreeMap<(Row, bool, bool), Vec<Row>> = BTreeMap::new();
        for row in rows {
            let full = |ranges: &Ranges, step| *ranges == whole(self.block_of(step, row.family));
            let source = full(&row.source, Step::Source);
            let destination = full(&row.destination, Step::Destination);
            let mut key = row.clone();
            key.family = 0;
            key.source.clear();
            key.destination.clear();
            by.entry((key, source, destination)).or_default().push(row);
        }
        let mut out = Vec::new();
        for rows in by.into_values() {
            let (v4, v6): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|r| r.family == 0);
            if let ([a], [b]) = (v4.as_slice(), v6.as_slice()) {
                let mut shown = self.shown(a);
                let other = self.shown(b);
                let union = |x: &RectangleEnd, y: &RectangleEnd| x.addresses.union(&y.addresses);
                shown.source.addresses = union(&shown.source, &other.source);
                shown.destination.addresses = union(&shown.destination, &other.destination);
                out.push((self.width(a) + self.width(b), shown));
            } else {
                out.extend(v4.iter().chain(&v6).map(|r| (self.width(r), self.shown(r))));
            }
        }
        out
    }

    /// The share of all packets, roughly: it only puts rows in order.
    fn width(&self, row: &Row) -> f64 {
        let share = |ranges: &Ranges, line: Option<&Line>| {
            let Some(line) = line else { return 1.0 };
            let (low, high) = line.interval(0, line.len() - 1);
            let size = |(first, last): (u128, u128)| (last - first) as f64 + 1.0;
            let own: f64 = ranges
                .iter()
                .map(|(a, b)| size(line.interval(*a, *b)))
                .sum();
            own / size((low, high))
        };
        let names: u32 = row.names.iter().map(|(a, b)| b - a + 1).sum();
        share(&row.source, self.layout.source_lines.get(row.family))
            * share(
                &row.destination,
                self.layout.destination_lines.get(row.family),
            )
            * share(&row.ports, Some(&self.layout.port_line))
            * share(&row.source_ports, Some(&self.layout.source_port_line))
            * f64::from(names)
            * row.transports.iter().count() as f64
            / (row.said.len() + 1) as f64
    }

    fn shown(&self, row: &Row) -> Rectangle {
        let addresses = |ranges: &Ranges, lines: &[Line; 2]| {
            let family = FAMILIES.get(row.family).copied().unwrap_or(Family::V4);
            let intervals = lines.get(row.family).map(|line| {
                let wide = ranges.iter().map(|(a, b)| line.interval(*a, *b));
                wide.collect::<Vec<_>>()
            });
            AddressSet::from_intervals(family, intervals.unwrap_or_default())
        };
        let ports = |ranges: &Ranges, line: &Line| {
            let port = |n: u128| u16::try_from(n).unwrap_or(u16::MAX);
            let wide: Vec<(u16, u16)> = ranges
                .iter()
                .map(|(a, b)| line.interval(*a, *b))
                .map(|(first, last)| (port(first), port(last)))
                .collect();
            PortSet::from_ranges(&wide)
        };
        let mut shown = Rectangle {
            source: RectangleEnd {
                addresses: addresses(&row.source, &self.layout.source_lines),
                ..RectangleEnd::default()
            },
            destination: RectangleEnd {
                addresses: addresses(&row.destination, &self.layout.destination_lines),
                ..RectangleEnd::default()
            },
            transports: row.transports,
            ports: ports(&row.ports, &self.layout.port_line),
            source_ports: ports(&row.source_ports, &self.layout.source_port_line),
            names: RectangleNames {
                none: row.names.iter().any(|(first, _)| *first == NONE),
                patterns: self.layout.names_table.patterns(&row.names),
                ..RectangleNames::default()
            },
            assuming: Vec::new(),
        };
        for (var, holds) in &row.said {
            let Some(Some((side, symbol))) = self.layout.said.get(*var as usize) else {
                continue;
            };
            let (within, outside) = match side {
                Side::Name => (&mut shown.names.within, &mut shown.names.outside),
                Side::Source => (&mut shown.source.within, &mut shown.source.outside),
                Side::Destination => {
                    let end = &mut shown.destination;
                    (&mut end.within, &mut end.outside)
                }
                Side::NewSource | Side::NewDestination => {
                    shown.assuming.push(Assumption {
                        side: *side,
                        symbol: symbol.clone(),
                        holds: *holds,
                    });
                    continue;
                }
            };
            if *holds { within } else { outside }.push(symbol.clone());
        }
        shown
    }
}

/// All numbers of a block.
fn whole(block: Block) -> Ranges {
    vec![(0, block.values.max(1) - 1)]
}

/// How many rows there are, before they are merged.
fn count(
    space: &Space,
    at: u32,
    steps: &[Step],
    done: usize,
    family: usize,
    memo: &mut Quick<(u32, u32, u32), usize>,
) -> usize {
    let Some(step) = steps.get(done) else {
        return 1;
    };
    let key = (at, done as u32, family as u32);
    if let Some(known) = memo.get(&key) {
        return *known;
    }
    let mut sum = 0_usize;
    for (ranges, rest) in space.groups(at, *step, family) {
        let family = match (step, ranges.first()) {
            (Step::Family, Some((code, _))) => *code as usize,
            _ => family,
        };
        sum = sum.saturating_add(count(space, rest, steps, done + 1, family, memo));
    }
    memo.insert(key, sum);
    sum
}

/// Reads rows until there are too many.
fn read(space: &Space, at: u32, steps: &[Step], row: &mut Row, rows: &mut Vec<Row>) {
    let Some((step, steps)) = steps.split_first() else {
        rows.push(row.clone());
        return;
    };
    for (ranges, rest) in space.groups(at, *step, row.family) {
        if rows.len() >= MOST_ROWS {
            return;
        }
        match step {
            Step::Port => row.ports = ranges,
            Step::Name => row.names = ranges,
            Step::Source => row.source = ranges,
            Step::Destination => row.destination = ranges,
            Step::SourcePort => row.source_ports = ranges,
            Step::Family => row.family = ranges.first().map_or(0, |(code, _)| *code as usize),
            Step::Transport => {
                row.transports = ranges
                    .iter()
                    .flat_map(|(from, to)| *from..=*to)
                    .map(|code| Transports::one(transport_at(code)))
                    .fold(Transports::NONE, Transports::union);
            }
            Step::Symbol(var) => {
                match ranges.as_slice() {
                    [(0, 0)] => row.said.insert(*var, false),
                    [(1, 1)] => row.said.insert(*var, true),
                    _ => row.said.remove(var),
                };
            }
        }
        read(space, rest, steps, row, rows);
    }
}

/// Joins rows that differ in one list of ranges only.
fn join(
    rows: Vec<Row>,
    take: impl Fn(&mut Row) -> Ranges,
    place: impl Fn(&mut Row) -> &mut Ranges,
) -> Vec<Row> {
    let mut by: BTreeMap<Row, Ranges> = BTreeMap::new();
    for mut row in rows {
        let own = take(&mut row);
        by.entry(row).or_default().extend(own);
    }
    by.into_iter()
        .map(|(mut row, mut ranges)| {
            ranges.sort_unstable();
            let mut merged: Ranges = Vec::with_capacity(ranges.len());
            for (first, last) in ranges {
                match merged.last_mut() {
                    Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                    _ => merged.push((first, last)),
                }
            }
            *place(&mut row) = merged;
            row
        })
        .collect()
}

/// Joins rows that differ in one symbol only.
fn either(rows: Vec<Row>, var: u32) -> Vec<Row> {
    let mut by: BTreeMap<Row, Vec<Option<bool>>> = BTreeMap::new();
    for mut row in rows {
        let own = row.said.remove(&var);
        by.entry(row).or_default().push(own);
    }
    let mut out = Vec::new();
    for (row, values) in by {
        let open = values.contains(&None);
        if open || values.contains(&Some(true)) && values.contains(&Some(false)) {
            out.push(row);
            continue;
        }
        for value in values.into_iter().flatten() {
            let mut row = row.clone();
            row.said.insert(var, value);
            out.push(row);
        }
    }
    out
}
