//! Diagnostics as workflow commands of GitHub Actions, which become annotations. Not a report.
//!
//! Source of the form: GitHub Docs, "Workflow commands for GitHub Actions", checked 2026-11-23.

use super::cap::{cap, hidden_line, whole_text};
use super::escape::{github_data as data, github_property as property};
use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// Renders all, one command a line; empty if there is nothing to say.
#[must_use]
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let (shown, hidden) = cap(diagnostics);
    let mut out = String::new();
    for d in shown {
        let command = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = String::new();
        if let Some(span) = d.primary.filter(|s| sources.get(s.file).is_some()) {
            let (file, line, column) = sources.place(span);
            properties = format!("file={},line={line},col={column},", property(&file));
        }
        out.push_str(&format!(
            "::{command} {properties}title={}::{}\n",
            d.code,
            data(&whole_text(d))
        ));
    }
    if hidden > 0 {
        out.push_str(&format!("::notice ::{}\n", hidden_line(hidden)));
    }
    out
}
