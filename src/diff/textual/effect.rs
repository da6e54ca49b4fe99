//! Whether a difference adds to what is listed or takes from it. What it means for packets is not asked:
//! where that is not plain, it does both.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::address::AddressSet;
use crate::model::service::PortSet;

use super::fields::FieldChange;
use super::touched::key;
use super::{Change, Entry, Place};

/// What a change does to what a resource lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Effect {
    /// Something comes: a rule, a member, another value, another number.
    pub gains: bool,
    /// Something goes.
    pub loses: bool,
}

impl Effect {
    pub(super) fn and(&mut self, other: Self) {
        self.gains |= other.gains;
        self.loses |= other.loses;
    }
}

/// What one difference adds and takes away.
pub(super) fn effect(entry: &Entry) -> Effect {
    match entry.change {
        Change::Added => Effect {
            gains: true,
            loses: false,
        },
        Change::Removed => Effect {
            gains: false,
            loses: true,
        },
        _ => {
            let mut out = Effect::default();
            // Another number or place is another order: both may come of it.
            let same_resource = |from: &Place| key(from) == key(&entry.resource);
            if entry.was_priority.is_some() || entry.was_in.as_ref().is_some_and(same_resource) {
                out = Effect {
                    gains: true,
                    loses: true,
                };
            }
            // From another resource it comes as a whole.
            if entry
                .was_in
                .as_ref()
                .is_some_and(|from| !same_resource(from))
            {
                return Effect {
                    gains: true,
                    loses: false,
                };
            }
            let told = entry.fields.iter();
            for field in told.filter(|f| f.path != "description" && !f.path.starts_with("tags.")) {
                let value = field.old.is_some() || field.new.is_some();
                let (gains, loses) = members(field);
                out.gains |= value || gains;
                out.loses |= value || loses;
            }
            out
        }
    }
}

/// What a route's change does to what goes past the firewall: a hop to an appliance or to nowhere does
/// not pass it, any other does.
pub(super) fn passes(entry: &Entry) -> Effect {
    let past = |hop: &str| !matches!(hop.to_lowercase().as_str(), "virtualappliance" | "none");
    let hop = entry
        .fields
        .iter()
        .find(|f| f.path.eq_ignore_ascii_case("nextHopType"));
    let (old, new) = (
        hop.and_then(|f| f.old.as_deref()),
        hop.and_then(|f| f.new.as_deref()),
    );
    match entry.change {
        _ if entry.rule.is_none() && entry.fields.is_empty() => Effect::default(),
        // Whether routes are learnt decides which way everything goes that they name.
        _ if entry.rule.is_none() => Effect {
            gains: true,
            loses: true,
        },
        Change::Added => match new {
            Some(hop) if past(hop) => Effect {
                gains: true,
                loses: false,
            },
            Some(_) => Effect {
                gains: false,
                loses: true,
            },
            None => Effect {
                gains: true,
                loses: true,
            },
        },
        Change::Removed => match old {
            Some(hop) if past(hop) => Effect {
                gains: false,
                loses: true,
            },
            Some(_) => Effect {
                gains: true,
                loses: false,
            },
            None => Effect {
                gains: true,
                loses: true,
            },
        },
        Change::Renamed | Change::Renumbered => Effect::default(),
        Change::Changed => match (old, new) {
            (Some(a), Some(b)) if past(a) == past(b) => Effect::default(),
            (Some(_), Some(b)) if past(b) => Effect {
                gains: true,
                loses: false,
            },
            (Some(_), Some(_)) => Effect {
                gains: false,
                loses: true,
            },
            // The prefix or the appliance changed.
            _ => Effect {
                gains: true,
                loses: true,
            },
        },
    }
}

/// Whether a list gains and loses. Prefixes and ports are taken for what they hold: a longer list of
/// smaller prefixes may be the same.
fn members(field: &FieldChange) -> (bool, bool) {
    let lower = field.path.to_lowercase();
    if lower.contains("port") {
        let all = |list: &[String]| {
            list.iter()
                .map(|text| ports(text))
                .collect::<Option<Vec<_>>>()
        };
        if let (Some(old), Some(new)) = (all(&field.removed), all(&field.added)) {
            let sum = |list: Vec<PortSet>| {
                let empty = PortSet::from_ranges(&[]);
                list.iter().fold(empty, |all, one| all.union(one))
            };
            let (old, new) = (sum(old), sum(new));
            return (
                !new.subtract(&old).is_empty(),
                !old.subtract(&new).is_empty(),
            );
        }
    } else if lower.contains("address") || lower.contains("prefix") {
        // Words such as service tags are on one side only: both sides' words differ.
        let split = |list: &[String]| {
            let mut set = AddressSet::empty();
            let mut words = false;
            for text in list {
                match addresses(text) {
                    Some(one) => set.add(&one),
                    None => words = true,
                }
            }
            (set, words)
        };
        let ((old, old_words), (new, new_words)) = (split(&field.removed), split(&field.added));
        return (
            new_words || !new.is_subset(&old),
            old_words || !old.is_subset(&new),
        );
    }
    (!field.added.is_empty(), !field.removed.is_empty())
}

/// `443`, `8000-8080`, `*`.
fn ports(text: &str) -> Option<PortSet> {
    if text == "*" {
        return Some(PortSet::all());
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then(|| PortSet::from_ranges(&[(first, last)]))
}

/// A prefix, an address, a range, `*`.
fn addresses(text: &str) -> Option<AddressSet> {
    if text == "*" {
        return Some(AddressSet::all());
    }
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(AddressSet::prefix(net));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(AddressSet::range(first.parse().ok()?, last.parse().ok()?))
}
