//! What holds for any sets of packets.

use proptest::prelude::*;

use super::*;
use crate::packet::{Answer, Exhausted};

/// A formula over sets, and its value at a packet.
enum Formula {
    Leaf(usize),
    And(Box<Formula>, Box<Formula>),
    Or(Box<Formula>, Box<Formula>),
    Minus(Box<Formula>, Box<Formula>),
    Not(Box<Formula>),
}

impl Formula {
    fn draw(draw: &mut Draw, leaves: usize, depth: usize) -> Self {
        let mut below = || Box::new(Self::draw(draw, leaves, depth - 1));
        if depth == 0 {
            return Self::Leaf(draw.below(leaves));
        }
        let (a, b) = (below(), below());
        match draw.below(5) {
            0 => Self::And(a, b),
            1 => Self::Or(a, b),
            2 => Self::Minus(a, b),
            3 => Self::Not(a),
            _ => Self::Leaf(draw.below(leaves)),
        }
    }

    fn set(&self, space: &mut Space, sets: &[Set]) -> Set {
        let mut both = |a: &Self, b: &Self| (a.set(space, sets), b.set(space, sets));
        match self {
            Self::Leaf(at) => sets[*at],
            Self::And(a, b) => {
                let (a, b) = both(a, b);
                space.intersect(a, b)
            }
            Self::Or(a, b) => {
                let (a, b) = both(a, b);
                space.union(a, b)
            }
            Self::Minus(a, b) => {
                let (a, b) = both(a, b);
                space.subtract(a, b)
            }
            Self::Not(a) => {
                let a = a.set(space, sets);
                space.complement(a)
            }
        }
    }

    fn holds(&self, regions: &[Region], probe: &Probe) -> bool {
        match self {
            Self::Leaf(at) => regions[*at].holds(probe) == Answer::Yes,
            Self::And(a, b) => a.holds(regions, probe) && b.holds(regions, probe),
            Self::Or(a, b) => a.holds(regions, probe) || b.holds(regions, probe),
            Self::Minus(a, b) => a.holds(regions, probe) && !b.holds(regions, probe),
            Self::Not(a) => !a.holds(regions, probe),
        }
    }
}

/// Regions over the whole line, and packets at and beside their ends.
fn wide_region(draw: &mut Draw) -> Region {
    let mut region = region(draw);
    let mut end = || {
        let mut set = AddressSet::empty();
        for _ in 0..=draw.below(3) {
            let first = draw.below(1 << 32) as u32;
            let size = 1_u32 << draw.below(28);
            let last = first.saturating_add(size);
            set = set.union(&AddressSet::range(
                std::net::Ipv4Addr::from(first).into(),
                std::net::Ipv4Addr::from(last).into(),
            ));
        }
        Addresses::of(set)
    };
    (region.source, region.destination) = (end(), end());
    let first = 1 + draw.below(65000) as u16;
    region.services[0].ports = PortSet::from_ranges(&[(first, first + draw.below(500) as u16)]);
    region
}

fn edge(draw: &mut Draw, set: &AddressSet) -> IpAddr {
    let intervals = set.intervals(crate::model::address::Family::V4);
    let (first, last) = draw.one(intervals);
    let near = [first.wrapping_sub(1), first, first + 1, last, last + 1];
    let number = u32::try_from(draw.one(&near)).unwrap_or(0);
    std::net::Ipv4Addr::from(number).into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn algebra(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let regions: Vec<Region> = (0..3).map(|_| open_region(&mut draw)).collect();
        let mut s = space(&regions);
        let sets = sets(&mut s, &regions);
        let (a, b, c) = (sets[0], sets[1], sets[2]);
        let (full, empty) = (s.full(), s.empty());

        let (union, common) = (s.union(a, b), s.intersect(a, b));
        let (not_a, not_b) = (s.complement(a), s.complement(b));
        let none_of = s.complement(union);
        prop_assert_eq!(none_of, s.intersect(not_a, not_b));
        let not_both = s.complement(common);
        prop_assert_eq!(not_both, s.union(not_a, not_b));
        prop_assert_eq!(s.complement(not_a), a);
        prop_assert_eq!(s.union(a, not_a), full);
        prop_assert_eq!(s.intersect(a, not_a), empty);
        let rest = s.subtract(a, b);
        prop_assert_eq!(s.intersect(rest, b), empty);
        prop_assert_eq!(s.union(rest, common), a);
        prop_assert_eq!(s.union(a, a), a);
        prop_assert_eq!(s.intersect(a, a), a);
        prop_assert_eq!(s.union(a, common), a);
        prop_assert_eq!(s.intersect(a, union), a);
        prop_assert_eq!(s.is_subset(a, b), s.is_empty(rest));
        prop_assert_eq!(s.meets(a, b), !s.is_empty(common));
        prop_assert!(s.is_subset(common, a) && s.is_subset(a, union));
        let left = s.union(b, c);
        let left = s.intersect(a, left);
        let ac = s.intersect(a, c);
        prop_assert_eq!(left, s.union(common, ac));
        let folded = s.union(union, c);
        prop_assert_eq!(s.unite(vec![c, a, b, a]), folded);
        prop_assert!(!s.exhausted());
    }

    #[test]
    fn formulas_hold_where_their_regions_do(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let regions: Vec<Region> = (0..4).map(|_| region(&mut draw)).collect();
        let mut s = space(&regions);
        let sets = sets(&mut s, &regions);
        let formula = Formula::draw(&mut draw, 4, 3);
        let set = formula.set(&mut s, &sets);
        for probe in some_packets(&mut draw, 400) {
            let expected = if formula.holds(&regions, &probe) { Answer::Yes } else { Answer::No };
            prop_assert_eq!(s.contains(set, &probe), expected, "{}", probe);
        }
    }

    #[test]
    fn packets_at_the_edges(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let regions: Vec<Region> = (0..6).map(|_| wide_region(&mut draw)).collect();
        let mut s = space(&regions);
        let sets = sets(&mut s, &regions);
        let formula = Formula::draw(&mut draw, 6, 4);
        let set = formula.set(&mut s, &sets);
        for _ in 0..200 {
            let near = draw.one(&regions);
            let (source, destination) =
                (edge(&mut draw, &near.source.known), edge(&mut draw, &near.destination.known));
            let (first, last) = near.services[0].ports.ranges()[0];
            let port = draw.one(&[first - 1, first, last, last + 1]);
            let transport = draw.one(&Transport::ALL);
            let mut probe = Probe::new(transport, source, destination, port.max(1));
            probe.source_ports = PortSet::one(draw.one(&[1, 2, 443, 444]));
            probe.name = draw.one(&NAMES).map(str::to_owned);
            let expected = if formula.holds(&regions, &probe) { Answer::Yes } else { Answer::No };
            prop_assert_eq!(s.contains(set, &probe), expected, "{}", probe);
        }
    }

    #[test]
    fn a_witness_is_a_member_and_rows_cover(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let regions: Vec<Region> = (0..3)
            .map(|_| if draw.below(2) == 0 { wide_region(&mut draw) } else { open_region(&mut draw) })
            .collect();
        let mut s = space(&regions);
        let sets = sets(&mut s, &regions);
        let set = Formula::draw(&mut draw, 3, 3).set(&mut s, &sets);
        match s.witness(set) {
            None => prop_assert!(s.is_empty(set)),
            Some(witness) => {
                let expected = if witness.assuming.is_empty() { Answer::Yes } else { Answer::May };
                prop_assert_eq!(s.contains(set, &Probe::from(&witness)), expected, "{}", witness);
            }
        }
        let read = s.rectangles(set, usize::MAX);
        prop_assert_eq!(read.left_out, 0);
        let mut cover = s.empty();
        for row in &read.rows {
            let own = s.rectangle(row);
            prop_assert!(s.is_subset(own, set), "{}", row);
            prop_assert!(!s.meets(own, cover), "{}", row);
            cover = s.union(cover, own);
        }
        prop_assert_eq!(cover, set);
        let few = s.rectangles(set, 2);
        prop_assert_eq!(few.rows.len() + few.left_out, read.rows.len());
    }

    #[test]
    fn another_end(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let regions: Vec<Region> = (0..3).map(|_| region(&mut draw)).collect();
        let mut s = space(&regions);
        let sets = sets(&mut s, &regions);
        let set = Formula::draw(&mut draw, 3, 2).set(&mut s, &sets);
        let address = at(draw.one(&["10.0.0.2", "10.0.0.3", "10.9.9.9", "fd00::1"]));
        let port = draw.one(&[None, Some(443), Some(8080)]);
        let from = s.with_source(set, address);
        let to = s.with_destination(set, address, port);
        for probe in some_packets(&mut draw, 200) {
            let same = probe.source.first().unwrap().is_ipv6() == address.is_ipv6();
            let one = AddressSet::range(address, address);
            let moved = Probe { source: one.clone(), ..probe.clone() };
            let expected = if same { s.contains(set, &moved) } else { Answer::No };
            prop_assert_eq!(s.contains(from, &probe), expected);
            let mut moved = Probe { destination: one, ..probe.clone() };
            if let Some(port) = port {
                moved.ports = PortSet::one(port);
            }
            let expected = if same { s.contains(set, &moved) } else { Answer::No };
            prop_assert_eq!(s.contains(to, &probe), expected);
        }
    }

    #[test]
    fn names_have_the_number_of_their_patterns(
        patterns in proptest::collection::vec("\\*?[ab.]{0,4}", 0..8),
        names in proptest::collection::vec("[ab.]{1,6}", 1..20),
    ) {
        let table = crate::packet::names::NameTable::new(patterns.clone());
        for name in &names {
            let number = table.number(name);
            for pattern in patterns.iter().filter(|p| !p.is_empty()) {
                let (first, last) = table.range(pattern).unwrap_or((1, 0));
                let own = crate::packet::region::pattern_holds(pattern, name);
                prop_assert_eq!((first..=last).contains(&number), own, "{} {}", pattern, name);
            }
        }
        for number in 1..table.len() {
            prop_assert_eq!(table.number(table.example(number)), number);
        }
    }
}

#[test]
fn a_limit_is_an_error_and_no_answer() {
    let mut draw = Draw(7);
    let regions: Vec<Region> = (0..20).map(|_| wide_region(&mut draw)).collect();
    let mut s = builder(&regions).most_nodes(200).build();
    let answer = s.answer(|s| s.regions(&regions));
    assert_eq!(answer, Err(Exhausted::Nodes(200)));
    assert!(s.exhausted());
    // It stays so.
    assert!(s.answer(|s| s.full()).is_err());
    let rules = [(crate::packet::Verdict::Allow, s.full())];
    assert!(crate::packet::first_match::order(&mut s, &rules).is_err());
}

#[test]
fn a_set_that_nobody_announced_is_an_error() {
    let mut draw = Draw(3);
    let mut s = Builder::new().build();
    let other = wide_region(&mut draw);
    assert_eq!(s.answer(|s| s.region(&other)), Err(Exhausted::NotGathered));
}

#[test]
fn a_witness_reads_well() {
    let region = Region {
        source: Addresses::of(between("192.0.2.0", "192.0.2.255")),
        destination: Addresses::any(),
        services: vec![Service::to(
            Transports::TCP,
            PortSet::from_ranges(&[(400, 500)]),
        )],
        names: Names::patterns(["*.contoso.com".to_owned()]),
    };
    let mut s = space(std::slice::from_ref(&region));
    let set = s.region(&region);
    let witness = s.witness(set).unwrap();
    assert_eq!(
        witness.to_string(),
        "tcp 192.0.2.4 -> w0.contoso.com (203.0.113.5):443"
    );
    assert_eq!(witness.source_port, 50000);
    let full = s.full();
    let rows = s.rectangles(full, 5);
    assert_eq!(rows.rows.len(), 1);
    assert_eq!(rows.rows[0].to_string(), "any from any to any");
    let rest = s.complement(set);
    let rows: Vec<String> = s
        .rectangles(rest, 9)
        .rows
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        rows.iter()
            .any(|r| r.ends_with("named none,* except *.contoso.com")),
        "{rows:?}"
    );
}
