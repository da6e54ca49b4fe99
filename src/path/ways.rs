//! The ways a flow takes: for every pair of parts, which subnets' security groups and which
//! firewall lie on it.

use std::collections::BTreeMap;

use crate::model::address::{AddressSet, Family};
use crate::model::internet::{platform, private, unique_local};
use crate::model::{Flow, Key, Layer};

use super::{Fabric, HopClass};

/// How a packet comes to the destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// From a declared subnet, by its routes.
    Subnet,
    /// From the internet, straight to the destination's subnet.
    Internet,
    /// From an undeclared private source, by the hop that the reply takes.
    Reply,
    /// From the undeclared rest of a virtual network that names its firewall.
    Vnet,
    /// From on-premises, by the routes of the declared `GatewaySubnet`.
    Gateway,
    /// From the platform.
    Platform,
    /// Neither end is in a declared subnet.
    Outside,
}

/// One way of a flow.
#[derive(Clone, Debug)]
pub struct Way {
    /// Source subnet.
    pub out_of: Option<Key>,
    /// Firewall on the way.
    pub firewall: Option<Key>,
    /// Destination subnet.
    pub into: Option<Key>,
    /// Sources that take it.
    pub from: AddressSet,
    /// Destinations it leads to; empty if it is for names.
    pub to: AddressSet,
    /// It is for names with free addresses.
    pub names: bool,
    /// Next hop at the source.
    pub hop: HopClass,
    /// How it enters.
    pub entry: Entry,
    /// `tag(VirtualNetwork)`, seen from some subnet there, leaves out sources that come this way:
    /// `any` as the other end is then less than everything.
    pub partial: bool,
}

/// Two ends outside all subnets and several firewalls: the flow must say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undetermined;

/// What of a set can talk to the other end: IPv4 to IPv4, IPv6 to IPv6.
fn like_families(set: &AddressSet, end: &AddressSet) -> AddressSet {
    [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| !end.only(*family).is_empty())
        .fold(AddressSet::empty(), |all, family| {
            all.union(&set.only(family))
        })
}

impl Fabric<'_> {
    /// All ways of a flow.
    ///
    /// # Errors
    /// `Undetermined` if it may cross any of several firewalls.
    pub fn ways(&self, flow: &Flow) -> Result<Vec<Way>, Undetermined> {
        let mut out = Vec::new();
        for (key, subnet) in self.end_subnets() {
            let from = self
                .addresses(&flow.from, Some(key))
                .intersect(&subnet.prefix);
            if !from.is_empty() {
                self.leave_subnet(flow, key, &from, &mut out);
            }
        }
        for (key, subnet) in self.end_subnets() {
            let to = self
                .addresses(&flow.to, Some(key))
                .intersect(&subnet.prefix);
            if !to.is_empty() {
                self.enter_subnet(flow, key, &to, &mut out);
            }
        }
        self.outside(flow, &mut out)?;
        if flow.from.is_only_asgs() && flow.to.is_only_asgs() {
            // "Application security groups": both groups of a rule are in one virtual network
            // (checked 2026-11-23).
            out.retain(|way| match (&way.out_of, &way.into) {
                (Some(a), Some(b)) => self.vnet_of(a) == self.vnet_of(b),
                _ => false,
            });
        }
        Ok(out)
    }

    fn leave_subnet(&self, flow: &Flow, key: &Key, from: &AddressSet, out: &mut Vec<Way>) {
        let Some(map) = self.hops.get(key) else {
            return;
        };
        let way =
            |hop: &HopClass, from: &AddressSet, to: AddressSet, into: Option<Key>, names: bool| {
                Way {
                    out_of: Some(key.clone()),
                    firewall: match hop {
                        HopClass::Firewall(f) => Some(f.clone()),
                        _ => None,
                    },
                    into,
                    from: from.clone(),
                    to,
                    names,
                    hop: hop.clone(),
                    entry: Entry::Subnet,
                    partial: false,
                }
            };
        let to = like_families(&self.addresses(&flow.to, Some(key)), from);
        for (hop, part) in map.split(&to) {
            if hop == HopClass::None {
                continue;
            }
            let reaches_subnets = matches!(
                hop,
                HopClass::Local | HopClass::Peer | HopClass::Firewall(_)
            );
            let mut rest = part.clone();
            let mut partial = false;
            let before = out.len();
            if reaches_subnets {
                for (other, subnet) in self.end_subnets() {
                    let inside = part.intersect(&subnet.prefix);
                    if !inside.is_empty() {
                        rest = rest.subtract(&inside);
                        // `tag(VirtualNetwork)` is seen from the other end.
                        let prefix = self.policy.subnets.get(key).map(|s| &s.prefix);
                        let own_view = from;
                        let from = if flow.from.virtual_network {
                            self.addresses(&flow.from, Some(other))
                                .intersect(prefix.unwrap_or(from))
                        } else {
                            from.clone()
                        };
                        partial |= from != *own_view;
                        partial |= flow.to.virtual_network && self.unseen_from(flow, &inside);
                        if !from.is_empty() {
                            out.push(way(&hop, &from, inside, Some(other.clone()), false));
                        }
                    }
                }
            }
            if !rest.is_empty() {
                out.push(way(&hop, from, rest, None, false));
            }
            for way in out.iter_mut().skip(before) {
                way.partial = partial;
            }
        }
        if Self::has_free_names(&flow.to) {
            let hops = [Family::V4, Family::V6].map(|family| map.default_of(family));
            let mut by_hop: BTreeMap<&HopClass, AddressSet> = BTreeMap::new();
            for (hop, family) in hops.iter().zip([Family::V4, Family::V6]) {
                let part = from.only(family);
                if *hop != HopClass::None && !part.is_empty() {
                    let sources = by_hop.entry(hop).or_default();
                    *sources = sources.union(&part);
                }
            }
            for (hop, sources) in by_hop {
                out.push(way(hop, &sources, AddressSet::empty(), None, true));
            }
        }
    }

    fn enter_subnet(&self, flow: &Flow, key: &Key, to: &AddressSet, out: &mut Vec<Way>) {
        let from =
            like_families(&self.addresses(&flow.from, Some(key)), to).subtract(&self.all_subnets);
        if from.is_empty() {
            return;
        }
        let mut push = |from: AddressSet,
                        to: &AddressSet,
                        firewall: Option<Key>,
                        hop: HopClass,
                        entry: Entry| {
            if !from.is_empty() {
                out.push(Way {
                    out_of: None,
                    firewall,
                    into: Some(key.clone()),
                    from,
                    to: to.clone(),
                    names: false,
                    hop,
                    entry,
                    partial: false,
                });
            }
        };
        let host = from.intersect(&platform());
        push(host.clone(), to, None, HopClass::Platform, Entry::Platform);
        let declared = self.virtual_network(key);
        // Special-use ranges that somebody writes down are outside as well, as they are outbound.
        let open = from
            .subtract(&host)
            .subtract(&private())
            .subtract(&unique_local())
            .subtract(&declared);
        let mut near = from.subtract(&host).subtract(&open);
        push(open, to, None, HopClass::Internet, Entry::Internet);
        for (gateway, on_premises) in self.gateways() {
            let part = near.intersect(on_premises);
            let Some(map) = self.hops.get(gateway).filter(|_| !part.is_empty()) else {
                continue;
            };
            near = near.subtract(&part);
            for (hop, reached) in map.split(to) {
                match &hop {
                    HopClass::Firewall(f) => {
                        let f = Some(f.clone());
                        push(part.clone(), &reached, f, hop, Entry::Gateway);
                    }
                    HopClass::Local => {
                        // The network's own hop finds nobody outside its space.
                        let reached = reached.intersect(&self.space_of(gateway));
                        if !reached.is_empty() {
                            push(part.clone(), &reached, None, hop, Entry::Gateway);
                        }
                    }
                    HopClass::Peer => {
                        push(part.clone(), &reached, None, hop, Entry::Gateway);
                    }
                    _ => {}
                }
            }
        }
        for (_, firewall, space) in self.firewalled(Some(key)) {
            let part = near.intersect(space);
            near = near.subtract(&part);
            let hop = HopClass::Firewall(firewall.clone());
            push(part, to, Some(firewall.clone()), hop, Entry::Vnet);
        }
        let Some(map) = self.hops.get(key) else {
            return;
        };
        for (hop, part) in map.split(&near) {
            match &hop {
                HopClass::None | HopClass::Internet => {}
                HopClass::Firewall(f) => {
                    let f = f.clone();
                    push(part, to, Some(f), hop, Entry::Reply);
                }
                _ => push(part, to, None, hop, Entry::Reply),
            }
        }
    }

    /// Every declared `GatewaySubnet`, with the on-premises prefixes behind it.
    pub fn gateways(&self) -> impl Iterator<Item = (&Key, &AddressSet)> {
        self.policy
            .subnets
            .iter()
            .filter(|(_, s)| s.is_gateway())
            .filter_map(|(key, _)| {
                let vnet = self.policy.vnets.get(self.vnet_of(key)?)?;
                Some((key, &vnet.on_premises))
            })
    }

    /// Whether `tag(VirtualNetwork)` as the destination leaves out a part of a subnet for some subnet
    /// that the flow comes from.
    fn unseen_from(&self, flow: &Flow, inside: &AddressSet) -> bool {
        self.end_subnets().any(|(key, subnet)| {
            self.addresses(&flow.from, Some(key)).meets(&subnet.prefix)
                && !inside.is_subset(&self.virtual_network(key))
        })
    }

    /// The virtual networks that name their firewall, with it and their space; not the network of
    /// the subnet `of`, inside which Azure routes directly.
    pub fn firewalled(&self, of: Option<&str>) -> impl Iterator<Item = (&Key, &Key, &AddressSet)> {
        let own = of.and_then(|subnet| self.vnet_of(subnet));
        self.policy
            .vnets
            .iter()
            .filter(move |(key, _)| Some(*key) != own)
            .filter_map(|(key, vnet)| Some((key, vnet.firewall.as_ref()?, &vnet.space)))
    }

    /// The firewalls between two ends outside all subnets, each with the part of either end: that of
    /// the source's network, that of the destination's, and for the rest the only one there is.
    fn between(
        &self,
        firewalls: &[&Key],
        from: &AddressSet,
        to: &AddressSet,
        names: bool,
    ) -> Result<Vec<(Key, AddressSet, AddressSet, bool)>, Undetermined> {
        let mut out = Vec::new();
        let (mut rest_from, mut rest_to) = (from.clone(), to.clone());
        for (_, firewall, space) in self.firewalled(None) {
            let part = from.intersect(space);
            rest_from = rest_from.subtract(&part);
            if !part.is_empty() {
                out.push((firewall.clone(), part, to.clone(), names));
            }
            let part = to.intersect(space);
            rest_to = rest_to.subtract(&part);
            if !part.is_empty() {
                out.push((firewall.clone(), from.clone(), part, false));
            }
        }
        let open = !rest_from.is_empty() && (!rest_to.is_empty() || names);
        match firewalls {
            _ if !open => Ok(out),
            [one] => {
                out.push(((*one).clone(), rest_from, rest_to, names));
                Ok(out)
            }
            _ => Err(Undetermined),
        }
    }

    fn outside(&self, flow: &Flow, out: &mut Vec<Way>) -> Result<(), Undetermined> {
        if self.policy.firewalls.is_empty() {
            return Ok(());
        }
        let host = platform();
        let from = self
            .addresses(&flow.from, None)
            .subtract(&self.all_subnets)
            .subtract(&host);
        let to = self
            .addresses(&flow.to, None)
            .subtract(&self.all_subnets)
            .subtract(&host);
        let names = Self::has_free_names(&flow.to);
        if from.is_empty() || (to.is_empty() && !names) {
            return Ok(());
        }
        let mut firewalls: Vec<&Key> = match &flow.at {
            Some(layers) if !layers.contains(&Layer::AnyFirewall) => layers
                .iter()
                .filter_map(|l| match l {
                    Layer::Firewall(key) => Some(key),
                    _ => None,
                })
                .collect(),
            _ => self.policy.firewalls.keys().collect(),
        };
        firewalls.sort();
        firewalls.dedup();
        let chosen = flow.at.as_ref().is_some_and(|l| {
            l.iter()
                .any(|l| matches!(l, Layer::Firewall(_) | Layer::AnyFirewall))
        });
        let parts = if firewalls.len() > 1 && !chosen {
            self.between(&firewalls, &from, &to, names)?
        } else {
            firewalls
                .into_iter()
                .map(|f| (f.clone(), from.clone(), to.clone(), names))
                .collect()
        };
        for (firewall, from, to, names) in parts {
            let way = |to: AddressSet, names: bool| Way {
                out_of: None,
                firewall: Some(firewall.clone()),
                into: None,
                from: from.clone(),
                to,
                names,
                hop: HopClass::Firewall(firewall.clone()),
                entry: Entry::Outside,
                partial: false,
            };
            if !to.is_empty() {
                out.push(way(to.clone(), false));
            }
            if names {
                out.push(way(AddressSet::empty(), true));
            }
        }
        Ok(())
    }
}
