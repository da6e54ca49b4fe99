//! What a plan is made against: the output folder, another one, or what was exported from Azure. It
//! compares nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::backends::resource::file_segment;
use crate::catalog::Cloud;
use crate::cli::args::PlanArgs;
use crate::cli::io::{self, IoFault};
use crate::cli::project::Found;
use crate::cli::report::Reporter;
use crate::diff::textual::Side;
use crate::driver::OutFile;
use crate::foreign;
use crate::wrap::manifest::{Manifest, Retired};

/// What one environment is compared with.
#[derive(Clone, Debug, Default)]
pub(super) struct Against {
    /// What is there now.
    pub(super) old: Side,
    /// What the last output says, if that is another thing.
    pub(super) last: Option<Side>,
}

/// What all environments are compared with.
#[derive(Clone, Debug, Default)]
pub(super) struct Sides {
    /// Its name for people.
    pub(super) shown: String,
    /// By environment; one that is not there holds nothing yet.
    pub(super) sides: BTreeMap<String, Against>,
}

/// Reads the side that is there. The inner `Err`: everything is told.
pub(super) fn read(
    reporter: &Reporter,
    args: &PlanArgs,
    found: &Found,
    environments: &[&str],
) -> Result<Result<Sides, ()>, IoFault> {
    let here = io::working_directory()?;
    let cloud = found.settings.cloud;
    let own = io::absolute(&found.root, found.settings.out.as_ref());
    let folder = match &args.base {
        Some(base) => {
            let base = io::absolute(&here, base);
            if !io::is_folder(&base) {
                return Err(IoFault::Other(format!(
                    "there is no folder `{}`; `--base` names an output folder",
                    io::relative(&here, &base)
                )));
            }
            base
        }
        None => own,
    };
    let shown = io::relative(&here, &folder);
    let mut out = Sides {
        shown: shown.clone(),
        ..Sides::default()
    };
    let mut bad = false;
    for environment in environments {
        let folder = folder.join(file_segment(environment));
        match output(reporter, &here, &folder, cloud)? {
            Ok(side) => {
                let against = Against {
                    old: side,
                    last: None,
                };
                out.sides.insert((*environment).to_owned(), against);
            }
            Err(()) => bad = true,
        }
    }
    if args.base.is_some() && out.sides.values().all(|s| s.old.items.is_empty()) && !bad {
        return Err(IoFault::Other(format!(
            "`{shown}` holds no output of {}: an output folder has a folder for each environment",
            quoted(environments)
        )));
    }
    if let Some(live) = &args.live {
        let live = io::absolute(&here, live);
        out.shown = io::relative(&here, &live);
        bad |= exported(reporter, &here, &live, cloud, environments, &mut out)?.is_err();
    }
    Ok(if bad { Err(()) } else { Ok(out) })
}

fn quoted(names: &[&str]) -> String {
    let all: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    all.join(", ")
}

/// The output of one environment; nothing if there is none.
fn output(
    reporter: &Reporter,
    here: &Path,
    folder: &Path,
    cloud: Cloud,
) -> Result<Result<Side, ()>, IoFault> {
    if !io::is_folder(folder) {
        return Ok(Ok(Side::default()));
    }
    let files = io::definition_files_below(folder)?;
    let record = folder.join("manifest.json");
    let shown = io::relative(here, folder);
    let manifest = files.iter().find(|file| **file == record).map(|file| {
        let text = io::load_data(file)?;
        serde_json::from_str::<Manifest>(&text).map_err(|e| e.to_string())
    });
    let manifest = match manifest {
        Some(Ok(manifest)) => Some(manifest),
        Some(Err(why)) => {
            reporter.tell_aside(&format!(
                "`{shown}/manifest.json` cannot be read ({why}): rules there are known by their names only"
            ))?;
            None
        }
        None => None,
    };
    let files = files.into_iter().filter(|file| *file != record).collect();
    Ok(definitions(reporter, here, files, cloud)?
        .map(|all| Side::of_definitions(&all, manifest.as_ref(), &shown)))
}

fn definitions(
    reporter: &Reporter,
    here: &Path,
    files: Vec<PathBuf>,
    cloud: Cloud,
) -> Result<Result<foreign::Definitions, ()>, IoFault> {
    let load = |path: &PathBuf| (io::relative(here, path), io::load_data(path));
    let all = foreign::read(files.iter().map(load).collect(), cloud);
    for (_, file) in all.sources.iter() {
        reporter.remark(&format!("read: {}", file.name))?;
    }
    for line in &all.ignored {
        reporter.remark(&format!("passed over: {line}"))?;
    }
    if all.faults.is_empty() {
        Ok(Ok(all))
    } else {
        reporter.tell(&all.sources, &all.faults)?;
        Ok(Err(()))
    }
}

/// What was exported: all files are of the one environment, or each has a folder of its name.
fn exported(
    reporter: &Reporter,
    here: &Path,
    live: &Path,
    cloud: Cloud,
    environments: &[&str],
    out: &mut Sides,
) -> Result<Result<(), ()>, IoFault> {
    let shown = io::relative(here, live);
    if !io::exists(live) {
        return Err(IoFault::Other(format!("there is no `{shown}`")));
    }
    let below = |environment: &str| live.join(file_segment(environment));
    let split = environments.iter().any(|e| io::is_folder(&below(e)));
    if !split && environments.len() > 1 {
        return Err(IoFault::Other(format!(
            "`{shown}` does not say of which environment it is: choose one with `-e`, or make a folder in it for each of {}",
            quoted(environments)
        )));
    }
    let mut bad = false;
    for environment in environments {
        let folder = if split {
            below(environment)
        } else {
            live.to_path_buf()
        };
        let files = if io::is_folder(&folder) {
            io::definition_files_below(&folder)?
        } else if io::is_file(&folder) {
            vec![folder]
        } else {
            return Err(IoFault::Other(format!(
                "`{shown}` holds no folder `{environment}`; choose the environments with `-e`"
            )));
        };
        let Ok(all) = definitions(reporter, here, files, cloud)? else {
            bad = true;
            continue;
        };
        let last = out.sides.remove(*environment).map(|s| s.old);
        let mut side = Side::of_definitions(&all, None, "");
        if side.items.is_empty() {
            return Err(IoFault::Other(format!(
                "`{shown}` holds no security group, route table, firewall or IP group of {environment}"
            )));
        }
        side.exported = true;
        if let Some(last) = &last {
            // Rules that still have the name that was written are those of the flows behind them.
            side.behind.clone_from(&last.behind);
            side.retired.clone_from(&last.retired);
        }
        let last = last.filter(|side| !side.items.is_empty());
        if last.is_none() {
            reporter.tell_aside(&format!(
                "there is no output of {environment} yet: whether Azure was changed by hand is not known"
            ))?;
        }
        let against = Against { old: side, last };
        out.sides.insert((*environment).to_owned(), against);
    }
    Ok(if bad { Err(()) } else { Ok(()) })
}

/// The groups that are still in force though not in the source, as the new manifest says.
pub(super) fn retired(files: &[OutFile], environment: &str) -> Vec<Retired> {
    let path = format!("{}/manifest.json", file_segment(environment));
    let file = files.iter().find(|f| f.path == path);
    let manifest = file.and_then(|f| serde_json::from_str::<Manifest>(&f.text).ok());
    manifest.map(|m| m.retired).unwrap_or_default()
}
