//! Syntax tree to canonical text. It changes layout, the order of clauses and of broken lists, and
//! how ports are written; never the meaning, the order of statements or a comment's words.

mod doc;
mod normal;
mod rules;
mod text;

use crate::diag::internal::internal;
use crate::diag::{Diagnostic, Severity};
use crate::source::{FileId, SourceMap};
use crate::syntax::ast::File;
use crate::syntax::{lex, parse};

/// The canonical text of a file, or why it cannot be given.
///
/// # Errors
/// The diagnostics of a file that does not parse; or, when the result would not say the same as
/// the input, one that says so.
pub fn format(sources: &SourceMap, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let (tree, diagnostics) = parse(sources, file);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let out = doc::print(&rules::file(&tree));
    let before = sources.get(file).map_or("", |f| f.text.as_str());
    match changed(tree, before, &out) {
        Some(what) => Err(vec![internal(what)]),
        None => Ok(out),
    }
}

/// What formatting would lose or alter, if anything.
fn changed(mut tree: File, before: &str, after: &str) -> Option<&'static str> {
    let mut sources = SourceMap::default();
    let file = sources.add("formatted", after);
    let (mut again, diagnostics) = parse(&sources, file);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Some("the formatted text does not parse");
    }
    normal::normal(&mut tree);
    normal::normal(&mut again);
    if tree != again {
        return Some("the formatted text would not mean the same");
    }
    if comments(before) != comments(after) {
        return Some("formatting would lose a comment");
    }
    None
}

/// The comments of a text, sorted.
fn comments(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = lex::lex(text)
        .comments
        .iter()
        .filter_map(|c| text.get(c.start as usize..c.end as usize))
        .collect();
    found.sort_unstable();
    found
}
