//! What stands before `except` in the ends of a flow: checks of breadth judge what was written, not
//! the prefixes that are left. Ends without `except` are not looked at.

use std::collections::BTreeSet;

use crate::model::Written;
use crate::model::address::AddressSet;
use crate::model::endpoint::{Endpoint, Union};
use crate::syntax::ast::{self, CallKind, ExprKind, Value};

use super::scope::Decl;
use super::world::{InstanceId, World};

/// What is gathered on the way; the addresses are joined at the end.
#[derive(Default)]
struct Found {
    except: bool,
    any: bool,
    internet: bool,
    parts: Union,
    /// Names that were looked behind: twice adds nothing, and lists that name each other double.
    seen: BTreeSet<(InstanceId, String)>,
}

impl World<'_, '_> {
    /// What an end was before anything was taken from it; `None` if nothing was. The end has been
    /// resolved without fault.
    pub(crate) fn written(&mut self, expr: &ast::Expr, instance: InstanceId) -> Option<Written> {
        let mut found = Found::default();
        self.written_in(expr, instance, &mut found);
        found.except.then(|| Written {
            any: found.any,
            internet: found.internet,
            addresses: found.parts.whole().addresses,
        })
    }

    fn written_in(&mut self, expr: &ast::Expr, instance: InstanceId, out: &mut Found) {
        let mut add = |set: AddressSet| out.parts.add(Endpoint::of(set));
        match &expr.kind {
            ExprKind::Any => out.any = true,
            ExprKind::Prefix(net) => add(AddressSet::prefix(*net)),
            ExprKind::Address(address) => add(AddressSet::range(*address, *address)),
            ExprKind::Range(first, last) => add(AddressSet::range(*first, *last)),
            ExprKind::Call(call) => {
                let internet = call.arg.source().eq_ignore_ascii_case("Internet");
                out.internet |= call.kind.node == CallKind::Tag && internet;
            }
            ExprKind::List(list) => {
                for element in &list.elements {
                    self.written_in(&element.node, instance, out);
                }
            }
            ExprKind::Except(left, _) => {
                out.except = true;
                self.written_in(left, instance, out);
            }
            ExprKind::Path(path) => {
                if let Some((at, name)) = self.walk(path, instance) {
                    let name = name.node.clone();
                    if out.seen.insert((at, name.clone())) {
                        self.written_behind(&name, at, out);
                    }
                }
            }
            ExprKind::Fqdn(_) | ExprKind::Error => {}
        }
    }

    /// What a declared name stands for.
    fn written_behind(&mut self, name: &str, at: InstanceId, out: &mut Found) {
        match self.scope(at).and_then(|s| s.values.get(name)) {
            Some(Decl::Endpoint(e)) => self.written_in(&e.expr, at, out),
            Some(Decl::Resource(r)) => {
                if let Some(expr) = &r.expr {
                    self.written_in(expr, at, out);
                }
            }
            Some(Decl::Param(param)) => {
                let given = self.instances.get(at).and_then(|i| i.given.get(name));
                match (given.copied(), &param.default) {
                    (Some((value, scope)), _) => {
                        self.written_value(&value.node, scope, out);
                    }
                    (None, Some(default)) => self.written_value(&default.node, at, out),
                    (None, None) => {}
                }
            }
            None => {}
        }
    }

    fn written_value(&mut self, value: &Value, instance: InstanceId, out: &mut Found) {
        match value {
            Value::Expr(expr) => self.written_in(expr, instance, out),
            Value::List(list) => {
                for element in &list.elements {
                    self.written_value(&element.node, instance, out);
                }
            }
            _ => {}
        }
    }
}
