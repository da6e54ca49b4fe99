//! `report`: what a policy holds, as text, as JSON, or as one HTML file. What is in it is worked out
//! elsewhere.

use std::path::PathBuf;

use clap::Args;

use super::args::{ExpiredArg, Format, Global};
use super::inventory;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{CANNOT_RUN, FINE};
use crate::review::{html, report};

/// `report`
#[derive(Args, Clone, Debug)]
pub struct ReportArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Write one HTML file that holds everything and fetches nothing, instead of text.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
    /// Do not prove that what is emitted means what is asked; the report says so.
    #[arg(long)]
    pub no_prove: bool,
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &ReportArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    if reporter.format() == Format::Sarif {
        return Err(IoFault::Other(
            "`report` finds nothing wrong, so it has no `--format sarif`; that is for `check` and `lint`"
                .to_owned(),
        ));
    }
    let ask = inventory::Ask {
        path: args.path.clone(),
        on_expired: args.expired.map(Into::into),
        no_prove: args.no_prove,
    };
    let inventory = match inventory::of(global, &reporter, &ask)? {
        Ok(inventory) => inventory,
        Err(code) => return Ok(code),
    };
    if let Some(file) = &args.html {
        let shown = io::slashes(file);
        let page = html::report(&inventory);
        io::write_file(file, &shown, &page)?;
        reporter.tell_aside(&format!(
            "wrote `{shown}`, {} KB",
            page.len().div_ceil(1024)
        ))?;
    }
    if reporter.json() {
        match report::json(&inventory) {
            Ok(text) => reporter.exact(&text)?,
            Err(why) => {
                reporter.fail(&IoFault::Other(why));
                return Ok(CANNOT_RUN);
            }
        }
    } else if args.html.is_none() {
        reporter.result(&report::text(&inventory))?;
    }
    Ok(FINE)
}
