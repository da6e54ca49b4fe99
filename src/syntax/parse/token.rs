//! Productions of one token: names, paths, strings, numbers, dates.

use crate::source::Spanned;
use crate::syntax::ast::{Date, Name, Path, Ports, Str};
use crate::syntax::faults;
use crate::syntax::input::{Expected, In, Res, one};
use crate::syntax::literal::{parse_date, parse_ports, unescape};
use crate::syntax::token::Kind;

use super::{name_as, path_as};

pub(super) fn name(i: In<'_>) -> Res<'_, Name> {
    name_as(i, "a name")
}

pub(super) fn path(i: In<'_>) -> Res<'_, Path> {
    path_as(i, "a name")
}

pub(super) fn string(i: In<'_>) -> Res<'_, Str> {
    let (rest, token) = one(i, Expected::What("a string"), |t, _| t.kind == Kind::Str)?;
    let span = i.span(token);
    match unescape(i.text(token)) {
        Ok(text) => Ok((rest, Spanned::new(text, span))),
        Err(bad) => i.refuse(
            faults::expected(
                span,
                "`\\\"`, `\\\\` or `\\n` after a backslash",
                &format!("`\\{}`", bad.escape_default()),
            )
            .help("write `\\\\` for a backslash"),
        ),
    }
}

pub(super) fn int(i: In<'_>) -> Res<'_, Spanned<u64>> {
    let (rest, token) = one(i, Expected::What("a number"), |t, _| t.kind == Kind::Int)?;
    let span = i.span(token);
    match i.text(token).parse() {
        Ok(number) => Ok((rest, Spanned::new(number, span))),
        Err(_) => i.refuse(faults::expected(
            span,
            "a number below 2^64",
            "a longer one",
        )),
    }
}

pub(super) fn date(i: In<'_>) -> Res<'_, Spanned<Date>> {
    let (rest, token) = one(i, Expected::What("a date"), |t, _| t.kind == Kind::Date)?;
    let span = i.span(token);
    let text = i.text(token);
    match parse_date(text) {
        Some(date) => Ok((rest, Spanned::new(date, span))),
        None => i.refuse(
            faults::expected(span, "a day of the calendar", &format!("`{text}`"))
                .help("a date is `YYYY-MM-DD`"),
        ),
    }
}

pub(super) fn ports(i: In<'_>) -> Res<'_, Ports> {
    let token = i.peek();
    let span = i.span(token);
    let text = i.text(token);
    if token.kind == Kind::BadPorts && text.contains('*') {
        return i.refuse(
            faults::expected(span, "ports", "`*`")
                .help("for all ports write the protocol alone, for example `tcp`"),
        );
    }
    if token.kind == Kind::Int {
        return i.refuse(
            faults::expected(
                span,
                "ports without a space before them",
                &format!("`{text}`"),
            )
            .help("write protocol and ports as one word: `tcp/80,443`"),
        );
    }
    let (rest, _) = one(i, Expected::What("ports"), |t, _| t.kind == Kind::Ports)?;
    let ranges = match parse_ports(text) {
        Ok(ranges) => ranges,
        Err(reason) => {
            i.state.report(faults::bad_port(span, &reason));
            Vec::new()
        }
    };
    Ok((rest, Ports { ranges, span }))
}
