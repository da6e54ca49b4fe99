//! What each module declares, by namespace; duplicates are reported. Nothing is evaluated.

use std::collections::BTreeMap;

use crate::diag::Sink;
use crate::source::Span;
use crate::syntax::ast;

use super::faults;
use super::imports::Module;

/// A value: something an endpoint expression may name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decl<'a> {
    /// A parameter.
    Param(&'a ast::Param),
    /// An endpoint.
    Endpoint(&'a ast::Endpoint),
    /// A vnet, subnet or firewall.
    Resource(&'a ast::Resource),
}

impl Decl<'_> {
    pub(crate) fn name(&self) -> &ast::Name {
        match self {
            Self::Param(p) => &p.name,
            Self::Endpoint(e) => &e.name,
            Self::Resource(r) => &r.name,
        }
    }
}

/// A group with its members, or the flows outside groups as group `main`.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupDecl<'a> {
    /// `ordered` and its place.
    pub ordered: Option<Span>,
    /// Clauses of the header.
    pub clauses: Vec<&'a ast::Clause>,
    /// Its statements.
    pub members: Vec<MemberDecl<'a>>,
    labels: BTreeMap<&'a str, Span>,
}

/// A statement of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MemberDecl<'a> {
    /// A flow and the whole statement.
    Flow(&'a ast::Flow, Span),
    /// A route.
    Route(&'a ast::Route, Span),
    /// A DNAT.
    Dnat(&'a ast::Dnat, Span),
}

impl<'a> MemberDecl<'a> {
    pub(crate) fn label(&self) -> Option<&'a ast::Name> {
        match self {
            Self::Flow(f, _) => f.label.as_ref(),
            Self::Route(r, _) => r.label.as_ref(),
            Self::Dnat(d, _) => d.label.as_ref(),
        }
    }
}

/// A `use` statement and the module behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UseDecl<'a> {
    pub statement: &'a ast::Use,
    pub module: Option<usize>,
}

/// Everything one module declares.
#[derive(Debug, Default)]
pub(crate) struct Scope<'a> {
    pub values: BTreeMap<&'a str, Decl<'a>>,
    pub services: BTreeMap<&'a str, &'a ast::Service>,
    pub nsgs: BTreeMap<&'a str, &'a ast::Resource>,
    pub tables: BTreeMap<&'a str, &'a ast::Resource>,
    pub ip_groups: BTreeMap<&'a str, &'a ast::Resource>,
    pub uses: BTreeMap<&'a str, UseDecl<'a>>,
    pub groups: BTreeMap<&'a str, GroupDecl<'a>>,
    pub envs: Vec<&'a ast::Env>,
    pub assumes: Vec<&'a ast::Assume>,
    pub tests: Vec<&'a ast::Test>,
    pub moved: Vec<&'a ast::Moved>,
}

/// Collects the declarations of a module.
pub(crate) fn collect_scope<'a>(module: &'a Module, sink: &mut Sink) -> Scope<'a> {
    let mut scope = Scope::default();
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    for file in &module.files {
        for item in &file.items {
            collect_item(&mut scope, module, item, &mut seen, sink);
        }
    }
    scope
}

fn collect_item<'a>(
    scope: &mut Scope<'a>,
    module: &Module,
    item: &'a ast::Node<ast::Item>,
    seen: &mut BTreeMap<(&'a str, &'a str), Span>,
    sink: &mut Sink,
) {
    let mut declare = |space: &'a str, what: &str, name: &'a ast::Name| match seen
        .insert((space, name.node.as_str()), name.span)
    {
        Some(first) => {
            sink.push(faults::twice(name.span, first, what, &name.node));
            false
        }
        None => true,
    };
    match &item.node {
        ast::Item::Use(u) => {
            if declare("use", "instance", &u.name) {
                let target = module.uses.get(&u.name.span).copied();
                scope.uses.insert(
                    &u.name.node,
                    UseDecl {
                        statement: u,
                        module: target,
                    },
                );
            }
        }
        ast::Item::Param(p) => {
            let built_in = matches!(p.name.node.as_str(), "env" | "cloud");
            if declare("value", "name", &p.name) {
                scope.values.insert(&p.name.node, Decl::Param(p));
            }
            if built_in {
                sink.push(faults::misplaced(
                    p.name.span,
                    &p.name.node,
                    "as the name of a parameter",
                    "`env` and `cloud` are built in: choose another name",
                ));
            }
        }
        ast::Item::Endpoint(e) => {
            if declare("value", "name", &e.name) {
                scope.values.insert(&e.name.node, Decl::Endpoint(e));
            }
        }
        ast::Item::Service(s) => {
            if declare("service", "service", &s.name) {
                scope.services.insert(&s.name.node, s);
            }
        }
        ast::Item::Resource(r) => match r.kind {
            ast::ResourceKind::Vnet | ast::ResourceKind::Subnet | ast::ResourceKind::Firewall => {
                if declare("value", "name", &r.name) {
                    scope.values.insert(&r.name.node, Decl::Resource(r));
                }
            }
            ast::ResourceKind::Nsg => {
                if declare("nsg", "nsg", &r.name) {
                    scope.nsgs.insert(&r.name.node, r);
                }
            }
            ast::ResourceKind::RouteTable => {
                if declare("route-table", "route table", &r.name) {
                    scope.tables.insert(&r.name.node, r);
                }
            }
            ast::ResourceKind::IpGroup => {
                if declare("ip-group", "ip group", &r.name) {
                    scope.ip_groups.insert(&r.name.node, r);
                }
            }
        },
        ast::Item::Env(e) => scope.envs.push(e),
        ast::Item::Group(g) => {
            if declare("group", "group", &g.name) {
                let members = g.members.iter().filter_map(|m| match &m.node {
                    ast::Member::Flow(f) => Some(MemberDecl::Flow(f, m.span)),
                    ast::Member::Route(r) => Some(MemberDecl::Route(r, m.span)),
                    ast::Member::Dnat(d) => Some(MemberDecl::Dnat(d, m.span)),
                    ast::Member::Error => None,
                });
                let mut group = GroupDecl {
                    ordered: g.ordered,
                    clauses: g.clauses.iter().map(|c| &c.node).collect(),
                    ..GroupDecl::default()
                };
                for member in members {
                    add_member(&mut group, member, sink);
                }
                let slot = scope.groups.entry(&g.name.node).or_default();
                // Flows outside groups may have come first, as members of `main`.
                let earlier = std::mem::take(&mut slot.members);
                *slot = group;
                for member in earlier {
                    add_member(slot, member, sink);
                }
            }
        }
        ast::Item::Flow(f) => add_main(scope, MemberDecl::Flow(f, item.span), sink),
        ast::Item::Route(r) => add_main(scope, MemberDecl::Route(r, item.span), sink),
        ast::Item::Dnat(d) => add_main(scope, MemberDecl::Dnat(d, item.span), sink),
        ast::Item::Moved(m) => scope.moved.push(m),
        ast::Item::Assume(a) => scope.assumes.push(a),
        ast::Item::Test(t) => scope.tests.push(t),
        ast::Item::Error => {}
    }
}

fn add_main<'a>(scope: &mut Scope<'a>, member: MemberDecl<'a>, sink: &mut Sink) {
    add_member(scope.groups.entry("main").or_default(), member, sink);
}

fn add_member<'a>(group: &mut GroupDecl<'a>, member: MemberDecl<'a>, sink: &mut Sink) {
    if let Some(label) = member.label() {
        if let Some(first) = group.labels.get(label.node.as_str()) {
            sink.push(faults::twice(label.span, *first, "label", &label.node));
            return;
        }
        group.labels.insert(&label.node, label.span);
    }
    group.members.push(member);
}
