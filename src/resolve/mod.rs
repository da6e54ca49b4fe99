//! Syntax trees to one policy per environment: every name bound, every value typed, conditions
//! decided. It knows nothing of layers, numbers or Azure JSON.

mod azure_id;
mod broken;
mod checks;
mod conditions;
mod dnat;
mod except;
mod faults;
mod firewalls;
mod flows;
mod imports;
mod instances;
mod nested;
mod resources;
mod scope;
mod url;
mod values;
mod world;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::diag::Sink;
use crate::model::Policy;
use crate::model::internet::internet;
use crate::source::{Loader, SourceMap};

use world::{Missing, Used, World};

pub(crate) use faults::{base_file as base_file_fault, classic_cannot, in_no_output, not_compiled};
pub(crate) use imports::library_text;

/// Resolves a project into one policy per environment, sorted by name. `wanted` restricts the
/// environments; all if empty. Faults go to the sink; a policy with faults is incomplete.
pub fn resolve(
    loader: &dyn Loader,
    roots: &[String],
    catalog: &Catalog,
    wanted: &[String],
    sources: &mut SourceMap,
    sink: &mut Sink,
) -> Vec<Policy> {
    let modules = imports::load_modules(loader, roots, sources, sink);
    if modules.is_empty() {
        return Vec::new();
    }
    let file_names: Vec<String> = sources.iter().map(|(_, f)| f.name.clone()).collect();
    let broken = broken::broken_names(&modules, sources, sink.items());
    let scopes: Vec<_> = modules
        .iter()
        .map(|m| scope::collect_scope(m, sink))
        .collect();
    let mut names: BTreeSet<String> = scopes
        .first()
        .map(|s| s.envs.iter().map(|e| e.name.node.clone()).collect())
        .unwrap_or_default();
    if names.is_empty() {
        names.insert("default".to_owned());
    }
    for name in wanted {
        if !names.contains(name) {
            let known = names.iter().map(String::as_str);
            sink.push(faults::undefined(None, "environment", name, known));
        }
    }
    let mut used = Used::new();
    let mut policies = Vec::new();
    let mut missing: BTreeMap<Missing, Vec<String>> = BTreeMap::new();
    for name in names {
        // Every environment is resolved, so that a fault in one is told whichever is compiled.
        let mut world = World::new(
            &scopes,
            catalog,
            (loader, &file_names),
            name.clone(),
            sink,
            &mut used,
        );
        let policy = resolve_environment(&mut world);
        for parameter in std::mem::take(&mut world.missing) {
            missing.entry(parameter).or_default().push(name.clone());
        }
        checks::shared_by_via(&policy, sink);
        if wanted.is_empty() || wanted.contains(&name) {
            policies.push(policy);
        }
    }
    for ((span, parameter, instance), environments) in missing {
        sink.push(faults::no_value(span, &parameter, &environments, &instance));
    }
    checks::environments_alike(&scopes, sink);
    checks::environments_of_modules(&scopes, sink);
    checks::unused(&modules, &scopes, &used, sink);
    broken::drop_consequences(&broken, sources, sink);
    policies
}

fn resolve_environment(world: &mut World<'_, '_>) -> Policy {
    let mut policy = Policy {
        environment: world.environment.clone(),
        ..Policy::default()
    };
    let enable = world.instantiate();
    let instances = world.instances.len();
    for instance in 0..instances {
        world.params(instance);
    }
    for instance in 0..instances {
        world.resources(instance, &mut policy);
    }
    symmetric_peers(&mut policy);
    world.internet = Some(internet(&policy.declared_ranges()));
    for instance in 0..instances {
        world.declarations(instance);
        world.flows(instance, &enable, &mut policy);
        world.assumes(instance, &mut policy);
    }
    world.moved();
    policy.moved = world.renames();
    world.tests();
    policy.flows.sort_by(|a, b| a.id.cmp(&b.id));
    policy.dnats.sort_by(|a, b| a.id.cmp(&b.id));
    policy
        .routes
        .sort_by(|a, b| (&a.table, &a.id).cmp(&(&b.table, &b.id)));
    policy
}

/// A peering joins two networks, whichever of them names it.
fn symmetric_peers(policy: &mut Policy) {
    let pairs: Vec<(String, String)> = policy
        .vnets
        .iter()
        .flat_map(|(key, v)| v.peers.iter().map(move |p| (p.clone(), key.clone())))
        .collect();
    for (vnet, peer) in pairs {
        if vnet != peer
            && let Some(vnet) = policy.vnets.get_mut(&vnet)
        {
            vnet.peers.insert(peer);
        }
    }
}
