//! From the shape of a network security group to a neutral resource. It decides the file, not the
//! content.

use crate::backends::resource::{AzureType, Identity, Resource};
use crate::backends::tree::Tree;

use super::shape::NetworkSecurityGroupProperties;

/// The resource of a network security group.
#[must_use]
pub fn emit_network_security_group(
    properties: &NetworkSecurityGroupProperties,
    identity: &Identity,
) -> Resource {
    Resource::top_level(
        AzureType::NetworkSecurityGroup,
        identity,
        Tree::from_shape(properties),
        Resource::file_of(&["nsg", &identity.name]),
    )
}
