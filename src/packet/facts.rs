//! What is known of things whose members nobody told. Who says so, and why, is not known here.

use std::collections::BTreeSet;

use crate::model::address::AddressSet;

use super::builder::Fact;
use super::region::{Names, Region, Symbol, pattern_holds};

/// Facts, as far as one policy states them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// About members.
    pub facts: Vec<Fact>,
    /// No packet to these addresses shows a name of the symbol.
    pub unseen: Vec<(Symbol, AddressSet)>,
    /// Packets that there are none of.
    pub impossible: Vec<Region>,
}

impl Facts {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.unseen.is_empty() && self.impossible.is_empty()
    }

    /// Whether a symbol can hold a name.
    #[must_use]
    pub fn may_show(&self, symbol: &Symbol, name: &str) -> bool {
        let matched = |patterns: &BTreeSet<String>| patterns.iter().any(|p| pattern_holds(p, name));
        !self.facts.iter().any(|fact| match fact {
            Fact::NamesOutside(of, patterns) => of == symbol && matched(patterns),
            Fact::NamesWithin(of, patterns) => of == symbol && !matched(patterns),
            _ => false,
        })
    }

    /// Whether a symbol surely holds a name.
    #[must_use]
    pub fn shows(&self, symbol: &Symbol, name: &str) -> bool {
        self.facts.iter().any(|fact| match fact {
            Fact::NamesHold(of, patterns) => {
                of == symbol && patterns.iter().any(|p| pattern_holds(p, name))
            }
            _ => false,
        })
    }

    /// Whether a symbol surely holds all of some addresses.
    #[must_use]
    pub fn holds(&self, symbol: &Symbol, addresses: &AddressSet) -> bool {
        self.facts.iter().any(|fact| match fact {
            Fact::Holds(of, set) => of == symbol && addresses.is_subset(set),
            _ => false,
        })
    }

    /// Whether a symbol can hold one of some addresses.
    #[must_use]
    pub fn may_hold(&self, symbol: &Symbol, addresses: &AddressSet) -> bool {
        !self.facts.iter().any(|fact| match fact {
            Fact::Outside(of, set) => of == symbol && addresses.is_subset(set),
            Fact::Within(of, set) => of == symbol && !addresses.meets(set),
            _ => false,
        })
    }

    /// A region without the packets to addresses at which a symbol's names are never shown.
    #[must_use]
    pub fn narrowed(&self, region: Region) -> Vec<Region> {
        let Names::Some { patterns, symbols } = &region.names else {
            return vec![region];
        };
        let (split, kept): (Vec<&Symbol>, Vec<&Symbol>) = symbols
            .iter()
            .partition(|s| self.unseen.iter().any(|(of, _)| of == *s));
        if split.is_empty() {
            return vec![region];
        }
        let mut out = Vec::new();
        if !patterns.is_empty() || !kept.is_empty() {
            out.push(Region {
                names: Names::Some {
                    patterns: patterns.clone(),
                    symbols: kept.into_iter().cloned().collect(),
                },
                ..region.clone()
            });
        }
        for symbol in split {
            let mut part = region.clone();
            for (_, set) in self.unseen.iter().filter(|(of, _)| of == symbol) {
                part.destination.known = part.destination.known.subtract(set);
            }
            part.names = Names::Some {
                patterns: BTreeSet::new(),
                symbols: BTreeSet::from([symbol.clone()]),
            };
            out.push(part);
        }
        out
    }
}
