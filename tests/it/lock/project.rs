//! A project in memory, as the compiler takes it: files, settings, and what it remembers. It draws
//! nothing and judges nothing.

use std::collections::BTreeMap;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::config::{Deploy, Settings};
use portcullis::diag::{Diagnostic, Severity};
use portcullis::driver::{self, Memory, Options, OutFile, Output, Project};
use portcullis::source::MemoryLoader;

/// A project whose root is `main.gate`.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) settings: Settings,
    /// Environments to compile; all if empty.
    pub(crate) environments: Vec<String>,
    /// The existing output.
    pub(crate) output: Vec<OutFile>,
    /// Forget what was retired earlier.
    pub(crate) prune: bool,
}

impl Built {
    pub(crate) fn of(text: &str) -> Self {
        Self {
            files: BTreeMap::from([("main.gate".to_owned(), text.to_owned())]),
            settings: Settings {
                project: Some("p".to_owned()),
                deploy: Deploy {
                    subscription: Some("00000000-0000-0000-0000-000000000000".to_owned()),
                    resource_group: Some("rg".to_owned()),
                    location: Some("westeurope".to_owned()),
                },
                ..Settings::default()
            },
            environments: Vec::new(),
            output: Vec::new(),
            prune: false,
        }
    }

    pub(crate) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    pub(crate) fn run(&self, lock: Option<&str>) -> (Option<Output>, Vec<Diagnostic>) {
        let loader = MemoryLoader {
            files: self.files.clone(),
        };
        let project = Project {
            settings: self.settings.clone(),
            sources: vec!["main.gate".to_owned()],
        };
        let options = Options {
            environments: self.environments.clone(),
            memory: Memory {
                lock: lock.map(str::to_owned),
                output: self.output.clone(),
                prune: self.prune,
                ..Memory::default()
            },
            ..Options::default()
        };
        let catalog = Catalog::embedded(Cloud::Public);
        let compiled = driver::compile(&loader, &project, catalog, &options);
        (compiled.output, compiled.diagnostics)
    }

    /// What must compile.
    pub(crate) fn compile(&self, lock: Option<&str>) -> (Output, Vec<Diagnostic>) {
        let (output, told) = self.run(lock);
        let errors: Vec<_> = told
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .collect();
        let output = output.unwrap_or_else(|| panic!("{errors:#?}\n{:?}", self.files));
        (output, told)
    }
}
