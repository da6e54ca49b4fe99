//! The page of a difference: the new side as it is, beside what differs. It compares nothing.

use super::asked::Asked;
use super::foreign;
use super::sides::{Project, of_side};
use crate::cli::args::Global;
use crate::cli::inventory;
use crate::cli::io::IoFault;
use crate::cli::io::ground::GroundLoader;
use crate::cli::run;
use crate::diff::told::Difference;
use crate::driver::{self, LimitsMode};
use crate::inventory::{Gathered, Inventory};
use crate::resolve::Words;
use crate::review::html;

/// The page. A side that no policy is known of has no matrix.
///
/// # Errors
/// The new side cannot be read.
pub(super) fn page(
    global: &Global,
    new: &Asked,
    difference: &Difference,
) -> Result<String, IoFault> {
    if foreign::is_foreign(new)? {
        return Ok(html::difference(difference, &Inventory::default()));
    }
    let inventory = match Project::find(global, new)? {
        Ok(project) => gathered(global, new, &project, &difference.project)?,
        Err(_) => Inventory::default(),
    };
    Ok(html::difference(difference, &inventory))
}

fn gathered(
    global: &Global,
    new: &Asked,
    project: &Project,
    name: &str,
) -> Result<Inventory, IoFault> {
    let found = &project.found;
    let ask = run::Ask {
        limits: LimitsMode::Off,
        no_prove: true,
        no_files: true,
        // Endpoints get their names with a question.
        asked: Some(Words::default()),
        ..run::Ask::default()
    };
    let (compiled, options) = run::asked(global, found, &ask, project.memory()?);
    let loader = GroundLoader::new(project.ground().clone(), found.root.clone());
    let shown = |file: &str| {
        if loader.served(file) {
            run::join(&found.shown_root, file)
        } else {
            file.to_owned()
        }
    };
    let mut gathered = Gathered::default();
    let mut fault = None;
    let catalog = project.catalog();
    let _ = driver::compile_watched(
        &loader,
        &compiled,
        catalog,
        &options,
        &mut |stage, lowered| {
            if let Err(why) = inventory::watch(stage, lowered, &shown, &mut gathered) {
                fault.get_or_insert(why);
            }
        },
    );
    match fault {
        Some(why) => Err(of_side(new, &IoFault::Other(why))),
        None => Ok(gathered.whole(name, false, options.as_of)),
    }
}
