//! From the duties of a firewall to its policy and rule collection groups: one group per tier and
//! group of the source, inside it one collection per rule type.

use std::collections::BTreeMap;

use crate::allocate::{self, AllocErrorKind, Request, names};
use crate::backends::faults::{self, Limit};
use crate::backends::lowered::{Context, Lowered, RuleTrace};
use crate::backends::resource::AzureType;
use crate::config::{Band, RcgLayout};
use crate::diag::Sink;
use crate::model::{self, Firewall, Flow, Key, Tier};
use crate::source::Span;

use super::caps;
use super::emit::{emit_policy, emit_rule_collection_group};
use super::order;
use super::rules::{FlowRules, Room};
use super::shape::{
    ApplicationRule, DnsSettings, FilterAction, FilterCollection, NetworkRule, PolicyProperties,
    Rule, RuleCollection, RuleCollectionGroupProperties, Sku, ThreatIntelMode, Tier as SkuTier,
    Verdict,
};

/// A rule collection group in the making.
struct Group {
    name: String,
    tier: Tier,
    network: Vec<NetworkRule>,
    application: Vec<ApplicationRule>,
    traces: Vec<(String, String, Span)>,
    span: Span,
}

/// Lowers one firewall.
pub(crate) fn lower_firewall(context: &Context<'_>, key: &Key, out: &mut Lowered, sink: &mut Sink) {
    let Some(firewall) = context.fabric.policy.firewalls.get(key) else {
        return;
    };
    order::check(context, key, sink);
    if firewall.manage_policy {
        let resource = emit_policy(
            &policy_properties(firewall),
            &context.identity(&firewall.identity),
        );
        out.rules.push((resource.file.clone(), 0));
        out.resources.push(resource);
    }
    if let Err(error) = names::validate(&firewall.identity.name) {
        sink.push(faults::bad_name(
            firewall.identity.span,
            &firewall.identity.name,
            &error.to_string(),
        ));
    }
    let groups = collect(context, key, firewall, sink);
    emit_groups(context, key, firewall, groups, out, sink);
}

fn policy_properties(firewall: &Firewall) -> PolicyProperties {
    PolicyProperties {
        threat_intel_mode: firewall.threat_intel.as_deref().map(|word| match word {
            "off" => ThreatIntelMode::Off,
            "deny" => ThreatIntelMode::Deny,
            _ => ThreatIntelMode::Alert,
        }),
        dns_settings: firewall.dns_proxy.then(|| DnsSettings {
            enable_proxy: Some(true),
            ..DnsSettings::default()
        }),
        sku: Some(Sku {
            tier: match firewall.sku {
                model::Sku::Basic => SkuTier::Basic,
                model::Sku::Standard => SkuTier::Standard,
                model::Sku::Premium => SkuTier::Premium,
            },
        }),
        ..PolicyProperties::default()
    }
}

fn collect(context: &Context<'_>, key: &Key, firewall: &Firewall, sink: &mut Sink) -> Vec<Group> {
    let mut groups: BTreeMap<Slot, Group> = BTreeMap::new();
    let none = BTreeMap::new();
    for duty in context.plan.firewalls.get(key).unwrap_or(&none).values() {
        let Some(flow) = context.fabric.policy.flows.get(duty.flow) else {
            continue;
        };
        let made = Room {
            context,
            key,
            firewall,
            flow,
            duty,
        }
        .rules(sink);
        if made.network.is_empty() && made.application.is_empty() {
            continue;
        }
        let slot = slot_of(context, flow);
        let group = groups.entry(slot.clone()).or_insert_with(|| Group {
            name: group_name(context, &slot),
            tier: flow.tier,
            network: Vec::new(),
            application: Vec::new(),
            traces: Vec::new(),
            span: flow.spans.whole,
        });
        add(group, flow, made);
    }
    groups.into_values().collect()
}

fn add(group: &mut Group, flow: &Flow, made: FlowRules) {
    let id = flow.id.text();
    for rule in &made.network {
        let trace = (rule.name.clone(), id.clone(), flow.spans.whole);
        group.traces.push(trace);
    }
    for rule in &made.application {
        let trace = (rule.name.clone(), id.clone(), flow.spans.whole);
        group.traces.push(trace);
    }
    group.network.extend(made.network);
    group.application.extend(made.application);
}

/// What a rule collection group gathers: tier, instance path, group.
type Slot = (Tier, Vec<String>, String);

/// The rule collection group of a flow: `layout` says how much one gathers. A group never holds two
/// tiers.
fn slot_of(context: &Context<'_>, flow: &Flow) -> Slot {
    let id = &flow.id;
    match context.settings.layout.rcg {
        RcgLayout::PerGroup => (flow.tier, id.instance.clone(), id.group.clone()),
        RcgLayout::PerInstance => (flow.tier, id.instance.clone(), String::new()),
        RcgLayout::Merged => (flow.tier, Vec::new(), String::new()),
    }
}

/// `pc-30-allow-weu-platform`: the parts of `naming.rcg`, empty parts left out.
fn group_name(context: &Context<'_>, slot: &Slot) -> String {
    let (tier, instance, group) = slot;
    let number = match tier {
        Tier::Forbid => "00",
        Tier::Exception => "10",
        Tier::Deny => "20",
        Tier::Ordered => "25",
        Tier::Allow => "30",
    };
    let instance = instance.join("-");
    let mut name = context.settings.naming.rcg.clone();
    for (part, value) in [
        ("{tier}", number),
        ("{action}", tier.word()),
        ("{instance}", &instance),
        ("{group}", group),
    ] {
        if value.is_empty() {
            name = name
                .replace(&format!("-{part}"), "")
                .replace(&format!("{part}-"), "");
        }
        name = name.replace(part, value);
    }
    name
}

fn emit_groups(
    context: &Context<'_>,
    key: &Key,
    firewall: &Firewall,
    groups: Vec<Group>,
    out: &mut Lowered,
    sink: &mut Sink,
) {
    let policy_id = context.id(&firewall.identity, AzureType::FirewallPolicy);
    let numbers = number(context, key, &groups, sink);
    check_limits(context, key, firewall, &groups, sink);
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut ordered: Vec<(u32, Group)> = groups
        .into_iter()
        .filter_map(|g| numbers.get(&g.name).map(|n| (*n, g)))
        .collect();
    ordered.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    for (priority, group) in ordered {
        if let Err(error) = names::validate(&group.name) {
            sink.push(faults::bad_name(
                group.span,
                &group.name,
                &error.to_string(),
            ));
        }
        if seen.insert(group.name.to_lowercase(), group.span).is_some() {
            sink.push(faults::bad_name(
                group.span,
                &group.name,
                "is made by two groups of the source",
            ));
        }
        check_rule_names(&group, sink);
        let rules = group.network.len() + group.application.len();
        let properties = RuleCollectionGroupProperties {
            priority,
            rule_collections: collections(&group),
        };
        let resource = emit_rule_collection_group(&properties, &policy_id, &group.name);
        check_size(context, &resource, &group, sink);
        for (rule, flow, _) in group.traces {
            out.traces.push(RuleTrace {
                file: resource.file.clone(),
                rule,
                flows: vec![flow],
                envelope: false,
            });
        }
        out.rules.push((resource.file.clone(), rules));
        out.resources.push(resource);
    }
}

fn collections(group: &Group) -> Vec<RuleCollection> {
    let allow = matches!(group.tier, Tier::Exception | Tier::Allow);
    let word = if allow { "allow" } else { "deny" };
    let kind = if allow { Verdict::Allow } else { Verdict::Deny };
    let network: Vec<Rule> = group.network.iter().cloned().map(Rule::Network).collect();
    let application: Vec<Rule> = group
        .application
        .iter()
        .cloned()
        .map(Rule::Application)
        .collect();
    [("net", 200, network), ("app", 300, application)]
        .into_iter()
        .filter(|(_, _, rules)| !rules.is_empty())
        .map(|(prefix, priority, rules)| {
            RuleCollection::Filter(FilterCollection {
                name: format!("{prefix}-{word}"),
                priority,
                action: FilterAction { kind },
                rules,
            })
        })
        .collect()
}

fn check_rule_names(group: &Group, sink: &mut Sink) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (rule, flow, span) in &group.traces {
        if rule.len() > names::MAX_LENGTH {
            sink.push(faults::bad_name(
                *span,
                rule,
                &format!(
                    "has {} characters; at most {} are allowed",
                    rule.len(),
                    names::MAX_LENGTH
                ),
            ));
        }
        if let Some(other) = seen.insert(rule.to_lowercase(), flow)
            && other != flow
        {
            sink.push(faults::bad_name(
                *span,
                rule,
                &format!("is already taken by `{other}` in `{}`", group.name),
            ));
        }
    }
}

fn number(
    context: &Context<'_>,
    key: &Key,
    groups: &[Group],
    sink: &mut Sink,
) -> BTreeMap<String, u32> {
    let bands = &context.settings.bands;
    let band_of = |tier: Tier| match tier {
        Tier::Forbid => Band::Forbid,
        Tier::Exception => Band::Exception,
        Tier::Deny => Band::Deny,
        Tier::Ordered => Band::Ordered,
        Tier::Allow => Band::Allow,
    };
    let requests: Vec<Request> = groups
        .iter()
        .map(|g| Request {
            id: g.name.clone(),
            band: bands
                .rcg
                .get(&band_of(g.tier))
                .copied()
                .unwrap_or((100, 65000)),
            pin: None,
        })
        .collect();
    let reserved: Vec<(u32, u32)> = bands
        .rcg
        .get(&Band::Reserved)
        .copied()
        .into_iter()
        .collect();
    let result = allocate::allocate(&requests, &reserved, bands.stride.rcg, &BTreeMap::new());
    for error in result.errors {
        if let (AllocErrorKind::BandFull, Some(group)) =
            (error.kind, groups.iter().find(|g| g.name == error.id))
        {
            sink.push(faults::band_full(
                group.span,
                &format!("firewall `{key}`"),
                band_of(group.tier).name(),
            ));
        }
    }
    result.numbers
}

fn check_limits(
    context: &Context<'_>,
    key: &Key,
    firewall: &Firewall,
    groups: &[Group],
    sink: &mut Sink,
) {
    let span = if firewall.implied {
        groups.first().map_or(firewall.identity.span, |g| g.span)
    } else {
        firewall.identity.span
    };
    if groups.len() > caps::GROUPS {
        let d = faults::group_count(
            span,
            &Limit {
                what: &format!("the policy of firewall `{key}`"),
                unit: "rule collection groups",
                used: groups.len(),
                allowed: caps::GROUPS,
                source: caps::GROUPS_SOURCE,
                help: "put flows of one tier and owner into fewer groups",
            },
        );
        context.exceeded(sink, d);
    }
    // A rule counts its unique sources times its unique destinations; an IP group counts one.
    let pairs: usize = groups
        .iter()
        .flat_map(|g| &g.network)
        .map(|r| {
            let sources = r.source_addresses.len() + r.source_ip_groups.len();
            let destinations = r.destination_addresses.len()
                + r.destination_ip_groups.len()
                + r.destination_fqdns.len();
            sources * destinations
        })
        .sum();
    if pairs > caps::ADDRESS_PAIRS {
        let d = faults::address_pairs(
            span,
            &Limit {
                what: &format!("the policy of firewall `{key}`"),
                unit: "source and destination pairs",
                used: pairs,
                allowed: caps::ADDRESS_PAIRS,
                source: caps::ADDRESS_PAIRS_SOURCE,
                help: "use IP groups, broader prefixes, or names",
            },
        );
        context.exceeded(sink, d);
    }
}

fn check_size(
    context: &Context<'_>,
    resource: &crate::backends::resource::Resource,
    group: &Group,
    sink: &mut Sink,
) {
    let bytes = resource.properties.json_len();
    if bytes > caps::GROUP_BYTES {
        let d = faults::group_size(
            group.span,
            &Limit {
                what: &format!("rule collection group `{}`", group.name),
                unit: "bytes",
                used: bytes,
                allowed: caps::GROUP_BYTES,
                source: caps::GROUP_BYTES_SOURCE,
                help: "split the group",
            },
        );
        context.exceeded(sink, d);
    }
}
