//! Sides without sources: output folders, templates, exports. They are read here and put beside the other
//! side; what they mean is known elsewhere.

use std::path::{Path, PathBuf};

use super::asked::Asked;
use super::sides::{Environment, Side};
use crate::catalog::Catalog;
use crate::cli::args::{DiffArgs, Global};
use crate::cli::explain::behind::Behind;
use crate::cli::io::ground::Ground;
use crate::cli::io::{self, IoFault};
use crate::cli::run;
use crate::config::Settings;
use crate::diff::beside::{self, LayerName};
use crate::diff::textual;
use crate::driver::Stage;
use crate::foreign::{self, Definitions, Names, Setting};
use crate::model::address::AddressSet;
use crate::wrap::manifest::Manifest;

/// The definitions of one environment.
#[derive(Debug)]
pub(super) struct Read {
    /// Its name; empty where the files are of none.
    pub(super) environment: String,
    folder: String,
    all: Definitions,
    manifest: Option<Manifest>,
    /// Why the manifest that is there could not be read.
    unread: Option<String>,
}

/// Definitions of a side, by environment.
#[derive(Debug, Default)]
pub(super) struct Definitive {
    /// In the order of their folders.
    pub(super) environments: Vec<Read>,
}

/// Whether a side has no sources: a file of JSON, or a folder with such files and neither sources nor
/// settings.
pub(super) fn is_foreign(asked: &Asked) -> Result<bool, IoFault> {
    let here = io::working_directory()?;
    let path = io::absolute(&here, &asked.path);
    if asked.ground.is_file(&path) {
        let json =
            |e: &std::ffi::OsStr| e.eq_ignore_ascii_case("json") || e.eq_ignore_ascii_case("jsonc");
        return Ok(path.extension().is_some_and(json));
    }
    if !asked.ground.is_folder(&path)
        || asked.ground.is_file(&path.join("portcullis.yaml"))
        // A project below it is not meant to be read as its output.
        || asked.ground.holds_sources(&path)?
    {
        return Ok(false);
    }
    Ok(!asked.ground.definition_files_below(&path)?.is_empty())
}

impl Definitive {
    /// Reads the files of a side.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub(super) fn read(global: &Global, asked: &Asked, catalog: &Catalog) -> Result<Self, IoFault> {
        let here = io::working_directory()?;
        let path = io::absolute(&here, &asked.path);
        let ground = &asked.ground;
        let cloud = catalog.identity().cloud;
        let one = |files: Vec<PathBuf>, folder: &Path| -> Read {
            let record = |file: &PathBuf| file.file_name().is_some_and(|n| n == "manifest.json");
            let manifest = files
                .iter()
                .find(|f| record(f) && f.parent() == Some(folder));
            let read = manifest.map(|file| {
                let text = ground.load_data(file)?;
                serde_json::from_str::<Manifest>(&text).map_err(|e| e.to_string())
            });
            let (manifest, unread) = match read {
                Some(Err(why)) => (None, Some(why)),
                Some(Ok(manifest)) => (Some(manifest), None),
                None => (None, None),
            };
            let load = |file: &PathBuf| (io::relative(&here, file), ground.load_data(file));
            let own = files.iter().filter(|f| !record(f)).map(load).collect();
            Read {
                environment: manifest
                    .as_ref()
                    .map(|m| m.environment.clone())
                    .unwrap_or_default(),
                folder: io::relative(&here, folder),
                all: foreign::read(own, cloud),
                manifest,
                unread,
            }
        };
        let mut out = Self::default();
        if ground.is_file(&path) {
            let folder = path.parent().unwrap_or(&path).to_path_buf();
            out.environments.push(one(vec![path], &folder));
            return Ok(out);
        }
        let files = ground.definition_files_below(&path)?;
        let folders = ground.output_folders(&path)?;
        if folders.is_empty() {
            out.environments.push(one(files.clone(), &path));
        }
        for folder in &folders {
            let own = files.iter().filter(|f| f.starts_with(folder)).cloned();
            out.environments.push(one(own.collect(), folder));
        }
        let wanted = |e: &Read| {
            e.environment.is_empty()
                || global.environments.is_empty()
                || global.environments.contains(&e.environment)
        };
        out.environments.retain(wanted);
        Ok(out)
    }

    /// What is wrong with it, as a side; `None` if nothing is.
    pub(super) fn faults(&self) -> Option<Side> {
        let bad = self
            .environments
            .iter()
            .find(|e| !e.all.faults.is_empty())?;
        Some(Side {
            sources: bad.all.sources.clone(),
            diagnostics: bad.all.faults.clone(),
            ..Side::default()
        })
    }

    /// What could not be read though the rest was.
    pub(super) fn remarks(&self) -> Vec<String> {
        let unread = |e: &Read| {
            let why = e.unread.as_ref()?;
            Some(format!(
                "`{}/manifest.json` cannot be read ({why}): rules there are known by their names only",
                e.folder
            ))
        };
        self.environments.iter().filter_map(unread).collect()
    }

    /// An environment by name; files that are of none stand for any, if there is only one.
    pub(super) fn environment(&self, name: &str) -> Option<&Read> {
        let named = self.environments.iter().find(|e| e.environment == name);
        named.or_else(|| self.environments.iter().find(|e| e.environment.is_empty()))
    }
}

impl Read {
    fn text(&self) -> textual::Side {
        let mut out =
            textual::Side::of_definitions(&self.all, self.manifest.as_ref(), &self.folder);
        out.exported = self.manifest.is_none();
        out
    }

    /// In the topology of a policy. Beside it the remarks.
    pub(super) fn within(&self, stage: &Stage<'_>) -> Result<(Environment, Vec<String>), String> {
        let manifest = self.manifest.as_ref();
        let made = beside::within(stage.context, stage.sources, &self.all, manifest);
        let (scene, missing) = made.map_err(|why| why.to_string())?;
        let mut notes = Vec::new();
        if !missing.is_empty() {
            notes.push(format!(
                "`{}` lacks {}: compared as if there were none",
                self.folder,
                missing.join(", ")
            ));
        }
        let taken = self.all.taken().into_iter();
        notes.extend(taken.map(|one| format!("`{}`: taken for granted: {one}", self.folder)));
        let retired = manifest.map(|m| m.retired.clone()).unwrap_or_default();
        let environment = Environment {
            behind: Behind::bare(scene.sight.traces.clone()),
            scene,
            retired,
            text: self.text(),
            tests: None,
            flows: 0,
        };
        Ok((environment, notes))
    }
}

/// What both sides are where neither has sources.
pub(super) struct Both {
    /// The old side.
    pub(super) old: Side,
    /// The new side.
    pub(super) new: Side,
    /// What is taken for granted.
    pub(super) notes: Vec<String>,
}

/// Two sides without sources: each layer by itself, or those that are named as one way.
///
/// # Errors
/// A name is not there, or the environments do not pair.
pub(super) fn alone(
    args: &DiffArgs,
    catalog: &Catalog,
    (old, new): (&Definitive, &Definitive),
) -> Result<Both, IoFault> {
    let space = AddressSet::prefixes(args.vnet.iter().copied());
    let names = Names {
        nsg_out: args.nsg_out.clone(),
        route_table: args.route_table.clone(),
        policy: args.policy.clone(),
        nsg_in: args.nsg_in.clone(),
    };
    let mut out = Both {
        old: side(catalog),
        new: side(catalog),
        notes: [old.remarks(), new.remarks()].concat(),
    };
    let environments: Vec<&str> = {
        let both = old.environments.iter().chain(&new.environments);
        let mut all: Vec<&str> = both.map(|e| e.environment.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        // Files of no environment stand for that of the other side, if it has one only.
        if all.len() > 1 {
            all.retain(|name| !name.is_empty());
        }
        all
    };
    for environment in environments {
        let sides =
            [(old, true), (new, false)].map(|(d, is_old)| (d.environment(environment), is_old));
        let whole = names != Names::default();
        let mut layers: Vec<Option<LayerName>> = Vec::new();
        if whole {
            layers.push(None);
        } else {
            let mut all: Vec<LayerName> = sides
                .iter()
                .filter_map(|(read, _)| *read)
                .flat_map(|read| beside::layers(&read.all))
                .collect();
            all.sort();
            all.dedup();
            layers.extend(all.into_iter().map(Some));
        }
        if layers.is_empty() {
            let nothing = sides.iter().find_map(|(read, _)| *read);
            return Err(IoFault::Other(nothing.map_or_else(
                || "there is nothing to compare".to_owned(),
                |read| foreign::nothing(&read.all),
            )));
        }
        for (at, layer) in layers.iter().enumerate() {
            let label = match (environment, layer) {
                ("", None) => "definitions".to_owned(),
                ("", Some(layer)) => layer.text.clone(),
                (env, None) => env.to_owned(),
                (env, Some(layer)) => format!("{env}: {}", layer.text),
            };
            for (read, is_old) in &sides {
                let Some(read) = read else { continue };
                let own = if *is_old { &mut out.old } else { &mut out.new };
                let asked = layer
                    .as_ref()
                    .map_or_else(|| names.clone(), LayerName::names);
                let chosen = match foreign::choose(&read.all, &asked) {
                    Ok(chosen) => chosen,
                    // A layer that only the other side has.
                    Err(_) if layer.is_some() => continue,
                    Err(why) => return Err(IoFault::Other(format!("{}: {why}", read.folder))),
                };
                let setting = Setting {
                    all: &read.all,
                    catalog,
                    space: &space,
                };
                match beside::alone(&setting, &chosen, read.manifest.as_ref(), &label) {
                    Ok((scene, assumed)) => {
                        out.notes
                            .extend(assumed.into_iter().map(|a| format!("{label}: {a}")));
                        own.environments.push(Environment {
                            behind: Behind::bare(scene.sight.traces.clone()),
                            scene,
                            retired: Vec::new(),
                            // The resources are compared once, not with each layer.
                            tests: None,
                            flows: 0,
                            text: if at == 0 {
                                read.text()
                            } else {
                                textual::Side::default()
                            },
                        });
                    }
                    Err(fault) => {
                        own.sources = read.all.sources.clone();
                        own.diagnostics.push(*fault);
                    }
                }
            }
        }
    }
    for side in [&mut out.old, &mut out.new] {
        side.hash = side.hashed();
    }
    let mut seen = std::collections::BTreeSet::new();
    out.notes.retain(|note| seen.insert(note.clone()));
    if names == Names::default() {
        out.notes.push(
            "no side has sources, so each layer is compared by itself; name the layers of one way with --nsg-out, --route-table, --policy and --nsg-in".to_owned(),
        );
    }
    Ok(out)
}

/// A side that nobody compiled.
pub(super) fn side(catalog: &Catalog) -> Side {
    Side {
        settings: Settings::default(),
        folder: ".".to_owned(),
        catalogue: catalog.identity().to_string(),
        numbered: true,
        ..Side::default()
    }
}

/// The catalogue that a side without sources is read with.
pub(super) fn catalog<'a>(
    global: &Global,
    own: &'a mut Option<Catalog>,
) -> Result<&'a Catalog, IoFault> {
    let found = crate::cli::project::settings_only(Path::new("."), global.config.as_deref())?;
    match run::catalog_on(&Ground::Disk, global, &found, own)? {
        Ok(catalog) => Ok(catalog),
        Err((_, fault)) => Err(IoFault::Other(fault.message)),
    }
}

/// A scene without anything, for an environment that only the other side has.
pub(super) fn nothing(name: &str) -> Environment {
    let mut out = Environment::default();
    out.scene.environment = name.to_owned();
    // It is known that it says nothing.
    out.scene.sight.statements.known = true;
    out
}
