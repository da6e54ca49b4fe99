//! How much of its limits a firewall policy uses, counted in what was emitted. Judged elsewhere.

use std::collections::BTreeSet;

use crate::backends::limits::Cap;
use crate::backends::resource::Resource;
use crate::backends::tree::Tree;

use super::caps;

/// Counts one rule collection group.
pub(crate) fn measure_group(group: &Resource) -> Vec<(&'static Cap, usize)> {
    vec![(&caps::GROUP_BYTES, group.properties.json_len())]
}

/// Counts the policy that these rule collection groups make up.
pub(crate) fn measure_policy(groups: &[&Resource]) -> Vec<(&'static Cap, usize)> {
    let collections: Vec<&Tree> = groups
        .iter()
        .flat_map(|g| g.properties.items("ruleCollections"))
        .collect();
    let mut pairs = 0;
    let mut names = BTreeSet::new();
    let mut ip_groups = BTreeSet::new();
    let mut public = BTreeSet::new();
    let mut translated = BTreeSet::new();
    for rule in collections.iter().flat_map(|c| c.items("rules")) {
        for field in ["sourceIpGroups", "destinationIpGroups"] {
            ip_groups.extend(rule.items(field).iter().map(text));
        }
        match rule.get("ruleType").map(text).as_deref() {
            // A rule counts its unique sources times its unique destinations; an IP group counts one.
            Some("NetworkRule") => {
                let count =
                    |fields: &[&str]| -> usize { fields.iter().map(|f| rule.items(f).len()).sum() };
                pairs += count(&["sourceAddresses", "sourceIpGroups"])
                    * count(&[
                        "destinationAddresses",
                        "destinationIpGroups",
                        "destinationFqdns",
                    ]);
                names.extend(rule.items("destinationFqdns").iter().map(text));
            }
            Some("NatRule") => {
                public.extend(rule.items("destinationAddresses").iter().map(text));
                let to = ["translatedAddress", "translatedFqdn", "translatedPort"]
                    .map(|field| rule.get(field).map(text));
                for protocol in rule.items("ipProtocols") {
                    translated.insert((to.clone(), text(protocol)));
                }
            }
            _ => {}
        }
    }
    vec![
        (&caps::GROUPS, groups.len()),
        (&caps::COLLECTIONS, collections.len()),
        (&caps::ADDRESS_PAIRS, pairs),
        (&caps::NETWORK_FQDNS, names.len()),
        (&caps::DNAT, public.len() + translated.len()),
        (&caps::IP_GROUPS, ip_groups.len()),
    ]
}

/// Counts what is limited for a firewall, whether its rules are in a policy or not.
pub(crate) fn measure_firewall(groups: &[&Resource]) -> Vec<(&'static Cap, usize)> {
    let mut counts = measure_policy(groups);
    let of_policies = [&caps::GROUPS, &caps::COLLECTIONS];
    counts.retain(|(cap, _)| !of_policies.contains(cap));
    counts
}

fn text(value: &Tree) -> String {
    match value {
        Tree::Str(text) => text.clone(),
        Tree::Ref(id) => id.text(),
        _ => String::new(),
    }
}
