//! A walk over the tree that may change it. What to change is the caller's affair.

use super::ast::{
    Block, Call, Clause, ClauseKind, Comment, Cond, CondValue, Ends, Expr, ExprKind, ExprList,
    File, Flow, Item, Member, Name, Node, Path, Piece, Ports, Svc, Template, Trivia, Value,
    ValueList,
};
use crate::source::Span;

/// What to do at each kind of place. Lists are handed over after their elements.
pub trait Change {
    /// Any span.
    fn span(&mut self, _span: &mut Span) {}
    /// Comments and blank lines of a node.
    fn trivia(&mut self, _trivia: &mut Trivia) {}
    /// Comments before a closing bracket or the end.
    fn end(&mut self, _comments: &mut Vec<Comment>) {}
    /// "A line break follows the bracket."
    fn broken(&mut self, _broken: &mut bool) {}
    /// The clauses of a statement.
    fn clauses(&mut self, _clauses: &mut Vec<Node<Clause>>) {}
    /// A port list.
    fn ports(&mut self, _ports: &mut Ports) {}
    /// The ports of a protocol or probe, where none means all.
    fn optional_ports(&mut self, _ports: &mut Option<Ports>) {}
    /// A list of endpoint expressions.
    fn expressions(&mut self, _list: &mut ExprList) {}
    /// A list of values.
    fn values(&mut self, _list: &mut ValueList) {}
}

/// Walks a file.
pub fn change(file: &mut File, c: &mut dyn Change) {
    if let Some(version) = &mut file.version {
        c.trivia(&mut version.trivia);
        c.span(&mut version.span);
    }
    nodes(&mut file.items, c, item);
    c.end(&mut file.end);
}

fn nodes<T>(list: &mut [Node<T>], c: &mut dyn Change, f: fn(&mut T, &mut dyn Change)) {
    for node in list {
        c.trivia(&mut node.trivia);
        c.span(&mut node.span);
        f(&mut node.node, c);
    }
}

fn item(item: &mut Item, c: &mut dyn Change) {
    match item {
        Item::Use(u) => {
            c.span(&mut u.path.span);
            c.span(&mut u.name.span);
            optional_block(&mut u.with, c);
        }
        Item::Param(p) => {
            c.span(&mut p.name.span);
            c.span(&mut p.ty.name.span);
            p.ty.members.iter_mut().for_each(|m| c.span(&mut m.span));
            c.span(&mut p.ty.span);
            if let Some(v) = &mut p.default {
                c.span(&mut v.span);
                value(&mut v.node, c);
            }
            if let Some(t) = &mut p.text {
                c.span(&mut t.span);
            }
        }
        Item::Endpoint(e) => {
            c.span(&mut e.name.span);
            expr(&mut e.expr, c);
        }
        Item::Service(s) => {
            c.span(&mut s.name.span);
            services(&mut s.services, c);
        }
        Item::Resource(r) => {
            c.span(&mut r.name.span);
            if let Some(e) = &mut r.expr {
                expr(e, c);
            }
            optional_block(&mut r.block, c);
        }
        Item::Env(e) => {
            c.span(&mut e.name.span);
            block(&mut e.block, c);
        }
        Item::Group(g) => {
            if let Some(span) = &mut g.ordered {
                c.span(span);
            }
            c.span(&mut g.name.span);
            clauses(&mut g.clauses, c);
            nodes(&mut g.members, c, member);
            c.end(&mut g.end);
        }
        Item::Flow(f) => flow(f, c),
        Item::Route(r) => route(r, c),
        Item::Dnat(d) => dnat(d, c),
        Item::Moved(m) => {
            path(&mut m.from, c);
            path(&mut m.to, c);
        }
        Item::Assume(a) => {
            expr(&mut a.left, c);
            c.span(&mut a.relation.span);
            expr(&mut a.right, c);
        }
        Item::Test(t) => {
            c.span(&mut t.name.span);
            optional_block(&mut t.with, c);
            nodes(&mut t.probes, c, probe);
            c.end(&mut t.end);
        }
        Item::Error => {}
    }
}

fn member(member: &mut Member, c: &mut dyn Change) {
    match member {
        Member::Flow(f) => flow(f, c),
        Member::Route(r) => route(r, c),
        Member::Dnat(d) => dnat(d, c),
        Member::Error => {}
    }
}

fn flow(f: &mut Flow, c: &mut dyn Change) {
    if let Some(need) = &mut f.need {
        c.span(&mut need.span);
    }
    c.span(&mut f.verb.span);
    optional_name(&mut f.label, c);
    services(&mut f.services, c);
    match &mut f.ends {
        Ends::FromTo(a, b) | Ends::Between(a, b) => {
            expr(a, c);
            expr(b, c);
        }
    }
    clauses(&mut f.clauses, c);
}

fn route(r: &mut super::ast::Route, c: &mut dyn Change) {
    optional_name(&mut r.label, c);
    expr(&mut r.expr, c);
    path(&mut r.via, c);
    path(&mut r.on, c);
    clauses(&mut r.clauses, c);
}

fn dnat(d: &mut super::ast::Dnat, c: &mut dyn Change) {
    optional_name(&mut d.label, c);
    service(&mut d.service, c);
    expr(&mut d.from, c);
    expr(&mut d.to, c);
    expr(&mut d.into, c);
    if let Some(port) = &mut d.into_port {
        c.span(&mut port.span);
    }
    clauses(&mut d.clauses, c);
}

fn probe(p: &mut super::ast::Probe, c: &mut dyn Change) {
    c.span(&mut p.expect.span);
    services(&mut p.services, c);
    expr(&mut p.from, c);
    expr(&mut p.to, c);
    optional_ports(&mut p.ports, c);
    if let Some(at) = &mut p.at {
        path(at, c);
    }
    if let Some(by) = &mut p.by {
        path(by, c);
    }
}

fn optional_name(name: &mut Option<Name>, c: &mut dyn Change) {
    if let Some(name) = name {
        c.span(&mut name.span);
    }
}

fn optional_block(found: &mut Option<Block>, c: &mut dyn Change) {
    if let Some(found) = found {
        block(found, c);
    }
}

fn block(b: &mut Block, c: &mut dyn Change) {
    nodes(&mut b.entries, c, |entry, c| {
        path(&mut entry.key, c);
        c.span(&mut entry.value.span);
        value(&mut entry.value.node, c);
    });
    c.end(&mut b.end);
    c.broken(&mut b.broken);
    c.span(&mut b.span);
}

fn value(v: &mut Value, c: &mut dyn Change) {
    match v {
        Value::Str(_) | Value::Int(_) | Value::Date(_) | Value::Bool(_) => {}
        Value::Services(s) => services(s, c),
        Value::Expr(e) => expr(e, c),
        Value::List(l) => {
            nodes(&mut l.elements, c, value);
            c.end(&mut l.end);
            c.broken(&mut l.broken);
            c.values(l);
        }
        Value::Block(b) => block(b, c),
    }
}

fn clauses(list: &mut Vec<Node<Clause>>, c: &mut dyn Change) {
    nodes(list, c, clause);
    c.clauses(list);
}

fn clause(clause: &mut Clause, c: &mut dyn Change) {
    c.span(&mut clause.keyword.span);
    match &mut clause.kind {
        ClauseKind::For(s) | ClauseKind::Name(s) => c.span(&mut s.span),
        ClauseKind::When(w) => cond(w, c),
        ClauseKind::At(paths) | ClauseKind::Overrides(paths) => {
            paths.iter_mut().for_each(|p| path(p, c));
        }
        ClauseKind::Via(p) => path(p, c),
        ClauseKind::Owner(t) | ClauseKind::Ticket(t) => c.span(&mut t.text.span),
        ClauseKind::Until(d) => c.span(&mut d.span),
        ClauseKind::Pin(n) => c.span(&mut n.span),
        ClauseKind::Inspect => {}
        ClauseKind::Header(a, b) => {
            c.span(&mut a.span);
            c.span(&mut b.span);
        }
        ClauseKind::SourcePort(p) => {
            c.span(&mut p.span);
            c.ports(p);
        }
    }
}

fn cond(condition: &mut Cond, c: &mut dyn Change) {
    match condition {
        Cond::Or(parts) | Cond::And(parts) => parts.iter_mut().for_each(|p| cond(p, c)),
        Cond::Not(inner) | Cond::Paren(inner) => cond(inner, c),
        Cond::Atom { path: p, test } => {
            path(p, c);
            if let Some(test) = test {
                c.span(&mut test.value.span);
                if let CondValue::Path(p) = &mut test.value.node {
                    path(p, c);
                }
            }
        }
    }
}

fn path(p: &mut Path, c: &mut dyn Change) {
    p.segments.iter_mut().for_each(|s| c.span(&mut s.span));
    c.span(&mut p.span);
}

fn services(list: &mut [Svc], c: &mut dyn Change) {
    list.iter_mut().for_each(|s| service(s, c));
}

fn service(s: &mut Svc, c: &mut dyn Change) {
    match s {
        Svc::Proto { proto, ports } => {
            c.span(&mut proto.span);
            optional_ports(ports, c);
        }
        Svc::Named(p) => path(p, c),
    }
}

fn optional_ports(ports: &mut Option<Ports>, c: &mut dyn Change) {
    if let Some(ports) = ports {
        c.span(&mut ports.span);
        c.ports(ports);
    }
    c.optional_ports(ports);
}

fn expr(e: &mut Expr, c: &mut dyn Change) {
    c.span(&mut e.span);
    match &mut e.kind {
        ExprKind::Any
        | ExprKind::Prefix(_)
        | ExprKind::Address(_)
        | ExprKind::Range(..)
        | ExprKind::Error => {}
        ExprKind::Fqdn(t) => template(t, c),
        ExprKind::Path(p) => path(p, c),
        ExprKind::Call(call) => call_parts(call, c),
        ExprKind::List(l) => {
            nodes(&mut l.elements, c, expr);
            c.end(&mut l.end);
            c.broken(&mut l.broken);
            c.expressions(l);
        }
        ExprKind::Except(a, b) => {
            expr(a, c);
            expr(b, c);
        }
    }
}

fn call_parts(call: &mut Call, c: &mut dyn Change) {
    c.span(&mut call.kind.span);
    template(&mut call.arg, c);
    if let Some(within) = &mut call.within {
        expr(within, c);
    }
}

fn template(t: &mut Template, c: &mut dyn Change) {
    for piece in &mut t.pieces {
        if let Piece::Param(p) = piece {
            c.span(&mut p.span);
        }
    }
    c.span(&mut t.span);
}

/// Sets every span to nothing and drops comments, blank lines and line breaks, so that two trees
/// compare by what they say.
pub fn erase(file: &mut File) {
    change(file, &mut Erase);
}

/// The change of [`erase`], for use inside another.
pub struct Erase;

impl Change for Erase {
    fn span(&mut self, span: &mut Span) {
        *span = Span::default();
    }

    fn trivia(&mut self, trivia: &mut Trivia) {
        *trivia = Trivia::default();
    }

    fn end(&mut self, comments: &mut Vec<Comment>) {
        comments.clear();
    }

    fn broken(&mut self, broken: &mut bool) {
        *broken = false;
    }
}
