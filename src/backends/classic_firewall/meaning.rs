//! What a classic firewall does with a packet, read from its JSON or from its three arrays alone: the
//! order of its collections. What a single rule matches stands in `firewall_rules`.
//!
//! Source: REST reference "Azure Firewalls", "Azure Firewall rule processing logic" (Microsoft Learn,
//! checked 2026-11-25).

use serde_json::Value;

use crate::backends::firewall_rules::{
    Collection, FirewallMeaning, Form, Infrastructure, Kind, read as read_collections, threat_mode,
};
use crate::backends::meaning::{At, Unreadable, World};
use crate::packet::Verdict;

/// What a firewall without a policy does.
///
/// # Errors
/// It takes its rules from a policy, or a rule is not understood.
pub fn read(
    firewall: &Value,
    world: &World<'_>,
    infrastructure: Infrastructure,
) -> Result<FirewallMeaning, Unreadable> {
    let at = At::resource(firewall);
    let name = at.name()?;
    let body = at.body()?;
    if let Some(policy) = body.get("firewallPolicy") {
        return Err(policy.fault("the firewall takes its rules from a policy"));
    }
    let mut collections = Vec::new();
    for (member, kind) in [
        ("natRuleCollections", Kind::Nat),
        ("networkRuleCollections", Kind::Network),
        ("applicationRuleCollections", Kind::Application),
    ] {
        for place in body.items(member)? {
            let own = place.name()?;
            let inner = place.body()?;
            let rules = inner.items("rules")?;
            if rules.is_empty() {
                continue;
            }
            let Some(action) = inner.get("action") else {
                return Err(inner.fault("has no action"));
            };
            let word = action.needed("type")?.to_lowercase();
            let verdict = match (kind, word.as_str()) {
                (Kind::Nat, "dnat") | (Kind::Network | Kind::Application, "allow") => {
                    Verdict::Allow
                }
                (Kind::Network | Kind::Application, "deny") => Verdict::Deny,
                _ => return Err(action.fault(format!("action `{word}`"))),
            };
            collections.push(Collection {
                doubt: None,
                kind,
                depth: 0,
                group: (0, 0),
                priority: inner.number("priority")?,
                path: own,
                resource: name.clone(),
                verdict,
                rules,
                at: place,
            });
        }
    }
    let mut out = read_collections(collections, Form::Classic, infrastructure, &name, world)?;
    out.threat_intel = threat_mode(&body)?.map(str::to_owned);
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    #[test]
    fn arrays_are_read_by_type_whatever_their_numbers() {
        let collection = |name: &str, priority: u32, rule: Value| json!({"name": name, "priority": priority, "action": {"type": "Allow"}, "rules": [rule]});
        let mut firewall = json!({"name": "azfw", "threatIntelMode": "Alert",
            "applicationRuleCollections": [collection("app", 100, json!({"name": "wu",
                "sourceAddresses": ["*"], "protocols": [], "fqdnTags": ["WindowsUpdate"]}))],
            "networkRuleCollections": [collection("net", 200, json!({"name": "ntp",
                "sourceAddresses": ["*"], "protocols": ["UDP"], "destinationAddresses": ["*"],
                "destinationPorts": ["123"]}))]});
        let world = World::unknown();
        let found = read(&firewall, &world, Infrastructure::Closed).unwrap();
        let paths: Vec<&str> = found.filter.rules.iter().map(|r| r.path.as_str()).collect();
        assert_eq!(paths, ["net/ntp", "app/wu"]);
        assert!(found.filter.rules[1].replaces_source);
        assert_eq!(found.threat_intel.as_deref(), Some("Alert"));
        firewall["firewallPolicy"] = json!({"id": "/x"});
        assert!(read(&firewall, &world, Infrastructure::Closed).is_err());
    }
}
