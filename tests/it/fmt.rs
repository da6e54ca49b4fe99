//! The formatter from outside. No parsing faults, no meaning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::fmt::format;
use portcullis::source::SourceMap;

pub(crate) fn formatted(text: &str) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("policy.gate", text);
    format(&sources, file).unwrap_or_else(|d| panic!("{d:#?}\n{text}"))
}

#[test]
fn design_examples_are_fixed_points() {
    let Ok(entries) = std::fs::read_dir(crate::syntax::examples()) else {
        println!("skipped: the folder with the design's examples is not here");
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        pretty(&formatted(&text), &text, &path.display().to_string());
    }
}

fn pretty(found: &str, wanted: &str, what: &str) {
    let diff = similar::TextDiff::from_lines(wanted, found);
    let diff = diff.unified_diff().to_string();
    assert!(found == wanted, "{what}\n{diff}");
}

#[test]
fn everything_is_a_fixed_point() {
    let text = include_str!("../cases/syntax/everything/policy.gate");
    pretty(&formatted(text), text, "everything");
}
