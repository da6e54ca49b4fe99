//! Answers that are remembered. Questions about a name without an address are dear, since all that it
//! may resolve to has to be looked at, and logs repeat them: whoever stands alike gets the answer that
//! was found before. It answers nothing itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::address::{AddressSet, Family, number};
use crate::model::service::PortSet;
use crate::packet::{Fact, Region, Transport};

use super::network::Network;
use super::question::{Question, Reply};

/// Answers kept at most; then it begins anew.
const MOST: usize = 50_000;

/// Which questions are alike, with their answers.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    /// Where sets of addresses begin, of each family; sources between two of them stand alike.
    cuts: [Vec<u128>; 2],
    /// Where sets of source ports begin.
    source_ports: Vec<u16>,
    replies: BTreeMap<Key, Reply>,
}

/// What an answer to a question depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    site: usize,
    source: (bool, usize),
    source_port: Option<usize>,
    port: Option<u16>,
    transport: Transport,
    name: String,
    strict: bool,
}

impl Memo {
    /// For the questions about a network.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        let mut out = Self::default();
        let firewalls = network.firewalls.iter();
        let translations = firewalls.clone().flat_map(|f| &f.does.translations);
        let filters = network.filters.iter();
        let rules = filters
            .chain(firewalls.clone().map(|f| &f.does.filter))
            .flat_map(|filter| &filter.rules);
        let regions = rules.flat_map(|rule| &rule.regions);
        let regions = regions.chain(translations.flat_map(|t| &t.regions));
        for region in regions.chain(&network.facts.impossible) {
            out.region(region);
        }
        for fact in &network.facts.facts {
            if let Fact::Within(_, set) | Fact::Outside(_, set) | Fact::Holds(_, set) = fact {
                out.addresses(set);
            }
        }
        for site in &network.sites {
            out.addresses(&site.prefix);
        }
        for set in [&network.transit, &network.outside, &network.declared] {
            out.addresses(set);
        }
        for cuts in &mut out.cuts {
            cuts.sort_unstable();
            cuts.dedup();
        }
        out.source_ports.sort_unstable();
        out.source_ports.dedup();
        out
    }

    fn region(&mut self, region: &Region) {
        self.addresses(&region.source.known);
        if let Some(within) = &region.source.within {
            self.addresses(within);
        }
        for service in &region.services {
            self.ports(&service.source_ports);
        }
    }

    fn addresses(&mut self, set: &AddressSet) {
        for (family, cuts) in [Family::V4, Family::V6].into_iter().zip(&mut self.cuts) {
            for (first, last) in set.intervals(family) {
                cuts.push(*first);
                cuts.extend(last.checked_add(1));
            }
        }
    }

    fn ports(&mut self, set: &PortSet) {
        for (first, last) in set.ranges() {
            self.source_ports.push(*first);
            self.source_ports.extend(last.checked_add(1));
        }
    }

    /// The answer to a question: one that was given before to somebody who stands alike, else what
    /// `find` says.
    pub fn reply(
        &mut self,
        network: &Network,
        question: &Question,
        strict: bool,
        find: impl FnOnce() -> Reply,
    ) -> Reply {
        let Some(key) = self.key(network, question, strict) else {
            return find();
        };
        if let Some(known) = self.replies.get(&key) {
            return known.clone();
        }
        let reply = find();
        if self.replies.len() >= MOST {
            self.replies.clear();
        }
        self.replies.insert(key, reply.clone());
        reply
    }

    /// What the answer depends on, if it is one to remember: about a name without an address, from a
    /// subnet.
    fn key(&self, network: &Network, question: &Question, strict: bool) -> Option<Key> {
        let (None, Some(name)) = (question.destination, &question.name) else {
            return None;
        };
        let source = question.source;
        let site = network.site_of(&AddressSet::range(source, source))?;
        let six = matches!(source, IpAddr::V6(_));
        let cuts = self.cuts.get(usize::from(six))?;
        let at = number(source);
        Some(Key {
            site,
            source: (six, cuts.partition_point(|cut| *cut <= at)),
            source_port: question
                .source_port
                .map(|port| self.source_ports.partition_point(|cut| *cut <= port)),
            port: question.port,
            transport: question.transport,
            name: name.clone(),
            strict,
        })
    }
}
