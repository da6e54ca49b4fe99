//! Byte offsets to lines and columns, computed on demand from the line starts.

/// The byte offset at which each line starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Reads the line starts of a text. `\n` ends a line; a `\r` before it belongs to the line.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                starts.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
            }
        }
        Self { starts }
    }

    /// Line number from 1 of a byte offset.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        u32::try_from(self.starts.partition_point(|s| *s <= offset)).unwrap_or(u32::MAX)
    }

    /// Line and column (both from 1) of a byte offset; the column counts characters.
    #[must_use]
    pub fn line_column(&self, text: &str, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        let start = self.line_start(line) as usize;
        let column = text
            .get(start..(offset as usize).min(text.len()))
            .map_or(0, |t| t.chars().count());
        (
            line,
            u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
        )
    }

    /// Byte offset at which a line (from 1) starts; the end of the text for a line past the last.
    #[must_use]
    pub fn line_start(&self, line: u32) -> u32 {
        self.starts
            .get(line.saturating_sub(1) as usize)
            .or(self.starts.last())
            .copied()
            .unwrap_or(0)
    }
}
