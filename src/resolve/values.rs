//! Expressions and values to typed ones: endpoints, services, parameter values. Statements are
//! walked elsewhere.

use std::rc::Rc;

use ipnet::IpNet;

use crate::catalog::{self, TagKind};
use crate::model::address::AddressSet;
use crate::model::endpoint::{Endpoint, NamePattern, Union};
use crate::model::service::{PortSet, Traffic, default_port, word};
use crate::model::{Hop, Key};
use crate::source::Span;
use crate::syntax::ast::{self, CallKind, ExprKind, Piece, Proto, Value};
use crate::syntax::{bad_name_pattern, check_name_pattern};

use super::faults;
use super::scope::Decl;
use super::url::check_url;
use super::world::{InstanceId, Type, Typed, World};

impl<'a> World<'a, '_> {
    /// What an endpoint expression stands for; `None` if a fault was reported.
    pub(crate) fn endpoint(&mut self, expr: &ast::Expr, instance: InstanceId) -> Option<Endpoint> {
        self.deeper(expr.span, |world| world.endpoint_inside(expr, instance))
    }

    fn endpoint_inside(&mut self, expr: &ast::Expr, instance: InstanceId) -> Option<Endpoint> {
        match &expr.kind {
            ExprKind::Any => Some(Endpoint::everything()),
            ExprKind::Prefix(net) => Some(Endpoint::of(AddressSet::prefix(*net))),
            ExprKind::Address(address) => Some(Endpoint::of(AddressSet::range(*address, *address))),
            ExprKind::Range(first, last) => Some(Endpoint::of(AddressSet::range(*first, *last))),
            ExprKind::Fqdn(template) => self.name_pattern(template, None, instance),
            ExprKind::Path(path) => {
                let (at, name) = self.walk(path, instance)?;
                self.named_endpoint(at, name).map(|e| (*e).clone())
            }
            ExprKind::Call(call) => self.call(call, instance),
            ExprKind::List(list) => {
                let sets: Vec<Option<Endpoint>> = list
                    .elements
                    .iter()
                    .map(|element| self.endpoint(&element.node, instance))
                    .collect();
                let sets: Vec<Endpoint> = sets.into_iter().collect::<Option<_>>()?;
                self.tell_nested(&list.elements, &sets, instance);
                let mut out = Union::default();
                for set in sets {
                    out.add(set);
                }
                Some(out.whole())
            }
            ExprKind::Except(left, right) => self.except(left, right, instance),
            ExprKind::Error => None,
        }
    }

    fn call(&mut self, call: &ast::Call, instance: InstanceId) -> Option<Endpoint> {
        let span = call.arg.span;
        let mut out = Endpoint::default();
        match call.kind.node {
            CallKind::Tag => return self.tag(call, instance),
            CallKind::FqdnTag => {
                let text = self.interpolate(&call.arg, instance, false)?;
                match catalog::fqdn_tag(&text) {
                    Some(tag) => {
                        out.fqdn_tags.insert(tag.name.to_owned());
                    }
                    None => {
                        let service = self.catalog.tag(&text).is_some();
                        let near = catalog::suggest_fqdn_tag(&text);
                        let near = near.filter(|_| !service);
                        self.say(faults::fqdn_tag(span, &text, near, service));
                        return None;
                    }
                }
            }
            CallKind::Category => {
                let text = self.interpolate(&call.arg, instance, false)?;
                match catalog::category(&text) {
                    Some(category) => {
                        out.categories.insert(category.name.to_owned());
                    }
                    None => {
                        let near = catalog::suggest_category(&text);
                        self.say(faults::category(span, &text, near));
                        return None;
                    }
                }
            }
            CallKind::Url => {
                let text = self.interpolate(&call.arg, instance, false)?;
                if let Err(reason) = check_url(&text) {
                    self.say(faults::bad_url(span, &text, reason));
                    return None;
                }
                out.urls.insert(text);
            }
            CallKind::Asg => {
                let text = self.interpolate(&call.arg, instance, false)?;
                out.asgs.insert(text);
            }
            CallKind::IpGroup => {
                let text = self.interpolate(&call.arg, instance, false)?;
                let scope = self.scope(instance)?;
                let Some(group) = scope.ip_groups.get(text.as_str()) else {
                    let known = self.guesses(scope.ip_groups.keys());
                    self.say(faults::undefined(span, "ip group", &text, known));
                    return None;
                };
                self.mark(instance, "ip-group", &text);
                let addresses = match &group.expr {
                    Some(expr) => self.plain(expr, instance)?,
                    None => AddressSet::empty(),
                };
                let key = self.key(instance, &text);
                // A group that exists and of which nothing but its `id` is told.
                let given = group
                    .block
                    .iter()
                    .flat_map(|b| &b.entries)
                    .any(|e| e.node.key.text() == "id");
                let known = !(given && addresses.is_empty());
                if known && addresses.is_empty() {
                    self.say(faults::empty_group(span, &text));
                    return None;
                }
                out.ip_groups.insert(key, known.then_some(addresses));
            }
            CallKind::Fqdn => {
                let within = match &call.within {
                    Some(expr) => Some(self.plain(expr, instance)?),
                    None => None,
                };
                return self.name_pattern(&call.arg, within, instance);
            }
        }
        Some(out)
    }

    fn name_pattern(
        &mut self,
        template: &ast::Template,
        within: Option<AddressSet>,
        instance: InstanceId,
    ) -> Option<Endpoint> {
        let interpolated = template.pieces.iter().any(|p| matches!(p, Piece::Param(_)));
        let text = self
            .interpolate(template, instance, false)?
            .to_ascii_lowercase();
        if interpolated && let Err(reason) = check_name_pattern(&text) {
            self.say(bad_name_pattern(template.span, &text, &reason));
            return None;
        }
        let mut out = Endpoint::default();
        out.names.insert(NamePattern { text, within });
        Some(out)
    }

    fn tag(&mut self, call: &ast::Call, instance: InstanceId) -> Option<Endpoint> {
        let span = call.arg.span;
        let text = self.interpolate(&call.arg, instance, true)?;
        let mut out = Endpoint::default();
        let found = self.catalog.tag(&text).map(|t| {
            (
                t.name().to_owned(),
                t.kind(),
                t.deprecated().map(str::to_owned),
            )
        });
        let Some((name, kind, deprecated)) = found else {
            self.unknown_tag(&text, span);
            return None;
        };
        if let Some(reason) = deprecated {
            self.say(faults::deprecated_tag(span, &name, &reason));
        }
        // A parameter's text may be spelt as somebody else needs it.
        if call.arg.source() == text && text != name {
            self.say(faults::tag_spelling(span, &text, &name));
        }
        match (kind, name.as_str()) {
            (TagKind::Special, "Internet") => out.internet = true,
            (TagKind::Special, "VirtualNetwork") => out.virtual_network = true,
            _ => {
                out.tags.insert(name);
            }
        }
        Some(out)
    }

    fn unknown_tag(&mut self, text: &str, span: Span) {
        let identity = self.catalog.identity().to_string();
        if let Some((base, region)) = text.split_once('.')
            && let Some(known) = self.catalog.tag(base).map(|t| t.name().to_owned())
            && self.catalog.canonical_tag_hint(text).is_none()
        {
            let d = match self.catalog.region(region) {
                Some(_) if !self.catalog.has_regional(&known) => faults::region(
                    span,
                    format!("service tag `{known}` has no regional form"),
                    Some(known.as_str()),
                    "drop the suffix",
                ),
                Some(found) => faults::region(
                    span,
                    format!(
                        "service tag `{known}` has no form for region `{}`",
                        found.arm
                    ),
                    None,
                    "drop the suffix, or use a region of the list",
                ),
                None => {
                    let near = self.near_tag(text);
                    faults::region(
                        span,
                        format!("`{region}` is not a region of service tag `{known}`"),
                        near.as_deref(),
                        "drop the suffix, or use a region of the list",
                    )
                }
            };
            self.say(d);
            return;
        }
        let near = self
            .catalog
            .canonical_tag_hint(text)
            .or_else(|| self.near_tag(text));
        self.say(faults::service_tag(span, text, &identity, near.as_deref()));
    }

    fn near_tag(&self, text: &str) -> Option<String> {
        self.may_guess().then(|| self.catalog.suggest_tag(text))?
    }

    /// The text with its parameters put in. In a tag a region takes the tag's own spelling.
    fn interpolate(
        &mut self,
        template: &ast::Template,
        instance: InstanceId,
        in_tag: bool,
    ) -> Option<String> {
        let mut out = String::new();
        for piece in &template.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Param(name) => {
                    let built_in = matches!(name.node.as_str(), "env" | "cloud");
                    if !built_in && self.param_decl(instance, &name.node).is_none() {
                        self.undefined_param(name, instance);
                        return None;
                    }
                    match self.param(instance, &name.node)? {
                        Typed::Region(region) if in_tag => {
                            let base = out.trim_end_matches('.').to_owned();
                            match self.catalog.regional_tag(&base, region) {
                                Some(tag) => out = tag,
                                None => {
                                    out.push_str(region.tag_suffix.unwrap_or(region.arm));
                                }
                            }
                        }
                        Typed::Region(region) => out.push_str(region.arm),
                        Typed::Str(text) | Typed::Fqdn(text) | Typed::Enum(text) => {
                            out.push_str(&text);
                        }
                        Typed::Int(number) => out.push_str(&number.to_string()),
                        other => {
                            self.say(faults::wrong_type(
                                name.span,
                                "a region, string, enum, fqdn or int parameter",
                                other.describe(),
                            ));
                            return None;
                        }
                    }
                }
            }
        }
        Some(out)
    }

    /// Reports a name that should be a parameter and is not.
    pub(crate) fn undefined_param(&mut self, name: &ast::Name, instance: InstanceId) {
        let known: Vec<&str> = self
            .scope(instance)
            .map(|s| {
                let params = s.values.iter();
                self.guesses(
                    params
                        .filter(|(_, d)| matches!(d, Decl::Param(_)))
                        .map(|(n, _)| n)
                        .chain(&["env", "cloud"]),
                )
            })
            .unwrap_or_default();
        self.say(faults::undefined(name.span, "parameter", &name.node, known));
    }

    /// The traffic that a list of services stands for.
    pub(crate) fn traffic(
        &mut self,
        services: &[ast::Svc],
        instance: InstanceId,
    ) -> Option<Traffic> {
        let sets: Vec<Option<Traffic>> = services
            .iter()
            .map(|service| self.one_service(service, instance))
            .collect();
        let sets: Vec<Traffic> = sets.into_iter().collect::<Option<_>>()?;
        self.tell_nested_services(services, &sets);
        let mut out = Traffic::default();
        for set in &sets {
            out.extend(set);
        }
        Some(out)
    }

    fn one_service(&mut self, service: &ast::Svc, instance: InstanceId) -> Option<Traffic> {
        match service {
            ast::Svc::Proto { proto, ports } => {
                let portless = matches!(
                    proto.node,
                    Proto::Icmp | Proto::Esp | Proto::Ah | Proto::Any
                );
                let set = match ports {
                    Some(p) if portless => {
                        self.say(faults::no_ports(p.span, word(proto.node)));
                        return None;
                    }
                    Some(p) => PortSet::from_ranges(&p.ranges),
                    None => default_port(proto.node).map_or_else(PortSet::all, PortSet::one),
                };
                let mut out = Traffic::default();
                out.add(proto.node, &set);
                Some(out)
            }
            ast::Svc::Named(path) => {
                let (at, name) = self.walk(path, instance)?;
                self.named_service(at, name).map(|t| (*t).clone())
            }
        }
    }

    /// A typed value as an endpoint.
    pub(crate) fn as_endpoint(&mut self, value: &Typed, span: Span) -> Option<Rc<Endpoint>> {
        match value {
            Typed::Endpoint(e) => Some(Rc::clone(e)),
            Typed::Fqdn(name) => {
                let mut out = Endpoint::default();
                out.names.insert(NamePattern {
                    text: name.to_ascii_lowercase(),
                    within: None,
                });
                Some(Rc::new(out))
            }
            Typed::Vnet(key) => self.resource_by_key(key, span),
            Typed::Hop(Hop::Firewall(key)) => self.resource_by_key(key, span),
            Typed::List(items) => {
                let mut out = Union::default();
                for item in items {
                    out.add((*self.as_endpoint(item, span)?).clone());
                }
                Some(Rc::new(out.whole()))
            }
            other => {
                self.say(faults::wrong_type(span, "an endpoint", other.describe()));
                None
            }
        }
    }

    fn resource_by_key(&mut self, key: &str, span: Span) -> Option<Rc<Endpoint>> {
        let mut at = 0;
        let mut parts: Vec<&str> = key.split("::").collect();
        let name = parts.pop()?.to_owned();
        for part in parts {
            at = self.instances.get(at)?.children.get(part).copied()?;
        }
        self.named_endpoint(at, &crate::source::Spanned::new(name, span))
    }

    /// A hop: one of the four words, a firewall, or a hop parameter.
    pub(crate) fn hop(&mut self, path: &ast::Path, instance: InstanceId) -> Option<Hop> {
        match path.text().as_str() {
            "internet" => return Some(Hop::Internet),
            "none" => return Some(Hop::None),
            "vnet" => return Some(Hop::Vnet),
            "gateway" => return Some(Hop::Gateway),
            _ => {}
        }
        let (at, name) = self.walk(path, instance)?;
        match self
            .scope(at)
            .and_then(|s| s.values.get(name.node.as_str()))
        {
            Some(Decl::Resource(r)) if r.kind == ast::ResourceKind::Firewall => {
                self.mark(at, "value", &name.node);
                Some(Hop::Firewall(self.key(at, &name.node)))
            }
            Some(Decl::Param(_)) => match self.param(at, &name.node)? {
                Typed::Hop(hop) => Some(hop),
                other => {
                    self.say(faults::wrong_type(name.span, "a hop", other.describe()));
                    None
                }
            },
            Some(_) => {
                self.say(faults::wrong_type(name.span, "a hop", "an endpoint"));
                None
            }
            None => {
                let known: Vec<&str> = self
                    .scope(at)
                    .map(|s| self.guesses(s.values.keys()))
                    .unwrap_or_default();
                let words = ["internet", "none", "vnet", "gateway"];
                self.say(faults::undefined(
                    name.span,
                    "hop",
                    &name.node,
                    known.into_iter().chain(words),
                ));
                None
            }
        }
    }

    /// A virtual network by name or parameter.
    fn vnet(&mut self, path: &ast::Path, instance: InstanceId) -> Option<Key> {
        let (at, name) = self.walk(path, instance)?;
        match self
            .scope(at)
            .and_then(|s| s.values.get(name.node.as_str()))
        {
            Some(Decl::Resource(r)) if r.kind == ast::ResourceKind::Vnet => {
                self.mark(at, "value", &name.node);
                Some(self.key(at, &name.node))
            }
            Some(Decl::Param(_)) => match self.param(at, &name.node)? {
                Typed::Vnet(key) => Some(key),
                other => {
                    self.say(faults::wrong_type(name.span, "a vnet", other.describe()));
                    None
                }
            },
            Some(_) => {
                self.say(faults::wrong_type(name.span, "a vnet", "an endpoint"));
                None
            }
            None => {
                let known: Vec<&str> = self
                    .scope(at)
                    .map(|s| self.guesses(s.values.keys()))
                    .unwrap_or_default();
                self.say(faults::undefined(name.span, "vnet", &name.node, known));
                None
            }
        }
    }

    /// A value as the expected type; `None` if a fault was reported.
    pub(crate) fn convert(
        &mut self,
        value: &Value,
        span: Span,
        ty: &Type,
        instance: InstanceId,
    ) -> Option<Typed> {
        if matches!(value, Value::Expr(e) if e.kind == ExprKind::Error) {
            return None; // it was reported where it was read
        }
        if let Type::List(of) = ty {
            let Value::List(list) = value else {
                return match self.param_as(value, ty, instance) {
                    Some(found) => found,
                    None => self
                        .convert(value, span, of, instance)
                        .map(|one| Typed::List(vec![one])),
                };
            };
            let mut out = Vec::new();
            let mut whole = true;
            for element in &list.elements {
                match self.convert(&element.node, element.span, of, instance) {
                    Some(v) => out.push(v),
                    None => whole = false,
                }
            }
            return whole.then_some(Typed::List(out));
        }
        if let Some(found) = self.param_as(value, ty, instance) {
            return found;
        }
        match (ty, value) {
            (Type::Bool, Value::Bool(b)) => Some(Typed::Bool(*b)),
            (Type::Int, Value::Int(n)) => Some(Typed::Int(*n)),
            (Type::Str, Value::Str(s)) => Some(Typed::Str(s.clone())),
            (Type::Date, Value::Date(d)) => Some(Typed::Date(*d)),
            (Type::Region, Value::Str(text)) => self.region(text, span).map(Typed::Region),
            (Type::Region, Value::Expr(e)) => match &e.kind {
                ExprKind::Path(path) => self.region(&path.text(), span).map(Typed::Region),
                _ => self.mismatch(value, span, ty),
            },
            (Type::Enum(members), _) => {
                let text = match value {
                    Value::Expr(e) => match &e.kind {
                        ExprKind::Path(path) => path.text(),
                        _ => return self.mismatch(value, span, ty),
                    },
                    Value::Int(n) => n.to_string(),
                    Value::Bool(b) => b.to_string(),
                    Value::Str(s) => s.clone(),
                    _ => return self.mismatch(value, span, ty),
                };
                if members.contains(&text) {
                    return Some(Typed::Enum(text));
                }
                self.say(faults::not_a_member(span, &text, "this value", members));
                None
            }
            (Type::Fqdn, Value::Str(text)) => match check_name_pattern(text) {
                Ok(()) => Some(Typed::Fqdn(text.clone())),
                Err(reason) => {
                    self.say(bad_name_pattern(span, text, &reason));
                    None
                }
            },
            (Type::Fqdn, Value::Expr(e)) => match &e.kind {
                ExprKind::Fqdn(template) => {
                    self.interpolate(template, instance, false).map(Typed::Fqdn)
                }
                _ => self.mismatch(value, span, ty),
            },
            (Type::Hop, Value::Expr(e)) => match &e.kind {
                ExprKind::Path(path) => self.hop(path, instance).map(Typed::Hop),
                _ => self.mismatch(value, span, ty),
            },
            (Type::Vnet, Value::Expr(e)) => match &e.kind {
                ExprKind::Path(path) => self.vnet(path, instance).map(Typed::Vnet),
                _ => self.mismatch(value, span, ty),
            },
            (Type::Cidr, Value::Expr(e)) => {
                let set = self.plain(e, instance)?;
                Some(Typed::Endpoint(Rc::new(Endpoint::of(set))))
            }
            (Type::Endpoint, Value::Expr(e)) => self
                .endpoint(e, instance)
                .map(|e| Typed::Endpoint(Rc::new(e))),
            (Type::Endpoint, Value::List(list)) => {
                let sets: Vec<Option<Endpoint>> = list
                    .elements
                    .iter()
                    .map(
                        |element| match self.convert(&element.node, element.span, ty, instance) {
                            Some(Typed::Endpoint(e)) => Some((*e).clone()),
                            _ => None,
                        },
                    )
                    .collect();
                let sets: Vec<Endpoint> = sets.into_iter().collect::<Option<_>>()?;
                self.tell_nested_values(&list.elements, &sets, instance);
                let mut out = Union::default();
                for set in sets {
                    out.add(set);
                }
                Some(Typed::Endpoint(Rc::new(out.whole())))
            }
            (Type::Service, Value::Services(services)) => self
                .traffic(services, instance)
                .map(|t| Typed::Service(Rc::new(t))),
            (Type::Service, Value::Expr(e)) => match &e.kind {
                ExprKind::Path(path) => {
                    let (at, name) = self.walk(path, instance)?;
                    self.named_service(at, name).map(Typed::Service)
                }
                ExprKind::Any => {
                    let mut any = Traffic::default();
                    any.add(Proto::Any, &PortSet::all());
                    Some(Typed::Service(Rc::new(any)))
                }
                _ => self.mismatch(value, span, ty),
            },
            _ => self.mismatch(value, span, ty),
        }
    }

    /// The value of a lone path that names a parameter of the scope, checked against the type.
    /// `None`: it is not one. `Some(None)`: it is, and a fault was reported.
    fn param_as(
        &mut self,
        value: &Value,
        ty: &Type,
        instance: InstanceId,
    ) -> Option<Option<Typed>> {
        let Value::Expr(expr) = value else {
            return None;
        };
        let ExprKind::Path(path) = &expr.kind else {
            return None;
        };
        let [name] = path.segments.as_slice() else {
            return None;
        };
        if let Type::Enum(members) = ty
            && members.contains(&name.node)
        {
            return None;
        }
        self.param_decl(instance, &name.node)?;
        let Some(found) = self.param(instance, &name.node) else {
            return Some(None);
        };
        Some(self.check(found, ty, expr.span))
    }

    fn check(&mut self, found: Typed, ty: &Type, span: Span) -> Option<Typed> {
        match (ty, found) {
            (Type::Region, v @ Typed::Region(_))
            | (Type::Bool, v @ Typed::Bool(_))
            | (Type::Int, v @ Typed::Int(_))
            | (Type::Str, v @ Typed::Str(_))
            | (Type::Date, v @ Typed::Date(_))
            | (Type::Fqdn, v @ Typed::Fqdn(_))
            | (Type::Hop, v @ Typed::Hop(_))
            | (Type::Vnet, v @ Typed::Vnet(_))
            | (Type::Service, v @ Typed::Service(_)) => Some(v),
            (Type::Cidr, Typed::Endpoint(e)) if e.is_plain() => Some(Typed::Endpoint(e)),
            (Type::Enum(members), Typed::Enum(text)) => {
                if members.contains(&text) {
                    Some(Typed::Enum(text))
                } else {
                    self.say(faults::not_a_member(span, &text, "this value", members));
                    None
                }
            }
            (Type::List(of), Typed::List(items)) => {
                let mut out = Vec::new();
                for item in items {
                    out.push(self.check(item, of, span)?);
                }
                Some(Typed::List(out))
            }
            (Type::List(of), one) => Some(Typed::List(vec![self.check(one, of, span)?])),
            (Type::Endpoint, value) => self.as_endpoint(&value, span).map(Typed::Endpoint),
            (_, value) => {
                self.say(faults::wrong_type(span, &ty.describe(), value.describe()));
                None
            }
        }
    }

    /// A region by any of its spellings.
    pub(crate) fn region(
        &mut self,
        text: &str,
        span: Span,
    ) -> Option<&'static crate::catalog::Region> {
        if let Some(region) = self.catalog.region(text) {
            return Some(region);
        }
        let near = catalog::suggest_region(text).filter(|_| self.may_guess());
        self.say(faults::region(
            span,
            format!("region `{text}` is unknown"),
            near,
            "write a region's short name, for example `westeurope`",
        ));
        None
    }

    fn mismatch(&mut self, value: &Value, span: Span, ty: &Type) -> Option<Typed> {
        self.say(faults::wrong_type(span, &ty.describe(), describe(value)));
        None
    }
}

/// What a value is, for messages.
pub(crate) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Str(_) => "a string",
        Value::Int(_) => "an integer",
        Value::Date(_) => "a date",
        Value::Bool(_) => "a bool",
        Value::Services(_) => "a service",
        Value::Expr(e) => match &e.kind {
            ExprKind::Path(_) => "a name",
            ExprKind::Fqdn(_) => "a domain name",
            _ => "an endpoint",
        },
        Value::List(_) => "a list",
        Value::Block(_) => "a block",
    }
}

/// The one IPv4 address of a set, if it is one.
pub(crate) fn single_v4(set: &AddressSet) -> Option<std::net::Ipv4Addr> {
    match set.to_prefixes().as_slice() {
        [IpNet::V4(net)] if net.prefix_len() == 32 => Some(net.addr()),
        _ => None,
    }
}
