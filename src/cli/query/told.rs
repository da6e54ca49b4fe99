//! A row as data: what is printed as JSON and CSV, and what the table is made of.

use serde::Serialize;

use crate::cli::explain::behind::Behind;
use crate::cli::explain::told::{Decided, Hop, Told as Walked};
use crate::model::address::AddressSet;
use crate::packet::{RectangleEnd, RectangleNames};
use crate::query::{Course, Label, Names, Row, names_text, service_texts, typed};
use crate::reach::Network;
use crate::reach::question::word;

/// Names of a list that are shown to people.
const SHOWN: usize = 3;

/// A row.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    /// The environment.
    pub(super) environment: String,
    /// `allow`, `deny`, `unknown`.
    pub(super) verdict: &'static str,
    /// What the verdict takes for granted, all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assumes: Vec<String>,
    /// The catalogue of service tags, with its date.
    pub(super) catalogue: String,
    /// Why there is no verdict, or why it does not arrive though no rule denies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Sources.
    pub(super) from: End,
    /// Destinations, as they are sent.
    pub(super) to: End,
    /// Where a firewall sends them instead: an address or a name, and a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) translated_to: Option<String>,
    /// Protocols with their destination ports.
    pub(super) services: Vec<String>,
    /// Source ports, if not any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) source_ports: Vec<String>,
    /// The names that the connection shows; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) names: Option<ShownNames>,
    /// `direct`, `firewall`, `undeclared`, `nowhere`.
    pub(super) way: &'static str,
    /// The firewalls on it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) firewalls: Vec<String>,
    /// What decided the packet of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<Decided>,
    /// Every hop of that packet, as `explain` tells it.
    pub(super) path: Vec<Hop>,
    /// That packet, in the fields of `explain --flows`.
    pub(super) packet: Packet,
    /// The same as arguments of `explain`; absent where it cannot be typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explain: Option<String>,
}

/// One end of a row.
#[derive(Clone, Debug, Serialize)]
pub(super) struct End {
    /// What it is called.
    pub(super) label: String,
    /// Its prefixes.
    pub(super) prefixes: Vec<String>,
    #[serde(skip)]
    pub(super) short: String,
}

/// Names of a row.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownNames {
    /// What they are called.
    pub(super) label: String,
    /// Whether a connection that shows none is in it.
    pub(super) none: bool,
    /// Patterns, a union.
    pub(super) patterns: Vec<ShownPattern>,
    #[serde(skip)]
    pub(super) short: String,
}

/// A pattern without others.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownPattern {
    /// The pattern.
    pub(super) pattern: String,
    /// What is taken from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) except: Vec<String>,
}

/// A packet, in the fields of `explain --flows`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Packet {
    protocol: &'static str,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fqdn: Option<String>,
    l7: &'static str,
}

impl Told {
    /// A row in the words of an environment.
    pub(super) fn new(
        environment: &str,
        network: &Network,
        names: &Names,
        behind: &Behind,
        row: &Row,
    ) -> Self {
        let walked = Walked::new(network, behind, &row.reply, false);
        let rectangle = &row.rectangle;
        let (source, destination) = (&rectangle.source, &rectangle.destination);
        let end = |own: &RectangleEnd, other: &AddressSet| {
            shown(names.label_beside(&own.addresses, other), &own.addresses)
        };
        let ported = row.witness.transport.has_ports();
        Self {
            environment: environment.to_owned(),
            verdict: word(row.verdict),
            assumes: row.rectangle.assumptions(),
            catalogue: String::new(),
            reason: walked.reason.clone(),
            from: end(source, &destination.addresses),
            to: end(destination, &source.addresses),
            translated_to: match &row.course {
                Course::Translated { to, port, .. } if to.contains(':') => {
                    Some(format!("[{to}]:{port}"))
                }
                Course::Translated { to, port, .. } => Some(format!("{to}:{port}")),
                _ => None,
            },
            services: service_texts(rectangle.transports, &rectangle.ports),
            source_ports: if rectangle.source_ports.is_all() {
                Vec::new()
            } else {
                rectangle.source_ports.texts()
            },
            names: shown_names(&rectangle.names),
            way: match &row.course {
                Course::Direct => "direct",
                Course::Through(_) | Course::Translated { .. } => "firewall",
                Course::Undeclared(_) => "undeclared",
                Course::Nowhere => "nowhere",
            },
            firewalls: row
                .course
                .firewalls()
                .iter()
                .filter_map(|at| network.firewalls.get(*at))
                .map(|f| f.key.clone())
                .collect(),
            by: row.reply.verdict.map(|_| walked.decided()),
            path: walked.path,
            packet: Packet {
                protocol: row.witness.transport.protocol(),
                source: row.witness.source.to_string(),
                source_port: ported.then_some(row.witness.source_port),
                destination: row.witness.destination.to_string(),
                port: ported.then_some(row.witness.port),
                fqdn: row.witness.name.clone(),
                l7: row.witness.transport.inside(),
            },
            explain: typed(&row.witness, rectangle.source_ports.is_all()),
        }
    }

    /// What decided, in a few words: the first flow and its place, else the rule and its resource.
    pub(super) fn decider(&self) -> String {
        let Some(by) = &self.by else {
            return String::new();
        };
        if let Some(flow) = by.flows.first() {
            let more = match by.flows.len() {
                0 | 1 => String::new(),
                several => format!(" and {} more", several - 1),
            };
            let place = match by.place.as_str() {
                "" => String::new(),
                place => format!("  {place}"),
            };
            return format!("{flow}{more}{place}");
        }
        match (&by.rule, &by.resource) {
            (Some(rule), Some(resource)) => format!("{} of {resource}", rule.replace('/', " / ")),
            (Some(rule), None) => rule.clone(),
            (None, _) => match by.layer {
                "none" => "nothing filters it".to_owned(),
                layer => layer.to_owned(),
            },
        }
    }
}

fn shown(label: Label, addresses: &AddressSet) -> End {
    End {
        label: label.to_string(),
        short: label.short(),
        prefixes: addresses
            .to_prefixes()
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

fn shown_names(names: &RectangleNames) -> Option<ShownNames> {
    let plain = RectangleNames {
        within: Vec::new(),
        outside: Vec::new(),
        ..names.clone()
    };
    (!plain.is_any()).then(|| ShownNames {
        label: names_text(&plain, usize::MAX),
        short: names_text(&plain, SHOWN),
        none: names.none,
        patterns: names
            .patterns
            .iter()
            .map(|p| ShownPattern {
                pattern: p.pattern.clone(),
                except: p.except.clone(),
            })
            .collect(),
    })
}

/// One object a line.
pub(super) fn json<'a>(rows: impl Iterator<Item = &'a Told>) -> String {
    let mut out = String::new();
    for row in rows {
        // INVARIANT: texts, numbers and lists of them are always JSON.
        out.push_str(&serde_json::to_string(row).unwrap_or_default());
        out.push('\n');
    }
    out
}

/// A header and a line a row, as RFC 4180 has it; lists have semicolons between.
pub(super) fn csv<'a>(rows: impl Iterator<Item = &'a Told>) -> Result<String, String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let fault = |e: csv::Error| e.to_string();
    writer
        .write_record([
            "environment",
            "verdict",
            "assumes",
            "from",
            "to",
            "translated to",
            "services",
            "source ports",
            "names",
            "way",
            "firewalls",
            "flows",
            "resource",
            "rule",
            "place",
            "packet",
            "reason",
            "from prefixes",
            "to prefixes",
        ])
        .map_err(fault)?;
    for row in rows {
        let by = row.by.as_ref();
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        writer
            .write_record([
                row.environment.clone(),
                row.verdict.to_owned(),
                row.assumes.join("; "),
                row.from.label.clone(),
                row.to.label.clone(),
                text(row.translated_to.as_ref()),
                row.services.join("; "),
                row.source_ports.join("; "),
                text(row.names.as_ref().map(|n| &n.label)),
                row.way.to_owned(),
                row.firewalls.join("; "),
                by.map(|by| by.flows.join("; ")).unwrap_or_default(),
                text(by.and_then(|by| by.resource.as_ref())),
                text(by.and_then(|by| by.rule.as_ref())),
                by.map(|by| by.place.clone()).unwrap_or_default(),
                text(row.explain.as_ref()),
                text(row.reason.as_ref()),
                row.from.prefixes.join("; "),
                row.to.prefixes.join("; "),
            ])
            .map_err(fault)?;
    }
    let bytes = writer.into_inner().map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}
