//! From the worked-out routes of a table to its shape.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::allocate::names;
use crate::backends::faults;
use crate::backends::lowered::{Context, Lowered, Role, RuleTrace, last_segment};
use crate::catalog::{Target as CatalogTarget, TargetUse};
use crate::diag::Sink;
use crate::model::{FlowId, Hop, Key};
use crate::path::UserRoute;
use crate::path::routes::{Cause, Target};
use crate::source::Span;

use super::emit::emit_route_table;
use super::shape::{NextHopType, Route, RouteProperties, RouteTableProperties};

/// Lowers one route table.
pub(crate) fn lower_route_table(
    context: &Context<'_>,
    key: &Key,
    out: &mut Lowered,
    sink: &mut Sink,
) {
    let Some(table) = context.fabric.policy.route_tables.get(key) else {
        return;
    };
    let empty = crate::path::TableRoutes::default();
    let planned = context.fabric.tables.get(key).unwrap_or(&empty);
    let several = several_targets(&planned.routes);
    let mut routes: Vec<Route> = Vec::new();
    let mut claims: BTreeMap<String, (Hop, Span)> = BTreeMap::new();
    // By prefix: who asked for the route, though another may have asked first.
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut names_seen: BTreeMap<String, String> = BTreeMap::new();
    for route in &planned.routes {
        let Some(prefix) = prefix_of(context, route, sink) else {
            continue;
        };
        let behind = asked.entry(prefix.clone()).or_default();
        behind.extend(route.also.iter().map(FlowId::text));
        if let Cause::Exception(id) = &route.cause {
            behind.insert(id.text());
        }
        match claims.get(&prefix) {
            Some((hop, first)) => {
                if *hop != route.hop {
                    sink.push(faults::prefix_claimed_twice(
                        route.span,
                        *first,
                        &format!("`{prefix}`"),
                    ));
                }
                continue;
            }
            None => claims.insert(prefix.clone(), (route.hop.clone(), route.span)),
        };
        let given = given_name(context, &route.cause);
        let several = several.contains(&route.cause);
        let name = name_of(key, route, given.map(|(name, _)| name), several);
        let refuse = |why: &str| match given {
            Some((_, span)) => faults::bad_given_name(*span, &name, why),
            None => faults::bad_name(route.span, &name, why),
        };
        if let Err(error) = names::validate(&name) {
            sink.push(refuse(&error.to_string()));
        }
        let whose = cause_text(&route.cause);
        if let Some(other) = names_seen.insert(name.to_lowercase(), whose.clone())
            && other != whose
        {
            let why = format!("is already taken by `{other}` in route table `{key}`");
            sink.push(refuse(&why));
        }
        let properties = match &route.hop {
            Hop::Firewall(firewall) => {
                let address = context
                    .fabric
                    .policy
                    .firewalls
                    .get(firewall)
                    .and_then(|f| f.private_ip);
                match address {
                    Some(ip) => RouteProperties::to_appliance(prefix, ip.to_string()),
                    None => continue,
                }
            }
            Hop::Internet => RouteProperties::to(prefix, NextHopType::Internet),
            Hop::None => RouteProperties::to(prefix, NextHopType::None),
            Hop::Vnet => RouteProperties::to(prefix, NextHopType::VnetLocal),
            Hop::Gateway => RouteProperties::to(prefix, NextHopType::VirtualNetworkGateway),
        };
        routes.push(Route { name, properties });
    }
    check_name(&table.identity.name, table.identity.span, sink);
    let properties = RouteTableProperties {
        disable_bgp_route_propagation: Some(!planned.bgp),
        routes,
    };
    let resource = emit_route_table(&properties, &context.identity(&table.identity));
    for route in &properties.routes {
        let flows = asked.remove(&route.properties.address_prefix);
        out.traces.push(RuleTrace {
            file: resource.file.clone(),
            resource: resource.id.text(),
            rule: route.name.clone(),
            flows: flows.unwrap_or_default().into_iter().collect(),
            role: Role::Exact,
        });
    }
    out.rules
        .push((resource.file.clone(), properties.routes.len()));
    out.resources.push(resource);
}

fn several_targets(routes: &[UserRoute]) -> Vec<Cause> {
    let mut counts: BTreeMap<&Cause, usize> = BTreeMap::new();
    for route in routes {
        *counts.entry(&route.cause).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, n)| *n > 1)
        .map(|(c, _)| c.clone())
        .collect()
}

fn prefix_of(context: &Context<'_>, route: &UserRoute, sink: &mut Sink) -> Option<String> {
    match &route.target {
        Target::Default => Some("0.0.0.0/0".to_owned()),
        Target::Prefix(ipnet::IpNet::V6(_)) if matches!(route.hop, Hop::Firewall(_)) => {
            sink.push(faults::route_cannot(
                route.span,
                &cause_text(&route.cause),
                "Azure Firewall has no IPv6 address to be the next hop",
                "leave the IPv6 prefixes out, and filter them at the NSG",
            ));
            None
        }
        Target::Prefix(net) => Some(net.trunc().to_string()),
        Target::Tag(tag) => match context.fabric.catalog.usable(tag, CatalogTarget::Udr) {
            Some(TargetUse::No(why)) => {
                let id = cause_text(&route.cause);
                sink.push(faults::route_cannot(
                    route.span,
                    &id,
                    &why,
                    "write the prefixes, or another tag",
                ));
                None
            }
            Some(TargetUse::Unmarked(why)) => {
                sink.push(faults::unmarked_tag(route.span, tag, &why));
                Some(tag.clone())
            }
            _ => Some(tag.clone()),
        },
    }
}

fn cause_text(cause: &Cause) -> String {
    match cause {
        Cause::Default => "default".to_owned(),
        Cause::Exception(id) => id.text(),
        Cause::Peer(key) => format!("peer {key}"),
    }
}

/// `default`, `GROUP-LABEL` or `peer-VNET`; one of several targets has the tag or four hexadecimal
/// digits of the prefix behind it, never an ordinal.
fn name_of(key: &Key, route: &UserRoute, given: Option<&String>, several: bool) -> String {
    let base = match (&route.cause, given) {
        (_, Some(name)) => name.clone(),
        (Cause::Default, _) => "default".to_owned(),
        (Cause::Exception(id), _) => exception_name(key, id),
        (Cause::Peer(vnet), _) => format!("peer-{}", last_segment(vnet)),
    };
    match (&route.target, several) {
        (_, false) | (Target::Default, true) => base,
        (Target::Tag(tag), true) => format!("{base}-{tag}"),
        (Target::Prefix(net), true) => format!("{base}-{}", four_hex(&net.to_string())),
    }
}

/// What `name` on the statement behind a route says, with its place.
fn given_name<'a>(context: &Context<'a>, cause: &Cause) -> Option<&'a (String, Span)> {
    let Cause::Exception(id) = cause else {
        return None;
    };
    let routes = &context.fabric.policy.routes;
    routes.iter().find(|r| r.id == *id)?.name.as_ref()
}

fn exception_name(table: &Key, id: &FlowId) -> String {
    let mut parts: Vec<&str> = Vec::new();
    // The table carries its own instance; a route from elsewhere carries its own.
    let instance = id.instance.join("::");
    if !instance.is_empty() && !table.starts_with(&format!("{instance}::")) {
        parts.extend(id.instance.iter().map(String::as_str));
    }
    if id.group != "main" {
        parts.push(&id.group);
    }
    parts.push(&id.label);
    parts.join("-")
}

fn four_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(2)
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn check_name(name: &str, span: Span, sink: &mut Sink) {
    if let Err(error) = names::validate(name) {
        sink.push(faults::bad_name(span, name, &error.to_string()));
    }
}
