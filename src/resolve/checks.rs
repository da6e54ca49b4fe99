//! What is checked but makes no rule: unused names, `moved`, environments.

use std::collections::BTreeMap;

use crate::diag::Sink;
use crate::model::{Flow, Hop, Policy};
use crate::source::Span;
use crate::syntax::ast;

use super::faults;
use super::imports::Module;
use super::scope::{Decl, MemberDecl, Scope};
use super::world::{InstanceId, Used, World};

/// Reports endpoints, services, parameters, security groups, tables and IP groups that nothing uses.
pub(crate) fn unused(modules: &[Module], scopes: &[Scope<'_>], used: &Used, sink: &mut Sink) {
    let broken = sink.has_errors();
    for (index, (module, scope)) in modules.iter().zip(scopes).enumerate() {
        // A use inside a faulty statement may not have been seen; the library is not the user's.
        if broken || module.standard {
            continue;
        }
        let mut tell = |space: &'static str, what: &str, name: &str, span: Span| {
            if !name.starts_with('_') && !used.contains(&(index, space, name.to_owned())) {
                sink.push(faults::unused(span, what, name));
            }
        };
        for (name, decl) in &scope.values {
            match decl {
                Decl::Param(p) => tell("value", "parameter", name, p.name.span),
                Decl::Endpoint(e) => tell("value", "endpoint", name, e.name.span),
                Decl::Resource(_) => {}
            }
        }
        for (name, service) in &scope.services {
            tell("service", "service", name, service.name.span);
        }
        for (name, r) in &scope.nsgs {
            tell("nsg", "nsg", name, r.name.span);
        }
        for (name, r) in &scope.tables {
            tell("route-table", "route table", name, r.name.span);
        }
        for (name, r) in &scope.ip_groups {
            tell("ip-group", "ip group", name, r.name.span);
        }
    }
}

/// Environments belong to the root module: elsewhere they would set nothing.
pub(crate) fn environments_of_modules(scopes: &[Scope<'_>], sink: &mut Sink) {
    for env in scopes.iter().skip(1).flat_map(|s| &s.envs) {
        sink.push(faults::misplaced(
            env.name.span,
            "env",
            "in an imported module",
            "write it in the root module: `env NAME { INSTANCE::PARAMETER = VALUE }`",
        ));
    }
}

/// `via` on a flow puts a route into the table of its source. Subnets that share the table and are no
/// source of the flow would get the route too.
pub(crate) fn shared_by_via(policy: &Policy, sink: &mut Sink) {
    let leaves = |flow: &Flow, prefix| {
        flow.from.any || flow.from.virtual_network || flow.from.addresses.meets(prefix)
    };
    for flow in &policy.flows {
        if flow.via.as_ref().is_none_or(|hop| *hop == Hop::Vnet) {
            continue;
        }
        for (key, subnet) in &policy.subnets {
            let Some(table) = subnet.route_table.as_deref() else {
                continue;
            };
            if !leaves(flow, &subnet.prefix) {
                continue;
            }
            let others: Vec<&str> = policy
                .subnets
                .iter()
                .filter(|(_, s)| s.route_table.as_deref() == Some(table))
                .filter(|(_, s)| !leaves(flow, &s.prefix))
                .map(|(k, _)| k.as_str())
                .collect();
            if !others.is_empty() {
                sink.push(faults::shared_table(flow.spans.whole, table, key, &others));
            }
        }
    }
}

impl<'a> World<'a, '_> {
    /// Evaluates every endpoint and service of an instance, so that each fault is told, used or not.
    pub(crate) fn declarations(&mut self, instance: InstanceId) {
        let Some(scope) = self.scope(instance) else {
            return;
        };
        let before = self.used.clone();
        for decl in scope.values.values() {
            if let Decl::Endpoint(e) = decl {
                self.named_endpoint(instance, &e.name);
            }
        }
        for service in scope.services.values() {
            self.named_service(instance, &service.name);
        }
        // Looking at a declaration is no use of it, but what it mentions is used.
        let module = self.module_of(instance);
        let seen = std::mem::replace(self.used, before);
        let mentioned = self.mentions(instance);
        for entry in seen {
            if entry.0 != module || mentioned.contains(&entry.2) {
                self.used.insert(entry);
            }
        }
    }

    /// Names that the endpoints and services of a module mention in their definitions.
    fn mentions(&self, instance: InstanceId) -> Vec<String> {
        let mut out = Vec::new();
        for decl in self.scope(instance).iter().flat_map(|s| s.values.values()) {
            match decl {
                Decl::Endpoint(e) => mention_expr(&e.expr, &mut out),
                Decl::Resource(r) => {
                    if let Some(e) = &r.expr {
                        mention_expr(e, &mut out);
                    }
                }
                Decl::Param(_) => {}
            }
        }
        for service in self
            .scope(instance)
            .iter()
            .flat_map(|s| s.services.values())
        {
            for svc in &service.services {
                if let ast::Svc::Named(path) = svc {
                    out.extend(path.segments.last().map(|s| s.node.clone()));
                }
            }
        }
        out
    }

    /// Checks that what `moved` leads to exists: an instance, a group, or a flow.
    pub(crate) fn moved(&mut self) {
        let scopes = self.scopes;
        for scope in scopes {
            for statement in &scope.moved {
                let target = statement.to.text();
                let parts: Vec<&str> = target.split("::").collect();
                if !leads_somewhere(scopes, scope, &parts) {
                    self.say(faults::undefined(
                        statement.to.span,
                        "instance, group or flow",
                        &target,
                        places(scope).iter().map(String::as_str),
                    ));
                }
            }
        }
    }

    /// What `moved` states, as full paths, for every instance of its module.
    pub(crate) fn renames(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (id, instance) in self.instances.iter().enumerate() {
            let front = instance.path.join("::");
            let full = |path: &ast::Path| match front.as_str() {
                "" => path.text(),
                front => format!("{front}::{}", path.text()),
            };
            for statement in self.scope(id).iter().flat_map(|s| &s.moved) {
                out.push((full(&statement.from), full(&statement.to)));
            }
        }
        out.sort();
        out.dedup();
        out
    }
}

/// Environments whose names differ in case only: on some disks their output is one folder.
pub(crate) fn environments_alike(scopes: &[Scope<'_>], sink: &mut Sink) {
    let mut seen: BTreeMap<String, &ast::Name> = BTreeMap::new();
    for env in scopes.iter().flat_map(|s| &s.envs) {
        match seen.get(&env.name.node.to_lowercase()) {
            Some(first) if first.node != env.name.node => sink.push(
                faults::twice(env.name.span, first.span, "environment", &env.name.node)
                    .help("give it a name that differs in more than upper and lower case")
                    .note("some disks hold names that differ in case in one folder"),
            ),
            Some(_) => {}
            None => {
                seen.insert(env.name.node.to_lowercase(), &env.name);
            }
        }
    }
}

fn mention_expr(expr: &ast::Expr, out: &mut Vec<String>) {
    match &expr.kind {
        ast::ExprKind::Path(path) => out.extend(path.segments.last().map(|s| s.node.clone())),
        ast::ExprKind::List(list) => {
            for element in &list.elements {
                mention_expr(&element.node, out);
            }
        }
        ast::ExprKind::Except(left, right) => {
            mention_expr(left, out);
            mention_expr(right, out);
        }
        ast::ExprKind::Fqdn(template) => mention_template(template, out),
        ast::ExprKind::Call(call) => {
            mention_template(&call.arg, out);
            if call.kind.node == ast::CallKind::IpGroup {
                out.push(call.arg.source());
            }
            if let Some(within) = &call.within {
                mention_expr(within, out);
            }
        }
        _ => {}
    }
}

fn mention_template(template: &ast::Template, out: &mut Vec<String>) {
    for piece in &template.pieces {
        if let ast::Piece::Param(name) = piece {
            out.push(name.node.clone());
        }
    }
}

/// Whether a path, seen from a module, names an instance, a group or a flow; `main` may be left out.
fn leads_somewhere(scopes: &[Scope<'_>], scope: &Scope<'_>, path: &[&str]) -> bool {
    let labelled = |group: &str, label: &str| {
        let members = scope.groups.get(group).map(|g| &g.members);
        let labels = members.into_iter().flatten().filter_map(MemberDecl::label);
        labels.into_iter().any(|l| l.node == label)
    };
    let here = match path {
        [name] => {
            scope.groups.contains_key(name)
                || scope.uses.contains_key(name)
                || labelled("main", name)
        }
        [group, label] => labelled(group, label),
        _ => false,
    };
    let below = |(first, rest): (&&str, &[&str])| {
        let module = scope.uses.get(first).and_then(|u| u.module);
        let inner = module.and_then(|module| scopes.get(module));
        inner.is_some_and(|inner| leads_somewhere(scopes, inner, rest))
    };
    here || path.split_first().is_some_and(below)
}

/// What `moved` could lead to in a module, for help.
fn places(scope: &Scope<'_>) -> Vec<String> {
    let mut known: Vec<String> = scope.uses.keys().map(|name| (*name).to_owned()).collect();
    for (name, group) in &scope.groups {
        known.push((*name).to_owned());
        for label in group.members.iter().filter_map(MemberDecl::label) {
            known.push(format!("{name}::{}", label.node));
        }
    }
    known
}
