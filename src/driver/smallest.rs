//! The smallest input that shows a fault of our own: statements are left out as long as the proof still
//! finds the same. How much is tried is bounded by what is compiled, never by time, so that every run
//! ends with the same answer.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::diag::{Label, Sink};
use crate::fmt;
use crate::resolve::library_text;
use crate::source::{FileId, LoadError, Loader, SourceMap, Span};
use crate::wrap::manifest::Tool;

use super::pieces::{self, Size};
use super::{Accused, Compiled, Options, Project, Watch, once};

/// Compilations at most.
const RUNS: usize = 400;
/// Pieces compiled at most, all compilations together: a large policy gets fewer of them.
const WORK: usize = 200_000;
/// Lines of the input that are shown.
const LINES: usize = 80;
/// Places that are shown beside the first.
const PLACES: usize = 7;

/// Says in the diagnostic of a fault what is the smallest input that shows it.
pub(super) fn tell(
    loader: &dyn Loader,
    project: &Project,
    catalog: &Catalog,
    options: &Options,
    watch: &mut Watch<'_>,
    (compiled, accused): (&mut Compiled, &Accused),
) {
    // The library and what is no policy stay as they are.
    let sources = &compiled.sources;
    let own = sources
        .iter()
        .filter(|(_, file)| library_text(&file.name).is_none())
        .filter(|(id, _)| {
            [Size::Rule, Size::Statement]
                .iter()
                .any(|size| !pieces::of(sources, *id, *size).is_empty())
        });
    let files: BTreeMap<String, FileId> = own.map(|(id, f)| (f.name.clone(), id)).collect();
    let options = Options {
        environments: vec![accused.environment.clone()],
        no_files: true,
        ..options.clone()
    };
    let mut bench = Bench {
        loader,
        project,
        catalog,
        options: &options,
        sources: &compiled.sources,
        accused,
        out: Vec::new(),
        runs: 0,
        work: 0,
    };
    for size in [Size::Rule, Size::Statement, Size::Part] {
        let mut found = Vec::new();
        for id in files.values() {
            found.extend(pieces::of(&compiled.sources, *id, size));
        }
        bench.shrink(found, watch);
    }
    let mut kept = Vec::new();
    for id in files.values() {
        let rules = pieces::of(&compiled.sources, *id, Size::Rule);
        kept.extend(rules.into_iter().filter(|span| !bench.is_out(*span)));
    }
    let text = shown(&bench, files.values().copied());
    let runs = bench.runs;
    let mut diagnostics = compiled.diagnostics.iter_mut();
    let Some(d) = diagnostics.find(|d| d.message == accused.message) else {
        return;
    };
    let tool = Tool::this();
    let note = d.note.take().unwrap_or_default();
    d.note = Some(format!(
        "{note}\nsmallest input found in {runs} compilations, {} {}, catalogue {}:\n{text}",
        tool.name,
        tool.version,
        catalog.identity()
    ));
    let mut kept = kept.into_iter();
    if let Some(first) = kept.next() {
        d.primary = Some(first);
        d.label = "in the smallest input that shows it".to_owned();
        for span in kept.take(PLACES) {
            let text = "this too".to_owned();
            d.labels.push(Label { span, text });
        }
        // It has a place now.
        let mut sink = Sink::default();
        sink.extend(std::mem::take(&mut compiled.diagnostics));
        compiled.diagnostics = sink.into_sorted();
    }
}

struct Bench<'a> {
    loader: &'a dyn Loader,
    project: &'a Project,
    catalog: &'a Catalog,
    options: &'a Options,
    sources: &'a SourceMap,
    accused: &'a Accused,
    /// What is left out.
    out: Vec<Span>,
    runs: usize,
    work: usize,
}

impl Bench<'_> {
    /// Leaves out halves, then quarters, then single pieces.
    fn shrink(&mut self, pieces: Vec<Span>, watch: &mut Watch<'_>) {
        let mut kept: Vec<Span> = pieces.into_iter().filter(|p| !self.is_out(*p)).collect();
        let mut size = kept.len();
        while size > 0 {
            let mut at = 0;
            while at < kept.len() {
                let end = kept.len().min(at + size);
                let some: Vec<Span> = kept.get(at..end).unwrap_or_default().to_vec();
                let before = self.out.len();
                self.out.extend(some);
                let weight = kept.len().saturating_sub(size).max(1);
                match self.still(weight, watch) {
                    Some(true) => {
                        kept.drain(at..end);
                    }
                    Some(false) => {
                        self.out.truncate(before);
                        at = end;
                    }
                    None => {
                        self.out.truncate(before);
                        return;
                    }
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// Whether the fault still shows; `None` if enough was tried.
    fn still(&mut self, weight: usize, watch: &mut Watch<'_>) -> Option<bool> {
        self.runs += 1;
        self.work += weight;
        if self.runs > RUNS || self.work > WORK {
            self.runs -= 1;
            return None;
        }
        let texts = self
            .sources
            .iter()
            .filter(|(id, _)| self.out.iter().any(|span| span.file == *id))
            .map(|(id, file)| (file.name.clone(), self.text(id)))
            .collect();
        let loader = Edited {
            inner: self.loader,
            texts,
        };
        let (_, accused) = once(&loader, self.project, self.catalog, self.options, watch);
        let this = self.accused;
        let same = |a: &Accused| a.environment == this.environment && a.kind == this.kind;
        Some(accused.iter().any(same))
    }

    fn is_out(&self, span: Span) -> bool {
        self.out
            .iter()
            .any(|gone| gone.file == span.file && gone.start <= span.start && span.end <= gone.end)
    }

    /// What is left of a file.
    fn text(&self, file: FileId) -> String {
        let whole = self.sources.get(file).map_or("", |f| f.text.as_str());
        let mut gone: Vec<(usize, usize)> = self
            .out
            .iter()
            .filter(|span| span.file == file)
            .map(|span| (span.start as usize, span.end as usize))
            .collect();
        gone.sort_unstable();
        let mut out = String::new();
        let mut at = 0;
        for (start, end) in gone {
            out.push_str(whole.get(at..start).unwrap_or(""));
            at = at.max(end);
        }
        out.push_str(whole.get(at..).unwrap_or(""));
        out
    }
}

/// A loader that gives other texts for some files.
struct Edited<'a> {
    inner: &'a dyn Loader,
    texts: BTreeMap<String, String>,
}

impl Loader for Edited<'_> {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        match self.texts.get(path) {
            Some(text) => Ok(text.clone()),
            None => self.inner.load(path),
        }
    }
}

/// What is left, file by file, without comments and blank lines.
fn shown(bench: &Bench<'_>, files: impl Iterator<Item = FileId>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for file in files {
        let text = bench.text(file);
        let bare = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let text: Vec<&str> = text.lines().filter(bare).collect();
        let text = formatted(text.join("\n"));
        let own: Vec<String> = text
            .lines()
            .filter(bare)
            .map(|line| format!("  {}", line.trim_end()))
            .collect();
        // The line of the version alone says nothing.
        if own
            .iter()
            .any(|line| !line.trim().starts_with("portcullis "))
        {
            let name = bench.sources.get(file).map_or("", |f| f.name.as_str());
            lines.push(format!("  // {name}"));
            lines.extend(own);
        }
    }
    let more = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    if more > 0 {
        lines.push(format!("  // and {more} lines more"));
    }
    lines.join("\n")
}

/// What is left in the canonical form, if it has one.
fn formatted(text: String) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("", text.clone());
    fmt::format(&sources, file).unwrap_or(text)
}
