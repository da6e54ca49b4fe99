//! Settings in braces and the values in them.

use nom::Parser;
use nom::combinator::cut;

use crate::source::Spanned;
use crate::syntax::ast::{Block, Entry, Expr, ExprKind, ExprList, Node, Value, ValueList};
use crate::syntax::faults;
use crate::syntax::input::{Expected, In, MAX_DEPTH, Res, sign};
use crate::syntax::recover::{brace_ends, node, report_unclosed, resync_entry, unclosed_or};
use crate::syntax::token::{Kind, Token};

use super::endpoint::{expr, foreign, has_comment_between, term};
use super::path_as;
use super::service::{proto_word, services, svc};
use super::token::{date, int, string};

pub(super) fn block(i: In<'_>) -> Res<'_, Block> {
    i.nested(block_body)
}

fn block_body(i: In<'_>) -> Res<'_, Block> {
    let (mut i, open) = sign(Kind::LBrace, "{")(i)?;
    let broken = (i.peek().first_on_line && !i.is(Kind::Eof)) || has_comment_between(i, open);
    let mut entries = Vec::new();
    let mut commas = false;
    loop {
        if i.is(Kind::RBrace) {
            let end = i.take_comments();
            let i = i.skip(1);
            let span = i.span_from(open.start);
            return Ok((
                i,
                Block {
                    entries,
                    end,
                    broken,
                    span,
                },
            ));
        }
        if brace_ends(i, &[], None) {
            report_unclosed(i, open);
            let span = i.span_from(open.start);
            let end = Vec::new();
            return Ok((
                i,
                Block {
                    entries,
                    end,
                    broken,
                    span,
                },
            ));
        }
        i.state.begin();
        match node(i, entry) {
            Ok((rest, entry)) => {
                entries.push(entry);
                i = rest;
                let next = i.peek();
                let fits = next.first_on_line
                    || matches!(
                        next.kind,
                        Kind::RBrace | Kind::Word | Kind::Path | Kind::Eof
                    );
                if !fits {
                    let next = [Expected::What("the next entry on its own line")];
                    let mut fault = i.mismatch(&next);
                    if matches!(i.peek().kind, Kind::Comma | Kind::Equals) {
                        fault = fault.help("write each entry on its own line, without a comma");
                    }
                    // What follows the comma is an entry all the same, and one remark is enough.
                    let comma = i.is(Kind::Comma) && i.look(2).kind == Kind::Equals;
                    if !(comma && commas) {
                        i.state.report(fault);
                    }
                    commas |= comma;
                    i = if comma {
                        i.skip(1)
                    } else {
                        resync_entry(i, i.at())
                    };
                }
            }
            Err(_) => {
                i.state.report(i.fault());
                i = resync_entry(i, i.state.failed_at());
            }
        }
        i.state.begin();
    }
}

pub(super) fn entry(i: In<'_>) -> Res<'_, Entry> {
    let (i, key) = path_as(i, "a key")?;
    let (i, _) = sign(Kind::Equals, "=")(i)?;
    let (i, value) = cut(value).parse(i)?;
    Ok((i, Entry { key, value }))
}

pub(super) fn value(i: In<'_>) -> Res<'_, Spanned<Value>> {
    let start = i.peek().start;
    let (rest, value) = if i.is(Kind::LBrace) {
        let (rest, block) = block(i)?;
        (rest, Value::Block(block))
    } else if services_ahead(i) {
        let (rest, services) = services(i)?;
        (rest, Value::Services(services))
    } else {
        element(i)?
    };
    Ok((rest, Spanned::new(value, rest.span_from(start))))
}

/// True before `tcp`, `any/`, `a,`: what can only be services.
fn services_ahead(i: In<'_>) -> bool {
    let token = i.peek();
    let next = i.look(1);
    let named = matches!(token.kind, Kind::Word | Kind::Path);
    let protocol = proto_word(i.word()).is_some() && i.word() != "any";
    // `a = x, b = y`: the comma parts entries, which is told as such.
    let listed = next.kind == Kind::Comma && i.look(3).kind != Kind::Equals;
    protocol || (named && (listed || (next.kind == Kind::Slash && next.glued)))
}

pub(super) fn element(i: In<'_>) -> Res<'_, Value> {
    let token = i.peek();
    match token.kind {
        Kind::Str | Kind::OpenStr | Kind::Int | Kind::Date => scalar(i),
        Kind::Word if matches!(i.word(), "true" | "false") => scalar(i),
        Kind::LBracket => {
            let (rest, list) = i.nested(value_list)?;
            if rest.is_word("except") {
                return except_tail(rest, list, token);
            }
            Ok((rest, Value::List(list)))
        }
        _ if proto_word(i.word()).is_some() && i.word() != "any" => {
            let (rest, one) = svc(i)?;
            Ok((rest, Value::Services(vec![one])))
        }
        _ if i.look(1).kind == Kind::Slash && i.look(1).glued => {
            let (rest, one) = svc(i)?;
            Ok((rest, Value::Services(vec![one])))
        }
        Kind::Word | Kind::Path | Kind::Cidr | Kind::Fqdn | Kind::Star => {
            let (rest, e) = expr(i)?;
            Ok((rest, Value::Expr(e)))
        }
        _ => i.miss(Expected::What("a value")),
    }
}

pub(super) fn scalar(i: In<'_>) -> Res<'_, Value> {
    let token = i.peek();
    match token.kind {
        Kind::Int => {
            let (rest, number) = int(i)?;
            Ok((rest, Value::Int(number.node)))
        }
        Kind::Date => {
            let (rest, date) = date(i)?;
            Ok((rest, Value::Date(date.node)))
        }
        Kind::Word if i.word() == "true" => Ok((i.skip(1), Value::Bool(true))),
        Kind::Word if i.word() == "false" => Ok((i.skip(1), Value::Bool(false))),
        _ => {
            let (rest, text) = string(i)?;
            Ok((rest, Value::Str(text.node)))
        }
    }
}

/// `[a, b]` in value position.
fn value_list(i: In<'_>) -> Res<'_, ValueList> {
    let (mut i, open) = sign(Kind::LBracket, "[")(i)?;
    let broken = i.peek().first_on_line || has_comment_between(i, open);
    let mut elements = Vec::new();
    while !i.is(Kind::RBracket) {
        if foreign(i) {
            return unclosed_or(i, open, Expected::What("a value"));
        }
        let (rest, mut one) = node(i, element)?;
        i = rest;
        if i.offers(Kind::Comma, ",") {
            i = i.skip(1);
            if one.trivia.trailing.is_none() {
                one.trivia.trailing = i.take_trailing();
            }
            elements.push(one);
        } else {
            elements.push(one);
            if !i.is(Kind::RBracket) {
                return unclosed_or(i, open, Expected::Word("]"));
            }
        }
    }
    let end = i.take_comments();
    Ok((
        i.skip(1),
        ValueList {
            elements,
            broken,
            end,
        },
    ))
}

/// `[a, b] except c`: only now is it known that the list holds endpoints.
fn except_tail(mut i: In<'_>, list: ValueList, open: Token) -> Res<'_, Value> {
    let span = i.span_from(open.start);
    let mut elements = Vec::new();
    for element in list.elements {
        match endpoint_of(element.node, element.span) {
            Some(node) => elements.push(Node {
                trivia: element.trivia,
                node,
                span: element.span,
            }),
            None => {
                return i.refuse(faults::expected(
                    element.span,
                    "an endpoint",
                    "another kind of value",
                ));
            }
        }
    }
    let mut left = Expr {
        kind: ExprKind::List(ExprList {
            elements,
            broken: list.broken,
            end: list.end,
        }),
        span,
    };
    let mut links = 0;
    while i.offers_word("except") {
        links += 1;
        if links > MAX_DEPTH {
            return i.too_deep();
        }
        let (rest, right) = cut(term).parse(i.skip(1))?;
        left = Expr {
            kind: ExprKind::Except(Box::new(left), Box::new(right)),
            span: rest.span_from(open.start),
        };
        i = rest;
    }
    Ok((i, Value::Expr(left)))
}

fn endpoint_of(value: Value, span: crate::source::Span) -> Option<Expr> {
    match value {
        Value::Expr(e) => Some(e),
        Value::List(list) => {
            let mut elements = Vec::new();
            for element in list.elements {
                elements.push(Node {
                    trivia: element.trivia,
                    node: endpoint_of(element.node, element.span)?,
                    span: element.span,
                });
            }
            Some(Expr {
                kind: ExprKind::List(ExprList {
                    elements,
                    broken: list.broken,
                    end: list.end,
                }),
                span,
            })
        }
        _ => None,
    }
}
