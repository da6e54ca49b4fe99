//! `report`: what a policy holds, as text, as JSON, or as one HTML file. What is in it is worked out
//! elsewhere.

use super::args::{Format, Global, ReportArgs};
use super::inventory;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{CANNOT_RUN, FINE};
use crate::review::{html, report};

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
