//! `explain`: prints the page of a code. The pages are elsewhere.

use super::args::{ExplainArgs, Global, nearest_code};
use super::io::IoFault;
use super::report::Reporter;
use super::{BAD, FINE};
use crate::diag::{CODES, Code, explain};

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &ExplainArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let [word] = args.subject.as_slice() else {
        return Err(not_available(&args.subject.join(" ")));
    };
    let by_name = || CODES.iter().find(|c| c.slug == word).map(|c| c.code);
    if let Some(code) = Code::parse(word).or_else(by_name) {
        reporter.result(explain::page(code))?;
        return Ok(FINE);
    }
    let digits = word
        .get(..2)
        .filter(|p| p.eq_ignore_ascii_case("pc"))
        .and_then(|_| word.get(2..));
    if digits.is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit())) {
        let hint =
            nearest_code(word).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        reporter.fail(&IoFault::Other(format!(
            "no diagnostic of this version has the code {word}{hint}"
        )));
        return Ok(BAD);
    }
    Err(not_available(word))
}

fn not_available(subject: &str) -> IoFault {
    IoFault::Other(format!(
        "`{subject}` is no diagnostic code; explaining packets and flows is not available in this version"
    ))
}
