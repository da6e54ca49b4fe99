//! Endpoint expressions.

use nom::Parser;
use nom::combinator::cut;

use crate::diag::suggest::closest;
use crate::source::Spanned;
use crate::syntax::ast::{Call, CallKind, Expr, ExprKind, ExprList, Template};
use crate::syntax::faults;
use crate::syntax::input::{Expected, In, MAX_DEPTH, Res, keyword, one, sign};
use crate::syntax::literal::{check_name_pattern, parse_prefix, shorten};
use crate::syntax::recover::{node, unclosed_or};
use crate::syntax::token::{Kind, Token};
use crate::syntax::words::{CALLS, CLAUSES, PROTOCOLS, STATEMENTS};

use super::template;
use super::token::{path, string};

const ENDPOINT: Expected = Expected::What("an endpoint");

pub(crate) fn expr(i: In<'_>) -> Res<'_, Expr> {
    let start = i.peek().start;
    let (mut i, mut left) = term(i)?;
    let mut links = 0;
    while i.offers_word("except") {
        links += 1;
        if links > MAX_DEPTH {
            return i.too_deep();
        }
        let (rest, right) = cut(term).parse(i.skip(1))?;
        left = Expr {
            kind: ExprKind::Except(Box::new(left), Box::new(right)),
            span: rest.span_from(start),
        };
        i = rest;
    }
    Ok((i, left))
}

pub(super) fn term(i: In<'_>) -> Res<'_, Expr> {
    let token = i.peek();
    match token.kind {
        Kind::Word => word_term(i, token),
        Kind::Path => path_term(i),
        Kind::Cidr => cidr(i),
        Kind::Fqdn => fqdn(i),
        Kind::LBracket => i.nested(list),
        Kind::Star => i.refuse(faults::bad_name_pattern(
            i.span(token),
            "*",
            "a star alone stands only in `fqdn(*)`",
        )),
        _ => i.miss(ENDPOINT),
    }
}

fn word_term(i: In<'_>, token: Token) -> Res<'_, Expr> {
    let word = i.text(token);
    let next = i.look(1).kind;
    if word == "any" {
        let kind = ExprKind::Any;
        return Ok((
            i.skip(1),
            Expr {
                kind,
                span: i.span(token),
            },
        ));
    }
    if next == Kind::LParen {
        if CALLS.contains(&word) {
            let (rest, call) = i.nested(call)?;
            let kind = ExprKind::Call(call);
            let span = rest.span_from(token.start);
            return Ok((rest, Expr { kind, span }));
        }
        return unknown_call(i, word);
    }
    let reserved = matches!(word, "except" | "from" | "to" | "into" | "between");
    // `to` and then a clause: the endpoint is missing. A parameter's text follows a value, though.
    let clause = CLAUSES.contains(&word)
        && next == Kind::Str
        && (token.first_on_line || i.state.statement.get() != "param");
    if clause || reserved || PROTOCOLS.contains(&word) || i.at_next_statement() {
        return i.miss(ENDPOINT);
    }
    path_term(i)
}

fn path_term(i: In<'_>) -> Res<'_, Expr> {
    let (rest, path) = path(i)?;
    let span = path.span;
    let kind = ExprKind::Path(path);
    Ok((rest, Expr { kind, span }))
}

pub(super) fn cidr(i: In<'_>) -> Res<'_, Expr> {
    let (rest, token) = one(i, Expected::What("a prefix"), |t, _| t.kind == Kind::Cidr)?;
    let span = i.span(token);
    let text = i.text(token);
    let kind = match parse_prefix(text) {
        Ok(kind) => kind,
        Err(reason) => {
            i.state.report(faults::bad_prefix(span, text, &reason));
            ExprKind::Error
        }
    };
    if let ExprKind::Prefix(prefix) = &kind
        && prefix.addr() != prefix.network()
    {
        i.state.report(faults::host_bits(span, *prefix));
    }
    Ok((rest, Expr { kind, span }))
}

pub(super) fn fqdn(i: In<'_>) -> Res<'_, Expr> {
    let (rest, token) = one(i, Expected::What("a name"), |t, _| t.kind == Kind::Fqdn)?;
    let span = i.span(token);
    let name = template(i.text(token), span, token.start);
    let kind = if pattern_holds(i, &name) {
        ExprKind::Fqdn(name)
    } else {
        ExprKind::Error
    };
    Ok((rest, Expr { kind, span }))
}

/// Reports a bad name pattern; with `${name}` in it, it is judged when the value is known.
fn pattern_holds(i: In<'_>, name: &Template) -> bool {
    let text = name.source();
    if text.contains("${") {
        return true;
    }
    match check_name_pattern(&text) {
        Ok(()) => true,
        Err(reason) => {
            i.state
                .report(faults::bad_name_pattern(name.span, &text, &reason));
            false
        }
    }
}

pub(super) fn list(i: In<'_>) -> Res<'_, Expr> {
    let (mut i, open) = sign(Kind::LBracket, "[")(i)?;
    let broken = i.peek().first_on_line || has_comment_between(i, open);
    let mut elements = Vec::new();
    loop {
        if i.is(Kind::RBracket) {
            break;
        }
        if foreign(i) {
            return unclosed_or(i, open, ENDPOINT);
        }
        let (rest, mut element) = node(i, expr)?;
        i = rest;
        if i.offers(Kind::Comma, ",") {
            i = i.skip(1);
            if element.trivia.trailing.is_none() {
                element.trivia.trailing = i.take_trailing();
            }
            elements.push(element);
        } else {
            elements.push(element);
            if !i.is(Kind::RBracket) {
                return unclosed_or(i, open, Expected::Word("]"));
            }
        }
    }
    let end = i.take_comments();
    let (i, close) = sign(Kind::RBracket, "]")(i)?;
    let span = i.span(open).to(i.span(close));
    let kind = ExprKind::List(ExprList {
        elements,
        broken,
        end,
    });
    Ok((i, Expr { kind, span }))
}

/// True where an element should stand but another statement or the end does.
pub(super) fn foreign(i: In<'_>) -> bool {
    matches!(i.peek().kind, Kind::Eof | Kind::RBrace)
        || (i.peek().column == 0 && i.at_statement(STATEMENTS))
}

/// True if a comment stands right behind an opening bracket.
pub(super) fn has_comment_between(i: In<'_>, open: Token) -> bool {
    i.peek().comments > open.comments
}

pub(super) fn call(i: In<'_>) -> Res<'_, Call> {
    let (rest, token) = one(i, Expected::What("a call"), |t, text| {
        t.kind == Kind::Word && CALLS.contains(&text)
    })?;
    let call = match i.text(token) {
        "tag" => CallKind::Tag,
        "fqdn-tag" => CallKind::FqdnTag,
        "ip-group" => CallKind::IpGroup,
        "asg" => CallKind::Asg,
        "category" => CallKind::Category,
        "url" => CallKind::Url,
        _ => CallKind::Fqdn,
    };
    let kind = Spanned::new(call, i.span(token));
    let (rest, open) = sign(Kind::LParen, "(")(rest)?;
    let quoted = rest.is(Kind::Str) && matches!(call, CallKind::Url | CallKind::Fqdn);
    let (rest, arg) = if quoted || call == CallKind::Url {
        let first = rest.peek().start.saturating_add(1);
        let (rest, text) = cut(string).parse(rest)?;
        let arg = template(&text.node, text.span, first);
        (rest, arg)
    } else {
        cut(arg).parse(rest)?
    };
    if call == CallKind::Fqdn {
        pattern_holds(i, &arg);
    }
    let mut rest = rest;
    let mut within = None;
    if call == CallKind::Fqdn && rest.offers(Kind::Comma, ",") {
        let (after, _) = cut(keyword("in")).parse(rest.skip(1))?;
        let (after, _) = cut(sign(Kind::Equals, "=")).parse(after)?;
        let (after, e) = cut(expr).parse(after)?;
        within = Some(Box::new(e));
        rest = after;
    }
    if !rest.is(Kind::RParen) {
        return unclosed_or(rest, open, Expected::Word(")"));
    }
    Ok((
        rest.skip(1),
        Call {
            kind,
            arg,
            quoted,
            within,
        },
    ))
}

pub(super) fn arg(i: In<'_>) -> Res<'_, Template> {
    let (rest, token) = one(i, Expected::What("a name without quotes"), |t, text| {
        t.kind == Kind::Star
            || (matches!(
                t.kind,
                Kind::Word | Kind::Fqdn | Kind::Int | Kind::Other | Kind::Cidr | Kind::Date
            ) && (text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-${}".contains(&b))
                || t.kind == Kind::Fqdn))
    })?;
    Ok((rest, template(i.text(token), i.span(token), token.start)))
}

fn unknown_call<'a>(i: In<'a>, word: &str) -> Res<'a, Expr> {
    let span = i.span(i.peek());
    let fault = faults::expected(
        span,
        &faults::quoted_list(CALLS),
        &format!("`{}(`", shorten(word)),
    );
    i.refuse(match closest(word, CALLS.iter().copied()) {
        Some(near) => fault
            .help(format!("did you mean `{near}`?"))
            .fix(span, near),
        None => fault.help("a declared name stands without brackets"),
    })
}
