//! From the three arrays of a classic firewall to a neutral resource: a fragment, which is never
//! deployed alone, or the firewall of an export with ours in it. It decides the file, not the content.

use crate::backends::resource::{AzureType, Identity, Resource};
use crate::backends::tree::Tree;

use super::base::Base;
use super::shape::{RuleCollections, Said};

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
    resource.fragment = true;
    resource
}

/// The whole firewall: what the export says, with our collections. What the statement says of its
/// place and tags wins.
#[must_use]
pub(crate) fn emit_merged(
    collections: &RuleCollections,
    said: &Said,
    identity: &Identity,
    base: &Base,
) -> Resource {
    let mut resource = Resource::top_level(
        AzureType::AzureFirewall,
        identity,
        base.merged(&Tree::from_shape(collections), &Tree::from_shape(said)),
        Resource::file_of(&["firewall", &identity.name, "firewall"]),
    );
    if resource.location.is_none() {
        resource.location.clone_from(&base.location);
    }
    for (key, value) in &base.tags {
        let tags = &mut resource.tags;
        tags.entry(key.clone()).or_insert_with(|| value.clone());
    }
    resource.zones.clone_from(&base.zones);
    resource
}
