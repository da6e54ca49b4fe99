//! Why a number changed, as far as two sides tell: the bands of the settings, the pins of the source, and
//! the numbers around it. It gives no numbers.

use std::collections::BTreeSet;

use crate::config::Band;

use super::identity::Paired;
use super::shape::{Rule, Thing};
use super::{Reason, Side};

type Table = indexmap::IndexMap<Band, (u32, u32)>;

fn band(table: &Table, number: Option<i64>) -> Option<Band> {
    let number = u32::try_from(number?).ok()?;
    let found = table.iter().find(|(_, (a, b))| (*a..=*b).contains(&number));
    found.map(|(band, _)| *band)
}

/// The numbers that are in use on the new side: by resource and direction.
pub(super) type InUse<'p> = BTreeSet<(&'p str, Option<&'p str>, Option<i64>)>;

/// The numbers of the new side.
pub(super) fn in_use<'p>(all: &'p [Paired<'_>]) -> InUse<'p> {
    let rules = all.iter().filter_map(|p| p.new);
    rules.map(number_of).collect()
}

fn number_of<'p>(rule: &'p Rule<'_>) -> (&'p str, Option<&'p str>, Option<i64>) {
    let place = &rule.place;
    (&place.name, place.direction.as_deref(), rule.priority)
}

/// Of a rule of a security group.
pub(super) fn rule(
    old: &Rule<'_>,
    new: &Rule<'_>,
    (all, in_use): (&[Paired<'_>], &InUse<'_>),
    sides: (&Side, &Side),
) -> Reason {
    let (before, after) = (&sides.0.bands.nsg, &sides.1.bands.nsg);
    if new.flows.iter().any(|f| sides.1.pinned.contains(f)) {
        return Reason::Pin;
    }
    let (was, is) = (band(before, old.priority), band(after, new.priority));
    if was != is || band(after, old.priority) != is {
        return Reason::Tier;
    }
    let beside =
        |r: &Rule<'_>| r.place.name == new.place.name && r.place.direction == new.place.direction;
    if is == Some(Band::Ordered) {
        let pairs = all.iter().filter_map(|p| p.old.zip(p.new));
        let mut others = pairs.filter(|(a, b)| beside(b) && !std::ptr::eq(*a, old));
        let turned =
            others.any(|(a, b)| (a.priority < old.priority) != (b.priority < new.priority));
        return if turned {
            Reason::Order
        } else {
            Reason::Window
        };
    }
    let (name, direction, _) = number_of(new);
    if in_use.contains(&(name, direction, old.priority)) {
        return Reason::Clash;
    }
    if !old.name.eq_ignore_ascii_case(new.name) {
        return Reason::Name;
    }
    Reason::Unknown
}

/// Of a rule collection group.
pub(super) fn group(old: &Thing<'_>, new: &Thing<'_>, from: &Side, to: &Side) -> Option<Reason> {
    let (was, is) = (
        band(&from.bands.rcg, old.priority),
        band(&to.bands.rcg, new.priority),
    );
    let tier = was != is || band(&to.bands.rcg, old.priority) != is;
    Some(if tier {
        Reason::Tier
    } else if old.name().eq_ignore_ascii_case(&new.name()) {
        Reason::Unknown
    } else {
        Reason::Group
    })
}
