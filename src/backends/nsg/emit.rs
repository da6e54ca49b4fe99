//! From the shape of a network security group to a neutral resource. It decides the file, not the
//! content.

use crate::backends::resource::{AzureType, Identity, Resource, ResourceId};
use crate::backends::tree::Tree;

use super::shape::{NetworkSecurityGroupProperties, SecurityRuleProperties};

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

/// The resource of one rule of a group that may not be ours. A rule has no location and no tags.
#[must_use]
pub fn emit_security_rule(
    properties: &SecurityRuleProperties,
    group: &ResourceId,
    name: &str,
) -> Resource {
    let properties = Tree::from_shape(properties);
    let mut depends_on = vec![group.clone()];
    depends_on.extend(properties.references());
    Resource {
        kind: AzureType::SecurityRule,
        id: group.child(AzureType::SecurityRule, name),
        location: None,
        tags: std::collections::BTreeMap::new(),
        zones: None,
        fragment: false,
        properties,
        depends_on,
        file: Resource::file_of(&["nsg", group.name(), name]),
    }
}
