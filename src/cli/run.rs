//! What `compile` and `check` share: project, catalogue, compilation, levels. It writes no output.

use std::path::{Path, PathBuf};

use super::args::{AsOf, Global};
use super::io::ground::{Ground, GroundLoader};
use super::io::{self, IoFault};
use super::lock;
use super::project::{self, Found};
use super::report::{self, Reporter};
use super::{BAD, CANNOT_RUN};
use crate::catalog::Catalog;
use crate::config::{OnExpired, Settings};
use crate::diag::internal::internal;
use crate::diag::{Code, Diagnostic, Severity, levels};
use crate::driver::{self, Emit, LimitsMode, Memory, Options, Output, Project};
use crate::resolve::Words;
use crate::source::{SourceMap, Span};
use crate::syntax::ast::Date;

/// A compilation that went well.
#[derive(Debug)]
pub(super) struct Done {
    /// The project.
    pub(super) found: Found,
    /// Its output.
    pub(super) output: Output,
}

/// What is compiled, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask<'a> {
    /// Source file, or folder of a project.
    pub(super) path: PathBuf,
    /// What an exceeded limit means.
    pub(super) limits: LimitsMode,
    /// Forms to emit; those of the settings if empty.
    pub(super) emit: Vec<Emit>,
    /// What a flow past its day means.
    pub(super) on_expired: Option<OnExpired>,
    /// Leave the proof out.
    pub(super) no_prove: bool,
    /// Something is asked of the output: notes about the policy are shown with `-v` only, and not
    /// counted.
    pub(super) asking: bool,
    /// What becomes of `required` flows is told by who watches.
    pub(super) promises_watched: bool,
    /// In an environment of more flows than this flows are not held against each other.
    pub(super) most_held: Option<usize>,
    /// Make no files.
    pub(super) no_files: bool,
    /// What is asked about each environment.
    pub(super) asked: Option<Words>,
    /// What is remembered of earlier runs.
    pub(super) remember: lock::Remember<'a>,
}

/// Compiles and tells the diagnostics. The inner `Err` is an exit code: everything is told then.
pub(super) fn run(
    global: &Global,
    reporter: &Reporter,
    ask: &Ask<'_>,
) -> Result<Result<Done, u8>, IoFault> {
    watched(global, reporter, ask, &mut |_, _| {})
}

/// The same, showing every environment between lowering and proof.
pub(super) fn watched(
    global: &Global,
    reporter: &Reporter,
    ask: &Ask<'_>,
    watch: &mut driver::Watch<'_>,
) -> Result<Result<Done, u8>, IoFault> {
    let found = project::find(&ask.path, global.config.as_deref())?;
    if let Some(file) = &found.settings_file {
        reporter.remark(&format!("settings: {file}"))?;
    }
    if !found.faults.1.is_empty() {
        reporter.tell(&found.faults.0, &found.faults.1)?;
        return Ok(Err(CANNOT_RUN));
    }
    let mut levels = report::levels(global, &found.settings)?;
    let mut own = None;
    let catalog = match catalog(global, &found, &mut own)? {
        Ok(catalog) => catalog,
        Err((sources, fault)) => {
            reporter.tell(&sources, &[*fault])?;
            return Ok(Err(CANNOT_RUN));
        }
    };
    reporter.remark(&format!("catalogue: {}", catalog.identity()))?;
    let memory: Memory = ask.remember.read(&found)?;
    let (project, options) = asked(global, &found, ask, memory);
    let loader = GroundLoader::new(Ground::Disk, found.root.clone());
    let compiled = driver::compile_watched(&loader, &project, catalog, &options, watch);
    for (_, file) in compiled.sources.iter() {
        // An argument is a source too.
        if !file.name.starts_with("--") {
            reporter.remark(&format!("read: {}", file.name))?;
        }
    }
    let sources = shown_names(&compiled.sources, &loader, &found);
    let mut diagnostics = compiled.diagnostics;
    levels.keep_errors = compiled.output.is_none();
    if compiled.output.is_none() && !diagnostics.iter().any(|d| d.severity == Severity::Error) {
        diagnostics.push(internal("the compiler gave neither output nor error"));
    }
    let mut diagnostics = levels::apply(&sources, diagnostics, &levels);
    if ask.asking && !global.verbose {
        diagnostics.retain(|d| d.severity != Severity::Note);
    }
    reporter.tell(&sources, &diagnostics)?;
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Ok(Err(BAD));
    }
    // Without output there was an error, and it was told above.
    let Some(output) = compiled.output else {
        return Ok(Err(BAD));
    };
    if let Some(unknown) = global.environments.iter().find(|name| {
        !output
            .summaries
            .iter()
            .any(|s| s.environment == name.as_str())
    }) {
        return Err(IoFault::Other(format!(
            "there is no environment `{unknown}`"
        )));
    }
    if output.seeded {
        reporter.tell_aside(&format!(
            "there is no `{}`: numbers are taken from the existing output",
            join(&found.shown_root, &found.settings.lock)
        ))?;
    }
    Ok(Ok(Done { found, output }))
}

/// The day on which expiry is judged: of the flag, else of the settings.
pub(super) fn as_of(global: &Global, settings: &Settings) -> Option<Date> {
    match global.as_of {
        None => settings.as_of,
        Some(AsOf::None) => None,
        Some(AsOf::Date(date)) => Some(date),
        Some(AsOf::Today) => io::today(),
    }
}

/// What is compiled, and how.
pub(super) fn asked(
    global: &Global,
    found: &Found,
    ask: &Ask<'_>,
    memory: Memory,
) -> (Project, Options) {
    let options = Options {
        environments: global.environments.clone(),
        absent_is_none: false,
        limits: ask.limits,
        as_of: as_of(global, &found.settings),
        on_expired: ask.on_expired,
        emit: ask.emit.clone(),
        no_prove: ask.no_prove,
        promises_watched: ask.promises_watched,
        no_files: ask.no_files,
        asked: ask.asked.clone(),
        most_held: ask.most_held,
        no_smallest: false,
        memory,
    };
    let mut project = Project {
        settings: found.settings.clone(),
        sources: found.sources.clone(),
    };
    // `--as-of none` also undoes the day of the settings.
    project.settings.as_of = options.as_of;
    (project, options)
}

/// The catalogue in force: of the flag, of the settings, or the program's own. `own` keeps one
/// that was read.
pub(super) fn catalog<'a>(
    global: &Global,
    found: &Found,
    own: &'a mut Option<Catalog>,
) -> Result<Result<&'a Catalog, (SourceMap, Box<Diagnostic>)>, IoFault> {
    catalog_on(&Ground::Disk, global, found, own)
}

/// The same where the settings are elsewhere; what the flag names is on the disk.
pub(super) fn catalog_on<'a>(
    ground: &Ground,
    global: &Global,
    found: &Found,
    own: &'a mut Option<Catalog>,
) -> Result<Result<&'a Catalog, (SourceMap, Box<Diagnostic>)>, IoFault> {
    let here = io::working_directory()?;
    let file = match (&global.catalog, &found.settings.catalog.file) {
        (Some(flag), _) => Some(io::absolute(&here, flag)),
        (None, Some(file)) => Some(io::absolute(&found.root, Path::new(file))),
        (None, None) => None,
    };
    let Some(file) = file else {
        return Ok(Ok(Catalog::embedded(found.settings.cloud)));
    };
    let shown = io::relative(&here, &file);
    let text = if global.catalog.is_some() {
        io::read_text(&file, &shown)?
    } else {
        ground.read_text(&file, &shown)?
    };
    match Catalog::parse(text.clone()) {
        Ok(catalog) => Ok(Ok(own.insert(catalog))),
        Err(fault) => {
            let mut sources = SourceMap::default();
            let id = sources.add(shown, text);
            let line = u32::try_from(fault.line).unwrap_or(u32::MAX);
            let (start, end) = sources.get(id).map_or((0, 0), |file| {
                let start = file.lines.line_start(line);
                let rest = file.text.get(start as usize..).unwrap_or("");
                let length = rest.lines().next().map_or(0, str::len);
                (start, start + u32::try_from(length).unwrap_or(0))
            });
            let fault = Diagnostic::new(Code::PC9008, Span::new(id, start, end), fault.message)
                .help("make the file anew with `portcullis catalog build --from FILE`");
            Ok(Err((sources, Box::new(fault))))
        }
    }
}

/// The same sources with names as seen from the working directory. The core knows names relative
/// to the project, so that its output does not depend on where the command was started.
pub(super) fn shown_names(sources: &SourceMap, loader: &GroundLoader, found: &Found) -> SourceMap {
    let mut out = SourceMap::default();
    for (_, file) in sources.iter() {
        let own = loader.served(&file.name) || file.name == found.settings.lock;
        let name = if own {
            join(&found.shown_root, &file.name)
        } else {
            file.name.clone()
        };
        out.add(name, file.text.clone());
    }
    out
}

/// A path below a shown folder, without `./` and with `..` taken up where possible.
pub(super) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| *p != ".").collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|p| *p != ".." && !p.is_empty()) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}
