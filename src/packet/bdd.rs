//! Binary decision diagrams, shared and hash-consed: equal functions are equal numbers. It knows bits
//! only; what they stand for is `space.rs`'s business.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The function that is nowhere true.
pub(super) const EMPTY: u32 = 0;
/// The function that is true everywhere.
pub(super) const ALL: u32 = 1;

/// The variable of the two constants: after every other.
const END: u32 = u32::MAX;

/// A multiplicative hash. Keys are our own numbers, so nobody can aim at collisions.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix(u64);

impl Mix {
    fn take(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take(u64::from(*byte));
        }
    }
    fn write_u32(&mut self, value: u32) {
        self.take(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.take(value);
    }
    fn write_usize(&mut self, value: usize) {
        self.take(value as u64);
    }
    fn write_u128(&mut self, value: u128) {
        self.take(value as u64);
        self.take((value >> 64) as u64);
    }
}

/// A map with the hash above.
pub(super) type Quick<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

#[derive(Clone, Copy)]
struct Node {
    var: u32,
    low: u32,
    high: u32,
}

const LEAF: Node = Node {
    var: END,
    low: EMPTY,
    high: EMPTY,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    And = 1,
    Or,
    Diff,
    /// Whether they share a point; the result is a constant.
    Meets,
    /// Whether the first has a point outside the second; the result is a constant.
    Leaves,
}

/// A remembered result. A later one with the same place replaces it.
#[derive(Clone, Copy, Default)]
struct Known {
    op: u32,
    a: u32,
    b: u32,
    result: u32,
}

/// What [`Bdd::substitute`] does with a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It stays.
    Keep,
    /// It has this value.
    Fix(bool),
    /// It becomes another variable.
    Rename(u32),
}

/// All diagrams of one space. Nothing is ever dropped.
pub(super) struct Bdd {
    nodes: Vec<Node>,
    /// Open addressing: numbers of nodes; 0 is free.
    table: Vec<u32>,
    cache: Vec<Known>,
    most: usize,
    exhausted: bool,
}

const FIRST_TABLE: usize = 1 << 12;
/// 16 MiB.
const MOST_CACHE: usize = 1 << 20;

impl Bdd {
    pub(super) fn new(most: usize) -> Self {
        Self {
            nodes: vec![LEAF, LEAF],
            table: vec![0; FIRST_TABLE],
            cache: vec![Known::default(); FIRST_TABLE],
            most: most.min(u32::MAX as usize - 2),
            exhausted: false,
        }
    }

    /// Whether the limit was hit. From then on every result is worthless.
    pub(super) fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// The limit.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, at: u32) -> Node {
        self.nodes.get(at as usize).copied().unwrap_or(LEAF)
    }

    /// The first variable that the function depends on.
    pub(super) fn var(&self, at: u32) -> u32 {
        self.node(at).var
    }

    /// The function where a variable is 0 and where it is 1. The variable is not after its first.
    pub(super) fn branch(&self, at: u32, var: u32) -> (u32, u32) {
        let node = self.node(at);
        if node.var == var {
            (node.low, node.high)
        } else {
            (at, at)
        }
    }

    fn place(var: u32, low: u32, high: u32) -> usize {
        let mut hash = Mix(u64::from(var));
        hash.take(u64::from(low) << 32 | u64::from(high));
        hash.0 as usize
    }

    /// The function that is `low` where the variable is 0 and `high` where it is 1.
    pub(super) fn make(&mut self, var: u32, low: u32, high: u32) -> u32 {
        if low == high {
            return low;
        }
        let mask = self.table.len() - 1;
        let mut slot = Self::place(var, low, high) & mask;
        while let Some(&at) = self.table.get(slot) {
            if at == 0 {
                break;
            }
            let node = self.node(at);
            if node.var == var && node.low == low && node.high == high {
                return at;
            }
            slot = (slot + 1) & mask;
        }
        if self.nodes.len() >= self.most {
            self.exhausted = true;
            return EMPTY;
        }
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { var, low, high });
        if let Some(free) = self.table.get_mut(slot) {
            *free = at;
        }
        if self.nodes.len() * 5 > self.table.len() * 3 {
            self.grow();
        }
        at
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        let mask = size - 1;
        let mut table = vec![0_u32; size];
        for (at, node) in self.nodes.iter().enumerate().skip(2) {
            let mut slot = Self::place(node.var, node.low, node.high) & mask;
            while table.get(slot).is_some_and(|other| *other != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(free) = table.get_mut(slot) {
                *free = at as u32;
            }
        }
        self.table = table;
        if self.cache.len() < MOST_CACHE {
            // Results are only lost: what is asked again is computed again.
            self.cache = vec![Known::default(); size.min(MOST_CACHE)];
        }
    }

    pub(super) fn and(&mut self, a: u32, b: u32) -> u32 {
        self.apply(Op::And, a, b)
    }

    pub(super) fn or(&mut self, a: u32, b: u32) -> u32 {
        self.apply(Op::Or, a, b)
    }

    pub(super) fn diff(&mut self, a: u32, b: u32) -> u32 {
        self.apply(Op::Diff, a, b)
    }

    pub(super) fn meets(&mut self, a: u32, b: u32) -> bool {
        self.apply(Op::Meets, a, b) != EMPTY
    }

    pub(super) fn is_subset(&mut self, a: u32, b: u32) -> bool {
        self.apply(Op::Leaves, a, b) == EMPTY
    }

    fn apply(&mut self, op: Op, a: u32, b: u32) -> u32 {
        let (mut a, mut b) = (a, b);
        match op {
            Op::And | Op::Meets => {
                if a == EMPTY || b == EMPTY {
                    return EMPTY;
                }
                if a > b {
                    (a, b) = (b, a);
                }
                if a == ALL || a == b {
                    return if op == Op::And { b } else { ALL };
                }
            }
            Op::Or => {
                if a > b {
                    (a, b) = (b, a);
                }
                if a == EMPTY || a == b {
                    return b;
                }
                if a == ALL {
                    return ALL;
                }
            }
            Op::Diff | Op::Leaves => {
                if a == EMPTY || b == ALL || a == b {
                    return EMPTY;
                }
                if b == EMPTY {
                    return if op == Op::Diff { a } else { ALL };
                }
                if op == Op::Leaves && a == ALL {
                    return ALL;
                }
            }
        }
        if self.exhausted {
            return EMPTY;
        }
        let mut hash = Mix(op as u64);
        hash.take(u64::from(a) << 32 | u64::from(b));
        let place = hash.0 as usize;
        let mask = self.cache.len() - 1;
        if let Some(known) = self.cache.get(place & mask)
            && known.op == op as u32
            && known.a == a
            && known.b == b
        {
            return known.result;
        }
        let (x, y) = (self.node(a), self.node(b));
        let var = x.var.min(y.var);
        let (a0, a1) = if x.var == var {
            (x.low, x.high)
        } else {
            (a, a)
        };
        let (b0, b1) = if y.var == var {
            (y.low, y.high)
        } else {
            (b, b)
        };
        let low = self.apply(op, a0, b0);
        let result = if matches!(op, Op::Meets | Op::Leaves) {
            if low == EMPTY {
                self.apply(op, a1, b1)
            } else {
                ALL
            }
        } else {
            let high = self.apply(op, a1, b1);
            self.make(var, low, high)
        };
        let mask = self.cache.len() - 1;
        if let Some(known) = self.cache.get_mut(place & mask) {
            *known = Known {
                op: op as u32,
                a,
                b,
                result,
            };
        }
        result
    }

    /// The function "the number in these bits lies in one of the ranges". The most significant bit
    /// comes first; ranges ascend and are disjoint. Numbers from `values` on count as the last one
    /// below it, so that no number is invalid.
    pub(super) fn block(
        &mut self,
        first: u32,
        bits: u32,
        values: u32,
        ranges: &[(u32, u32)],
    ) -> u32 {
        let mut wide: Vec<(u64, u64)> = ranges
            .iter()
            .map(|(from, to)| (u64::from(*from), u64::from(*to)))
            .collect();
        if let Some(end) = wide.last_mut()
            && end.1 + 1 >= u64::from(values)
        {
            end.1 = (1 << bits) - 1;
        }
        self.block_below(first, bits, 0, &wide)
    }

    fn block_below(&mut self, first: u32, bits: u32, base: u64, ranges: &[(u64, u64)]) -> u32 {
        let end = base + (1 << bits) - 1;
        let from = ranges.partition_point(|(_, last)| *last < base);
        let to = ranges.partition_point(|(start, _)| *start <= end);
        let Some(inner) = ranges.get(from..to).filter(|inner| !inner.is_empty()) else {
            return EMPTY;
        };
        if let [(start, last)] = inner
            && *start <= base
            && end <= *last
        {
            return ALL;
        }
        if bits == 0 {
            return ALL;
        }
        let low = self.block_below(first + 1, bits - 1, base, inner);
        let high = self.block_below(first + 1, bits - 1, base + (1 << (bits - 1)), inner);
        self.make(first, low, high)
    }

    /// The ranges of numbers in a block with what is left to ask below it, ascending; those with
    /// nothing left out. Neighbours with the same rest are one range.
    pub(super) fn split(
        &self,
        at: u32,
        first: u32,
        bits: u32,
        values: u32,
    ) -> Vec<(u32, u32, u32)> {
        let mut out: Vec<(u64, u64, u32)> = Vec::new();
        self.split_below(at, first, bits, 0, &mut out);
        let last = u64::from(values.max(1)) - 1;
        out.into_iter()
            .filter(|(from, _, _)| *from <= last)
            .map(|(from, to, rest)| (from as u32, to.min(last) as u32, rest))
            .collect()
    }

    fn split_below(
        &self,
        at: u32,
        first: u32,
        bits: u32,
        base: u64,
        out: &mut Vec<(u64, u64, u32)>,
    ) {
        if at == EMPTY {
            return;
        }
        let node = self.node(at);
        if bits == 0 || node.var >= first + bits {
            let end = base + (1 << bits) - 1;
            match out.last_mut() {
                Some(open) if open.1 + 1 == base && open.2 == at => open.1 = end,
                _ => out.push((base, end, at)),
            }
            return;
        }
        let (low, high) = self.branch(at, first);
        self.split_below(low, first + 1, bits - 1, base, out);
        self.split_below(high, first + 1, bits - 1, base + (1 << (bits - 1)), out);
    }

    /// The function "for some values of these variables".
    pub(super) fn exists(&mut self, at: u32, bound: &[bool]) -> u32 {
        let mut memo = Quick::default();
        self.exists_below(at, bound, &mut memo)
    }

    fn exists_below(&mut self, at: u32, bound: &[bool], memo: &mut Quick<u32, u32>) -> u32 {
        if at <= ALL || self.exhausted {
            return at;
        }
        if let Some(known) = memo.get(&at) {
            return *known;
        }
        let node = self.node(at);
        let low = self.exists_below(node.low, bound, memo);
        let high = self.exists_below(node.high, bound, memo);
        let result = if bound.get(node.var as usize).copied().unwrap_or(false) {
            self.or(low, high)
        } else {
            self.make(node.var, low, high)
        };
        memo.insert(at, result);
        result
    }

    /// The function with variables fixed or renamed.
    pub(super) fn substitute(&mut self, at: u32, changes: &[Change]) -> u32 {
        let mut memo = Quick::default();
        self.substitute_below(at, changes, &mut memo)
    }

    fn substitute_below(&mut self, at: u32, changes: &[Change], memo: &mut Quick<u32, u32>) -> u32 {
        if at <= ALL || self.exhausted {
            return at;
        }
        if let Some(known) = memo.get(&at) {
            return *known;
        }
        let node = self.node(at);
        let change = changes.get(node.var as usize).copied();
        let result = match change.unwrap_or(Change::Keep) {
            Change::Fix(true) => self.substitute_below(node.high, changes, memo),
            Change::Fix(false) => self.substitute_below(node.low, changes, memo),
            kept => {
                let var = match kept {
                    Change::Rename(var) => var,
                    _ => node.var,
                };
                let low = self.substitute_below(node.low, changes, memo);
                let high = self.substitute_below(node.high, changes, memo);
                // A renamed variable may now stand behind one of those below it.
                let (is_set, is_clear) = (self.make(var, EMPTY, ALL), self.make(var, ALL, EMPTY));
                let (low, high) = (self.and(is_clear, low), self.and(is_set, high));
                self.or(low, high)
            }
        };
        memo.insert(at, result);
        result
    }

    /// A function that agrees with `at` wherever `care` holds and asks less (Coudert and Madre).
    pub(super) fn simplify(&mut self, at: u32, care: u32) -> u32 {
        let mut memo = Quick::default();
        self.simplify_below(at, care, &mut memo)
    }

    fn simplify_below(&mut self, at: u32, care: u32, memo: &mut Quick<(u32, u32), u32>) -> u32 {
        if at <= ALL || care == ALL || self.exhausted {
            return at;
        }
        if care == EMPTY {
            return EMPTY;
        }
        if at == care {
            return ALL;
        }
        if let Some(known) = memo.get(&(at, care)) {
            return *known;
        }
        let (own, asked) = (self.var(at), self.var(care));
        let result = if asked < own {
            let (low, high) = self.branch(care, asked);
            let either = self.or(low, high);
            self.simplify_below(at, either, memo)
        } else {
            let (low, high) = self.branch(at, own);
            let (care_low, care_high) = self.branch(care, own);
            if care_low == EMPTY {
                self.simplify_below(high, care_high, memo)
            } else if care_high == EMPTY {
                self.simplify_below(low, care_low, memo)
            } else {
                let low = self.simplify_below(low, care_low, memo);
                let high = self.simplify_below(high, care_high, memo);
                self.make(own, low, high)
            }
        };
        memo.insert((at, care), result);
        result
    }

    /// The variables that a function depends on, ascending.
    pub(super) fn support(&self, at: u32) -> Vec<u32> {
        let mut seen: Quick<u32, ()> = Quick::default();
        let (mut open, mut vars) = (vec![at], Vec::new());
        while let Some(at) = open.pop() {
            if at <= ALL || seen.insert(at, ()).is_some() {
                continue;
            }
            let node = self.node(at);
            vars.push(node.var);
            open.extend([node.low, node.high]);
        }
        vars.sort_unstable();
        vars.dedup();
        vars
    }

    /// Whether the function holds at a point; variables that the point lacks are 0.
    pub(super) fn holds(&self, at: u32, point: &[bool]) -> bool {
        let mut at = at;
        while at > ALL {
            let node = self.node(at);
            at = if point.get(node.var as usize).copied().unwrap_or(false) {
                node.high
            } else {
                node.low
            };
        }
        at == ALL
    }

    /// Sets the bits of some point where the function holds; the others are left as they are.
    pub(super) fn some_point(&self, at: u32, point: &mut [bool]) {
        let mut at = at;
        while at > ALL {
            let node = self.node(at);
            let high = node.low == EMPTY;
            if let Some(bit) = point.get_mut(node.var as usize) {
                *bit = high;
            }
            at = if high { node.high } else { node.low };
        }
    }
}
