//! Lines of a given width: words wrapped, cells beside each other. It knows no difference and no colour.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How wide a text is on a terminal.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in lines of at most so many columns. It breaks at spaces, after commas and slashes if there is
/// none, and anywhere if there is neither.
pub(super) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= most {
            if gap > 0 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut pieces = broken(word, most);
        line = pieces.pop().unwrap_or_default();
        lines.extend(pieces);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A word in pieces of at most so many columns.
fn broken(word: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut used = 0_usize;
    for c in word.chars() {
        let wide = UnicodeWidthChar::width(c).unwrap_or(0);
        if used + wide > most && !piece.is_empty() {
            let kept = piece.rfind([',', '/', ':', '.', '-']).map(|at| at + 1);
            let kept = kept
                .filter(|at| *at > piece.len() / 2)
                .unwrap_or(piece.len());
            let rest = piece.split_off(kept);
            pieces.push(std::mem::replace(&mut piece, rest));
            used = width(&piece);
        }
        piece.push(c);
        used += wide;
    }
    pieces.push(piece);
    pieces
}

/// How a column gives way when rows are too wide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// It is never narrower than this, or than its widest cell.
    pub least: usize,
    /// Nor wider than this.
    pub most: usize,
    /// Cells stand at its right side.
    pub right: bool,
}

/// What stands between columns.
const GAP: usize = 2;

/// How wide each column is, so that a row fits; `None` if no widths do.
pub(super) fn fitted(columns: &[Column], rows: &[Vec<String>], most: usize) -> Option<Vec<usize>> {
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .map(|cell| width(cell))
                .max()
        })
        .zip(columns)
        .map(|(widest, column)| widest.unwrap_or_default().min(column.most))
        .collect();
    let gaps = GAP * columns.len().saturating_sub(1);
    loop {
        let total: usize = widths.iter().sum::<usize>() + gaps;
        let over = total.saturating_sub(most);
        if over == 0 {
            return Some(widths);
        }
        // The widest that can give way does, down to the next widest, so that none is starved.
        let able = |(at, wide): &(usize, usize)| columns.get(*at).is_some_and(|c| *wide > c.least);
        let mut wide: Vec<(usize, usize)> = widths.iter().copied().enumerate().collect();
        wide.retain(able);
        wide.sort_by_key(|(at, wide)| (std::cmp::Reverse(*wide), *at));
        let (at, widest) = *wide.first()?;
        let next = wide.get(1).map_or(0, |(_, next)| *next);
        let least = columns.get(at)?.least;
        let down = over
            .min(widest - least)
            .min((widest - next.min(widest)).max(1));
        *widths.get_mut(at)? -= down;
    }
}

/// A row as lines: cells wrapped, empty ends cut. `paint` is given the column and a piece of its cell.
pub(super) fn row(
    columns: &[Column],
    widths: &[usize],
    cells: &[String],
    paint: &dyn Fn(usize, &str) -> String,
) -> Vec<String> {
    let wrapped: Vec<Vec<String>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, most)| wrapped(cell, *most))
        .collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    (0..height)
        .map(|line| {
            let mut out = String::new();
            let mut before = 0_usize;
            for (at, ((cell, column), wide)) in wrapped.iter().zip(columns).zip(widths).enumerate()
            {
                let text = cell.get(line).map_or("", String::as_str);
                let pad = wide.saturating_sub(width(text));
                if !text.is_empty() {
                    before += if column.right { pad } else { 0 };
                    out.push_str(&" ".repeat(std::mem::take(&mut before)));
                    out.push_str(&paint(at, text));
                    before = if column.right { 0 } else { pad };
                } else {
                    before += wide;
                }
                before += GAP;
            }
            out
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_line_is_too_wide_and_no_word_is_lost() {
        let text = "a, bb ccc 10.40.32.0/22,10.41.0.0/16,172.16.0.0/12 日本語の名前 end";
        for most in 1..60 {
            let lines = wrapped(text, most);
            let squeezed: String = lines.concat().split(' ').collect();
            assert_eq!(squeezed, text.split(' ').collect::<String>(), "{most}");
            // One character may be wider than the line.
            assert!(
                lines.iter().all(|l| width(l) <= most.max(2)),
                "{most}: {lines:?}"
            );
        }
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let columns = [
            Column {
                least: 4,
                most: 99,
                right: false,
            },
            Column {
                least: 40,
                most: 99,
                right: false,
            },
            Column {
                least: 5,
                most: 99,
                right: false,
            },
        ];
        let rows = [vec!["x".repeat(30), "y".repeat(7), "z".repeat(12)]];
        assert_eq!(fitted(&columns, &rows, 53), Some(vec![30, 7, 12]));
        assert_eq!(fitted(&columns, &rows, 43), Some(vec![20, 7, 12]));
        assert_eq!(fitted(&columns, &rows, 31), Some(vec![10, 7, 10]));
        assert_eq!(fitted(&columns, &rows, 20), Some(vec![4, 7, 5]));
        assert_eq!(fitted(&columns, &rows, 19), None);
    }
}
