//! Both sides read: compiled together, or a side without sources put beside the other one. It compares
//! nothing.

use super::asked::Asked;
use super::foreign::{self, Definitive};
use super::sides::{Environment, Project, Side};
use crate::catalog::Catalog;
use crate::cli::args::{DiffArgs, Global};
use crate::cli::io::ground::Ground;
use crate::cli::io::{self, IoFault};
use crate::cli::project;
use crate::driver::Stage;

/// Both sides, and the old policy on the new data where the catalogues differ.
#[derive(Debug, Default)]
pub(super) struct Sides {
    /// Before.
    pub(super) old: Side,
    /// After.
    pub(super) new: Side,
    /// The old side with the catalogue of the new one.
    pub(super) updated: Option<Side>,
    /// What a reader has to know.
    pub(super) notes: Vec<String>,
}

/// Sides of which one is wrong at least.
#[derive(Debug)]
pub(super) struct Bad {
    /// Before.
    pub(super) old: Side,
    /// After.
    pub(super) new: Side,
}

/// Sides, or what is wrong with them.
type Read = Result<Sides, Box<Bad>>;

/// Reads both sides; if one of them is wrong the other one is read all the same.
///
/// # Errors
/// One is not there, or cannot be read.
pub(super) fn read(
    global: &Global,
    args: &DiffArgs,
    old: &Asked,
    new: &Asked,
) -> Result<Read, IoFault> {
    let chosen = args.nsg_out.is_some()
        || args.nsg_in.is_some()
        || args.route_table.is_some()
        || args.policy.is_some()
        || !args.vnet.is_empty();
    match (absent(global, old)?, absent(global, new)?) {
        (true, false) if !foreign::is_foreign(new)? => return alone(global, (old, new), false),
        (false, true) if !foreign::is_foreign(old)? => return alone(global, (old, new), true),
        _ => {}
    }
    match (foreign::is_foreign(old)?, foreign::is_foreign(new)?) {
        (true, true) => neither(global, args, old, new),
        _ if chosen => Err(IoFault::Other(
            "--nsg-out, --route-table, --policy, --nsg-in and --vnet are for two sides without sources: here the sources say what lies on the way"
                .to_owned(),
        )),
        (false, false) => compiled(global, old, new),
        (old_is, _) => beside(global, (old, new), old_is),
    }
}

/// The sides as they were typed: behind a revision without a path, one on the disk says of which project it
/// is, if the revision has that.
///
/// # Errors
/// A folder cannot be listed.
pub(super) fn placed(
    words: &[String],
    (mut old, new): (Asked, Asked),
) -> Result<(Asked, Asked), IoFault> {
    let [word, _] = words else {
        return Ok((old, new));
    };
    let plain = matches!(old.ground, Ground::Revision(_)) && !word.contains(':');
    if plain && matches!(new.ground, Ground::Disk) && !foreign::is_foreign(&new)? {
        let path = io::absolute(&io::working_directory()?, &new.path);
        if old.ground.exists(&path) {
            old.path.clone_from(&new.path);
        }
    }
    Ok((old, new))
}

/// Whether a revision has no project where one is asked for.
fn absent(global: &Global, asked: &Asked) -> Result<bool, IoFault> {
    match &asked.ground {
        Ground::Disk => Ok(false),
        ground @ Ground::Revision(_) => {
            project::is_absent(ground, &asked.path, global.config.as_deref())
        }
    }
}

/// A project that came, or that is gone: the other side is empty.
fn alone(global: &Global, (old, new): (&Asked, &Asked), old_is: bool) -> Result<Read, IoFault> {
    let (there, gone) = if old_is { (old, new) } else { (new, old) };
    let made = match Project::find(global, there)? {
        Ok(mut project) => {
            project.tested = !old_is;
            project.past = old_is;
            project.compile(global, project.catalog(), None, &mut |_| None)?
        }
        Err(side) => side,
    };
    let mut empty = Side {
        settings: made.settings.clone(),
        folder: made.folder.clone(),
        catalogue: made.catalogue.clone(),
        today: made.today,
        numbered: made.numbered,
        ..Side::default()
    };
    empty.hash = empty.hashed();
    let bad = made.is_bad();
    let (old, new) = if old_is { (made, empty) } else { (empty, made) };
    if bad {
        return Ok(Err(Box::new(Bad { old, new })));
    }
    let note = format!(
        "`{}` has no project at `{}`: it is compared as an empty one",
        gone.name,
        io::slashes(&gone.path)
    );
    Ok(Ok(Sides {
        old,
        new,
        updated: None,
        notes: vec![note],
    }))
}

fn neither(global: &Global, args: &DiffArgs, old: &Asked, new: &Asked) -> Result<Read, IoFault> {
    let mut own = None;
    let catalog = foreign::catalog(global, &mut own)?;
    let was = Definitive::read(global, old, catalog)?;
    let is = Definitive::read(global, new, catalog)?;
    let faults = (was.faults(), is.faults());
    if faults.0.is_some() || faults.1.is_some() {
        return Ok(Err(Box::new(Bad {
            old: faults.0.unwrap_or_default(),
            new: faults.1.unwrap_or_default(),
        })));
    }
    let both = foreign::alone(args, catalog, (&was, &is))?;
    if both.old.is_bad() || both.new.is_bad() {
        return Ok(Err(Box::new(Bad {
            old: both.old,
            new: both.new,
        })));
    }
    Ok(Ok(Sides {
        old: both.old,
        new: both.new,
        updated: None,
        notes: both.notes,
    }))
}

/// One side has sources: the other one stands in its topology.
fn beside(global: &Global, (old, new): (&Asked, &Asked), old_is: bool) -> Result<Read, IoFault> {
    let (files, sources) = if old_is { (old, new) } else { (new, old) };
    let project = match Project::find(global, sources)? {
        Ok(mut project) => {
            project.tested = old_is;
            project.past = !old_is;
            project
        }
        Err(side) => {
            let (old, new) = ordered(Side::default(), side, old_is);
            return Ok(Err(Box::new(Bad { old, new })));
        }
    };
    let catalog: &Catalog = project.catalog();
    let definitions = Definitive::read(global, files, catalog)?;
    let mut notes = definitions.remarks();
    let mut found: Vec<Environment> = Vec::new();
    let compiled = project.compile(global, catalog, None, &mut |stage: &Stage<'_>| {
        let name = &stage.context.fabric.policy.environment;
        let read = definitions.environment(name)?;
        match read.within(stage) {
            Ok((mut environment, own)) => {
                environment.scene.environment.clone_from(name);
                found.push(environment);
                notes.extend(own);
                None
            }
            Err(why) => Some(format!("`{}` for `{name}`: {why}", files.name)),
        }
    })?;
    if let Some(bad) = definitions.faults() {
        let (old, new) = ordered(bad, compiled, old_is);
        return Ok(Err(Box::new(Bad { old, new })));
    }
    let several = compiled.environments.len() > 1
        && definitions
            .environments
            .iter()
            .any(|e| e.environment.is_empty());
    if several {
        return Err(IoFault::Other(format!(
            "`{}` does not say of which environment it is: choose one with `-e`",
            files.name
        )));
    }
    for read in &definitions.environments {
        let name = &read.environment;
        if !name.is_empty() && compiled.environment(name).is_none() && !compiled.is_bad() {
            notes.push(format!(
                "environment `{name}` of `{}` is not in the sources: it is not compared",
                files.name
            ));
        }
    }
    let mut other = Side {
        environments: found,
        settings: compiled.settings.clone(),
        folder: compiled.folder.clone(),
        today: compiled.today,
        numbered: true,
        ..foreign::side(catalog)
    };
    other.hash = other.hashed();
    let (old, mut new) = ordered(other, compiled, old_is);
    if old.is_bad() || new.is_bad() {
        return Ok(Err(Box::new(Bad { old, new })));
    }
    if old_is && new.environments.iter().any(|e| !e.retired.is_empty()) {
        new = project.compile(global, catalog, Some(&old), &mut |_| None)?;
    }
    Ok(Ok(Sides {
        old,
        new,
        updated: None,
        notes,
    }))
}

fn ordered(files: Side, sources: Side, old_is: bool) -> (Side, Side) {
    if old_is {
        (files, sources)
    } else {
        (sources, files)
    }
}

fn compiled(global: &Global, old: &Asked, new: &Asked) -> Result<Read, IoFault> {
    let plainly = |project: &Project, catalog: &Catalog, before: Option<&Side>| {
        project.compile(global, catalog, before, &mut |_| None)
    };
    let found = (Project::find(global, old)?, Project::find(global, new)?);
    let (before, after) = match found {
        (Ok(mut before), Ok(mut after)) => {
            before.past = true;
            after.tested = true;
            (before, after)
        }
        (before, after) => {
            let made = |found: Result<Project, Side>| match found {
                Ok(project) => plainly(&project, project.catalog(), None),
                Err(side) => Ok(side),
            };
            let (old, new) = (made(before)?, made(after)?);
            return Ok(Err(Box::new(Bad { old, new })));
        }
    };
    let (catalog, earlier) = (after.catalog(), before.catalog());
    let (was, is) = std::thread::scope(|scope| {
        let was = scope.spawn(|| plainly(&before, earlier, None));
        let is = plainly(&after, catalog, None);
        let was = was.join().unwrap_or_else(|_| {
            Err(IoFault::Other(
                "the old side could not be compiled".to_owned(),
            ))
        });
        (was, is)
    });
    let (was, mut is) = (was?, is?);
    if was.is_bad() || is.is_bad() {
        return Ok(Err(Box::new(Bad { old: was, new: is })));
    }
    // Rules that Azure keeps stand in the old side only.
    if is.environments.iter().any(|e| !e.retired.is_empty()) {
        is = plainly(&after, catalog, Some(&was))?;
    }
    let mut updated = None;
    if was.catalogue != is.catalogue {
        let side = plainly(&before, catalog, None)?;
        // What no longer compiles on the new data cannot be told apart.
        updated = (!side.is_bad()).then_some(side);
    }
    Ok(Ok(Sides {
        old: was,
        new: is,
        updated,
        notes: Vec::new(),
    }))
}
