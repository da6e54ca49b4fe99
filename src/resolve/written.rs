//! What stands before `except` in the ends of a flow: checks of breadth judge what was written, not
//! the prefixes that are left. Ends without `except` are not looked at.

use crate::model::Written;
use crate::model::address::AddressSet;
use crate::syntax::ast::{self, CallKind, ExprKind, Value};

use super::scope::Decl;
use super::world::{InstanceId, World};

impl World<'_, '_> {
    /// What an end was before anything was taken from it; `None` if nothing was. The end has been
    /// resolved without fault.
    pub(crate) fn written(&mut self, expr: &ast::Expr, instance: InstanceId) -> Option<Written> {
        let mut out = Written::default();
        let mut except = false;
        self.written_in(expr, instance, &mut out, &mut except);
        except.then_some(out)
    }

    fn written_in(
        &mut self,
        expr: &ast::Expr,
        instance: InstanceId,
        out: &mut Written,
        except: &mut bool,
    ) {
        let mut add = |set: AddressSet| out.addresses = out.addresses.union(&set);
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
                    self.written_in(&element.node, instance, out, except);
                }
            }
            ExprKind::Except(left, _) => {
                *except = true;
                self.written_in(left, instance, out, except);
            }
            ExprKind::Path(path) => {
                if let Some((at, name)) = self.walk(path, instance) {
                    let name = name.node.clone();
                    self.written_behind(&name, at, out, except);
                }
            }
            ExprKind::Fqdn(_) | ExprKind::Error => {}
        }
    }

    /// What a declared name stands for.
    fn written_behind(&mut self, name: &str, at: InstanceId, out: &mut Written, except: &mut bool) {
        match self.scope(at).and_then(|s| s.values.get(name)) {
            Some(Decl::Endpoint(e)) => self.written_in(&e.expr, at, out, except),
            Some(Decl::Resource(r)) => {
                if let Some(expr) = &r.expr {
                    self.written_in(expr, at, out, except);
                }
            }
            Some(Decl::Param(param)) => {
                let given = self.instances.get(at).and_then(|i| i.given.get(name));
                match (given.copied(), &param.default) {
                    (Some((value, scope)), _) => {
                        self.written_value(&value.node, scope, out, except);
                    }
                    (None, Some(default)) => self.written_value(&default.node, at, out, except),
                    (None, None) => {}
                }
            }
            None => {}
        }
    }

    fn written_value(
        &mut self,
        value: &Value,
        instance: InstanceId,
        out: &mut Written,
        except: &mut bool,
    ) {
        match value {
            Value::Expr(expr) => self.written_in(expr, instance, out, except),
            Value::List(list) => {
                for element in &list.elements {
                    self.written_value(&element.node, instance, out, except);
                }
            }
            _ => {}
        }
    }
}
