//! One environment being resolved: instances, parameters and memoised values. It evaluates names on
//! demand; statements are walked elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::catalog::{Catalog, Cloud, Region, fqdn_tag};
use crate::diag::{Diagnostic, Sink};
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::service::Traffic;
use crate::model::{Hop, Key};
use crate::source::{Loader, Span};
use crate::syntax::ast::{self, Date};
use crate::syntax::too_large;

use super::faults;
use super::scope::{Decl, Scope};

/// What the name of an IP group is, for messages.
const IP_GROUP: &str = "the name of an IP group";

/// After so many faults none is told with the name that was probably meant.
const MAX_GUESSES: usize = 100;

/// Most definitions and lists that are evaluated, each for the one before.
const MAX_DEPTH: usize = 256;

/// Number of an instance; 0 is the root.
pub(crate) type InstanceId = usize;

/// One use of a module.
#[derive(Debug, Default)]
pub(crate) struct Instance<'a> {
    pub module: usize,
    pub path: Vec<String>,
    pub children: BTreeMap<String, InstanceId>,
    /// Values given from outside: the value and the instance in whose scope it was written.
    pub given: BTreeMap<String, (&'a crate::source::Spanned<ast::Value>, InstanceId)>,
}

/// A typed parameter value.
#[derive(Clone, Debug)]
pub(crate) enum Typed {
    Region(&'static Region),
    Bool(bool),
    Int(u64),
    Str(String),
    Date(Date),
    Fqdn(String),
    Hop(Hop),
    Vnet(Key),
    Endpoint(Rc<Endpoint>),
    Service(Rc<Traffic>),
    Enum(String),
    List(Vec<Typed>),
}

impl Typed {
    /// What it is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Region(_) => "a region",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an integer",
            Self::Str(_) => "a string",
            Self::Date(_) => "a date",
            Self::Fqdn(_) => "a name",
            Self::Hop(_) => "a hop",
            Self::Vnet(_) => "a vnet",
            Self::Endpoint(_) => "an endpoint",
            Self::Service(_) => "a service",
            Self::Enum(_) => "an enum member",
            Self::List(_) => "a list",
        }
    }
}

/// A parameter type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Region,
    Bool,
    Int,
    Str,
    Date,
    Cidr,
    Fqdn,
    Hop,
    Vnet,
    Endpoint,
    Service,
    Enum(Vec<String>),
    List(Box<Type>),
}

impl Type {
    /// What it is, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Region => "a region".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Int => "an integer".to_owned(),
            Self::Str => "a string in quotes".to_owned(),
            Self::Date => "a date YYYY-MM-DD".to_owned(),
            Self::Cidr => "a prefix".to_owned(),
            Self::Fqdn => "a name such as `www.contoso.com`".to_owned(),
            Self::Hop => "a hop (a firewall, `internet`, `none`, `vnet`, `gateway`)".to_owned(),
            Self::Vnet => "a vnet".to_owned(),
            Self::Endpoint => "an endpoint".to_owned(),
            Self::Service => "a service".to_owned(),
            Self::Enum(members) => format!("one of {}", members.join(", ")),
            Self::List(of) => format!("a list of {}", of.describe()),
        }
    }
}

/// Names that are used, by module, namespace and name; what is left over is PC1011.
pub(crate) type Used = BTreeSet<(usize, &'static str, String)>;

/// A parameter without a value: its declaration, its name and the instance's path.
pub(crate) type Missing = (Span, String, String);

/// The environment being resolved.
pub(crate) struct World<'a, 's> {
    pub scopes: &'a [Scope<'a>],
    pub catalog: &'a Catalog,
    /// Gives the text of files that resources name.
    pub loader: &'a dyn Loader,
    /// Names of the source files, to find files beside them.
    pub file_names: &'a [String],
    pub cloud: Cloud,
    pub environment: String,
    pub sink: &'s mut Sink,
    pub used: &'s mut Used,
    pub instances: Vec<Instance<'a>>,
    /// What `tag(Internet)` stands for, once every declared range is known.
    pub internet: Option<AddressSet>,
    /// Parameters without a value.
    pub missing: Vec<Missing>,
    /// A `test` is being checked.
    pub in_test: bool,
    /// The test whose `with` changes the environment, with its instance.
    pub trial: Option<(InstanceId, &'a ast::Test)>,
    /// How many definitions and lists are being evaluated, each for the one before.
    depth: usize,
    params: BTreeMap<(InstanceId, String), Option<Option<Typed>>>,
    endpoints: BTreeMap<(InstanceId, String), Option<Option<Rc<Endpoint>>>>,
    services: BTreeMap<(InstanceId, String), Option<Option<Rc<Traffic>>>>,
}

impl<'a, 's> World<'a, 's> {
    /// A world with only the root instance.
    pub(crate) fn new(
        scopes: &'a [Scope<'a>],
        catalog: &'a Catalog,
        files: (&'a dyn Loader, &'a [String]),
        environment: String,
        sink: &'s mut Sink,
        used: &'s mut Used,
    ) -> Self {
        Self {
            scopes,
            catalog,
            loader: files.0,
            file_names: files.1,
            cloud: catalog.identity().cloud,
            environment,
            sink,
            used,
            instances: vec![Instance::default()],
            internet: None,
            missing: Vec::new(),
            in_test: false,
            trial: None,
            depth: 0,
            params: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    pub(crate) fn say(&mut self, diagnostic: Diagnostic) {
        self.sink.push(diagnostic);
    }

    /// Evaluates something that another value needs, unless too many wait for it already: the
    /// machine's stack is not without end.
    pub(crate) fn deeper<T>(
        &mut self,
        span: Span,
        evaluate: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            let what = format!("more than {MAX_DEPTH} definitions lead to this one");
            self.say(too_large(span, &what, "write the value where it is used"));
            return None;
        }
        self.depth += 1;
        let value = evaluate(self);
        self.depth -= 1;
        value
    }

    /// Whether a name that was meant is still looked for. Nobody reads the hundredth fault, and the
    /// search costs as much as there are names.
    pub(crate) fn may_guess(&self) -> bool {
        self.sink.items().len() < MAX_GUESSES
    }

    /// The names that could have been meant.
    pub(crate) fn guesses<'n>(&self, names: impl Iterator<Item = &'n &'n str>) -> Vec<&'n str> {
        if self.may_guess() {
            names.copied().collect()
        } else {
            Vec::new()
        }
    }

    pub(crate) fn module_of(&self, instance: InstanceId) -> usize {
        self.instances.get(instance).map_or(0, |i| i.module)
    }

    pub(crate) fn scope(&self, instance: InstanceId) -> Option<&'a Scope<'a>> {
        self.scopes.get(self.module_of(instance))
    }

    /// `instance::name`.
    pub(crate) fn key(&self, instance: InstanceId, name: &str) -> Key {
        let mut parts: Vec<&str> = self
            .instances
            .get(instance)
            .map(|i| i.path.iter().map(String::as_str).collect())
            .unwrap_or_default();
        parts.push(name);
        parts.join("::")
    }

    pub(crate) fn mark(&mut self, instance: InstanceId, space: &'static str, name: &str) {
        let module = self.module_of(instance);
        let entry = (module, space, name.to_owned());
        if !self.used.contains(&entry) {
            self.used.insert(entry);
        }
    }

    /// The instance in which the last segment of a path is to be looked up.
    pub(crate) fn walk<'p>(
        &mut self,
        path: &'p ast::Path,
        from: InstanceId,
    ) -> Option<(InstanceId, &'p ast::Name)> {
        let (last, front) = path.segments.split_last()?;
        let mut at = from;
        for segment in front {
            let child = self
                .instances
                .get(at)
                .and_then(|i| i.children.get(&segment.node).copied());
            match child {
                Some(child) => at = child,
                None => {
                    let known: Vec<String> = self
                        .instances
                        .get(at)
                        .map(|i| i.children.keys().cloned().collect())
                        .unwrap_or_default();
                    // An instance whose module did not load is reported there.
                    let broken = self.scope(at).is_some_and(|s| {
                        s.uses
                            .get(segment.node.as_str())
                            .is_some_and(|u| u.module.is_none())
                    });
                    if !broken {
                        self.say(faults::undefined(
                            segment.span,
                            "instance",
                            &segment.node,
                            known.iter().map(String::as_str),
                        ));
                    }
                    return None;
                }
            }
        }
        Some((at, last))
    }

    /// The declaration of a parameter and its type, if the name is one.
    pub(crate) fn param_decl(&self, instance: InstanceId, name: &str) -> Option<&'a ast::Param> {
        match self.scope(instance)?.values.get(name) {
            Some(Decl::Param(p)) => Some(p),
            _ => None,
        }
    }

    /// Evaluates a parameter without counting that as a use of it.
    pub(crate) fn param_quietly(&mut self, instance: InstanceId, name: &str) {
        let entry = (self.module_of(instance), "value", name.to_owned());
        let known = self.used.contains(&entry);
        self.param(instance, name);
        if !known {
            self.used.remove(&entry);
        }
    }

    /// The value of a parameter; `None` if a fault was reported.
    pub(crate) fn param(&mut self, instance: InstanceId, name: &str) -> Option<Typed> {
        if let Some(built_in) = self.built_in(name) {
            return Some(built_in);
        }
        let decl = self.param_decl(instance, name)?;
        self.mark(instance, "value", name);
        let slot = (instance, name.to_owned());
        match self.params.get(&slot) {
            Some(Some(done)) => return done.clone(),
            Some(None) => {
                self.say(faults::circular(decl.name.span, name));
                return None;
            }
            None => {}
        }
        self.params.insert(slot.clone(), None);
        let given = self
            .instances
            .get(instance)
            .and_then(|i| i.given.get(name).copied());
        let value = match (self.param_type(decl), given, &decl.default) {
            (None, _, _) => None,
            (Some(ty), Some((value, scope)), _) => self.deeper(value.span, |world| {
                world.convert(&value.node, value.span, &ty, scope)
            }),
            (Some(ty), None, Some(default)) => self.deeper(default.span, |world| {
                world.convert(&default.node, default.span, &ty, instance)
            }),
            (Some(_), None, None) => {
                let path = self
                    .instances
                    .get(instance)
                    .map(|i| i.path.join("::"))
                    .unwrap_or_default();
                // Told once for all environments, when every one of them has been resolved.
                let missing = (decl.name.span, name.to_owned(), path);
                self.missing.push(missing);
                None
            }
        };
        self.params.insert(slot, Some(value.clone()));
        value
    }

    fn built_in(&self, name: &str) -> Option<Typed> {
        match name {
            "env" => Some(Typed::Enum(self.environment.clone())),
            "cloud" => Some(Typed::Enum(
                match self.cloud {
                    Cloud::Public => "public",
                    Cloud::UsGov => "usgov",
                    Cloud::China => "china",
                }
                .to_owned(),
            )),
            _ => None,
        }
    }

    /// The type a parameter declares.
    pub(crate) fn param_type(&mut self, decl: &ast::Param) -> Option<Type> {
        const WORDS: &[&str] = &[
            "region", "bool", "int", "string", "date", "cidr", "fqdn", "hop", "vnet", "endpoint",
            "service", "enum",
        ];
        let ty = match decl.ty.name.node.as_str() {
            "region" => Type::Region,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "string" => Type::Str,
            "date" => Type::Date,
            "cidr" => Type::Cidr,
            "fqdn" => Type::Fqdn,
            "hop" => Type::Hop,
            "vnet" => Type::Vnet,
            "endpoint" => Type::Endpoint,
            "service" => Type::Service,
            "enum" if !decl.ty.members.is_empty() => {
                let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
                for member in &decl.ty.members {
                    if let Some(first) = seen.insert(&member.node, member.span) {
                        self.say(faults::twice(member.span, first, "member", &member.node));
                    }
                }
                Type::Enum(decl.ty.members.iter().map(|m| m.node.clone()).collect())
            }
            other => {
                let words: Vec<String> = WORDS.iter().map(|w| (*w).to_owned()).collect();
                let found = if other == "enum" {
                    "enum without members"
                } else {
                    other
                };
                self.say(faults::not_a_member(
                    decl.ty.name.span,
                    found,
                    "a parameter's type",
                    &words,
                ));
                return None;
            }
        };
        Some(if decl.ty.list {
            Type::List(Box::new(ty))
        } else {
            ty
        })
    }

    /// The endpoint that a declared name stands for. Marks it used.
    pub(crate) fn named_endpoint(
        &mut self,
        instance: InstanceId,
        name: &ast::Name,
    ) -> Option<Rc<Endpoint>> {
        let Some(decl) = self
            .scope(instance)
            .and_then(|s| s.values.get(name.node.as_str()))
        else {
            let known: Vec<&str> = self
                .scope(instance)
                .map(|s| self.guesses(s.values.keys()))
                .unwrap_or_default();
            self.say(match self.other_kind(instance, &name.node) {
                Some(found) if found == IP_GROUP => {
                    let call = format!("ip-group({})", name.node);
                    faults::wrong_type(name.span, "an endpoint", found)
                        .help(format!("write `{call}`"))
                        .fix(name.span, call)
                }
                Some(found) => faults::wrong_type(name.span, "an endpoint", found),
                None => {
                    let d = faults::undefined(name.span, "name", &name.node, known);
                    match self.tag_call(&name.node) {
                        Some(call) => d.help(format!("write `{call}`")).fix(name.span, call),
                        None => d,
                    }
                }
            });
            return None;
        };
        self.mark(instance, "value", &name.node);
        let slot = (instance, name.node.clone());
        match self.endpoints.get(&slot) {
            Some(Some(done)) => return done.clone(),
            Some(None) => {
                self.say(faults::circular(decl.name().span, &name.node));
                return None;
            }
            None => {}
        }
        self.endpoints.insert(slot.clone(), None);
        let value = match decl {
            Decl::Endpoint(e) => self.endpoint(&e.expr, instance).map(Rc::new),
            Decl::Param(_) => self
                .param(instance, &name.node)
                .and_then(|typed| self.as_endpoint(&typed, name.span)),
            Decl::Resource(r) => self.resource_endpoint(r, instance).map(Rc::new),
        };
        self.endpoints.insert(slot, Some(value.clone()));
        value
    }

    /// How a name is written that is one of Azure's.
    fn tag_call(&self, name: &str) -> Option<String> {
        if let Some(tag) = self.catalog.tag(name) {
            return Some(format!("tag({})", tag.name()));
        }
        fqdn_tag(name).map(|tag| format!("fqdn-tag({})", tag.name))
    }

    /// What a name is that stands for no endpoint.
    fn other_kind(&self, instance: InstanceId, name: &str) -> Option<&'static str> {
        let scope = self.scope(instance)?;
        Some(if scope.services.contains_key(name) {
            "a service"
        } else if scope.ip_groups.contains_key(name) {
            IP_GROUP
        } else if scope.nsgs.contains_key(name) {
            "an nsg"
        } else if scope.tables.contains_key(name) {
            "a route table"
        } else if scope.uses.contains_key(name) {
            "an instance"
        } else {
            return None;
        })
    }

    /// The addresses of a vnet, subnet or firewall.
    fn resource_endpoint(
        &mut self,
        r: &'a ast::Resource,
        instance: InstanceId,
    ) -> Option<Endpoint> {
        if let Some(expr) = &r.expr {
            return self.plain(expr, instance).map(Endpoint::of);
        }
        let entry = r
            .block
            .iter()
            .flat_map(|b| &b.entries)
            .find(|e| e.node.key.text() == "private-ip");
        match entry {
            Some(entry) => {
                let value = &entry.node.value;
                match self.convert(&value.node, value.span, &Type::Cidr, instance)? {
                    Typed::Endpoint(e) => Some((*e).clone()),
                    _ => None,
                }
            }
            None => {
                self.say(
                    faults::wrong_type(
                        r.name.span,
                        "a firewall with `private-ip` (its name stands for that address)",
                        "one without",
                    )
                    .help("add `private-ip = ADDRESS` to the firewall"),
                );
                None
            }
        }
    }

    /// An expression that must be plain prefixes.
    pub(crate) fn plain(&mut self, expr: &ast::Expr, instance: InstanceId) -> Option<AddressSet> {
        let value = self.endpoint(expr, instance)?;
        if value.is_plain() {
            return Some(value.addresses);
        }
        self.say(faults::wrong_type(expr.span, "prefixes", kind_of(&value)));
        None
    }

    /// The traffic that a declared service stands for. Marks it used.
    pub(crate) fn named_service(
        &mut self,
        instance: InstanceId,
        name: &ast::Name,
    ) -> Option<Rc<Traffic>> {
        let scope = self.scope(instance)?;
        if let Some(service) = scope.services.get(name.node.as_str()) {
            self.mark(instance, "service", &name.node);
            let slot = (instance, name.node.clone());
            match self.services.get(&slot) {
                Some(Some(done)) => return done.clone(),
                Some(None) => {
                    self.say(faults::circular(service.name.span, &name.node));
                    return None;
                }
                None => {}
            }
            self.services.insert(slot.clone(), None);
            let value = self.deeper(service.name.span, |world| {
                world.traffic(&service.services, instance).map(Rc::new)
            });
            self.services.insert(slot, Some(value.clone()));
            return value;
        }
        if self.param_decl(instance, &name.node).is_some() {
            return match self.param(instance, &name.node)? {
                Typed::Service(s) => Some(s),
                other => {
                    self.say(faults::wrong_type(name.span, "a service", other.describe()));
                    None
                }
            };
        }
        if scope.values.contains_key(name.node.as_str()) {
            self.mark(instance, "value", &name.node);
            self.say(faults::wrong_type(name.span, "a service", "an endpoint"));
            return None;
        }
        let known = self.guesses(scope.services.keys().chain(&[
            "tcp", "udp", "icmp", "esp", "ah", "any", "http", "https", "mssql",
        ]));
        self.say(faults::undefined(name.span, "service", &name.node, known));
        None
    }
}

/// What makes an endpoint more than prefixes, for messages.
pub(crate) fn kind_of(e: &Endpoint) -> &'static str {
    if e.any {
        "`any`"
    } else if !e.names.is_empty() {
        "a domain name"
    } else if !e.tags.is_empty() || e.internet || e.virtual_network {
        "a service tag"
    } else if !e.fqdn_tags.is_empty() {
        "an FQDN tag"
    } else if !e.categories.is_empty() {
        "a web category"
    } else if !e.urls.is_empty() {
        "a URL"
    } else if !e.asgs.is_empty() {
        "an application security group"
    } else if !e.ip_groups.is_empty() {
        "an IP group"
    } else {
        "an endpoint"
    }
}
