//! Finds the project that a PATH means: settings, folder, sources. It compiles nothing.

use std::path::{Path, PathBuf};

use super::io::ground::Ground;
use super::io::{self, IoFault};
use crate::config::{self, Settings};
use crate::diag::Diagnostic;
use crate::source::SourceMap;

/// The settings file's name.
const SETTINGS_FILE: &str = "portcullis.yaml";

/// A project on the disk.
#[derive(Clone, Debug)]
pub struct Found {
    /// Absolute folder that all paths of the project are relative to.
    pub root: PathBuf,
    /// The same as seen from the working directory; `.` if it is that.
    pub shown_root: String,
    /// The settings.
    pub settings: Settings,
    /// The settings file as shown, if there is one.
    pub settings_file: Option<String>,
    /// Faults of the settings, and the text they point into.
    pub faults: (SourceMap, Vec<Diagnostic>),
    /// Root module's files, relative to `root`.
    pub sources: Vec<String>,
    /// A single file of a folder that holds a larger project: the project's memory is not its own.
    pub lone: bool,
}

/// Finds the project of `path`.
///
/// # Errors
/// When there is no such path, no source in it, or a file cannot be read.
pub fn find(path: &Path, config: Option<&Path>) -> Result<Found, IoFault> {
    find_on(&Ground::Disk, path, config)
}

/// The same of files elsewhere.
///
/// # Errors
/// As [`find`].
pub fn find_on(ground: &Ground, path: &Path, config: Option<&Path>) -> Result<Found, IoFault> {
    let (found, shown) = settings_and_sources(ground, path, config)?;
    // Faults of the settings are told first; they may be why there are no sources.
    if found.sources.is_empty() && found.faults.1.is_empty() {
        return Err(IoFault::Other(match found.settings_file {
            Some(file) => format!("no .gate files in `{shown}`, and `{file}` names no `sources`"),
            None => format!("no .gate files and no {SETTINGS_FILE} in `{shown}`"),
        }));
    }
    Ok(found)
}

/// Whether there is no project at `path`: nothing at all, or no source and no setting that is wrong.
///
/// # Errors
/// When a file cannot be read.
pub fn is_absent(ground: &Ground, path: &Path, config: Option<&Path>) -> Result<bool, IoFault> {
    let here = io::working_directory()?;
    if !ground.exists(&io::absolute(&here, path)) {
        return Ok(true);
    }
    let (found, _) = settings_and_sources(ground, path, config)?;
    Ok(found.sources.is_empty() && found.faults.1.is_empty())
}

/// Finds the settings in force at `path`, for commands that need no source.
///
/// # Errors
/// When a file cannot be read.
pub fn settings_only(path: &Path, config: Option<&Path>) -> Result<Found, IoFault> {
    settings_and_sources(&Ground::Disk, path, config).map(|(found, _)| found)
}

fn settings_and_sources(
    ground: &Ground,
    path: &Path,
    config: Option<&Path>,
) -> Result<(Found, String), IoFault> {
    let here = io::working_directory()?;
    let target = io::absolute(&here, path);
    let shown = io::relative(&here, &target);
    if !ground.exists(&target) {
        return Err(IoFault::Other(format!("there is no `{shown}`")));
    }
    let is_folder = ground.is_folder(&target);
    if !is_folder
        && target
            .extension()
            .is_some_and(|e| e == "yaml" || e == "yml")
    {
        return Err(IoFault::Other(format!(
            "`{shown}` is a settings file; name its folder, or use --config {shown}"
        )));
    }
    let folder = if is_folder {
        target.clone()
    } else {
        target.parent().unwrap_or(&target).to_path_buf()
    };
    let file = match config {
        Some(file) => Some(io::absolute(&here, file)),
        None => settings_above(ground, &folder),
    };
    let mut faults = (SourceMap::default(), Vec::new());
    let mut settings = Settings::default();
    let mut root = folder.clone();
    let mut settings_file = None;
    if let Some(file) = file {
        let name = io::relative(&here, &file);
        let text = ground.read_maybe_text(&file, &name)?;
        let (text, bad) = text.map_or_else(|(text, at)| (text, Some(at)), |text| (text, None));
        let id = faults.0.add(name.clone(), text);
        (settings, faults.1) = match bad {
            Some(at) => (settings, vec![config::not_text(&faults.0, id, at)]),
            None => config::parse(&faults.0, id),
        };
        root = file.parent().unwrap_or(&file).to_path_buf();
        settings_file = Some(name);
    }
    if settings.project.is_none() {
        settings.project = root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
    }
    let sources = if !is_folder {
        vec![io::relative(&root, &target)]
    } else if !settings.sources.is_empty() {
        settings.sources.clone()
    } else {
        ground
            .gate_files(&folder)?
            .iter()
            .map(|name| io::relative(&root, &folder.join(name)))
            .collect()
    };
    let whole = if settings.sources.is_empty() {
        ground.gate_files(&folder).map_or(0, |files| files.len())
    } else {
        settings.sources.len()
    };
    let found = Found {
        lone: !is_folder
            && (whole != 1 || !(settings.sources.is_empty() || settings.sources == sources)),
        shown_root: io::relative(&here, &root),
        root,
        settings,
        settings_file,
        faults,
        sources,
    };
    Ok((found, shown))
}

/// The settings file of a folder or of one above it, up to the repository's root. Outside a
/// repository only the folder itself counts: a file further up may be anybody's.
fn settings_above(ground: &Ground, folder: &Path) -> Option<PathBuf> {
    let file_in = |folder: &Path| {
        let file = folder.join(SETTINGS_FILE);
        ground.is_file(&file).then_some(file)
    };
    let in_repository = folder.ancestors().any(|f| ground.is_top(f));
    if !in_repository {
        return file_in(folder);
    }
    for above in folder.ancestors() {
        if let Some(file) = file_in(above) {
            return Some(file);
        }
        if ground.is_top(above) {
            return None;
        }
    }
    None
}
