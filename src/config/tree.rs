//! YAML text to a small tree, and the place of a node in the text. It knows no key of ours.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longest settings file in bytes; a project with a thousand files stays far below.
const MAX_BYTES: usize = 256 * 1024;

/// Most nodes after aliases are expanded; what a few anchors can make of a small file is unbounded.
const MAX_NODES: usize = 50_000;

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 100;

/// A node of the document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// Entries in the order of the file; a key may stand twice.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What it is, in the words of the settings' messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Why a text is no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TreeFault {
    pub(super) message: String,
    /// Line and column, from 1, in characters.
    pub(super) place: Option<(usize, usize)>,
}

/// Reads the text. An empty file is an empty map.
pub(super) fn read(text: &str) -> Result<Node, TreeFault> {
    if text.len() > MAX_BYTES {
        return Err(TreeFault {
            message: format!(
                "the settings file has {} bytes; at most {MAX_BYTES} are read",
                text.len()
            ),
            place: None,
        });
    }
    if blank(text) {
        return Ok(Node::Map(Vec::new()));
    }
    if nests_deeply(text) {
        return Err(TreeFault {
            message: format!("brackets are nested deeper than {MAX_DEPTH} levels"),
            place: None,
        });
    }
    let left = Cell::new(MAX_NODES);
    Seed { left: &left }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| TreeFault {
            message: format!("not valid YAML: {}", without_places(&error.to_string())),
            place: error.location().map(|l| (l.line(), l.column())),
        })
}

/// Line and column of the node at `path` (indexes of entries and elements), or of its key. The
/// library gives the place of a failed value only, so the document is read again and made to fail
/// there; that happens once a fault.
pub(super) fn locate(text: &str, path: &[usize], key: bool) -> Option<(usize, usize)> {
    let error = Find { path, key }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    error.location().map(|l| (l.line(), l.column()))
}

/// True if there is nothing but white space, comments and a document start.
fn blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    })
}

/// The YAML library needs quadratic time for open brackets, so they are counted before it runs.
/// Brackets in comments and quotes count too; no honest file has a hundred of them unclosed.
fn nests_deeply(text: &str) -> bool {
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// The library writes places into its texts; ours stand before the message.
fn without_places(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(" at line ") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let after = after.trim_start_matches(" at line ");
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let after = after.strip_prefix(" column ").unwrap_or(after);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    left: &'a Cell<usize>,
}

impl Seed<'_> {
    fn spend<E: de::Error>(self) -> Result<(), E> {
        let left = self.left.get();
        if left == 0 {
            return Err(E::custom(format_args!(
                "it expands to more than {MAX_NODES} values"
            )));
        }
        self.left.set(left - 1);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Node, D::Error> {
        self.spend()?;
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Node, E> {
        Ok(Node::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Node, E> {
        Ok(Node::Int(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Node, E> {
        // Larger than any number of ours; the checks of range then speak.
        Ok(Node::Int(i64::try_from(v).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Node, E> {
        Ok(Node::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Node, E> {
        Ok(Node::Text(v.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = seq.next_element_seed(self)? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            let key = match key {
                Node::Text(text) => text,
                Node::Int(n) => n.to_string(),
                Node::Bool(b) => b.to_string(),
                other => {
                    return Err(de::Error::custom(format_args!(
                        "a key must be text, this one is {}",
                        other.kind()
                    )));
                }
            };
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Node::Map(entries))
    }
}

/// Fails on purpose at the end of its path.
#[derive(Clone, Copy)]
struct Find<'a> {
    path: &'a [usize],
    key: bool,
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl Find<'_> {
    fn here<E: de::Error>() -> Result<(), E> {
        Err(E::custom("here"))
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Self::here()
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Self::here()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Self::here()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Self::here()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Self::here()
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Self::here()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Self::here();
        };
        for _ in 0..*first {
            seq.next_element::<IgnoredAny>()?;
        }
        let next = Find {
            path: rest,
            key: self.key,
        };
        seq.next_element_seed(next)?;
        Self::here()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Self::here();
        };
        for _ in 0..*first {
            map.next_entry::<IgnoredAny, IgnoredAny>()?;
        }
        if self.key && rest.is_empty() {
            map.next_key_seed(Find {
                path: &[],
                key: false,
            })?;
        } else {
            map.next_key::<IgnoredAny>()?;
            map.next_value_seed(Find {
                path: rest,
                key: self.key,
            })?;
        }
        Self::here()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    // A test of speed needs a clock.
    #![allow(clippy::disallowed_methods)]
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn finds_keys_and_values() {
        let text = "# é\na: 1\nb: { c: [x, \"yy\"], 'd': 2 }\ne:\n  - f: 3\n";
        assert_eq!(locate(text, &[0], true), Some((2, 1)));
        assert_eq!(locate(text, &[0], false), Some((2, 4)));
        assert_eq!(locate(text, &[1, 0, 1], false), Some((3, 13)));
        assert_eq!(locate(text, &[1, 1], true), Some((3, 20)));
        assert_eq!(locate(text, &[2, 0, 0], false), Some((5, 8)));
    }

    #[test]
    fn hostile_texts_are_refused_at_once() {
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
        for (one, next) in ["a", "b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .zip(["b", "c", "d", "e", "f", "g", "h", "i"])
        {
            let refs = vec![format!("*{one}"); 10].join(",");
            bomb.push_str(&format!("{next}: &{next} [{refs}]\n"));
        }
        let wide = format!(
            "a: &a [{}]\nb: [{}]\n",
            "1,".repeat(20_000),
            "*a,".repeat(20_000)
        );
        for text in [
            bomb,
            wide,
            "[".repeat(200_000),
            "{".repeat(200_000),
            "{a: ".repeat(50_000),
            "- ".repeat(100_000),
            "? ".repeat(100_000),
            "a:\n".repeat(80_000),
            "&a ".repeat(80_000),
            "\"".to_owned() + &"x".repeat(250_000),
            "x".repeat(50_000_000),
            "a: &a\n  b: *a\n".to_owned(),
            "a: !tag 1\n".to_owned(),
            "---\na: 1\n---\nb: 2\n".to_owned(),
            "a: \u{1}\n".to_owned(),
            "\t\u{0}%%%@`".to_owned(),
        ] {
            let start = Instant::now();
            let read = read(&text);
            let took = start.elapsed();
            let head: String = text.chars().take(20).collect();
            assert!(took < Duration::from_secs(5), "{head}: {took:?}");
            let fault = read.expect_err(&head);
            assert!(!fault.message.contains(" at line "), "{}", fault.message);
        }
    }
}
