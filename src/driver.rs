//! The table of contents of a compilation: the stages in order. It reads and writes nothing.

mod folder;
mod library;
mod locking;
mod pieces;
mod smallest;
mod stage;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::allocate::numbers::Numbers;
use crate::analyze::sets::Agreed;
use crate::analyze::{Scene, analyze, expiry};
pub use crate::backends::limits::Usage;
use crate::backends::plan::plan;
use crate::backends::resource::{AzureType, Resource, file_segment};
use crate::backends::{Context, Lowered, Role, faults, lower};
use crate::catalog::Catalog;
pub use crate::config::{Emit, LimitsMode};
use crate::config::{Naming, OnExpired, Settings};
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Firewall, Identity, Policy, canonical};
use crate::path::Fabric;
use crate::proof;
use crate::resolve::{self, Modules, Words, not_compiled, resolve_asking};
use crate::source::{Loader, SourceMap, Span};
use crate::syntax::ast::Date;
pub use crate::wrap::OutFile;
use crate::wrap::manifest::{
    Association, CatalogIdentity, Envelope, FileHash, Manifest, RulePlace, Tool,
};
use crate::wrap::{ApiVersions, arm, rest};
pub use folder::Folder;
use locking::Ledger;
pub use locking::{Locked, Memory, bad_lock};
use stage::Origin;
pub use stage::{Stage, Watch};

/// What is compiled: the settings and the root module's files.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Settings, from portcullis.yaml or defaults.
    pub settings: Settings,
    /// Paths of the root module's files, as the loader knows them, relative, forward slashes.
    pub sources: Vec<String>,
}

/// How to compile.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Environments to compile; all if empty.
    pub environments: Vec<String>,
    /// An environment of these that the policy does not have is no fault.
    pub absent_is_none: bool,
    /// What a limit exceeded means.
    pub limits: LimitsMode,
    /// The day on which expiry and catalogue age are judged; not judged if absent.
    pub as_of: Option<Date>,
    /// What a flow past its day means; what the settings say if absent.
    pub on_expired: Option<OnExpired>,
    /// Forms to emit; those of the settings if empty.
    pub emit: Vec<Emit>,
    /// Do not prove that what is emitted means what is asked; the manifest says so.
    pub no_prove: bool,
    /// Whoever watches proves and tells what becomes of `required` flows.
    pub promises_watched: bool,
    /// Make no files: all that is wanted is what is watched and told.
    pub no_files: bool,
    /// What is asked about each environment: its policy has it with every name bound.
    pub asked: Option<Words>,
    /// In an environment of more flows than this flows are not held against each other: what is said of
    /// dead and equal ones is not said then.
    pub most_held: Option<usize>,
    /// Where the proof fails, do not look for the smallest input with which it does.
    pub no_smallest: bool,
    /// The lock, and what else is remembered of earlier runs.
    pub memory: Memory,
}

/// One row of the summary table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// `firewall policy`, `rule collection group`, `nsg`, `route table`, `ip group`.
    pub kind: &'static str,
    /// The Azure name.
    pub name: String,
    /// Rules or routes in it.
    pub rules: usize,
    /// Of these, envelopes (rules wider than asked, narrowed later on the path).
    pub envelopes: usize,
}

/// What an environment became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvSummary {
    /// Its name.
    pub environment: String,
    /// One row a resource.
    pub rows: Vec<SummaryRow>,
}

/// The result of a compilation without errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The files, sorted by path.
    pub files: Vec<OutFile>,
    /// A summary per environment, sorted by name.
    pub summaries: Vec<EnvSummary>,
    /// Azure's limits per environment, sorted by name, with what each resource uses.
    pub limits: Vec<(String, Vec<Usage>)>,
    /// The text of the new lock.
    pub lock: String,
    /// There was no lock, and numbers were taken from the existing output.
    pub seeded: bool,
    /// Files of earlier runs, below the output folder, that are output no more; sorted.
    pub stale: Vec<String>,
}

/// Everything a run says and makes.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The sources that were read.
    pub sources: SourceMap,
    /// The output; `None` if there is an error other than one of hygiene.
    pub output: Option<Output>,
    /// What there is to say, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a project. Never fails: faults are diagnostics, and then there is no output.
#[must_use]
pub fn compile(
    loader: &dyn Loader,
    project: &Project,
    catalog: &Catalog,
    options: &Options,
) -> Compiled {
    compile_watched(loader, project, catalog, options, &mut |_, _| {})
}

/// The same for somebody who wants to see what the resources are made of, or to spoil them: what is
/// changed here is what is proven and written. Where the proof fails the hook sees smaller policies too,
/// and what it does to them is part of the fault that is looked for.
#[must_use]
pub fn compile_watched(
    loader: &dyn Loader,
    project: &Project,
    catalog: &Catalog,
    options: &Options,
    watch: &mut Watch<'_>,
) -> Compiled {
    let (mut compiled, accused) = once(loader, project, catalog, options, watch);
    if let (Some(accused), false) = (accused.first(), options.no_smallest) {
        let found = (&mut compiled, accused);
        smallest::tell(loader, project, catalog, options, watch, found);
    }
    compiled
}

/// An environment whose output is not what its policy asks.
struct Accused {
    environment: String,
    kind: proof::Kind,
    /// The message that says so.
    message: String,
}

/// Compiles, and says what the proof found wrong.
fn once(
    loader: &dyn Loader,
    project: &Project,
    catalog: &Catalog,
    options: &Options,
    watch: &mut Watch<'_>,
) -> (Compiled, Vec<Accused>) {
    let mut sources = SourceMap::default();
    let mut accused = Vec::new();
    let mut sink = Sink::default();
    check_age(project, catalog, options, &mut sink);
    check_settings(project, &mut sink);
    let mut modules = Modules::load(loader, &project.sources, &mut sources, &mut sink);
    let mut policies = modules.as_ref().map_or_else(Vec::new, |modules| {
        let mut wanted = options.environments.clone();
        if options.absent_is_none && !wanted.is_empty() {
            let known = resolve::environments(modules);
            wanted.retain(|name| known.contains(name));
            // None at all would mean all of them.
            if wanted.is_empty() {
                return Vec::new();
            }
        }
        resolve_asking(
            modules,
            loader,
            catalog,
            &wanted,
            options.asked.as_ref(),
            &mut sources,
            &mut sink,
        )
    });
    // The syntax is read again where a test has values of its own; else its memory is given back.
    let asked_again = |p: &Policy| p.tests.iter().any(|test| test.with.is_some());
    if !policies.iter().any(asked_again) {
        modules = None;
    }
    let ledger = Ledger::open(&options.memory, &project.settings, &mut sources, &mut sink);
    let remarks = RefCell::new(Sink::default());
    let mut output = None;
    // Hygiene never stops the compilation: its level is the user's to choose, and an error among it
    // keeps the command from writing.
    let mut hygiene = Sink::default();
    let mut agreed = Agreed::default();
    // What did not resolve would only draw faults that are not its own.
    if !sink.has_errors() {
        let mut made = Output::default();
        for policy in &mut policies {
            imply_firewall(policy, project);
            let judged = (&mut agreed, &mut hygiene);
            judge(policy, project, catalog, options, &sources, judged);
            let run = Run {
                project,
                catalog,
                options,
                ledger: &ledger,
                sources: &sources,
                origin: Origin {
                    loader,
                    modules: modules.as_ref(),
                    project,
                    catalog,
                    options,
                    remarks: &remarks,
                },
            };
            accused.extend(run.environment(policy, watch, &mut made, &mut sink));
        }
        let partial = !options.environments.is_empty();
        made.lock = ledger.finish(&policies, partial, &made.files, &mut sink);
        made.seeded = ledger.seeded;
        made.files.sort_by(|a, b| a.path.cmp(&b.path));
        if !sink.has_errors() && !options.no_files {
            let memory = &options.memory;
            made.stale = folder::compare(memory, &made.files, !partial, &mut sources, &mut sink);
        }
        output = (!sink.has_errors()).then_some(made);
    }
    agreed.tell(&mut hygiene);
    sink.extend(hygiene.into_sorted());
    sink.extend(remarks.into_inner().into_sorted());
    let compiled = Compiled {
        sources,
        output,
        diagnostics: sink.into_sorted(),
    };
    (compiled, accused)
}

/// Hygiene of one environment. Flows that have expired are taken out where that is asked for.
fn judge(
    policy: &mut Policy,
    project: &Project,
    catalog: &Catalog,
    options: &Options,
    sources: &SourceMap,
    (agreed, sink): (&mut Agreed, &mut Sink),
) {
    let settings = expire(policy, project, options, sink);
    let required = library::required(policy, catalog, &settings);
    let scene = Scene {
        fabric: &Fabric::new(policy, catalog),
        settings: &settings,
        sources,
        required: &required,
        proven: !options.no_prove || options.promises_watched,
        held: options
            .most_held
            .is_none_or(|most| policy.flows.len() <= most),
    };
    analyze(&scene, agreed, sink);
}

/// Tells flows that have expired and takes them out where that is asked for; the settings in force.
fn expire(policy: &mut Policy, project: &Project, options: &Options, sink: &mut Sink) -> Settings {
    let today = options.as_of.or(project.settings.as_of);
    let mut settings = project.settings.clone();
    if let Some(mode) = options.on_expired {
        settings.expiry.on_expired = mode;
    }
    expiry::judge(policy, &settings, today, sink);
    settings
}

/// Where neither subnet nor firewall is declared, one firewall policy named after the project is
/// implied, so that a first policy is five lines.
fn imply_firewall(policy: &mut Policy, project: &Project) {
    if !policy.subnets.is_empty() || !policy.firewalls.is_empty() {
        return;
    }
    let name = project
        .settings
        .project
        .clone()
        .unwrap_or_else(|| "policy".to_owned());
    policy.firewalls.insert(
        name.clone(),
        Firewall {
            identity: Identity {
                name,
                ..Identity::default()
            },
            implied: true,
            ..Firewall::default()
        },
    );
}

/// What all environments of a run share.
struct Run<'a> {
    project: &'a Project,
    catalog: &'a Catalog,
    options: &'a Options,
    ledger: &'a Ledger<'a>,
    sources: &'a SourceMap,
    origin: Origin<'a>,
}

impl Run<'_> {
    fn environment(
        &self,
        policy: &Policy,
        watch: &mut Watch<'_>,
        made: &mut Output,
        sink: &mut Sink,
    ) -> Option<Accused> {
        let Run {
            project,
            catalog,
            options,
            ledger,
            sources,
            origin,
        } = *self;
        ledger.begin(policy);
        let numbers: &RefCell<Numbers> = &ledger.numbers;
        let fabric = Fabric::new(policy, catalog);
        let plan = plan(&fabric, sink);
        let context = Context {
            fabric: &fabric,
            plan: &plan,
            settings: &project.settings,
            limits: options.limits,
            numbers,
        };
        let mut lowered = lower(&context, sink);
        let retired = ledger.end(&policy.environment);
        if sink.has_errors() {
            return None;
        }
        let stage = Stage {
            context: &context,
            sources,
            told: sink.items(),
            retired: &retired,
            origin,
        };
        watch(&stage, &mut lowered);
        if !options.no_prove {
            let judged = proof::check(&context, &lowered, sink.items());
            let accused = judged.wrong.map(|kind| Accused {
                environment: policy.environment.clone(),
                kind,
                message: judged
                    .told
                    .first()
                    .map(|d| d.message.clone())
                    .unwrap_or_default(),
            });
            sink.extend(judged.told);
            if sink.has_errors() {
                return accused;
            }
        }
        made.summaries.push(summary(policy, &lowered));
        made.limits
            .push((policy.environment.clone(), lowered.usages.clone()));
        if options.no_files {
            return None;
        }
        let versions = api_versions(project);
        let emit = if options.emit.is_empty() {
            &project.settings.emit
        } else {
            &options.emit
        };
        let mut files = Vec::new();
        let apart: Vec<Resource> = lowered
            .resources
            .iter()
            .filter(|r| !r.in_templates() && !emit.contains(&Emit::Rest))
            .cloned()
            .collect();
        // What is in no template is written beside them.
        if !apart.is_empty()
            && let Ok(list) = rest::files(&policy.environment, &apart, &versions)
        {
            files.extend(list);
        }
        for form in emit {
            let written = match form {
                Emit::Rest => rest::files(&policy.environment, &lowered.resources, &versions),
                Emit::Arm => arm::files(&policy.environment, &lowered.resources, &versions),
            };
            match written {
                Ok(list) => files.extend(list),
                Err(clash) => sink.push(faults::bad_name(
                    Span::default(),
                    &clash.path,
                    &format!(
                        "is the file of both `{}` and `{}`",
                        clash.first, clash.second
                    ),
                )),
            }
        }
        let places = places(&policy.environment, &lowered.resources, emit);
        let mut record = manifest(policy, catalog, &fabric, &lowered, &places);
        record.retired = retired;
        record.proven = !options.no_prove;
        record.record_files(&files);
        files.push(record.file());
        made.files.extend(files);
        None
    }
}

fn api_versions(project: &Project) -> ApiVersions {
    let settings = &project.settings.api_version;
    ApiVersions {
        default: settings.default.clone(),
        per_type: AzureType::ALL
            .into_iter()
            .map(|kind| (kind, settings.of(&kind.full()).to_owned()))
            .collect(),
    }
}

/// A resource's type in words.
#[must_use]
pub fn kind_words(kind: AzureType) -> &'static str {
    match kind {
        AzureType::FirewallPolicy => "firewall policy",
        AzureType::AzureFirewall => "classic firewall",
        AzureType::RuleCollectionGroup => "rule collection group",
        AzureType::NetworkSecurityGroup => "nsg",
        AzureType::SecurityRule => "security rule",
        AzureType::RouteTable => "route table",
        AzureType::IpGroup => "ip group",
        AzureType::ApplicationSecurityGroup => "application security group",
    }
}

fn summary(policy: &Policy, lowered: &Lowered) -> EnvSummary {
    let mut envelopes: BTreeMap<&str, usize> = BTreeMap::new();
    for trace in lowered.traces.iter().filter(|t| t.role == Role::Envelope) {
        *envelopes.entry(trace.file.as_str()).or_default() += 1;
    }
    let rows = lowered
        .resources
        .iter()
        .zip(&lowered.rules)
        .map(|(resource, (file, rules))| SummaryRow {
            kind: kind_words(resource.kind),
            // The rule of a security group is known by its group too.
            name: match resource.kind {
                AzureType::SecurityRule => resource.id.names().join("/"),
                _ => resource.id.name().to_owned(),
            },
            rules: *rules,
            envelopes: envelopes.get(file.as_str()).copied().unwrap_or_default(),
        })
        .collect();
    EnvSummary {
        environment: policy.environment.clone(),
        rows,
    }
}

/// By id: the file that holds a resource, relative to the manifest.
fn places(environment: &str, resources: &[Resource], emit: &[Emit]) -> BTreeMap<String, String> {
    let folder = format!("{}/", file_segment(environment));
    let alone = rest::paths(environment, resources);
    let templates = arm::paths(environment, resources);
    let mut out = BTreeMap::new();
    for ((resource, alone), template) in resources.iter().zip(alone).zip(templates) {
        let path = match template {
            Some(template) if !emit.contains(&Emit::Rest) => template,
            _ => alone,
        };
        let path = path.strip_prefix(&folder).unwrap_or(&path).to_owned();
        out.insert(resource.id.text(), path);
    }
    out
}

fn manifest(
    policy: &Policy,
    catalog: &Catalog,
    fabric: &Fabric<'_>,
    lowered: &Lowered,
    places: &BTreeMap<String, String>,
) -> Manifest {
    let mut out = Manifest {
        tool: Tool::this(),
        environment: policy.environment.clone(),
        catalog: CatalogIdentity {
            name: catalog.identity().to_string(),
            ..CatalogIdentity::default()
        },
        // The resolved content: a comment or the order of statements changes nothing.
        inputs: vec![FileHash::of("policy", &canonical::text(policy))],
        ..Manifest::default()
    };
    for trace in &lowered.traces {
        let place = RulePlace {
            file: places.get(&trace.resource).cloned().unwrap_or_default(),
            rule: trace.rule.clone(),
        };
        for flow in &trace.flows {
            out.flows
                .entry(flow.clone())
                .or_default()
                .push(place.clone());
        }
        let list = match trace.role {
            Role::Exact => continue,
            Role::Envelope => &mut out.envelopes,
            Role::Guard => &mut out.guards,
        };
        list.push(Envelope {
            file: place.file,
            rule: place.rule,
            flows: trace.flows.clone(),
        });
    }
    for (_, subnet) in fabric.end_subnets() {
        let name = |key: Option<&String>, of: &dyn Fn(&String) -> Option<String>| key.and_then(of);
        out.associations.push(Association {
            subnet: subnet.identity.name.clone(),
            network_security_group: name(subnet.nsg.as_ref(), &|k| {
                policy.nsgs.get(k).map(|n| n.identity.name.clone())
            }),
            route_table: name(subnet.route_table.as_ref(), &|k| {
                policy.route_tables.get(k).map(|t| t.identity.name.clone())
            }),
            zone: subnet.zone.clone(),
        });
    }
    out
}

/// Settings whose feature is not there yet: refused where the output would differ, told where a
/// check would be expected, and without effect otherwise.
fn check_settings(project: &Project, sink: &mut Sink) {
    let settings = &project.settings;
    if settings.associate {
        sink.push(not_compiled(None, "`associate: true` of the settings"));
    }
    if settings.naming.rule != Naming::default().rule {
        sink.push(not_compiled(
            None,
            "`naming: { rule: ... }` of the settings",
        ));
    }
}

fn check_age(project: &Project, catalog: &Catalog, options: &Options, sink: &mut Sink) {
    let Some(today) = options.as_of.or(project.settings.as_of) else {
        return;
    };
    let identity = catalog.identity();
    let Ok(made) = identity.date.parse::<Date>() else {
        return;
    };
    let days = made.until(today).map_or(0, |span| span.get_days());
    let most = project.settings.catalog.max_age_days;
    if i64::from(days) > i64::from(most) {
        sink.push(
            Diagnostic::general(
                Code::PC9002,
                None,
                format!("the catalogue {identity} is {days} days old"),
            )
            .help("download the weekly service tag file and run `portcullis catalog build --from FILE`")
            .note(format!("`catalog: max-age-days` allows {most} days")),
        );
    }
}
