//! Syntax tree to canonical text. Not written yet.

use crate::diag::Diagnostic;
use crate::source::{FileId, SourceMap};

/// The canonical text of a file, or why it cannot be given.
///
/// # Errors
/// The diagnostics of a file that does not parse.
pub fn format(_sources: &SourceMap, _file: FileId) -> Result<String, Vec<Diagnostic>> {
    Ok(String::new())
}
