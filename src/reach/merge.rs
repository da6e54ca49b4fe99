//! Rules of a list that could be one: of one action, and different in one thing only. Whether they decide
//! anything is judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::packet::near::{Hull, Index};
use crate::packet::{Dimension, Filter, Region, Rule, Service};

/// Two rules that could be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The earlier one, by number: the other could be a part of it.
    pub first: usize,
    /// The later one.
    pub second: usize,
    /// What differs.
    pub differs: Dimension,
}

/// An end of a rule, by the rule's name, that stands alone in its field, as a tag does in a security
/// group: no list of ends takes it.
pub type Single = (String, Dimension);

/// For every rule that could be one with an earlier one the first such. A rule only moves past rules
/// that it does not meet, or that do the same.
#[must_use]
pub fn mergeable(filter: &Filter, single: &BTreeSet<Single>) -> Vec<Pair> {
    let rules = &filter.rules;
    let hulls = rules.iter().map(|rule| Hull::around(&rule.regions));
    let index = Index::new(hulls.collect());
    let mut known: BTreeMap<(Dimension, String), usize> = BTreeMap::new();
    let mut out = Vec::new();
    for (second, rule) in rules.iter().enumerate() {
        let [region] = rule.regions.as_slice() else {
            continue;
        };
        if rule.built_in {
            continue;
        }
        let mut found: Option<Pair> = None;
        for differs in DIMENSIONS {
            if single.contains(&(rule.path.clone(), differs)) {
                continue;
            }
            let key = (differs, without(rule, region, differs));
            match known.get(&key).copied() {
                None => drop(known.insert(key, second)),
                Some(first) => {
                    let between = index.near(second, |other| other > first && other < second);
                    let free = between.into_iter().all(|other| {
                        rules.get(other).is_none_or(|o| {
                            o.verdict == rule.verdict && o.replaces_source == rule.replaces_source
                        })
                    });
                    let same = rules.get(first).is_some_and(|f| f.regions == rule.regions);
                    if free && !same {
                        found = found.or(Some(Pair {
                            first,
                            second,
                            differs,
                        }));
                    }
                }
            }
        }
        out.extend(found);
    }
    out
}

const DIMENSIONS: [Dimension; 4] = [
    Dimension::Port,
    Dimension::Source,
    Dimension::Destination,
    Dimension::Name,
];

/// All that a rule says beside one thing.
fn without(rule: &Rule, region: &Region, differs: Dimension) -> String {
    let services: Vec<String> = region
        .services
        .iter()
        .map(|service| {
            let Service {
                transports,
                ports,
                source_ports,
            } = service;
            match differs {
                Dimension::Port => format!("{transports:?} {source_ports:?}"),
                _ => format!("{transports:?} {ports:?} {source_ports:?}"),
            }
        })
        .collect();
    // Several services are several pairs of protocol and port: the ports of one are not the others'.
    let several = (region.services.len() > 1 && differs == Dimension::Port).then_some(region);
    let part = |dimension: Dimension, text: String| {
        if dimension == differs {
            String::new()
        } else {
            text
        }
    };
    format!(
        "{:?} {} {services:?} {several:?} {} {} {}",
        rule.verdict,
        rule.replaces_source,
        part(Dimension::Source, format!("{:?}", region.source)),
        part(Dimension::Destination, format!("{:?}", region.destination)),
        part(Dimension::Name, format!("{:?}", region.names)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::AddressSet;
    use crate::model::service::PortSet;
    use crate::packet::{Addresses, Names, Transports, Verdict};

    fn rule(verdict: Verdict, path: &str, source: &str, port: u16) -> Rule {
        Rule {
            path: path.to_owned(),
            resource: String::new(),
            priority: 0,
            verdict,
            replaces_source: false,
            built_in: false,
            regions: vec![Region {
                source: Addresses::of(AddressSet::prefix(source.parse().unwrap())),
                destination: Addresses::any(),
                services: vec![Service::to(Transports::TCP, PortSet::one(port))],
                names: Names::Any,
            }],
        }
    }

    fn told(rules: Vec<Rule>, single: &[&str]) -> Vec<(usize, usize, Dimension)> {
        let single = single.iter().map(|s| ((*s).to_owned(), Dimension::Source));
        let single = single.collect();
        let found = mergeable(&Filter { rules }, &single);
        let pairs = found.into_iter().map(|p| (p.first, p.second, p.differs));
        pairs.collect()
    }

    #[test]
    fn rules_that_differ_in_one_thing_could_be_one() {
        use Verdict::{Allow, Deny};
        let found = told(
            vec![
                rule(Allow, "a", "10.0.0.0/24", 80),
                rule(Allow, "b", "10.0.0.0/24", 443),
                rule(Allow, "c", "10.9.0.0/24", 80),
                rule(Deny, "d", "10.0.0.0/24", 22),
                rule(Allow, "e", "10.8.0.0/24", 25),
            ],
            &[],
        );
        let expected = [(0, 1, Dimension::Port), (0, 2, Dimension::Source)];
        assert_eq!(found, expected);
        let same = || rule(Allow, "a", "10.0.0.0/24", 80);
        assert!(told(vec![same(), same()], &[]).is_empty());
    }

    #[test]
    fn nothing_moves_past_a_rule_that_decides_otherwise() {
        use Verdict::{Allow, Deny};
        let list = |between: &str| {
            vec![
                rule(Allow, "a", "10.0.0.0/24", 80),
                rule(Deny, "d", between, 80),
                rule(Allow, "c", "10.9.0.0/24", 80),
            ]
        };
        assert!(told(list("10.9.0.0/16"), &[]).is_empty());
        assert_eq!(told(list("10.7.0.0/16"), &[]).len(), 1);
        assert!(told(list("10.7.0.0/16"), &["c"]).is_empty());
    }
}
