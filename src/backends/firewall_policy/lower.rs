//! From the duties of a firewall to its policy and rule collection groups: one group per tier and
//! group of the source, inside it one collection per rule type.

use std::collections::{BTreeMap, BTreeSet};

use crate::allocate::lock::Part;
use crate::allocate::numbers::{Leaving, Terms, Wanted, by_name};
use crate::allocate::{AllocErrorKind, Request, names};
use crate::backends::faults;
use crate::backends::lowered::{Context, Lowered, Role, RuleTrace};
use crate::backends::resource::AzureType;
use crate::config::{Band, RcgLayout};
use crate::diag::Sink;
use crate::model::{Firewall, Flow, FlowId, Key, Tier};
use crate::source::Span;

use super::emit::{emit_policy, emit_rule_collection_group};
use super::places::{self, APPLICATION, NETWORK, RuleId};
use super::rules::{FlowRules, Room};
use super::runs::{self, Run};
use super::shape::{
    ApplicationRule, FilterAction, FilterCollection, NatAction, NatCollection, NatRule,
    NetworkRule, Rule, RuleCollection, RuleCollectionGroupProperties, Verdict,
};
use super::{differ, infrastructure, nat, order, policy};

/// A rule collection group in the making.
pub(super) struct Group {
    pub(super) name: String,
    /// What it was called before, by `moved`.
    pub(super) old_names: Vec<String>,
    /// Who its rules are, for their places.
    pub(super) ids: Vec<RuleId>,
    tier: Tier,
    pub(super) nat: Vec<NatRule>,
    pub(super) network: Vec<NetworkRule>,
    pub(super) application: Vec<ApplicationRule>,
    /// The flows of an ordered group, by place.
    pub(super) members: BTreeMap<usize, Member>,
    /// The collections of an ordered group.
    pub(super) runs: Vec<Run>,
    traces: Vec<Trace>,
    pub(super) span: Span,
}

/// A flow of an ordered group.
pub(super) struct Member {
    pub(super) action: Verdict,
    pub(super) label: String,
    /// Type and name of its rules.
    pub(super) rules: Vec<(&'static str, String)>,
}

/// What stands beside the rules of a firewall that is merged into an export.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// Priorities that others have already.
    pub(crate) foreign: Vec<u32>,
    /// Groups whose collections the export holds, in lower case.
    pub(crate) groups: BTreeSet<String>,
}

/// A rule, the flow behind it and their places.
struct Trace {
    rule: String,
    flow: String,
    span: Span,
    /// Where `name` stands, if that named the rule.
    given: Option<Span>,
}

/// Lowers one firewall.
pub(crate) fn lower_firewall(
    context: &Context<'_>,
    key: &Key,
    beside: &Beside,
    out: &mut Lowered,
    sink: &mut Sink,
) {
    let Some(firewall) = context.fabric.policy.firewalls.get(key) else {
        return;
    };
    order::check(context, key, sink);
    differ::check(context, key, sink);
    policy::check(context, key, firewall, sink);
    if firewall.manage_policy {
        let resource = emit_policy(
            &policy::properties(context, firewall),
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
    emit_groups(context, key, firewall, groups, beside, out, sink);
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
        let slot = slot_of(context, flow.tier, &flow.id);
        let group = group_at(context, &mut groups, slot, flow.spans.whole);
        group.ids.extend(places::ids(context, flow, &made));
        add(group, flow, made);
    }
    // Translations are let through as soon as they match, so they stand with the allows.
    for index in context.plan.dnats.get(key).into_iter().flatten() {
        let Some(dnat) = context.fabric.policy.dnats.get(*index) else {
            continue;
        };
        let made = nat::rules(context, key, dnat, sink);
        let slot = slot_of(context, Tier::Allow, &dnat.id);
        let group = group_at(context, &mut groups, slot, dnat.spans.whole);
        let id = dnat.id.text();
        let traces = made.iter().map(|rule| Trace {
            rule: rule.name.clone(),
            flow: id.clone(),
            span: dnat.spans.whole,
            given: dnat.spans.name,
        });
        group.traces.extend(traces);
        let ids = made
            .iter()
            .map(|rule| places::translation(&rule.name, &dnat.id));
        group.ids.extend(ids);
        group.nat.extend(made);
    }
    groups.into_values().collect()
}

fn group_at<'a>(
    context: &Context<'_>,
    groups: &'a mut BTreeMap<Slot, Group>,
    slot: Slot,
    span: Span,
) -> &'a mut Group {
    let name = group_name(context, &slot);
    let old_names = old_names(context, &slot);
    let tier = slot.0;
    groups.entry(slot).or_insert_with(|| Group {
        name,
        old_names,
        ids: Vec::new(),
        tier,
        nat: Vec::new(),
        network: Vec::new(),
        application: Vec::new(),
        members: BTreeMap::new(),
        runs: Vec::new(),
        traces: Vec::new(),
        span,
    })
}

fn add(group: &mut Group, flow: &Flow, made: FlowRules) {
    let id = flow.id.text();
    if let Some(position) = flow.position {
        let network = made.network.iter().map(|r| (NETWORK, &r.name));
        let application = made.application.iter().map(|r| (APPLICATION, &r.name));
        let action = if flow.allows() {
            Verdict::Allow
        } else {
            Verdict::Deny
        };
        let member = group.members.entry(position);
        let member = member.or_insert_with(|| Member {
            action,
            label: flow.id.label.clone(),
            rules: Vec::new(),
        });
        let rules = network.chain(application);
        let rules = rules.map(|(kind, name)| (kind, name.clone()));
        member.rules.extend(rules);
    }
    let network = made.network.iter().map(|rule| &rule.name);
    let application = made.application.iter().map(|rule| &rule.name);
    group
        .traces
        .extend(network.chain(application).map(|name| Trace {
            rule: name.clone(),
            flow: id.clone(),
            span: flow.spans.whole,
            given: flow.spans.name,
        }));
    group.network.extend(made.network);
    group.application.extend(made.application);
}

/// What a rule collection group gathers: tier, instance path, group.
type Slot = (Tier, Vec<String>, String);

/// The rule collection group of a flow: `layout` says how much one gathers. A group never holds two
/// tiers, and an ordered group is always by itself: its collections have an order of their own.
fn slot_of(context: &Context<'_>, tier: Tier, id: &FlowId) -> Slot {
    match context.settings.layout.rcg {
        _ if tier == Tier::Ordered => (tier, id.instance.clone(), id.group.clone()),
        RcgLayout::PerGroup => (tier, id.instance.clone(), id.group.clone()),
        RcgLayout::PerInstance => (tier, id.instance.clone(), String::new()),
        RcgLayout::Merged => (tier, Vec::new(), String::new()),
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

/// The names that a rule collection group had before its source was renamed.
fn old_names(context: &Context<'_>, slot: &Slot) -> Vec<String> {
    let (tier, instance, group) = slot;
    let mut path = instance.clone();
    path.extend((!group.is_empty()).then(|| group.clone()));
    if path.is_empty() {
        return Vec::new();
    }
    let old = context.numbers.borrow().old_paths(&path.join("::"));
    old.iter()
        .map(|path| {
            let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
            let group = if group.is_empty() {
                String::new()
            } else {
                parts.pop().unwrap_or_default()
            };
            group_name(context, &(*tier, parts, group))
        })
        .collect()
}

fn emit_groups(
    context: &Context<'_>,
    key: &Key,
    firewall: &Firewall,
    groups: Vec<Group>,
    beside: &Beside,
    out: &mut Lowered,
    sink: &mut Sink,
) {
    let policy_id = context.id(&firewall.identity, AzureType::FirewallPolicy);
    let numbers = number(context, key, &groups, beside, sink);
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut ordered: Vec<(u32, Group)> = groups
        .into_iter()
        .filter_map(|g| numbers.get(&g.name).map(|n| (*n, g)))
        .collect();
    ordered.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    let mut in_order: Vec<&mut Group> = ordered
        .iter_mut()
        .map(|(_, group)| group)
        .filter(|group| !group.members.is_empty())
        .collect();
    runs::settle(context, firewall, &mut in_order, &beside.foreign, sink);
    let places = places::of(context, firewall, ordered.iter().map(|(_, group)| group));
    for (priority, mut group) in ordered {
        places::sort(&mut group, &places);
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
        let rules = group.nat.len() + group.network.len() + group.application.len();
        let properties = RuleCollectionGroupProperties {
            priority,
            rule_collections: if group.members.is_empty() {
                collections(&group)
            } else {
                runs::collections(&group)
            },
        };
        let resource = emit_rule_collection_group(&properties, &policy_id, &group.name);
        for trace in group.traces {
            out.traces.push(RuleTrace {
                file: resource.file.clone(),
                resource: resource.id.text(),
                rule: trace.rule,
                flows: vec![trace.flow],
                role: Role::Exact,
            });
        }
        out.rules.push((resource.file.clone(), rules));
        out.resources.push(resource);
    }
    if firewall.infrastructure_denied {
        let properties = infrastructure::denied();
        let resource = emit_rule_collection_group(&properties, &policy_id, infrastructure::GROUP);
        out.rules.push((resource.file.clone(), 1));
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
    // Before the others for readers only: the type decides, whatever the priorities.
    let nat = (!group.nat.is_empty()).then(|| {
        RuleCollection::Nat(NatCollection {
            name: "dnat".to_owned(),
            priority: 100,
            action: NatAction::default(),
            rules: group.nat.iter().cloned().map(Rule::Nat).collect(),
        })
    });
    let filters = [("net", 200, network), ("app", 300, application)]
        .into_iter()
        .filter(|(_, _, rules)| !rules.is_empty())
        .map(|(prefix, priority, rules)| {
            RuleCollection::Filter(FilterCollection {
                name: format!("{prefix}-{word}"),
                priority,
                action: FilterAction { kind },
                rules,
            })
        });
    nat.into_iter().chain(filters).collect()
}

/// Rules inside a collection have no published name rule, so a name that was written is kept as it
/// is; how long it may be is taken from the collections ("Azure Firewall rule processing logic" and
/// "Naming rules and restrictions for Azure resources", checked 2026-11-25).
fn check_rule_names(group: &Group, sink: &mut Sink) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for Trace {
        rule,
        flow,
        span,
        given,
    } in &group.traces
    {
        let refuse = |why: &str| match given {
            Some(place) => faults::bad_given_name(*place, rule, why),
            None => faults::bad_name(*span, rule, why),
        };
        let length = rule.chars().count();
        if rule.trim().is_empty() {
            sink.push(refuse("is empty"));
        } else if length > names::MAX_LENGTH {
            sink.push(refuse(&format!(
                "has {length} characters; at most {} are allowed",
                names::MAX_LENGTH
            )));
        } else if rule.chars().any(char::is_control) {
            sink.push(refuse("contains a control character"));
        }
        if let Some(other) = seen.insert(rule.to_lowercase(), flow)
            && other != flow
        {
            let why = format!("is already taken by `{other}` in `{}`", group.name);
            sink.push(refuse(&why));
        }
    }
}

fn number(
    context: &Context<'_>,
    key: &Key,
    groups: &[Group],
    beside: &Beside,
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
        .chain(beside.foreign.iter().map(|n| (*n, *n)))
        .collect();
    let Some(firewall) = context.fabric.policy.firewalls.get(key) else {
        return BTreeMap::new();
    };
    let wanted: Vec<Wanted> = groups
        .iter()
        .zip(requests)
        .map(|(group, request)| {
            let mut formerly = group.old_names.clone();
            // Azure knows a group by its name: one of another name stays, with its number. Only
            // the collections of a classic firewall are replaced together.
            formerly.retain(|old| firewall.classic || old.eq_ignore_ascii_case(&group.name));
            formerly.push(by_name(&group.name));
            Wanted {
                request,
                formerly,
                name: None,
                order: None,
            }
        })
        .collect();
    let scope = places::scope(context, firewall, Part::Groups);
    let mut memory = context.numbers.borrow_mut();
    let terms = Terms {
        reserved,
        stride: bands.stride.rcg,
        leaving: if firewall.classic {
            let now: BTreeSet<String> = groups.iter().map(|g| g.name.to_lowercase()).collect();
            let old = memory.old().scopes.get(&scope);
            let left = old.into_iter().flat_map(|s| &s.entries).filter(|(id, _)| {
                let id = id.to_lowercase();
                beside.groups.contains(&id) && !now.contains(&id)
            });
            Leaving::Goes(left.map(|(id, e)| (id.clone(), e.clone())).collect())
        } else {
            Leaving::Stays
        },
    };
    let result = memory.allocate(&scope, &wanted, &terms);
    let span = groups.first().map_or(firewall.identity.span, |g| g.span);
    if let Some(d) = faults::renumbered(span, &scope.to_string(), &result.moved) {
        sink.push(d);
    }
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
