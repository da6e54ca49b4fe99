//! `fmt`: formats files in place, or tells which are not formatted. The formatting is elsewhere.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::args::{FmtArgs, Global};
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{BAD, FINE};
use crate::diag::Diagnostic;
use crate::fmt;
use crate::source::SourceMap;

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &FmtArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, args.stdin || args.diff);
    if args.stdin {
        return standard_input(&reporter, args);
    }
    let here = io::working_directory()?;
    let mut sources = SourceMap::default();
    let mut faults: Vec<Diagnostic> = Vec::new();
    let mut changed: Vec<(PathBuf, String, String, String)> = Vec::new();
    for path in files(args, &here)? {
        let shown = io::relative(&here, &path);
        let old = io::read_text(&path, &shown)?;
        let file = sources.add(shown.clone(), old.clone());
        match fmt::format(&sources, file) {
            Ok(new) if new == old => {}
            Ok(new) => changed.push((path, shown, old, new)),
            Err(why) => faults.extend(why),
        }
    }
    reporter.tell(&sources, &faults)?;
    let mut text = String::new();
    for (path, shown, old, new) in &changed {
        if args.diff {
            text.push_str(&difference(shown, old, new));
        } else if args.check {
            text.push_str(&format!("{shown} is not formatted\n"));
        } else {
            io::write_file(path, shown, new)?;
            text.push_str(&format!("formatted {shown}\n"));
        }
    }
    if args.diff || args.check || reporter.wants_summary() {
        reporter.exact(&text)?;
    }
    let bad = !faults.is_empty() || (args.check && !changed.is_empty());
    Ok(if bad { BAD } else { FINE })
}

fn standard_input(reporter: &Reporter, args: &FmtArgs) -> Result<u8, IoFault> {
    let old = io::read_stdin()?;
    let mut sources = SourceMap::default();
    let file = sources.add("<stdin>", old.clone());
    let new = match fmt::format(&sources, file) {
        Ok(new) => new,
        Err(faults) => {
            reporter.tell(&sources, &faults)?;
            return Ok(BAD);
        }
    };
    if args.diff {
        reporter.exact(&difference("<stdin>", &old, &new))?;
    } else if !args.check {
        reporter.exact(&new)?;
    }
    Ok(if args.check && old != new { BAD } else { FINE })
}

/// The files meant, each once, in a fixed order.
fn files(args: &FmtArgs, here: &Path) -> Result<Vec<PathBuf>, IoFault> {
    let paths = if args.paths.is_empty() {
        vec![PathBuf::from(".")]
    } else {
        args.paths.clone()
    };
    let mut out = Vec::new();
    for path in paths {
        let path = io::absolute(here, &path);
        if io::is_folder(&path) {
            let found = io::gate_files_below(&path)?;
            if found.is_empty() {
                return Err(IoFault::Other(format!(
                    "no .gate files in `{}`",
                    io::relative(here, &path)
                )));
            }
            out.extend(found);
        } else {
            out.push(path);
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

fn difference(name: &str, old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}
