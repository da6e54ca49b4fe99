//! The manifest of an environment: what went in, what came out, which flow is behind which rule.
//! It records; it decides nothing and holds neither time nor place of the run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{json, sha256_hex};
use crate::backends::resource::file_segment;
use crate::backends::tree::Tree;
use crate::wrap::OutFile;

/// A manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manifest {
    /// The program that wrote it.
    pub tool: Tool,
    /// The environment.
    pub environment: String,
    /// The catalogue of Azure's tags that was read.
    pub catalog: CatalogIdentity,
    /// That the files mean what the policy asks was proven when they were made.
    pub proven: bool,
    /// The sources, sorted by path.
    pub inputs: Vec<FileHash>,
    /// The files beside the manifest, sorted by path.
    pub files: Vec<FileHash>,
    /// For each flow and route statement, the rules and routes that it is behind, sorted.
    pub flows: BTreeMap<String, Vec<RulePlace>>,
    /// The rules that are wider than what was asked of them, sorted by place.
    pub envelopes: Vec<Envelope>,
    /// The rules that keep envelopes from opening what goes past the firewall, sorted by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Envelope>,
    /// What must be attached to which subnet for the policy to hold, sorted by subnet.
    pub associations: Vec<Association>,
    /// Rule collection groups that left the source but are still in force in Azure, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
}

/// A rule collection group that left the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Retired {
    /// The firewall policy.
    pub policy: String,
    /// The group.
    pub name: String,
    /// Its priority.
    pub priority: u32,
}

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    #[must_use]
    pub fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Which catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CatalogIdentity {
    /// Its name: a cloud's, or a file's.
    pub name: String,
    /// The change number or date that its publisher gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The hash of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A file and the hash of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileHash {
    /// Relative path, forward slashes.
    pub path: String,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

impl FileHash {
    /// The hash of a text.
    #[must_use]
    pub fn of(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            sha256: sha256_hex(text),
        }
    }
}

/// A rule or a route in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RulePlace {
    /// The file, relative to the manifest: of the resource, or the template where only templates
    /// are written.
    pub file: String,
    /// The rule's Azure name.
    pub rule: String,
}

/// A rule that stands for several flows: one that lets more pass than they ask for, which a later hop
/// narrows, or one that guards such a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Envelope {
    /// The file, relative to the manifest.
    pub file: String,
    /// The rule's Azure name.
    pub rule: String,
    /// The flows behind it, sorted.
    pub flows: Vec<String>,
}

/// What the policy takes for granted about a subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Association {
    /// The subnet, by its name in the language or its id.
    pub subnet: String,
    /// The network security group attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_security_group: Option<String>,
    /// The route table attached to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table: Option<String>,
    /// The zone that the policy puts it into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

impl Manifest {
    /// Lists the given files of this manifest's environment with their hashes.
    pub fn record_files(&mut self, files: &[OutFile]) {
        let folder = format!("{}/", file_segment(&self.environment));
        self.files.extend(files.iter().map(|file| {
            let path = file.path.strip_prefix(&folder).unwrap_or(&file.path);
            FileHash::of(path, &file.text)
        }));
    }

    /// The manifest as a file. Its lists are sorted here, so that no caller has to.
    #[must_use]
    pub fn file(mut self) -> OutFile {
        self.inputs.sort();
        self.inputs.dedup();
        self.files.sort();
        self.files.dedup();
        for rules in self.flows.values_mut() {
            rules.sort();
            rules.dedup();
        }
        for list in [&mut self.envelopes, &mut self.guards] {
            for envelope in list.iter_mut() {
                envelope.flows.sort();
                envelope.flows.dedup();
            }
            list.sort();
        }
        self.associations.sort();
        self.associations.dedup();
        self.retired.sort();
        OutFile {
            path: format!("{}/manifest.json", file_segment(&self.environment)),
            text: json::text(&Tree::from_shape(&self)),
        }
    }
}
