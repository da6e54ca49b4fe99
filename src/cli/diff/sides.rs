//! One side of a difference, compiled or read: its environments with all that is compared and told of
//! them. It compares nothing.

use super::asked::Asked;
use crate::catalog::Catalog;
use crate::cli::args::Global;
use crate::cli::explain::behind::Behind;
use crate::cli::io::IoFault;
use crate::cli::io::ground::{Ground, GroundLoader};
use crate::cli::project::{self, Found};
use crate::cli::{lock, report, run, test};
use crate::config::{OnExpired, Settings};
use crate::diag::{Diagnostic, Severity, levels};
use crate::diff::scene::Scene;
use crate::diff::textual::{self, Item};
use crate::diff::told::Tests;
use crate::driver::{self, LimitsMode, Memory, Stage};
use crate::model::Policy;
use crate::reach::Traces;
use crate::resolve::Words;
use crate::source::SourceMap;
use crate::syntax::ast::Date;
use crate::trials::promise;
use crate::wrap::manifest::Retired;
use crate::wrap::sha256_hex;

/// Flows of an environment that are held against each other, to say which warnings are new. Of more than
/// these it takes as long as all the rest, and it is `check` that judges a policy by itself.
pub(super) const MOST_HELD: usize = 20_000;

/// An environment of a side; without any resource if the side does not have it.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// What is compared.
    pub(super) scene: Scene,
    /// The statements behind the rules.
    pub(super) behind: Behind,
    /// Groups that left the source and are still in force.
    pub(super) retired: Vec<Retired>,
    /// The resources, to compare them as text.
    pub(super) text: textual::Side,
    /// The policy's tests, if they were run.
    pub(super) tests: Option<Tests>,
    /// How many flows it has; 0 where nobody knows.
    pub(super) flows: usize,
}

/// A side.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Its environments, by name.
    pub(super) environments: Vec<Environment>,
    /// A hash of all that is emitted.
    pub(super) hash: String,
    /// Its settings.
    pub(super) settings: Settings,
    /// The project's folder as files are named from.
    pub(super) folder: String,
    /// The catalogue.
    pub(super) catalogue: String,
    /// The day that expiry is judged on.
    pub(super) today: Option<Date>,
    /// What it was read from, with names for people.
    pub(super) sources: SourceMap,
    /// What is said of it.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// It has numbers of its own: a lock.
    pub(super) numbered: bool,
    /// Why it cannot be compared, beside the diagnostics.
    pub(super) unreadable: Option<String>,
}

impl Side {
    /// Whether something is wrong with it.
    pub(super) fn is_bad(&self) -> bool {
        self.unreadable.is_some()
            || self
                .diagnostics
                .iter()
                .any(|d| d.severity == Severity::Error)
    }

    /// The hash of all that is emitted.
    pub(super) fn hashed(&self) -> String {
        let mut all: Vec<String> = Vec::new();
        for one in &self.environments {
            for r in &one.text.items {
                let hash = sha256_hex(&r.value.to_string());
                all.push(format!("{} {} {hash}", one.scene.environment, r.known_by()));
            }
        }
        all.sort();
        format!("sha256:{}", sha256_hex(&all.join("\n")))
    }

    /// An environment by name.
    pub(super) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|e| e.scene.environment == name)
    }
}

/// A project on its ground.
#[derive(Debug)]
pub(super) struct Project {
    asked: Asked,
    /// The project.
    pub(super) found: Found,
    /// Its own catalogue, if it is not the program's.
    catalog: Option<Catalog>,
    /// Its tests are run.
    pub(super) tested: bool,
    /// It is the old side, of which nobody can change anything any more.
    pub(super) past: bool,
}

impl Project {
    /// Finds it. The inner `Err` is a side that is wrong already.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub(super) fn find(global: &Global, asked: &Asked) -> Result<Result<Self, Side>, IoFault> {
        let found = project::find_on(&asked.ground, &asked.path, global.config.as_deref());
        let found = found.map_err(|why| of_side(asked, &why))?;
        if !found.faults.1.is_empty() {
            return Ok(Err(Side {
                sources: found.faults.0,
                diagnostics: found.faults.1,
                ..Side::default()
            }));
        }
        let mut own = None;
        match run::catalog_on(&asked.ground, global, &found, &mut own) {
            Err(why) => return Err(of_side(asked, &why)),
            Ok(Err((sources, fault))) => {
                return Ok(Err(Side {
                    sources,
                    diagnostics: vec![*fault],
                    ..Side::default()
                }));
            }
            Ok(Ok(_)) => {}
        }
        Ok(Ok(Self {
            asked: asked.clone(),
            found,
            catalog: own,
            tested: false,
            past: false,
        }))
    }

    /// The catalogue that its settings name.
    pub(super) fn catalog(&self) -> &Catalog {
        match &self.catalog {
            Some(own) => own,
            None => Catalog::embedded(self.found.settings.cloud),
        }
    }

    /// What is remembered of earlier runs.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn memory(&self) -> Result<Memory, IoFault> {
        let found = &self.found;
        Ok(match &self.asked.ground {
            Ground::Disk => lock::Remember::default().read(found)?,
            ground @ Ground::Revision(_) => Memory {
                lock: if found.lone {
                    None
                } else {
                    lock::read_on(ground, found)?
                },
                lone: found.lone,
                ..Memory::default()
            },
        })
    }

    /// Where it stands.
    pub(super) fn ground(&self) -> &Ground {
        &self.asked.ground
    }

    /// Compiles it with a catalogue. `before` is what it is compared with: rules that left the source
    /// while Azure keeps them are found there. `seen` sees every environment, and says what is wrong.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn compile(
        &self,
        global: &Global,
        catalog: &Catalog,
        before: Option<&Side>,
        seen: &mut dyn FnMut(&Stage<'_>) -> Option<String>,
    ) -> Result<Side, IoFault> {
        let found = &self.found;
        let levels = report::levels(global, &found.settings)?;
        let any = || Some("any".to_owned());
        let ask = run::Ask {
            limits: LimitsMode::Warn,
            no_prove: true,
            no_files: true,
            most_held: Some(MOST_HELD),
            // Endpoints get their names with a question.
            asked: Some(Words {
                from: any(),
                to: any(),
                services: None,
                ports: None,
            }),
            ..run::Ask::default()
        };
        let memory = self.memory()?;
        let numbered = memory.lock.is_some();
        let (project, mut options) = run::asked(global, found, &ask, memory);
        // The other side may have it.
        options.absent_is_none = true;
        // What has expired since is in force all the same, until something else is deployed.
        if self.past && found.settings.expiry.on_expired == OnExpired::Error {
            options.on_expired = Some(OnExpired::Warn);
        }
        let loader = GroundLoader::new(self.asked.ground.clone(), found.root.clone());
        let mut environments: Vec<Environment> = Vec::new();
        let mut unreadable = None;
        let compiled = driver::compile_watched(
            &loader,
            &project,
            catalog,
            &options,
            &mut |stage, lowered| {
                let name = &stage.context.fabric.policy.environment;
                if let Some(why) = seen(stage) {
                    unreadable.get_or_insert(why);
                }
                let live = before.map_or_else(Vec::new, |side| live(side, name, stage.retired));
                let shown = |file: &str| {
                    if loader.served(file) {
                        run::join(&found.shown_root, file)
                    } else {
                        file.to_owned()
                    }
                };
                let mut tests = None;
                if self.tested && has_tests(stage.context.fabric.policy) {
                    match test::counted(stage, lowered) {
                        Ok((passed, failed)) => tests = Some(Tests { passed, failed }),
                        Err(why) => {
                            unreadable.get_or_insert(why);
                        }
                    }
                }
                let traces = Traces::new(&lowered.traces);
                let mut text = textual::Side::of_lowered(stage.context, lowered);
                // Nothing is proven or written from here on: the same twice would be most of the memory.
                lowered.resources = Vec::new();
                let items = text.items.iter().chain(live);
                match Scene::new(stage.context, stage.sources, items, traces.clone()) {
                    Ok(mut scene) => {
                        text.retired = stage.retired.to_vec();
                        for about in scene.about.values_mut() {
                            about.file = shown(&about.file);
                        }
                        environments.push(Environment {
                            scene,
                            behind: Behind::new(stage, traces, &shown),
                            retired: stage.retired.to_vec(),
                            text,
                            tests,
                            flows: stage.context.fabric.policy.flows.len(),
                        });
                    }
                    Err(why) => {
                        unreadable.get_or_insert(format!(
                            "a resource of `{name}` cannot be read back: {why}"
                        ));
                    }
                }
            },
        );
        let sources = run::shown_names(&compiled.sources, &loader, found);
        let mut levels = levels;
        levels.keep_errors = compiled.output.is_none();
        let diagnostics = levels::apply(&sources, compiled.diagnostics, &levels);
        let mut side = Side {
            environments,
            hash: String::new(),
            settings: found.settings.clone(),
            folder: found.shown_root.clone(),
            catalogue: catalog.identity().to_string(),
            today: options.as_of,
            sources,
            diagnostics,
            numbered,
            unreadable,
        };
        side.hash = side.hashed();
        Ok(side)
    }
}

/// Whether there is anything to run.
fn has_tests(policy: &Policy) -> bool {
    let promised = policy.flows.iter().any(|f| promise(f).is_some());
    promised || !policy.tests.is_empty()
}

/// The groups that left the source and stay in force, as another side has them.
fn live<'s>(side: &'s Side, environment: &str, retired: &[Retired]) -> Vec<&'s Item> {
    let Some(before) = side.environment(environment) else {
        return Vec::new();
    };
    let is_it = |r: &&Item| {
        let id = r.known_by().to_lowercase();
        r.kind == textual::Kind::RuleCollectionGroup
            && retired.iter().any(|gone| {
                let policy = format!("/firewallpolicies/{}/", gone.policy.to_lowercase());
                id.contains(&policy) && id.ends_with(&format!("/{}", gone.name.to_lowercase()))
            })
    };
    before.text.items.iter().filter(is_it).collect()
}

/// Says which side a fault is of.
pub(super) fn of_side(asked: &Asked, why: &IoFault) -> IoFault {
    match &asked.ground {
        Ground::Disk => IoFault::Other(why.to_string()),
        Ground::Revision(revision) => {
            IoFault::Other(format!("revision `{}`: {why}", revision.name))
        }
    }
}
