//! `test` and `assume` to the model: probes typed, what `with` changes known. Tests are run elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Policy;
use crate::model::service::{PortSet, Traffic, word};
use crate::model::verify::{Assumption, Decider, ModelProbe, Overrides, ProbeSpans, TestBlock};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Proto, Relation};

use super::faults;
use super::flows::svc_span;
use super::scope::{Decl, MemberDecl};
use super::world::{InstanceId, World};

/// The key that says in which environment a test runs.
const ENVIRONMENT: &str = "env";
/// The key that switches optional flows on.
pub(crate) const ENABLE: &str = "enable";

impl<'a> World<'a, '_> {
    /// Types the `assume` statements of an instance.
    pub(crate) fn assumes(&mut self, instance: InstanceId, policy: &mut Policy) {
        let Some(scope) = self.scope(instance) else {
            return;
        };
        for assume in &scope.assumes {
            let left = self.endpoint(&assume.left, instance);
            let right = self.endpoint(&assume.right, instance);
            let (Some(left), Some(right)) = (left, right) else {
                continue;
            };
            let fact = Assumption {
                left,
                right,
                span: assume.left.span.to(assume.right.span),
            };
            match assume.relation.node {
                Relation::Apart => policy.apart.push(fact),
                Relation::In => policy.inside.push(fact),
            }
        }
    }

    /// The tests of every module, once per instance. While one is on trial, that one alone.
    pub(crate) fn tests(&mut self) -> Vec<TestBlock> {
        let mut out = Vec::new();
        self.in_test = true;
        for instance in 0..self.instances.len() {
            let Some(scope) = self.scope(instance) else {
                continue;
            };
            let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
            for test in &scope.tests {
                if let Some(first) = seen.insert(&test.name.node, test.name.span) {
                    let (span, name) = (test.name.span, &test.name.node);
                    self.say(faults::twice(span, first, "test", name));
                    continue;
                }
                match self.trial {
                    Some((at, on_trial)) if at == instance && std::ptr::eq(on_trial, *test) => {
                        out.push(self.test_block(test, instance, None));
                    }
                    Some(_) => {}
                    None => out.extend(self.test(test, instance)),
                }
            }
        }
        self.in_test = false;
        out
    }

    /// Puts a test on trial: the environment gets the values of its `with`. False if there is no such
    /// test. What the environment enables is replaced, for the test's instance and below.
    pub(crate) fn try_test(&mut self, wanted: &TestBlock, enabled: &mut Vec<String>) -> bool {
        let place = |i: &super::world::Instance<'_>| i.path == wanted.instance;
        let Some(instance) = self.instances.iter().position(place) else {
            return false;
        };
        let scope = self.scope(instance);
        let named = |t: &&&'a ast::Test| t.name.node == wanted.name;
        let Some(test) = scope.and_then(|s| s.tests.iter().find(named)).copied() else {
            return false;
        };
        self.trial = Some((instance, test));
        for entry in test.with.iter().flat_map(|b| &b.entries) {
            let (key, value) = (&entry.node.key, &entry.node.value);
            match key.text().as_str() {
                ENVIRONMENT => {}
                ENABLE if self.param_decl(instance, ENABLE).is_none() => {
                    let below = self.key(instance, "");
                    enabled.retain(|path| !path.starts_with(&below));
                    enabled.extend(self.enable(value, instance));
                }
                _ => {
                    if let Some((target, name)) = self.walk(key, instance) {
                        let name = name.node.clone();
                        self.give(target, key, &name, value, instance);
                    }
                }
            }
        }
        true
    }

    /// Checks a test; `None` if it does not run in this environment.
    fn test(&mut self, test: &'a ast::Test, instance: InstanceId) -> Option<TestBlock> {
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        let mut keys = Vec::new();
        let mut runs = true;
        for entry in test.with.iter().flat_map(|b| &b.entries) {
            let key = entry.node.key.text();
            if let Some(first) = seen.insert(key.clone(), entry.node.key.span) {
                self.say(faults::twice(entry.node.key.span, first, "key", &key));
                continue;
            }
            if key == ENVIRONMENT {
                runs = self.runs_here(&entry.node.value);
                continue;
            }
            keys.push(key.clone());
            if key == ENABLE && self.param_decl(instance, ENABLE).is_none() {
                self.enable(&entry.node.value, instance);
                continue;
            }
            let Some((at, name)) = self.walk(&entry.node.key, instance) else {
                continue;
            };
            match self.param_decl(at, &name.node) {
                Some(decl) => {
                    if let Some(ty) = self.param_type(decl) {
                        let value = &entry.node.value;
                        self.convert(&value.node, value.span, &ty, instance);
                    }
                }
                None => {
                    let known: Vec<&str> = self
                        .scope(at)
                        .map(|s| {
                            let params = s.values.iter();
                            let params = params.filter(|(_, d)| matches!(d, Decl::Param(_)));
                            params.map(|(n, _)| *n).chain([ENVIRONMENT]).collect()
                        })
                        .unwrap_or_default();
                    let span = entry.node.key.span;
                    self.say(faults::unknown_key(span, &key, "the test", known));
                }
            }
        }
        let with = test.with.as_ref().filter(|_| !keys.is_empty());
        let with = with.map(|block| Overrides {
            span: block.span,
            keys,
        });
        let block = self.test_block(test, instance, with);
        runs.then_some(block)
    }

    fn test_block(
        &mut self,
        test: &'a ast::Test,
        instance: InstanceId,
        with: Option<Overrides>,
    ) -> TestBlock {
        let place = self.instances.get(instance);
        TestBlock {
            instance: place.map(|i| i.path.clone()).unwrap_or_default(),
            name: test.name.node.clone(),
            span: test.name.span,
            with,
            probes: test
                .probes
                .iter()
                .filter_map(|p| self.probe(p, instance))
                .collect(),
        }
    }

    /// A probe; `None` if a fault was reported.
    fn probe(
        &mut self,
        node: &'a ast::Node<ast::Probe>,
        instance: InstanceId,
    ) -> Option<ModelProbe> {
        let p = &node.node;
        let traffic = self.traffic(&p.services, instance);
        let traffic = match &p.ports {
            Some(ports) => {
                let fit = self.ports_behind(ports, &p.services, instance);
                traffic.filter(|_| fit).map(|t| on_ports(&t, ports))
            }
            None => traffic,
        };
        let from = self.endpoint(&p.from, instance);
        let from_fits = from
            .as_ref()
            .is_none_or(|from| self.can_be_source(from, p.from.span));
        let to = self.endpoint(&p.to, instance);
        let at = p.at.as_ref().map(|at| self.layer_or_kind(at, instance));
        let by = p.by.as_ref().map(|by| self.decider(by, instance));
        if !from_fits || at == Some(None) || by == Some(None) {
            return None;
        }
        let services = p.services.iter().map(svc_span).reduce(Span::to);
        Some(ModelProbe {
            expect: p.expect.node,
            traffic: traffic?,
            from: from?,
            to: to?,
            at: at.flatten(),
            by: by.flatten(),
            spans: ProbeSpans {
                whole: node.span,
                expect: p.expect.span,
                services: services.unwrap_or(node.span),
                from: p.from.span,
                to: p.to.span,
                at: p.at.as_ref().map(|path| path.span),
                by: p.by.as_ref().map(|path| path.span),
            },
        })
    }

    /// Whether a test's `env` is the environment at hand; that it is one at all is checked.
    fn runs_here(&mut self, value: &'a Spanned<ast::Value>) -> bool {
        let name = match &value.node {
            ast::Value::Str(text) => text.clone(),
            ast::Value::Expr(e) => match &e.kind {
                ast::ExprKind::Path(path) => path.text(),
                _ => return false,
            },
            _ => return false,
        };
        let declared = self.scopes.first().map(|s| s.envs.iter());
        let known: Vec<&str> = declared
            .into_iter()
            .flatten()
            .map(|e| e.name.node.as_str())
            .collect();
        if !known.contains(&name.as_str()) && name != self.environment {
            self.say(faults::undefined(value.span, "environment", &name, known));
        }
        name == self.environment
    }

    /// Checks ports behind a probe's destination: they go with protocols that have ports and name
    /// none themselves. False if they do not fit.
    pub(crate) fn ports_behind(
        &mut self,
        ports: &ast::Ports,
        services: &[ast::Svc],
        instance: InstanceId,
    ) -> bool {
        for service in services {
            match service {
                ast::Svc::Proto { proto, .. }
                    if matches!(proto.node, Proto::Icmp | Proto::Esp | Proto::Ah) =>
                {
                    self.say(faults::no_ports(ports.span, word(proto.node)));
                    return false;
                }
                ast::Svc::Proto { .. } => {}
                ast::Svc::Named(path) => {
                    let name = path.segments.last();
                    let declared = name.and_then(|name| {
                        let scope = self.scope(instance)?;
                        scope.services.get(name.node.as_str()).copied()
                    });
                    if declared.is_some_and(|s| has_ports(&s.services)) {
                        self.say(
                            faults::misplaced(
                                ports.span,
                                "ports",
                                "behind the destination",
                                "the service has ports already: write the protocol with these ports, or drop them here",
                            ),
                        );
                        return false;
                    }
                }
            }
        }
        true
    }

    /// What `by` names: a flow or translation of this instance or one below; `None` if a fault was
    /// reported.
    fn decider(&mut self, path: &ast::Path, instance: InstanceId) -> Option<Decider> {
        let text = path.text();
        if text == "default" {
            return Some(Decider::Default);
        }
        let own = self.instances.get(instance)?.path.clone();
        let mut known = Vec::new();
        let mut found: BTreeSet<(bool, String)> = BTreeSet::new();
        for (id, child) in self.instances.iter().enumerate() {
            let Some(below) = child.path.strip_prefix(own.as_slice()) else {
                continue;
            };
            let front: String = below.iter().map(|name| format!("{name}::")).collect();
            for (name, group) in self.scope(id).iter().flat_map(|s| &s.groups) {
                for label in group.members.iter().filter_map(MemberDecl::label) {
                    let whole = format!("{name}::{}", label.node);
                    for way in [format!("{front}{whole}"), format!("{front}{}", label.node)] {
                        if way == text {
                            // Of a label alone the one outside groups is meant first.
                            found.insert((*name != "main", self.key(id, &whole)));
                        }
                        known.push(way);
                    }
                }
            }
        }
        let Some((grouped, _)) = found.first().cloned() else {
            let known = known.iter().map(String::as_str);
            self.say(faults::undefined(path.span, "flow", &text, known));
            return None;
        };
        let meant = found.into_iter().filter(|(g, _)| *g == grouped);
        Some(Decider::Flow(meant.map(|(_, id)| id).collect()))
    }
}

/// The same protocols on these ports.
fn on_ports(traffic: &Traffic, ports: &ast::Ports) -> Traffic {
    let ports = PortSet::from_ranges(&ports.ranges);
    let mut out = Traffic::default();
    for (proto, _) in traffic.iter() {
        out.add(proto, &ports);
    }
    out
}

fn has_ports(services: &[ast::Svc]) -> bool {
    services.iter().any(|s| match s {
        ast::Svc::Proto { ports, .. } => ports.is_some(),
        ast::Svc::Named(_) => false,
    })
}
