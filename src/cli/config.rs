//! `config`: prints the JSON schema of the settings file.

use super::FINE;
use super::args::{ConfigArgs, ConfigWhat, Global};
use super::io::IoFault;
use super::report::Reporter;
use crate::config;

/// Runs the command; the exit code.
///
/// # Errors
/// When it cannot be written.
pub fn run(global: &Global, args: &ConfigArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    match args.what {
        ConfigWhat::Schema => reporter.exact(config::SCHEMA)?,
    }
    Ok(FINE)
}
