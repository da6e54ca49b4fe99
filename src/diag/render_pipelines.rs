//! Diagnostics as logging commands of Azure Pipelines, which become issues of the run. Not a report.
//!
//! Source of the form and of the escapes: Microsoft Learn, "Logging commands", checked 2026-11-23.

use super::cap::{cap, hidden_line, whole_text};
use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// Renders all, one command a line; empty if there is nothing to say. The service has errors and
/// warnings only, so notes are plain lines.
#[must_use]
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let (shown, hidden) = cap(diagnostics);
    let mut out = String::new();
    for d in shown {
        let place = d
            .primary
            .filter(|s| sources.get(s.file).is_some())
            .map(|s| sources.place(s));
        let kind = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => {
                let place = place.map_or_else(String::new, |(file, line, column)| {
                    format!("{file}:{line}:{column}: ")
                });
                let text = format!("{place}note {}: {}", d.code, whole_text(d));
                out.push_str(&plain(&text));
                continue;
            }
        };
        let place = place.map_or_else(String::new, |(file, line, column)| {
            format!(
                "sourcepath={};linenumber={line};columnnumber={column};",
                property(&file)
            )
        });
        out.push_str(&format!(
            "##vso[task.logissue type={kind};{place}code={};]{}\n",
            d.code,
            data(&whole_text(d))
        ));
    }
    if hidden > 0 {
        out.push_str(&plain(&hidden_line(hidden)));
    }
    out
}

/// A line that is no command: user text must not smuggle one in at the start of a line.
fn plain(text: &str) -> String {
    let text = text.replace("##vso[", "## vso[").replace("##[", "## [");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    lines.join(" ") + "\n"
}

fn data(text: &str) -> String {
    text.replace('%', "%AZP25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(']', "%5D").replace(';', "%3B")
}
