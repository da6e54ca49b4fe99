//! What of a file can be left out, as places of its text: statements, then what stands in them. It
//! leaves nothing out.

use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{Block, Clause, Ends, Expr, ExprKind, Item, Member, Node, Value};
use crate::syntax::parse;

/// How much is left out at once: rules, then other statements, then parts of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    /// Flows, routes and translations.
    Rule,
    /// Any statement.
    Statement,
    /// Clauses, entries of blocks, elements of lists.
    Part,
}

/// The pieces of a file; none of a file that does not parse.
pub(super) fn of(sources: &SourceMap, file: FileId, size: Size) -> Vec<Span> {
    let (tree, faults) = parse(sources, file);
    if !faults.is_empty() {
        return Vec::new();
    }
    let mut out = Pieces {
        text: sources.get(file).map_or("", |f| f.text.as_str()),
        list: Vec::new(),
    };
    for item in &tree.items {
        let rule = matches!(item.node, Item::Flow(_) | Item::Route(_) | Item::Dnat(_));
        match (size, &item.node) {
            (Size::Rule, Item::Group(group)) => {
                out.list.extend(group.members.iter().map(|m| m.span));
            }
            (Size::Rule, _) if rule => out.list.push(item.span),
            (Size::Statement, _) if !rule => out.list.push(item.span),
            (Size::Part, node) => out.item(node),
            _ => {}
        }
    }
    out.list
}

struct Pieces<'t> {
    text: &'t str,
    list: Vec<Span>,
}

impl Pieces<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Use(it) => self.block(it.with.as_ref()),
            Item::Endpoint(it) => self.expr(&it.expr),
            Item::Resource(it) => {
                self.block(it.block.as_ref());
                it.expr.iter().for_each(|e| self.expr(e));
            }
            Item::Env(it) => self.block(Some(&it.block)),
            Item::Group(it) => {
                self.clauses(&it.clauses);
                for member in &it.members {
                    match &member.node {
                        Member::Flow(it) => self.flow(&it.ends, &it.clauses),
                        Member::Route(it) => self.clauses(&it.clauses),
                        Member::Dnat(it) => self.clauses(&it.clauses),
                        Member::Error => {}
                    }
                }
            }
            Item::Flow(it) => self.flow(&it.ends, &it.clauses),
            Item::Route(it) => self.clauses(&it.clauses),
            Item::Dnat(it) => self.clauses(&it.clauses),
            Item::Param(_)
            | Item::Service(_)
            | Item::Moved(_)
            | Item::Assume(_)
            | Item::Test(_)
            | Item::Error => {}
        }
    }

    fn flow(&mut self, ends: &Ends, clauses: &[Node<Clause>]) {
        let (Ends::FromTo(a, b) | Ends::Between(a, b)) = ends;
        self.expr(a);
        self.expr(b);
        self.clauses(clauses);
    }

    fn clauses(&mut self, clauses: &[Node<Clause>]) {
        self.list.extend(clauses.iter().map(|c| c.span));
    }

    fn block(&mut self, block: Option<&Block>) {
        for entry in block.into_iter().flat_map(|b| &b.entries) {
            self.list.push(entry.span);
            match &entry.node.value.node {
                Value::Expr(expr) => self.expr(expr),
                Value::List(list) => {
                    let spans = list.elements.iter().map(|e| e.span).collect();
                    self.elements(spans);
                }
                _ => {}
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::List(list) => {
                self.elements(list.elements.iter().map(|e| e.span).collect());
                list.elements.iter().for_each(|e| self.expr(&e.node));
            }
            ExprKind::Except(whole, less) => {
                self.expr(whole);
                self.expr(less);
                self.list.push(Span {
                    start: whole.span.end,
                    ..less.span
                });
            }
            _ => {}
        }
    }

    /// Elements of a list, each with the comma behind it.
    fn elements(&mut self, spans: Vec<Span>) {
        for mut span in spans {
            let rest = self.text.get(span.end as usize..).unwrap_or("");
            let blank = rest.len() - rest.trim_start().len();
            if rest.trim_start().starts_with(',') {
                let more = u32::try_from(blank + 1).unwrap_or(0);
                span.end = span.end.saturating_add(more);
            }
            self.list.push(span);
        }
    }
}
