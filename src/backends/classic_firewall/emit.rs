//! From the three arrays of a classic firewall to a neutral resource: a fragment, which is never
//! deployed alone. It decides the file, not the content.

use crate::backends::resource::{AzureType, Identity, Resource};
use crate::backends::tree::Tree;

use super::shape::RuleCollections;

/// The fragment of a firewall that somebody else owns: no location and no tags, so that no service
/// takes it for the whole.
#[must_use]
pub fn emit_fragment(collections: &RuleCollections, identity: &Identity) -> Resource {
    let fragment = format!("{}.fragment", identity.name);
    let mut resource = Resource::top_level(
        AzureType::AzureFirewall,
        identity,
        Tree::from_shape(collections),
        Resource::file_of(&["firewall", &identity.name, &fragment]),
    );
    resource.location = None;
    resource.tags.clear();
    resource
}
