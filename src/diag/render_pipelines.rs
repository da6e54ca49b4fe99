//! Diagnostics as logging commands of Azure Pipelines, which become issues of the run. Not a report.
//!
//! Source of the form: Microsoft Learn, "Logging commands", checked 2026-11-23.

use super::cap::{cap, hidden_line, whole_text};
use super::escape::{
    pipelines_data as data, pipelines_plain as plain, pipelines_property as property,
};
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
