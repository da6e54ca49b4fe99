//! Rules of security groups that are wider than their flows, as they stand in the resources. Why they
//! are is the lowering's business.

use std::collections::BTreeSet;

use crate::backends::Role;
use crate::backends::tree::Tree;

use super::Seen;
use super::data::Envelope;

/// Every envelope, in the order of the traces.
pub(super) fn envelopes(seen: Seen<'_>) -> Vec<Envelope> {
    let policy = seen.context.fabric.policy;
    let mut out = Vec::new();
    let traces = seen.lowered.traces.iter();
    for trace in traces.filter(|trace| trace.role == Role::Envelope) {
        let resource = seen
            .lowered
            .resources
            .iter()
            .find(|resource| resource.id.text() == trace.resource);
        let named = |rule: &&Tree| rule.get("name") == Some(&Tree::str(&trace.rule));
        let rule = resource
            .and_then(|r| r.properties.items("securityRules").iter().find(named))
            .and_then(|rule| rule.get("properties"));
        let mut narrowed: BTreeSet<String> = BTreeSet::new();
        for flow in &policy.flows {
            if trace.flows.contains(&flow.id.text()) {
                let ways = seen.context.fabric.ways(flow).unwrap_or_default();
                let keys = ways.into_iter().filter_map(|way| way.firewall);
                narrowed.extend(keys.filter_map(|key| {
                    let firewall = policy.firewalls.get(&key)?;
                    Some(firewall.identity.name.clone())
                }));
            }
        }
        let of = |one: &str, many: &str| rule.map(|rule| list(rule, one, many)).unwrap_or_default();
        let protocol = text(rule, "protocol").to_lowercase();
        let protocol = if protocol == "*" {
            "any".to_owned()
        } else {
            protocol
        };
        let ports = of("destinationPortRange", "destinationPortRanges").join(",");
        out.push(Envelope {
            resource: resource.map_or_else(String::new, |r| r.id.name().to_owned()),
            rule: trace.rule.clone(),
            priority: match rule.and_then(|rule| rule.get("priority")) {
                Some(Tree::Int(number)) => Some(*number),
                _ => None,
            },
            direction: text(rule, "direction"),
            services: if ports.is_empty() || ports == "*" {
                protocol
            } else {
                format!("{protocol}/{ports}")
            },
            from: of("sourceAddressPrefix", "sourceAddressPrefixes"),
            to: of("destinationAddressPrefix", "destinationAddressPrefixes"),
            flows: trace.flows.clone(),
            narrowed_by: narrowed.into_iter().collect(),
        });
    }
    out
}

fn text(rule: Option<&Tree>, key: &str) -> String {
    match rule.and_then(|rule| rule.get(key)) {
        Some(Tree::Str(text)) => text.clone(),
        _ => String::new(),
    }
}

/// A field that Azure writes in the singular or in the plural.
fn list(rule: &Tree, one: &str, many: &str) -> Vec<String> {
    let strings = |items: &[Tree]| {
        let texts = items.iter().filter_map(|item| match item {
            Tree::Str(text) => Some(text.clone()),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    let mut out = strings(rule.items(many));
    if let Some(Tree::Str(text)) = rule.get(one) {
        out.insert(0, text.clone());
    }
    out
}
