//! A difference as rdjson, which reviewdog posts to any forge. A widened flow may sit on a line that the
//! change does not touch, so reviewdog has to be run with `-filter-mode=nofilter`.
//!
//! Source: reviewdog, "Reviewdog Diagnostic Format" (`DiagnosticResult.json`), checked 2026-11-30.

use serde::Serialize;

use super::forge::{message, place_of, spot, title};
use super::harmless::harmless;
use super::sarif::rule_id;
use crate::diff::told::{Difference, Kind, Level};

#[derive(Serialize)]
struct Answer {
    source: Source,
    diagnostics: Vec<Row>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
}

#[derive(Serialize)]
struct Row {
    message: String,
    location: Location,
    severity: &'static str,
    code: Code,
}

#[derive(Serialize)]
struct Location {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
}

#[derive(Serialize)]
struct Code {
    value: String,
}

/// Every change that is not accepted, and what is newly said of the new side. `folder` is the project's,
/// as seen from where files are named from.
#[must_use]
pub fn render(difference: &Difference, folder: &str) -> String {
    let mut diagnostics: Vec<Row> = difference
        .semantic
        .iter()
        .filter(|change| !change.accepted)
        .map(|change| {
            let spot = spot(change, folder);
            Row {
                message: format!("{}: {}", title(change), message(change)),
                location: location(spot.path, spot.line),
                severity: match change.change {
                    kind if kind.widens() => match change.risk.level {
                        Level::High => "ERROR",
                        Level::Medium => "WARNING",
                        Level::Low | Level::Info => "INFO",
                    },
                    Kind::NoLongerAllowed if change.required_lost => "ERROR",
                    Kind::NoLongerAllowed | Kind::Undecided => "WARNING",
                    _ => "INFO",
                },
                code: Code {
                    value: rule_id(change).to_owned(),
                },
            }
        })
        .collect();
    diagnostics.extend(difference.diagnostics.iter().filter(|f| f.new).map(|f| {
        let spot = place_of(f, folder);
        Row {
            message: harmless(&f.message),
            location: location(spot.path, spot.line),
            severity: match f.level.as_str() {
                "error" => "ERROR",
                "warning" => "WARNING",
                _ => "INFO",
            },
            code: Code {
                value: f.code.clone(),
            },
        }
    }));
    let answer = Answer {
        source: Source { name: "portcullis" },
        diagnostics,
    };
    // Plain texts and numbers cannot fail to serialise.
    let mut out = serde_json::to_string_pretty(&answer).unwrap_or_default();
    out.push('\n');
    out
}

fn location(path: String, line: Option<u32>) -> Location {
    Location {
        path,
        range: line.map(|line| Range {
            start: Position { line },
        }),
    }
}
