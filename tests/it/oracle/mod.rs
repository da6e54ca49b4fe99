//! A naive evaluator of emitted Azure JSON, the tests' independent oracle: plain loops, first match
//! wins. It is not the compiler's own meaning of its output and shares no code with it.
//!
//! It reads nothing but JSON values and addresses, answers with a verdict and the deciding rule, and
//! says `Unknown` rather than guess: a rule that *may* match (an address or a name of which the tables
//! know nothing) decides nothing, and leaves the verdict open if the rules after it disagree with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub(crate) mod address;
pub(crate) mod firewall;
pub(crate) mod knowledge;
pub(crate) mod load;
pub(crate) mod nsg;
pub(crate) mod path;
pub(crate) mod refusals;
pub(crate) mod routes;
pub(crate) mod sample;

use std::fmt;

use serde_json::Value;

use address::Address;

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It passes.
    Allow,
    /// It is dropped.
    Deny,
    /// It depends on something the tables do not say. Never to be read as allow.
    Unknown,
}

/// A verdict and the rule that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The deciding rule, for messages and golden vectors.
    pub(crate) by: String,
}

/// Whether a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// It does not.
    No,
    /// The tables do not say.
    May,
    /// It does.
    Yes,
}

/// The packet that starts a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Source address, a private one inside Azure.
    pub(crate) source: Address,
    /// Destination address.
    pub(crate) destination: Address,
    /// The name the client asked for; empty if none can be read.
    pub(crate) name: String,
    /// `tcp`, `udp`, `icmp`, `esp`, `ah`.
    pub(crate) protocol: String,
    /// Source port; 0 where there are no ports.
    pub(crate) source_port: u16,
    /// Destination port; 0 where there are no ports.
    pub(crate) port: u16,
    /// What the firewall sees inside TCP: `none`, `http`, `https`, `mssql`.
    pub(crate) l7: String,
}

/// Walks a first-match list in which some rules may match: remembers these until one surely does.
#[derive(Default)]
pub(crate) struct FirstMatch {
    open: Vec<(Verdict, String)>,
}

impl Match {
    /// Both have to hold.
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// One of them has to hold.
    pub(crate) fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<bool> for Match {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Decision {
    pub(crate) fn new(verdict: Verdict, by: impl Into<String>) -> Self {
        Self {
            verdict,
            by: by.into(),
        }
    }
}

impl FirstMatch {
    /// The next rule of the list; answers as soon as one surely matches.
    pub(crate) fn meet(&mut self, matched: Match, action: Verdict, by: &str) -> Option<Decision> {
        match matched {
            Match::No => None,
            Match::May => {
                self.open.push((action, by.to_owned()));
                None
            }
            Match::Yes => Some(self.end(action, by)),
        }
    }

    /// The list ends with this rule, which matches everything.
    pub(crate) fn end(&self, action: Verdict, by: &str) -> Decision {
        match self.open.iter().find(|(open, _)| *open != action) {
            None => Decision::new(action, by),
            Some((_, first)) => Decision::new(
                Verdict::Unknown,
                format!("`{first}` may match, else `{by}`"),
            ),
        }
    }
}

impl Packet {
    /// Whether the protocol has ports.
    pub(crate) fn has_ports(&self) -> bool {
        self.protocol == "tcp" || self.protocol == "udp"
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}:{} -> {}:{}",
            self.protocol, self.source, self.source_port, self.destination, self.port
        )?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        if self.l7 != "none" {
            write!(f, " {}", self.l7)?;
        }
        Ok(())
    }
}

/// The strings of an array member; none if it is absent.
pub(crate) fn texts<'a>(value: &'a Value, member: &str) -> Vec<&'a str> {
    match value.get(member) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .unwrap_or_else(|| panic!("`{member}` holds something else than text: {item}"))
            })
            .collect(),
        Some(other) => panic!("`{member}` is not an array: {other}"),
    }
}

/// A text member; empty if it is absent.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or("")
}

/// The elements of an array member; none if it is absent.
pub(crate) fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The last segment of a resource id, or of a `parent/child` name.
pub(crate) fn last_segment(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// Whether a port lies in `80`, `1000-2000` or `*`.
pub(crate) fn port_in(text: &str, port: u16) -> bool {
    let (first, last) = port_range(text);
    first <= port && port <= last
}

/// Both ends of `80`, `1000-2000` or `*`.
pub(crate) fn port_range(text: &str) -> (u16, u16) {
    let number = |part: &str| -> u16 {
        part.trim()
            .parse()
            .unwrap_or_else(|_| panic!("`{text}` is not a port or a port range"))
    };
    match text.split_once('-') {
        _ if text == "*" => (0, u16::MAX),
        Some((first, last)) => (number(first), number(last)),
        None => (number(text), number(text)),
    }
}
