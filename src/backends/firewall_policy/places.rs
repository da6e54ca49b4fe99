//! The places of rules inside their collections: what was there keeps its place, what is new goes to
//! the end. The order means nothing to Azure; it keeps the difference of two versions small.

use std::collections::BTreeMap;

use crate::allocate::lock::{Part, Scope};
use crate::allocate::numbers::by_name;
use crate::backends::lowered::Context;
use crate::config::RcgLayout;
use crate::model::{Firewall, Flow, FlowId};

use super::lower::Group;
use super::rules::{FlowRules, base_name};

/// The word of the collection of network rules, in ids.
pub(super) const NETWORK: &str = "net";
/// The word of the collection of application rules, in ids.
pub(super) const APPLICATION: &str = "app";

/// The word of the collection of translations, in ids.
const TRANSLATION: &str = "dnat";

/// Who a rule is.
#[derive(Clone, Debug)]
pub(super) struct RuleId {
    /// The word of its collection.
    pub(super) kind: &'static str,
    /// Its Azure name.
    pub(super) name: String,
    /// The run whose collection it is in, in an ordered group.
    pub(super) run: Option<String>,
    /// The flow, and what tells it from other rules of that flow and kind: `weu::names::dns/fqdn`.
    id: String,
}

/// By group, collection and rule name.
pub(super) type Places = BTreeMap<(String, &'static str, String), u32>;

/// The ids of a flow's rules.
pub(super) fn ids(context: &Context<'_>, flow: &Flow, made: &FlowRules) -> Vec<RuleId> {
    let merged = context.settings.layout.rcg == RcgLayout::Merged;
    let base = base_name(&flow.id, flow.rule_name.as_ref(), merged);
    let network = made.network.iter().map(|r| (NETWORK, &r.name));
    let application = made.application.iter().map(|r| (APPLICATION, &r.name));
    network
        .chain(application)
        .map(|(kind, name)| {
            let rest = name.strip_prefix(&base).unwrap_or(name);
            let rest = rest.trim_start_matches('-');
            let slash = if rest.is_empty() { "" } else { "/" };
            RuleId {
                kind,
                name: name.clone(),
                run: None,
                id: format!("{}{slash}{rest}", flow.id.text()),
            }
        })
        .collect()
}

/// The id of a translation.
pub(super) fn translation(name: &str, id: &FlowId) -> RuleId {
    RuleId {
        kind: TRANSLATION,
        name: name.to_owned(),
        run: None,
        id: id.text(),
    }
}

/// The scope of a part of a firewall's policy.
pub(crate) fn scope(context: &Context<'_>, firewall: &Firewall, part: Part) -> Scope {
    let mut all = context
        .fabric
        .policy
        .firewalls
        .values()
        .map(|f| &f.identity);
    context.scope(&firewall.identity, part, &mut all)
}

/// The places of all rules of a policy.
pub(super) fn of<'g>(
    context: &Context<'_>,
    firewall: &Firewall,
    groups: impl Iterator<Item = &'g Group>,
) -> Places {
    let mut memory = context.numbers.borrow_mut();
    let mut wanted = Vec::new();
    let mut keys = Vec::new();
    for group in groups {
        for rule in &group.ids {
            let kind = rule.kind;
            let word = match &rule.run {
                Some(run) => format!("{kind}-{run}"),
                None => kind.to_owned(),
            };
            let id = |group: &str, rule: &str| format!("{group}/{word}/{rule}");
            let mut formerly = Vec::new();
            let old_rules = memory.formerly(&rule.id);
            for name in std::iter::once(&group.name).chain(&group.old_names) {
                formerly.push(id(name, &rule.id));
                formerly.extend(old_rules.iter().map(|old| id(name, old)));
            }
            formerly.retain(|old| *old != id(&group.name, &rule.id));
            formerly.push(by_name(&id(&group.name, &rule.name)));
            wanted.push((id(&group.name, &rule.id), formerly));
            keys.push((group.name.clone(), kind, rule.name.clone()));
        }
    }
    let places = memory.places(&scope(context, firewall, Part::Rules), &wanted);
    keys.into_iter()
        .zip(wanted)
        .filter_map(|(key, (id, _))| Some((key, *places.get(&id)?)))
        .collect()
}

/// The run that each rule of an ordered group was in, by type and rule name.
pub(super) fn runs(
    context: &Context<'_>,
    firewall: &Firewall,
    group: &Group,
) -> BTreeMap<(&'static str, String), String> {
    let memory = context.numbers.borrow();
    let old = memory
        .old()
        .scopes
        .get(&scope(context, firewall, Part::Rules));
    // `group/net-run/rule`, by the first and the last.
    let mut known: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for id in old.into_iter().flat_map(|s| s.entries.keys()) {
        let mut parts = id.splitn(3, '/');
        if let (Some(group), Some(word), Some(rule)) = (parts.next(), parts.next(), parts.next()) {
            known.entry((group, rule)).or_default().push(word);
        }
    }
    let mut out = BTreeMap::new();
    for rule in &group.ids {
        let mut ids = memory.formerly(&rule.id);
        ids.insert(0, rule.id.clone());
        let named = rule.name.to_lowercase();
        let old_groups = std::iter::once(&group.name).chain(&group.old_names);
        let mut found = None;
        for name in old_groups {
            let by_azure = by_name(name);
            let plain = ids.iter().map(|id| (name.as_str(), id.as_str()));
            let all = plain.chain([(by_azure.as_str(), named.as_str())]);
            for key in all {
                let words = known.get(&key).into_iter().flatten();
                let mut runs = words.filter_map(|w| w.strip_prefix(rule.kind)?.strip_prefix('-'));
                found = found.or_else(|| runs.next());
            }
        }
        if let Some(run) = found {
            out.insert((rule.kind, rule.name.clone()), run.to_owned());
        }
    }
    out
}

/// Puts the rules of a group into their places.
pub(super) fn sort(group: &mut Group, places: &Places) {
    let name = &group.name;
    let place = |kind: &'static str, rule: &String| {
        let key = (name.clone(), kind, rule.clone());
        places.get(&key).copied().unwrap_or(u32::MAX)
    };
    group
        .nat
        .sort_by_cached_key(|r| place(TRANSLATION, &r.name));
    group
        .network
        .sort_by_cached_key(|r| place(NETWORK, &r.name));
    group
        .application
        .sort_by_cached_key(|r| place(APPLICATION, &r.name));
}
