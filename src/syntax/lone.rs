//! A text that is one endpoint or one list of services, such as an argument of a command. It reads no
//! statements.

use super::ast::{Expr, Svc};
use super::input::{Expected, In, Res, State, Tokens};
use super::token::Kind;
use super::{lex, not_text, parse, small};
use crate::diag::Diagnostic;
use crate::source::{FileId, SourceMap, Span};

/// The endpoint that a text is; `None` if it is none, which the diagnostics then say.
#[must_use]
pub fn parse_endpoint(sources: &SourceMap, file: FileId) -> (Option<Expr>, Vec<Diagnostic>) {
    lone(sources, file, parse::expr)
}

/// The services that a text is; `None` if it is none, which the diagnostics then say.
#[must_use]
pub fn parse_services(sources: &SourceMap, file: FileId) -> (Option<Vec<Svc>>, Vec<Diagnostic>) {
    lone(sources, file, parse::services)
}

fn lone<T>(
    sources: &SourceMap,
    file: FileId,
    read: impl for<'a> Fn(In<'a>) -> Res<'a, T>,
) -> (Option<T>, Vec<Diagnostic>) {
    let text = sources.get(file).map_or("", |f| f.text.as_str());
    if let Some((at, character)) = not_text(text) {
        let span = Span::new(file, small(at), small(at + character.len_utf8()));
        return (None, vec![super::faults::not_text(span, character)]);
    }
    let lexed = lex::lex(text);
    let state = State::new(text, file, &lexed);
    let start = Tokens {
        rest: &lexed.tokens,
        state: &state,
    };
    let found = match read(start) {
        Ok((rest, found)) if rest.is(Kind::Eof) => Some(found),
        Ok((rest, _)) => {
            rest.note(Expected::What("the end"));
            state.report(rest.fault());
            None
        }
        Err(_) => {
            state.report(start.fault());
            None
        }
    };
    let mut diagnostics = state.into_diagnostics();
    for diagnostic in &mut diagnostics {
        // There is no file or statement that could end.
        let message = diagnostic.message.as_str();
        let message = message.replace("the end of the statement", "a new line");
        diagnostic.message = message.replace("the end of the file", "the end");
    }
    diagnostics.sort_by_key(|d| (d.primary, d.code));
    (found, diagnostics)
}
