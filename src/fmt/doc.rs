//! A small document algebra: texts, line ends, and choices between a flat and a broken layout.
//! It knows widths and nothing of the language.

use std::rc::Rc;

/// Lines are at most this long where a choice is left.
pub(crate) const WIDTH: usize = 100;

/// A piece of layout, shared so that the two sides of a choice cost nothing.
pub(crate) type Doc = Rc<Piece>;

/// What a document is made of.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Text without line ends.
    Text(String),
    /// Text at the end of a line that counts for no width: a comment.
    Suffix(String),
    /// A line end. Inside the flat side of a choice it means "this cannot be flat".
    Hard,
    /// A line end that leaves an empty line.
    Blank,
    /// Pieces in order.
    Concat(Vec<Doc>),
    /// Two more spaces at each line start inside.
    Nest(Doc),
    /// The flat side if it fits on the line, else the broken one.
    Choice {
        /// On one line.
        flat: Doc,
        /// On several.
        broken: Doc,
    },
}

/// A text.
pub(crate) fn text(text: impl Into<String>) -> Doc {
    Rc::new(Piece::Text(text.into()))
}

/// A comment at the end of a line.
pub(crate) fn suffix(text: impl Into<String>) -> Doc {
    Rc::new(Piece::Suffix(text.into()))
}

/// A line end.
pub(crate) fn hard() -> Doc {
    Rc::new(Piece::Hard)
}

/// A line end and an empty line.
pub(crate) fn blank() -> Doc {
    Rc::new(Piece::Blank)
}

/// Pieces in order.
pub(crate) fn concat(parts: Vec<Doc>) -> Doc {
    Rc::new(Piece::Concat(parts))
}

/// Indented by two.
pub(crate) fn nest(inner: Doc) -> Doc {
    Rc::new(Piece::Nest(inner))
}

/// A choice.
pub(crate) fn choice(flat: Doc, broken: Doc) -> Doc {
    Rc::new(Piece::Choice { flat, broken })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// Lays a document out.
pub(crate) fn print(doc: &Doc) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut stack: Vec<(usize, Mode, &Doc)> = vec![(0, Mode::Broken, doc)];
    while let Some((indent, mode, doc)) = stack.pop() {
        match doc.as_ref() {
            Piece::Text(t) => {
                if column == 0 && !t.is_empty() {
                    out.push_str(&" ".repeat(indent));
                    column = indent;
                }
                out.push_str(t);
                column += t.chars().count();
            }
            Piece::Suffix(t) => out.push_str(t),
            Piece::Hard => {
                out.push('\n');
                column = 0;
            }
            Piece::Blank => {
                out.push_str("\n\n");
                column = 0;
            }
            Piece::Concat(parts) => {
                stack.extend(parts.iter().rev().map(|p| (indent, mode, p)));
            }
            Piece::Nest(inner) => stack.push((indent + 2, mode, inner)),
            Piece::Choice { flat, broken } => {
                let start = column.max(indent);
                if mode == Mode::Flat || fits(WIDTH.saturating_sub(start), flat, &stack) {
                    stack.push((indent, Mode::Flat, flat));
                } else {
                    stack.push((indent, Mode::Broken, broken));
                }
            }
        }
    }
    out
}

/// True if `doc`, laid flat, and what follows it up to the next line end fit into `left`.
fn fits(mut left: usize, doc: &Doc, rest: &[(usize, Mode, &Doc)]) -> bool {
    let mut own: Vec<(Mode, std::slice::Iter<'_, Doc>)> =
        vec![(Mode::Flat, std::slice::from_ref(doc).iter())];
    let mut following = rest.iter().rev();
    loop {
        let (mode, doc) = match own.last_mut() {
            Some((mode, parts)) => match parts.next() {
                Some(doc) => (*mode, doc),
                None => {
                    own.pop();
                    continue;
                }
            },
            None => match following.next() {
                Some((_, mode, doc)) => (*mode, *doc),
                None => return true,
            },
        };
        match doc.as_ref() {
            Piece::Text(t) => {
                let width = t.chars().count();
                if width > left {
                    return false;
                }
                left -= width;
            }
            Piece::Suffix(_) => {}
            Piece::Hard | Piece::Blank => return mode == Mode::Broken,
            Piece::Concat(parts) => own.push((mode, parts.iter())),
            Piece::Nest(inner) => own.push((mode, std::slice::from_ref(inner).iter())),
            Piece::Choice { flat, broken } => {
                let side = if mode == Mode::Flat { flat } else { broken };
                own.push((mode, std::slice::from_ref(side).iter()));
            }
        }
    }
}
