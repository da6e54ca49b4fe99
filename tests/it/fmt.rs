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

#[test]
fn layout_is_canonical() {
    for (text, wanted) in [
        ("", ""),
        ("\n\n\n", ""),
        ("// only a comment", "// only a comment\n"),
        (
            "portcullis   1\n\n\n\nendpoint a=any",
            "portcullis 1\n\nendpoint a = any\n",
        ),
        (
            "service a = tcp/443,80,80-90,85-95, udp/0-65535",
            "service a = tcp/80-95,443, udp\n",
        ),
        ("service a = tcp/5671,5672", "service a = tcp/5671,5672\n"),
        (
            "allow a: tcp from b to c owner x for \"y\"",
            "allow a: tcp from b to c\n  for \"y\"\n  owner x\n",
        ),
        (
            "allow a: tcp from b to c\n  for \"y\"",
            "allow a: tcp from b to c for \"y\"\n",
        ),
        ("endpoint a = [\nc, b]", "endpoint a = [\n  b,\n  c,\n]\n"),
        ("endpoint a = [c, b\n]", "endpoint a = [c, b]\n"),
        (
            "// keep-order: first hit wins\nendpoint a = [\nc, b]",
            "// keep-order: first hit wins\nendpoint a = [\n  c,\n  b,\n]\n",
        ),
        (
            "endpoint a = [\nc,\n// of b\nb]",
            "endpoint a = [\n  c,\n  // of b\n  b,\n]\n",
        ),
        (
            "endpoint a = [\ntag(S), x, any, b.com, 10.0.0.0/8]",
            "endpoint a = [\n  any,\n  10.0.0.0/8,\n  b.com,\n  x,\n  tag(S),\n]\n",
        ),
        (
            "endpoint a = [\nb, // of b\na // of a\n]",
            "endpoint a = [\n  a, // of a\n  b, // of b\n]\n",
        ),
        ("nsg a { x = y }", "nsg a { x = y }\n"),
        ("nsg a { x = y z = w }", "nsg a {\n  x = y\n  z = w\n}\n"),
        ("nsg a { }", "nsg a {}\n"),
        ("nsg a { // c\n}", "nsg a {\n  // c\n}\n"),
        (
            "group g {\n\n\nallow a from b to c // d\n\n// e\n}",
            "group g {\n  allow a from b to c // d\n\n  // e\n}\n",
        ),
        (
            "allow a: tcp // one\n from b // two\n to c // three\n",
            "// one\n// two\nallow a: tcp from b to c // three\n",
        ),
        (
            "allow a: tcp from b to c\n  // why\n  for \"y\" // z\n",
            "allow a: tcp from b to c\n  // why\n  for \"y\" // z\n",
        ),
        (
            "group g owner x // c\n{\n}",
            "group g\n  owner x // c\n{}\n",
        ),
        (
            "test \"t\" { deny tcp from any to apim:22 }",
            "test \"t\" {\n  deny tcp from any to apim:22\n}\n",
        ),
        (
            "endpoint a = fe80:0:0:0:0:0:0:a",
            "endpoint a = fe80:0:0:0:0:0:0:a\n",
        ),
        (
            "endpoint a = fqdn(db.contoso.com, in = [b, a])",
            "endpoint a = fqdn(db.contoso.com, in = [b, a])\n",
        ),
        (
            "\u{feff}endpoint a = any\r\n// b\r\n",
            "endpoint a = any\n// b\n",
        ),
    ] {
        pretty(&formatted(text), wanted, text);
        pretty(&formatted(wanted), wanted, text);
    }
}

#[test]
fn long_lines_break() {
    let elements: Vec<String> = (10..40).map(|n| format!("name-{n}")).collect();
    let text = format!("allow a: tcp from [{}] to b for \"c\"", elements.join(", "));
    let once = formatted(&text);
    assert!(once.lines().all(|l| l.chars().count() <= 100), "{once}");
    assert!(once.contains("\n  name-10,\n"), "{once}");
    assert_eq!(formatted(&once), once);
}

#[test]
fn a_file_with_errors_is_not_formatted() {
    let mut sources = SourceMap::default();
    let file = sources.add("policy.gate", "endpiont a = any");
    let diagnostics = format(&sources, file).unwrap_err();
    assert_eq!(diagnostics.len(), 1);
}

#[test]
fn nested_blocks_do_not_double_the_work() {
    let depth = 60;
    let text = format!(
        "env a {}{}",
        "{ b = ".repeat(depth) + "1",
        " }".repeat(depth)
    );
    let once = formatted(&text);
    assert_eq!(formatted(&once), once);
}

mod properties {
    use super::formatted;
    use crate::syntax::{bare, read};
    use portcullis::diag::Severity;
    use proptest::prelude::*;

    /// The text with a comment or blank lines between some of its tokens and lines.
    fn disturbed(text: &str, places: &[(usize, u8)]) -> String {
        let mut out = text.to_owned();
        for (n, (place, what)) in places.iter().enumerate() {
            let spaces: Vec<usize> = out
                .match_indices([' ', '\n'])
                .map(|(at, _)| at)
                .filter(|at| out[..*at].matches('"').count().is_multiple_of(2))
                .filter(|at| {
                    let line = out[..*at].rsplit('\n').next().unwrap_or("");
                    !line.contains("//")
                })
                .collect();
            let at = spaces[place % spaces.len()];
            let insert = match what % 4 {
                0 => format!(" // comment {n}\n"),
                1 => format!("\n// comment {n}\n"),
                2 => "\n\n\n".to_owned(),
                _ => "   ".to_owned(),
            };
            out.insert_str(at, &insert);
        }
        out
    }

    fn comments(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = text
            .lines()
            .filter_map(|l| l.find("// ").map(|at| &l[at..]))
            .map(str::trim_end)
            .collect();
        found.sort_unstable();
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            // Each case formats a whole file several times.
            cases: ProptestConfig::default().cases / 4,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn formatting_keeps_comments_and_is_idempotent(
            places in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8),
        ) {
            let text = include_str!("../cases/syntax/everything/policy.gate");
            let text = disturbed(text, &places);
            let (_, diagnostics) = read(&text);
            prop_assume!(diagnostics.is_empty());
            let once = formatted(&text);
            prop_assert_eq!(comments(&once), comments(&text));
            prop_assert_eq!(&formatted(&once), &once);
            prop_assert_eq!(bare(&once), bare(&formatted(&once)));
        }

        #[test]
        fn whatever_parses_formats(
            moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..3), 1..6),
        ) {
            let text = include_str!("../cases/syntax/everything/policy.gate");
            let mut words: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
            for (from, to, what) in moves {
                let word = words[from.index(words.len())];
                let at = to.index(words.len());
                match what {
                    0 => { words.remove(at); }
                    1 => words.insert(at, word),
                    _ => words[at] = word,
                }
                if read(&words.concat()).1.iter().any(|d| d.severity == Severity::Error) {
                    // Undo what does not parse, so that many changes add up.
                    words = text.split_inclusive([' ', '\n']).collect();
                }
            }
            let text = words.concat();
            let once = formatted(&text);
            prop_assert_eq!(formatted(&once), once);
        }
    }
}
