//! The meaning of generated policies against what the compiler emits for them: the four parts of
//! section 1.2 of the language, packet by packet. It proves nothing of policies it did not draw.
//!
//! `PORTCULLIS_CASES=20000` draws so many policies instead of the usual number, and
//! `PORTCULLIS_FIRST=1234` begins at that seed. A disagreement prints the seed, the policy without
//! the flows that do not matter, the packet, its meaning and its way. What is drawn at all is
//! counted in coverage.rs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod cases;
mod coverage;
mod denote;
mod differences;
mod edits;
mod facts;
mod flows;
pub(crate) mod generate;
mod judge;
mod packets;
mod policy;
mod query;
mod regions;
mod sets;
mod text;
mod trials;

use std::collections::BTreeMap;

use facts::Facts;
use judge::{Finding, Judged};

/// Policies of a usual run.
const CASES: u64 = 300;
/// So many hold every construct that is not always refused.
const MANY: u64 = 2000;
/// Seeds at which something was wrong once.
const FOUND: [u64; 4] = [306, 725, 8861, 24691];
/// Packets a policy.
const PACKETS: usize = 120;
/// Disagreements of one kind printed in full.
const SHOWN: usize = 3;

/// The files of the policy of a seed, the first of which is the root.
pub(crate) fn files_of(seed: u64) -> Vec<(String, String)> {
    generate::policy(seed).files()
}

#[test]
fn generated_policies_mean_at_the_path_what_they_say() {
    let number = |name: &str, usual: u64| -> u64 {
        std::env::var(name).map_or(usual, |text| text.parse().unwrap())
    };
    let first = number("PORTCULLIS_FIRST", 0);
    let cases = number("PORTCULLIS_CASES", CASES);
    let facts = Facts::read();
    let mut total = Judged::default();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut judged = 0_u64;
    let mut held: BTreeMap<String, u64> = BTreeMap::new();
    let mut shown = Vec::new();
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for seed in FOUND.into_iter().chain(first..first + cases) {
        let policy = generate::policy(seed);
        let emitted = match judge::compile(&policy) {
            Ok(emitted) => emitted,
            Err(codes) => {
                // The compiler's own proof found it wrong.
                if codes.iter().any(|c| c == "PC9004") {
                    *wrong.entry("PC9004".to_owned()).or_default() += 1;
                    shown.push((
                        "PC9004",
                        format!("\nseed {seed}: PC9004\n{}", policy.text()),
                    ));
                }
                for code in codes {
                    *refused.entry(code).or_default() += 1;
                }
                continue;
            }
        };
        judged += 1;
        for what in coverage::constructs(&policy.files()) {
            *held.entry(what).or_default() += 1;
        }
        let sample = packets::sample(&policy, &facts, seed, PACKETS);
        let (counts, finding) = judge::judge(&policy, &emitted, &facts, &sample);
        total.add(&counts);
        if let Some(finding) = finding {
            *wrong.entry(finding.what.to_owned()).or_default() += 1;
            let alike = shown.iter().filter(|(what, _)| *what == finding.what);
            if alike.count() < SHOWN {
                let what = finding.what;
                let text = report(seed, &judge::minimal(policy, finding, &facts));
                shown.push((what, text));
            }
        }
    }
    let missing = coverage::missing(&held);
    println!(
        "{cases} policies from seed {first}: {judged} judged, {} refused {refused:?}\n{total}\n\
         policies by the layers of their ways: {:?}\nin no judged policy: {:?}",
        cases - judged,
        total.ways,
        missing
    );
    assert!(
        shown.is_empty(),
        "{} of {judged} policies mean something else at the path: {wrong:?}\n{}",
        wrong.values().sum::<usize>(),
        shown
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join("\n")
    );
    if cases >= MANY {
        let lost = missing.iter().filter(|m| !coverage::REFUSED.contains(m));
        assert_eq!(lost.count(), 0, "in no judged policy: {missing:?}");
    }
    if cases >= CASES {
        assert!(judged * 10 >= cases * 4, "too many policies are refused");
        for way in judge::WAYS {
            let policies = total.ways.get(way).copied().unwrap_or(0);
            assert!(
                u64::try_from(policies).unwrap() * 100 >= judged,
                "in less than 1 % of judged policies: the way {way}"
            );
        }
        assert!(
            total.unknown * 100 <= total.packets,
            "too many packets are open to the oracle"
        );
    }
}

fn report(seed: u64, (policy, finding): &(policy::Policy, Finding)) -> String {
    format!(
        "\nseed {seed}: {}\n{}\n  packet {}\n  meaning {:?}\n{}",
        finding.what,
        policy.text(),
        finding.packet,
        finding.meaning,
        finding.way
    )
}
