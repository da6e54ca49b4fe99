//! Groups and what stands in them: flows, routes, DNATs.

use nom::Parser;
use nom::combinator::cut;

use crate::source::{Span, Spanned};
use crate::syntax::ast::{
    Dnat, Ends, Expr, ExprKind, Flow, Group, Member, Need, Proto, Route, Svc, Verb,
};
use crate::syntax::faults;
use crate::syntax::input::{Expected, In, Res, keyword, sign};
use crate::syntax::literal::{parse_port, shorten};
use crate::syntax::recover::{Place, brace_ends, report_unclosed, statement};
use crate::syntax::token::{Kind, Token};
use crate::syntax::words::{CLAUSES, MEMBERS};

use super::endpoint::{expr, term};
use super::service::{services, svc};
use super::token::{name, path};
use super::{clauses, label};

pub(super) fn group(i: In<'_>) -> Res<'_, Group> {
    let (header, mut group) = match group_header(i) {
        Ok(read) => read,
        Err(error) => {
            // The flows inside are worth reading even if the header is not.
            let Some(open) = brace_on_line(i) else {
                return Err(error);
            };
            i.state.report(i.fault());
            (open, nameless(i))
        }
    };
    let (mut i, open) = sign(Kind::LBrace, "{")(header)?;
    loop {
        if i.is(Kind::RBrace) {
            group.end = i.take_comments();
            return Ok((i.skip(1), group));
        }
        if brace_ends(i, MEMBERS, group.members.first().map(|m| m.span)) || i.state.exhausted() {
            report_unclosed(i, open);
            return Ok((i, group));
        }
        let (rest, member) = statement(i, Place::Group, Member::Error, member);
        group.members.push(member);
        i = rest;
        i.state.begin();
    }
}

fn group_header(i: In<'_>) -> Res<'_, Group> {
    let first = i.peek();
    let mut ordered = None;
    let mut i = i;
    if i.is_word("ordered") {
        ordered = Some(i.span(first));
        i = i.skip(1);
    }
    let (i, _) = keyword("group")(i)?;
    let (i, name) = cut(name).parse(i)?;
    let (i, clauses) = cut(clauses).parse(i)?;
    if !i.is(Kind::LBrace) {
        return i.miss(Expected::Word("{"));
    }
    let group = Group {
        ordered,
        name,
        clauses,
        members: Vec::new(),
        end: Vec::new(),
    };
    Ok((i, group))
}

/// A group whose header did not parse: its name is empty, so nothing can refer to it.
fn nameless(i: In<'_>) -> Group {
    Group {
        ordered: None,
        name: Spanned::new(String::new(), i.span(i.peek())),
        clauses: Vec::new(),
        members: Vec::new(),
        end: Vec::new(),
    }
}

/// The `{` that ends the line.
fn brace_on_line(i: In<'_>) -> Option<In<'_>> {
    let mut i = i.skip(1);
    loop {
        let token = i.peek();
        if token.kind == Kind::Eof || token.first_on_line {
            return None;
        }
        if token.kind == Kind::LBrace && i.look(1).first_on_line {
            return Some(i);
        }
        i = i.skip(1);
    }
}

pub(super) fn member(i: In<'_>) -> Res<'_, Member> {
    if let Some(word) = MEMBERS.iter().find(|w| **w == i.word()) {
        i.state.statement.set(word);
    }
    match i.word() {
        "route" => route.map(Member::Route).parse(i),
        "dnat" => dnat.map(Member::Dnat).parse(i),
        "required" | "optional" | "allow" | "deny" | "forbid" => flow.map(Member::Flow).parse(i),
        _ => not_a_statement(i, Place::Group, "a flow, `route` or `dnat`"),
    }
}

/// Fails where a statement should begin.
pub(super) fn not_a_statement<'a, T>(i: In<'a>, place: Place, what: &'static str) -> Res<'a, T> {
    let token = i.peek();
    let word = i.word();
    if token.kind == Kind::Word && !crate::syntax::words::STATEMENTS.contains(&word) {
        return i.refuse(faults::unknown_statement(
            i.span(token),
            word,
            place.words(),
        ));
    }
    if token.kind == Kind::Word {
        return i.refuse(
            faults::expected(i.span(token), what, &format!("`{word}`"))
                .help("this statement stands outside of braces, at the start of a line"),
        );
    }
    i.miss(Expected::What(what))
}

pub(super) fn flow(i: In<'_>) -> Res<'_, Flow> {
    let token = i.peek();
    let need = match i.word() {
        "required" => Some(Spanned::new(Need::Required, i.span(token))),
        "optional" => Some(Spanned::new(Need::Optional, i.span(token))),
        _ => None,
    };
    let i = i.skip(usize::from(need.is_some()));
    let token = i.peek();
    let verb = if i.offers_word("allow") {
        Verb::Allow
    } else if i.offers_word("deny") {
        Verb::Deny
    } else if i.offers_word("forbid") {
        Verb::Forbid
    } else {
        return i.miss(Expected::Word("allow"));
    };
    let verb = Spanned::new(verb, i.span(token));
    let (i, label) = label(i.skip(1))?;
    let (i, services) = cut(services).parse(i)?;
    if label.is_none() {
        missing_colon(i, &services)?;
    }
    let (i, ends) = cut(ends).parse(i)?;
    let (i, clauses) = clauses(i)?;
    Ok((
        i,
        Flow {
            need,
            verb,
            label,
            services,
            ends,
            clauses,
        },
    ))
}

/// `allow web tcp/80 from ...`: the label lacks its colon.
fn missing_colon<'a>(i: In<'a>, services: &[Svc]) -> Res<'a, ()> {
    let token = i.peek();
    let word = i.word();
    let other = matches!(token.kind, Kind::Word | Kind::Path)
        && !token.first_on_line
        && !matches!(word, "from" | "between" | "to" | "and")
        && !CLAUSES.contains(&word);
    match services {
        [Svc::Named(path)] if other && path.segments.len() == 1 => {
            let end = Span::new(path.span.file, path.span.end, path.span.end);
            let text = path.text();
            i.refuse(
                faults::expected(
                    i.span(token),
                    &format!("`:` after the label `{}`", shorten(&text)),
                    &format!("`{}`", shorten(i.text(token))),
                )
                .help("the form is `allow LABEL: SERVICES from SOURCE to DESTINATION`")
                .fix(end, ":"),
            )
        }
        _ => Ok((i, ())),
    }
}

pub(super) fn ends(i: In<'_>) -> Res<'_, Ends> {
    if i.is_word("between") {
        let (i, left) = cut(expr).parse(i.skip(1))?;
        let (i, _) = cut(keyword("and")).parse(i)?;
        let (i, right) = cut(expr).parse(i)?;
        return Ok((i, Ends::Between(left, right)));
    }
    if !i.offers_word("from") {
        return i.miss(Expected::Word("between"));
    }
    let (i, from) = cut(expr).parse(i.skip(1))?;
    let (i, _) = cut(keyword("to")).parse(i)?;
    let (i, to) = cut(expr).parse(i)?;
    Ok((i, Ends::FromTo(from, to)))
}

pub(super) fn route(i: In<'_>) -> Res<'_, Route> {
    let (i, _) = keyword("route")(i)?;
    let (i, label) = label(i)?;
    let (i, expr) = cut(expr).parse(i)?;
    let (i, _) = cut(keyword("via")).parse(i)?;
    let (i, via) = cut(path).parse(i)?;
    let (i, _) = cut(keyword("on")).parse(i)?;
    let (i, on) = cut(path).parse(i)?;
    let (i, clauses) = clauses(i)?;
    Ok((
        i,
        Route {
            label,
            expr,
            via,
            on,
            clauses,
        },
    ))
}

pub(super) fn dnat(i: In<'_>) -> Res<'_, Dnat> {
    let (i, _) = keyword("dnat")(i)?;
    let (i, label) = label(i)?;
    let (i, service) = cut(one_port).parse(i)?;
    let (i, _) = cut(keyword("from")).parse(i)?;
    let (i, from) = cut(expr).parse(i)?;
    let (i, _) = cut(keyword("to")).parse(i)?;
    let (i, to) = cut(expr).parse(i)?;
    let (i, _) = cut(keyword("into")).parse(i)?;
    let (i, (into, into_port)) = cut(target).parse(i)?;
    let (i, clauses) = clauses(i)?;
    Ok((
        i,
        Dnat {
            label,
            service,
            from,
            to,
            into,
            into_port,
            clauses,
        },
    ))
}

/// `tcp` or `udp` with one port.
fn one_port(i: In<'_>) -> Res<'_, Svc> {
    let token = i.peek();
    let (rest, service) = svc(i)?;
    let fits = match &service {
        Svc::Proto {
            proto,
            ports: Some(ports),
        } => {
            matches!(proto.node, Proto::Tcp | Proto::Udp)
                && match ports.ranges.as_slice() {
                    // A bad port was reported where it stands.
                    [] => true,
                    [(first, last)] => first == last,
                    _ => false,
                }
        }
        _ => false,
    };
    if fits {
        return Ok((rest, service));
    }
    let span = rest.span_from(token.start);
    let found = i
        .state
        .text
        .get(span.start as usize..span.end as usize)
        .unwrap_or("");
    i.refuse(
        faults::expected(
            span,
            "`tcp` or `udp` with one port",
            &format!("`{}`", shorten(found)),
        )
        .help("write one `dnat` for each port, for example `dnat web: tcp/443 from ...`"),
    )
}

pub(super) fn target(i: In<'_>) -> Res<'_, (Expr, Option<Spanned<u16>>)> {
    let token = i.peek();
    if !matches!(
        token.kind,
        Kind::Cidr | Kind::Fqdn | Kind::Word | Kind::Path
    ) {
        return i.miss(Expected::What("an address or a name"));
    }
    let (i2, into) = term(i)?;
    if !matches!(
        into.kind,
        ExprKind::Address(_) | ExprKind::Fqdn(_) | ExprKind::Path(_) | ExprKind::Error
    ) {
        let span = into.span;
        let found = format!("`{}`", shorten(i.text(token)));
        return i.refuse(
            faults::expected(span, "an address or a name", &found)
                .help("a translation has one target, for example `into 10.0.0.4:443`"),
        );
    }
    let i = i2;
    if !i.offers(Kind::Colon, ":") {
        return Ok((i, (into, None)));
    }
    let i = i.skip(1);
    let (rest, token) = port_token(i)?;
    let span = i.span(token);
    let port = match parse_port(i.text(token)) {
        Ok(port) => Some(Spanned::new(port, span)),
        Err(reason) => {
            i.state.report(faults::bad_port(span, &reason));
            None
        }
    };
    Ok((rest, (into, port)))
}

fn port_token(i: In<'_>) -> Res<'_, Token> {
    crate::syntax::input::one(i, Expected::What("a port"), |t, _| t.kind == Kind::Ports)
}
