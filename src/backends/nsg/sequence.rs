//! The order in which the numbers of ordered rules have to rise: source order where it matters, and
//! that of their old numbers where it does not. It gives no number.
//!
//! Only two rules with different actions that match some of the same traffic need their order. So a
//! line that is moved past others changes no number, unless one of them is such a rule.

use std::collections::{BTreeMap, VecDeque};

use ipnet::IpNet;

use crate::model::address::AddressSet;
use crate::model::service::PortSet;

use super::lower::{Draft, Operand};
use super::shape::Protocol;

/// By id: the place of each ordered rule. `known` has the numbers that rules had.
pub(super) fn ranks(drafts: &[&Draft], known: &BTreeMap<String, u32>) -> BTreeMap<String, u32> {
    let mut members: Vec<&Draft> = drafts
        .iter()
        .copied()
        .filter(|d| d.order.is_some())
        .collect();
    members.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
    let sources: Vec<Traffic> = members.iter().map(|d| Traffic::of(d)).collect();
    let mut pairs = Pairs {
        after: vec![Vec::new(); members.len()],
        before: vec![Vec::new(); members.len()],
    };
    for (late, second) in sources.iter().enumerate() {
        for (early, first) in sources.iter().enumerate().take(late) {
            if first.needs_order(second) {
                push(&mut pairs.after, early, late);
                push(&mut pairs.before, late, early);
            }
        }
    }
    let numbers: Vec<Option<u32>> = members
        .iter()
        .map(|d| d.pin.or_else(|| known.get(&d.id).copied()))
        .collect();
    let order = pairs.order(&numbers);
    let ids = order.into_iter().filter_map(|at| members.get(at));
    ids.map(|d| d.id.clone()).zip(0..).collect()
}

fn push(lists: &mut [Vec<usize>], at: usize, value: usize) {
    if let Some(list) = lists.get_mut(at) {
        list.push(value);
    }
}

/// Who stands before whom, by place in the source.
struct Pairs {
    after: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
}

impl Pairs {
    /// An order that keeps every pair, and as far as it can that of the numbers.
    fn order(&self, numbers: &[Option<u32>]) -> Vec<usize> {
        let all = 0..numbers.len();
        let mut kept: Vec<(u32, usize)> = all
            .clone()
            .filter_map(|at| Some((numbers.get(at).copied().flatten()?, at)))
            .collect();
        kept.sort_unstable();
        let mut line: Vec<usize> = kept.into_iter().map(|(_, at)| at).collect();
        self.drop_offenders(&mut line);
        let mut open: VecDeque<usize> = all.clone().filter(|at| !line.contains(at)).collect();
        // Every turn places one; those that make way for it come again. The bound is never met by
        // what people write, and source order is always right.
        let mut turns = 16 * (numbers.len() + 1);
        while let Some(next) = open.pop_front() {
            turns -= 1;
            if turns == 0 {
                return all.collect();
            }
            let place = |line: &[usize], other: &usize| line.iter().position(|at| at == other);
            let low = of(&self.before, next)
                .iter()
                .filter_map(|other| place(&line, other))
                .max()
                .map_or(0, |at| at + 1);
            // What has to stand behind it and does not is placed anew.
            let front: Vec<usize> = line.iter().take(low).copied().collect();
            let wrong = |at: &usize| front.contains(at) && of(&self.after, next).contains(at);
            open.extend(line.iter().copied().filter(|at| wrong(at)));
            line.retain(|at| !wrong(at));
            let low = of(&self.before, next)
                .iter()
                .filter_map(|other| place(&line, other))
                .max()
                .map_or(0, |at| at + 1);
            let high = of(&self.after, next)
                .iter()
                .filter_map(|other| place(&line, other))
                .min()
                .unwrap_or(line.len());
            // Behind its neighbour in the source, if it may stand there.
            let neighbour = (0..next).rev().find_map(|other| place(&line, &other));
            let wish = neighbour.map_or(0, |at| at + 1);
            line.insert(wish.max(low).min(high), next);
        }
        line
    }

    /// Takes out as few as need be, those with the most faults first, until every pair stands right.
    fn drop_offenders(&self, line: &mut Vec<usize>) {
        loop {
            let place: BTreeMap<usize, usize> = line.iter().copied().zip(0..).collect();
            let faults = |at: usize| {
                let here = place.get(&at);
                let late = of(&self.after, at).iter();
                let late = late.filter(|o| place.get(o).is_some_and(|p| Some(p) < here));
                let early = of(&self.before, at).iter();
                let early = early.filter(|o| place.get(o).is_some_and(|p| Some(p) > here));
                late.count() + early.count()
            };
            let worst = line.iter().copied().max_by_key(|at| (faults(*at), *at));
            match worst.filter(|at| faults(*at) > 0) {
                Some(worst) => line.retain(|at| *at != worst),
                None => return,
            }
        }
    }
}

fn of(lists: &[Vec<usize>], at: usize) -> &[usize] {
    lists.get(at).map_or(&[], Vec::as_slice)
}

/// What a rule matches, as far as it is known.
struct Traffic<'d> {
    draft: &'d Draft,
    source: Option<AddressSet>,
    destination: Option<AddressSet>,
}

impl<'d> Traffic<'d> {
    fn of(draft: &'d Draft) -> Self {
        Self {
            draft,
            source: addresses(&draft.source),
            destination: addresses(&draft.destination),
        }
    }

    fn needs_order(&self, other: &Self) -> bool {
        let (a, b) = (self.draft, other.draft);
        let protocols =
            a.protocol == b.protocol || [a.protocol, b.protocol].contains(&Protocol::Any);
        // What has no ports meets all.
        let ports = |a: &PortSet, b: &PortSet| a.is_empty() || b.is_empty() || a.meets(b);
        a.access != b.access
            && protocols
            && ports(&a.ports, &b.ports)
            && ports(&a.source_ports, &b.source_ports)
            && meet(self.source.as_ref(), other.source.as_ref())
            && meet(self.destination.as_ref(), other.destination.as_ref())
    }
}

/// The addresses of an operand; none where they are not known exactly.
fn addresses(operand: &Operand) -> Option<AddressSet> {
    let Operand::Prefixes(list) = operand else {
        return None;
    };
    let mut set = AddressSet::empty();
    for text in list {
        set = set.union(&AddressSet::prefix(text.parse::<IpNet>().ok()?));
    }
    Some(set)
}

fn meet(a: Option<&AddressSet>, b: Option<&AddressSet>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.meets(b),
        _ => true,
    }
}
