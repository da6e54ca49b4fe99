//! Whether packets are in a set: a look at the points of a probe, without making a diagram of it.

use crate::model::service::PortSet;

use super::atoms::Line;
use super::bdd::{EMPTY, Quick};
use super::builder::Block;
use super::names::NONE;
use super::probe::{Answer, Probe};
use super::space::{FAMILIES, Set, Space};

impl Space {
    /// Whether a packet is in the set. If the probe is several packets, `Yes` and `No` hold for all.
    #[must_use]
    pub fn contains(&self, set: Set, probe: &Probe) -> Answer {
        let mut walk = Walk {
            space: self,
            seen: Quick::default(),
            inside: false,
            outside: false,
            blocks: Vec::new(),
        };
        for at in 0..FAMILIES.len() {
            walk.family(set.0, probe, at);
        }
        match (walk.inside, walk.outside) {
            (true, false) => Answer::Yes,
            (true, true) => Answer::May,
            (false, _) => Answer::No,
        }
    }
}

/// A look in progress.
struct Walk<'a> {
    space: &'a Space,
    seen: Quick<(u32, u32, u32, u64), ()>,
    inside: bool,
    outside: bool,
    /// Bits with the numbers allowed in them, ascending; bits in none are free.
    blocks: Vec<(Block, Vec<(u32, u32)>)>,
}

/// Every number below is allowed.
const FREE: u64 = u64::MAX;

impl Walk<'_> {
    fn family(&mut self, set: u32, probe: &Probe, at: usize) {
        let layout = &self.space.layout;
        let (Some(family), Some(source_line), Some(destination_line)) = (
            FAMILIES.get(at).copied(),
            layout.source_lines.get(at),
            layout.destination_lines.get(at),
        ) else {
            return;
        };
        let (Some(source), Some(destination)) = (layout.source.get(at), layout.destination.get(at))
        else {
            return;
        };
        let one = |n: u32| vec![(n, n)];
        let ports = |ports: &PortSet, line: &Line, block: Block| {
            if !probe.transport.has_ports() {
                return vec![(0, block.values - 1)];
            }
            let wide: Vec<(u128, u128)> = ports
                .ranges()
                .iter()
                .map(|(first, last)| (u128::from(*first), u128::from(*last)))
                .collect();
            line.met(&wide)
        };
        let name = probe
            .name
            .as_ref()
            .map_or(NONE, |name| layout.names_table.number(name));
        let bit = Block {
            first: layout.family,
            bits: 1,
            values: 2,
        };
        self.blocks = vec![
            (
                layout.port,
                ports(&probe.ports, &layout.port_line, layout.port),
            ),
            (layout.transport, one(probe.transport.index())),
            (layout.name, one(name)),
            (bit, one(at as u32)),
            (*source, source_line.met(probe.source.intervals(family))),
            (
                *destination,
                destination_line.met(probe.destination.intervals(family)),
            ),
            (
                layout.source_port,
                ports(
                    &probe.source_ports,
                    &layout.source_port_line,
                    layout.source_port,
                ),
            ),
        ];
        if self.blocks.iter().any(|(_, ranges)| ranges.is_empty()) {
            return;
        }
        for (block, ranges) in &mut self.blocks {
            if let Some(end) = ranges.last_mut()
                && end.1 + 1 >= block.values
            {
                end.1 = ((1_u64 << block.bits) - 1) as u32;
            }
        }
        self.seen = Quick::default();
        self.step(set, self.space.full, 0, 0);
    }

    /// Looks at the points below: `code` is the number so far of the block that `var` stands in.
    fn step(&mut self, set: u32, full: u32, var: u32, code: u64) {
        if full == EMPTY || self.inside && self.outside {
            return;
        }
        if var as usize >= self.space.layout.said.len() {
            if set == EMPTY {
                self.outside = true;
            } else {
                self.inside = true;
            }
            return;
        }
        if self.seen.insert((set, full, var, code), ()).is_some() {
            return;
        }
        let block = self
            .blocks
            .iter()
            .position(|(b, _)| b.first <= var && var < b.first + b.bits);
        let (set0, set1) = self.space.bdd.branch(set, var);
        let (full0, full1) = self.space.bdd.branch(full, var);
        let code = match block.and_then(|at| self.blocks.get(at)) {
            Some((block, _)) if block.first == var => 0,
            Some(_) => code,
            None => FREE,
        };
        for (bit, set, full) in [(0, set0, full0), (1, set1, full1)] {
            let next = match block.and_then(|at| self.blocks.get(at)) {
                Some((block, ranges)) if code != FREE => {
                    let below = block.first + block.bits - 1 - var;
                    let own = code * 2 + bit;
                    let (first, last) = (own << below, ((own + 1) << below) - 1);
                    let at = ranges.partition_point(|(_, end)| u64::from(*end) < first);
                    match ranges.get(at) {
                        Some((start, end))
                            if u64::from(*start) <= first && last <= u64::from(*end) =>
                        {
                            FREE
                        }
                        Some((start, _)) if u64::from(*start) <= last => own,
                        _ => continue,
                    }
                }
                _ => FREE,
            };
            self.step(set, full, var + 1, next);
        }
    }
}
