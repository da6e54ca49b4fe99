//! Diagnostics as a SARIF 2.1.0 log. The corner of the format that code scanning reads, no more.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", checked
//! 2026-11-23.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Code, Diagnostic, Severity};
use crate::source::{SourceMap, Span};

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<ResultRow>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: String,
    short_description: Text,
    help_uri: String,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultRow {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<FixRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FixRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Text>,
    artifact_changes: [Change; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    artifact_location: Artifact,
    replacements: [Replacement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Text,
}

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
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "portcullis",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: codes.into_iter().map(rule).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results,
        }],
    };
    // Plain texts and numbers cannot fail to serialise.
    let mut out = serde_json::to_string_pretty(&log).unwrap_or_default();
    out.push('\n');
    out
}

fn rule(code: Code) -> Rule {
    let info = code.info();
    Rule {
        id: info.id,
        name: info.slug.split('-').map(capital).collect(),
        short_description: Text {
            text: info.slug.replace('-', " "),
        },
        help_uri: format!("docs/diagnostics/{}.md", info.id),
        default_configuration: Configuration {
            level: level(info.severity),
        },
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
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
                description: d.help.clone().map(|text| Text { text }),
                artifact_changes: [Change {
                    artifact_location: artifact(sources, fix.span)?,
                    replacements: [Replacement {
                        deleted_region: region(sources, fix.span),
                        inserted_content: Text {
                            text: fix.replacement.clone(),
                        },
                    }],
                }],
            })
        })
        .collect();
    ResultRow {
        rule_id: d.code.id(),
        rule_index: codes.binary_search(&d.code).unwrap_or(0),
        level: level(d.severity),
        message: Text { text: message },
        locations,
        related_locations,
        partial_fingerprints: BTreeMap::from([(
            "portcullisLine/v1",
            fingerprint(sources, d, seen),
        )]),
        fixes,
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
    let hash = Sha256::digest(format!("{key}\n{count}").as_bytes());
    hash.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

fn location(sources: &SourceMap, span: Span, id: Option<usize>, text: &str) -> Option<Location> {
    Some(Location {
        id,
        physical_location: Physical {
            artifact_location: artifact(sources, span)?,
            region: region(sources, span),
        },
        message: (!text.is_empty()).then(|| Text {
            text: text.to_owned(),
        }),
    })
}

fn region(sources: &SourceMap, span: Span) -> Region {
    let (_, start_line, start_column) = sources.place(span);
    let end = span.end.max(span.start);
    let (_, end_line, end_column) = sources.place(Span::new(span.file, end, end));
    Region {
        start_line,
        start_column,
        end_line,
        end_column,
    }
}

/// The file as a relative URI.
fn artifact(sources: &SourceMap, span: Span) -> Option<Artifact> {
    let mut uri = String::new();
    for byte in sources.get(span.file)?.name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(Artifact { uri })
}
