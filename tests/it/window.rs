//! Numbers that rise in source order: properties of the window algorithm under random insertions,
//! removals and reorderings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};

use portcullis::allocate::window::allocate_ordered;
use portcullis::allocate::{AllocErrorKind, Allocation, MoveReason, Request};
use proptest::prelude::*;

const BAND: (u32, u32) = (2000, 2499);
const RESERVED: [(u32, u32); 2] = [(2100, 2109), (2333, 2333)];

fn requests(ids: &[u32]) -> Vec<Request> {
    ids.iter()
        .map(|id| Request {
            id: format!("g::r{id}"),
            band: BAND,
            pin: None,
        })
        .collect()
}

fn run(ids: &[u32], previous: &BTreeMap<String, u32>) -> Allocation {
    allocate_ordered(&requests(ids), BAND, &RESERVED, 10, previous)
}

fn assert_rising(ids: &[u32], allocation: &Allocation) {
    let mut before = 0;
    for request in requests(ids) {
        let number = allocation.numbers[&request.id];
        assert!(
            number > before,
            "{} has {number} behind {before}",
            request.id
        );
        assert!((BAND.0..=BAND.1).contains(&number));
        assert!(!RESERVED.iter().any(|(a, b)| (*a..=*b).contains(&number)));
        before = number;
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize),
    Remove(usize),
    Move(usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let place = 0..1000_usize;
    prop::collection::vec(
        prop_oneof![
            4 => place.clone().prop_map(Edit::Insert),
            1 => place.clone().prop_map(Edit::Remove),
            1 => (place.clone(), place).prop_map(|(a, b)| Edit::Move(a, b)),
        ],
        1..60,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_rise_whatever_is_edited(start in 0_u32..60, edits in edits()) {
        let mut ids: Vec<u32> = (0..start).collect();
        let mut next = start;
        let mut numbers = run(&ids, &BTreeMap::new()).numbers;
        for edit in edits {
            let before: BTreeSet<u32> = ids.iter().copied().collect();
            match edit {
                Edit::Insert(at) => {
                    ids.insert(at % (ids.len() + 1), next);
                    next += 1;
                }
                Edit::Remove(at) if !ids.is_empty() => {
                    ids.remove(at % ids.len());
                }
                Edit::Move(from, to) if !ids.is_empty() => {
                    let id = ids.remove(from % ids.len());
                    ids.insert(to % (ids.len() + 1), id);
                }
                _ => {}
            }
            let allocation = run(&ids, &numbers);
            prop_assert!(allocation.errors.is_empty(), "{:?}", allocation.errors);
            assert_rising(&ids, &allocation);
            let gone: BTreeSet<u32> = numbers
                .iter()
                .filter(|(id, _)| !allocation.numbers.contains_key(*id))
                .map(|(_, n)| *n)
                .collect();
            for id in ids.iter().filter(|id| !before.contains(id)) {
                let number = allocation.numbers[&format!("g::r{id}")];
                prop_assert!(!gone.contains(&number));
            }
            // What moved is told, and nothing else moved.
            for (id, number) in &allocation.numbers {
                let was = numbers.get(id).filter(|was| *was != number);
                let told = allocation.moved.iter().any(|m| m.id == *id);
                prop_assert_eq!(was.is_some(), told);
            }
            // The same again changes nothing.
            prop_assert_eq!(&run(&ids, &allocation.numbers).numbers, &allocation.numbers);
            prop_assert!(run(&ids, &allocation.numbers).moved.is_empty());
            numbers = allocation.numbers;
        }
    }

    #[test]
    fn pins_never_move(count in 4_usize..40, pin in 2000_u32..2499, at in 0_usize..40) {
        let ids: Vec<u32> = (0..count as u32).collect();
        let numbers = run(&ids, &BTreeMap::new()).numbers;
        let mut all = requests(&ids);
        let at = at % count;
        all[at].pin = Some(pin);
        let allocation = allocate_ordered(&all, BAND, &RESERVED, 10, &numbers);
        let reserved = RESERVED.iter().any(|(a, b)| (*a..=*b).contains(&pin));
        if reserved {
            prop_assert_eq!(&allocation.errors[0].id, &all[at].id);
        } else {
            prop_assert_eq!(allocation.numbers[&all[at].id], pin);
            let mut last = 0;
            for request in all.iter().filter(|r| allocation.numbers.contains_key(&r.id)) {
                prop_assert!(allocation.numbers[&request.id] > last);
                last = allocation.numbers[&request.id];
            }
        }
    }
}

#[test]
fn insertions_at_random_places_move_few() {
    // 400 insertions in 1,900 numbers; base plus index would move about half of all every time.
    let band = (2000, 3899);
    let (mut ids, mut numbers) = (Vec::new(), BTreeMap::new());
    let mut state: u64 = 7;
    let (mut moved, mut quiet) = (0, 0);
    for id in 0..400_u32 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ids.insert((state >> 33) as usize % (ids.len() + 1), id);
        let all: Vec<Request> = ids
            .iter()
            .map(|id| Request {
                id: format!("r{id}"),
                band,
                pin: None,
            })
            .collect();
        let allocation = allocate_ordered(&all, band, &[], 10, &numbers);
        assert!(allocation.errors.is_empty());
        moved += allocation.moved.len();
        quiet += usize::from(allocation.moved.is_empty());
        numbers = allocation.numbers;
    }
    println!("{moved} moved, {quiet} of 400 insertions moved none");
    assert!(moved < 1000, "{moved}");
    assert!(quiet > 320, "{quiet}");
}

#[test]
fn a_full_gap_makes_room_and_a_full_band_is_told() {
    let band = (10, 19);
    let all = |ids: &[&str]| -> Vec<Request> {
        ids.iter()
            .map(|id| Request {
                id: (*id).to_owned(),
                band,
                pin: None,
            })
            .collect()
    };
    let previous = BTreeMap::from([("a".to_owned(), 14), ("c".to_owned(), 15)]);
    let three = allocate_ordered(&all(&["a", "b", "c"]), band, &[], 1, &previous);
    assert!(three.errors.is_empty());
    assert!(three.moved.iter().all(|m| m.reason == MoveReason::Window));
    assert!(!three.moved.is_empty());
    let eleven = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let too_many = allocate_ordered(&all(&eleven), band, &[], 1, &previous);
    assert_eq!(too_many.numbers.len(), 10);
    assert_eq!(too_many.errors.len(), 1);
    assert_eq!(too_many.errors[0].kind, AllocErrorKind::BandFull);
    let ten = allocate_ordered(&all(&eleven[..10]), band, &[], 1, &previous);
    assert!(ten.errors.is_empty());
}

#[test]
fn a_reorder_keeps_the_longest_rising_part() {
    let ids: Vec<u32> = (0..10).collect();
    let numbers = run(&ids, &BTreeMap::new()).numbers;
    // The last goes to the front: nine keep their numbers.
    let reordered: Vec<u32> = std::iter::once(9).chain(0..9).collect();
    let allocation = run(&reordered, &numbers);
    assert_rising(&reordered, &allocation);
    let moved: Vec<_> = allocation
        .moved
        .iter()
        .map(|m| (m.id.as_str(), m.reason))
        .collect();
    let front = moved.iter().find(|(id, _)| *id == "g::r9").unwrap();
    assert_eq!(front.1, MoveReason::Order);
}

#[test]
fn pins_out_of_order_are_faults() {
    let mut all = requests(&[1, 2]);
    all[0].pin = Some(2200);
    all[1].pin = Some(2150);
    let allocation = allocate_ordered(&all, BAND, &[], 10, &BTreeMap::new());
    assert_eq!(allocation.numbers.len(), 1);
    let holder = Some("g::r1".to_owned());
    assert_eq!(
        allocation.errors[0].kind,
        AllocErrorKind::PinTaken { holder }
    );
}
