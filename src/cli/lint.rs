//! `lint`: what is told of a project, and what is wrong with the rules that it becomes. It writes no
//! output; the judging is elsewhere.

mod rows;
mod text;

use serde_json::json;

use super::against;
use super::args::{Global, LintArgs};
use super::basis::Basis;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{FINE, run};
use crate::diag::{CODES, Severity, explain};
use crate::driver::LimitsMode;

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &LintArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true).with_notes();
    if args.list {
        reporter.result(&list(reporter.json()))?;
        return Ok(FINE);
    }
    if let Some(code) = args.explain {
        reporter.result(explain::page(code))?;
        return Ok(FINE);
    }
    if !args.definitions.against.is_empty() {
        if args.path != std::path::Path::new(".") {
            return Err(IoFault::Other(format!(
                "with `--against` no project is judged: leave `{}` away",
                io::slashes(&args.path)
            )));
        }
        let lists = match against::lists(global, &reporter, &args.definitions)? {
            Ok(lists) => lists,
            Err(code) => return Ok(code),
        };
        let mut found = Vec::new();
        let mut basis = Basis::default();
        for (environment, (lists, own)) in &lists {
            basis.and(own.clone());
            found.extend(rows::foreign_rows(environment, lists).map_err(IoFault::Other)?);
        }
        tell(global, &reporter, &found, &basis)?;
        return Ok(FINE);
    }
    let mut found = Vec::new();
    let mut basis = Basis::default();
    let mut fault = None;
    let ask = run::Ask {
        path: args.path.clone(),
        limits: LimitsMode::Warn,
        on_expired: args.expired.map(Into::into),
        // A proof is what `check` is for.
        no_prove: true,
        no_files: true,
        ..run::Ask::default()
    };
    let done = run::watched(global, &reporter, &ask, &mut |stage, lowered| {
        basis.and(Basis::of(stage));
        match rows::rows(stage, lowered) {
            Ok(rows) => found.extend(rows),
            Err(why) => fault = Some(why),
        }
    })?;
    if let Some(why) = fault {
        return Err(IoFault::Other(why));
    }
    tell(global, &reporter, &found, &basis)?;
    Ok(done.err().unwrap_or(FINE))
}

fn tell(
    global: &Global,
    reporter: &Reporter,
    found: &[rows::Row],
    basis: &Basis,
) -> Result<(), IoFault> {
    if reporter.json() {
        let mut lines = String::new();
        for row in found {
            lines.push_str(&serde_json::to_string(row).unwrap_or_default());
            lines.push('\n');
        }
        reporter.exact(&lines)
    } else {
        let text = text::text(found, global.verbose);
        reporter.result(&format!("{text}{}", basis.line()))
    }
}

/// Every code with its level and its name.
fn list(as_json: bool) -> String {
    let mut out = String::new();
    for info in CODES {
        let level = match info.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        if as_json {
            let row = json!({ "code": info.id, "level": level, "name": info.slug });
            out.push_str(&format!("{row}\n"));
        } else {
            out.push_str(&format!("{}  {level:7}  {}\n", info.id, info.slug));
        }
    }
    out
}
