//! `--against`: reads what it names, chooses what is asked, and tells what is wrong with it. What the
//! definitions mean is known elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::{AgainstArgs, Global};
use super::basis::Basis;
use super::io::ground::Ground;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{BAD, CANNOT_RUN, project, run};
use crate::catalog::{Catalog, Cloud, convert_weekly, date_of};
use crate::diag::Diagnostic;
use crate::foreign::{self, Definitions, Foreign, Names, Setting};
use crate::model::address::AddressSet;

/// The definitions of one environment.
struct Read {
    /// Its name; empty where the files are of none.
    environment: String,
    all: Definitions,
}

/// What the commands do with the definitions of one environment.
type Use<'u, T> = dyn FnMut(&Setting<'_>, &AgainstArgs) -> Result<T, Fault> + 'u;

/// Something of each environment with its name, or an exit code: everything is told then.
type Each<T> = Result<Vec<(String, T)>, u8>;

/// Why there is nothing to say of definitions.
enum Fault {
    /// They are not what they have to be.
    Bad(Vec<Diagnostic>),
    /// It is not clear which of them are asked.
    Choice(String),
}

/// The networks that the definitions make.
///
/// # Errors
/// When a file cannot be read, or it is not clear what is asked.
pub(super) fn networks(
    global: &Global,
    reporter: &Reporter,
    args: &AgainstArgs,
) -> Result<Each<(Foreign, Basis)>, IoFault> {
    each(global, reporter, args, &mut |setting, args| {
        let chosen = foreign::choose(setting.all, &names(args)).map_err(Fault::Choice)?;
        let network = foreign::network(setting, &chosen);
        let network = network.map_err(|fault| Fault::Bad(vec![*fault]))?;
        Ok((network, Basis::of_catalog(setting.catalog)))
    })
}

/// The lists of rules that the definitions hold.
///
/// # Errors
/// When a file cannot be read, or a name is not there.
pub(super) fn lists(
    global: &Global,
    reporter: &Reporter,
    args: &AgainstArgs,
) -> Result<Each<(Vec<foreign::List>, Basis)>, IoFault> {
    each(global, reporter, args, &mut |setting, args| {
        let wanted = names(args);
        let chosen = if wanted == Names::default() {
            None
        } else {
            Some(foreign::choose(setting.all, &wanted).map_err(Fault::Choice)?)
        };
        let (lists, faults) = foreign::lists(setting, chosen.as_ref());
        if !faults.is_empty() {
            return Err(Fault::Bad(faults));
        }
        let routed = setting.all.of(foreign::Kind::RouteTable).next().is_some();
        if lists.is_empty() && !routed {
            return Err(Fault::Choice(foreign::nothing(setting.all)));
        }
        Ok((lists, Basis::of_catalog(setting.catalog)))
    })
}

fn names(args: &AgainstArgs) -> Names {
    Names {
        nsg_out: args.nsg_out.clone(),
        route_table: args.route_table.clone(),
        policy: args.policy.clone(),
        nsg_in: args.nsg_in.clone(),
    }
}

fn each<T>(
    global: &Global,
    reporter: &Reporter,
    args: &AgainstArgs,
    run: &mut Use<'_, T>,
) -> Result<Each<T>, IoFault> {
    let mut own = None;
    let catalog = match catalog(global, reporter, args, &mut own)? {
        Ok(catalog) => catalog,
        Err(code) => return Ok(Err(code)),
    };
    let space = AddressSet::prefixes(args.vnet.iter().copied());
    let mut out = Vec::new();
    let mut bad = false;
    for read in read(global, reporter, args, catalog.identity().cloud)? {
        remarks(reporter, &read.all)?;
        if !read.all.faults.is_empty() {
            reporter.tell(&read.all.sources, &read.all.faults)?;
            bad = true;
            continue;
        }
        let setting = Setting {
            all: &read.all,
            catalog,
            space: &space,
        };
        match run(&setting, args) {
            Ok(made) => out.push((read.environment, made)),
            Err(Fault::Bad(faults)) => {
                reporter.tell(&read.all.sources, &faults)?;
                bad = true;
            }
            Err(Fault::Choice(why)) => {
                return Err(IoFault::Other(if read.environment.is_empty() {
                    why
                } else {
                    format!("{}: {why}", read.environment)
                }));
            }
        }
    }
    Ok(if bad { Err(BAD) } else { Ok(out) })
}

/// The catalogue of `--tags`, else the one in force.
fn catalog<'a>(
    global: &Global,
    reporter: &Reporter,
    args: &AgainstArgs,
    own: &'a mut Option<Catalog>,
) -> Result<Result<&'a Catalog, u8>, IoFault> {
    let Some(file) = &args.tags else {
        let found = project::settings_only(Path::new("."), global.config.as_deref())?;
        if !found.faults.1.is_empty() {
            reporter.tell(&found.faults.0, &found.faults.1)?;
            return Ok(Err(CANNOT_RUN));
        }
        return match run::catalog(global, &found, own)? {
            Ok(catalog) => {
                reporter.remark(&format!("catalogue: {}", catalog.identity()))?;
                Ok(Ok(catalog))
            }
            Err((sources, fault)) => {
                reporter.tell(&sources, &[*fault])?;
                Ok(Err(CANNOT_RUN))
            }
        };
    };
    if global.catalog.is_some() {
        return Err(IoFault::Other(
            "`--tags` and `--catalog` both say what service tags hold; give one".to_owned(),
        ));
    }
    let shown = io::slashes(file);
    let text = io::read_large_text(file, &shown)?;
    let fault = |why: String| IoFault::Other(format!("`{shown}`: {why}"));
    // A file that was renamed tells no date, and nothing here depends on one.
    let dated = date_of(&shown).is_some();
    let day = (!dated).then_some("1970-01-01");
    let made = convert_weekly(text.as_bytes(), &shown, day).map_err(|e| fault(e.to_string()))?;
    let catalog = Catalog::parse(made.text).map_err(|e| fault(e.message))?;
    let change = made
        .identity
        .change_number
        .map_or_else(String::new, |n| format!(" change {n}"));
    reporter.remark(&format!("service tags: {shown}{change}"))?;
    Ok(Ok(own.insert(catalog)))
}

/// Says what was passed over, and what is not known.
fn remarks(reporter: &Reporter, all: &Definitions) -> Result<(), IoFault> {
    for (_, file) in all.sources.iter() {
        reporter.remark(&format!("read: {}", file.name))?;
    }
    for line in &all.ignored {
        reporter.remark(&format!("passed over: {line}"))?;
    }
    let taken = all.taken();
    for line in &taken {
        reporter.remark(&format!("taken for granted: {line}"))?;
    }
    let mut places: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for definition in &all.resources {
        for (path, unknown) in &definition.open {
            let key = (unknown.expression.as_str(), unknown.reason.as_str());
            let place = format!("{} `{}`{path}", definition.kind.word(), definition.name);
            places.entry(key).or_default().push(place);
        }
    }
    for ((expression, reason), places) in &places {
        let first = places.first().map_or("", String::as_str);
        let more = match places.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        reporter.remark(&format!(
            "not known: {expression}: {reason}; in {first}{more}"
        ))?;
    }
    if !taken.is_empty() {
        let (s, are) = plural(taken.len());
        reporter.tell_aside(&format!(
            "{} thing{s} {are} taken for granted of the definitions (-v lists them)",
            taken.len()
        ))?;
    }
    let count = places.len();
    if count > 0 {
        let (s, are) = plural(count);
        reporter.tell_aside(&format!(
            "{count} expression{s} in the definitions {are} not known (-v lists them)"
        ))?;
    }
    Ok(())
}

const fn plural(count: usize) -> (&'static str, &'static str) {
    if count == 1 { ("", "is") } else { ("s", "are") }
}

/// Reads the files. One folder with environments in it is read as these, any other files together.
fn read(
    global: &Global,
    reporter: &Reporter,
    args: &AgainstArgs,
    cloud: Cloud,
) -> Result<Vec<Read>, IoFault> {
    let here = io::working_directory()?;
    for path in &args.against {
        if !io::exists(path) {
            return Err(IoFault::Other(format!(
                "there is no `{}`; all words behind `--against` are files and folders, others stand before it or behind `--`",
                io::slashes(path)
            )));
        }
    }
    let shown = |path: &Path| io::relative(&here, &io::absolute(&here, path));
    let load = |path: &PathBuf| (shown(path), io::load_data(path));
    let environments = match args.against.as_slice() {
        [folder] if io::is_folder(folder) => environments(folder)?,
        _ => Vec::new(),
    };
    let asked = |name: &String| {
        global.environments.is_empty() || global.environments.iter().any(|e| e == name)
    };
    if let Some(unknown) = global
        .environments
        .iter()
        .find(|name| !environments.iter().any(|(own, _)| own == *name))
    {
        return Err(IoFault::Other(format!(
            "what `--against` names holds no environment `{unknown}`"
        )));
    }
    let mut out = Vec::new();
    for (environment, folder) in environments.iter().filter(|(name, _)| asked(name)) {
        let files = io::definition_files_below(folder)?;
        out.push(Read {
            environment: environment.clone(),
            all: foreign::read(files.iter().map(load).collect(), cloud),
        });
    }
    for folder in args.against.iter().filter(|_| !environments.is_empty()) {
        for file in io::definition_files_below(folder)? {
            if !environments.iter().any(|(_, own)| file.starts_with(own)) {
                let file = shown(&file);
                reporter.remark(&format!("passed over: {file}: it is of no environment"))?;
            }
        }
    }
    if environments.is_empty() {
        let mut files = Vec::new();
        for path in &args.against {
            if io::is_folder(path) {
                files.extend(io::definition_files_below(path)?);
            } else {
                files.push(path.clone());
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        files.retain(|path| seen.insert(io::absolute(&here, path)));
        out.push(Read {
            environment: String::new(),
            all: foreign::read(files.iter().map(load).collect(), cloud),
        });
    }
    Ok(out)
}

/// The environments of an output folder: folders in it that have a manifest.
fn environments(folder: &Path) -> Result<Vec<(String, PathBuf)>, IoFault> {
    let folders = Ground::Disk.output_folders(folder)?.into_iter();
    let named = folders.filter_map(|inner| {
        let name = inner.file_name()?.to_string_lossy().into_owned();
        Some((name, inner))
    });
    Ok(named.collect())
}
