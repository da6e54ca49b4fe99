//! The rooms: one per Azure resource family. What a room knows about Azure stays in it; what the
//! wrappers need of every room is in `resource` and `tree`.

mod base;
mod dnat;
mod example;
pub(crate) mod faults;
pub mod firewall_rules;
mod from_shape;
mod identity;
pub mod limits;
pub mod meaning;
pub mod plan;
pub mod resource;
pub mod tree;

pub mod classic_firewall;
pub mod firewall_policy;
pub mod ip_group;
pub mod nsg;
pub mod udr;

mod idle_clauses;
mod lowered;
mod ordered;
mod path_faults;
mod private_ranges;
mod route_faults;
mod shut;
mod tags;

/// What the rooms read in resources, for who composes them.
pub mod reading {
    pub use super::classic_firewall::meaning as classic_firewall;
    pub use super::firewall_policy::meaning as firewall_policy;
    pub use super::ip_group::meaning as ip_group;
    pub use super::nsg::meaning as nsg;
    pub use super::nsg::shape::Direction;
    pub use super::udr::meaning as udr;
}

pub use lowered::{Context, Lowered, Role, RuleTrace};

use std::collections::{BTreeMap, BTreeSet};

use crate::allocate::lock::Part;
use crate::diag::Sink;
use crate::model;
use crate::source::Span;

use firewall_policy::lower::Beside;
use limits::Measured;
use resource::{AzureType, Resource};

/// Lowers one environment.
#[must_use]
pub fn lower(context: &Context<'_>, sink: &mut Sink) -> Lowered {
    let mut out = Lowered::default();
    let policy = context.fabric.policy;
    ordered::check(context, sink);
    idle_clauses::check(context, sink);
    ip_group::lower::lower_ip_groups(context, &mut out);
    for (key, firewall) in &policy.firewalls {
        if firewall.classic {
            lower_classic(context, key, firewall, &mut out, sink);
        } else {
            firewall_policy::lower::lower_firewall(
                context,
                key,
                &Beside::default(),
                &mut out,
                sink,
            );
        }
    }
    for key in policy.nsgs.keys() {
        nsg::lower::lower_nsg(context, key, &mut out, sink);
    }
    for key in policy.route_tables.keys() {
        udr::lower::lower_route_table(context, key, &mut out, sink);
    }
    for resource in &out.resources {
        check_place(context, resource, sink);
    }
    measure(context, &mut out, sink);
    out
}

/// Lowers a classic firewall: the rules are those of a policy, the form is its own.
fn lower_classic(
    context: &Context<'_>,
    key: &model::Key,
    firewall: &model::Firewall,
    out: &mut Lowered,
    sink: &mut Sink,
) {
    if !classic_firewall::lower::fits(context, key, sink) {
        return;
    }
    let Ok((base, beside)) = classic_base(context, firewall, sink) else {
        return;
    };
    let mut made = Lowered::default();
    firewall_policy::lower::lower_firewall(context, key, &beside, &mut made, sink);
    let groups: Vec<&Resource> = made
        .resources
        .iter()
        .filter(|r| r.kind == AzureType::RuleCollectionGroup)
        .collect();
    let made_of = classic_firewall::lower::lower(context, firewall, &groups, base.as_ref(), sink);
    let Some(resource) = made_of else {
        return;
    };
    let measured = Measured {
        resource: AzureType::AzureFirewall,
        name: firewall.identity.name.clone(),
        what: format!("firewall `{key}`"),
        span: Context::span(&firewall.identity).unwrap_or_default(),
    };
    let counts = firewall_policy::measure::measure_firewall(&groups);
    for (cap, used) in with_addresses(counts, firewall) {
        measured.record(context, cap, used, out, sink);
    }
    out.traces
        .extend(made.traces.into_iter().map(|trace| RuleTrace {
            file: resource.file.clone(),
            resource: resource.id.text(),
            ..trace
        }));
    let rules = made.rules.iter().map(|(_, rules)| rules).sum();
    out.rules.push((resource.file.clone(), rules));
    out.resources.push(resource);
}

/// The export that a classic firewall is merged into, and what stands in it beside ours. Collections named after a group that the lock knows are ours and taken out, so that one which
/// left the source does not come back; one whose number was only read from an export may be ours.
fn classic_base(
    context: &Context<'_>,
    firewall: &model::Firewall,
    sink: &mut Sink,
) -> Result<(Option<classic_firewall::base::Base>, Beside), ()> {
    let Some(file) = &firewall.base else {
        return Ok((None, Beside::default()));
    };
    let name = &firewall.identity.name;
    let read = classic_firewall::base::read(&file.text).and_then(|base| match &base.name {
        Some(other) if !other.eq_ignore_ascii_case(name) => Err(format!(
            "it is firewall `{other}`, not `{name}`; write `name = \"{other}\"` if it is meant"
        )),
        _ => Ok(base),
    });
    match read {
        Ok(base) => {
            let scope = firewall_policy::places::scope(context, firewall, Part::Groups);
            let numbers = context.numbers.borrow();
            let known = numbers.old().scopes.get(&scope);
            let ids = || known.into_iter().flat_map(|s| s.entries.keys());
            let ours: BTreeSet<String> = ids().map(|id| id.to_lowercase()).collect();
            let maybe = ids().filter_map(|id| id.strip_prefix('=').map(str::to_owned));
            let groups = base.groups();
            let base = base.without(&ours);
            let foreign = base.priorities(&maybe.collect());
            Ok((Some(base), Beside { foreign, groups }))
        }
        Err(reason) => {
            sink.push(crate::resolve::base_file_fault(
                file.span, &file.path, "firewall", &reason,
            ));
            Err(())
        }
    }
}

/// Every limit of every room.
fn all_caps() -> Vec<&'static limits::Cap> {
    let mut out = Vec::new();
    out.extend(firewall_policy::caps::ALL);
    out.extend(ip_group::caps::ALL);
    out.extend(nsg::caps::ALL);
    out.extend(udr::caps::ALL);
    out
}

/// Counts what was emitted against Azure's limits.
fn measure(context: &Context<'_>, out: &mut Lowered, sink: &mut Sink) {
    let policy = context.fabric.policy;
    let traced = traced_spans(context, out);
    let mut found: Vec<(Measured, Vec<(&'static limits::Cap, usize)>)> = Vec::new();
    for (key, firewall) in policy.firewalls.iter().filter(|(_, f)| !f.classic) {
        let id = context.id(&firewall.identity, AzureType::FirewallPolicy);
        let prefix = format!("{}/", id.text());
        let groups: Vec<&Resource> = out
            .resources
            .iter()
            .filter(|r| {
                r.kind == AzureType::RuleCollectionGroup && r.id.text().starts_with(&prefix)
            })
            .collect();
        let declared = Context::span(&firewall.identity).filter(|_| !firewall.implied);
        let spans: Vec<Span> = groups
            .iter()
            .map(|g| {
                traced
                    .get(&g.file)
                    .copied()
                    .or(declared)
                    .unwrap_or_default()
            })
            .collect();
        let whole = declared.or_else(|| spans.first().copied());
        found.push((
            Measured {
                resource: AzureType::FirewallPolicy,
                name: firewall.identity.name.clone(),
                what: format!("the policy of firewall `{key}`"),
                span: whole.unwrap_or_default(),
            },
            with_addresses(firewall_policy::measure::measure_policy(&groups), firewall),
        ));
        for (group, span) in groups.iter().zip(spans) {
            let name = group.id.name().to_owned();
            found.push((
                Measured {
                    resource: AzureType::RuleCollectionGroup,
                    what: format!("rule collection group `{name}`"),
                    name,
                    span,
                },
                firewall_policy::measure::measure_group(group),
            ));
        }
    }
    for resource in &out.resources {
        let name = resource.id.name();
        let (counts, word) = match resource.kind {
            AzureType::IpGroup => (ip_group::measure::measure(resource), "IP group"),
            AzureType::NetworkSecurityGroup => (nsg::measure::measure(resource), "NSG"),
            AzureType::RouteTable => (udr::measure::measure(resource), "route table"),
            _ => continue,
        };
        let key = declared_key(policy, resource).unwrap_or(name);
        found.push((
            Measured {
                resource: resource.kind,
                name: name.to_owned(),
                what: format!("{word} `{key}`"),
                span: declared_span(context, resource).unwrap_or_default(),
            },
            counts,
        ));
    }
    for (measured, counts) in found {
        for (cap, used) in counts {
            measured.record(context, cap, used, out, sink);
        }
    }
}

/// The counts with the firewall's public addresses, if somebody told them.
fn with_addresses(
    mut counts: Vec<(&'static limits::Cap, usize)>,
    firewall: &model::Firewall,
) -> Vec<(&'static limits::Cap, usize)> {
    let used = firewall.public_ips.count(model::address::Family::V4);
    if used > 0 {
        let used = usize::try_from(used).unwrap_or(usize::MAX);
        counts.push((&firewall_policy::caps::PUBLIC_IPS, used));
    }
    counts
}

/// The place of the first flow behind each resource, by file.
fn traced_spans(context: &Context<'_>, out: &Lowered) -> BTreeMap<String, Span> {
    let flows: BTreeMap<String, Span> = context
        .fabric
        .policy
        .flows
        .iter()
        .map(|f| (f.id.text(), f.spans.whole))
        .collect();
    let mut found = BTreeMap::new();
    for trace in &out.traces {
        if !found.contains_key(&trace.file)
            && let Some(span) = trace.flows.first().and_then(|id| flows.get(id))
        {
            found.insert(trace.file.clone(), *span);
        }
    }
    found
}

/// The key of the statement behind a resource.
fn declared_key<'a>(policy: &'a model::Policy, resource: &Resource) -> Option<&'a str> {
    let named = |identity: &model::Identity| identity.name == resource.id.name();
    let key = match resource.kind {
        AzureType::NetworkSecurityGroup => policy
            .nsgs
            .iter()
            .find(|(_, n)| named(&n.identity))
            .map(|(k, _)| k),
        AzureType::RouteTable => policy
            .route_tables
            .iter()
            .find(|(_, t)| named(&t.identity))
            .map(|(k, _)| k),
        _ => policy
            .ip_groups
            .iter()
            .find(|(_, g)| named(&g.identity))
            .map(|(k, _)| k),
    };
    key.map(String::as_str)
}

/// A body with a location needs it, and a reference needs a complete id. A rule collection group
/// alone needs neither: its file is complete without, only its URL is not.
fn check_place(context: &Context<'_>, resource: &Resource, sink: &mut Sink) {
    let span = declared_span(context, resource);
    let name = resource.arm_name();
    if resource.is_tracked() && resource.location.is_none() {
        sink.push(faults::no_place(span, "location", &name));
    }
    for id in resource.properties.references() {
        if id.full().is_none() {
            sink.push(faults::no_place(
                span,
                "subscription or resource group",
                id.name(),
            ));
        }
    }
}

fn declared_span(context: &Context<'_>, resource: &Resource) -> Option<Span> {
    let policy = context.fabric.policy;
    let names: Vec<&model::Identity> = match resource.kind {
        AzureType::NetworkSecurityGroup => policy.nsgs.values().map(|n| &n.identity).collect(),
        AzureType::RouteTable => policy.route_tables.values().map(|t| &t.identity).collect(),
        AzureType::IpGroup => policy.ip_groups.values().map(|g| &g.identity).collect(),
        _ => policy.firewalls.values().map(|f| &f.identity).collect(),
    };
    names
        .into_iter()
        .find(|i| i.name == resource.id.name())
        .and_then(Context::span)
}
