//! The neutral resource: what every room hands to the wrappers. It knows identities and references,
//! not what a property means and not how a file is written.

use std::collections::BTreeMap;

pub use super::identity::{
    AzureType, Identity, NamedId, Place, Reference, ResourceId, SubResource,
};
use super::tree::Tree;

/// One resource, ready to be wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its type.
    pub kind: AzureType,
    /// Its identity.
    pub id: ResourceId,
    /// Its region; `None` if unknown, or if the type has none of its own.
    pub location: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its availability zones, if it has any.
    pub zones: Option<Tree>,
    /// It is a part of a resource, to be merged into it and never deployed alone.
    pub fragment: bool,
    /// Its content.
    pub properties: Tree,
    /// What must be deployed before it.
    pub depends_on: Vec<ResourceId>,
    /// Its file below the environment's folder, without `.json`: `nsg/nsg-apim`.
    pub file: String,
}

impl Resource {
    /// A file path from its segments. What a file system could read as more than a name is
    /// replaced, so that no name leads out of the output folder.
    #[must_use]
    pub fn file_of(segments: &[&str]) -> String {
        let safe: Vec<String> = segments.iter().map(|name| file_segment(name)).collect();
        safe.join("/")
    }

    /// A top-level resource. It depends on everything its content refers to.
    #[must_use]
    pub fn top_level(kind: AzureType, identity: &Identity, properties: Tree, file: String) -> Self {
        Self {
            kind,
            id: identity.id(kind),
            location: identity.place.location.clone(),
            tags: identity.tags.clone(),
            zones: None,
            fragment: false,
            depends_on: properties.references(),
            properties,
            file,
        }
    }

    /// Whether the type has a location and tags of its own: children live with their parent,
    /// and the fragment of a firewall is not the firewall.
    #[must_use]
    pub const fn is_tracked(&self) -> bool {
        !matches!(
            self.kind,
            AzureType::RuleCollectionGroup | AzureType::SecurityRule
        ) && !self.fragment
    }

    /// Whether a template may hold it: not a firewall, whose template would state all of it, also
    /// what others have changed since.
    #[must_use]
    pub const fn in_templates(&self) -> bool {
        !matches!(self.kind, AzureType::AzureFirewall)
    }

    /// The name as ARM writes it: `parent/child` for children.
    #[must_use]
    pub fn arm_name(&self) -> String {
        self.id.names().join("/")
    }

    /// The ids that files of this resource need and that are not complete: its own first.
    #[must_use]
    pub fn incomplete_ids(&self) -> Vec<ResourceId> {
        let mut ids: Vec<ResourceId> = std::iter::once(self.id.clone())
            .chain(self.properties.references())
            .filter(|id| id.full().is_none())
            .collect();
        ids.dedup();
        ids
    }
}

/// A name as one segment of a path.
#[must_use]
pub fn file_segment(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|character| match character {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            other if other.is_control() => '-',
            other => other,
        })
        .collect();
    if safe.chars().all(|character| character == '.') {
        return "-".repeat(safe.len().max(1));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        assert_eq!(Resource::file_of(&["nsg", "../../x"]), "nsg/..-..-x");
        assert_eq!(Resource::file_of(&["nsg", ".."]), "nsg/--");
        assert_eq!(Resource::file_of(&["nsg", ""]), "nsg/-");
        assert_eq!(Resource::file_of(&["nsg", "nsg.a_b-1"]), "nsg/nsg.a_b-1");
    }
}
