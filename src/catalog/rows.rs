//! Reading of the small embedded tables: rows of columns between bars; knows no meaning.

/// The rows of a table: the columns of each line that is neither a comment nor indented, with its indented lines.
pub(super) fn rows<const N: usize>(
    text: &'static str,
) -> impl Iterator<Item = ([&'static str; N], Vec<&'static str>)> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            if line.starts_with(['#', ' ']) || line.is_empty() {
                continue;
            }
            let mut indented = Vec::new();
            while let Some(more) = lines.next_if(|next| next.starts_with(' ')) {
                indented.push(more.trim());
            }
            let columns: Vec<&str> = line.split('|').collect();
            // A row of another width is dropped here and found by the tests of the table.
            if let Ok(columns) = <[&str; N]>::try_from(columns) {
                return Some((columns, indented));
            }
        }
    })
}

/// A column that may be empty, written `-`.
pub(super) fn optional(column: &'static str) -> Option<&'static str> {
    (column != "-").then_some(column)
}

#[cfg(test)]
pub(super) fn row_lines(text: &str) -> usize {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ' ']))
        .count()
}
