//! Resource statements to the model: vnets, subnets, security groups, route tables, IP groups, with
//! every key of their blocks typed. Firewalls have a file of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{service_endpoint_tag, service_endpoints};
use crate::diag::Diagnostic;
use crate::model::address::AddressSet;
use crate::model::{
    BaseFile, DefaultAction, Hop, Identity, IpGroup, Nsg, Policy, RouteTable, Subnet, Vnet,
};
use crate::source::{LoadError, Span};
use crate::syntax::ast::{self, ExprKind, ResourceKind, Value};

use super::azure_id::{check_id, type_of};
use super::faults;
use super::imports::locate;
use super::scope::Decl;
use super::values::describe;
use super::world::{InstanceId, Type, Typed, World, kind_of};

/// What a subnet can say that it runs: services whose required flows are checked.
const SERVICES: &[&str] = &[
    "aks",
    "api-management",
    "app-service-environment",
    "application-gateway",
    "bastion",
    "batch",
    "databricks",
    "hdinsight",
    "machine-learning",
    "sql-managed-instance",
];

const COMMON: &[&str] = &["name", "id", "location", "resource-group", "tags"];

/// The keys of a resource statement's block.
pub(crate) fn keys_of(kind: ResourceKind) -> &'static [&'static str] {
    match kind {
        ResourceKind::IpGroup => &[],
        ResourceKind::Vnet => &["peers", "on-premises", "firewall"],
        ResourceKind::Subnet => &[
            "vnet",
            "nsg",
            "route-table",
            "service-endpoints",
            "runs",
            "zone",
        ],
        ResourceKind::Firewall => &[
            "output",
            "policy",
            "manage",
            "base-policy",
            "sku",
            "dns-proxy",
            "private-ip",
            "public-ips",
            "subnet",
            "vnet",
            "threat-intel",
            "snat-private",
            "infrastructure",
            "base",
        ],
        ResourceKind::Nsg => &[
            "default-inbound",
            "default-outbound",
            "names",
            "base",
            "flush",
        ],
        ResourceKind::RouteTable => &["default", "bgp"],
    }
}

/// The statement's word.
pub(crate) fn word_of(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::IpGroup => "ip-group",
        ResourceKind::Vnet => "vnet",
        ResourceKind::Subnet => "subnet",
        ResourceKind::Firewall => "firewall",
        ResourceKind::Nsg => "nsg",
        ResourceKind::RouteTable => "route-table",
    }
}

/// The entries of one statement's block, by key.
pub(super) struct Keys<'a> {
    entries: BTreeMap<String, &'a crate::source::Spanned<Value>>,
    places: BTreeMap<String, Span>,
}

impl<'a> Keys<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a crate::source::Spanned<Value>> {
        self.entries.get(key).copied()
    }

    /// Where the key itself stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.get(key)?;
        self.places.get(key).copied()
    }
}

impl<'a> World<'a, '_> {
    /// Resolves every resource statement of an instance into the policy.
    pub(crate) fn resources(&mut self, instance: InstanceId, policy: &mut Policy) {
        let Some(scope) = self.scope(instance) else {
            return;
        };
        for decl in scope.values.values() {
            if let Decl::Resource(r) = decl {
                match r.kind {
                    ResourceKind::Vnet => self.vnet_statement(r, instance, policy),
                    ResourceKind::Subnet => self.subnet_statement(r, instance, policy),
                    _ => self.firewall_statement(r, instance, policy),
                }
            }
        }
        for r in scope.nsgs.values() {
            self.nsg_statement(r, instance, policy);
        }
        for r in scope.tables.values() {
            self.table_statement(r, instance, policy);
        }
        for r in scope.ip_groups.values() {
            self.ip_group_statement(r, instance, policy);
        }
    }

    pub(super) fn keys(&mut self, r: &'a ast::Resource) -> Keys<'a> {
        let mut entries = BTreeMap::new();
        let mut places: BTreeMap<String, Span> = BTreeMap::new();
        let known: Vec<&str> = keys_of(r.kind).iter().chain(COMMON).copied().collect();
        for entry in r.block.iter().flat_map(|b| &b.entries) {
            let key = entry.node.key.text();
            let span = entry.node.key.span;
            if !known.contains(&key.as_str()) {
                let whose = format!("`{}`", word_of(r.kind));
                self.say(faults::unknown_key(
                    span,
                    &key,
                    &whose,
                    known.iter().copied(),
                ));
                continue;
            }
            if let Some(first) = places.insert(key.clone(), span) {
                self.say(faults::twice(span, first, "key", &key));
                continue;
            }
            entries.insert(key, &entry.node.value);
        }
        Keys { entries, places }
    }

    pub(super) fn identity(
        &mut self,
        r: &'a ast::Resource,
        keys: &Keys<'a>,
        kind: &'static str,
        instance: InstanceId,
    ) -> Identity {
        let mut parts: Vec<String> = self
            .instances
            .get(instance)
            .map(|i| i.path.clone())
            .unwrap_or_default();
        parts.push(r.name.node.clone());
        let id = self.resource_id(keys, kind, instance);
        let of_id = id.as_deref().and_then(|id| id.rsplit('/').next());
        // A firewall statement is named by its policy, where it says one.
        let key = if keys.get("policy").is_some() {
            "policy"
        } else {
            "name"
        };
        let given = self.text(keys, key, instance);
        if let (Some(given), Some(id), Some(name), Some(value)) =
            (&given, &id, of_id, keys.get("id"))
            && !given.eq_ignore_ascii_case(name)
        {
            let why = format!("its name is `{name}`, and `{key}` says `{given}`");
            self.say(faults::bad_resource_id(value.span, id, &why, kind));
        }
        Identity {
            name: given
                .or_else(|| of_id.map(str::to_owned))
                .unwrap_or(parts.join("-")),
            id,
            location: self.location(keys, instance),
            resource_group: self.text(keys, "resource-group", instance),
            tags: self.azure_tags(keys, instance),
            span: r.name.span,
        }
    }

    /// The complete resource id of a statement; one of another form or type would make an id that
    /// nobody has.
    fn resource_id(
        &mut self,
        keys: &Keys<'a>,
        kind: &'static str,
        instance: InstanceId,
    ) -> Option<String> {
        let id = self.text(keys, "id", instance)?;
        if let (Err(reason), Some(value)) = (check_id(&id, kind), keys.get("id")) {
            self.say(faults::bad_resource_id(value.span, &id, &reason, kind));
            return None;
        }
        Some(id)
    }

    pub(super) fn text(
        &mut self,
        keys: &Keys<'a>,
        key: &str,
        instance: InstanceId,
    ) -> Option<String> {
        let value = keys.get(key)?;
        match self.convert(&value.node, value.span, &Type::Str, instance)? {
            Typed::Str(text) => Some(text),
            _ => None,
        }
    }

    fn location(&mut self, keys: &Keys<'a>, instance: InstanceId) -> Option<String> {
        let value = keys.get("location")?;
        match self.convert(&value.node, value.span, &Type::Region, instance)? {
            Typed::Region(region) => Some(region.arm.to_owned()),
            _ => None,
        }
    }

    fn azure_tags(&mut self, keys: &Keys<'a>, instance: InstanceId) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        let Some(value) = keys.get("tags") else {
            return out;
        };
        let Value::Block(block) = &value.node else {
            self.say(faults::wrong_type(
                value.span,
                "a block `{ key = \"value\" }`",
                describe(&value.node),
            ));
            return out;
        };
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for entry in &block.entries {
            let v = &entry.node.value;
            let (key, place) = (entry.node.key.text(), entry.node.key.span);
            if let Some(first) = seen.insert(key.clone(), place) {
                self.say(faults::twice(place, first, "tag", &key));
                continue;
            }
            if let Some(Typed::Str(text)) = self.convert(&v.node, v.span, &Type::Str, instance) {
                out.insert(entry.node.key.text(), text);
            }
        }
        out
    }

    pub(super) fn flag(
        &mut self,
        keys: &Keys<'a>,
        key: &str,
        instance: InstanceId,
    ) -> Option<bool> {
        let value = keys.get(key)?;
        match self.convert(&value.node, value.span, &Type::Bool, instance)? {
            Typed::Bool(b) => Some(b),
            _ => None,
        }
    }

    pub(super) fn member(
        &mut self,
        keys: &Keys<'a>,
        key: &str,
        members: &[&str],
        instance: InstanceId,
    ) -> Option<(String, Span)> {
        let value = keys.get(key)?;
        let ty = Type::Enum(members.iter().map(|m| (*m).to_owned()).collect());
        if let (Value::Expr(e), Type::Enum(members)) = (&value.node, &ty)
            && let ExprKind::Path(path) = &e.kind
            && !members.contains(&path.text())
            && self.param_decl(instance, &path.text()).is_none()
        {
            let what = format!("`{key}`");
            self.say(faults::not_a_member(
                value.span,
                &path.text(),
                &what,
                members,
            ));
            return None;
        }
        match self.convert(&value.node, value.span, &ty, instance)? {
            Typed::Enum(text) => Some((text, value.span)),
            _ => None,
        }
    }

    pub(super) fn addresses(
        &mut self,
        keys: &Keys<'a>,
        key: &str,
        instance: InstanceId,
    ) -> Option<AddressSet> {
        let value = keys.get(key)?;
        match self.convert(&value.node, value.span, &Type::Endpoint, instance)? {
            Typed::Endpoint(e) if e.is_plain() => Some(e.addresses.clone()),
            other => {
                let found = match &other {
                    Typed::Endpoint(e) => kind_of(e),
                    other => other.describe(),
                };
                self.say(faults::wrong_type(value.span, "prefixes", found));
                None
            }
        }
    }

    pub(super) fn vnet_key(&mut self, keys: &Keys<'a>, instance: InstanceId) -> Option<String> {
        let value = keys.get("vnet")?;
        match self.convert(&value.node, value.span, &Type::Vnet, instance)? {
            Typed::Vnet(key) => Some(key),
            _ => None,
        }
    }

    fn vnet_statement(&mut self, r: &'a ast::Resource, instance: InstanceId, policy: &mut Policy) {
        let keys = self.keys(r);
        let identity = self.identity(r, &keys, type_of(r.kind), instance);
        self.tags_of_networks(r, &keys);
        let space = r
            .expr
            .as_ref()
            .and_then(|e| self.plain(e, instance))
            .unwrap_or_default();
        let mut peers = BTreeSet::new();
        if let Some(value) = keys.get("peers") {
            let ty = Type::List(Box::new(Type::Vnet));
            if let Some(Typed::List(list)) = self.convert(&value.node, value.span, &ty, instance) {
                for item in list {
                    if let Typed::Vnet(key) = item {
                        peers.insert(key);
                    }
                }
            }
        }
        let on_premises = self
            .addresses(&keys, "on-premises", instance)
            .unwrap_or_default();
        let firewall = keys.get("firewall").and_then(|value| {
            match self.convert(&value.node, value.span, &Type::Hop, instance)? {
                Typed::Hop(Hop::Firewall(key)) => Some(key),
                _ => {
                    let found = "a hop that is no firewall";
                    self.say(faults::wrong_type(
                        value.span,
                        "the name of a firewall",
                        found,
                    ));
                    None
                }
            }
        });
        let key = self.key(instance, &r.name.node);
        policy.vnets.insert(
            key,
            Vnet {
                identity,
                space,
                peers,
                on_premises,
                firewall,
            },
        );
    }

    /// Networks are described, never emitted, so nobody gets their tags.
    fn tags_of_networks(&mut self, r: &'a ast::Resource, keys: &Keys<'a>) {
        if let Some(span) = keys.key_span("tags") {
            let whose = format!("{} `{}`", word_of(r.kind), r.name.node);
            let why = format!("a {} is described here, not emitted", word_of(r.kind));
            let help = "set them where the network is made, and drop the key";
            self.say(faults::in_no_output(span, "tags", &whose, &why, help));
        }
    }

    fn subnet_statement(
        &mut self,
        r: &'a ast::Resource,
        instance: InstanceId,
        policy: &mut Policy,
    ) {
        let keys = self.keys(r);
        let identity = self.identity(r, &keys, type_of(r.kind), instance);
        self.tags_of_networks(r, &keys);
        let prefix = r
            .expr
            .as_ref()
            .and_then(|e| self.plain(e, instance))
            .unwrap_or_default();
        let vnet = self.vnet_key(&keys, instance);
        let nsg = keys
            .get("nsg")
            .and_then(|v| self.resource_key(v, ResourceKind::Nsg, instance));
        let route_table = keys
            .get("route-table")
            .and_then(|v| self.resource_key(v, ResourceKind::RouteTable, instance));
        let service_endpoints = self.service_endpoints(&keys);
        let runs = keys.get("runs").and_then(|v| self.known_service(v));
        // A word for reports: any word or text will do.
        let zone = keys.get("zone").and_then(|v| self.word_value(v));
        let key = self.key(instance, &r.name.node);
        policy.subnets.insert(
            key,
            Subnet {
                identity,
                prefix,
                vnet,
                nsg,
                route_table,
                service_endpoints,
                zone: zone.map(|(word, _)| word),
                runs,
            },
        );
    }

    /// A platform service whose needs are known.
    fn known_service(
        &mut self,
        value: &'a crate::source::Spanned<Value>,
    ) -> Option<(String, Span)> {
        let (word, span) = self.word_value(value)?;
        if SERVICES.contains(&word.as_str()) {
            return Some((word, span));
        }
        let members: Vec<String> = SERVICES.iter().map(|s| (*s).to_owned()).collect();
        self.say(faults::not_a_member(span, &word, "`runs`", &members));
        None
    }

    /// A lone word or a string.
    fn word_value(&mut self, value: &'a crate::source::Spanned<Value>) -> Option<(String, Span)> {
        match &value.node {
            Value::Str(text) => Some((text.clone(), value.span)),
            Value::Expr(e) => match &e.kind {
                ExprKind::Path(path) => Some((path.text(), value.span)),
                _ => {
                    self.say(faults::wrong_type(
                        value.span,
                        "a word",
                        describe(&value.node),
                    ));
                    None
                }
            },
            other => {
                self.say(faults::wrong_type(value.span, "a word", describe(other)));
                None
            }
        }
    }

    fn service_endpoints(&mut self, keys: &Keys<'a>) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        let Some(value) = keys.get("service-endpoints") else {
            return out;
        };
        let elements: Vec<(&Value, Span)> = match &value.node {
            Value::List(list) => list.elements.iter().map(|e| (&e.node, e.span)).collect(),
            one => vec![(one, value.span)],
        };
        for (element, span) in elements {
            let text = match element {
                Value::Str(text) => text.clone(),
                Value::Expr(e) => match &e.kind {
                    ExprKind::Fqdn(template) => template.source(),
                    ExprKind::Path(path) => format!("Microsoft.{}", path.text()),
                    _ => String::new(),
                },
                _ => String::new(),
            };
            match service_endpoint_tag(&text) {
                Some(tag) => {
                    out.insert(tag.to_owned());
                }
                None => {
                    let members: Vec<String> = service_endpoints().map(str::to_owned).collect();
                    self.say(faults::not_a_member(
                        span,
                        &text,
                        "a service endpoint",
                        &members,
                    ));
                }
            }
        }
        out
    }

    /// The key of an NSG or route table that a value names.
    fn resource_key(
        &mut self,
        value: &'a crate::source::Spanned<Value>,
        kind: ResourceKind,
        instance: InstanceId,
    ) -> Option<String> {
        let (what, space) = match kind {
            ResourceKind::Nsg => ("nsg", "nsg"),
            _ => ("route table", "route-table"),
        };
        let wanted = format!(
            "the name of {} {what}",
            if what == "nsg" { "an" } else { "a" }
        );
        let Value::Expr(e) = &value.node else {
            self.say(faults::wrong_type(
                value.span,
                &wanted,
                describe(&value.node),
            ));
            return None;
        };
        let ExprKind::Path(path) = &e.kind else {
            self.say(faults::wrong_type(
                value.span,
                &wanted,
                describe(&value.node),
            ));
            return None;
        };
        let (at, name) = self.walk(path, instance)?;
        let scope = self.scope(at)?;
        let table = if kind == ResourceKind::Nsg {
            &scope.nsgs
        } else {
            &scope.tables
        };
        if table.contains_key(name.node.as_str()) {
            self.mark(at, space, &name.node);
            return Some(self.key(at, &name.node));
        }
        let known = self.guesses(table.keys());
        self.say(faults::undefined(name.span, what, &name.node, known));
        None
    }

    fn nsg_statement(&mut self, r: &'a ast::Resource, instance: InstanceId, policy: &mut Policy) {
        let keys = self.keys(r);
        let identity = self.identity(r, &keys, type_of(r.kind), instance);
        let action = |found: Option<(String, Span)>| {
            found.map(|(word, _)| {
                if word == "deny" {
                    DefaultAction::Deny
                } else {
                    DefaultAction::Allow
                }
            })
        };
        let words = &["allow", "deny"];
        let default_inbound = action(self.member(&keys, "default-inbound", words, instance));
        let default_outbound = action(self.member(&keys, "default-outbound", words, instance));
        let names = self.member(&keys, "names", &["narrowed", "open"], instance);
        let base = self.base_file(&keys, instance, "network security group");
        let flush = self.flag(&keys, "flush", instance);
        let key = self.key(instance, &r.name.node);
        policy.nsgs.insert(
            key,
            Nsg {
                identity,
                default_inbound,
                default_outbound,
                names_open: names.is_some_and(|(word, _)| word == "open"),
                flush,
                base,
            },
        );
    }

    /// The text of the file that `base` names, beside the source file.
    pub(super) fn base_file(
        &mut self,
        keys: &Keys<'a>,
        instance: InstanceId,
        what: &'static str,
    ) -> Option<BaseFile> {
        let path = self.text(keys, "base", instance)?;
        let span = keys.get("base")?.span;
        let from = self
            .file_names
            .get(span.file.0 as usize)
            .cloned()
            .unwrap_or_default();
        let found = match locate(&from, &path) {
            Some(target) => self.loader.load(&target).map_err(|e| match e {
                LoadError::NotFound => "there is no such file".to_owned(),
                LoadError::Unreadable(why) => why,
                LoadError::NotText { at, .. } => {
                    format!("it is not UTF-8 text: invalid byte at offset {at}")
                }
            }),
            None => Err("it lies outside the project".to_owned()),
        };
        match found {
            Ok(text) => Some(BaseFile { path, text, span }),
            Err(reason) => {
                self.say(faults::base_file(span, &path, what, &reason));
                None
            }
        }
    }

    fn table_statement(&mut self, r: &'a ast::Resource, instance: InstanceId, policy: &mut Policy) {
        let keys = self.keys(r);
        let identity = self.identity(r, &keys, type_of(r.kind), instance);
        let default = keys.get("default").and_then(|value| {
            match self.convert(&value.node, value.span, &Type::Hop, instance)? {
                Typed::Hop(hop) => Some(hop),
                _ => None,
            }
        });
        if let (Some(Hop::Vnet), Some(value)) = (&default, keys.get("default")) {
            let d: Diagnostic = faults::wrong_type(
                value.span,
                "a firewall, `internet`, `none` or `gateway`",
                "`vnet`, which is no next hop of 0.0.0.0/0",
            );
            self.say(d);
        }
        let bgp = self
            .member(&keys, "bgp", &["on", "off"], instance)
            .map(|(word, _)| word == "on");
        let key = self.key(instance, &r.name.node);
        policy.route_tables.insert(
            key,
            RouteTable {
                identity,
                default,
                bgp,
            },
        );
    }

    fn ip_group_statement(
        &mut self,
        r: &'a ast::Resource,
        instance: InstanceId,
        policy: &mut Policy,
    ) {
        let keys = self.keys(r);
        let identity = self.identity(r, &keys, type_of(r.kind), instance);
        let addresses = r
            .expr
            .as_ref()
            .and_then(|e| self.plain(e, instance))
            .unwrap_or_default();
        let key = self.key(instance, &r.name.node);
        policy.ip_groups.insert(
            key,
            IpGroup {
                identity,
                addresses,
            },
        );
    }
}
