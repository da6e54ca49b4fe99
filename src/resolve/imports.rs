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

/// Reads the root module and everything it imports. Index 0 is the root; no module at all if a file
/// is of the root and imported, because it would be resolved twice.
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
        roots,
        twice: Vec::new(),
    };
    for path in roots {
        match graph.loader.load(path) {
            Ok(text) => graph.add_file(0, path, &text),
            Err(LoadError::NotText { text, at }) => graph.add_bad_file(path, text, at),
            Err(error) => {
                // Without a text, but the file is named where a reader of places looks for it.
                let file = graph.sources.add(path, "");
                let help = "check the path, or `sources` in portcullis.yaml";
                let fault =
                    faults::module(Some(Span::new(file, 0, 0)), unreadable(path, &error), help);
                graph.sink.push(fault.label("cannot be read"));
            }
        }
    }
    graph.check_root();
    graph.open.extend(roots.iter().cloned());
    graph.follow(0);
    if graph.twice.is_empty() {
        graph.modules
    } else {
        Vec::new()
    }
}

/// Longest chain of modules that import one another.
const MAX_CHAIN: usize = 64;

struct Graph<'a> {
    loader: &'a dyn Loader,
    sources: &'a mut SourceMap,
    sink: &'a mut Sink,
    modules: Vec<Module>,
    known: BTreeMap<String, usize>,
    open: Vec<String>,
    /// Files of the root module.
    roots: &'a [String],
    /// Of these the ones that another one imports.
    twice: Vec<String>,
}

impl Graph<'_> {
    fn add_file(&mut self, module: usize, path: &str, text: &str) {
        let file = self.sources.add(path, text);
        let (tree, faults) = syntax::parse(self.sources, file);
        if text.trim().is_empty() {
            let what = format!("`{path}`");
            self.sink.push(faults::empty(Span::new(file, 0, 0), &what));
        }
        self.sink.extend(faults);
        if let Some(module) = self.modules.get_mut(module) {
            module.files.push(tree);
        }
    }

    /// A file that is not text is known by what could be read of it, for the place of the fault.
    fn add_bad_file(&mut self, path: &str, text: String, at: usize) {
        // A byte order mark is no part of the text that places are counted in.
        let mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let at = at.saturating_sub(mark);
        let file = self.sources.add(path, text);
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let end = at + '\u{fffd}'.len_utf8();
        let span = Span::new(file, offset(at), offset(end));
        self.sink.push(syntax::not_utf8(span));
    }

    /// A root of comments only is as empty as one without files.
    fn check_root(&mut self) {
        let nothing = self.modules.first().is_some_and(|root| {
            !root.files.is_empty() && root.files.iter().all(|f| f.items.is_empty())
        });
        let first = self.sources.iter().next().map(|(file, _)| file);
        if let (true, Some(file), false) = (nothing, first, self.sink.has_errors()) {
            self.sink
                .push(faults::empty(Span::new(file, 0, 0), "the policy"));
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
        let left = if module == 0 {
            self.roots_not_imported(&wanted)
        } else {
            Vec::new()
        };
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
            if target != from && self.roots.contains(&target) && !left.is_empty() {
                if !self.twice.contains(&target) {
                    self.sink
                        .push(faults::root_imported(path.span, &target, &left));
                    self.twice.push(target);
                }
                continue;
            }
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
            if self.open.len() >= self.roots.len() + MAX_CHAIN {
                let what = format!("imports lead through more than {MAX_CHAIN} modules");
                let help = "use this module from one nearer to the root";
                self.sink.push(syntax::too_large(path.span, &what, help));
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
                Err(LoadError::NotText { text, at }) => self.add_bad_file(&target, text, at),
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

    /// The files of the root that none of these statements of the root imports.
    fn roots_not_imported(&self, wanted: &[(ast::Str, Span)]) -> Vec<String> {
        let imported: Vec<String> = wanted
            .iter()
            .filter_map(|(path, _)| {
                let from = self.sources.get(path.span.file)?;
                locate(&from.name, &path.node)
            })
            .collect();
        let left = self.roots.iter().filter(|r| !imported.contains(r));
        left.cloned().collect()
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
        LoadError::NotText { .. } => format!("the module file `{path}` is not text"),
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
