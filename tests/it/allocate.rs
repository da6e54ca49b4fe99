//! Properties of the allocator under random edits; not its use by the compiler.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};

use portcullis::allocate::{
    AllocErrorKind, Allocation, MoveReason, Request, allocate, envelope_id,
};
use proptest::prelude::*;

const BANDS: [(u32, u32); 3] = [(200, 699), (700, 1199), (2500, 3799)];
const RESERVED: [(u32, u32); 2] = [(100, 199), (2600, 2649)];
const STRIDE: u32 = 10;

fn request(id: &str, band: (u32, u32)) -> Request {
    Request {
        id: id.to_owned(),
        band,
        pin: None,
    }
}

fn pinned(id: &str, band: (u32, u32), pin: u32) -> Request {
    Request {
        pin: Some(pin),
        ..request(id, band)
    }
}

fn requests(rules: &BTreeMap<u16, usize>) -> Vec<Request> {
    rules
        .iter()
        .map(|(rule, band)| request(&format!("hub::rule-{rule}/out"), BANDS[*band]))
        .collect()
}

fn run(requests: &[Request], previous: &BTreeMap<String, u32>) -> Allocation {
    allocate(requests, &RESERVED, STRIDE, previous)
}

fn assert_sound(requests: &[Request], allocation: &Allocation) {
    let distinct: BTreeSet<u32> = allocation.numbers.values().copied().collect();
    assert_eq!(
        distinct.len(),
        allocation.numbers.len(),
        "two ids share a number"
    );
    for request in requests {
        let number = allocation.numbers[&request.id];
        assert!((request.band.0..=request.band.1).contains(&number));
        assert!(
            !RESERVED
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number))
        );
    }
}

/// A rule set as rule number to band, and edits: toggle a rule, or put it into a band.
fn rules() -> impl Strategy<Value = BTreeMap<u16, usize>> {
    prop::collection::btree_map(0_u16..400, 0_usize..3, 0..120)
}

fn edits() -> impl Strategy<Value = Vec<Vec<(u16, usize)>>> {
    prop::collection::vec(prop::collection::vec((0_u16..400, 0_usize..3), 1..8), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_unique_and_in_their_band_whatever_the_order(
        (given, shuffled) in rules().prop_flat_map(|rules| {
            let given = requests(&rules);
            (Just(given.clone()), Just(given).prop_shuffle())
        })
    ) {
        let allocation = run(&given, &BTreeMap::new());
        prop_assert!(allocation.errors.is_empty());
        assert_sound(&given, &allocation);
        prop_assert_eq!(run(&shuffled, &BTreeMap::new()), allocation);
    }

    #[test]
    fn an_edit_moves_no_neighbour_and_reuses_no_number_it_frees(start in rules(), edits in edits()) {
        let mut rules = start;
        let mut previous = run(&requests(&rules), &BTreeMap::new()).numbers;
        for edit in edits {
            let before = rules.clone();
            for (rule, band) in edit {
                match rules.get(&rule) {
                    Some(old) if *old == band => { rules.remove(&rule); }
                    _ => { rules.insert(rule, band); }
                }
            }
            let given = requests(&rules);
            let allocation = run(&given, &previous);
            prop_assert!(allocation.errors.is_empty());
            assert_sound(&given, &allocation);
            let freed: BTreeSet<u32> = previous
                .iter()
                .filter(|(id, number)| allocation.numbers.get(*id) != Some(number))
                .map(|(_, number)| *number)
                .collect();
            for request in &given {
                let number = allocation.numbers[&request.id];
                match previous.get(&request.id) {
                    Some(old) if request.band.0 <= *old && *old <= request.band.1 => {
                        prop_assert_eq!(number, *old, "a neighbour moved");
                    }
                    _ => prop_assert!(!freed.contains(&number), "a freed number was given away"),
                }
            }
            for moved in &allocation.moved {
                prop_assert_eq!(moved.reason, MoveReason::Band);
            }
            if before == rules {
                prop_assert_eq!(&allocation.numbers, &previous);
            }
            previous = allocation.numbers;
        }
    }
}

#[test]
fn round_numbers_come_first_then_others_then_freed_ones() {
    let band = (200, 219);
    let ids: Vec<String> = (0..20).map(|index| format!("r{index}")).collect();
    let all: Vec<Request> = ids.iter().map(|id| request(id, band)).collect();
    let two = run(&all[..2], &BTreeMap::new());
    assert!(two.numbers.values().all(|number| number % 10 == 0));

    // 200 is given up: the odd 19 numbers are taken before it.
    let previous = BTreeMap::from([("gone".to_owned(), 200)]);
    let nineteen = run(&all[..19], &previous);
    assert!(nineteen.errors.is_empty());
    assert!(!nineteen.numbers.values().any(|number| *number == 200));
    let twenty = run(&all, &previous);
    assert!(twenty.errors.is_empty());
    assert!(twenty.numbers.values().any(|number| *number == 200));
}

#[test]
fn a_full_band_is_an_error_of_the_ids_without_a_number_only() {
    let given = ["a", "b", "c"].map(|id| request(id, (300, 301)));
    let allocation = run(&given, &BTreeMap::new());
    assert_eq!(allocation.numbers.len(), 2);
    assert_eq!(allocation.errors.len(), 1);
    assert_eq!(allocation.errors[0].id, "c");
    assert_eq!(allocation.errors[0].kind, AllocErrorKind::BandFull);
    assert!(allocation.errors[0].free.is_empty());
}

#[test]
fn pins_win_and_their_faults_offer_free_numbers() {
    let given = [
        pinned("a", (200, 699), 210),
        pinned("b", (200, 699), 210),
        pinned("c", (200, 699), 700),
        pinned("d", (2500, 3799), 2600),
        request("e", (200, 699)),
    ];
    let previous = BTreeMap::from([("e".to_owned(), 210), ("a".to_owned(), 220)]);
    let allocation = run(&given, &previous);
    assert_eq!(allocation.numbers["a"], 210);
    let faults: Vec<_> = allocation
        .errors
        .iter()
        .map(|e| (e.id.as_str(), e.kind.clone()))
        .collect();
    assert_eq!(
        faults,
        [
            (
                "b",
                AllocErrorKind::PinTaken {
                    holder: Some("a".to_owned())
                }
            ),
            ("c", AllocErrorKind::PinOutside),
            ("d", AllocErrorKind::PinTaken { holder: None }),
        ]
    );
    assert_eq!(allocation.errors[0].free[..2], [209, 211]);
    assert_eq!(allocation.errors[1].free[0], 699);
    let reasons: Vec<_> = allocation
        .moved
        .iter()
        .map(|m| (m.id.as_str(), m.reason))
        .collect();
    assert_eq!(reasons, [("a", MoveReason::Pin), ("e", MoveReason::Clash)]);
}

#[test]
fn two_ids_with_one_remembered_number_are_told_apart_alike_everywhere() {
    let given = [request("a", (200, 699)), request("b", (200, 699))];
    let previous = BTreeMap::from([("a".to_owned(), 300), ("b".to_owned(), 300)]);
    let allocation = run(&given, &previous);
    assert_eq!(
        allocation
            .numbers
            .values()
            .filter(|number| **number == 300)
            .count(),
        1
    );
    assert_eq!(allocation.moved.len(), 1);
    assert_eq!(allocation.moved[0].reason, MoveReason::Clash);
    let reversed = [given[1].clone(), given[0].clone()];
    assert_eq!(run(&reversed, &previous), allocation);
}

#[test]
fn the_numbers_of_two_known_ids_never_change() {
    // The hash is a promise: a change of it renumbers every deployment without a lock.
    let given = ["hub::aks-egress::registry/out", "hub::common::dns/out"]
        .map(|id| request(id, (2500, 3799)));
    let numbers: Vec<u32> = run(&given, &BTreeMap::new())
        .numbers
        .into_values()
        .collect();
    assert_eq!(numbers, KNOWN);
    assert_eq!(envelope_id("nsg-a out 10.0.0.0/24 443"), KNOWN_ENVELOPE);
}

// Computed apart from this code, with another SHA-256.
const KNOWN: [u32; 2] = [3600, 2880];
const KNOWN_ENVELOPE: &str = "envelope/c9448a8182ade2cc";
