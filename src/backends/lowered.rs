//! Runs every room over one environment and gathers what they made: resources, and which flow is
//! behind which rule. It knows no rule of any room.

use crate::config::Settings;
use crate::diag::Sink;
use crate::driver::LimitsMode;
use crate::model::{self, Key};
use crate::path::Fabric;
use crate::source::Span;

use super::plan::Plan;
use super::resource::{AzureType, Identity, Place, Resource, ResourceId};
use super::{faults, firewall_policy, ip_group, nsg, udr};

/// What every room may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The topology.
    pub fabric: &'a Fabric<'a>,
    /// The duties.
    pub plan: &'a Plan,
    /// Bands, names, places.
    pub settings: &'a Settings,
    /// What an exceeded limit means.
    pub limits: LimitsMode,
}

/// Which flow is behind a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleTrace {
    /// The resource's file below the environment's folder.
    pub file: String,
    /// The rule's name.
    pub rule: String,
    /// Ids of the flows behind it.
    pub flows: Vec<String>,
    /// The rule is wider than its flows; a later layer narrows it, or the policy accepts it.
    pub envelope: bool,
}

/// What an environment became.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    /// Resources, in the order they are to be deployed.
    pub resources: Vec<Resource>,
    /// Number of rules per resource file.
    pub rules: Vec<(String, usize)>,
    /// Flows behind rules.
    pub traces: Vec<RuleTrace>,
}

impl Context<'_> {
    /// The Azure identity of a declared resource: what its statement says, else `deploy:`.
    #[must_use]
    pub fn identity(&self, declared: &model::Identity) -> Identity {
        let deploy = self.settings.deploy_for(&self.fabric.policy.environment);
        Identity {
            name: declared.name.clone(),
            place: Place {
                subscription: deploy.subscription,
                resource_group: declared.resource_group.clone().or(deploy.resource_group),
                location: declared.location.clone().or(deploy.location),
            },
            tags: declared.tags.clone(),
        }
    }

    /// The complete or partial id of a declared resource.
    #[must_use]
    pub fn id(&self, declared: &model::Identity, kind: AzureType) -> ResourceId {
        declared
            .id
            .as_deref()
            .map_or_else(|| self.identity(declared).id(kind), ResourceId::parse)
    }

    /// Where a limit is exceeded: refuse, warn or say nothing.
    pub(crate) fn exceeded(&self, sink: &mut Sink, d: crate::diag::Diagnostic) {
        match self.limits {
            LimitsMode::Error => sink.push(d),
            LimitsMode::Warn => {
                let severity = d.severity.min(crate::diag::Severity::Warning);
                sink.push(d.severity(severity));
            }
            LimitsMode::Off => {}
        }
    }

    /// A place of a resource that a fault is about; resources that nobody declared have none.
    #[must_use]
    pub(crate) fn span(declared: &model::Identity) -> Option<Span> {
        (declared.span != Span::default()).then_some(declared.span)
    }
}

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

/// The key of a resource without its instance path.
#[must_use]
pub(crate) fn last_segment(key: &Key) -> &str {
    key.rsplit("::").next().unwrap_or(key)
}
