//! Sets that depend on what nobody told.

use proptest::prelude::*;

use super::*;
use crate::packet::{Answer, Fact};

fn fact(draw: &mut Draw) -> Fact {
    let one = symbol(draw.one(&["A", "B"]));
    match draw.below(6) {
        0 => Fact::Within(one, addresses(draw)),
        1 => Fact::Outside(one, between("10.0.0.2", "10.0.0.2")),
        2 => Fact::Holds(symbol("C"), addresses(draw)),
        3 => Fact::Inside(symbol("A"), symbol("C")),
        4 => Fact::Apart(symbol("A"), symbol("B")),
        _ => Fact::NamesWithin(symbol("N"), BTreeSet::from(["*google.com".to_owned()])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_region_holds_what_its_set_does(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let region = open_region(&mut draw);
        let mut s = space(std::slice::from_ref(&region));
        let set = s.region(&region);
        for probe in some_packets(&mut draw, 400) {
            prop_assert_eq!(s.contains(set, &probe), region.holds(&probe), "{}", probe);
        }
    }

    #[test]
    fn surely_and_possibly(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let regions: Vec<Region> = (0..2).map(|_| open_region(&mut draw)).collect();
        let mut b = builder(&regions);
        for _ in 0..draw.below(3) {
            b.fact(fact(&mut draw));
        }
        let mut s = b.build();
        let sets = sets(&mut s, &regions);
        let set = s.subtract(sets[0], sets[1]);
        let (surely, possibly) = (s.surely(set), s.possibly(set));
        prop_assert!(s.is_subset(surely, set) && s.is_subset(set, possibly));
        let address = at(draw.one(&["10.0.0.1", "10.0.0.2", "fd00::1"]));
        let from = s.with_source(set, address);
        for probe in some_packets(&mut draw, 300) {
            let answer = s.contains(set, &probe);
            prop_assert_eq!(s.contains(surely, &probe) == Answer::Yes, answer == Answer::Yes);
            prop_assert_eq!(s.contains(possibly, &probe) == Answer::Yes, answer != Answer::No);
            prop_assert!(s.contains(surely, &probe) != Answer::May);
            prop_assert!(s.contains(possibly, &probe) != Answer::May);
            if probe.source.first().unwrap().is_ipv6() == address.is_ipv6() {
                let moved = Probe { source: AddressSet::range(address, address), ..probe.clone() };
                prop_assert_eq!(s.contains(from, &probe), s.contains(set, &moved));
            }
        }
        // Rows and witnesses keep to the facts.
        let mut cover = s.empty();
        for row in s.rectangles(set, usize::MAX).rows {
            let own = s.rectangle(&row);
            cover = s.union(cover, own);
        }
        prop_assert_eq!(cover, set);
        if let Some(witness) = s.witness(set) {
            let answer = s.contains(set, &Probe::from(&witness));
            prop_assert_eq!(answer == Answer::Yes, witness.assuming.is_empty());
            prop_assert!(answer != Answer::No);
        }
    }
}

#[test]
fn facts_settle_what_a_symbol_says() {
    let region = Region {
        source: Addresses {
            known: AddressSet::empty(),
            symbols: BTreeSet::from([symbol("A")]),
            within: None,
        },
        ..Region::everything()
    };
    let mut b = builder(std::slice::from_ref(&region));
    b.fact(Fact::Inside(symbol("A"), symbol("C")));
    b.fact(Fact::Within(symbol("C"), between("10.0.0.0", "10.0.0.255")));
    b.fact(Fact::Holds(symbol("A"), between("10.0.0.8", "10.0.0.15")));
    let mut s = b.build();
    let set = s.region(&region);
    let ask = |s: &Space, set, source: &str| {
        s.contains(
            set,
            &Probe::new(Transport::Tcp, at(source), at("10.0.0.1"), 443),
        )
    };
    assert_eq!(ask(&s, set, "10.0.0.9"), Answer::Yes);
    assert_eq!(ask(&s, set, "10.0.0.1"), Answer::May);
    assert_eq!(ask(&s, set, "10.0.1.1"), Answer::No);
    let from = s.with_source(set, at("10.0.0.9"));
    assert_eq!(ask(&s, from, "192.0.2.1"), Answer::Yes);
    assert!(s.symbols(from).is_empty());
    let open = s.with_source(set, at("10.0.0.1"));
    assert_eq!(ask(&s, open, "192.0.2.1"), Answer::May);
    let surely = s.surely(set);
    let open = s.subtract(set, surely);
    let witness = s.witness(open).unwrap();
    assert!(
        witness
            .to_string()
            .ends_with("assuming source in service tag A"),
        "{witness}"
    );
}
