//! Flows, routes and DNATs of an instance to the model: conditions decided, names bound, every
//! clause typed. Which layer enforces a flow is decided later.

use sha2::{Digest, Sha256};

use crate::model::endpoint::Endpoint;
use crate::model::service::PortSet;
use crate::model::{Flow, FlowId, FlowSpans, Hop, Layer, Policy, Route, Tier};
use crate::source::Span;
use crate::syntax::ast::{self, ClauseKind, Cond, Need, Verb};

use super::faults;
use super::scope::{Decl, GroupDecl, MemberDecl};
use super::world::{InstanceId, Typed, World, kind_of};

/// The clauses that count for one statement: its own, else the group's.
#[derive(Clone, Default)]
pub(super) struct Clauses<'a> {
    when: Vec<&'a Cond>,
    pub(super) until: Option<ast::Date>,
    list: Vec<&'a ast::Clause>,
}

impl<'a> Clauses<'a> {
    fn of(group: &GroupDecl<'a>, own: &'a [ast::Node<ast::Clause>]) -> Self {
        let mut out = Self::default();
        let inherited = group.clauses.iter().copied().filter(|c| !is_flow_only(c));
        for clause in inherited.chain(own.iter().map(|c| &c.node)) {
            match &clause.kind {
                ClauseKind::When(cond) => out.when.push(cond),
                ClauseKind::Until(date) => {
                    out.until = Some(out.until.map_or(date.node, |d| d.min(date.node)));
                }
                _ => {
                    // The statement's own clause wins over the group's of the same word, except
                    // `header`, which may stand several times.
                    if !matches!(clause.kind, ClauseKind::Header(..)) {
                        out.list.retain(|c| c.keyword.node != clause.keyword.node);
                    }
                    out.list.push(clause);
                }
            }
        }
        out
    }

    /// What `header` puts in, in the order written.
    fn headers(&self) -> Vec<(String, String)> {
        self.list
            .iter()
            .filter_map(|c| match &c.kind {
                ClauseKind::Header(name, value) => Some((name.node.clone(), value.node.clone())),
                _ => None,
            })
            .collect()
    }

    /// Where the word of a clause stands.
    pub(super) fn place(&self, word: &str) -> Option<Span> {
        let clause = self.list.iter().find(|c| c.keyword.node == word)?;
        Some(clause.keyword.span)
    }

    pub(super) fn find<T>(&self, pick: impl Fn(&'a ClauseKind) -> Option<T>) -> Option<T> {
        self.list.iter().find_map(|c| pick(&c.kind))
    }
}

impl<'a> World<'a, '_> {
    /// Resolves every statement of an instance's groups. `enabled` holds the ids and groups that
    /// the environment switches on.
    pub(crate) fn flows(&mut self, instance: InstanceId, enabled: &[String], policy: &mut Policy) {
        let Some(scope) = self.scope(instance) else {
            return;
        };
        for (name, group) in &scope.groups {
            self.group_clauses(group);
            for (place, member) in group.members.iter().enumerate() {
                match member {
                    MemberDecl::Flow(flow, span) => {
                        let at = (place, *span);
                        self.flow(instance, name, group, flow, at, enabled, policy);
                    }
                    MemberDecl::Route(route, span) => {
                        self.route(instance, name, group, route, *span, policy);
                    }
                    MemberDecl::Dnat(dnat, span) => {
                        self.dnat(instance, name, group, dnat, *span, policy);
                    }
                }
            }
        }
    }

    /// Clauses that only a flow takes.
    fn group_clauses(&mut self, group: &GroupDecl<'a>) {
        for clause in &group.clauses {
            if is_flow_only(clause) {
                self.say(faults::misplaced(
                    clause.keyword.span,
                    &clause.keyword.node,
                    "on a group",
                    "write it on the flows; a group takes `for`, `when`, `at`, `via`, `owner`, `ticket`, `until` and `inspect`",
                ));
            }
        }
    }

    pub(super) fn id(
        &self,
        instance: InstanceId,
        group: &str,
        label: Option<&ast::Name>,
        text: impl FnOnce() -> String,
    ) -> FlowId {
        FlowId {
            instance: self
                .instances
                .get(instance)
                .map(|i| i.path.clone())
                .unwrap_or_default(),
            group: group.to_owned(),
            label: label.map_or_else(
                || {
                    let digest = Sha256::digest(text().as_bytes());
                    let hex: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
                    format!("u{hex}")
                },
                |l| l.node.clone(),
            ),
            way: None,
        }
    }

    #[allow(clippy::too_many_arguments)] // one statement with its surroundings
    fn flow(
        &mut self,
        instance: InstanceId,
        group_name: &str,
        group: &GroupDecl<'a>,
        flow: &'a ast::Flow,
        (place, span): (usize, Span),
        enabled: &[String],
        policy: &mut Policy,
    ) {
        let clauses = Clauses::of(group, &flow.clauses);
        self.clauses_fit(flow, group.ordered.is_some());
        let active = self.conditions(&clauses.when, instance);
        let services_span = flow
            .services
            .iter()
            .map(svc_span)
            .reduce(Span::to)
            .unwrap_or(span);
        let traffic = self.traffic(&flow.services, instance);
        let (a, b, between) = match &flow.ends {
            ast::Ends::FromTo(a, b) => (a, b, false),
            ast::Ends::Between(a, b) => (a, b, true),
        };
        let from = self.endpoint(a, instance);
        let to = self.endpoint(b, instance);
        let mut ends_fit = true;
        if let Some(e) = &from {
            ends_fit &= self.can_be_source(e, a.span);
        }
        if let (true, Some(e)) = (between, &to) {
            ends_fit &= self.can_be_source(e, b.span);
        }

        let at = self.layers(&clauses, instance);
        let via = match clauses.find(|k| match k {
            ClauseKind::Via(path) => Some(path),
            _ => None,
        }) {
            Some(path) => {
                let hop = self.hop(path, instance);
                if hop == Some(Hop::None) {
                    self.say(faults::misplaced(
                        path.span,
                        "via none",
                        "on a flow",
                        "packets to `none` are dropped: write a `deny`, or a `route` to `none`",
                    ));
                }
                hop.map(Some)
            }
            None => Some(None),
        };
        let overrides = self.overrides(&clauses, instance, group_name);
        let in_ordered = group.ordered.is_some();
        let tier = match flow.verb.node {
            Verb::Forbid => Tier::Forbid,
            _ if in_ordered => Tier::Ordered,
            Verb::Deny => Tier::Deny,
            Verb::Allow
                if clauses
                    .list
                    .iter()
                    .any(|c| matches!(c.kind, ClauseKind::Overrides(_))) =>
            {
                Tier::Exception
            }
            Verb::Allow => Tier::Allow,
        };
        let need = flow.need.as_ref().map(|n| n.node);
        let (
            Some(traffic),
            Some(from),
            Some(to),
            Some(at),
            Some(via),
            Some(overrides),
            Some(active),
        ) = (traffic, from, to, at, via, overrides, active)
        else {
            return;
        };
        if ends_fit && !active {
            self.idle(instance, group_name, flow, &clauses, false, policy);
        }
        if !ends_fit || !active {
            return;
        }
        let mut empty = false;
        for (end, span, which) in [(&from, a.span, "source"), (&to, b.span, "destination")] {
            if !end.has_addresses() && !end.has_names() {
                self.say(faults::empty_end(span, which));
                empty = true;
            }
        }
        if empty {
            return;
        }
        let id = self.id(instance, group_name, flow.label.as_ref(), || {
            // The members of an ordered group have one tier and may do either.
            let verb = match (tier, flow.verb.node) {
                (Tier::Ordered, Verb::Allow) => "ordered-allow",
                (Tier::Ordered, _) => "ordered-deny",
                _ => tier.word(),
            };
            format!("{verb}|{traffic:?}|{from:?}|{to:?}")
        });
        if need == Some(Need::Optional) {
            let text = id.text();
            let mut group_path = id.instance.clone();
            group_path.push(id.group.clone());
            let in_main = id.group == "main" && id.instance.is_empty();
            let on = enabled
                .iter()
                .any(|e| *e == text || *e == group_path.join("::") || (in_main && *e == id.label));
            if !on {
                self.idle(instance, group_name, flow, &clauses, true, policy);
                return;
            }
        }
        let text_of = |pick: fn(&ClauseKind) -> Option<String>| clauses.find(pick);
        let clause_span = |word: &str| clauses.place(word);
        let written = [self.written(a, instance), self.written(b, instance)];
        let model = Flow {
            id,
            tier,
            position: (tier == Tier::Ordered).then_some(place),
            verb: flow.verb.node,
            need,
            traffic,
            from,
            to,
            written,
            at: at.0,
            via,
            overrides,
            purpose: text_of(|k| match k {
                ClauseKind::For(text) => Some(text.node.clone()),
                _ => None,
            }),
            owner: text_of(|k| match k {
                ClauseKind::Owner(text) => Some(text.text.node.clone()),
                _ => None,
            }),
            ticket: text_of(|k| match k {
                ClauseKind::Ticket(text) => Some(text.text.node.clone()),
                _ => None,
            }),
            until: clauses.until,
            pin: clauses.find(|k| match k {
                ClauseKind::Pin(n) => Some(n.node),
                _ => None,
            }),
            rule_name: text_of(|k| match k {
                ClauseKind::Name(text) => Some(text.node.clone()),
                _ => None,
            }),
            source_ports: clauses.find(|k| match k {
                ClauseKind::SourcePort(p) => Some(PortSet::from_ranges(&p.ranges)),
                _ => None,
            }),
            inspect: clause_span("inspect").is_some(),
            headers: clauses.headers(),
            spans: FlowSpans {
                whole: flow
                    .label
                    .as_ref()
                    .map_or(flow.verb.span, |l| flow.verb.span.to(l.span)),
                from: a.span,
                to: b.span,
                services: services_span,
                layers: at.1,
                via: clause_span("via"),
                pin: clause_span("pin"),
                name: clause_span("name"),
                purpose: clause_span("for"),
                // On a group it is meant for those of its flows that it can be meant for.
                inspect: flow
                    .clauses
                    .iter()
                    .find(|c| matches!(c.node.kind, ClauseKind::Inspect))
                    .map(|c| c.node.keyword.span),
                header: clause_span("header"),
                source_ports: clause_span("source-port"),
            },
        };
        if between {
            let mut back = model.clone();
            std::mem::swap(&mut back.from, &mut back.to);
            back.written.reverse();
            std::mem::swap(&mut back.spans.from, &mut back.spans.to);
            back.id.way = Some("ba");
            let mut forth = model;
            forth.id.way = Some("ab");
            policy.flows.push(forth);
            policy.flows.push(back);
        } else {
            policy.flows.push(model);
        }
    }

    /// Words and clauses that say nothing on such a flow.
    fn clauses_fit(&mut self, flow: &'a ast::Flow, in_ordered: bool) {
        if let (true, Some(need)) = (in_ordered, &flow.need)
            && need.node == Need::Required
        {
            self.say(faults::misplaced(
                need.span,
                "required",
                "in an ordered group",
                "drop it, or write the flow outside of the group: in it only the order counts",
            ));
        }
        for clause in flow.clauses.iter().map(|c| &c.node) {
            let (on, help) = match (&clause.kind, flow.verb.node) {
                (ClauseKind::Overrides(_) | ClauseKind::Pin(_), _) if in_ordered => (
                    "in an ordered group",
                    "drop it: the flows of an ordered group count in the order in which they stand",
                ),
                (ClauseKind::Overrides(_), Verb::Deny | Verb::Forbid) => (
                    if flow.verb.node == Verb::Deny {
                        "on a `deny`"
                    } else {
                        "on a `forbid`"
                    },
                    "drop it: only an `allow` is an exception, and denies stand beside each other",
                ),
                _ => continue,
            };
            let (span, word) = (clause.keyword.span, &clause.keyword.node);
            self.say(faults::misplaced(span, word, on, help));
        }
    }

    /// Clauses that say nothing on a route or a DNAT.
    fn clauses_of_flows(
        &mut self,
        clauses: &'a [ast::Node<ast::Clause>],
        on: &str,
        fits: impl Fn(&ClauseKind) -> bool,
        help: &str,
    ) {
        for clause in clauses.iter().map(|c| &c.node) {
            let common = matches!(
                clause.kind,
                ClauseKind::For(_)
                    | ClauseKind::When(_)
                    | ClauseKind::Owner(_)
                    | ClauseKind::Ticket(_)
                    | ClauseKind::Until(_)
                    | ClauseKind::Name(_)
            );
            if !common && !fits(&clause.kind) {
                let (span, word) = (clause.keyword.span, &clause.keyword.node);
                self.say(faults::misplaced(span, word, on, help));
            }
        }
    }

    /// Reports names and their like as a source; true if there are none.
    pub(crate) fn can_be_source(&mut self, e: &Endpoint, span: Span) -> bool {
        let what = if !e.names.is_empty() {
            "a name"
        } else if !e.fqdn_tags.is_empty() {
            "an FQDN tag"
        } else if !e.categories.is_empty() {
            "a web category"
        } else if !e.urls.is_empty() {
            "a URL"
        } else {
            return true;
        };
        self.say(faults::name_as_source(span, what));
        false
    }

    /// The layers of `at`, with the clause's place; `None` if a fault was reported.
    #[allow(clippy::type_complexity)]
    fn layers(
        &mut self,
        clauses: &Clauses<'a>,
        instance: InstanceId,
    ) -> Option<(Option<Vec<Layer>>, Option<Span>)> {
        let Some(paths) = clauses.find(|k| match k {
            ClauseKind::At(paths) => Some(paths),
            _ => None,
        }) else {
            return Some((None, None));
        };
        let mut out = Vec::new();
        let mut span: Option<Span> = None;
        for path in paths {
            span = Some(span.map_or(path.span, |s| s.to(path.span)));
            out.push(self.layer_or_kind(path, instance)?);
        }
        out.sort();
        out.dedup();
        Some((Some(out), span))
    }

    /// One layer or a kind of layers: `nsg`, `firewall` or a name.
    pub(crate) fn layer_or_kind(
        &mut self,
        path: &ast::Path,
        instance: InstanceId,
    ) -> Option<Layer> {
        match path.text().as_str() {
            "nsg" => Some(Layer::AnyNsg),
            "firewall" => Some(Layer::AnyFirewall),
            _ => self.layer(path, instance),
        }
    }

    /// One named layer: an NSG or a firewall.
    fn layer(&mut self, path: &ast::Path, instance: InstanceId) -> Option<Layer> {
        let (at, name) = self.walk(path, instance)?;
        let scope = self.scope(at)?;
        if scope.nsgs.contains_key(name.node.as_str()) {
            self.mark(at, "nsg", &name.node);
            return Some(Layer::Nsg(self.key(at, &name.node)));
        }
        match scope.values.get(name.node.as_str()) {
            Some(Decl::Resource(r)) if r.kind == ast::ResourceKind::Firewall => {
                self.mark(at, "value", &name.node);
                Some(Layer::Firewall(self.key(at, &name.node)))
            }
            Some(Decl::Param(_)) => match self.param(at, &name.node)? {
                Typed::Hop(Hop::Firewall(key)) => Some(Layer::Firewall(key)),
                other => {
                    self.say(faults::wrong_type(
                        name.span,
                        "an nsg or a firewall",
                        other.describe(),
                    ));
                    None
                }
            },
            _ => {
                let known: Vec<&str> = scope
                    .nsgs
                    .keys()
                    .copied()
                    .chain(
                        scope
                            .values
                            .iter()
                            .filter(|(_, d)| {
                                matches!(d, Decl::Resource(r) if r.kind == ast::ResourceKind::Firewall)
                            })
                            .map(|(n, _)| *n),
                    )
                    .chain(["nsg", "firewall"])
                    .collect();
                self.say(faults::undefined(name.span, "layer", &name.node, known));
                None
            }
        }
    }

    /// The ids of the denies that an exception overrides; `None` if a fault was reported.
    fn overrides(
        &mut self,
        clauses: &Clauses<'a>,
        instance: InstanceId,
        group: &str,
    ) -> Option<Vec<String>> {
        let Some(paths) = clauses.find(|k| match k {
            ClauseKind::Overrides(paths) => Some(paths),
            _ => None,
        }) else {
            return Some(Vec::new());
        };
        let mut out = Vec::new();
        let mut whole = true;
        for path in paths {
            let found = self.flows_named(path, instance, group, Verb::Deny);
            let required = found.iter().any(|(_, required)| *required);
            let plain = found.into_iter().filter(|(_, required)| !required);
            let found: Vec<String> = plain.map(|(id, _)| id).collect();
            if found.is_empty() {
                let known = self.deny_names(instance, group);
                let other = if required {
                    Some(Verb::Deny)
                } else {
                    [Verb::Forbid, Verb::Allow]
                        .into_iter()
                        .find(|verb| !self.flows_named(path, instance, group, *verb).is_empty())
                };
                self.say(faults::overrides(path.span, &path.text(), other, &known));
                whole = false;
            }
            out.extend(found);
        }
        whole.then_some(out)
    }

    /// Ids of the flows of a kind that a path names, each with whether it is required: a label of this
    /// group or of `main`, `group::label`, or a group.
    fn flows_named(
        &self,
        path: &ast::Path,
        instance: InstanceId,
        group: &str,
        verb: Verb,
    ) -> Vec<(String, bool)> {
        let mut at = instance;
        let mut rest = path.segments.as_slice();
        while let [first, tail @ ..] = rest {
            let child = self
                .instances
                .get(at)
                .and_then(|i| i.children.get(&first.node).copied());
            match child {
                Some(child) if !tail.is_empty() => {
                    at = child;
                    rest = tail;
                }
                _ => break,
            }
        }
        let Some(scope) = self.scope(at) else {
            return Vec::new();
        };
        let candidates: Vec<(&str, Option<&str>)> = match rest {
            [name] => vec![
                (group, Some(name.node.as_str())),
                ("main", Some(name.node.as_str())),
                (name.node.as_str(), None),
            ],
            [g, label] => vec![(g.node.as_str(), Some(label.node.as_str()))],
            _ => Vec::new(),
        };
        for (g, label) in candidates {
            let Some(found) = scope.groups.get(g) else {
                continue;
            };
            let mut ids = Vec::new();
            for member in &found.members {
                if let MemberDecl::Flow(flow, _) = member
                    && flow.verb.node == verb
                    && let Some(own) = &flow.label
                    && label.is_none_or(|l| l == own.node)
                {
                    let id = self.key(at, &format!("{g}::{}", own.node));
                    ids.push((id, is_required(flow)));
                }
            }
            if !ids.is_empty() {
                return ids;
            }
        }
        Vec::new()
    }

    fn deny_names(&self, instance: InstanceId, own: &str) -> Vec<String> {
        let mut out = Vec::new();
        for (name, group) in self.scope(instance).iter().flat_map(|s| &s.groups) {
            for member in &group.members {
                if let MemberDecl::Flow(flow, _) = member
                    && flow.verb.node == Verb::Deny
                    && !is_required(flow)
                    && let Some(label) = &flow.label
                {
                    out.push(if *name == own || *name == "main" {
                        label.node.clone()
                    } else {
                        format!("{name}::{}", label.node)
                    });
                }
            }
        }
        out
    }

    fn route(
        &mut self,
        instance: InstanceId,
        group_name: &str,
        group: &GroupDecl<'a>,
        route: &'a ast::Route,
        span: Span,
        policy: &mut Policy,
    ) {
        self.clauses_of_flows(
            &route.clauses,
            "on a route",
            |_| false,
            "drop it; a route takes `for`, `when`, `owner`, `ticket`, `until` and `name`",
        );
        let clauses = Clauses::of(group, &route.clauses);
        let active = self.conditions(&clauses.when, instance);
        let mut to = self.endpoint(&route.expr, instance);
        if let Some(e) = &to
            && !(e.names.is_empty()
                && e.fqdn_tags.is_empty()
                && e.categories.is_empty()
                && e.urls.is_empty()
                && e.asgs.is_empty()
                && !e.is_opaque())
        {
            let wanted = "prefixes or service tags (a route table knows no names)";
            self.say(faults::wrong_type(route.expr.span, wanted, kind_of(e)));
            to = None;
        }
        let hop = self.hop(&route.via, instance);
        let table = self.route_target(&route.on, instance, policy);
        let (Some(true), Some(to), Some(hop), Some(table)) = (active, to, hop, table) else {
            return;
        };
        let id = self.id(instance, group_name, route.label.as_ref(), || {
            format!("route|{to:?}|{hop:?}|{table}")
        });
        policy.routes.push(Route {
            id,
            to,
            hop,
            table,
            owner: clauses.find(|k| match k {
                ClauseKind::Owner(text) => Some(text.text.node.clone()),
                _ => None,
            }),
            until: clauses.until,
            name: clauses.find(|k| match k {
                ClauseKind::Name(text) => Some((text.node.clone(), text.span)),
                _ => None,
            }),
            span: route
                .label
                .as_ref()
                .map_or(route.expr.span, |l| l.span)
                .to(span),
        });
    }

    /// The key of the route table that `on` names: a table, or the table of a subnet that alone
    /// uses it.
    fn route_target(
        &mut self,
        path: &ast::Path,
        instance: InstanceId,
        policy: &Policy,
    ) -> Option<String> {
        let (at, name) = self.walk(path, instance)?;
        let scope = self.scope(at)?;
        if scope.tables.contains_key(name.node.as_str()) {
            self.mark(at, "route-table", &name.node);
            return Some(self.key(at, &name.node));
        }
        if let Some(Decl::Resource(r)) = scope.values.get(name.node.as_str())
            && r.kind == ast::ResourceKind::Subnet
        {
            self.mark(at, "value", &name.node);
            let key = self.key(at, &name.node);
            let table = policy.subnets.get(&key).and_then(|s| s.route_table.clone());
            let Some(table) = table else {
                self.say(faults::wrong_type(
                    path.span,
                    "a route table, or a subnet that has one",
                    "a subnet without `route-table`",
                ));
                return None;
            };
            let others: Vec<&str> = policy
                .subnets
                .iter()
                .filter(|(k, s)| **k != key && s.route_table.as_deref() == Some(table.as_str()))
                .map(|(k, _)| k.as_str())
                .collect();
            if !others.is_empty() {
                self.say(faults::shared_table(path.span, &table, &key, &others));
                return None;
            }
            return Some(table);
        }
        let known = self.guesses(scope.tables.keys());
        self.say(faults::undefined(
            name.span,
            "route table",
            &name.node,
            known,
        ));
        None
    }

    #[allow(clippy::too_many_arguments)] // one statement with its surroundings
    fn dnat(
        &mut self,
        instance: InstanceId,
        group_name: &str,
        group: &GroupDecl<'a>,
        dnat: &'a ast::Dnat,
        span: Span,
        policy: &mut Policy,
    ) {
        self.clauses_of_flows(
            &dnat.clauses,
            "on a dnat",
            |k| matches!(k, ClauseKind::At(_) | ClauseKind::Pin(_)),
            "drop it; a dnat takes `for`, `when`, `at`, `owner`, `ticket`, `until`, `pin` and `name`",
        );
        let clauses = Clauses::of(group, &dnat.clauses);
        let active = self.conditions(&clauses.when, instance);
        let from = self.endpoint(&dnat.from, instance);
        if let Some(e) = &from {
            self.can_be_source(e, dnat.from.span);
        }
        let to = self.plain(&dnat.to, instance);
        let into = self.endpoint(&dnat.into, instance);
        let at = self.layers(&clauses, instance);
        let ends = (from, to, into, at.map(|a| a.0));
        if let Some(model) = self.dnat_of(instance, group_name, dnat, span, &clauses, ends)
            && active == Some(true)
        {
            policy.dnats.push(model);
        }
    }
}

fn is_required(flow: &ast::Flow) -> bool {
    flow.need.as_ref().is_some_and(|n| n.node == Need::Required)
}

/// Clauses that a group does not hand on to its flows.
fn is_flow_only(clause: &ast::Clause) -> bool {
    matches!(
        clause.kind,
        ClauseKind::Pin(_)
            | ClauseKind::Name(_)
            | ClauseKind::Overrides(_)
            | ClauseKind::Header(..)
            | ClauseKind::SourcePort(_)
    )
}

/// The place of a service.
pub(crate) fn svc_span(service: &ast::Svc) -> Span {
    match service {
        ast::Svc::Proto { proto, ports } => {
            ports.as_ref().map_or(proto.span, |p| proto.span.to(p.span))
        }
        ast::Svc::Named(path) => path.span,
    }
}
