//! Nodes that never break, as text: paths, services, conditions, clauses, and the sort keys of
//! list elements.

use std::net::IpAddr;

use crate::syntax::ast::{
    CallKind, Clause, ClauseKind, Cond, CondValue, Expr, ExprKind, Path, Ports, Proto, Svc, Text,
    Type, Value,
};

use crate::syntax::lex::lex;
use crate::syntax::token::Kind;

use super::normal::merged;

/// A string literal.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Ports, ascending and merged.
pub(super) fn ports(ports: &Ports) -> String {
    let parts: Vec<String> = merged(&ports.ranges)
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    parts.join(",")
}

/// Ports where none means all; the sign stands before them.
pub(super) fn optional_ports(sign: char, found: Option<&Ports>) -> String {
    match found {
        Some(found) => {
            let text = ports(found);
            if text == "0-65535" {
                String::new()
            } else {
                format!("{sign}{text}")
            }
        }
        None => String::new(),
    }
}

/// The word of a protocol.
pub(super) fn proto(proto: Proto) -> &'static str {
    match proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
        Proto::Icmp => "icmp",
        Proto::Esp => "esp",
        Proto::Ah => "ah",
        Proto::Any => "any",
        Proto::Http => "http",
        Proto::Https => "https",
        Proto::Mssql => "mssql",
    }
}

/// One service.
pub(super) fn service(service: &Svc) -> String {
    match service {
        Svc::Proto { proto: p, ports } => {
            format!("{}{}", proto(p.node), optional_ports('/', ports.as_ref()))
        }
        Svc::Named(path) => path.text(),
    }
}

/// Services with commas, in source order.
pub(super) fn services(list: &[Svc]) -> String {
    let parts: Vec<String> = list.iter().map(service).collect();
    parts.join(", ")
}

/// A parameter's type.
pub(super) fn param_type(ty: &Type) -> String {
    let mut out = ty.name.node.clone();
    if !ty.members.is_empty() {
        let members: Vec<&str> = ty.members.iter().map(|m| m.node.as_str()).collect();
        out.push_str(&format!("({})", members.join(", ")));
    }
    if ty.list {
        out.push_str("[]");
    }
    out
}

/// The word of a call.
pub(super) fn call_word(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Tag => "tag",
        CallKind::FqdnTag => "fqdn-tag",
        CallKind::IpGroup => "ip-group",
        CallKind::Asg => "asg",
        CallKind::Category => "category",
        CallKind::Url => "url",
        CallKind::Fqdn => "fqdn",
    }
}

/// A clause.
pub(super) fn clause(clause: &Clause) -> String {
    let word = clause.keyword.node.as_str();
    match &clause.kind {
        ClauseKind::For(s) | ClauseKind::Name(s) => format!("{word} {}", quote(&s.node)),
        ClauseKind::When(condition) => format!("{word} {}", cond(condition)),
        ClauseKind::At(list) | ClauseKind::Overrides(list) => format!("{word} {}", paths(list)),
        ClauseKind::Via(path) => format!("{word} {}", path.text()),
        ClauseKind::Owner(t) | ClauseKind::Ticket(t) => format!("{word} {}", loose(t)),
        ClauseKind::Until(date) => format!("{word} {}", date.node),
        ClauseKind::Pin(number) => format!("{word} {}", number.node),
        ClauseKind::Inspect => word.to_owned(),
        ClauseKind::Header(key, value) => {
            format!("{word} {} = {}", quote(&key.node), quote(&value.node))
        }
        ClauseKind::SourcePort(list) => format!("{word} {}", ports(list)),
    }
}

fn loose(text: &Text) -> String {
    if text.quoted {
        quote(&text.text.node)
    } else {
        text.text.node.clone()
    }
}

fn paths(list: &[Path]) -> String {
    let parts: Vec<String> = list.iter().map(Path::text).collect();
    parts.join(", ")
}

fn cond(condition: &Cond) -> String {
    match condition {
        Cond::Or(parts) => join(parts, " or "),
        Cond::And(parts) => join(parts, " and "),
        Cond::Not(inner) => format!("not {}", cond(inner)),
        Cond::Paren(inner) => format!("({})", cond(inner)),
        Cond::Atom { path, test: None } => path.text(),
        Cond::Atom {
            path,
            test: Some(test),
        } => {
            let sign = if test.equal { "==" } else { "!=" };
            let value = match &test.value.node {
                CondValue::Path(p) => p.text(),
                CondValue::Str(s) => quote(s),
                CondValue::Int(n) => n.to_string(),
                CondValue::Date(d) => d.to_string(),
            };
            format!("{} {sign} {value}", path.text())
        }
    }
}

fn join(parts: &[Cond], sign: &str) -> String {
    let parts: Vec<String> = parts.iter().map(cond).collect();
    parts.join(sign)
}

/// An expression on one line, for sorting and comparing; layout is in rules.rs.
fn flat(e: &Expr) -> String {
    match &e.kind {
        ExprKind::List(list) => {
            let mut parts: Vec<(u8, String)> =
                list.elements.iter().map(|e| expr_key(&e.node)).collect();
            parts.sort();
            let parts: Vec<String> = parts.into_iter().map(|p| p.1).collect();
            format!("[{}]", parts.join(", "))
        }
        ExprKind::Except(a, b) => format!("{} except {}", flat(a), flat(b)),
        _ => leaf(e),
    }
}

/// An expression without parts that break.
pub(super) fn leaf(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Any => "any".into(),
        ExprKind::Prefix(p) => p.to_string(),
        ExprKind::Address(a) => address(*a),
        ExprKind::Range(a, b) => format!("{}-{}", address(*a), address(*b)),
        ExprKind::Fqdn(t) => t.source(),
        ExprKind::Path(p) => p.text(),
        ExprKind::Call(call) => {
            let arg = if call.quoted || call.kind.node == CallKind::Url {
                quote(&call.arg.source())
            } else {
                call.arg.source()
            };
            let within = call
                .within
                .as_ref()
                .map_or_else(String::new, |w| format!(", in = {}", flat(w)));
            format!("{}({arg}{within})", call_word(call.kind.node))
        }
        ExprKind::List(_) | ExprKind::Except(..) | ExprKind::Error => String::new(),
    }
}

/// An address. One like `fe80::a` would be read as a path, so it is written without `::`.
fn address(address: IpAddr) -> String {
    let short = address.to_string();
    let IpAddr::V6(six) = address else {
        return short;
    };
    let read_back = lex(&short).tokens;
    match read_back.first() {
        Some(token) if token.kind == Kind::Cidr && token.end as usize == short.len() => short,
        _ => {
            let parts: Vec<String> = six.segments().iter().map(|s| format!("{s:x}")).collect();
            parts.join(":")
        }
    }
}

/// Kind, then text.
pub(super) fn expr_key(e: &Expr) -> (u8, String) {
    let rank = match &e.kind {
        ExprKind::Any => 0,
        ExprKind::Prefix(_) | ExprKind::Address(_) | ExprKind::Range(..) => 1,
        ExprKind::Fqdn(_) => 2,
        ExprKind::Path(_) => 3,
        ExprKind::Call(_) => 4,
        ExprKind::List(_) => 5,
        ExprKind::Except(..) => 6,
        ExprKind::Error => 7,
    };
    (rank, flat(e))
}

/// Kind, then text.
pub(super) fn value_key(v: &Value) -> (u8, String) {
    match v {
        Value::Str(s) => (10, s.clone()),
        Value::Int(n) => (11, format!("{n:020}")),
        Value::Date(d) => (12, d.to_string()),
        Value::Bool(b) => (13, b.to_string()),
        Value::Services(s) => (14, services(s)),
        Value::Expr(e) => expr_key(e),
        Value::List(l) => {
            let mut keys: Vec<(u8, String)> =
                l.elements.iter().map(|e| value_key(&e.node)).collect();
            keys.sort();
            let parts: Vec<String> = keys.into_iter().map(|k| k.1).collect();
            (15, parts.join(", "))
        }
        Value::Block(_) => (16, String::new()),
    }
}
