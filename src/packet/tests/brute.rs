//! First match against plain loops over every packet.

use proptest::prelude::*;

use super::*;
use crate::packet::first_match::{allowed_ending, order_ending};
use crate::packet::{Answer, Verdict};

/// The rule that decides a packet, of those that are left.
fn decides(matches: &[Vec<bool>], packet: usize, left: &[bool]) -> Option<usize> {
    (0..matches.len()).find(|rule| left[*rule] && matches[*rule][packet])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn fates(seed in any::<u64>()) {
        let mut draw = Draw(seed);
        let count = 2 + draw.below(8);
        let regions: Vec<Region> = (0..count).map(|_| region(&mut draw)).collect();
        let verdicts: Vec<Verdict> =
            (0..count).map(|_| draw.one(&[Verdict::Allow, Verdict::Deny])).collect();
        let default = draw.one(&[Verdict::Allow, Verdict::Deny]);
        let mut s = space(&regions);
        let sets = sets(&mut s, &regions);
        let rules: Vec<(Verdict, Set)> = verdicts.iter().copied().zip(sets).collect();
        let fates = order_ending(&mut s, &rules, default).unwrap();
        let allowed = allowed_ending(&mut s, &rules, default);

        let packets = packets();
        let matches: Vec<Vec<bool>> = regions
            .iter()
            .map(|r| packets.iter().map(|p| r.holds(p) == Answer::Yes).collect())
            .collect();
        let all = vec![true; count];
        let verdict = |packet: usize, left: &[bool]| {
            decides(&matches, packet, left).map_or(default, |rule| verdicts[rule])
        };
        let same = |left: &[bool]| {
            (0..packets.len()).all(|p| verdict(p, left) == verdict(p, &all))
        };
        for packet in (0..packets.len()).step_by(31) {
            let inside = s.contains(allowed, &packets[packet]) == Answer::Yes;
            prop_assert_eq!(inside, verdict(packet, &all) == Verdict::Allow);
            for (rule, fate) in fates.iter().enumerate() {
                let own = s.contains(fate.effective, &packets[packet]) == Answer::Yes;
                prop_assert_eq!(own, decides(&matches, packet, &all) == Some(rule));
            }
        }
        let kept: Vec<bool> = fates.iter().map(|f| !f.covered && !f.redundant).collect();
        prop_assert!(same(&kept));
        for (rule, fate) in fates.iter().enumerate() {
            let live = (0..packets.len()).any(|p| decides(&matches, p, &all) == Some(rule));
            prop_assert_eq!(fate.covered, !live);
            let mut without = all.clone();
            without[rule] = false;
            if fate.redundant {
                prop_assert!(live && same(&without));
            } else if live {
                let mut fewer = kept.clone();
                fewer[rule] = false;
                prop_assert!(!same(&without) || !same(&fewer));
            }
            let covers = |by: &[usize]| {
                (0..packets.len())
                    .all(|p| !matches[rule][p] || by.iter().any(|other| matches[*other][p]))
            };
            prop_assert!(fate.by.iter().all(|other| *other < rule));
            if fate.covered {
                prop_assert!(covers(&fate.by));
                for left_out in &fate.by {
                    let fewer: Vec<usize> =
                        fate.by.iter().copied().filter(|o| o != left_out).collect();
                    prop_assert!(!covers(&fewer));
                }
            } else {
                prop_assert!(fate.by.is_empty());
            }
        }
    }
}

#[test]
fn one_rule_that_covers_is_named_alone() {
    let region = |first: &str, last: &str| Region {
        source: Addresses::of(between(first, last)),
        ..Region::everything()
    };
    let regions = [
        region("10.0.0.0", "10.0.0.7"),
        region("10.0.0.0", "10.0.0.255"),
        region("10.0.0.0", "10.0.0.15"),
    ];
    let mut s = space(&regions);
    let rules: Vec<(Verdict, Set)> = sets(&mut s, &regions)
        .into_iter()
        .map(|set| (Verdict::Allow, set))
        .collect();
    let fates = crate::packet::first_match::order(&mut s, &rules).unwrap();
    assert_eq!(fates[2].by, [1]);
    assert!(fates[0].redundant && !fates[1].redundant);
}
