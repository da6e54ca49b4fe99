//! Tests and their probes.

use nom::Parser;
use nom::combinator::cut;

use crate::source::Spanned;
use crate::syntax::ast::{Expect, Probe, Svc, Test};
use crate::syntax::faults;
use crate::syntax::input::{In, Res, keyword, sign};
use crate::syntax::recover::{Place, brace_ends, report_unclosed, statement};
use crate::syntax::token::Kind;
use crate::syntax::words::PROBES;

use super::block::block;
use super::endpoint::expr;
use super::flow::not_a_statement;
use super::service::services;
use super::token::{path, ports, string};

pub(super) fn test(i: In<'_>) -> Res<'_, Test> {
    let (i, _) = keyword("test")(i)?;
    let (mut i, name) = cut(string).parse(i)?;
    let mut with = None;
    if i.offers_word("with") {
        let (rest, block) = cut(block).parse(i.skip(1))?;
        with = Some(block);
        i = rest;
    }
    let (mut i, open) = cut(sign(Kind::LBrace, "{")).parse(i)?;
    let mut test = Test {
        name,
        with,
        probes: Vec::new(),
        end: Vec::new(),
    };
    loop {
        if i.is(Kind::RBrace) {
            test.end = i.take_comments();
            return Ok((i.skip(1), test));
        }
        if brace_ends(i, PROBES, test.probes.first().map(|p| p.span)) || i.state.exhausted() {
            report_unclosed(i, open);
            return Ok((i, test));
        }
        let (rest, found) = statement(i, Place::Test, None, |i| {
            let (i, probe) = probe(i)?;
            Ok((i, Some(probe)))
        });
        if let Some(node) = found.node {
            test.probes.push(crate::syntax::ast::Node {
                trivia: found.trivia,
                node,
                span: found.span,
            });
        }
        i = rest;
        i.state.begin();
    }
}

pub(super) fn probe(i: In<'_>) -> Res<'_, Probe> {
    i.state.statement.set("probe");
    let expect = match i.word() {
        "allow" => Expect::Allow,
        "deny" => Expect::Deny,
        "reach" => Expect::Reach,
        _ => return not_a_statement(i, Place::Test, "`allow`, `deny` or `reach`"),
    };
    let expect = Spanned::new(expect, i.span(i.peek()));
    let (i, services) = cut(services).parse(i.skip(1))?;
    let (i, _) = cut(keyword("from")).parse(i)?;
    let (i, from) = cut(expr).parse(i)?;
    let (i, _) = cut(keyword("to")).parse(i)?;
    let (mut i, to) = cut(expr).parse(i)?;
    let mut found = None;
    if i.offers(Kind::Colon, ":") {
        let with_ports = services
            .iter()
            .any(|s| matches!(s, Svc::Proto { ports: Some(_), .. }));
        if with_ports {
            let span = i.span(i.peek());
            return i.refuse(
                faults::expected(span, "no ports behind the destination", "`:`").help(
                    "the service has ports already; write them in one place, for example `tcp from a to b:443`",
                ),
            );
        }
        let (rest, list) = cut(ports).parse(i.skip(1))?;
        found = Some(list);
        i = rest;
    }
    let mut at = None;
    if i.offers_word("at") {
        let (rest, layer) = cut(path).parse(i.skip(1))?;
        at = Some(layer);
        i = rest;
    }
    let mut by = None;
    if i.offers_word("by") {
        let (rest, flow) = cut(path).parse(i.skip(1))?;
        by = Some(flow);
        i = rest;
    }
    Ok((
        i,
        Probe {
            expect,
            services,
            from,
            to,
            ports: found,
            at,
            by,
        },
    ))
}
