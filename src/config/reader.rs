//! Reads typed values out of the settings' tree and tells what is wrong, with its place. It knows
//! the kinds of values, not the keys.

use std::collections::BTreeMap;

use super::tree::{self, Node};
use crate::config::Emit;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::{FileId, Span};
use crate::syntax::ast::Date;

/// Places are looked up by reading the file again, so a file full of faults is cut short.
const MAX_FAULTS: usize = 50;

/// Walks the tree; `path` holds the indexes from the root to the node in hand.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) file: FileId,
    pub(super) path: Vec<usize>,
    pub(super) faults: Vec<Diagnostic>,
}

impl Reader<'_> {
    // Values.

    pub(super) fn as_of(&mut self, node: &Node, key: &str) -> Option<Option<Date>> {
        let text = self.text_of(node, key)?;
        if text == "none" {
            return Some(None);
        }
        if let Some(date) = date(&text) {
            return Some(Some(date));
        }
        let help = if text == "today" {
            "the settings must mean the same every day; pass `--as-of today` on the command line"
        } else {
            "write `none` or a date such as `2027-01-31`"
        };
        self.value_fault(format!("`{text}` is not a date"), help);
        None
    }

    pub(super) fn emit(&mut self, node: &Node, key: &str) -> Option<Vec<Emit>> {
        let words = [("rest", Emit::Rest), ("arm", Emit::Arm)];
        let mut forms = self.list(node, key, |r, node, key| r.word(node, key, &words))?;
        forms.sort_unstable();
        forms.dedup();
        if forms.is_empty() {
            self.value_fault("`emit` names no form", "write `emit: [rest]`");
            return None;
        }
        Some(forms)
    }

    pub(super) fn api_version(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = self.text_of(node, key)?;
        let day = text.strip_suffix("-preview").unwrap_or(&text);
        if date(day).is_some() {
            return Some(text);
        }
        self.value_fault(
            format!("`{text}` is not an API version"),
            "write a date such as \"2024-10-01\", with `-preview` if it is one",
        );
        None
    }

    /// Takes the settings' own place as the start; a path of one machine would not work on another.
    pub(super) fn relative_path(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = self.text_of(node, key)?;
        let drive = text.as_bytes().get(1) == Some(&b':');
        if text.contains('\\') {
            self.value_fault(
                format!("`{text}` has backslashes"),
                format!("write `{}`", text.replace('\\', "/")),
            );
        } else if text.starts_with('/') || drive {
            self.value_fault(
                format!("`{text}` is an absolute path"),
                "paths are relative to the settings file",
            );
        } else {
            return Some(text.strip_prefix("./").unwrap_or(&text).to_owned());
        }
        None
    }

    pub(super) fn ports(&mut self, node: &Node, key: &str) -> Option<(u16, u16)> {
        let port = |n: u32| u16::try_from(n).ok().filter(|p| *p > 0);
        let (low, high) = match node {
            Node::Int(n) => {
                let n = u32::try_from(*n).unwrap_or(u32::MAX);
                (n, n)
            }
            _ => self.range(node, key)?,
        };
        if let (Some(low), Some(high)) = (port(low), port(high)) {
            return Some((low, high));
        }
        self.value_fault("port out of range", "ports are 1 to 65535");
        None
    }

    pub(super) fn range(&mut self, node: &Node, key: &str) -> Option<(u32, u32)> {
        let Node::Text(text) = node else {
            self.wrong_type(key, "a range such as `100-199`", node);
            return None;
        };
        let numbers = text
            .split_once('-')
            .and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        match numbers {
            Some((low, high)) if low <= high => Some((low, high)),
            Some((low, high)) => {
                self.value_fault(
                    format!("range `{text}` is reversed"),
                    format!("write `{high}-{low}`"),
                );
                None
            }
            None => {
                self.value_fault(
                    format!("`{text}` is not a range of numbers"),
                    "write two numbers with a dash, such as `100-199`",
                );
                None
            }
        }
    }

    pub(super) fn number(&mut self, node: &Node, key: &str, low: u32, high: u32) -> Option<u32> {
        self.integer(node, key, i64::from(low), i64::from(high))
            .and_then(|n| u32::try_from(n).ok())
    }

    pub(super) fn integer(&mut self, node: &Node, key: &str, low: i64, high: i64) -> Option<i64> {
        match node {
            Node::Int(n) if (low..=high).contains(n) => Some(*n),
            Node::Int(n) => {
                self.value_fault(
                    format!("`{key}` is {n}"),
                    format!("it must lie between {low} and {high}"),
                );
                None
            }
            _ => {
                self.wrong_type(key, "a whole number", node);
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node, key: &str) -> Option<bool> {
        if let Node::Bool(b) = node {
            return Some(*b);
        }
        self.wrong_type(key, "true or false", node);
        None
    }

    pub(super) fn text_of(&mut self, node: &Node, key: &str) -> Option<String> {
        match node {
            Node::Text(text) if text.is_empty() => {
                self.value_fault(
                    format!("`{key}` is empty"),
                    "write a value or drop the line",
                );
                None
            }
            Node::Text(text) if text.chars().any(char::is_control) => {
                self.value_fault(
                    format!("`{key}` has a control character"),
                    "write it on one line, without tabs",
                );
                None
            }
            Node::Text(text) => Some(text.clone()),
            _ => {
                self.wrong_type(key, "text", node);
                None
            }
        }
    }

    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let names = || words.iter().map(|(name, _)| *name);
        let all = || {
            names()
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Node::Text(text) = node else {
            self.wrong_type(key, &format!("one of {}", all()), node);
            return None;
        };
        if let Some((_, value)) = words.iter().find(|(name, _)| name == text) {
            return Some(*value);
        }
        let help = match did_you_mean(text, names()) {
            Some(hint) => format!("{hint} (one of {})", all()),
            None => format!("write one of {}", all()),
        };
        self.value_fault(format!("`{key}` cannot be `{text}`"), help);
        None
    }

    pub(super) fn list<T>(
        &mut self,
        node: &Node,
        key: &str,
        mut each: impl FnMut(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Node::List(nodes) = node else {
            self.wrong_type(key, "a list", node);
            return None;
        };
        let mut out = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            self.path.push(at);
            out.extend(each(self, node, key));
            self.path.pop();
        }
        Some(out)
    }

    // Maps.

    /// Visits the known keys of a map; others are told.
    pub(super) fn map(
        &mut self,
        node: &Node,
        what: &str,
        known: &[&str],
        mut each: impl FnMut(&mut Self, &str, &Node),
    ) {
        self.any_map(node, what, |r, key, node| {
            if known.contains(&key) {
                each(r, key, node);
                return;
            }
            let help = did_you_mean(key, known.iter().copied())
                .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            let message = if r.path.len() == 1 {
                format!("unknown key `{key}`")
            } else {
                format!("unknown key `{key}` in `{what}`")
            };
            r.key_fault(message, help);
        });
    }

    /// Visits every key of a map, the first of equal ones only.
    pub(super) fn any_map(
        &mut self,
        node: &Node,
        what: &str,
        mut each: impl FnMut(&mut Self, &str, &Node),
    ) {
        let Node::Map(entries) = node else {
            self.wrong_type(what, "a map", node);
            return;
        };
        let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
        for (at, (key, node)) in entries.iter().enumerate() {
            self.path.push(at);
            if seen.insert(key, ()).is_some() {
                self.key_fault(format!("key `{key}` stands twice"), "drop one of them");
            } else {
                each(self, key, node);
            }
            self.path.pop();
        }
    }

    // Faults.

    pub(super) fn wrong_type(&mut self, key: &str, wanted: &str, node: &Node) {
        let help = match node {
            Node::Int(_) | Node::Float(_) | Node::Bool(_) if wanted == "text" => {
                "put it in quotes".to_owned()
            }
            Node::Text(_) | Node::Int(_) if wanted == "a list" => {
                format!("write `{key}: [...]`")
            }
            _ => format!("write {wanted}"),
        };
        self.value_fault(
            format!("`{key}` must be {wanted}, it is {}", node.kind()),
            help,
        );
    }

    pub(super) fn value_fault(&mut self, message: impl Into<String>, help: impl Into<String>) {
        let path = self.path.clone();
        self.fault_at(&path, false, message.into(), help);
    }

    pub(super) fn key_fault(&mut self, message: impl Into<String>, help: impl Into<String>) {
        let path = self.path.clone();
        self.fault_at(&path, true, message.into(), help);
    }

    pub(super) fn fault_at(
        &mut self,
        path: &[usize],
        key: bool,
        message: String,
        help: impl Into<String>,
    ) {
        if self.faults.len() >= MAX_FAULTS {
            return;
        }
        let span = tree::locate(self.text, path, key)
            .map_or_else(|| Span::new(self.file, 0, 0), |p| self.span_of_place(p));
        self.faults.push(bad_settings(span, message).help(help));
    }

    /// The scalar that starts at a line and column; the first character of anything else.
    pub(super) fn span_of_place(&self, (line, column): (usize, usize)) -> Span {
        let before: usize = self
            .text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = self.text.get(before..).unwrap_or("");
        let within: usize = rest
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        let start = before + within;
        let length = scalar_length(self.text.get(start..).unwrap_or(""));
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span::new(self.file, small(start), small(start + length))
    }
}

/// The one constructor of PC9001.
pub(super) fn bad_settings(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::PC9001, span, message)
}

/// A help that names the nearest of the known words.
pub(super) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    suggest::closest(word, known).map(|k| format!("did you mean `{k}`?"))
}

/// A date as `YYYY-MM-DD`, nothing else.
pub(super) fn date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if shape { text.parse().ok() } else { None }
}

/// Length in bytes of the scalar at the start of a text, without a comment behind it.
pub(super) fn scalar_length(rest: &str) -> usize {
    let line = rest.lines().next().unwrap_or("");
    let first = line.chars().next();
    match first {
        Some(quote @ ('"' | '\'')) => line
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == quote)
            .map_or(line.len(), |(at, c)| at + c.len_utf8()),
        Some(c @ ('[' | '{')) => c.len_utf8(),
        _ => {
            let mut end = line.len();
            for stop in [": ", " #", ",", "]", "}"] {
                if let Some(at) = line.find(stop) {
                    end = end.min(at);
                }
            }
            let word = line.get(..end).unwrap_or("").trim_end();
            word.strip_suffix(':').unwrap_or(word).len()
        }
    }
}
