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
    let ask = run::Ask {
        path: args.path.clone(),
        limits: args.limits.into(),
        on_expired: args.expired.map(Into::into),
        no_prove: args.no_prove,
        remember: Remember {
            locked: if global.locked {
                Locked::Refuse
            } else {
                Locked::Tell
            },
            keep: Some(Keep::default()),
            ..Remember::default()
        },
        ..run::Ask::default()
    };
    let done = run::run(global, &reporter, &ask)?;
    Ok(done.err().unwrap_or(FINE))
}
