//! A side that nobody compiled: resources of an output folder, a template or an export. Beside a policy
//! they stand in its topology; without one each layer stands by itself. It reads no file.

use std::sync::Arc;

use serde_json::Value;

use crate::backends::meaning::Unreadable;
use crate::backends::resource::{AzureType, ResourceId};
use crate::backends::{Context, Role, RuleTrace};
use crate::diag::Diagnostic;
use crate::foreign::{self, Chosen, Definition, Definitions, Kind, Setting};
use crate::model::{self};
use crate::query::Names;
use crate::reach::{Traces, emitted};
use crate::source::SourceMap;
use crate::wrap::manifest::Manifest;

use super::scene::Scene;

/// One layer of definitions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerName {
    /// `nsg nsg-app outbound`, `firewall afwp-hub`, `route table rt-app`.
    pub text: String,
    chosen: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    NsgOut(String),
    NsgIn(String),
    Table(String),
    Firewall(String),
}

/// The layers that definitions have, by name.
#[must_use]
pub fn layers(all: &Definitions) -> Vec<LayerName> {
    let mut out = Vec::new();
    for (_, d) in all.of(Kind::SecurityGroup) {
        for (word, choice) in [
            ("inbound", Choice::NsgIn(d.name.clone())),
            ("outbound", Choice::NsgOut(d.name.clone())),
        ] {
            out.push(LayerName {
                text: format!("nsg {} {word}", d.name),
                chosen: choice,
            });
        }
    }
    for (_, d) in all.of(Kind::RouteTable) {
        out.push(LayerName {
            text: format!("route table {}", d.name),
            chosen: Choice::Table(d.name.clone()),
        });
    }
    for wall in foreign::leaves(all) {
        out.push(LayerName {
            text: format!("firewall {}", wall.name),
            chosen: Choice::Firewall(wall.name),
        });
    }
    out.sort();
    out.dedup();
    out
}

impl LayerName {
    /// This layer alone, as it is asked for.
    #[must_use]
    pub fn names(&self) -> foreign::Names {
        let mut out = foreign::Names::default();
        let (field, name) = match &self.chosen {
            Choice::NsgOut(name) => (&mut out.nsg_out, name),
            Choice::NsgIn(name) => (&mut out.nsg_in, name),
            Choice::Table(name) => (&mut out.route_table, name),
            Choice::Firewall(name) => (&mut out.policy, name),
        };
        *field = Some(name.clone());
        out
    }
}

/// Definitions by themselves: what lies around them nobody told. Beside the scene what it takes for
/// granted.
///
/// # Errors
/// A resource is not understood.
pub fn alone(
    setting: &Setting<'_>,
    chosen: &Chosen,
    manifest: Option<&Manifest>,
    environment: &str,
) -> Result<(Scene, Vec<String>), Box<Diagnostic>> {
    let made = foreign::network(setting, chosen)?;
    let assumed = made.assumed();
    let mut out = Scene {
        environment: environment.to_owned(),
        names: Names::bare(),
        internet: crate::model::internet::public(),
        ..Scene::default()
    };
    out.sight.network = made.network;
    out.sight.traces = traces(setting.all, manifest);
    Ok((out, assumed))
}

/// Definitions in the topology of a policy: its resources by type and name. Beside the scene the names of
/// those that are not here; they are taken not to exist.
///
/// # Errors
/// A resource is not understood.
pub fn within(
    context: &Context<'_>,
    sources: &SourceMap,
    all: &Definitions,
    manifest: Option<&Manifest>,
) -> Result<(Scene, Vec<String>), Unreadable> {
    let policy = context.fabric.policy;
    let mut missing = Vec::new();
    let mut written: Vec<emitted::Placed> = Vec::new();
    let mut add = |kind: AzureType, id: String, of: &Definition| {
        let mut value = of.value.clone();
        if let Some(members) = value.as_object_mut() {
            members.retain(|key, _| !key.eq_ignore_ascii_case("id"));
            members.insert("id".to_owned(), Value::String(id.clone()));
        }
        written.push((kind, id.to_lowercase(), Arc::new(value)));
    };
    let named = |kind: Kind, identity: &model::Identity, id: &ResourceId| {
        let by_id = |d: &&Definition| {
            d.id.as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(&id.text()))
        };
        let by_name = |d: &&Definition| d.name.eq_ignore_ascii_case(&identity.name);
        let exact = all.of(kind).map(|(_, d)| d).find(by_id);
        exact.or_else(|| all.of(kind).map(|(_, d)| d).find(by_name))
    };
    let children = |kind: Kind, parent: &str| -> Vec<(String, &Definition)> {
        let front = format!("{}/", parent.to_lowercase());
        let own = all.of(kind).map(|(_, d)| d);
        own.filter(|d| d.name.to_lowercase().starts_with(&front))
            .filter_map(|d| Some((d.name.get(front.len()..)?.to_owned(), d)))
            .collect()
    };
    for firewall in policy.firewalls.values() {
        let kind = if firewall.classic {
            AzureType::AzureFirewall
        } else {
            AzureType::FirewallPolicy
        };
        let id = context.id(&firewall.identity, kind);
        let own = if firewall.classic {
            Kind::Firewall
        } else {
            Kind::Policy
        };
        let found = named(own, &firewall.identity, &id);
        if let Some(d) = found {
            add(kind, id.text(), d);
        }
        let groups = children(Kind::Group, &firewall.identity.name);
        if found.is_none() && groups.is_empty() {
            missing.push(format!("firewall `{}`", firewall.identity.name));
        }
        for (name, d) in groups {
            let id = id.child(AzureType::RuleCollectionGroup, &name);
            add(AzureType::RuleCollectionGroup, id.text(), d);
        }
    }
    for group in policy.nsgs.values() {
        let id = context.id(&group.identity, AzureType::NetworkSecurityGroup);
        let found = named(Kind::SecurityGroup, &group.identity, &id);
        let rules = children(Kind::SecurityRule, &group.identity.name);
        match found {
            Some(d) => add(AzureType::NetworkSecurityGroup, id.text(), d),
            None if rules.is_empty() => missing.push(format!("NSG `{}`", group.identity.name)),
            None => {}
        }
        for (name, d) in rules {
            let id = id.child(AzureType::SecurityRule, &name);
            add(AzureType::SecurityRule, id.text(), d);
        }
    }
    let mut tables = Vec::new();
    for table in policy.route_tables.values() {
        let id = context.id(&table.identity, AzureType::RouteTable);
        match named(Kind::RouteTable, &table.identity, &id) {
            Some(d) => {
                let mut value = foreign::table_value(all, d);
                if let Some(members) = value.as_object_mut() {
                    members.insert("id".to_owned(), Value::String(id.text()));
                }
                tables.push((id.text(), value));
            }
            None => {
                missing.push(format!("route table `{}`", table.identity.name));
                let value = serde_json::json!({
                    "id": id.text(), "name": table.identity.name, "properties": { "routes": [] }
                });
                tables.push((id.text(), value));
            }
        }
    }
    for (_, d) in all.of(Kind::IpGroup) {
        let id = d.id.clone().unwrap_or_else(|| {
            let declared = policy
                .ip_groups
                .values()
                .find(|g| g.identity.name.eq_ignore_ascii_case(&d.name));
            let generated = Context::internet_group();
            let identity = declared.map_or(&generated, |g| &g.identity);
            context.id(identity, AzureType::IpGroup).text()
        });
        add(AzureType::IpGroup, id, d);
    }
    let tables = tables.into_iter();
    written.extend(tables.map(|(id, value)| {
        let id = id.to_lowercase();
        (AzureType::RouteTable, id, Arc::new(value))
    }));
    let network = emitted::network_of(context, &written)?;
    let mut out = Scene::around(context, sources, network);
    // Who wrote these rules, and what they were meant to say, nobody told.
    out.sight.statements = super::semantic::Statements::default();
    out.about.clear();
    out.sight.traces = traces(all, manifest);
    Ok((out, missing))
}

/// What a manifest says of the flows behind rules.
fn traces(all: &Definitions, manifest: Option<&Manifest>) -> Traces {
    let mut out: Vec<RuleTrace> = Vec::new();
    let Some(manifest) = manifest else {
        return Traces::default();
    };
    for (flow, places) in &manifest.flows {
        for place in places {
            let in_file = all.resources.iter().filter(|d| {
                let file = all.sources.get(d.file).map_or("", |f| f.name.as_str());
                file == place.file || file.ends_with(&format!("/{}", place.file))
            });
            for d in in_file {
                out.push(RuleTrace {
                    file: place.file.clone(),
                    resource: d.name.clone(),
                    rule: place.rule.clone(),
                    flows: vec![flow.clone()],
                    role: Role::Exact,
                });
            }
        }
    }
    Traces::named_so(&out)
}
