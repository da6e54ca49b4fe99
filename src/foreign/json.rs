//! Text to JSON, with the comments that Azure's tools allow, and the way back from a place in the value
//! to one in the text. It knows no resource.

use serde_json::Value;

/// A step from a value to one in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Of an object, in any case.
    Member(String),
    /// Of a list.
    Item(usize),
}

/// Why a text is no JSON, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    /// The byte.
    pub at: usize,
    /// What the reader says.
    pub reason: String,
}

/// The value of a text. Comments count as blanks ("ARM template syntax", comments and metadata,
/// checked 2026-11-30).
///
/// # Errors
/// It is no JSON.
pub(super) fn parse(text: &str) -> Result<Value, Syntax> {
    let blank = without_comments(text);
    serde_json::from_str(&blank).map_err(|error| {
        let said = error.to_string();
        let reason = said.rsplit_once(" at line ").map_or(said.as_str(), |s| s.0);
        Syntax {
            at: offset(text, error.line(), error.column()),
            reason: reason.to_owned(),
        }
    })
}

/// The byte of a line and a column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The same text with blanks where comments are, so that every place stays where it is.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match (quoted, c, rest.peek()) {
            (true, '\\', Some(_)) => {
                out.push(c);
                out.extend(rest.next());
            }
            (_, '"', _) => {
                quoted = !quoted;
                out.push(c);
            }
            (false, '/', Some('/')) => {
                out.push(' ');
                while let Some(c) = rest.next_if(|c| *c != '\n') {
                    blank(c, &mut out);
                }
            }
            (false, '/', Some('*')) => {
                rest.next();
                out.push_str("  ");
                let mut star = false;
                for c in rest.by_ref() {
                    blank(c, &mut out);
                    if star && c == '/' {
                        break;
                    }
                    star = c == '*';
                }
            }
            _ => out.push(c),
        }
    }
    out
}

fn blank(c: char, out: &mut String) {
    if c == '\n' {
        out.push(c);
    } else {
        out.extend(std::iter::repeat_n(' ', c.len_utf8()));
    }
}

/// The steps of `.properties.securityRules[3]`.
#[must_use]
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut out = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let mut pieces = part.split('[');
        out.extend(
            pieces
                .next()
                .filter(|name| !name.is_empty())
                .map(|name| Step::Member(name.to_owned())),
        );
        for piece in pieces {
            out.extend(piece.trim_end_matches(']').parse().ok().map(Step::Item));
        }
    }
    out
}

/// First and last byte of what the steps lead to, as far as they lead, in a text that is JSON.
#[must_use]
pub(super) fn place(text: &str, steps: &[Step]) -> (usize, usize) {
    let blank = without_comments(text);
    let mut scan = Scan {
        text: blank.as_bytes(),
        at: 0,
    };
    let mut found = scan.value_at();
    for step in steps {
        let (start, _) = found;
        scan.at = start;
        match scan.step(step) {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

/// A place in a text that is known to be JSON.
struct Scan<'t> {
    text: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn blanks(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Bounds of the value that begins here, and the place behind it.
    fn value_at(&mut self) -> (usize, usize) {
        self.blanks();
        let start = self.at;
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            match self.peek() {
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' if depth == 0 => break,
                c if c.is_ascii_whitespace() && depth == 0 => break,
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.text.get(self.at - 1), Some(b'"' | b'}' | b']')) {
                break;
            }
        }
        (start, self.at)
    }

    fn string(&mut self) {
        self.at += 1;
        while self.at < self.text.len() {
            match self.peek() {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Bounds of a part of the value that begins here.
    fn step(&mut self, step: &Step) -> Option<(usize, usize)> {
        let open = match step {
            Step::Member(_) => b'{',
            Step::Item(_) => b'[',
        };
        if self.peek() != open {
            return None;
        }
        self.at += 1;
        let mut number = 0;
        loop {
            self.blanks();
            let mut wanted = Step::Item(number);
            if matches!(step, Step::Member(_)) {
                let start = self.at;
                if self.peek() != b'"' {
                    return None;
                }
                self.string();
                let name = self.text.get(start..self.at)?;
                let name: String = serde_json::from_slice(name).ok()?;
                wanted = Step::Member(name);
                self.blanks();
                // The colon.
                self.at += 1;
            }
            let found = self.value_at();
            if found.0 == found.1 {
                return None;
            }
            let is_it = match (step, &wanted) {
                (Step::Member(a), Step::Member(b)) => a.eq_ignore_ascii_case(b),
                (a, b) => a == b,
            };
            if is_it {
                return Some(found);
            }
            number += 1;
            self.blanks();
            if self.peek() != b',' {
                return None;
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn comments_are_blanks_and_places_stay() {
        let text = "{ // a \"b\"\n \"x\": \"//no\", /* ö */ \"y\": [1, /**/ {\"z\": 7}]}";
        let value = parse(text).unwrap();
        assert_eq!(value["x"], "//no");
        let (start, end) = place(text, &steps(".Y[1].z"));
        assert_eq!(&text[start..end], "7");
        let (start, end) = place(text, &steps(".y[1].none.more"));
        assert_eq!(&text[start..end], "{\"z\": 7}");
        let (start, end) = place(text, &steps(".x"));
        assert_eq!(&text[start..end], "\"//no\"");
    }

    #[test]
    fn a_fault_has_a_place() {
        let fault = parse("{\n \"a\": nope\n}").unwrap_err();
        assert!(fault.reason.contains("expected"), "{fault:?}");
        assert_eq!(&"{\n \"a\": nope\n}"[..fault.at].lines().count(), &2);
        assert!(parse("").is_err());
        assert!(parse("{\"a\": 1} /* never closed").is_ok());
        let (start, end) = place("", &steps(".a"));
        assert_eq!((start, end), (0, 0));
    }
}
