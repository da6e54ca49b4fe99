//! `lock`: shows, repairs and seeds the lock file; and its part in the commands that compile. What
//! the lines mean is the allocator's knowledge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::{Global, LockArgs};
use super::io::ground::Ground;
use super::io::{self, IoFault, Pending};
use super::project::{self, Found};
use super::report::Reporter;
use super::{BAD, FINE, run};
use crate::allocate::lock::{self, Lock, Parsed, Part, Scope, ScopeEntries};
use crate::config::{Band, Bands};
use crate::driver::{Folder, Locked, Memory, OutFile, bad_lock};
use crate::source::SourceMap;
use crate::syntax::{self, ast::Item};
use crate::wrap::seed;

/// What a command that compiles wants to be remembered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Remember<'a> {
    /// What a lock that is out of date means.
    pub(super) locked: Locked,
    /// Retired groups are gone.
    pub(super) prune: bool,
    /// The output folder, if not that of the settings.
    pub(super) out: Option<&'a Path>,
    /// How what stands in the output folder is treated; `None` if it does not matter.
    pub(super) keep: Option<Keep>,
}

/// What becomes of files in the output folder.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keep {
    /// Edited ones are replaced.
    pub(super) force: bool,
    /// Those that are output no more are removed.
    pub(super) clean: bool,
}

impl Remember<'_> {
    /// Reads lock and output.
    pub(super) fn read(&self, found: &Found) -> Result<Memory, IoFault> {
        if found.lone && self.keep.is_none() {
            return Ok(Memory::default());
        }
        let here = io::working_directory()?;
        let folder = self.folder(found)?;
        let wanted = |path: &str| self.keep.is_some() || seed::has_numbers(path);
        let mut output = Vec::new();
        let mut unreadable = Vec::new();
        for (path, text) in io::json_files_below(&folder, wanted) {
            match text {
                Ok(text) => output.push(OutFile { path, text }),
                Err(why) => unreadable.push((path, why)),
            }
        }
        Ok(Memory {
            lock: if found.lone { None } else { read(found)? },
            output,
            folder: self.keep.map(|keep| Folder {
                shown: io::relative(&here, &folder),
                unreadable,
                force: keep.force,
                clean: keep.clean,
            }),
            lone: found.lone,
            // A part of a project has no lock of its own, so none that is out of date.
            locked: if found.lone {
                Locked::Update
            } else {
                self.locked
            },
            prune: self.prune,
        })
    }

    /// The output folder.
    pub(super) fn folder(&self, found: &Found) -> Result<PathBuf, IoFault> {
        Ok(match self.out {
            Some(out) => io::absolute(&io::working_directory()?, out),
            None => io::absolute(&found.root, found.settings.out.as_ref()),
        })
    }
}

fn path(found: &Found) -> (PathBuf, String) {
    let path = io::absolute(&found.root, Path::new(&found.settings.lock));
    let shown = run::join(&found.shown_root, &found.settings.lock);
    (path, shown)
}

/// The text of the lock file, if there is one.
fn read(found: &Found) -> Result<Option<String>, IoFault> {
    read_on(&Ground::Disk, found)
}

/// The same of a project elsewhere.
pub(super) fn read_on(ground: &Ground, found: &Found) -> Result<Option<String>, IoFault> {
    let (path, shown) = path(found);
    if !ground.exists(&path) {
        return Ok(None);
    }
    // What is not text stands there as U+FFFD, and the lines that hold it are told as damaged.
    let text = ground.read_large_maybe_text(&path, &shown)?;
    Ok(Some(text.unwrap_or_else(|(text, _)| text)))
}

/// The lock's name, if its text would change.
pub(super) fn differs(found: &Found, text: &str) -> Option<String> {
    if found.lone {
        return None;
    }
    let old = read(found).ok().flatten().map(|t| t.replace("\r\n", "\n"));
    (old.as_deref() != Some(text)).then(|| path(found).1)
}

/// The new lock, ready to be put in place, if it differs.
pub(super) fn stage(found: &Found, text: &str) -> Result<Option<(Pending, String)>, IoFault> {
    if differs(found, text).is_none() {
        return Ok(None);
    }
    let (path, shown) = path(found);
    Ok(Some((io::stage(&path, &shown, text)?, shown)))
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &LockArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, false);
    let found = project::settings_only(&args.path, global.config.as_deref())?;
    if !found.faults.1.is_empty() {
        reporter.tell(&found.faults.0, &found.faults.1)?;
        return Ok(BAD);
    }
    let (_, shown) = path(&found);
    let mut text = match read(&found)? {
        Some(text) => text,
        None if args.from.is_empty() => {
            return Err(IoFault::Other(format!(
                "there is no `{shown}`; `portcullis compile` writes it"
            )));
        }
        None => Lock::default().text(),
    };
    if args.fix {
        text = lock::without_markers(&text);
    }
    let parsed = match lock::parse(&text) {
        Ok(parsed) => parsed,
        Err(damage) => {
            let mut sources = SourceMap::default();
            let file = sources.add(shown.clone(), text);
            let told: Vec<_> = damage.iter().map(|d| bad_lock(file, &shown, d)).collect();
            reporter.tell(&sources, &told)?;
            return Ok(BAD);
        }
    };
    if !args.from.is_empty() {
        return seeded(global, args, &reporter, &found, &parsed);
    }
    if args.fix || args.prune {
        return repaired(args, &reporter, &found, &parsed);
    }
    let wanted = args.show.as_deref().unwrap_or("");
    let report = fill(&parsed.lock(), &found.settings.bands, wanted);
    if report.is_empty() {
        return Err(IoFault::Other(format!(
            "no scope of `{shown}` contains `{wanted}`"
        )));
    }
    reporter.result(&report)?;
    Ok(FINE)
}

fn write(reporter: &Reporter, found: &Found, text: &str, said: &str) -> Result<u8, IoFault> {
    match stage(found, text)? {
        Some((pending, name)) => {
            pending.put()?;
            reporter.result(&format!("{said}wrote {name}\n"))?;
        }
        None => reporter.result(&format!("{said}{} is in order\n", path(found).1))?,
    }
    Ok(FINE)
}

/// `--fix` and `--prune`.
fn repaired(
    args: &LockArgs,
    reporter: &Reporter,
    found: &Found,
    parsed: &Parsed,
) -> Result<u8, IoFault> {
    let base = if args.fix { base(args, found)? } else { None };
    let mut said = String::new();
    let (mut lock, clashes) = parsed.settle(base.as_ref());
    if args.fix {
        for clash in &clashes {
            let number = clash.dropped.entry.number.unwrap_or_default();
            said.push_str(&format!(
                "{}: {} gives up {number}, {} keeps {}\n",
                clash.kept.scope,
                clash.dropped.id,
                clash.kept.id,
                clash.kept.entry.number.unwrap_or_default()
            ));
        }
        if !clashes.is_empty() {
            said.push_str("run `portcullis compile` to give new numbers to what gave up its own\n");
        }
    } else if !clashes.is_empty() {
        return Err(IoFault::Other(format!(
            "`{}` holds one number twice; run `portcullis lock --fix` first",
            path(found).1
        )));
    }
    if args.prune {
        for (scope, id) in lock.prune() {
            said.push_str(&format!("{scope}: {id} is forgotten\n"));
        }
    }
    write(reporter, found, &lock.text(), &said)
}

/// The lock of the common ancestor: a file, or what git has.
fn base(args: &LockArgs, found: &Found) -> Result<Option<Lock>, IoFault> {
    let text = match &args.base {
        Some(file) => Some(io::read_text(file, &io::slashes(file))?),
        None => base_of_git(found),
    };
    let Some(text) = text else {
        return Ok(None);
    };
    match lock::parse(&text) {
        Ok(parsed) => Ok(Some(parsed.lock())),
        Err(_) if args.base.is_none() => Ok(None),
        Err(_) => Err(IoFault::Other("the file of --base is no lock".to_owned())),
    }
}

/// In a merge that is not finished, the ancestor of both sides; after one, that of its parents.
fn base_of_git(found: &Found) -> Option<String> {
    let git = |args: &[&str]| io::git(&found.root, args).map(|t| t.trim().to_owned());
    let ancestor = git(&["merge-base", "HEAD", "MERGE_HEAD"])
        .or_else(|| git(&["merge-base", "HEAD^1", "HEAD^2"]))?;
    let file = format!("{ancestor}:./{}", found.settings.lock);
    io::git(&found.root, &["show", &file])
}

/// `--from`: what the lock has stays, numbers of exports are added.
fn seeded(
    global: &Global,
    args: &LockArgs,
    reporter: &Reporter,
    found: &Found,
    parsed: &Parsed,
) -> Result<u8, IoFault> {
    let environments = match global.environments.as_slice() {
        [] => declared_environments(found),
        some => some.to_vec(),
    };
    let mut lock = parsed.lock();
    // What was numbered by a run stays: an export says by which name, a run by which identity.
    let numbered: BTreeSet<Scope> = lock
        .scopes
        .iter()
        .filter(|(_, entries)| entries.entries.keys().any(|id| !id.starts_with('=')))
        .map(|(scope, _)| scope.clone())
        .collect();
    let mut said = String::new();
    for file in &args.from {
        let shown = io::slashes(file);
        let text = io::read_large_text(file, &shown)?;
        for environment in &environments {
            let read = seed::lock_of_export(environment, &text).map_err(|why| {
                IoFault::Other(format!("cannot take numbers of `{shown}`: {why}"))
            })?;
            for (scope, entries) in read.scopes {
                if numbered.contains(&scope) {
                    said.push_str(&format!(
                        "{scope}: has its numbers already; nothing of {shown} is taken (take its lines out of the lock first)\n"
                    ));
                    continue;
                }
                said.push_str(&format!(
                    "{scope}: {} of {shown}\n",
                    count(entries.entries.len())
                ));
                for (id, entry) in entries.entries {
                    lock.insert(&scope, &id, entry);
                }
            }
        }
    }
    write(reporter, found, &lock.text(), &said)
}

/// The environments that the sources declare, as far as they can be read; `default` if they declare
/// none.
fn declared_environments(found: &Found) -> Vec<String> {
    let mut sources = SourceMap::default();
    let mut out = BTreeSet::new();
    for path in &found.sources {
        let Ok(text) = io::read_text(&found.root.join(path), path) else {
            continue;
        };
        let file = sources.add(path.clone(), text);
        for item in &syntax::parse(&sources, file).0.items {
            if let Item::Env(env) = &item.node {
                out.insert(env.name.node.clone());
            }
        }
    }
    if out.is_empty() {
        out.insert("default".to_owned());
    }
    out.into_iter().collect()
}

fn count(numbers: usize) -> String {
    if numbers == 1 {
        "1 number".to_owned()
    } else {
        format!("{numbers} numbers")
    }
}

/// How full the bands of a scope are.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fill {
    /// `nsg-apim outbound`.
    #[serde(rename = "scope")]
    pub(super) title: String,
    #[serde(skip)]
    environment: String,
    bands: Vec<BandFill>,
}

/// How full a band is.
#[derive(Clone, Debug, Serialize)]
struct BandFill {
    /// The band; `None` for numbers outside every band.
    band: Option<&'static str>,
    rules: usize,
    /// Round numbers of the band.
    slots: Option<u32>,
}

impl Fill {
    /// `allow 23 of 130 round slots, envelope 2 of 10 round slots`.
    pub(super) fn words(&self) -> String {
        let words = self.bands.iter().map(|b| match (b.band, b.slots) {
            (Some(band), Some(slots)) => format!("{band} {} of {slots} round slots", b.rules),
            _ => format!("{} outside every band", b.rules),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// How full each band is of the scopes that are wanted and hold numbers.
pub(super) fn fills(lock: &Lock, bands: &Bands, wanted: &dyn Fn(&Scope) -> bool) -> Vec<Fill> {
    let shown = lock.scopes.iter().filter(|(scope, entries)| {
        let counted = !matches!(scope.part, Part::Rules | Part::Runs);
        counted && !entries.entries.is_empty() && wanted(scope)
    });
    shown
        .map(|(scope, entries)| Fill {
            title: title(scope),
            environment: scope.environment.clone(),
            bands: band_fill(scope, entries, bands),
        })
        .collect()
}

/// The same as text: `nsg-apim outbound (prod): allow 23 of 130 round slots`.
fn fill(lock: &Lock, bands: &Bands, wanted: &str) -> String {
    let shown = fills(lock, bands, &|scope| {
        format!("{scope} {}", title(scope)).contains(wanted)
    });
    let lines = shown
        .iter()
        .map(|f| format!("{} ({}): {}\n", f.title, f.environment, f.words()));
    lines.collect()
}

fn title(scope: &Scope) -> String {
    let part = match scope.part {
        Part::Inbound => "inbound",
        Part::Outbound => "outbound",
        Part::Groups | Part::Rules | Part::Runs => "groups",
    };
    format!("{} {part}", scope.name)
}

fn band_fill(scope: &Scope, entries: &ScopeEntries, bands: &Bands) -> Vec<BandFill> {
    let (table, stride) = match scope.part {
        Part::Groups | Part::Rules | Part::Runs => (&bands.rcg, bands.stride.rcg),
        Part::Inbound | Part::Outbound => (&bands.nsg, bands.stride.nsg),
    };
    let mut used: BTreeMap<Option<Band>, usize> = BTreeMap::new();
    for number in entries.entries.values().filter_map(|e| e.number) {
        let band = table.iter().find(|(_, (a, b))| (*a..=*b).contains(&number));
        *used.entry(band.map(|(band, _)| *band)).or_default() += 1;
    }
    let stride = stride.max(1);
    used.into_iter()
        .map(|(band, rules)| BandFill {
            band: band.map(Band::name),
            rules,
            // Multiples of the stride from the first number to the last.
            slots: band
                .and_then(|b| table.get(&b))
                .map(|(first, last)| (last / stride).saturating_sub(first.div_ceil(stride)) + 1),
        })
        .collect()
}
