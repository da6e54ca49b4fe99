//! The grammar: one function for each production of grammar/portcullis.ebnf, by the same name.
//! This file holds the helpers that are no productions.

mod block;
mod clause;
mod declare;
mod endpoint;
mod file;
mod flow;
mod service;
mod token;
mod verify;

pub(crate) use endpoint::expr;
pub(crate) use file::file;
pub(crate) use service::services;

use super::ast::{Clause, ClauseKind, Node, Path, Template};
use super::ast::{Name, Piece};
use super::faults;
use super::input::{Expected, In, Res, one};
use super::lex::is_name;
use super::recover::node;
use super::token::{Kind, Token};
use super::words::{CLAUSES, PROTOCOLS, STATEMENTS, UNDECLARABLE};
use crate::diag::suggest::closest;
use crate::source::{Span, Spanned};

/// The name that a statement declares as a value or service: reserved words are refused.
fn declared_name(i: In<'_>) -> Res<'_, Name> {
    let word = i.word();
    if PROTOCOLS.contains(&word) || UNDECLARABLE.contains(&word) {
        let span = i.span(i.peek());
        return i.refuse(
            faults::expected(span, "a name", &format!("the reserved word `{word}`"))
                .help("choose another name; protocol words, `any`, `except`, `true` and `false` are reserved"),
        );
    }
    token::name(i)
}

/// `name ":"`, which needs two tokens to be told from what follows.
fn label(i: In<'_>) -> Res<'_, Option<Name>> {
    if i.is(Kind::Word) && i.look(1).kind == Kind::Colon {
        let (i, name) = token::name(i)?;
        return Ok((i.skip(1), Some(name)));
    }
    Ok((i, None))
}

/// The clauses of a statement. An unknown one is reported and skipped; one given twice is
/// reported and dropped.
fn clauses(mut i: In<'_>) -> Res<'_, Vec<Node<Clause>>> {
    let mut clauses: Vec<Node<Clause>> = Vec::new();
    loop {
        let word = i.word();
        if CLAUSES.contains(&word) {
            let (rest, clause) = node(i, clause::clause)?;
            let keyword = &clause.node.keyword;
            let first = clauses
                .iter()
                .find(|c| is_repeated(&c.node, &clause.node))
                .map(|c| c.node.keyword.span);
            match first {
                Some(first) => {
                    i.state
                        .report(faults::clause_twice(keyword.span, first, &keyword.node));
                }
                None => clauses.push(clause),
            }
            i = rest;
        } else if is_unknown_clause(i) {
            i.state
                .report(faults::unknown_clause(i.span(i.peek()), word));
            i = skip_clause(i.skip(1));
        } else {
            i.note(Expected::What("a clause"));
            return Ok((i, clauses));
        }
    }
}

/// A word where a clause or the next statement should begin: is it a mistyped clause?
fn is_unknown_clause(i: In<'_>) -> bool {
    let token = i.peek();
    let word = i.word();
    if word.is_empty() || STATEMENTS.contains(&word) || word == "reach" {
        return false;
    }
    if !token.first_on_line {
        // `from a exept b` is for the error of the expression before it.
        return closest(word, ["except"]).is_none() || word.len() < 4;
    }
    if token.column > i.state.column.get() {
        return i.look(1).kind != Kind::Equals;
    }
    closest(word, STATEMENTS.iter().copied()).is_none()
        && closest(word, CLAUSES.iter().copied()).is_some()
}

fn skip_clause(mut i: In<'_>) -> In<'_> {
    loop {
        let token = i.peek();
        let stop = token.first_on_line
            || matches!(token.kind, Kind::Eof | Kind::LBrace | Kind::RBrace)
            || (token.kind == Kind::Word && CLAUSES.contains(&i.text(token)));
        if stop {
            return i;
        }
        i = i.skip(1);
    }
}

/// The pieces of a text with `${name}` in it.
fn template(text: &str, span: Span, first_byte: u32) -> Template {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut at = first_byte;
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut plain = String::new();
    while let Some(open) = rest.find("${") {
        let (before, from) = rest.split_at(open);
        plain.push_str(before);
        at = at.saturating_add(small(open));
        let inner = from.get(2..).unwrap_or("");
        match inner.find('}') {
            Some(close) if is_name(inner.get(..close).unwrap_or("")) => {
                let name = inner.get(..close).unwrap_or("");
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let start = at.saturating_add(2);
                let place = Span::new(span.file, start, start.saturating_add(small(close)));
                pieces.push(Piece::Param(Spanned::new(name.to_owned(), place)));
                rest = inner.get(close + 1..).unwrap_or("");
                at = at.saturating_add(small(close + 3));
            }
            _ => {
                plain.push_str("${");
                rest = inner;
                at = at.saturating_add(2);
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Template { pieces, span }
}

/// A name, called `what` if it is missing.
fn name_as<'a>(i: In<'a>, what: &'static str) -> Res<'a, Name> {
    let (rest, token) = one(i, Expected::What(what), |t, _| t.kind == Kind::Word)?;
    Ok((rest, spanned(i, token)))
}

/// A path, called `what` if it is missing.
fn path_as<'a>(i: In<'a>, what: &'static str) -> Res<'a, Path> {
    if i.at_next_statement() {
        return i.miss(Expected::What(what));
    }
    let (rest, token) = one(i, Expected::What(what), |t, _| {
        matches!(t.kind, Kind::Word | Kind::Path)
    })?;
    let mut segments = Vec::new();
    let mut at = token.start;
    for part in i.text(token).split("::") {
        let end = at.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
        let span = Span::new(i.state.file, at, end);
        segments.push(Spanned::new(part.to_owned(), span));
        at = end.saturating_add(2);
    }
    let span = i.span(token);
    Ok((rest, Path { segments, span }))
}

/// Pairs a token's text with its place.
fn spanned(i: In<'_>, token: Token) -> Spanned<String> {
    Spanned::new(i.text(token).to_owned(), i.span(token))
}

/// A clause from its keyword and its content.
fn make_clause(i: In<'_>, keyword: Token, kind: ClauseKind) -> Clause {
    Clause {
        keyword: spanned(i, keyword),
        kind,
    }
}

/// A clause stands once; `header` once for each header.
fn is_repeated(first: &Clause, second: &Clause) -> bool {
    match (&first.kind, &second.kind) {
        (ClauseKind::Header(a, _), ClauseKind::Header(b, _)) => {
            a.node.eq_ignore_ascii_case(&b.node)
        }
        _ => first.keyword.node == second.keyword.node,
    }
}
