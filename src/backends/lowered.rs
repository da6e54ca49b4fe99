//! What every room may look at, and what it makes: resources, and which flow is behind which rule.
//! It knows no rule of any room.

use std::cell::RefCell;

use crate::allocate::lock::{Part, Scope};
use crate::allocate::numbers::Numbers;
use crate::config::{LimitsMode, Settings};
use crate::diag::Sink;
use crate::model::{self, Key};
use crate::path::Fabric;
use crate::source::Span;

use super::limits::Usage;
use super::plan::Plan;
use super::resource::{AzureType, Identity, Place, Resource, ResourceId};

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
    /// What rules and groups are numbered, and were.
    pub numbers: &'a RefCell<Numbers>,
}

/// Which flow is behind a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleTrace {
    /// The resource's file below the environment's folder.
    pub file: String,
    /// The resource's id, as far as it is known.
    pub resource: String,
    /// The rule's name.
    pub rule: String,
    /// Ids of the flows behind it.
    pub flows: Vec<String>,
    /// What it is to them.
    pub role: Role,
}

/// What a rule is to the flows behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It says what they say.
    Exact,
    /// It is wider than they are; a later layer narrows it, or the policy accepts it.
    Envelope,
    /// It keeps their envelope from opening more.
    Guard,
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
    /// How much of Azure's limits is used.
    pub usages: Vec<Usage>,
}

impl Context<'_> {
    /// The Azure identity of a declared resource: its `id`, else what its statement says, else
    /// `deploy:`.
    #[must_use]
    pub fn identity(&self, declared: &model::Identity) -> Identity {
        let deploy = self.settings.deploy_for(&self.fabric.policy.environment);
        let given = declared.id.as_deref().map(ResourceId::parse);
        let (subscription, group, name) = match given {
            Some(ResourceId::Named(id)) => {
                (id.subscription, id.resource_group, id.names.last().cloned())
            }
            _ => (None, None, None),
        };
        Identity {
            name: name.unwrap_or_else(|| declared.name.clone()),
            place: Place {
                subscription: subscription.or(deploy.subscription),
                resource_group: group
                    .or_else(|| declared.resource_group.clone())
                    .or(deploy.resource_group),
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

    /// The id of a declared IP group.
    pub(crate) fn group_id(&self, key: &str) -> Option<ResourceId> {
        let group = self.fabric.policy.ip_groups.get(key)?;
        Some(self.id(&group.identity, AzureType::IpGroup))
    }

    /// The id of the generated IP group of public addresses.
    pub(crate) fn internet_id(&self) -> ResourceId {
        self.id(&Self::internet_group(), AzureType::IpGroup)
    }

    /// The generated IP group of public addresses: `tag(Internet)` on a firewall.
    pub(crate) fn internet_group() -> model::Identity {
        model::Identity {
            name: "ipg-internet".to_owned(),
            ..model::Identity::default()
        }
    }

    /// The numbers of a part of a resource. Resources of one kind and one Azure name in several
    /// resource groups are told apart by these.
    pub(crate) fn scope(
        &self,
        declared: &model::Identity,
        part: Part,
        namesakes: &mut dyn Iterator<Item = &model::Identity>,
    ) -> Scope {
        let name = &declared.name;
        let several = namesakes.filter(|n| n.name == *name).count() > 1;
        let group = self.identity(declared).place.resource_group;
        let name = match group.filter(|_| several) {
            Some(group) => format!("{name}@{group}"),
            None => name.clone(),
        };
        Scope::new(&self.fabric.policy.environment, &name, part)
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

/// The key of a resource without its instance path.
#[must_use]
pub(crate) fn last_segment(key: &Key) -> &str {
    key.rsplit("::").next().unwrap_or(key)
}
