//! How much of its limits a network security group uses, counted in what was emitted, foreign rules
//! included. Judged elsewhere.

use std::collections::BTreeSet;

use crate::backends::limits::Cap;
use crate::backends::resource::Resource;
use crate::backends::tree::Tree;

use super::caps;

/// Counts one group.
pub(crate) fn measure(nsg: &Resource) -> Vec<(&'static Cap, usize)> {
    let rules = nsg.properties.items("securityRules");
    let side = |one: &str, many: &str| {
        rules
            .iter()
            .filter_map(|rule| rule.get("properties"))
            .map(|rule| rule.items(many).len() + usize::from(is_address(rule.get(one))))
            .sum()
    };
    let members: BTreeSet<String> = rules
        .iter()
        .filter_map(|rule| rule.get("properties"))
        .flat_map(Tree::references)
        .map(|id| id.key())
        .collect();
    vec![
        (&caps::RULES, rules.len()),
        (
            &caps::SOURCES,
            side("sourceAddressPrefix", "sourceAddressPrefixes"),
        ),
        (
            &caps::DESTINATIONS,
            side("destinationAddressPrefix", "destinationAddressPrefixes"),
        ),
        (&caps::APPLICATION_GROUPS, members.len()),
    ]
}

/// `*` and service tags do not count.
fn is_address(value: Option<&Tree>) -> bool {
    matches!(value, Some(Tree::Str(text)) if text.starts_with(|c: char| c.is_ascii_hexdigit()) && text.contains(['.', ':']) && !text.contains(|c: char| c.is_ascii_uppercase()))
}
