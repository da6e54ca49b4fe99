//! From the shape of a route table to a neutral resource. It decides the file, not the content.

use crate::backends::resource::{AzureType, Identity, Resource};
use crate::backends::tree::Tree;

use super::shape::RouteTableProperties;

/// The resource of a route table.
#[must_use]
pub fn emit_route_table(properties: &RouteTableProperties, identity: &Identity) -> Resource {
    Resource::top_level(
        AzureType::RouteTable,
        identity,
        Tree::from_shape(properties),
        Resource::file_of(&["route-table", &identity.name]),
    )
}
