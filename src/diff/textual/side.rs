//! One side of an environment as it is handed in: its resources as JSON, the flows behind their rules,
//! and what else the source says of it. Nothing is compared here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::backends::meaning::resource_value;
use crate::backends::resource::{AzureType, Resource, ResourceId};
use crate::backends::{Context, Lowered, Role};
use crate::config::Bands;
use crate::foreign::{Definition, Definitions, Kind as ForeignKind};
use crate::wrap::manifest::{Association, Manifest, Retired};

use super::Kind;

/// One resource.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is; a rule or a route that is a resource of its own has the kind of what it belongs to.
    pub kind: Kind,
    /// It is a rule or a route that is a resource of its own.
    pub part: bool,
    /// Its names, parent first.
    pub names: Vec<String>,
    /// Its id, as far as it is known.
    pub id: Option<String>,
    /// Its JSON, content below `properties` or beside the name; there is one of it, whoever reads it.
    pub value: Arc<Value>,
    /// It is a part of a resource that others write too.
    pub fragment: bool,
}

impl Item {
    /// Azure's type of it.
    #[must_use]
    pub const fn azure_type(&self) -> Option<AzureType> {
        Some(match (self.kind, self.part) {
            (Kind::IpGroup, _) => AzureType::IpGroup,
            (Kind::FirewallPolicy, _) => AzureType::FirewallPolicy,
            (Kind::ClassicFirewall, _) => AzureType::AzureFirewall,
            (Kind::RuleCollectionGroup, _) => AzureType::RuleCollectionGroup,
            (Kind::Nsg, false) => AzureType::NetworkSecurityGroup,
            (Kind::Nsg, true) => AzureType::SecurityRule,
            (Kind::RouteTable, false) => AzureType::RouteTable,
            // A route by itself belongs to its table; of a subnet only what is attached is known.
            (Kind::RouteTable, true) | (Kind::Subnet, _) => return None,
        })
    }

    /// What it is known by: its id, or its names where that is not known.
    #[must_use]
    pub fn known_by(&self) -> String {
        self.id.clone().unwrap_or_else(|| self.names.join("/"))
    }
}

/// The flows behind a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Their ids, sorted.
    pub flows: Vec<String>,
    /// What the rule is to them.
    pub role: Role,
}

/// One side of an environment.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// The resources.
    pub items: Vec<Item>,
    /// The flows behind rules, by `names/rule` in lower case.
    pub behind: BTreeMap<String, Behind>,
    /// `moved` of its source: old and new paths.
    pub moved: Vec<(String, String)>,
    /// Flows that ask for their number.
    pub pinned: BTreeSet<String>,
    /// Rule collection groups that left its source and are still in force.
    pub retired: Vec<Retired>,
    /// What has to be attached to which subnet; `None` if nobody says.
    pub associations: Option<Vec<Association>>,
    /// It was read from Azure: it holds what nobody asked for, and perhaps not all there is.
    pub exported: bool,
    /// The bands of its numbers.
    pub bands: Bands,
    /// Names of expressions that are not known, and the like: what was compared as it is written.
    pub unknown: Vec<String>,
}

impl Side {
    /// What an environment became.
    #[must_use]
    pub fn of_lowered(context: &Context<'_>, lowered: &Lowered) -> Self {
        let policy = context.fabric.policy;
        let mut out = Self {
            items: lowered.resources.iter().map(item).collect(),
            moved: policy.moved.clone(),
            bands: context.settings.bands.clone(),
            associations: Some(associations(context)),
            ..Self::default()
        };
        // The rules of a resource follow each other.
        let mut resource = ("", String::new());
        for trace in &lowered.traces {
            if resource.0 != trace.resource {
                let names = ResourceId::parse(&trace.resource).names().join("/");
                resource = (&trace.resource, names);
            }
            out.know(&resource.1, &trace.rule, &trace.flows, trace.role);
        }
        out.sort_behind();
        let pinned = policy.flows.iter().filter(|f| f.pin.is_some());
        out.pinned = pinned.map(|f| f.id.text()).collect();
        out
    }

    /// What files hold: an output folder with its manifest, or what somebody else wrote or exported.
    /// `folder` is the environment's folder as the files' names begin.
    #[must_use]
    pub fn of_definitions(all: &Definitions, manifest: Option<&Manifest>, folder: &str) -> Self {
        let mut out = Self::default();
        let mut by_file: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for definition in &all.resources {
            let file = all
                .sources
                .get(definition.file)
                .map_or("", |f| f.name.as_str());
            let Some(item) = foreign_item(definition, file) else {
                continue;
            };
            let below = file.strip_prefix(folder).unwrap_or(file);
            let below = below.trim_start_matches('/').to_owned();
            by_file.entry(below).or_default().push(item.names.join("/"));
            for (path, unknown) in &definition.open {
                out.unknown.push(format!(
                    "{} `{}`{path}: {}",
                    definition.kind.word(),
                    definition.name,
                    unknown.expression
                ));
            }
            out.items.push(item);
        }
        let Some(manifest) = manifest else {
            return out;
        };
        let mut roles: BTreeMap<(&str, &str), Role> = BTreeMap::new();
        for (list, role) in [
            (&manifest.envelopes, Role::Envelope),
            (&manifest.guards, Role::Guard),
        ] {
            for rule in list {
                roles.insert((&rule.file, &rule.rule), role);
            }
        }
        for (flow, places) in &manifest.flows {
            for place in places {
                let role = roles.get(&(place.file.as_str(), place.rule.as_str()));
                let role = role.copied().unwrap_or(Role::Exact);
                for names in by_file.get(&place.file).into_iter().flatten() {
                    out.know(names, &place.rule, std::slice::from_ref(flow), role);
                }
            }
        }
        out.sort_behind();
        out.retired.clone_from(&manifest.retired);
        out.associations = Some(manifest.associations.clone());
        out
    }

    fn know(&mut self, names: &str, rule: &str, flows: &[String], role: Role) {
        let key = format!("{names}/{rule}").to_lowercase();
        let known = self.behind.entry(key).or_insert_with(|| Behind {
            flows: Vec::new(),
            role,
        });
        known.flows.extend(flows.iter().cloned());
    }

    fn sort_behind(&mut self) {
        for behind in self.behind.values_mut() {
            behind.flows.sort();
            behind.flows.dedup();
        }
    }

    /// Every flow that is behind a rule.
    pub(super) fn flows(&self) -> BTreeSet<&str> {
        let all = self.behind.values().flat_map(|b| &b.flows);
        all.map(String::as_str).collect()
    }
}

fn item(resource: &Resource) -> Item {
    let kind = match resource.kind {
        AzureType::IpGroup | AzureType::ApplicationSecurityGroup => Kind::IpGroup,
        AzureType::FirewallPolicy => Kind::FirewallPolicy,
        AzureType::AzureFirewall => Kind::ClassicFirewall,
        AzureType::RuleCollectionGroup => Kind::RuleCollectionGroup,
        AzureType::NetworkSecurityGroup | AzureType::SecurityRule => Kind::Nsg,
        AzureType::RouteTable => Kind::RouteTable,
    };
    Item {
        kind,
        part: resource.kind == AzureType::SecurityRule,
        names: resource.id.names(),
        id: Some(resource.id.text()),
        value: Arc::new(resource_value(resource)),
        fragment: resource.fragment,
    }
}

fn foreign_item(definition: &Definition, file: &str) -> Option<Item> {
    let (kind, part) = match definition.kind {
        ForeignKind::SecurityGroup => (Kind::Nsg, false),
        ForeignKind::SecurityRule => (Kind::Nsg, true),
        ForeignKind::RouteTable => (Kind::RouteTable, false),
        ForeignKind::Route => (Kind::RouteTable, true),
        ForeignKind::Policy => (Kind::FirewallPolicy, false),
        ForeignKind::Group => (Kind::RuleCollectionGroup, false),
        ForeignKind::Firewall => (Kind::ClassicFirewall, false),
        ForeignKind::IpGroup => (Kind::IpGroup, false),
        ForeignKind::Network | ForeignKind::Subnet | ForeignKind::Peering => return None,
    };
    Some(Item {
        kind,
        part,
        names: definition.name.split('/').map(str::to_owned).collect(),
        id: definition.id.clone(),
        value: Arc::new(definition.value.clone()),
        fragment: file.ends_with(".fragment.json"),
    })
}

/// What the policy takes for granted about subnets.
fn associations(context: &Context<'_>) -> Vec<Association> {
    let policy = context.fabric.policy;
    let mut out = Vec::new();
    for (_, subnet) in context.fabric.end_subnets() {
        let nsg = subnet.nsg.as_ref().and_then(|k| policy.nsgs.get(k));
        let table = subnet.route_table.as_ref();
        let table = table.and_then(|k| policy.route_tables.get(k));
        out.push(Association {
            subnet: subnet.identity.name.clone(),
            network_security_group: nsg.map(|n| n.identity.name.clone()),
            route_table: table.map(|t| t.identity.name.clone()),
            zone: subnet.zone.clone(),
        });
    }
    out.sort();
    out
}
