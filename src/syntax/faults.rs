//! One constructor for each code of the syntax family: the wording of every fault of form stands
//! here and nowhere else.

use ipnet::IpNet;

use super::literal::shorten;
use super::words::{ALIASES, CLAUSES, INTERFACES};
use crate::diag::suggest::closest;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// PC0001: something else was expected here.
pub(crate) fn expected(span: Span, what: &str, found: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC0001,
        span,
        format!("expected {what}, found {found}"),
    )
    .label(format!("expected {what}"))
}

/// PC0002: an opening bracket or quote without its end; `noticed` is where that showed.
pub(crate) fn unclosed(opener: Span, text: &str, noticed: Option<Span>) -> Diagnostic {
    let close = match text {
        "{" => "}",
        "[" => "]",
        "(" => ")",
        _ => "\"",
    };
    let diagnostic =
        Diagnostic::new(Code::PC0002, opener, format!("unclosed `{text}`")).label("opened here");
    let diagnostic = match noticed {
        Some(span) => diagnostic.also(span, format!("`{close}` expected before this")),
        None => diagnostic,
    };
    if text == "\"" {
        return diagnostic.help("close the string with `\"` on the same line");
    }
    diagnostic.help(format!("close it with `{close}`"))
}

/// PC0003: a line that begins with no statement's word.
pub(crate) fn unknown_statement(span: Span, word: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::PC0003,
        span,
        format!("unknown statement `{}`", shorten(word)),
    )
    .label("no statement begins with this word");
    let alias = ALIASES.iter().find(|(other, _)| *other == word);
    let alias = alias.map(|(_, ours)| *ours).filter(|w| known.contains(w));
    if INTERFACES.contains(&word) {
        return diagnostic
            .help("a security group stands on a subnet: `subnet NAME = PREFIX { nsg = NSG }`; the interfaces in it take no other one")
            .note("How network security groups filter network traffic: where a subnet and a network interface each have one, both have to allow (checked 2026-11-25)");
    }
    match alias.or_else(|| closest(word, known.iter().copied())) {
        Some(near) => diagnostic
            .help(format!("did you mean `{near}`?"))
            .fix(span, near),
        None => diagnostic.help(format!("one of {} stands here", quoted_list(known))),
    }
}

/// PC0004: a word where a clause should begin.
pub(crate) fn unknown_clause(span: Span, word: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::PC0004,
        span,
        format!("unknown clause `{}`", shorten(word)),
    )
    .label("no clause begins with this word")
    .note(format!(
        "the clauses are {}",
        quoted_list(CLAUSES).replace(" or ", " and ")
    ));
    match closest(word, CLAUSES.iter().copied()) {
        Some(near) => diagnostic
            .help(format!("did you mean `{near}`?"))
            .fix(span, near),
        None => diagnostic.help("write the reason as `for \"why\"`"),
    }
}

/// PC0005: the same clause again.
pub(crate) fn clause_twice(second: Span, first: Span, word: &str) -> Diagnostic {
    Diagnostic::new(Code::PC0005, second, format!("clause `{word}` given twice"))
        .label("second")
        .also(first, "first")
        .help("remove one of them")
}

/// PC0006: an address, prefix or range that is none. For texts filled in later, too.
#[must_use]
pub fn bad_prefix(span: Span, text: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC0006,
        span,
        format!("`{}` is not a valid prefix", shorten(text)),
    )
    .label(reason)
    .help("write a prefix `10.0.0.0/24`, an address `10.0.0.4` or a range `10.0.0.4-10.0.0.9`")
}

/// PC0007: a prefix with host bits. For prefixes filled in later, too.
#[must_use]
pub fn host_bits(span: Span, prefix: IpNet) -> Diagnostic {
    let network = prefix.trunc();
    Diagnostic::new(
        Code::PC0007,
        span,
        format!("prefix `{prefix}` has host bits set"),
    )
    .label(format!("the prefix is `{network}`"))
    .help(format!("write `{network}`"))
    .fix(span, network.to_string())
}

/// PC0008: a port out of range, or a reversed range. For ports filled in later, too.
#[must_use]
pub fn bad_port(span: Span, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::PC0008, span, reason)
        .label("no such ports")
        .help("ports are 1 to 65535, a range is `1024-2048`; without ports all are meant")
}

/// PC0009: a name pattern that is none. For names filled in later, too.
#[must_use]
pub fn bad_name_pattern(span: Span, text: &str, reason: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::PC0009,
        span,
        format!("`{}` is not a valid name pattern", shorten(text)),
    )
    .label(reason);
    // An address among names is refused by Azure only when it is deployed.
    if text.parse::<std::net::IpAddr>().is_ok() {
        return diagnostic
            .help(format!(
                "an address is no name: write it bare where an endpoint stands, `to {text}`"
            ))
            .note("Azure Firewall keeps addresses and names in fields of their own and refuses one among the others (hashicorp/terraform-provider-azurerm issue 25221, checked 2026-11-25)");
    }
    if text.contains('/') {
        return diagnostic
            .help("write `url(\"www.contoso.com/a/*\")` for a path, or the name alone");
    }
    if text == "*" {
        return diagnostic.help("write `fqdn(*)` for every name, `any` for every address");
    }
    if let Some(bare) = text.strip_suffix('.')
        && !bare.contains("${")
    {
        return diagnostic
            .help(format!("write `{}`", shorten(bare)))
            .fix(span, bare);
    }
    diagnostic.help(
        "write a whole name, or one `*` as the very first character: `www.contoso.com`, `*.contoso.com`",
    )
}

/// PC0010: a language version that this tool does not know.
pub(crate) fn newer_language(span: Span, version: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC0010,
        span,
        format!(
            "language version {} is newer than this tool",
            shorten(version)
        ),
    )
    .label("this tool knows version 1")
    .help("install a newer portcullis, or write `portcullis 1`")
}

/// PC0011: characters that no policy holds.
pub(crate) fn not_text(span: Span, character: char) -> Diagnostic {
    let what = format!("the control character U+{:04X}", u32::from(character));
    holds(span, &what).help("save the file as UTF-8 text and remove the character")
}

/// PC0011: bytes that are not UTF-8.
pub(crate) fn not_utf8(span: Span) -> Diagnostic {
    holds(span, "bytes that are not UTF-8").help(
        "save the file as UTF-8 text; if it never was text, take it from version control again",
    )
}

fn holds(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::PC0011, span, format!("the file holds {what}")).label("not text")
}

/// PC0012: more than this tool reads.
pub(crate) fn too_large(span: Span, what: &str, help: &str) -> Diagnostic {
    Diagnostic::new(Code::PC0012, span, what)
        .label("too large")
        .help(help)
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn quoted_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    join_or(&quoted)
}

/// `a, b or c`.
pub(crate) fn join_or(parts: &[String]) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
