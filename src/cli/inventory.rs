//! A project as an inventory, for `report` and `graph`: compiled, watched, gathered. What is in it is
//! worked out elsewhere.

use std::path::{Path, PathBuf};

use super::args::Global;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{project, run};
use crate::backends::Lowered;
use crate::config::OnExpired;
use crate::driver::{LimitsMode, Stage, kind_words};
use crate::inventory::{Gathered, Inventory, Seen, environment};
use crate::resolve::Words;

/// What is gathered, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    /// Source file, or folder of a project.
    pub(super) path: PathBuf,
    /// What a flow past its day means.
    pub(super) on_expired: Option<OnExpired>,
    /// Leave the proof out.
    pub(super) no_prove: bool,
}

/// The inventory. The inner `Err` is an exit code: everything is told then.
pub(super) fn of(
    global: &Global,
    reporter: &Reporter,
    ask: &Ask,
) -> Result<Result<Inventory, u8>, IoFault> {
    let place = project::find(&ask.path, global.config.as_deref())?;
    let (root, shown_root) = (place.root.clone(), place.shown_root.clone());
    let shown = |name: &str| {
        if io::is_file(&root.join(Path::new(name))) {
            run::join(&shown_root, name)
        } else {
            name.to_owned()
        }
    };
    let wanted = run::Ask {
        path: ask.path.clone(),
        // What is exceeded stands in the report.
        limits: LimitsMode::Off,
        on_expired: ask.on_expired,
        no_prove: ask.no_prove,
        asking: true,
        no_files: true,
        // Names of endpoints come with a question.
        asked: Some(Words::default()),
        ..run::Ask::default()
    };
    let mut gathered = Gathered::default();
    let mut fault: Option<String> = None;
    let done = run::watched(global, reporter, &wanted, &mut |stage, lowered| {
        if let Err(why) = watch(stage, lowered, &shown, &mut gathered) {
            fault.get_or_insert(why);
        }
    })?;
    let done = match done {
        Ok(done) => done,
        Err(code) => return Ok(Err(code)),
    };
    if let Some(why) = fault {
        return Err(IoFault::Other(why));
    }
    let settings = &done.found.settings;
    let project = settings.project.clone().unwrap_or_else(|| {
        let name = root.file_name().map(|name| name.to_string_lossy());
        name.map_or_else(|| "policy".to_owned(), |name| name.into_owned())
    });
    let as_of = run::as_of(global, settings);
    Ok(Ok(gathered.whole(&project, !ask.no_prove, as_of)))
}

/// Takes an environment between lowering and proof.
///
/// # Errors
/// A resource cannot be read back, or the sets grow too large: why.
pub(super) fn watch(
    stage: &Stage<'_>,
    lowered: &Lowered,
    shown: &dyn Fn(&str) -> String,
    gathered: &mut Gathered,
) -> Result<(), String> {
    let seen = Seen {
        context: stage.context,
        lowered,
        sources: stage.sources,
        told: stage.told,
        shown,
        kind: kind_words,
    };
    let (found, told) = environment(seen)?;
    gathered.take(found, seen);
    told.into_iter().for_each(|d| stage.say(d));
    Ok(())
}
