//! Diagnostics for programs: one JSON object a line. It shows no source text.

use serde::Serialize;

use super::Diagnostic;
use crate::source::{SourceMap, Span};

/// A place; lines and columns from 1, columns in characters, the end exclusive.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    file: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct Secondary<'a> {
    #[serde(flatten)]
    place: Option<Place>,
    text: &'a str,
}

#[derive(Serialize)]
struct Replacement<'a> {
    #[serde(flatten)]
    place: Option<Place>,
    replacement: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Option<Place>,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
    labels: Vec<Secondary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Replacement<'a>>,
}

/// Renders all, one object a line; empty if there is nothing to say.
#[must_use]
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in diagnostics {
        let line = Line {
            code: d.code.id(),
            severity: d.severity.word(),
            message: &d.message,
            place: d.primary.and_then(|s| place(sources, s)),
            label: &d.label,
            labels: d
                .labels
                .iter()
                .map(|l| Secondary {
                    place: place(sources, l.span),
                    text: &l.text,
                })
                .collect(),
            help: d.help.as_deref(),
            note: d.note.as_deref(),
            packet: d.packet.as_deref(),
            fix: d.fix.as_ref().map(|f| Replacement {
                place: place(sources, f.span),
                replacement: &f.replacement,
            }),
        };
        // Plain texts and numbers cannot fail to serialise.
        if let Ok(line) = serde_json::to_string(&line) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

fn place(sources: &SourceMap, span: Span) -> Option<Place> {
    sources.get(span.file)?;
    let (file, line, column) = sources.place(span);
    let end = Span::new(
        span.file,
        span.end.max(span.start),
        span.end.max(span.start),
    );
    let (_, end_line, end_column) = sources.place(end);
    Some(Place {
        file,
        line,
        column,
        end_line,
        end_column,
    })
}
