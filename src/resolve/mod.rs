//! Syntax trees to one policy per environment: every name bound, every value typed, conditions
//! decided. It knows nothing of layers, numbers or Azure JSON.

mod asked;
mod azure_id;
mod broken;
mod checks;
mod conditions;
mod dnat;
mod except;
mod faults;
mod firewalls;
mod flows;
mod idle;
mod imports;
mod instances;
mod nested;
mod resources;
mod scope;
mod url;
mod values;
mod verify;
mod world;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::diag::{Severity, Sink};
use crate::model::Policy;
use crate::model::internet::internet;
use crate::model::verify::TestBlock;
use crate::source::{Loader, SourceMap};

use asked::Trees;
pub use asked::Words;
use world::{Missing, Used, World};

pub(crate) use faults::{
    base_file as base_file_fault, classic_cannot, in_no_output, not_compiled, under_test,
};
pub(crate) use imports::library_text;

/// The modules of a project, read once: they can be resolved as often as a test asks for.
#[derive(Debug)]
pub struct Modules {
    modules: Vec<imports::Module>,
    file_names: Vec<String>,
    /// What statements that did not parse would have declared.
    broken: BTreeSet<String>,
}

impl Modules {
    /// Reads the root module and everything it imports; `None` if the files make no project. Faults
    /// go to the sink.
    pub fn load(
        loader: &dyn Loader,
        roots: &[String],
        sources: &mut SourceMap,
        sink: &mut Sink,
    ) -> Option<Self> {
        let modules = imports::load_modules(loader, roots, sources, sink);
        if modules.is_empty() {
            return None;
        }
        let broken = broken::broken_names(&modules, sources, sink.items());
        Some(Self {
            modules,
            file_names: sources.iter().map(|(_, f)| f.name.clone()).collect(),
            broken,
        })
    }
}

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
    match Modules::load(loader, roots, sources, sink) {
        Some(modules) => resolve_modules(&modules, loader, catalog, wanted, sources, sink),
        None => Vec::new(),
    }
}

/// [`resolve_modules`] with a question: each policy has it with every name bound.
pub fn resolve_asking(
    modules: &Modules,
    loader: &dyn Loader,
    catalog: &Catalog,
    wanted: &[String],
    words: Option<&Words>,
    sources: &mut SourceMap,
    sink: &mut Sink,
) -> Vec<Policy> {
    let trees = words.map(|words| words.parse(sources, sink));
    let question = trees.as_ref();
    resolve_all(modules, loader, catalog, wanted, question, sources, sink)
}

/// [`resolve`] for modules that were read before.
pub fn resolve_modules(
    modules: &Modules,
    loader: &dyn Loader,
    catalog: &Catalog,
    wanted: &[String],
    sources: &SourceMap,
    sink: &mut Sink,
) -> Vec<Policy> {
    resolve_all(modules, loader, catalog, wanted, None, sources, sink)
}

/// The environments of the root module; `default` if it declares none.
#[must_use]
pub fn environments(modules: &Modules) -> BTreeSet<String> {
    let root = modules.modules.first();
    let scope = root.map(|m| scope::collect_scope(m, &mut Sink::default()));
    names(scope.as_ref())
}

fn names(root: Option<&scope::Scope<'_>>) -> BTreeSet<String> {
    let mut out: BTreeSet<String> = root
        .map(|s| s.envs.iter().map(|e| e.name.node.clone()).collect())
        .unwrap_or_default();
    if out.is_empty() {
        out.insert("default".to_owned());
    }
    out
}

fn resolve_all(
    modules: &Modules,
    loader: &dyn Loader,
    catalog: &Catalog,
    wanted: &[String],
    question: Option<&Trees>,
    sources: &SourceMap,
    sink: &mut Sink,
) -> Vec<Policy> {
    let scopes: Vec<_> = modules
        .modules
        .iter()
        .map(|m| scope::collect_scope(m, sink))
        .collect();
    let names = names(scopes.first());
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
            (loader, &modules.file_names),
            name.clone(),
            sink,
            &mut used,
        );
        let enable = world.instantiate();
        let mut policy = resolve_environment(&mut world, &enable);
        if let Some(trees) = question {
            world.asked(trees, &mut policy);
        }
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
    checks::unused(&modules.modules, &scopes, &used, sink);
    broken::drop_consequences(&modules.broken, sources, sink);
    policies
}

/// The policy of an environment as one of its tests sees it: with the values that the test's `with`
/// gives. Its only test is that one, with its probes under these values.
///
/// `None` if these values make a fault, which is told at the `with` block. Modules that have faults of
/// their own are not asked here; of warnings nothing is told, since the environment has no such
/// values.
pub fn resolve_with(
    modules: &Modules,
    loader: &dyn Loader,
    catalog: &Catalog,
    environment: &str,
    test: &TestBlock,
    sink: &mut Sink,
) -> Option<Policy> {
    let mut own = Sink::default();
    let scopes: Vec<_> = modules
        .modules
        .iter()
        .map(|m| scope::collect_scope(m, &mut own))
        .collect();
    let mut used = Used::new();
    let mut world = World::new(
        &scopes,
        catalog,
        (loader, &modules.file_names),
        environment.to_owned(),
        &mut own,
        &mut used,
    );
    let mut enable = world.instantiate();
    if !world.try_test(test, &mut enable) {
        return None;
    }
    let policy = resolve_environment(&mut world, &enable);
    checks::shared_by_via(&policy, &mut own);
    let faulty = own.has_errors();
    let place = test.with.as_ref().map_or(test.span, |with| with.span);
    for fault in own.into_sorted() {
        if fault.severity == Severity::Error {
            sink.push(faults::under_test(fault, place));
        }
    }
    (!faulty).then_some(policy)
}

/// The rest of an environment, once its parameters have been given their values.
fn resolve_environment(world: &mut World<'_, '_>, enable: &[String]) -> Policy {
    let mut policy = Policy {
        environment: world.environment.clone(),
        ..Policy::default()
    };
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
        world.flows(instance, enable, &mut policy);
        world.assumes(instance, &mut policy);
    }
    world.moved();
    policy.moved = world.renames();
    policy.tests = world.tests();
    policy.flows.sort_by(|a, b| a.id.cmp(&b.id));
    policy.flows.shrink_to_fit();
    policy.dnats.sort_by(|a, b| a.id.cmp(&b.id));
    policy.idle.sort();
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
