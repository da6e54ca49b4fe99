//! `infrastructure = deny`: a last application rule that denies every name, so that the firewall's
//! built-in allows for the platform are never reached. It changes nothing else.
//!
//! Source: "Azure Firewall infrastructure FQDNs" and "Azure Firewall rule processing logic" (checked
//! 2026-11-23): the built-in rules come after all application rules, and a deny-all application
//! collection placed last overrides them.

use super::caps;
use super::shape::{
    ApplicationProtocol, ApplicationProtocolType, ApplicationRule, FilterAction, FilterCollection,
    Rule, RuleCollection, RuleCollectionGroupProperties, Verdict,
};

/// The name of its group.
pub(super) const GROUP: &str = "pc-90-deny-infrastructure";

/// The group, at the end of all.
pub(super) fn denied() -> RuleCollectionGroupProperties {
    RuleCollectionGroupProperties {
        priority: caps::LAST_GROUP,
        rule_collections: vec![RuleCollection::Filter(FilterCollection {
            name: "app-deny".to_owned(),
            priority: 300,
            action: FilterAction {
                kind: Verdict::Deny,
            },
            rules: vec![Rule::Application(ApplicationRule {
                name: "infrastructure".to_owned(),
                description: Some("Closes the built-in infrastructure rules".to_owned()),
                source_addresses: vec!["*".to_owned()],
                protocols: vec![
                    ApplicationProtocol {
                        protocol_type: ApplicationProtocolType::Http,
                        port: 80,
                    },
                    ApplicationProtocol {
                        protocol_type: ApplicationProtocolType::Https,
                        port: 443,
                    },
                ],
                target_fqdns: vec!["*".to_owned()],
                ..ApplicationRule::default()
            })],
        })],
    }
}
