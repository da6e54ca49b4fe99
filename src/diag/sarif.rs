//! The corner of SARIF 2.1.0 that code scanning reads, as structs. What stands in a log, its makers know.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", checked
//! 2026-11-23.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::escape;

/// A log of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

impl Log {
    /// A log of this run.
    #[must_use]
    pub fn new(run: Run) -> Self {
        Self {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [run],
        }
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        // Plain texts and numbers cannot fail to serialise.
        let mut out = serde_json::to_string_pretty(self).unwrap_or_default();
        out.push('\n');
        out
    }
}

/// What the program found in one run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    tool: Tool,
    /// Which run this is: code scanning keeps the alerts of different ids apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automation_details: Option<AutomationDetails>,
    /// What is to be said of the run itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invocations: Vec<Invocation>,
    column_kind: &'static str,
    /// What was found.
    pub results: Vec<ResultRow>,
}

impl Run {
    /// A run of this program.
    #[must_use]
    pub fn new(rules: Vec<Rule>, results: Vec<ResultRow>) -> Self {
        Self {
            tool: Tool {
                driver: Driver {
                    name: "portcullis",
                    version: env!("CARGO_PKG_VERSION"),
                    rules,
                },
            },
            automation_details: None,
            invocations: Vec::new(),
            column_kind: "unicodeCodePoints",
            results,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Clone, Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

/// The name of a run.
#[derive(Clone, Debug, Serialize)]
pub struct AutomationDetails {
    /// `tool/what/`.
    pub id: String,
}

/// How a run went.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// Whether it came to its end.
    pub execution_successful: bool,
    /// What is to be said of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_execution_notifications: Vec<Notification>,
}

/// A remark on a run.
#[derive(Clone, Debug, Serialize)]
pub struct Notification {
    /// `warning`, `note`.
    pub level: &'static str,
    /// The remark.
    pub message: Text,
}

/// A kind of finding.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its code.
    pub id: String,
    /// Its name, in Pascal case.
    pub name: String,
    /// What it is, in a line.
    pub short_description: Text,
    /// What it is, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_description: Option<Text>,
    /// What to do. There is no `helpUri`: it has to be absolute, and our pages have no fixed address.
    pub help: Text,
    /// How grave it is.
    pub default_configuration: Configuration,
    /// What code scanning reads beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<RuleProperties>,
}

/// How grave a kind of finding is.
#[derive(Clone, Debug, Serialize)]
pub struct Configuration {
    /// `error`, `warning`, `note`.
    pub level: &'static str,
}

/// What code scanning reads of a rule.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RuleProperties {
    /// To filter by.
    pub tags: Vec<&'static str>,
    /// How often it is right.
    pub precision: &'static str,
    /// From 0.1 to 10.0, if it is a matter of security.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_severity: Option<&'static str>,
}

/// Text, and the same for readers of Markdown.
#[derive(Clone, Debug, Serialize)]
pub struct Text {
    /// Plain.
    pub text: String,
    /// In Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
}

impl Text {
    /// Plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            markdown: None,
        }
    }
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultRow {
    /// The id of its rule.
    pub rule_id: String,
    /// The place of its rule in the run.
    pub rule_index: usize,
    /// `error`, `warning`, `note`.
    pub level: &'static str,
    /// What was found.
    pub message: Text,
    /// Where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// Where else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_locations: Vec<Location>,
    /// Names of it that stay while lines move.
    pub partial_fingerprints: BTreeMap<&'static str, String>,
    /// How it can be mended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<FixRow>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppressions: Vec<Suppression>,
    /// What else is known of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<&'static str, serde_json::Value>,
}

/// Why a finding does not count.
#[derive(Clone, Debug, Serialize)]
pub struct Suppression {
    /// `external`: not by a comment in the source.
    pub kind: &'static str,
    /// `accepted`.
    pub status: &'static str,
    /// The reason.
    pub justification: String,
}

/// A place.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Its number among those of one finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<usize>,
    /// In which file.
    pub physical_location: Physical,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
}

/// A place in a file, or the file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Physical {
    /// The file.
    pub artifact_location: Artifact,
    /// The place in it.
    pub region: Region,
}

/// A file.
#[derive(Clone, Debug, Serialize)]
pub struct Artifact {
    /// As a relative URI.
    pub uri: String,
}

impl Artifact {
    /// A file by its path with forward slashes.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            uri: escape::uri(path),
        }
    }
}

/// A part of a file; lines and columns from 1, the end column exclusive.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// First line.
    pub start_line: u32,
    /// First column; the whole line if it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<u32>,
    /// Last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The column after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// A replacement of text.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FixRow {
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// In which file.
    pub artifact_changes: [Change; 1],
}

/// A change of a file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The file.
    pub artifact_location: Artifact,
    /// What is replaced in it.
    pub replacements: [Replacement; 1],
}

/// A part of a file and the text that takes its place.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    /// The part.
    pub deleted_region: Region,
    /// The text.
    pub inserted_content: Text,
}

/// Sixteen hex digits of a text.
#[must_use]
pub fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// `unknown-name` as `UnknownName`.
#[must_use]
pub fn pascal(slug: &str) -> String {
    slug.split('-').map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
}
