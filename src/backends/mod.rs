//! The rooms: one per Azure resource family. What a room knows about Azure stays in it; what the
//! wrappers need of every room is in `resource` and `tree`.

mod dnat;
pub(crate) mod faults;
mod from_shape;
mod identity;
pub mod plan;
pub mod resource;
pub mod tree;

pub mod firewall_policy;
pub mod ip_group;
pub mod nsg;
pub mod udr;

mod lowered;

pub use lowered::{Context, Lowered, RuleTrace};

use crate::diag::Sink;
use crate::model;
use crate::source::Span;

use resource::{AzureType, Resource};

/// Lowers one environment.
#[must_use]
pub fn lower(context: &Context<'_>, sink: &mut Sink) -> Lowered {
    let mut out = Lowered::default();
    let policy = context.fabric.policy;
    ip_group::lower::lower_ip_groups(context, &mut out);
    for key in policy.firewalls.keys() {
        firewall_policy::lower::lower_firewall(context, key, &mut out, sink);
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
    out
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
