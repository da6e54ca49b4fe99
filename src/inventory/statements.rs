//! What is in force, a row for each flow, translation and route. What becomes of its traffic is not
//! said here.

use std::collections::BTreeMap;

use crate::backends::Role;
use crate::backends::resource::ResourceId;
use crate::model::dnat::Target;
use crate::model::{self, FlowId, Hop};
use crate::path::{HopClass, Way};
use crate::syntax::ast::{Need, Verb};

use super::Seen;
use super::data::{Flow, Kind, Rule};
use super::units::{Terms, services};

/// Every statement, by id within its kind: flows, then translations, then routes.
pub(super) fn flows(seen: Seen<'_>, terms: &Terms<'_>) -> Vec<Flow> {
    let policy = seen.context.fabric.policy;
    let mut rules = rules(seen);
    let mut out = Vec::new();
    for flow in &policy.flows {
        let id = flow.id.text();
        let ways = seen.context.fabric.ways(flow).unwrap_or_default();
        let mut firewalls: Vec<String> = ways.iter().filter_map(|w| w.firewall.clone()).collect();
        firewalls.sort();
        firewalls.dedup();
        out.push(Flow {
            rules: rules.remove(&id).unwrap_or_default(),
            group: group(&flow.id),
            kind: Kind::Flow,
            action: verb(flow).to_owned(),
            tier: Some(flow.tier.word()),
            need: flow.need.map(|need| match need {
                Need::Required => "required",
                Need::Optional => "optional",
            }),
            from: terms.labels(&flow.from),
            to: terms.labels(&flow.to),
            services: services(&flow.traffic),
            into: None,
            overrides: flow.overrides.clone(),
            purpose: flow.purpose.clone(),
            owner: flow.owner.clone(),
            ticket: flow.ticket.clone(),
            until: flow.until.map(|date| date.to_string()),
            place: seen.place(flow.spans.whole),
            direct: ways.iter().any(is_direct),
            firewalls,
            id,
        });
    }
    for dnat in &policy.dnats {
        let id = dnat.id.text();
        let into = match &dnat.into {
            Target::Address(ip) => ip.to_string(),
            Target::Name(name) => name.text.clone(),
        };
        let mut traffic = model::service::Traffic::default();
        let port = model::service::PortSet::one(dnat.port);
        traffic.add(dnat.proto, &port);
        out.push(Flow {
            rules: rules.remove(&id).unwrap_or_default(),
            group: group(&dnat.id),
            kind: Kind::Translation,
            action: "dnat".to_owned(),
            from: terms.labels(&dnat.from),
            to: dnat.to.iter().map(ToString::to_string).collect(),
            services: services(&traffic),
            into: Some(format!("{into}:{}", dnat.into_port)),
            purpose: dnat.purpose.clone(),
            owner: dnat.owner.clone(),
            ticket: dnat.ticket.clone(),
            until: dnat.until.map(|date| date.to_string()),
            place: seen.place(dnat.spans.whole),
            id,
            ..Flow::default()
        });
    }
    for route in &policy.routes {
        let id = route.id.text();
        let table = policy.route_tables.get(&route.table);
        out.push(Flow {
            rules: rules.remove(&id).unwrap_or_default(),
            group: group(&route.id),
            kind: Kind::Route,
            action: "route".to_owned(),
            from: vec![table.map_or_else(|| route.table.clone(), |t| t.identity.name.clone())],
            to: terms.labels(&route.to),
            into: Some(hop(&route.hop)),
            owner: route.owner.clone(),
            until: route.until.map(|date| date.to_string()),
            place: seen.place(route.span),
            id,
            ..Flow::default()
        });
    }
    out
}

/// `instance::group`.
fn group(id: &FlowId) -> String {
    let mut parts = id.instance.clone();
    parts.push(id.group.clone());
    parts.join("::")
}

/// The verb as written.
pub(super) fn verb(flow: &model::Flow) -> &'static str {
    match flow.verb {
        Verb::Allow => "allow",
        Verb::Deny => "deny",
        Verb::Forbid => "forbid",
    }
}

fn hop(hop: &Hop) -> String {
    match hop {
        Hop::Firewall(key) => key.clone(),
        Hop::Internet => "internet".to_owned(),
        Hop::None => "none".to_owned(),
        Hop::Vnet => "vnet".to_owned(),
        Hop::Gateway => "gateway".to_owned(),
    }
}

/// Whether a way passes no firewall.
pub(super) fn is_direct(way: &Way) -> bool {
    way.firewall.is_none() && way.hop != HopClass::None
}

/// By flow: the rules that it became, sorted.
fn rules(seen: Seen<'_>) -> BTreeMap<String, Vec<Rule>> {
    let mut out: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for trace in &seen.lowered.traces {
        let rule = Rule {
            resource: ResourceId::parse(&trace.resource).names().join("/"),
            rule: trace.rule.clone(),
            role: role(trace.role),
        };
        for flow in &trace.flows {
            out.entry(flow.clone()).or_default().push(rule.clone());
        }
    }
    for list in out.values_mut() {
        list.sort();
        list.dedup();
    }
    out
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Exact => "exact",
        Role::Envelope => "envelope",
        Role::Guard => "guard",
    }
}
