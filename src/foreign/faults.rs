//! The one diagnostic of foreign definitions.

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, SourceMap, Span};

use super::json::{self, Step};

/// A definition that cannot be read, or that is not what it has to be.
pub(super) fn unreadable(span: Option<Span>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::general(Code::PC8010, span, message).help(
        "correct it, or leave the file away: output folders, ARM templates and exported resources are read",
    )
}

/// The place of some steps in a file; of a long value its first line.
pub(super) fn span(sources: &SourceMap, file: FileId, steps: &[Step]) -> Option<Span> {
    let text = &sources.get(file)?.text;
    let (start, end) = json::place(text, steps);
    let line = text.get(start..end)?.lines().next().map_or(0, str::len);
    let end = start + line;
    Some(Span::new(
        file,
        u32::try_from(start).ok()?,
        u32::try_from(end).ok()?,
    ))
}
