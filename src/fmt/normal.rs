//! What formatting may change: the order of clauses and of list elements, and how ports are
//! written. Two texts mean the same if their trees are equal after this.

use crate::source::Span;
use crate::syntax::ast::{Clause, Comment, ExprList, File, Node, Ports, Trivia, ValueList};
use crate::syntax::visit::{Change, Erase, change};
use crate::syntax::words::CLAUSES;

use super::text::{expr_key, value_key};

/// Brings a tree into the form in which it is compared.
pub(super) fn normal(file: &mut File) {
    change(file, &mut Normal);
}

struct Normal;

impl Change for Normal {
    fn span(&mut self, span: &mut Span) {
        Erase.span(span);
    }

    fn trivia(&mut self, trivia: &mut Trivia) {
        Erase.trivia(trivia);
    }

    fn end(&mut self, comments: &mut Vec<Comment>) {
        Erase.end(comments);
    }

    fn broken(&mut self, broken: &mut bool) {
        Erase.broken(broken);
    }

    fn clauses(&mut self, clauses: &mut Vec<Node<Clause>>) {
        clauses.sort_by_key(|c| clause_rank(&c.node));
    }

    fn ports(&mut self, ports: &mut Ports) {
        ports.ranges = merged(&ports.ranges);
    }

    fn optional_ports(&mut self, ports: &mut Option<Ports>) {
        if ports
            .as_ref()
            .is_some_and(|p| merged(&p.ranges) == [(0, u16::MAX)])
        {
            *ports = None;
        }
    }

    fn expressions(&mut self, list: &mut ExprList) {
        list.elements.sort_by_cached_key(|e| expr_key(&e.node));
    }

    fn values(&mut self, list: &mut ValueList) {
        list.elements.sort_by_cached_key(|e| value_key(&e.node));
    }
}

/// The place of a clause in the written order.
pub(super) fn clause_rank(clause: &Clause) -> usize {
    CLAUSES
        .iter()
        .position(|word| *word == clause.keyword.node)
        .unwrap_or(CLAUSES.len())
}

/// Port ranges ascending, those that overlap made one. Neighbours stay apart: `5671,5672` is how
/// the documentation of a service lists its ports, and a reviewer compares with that.
pub(super) fn merged(ranges: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut out: Vec<(u16, u16)> = Vec::new();
    for (first, last) in sorted {
        match out.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out
}
