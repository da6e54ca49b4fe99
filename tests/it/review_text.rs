//! A difference at a terminal and in Markdown: to the byte where a person has read it, by its laws where
//! it is drawn. How a difference is found is tested elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod drawn;
mod read;
mod values;

use std::fs;
use std::path::Path;

use portcullis::diff::told::{Difference, Kind, Level};
use portcullis::review::markdown::{self, Flavour, Page};
use portcullis::review::rules::Rules;
use portcullis::review::select::{By, Only};
use portcullis::review::text;

use drawn::{Draw, drawn};
use read::{Found, read};
use values::{every_kind, nothing, pull_request, renamed};

/// Compares with the file, or writes it.
fn golden(name: &str, got: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/review-text")
        .join(name);
    if std::env::var_os("PORTCULLIS_BLESS").is_some_and(|v| v == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, got).unwrap();
    }
    let want = fs::read_to_string(&file)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        want == got,
        "{name}: if the new output is better: PORTCULLIS_BLESS=1\n{got}"
    );
}

fn comment() -> markdown::Options {
    markdown::Options {
        artefacts: vec!["HTML report".to_owned(), "JSON".to_owned()],
        reproduce: Some("portcullis diff origin/main HEAD".to_owned()),
        ..markdown::Options::default()
    }
}

#[test]
fn at_a_terminal() {
    let (told, rules) = pull_request();
    let wide = text::Options {
        width: 140,
        ..text::Options::default()
    };
    golden("pull-request.txt", &text::render(&told, &rules, &wide));
    let narrow = text::Options {
        width: 60,
        rules: true,
        by: Some(By::Owner),
        ..text::Options::default()
    };
    golden(
        "pull-request-narrow.txt",
        &text::render(&told, &rules, &narrow),
    );
    let only = text::Options {
        width: 120,
        only: vec![Only::Widened],
        detailed: Some(0),
        ..text::Options::default()
    };
    golden(
        "pull-request-widened.txt",
        &text::render(&told, &rules, &only),
    );
    let colored = text::Options {
        width: 120,
        color: true,
        ..text::Options::default()
    };
    golden(
        "pull-request-colour.txt",
        &text::render(&told, &rules, &colored),
    );
    for (name, (told, rules)) in [
        ("nothing.txt", nothing()),
        ("renamed.txt", renamed()),
        ("every-kind.txt", every_kind()),
    ] {
        golden(
            name,
            &text::render(&told, &rules, &text::Options::default()),
        );
    }
}

#[test]
fn in_markdown() {
    for (name, (told, rules)) in [
        ("pull-request.md", pull_request()),
        ("nothing.md", nothing()),
        ("renamed.md", renamed()),
        ("every-kind.md", every_kind()),
    ] {
        golden(name, &markdown::render(&told, &rules, &comment()).text);
    }
    let (told, rules) = pull_request();
    let options = markdown::Options {
        flavour: Flavour::StepSummary,
        ..comment()
    };
    golden(
        "step-summary.md",
        &markdown::render(&told, &rules, &options).text,
    );
    let options = markdown::Options {
        flavour: Flavour::AzureDevOps,
        chart: Some(true),
        ..comment()
    };
    golden(
        "azure-devops.md",
        &markdown::render(&told, &rules, &options).text,
    );
    let (told, rules) = drawn(2, 14, true);
    let options = markdown::Options {
        chart: Some(true),
        ..comment()
    };
    golden("hostile.md", &lawful(&told, &rules, &options).text);
    let (told, rules) = pull_request();
    let options = markdown::Options {
        max_bytes: Some(3_000),
        ..comment()
    };
    golden(
        "pull-request-3000.md",
        &markdown::render(&told, &rules, &options).text,
    );
}

#[test]
fn words_stand_beside_colours() {
    let (told, rules) = every_kind();
    let plain = text::Options::default();
    let colored = text::Options {
        color: true,
        ..text::Options::default()
    };
    let (plain, colored) = (
        text::render(&told, &rules, &plain),
        text::render(&told, &rules, &colored),
    );
    let mut without = String::new();
    for (at, part) in colored.split('\u{1b}').enumerate() {
        let text = if at == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        };
        without.push_str(text);
    }
    assert_ne!(plain, colored);
    assert_eq!(plain, without);
}

#[test]
fn lines_keep_to_the_width_and_show_every_risk() {
    for seed in 0..12 {
        let (told, rules) = drawn(seed, 30, seed % 2 == 0);
        for width in [40, 57, 80, 120, 200] {
            let options = text::Options {
                width,
                rows: None,
                detailed: Some(0),
                by: [None, Some(By::Flow), Some(By::Owner)][usize::try_from(seed % 3).unwrap()],
                ..text::Options::default()
            };
            let shown = text::render(&told, &rules, &options);
            assert!(!shown.contains(['\u{1b}', '\u{202e}', '\r']), "{shown:?}");
            for line in shown.lines() {
                let wide = unicode_width::UnicodeWidthStr::width(line);
                assert!(wide <= width, "{width}: {line}");
            }
            for one in &told.semantic {
                if one.change.widens() {
                    let word = match one.risk.level {
                        Level::High => "HIGH",
                        Level::Medium => "MED",
                        _ => "LOW",
                    };
                    let risk = format!("{word} {}", one.risk.score);
                    let count = |text: &str| text.matches(&risk).count();
                    let same = told
                        .semantic
                        .iter()
                        .filter(|c| c.change.widens() && c.risk.score == one.risk.score);
                    assert!(count(&shown) >= same.count(), "{width}: {risk}\n{shown}");
                }
            }
        }
    }
}

#[test]
fn what_is_hidden_is_counted() {
    let (told, rules) = drawn(3, 400, false);
    let options = text::Options {
        rows: Some(1),
        detailed: Some(2),
        only: vec![Only::of("newly_allowed").unwrap()],
        ..text::Options::default()
    };
    let shown = text::render(&told, &rules, &options);
    let of = |kind| told.semantic.iter().filter(move |c| c.change == kind);
    let all = of(Kind::NewlyAllowed).count();
    let kept = of(Kind::NewlyAllowed)
        .enumerate()
        .filter(|(at, c)| *at < 1 || c.risk.level == Level::High)
        .count();
    assert!(kept > 1, "no row of high risk is beyond the first");
    let rows = shown
        .lines()
        .filter(|line| line.starts_with("widened"))
        .count();
    assert_eq!(rows, kept);
    let rest = format!("and {} more regions of less risk", all - kept);
    assert!(shown.contains(&rest), "{rest}\n{shown}");
    let hidden = of(Kind::NewlyBypassing).count() + of(Kind::Redirected).count();
    assert!(
        shown.contains(&format!("widened ({hidden} hidden)")),
        "{shown}"
    );
    assert!(shown.contains("narrowed (hidden)"), "{shown}");
    assert_eq!(shown.matches("    packet ").count(), 2);
    for word in Only::WORDS {
        assert!(Only::of(word).is_some());
    }
    assert!(Only::of("wider").is_none() && By::of("team").is_none());
    assert!(By::WORDS.iter().all(|word| By::of(word).is_some()));
}

#[test]
fn by_environment_shows_a_region_in_each() {
    let (told, rules) = pull_request();
    let options = text::Options {
        by: Some(By::Environment),
        detailed: Some(0),
        ..text::Options::default()
    };
    let shown = text::render(&told, &rules, &options);
    assert!(
        shown.contains("\nprod: 3 regions\n") && shown.contains("\ndev: 4 regions\n"),
        "{shown}"
    );
}

/// HTML that a page may hold, beside its marker.
const HTML: [&str; 9] = [
    "<details>",
    "<details open>",
    "</details>",
    "<summary>",
    "</summary>",
    "<code>",
    "</code>",
    "<sub>",
    "</sub>",
];

/// The page as its reader sees it, and that nothing from sources means anything there.
fn harmless(page: &str) -> Found {
    let found = read(page);
    for table in &found.tables {
        assert!(
            table.iter().all(|row| row.len() == table[0].len()),
            "{table:?}"
        );
        assert!(table.len() > 1, "{table:?}");
    }
    for (at, html) in found.html.iter().enumerate() {
        if at == 0 && html.starts_with("<!-- portcullis:diff v1 ") {
            assert!(
                html.ends_with(" -->") && html.matches("-->").count() == 1,
                "{html}"
            );
            continue;
        }
        let mut rest = html.replace("<br>", "");
        for known in HTML {
            rest = rest.replace(known, "");
        }
        assert!(!rest.contains('<'), "{html}");
    }
    assert!(found.links.is_empty(), "{:?}", found.links);
    // What forges look for in rendered text.
    let text: Vec<char> = found.text.chars().collect();
    for pair in text.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        assert!(first != '@' || !second.is_alphanumeric(), "{}", found.text);
        assert!(
            !"#!".contains(first) || !second.is_ascii_digit(),
            "{}",
            found.text
        );
    }
    assert!(
        !found.text.contains("GH-1") && !found.text.contains("://"),
        "{}",
        found.text
    );
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\r']));
    assert!(page.ends_with("</sub>\n") && page.starts_with("<!-- portcullis:diff v1 "));
    found
}

/// The number before a word in a page, 0 if it is not said.
fn said(page: &str, words: &[&str]) -> usize {
    let note = page
        .lines()
        .find(|line| line.starts_with("**Left out to fit"));
    let note = note
        .unwrap_or_default()
        .split("bytes:** ")
        .nth(1)
        .unwrap_or_default();
    let parts = note
        .split(". No row")
        .next()
        .unwrap_or_default()
        .replace(" and ", ", ");
    // Digits are grouped by commas without a space.
    let found = parts.split(", ").find_map(|part| {
        words
            .iter()
            .find_map(|word| part.strip_suffix(word)?.strip_suffix(' '))
    });
    found.map_or(0, |number| number.replace(',', "").parse().unwrap())
}

/// Rows of the tables of regions, and of packets, as a reader counts them.
fn counted(found: &Found) -> (usize, usize) {
    let of = |head: &str| {
        let tables = found
            .tables
            .iter()
            .filter(|table| table[0].iter().any(|cell| cell == head));
        tables.map(|table| table.len() - 1).sum::<usize>()
    };
    (of("Who → where"), of("Packet"))
}

/// That a page with room has so many more lines of rules and points as are said to be left out. Not for
/// large ones: the reader of Markdown needs minutes for them.
fn missed(
    told: &Difference,
    rules: &Rules,
    options: &markdown::Options,
    found: &Found,
    cut: markdown::Cut,
) {
    let room = markdown::Options {
        max_bytes: Some(usize::MAX),
        ..options.clone()
    };
    let all = read(&markdown::render(told, rules, &room).text);
    let lines = |of: &Found| -> usize {
        let diffs = of.blocks.iter().filter(|(language, _)| language == "diff");
        diffs.map(|(_, text)| text.lines().count()).sum()
    };
    assert_eq!(lines(&all) - lines(found), cut.rule_lines);
    assert_eq!(all.points - found.points, cut.attention);
}

/// That a page of any budget holds to its laws.
fn lawful(told: &Difference, rules: &Rules, options: &markdown::Options) -> Page {
    let page = markdown::render(told, rules, options);
    let budget = options.max_bytes.unwrap_or(options.flavour.budget());
    assert_eq!(page.over, page.text.len().saturating_sub(budget));
    let found = harmless(&page.text);
    let (rows, packets) = counted(&found);
    let high = |c: &&portcullis::diff::told::Change| c.risk.level == Level::High || c.required_lost;
    let protected: Vec<_> = told.semantic.iter().filter(high).collect();
    if page.over > 0 {
        assert_eq!(
            rows,
            protected.len(),
            "over budget, and more than rows of high risk"
        );
        assert_eq!(packets, 0);
        assert!(page.text.contains("**Longer than "));
    }
    // Every row of high risk is there, by its id.
    for one in protected.iter().filter(|c| c.risk.level == Level::High) {
        let row = found
            .tables
            .iter()
            .flatten()
            .any(|row| row.len() == 6 && row[0].contains(&one.id) && row[0].contains("HIGH"));
        assert!(row, "{}", one.id);
    }
    let lost = page.text.matches("**REQUIRED flow lost**").count();
    assert_eq!(
        lost,
        told.semantic.iter().filter(|c| c.required_lost).count()
    );
    // What is left out is what is said, and what is said is what a reader misses.
    let cut = page.cut;
    assert_eq!(cut.medium_rows + cut.other_rows, told.semantic.len() - rows);
    assert_eq!(cut.packets, told.semantic.len() - packets);
    for (count, words) in [
        (cut.rule_lines, ["line of rules", "lines of rules"]),
        (cut.packets, ["example packet", "example packets"]),
        (cut.attention, ["point of attention", "points of attention"]),
        (
            cut.medium_rows,
            ["row of medium risk", "rows of medium risk"],
        ),
        (cut.other_rows, ["row of less risk", "rows of less risk"]),
    ] {
        assert_eq!(said(&page.text, &words), count, "{words:?}");
    }
    if told.semantic.len() < 1_000 {
        missed(told, rules, options, &found, cut);
    }
    // The order in which parts go.
    let order = [
        (
            cut.rule_lines,
            found.blocks.iter().any(|(language, _)| language == "diff"),
        ),
        (cut.packets, packets > 0),
        (
            cut.attention,
            found.headings.iter().any(|h| h == "Attention"),
        ),
    ];
    for pair in order.windows(2) {
        assert!(pair[1].0 == 0 || !pair[0].1, "{order:?}");
    }
    assert_eq!(
        page,
        markdown::render(told, rules, options),
        "twice the same"
    );
    page
}

#[test]
fn any_budget_is_kept() {
    let mut draw = Draw(7);
    let (mut cuts, mut overs) = (0, 0);
    for seed in 0..60 {
        let (regions, hostile) = (draw.below(60), seed % 2 == 0);
        let (told, rules) = drawn(seed, regions, hostile);
        for _ in 0..4 {
            let flavour =
                [Flavour::Comment, Flavour::StepSummary, Flavour::AzureDevOps][draw.below(3)];
            let options = markdown::Options {
                flavour,
                max_bytes: [None, Some(draw.below(4_000)), Some(draw.below(40_000))][draw.below(3)],
                chart: [None, Some(true)][draw.below(2)],
                ..comment()
            };
            let page = lawful(&told, &rules, &options);
            cuts += usize::from(page.cut.any());
            overs += usize::from(page.over > 0);
        }
    }
    assert!(cuts > 30 && overs > 10, "{cuts} cut, {overs} over");
}

#[test]
fn ten_thousand_regions() {
    let (told, rules) = drawn(11, 10_000, false);
    let page = lawful(&told, &rules, &comment());
    assert!(page.over == 0 && page.text.len() > 64_000);
    assert!(page.cut.other_rows > 0 && page.cut.rule_lines > 0);
    // The reader of Markdown needs minutes for the pages below; rows are counted by their lines.
    let rows = |text: &str| text.lines().filter(|l| l.contains(" | `subnet-")).count();
    let roomy = markdown::Options {
        max_bytes: Some(1 << 30),
        ..comment()
    };
    let page = markdown::render(&told, &rules, &roomy);
    assert!(!page.cut.any() && page.over == 0);
    assert_eq!(rows(&page.text), 10_000);
    let summary = markdown::Options {
        flavour: Flavour::StepSummary,
        ..comment()
    };
    let page = markdown::render(&told, &rules, &summary);
    assert!(
        page.over == 0 && page.text.len() > 990_000,
        "{}",
        page.text.len()
    );
    let left_out = page.cut.medium_rows + page.cut.other_rows;
    assert_eq!(rows(&page.text), 10_000 - left_out);
    assert!(left_out > 0 && !page.text.contains("```mermaid") && page.cut.chart);
    assert!(!page.text.contains("more rows"), "long tables are folded");
}

#[test]
fn a_chart_has_thirty_arrows_at_most() {
    let (told, rules) = drawn(5, 300, false);
    let options = markdown::Options {
        flavour: Flavour::StepSummary,
        ..comment()
    };
    let page = lawful(&told, &rules, &options);
    let found = read(&page.text);
    let charts: Vec<_> = found
        .blocks
        .iter()
        .filter(|(l, _)| l == "mermaid")
        .collect();
    assert_eq!(charts.len(), 1);
    let arrows = charts[0].1.matches(">|\"").count();
    assert_eq!(arrows, 30);
    assert!(page.text.contains("30 of "), "{}", page.text);
}
