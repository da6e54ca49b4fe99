//! From the shapes of a firewall policy to neutral resources. It decides files and dependencies,
//! not content.

use crate::backends::resource::{AzureType, Identity, Resource, ResourceId};
use crate::backends::tree::Tree;

use super::shape::{PolicyProperties, RuleCollectionGroupProperties};

/// The resource of a policy that is ours to manage.
#[must_use]
pub fn emit_policy(properties: &PolicyProperties, identity: &Identity) -> Resource {
    Resource::top_level(
        AzureType::FirewallPolicy,
        identity,
        Tree::from_shape(properties),
        Resource::file_of(&["firewall", &identity.name, "policy"]),
    )
}

/// The resource of one group of a policy, which may or may not be ours. A group has no location
/// and no tags of its own. That the groups of a policy are written one after another is the
/// business of whoever deploys them.
#[must_use]
pub fn emit_rule_collection_group(
    properties: &RuleCollectionGroupProperties,
    policy: &ResourceId,
    name: &str,
) -> Resource {
    let properties = Tree::from_shape(properties);
    let mut depends_on = vec![policy.clone()];
    depends_on.extend(properties.references());
    Resource {
        kind: AzureType::RuleCollectionGroup,
        id: policy.child(AzureType::RuleCollectionGroup, name),
        location: None,
        tags: std::collections::BTreeMap::new(),
        zones: None,
        fragment: false,
        properties,
        depends_on,
        file: Resource::file_of(&["firewall", policy.name(), "rcg", name]),
    }
}
