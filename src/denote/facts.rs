//! The assumptions of a policy as facts about things whose members nobody told. Each end of an
//! assumption is taken apart: addresses, patterns of names, symbols.

use std::collections::BTreeSet;

use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::packet::{Addresses, Fact, Facts, Names, Region, Symbol};
use crate::path::Fabric;

use super::ends::group_name;

/// One end of an assumption.
struct Side {
    /// Symbols for names.
    shown: Vec<Symbol>,
    /// Symbols for addresses.
    held: Vec<Symbol>,
    patterns: BTreeSet<String>,
    addresses: AddressSet,
}

/// What a policy assumes.
#[must_use]
pub fn facts(fabric: &Fabric<'_>) -> Facts {
    let mut out = Facts::default();
    for assumption in &fabric.policy.apart {
        let sides = [
            side(fabric, &assumption.left),
            side(fabric, &assumption.right),
        ];
        let [left, right] = &sides;
        for (a, b) in [(left, right), (right, left)] {
            for symbol in &a.shown {
                if !b.patterns.is_empty() {
                    out.facts
                        .push(Fact::NamesOutside(symbol.clone(), b.patterns.clone()));
                }
                if !b.addresses.is_empty() {
                    out.unseen.push((symbol.clone(), b.addresses.clone()));
                }
            }
            if !a.patterns.is_empty() && !b.addresses.is_empty() {
                out.impossible.push(Region {
                    destination: Addresses::of(b.addresses.clone()),
                    names: Names::patterns(a.patterns.iter().cloned()),
                    ..Region::everything()
                });
            }
            for symbol in &a.held {
                if !b.addresses.is_empty() {
                    out.facts
                        .push(Fact::Outside(symbol.clone(), b.addresses.clone()));
                }
            }
        }
        for (a, b) in [(&left.shown, &right.shown), (&left.held, &right.held)] {
            for one in a {
                for other in b.iter().filter(|other| *other != one) {
                    out.facts.push(Fact::Apart(one.clone(), other.clone()));
                }
            }
        }
    }
    for assumption in &fabric.policy.inside {
        let inner = side(fabric, &assumption.left);
        let outer = side(fabric, &assumption.right);
        // An end of several kinds says nothing of one kind alone.
        for symbol in &inner.shown {
            if outer.shown.is_empty() {
                out.facts
                    .push(Fact::NamesWithin(symbol.clone(), outer.patterns.clone()));
            } else if let ([one], true) = (outer.shown.as_slice(), outer.patterns.is_empty()) {
                out.facts.push(Fact::Inside(symbol.clone(), one.clone()));
            }
        }
        for symbol in &inner.held {
            if outer.held.is_empty() {
                out.facts
                    .push(Fact::Within(symbol.clone(), outer.addresses.clone()));
            } else if let ([one], true) = (outer.held.as_slice(), outer.addresses.is_empty()) {
                out.facts.push(Fact::Inside(symbol.clone(), one.clone()));
            }
        }
        if let ([one], true) = (outer.shown.as_slice(), outer.patterns.is_empty())
            && !inner.patterns.is_empty()
        {
            out.facts
                .push(Fact::NamesHold(one.clone(), inner.patterns.clone()));
        }
        if let ([one], true) = (outer.held.as_slice(), outer.addresses.is_empty())
            && !inner.addresses.is_empty()
        {
            out.facts
                .push(Fact::Holds(one.clone(), inner.addresses.clone()));
        }
    }
    out
}

fn side(fabric: &Fabric<'_>, end: &Endpoint) -> Side {
    let symbol = |kind: &'static str, name: &str| Symbol {
        kind,
        name: name.to_owned(),
    };
    let mut shown: Vec<Symbol> = Vec::new();
    shown.extend(end.fqdn_tags.iter().map(|n| symbol("fqdn tag", n)));
    shown.extend(end.categories.iter().map(|n| symbol("category", n)));
    shown.extend(end.urls.iter().map(|n| symbol("url", n)));
    let mut held: Vec<Symbol> = Vec::new();
    held.extend(end.asgs.iter().map(|n| symbol("asg", n)));
    let unknown = end.ip_groups.iter().filter(|(_, set)| set.is_none());
    held.extend(unknown.map(|(key, _)| symbol("ip group", group_name(fabric, key))));
    // Without its symbols the end is what is known of it.
    let known = Endpoint {
        ip_groups: end
            .ip_groups
            .iter()
            .filter(|(_, set)| set.is_some())
            .map(|(key, set)| (key.clone(), set.clone()))
            .collect(),
        asgs: BTreeSet::new(),
        names: BTreeSet::new(),
        ..end.clone()
    };
    Side {
        shown,
        held,
        patterns: end.names.iter().map(|n| n.text.clone()).collect(),
        addresses: fabric.addresses(&known, None),
    }
}
