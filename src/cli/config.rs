//! `config` and `schema`: print JSON schemas.

use super::FINE;
use super::args::{ConfigArgs, ConfigWhat, Global, SchemaArgs, SchemaOf};
use super::io::IoFault;
use super::report::Reporter;
use crate::config;
use crate::diff::told;

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

/// Runs `schema`; the exit code.
///
/// # Errors
/// When it cannot be written.
pub fn schema(global: &Global, args: &SchemaArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    match args.of {
        SchemaOf::Diff => reporter.exact(&told::schema())?,
        SchemaOf::Settings => reporter.exact(config::SCHEMA)?,
    }
    Ok(FINE)
}
