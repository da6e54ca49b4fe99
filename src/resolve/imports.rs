//! The graph of files: which modules a project has, read through a loader. Names are not looked at.

use std::collections::BTreeMap;

use crate::diag::Sink;
use crate::source::{LoadError, Loader, SourceMap, Span};
use crate::syntax::{self, ast};

use super::faults;

/// Module path and text of each named file of the library.
macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$((
            concat!("std/", $name),
            include_str!(concat!("../../policies/std/", $name, ".gate")),
        )),+]
    };
}

/// The library that comes with the compiler: module path and text.
/// A test compares the list with the folder `policies/std`.
const STANDARD: &[(&str, &str)] = embedded![
    "aks",
    "apim",
    "app-service-environment",
    "application-gateway",
    "arc-kubernetes",
    "arc-servers",
    "bastion",
    "machine-learning",
];

/// The text of a module of the library.
pub(crate) fn library_text(path: &str) -> Option<&'static str> {
    let found = STANDARD.iter().find(|(known, _)| *known == path);
    found.map(|(_, text)| *text)
}

/// One module: the root's files together, or one imported file.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its syntax trees.
    pub files: Vec<ast::File>,
    /// The module behind each `use`, by the place of the statement's name.
    pub uses: BTreeMap<Span, usize>,
    /// It belongs to the embedded library.
    pub standard: bool,
}

/// Reads the root module and everything it imports. Index 0 is the root.
pub(crate) fn load_modules(
    loader: &dyn Loader,
    roots: &[String],
    sources: &mut SourceMap,
    sink: &mut Sink,
) -> Vec<Module> {
    let mut graph = Graph {
        loader,
        sources,
        sink,
        modules: vec![Module::default()],
        known: BTreeMap::new(),
        open: Vec::new(),
    };
    for path in roots {
        match graph.loader.load(path) {
            Ok(text) => graph.add_file(0, path, &text),
            Err(error) => graph.sink.push(faults::module(
                None,
                unreadable(path, &error),
                "check the path, or `sources` in portcullis.yaml",
            )),
        }
    }
    graph.open.extend(roots.iter().cloned());
    graph.follow(0);
    graph.modules
}

struct Graph<'a> {
    loader: &'a dyn Loader,
    sources: &'a mut SourceMap,
    sink: &'a mut Sink,
    modules: Vec<Module>,
    known: BTreeMap<String, usize>,
    open: Vec<String>,
}

impl Graph<'_> {
    fn add_file(&mut self, module: usize, path: &str, text: &str) {
        let file = self.sources.add(path, text);
        let (tree, faults) = syntax::parse(self.sources, file);
        self.sink.extend(faults);
        if let Some(module) = self.modules.get_mut(module) {
            module.files.push(tree);
        }
    }

    /// Loads what a module imports; the modules being loaded are in `open`.
    fn follow(&mut self, module: usize) {
        let mut wanted = Vec::new();
        if let Some(m) = self.modules.get(module) {
            for file in &m.files {
                for item in &file.items {
                    if let ast::Item::Use(u) = &item.node {
                        wanted.push((u.path.clone(), u.name.span));
                    }
                }
            }
        }
        for (path, name) in wanted {
            let from = self
                .sources
                .get(path.span.file)
                .map_or_else(String::new, |f| f.name.clone());
            let Some(target) = locate(&from, &path.node) else {
                self.sink.push(faults::module(
                    Some(path.span),
                    format!("module path `{}` leaves the project", path.node),
                    "write a path relative to this file, inside the project",
                ));
                continue;
            };
            if self.open.contains(&target) {
                let start = self.open.iter().position(|p| *p == target).unwrap_or(0);
                let mut circle: Vec<&str> =
                    self.open.iter().skip(start).map(String::as_str).collect();
                circle.push(&target);
                let circle = if module == 0 {
                    format!("{target} -> {target}")
                } else {
                    circle.join(" -> ")
                };
                self.sink.push(faults::module(
                    Some(path.span),
                    format!("imports form a cycle: {circle}"),
                    "move what both need into a third module",
                ));
                continue;
            }
            if let Some(index) = self.known.get(&target).copied() {
                self.link(module, name, index);
                continue;
            }
            let text = match library_text(&target) {
                Some(text) => Ok(text.to_owned()),
                None => self.loader.load(&target),
            };
            match text {
                Ok(text) => {
                    let index = self.modules.len();
                    self.modules.push(Module {
                        standard: target.starts_with("std/"),
                        ..Module::default()
                    });
                    self.known.insert(target.clone(), index);
                    self.add_file(index, &target, &text);
                    self.link(module, name, index);
                    self.open.push(target);
                    self.follow(index);
                    self.open.pop();
                }
                Err(error) => {
                    let help = if path.node.starts_with("std/") {
                        let names: Vec<&str> = STANDARD.iter().map(|(p, _)| *p).collect();
                        format!("the embedded library has: {}", names.join(", "))
                    } else {
                        format!("looked for `{target}`; the path is relative to `{from}`")
                    };
                    self.sink.push(faults::module(
                        Some(path.span),
                        unreadable(&path.node, &error),
                        help,
                    ));
                }
            }
        }
    }

    fn link(&mut self, module: usize, name: Span, target: usize) {
        if let Some(m) = self.modules.get_mut(module) {
            m.uses.insert(name, target);
        }
    }
}

fn unreadable(path: &str, error: &LoadError) -> String {
    match error {
        LoadError::NotFound => format!("there is no module file `{path}`"),
        LoadError::Unreadable(why) => format!("cannot read the module file `{path}`: {why}"),
    }
}

/// The project path that a `use` in `from` means; `None` if it climbs out of the project.
pub(crate) fn locate(from: &str, path: &str) -> Option<String> {
    if path.starts_with("std/") {
        return Some(path.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                _ => parts.push(".."),
            },
            other => parts.push(other),
        }
    }
    if path.starts_with('/') || parts.is_empty() {
        return None;
    }
    Some(parts.join("/"))
}
