//! `check`: judges a project and writes nothing.

use super::FINE;
use super::args::{CheckArgs, Global};
use super::io::IoFault;
use super::report::Reporter;
use super::run;

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &CheckArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, false);
    let done = run::run(
        global,
        &reporter,
        &args.path,
        args.limits.into(),
        Vec::new(),
        args.expired.map(Into::into),
    )?;
    Ok(done.err().unwrap_or(FINE))
}
