//! Text in: the files of one run, by number. It reads no disk; a [`Loader`] is handed in.

mod lines;
mod span;

use std::collections::BTreeMap;

pub use lines::LineIndex;
pub use span::{FileId, Span, Spanned};

/// One source file: its name as shown to people (relative, forward slashes) and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative path with forward slashes, or `std/NAME` for the embedded library.
    pub name: String,
    /// The text, without byte order mark.
    pub text: String,
    /// Line starts.
    pub lines: LineIndex,
}

/// All files of one run.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file and returns its number. A byte order mark at the start is dropped.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        let mut text: String = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let lines = LineIndex::new(&text);
        self.files.push(SourceFile {
            name: name.into(),
            text,
            lines,
        });
        id
    }

    /// The file with that number.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// The text of a span; empty if it is out of range.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file)
            .and_then(|f| f.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }

    /// File name, line (from 1) and column (from 1, in characters) of a span's start.
    #[must_use]
    pub fn place(&self, span: Span) -> (String, u32, u32) {
        self.get(span.file).map_or_else(
            || (String::new(), 1, 1),
            |f| {
                let (line, column) = f.lines.line_column(&f.text, span.start);
                (f.name.clone(), line, column)
            },
        )
    }

    /// All files in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(i, f)| (FileId(u32::try_from(i).unwrap_or(u32::MAX)), f))
    }
}

/// Why a module file could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// No such file.
    NotFound,
    /// It exists but could not be read; the text says why.
    Unreadable(String),
    /// It is not UTF-8.
    NotText {
        /// What could be read, with U+FFFD for what could not.
        text: String,
        /// The first byte that is not UTF-8.
        at: usize,
    },
}

/// Gives the text of a module by its project-relative path (forward slashes). The core asks; the
/// command line reads the disk, tests answer from memory.
pub trait Loader {
    /// The text of `path`, or why not.
    ///
    /// # Errors
    /// [`LoadError`] when the file is absent or is not text.
    fn load(&self, path: &str) -> Result<String, LoadError>;
}

/// A loader that answers from memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryLoader {
    /// Path to text.
    pub files: BTreeMap<String, String>,
}

impl Loader for MemoryLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        self.files.get(path).cloned().ok_or(LoadError::NotFound)
    }
}
