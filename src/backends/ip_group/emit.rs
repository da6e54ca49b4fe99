//! From the shape of an IP group to a neutral resource. It decides the file, not the content.

use crate::backends::resource::{AzureType, Identity, Resource};
use crate::backends::tree::Tree;

use super::shape::IpGroupProperties;

/// The resource of an IP group.
#[must_use]
pub fn emit_ip_group(properties: &IpGroupProperties, identity: &Identity) -> Resource {
    Resource::top_level(
        AzureType::IpGroup,
        identity,
        Tree::from_shape(properties),
        Resource::file_of(&["ip-group", &identity.name]),
    )
}
