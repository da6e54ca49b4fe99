//! The collections of an ordered group: one per run of neighbours with the same action and rule type,
//! with priorities that rise in source order. Whether the types allow that order, `order` has checked.

use std::collections::BTreeMap;

use crate::backends::faults;
use crate::diag::Sink;

use super::lower::Group;
use super::shape::{FilterAction, FilterCollection, Rule, RuleCollection, Verdict};

/// The priority of the first collection.
const FIRST: u32 = 200;
/// From one collection to the next; every run has room for one of each type.
const STEP: u32 = 10;
/// Azure's greatest priority. Source: "Azure Firewall Policy rule sets" (checked 2026-11-23).
const LAST: u32 = 65000;

/// The collections in the order in which Azure is to read them.
pub(super) fn collections(group: &Group, sink: &mut Sink) -> Vec<RuleCollection> {
    let mut actions: Vec<Verdict> = Vec::new();
    let mut run_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (action, names) in group.members.values() {
        if actions.last() != Some(action) {
            actions.push(*action);
        }
        run_of.extend(names.iter().map(|name| (name.as_str(), actions.len())));
    }
    let mut out = Vec::new();
    let mut priority = FIRST;
    for (run, kind) in (1..).zip(actions) {
        let mine = |name: &String| run_of.get(name.as_str()) == Some(&run);
        let network = group.network.iter().filter(|r| mine(&r.name)).cloned();
        let application = group.application.iter().filter(|r| mine(&r.name)).cloned();
        let network: Vec<Rule> = network.map(Rule::Network).collect();
        let application: Vec<Rule> = application.map(Rule::Application).collect();
        let word = match kind {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
        };
        for (prefix, rules) in [("net", network), ("app", application)] {
            if !rules.is_empty() {
                out.push(RuleCollection::Filter(FilterCollection {
                    name: format!("{prefix}-{run:02}-{word}"),
                    priority,
                    action: FilterAction { kind },
                    rules,
                }));
            }
            priority = priority.saturating_add(STEP);
        }
    }
    if priority.saturating_sub(STEP) > LAST {
        let scope = format!("rule collection group `{}`", group.name);
        sink.push(faults::band_full(group.span, &scope, "ordered"));
    }
    out
}
