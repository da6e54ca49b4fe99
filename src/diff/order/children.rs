//! The writes of security rules that are resources of their own: in an order in which no two rules hold
//! one number at a time. It judges no traffic.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Band, Bands};
use crate::diff::textual::{Change, Entry, Place, Textual};

/// What is written of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// It is deleted.
    Delete,
    /// It is put where it only waits, because two rules exchange their numbers.
    Park,
    /// It is written over.
    Update,
    /// It is created.
    Create,
}

/// One write of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleWrite {
    /// What is done.
    pub write: Write,
    /// The rule.
    pub rule: String,
    /// Its direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The number that it has then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
}

/// The writes of one security group's rules: deletes before creates, since a number is free only when its
/// holder is gone; exchanged numbers through a spare one of the reserved band.
pub(super) fn writes(diff: &Textual, group: &Place, bands: &Bands) -> Vec<RuleWrite> {
    let own = |e: &&Entry| {
        e.rule.is_some() && e.resource.kind == group.kind && e.resource.name == group.name
    };
    let entries: Vec<&Entry> = diff.entries.iter().filter(own).collect();
    let write = |write: Write, rule: &str, entry: &Entry, priority: Option<i64>| RuleWrite {
        write,
        rule: rule.to_owned(),
        direction: entry.resource.direction.clone(),
        priority,
    };
    let mut out = Vec::new();
    for entry in &entries {
        let rule = entry.rule.clone().unwrap_or_default();
        if entry.change == Change::Removed {
            out.push(write(Write::Delete, &rule, entry, None));
        } else if let Some(was) = &entry.was {
            out.push(write(Write::Delete, was, entry, None));
        }
    }
    // Who holds a number that another one wants has to go first.
    let updates = entries
        .iter()
        .filter(|e| !matches!(e.change, Change::Added | Change::Removed) && e.was.is_none());
    let mut open: Vec<&Entry> = updates.copied().collect();
    let mut held: BTreeMap<(Option<String>, i64), String> = BTreeMap::new();
    for entry in &open {
        let now = entry.was_priority.or(entry.priority);
        if let (Some(now), Some(rule)) = (now, &entry.rule) {
            held.insert((entry.resource.direction.clone(), now), rule.clone());
        }
    }
    let reserved = bands
        .nsg
        .get(&Band::Reserved)
        .copied()
        .unwrap_or((100, 199));
    while !open.is_empty() {
        let free = open.iter().position(|e| {
            let Some(to) = e.priority else { return true };
            let holder = held.get(&(e.resource.direction.clone(), to));
            holder.is_none_or(|h| Some(h) == e.rule.as_ref())
        });
        let entry = open.remove(free.unwrap_or(0));
        let rule = entry.rule.clone().unwrap_or_default();
        let direction = entry.resource.direction.clone();
        held.retain(|_, holder| *holder != rule);
        if free.is_none() {
            // All that is left goes round in circles: one of them steps aside.
            let taken = |n: i64| held.contains_key(&(direction.clone(), n));
            let spare = (i64::from(reserved.0)..=i64::from(reserved.1)).find(|n| !taken(*n));
            out.push(write(Write::Park, &rule, entry, spare));
            if let Some(spare) = spare {
                held.insert((direction.clone(), spare), rule.clone());
            }
            // Its own number comes last. Without a spare one it is free now, and nobody can do better.
            open.push(entry);
            continue;
        }
        if let Some(to) = entry.priority {
            held.insert((direction, to), rule.clone());
        }
        out.push(write(Write::Update, &rule, entry, entry.priority));
    }
    for entry in entries
        .iter()
        .filter(|e| e.change == Change::Added || e.was.is_some())
    {
        if entry.change != Change::Removed {
            let rule = entry.rule.clone().unwrap_or_default();
            out.push(write(Write::Create, &rule, entry, entry.priority));
        }
    }
    out
}
