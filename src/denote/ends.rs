//! Both ends of a flow as pairs of address sets. It is here that `tag(VirtualNetwork)` is seen from the
//! other end; names have no addresses here.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::internet::platform;
use crate::packet::{Addresses, Symbol};
use crate::path::Fabric;

/// Subnets that see the same set as `tag(VirtualNetwork)`.
#[derive(Debug)]
struct View {
    /// What the tag stands for, seen from them.
    network: AddressSet,
    /// Their prefixes.
    subnets: AddressSet,
}

/// What the ends of all flows of a topology share.
#[derive(Debug)]
pub(super) struct Ends {
    /// `any`.
    everything: AddressSet,
    views: Vec<View>,
    /// Every declared subnet.
    subnets: AddressSet,
}

/// One end: what it is wherever one looks from, and whether the network is in it.
struct End {
    fixed: Vec<Addresses>,
    network: bool,
}

impl Ends {
    pub(super) fn new(fabric: &Fabric<'_>) -> Self {
        let mut everything = AddressSet::all();
        if !fabric.names_platform() {
            everything = everything.subtract(&platform());
        }
        let mut views: BTreeMap<AddressSet, AddressSet> = BTreeMap::new();
        let mut subnets = AddressSet::empty();
        for (key, subnet) in &fabric.policy.subnets {
            subnets = subnets.union(&subnet.prefix);
            let seen = views.entry(fabric.virtual_network(key)).or_default();
            *seen = seen.union(&subnet.prefix);
        }
        Self {
            everything,
            views: views
                .into_iter()
                .map(|(network, subnets)| View { network, subnets })
                .collect(),
            subnets,
        }
    }

    /// Every pair of a source and a destination; a union of products. Names are left out.
    pub(super) fn pairs(
        &self,
        fabric: &Fabric<'_>,
        from: &Endpoint,
        to: &Endpoint,
    ) -> Vec<(Addresses, Addresses)> {
        let (from, to) = (self.end(fabric, from), self.end(fabric, to));
        let mut out = Vec::new();
        for source in &from.fixed {
            for destination in &to.fixed {
                out.push((source.clone(), destination.clone()));
            }
        }
        if from.network {
            for fixed in &to.fixed {
                out.extend(self.networks_of(fixed));
            }
        }
        if to.network {
            for fixed in &from.fixed {
                let pairs = self.networks_of(fixed);
                out.extend(pairs.into_iter().map(|(network, fixed)| (fixed, network)));
            }
        }
        if from.network && to.network {
            out.extend(self.between_networks());
        }
        out.retain(|(source, destination)| !source.is_empty() && !destination.is_empty());
        out
    }

    /// The network as seen from each part of the other end, with that part.
    fn networks_of(&self, other: &Addresses) -> Vec<(Addresses, Addresses)> {
        let mut out = Vec::new();
        for view in &self.views {
            let part = narrow(other, &view.subnets);
            out.push((Addresses::of(view.network.clone()), part));
        }
        // Where the other end is in no subnet the network is seen from its own.
        let own = self.views.iter().fold(AddressSet::empty(), |all, view| {
            all.union(&view.network.intersect(&view.subnets))
        });
        let outside = AddressSet::all().subtract(&self.subnets);
        out.push((Addresses::of(own), narrow(other, &outside)));
        out
    }

    /// The network at both ends.
    fn between_networks(&self) -> Vec<(Addresses, Addresses)> {
        let mut out = Vec::new();
        for here in &self.views {
            for there in &self.views {
                let source = here.subnets.intersect(&there.network);
                let destination = there.subnets.intersect(&here.network);
                out.push((Addresses::of(source), Addresses::of(destination)));
            }
            let inside = Addresses::of(here.subnets.intersect(&here.network));
            let outside = Addresses::of(here.network.subtract(&self.subnets));
            out.push((inside.clone(), outside.clone()));
            out.push((outside, inside));
        }
        out
    }

    fn end(&self, fabric: &Fabric<'_>, e: &Endpoint) -> End {
        // The rest of what stands beside `any` says nothing new, save an address of the platform.
        let mut known = e.addresses.clone();
        if e.any {
            known = known.union(&self.everything);
        }
        if e.internet {
            known = known.union(&fabric.internet);
        }
        for tag in &e.tags {
            known = known.union(&fabric.tag(tag));
        }
        let mut symbols = BTreeSet::new();
        for (name, content) in &e.ip_groups {
            match content {
                Some(content) => known = known.union(content),
                None if e.any => {}
                None => {
                    symbols.insert(Symbol {
                        kind: "ip group",
                        name: group_name(fabric, name).to_owned(),
                    });
                }
            }
        }
        let mut fixed = vec![Addresses {
            known,
            symbols,
            within: None,
        }];
        if !e.any && !e.asgs.is_empty() {
            let symbol = |name: &String| Symbol {
                kind: "asg",
                name: name.clone(),
            };
            // Its members are network interfaces, so they are in some subnet.
            fixed.push(Addresses {
                known: AddressSet::empty(),
                symbols: e.asgs.iter().map(symbol).collect(),
                within: Some(self.subnets.clone()),
            });
        }
        fixed.retain(|part| !part.is_empty());
        End {
            fixed,
            network: e.virtual_network && !e.any,
        }
    }
}

/// The Azure name of an IP group.
pub(super) fn group_name<'a>(fabric: &'a Fabric<'_>, key: &'a str) -> &'a str {
    fabric
        .policy
        .ip_groups
        .get(key)
        .map_or(key, |group| group.identity.name.as_str())
}

/// The part of an end that lies in a set.
fn narrow(end: &Addresses, set: &AddressSet) -> Addresses {
    let within = match &end.within {
        _ if end.symbols.is_empty() => None,
        Some(within) => Some(within.intersect(set)),
        None => Some(set.clone()),
    };
    let nowhere = within.as_ref().is_some_and(AddressSet::is_empty);
    Addresses {
        known: end.known.intersect(set),
        symbols: if nowhere {
            BTreeSet::new()
        } else {
            end.symbols.clone()
        },
        within,
    }
}
