//! How many diagnostics are shown to people, and the line of counts. Files for machines hold all.

use super::{Diagnostic, Severity};

/// Most diagnostics shown; more help nobody and flood a log.
pub(super) const SHOWN: usize = 50;

/// Those that are shown, and how many are not. Errors are shown before others when there are too
/// many; the order of places is kept.
pub(super) fn cap(diagnostics: &[Diagnostic]) -> (Vec<&Diagnostic>, usize) {
    if diagnostics.len() <= SHOWN {
        return (diagnostics.iter().collect(), 0);
    }
    let mut order: Vec<(usize, &Diagnostic)> = diagnostics.iter().enumerate().collect();
    order.sort_by_key(|(at, d)| (std::cmp::Reverse(d.severity), *at));
    order.truncate(SHOWN);
    order.sort_by_key(|(at, _)| *at);
    (
        order.into_iter().map(|(_, d)| d).collect(),
        diagnostics.len() - SHOWN,
    )
}

/// Longest word that is shown in full; a resource's id has up to 300 characters.
const LONG_WORD: usize = 400;

/// The text with the middle of absurdly long words left out: a name of a megabyte hides what is said
/// about it.
pub(super) fn without_long_words(text: &str) -> String {
    text.split_inclusive([' ', '\n'])
        .map(|word| {
            let length = word.chars().count();
            if length <= LONG_WORD {
                return word.to_owned();
            }
            let head: String = word.chars().take(60).collect();
            let tail: String = word.chars().skip(length - 20).collect();
            format!("{head}…{tail}")
        })
        .collect()
}

/// `2 errors, 1 warning`, and the worst level; `None` if there is nothing to say.
pub(super) fn counts(diagnostics: &[Diagnostic]) -> Option<(Severity, String)> {
    let worst = diagnostics.iter().map(|d| d.severity).max()?;
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let n = diagnostics
                .iter()
                .filter(|d| d.severity == severity)
                .count();
            let word = severity.word();
            match n {
                0 => None,
                1 => Some(format!("1 {word}")),
                _ => Some(format!("{n} {word}s")),
            }
        })
        .collect();
    Some((worst, parts.join(", ")))
}

/// `1 more is not shown`, for the end of a cut list.
pub(super) fn hidden_line(hidden: usize) -> String {
    let verb = if hidden == 1 { "is" } else { "are" };
    format!("{hidden} more {verb} not shown")
}

/// Message, then label, help, note and packet, one a line: for forms that have room for one text.
pub(super) fn whole_text(d: &Diagnostic) -> String {
    let mut text = without_long_words(&d.message);
    if !d.label.is_empty() {
        text.push_str("\nhere: ");
        text.push_str(&without_long_words(&d.label));
    }
    for (word, part) in [("help", &d.help), ("note", &d.note), ("packet", &d.packet)] {
        if let Some(part) = part {
            text.push_str(&format!("\n{word}: {}", without_long_words(part)));
        }
    }
    text
}
