//! From the rule collection groups that a firewall's flows become to the three arrays of a classic
//! firewall: no groups, so each collection takes its group's priority; those of ordered groups have
//! their own. What a classic firewall cannot
//! hold is refused here.

use std::collections::BTreeSet;

use crate::allocate::lock::Part;
use crate::allocate::{collections, names};
use crate::backends::faults;
use crate::backends::lowered::Context;
use crate::backends::private_ranges::private_ranges;
use crate::backends::resource::{Reference, Resource};
use crate::backends::tree::Tree;
use crate::catalog::fqdn_tag;
use crate::diag::Sink;
use crate::model::{Firewall, Flow, Key};
use crate::resolve::classic_cannot;
use crate::source::Span;

use super::base::Base;
use super::emit::{emit_fragment, emit_merged};
use super::shape::{
    Action, ActionType, AdditionalProperties, ApplicationProtocol, ApplicationRule, Collection,
    CollectionProperties, NatRule, NetworkRule, RuleCollections, Said, Sku,
};

/// The highest priority of a collection ("Azure Firewall rule processing logic", checked 2026-11-23).
const LAST: u32 = 65000;

/// Says what of a firewall's flows a classic firewall cannot hold; true if it can hold them all.
pub(crate) fn fits(context: &Context<'_>, key: &Key, sink: &mut Sink) -> bool {
    let duties = context.plan.firewalls.get(key).into_iter().flatten();
    let mut indices: Vec<usize> = duties.map(|(_, duty)| duty.flow).collect();
    indices.sort_unstable();
    indices.dedup();
    let mut fit = true;
    for index in indices {
        let Some(flow) = context.fabric.policy.flows.get(index) else {
            continue;
        };
        for (span, feature) in features(flow) {
            sink.push(classic_cannot(span, key, &feature));
            fit = false;
        }
    }
    fit
}

/// What of a flow only a firewall policy has.
fn features(flow: &Flow) -> Vec<(Span, String)> {
    let spans = &flow.spans;
    let mut out = Vec::new();
    if !flow.to.urls.is_empty() {
        out.push((spans.to, "a URL".to_owned()));
    }
    if !flow.to.categories.is_empty() {
        out.push((spans.to, "a web category".to_owned()));
    }
    let tags = flow.to.fqdn_tags.iter();
    for tag in tags.filter(|t| fqdn_tag(t).is_some_and(|known| !known.classic)) {
        out.push((spans.to, format!("the FQDN tag `{tag}`")));
    }
    if flow.inspect {
        let span = spans.inspect.unwrap_or(spans.whole);
        out.push((span, "TLS inspection (`inspect`)".to_owned()));
    }
    if let Some(span) = spans.header {
        out.push((span, "a header put in (`header`)".to_owned()));
    }
    out
}

/// The rules of a classic firewall: merged into its export, or as a fragment; no fragment without a
/// rule, because merging three empty arrays would clear the firewall.
pub(crate) fn lower(
    context: &Context<'_>,
    firewall: &Firewall,
    groups: &[&Resource],
    base: Option<&Base>,
    sink: &mut Sink,
) -> Option<Resource> {
    let mut sorted: Vec<(u32, &str, &Resource)> = groups
        .iter()
        .map(|g| (priority(&g.properties), g.id.name(), *g))
        .collect();
    sorted.sort_by_key(|(priority, name, _)| (*priority, *name));
    let mut all = RuleCollections::default();
    for (priority, name, group) in sorted {
        for collection in group.properties.items("ruleCollections") {
            add(
                &mut all,
                collection,
                name,
                priority,
                firewall.identity.span,
                sink,
            );
        }
    }
    all.network_rule_collections
        .sort_by_key(|c| c.properties.priority);
    all.application_rule_collections
        .sort_by_key(|c| c.properties.priority);
    // A collection of the same name is the one that ours replaces.
    let groups: BTreeSet<String> = groups.iter().map(|g| g.id.name().to_lowercase()).collect();
    if let (Some(base), Some(file)) = (base, &firewall.base) {
        let memory = context.numbers.borrow();
        let lines = memory.old().scopes.iter().filter(|(scope, _)| {
            scope.environment == context.fabric.policy.environment && scope.part == Part::Groups
        });
        let known: BTreeSet<&str> = lines
            .flat_map(|(_, s)| s.entries.keys())
            .filter_map(|id| id.strip_prefix('='))
            .collect();
        for foreign in &base.foreign {
            let group = foreign.group();
            let same = group.filter(|g| groups.contains(g) && !known.contains(g.as_str()));
            if same.is_some() {
                let span = firewall.identity.span;
                let (name, path) = (&foreign.name, &file.path);
                sink.push(faults::takes_foreign(span, "collection", name, path));
            }
        }
    }
    let base = base.map(|b| b.clone().without(&groups));
    let taken = |array: &str| -> BTreeSet<u32> {
        let foreign = base.iter().flat_map(|b| &b.foreign);
        let same = foreign.filter(|f| f.array == array);
        same.map(|f| f.priority).collect()
    };
    let fits = apart(
        &mut all.network_rule_collections,
        &taken("networkRuleCollections"),
    ) && apart(
        &mut all.application_rule_collections,
        &taken("applicationRuleCollections"),
    ) && apart(&mut all.nat_rule_collections, &taken("natRuleCollections"));
    if !fits {
        let scope = format!("firewall `{}`", firewall.identity.name);
        sink.push(faults::band_full(firewall.identity.span, &scope, "allow"));
    }
    let identity = context.identity(&firewall.identity);
    match base {
        Some(base) => Some(emit_merged(&all, &said(firewall), &identity, &base)),
        None => (all != RuleCollections::default()).then(|| emit_fragment(&all, &identity)),
    }
}

/// What the statement says of the firewall beside its rules.
fn said(firewall: &Firewall) -> Said {
    let threat_intel_mode = firewall.threat_intel.as_deref().map(|word| match word {
        "off" => "Off".to_owned(),
        "deny" => "Deny".to_owned(),
        _ => "Alert".to_owned(),
    });
    let sku = firewall.sku_stated.then(|| Sku {
        tier: format!("{:?}", firewall.sku),
    });
    let more = AdditionalProperties {
        dns_proxy: firewall
            .dns_proxy_stated
            .then(|| firewall.dns_proxy.to_string()),
        private_ranges: firewall
            .snat_private
            .as_ref()
            .map(|set| private_ranges(set).join(", ")),
    };
    Said {
        threat_intel_mode,
        sku,
        additional_properties: (more != AdditionalProperties::default()).then_some(more),
    }
}

/// Puts one collection of a group into the array of its rules.
fn add(
    all: &mut RuleCollections,
    collection: &Tree,
    group: &str,
    priority: u32,
    span: Span,
    sink: &mut Sink,
) {
    let rules = collection.items("rules");
    let kind = collection
        .get("action")
        .map(|action| text(action, "type"))
        .unwrap_or_default();
    let action = match kind.as_str() {
        "Allow" => ActionType::Allow,
        "Deny" => ActionType::Deny,
        _ => ActionType::Dnat,
    };
    // A group has one collection a type, so its name and the type are a name for the collection; an
    // ordered group has several, each with its run and a priority of its own.
    let own = text(collection, "name");
    let run = |kind: &str| collections::run_in_group(kind, &own);
    let has_run = run("net").or(run("app")).is_some();
    let priority = if has_run {
        self::priority(collection)
    } else {
        priority
    };
    let mut name = |kind: &str| {
        let name = collections::in_classic(group, kind, run(kind));
        // A group's own name has been judged; only the longer one may be too long.
        if let (Ok(()), Err(error)) = (names::validate(group), names::validate(&name)) {
            sink.push(faults::bad_name(span, &name, &error.to_string()));
        }
        name
    };
    match rules.first().map(|rule| text(rule, "ruleType")).as_deref() {
        Some("NetworkRule") => all.network_rule_collections.push(collect(
            name("net"),
            priority,
            action,
            rules.iter().map(network).collect(),
        )),
        Some("ApplicationRule") => all.application_rule_collections.push(collect(
            name("app"),
            priority,
            action,
            rules.iter().map(application).collect(),
        )),
        Some(_) => all.nat_rule_collections.push(collect(
            name("dnat"),
            priority,
            action,
            rules.iter().map(nat).collect(),
        )),
        None => {}
    }
}

fn collect<R>(name: String, priority: u32, kind: ActionType, rules: Vec<R>) -> Collection<R> {
    Collection {
        name,
        properties: CollectionProperties {
            priority,
            action: Action { kind },
            rules,
        },
    }
}

/// Keeps the order of the collections and gives each a priority of its own that nobody else has: up
/// where two meet, and down again from the end of the range. False if there is no room.
fn apart<R>(collections: &mut [Collection<R>], taken: &BTreeSet<u32>) -> bool {
    let mut next = 100;
    for collection in collections.iter_mut() {
        let priority = &mut collection.properties.priority;
        *priority = (*priority).max(next);
        while taken.contains(priority) {
            *priority += 1;
        }
        next = *priority + 1;
    }
    let mut last = LAST;
    for collection in collections.iter_mut().rev() {
        let priority = &mut collection.properties.priority;
        *priority = (*priority).min(last);
        while taken.contains(priority) && *priority > 0 {
            *priority -= 1;
        }
        last = priority.saturating_sub(1);
    }
    collections
        .first()
        .is_none_or(|c| c.properties.priority >= 100)
}

fn network(rule: &Tree) -> NetworkRule {
    NetworkRule {
        name: text(rule, "name"),
        description: optional(rule, "description"),
        protocols: texts(rule, "ipProtocols"),
        source_addresses: texts(rule, "sourceAddresses"),
        destination_addresses: texts(rule, "destinationAddresses"),
        destination_ports: texts(rule, "destinationPorts"),
        destination_fqdns: texts(rule, "destinationFqdns"),
        source_ip_groups: references(rule, "sourceIpGroups"),
        destination_ip_groups: references(rule, "destinationIpGroups"),
    }
}

fn application(rule: &Tree) -> ApplicationRule {
    ApplicationRule {
        name: text(rule, "name"),
        description: optional(rule, "description"),
        source_addresses: texts(rule, "sourceAddresses"),
        protocols: rule
            .items("protocols")
            .iter()
            .map(|protocol| ApplicationProtocol {
                protocol_type: text(protocol, "protocolType"),
                port: match protocol.get("port") {
                    Some(Tree::Int(port)) => *port,
                    _ => 0,
                },
            })
            .collect(),
        target_fqdns: texts(rule, "targetFqdns"),
        fqdn_tags: texts(rule, "fqdnTags"),
        source_ip_groups: references(rule, "sourceIpGroups"),
    }
}

fn nat(rule: &Tree) -> NatRule {
    NatRule {
        name: text(rule, "name"),
        description: optional(rule, "description"),
        source_addresses: texts(rule, "sourceAddresses"),
        destination_addresses: texts(rule, "destinationAddresses"),
        destination_ports: texts(rule, "destinationPorts"),
        protocols: texts(rule, "ipProtocols"),
        translated_address: optional(rule, "translatedAddress"),
        translated_port: text(rule, "translatedPort"),
        translated_fqdn: optional(rule, "translatedFqdn"),
        source_ip_groups: references(rule, "sourceIpGroups"),
    }
}

fn priority(properties: &Tree) -> u32 {
    match properties.get("priority") {
        Some(Tree::Int(number)) => u32::try_from(*number).unwrap_or(LAST),
        _ => LAST,
    }
}

fn optional(tree: &Tree, key: &str) -> Option<String> {
    match tree.get(key) {
        Some(Tree::Str(text)) => Some(text.clone()),
        _ => None,
    }
}

fn text(tree: &Tree, key: &str) -> String {
    optional(tree, key).unwrap_or_default()
}

fn texts(tree: &Tree, key: &str) -> Vec<String> {
    let items = tree.items(key).iter();
    items
        .filter_map(|item| match item {
            Tree::Str(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

fn references(tree: &Tree, key: &str) -> Vec<Reference> {
    let items = tree.items(key).iter();
    items
        .filter_map(|item| match item {
            Tree::Ref(id) => Some(Reference((**id).clone())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn priorities(given: &[u32], taken: &[u32]) -> Vec<u32> {
        let mut list: Vec<Collection<NetworkRule>> = given
            .iter()
            .map(|p| collect(String::new(), *p, ActionType::Allow, Vec::new()))
            .collect();
        assert!(apart(&mut list, &taken.iter().copied().collect()));
        list.iter().map(|c| c.properties.priority).collect()
    }

    #[test]
    fn priorities_are_kept_where_they_differ_and_moved_apart_where_they_meet() {
        assert_eq!(priorities(&[300, 310, 65000], &[]), [300, 310, 65000]);
        assert_eq!(priorities(&[300, 300, 301, 400], &[]), [300, 301, 302, 400]);
        assert_eq!(
            priorities(&[64999, 65000, 65000], &[]),
            [64998, 64999, 65000]
        );
        assert_eq!(priorities(&[300, 300, 302], &[301, 303]), [300, 302, 304]);
        assert_eq!(priorities(&[64999, 65000], &[65000, 64998]), [64997, 64999]);
    }
}
