//! Environments and instances: which modules are used under which path, and which values their
//! parameters are given.

use std::collections::BTreeMap;

use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, ExprKind, Value};
use crate::syntax::too_large;

use super::faults;
use super::scope::{Decl, MemberDecl};
use super::world::{Instance, InstanceId, World};

/// Most uses of modules. A chain of modules that each use the next one twice has no end otherwise.
const MAX_INSTANCES: usize = 10_000;

impl<'a> World<'a, '_> {
    /// Builds the tree of instances and gives their parameters the values of `with` blocks and of
    /// the environment. Returns what the environment enables.
    pub(crate) fn instantiate(&mut self) -> Vec<String> {
        self.grow(0);
        self.environment_values()
    }

    /// False if there were too many, which is told once.
    fn grow(&mut self, instance: InstanceId) -> bool {
        let Some(scope) = self.scope(instance) else {
            return true;
        };
        for (name, decl) in &scope.uses {
            let Some(module) = decl.module else {
                continue;
            };
            let child = self.instances.len();
            if child >= MAX_INSTANCES {
                let what = format!("the project holds more than {MAX_INSTANCES} uses of modules");
                let help = "use modules in fewer places; every use of a module uses its own again";
                self.say(too_large(decl.statement.name.span, &what, help));
                return false;
            }
            let mut path = self
                .instances
                .get(instance)
                .map(|i| i.path.clone())
                .unwrap_or_default();
            path.push((*name).to_owned());
            self.instances.push(Instance {
                module,
                path,
                children: BTreeMap::new(),
                given: BTreeMap::new(),
            });
            if let Some(parent) = self.instances.get_mut(instance) {
                parent.children.insert((*name).to_owned(), child);
            }
            let mut seen: BTreeMap<String, Span> = BTreeMap::new();
            for entry in decl.statement.with.iter().flat_map(|b| &b.entries) {
                let key = entry.node.key.text();
                if let Some(first) = seen.insert(key.clone(), entry.node.key.span) {
                    self.say(faults::twice(entry.node.key.span, first, "key", &key));
                    continue;
                }
                self.give(child, &entry.node.key, &key, &entry.node.value, instance);
            }
            if !self.grow(child) {
                return false;
            }
        }
        true
    }

    /// Gives a parameter of an instance a value that was written in another instance's scope.
    pub(crate) fn give(
        &mut self,
        target: InstanceId,
        key: &ast::Path,
        name: &str,
        value: &'a Spanned<Value>,
        written_in: InstanceId,
    ) {
        if self.param_decl(target, name).is_some() {
            if let Some(instance) = self.instances.get_mut(target) {
                instance.given.insert(name.to_owned(), (value, written_in));
            }
            return;
        }
        let known: Vec<&str> = self
            .scope(target)
            .map(|s| {
                s.values
                    .iter()
                    .filter(|(_, d)| matches!(d, Decl::Param(_)))
                    .map(|(n, _)| *n)
                    .collect()
            })
            .unwrap_or_default();
        let mut known = known;
        let whose = if target == 0 {
            known.push("enable");
            format!("environment `{}`", self.environment)
        } else {
            let path = self
                .instances
                .get(target)
                .map(|i| i.path.join("::"))
                .unwrap_or_default();
            format!("instance `{path}`")
        };
        self.say(faults::unknown_key(key.span, name, &whose, known));
    }

    fn environment_values(&mut self) -> Vec<String> {
        let mut enable = Vec::new();
        let Some(root) = self.scopes.first() else {
            return enable;
        };
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for env in &root.envs {
            if env.name.node != self.environment {
                continue;
            }
            for entry in &env.block.entries {
                let key = entry.node.key.text();
                if let Some(first) = seen.insert(key.clone(), entry.node.key.span) {
                    self.say(faults::twice(entry.node.key.span, first, "key", &key));
                    continue;
                }
                if key == "enable" && self.param_decl(0, "enable").is_none() {
                    enable.extend(self.enable(&entry.node.value, 0));
                    continue;
                }
                if let Some((target, name)) = self.walk(&entry.node.key, 0) {
                    let name = name.node.clone();
                    self.give(target, &entry.node.key, &name, &entry.node.value, 0);
                }
            }
        }
        enable
    }

    /// The paths of `enable`, each checked to be an optional flow or a group with one, seen from an
    /// instance.
    pub(crate) fn enable(
        &mut self,
        value: &'a Spanned<Value>,
        instance: InstanceId,
    ) -> Vec<String> {
        let mut out = Vec::new();
        let elements: Vec<(&Value, Span)> = match &value.node {
            Value::List(list) => list.elements.iter().map(|e| (&e.node, e.span)).collect(),
            one => vec![(one, value.span)],
        };
        let optional = self.optional_flows();
        for (element, span) in elements {
            let path = match element {
                Value::Expr(e) => match &e.kind {
                    ExprKind::Path(path) => Some(path.text()),
                    _ => None,
                },
                _ => None,
            };
            let Some(path) = path else {
                if !matches!(element, Value::Expr(e) if e.kind == ExprKind::Error) {
                    self.say(faults::wrong_type(
                        span,
                        "the path of an optional flow or of a group",
                        super::values::describe(element),
                    ));
                }
                continue;
            };
            let whole = self.key(instance, &path);
            let in_group = format!("{whole}::");
            let in_main = match whole.rsplit_once("::") {
                Some((front, label)) => format!("{front}::main::{label}"),
                None => format!("main::{whole}"),
            };
            let before = out.len();
            if optional
                .iter()
                .any(|o| *o == whole || o.starts_with(&in_group))
            {
                out.push(whole);
            }
            if optional.contains(&in_main) {
                out.push(in_main);
            }
            if out.len() == before {
                self.say(faults::enable(span, &path, &optional));
            }
        }
        out
    }

    /// Ids of every optional flow, `when` or not.
    fn optional_flows(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (id, _) in self.instances.iter().enumerate() {
            let Some(scope) = self.scope(id) else {
                continue;
            };
            for (name, group) in &scope.groups {
                for member in &group.members {
                    if let MemberDecl::Flow(flow, _) = member
                        && flow.need.as_ref().map(|n| n.node) == Some(ast::Need::Optional)
                        && let Some(label) = &flow.label
                    {
                        out.push(self.key(id, &format!("{name}::{}", label.node)));
                    }
                }
            }
        }
        out
    }

    /// Evaluates every parameter of an instance, so that each fault is told, used or not.
    pub(crate) fn params(&mut self, instance: InstanceId) {
        let Some(scope) = self.scope(instance) else {
            return;
        };
        for (name, decl) in &scope.values {
            if let Decl::Param(_) = decl {
                self.param_quietly(instance, name);
            }
        }
    }
}
