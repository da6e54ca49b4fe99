//! What layers and ways are to each other: numbers that are equal where packets meet the same. It compares no
//! two networks.

use std::collections::HashMap;

use crate::packet::{Filter, Region, Rule, Verdict};
use crate::reach::passage::met;
use crate::reach::{End, Firewall, Network, Pass, Way};

/// Numbers for contents: two with one number are equal.
#[derive(Debug, Default)]
pub(super) struct Contents<'n> {
    rules: HashMap<(Verdict, bool, &'n [Region]), usize>,
    lists: HashMap<(String, Vec<usize>), usize>,
}

impl<'n> Contents<'n> {
    pub(super) fn rule(&mut self, rule: &'n Rule) -> usize {
        let next = self.rules.len();
        let key = (rule.verdict, rule.replaces_source, rule.regions.as_slice());
        *self.rules.entry(key).or_insert(next)
    }

    pub(super) fn list(&mut self, filter: &'n Filter, beside: String) -> Content {
        let rules: Vec<usize> = filter.rules.iter().map(|rule| self.rule(rule)).collect();
        let next = self.lists.len();
        let key = (beside.clone(), rules.clone());
        let number = *self.lists.entry(key).or_insert(next);
        Content {
            number,
            rules,
            beside,
        }
    }
}

/// What a layer does, as numbers.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) number: usize,
    pub(super) rules: Vec<usize>,
    pub(super) beside: String,
}

/// The contents of the layers of a network, by their indices there.
pub(super) struct Layers {
    pub(super) filters: Vec<Content>,
    pub(super) firewalls: Vec<Content>,
}

impl Layers {
    pub(super) fn new<'n>(contents: &mut Contents<'n>, network: &'n Network) -> Self {
        let filters = network.filters.iter();
        let filters = filters.map(|f| contents.list(f, String::new())).collect();
        let firewalls = network.firewalls.iter();
        let firewalls = firewalls
            .map(|f| contents.list(&f.does.filter, beside(f)))
            .collect();
        Self { filters, firewalls }
    }

    pub(super) fn of(&self, pass: Pass) -> Option<&Content> {
        match pass {
            Pass::Out(at) | Pass::In(at) => self.filters.get(at),
            Pass::Firewall(at) => self.firewalls.get(at),
        }
    }

    /// What the packets of a way meet.
    pub(super) fn signature(&self, way: &Way) -> Signature {
        let passes: Vec<Pass> = met(way);
        Signature {
            end: way.end,
            passes: passes
                .into_iter()
                .map(|pass| {
                    let word = match pass {
                        Pass::Out(_) => 'o',
                        Pass::Firewall(_) => 'f',
                        Pass::In(_) => 'i',
                    };
                    (word, self.of(pass).map_or(usize::MAX, |c| c.number), pass)
                })
                .collect(),
        }
    }
}

/// What beside its rules decides what becomes of a packet at a firewall and behind it.
pub(super) fn beside(firewall: &Firewall) -> String {
    format!("{:?} {:?}", firewall.does.unknown_parent, firewall.own())
}

/// What is met on a way: kinds with the numbers of their contents.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    end: End,
    pub(super) passes: Vec<Met>,
}

/// A layer on a way: its kind, the number of its content, itself.
pub(super) type Met = (char, usize, Pass);

impl Signature {
    pub(super) fn same(&self, other: &Self) -> bool {
        self.pairs(other, |a, b| (a.0, a.1) == (b.0, b.1))
    }

    /// Whether only contents differ.
    pub(super) fn aligned(&self, other: &Self) -> bool {
        self.pairs(other, |a, b| a.0 == b.0)
    }

    /// Whether the ways end alike, and what is met on them is alike one by one.
    pub(super) fn pairs(&self, other: &Self, alike: impl Fn(&Met, &Met) -> bool) -> bool {
        self.end == other.end
            && self.passes.len() == other.passes.len()
            && self
                .passes
                .iter()
                .zip(&other.passes)
                .all(|(a, b)| alike(a, b))
    }
}
