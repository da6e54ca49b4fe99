//! What syntax errors took away: the names that statements which did not parse would have declared.
//! A missing name among these is no fault of its own. Nothing is parsed here.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Severity, Sink, Stage};
use crate::source::{SourceMap, Span};
use crate::syntax::ast;

use super::imports::Module;

/// A statement names what it declares among its first words: `required allow label:`, `use ... as
/// name with`.
const FIRST_WORDS: usize = 4;

/// The names that would be declared if everything had parsed.
pub(crate) fn broken_names(
    modules: &[Module],
    sources: &SourceMap,
    told: &[Diagnostic],
) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for file in modules.iter().flat_map(|m| &m.files) {
        for item in &file.items {
            match &item.node {
                ast::Item::Error => first_words(sources.text(item.span), &mut out),
                ast::Item::Group(group) => {
                    for member in &group.members {
                        if matches!(member.node, ast::Member::Error) {
                            first_words(sources.text(member.span), &mut out);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    for fault in told {
        if fault.severity == Severity::Error
            && fault.code.info().stage == Stage::Syntax
            && let Some(span) = fault.primary
        {
            keys(line(sources, span), &mut out);
        }
    }
    out
}

/// Drops the faults of resolving that are about one of these names.
pub(crate) fn drop_consequences(broken: &BTreeSet<String>, sources: &SourceMap, sink: &mut Sink) {
    if broken.is_empty() {
        return;
    }
    sink.retain(|d| {
        let about = d.primary.map_or("", |span| sources.text(span));
        let name = about.rsplit("::").next().unwrap_or(about);
        d.code.info().stage != Stage::Resolve || !broken.contains(name)
    });
}

/// The words before the first `=`, `{`, `:` or line end, without what stands in quotes.
fn first_words(text: &str, out: &mut BTreeSet<String>) {
    let unquoted: String = text.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let head = unquoted.split(['=', '{', ':', '\n']).next().unwrap_or("");
    out.extend(words(head).take(FIRST_WORDS).map(str::to_owned));
}

/// The words right before an equals sign, or the colon that was written for one.
fn keys(line: &str, out: &mut BTreeSet<String>) {
    let parts: Vec<&str> = line.split(['=', ':']).collect();
    let Some((_, before)) = parts.split_last() else {
        return;
    };
    for part in before {
        out.extend(words(part).last().map(str::to_owned));
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .filter(|word| !word.is_empty())
}

fn line(sources: &SourceMap, span: Span) -> &str {
    let Some(file) = sources.get(span.file) else {
        return "";
    };
    let at = span.start as usize;
    let before = file.text.get(..at).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let rest = file.text.get(start..).unwrap_or("");
    rest.lines().next().unwrap_or("")
}
