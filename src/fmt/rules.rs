//! The layout of each node. How documents are laid out is in doc.rs, single words in text.rs.

use crate::syntax::ast::{
    Block, Call, CallKind, Clause, Comment, Dnat, Ends, Expect, Expr, ExprKind, File, Flow, Group,
    Item, Member, Need, Node, Param, Probe, Relation, Resource, ResourceKind, Route, Svc, Test,
    Trivia, Use, Value, Verb,
};

use super::doc::{Doc, blank, choice, concat, hard, nest, suffix, text};
use super::normal::clause_rank;
use super::text::{
    clause as clause_text, expr_key, leaf, optional_ports, param_type, quote, services, value_key,
};

/// The words that keep a list's order.
const KEEP_ORDER: &str = "// keep-order";

/// The layout of a file.
pub(super) fn file(file: &File) -> Doc {
    let mut lines = Lines::default();
    if let Some(version) = &file.version {
        lines.node(version, |v, _| text(format!("portcullis {v}")));
    }
    for item_node in &file.items {
        lines.node(item_node, item);
    }
    lines.comments(&file.end);
    let mut parts = lines.parts;
    if !parts.is_empty() {
        parts.push(hard());
    }
    concat(parts)
}

/// Nodes and comments, each on lines of its own, at most one blank line between them.
#[derive(Default)]
struct Lines {
    parts: Vec<Doc>,
}

impl Lines {
    fn line(&mut self, blank_before: bool, doc: Doc) {
        if !self.parts.is_empty() {
            self.parts.push(if blank_before { blank() } else { hard() });
        }
        self.parts.push(doc);
    }

    fn comments(&mut self, comments: &[Comment]) {
        for comment in comments {
            self.line(comment.blank_before, text(comment.text.clone()));
        }
    }

    fn node<T>(&mut self, node: &Node<T>, layout: impl FnOnce(&T, bool) -> Doc) {
        self.comments(&node.trivia.leading);
        let doc = layout(&node.node, keeps_order(&node.trivia));
        self.line(
            node.trivia.blank_before,
            concat(vec![doc, trailing(&node.trivia)]),
        );
    }
}

fn trailing(trivia: &Trivia) -> Doc {
    trivia
        .trailing
        .as_ref()
        .map_or_else(|| concat(Vec::new()), |c| suffix(format!(" {}", c.text)))
}

fn keeps_order(trivia: &Trivia) -> bool {
    trivia
        .leading
        .iter()
        .filter_map(|c| c.text.strip_prefix(KEEP_ORDER))
        .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
}

fn has_comments(trivia: &Trivia) -> bool {
    !trivia.leading.is_empty() || trivia.trailing.is_some()
}

fn item(item: &Item, keep: bool) -> Doc {
    match item {
        Item::Use(u) => use_module(u, keep),
        Item::Param(p) => param(p, keep),
        Item::Endpoint(e) => concat(vec![
            text(format!("endpoint {} = ", e.name.node)),
            expr(&e.expr, keep),
        ]),
        Item::Service(s) => text(format!(
            "service {} = {}",
            s.name.node,
            services(&s.services)
        )),
        Item::Resource(r) => resource(r, keep),
        Item::Env(e) => concat(vec![
            text(format!("env {} ", e.name.node)),
            block(&e.block, keep),
        ]),
        Item::Group(g) => group(g),
        Item::Flow(f) => flow(f, keep),
        Item::Route(r) => route(r, keep),
        Item::Dnat(d) => dnat(d, keep),
        Item::Moved(m) => text(format!("moved {} -> {}", m.from.text(), m.to.text())),
        Item::Assume(a) => {
            let relation = match a.relation.node {
                Relation::In => " in ",
                Relation::Apart => " apart ",
            };
            concat(vec![
                text("assume "),
                expr(&a.left, keep),
                text(relation),
                expr(&a.right, keep),
            ])
        }
        Item::Test(t) => test(t, keep),
        Item::Error => concat(Vec::new()),
    }
}

fn use_module(u: &Use, keep: bool) -> Doc {
    let mut parts = vec![text(format!(
        "use {} as {}",
        quote(&u.path.node),
        u.name.node
    ))];
    if let Some(with) = &u.with {
        parts.push(text(" with "));
        parts.push(block(with, keep));
    }
    concat(parts)
}

fn param(p: &Param, keep: bool) -> Doc {
    let mut parts = vec![text(format!(
        "param {}: {}",
        p.name.node,
        param_type(&p.ty)
    ))];
    if let Some(default) = &p.default {
        parts.push(text(" = "));
        parts.push(value(&default.node, keep));
    }
    if let Some(purpose) = &p.text {
        parts.push(text(format!(" {}", quote(&purpose.node))));
    }
    concat(parts)
}

fn resource(r: &Resource, keep: bool) -> Doc {
    let word = match r.kind {
        ResourceKind::IpGroup => "ip-group",
        ResourceKind::Vnet => "vnet",
        ResourceKind::Subnet => "subnet",
        ResourceKind::Firewall => "firewall",
        ResourceKind::Nsg => "nsg",
        ResourceKind::RouteTable => "route-table",
    };
    let mut parts = vec![text(format!("{word} {}", r.name.node))];
    if let Some(e) = &r.expr {
        parts.push(text(" = "));
        parts.push(expr(e, keep));
    }
    if let Some(b) = &r.block {
        parts.push(text(" "));
        parts.push(block(b, keep));
    }
    concat(parts)
}

fn group(g: &Group) -> Doc {
    let word = if g.ordered.is_some() {
        "ordered group"
    } else {
        "group"
    };
    let head = format!("{word} {}", g.name.node);
    let clauses = sorted(&g.clauses);
    let mut broken = vec![text(head.clone())];
    let mut flat = vec![text(head)];
    for clause in &clauses {
        broken.push(nest(clause_lines(clause)));
        flat.push(text(format!(" {}", clause_text(&clause.node))));
    }
    let header = if g.clauses.iter().any(|c| has_comments(&c.trivia)) {
        concat(vec![concat(broken), hard(), text("{")])
    } else {
        flat.push(text(" {"));
        broken.push(hard());
        broken.push(text("{"));
        choice(concat(flat), concat(broken))
    };
    let mut lines = Lines::default();
    for m in &g.members {
        lines.node(m, member);
    }
    lines.comments(&g.end);
    concat(vec![header, body(lines)])
}

/// The lines of a body and its closing brace.
fn body(lines: Lines) -> Doc {
    if lines.parts.is_empty() {
        return text("}");
    }
    let mut parts = vec![hard()];
    parts.extend(lines.parts);
    concat(vec![nest(concat(parts)), hard(), text("}")])
}

fn member(member: &Member, keep: bool) -> Doc {
    match member {
        Member::Flow(f) => flow(f, keep),
        Member::Route(r) => route(r, keep),
        Member::Dnat(d) => dnat(d, keep),
        Member::Error => concat(Vec::new()),
    }
}

fn flow(f: &Flow, keep: bool) -> Doc {
    let need = match f.need.as_ref().map(|n| n.node) {
        Some(Need::Required) => "required ",
        Some(Need::Optional) => "optional ",
        None => "",
    };
    let verb = match f.verb.node {
        Verb::Allow => "allow",
        Verb::Deny => "deny",
        Verb::Forbid => "forbid",
    };
    let mut head = vec![text(format!(
        "{need}{verb} {}{}",
        label(f.label.as_ref().map(|l| l.node.as_str())),
        services(&f.services)
    ))];
    let (first, left, second, right) = match &f.ends {
        Ends::FromTo(a, b) => (" from ", a, " to ", b),
        Ends::Between(a, b) => (" between ", a, " and ", b),
    };
    head.push(text(first));
    head.push(expr(left, keep));
    head.push(text(second));
    head.push(expr(right, keep));
    with_clauses(concat(head), &f.clauses)
}

fn route(r: &Route, keep: bool) -> Doc {
    let head = concat(vec![
        text(format!(
            "route {}",
            label(r.label.as_ref().map(|l| l.node.as_str()))
        )),
        expr(&r.expr, keep),
        text(format!(" via {} on {}", r.via.text(), r.on.text())),
    ]);
    with_clauses(head, &r.clauses)
}

fn dnat(d: &Dnat, keep: bool) -> Doc {
    let port = d
        .into_port
        .as_ref()
        .map_or_else(String::new, |p| format!(":{}", p.node));
    let head = concat(vec![
        text(format!(
            "dnat {}{} from ",
            label(d.label.as_ref().map(|l| l.node.as_str())),
            services(std::slice::from_ref::<Svc>(&d.service))
        )),
        expr(&d.from, keep),
        text(" to "),
        expr(&d.to, keep),
        text(" into "),
        expr(&d.into, keep),
        text(port),
    ]);
    with_clauses(head, &d.clauses)
}

fn label(label: Option<&str>) -> String {
    label.map_or_else(String::new, |l| format!("{l}: "))
}

/// One clause may stay on the line; several stand on lines of their own.
fn with_clauses(head: Doc, clauses: &[Node<Clause>]) -> Doc {
    let clauses = sorted(clauses);
    let mut broken = vec![head.clone()];
    broken.extend(clauses.iter().map(|c| nest(clause_lines(c))));
    let broken = concat(broken);
    match clauses.as_slice() {
        [] => head,
        [one] if one.trivia.leading.is_empty() => {
            let flat = concat(vec![
                head,
                text(format!(" {}", clause_text(&one.node))),
                trailing(&one.trivia),
            ]);
            choice(flat, broken)
        }
        _ => broken,
    }
}

/// A line end, the comments of a clause, and the clause.
fn clause_lines(clause: &Node<Clause>) -> Doc {
    let mut parts = Vec::new();
    for comment in &clause.trivia.leading {
        parts.push(hard());
        parts.push(text(comment.text.clone()));
    }
    parts.push(hard());
    parts.push(text(clause_text(&clause.node)));
    parts.push(trailing(&clause.trivia));
    concat(parts)
}

fn sorted(clauses: &[Node<Clause>]) -> Vec<&Node<Clause>> {
    let mut sorted: Vec<&Node<Clause>> = clauses.iter().collect();
    sorted.sort_by_key(|c| clause_rank(&c.node));
    sorted
}

fn test(t: &Test, keep: bool) -> Doc {
    let mut parts = vec![text(format!("test {}", quote(&t.name.node)))];
    if let Some(with) = &t.with {
        parts.push(text(" with "));
        parts.push(block(with, keep));
    }
    parts.push(text(" {"));
    let mut lines = Lines::default();
    for p in &t.probes {
        lines.node(p, probe);
    }
    lines.comments(&t.end);
    parts.push(body(lines));
    concat(parts)
}

fn probe(p: &Probe, keep: bool) -> Doc {
    let word = match p.expect.node {
        Expect::Allow => "allow",
        Expect::Deny => "deny",
        Expect::Reach => "reach",
    };
    let mut tail = optional_ports(':', p.ports.as_ref());
    if let Some(at) = &p.at {
        tail.push_str(&format!(" at {}", at.text()));
    }
    if let Some(by) = &p.by {
        tail.push_str(&format!(" by {}", by.text()));
    }
    concat(vec![
        text(format!("{word} {} from ", services(&p.services))),
        expr(&p.from, keep),
        text(" to "),
        expr(&p.to, keep),
        text(tail),
    ])
}

fn block(b: &Block, keep: bool) -> Doc {
    // Each entry is laid out once and shared: nested blocks must not double the work.
    let entries: Vec<Doc> = b
        .entries
        .iter()
        .map(|e| {
            concat(vec![
                text(format!("{} = ", e.node.key.text())),
                value(&e.node.value.node, keep || keeps_order(&e.trivia)),
            ])
        })
        .collect();
    let mut lines = Lines::default();
    for (entry, doc) in b.entries.iter().zip(&entries) {
        lines.node(entry, |_, _| doc.clone());
    }
    lines.comments(&b.end);
    let quiet = b.end.is_empty() && b.entries.iter().all(|e| !has_comments(&e.trivia));
    match entries.as_slice() {
        [] if quiet => text("{}"),
        [only] if quiet && !b.broken => {
            let flat = concat(vec![text("{ "), only.clone(), text(" }")]);
            choice(flat, concat(vec![text("{"), body(lines)]))
        }
        _ => concat(vec![text("{"), body(lines)]),
    }
}

fn value(v: &Value, keep: bool) -> Doc {
    match v {
        Value::Str(s) => text(quote(s)),
        Value::Int(n) => text(n.to_string()),
        Value::Date(d) => text(d.to_string()),
        Value::Bool(b) => text(b.to_string()),
        Value::Services(s) => text(services(s)),
        Value::Expr(e) => expr(e, keep),
        Value::List(l) => list(&l.elements, l.broken, &l.end, keep, value, value_key),
        Value::Block(b) => block(b, keep),
    }
}

fn expr(e: &Expr, keep: bool) -> Doc {
    match &e.kind {
        ExprKind::List(l) => list(&l.elements, l.broken, &l.end, keep, expr, expr_key),
        ExprKind::Except(a, b) => concat(vec![expr(a, keep), text(" except "), expr(b, keep)]),
        ExprKind::Call(Call {
            kind,
            arg,
            quoted,
            within: Some(within),
        }) if kind.node == CallKind::Fqdn => {
            let name = if *quoted {
                quote(&arg.source())
            } else {
                arg.source()
            };
            concat(vec![
                text(format!("fqdn({name}, in = ")),
                expr(within, keep),
                text(")"),
            ])
        }
        _ => text(leaf(e)),
    }
}

/// A list: on one line in its own order, or one element a line, sorted.
fn list<T>(
    elements: &[Node<T>],
    broken: bool,
    end: &[Comment],
    keep: bool,
    layout: fn(&T, bool) -> Doc,
    key: fn(&T) -> (u8, String),
) -> Doc {
    if elements.is_empty() && end.is_empty() {
        return text("[]");
    }
    // A comment above an element may speak of those that follow, so such a list keeps its order.
    let keep = keep || elements.iter().any(|e| !e.trivia.leading.is_empty());
    let docs: Vec<Doc> = elements.iter().map(|e| layout(&e.node, keep)).collect();
    let mut order: Vec<(usize, (u8, String))> = Vec::with_capacity(elements.len());
    let mut section = 0;
    for (at, element) in elements.iter().enumerate() {
        if at > 0 && element.trivia.blank_before {
            section += 1;
        }
        order.push((
            section,
            if keep {
                (0, String::new())
            } else {
                key(&element.node)
            },
        ));
    }
    let mut rows: Vec<(usize, &Node<T>, &Doc)> = elements
        .iter()
        .zip(&docs)
        .enumerate()
        .map(|(at, (element, doc))| (at, element, doc))
        .collect();
    rows.sort_by(|a, b| order.get(a.0).cmp(&order.get(b.0)));
    let mut lines = Lines::default();
    let mut before = 0;
    for (at, element, doc) in rows {
        let own = order.get(at).map_or(0, |o| o.0);
        lines.comments(&element.trivia.leading);
        let gap =
            own > before || (!element.trivia.leading.is_empty() && element.trivia.blank_before);
        lines.line(
            gap,
            concat(vec![doc.clone(), text(","), trailing(&element.trivia)]),
        );
        before = own;
    }
    lines.comments(end);
    let mut inner = vec![hard()];
    inner.extend(lines.parts);
    let tall = concat(vec![text("["), nest(concat(inner)), hard(), text("]")]);
    let quiet = end.is_empty() && elements.iter().all(|e| !has_comments(&e.trivia));
    if broken || !quiet {
        return tall;
    }
    let mut flat = vec![text("[")];
    for (at, doc) in docs.iter().enumerate() {
        if at > 0 {
            flat.push(text(", "));
        }
        flat.push(doc.clone());
    }
    flat.push(text("]"));
    choice(concat(flat), tall)
}
