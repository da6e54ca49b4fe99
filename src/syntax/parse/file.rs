//! The file and its statements.

use nom::Parser;

use crate::syntax::ast::{File, Item};
use crate::syntax::faults;
use crate::syntax::input::{In, Res, keyword};
use crate::syntax::recover::{Place, statement};
use crate::syntax::token::Kind;
use crate::syntax::words::STATEMENTS;

use super::declare::{
    assume, endpoint, env, firewall, ip_group, moved, nsg, param, route_table, service, subnet,
    use_module, vnet,
};
use super::flow::{dnat, flow, group, not_a_statement, route};
use super::token::int;
use super::verify::test;

/// The language version that this parser reads.
const VERSION: u64 = 1;

pub(crate) fn file(mut i: In<'_>) -> Res<'_, File> {
    let mut file = File::default();
    if i.is_word("portcullis") {
        let (rest, found) = statement(i, Place::File, 0, version);
        if found.node != 0 {
            file.version = Some(found);
        }
        i = rest;
    }
    while !i.is(Kind::Eof) && !i.state.exhausted() {
        let (rest, found) = statement(i, Place::File, Item::Error, item);
        file.items.push(found);
        i = rest;
    }
    file.end = i.take_comments();
    Ok((i, file))
}

pub(super) fn version(i: In<'_>) -> Res<'_, u32> {
    i.state.statement.set("portcullis");
    let (i, _) = keyword("portcullis")(i)?;
    let token = i.peek();
    let (rest, number) = int(i)?;
    if number.node != VERSION {
        return i.refuse(faults::newer_language(number.span, i.text(token)));
    }
    Ok((rest, 1))
}

pub(super) fn item(i: In<'_>) -> Res<'_, Item> {
    if let Some(word) = STATEMENTS.iter().find(|w| **w == i.word()) {
        i.state.statement.set(word);
    }
    match i.word() {
        "use" => use_module.map(Item::Use).parse(i),
        "param" => param.map(Item::Param).parse(i),
        "endpoint" => endpoint.map(Item::Endpoint).parse(i),
        "service" => service.map(Item::Service).parse(i),
        "ip-group" => ip_group.map(Item::Resource).parse(i),
        "vnet" => vnet.map(Item::Resource).parse(i),
        "subnet" => subnet.map(Item::Resource).parse(i),
        "firewall" => firewall.map(Item::Resource).parse(i),
        "nsg" => nsg.map(Item::Resource).parse(i),
        "route-table" => route_table.map(Item::Resource).parse(i),
        "env" => env.map(Item::Env).parse(i),
        "group" | "ordered" => group.map(Item::Group).parse(i),
        "required" | "optional" | "allow" | "deny" | "forbid" => flow.map(Item::Flow).parse(i),
        "route" => route.map(Item::Route).parse(i),
        "dnat" => dnat.map(Item::Dnat).parse(i),
        "moved" => moved.map(Item::Moved).parse(i),
        "assume" => assume.map(Item::Assume).parse(i),
        "test" => test.map(Item::Test).parse(i),
        "portcullis" => i.refuse(
            faults::expected(i.span(i.peek()), "a statement", "`portcullis`")
                .help("the version stands once, before every statement"),
        ),
        _ => not_a_statement(i, Place::File, "a statement"),
    }
}
