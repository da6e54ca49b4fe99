//! The wrappers: from neutral resources to files. They know file forms (REST bodies, ARM templates,
//! the manifest), not what a rule means.

pub mod arm;
pub mod earlier;
pub mod json;
pub mod manifest;
pub mod rest;
pub mod seed;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::backends::resource::AzureType;

/// One output file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutFile {
    /// Path below the output folder, forward slashes: `prod/nsg/nsg-apim.json`.
    pub path: String,
    /// Its text, LF line ends, final newline.
    pub text: String,
}

/// The version of Azure's API that files name.
///
/// The default has every field that is emitted (REST reference of Microsoft.Network, checked
/// 2026-11-23).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersions {
    /// For every type that has none of its own.
    pub default: String,
    /// Per type.
    pub per_type: BTreeMap<AzureType, String>,
}

impl Default for ApiVersions {
    fn default() -> Self {
        Self {
            default: "2024-10-01".to_owned(),
            per_type: BTreeMap::new(),
        }
    }
}

impl ApiVersions {
    /// The version for a type.
    #[must_use]
    pub fn of(&self, kind: AzureType) -> &str {
        self.per_type.get(&kind).unwrap_or(&self.default)
    }
}

/// Two resources would be written to one file: they have one name, or names that differ in case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` would hold both `{first}` and `{second}`")]
pub struct SameFile {
    /// The file.
    pub path: String,
    /// The resource that came first.
    pub first: String,
    /// The other one.
    pub second: String,
}

/// The SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
