//! What somebody asks about a policy: texts to trees, and trees to values in the scope of the root
//! module. It answers nothing.

use std::collections::BTreeMap;

use crate::diag::Sink;
use crate::model::asked::Asked;
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Traffic};
use crate::model::{Key, Policy};
use crate::source::{SourceMap, Span};
use crate::syntax::ast::{self, Proto};
use crate::syntax::{bad_port, parse_endpoint, parse_ports, parse_services};

use super::scope::Decl;
use super::world::{Typed, World};

/// What is asked, in words of the language. Each text is a source of its own, so that a fault in it
/// has a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Source; `any` if absent.
    pub from: Option<String>,
    /// Destination; `any` if absent.
    pub to: Option<String>,
    /// Services; `any` if absent.
    pub services: Option<String>,
    /// Ports, such as `22,80-90`; those of the services if absent.
    pub ports: Option<String>,
}

/// The same as trees.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees {
    from: Option<ast::Expr>,
    to: Option<ast::Expr>,
    services: Vec<ast::Svc>,
    ports: Option<ast::Ports>,
}

impl Words {
    /// Parses what is said. The texts become sources that are called as the options are.
    pub(crate) fn parse(&self, sources: &mut SourceMap, sink: &mut Sink) -> Trees {
        let mut out = Trees::default();
        if let Some(text) = &self.from {
            out.from = endpoint("--from", text, sources, sink);
        }
        if let Some(text) = &self.to {
            out.to = endpoint("--to", text, sources, sink);
        }
        if let Some(text) = &self.services {
            let file = sources.add("--proto", text);
            let (found, faults) = parse_services(sources, file);
            sink.extend(faults);
            out.services = found.unwrap_or_default();
        }
        if let Some(text) = &self.ports {
            let file = sources.add("--ports", text);
            let span = Span::new(file, 0, u32::try_from(text.len()).unwrap_or(u32::MAX));
            match parse_ports(text) {
                Ok(ranges) => out.ports = Some(ast::Ports { ranges, span }),
                Err(reason) => sink.push(bad_port(span, &reason)),
            }
        }
        out
    }
}

fn endpoint(
    option: &str,
    text: &str,
    sources: &mut SourceMap,
    sink: &mut Sink,
) -> Option<ast::Expr> {
    let file = sources.add(option, text);
    let (found, faults) = parse_endpoint(sources, file);
    sink.extend(faults);
    found
}

impl World<'_, '_> {
    /// Binds what is asked; nothing of it counts as a use of a name.
    pub(crate) fn asked(&mut self, trees: &Trees, policy: &mut Policy) {
        let before = self.used.clone();
        policy.asked = self.bound(trees);
        *self.used = before;
    }

    fn bound(&mut self, trees: &Trees) -> Option<Asked> {
        let mut end = |expr: &Option<ast::Expr>, source: bool| match expr {
            None => Some(Endpoint::everything()),
            Some(expr) => {
                let found = self.endpoint(expr, 0)?;
                (!source || self.can_be_source(&found, expr.span)).then_some(found)
            }
        };
        let (from, to) = (end(&trees.from, true), end(&trees.to, false));
        let traffic = self.services_asked(trees);
        let (endpoints, parameters) = self.endpoints_by_name();
        Some(Asked {
            from: from?,
            to: to?,
            traffic: traffic?,
            endpoints,
            parameters,
        })
    }

    fn services_asked(&mut self, trees: &Trees) -> Option<Traffic> {
        let mut traffic = Traffic::default();
        if trees.services.is_empty() {
            traffic.add(Proto::Any, &PortSet::all());
        } else {
            traffic = self.traffic(&trees.services, 0)?;
        }
        let Some(ports) = &trees.ports else {
            return Some(traffic);
        };
        if !self.ports_behind(ports, &trees.services, 0) {
            return None;
        }
        let mut out = Traffic::default();
        for (proto, _) in traffic.iter() {
            out.add(proto, &PortSet::from_ranges(&ports.ranges));
        }
        Some(out)
    }

    /// The endpoints and the parameters that stand for one, of every instance.
    fn endpoints_by_name(&mut self) -> (BTreeMap<Key, Endpoint>, BTreeMap<Key, Endpoint>) {
        let (mut endpoints, mut parameters) = (BTreeMap::new(), BTreeMap::new());
        for instance in 0..self.instances.len() {
            let Some(scope) = self.scope(instance) else {
                continue;
            };
            for (name, decl) in &scope.values {
                let key = self.key(instance, name);
                match decl {
                    Decl::Endpoint(e) => {
                        if let Some(found) = self.named_endpoint(instance, &e.name) {
                            endpoints.insert(key, (*found).clone());
                        }
                    }
                    Decl::Param(_) => {
                        if let Some(Typed::Endpoint(found)) = self.param(instance, name) {
                            parameters.insert(key, (*found).clone());
                        }
                    }
                    Decl::Resource(_) => {}
                }
            }
        }
        (endpoints, parameters)
    }
}
