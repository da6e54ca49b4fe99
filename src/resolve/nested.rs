//! Elements of a list that another element of the same list holds already. It judges what is
//! written side by side; what two statements have in common is not its business.

use std::collections::BTreeSet;

use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::service::{Proto, Traffic};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, Node, Value};

use super::faults::{self, Nested};
use super::flows::svc_span;
use super::scope::Decl;
use super::world::{InstanceId, World};

/// A list of more elements is compared address by address only: every pair would cost its square.
const PAIRS: usize = 200;

/// An element with what it stands for.
struct Element {
    set: Endpoint,
    text: String,
    span: Span,
}

impl World<'_, '_> {
    /// Tells the elements of a list of endpoints that add nothing to it.
    pub(crate) fn tell_nested(
        &mut self,
        list: &[Node<Expr>],
        sets: &[Endpoint],
        instance: InstanceId,
    ) {
        let elements: Vec<&Expr> = list.iter().map(|n| &n.node).collect();
        self.tell(&elements, sets, &cuts(list), instance);
    }

    /// The same of a list that a parameter takes.
    pub(crate) fn tell_nested_values(
        &mut self,
        list: &[Node<Value>],
        sets: &[Endpoint],
        instance: InstanceId,
    ) {
        let elements: Option<Vec<&Expr>> = list
            .iter()
            .map(|n| match &n.node {
                Value::Expr(expr) => Some(expr),
                _ => None,
            })
            .collect();
        if let Some(elements) = elements {
            self.tell(&elements, sets, &cuts(list), instance);
        }
    }

    fn tell(
        &mut self,
        list: &[&Expr],
        sets: &[Endpoint],
        cuts: &[Option<Span>],
        instance: InstanceId,
    ) {
        let library = list.first().is_some_and(|e| self.is_library(e.span));
        // A probe lists packets, and the library is not the user's to change.
        if self.in_test || library || list.len() != sets.len() || list.len() < 2 {
            return;
        }
        let elements: Vec<Element> = list
            .iter()
            .zip(sets)
            .map(|(expr, set)| Element {
                set: set.clone(),
                // What is too much here may be needed where the parameter has another value.
                text: if self.varies(expr, instance, &mut BTreeSet::new()) {
                    String::new()
                } else {
                    text_of(expr)
                },
                span: expr.span,
            })
            .collect();
        for (inner, outer) in self.pairs(&elements) {
            let (Some(a), Some(b)) = (elements.get(inner), elements.get(outer)) else {
                continue;
            };
            // The rest of `a except b` is an address set too, but nobody would look for it there.
            if a.text.is_empty() || b.text.is_empty() {
                continue;
            }
            let cut = cuts.get(inner).copied().flatten();
            let same = a.set == b.set;
            let kind = if a.set.is_plain() && b.set.is_plain() {
                Nested::Addresses
            } else if !same && lone_tag(&b.set).is_some() {
                Nested::Tags
            } else {
                Nested::Other
            };
            let (inner, outer) = ((a.span, a.text.as_str()), (b.span, b.text.as_str()));
            self.say(faults::inside_another(inner, outer, same, kind, cut));
        }
    }

    /// Whether an element stands for what a parameter says, which differs between environments and
    /// instances.
    fn varies(
        &mut self,
        expr: &Expr,
        instance: InstanceId,
        seen: &mut BTreeSet<(InstanceId, String)>,
    ) -> bool {
        match &expr.kind {
            ExprKind::Path(path) => {
                let Some((at, name)) = self.walk(path, instance) else {
                    return true;
                };
                let name = name.node.clone();
                if !seen.insert((at, name.clone())) {
                    return false;
                }
                match self.scope(at).and_then(|s| s.values.get(name.as_str())) {
                    Some(Decl::Endpoint(e)) => self.varies(&e.expr, at, seen),
                    Some(Decl::Resource(r)) => match &r.expr {
                        Some(expr) => self.varies(expr, at, seen),
                        None => false,
                    },
                    Some(Decl::Param(_)) | None => true,
                }
            }
            ExprKind::List(list) => {
                let mut elements = list.elements.iter();
                elements.any(|e| self.varies(&e.node, instance, seen))
            }
            ExprKind::Except(left, right) => {
                self.varies(left, instance, seen) || self.varies(right, instance, seen)
            }
            ExprKind::Call(call) => call.arg.source().contains("${"),
            ExprKind::Fqdn(name) => name.source().contains("${"),
            _ => false,
        }
    }

    /// Which element lies in which; each element once.
    fn pairs(&self, elements: &[Element]) -> Vec<(usize, usize)> {
        if elements.len() > PAIRS {
            return nested_intervals(elements);
        }
        let mut out = Vec::new();
        for (inner, a) in elements.iter().enumerate() {
            let holder = elements.iter().enumerate().find(|(outer, b)| {
                *outer != inner
                    && self.holds(&b.set, &a.set)
                    // Of two equal ones the second is too many.
                    && (*outer < inner || !self.holds(&a.set, &b.set))
            });
            out.extend(holder.map(|(outer, _)| (inner, outer)));
        }
        out
    }

    /// True if the first holds all of the second for certain.
    fn holds(&self, outer: &Endpoint, inner: &Endpoint) -> bool {
        if outer == inner || outer.any {
            return true;
        }
        if outer.is_plain() && inner.is_plain() {
            return !inner.addresses.is_empty() && inner.addresses.is_subset(&outer.addresses);
        }
        match (lone_tag(outer), lone_tag(inner)) {
            (Some(wide), Some(narrow)) => self.is_region_of(narrow, wide),
            _ => false,
        }
    }

    /// A regional tag and its global one, where the data says that nothing sticks out.
    fn is_region_of(&self, narrow: &str, wide: &str) -> bool {
        let (base, region) = self.catalog.base_of(narrow);
        let set = |name: &str| {
            self.catalog
                .tag(name)
                .map(|t| AddressSet::prefixes(t.listed_prefixes()))
                .unwrap_or_default()
        };
        region.is_some() && base == wide && set(narrow).is_subset(&set(wide))
    }

    /// Tells the services of a list that another one includes.
    pub(crate) fn tell_nested_services(&mut self, list: &[ast::Svc], sets: &[Traffic]) {
        let spans: Vec<Span> = list.iter().map(svc_span).collect();
        let library = spans.first().is_some_and(|s| self.is_library(*s));
        if self.in_test || library || list.len() != sets.len() {
            return;
        }
        for (inner, a) in sets.iter().enumerate() {
            let holder = sets.iter().enumerate().find(|(outer, b)| {
                *outer != inner && includes(b, a) && (*outer < inner || !includes(a, b))
            });
            let Some((outer, b)) = holder else {
                continue;
            };
            let (Some(at), Some(other)) = (spans.get(inner), spans.get(outer)) else {
                continue;
            };
            let same = a == b;
            self.say(faults::service_inside_another(*at, *other, same));
        }
    }

    /// True if the place is in the embedded library.
    fn is_library(&self, span: Span) -> bool {
        self.file_names
            .get(span.file.0 as usize)
            .is_some_and(|name| name.starts_with("std/"))
    }
}

/// Which single intervals lie in which, in one pass over the sorted list.
fn nested_intervals(elements: &[Element]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    for family in [Family::V4, Family::V6] {
        let mut sorted: Vec<((u128, u128), usize)> = elements
            .iter()
            .enumerate()
            .filter(|(_, e)| e.set.is_plain() && e.set.addresses.only(family) == e.set.addresses)
            .filter_map(|(at, e)| match e.set.addresses.intervals(family) {
                [one] => Some((*one, at)),
                _ => None,
            })
            .collect();
        // The wider one first, and of equal ones the one that is written first.
        sorted.sort_by_key(|((first, last), at)| (*first, std::cmp::Reverse(*last), *at));
        let mut widest: Option<(u128, usize)> = None;
        for ((_, last), at) in sorted {
            match widest {
                Some((end, holder)) if last <= end => out.push((at, holder)),
                _ => widest = Some((last, at)),
            }
        }
    }
    out
}

/// The one service tag of an endpoint that is nothing else.
fn lone_tag(e: &Endpoint) -> Option<&str> {
    let mut tags = e.tags.iter();
    let tag = tags.next()?;
    let bare = Endpoint {
        tags: [tag.clone()].into(),
        ..Endpoint::default()
    };
    (bare == *e).then_some(tag.as_str())
}

/// True if all of the second is in the first. `any` holds no application words: those say more.
fn includes(outer: &Traffic, inner: &Traffic) -> bool {
    inner.iter().all(|(proto, ports)| {
        let word = matches!(proto, Proto::Http | Proto::Https | Proto::Mssql);
        (!word && outer.has(Proto::Any))
            || outer
                .iter()
                .any(|(p, wide)| p == proto && wide.union(ports) == *wide)
    })
}

/// An element as it is written; empty where it is not one thing.
fn text_of(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Any => "any".to_owned(),
        ExprKind::Prefix(net) => net.to_string(),
        ExprKind::Address(address) => address.to_string(),
        ExprKind::Range(first, last) => format!("{first}-{last}"),
        ExprKind::Fqdn(name) => name.source(),
        ExprKind::Path(path) => path.text(),
        ExprKind::Call(call) => {
            let word = match call.kind.node {
                ast::CallKind::Tag => "tag",
                ast::CallKind::FqdnTag => "fqdn-tag",
                ast::CallKind::Category => "category",
                ast::CallKind::Url => "url",
                ast::CallKind::Asg => "asg",
                ast::CallKind::IpGroup => "ip-group",
                ast::CallKind::Fqdn => "fqdn",
            };
            format!("{word}({})", call.arg.source())
        }
        ExprKind::List(_) | ExprKind::Except(..) | ExprKind::Error => String::new(),
    }
}

/// For each element what to cut out to be rid of it: its comma too, and never a comment.
fn cuts<T>(list: &[Node<T>]) -> Vec<Option<Span>> {
    let bare = |n: &Node<T>| n.trivia.leading.is_empty() && n.trivia.trailing.is_none();
    (0..list.len())
        .map(|at| {
            let here = list.get(at).filter(|n| bare(n))?;
            if let Some(next) = list.get(at + 1) {
                let free = next.trivia.leading.is_empty();
                return free.then(|| Span::new(here.span.file, here.span.start, next.span.start));
            }
            let before = at.checked_sub(1).and_then(|b| list.get(b))?;
            let free = before.trivia.trailing.is_none();
            free.then(|| Span::new(here.span.file, before.span.end, here.span.end))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ipnet::IpNet;

    fn element(text: &str) -> Element {
        let net: IpNet = text.parse().unwrap();
        Element {
            set: Endpoint::of(AddressSet::prefix(net)),
            text: text.to_owned(),
            span: Span::default(),
        }
    }

    #[test]
    fn one_pass_finds_what_lies_in_what() {
        let elements: Vec<Element> = [
            "10.1.4.0/24",
            "10.1.0.0/16",
            "10.2.0.0/16",
            "10.1.5.0/24",
            "fd00::/8",
            "fd00:1::/48",
            "10.2.0.0/16",
        ]
        .into_iter()
        .map(element)
        .collect();
        let mut found = nested_intervals(&elements);
        found.sort_unstable();
        assert_eq!(found, [(0, 1), (3, 1), (5, 4), (6, 2)]);
    }
}
