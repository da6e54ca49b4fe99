//! A difference of very many regions: the data holds all of them, and the page keeps to its bytes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use super::{diff, folder, json};

/// Flows of a usual run: `PORTCULLIS_CASES=10000` has so many instead.
const FLOWS: usize = 600;

/// One flow for each of many hosts, to ports that no two neighbours share: nothing folds.
fn policy(count: usize) -> String {
    let mut out = String::from("allow kept: udp/53 from 10.9.0.0/24 to 10.9.9.4\n");
    for n in 0..count {
        let _ = writeln!(
            out,
            "allow h{n}: tcp/{} from {} to {}",
            2000 + n * 7 % 40_000,
            host(10, n),
            host(172, n * 31 % 65_521)
        );
    }
    out
}

fn host(first: usize, n: usize) -> String {
    let second = if first == 10 { 1 } else { 20 };
    format!("{first}.{second}.{}.{}", n / 256, n % 256)
}

#[test]
fn very_many_regions_are_told_exactly() {
    let flows = std::env::var("PORTCULLIS_CASES").map_or(FLOWS, |n| n.parse().unwrap());
    let dir = folder(&[("old.gate", &policy(flows)), ("new.gate", &policy(0))]);
    let start = Instant::now();
    let all = json(dir.path(), &["old.gate", "new.gate"]);
    println!("{flows} regions as JSON: {:?}", start.elapsed());
    let regions = all["semantic"].as_array().unwrap();
    assert_eq!(all["summary"]["verdict"], "narrowed");
    assert_eq!(
        all["summary"]["regions"]["no_longer_allowed"],
        regions.len()
    );
    let mut found = BTreeSet::new();
    for region in regions {
        assert_eq!(region["change"], "no_longer_allowed");
        assert!(region.get("already").is_none(), "{region}");
        let traffic = &region["traffic"];
        let ends = ["source", "destination"].map(|end| {
            let prefixes = traffic[end]["prefixes"].as_array().unwrap();
            assert_eq!(prefixes.len(), 1, "{region}");
            prefixes[0].as_str().unwrap().to_owned()
        });
        assert_eq!(traffic["ports"].as_array().unwrap().len(), 1);
        let [source, destination] = ends;
        found.insert((
            source,
            destination,
            traffic["ports"][0][0].as_u64().unwrap(),
        ));
    }
    let expected: BTreeSet<(String, String, u64)> = (0..flows)
        .map(|n| {
            let port = u64::try_from(2000 + n * 7 % 40_000).unwrap();
            (host(10, n), host(172, n * 31 % 65_521), port)
        })
        .collect();
    assert_eq!(expected.len(), flows);
    assert!(found == expected, "{} regions of {flows}", found.len());
    let start = Instant::now();
    let page = diff(
        dir.path(),
        &[
            "old.gate",
            "new.gate",
            "--format",
            "markdown",
            "--max-bytes",
            "65000",
        ],
    );
    println!("as Markdown: {:?}", start.elapsed());
    assert_eq!(page.code, 0, "{}", page.err);
    assert!(page.out.len() <= 65_000, "{}", page.out.len());
    let counted = [
        flows.to_string(),
        format!("{},{:03}", flows / 1000, flows % 1000),
    ];
    assert!(counted.iter().any(|c| page.out.contains(c)), "{}", page.out);
}
