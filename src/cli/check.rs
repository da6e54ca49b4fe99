//! `check`: judges a project and writes nothing.

use super::FINE;
use super::args::{CheckArgs, Global};
use super::io::IoFault;
use super::lock::{Keep, Remember};
use super::report::Reporter;
use super::run;
use crate::driver::Locked;

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
        &Remember {
            locked: if global.locked {
                Locked::Refuse
            } else {
                Locked::Tell
            },
            keep: Some(Keep::default()),
            ..Remember::default()
        },
    )?;
    Ok(done.err().unwrap_or(FINE))
}
