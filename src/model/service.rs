//! Protocols and port sets of a flow, normalised. Lowering to a target's protocol words is the target's.

use std::collections::BTreeMap;

pub use crate::syntax::ast::Proto;

/// A set of ports: closed ranges, ascending, disjoint, not adjacent, inside 1 to 65535.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSet(Vec<(u16, u16)>);

impl PortSet {
    /// Every port.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![(1, u16::MAX)])
    }

    /// One port.
    #[must_use]
    pub fn one(port: u16) -> Self {
        Self(vec![(port, port)])
    }

    /// A set from ranges in any order; port 0 is dropped.
    #[must_use]
    pub fn from_ranges(ranges: &[(u16, u16)]) -> Self {
        let mut sorted: Vec<(u16, u16)> = ranges
            .iter()
            .filter(|(_, last)| *last > 0)
            .map(|(first, last)| ((*first).max(1), *last))
            .collect();
        sorted.sort_unstable();
        let mut out = Self(Vec::with_capacity(sorted.len()));
        for next in sorted {
            out.push(next);
        }
        out
    }

    /// Adds a range to sorted ones of which none begins behind it.
    fn push(&mut self, (first, last): (u16, u16)) {
        match self.0.last_mut() {
            Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
            _ => self.0.push((first, last)),
        }
    }

    /// The ranges.
    #[must_use]
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// True if it is every port.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0 == [(1, u16::MAX)]
    }

    /// True if there is no port in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ports.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0
            .iter()
            .map(|(first, last)| usize::from(last - first) + 1)
            .sum()
    }

    /// True if the port is in it.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0
            .iter()
            .any(|(first, last)| *first <= port && port <= *last)
    }

    /// Ports in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut out = Self(Vec::with_capacity(self.0.len() + other.0.len()));
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let Some(next) = match (left.peek(), right.peek()) {
            (Some(one), Some(two)) if two < one => right.next(),
            (Some(_), _) => left.next(),
            (None, _) => right.next(),
        } {
            out.push(*next);
        }
        out
    }

    /// The ports of all sets together, at the cost of one union.
    #[must_use]
    pub fn united<'s>(sets: impl IntoIterator<Item = &'s Self>) -> Self {
        let ranges: Vec<(u16, u16)> = sets.into_iter().flat_map(|s| &s.0).copied().collect();
        Self::from_ranges(&ranges)
    }

    /// The set without one port.
    #[must_use]
    pub fn without(&self, port: u16) -> Self {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        for &(first, last) in &self.0 {
            if port < first || port > last {
                out.push((first, last));
                continue;
            }
            if first < port {
                out.push((first, port - 1));
            }
            if port < last {
                out.push((port + 1, last));
            }
        }
        Self(out)
    }

    /// The ports that are not in the other set.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut out = self.0.clone();
        for &(from, to) in &other.0 {
            let mut left = Vec::with_capacity(out.len() + 1);
            for (first, last) in out {
                if to < first || from > last {
                    left.push((first, last));
                    continue;
                }
                if first < from {
                    left.push((first, from - 1));
                }
                if to < last {
                    left.push((to + 1, last));
                }
            }
            out = left;
        }
        Self(out)
    }

    /// True if every port of this set is in the other. Ranges that touch are one, so each of them lies
    /// in one of the other's or sticks out.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0
            .iter()
            .all(|(first, last)| other.0.iter().any(|(from, to)| from <= first && last <= to))
    }

    /// True if the sets share a port.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .any(|(first, last)| other.0.iter().any(|(from, to)| first <= to && from <= last))
    }

    /// The ports one by one.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The ranges as Azure writes them: `443`, `6381-6383`, `*` for all.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        if self.is_all() {
            return vec!["*".to_owned()];
        }
        self.0
            .iter()
            .map(|(first, last)| {
                if first == last {
                    first.to_string()
                } else {
                    format!("{first}-{last}")
                }
            })
            .collect()
    }
}

/// The traffic of a flow: for each protocol word its ports, merged. `any` absorbs the others only
/// when lowered, since `https` to names says more than `any`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traffic(BTreeMap<Proto, PortSet>);

impl Traffic {
    /// Adds a protocol with ports.
    pub fn add(&mut self, proto: Proto, ports: &PortSet) {
        let merged = self
            .0
            .get(&proto)
            .map_or_else(|| ports.clone(), |p| p.union(ports));
        self.0.insert(proto, merged);
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: &Self) {
        for (proto, ports) in &other.0 {
            self.add(*proto, ports);
        }
    }

    /// The protocols and their ports, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Proto, &PortSet)> {
        self.0.iter().map(|(proto, ports)| (*proto, ports))
    }

    /// True if the word is used.
    #[must_use]
    pub fn has(&self, proto: Proto) -> bool {
        self.0.contains_key(&proto)
    }

    /// As transport protocols: `http`, `https` and `mssql` are tcp; `any` alone if it is there.
    #[must_use]
    pub fn transport(&self) -> BTreeMap<Proto, PortSet> {
        if let Some(ports) = self.0.get(&Proto::Any) {
            return BTreeMap::from([(Proto::Any, ports.clone())]);
        }
        let mut out = Self::default();
        for (proto, ports) in &self.0 {
            out.add(transport_of(*proto), ports);
        }
        out.0
    }
}

/// The transport protocol that carries a protocol word.
#[must_use]
pub fn transport_of(proto: Proto) -> Proto {
    match proto {
        Proto::Http | Proto::Https | Proto::Mssql => Proto::Tcp,
        other => other,
    }
}

/// The port that an application word means when no port is written.
#[must_use]
pub fn default_port(proto: Proto) -> Option<u16> {
    match proto {
        Proto::Http => Some(80),
        Proto::Https => Some(443),
        Proto::Mssql => Some(1433),
        _ => None,
    }
}

/// The protocol word as written.
#[must_use]
pub fn word(proto: Proto) -> &'static str {
    match proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
        Proto::Icmp => "icmp",
        Proto::Esp => "esp",
        Proto::Ah => "ah",
        Proto::Any => "any",
        Proto::Http => "http",
        Proto::Https => "https",
        Proto::Mssql => "mssql",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PortSet;

    fn drawn() -> impl Strategy<Value = PortSet> {
        let ranges = prop::collection::vec((0_u16..40, 0_u16..6), 0..6);
        ranges.prop_map(|list| {
            let ranges: Vec<(u16, u16)> = list.iter().map(|(a, n)| (*a, a + n)).collect();
            PortSet::from_ranges(&ranges)
        })
    }

    proptest! {
        #[test]
        fn a_subset_leaves_nothing_over(a in drawn(), b in drawn()) {
            prop_assert_eq!(a.is_subset(&b), a.subtract(&b).is_empty());
            prop_assert!(a.is_subset(&a.union(&b)));
            prop_assert!(a.subtract(&b).is_subset(&a));
            let both = [a.ranges(), b.ranges()].concat();
            prop_assert_eq!(a.union(&b), PortSet::from_ranges(&both));
            prop_assert_eq!(PortSet::united([&a, &b]), a.union(&b));
        }
    }
}
