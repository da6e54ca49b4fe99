//! Diagnostics as a SARIF log. The format itself is in `sarif.rs`.

use std::collections::{BTreeMap, BTreeSet};

use super::sarif::{
    Artifact, Change, Configuration, FixRow, Location, Log, Physical, Region, Replacement,
    ResultRow, Rule, Run, Text, pascal, short_hash,
};
use super::{Code, Diagnostic, Severity, explain};
use crate::source::{SourceMap, Span};

/// Renders one log; a run without diagnostics is a log without results.
#[must_use]
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let codes: Vec<Code> = diagnostics
        .iter()
        .map(|d| d.code)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut seen = BTreeMap::new();
    let results = diagnostics
        .iter()
        .map(|d| result(sources, d, &codes, &mut seen))
        .collect();
    let rules = codes.into_iter().map(rule).collect();
    Log::new(Run::new(rules, results)).text()
}

fn rule(code: Code) -> Rule {
    let info = code.info();
    Rule {
        id: info.id.to_owned(),
        name: pascal(info.slug),
        short_description: Text::plain(info.slug.replace('-', " ")),
        full_description: None,
        help: help(code),
        default_configuration: Configuration {
            level: level(info.severity),
        },
        properties: None,
    }
}

/// The page of a code.
#[must_use]
pub fn help(code: Code) -> Text {
    let page = explain::page(code);
    Text {
        text: page.to_owned(),
        markdown: Some(page.to_owned()),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(
    sources: &SourceMap,
    d: &Diagnostic,
    codes: &[Code],
    seen: &mut BTreeMap<String, usize>,
) -> ResultRow {
    let mut message = d.message.clone();
    for (word, part) in [("help", &d.help), ("note", &d.note), ("packet", &d.packet)] {
        if let Some(part) = part {
            message.push_str(&format!("\n{word}: {part}"));
        }
    }
    let locations = d
        .primary
        .and_then(|span| location(sources, span, None, &d.label))
        .into_iter()
        .collect();
    let related_locations = d
        .labels
        .iter()
        .enumerate()
        .filter_map(|(at, l)| location(sources, l.span, Some(at), &l.text))
        .collect();
    let fixes = d
        .fix
        .iter()
        .filter_map(|fix| {
            Some(FixRow {
                description: d.help.clone().map(Text::plain),
                artifact_changes: [Change {
                    artifact_location: artifact(sources, fix.span)?,
                    replacements: [Replacement {
                        deleted_region: region(sources, fix.span),
                        inserted_content: Text::plain(fix.replacement.clone()),
                    }],
                }],
            })
        })
        .collect();
    ResultRow {
        rule_id: d.code.id().to_owned(),
        rule_index: codes.binary_search(&d.code).unwrap_or(0),
        level: level(d.severity),
        message: Text::plain(message),
        locations,
        related_locations,
        partial_fingerprints: BTreeMap::from([(
            "portcullisLine/v1",
            fingerprint(sources, d, seen),
        )]),
        fixes,
        suppressions: Vec::new(),
        properties: BTreeMap::new(),
    }
}

/// A name of the finding that survives lines added above it: code, file and the text of its line,
/// and a count where these are equal.
fn fingerprint(sources: &SourceMap, d: &Diagnostic, seen: &mut BTreeMap<String, usize>) -> String {
    let at = d.primary.and_then(|span| {
        let file = sources.get(span.file)?;
        let start = file.lines.line_start(file.lines.line(span.start)) as usize;
        let line = file.text.get(start..)?.lines().next().unwrap_or("").trim();
        Some(format!("{}\n{line}", file.name))
    });
    let key = format!("{}\n{}", d.code, at.unwrap_or_else(|| d.message.clone()));
    let count = seen.entry(key.clone()).or_insert(0);
    *count += 1;
    short_hash(&format!("{key}\n{count}"))
}

fn location(sources: &SourceMap, span: Span, id: Option<usize>, text: &str) -> Option<Location> {
    Some(Location {
        id,
        physical_location: Physical {
            artifact_location: artifact(sources, span)?,
            region: region(sources, span),
        },
        message: (!text.is_empty()).then(|| Text::plain(text)),
    })
}

fn region(sources: &SourceMap, span: Span) -> Region {
    let (_, start_line, start_column) = sources.place(span);
    let end = span.end.max(span.start);
    let (_, end_line, end_column) = sources.place(Span::new(span.file, end, end));
    Region {
        start_line,
        start_column: Some(start_column),
        end_line: Some(end_line),
        end_column: Some(end_column),
    }
}

/// The file as a relative URI.
fn artifact(sources: &SourceMap, span: Span) -> Option<Artifact> {
    sources.get(span.file).map(|file| Artifact::new(&file.name))
}
