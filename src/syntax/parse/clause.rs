//! Clauses and conditions.

use nom::Parser;
use nom::combinator::cut;

use crate::source::Spanned;
use crate::syntax::ast::{Clause, ClauseKind, Cond, CondTest, CondValue, Path, Text};
use crate::syntax::faults;
use crate::syntax::input::{Expected, In, Res, keyword, one, sign};
use crate::syntax::literal::shorten;
use crate::syntax::token::Kind;
use crate::syntax::words::CLAUSES;

use super::token::{date, int, path, ports, string};
use super::{make_clause, name_as, path_as};

pub(super) fn clause(i: In<'_>) -> Res<'_, Clause> {
    let (rest, word) = one(i, Expected::What("a clause"), |t, text| {
        t.kind == Kind::Word && CLAUSES.contains(&text)
    })?;
    let (rest, kind) = match i.text(word) {
        "for" => string.map(ClauseKind::For).parse(rest)?,
        "when" => cond.map(ClauseKind::When).parse(rest)?,
        "at" => paths.map(ClauseKind::At).parse(rest)?,
        "via" => path.map(ClauseKind::Via).parse(rest)?,
        "overrides" => paths.map(ClauseKind::Overrides).parse(rest)?,
        "owner" => text.map(ClauseKind::Owner).parse(rest)?,
        "ticket" => text.map(ClauseKind::Ticket).parse(rest)?,
        "until" => date.map(ClauseKind::Until).parse(rest)?,
        "pin" => pin(rest)?,
        "inspect" => (rest, ClauseKind::Inspect),
        "header" => {
            let (rest, key) = cut(string).parse(rest)?;
            let (rest, _) = cut(sign(Kind::Equals, "=")).parse(rest)?;
            let (rest, value) = cut(string).parse(rest)?;
            (rest, ClauseKind::Header(key, value))
        }
        "name" => string.map(ClauseKind::Name).parse(rest)?,
        _ => ports.map(ClauseKind::SourcePort).parse(rest)?,
    };
    Ok((rest, make_clause(i, word, kind)))
}

/// `a, b::c`
fn paths(i: In<'_>) -> Res<'_, Vec<Path>> {
    let (mut i, first) = path(i)?;
    let mut paths = vec![first];
    while i.is(Kind::Comma) {
        let (rest, next) = path(i.skip(1))?;
        paths.push(next);
        i = rest;
    }
    Ok((i, paths))
}

/// A string or a name.
fn text(i: In<'_>) -> Res<'_, Text> {
    let token = i.peek();
    if token.kind == Kind::Str {
        let (rest, text) = string(i)?;
        return Ok((rest, Text { text, quoted: true }));
    }
    if matches!(
        token.kind,
        Kind::Int | Kind::Other | Kind::Fqdn | Kind::Date | Kind::Path
    ) {
        let span = i.span(token);
        let found = i.text(token);
        return i.refuse(
            faults::expected(span, "a string or a name", &format!("`{}`", shorten(found)))
                .help("write it in quotes")
                .fix(span, format!("\"{found}\"")),
        );
    }
    let (rest, text) = name_as(i, "a string or a name")?;
    let quoted = false;
    Ok((rest, Text { text, quoted }))
}

fn pin(i: In<'_>) -> Res<'_, ClauseKind> {
    let (rest, number) = int(i)?;
    match u32::try_from(number.node) {
        Ok(pin) => Ok((rest, ClauseKind::Pin(Spanned::new(pin, number.span)))),
        Err(_) => i.refuse(faults::expected(
            number.span,
            "a priority",
            "a number that is too large",
        )),
    }
}

pub(super) fn cond(i: In<'_>) -> Res<'_, Cond> {
    i.nested(|i| {
        let (i, parts) = chain(i, "or", conj)?;
        Ok((i, single(parts, Cond::Or)))
    })
}

pub(super) fn conj(i: In<'_>) -> Res<'_, Cond> {
    let (i, parts) = chain(i, "and", atom)?;
    Ok((i, single(parts, Cond::And)))
}

fn chain<'a>(
    i: In<'a>,
    word: &'static str,
    part: fn(In<'a>) -> Res<'a, Cond>,
) -> Res<'a, Vec<Cond>> {
    let (mut i, first) = part(i)?;
    let mut parts = vec![first];
    while i.offers_word(word) {
        let (rest, next) = part(i.skip(1))?;
        parts.push(next);
        i = rest;
    }
    Ok((i, parts))
}

fn single(mut parts: Vec<Cond>, many: fn(Vec<Cond>) -> Cond) -> Cond {
    match parts.pop() {
        Some(one) if parts.is_empty() => one,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

pub(super) fn atom(i: In<'_>) -> Res<'_, Cond> {
    if i.is_word("not") {
        let (rest, inner) = i.nested(|i| {
            let (i, _) = keyword("not")(i)?;
            atom(i)
        })?;
        return Ok((rest, Cond::Not(Box::new(inner))));
    }
    if i.is(Kind::LParen) {
        let (rest, inner) = cond(i.skip(1))?;
        if !rest.is(Kind::RParen) {
            return crate::syntax::recover::unclosed_or(rest, i.peek(), Expected::Word(")"));
        }
        return Ok((rest.skip(1), Cond::Paren(Box::new(inner))));
    }
    let (i, path) = path_as(i, "a parameter")?;
    let equal = i.is(Kind::EqualEqual);
    if !equal && !i.is(Kind::NotEqual) {
        if i.is(Kind::Equals) {
            let span = i.span(i.peek());
            return i.refuse(
                faults::expected(span, "`==` or `!=`", "`=`")
                    .help("a comparison is written `==`")
                    .fix(span, "=="),
            );
        }
        i.note(Expected::Word("=="));
        i.note(Expected::Word("!="));
        return Ok((i, Cond::Atom { path, test: None }));
    }
    let (i, value) = cond_value(i.skip(1))?;
    let test = Some(CondTest { equal, value });
    Ok((i, Cond::Atom { path, test }))
}

pub(super) fn cond_value(i: In<'_>) -> Res<'_, Spanned<CondValue>> {
    let span = i.span(i.peek());
    let (rest, value) = match i.peek().kind {
        Kind::Str | Kind::OpenStr => string.map(|s| CondValue::Str(s.node)).parse(i)?,
        Kind::Int => int.map(|n| CondValue::Int(n.node)).parse(i)?,
        Kind::Date => date.map(|d| CondValue::Date(d.node)).parse(i)?,
        Kind::Word | Kind::Path => path.map(CondValue::Path).parse(i)?,
        _ => return i.miss(Expected::What("a value")),
    };
    Ok((rest, Spanned::new(value, span)))
}
