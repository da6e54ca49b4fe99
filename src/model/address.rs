//! Exact sets of addresses, IPv4 and IPv6 side by side, as sorted disjoint intervals. It knows
//! nothing of Azure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A set of addresses. The intervals of each family are closed, ascending, disjoint and not adjacent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressSet {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

/// The address family of a prefix or interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl AddressSet {
    /// The empty set.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every address of both families.
    #[must_use]
    pub fn all() -> Self {
        Self {
            v4: vec![(0, u128::from(u32::MAX))],
            v6: vec![(0, u128::MAX)],
        }
    }

    /// The addresses of one prefix; host bits do not count.
    #[must_use]
    pub fn prefix(net: IpNet) -> Self {
        Self::range(net.network(), net.broadcast())
    }

    /// The addresses of many prefixes.
    pub fn prefixes(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for net in nets {
            let (first, last) = (number(net.network()), number(net.broadcast()));
            match net {
                IpNet::V4(_) => v4.push((first, last)),
                IpNet::V6(_) => v6.push((first, last)),
            }
        }
        Self {
            v4: normalise(v4),
            v6: normalise(v6),
        }
    }

    /// The addresses from `first` to `last`; empty if the families differ or the order is reversed.
    #[must_use]
    pub fn range(first: IpAddr, last: IpAddr) -> Self {
        let pair = (number(first), number(last));
        if pair.0 > pair.1 {
            return Self::empty();
        }
        match (first, last) {
            (IpAddr::V4(_), IpAddr::V4(_)) => Self {
                v4: vec![pair],
                v6: Vec::new(),
            },
            (IpAddr::V6(_), IpAddr::V6(_)) => Self {
                v4: Vec::new(),
                v6: vec![pair],
            },
            _ => Self::empty(),
        }
    }

    /// True if there is no address in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Intervals of one family, as numbers.
    #[must_use]
    pub fn intervals(&self, family: Family) -> &[(u128, u128)] {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// A set from intervals of one family, in any order.
    #[must_use]
    pub fn from_intervals(family: Family, intervals: Vec<(u128, u128)>) -> Self {
        match family {
            Family::V4 => Self {
                v4: normalise(intervals),
                v6: Vec::new(),
            },
            Family::V6 => Self {
                v4: Vec::new(),
                v6: normalise(intervals),
            },
        }
    }

    /// Only the addresses of one family.
    #[must_use]
    pub fn only(&self, family: Family) -> Self {
        Self::from_intervals(family, self.intervals(family).to_vec())
    }

    /// How many addresses of a family there are.
    #[must_use]
    pub fn count(&self, family: Family) -> u128 {
        self.intervals(family)
            .iter()
            .fold(0, |sum: u128, (first, last)| {
                sum.saturating_add(last.saturating_sub(*first).saturating_add(1))
            })
    }

    /// Addresses in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        Self {
            v4: united(&self.v4, &other.v4),
            v6: united(&self.v6, &other.v6),
        }
    }

    /// The addresses of all sets together, at the cost of one union.
    #[must_use]
    pub fn united<'s>(sets: impl IntoIterator<Item = &'s Self>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend_from_slice(&set.v4);
            v6.extend_from_slice(&set.v6);
        }
        Self {
            v4: normalise(v4),
            v6: normalise(v6),
        }
    }

    /// Adds addresses in place. What lies behind everything that is there costs no look at the rest,
    /// so that an ascending list costs no square.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in [(&mut self.v4, &other.v4), (&mut self.v6, &other.v6)] {
            let Some((first, _)) = more.first() else {
                continue;
            };
            // Only the last interval can touch what begins at or behind it.
            let mut tail = match own.last() {
                Some((start, _)) if start <= first => own.pop().into_iter().collect(),
                _ => std::mem::take(own),
            };
            tail.extend_from_slice(more);
            own.extend(normalise(tail));
        }
    }

    /// Addresses in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            v4: intersect(&self.v4, &other.v4),
            v6: intersect(&self.v6, &other.v6),
        }
    }

    /// Addresses in this set and not in the other.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        Self {
            v4: subtract(&self.v4, &other.v4),
            v6: subtract(&self.v6, &other.v6),
        }
    }

    /// True if the sets share an address.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        meets(&self.v4, &other.v4) || meets(&self.v6, &other.v6)
    }

    /// True if every address of this set is in the other.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        is_inside(&self.v4, &other.v4) && is_inside(&self.v6, &other.v6)
    }

    /// The fewest prefixes that make up the set, IPv4 first, ascending.
    #[must_use]
    pub fn to_prefixes(&self) -> Vec<IpNet> {
        let mut out = Vec::new();
        for (first, last) in &self.v4 {
            cover(*first, *last, 32, |address, length| {
                let address = Ipv4Addr::from(u32::try_from(address).unwrap_or(u32::MAX));
                out.extend(Ipv4Net::new(address, length).ok().map(IpNet::V4));
            });
        }
        for (first, last) in &self.v6 {
            cover(*first, *last, 128, |address, length| {
                out.extend(
                    Ipv6Net::new(Ipv6Addr::from(address), length)
                        .ok()
                        .map(IpNet::V6),
                );
            });
        }
        out
    }

    /// One address of the set, the lowest; IPv4 first.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        if let Some((first, _)) = self.v4.first() {
            return u32::try_from(*first).ok().map(|n| Ipv4Addr::from(n).into());
        }
        self.v6
            .first()
            .map(|(first, _)| Ipv6Addr::from(*first).into())
    }

    /// One address of the set, the highest; IPv6 first.
    #[must_use]
    pub fn last(&self) -> Option<IpAddr> {
        if let Some((_, last)) = self.v6.last() {
            return Some(Ipv6Addr::from(*last).into());
        }
        let (_, last) = self.v4.last()?;
        u32::try_from(*last).ok().map(|n| Ipv4Addr::from(n).into())
    }
}

/// The number of an address on its family's line.
#[must_use]
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

fn normalise(mut intervals: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    intervals.sort_unstable();
    let mut out: Vec<(u128, u128)> = Vec::with_capacity(intervals.len());
    for next in intervals {
        push(&mut out, next);
    }
    out
}

/// Adds an interval to sorted ones of which none begins behind it.
fn push(out: &mut Vec<(u128, u128)>, (first, last): (u128, u128)) {
    match out.last_mut() {
        Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
        _ => out.push((first, last)),
    }
}

/// Two sorted lists as one.
fn united(a: &[(u128, u128)], b: &[(u128, u128)]) -> Vec<(u128, u128)> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let Some(next) = match (left.peek(), right.peek()) {
        (Some(one), Some(other)) if other < one => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    } {
        push(&mut out, *next);
    }
    out
}

/// Whether some interval of one meets one of the other. The shorter list is looked up in the longer.
fn meets(a: &[(u128, u128)], b: &[(u128, u128)]) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    few.iter().any(|(first, last)| {
        let next = many.partition_point(|(_, end)| end < first);
        many.get(next).is_some_and(|(start, _)| start <= last)
    })
}

/// Whether every interval lies inside one of the other list, whose intervals are not adjacent.
fn is_inside(inner: &[(u128, u128)], outer: &[(u128, u128)]) -> bool {
    inner.iter().all(|(first, last)| {
        let next = outer.partition_point(|(_, end)| end < first);
        outer
            .get(next)
            .is_some_and(|(start, end)| start <= first && last <= end)
    })
}

fn intersect(a: &[(u128, u128)], b: &[(u128, u128)]) -> Vec<(u128, u128)> {
    let mut out = Vec::new();
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (left.peek(), right.peek()) {
        let (first, last) = (x.0.max(y.0), x.1.min(y.1));
        if first <= last {
            out.push((first, last));
        }
        if x.1 < y.1 {
            left.next();
        } else {
            right.next();
        }
    }
    out
}

fn subtract(a: &[(u128, u128)], b: &[(u128, u128)]) -> Vec<(u128, u128)> {
    let mut out = Vec::new();
    let mut holes = b.iter().peekable();
    for &(first, last) in a {
        let mut from = first;
        let mut open = true;
        while let Some(hole) = holes.peek() {
            if hole.1 < from {
                holes.next();
                continue;
            }
            if hole.0 > last {
                break;
            }
            if hole.0 > from {
                out.push((from, hole.0 - 1));
            }
            if hole.1 >= last {
                open = false;
                break;
            }
            from = hole.1 + 1;
            holes.next();
        }
        if open {
            out.push((from, last));
        }
    }
    out
}

/// Calls `emit(address, length)` for each prefix of the minimal cover of `first..=last`.
fn cover(mut first: u128, last: u128, bits: u8, mut emit: impl FnMut(u128, u8)) {
    loop {
        let aligned = if first == 0 {
            u32::from(bits)
        } else {
            first.trailing_zeros().min(u32::from(bits))
        };
        let mut size_log = aligned;
        while size_log > 0 {
            let span = if size_log >= 128 {
                u128::MAX
            } else {
                (1_u128 << size_log) - 1
            };
            if first.checked_add(span).is_some_and(|end| end <= last) {
                break;
            }
            size_log -= 1;
        }
        emit(
            first,
            bits.saturating_sub(u8::try_from(size_log).unwrap_or(bits)),
        );
        let span = if size_log >= 128 {
            u128::MAX
        } else {
            (1_u128 << size_log) - 1
        };
        match first.checked_add(span).and_then(|end| end.checked_add(1)) {
            Some(next) if next <= last => first = next,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn set(texts: &[&str]) -> AddressSet {
        AddressSet::prefixes(texts.iter().map(|t| t.parse::<IpNet>().unwrap()))
    }

    #[test]
    fn complement_of_a_prefix_and_back() {
        let all = set(&["0.0.0.0/0"]);
        let ten = set(&["10.0.0.0/8"]);
        let rest = all.subtract(&ten);
        assert!(!rest.meets(&ten));
        assert_eq!(rest.union(&ten), all);
        assert_eq!(rest.to_prefixes().len(), 8);
    }

    #[test]
    fn everything_is_two_prefixes() {
        let texts: Vec<String> = AddressSet::all()
            .to_prefixes()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(texts, ["0.0.0.0/0", "::/0"]);
    }

    proptest! {
        #[test]
        fn algebra(a in proptest::collection::vec((0u8..255, 0u8..16), 0..6),
                   b in proptest::collection::vec((0u8..255, 0u8..16), 0..6)) {
            let make = |pairs: &[(u8, u8)]| {
                let list = pairs.iter().map(|(s, n)| (u128::from(*s), u128::from(s.saturating_add(*n)))).collect();
                AddressSet::from_intervals(Family::V4, list)
            };
            let has = |s: &AddressSet, n: u128| s.intervals(Family::V4).iter().any(|(f, l)| *f <= n && n <= *l);
            let (x, y) = (make(&a), make(&b));
            for n in 0..=256u128 {
                prop_assert_eq!(has(&x.union(&y), n), has(&x, n) || has(&y, n));
                prop_assert_eq!(has(&x.intersect(&y), n), has(&x, n) && has(&y, n));
                prop_assert_eq!(has(&x.subtract(&y), n), has(&x, n) && !has(&y, n));
            }
            prop_assert_eq!(AddressSet::united([&x, &y]), x.union(&y));
            prop_assert_eq!(x.union(&y), y.union(&x));
            prop_assert_eq!(AddressSet::prefixes(x.to_prefixes()), x);
        }
    }
}
