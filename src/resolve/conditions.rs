//! `when` to a truth value: conditions over parameters, typed on both sides. Statements are walked
//! elsewhere.

use crate::syntax::ast::{self, Cond, CondValue, Value};

use super::faults;
use super::world::{InstanceId, Type, Typed, World};

impl<'a> World<'a, '_> {
    /// True if all conditions hold; `None` if a fault was reported.
    pub(crate) fn conditions(&mut self, conds: &[&'a Cond], instance: InstanceId) -> Option<bool> {
        let mut all = Some(true);
        for cond in conds {
            let holds = self.condition(cond, instance);
            all = match (all, holds) {
                (Some(a), Some(b)) => Some(a && b),
                _ => None,
            };
        }
        all
    }

    fn condition(&mut self, cond: &'a Cond, instance: InstanceId) -> Option<bool> {
        match cond {
            Cond::Or(parts) => {
                let values: Vec<_> = parts.iter().map(|c| self.condition(c, instance)).collect();
                values
                    .into_iter()
                    .try_fold(false, |any, v| v.map(|v| any || v))
            }
            Cond::And(parts) => {
                let values: Vec<_> = parts.iter().map(|c| self.condition(c, instance)).collect();
                values
                    .into_iter()
                    .try_fold(true, |all, v| v.map(|v| all && v))
            }
            Cond::Not(inner) => self.condition(inner, instance).map(|v| !v),
            Cond::Paren(inner) => self.condition(inner, instance),
            Cond::Atom { path, test } => self.atom(path, test.as_ref(), instance),
        }
    }

    fn atom(
        &mut self,
        path: &'a ast::Path,
        test: Option<&'a ast::CondTest>,
        instance: InstanceId,
    ) -> Option<bool> {
        let [name] = path.segments.as_slice() else {
            if let Some(name) = path.segments.last() {
                self.undefined_param(name, instance);
            }
            return None;
        };
        let built_in = matches!(name.node.as_str(), "env" | "cloud");
        if !built_in && self.param_decl(instance, &name.node).is_none() {
            self.undefined_param(name, instance);
            return None;
        }
        let value = self.param(instance, &name.node)?;
        let Some(test) = test else {
            return match value {
                Typed::Bool(b) => Some(b),
                other => {
                    self.say(faults::wrong_type(
                        path.span,
                        "a bool parameter or a comparison",
                        other.describe(),
                    ));
                    None
                }
            };
        };
        let equal = self.compare(name, &value, test, instance)?;
        Some(equal == test.equal)
    }

    fn compare(
        &mut self,
        name: &ast::Name,
        value: &Typed,
        test: &'a ast::CondTest,
        instance: InstanceId,
    ) -> Option<bool> {
        let span = test.value.span;
        let right = match &test.value.node {
            CondValue::Str(text) => Value::Str(text.clone()),
            CondValue::Int(n) => Value::Int(*n),
            CondValue::Date(d) => Value::Date(*d),
            CondValue::Path(path) => match path.text().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Expr(ast::Expr {
                    kind: ast::ExprKind::Path(path.clone()),
                    span,
                }),
            },
        };
        let ty = match (name.node.as_str(), value) {
            ("env", _) => {
                // Any declared environment is a legal right side.
                let mut members: Vec<String> = self
                    .scopes
                    .first()
                    .map(|s| s.envs.iter().map(|e| e.name.node.clone()).collect())
                    .unwrap_or_default();
                members.push(self.environment.clone());
                members.sort();
                members.dedup();
                Type::Enum(members)
            }
            ("cloud", _) => Type::Enum(vec![
                "public".to_owned(),
                "usgov".to_owned(),
                "china".to_owned(),
            ]),
            (_, Typed::Hop(_)) => Type::Hop,
            _ => {
                let decl = self.param_decl(instance, &name.node)?;
                self.param_type(decl)?
            }
        };
        let right = self.convert(&right, span, &ty, instance)?;
        match (value, &right) {
            (Typed::Region(a), Typed::Region(b)) => Some(a.arm == b.arm),
            (Typed::Bool(a), Typed::Bool(b)) => Some(a == b),
            (Typed::Int(a), Typed::Int(b)) => Some(a == b),
            (Typed::Str(a), Typed::Str(b))
            | (Typed::Enum(a), Typed::Enum(b))
            | (Typed::Vnet(a), Typed::Vnet(b)) => Some(a == b),
            (Typed::Fqdn(a), Typed::Fqdn(b)) => Some(a.eq_ignore_ascii_case(b)),
            (Typed::Date(a), Typed::Date(b)) => Some(a == b),
            (Typed::Hop(a), Typed::Hop(b)) => Some(a == b),
            (other, _) => {
                self.say(faults::wrong_type(
                    name.span,
                    "a parameter that can be compared",
                    other.describe(),
                ));
                None
            }
        }
    }
}
