//! Statements that declare things: modules, parameters, endpoints, services, resources,
//! environments, renamings, assumptions.

use nom::Parser;
use nom::combinator::cut;

use crate::source::Spanned;
use crate::syntax::ast::{
    Assume, Endpoint, Env, Moved, Param, Relation, Resource, ResourceKind, Service, Type, Use,
};
use crate::syntax::input::{Expected, In, Res, keyword, one, sign};
use crate::syntax::recover::unclosed_or;
use crate::syntax::token::Kind;

use super::block::{block, value};
use super::endpoint::expr;
use super::service::services;
use super::token::{name, path, string};
use super::{declared_name, name_as, spanned};

pub(super) fn use_module(i: In<'_>) -> Res<'_, Use> {
    let (i, _) = keyword("use")(i)?;
    let (i, path) = cut(string).parse(i)?;
    let (i, _) = cut(keyword("as")).parse(i)?;
    let (mut i, name) = cut(declared_name).parse(i)?;
    let mut with = None;
    if i.offers_word("with") {
        let (rest, block) = cut(block).parse(i.skip(1))?;
        with = Some(block);
        i = rest;
    }
    Ok((i, Use { path, name, with }))
}

pub(super) fn param(i: In<'_>) -> Res<'_, Param> {
    let (i, _) = keyword("param")(i)?;
    let (i, name) = cut(declared_name).parse(i)?;
    let (i, _) = cut(sign(Kind::Colon, ":")).parse(i)?;
    let (mut i, ty) = cut(param_type).parse(i)?;
    let mut default = None;
    if i.offers(Kind::Equals, "=") {
        let (rest, value) = cut(value).parse(i.skip(1))?;
        default = Some(value);
        i = rest;
    }
    let mut text = None;
    if i.is(Kind::Str) {
        let (rest, string) = string(i)?;
        text = Some(string);
        i = rest;
    } else {
        i.note(Expected::What("a string"));
    }
    Ok((
        i,
        Param {
            name,
            ty,
            default,
            text,
        },
    ))
}

pub(super) fn param_type(i: In<'_>) -> Res<'_, Type> {
    let start = i.peek().start;
    let (mut i, name) = name_as(i, "a type")?;
    let mut members = Vec::new();
    if i.is(Kind::LParen) {
        let open = i.peek();
        i = i.skip(1);
        while !i.is(Kind::RParen) {
            // A member may be a bare number, `enum(seed, 2025)`: a version is a value like another.
            let (rest, token) = one(i, Expected::What("a member"), |t, _| {
                matches!(t.kind, Kind::Word | Kind::Int)
            })?;
            members.push(spanned(i, token));
            i = rest;
            if i.offers(Kind::Comma, ",") {
                i = i.skip(1);
            } else if !i.is(Kind::RParen) {
                return unclosed_or(i, open, Expected::Word(")"));
            }
        }
        i = i.skip(1);
    }
    let list = i.is(Kind::LBracket);
    if list {
        let (rest, _) = cut(sign(Kind::RBracket, "]")).parse(i.skip(1))?;
        i = rest;
    }
    let span = i.span_from(start);
    Ok((
        i,
        Type {
            name,
            members,
            list,
            span,
        },
    ))
}

pub(super) fn endpoint(i: In<'_>) -> Res<'_, Endpoint> {
    let (i, _) = keyword("endpoint")(i)?;
    let (i, name) = cut(declared_name).parse(i)?;
    let (i, _) = cut(sign(Kind::Equals, "=")).parse(i)?;
    let (i, expr) = cut(expr).parse(i)?;
    Ok((i, Endpoint { name, expr }))
}

pub(super) fn service(i: In<'_>) -> Res<'_, Service> {
    let (i, _) = keyword("service")(i)?;
    let (i, name) = cut(declared_name).parse(i)?;
    let (i, _) = cut(sign(Kind::Equals, "=")).parse(i)?;
    let (i, services) = cut(services).parse(i)?;
    Ok((i, Service { name, services }))
}

pub(super) fn ip_group(i: In<'_>) -> Res<'_, Resource> {
    ranged(i, "ip-group", ResourceKind::IpGroup)
}

pub(super) fn vnet(i: In<'_>) -> Res<'_, Resource> {
    ranged(i, "vnet", ResourceKind::Vnet)
}

pub(super) fn subnet(i: In<'_>) -> Res<'_, Resource> {
    ranged(i, "subnet", ResourceKind::Subnet)
}

pub(super) fn firewall(i: In<'_>) -> Res<'_, Resource> {
    let (i, _) = keyword("firewall")(i)?;
    let (i, name) = cut(declared_name).parse(i)?;
    let (i, block) = cut(block).parse(i)?;
    let kind = ResourceKind::Firewall;
    let block = Some(block);
    Ok((
        i,
        Resource {
            kind,
            name,
            expr: None,
            block,
        },
    ))
}

pub(super) fn nsg(i: In<'_>) -> Res<'_, Resource> {
    table(i, "nsg", ResourceKind::Nsg)
}

pub(super) fn route_table(i: In<'_>) -> Res<'_, Resource> {
    table(i, "route-table", ResourceKind::RouteTable)
}

/// A resource with prefixes and perhaps settings.
fn ranged<'a>(i: In<'a>, word: &'static str, kind: ResourceKind) -> Res<'a, Resource> {
    let (i, _) = keyword(word)(i)?;
    let (i, name) = cut(declared_name).parse(i)?;
    let (i, _) = cut(sign(Kind::Equals, "=")).parse(i)?;
    let (mut i, expr) = cut(expr).parse(i)?;
    let mut settings = None;
    if i.offers(Kind::LBrace, "{") {
        let (rest, block) = block(i)?;
        settings = Some(block);
        i = rest;
    }
    Ok((
        i,
        Resource {
            kind,
            name,
            expr: Some(expr),
            block: settings,
        },
    ))
}

/// A resource with settings only.
fn table<'a>(i: In<'a>, word: &'static str, kind: ResourceKind) -> Res<'a, Resource> {
    let (i, _) = keyword(word)(i)?;
    let (mut i, name) = cut(name).parse(i)?;
    let mut settings = None;
    if i.offers(Kind::LBrace, "{") {
        let (rest, block) = block(i)?;
        settings = Some(block);
        i = rest;
    }
    Ok((
        i,
        Resource {
            kind,
            name,
            expr: None,
            block: settings,
        },
    ))
}

pub(super) fn env(i: In<'_>) -> Res<'_, Env> {
    let (i, _) = keyword("env")(i)?;
    let (i, name) = cut(name).parse(i)?;
    let (i, block) = cut(block).parse(i)?;
    Ok((i, Env { name, block }))
}

pub(super) fn moved(i: In<'_>) -> Res<'_, Moved> {
    let (i, _) = keyword("moved")(i)?;
    let (i, from) = cut(path).parse(i)?;
    let (i, _) = cut(sign(Kind::Arrow, "->")).parse(i)?;
    let (i, to) = cut(path).parse(i)?;
    Ok((i, Moved { from, to }))
}

pub(super) fn assume(i: In<'_>) -> Res<'_, Assume> {
    let (i, _) = keyword("assume")(i)?;
    let (i, left) = cut(expr).parse(i)?;
    let word = i.peek();
    let relation = if i.offers_word("in") {
        Relation::In
    } else if i.offers_word("apart") {
        Relation::Apart
    } else {
        return i.miss(Expected::Word("in"));
    };
    let relation = Spanned::new(relation, i.span(word));
    let (i, right) = cut(expr).parse(i.skip(1))?;
    Ok((
        i,
        Assume {
            left,
            relation,
            right,
        },
    ))
}
