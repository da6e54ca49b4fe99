//! Text to syntax tree. Never fails: what does not parse becomes an error node and a diagnostic.

pub mod ast;
mod faults;
mod input;
pub(crate) mod lex;
mod literal;
mod lone;
mod mismatch;
mod parse;
mod recover;
pub(crate) mod token;
pub mod visit;
pub(crate) mod words;

pub use faults::{bad_name_pattern, bad_port, bad_prefix, host_bits};
pub(crate) use faults::{not_utf8, too_large};
pub use literal::{check_name_pattern, parse_port, parse_ports, parse_prefix};
pub use lone::{parse_endpoint, parse_services};

use crate::diag::Diagnostic;
use crate::source::{FileId, SourceMap, Span};
use input::{State, Tokens};

/// The largest text that is read: far above any policy, far below what would hurt.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// How often a word stands in a text, outside strings and comments.
#[must_use]
pub fn word_count(text: &str, word: &str) -> usize {
    let tokens = lex::lex(text).tokens;
    let own = tokens
        .iter()
        .filter(|t| t.kind == token::Kind::Word)
        .filter(|t| text.get(t.start as usize..t.end as usize) == Some(word));
    own.count()
}

/// Parses one file.
#[must_use]
pub fn parse(sources: &SourceMap, file: FileId) -> (ast::File, Vec<Diagnostic>) {
    let Some(source) = sources.get(file) else {
        return (ast::File::default(), Vec::new());
    };
    let text = source.text.as_str();
    let start = Span::new(file, 0, 0);
    if text.len() > MAX_BYTES {
        let what = format!("the file holds {} bytes", text.len());
        let help = format!("a file may hold {MAX_BYTES} bytes; split it");
        return refused(faults::too_large(start, &what, &help));
    }
    if let Some((at, character)) = not_text(text) {
        let end = at + character.len_utf8();
        let span = Span::new(file, small(at), small(end));
        return refused(faults::not_text(span, character));
    }
    let lexed = lex::lex(text);
    if lexed.overflow {
        let what = format!("the file holds more than {} tokens", lex::MAX_TOKENS);
        return refused(faults::too_large(start, &what, "split the file"));
    }
    let state = State::new(text, file, &lexed);
    let tree = parse::file(Tokens {
        rest: &lexed.tokens,
        state: &state,
    })
    .map_or_else(|_| ast::File::default(), |(_, tree)| tree);
    let mut diagnostics = state.into_diagnostics();
    // Nesting that is not followed leaves every bracket around it open.
    if diagnostics.iter().any(|d| is(d, "too-large")) {
        diagnostics.retain(|d| !is(d, "unclosed"));
    }
    diagnostics.sort_by_key(|d| (d.primary, d.code));
    (tree, diagnostics)
}

fn is(diagnostic: &Diagnostic, slug: &str) -> bool {
    diagnostic.code.info().slug == slug
}

fn refused(diagnostic: Diagnostic) -> (ast::File, Vec<Diagnostic>) {
    (ast::File::default(), vec![diagnostic])
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The first character that no policy holds: controls, a carriage return inside a line, and the
/// marks that make text read in another order than it is compiled.
fn not_text(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(at, c)| match c {
        '\n' | '\t' => false,
        '\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    })
}
