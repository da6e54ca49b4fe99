//! Where resources are spoiled: compiles a project with a hook between lowering and proof, or asks the
//! proof about many spoiled copies of one compilation. It knows no fault.

use std::path::Path;

use portcullis::backends::{Context, Lowered};
use portcullis::catalog::{Catalog, Cloud};
use portcullis::config::{Deploy, Settings};
use portcullis::diag::{Diagnostic, Severity};
use portcullis::driver::{self, Compiled, Options, Project, Stage};
use portcullis::proof;
use portcullis::source::MemoryLoader;

use crate::oracle::load;

/// A project in memory.
pub(super) struct Subject {
    pub(super) loader: MemoryLoader,
    pub(super) project: Project,
}

impl Subject {
    /// One file, without settings of its own.
    pub(super) fn of_text(policy: &str) -> Self {
        Self::of_files(&[("policy.gate".to_owned(), policy.to_owned())])
    }

    /// Files, the first of which is the root.
    pub(super) fn of_files(files: &[(String, String)]) -> Self {
        let mut loader = MemoryLoader::default();
        loader.files.extend(files.iter().cloned());
        Self {
            loader,
            project: Project {
                settings: Settings {
                    project: Some("demo".to_owned()),
                    deploy: Deploy {
                        subscription: Some("00000000-0000-0000-0000-000000000000".to_owned()),
                        resource_group: Some("rg".to_owned()),
                        location: Some("westeurope".to_owned()),
                    },
                    ..Settings::default()
                },
                sources: vec![files[0].0.clone()],
            },
        }
    }

    /// A project of the repository, every `.gate` file of which is of the root module if its settings
    /// name it.
    pub(super) fn of_folder(folder: &str) -> Self {
        let folder = load::root().join(folder);
        let mut loader = MemoryLoader::default();
        let mut sources = Vec::new();
        for path in crate::apim::entries(&folder) {
            let name = name_of(&path);
            if Path::new(&name).extension().is_some_and(|e| e == "gate") {
                let text = std::fs::read_to_string(&path).unwrap();
                loader.files.insert(name, text);
            }
        }
        let written = std::fs::read_to_string(folder.join("portcullis.yaml")).unwrap();
        for name in loader.files.keys() {
            if written.contains(name.as_str()) {
                sources.push(name.clone());
            }
        }
        let mut subject = Self::of_files(&[(String::new(), String::new())]);
        subject.loader = loader;
        subject.project.sources = sources;
        subject
    }

    /// Compiles, spoiling what was lowered.
    pub(super) fn compile(&self, spoil: &mut dyn FnMut(&Stage<'_>, &mut Lowered)) -> Compiled {
        self.run(spoil, true)
    }

    /// The same, to the smallest input that shows the fault.
    pub(super) fn compile_to_the_end(
        &self,
        spoil: &mut dyn FnMut(&Stage<'_>, &mut Lowered),
    ) -> Compiled {
        self.run(spoil, false)
    }

    fn run(&self, spoil: &mut dyn FnMut(&Stage<'_>, &mut Lowered), no_smallest: bool) -> Compiled {
        let catalog = Catalog::embedded(Cloud::Public);
        let options = Options {
            no_smallest,
            ..Options::default()
        };
        driver::compile_watched(&self.loader, &self.project, catalog, &options, spoil)
    }

    /// Calls back for every environment of the sound compilation, with what was told of it.
    pub(super) fn each(
        &self,
        then: &mut dyn FnMut(&Context<'_>, &Lowered, &[Diagnostic]),
    ) -> Result<(), Vec<Diagnostic>> {
        let catalog = Catalog::embedded(Cloud::Public);
        let options = Options {
            no_files: true,
            ..Options::default()
        };
        let (loader, project) = (&self.loader, &self.project);
        let sound = driver::compile(loader, project, catalog, &options);
        if sound.output.is_none() {
            return Err(errors(&sound.diagnostics));
        }
        let told = sound.diagnostics;
        let unproven = Options {
            no_prove: true,
            ..options
        };
        let _ = driver::compile_watched(
            loader,
            project,
            catalog,
            &unproven,
            &mut |stage, lowered| {
                then(stage.context, lowered, &told);
            },
        );
        Ok(())
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The errors among what was told.
pub(super) fn errors(told: &[Diagnostic]) -> Vec<Diagnostic> {
    told.iter()
        .filter(|d| d.severity == Severity::Error)
        .cloned()
        .collect()
}

/// What the proof says of resources that may be spoiled: the errors.
pub(super) fn judged(
    context: &Context<'_>,
    lowered: &Lowered,
    told: &[Diagnostic],
) -> Vec<Diagnostic> {
    errors(&proof::check(context, lowered, told).told)
}
