//! What we say to people: one type of diagnostic for every stage, and the sink that collects them.

mod cap;
mod code;
pub mod escape;
pub mod explain;
pub mod internal;
pub mod levels;
pub mod render_github;
pub mod render_json;
pub mod render_pipelines;
pub mod render_sarif;
pub mod render_text;
pub mod sarif;
pub mod suggest;

pub use code::{CODES, Code, CodeInfo, Severity, Stage};

use std::collections::BTreeSet;

use crate::source::{FileId, Span};

/// A place with a short remark, beside the primary one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What this place is.
    pub text: String,
}

/// A replacement of text that mends the fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    /// The text to replace; an empty span inserts.
    pub span: Span,
    /// What to write there.
    pub replacement: String,
}

/// One thing to say about the input: what is wrong, where, why and what to write instead.
///
/// Message: lower case, no full stop, the user's words; user text in backticks. Label: what the
/// primary span is. Help: what to write instead. Note: the Azure fact and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code, for example `PC1004`.
    pub code: Code,
    /// The level, already the code's default unless a stage or the settings changed it.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where; `None` for faults of the settings file or of the run as a whole.
    pub primary: Option<Span>,
    /// What the primary span is.
    pub label: String,
    /// Other places.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// The fact behind it.
    pub note: Option<String>,
    /// A packet that shows it, as `explain` takes it.
    pub packet: Option<String>,
    /// A replacement that mends it.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A diagnostic at a place, at the code's default level.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::general(code, Some(span), message)
    }

    /// A diagnostic with or without a place.
    pub fn general(code: Code, span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.info().severity,
            message: message.into(),
            primary: span,
            label: String::new(),
            labels: Vec::new(),
            help: None,
            note: None,
            packet: None,
            fix: None,
        }
    }

    /// Says what the primary span is.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds a secondary place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Gives the fact behind it.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Gives a packet that shows it.
    #[must_use]
    pub fn packet(mut self, text: impl Into<String>) -> Self {
        self.packet = Some(text.into());
        self
    }

    /// Gives a replacement that mends it.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix {
            span,
            replacement: replacement.into(),
        });
        self
    }

    /// The same where the files have other numbers: the first of them that of the first, and so on.
    #[must_use]
    pub fn in_files(mut self, files: &[FileId]) -> Self {
        let moved = |span: &mut Span| {
            if let Some(file) = files.get(span.file.0 as usize) {
                span.file = *file;
            }
        };
        self.primary.as_mut().map(moved);
        self.labels.iter_mut().for_each(|l| moved(&mut l.span));
        self.fix.iter_mut().for_each(|f| moved(&mut f.span));
        self
    }

    /// Raises or lowers the level.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// Collects diagnostics. Equal ones (same code, place and message) are kept once, so that a fault
/// seen from several environments is told once.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    items: Vec<Diagnostic>,
    seen: BTreeSet<(Code, Option<Span>, String)>,
}

impl Sink {
    /// Adds one, unless the same was added before.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let key = (
            diagnostic.code,
            diagnostic.primary,
            diagnostic.message.clone(),
        );
        if self.seen.insert(key) {
            self.items.push(diagnostic);
        }
    }

    /// Adds one, with what `more` says of it, unless the same was added before: what is dear to find
    /// out is found out once.
    pub fn push_with(
        &mut self,
        diagnostic: Diagnostic,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let before = self.items.len();
        self.push(diagnostic);
        if self.items.len() > before
            && let Some(last) = self.items.pop()
        {
            self.items.push(more(last));
        }
    }

    /// Adds many.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for d in diagnostics {
            self.push(d);
        }
    }

    /// Keeps only what `keep` says.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.items.retain(keep);
    }

    /// True if an error was added.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them, by place, then code.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.items
            .sort_by(|a, b| (a.primary, a.code, &a.message).cmp(&(b.primary, b.code, &b.message)));
        self.items
    }

    /// All of them, in the order they were added.
    #[must_use]
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }
}
