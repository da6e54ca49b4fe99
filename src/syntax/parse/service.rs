//! Protocols and ports.

use crate::diag::suggest::closest;
use crate::source::Spanned;
use crate::syntax::ast::{Proto, Svc};
use crate::syntax::faults;
use crate::syntax::input::{Expected, In, Res};
use crate::syntax::literal::shorten;
use crate::syntax::token::Kind;
use crate::syntax::words::PROTOCOLS;

use super::token::{path, ports};

pub(crate) fn services(i: In<'_>) -> Res<'_, Vec<Svc>> {
    let (mut i, first) = svc(i)?;
    let mut services = vec![first];
    while i.is(Kind::Comma) {
        let (rest, next) = svc(i.skip(1))?;
        services.push(next);
        i = rest;
    }
    Ok((i, services))
}

pub(super) fn svc(i: In<'_>) -> Res<'_, Svc> {
    let token = i.peek();
    let span = i.span(token);
    if let Some(proto) = proto_word(i.word()) {
        let rest = i.skip(1);
        let proto = Spanned::new(proto, span);
        let slash = rest.peek();
        if slash.kind == Kind::Slash && slash.glued {
            let (rest, ports) = ports(rest.skip(1))?;
            let ports = Some(ports);
            return Ok((rest, Svc::Proto { proto, ports }));
        }
        return Ok((rest, Svc::Proto { proto, ports: None }));
    }
    if matches!(token.kind, Kind::Int | Kind::Other) && after_ports(i) {
        return ports_with_a_space(i);
    }
    if !matches!(token.kind, Kind::Word | Kind::Path) || matches!(i.word(), "from" | "between") {
        return i.miss(Expected::What("a protocol or service"));
    }
    let (rest, path) = path(i)?;
    if rest.is(Kind::Slash) && rest.peek().glued {
        return not_a_protocol(i);
    }
    Ok((rest, Svc::Named(path)))
}

/// The protocol of a word.
pub(super) fn proto_word(word: &str) -> Option<Proto> {
    Some(match word {
        "tcp" => Proto::Tcp,
        "udp" => Proto::Udp,
        "icmp" => Proto::Icmp,
        "esp" => Proto::Esp,
        "ah" => Proto::Ah,
        "any" => Proto::Any,
        "http" => Proto::Http,
        "https" => Proto::Https,
        "mssql" => Proto::Mssql,
        _ => return None,
    })
}

/// True behind `tcp/80,`.
fn after_ports(i: In<'_>) -> bool {
    let back = |n: usize| {
        i.at()
            .checked_sub(n)
            .and_then(|at| i.state.lexed.tokens.get(at))
            .map(|t| t.kind)
    };
    back(1) == Some(Kind::Comma) && back(2) == Some(Kind::Ports)
}

fn ports_with_a_space<T>(i: In<'_>) -> Res<'_, T> {
    let token = i.peek();
    let comma = i.previous().unwrap_or(token);
    let gap = i.span(comma).to(i.span(token));
    let text = i.text(token);
    i.refuse(
        faults::expected(
            i.span(token),
            "a protocol or service",
            &format!("`{}`", shorten(text)),
        )
        .help("write ports without a space: `tcp/80,443`")
        .fix(gap, format!(",{text}")),
    )
}

fn not_a_protocol<T>(i: In<'_>) -> Res<'_, T> {
    let token = i.peek();
    let span = i.span(token);
    let text = i.text(token);
    let fault = faults::expected(
        span,
        "a protocol before `/`",
        &format!("`{}`", shorten(text)),
    );
    i.refuse(match closest(text, PROTOCOLS.iter().copied()) {
        Some(near) => fault
            .help(format!("did you mean `{near}`?"))
            .fix(span, near),
        None => fault.help("a declared service has its ports already: write its name alone"),
    })
}
