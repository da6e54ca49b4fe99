//! The terms of an endpoint: rows and columns of a matrix, ends of a picture. Which flows go between
//! them is not known here.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::{Endpoint, NamePattern};
use crate::model::service::{Traffic, default_port, word};
use crate::path::Fabric;
use crate::query::Names;

use super::data::UnitKind;

/// Names of a term that are shown before the rest is counted.
const SHOWN: usize = 2;

/// From how many IPv4 addresses on a set stands for everyone.
const MOST: u128 = 1 << 31;

/// A term with what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) label: String,
    pub(super) kind: UnitKind,
    /// All of it, in words.
    pub(super) members: Vec<String>,
    pub(super) endpoint: Endpoint,
}

/// Finds the terms of endpoints in one environment.
pub(super) struct Terms<'a> {
    fabric: &'a Fabric<'a>,
    names: Names,
    /// Declared endpoints that are names alone, the largest first.
    named: Vec<(String, Endpoint)>,
}

impl<'a> Terms<'a> {
    pub(super) fn new(fabric: &'a Fabric<'a>) -> Self {
        let asked = fabric.policy.asked.as_ref();
        let mut named: Vec<(String, Endpoint)> = asked
            .into_iter()
            .flat_map(|asked| &asked.endpoints)
            .filter(|(_, e)| e.has_names() && !e.has_addresses())
            .map(|(key, e)| (key.clone(), e.clone()))
            .collect();
        named.sort_by(|a, b| {
            let size = |e: &Endpoint| parts(e).len();
            let depth = |key: &str| key.matches("::").count();
            size(&b.1)
                .cmp(&size(&a.1))
                .then(depth(&a.0).cmp(&depth(&b.0)))
                .then(a.0.cmp(&b.0))
        });
        Self {
            fabric,
            names: Names::new(fabric, asked),
            named,
        }
    }

    /// The terms of an endpoint.
    pub(super) fn of(&self, e: &Endpoint) -> Vec<Term> {
        let mut out = Vec::new();
        let mut plain = |label: String, kind, endpoint: Endpoint| {
            out.push(Term {
                members: vec![label.clone()],
                label,
                kind,
                endpoint,
            });
        };
        if e.any {
            plain("any".to_owned(), UnitKind::Everyone, Endpoint::everything());
            return out;
        }
        if e.internet {
            let endpoint = Endpoint {
                internet: true,
                ..Endpoint::default()
            };
            plain("tag(Internet)".to_owned(), UnitKind::Everyone, endpoint);
        }
        if e.virtual_network {
            let endpoint = Endpoint {
                virtual_network: true,
                ..Endpoint::default()
            };
            let label = "tag(VirtualNetwork)".to_owned();
            plain(label, UnitKind::Tag, endpoint);
        }
        for tag in &e.tags {
            let endpoint = Endpoint {
                tags: BTreeSet::from([tag.clone()]),
                ..Endpoint::default()
            };
            plain(format!("tag({tag})"), UnitKind::Tag, endpoint);
        }
        for (key, held) in &e.ip_groups {
            let endpoint = Endpoint {
                ip_groups: BTreeMap::from([(key.clone(), held.clone())]),
                ..Endpoint::default()
            };
            plain(format!("ip-group({key})"), UnitKind::Addresses, endpoint);
        }
        for asg in &e.asgs {
            let endpoint = Endpoint {
                asgs: BTreeSet::from([asg.clone()]),
                ..Endpoint::default()
            };
            plain(format!("asg({asg})"), UnitKind::Addresses, endpoint);
        }
        out.extend(self.addresses(&e.addresses));
        out.extend(self.host_names(e));
        out
    }

    /// The labels of an endpoint's terms.
    pub(super) fn labels(&self, e: &Endpoint) -> Vec<String> {
        self.of(e).into_iter().map(|term| term.label).collect()
    }

    fn addresses(&self, set: &AddressSet) -> Vec<Term> {
        if set.is_empty() {
            return Vec::new();
        }
        let parts = self.names.parts(set).into_iter();
        parts
            .map(|(label, own)| {
                let text = label.to_string();
                let lone = text.trim_start_matches('[').trim_end_matches(']');
                let kind = if is_most(&own) {
                    UnitKind::Everyone
                } else if self.fabric.policy.subnets.contains_key(lone) {
                    UnitKind::Subnet
                } else {
                    UnitKind::Addresses
                };
                let several = label.terms.len() > SHOWN + 1 && label.except.is_empty();
                let short = match label.terms.as_slice() {
                    [first, second, rest @ ..] if several => {
                        format!("{first}, {second} and {} more", rest.len())
                    }
                    _ if text.starts_with('[') && label.except.is_empty() => lone.to_owned(),
                    _ => label.short(),
                };
                Term {
                    label: short,
                    kind,
                    members: prefixes(&own),
                    endpoint: Endpoint::of(own),
                }
            })
            .collect()
    }

    /// Names by the endpoints that hold them, then those that are in none together.
    fn host_names(&self, e: &Endpoint) -> Vec<Term> {
        let mut rest = parts(e);
        let mut out = Vec::new();
        for (key, declared) in &self.named {
            let own = parts(declared);
            if !own.is_empty() && own.is_subset(&rest) {
                rest = rest.difference(&own).cloned().collect();
                out.push(Term {
                    label: key.clone(),
                    kind: UnitKind::Names,
                    members: own.iter().map(Part::text).collect(),
                    endpoint: together(&own),
                });
            }
        }
        if rest.is_empty() {
            return out;
        }
        let members: Vec<String> = rest.iter().map(Part::text).collect();
        let label = match members.as_slice() {
            [first, second, more @ ..] if more.len() > 1 => {
                format!("{first}, {second} and {} more", more.len())
            }
            _ => members.join(", "),
        };
        out.push(Term {
            label,
            kind: UnitKind::Names,
            members,
            endpoint: together(&rest),
        });
        out
    }
}

/// One thing that is matched by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    FqdnTag(String),
    Category(String),
    Name(NamePattern),
    Url(String),
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::FqdnTag(tag) => format!("fqdn-tag({tag})"),
            Self::Category(category) => format!("category({category})"),
            Self::Name(name) => name.text.clone(),
            Self::Url(url) => format!("url({url})"),
        }
    }
}

fn parts(e: &Endpoint) -> BTreeSet<Part> {
    let mut out = BTreeSet::new();
    out.extend(e.fqdn_tags.iter().cloned().map(Part::FqdnTag));
    out.extend(e.categories.iter().cloned().map(Part::Category));
    out.extend(e.names.iter().cloned().map(Part::Name));
    out.extend(e.urls.iter().cloned().map(Part::Url));
    out
}

fn together(parts: &BTreeSet<Part>) -> Endpoint {
    let mut out = Endpoint::default();
    for part in parts {
        match part.clone() {
            Part::FqdnTag(tag) => out.fqdn_tags.insert(tag),
            Part::Category(category) => out.categories.insert(category),
            Part::Name(name) => out.names.insert(name),
            Part::Url(url) => out.urls.insert(url),
        };
    }
    out
}

/// More than a half of all addresses.
pub(super) fn is_most(set: &AddressSet) -> bool {
    set.count(Family::V4) > MOST
}

/// Every prefix of a set; single addresses without `/32`.
pub(super) fn prefixes(set: &AddressSet) -> Vec<String> {
    set.to_prefixes()
        .iter()
        .map(|one| {
            if one.prefix_len() == one.max_prefix_len() {
                one.addr().to_string()
            } else {
                one.to_string()
            }
        })
        .collect()
}

/// Protocols and ports as they are written: `https`, `tcp/80,443`, `any`.
pub(super) fn services(traffic: &Traffic) -> Vec<String> {
    let one = |(proto, ports): (_, &crate::model::service::PortSet)| {
        let usual = default_port(proto);
        let is_usual =
            usual.is_some_and(|port| *ports == crate::model::service::PortSet::one(port));
        if is_usual || ports.is_all() && usual.is_none() {
            return word(proto).to_owned();
        }
        let texts = if ports.is_all() {
            "1-65535".to_owned()
        } else {
            ports.texts().join(",")
        };
        format!("{}/{texts}", word(proto))
    };
    traffic.iter().map(one).collect()
}
