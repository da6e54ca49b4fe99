//! How much of its limits a route table uses, counted in what was emitted. Judged elsewhere.

use crate::backends::limits::Cap;
use crate::backends::resource::Resource;
use crate::backends::tree::Tree;

use super::caps;

/// Counts one table.
pub(crate) fn measure(table: &Resource) -> Vec<(&'static Cap, usize)> {
    let routes = table.properties.items("routes");
    let tags = routes
        .iter()
        .filter_map(|route| route.get("properties")?.get("addressPrefix"))
        .filter(|prefix| matches!(prefix, Tree::Str(text) if !text.contains('/')))
        .count();
    let mut out = vec![(&caps::ROUTES, routes.len()), (&caps::TAG_ROUTES, tags)];
    // Above the new limit the old one is beside the point.
    if routes.len() <= caps::ROUTES.value {
        out.insert(1, (&caps::ROUTES_BEFORE, routes.len()));
    }
    out
}
