//! The next hop of every address, seen from one subnet: longest prefix first, then Azure's order
//! among equal prefixes. It is a partition of the IPv4 line.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::address::{AddressSet, Family, number};
use crate::model::internet::{platform, private};
use crate::model::{Hop, Key};

use super::Fabric;
use super::routes::Target;

/// Where a packet goes next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HopClass {
    /// Inside the subnet's own virtual network.
    Local,
    /// A peered virtual network.
    Peer,
    /// The gateway, to on-premises.
    Gateway,
    /// The internet.
    Internet,
    /// A service endpoint.
    ServiceEndpoint,
    /// A firewall.
    Firewall(Key),
    /// An appliance that is no declared firewall.
    Appliance(IpAddr),
    /// The platform itself, whatever the routes.
    Platform,
    /// Dropped.
    None,
}

/// Which route decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteCause {
    /// A user route, by its place in the list.
    User(usize),
    /// A route learnt by the gateway.
    Bgp,
    /// A route of Azure's own, in a word: `virtual network`, `peering`, `service endpoint`,
    /// `private range`, `default`, `platform`, `firewall`.
    System(&'static str),
}

/// What the routes of a subnet are made of beside its table.
#[derive(Clone, Debug, Default)]
pub struct Surround {
    /// The virtual network's address space.
    pub space: AddressSet,
    /// The peered networks' address spaces, one each.
    pub peers: Vec<AddressSet>,
    /// What the gateway learns, apart where one prefix lies in another.
    pub on_premises: Vec<AddressSet>,
    /// Service tags of the service endpoints.
    pub service_endpoints: Vec<String>,
    /// Declared firewalls by address: each is itself reached as an address, not through itself.
    pub firewalls: BTreeMap<IpAddr, Key>,
}

/// First and last address, and where they go.
#[derive(Clone, Debug)]
struct Segment {
    first: u128,
    last: u128,
    class: HopClass,
    cause: RouteCause,
}

/// The next hops of one subnet.
#[derive(Clone, Debug, Default)]
pub struct HopMap {
    /// Disjoint ascending segments of the IPv4 line.
    segments: Vec<Segment>,
    /// The same of the IPv6 line.
    segments_v6: Vec<Segment>,
    default: Option<HopClass>,
    default_v6: Option<HopClass>,
}

impl HopMap {
    /// The parts of a set by next hop.
    #[must_use]
    pub fn split(&self, set: &AddressSet) -> Vec<(HopClass, AddressSet)> {
        let mut out = split_line(&self.segments, set, Family::V4);
        out.extend(split_line(&self.segments_v6, set, Family::V6));
        out
    }

    /// The next hop of an address and the route behind it; dropped where there is no route.
    #[must_use]
    pub fn decide(&self, address: IpAddr) -> (HopClass, RouteCause) {
        let segments = match address {
            IpAddr::V4(_) => &self.segments,
            IpAddr::V6(_) => &self.segments_v6,
        };
        let at = number(address);
        let after = segments.partition_point(|segment| segment.first <= at);
        after
            .checked_sub(1)
            .and_then(|place| segments.get(place))
            .filter(|segment| segment.last >= at)
            .map_or((HopClass::None, RouteCause::System("no route")), |found| {
                (found.class.clone(), found.cause)
            })
    }

    /// The next hop of 0.0.0.0/0.
    #[must_use]
    pub fn default_hop(&self) -> HopClass {
        self.default.clone().unwrap_or(HopClass::Internet)
    }

    /// The next hop of the family's shortest route, which names with free addresses take.
    #[must_use]
    pub fn default_of(&self, family: Family) -> HopClass {
        match family {
            Family::V4 => self.default_hop(),
            Family::V6 => self.default_v6.clone().unwrap_or(HopClass::Internet),
        }
    }
}

fn split_line(
    segments: &[Segment],
    set: &AddressSet,
    family: Family,
) -> Vec<(HopClass, AddressSet)> {
    let mut parts: BTreeMap<&HopClass, Vec<(u128, u128)>> = BTreeMap::new();
    let wanted = set.intervals(family);
    let mut rest = wanted.iter().peekable();
    for Segment {
        first, last, class, ..
    } in segments
    {
        while rest.peek().is_some_and(|(_, end)| end < first) {
            rest.next();
        }
        let mut look = rest.clone();
        while let Some((from, to)) = look.peek() {
            if from > last {
                break;
            }
            parts
                .entry(class)
                .or_default()
                .push(((*from).max(*first), (*to).min(*last)));
            look.next();
        }
    }
    parts
        .into_iter()
        .map(|(class, list)| (class.clone(), AddressSet::from_intervals(family, list)))
        .collect()
}

/// How a route ranks among those with one prefix; lower wins.
///
/// Source: "Virtual network traffic routing", how Azure selects a route (Microsoft Learn, checked
/// 2026-11-23): user before BGP before system; among user routes the explicit prefix before a
/// service tag, regional before top-level before AzureCloud.REGION before AzureCloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Platform,
    UserPrefix,
    UserRegionalTag,
    UserTag,
    UserCloudRegion,
    UserCloud,
    Bgp,
    /// Of the virtual network, its peerings and its service endpoints: preferred to BGP's even where
    /// those are longer (same page).
    Bound,
    System,
}

#[derive(Clone, Debug)]
struct Candidate {
    family: Family,
    first: u128,
    last: u128,
    length: u8,
    rank: Rank,
    class: HopClass,
    cause: RouteCause,
}

/// What the routes of a subnet of the policy are made of beside its table.
pub(super) fn surround(fabric: &Fabric<'_>, key: &str) -> Surround {
    let subnet = fabric.policy.subnets.get(key);
    let vnet = fabric.vnet_of(key).and_then(|v| fabric.policy.vnets.get(v));
    let peers = vnet.iter().flat_map(|v| &v.peers);
    let firewalls = fabric.policy.firewalls.iter();
    Surround {
        space: fabric.space_of(key),
        peers: peers
            .filter_map(|peer| fabric.policy.vnets.get(peer))
            .map(|peer| peer.space.clone())
            .collect(),
        on_premises: vnet.iter().map(|v| v.on_premises.clone()).collect(),
        service_endpoints: subnet
            .map(|s| s.service_endpoints.iter().cloned().collect())
            .unwrap_or_default(),
        firewalls: firewalls
            .filter_map(|(key, firewall)| Some((firewall.private_ip?.into(), key.clone())))
            .collect(),
    }
}

/// The next hops of a subnet of the policy.
pub(super) fn hop_map(fabric: &Fabric<'_>, key: &Key) -> HopMap {
    let table = fabric
        .policy
        .subnets
        .get(key)
        .and_then(|s| s.route_table.as_ref())
        .and_then(|t| fabric.tables.get(t));
    let surround = surround(fabric, key);
    let routes: Vec<(Target, HopClass)> = table
        .iter()
        .flat_map(|t| &t.routes)
        .map(|route| (route.target.clone(), class_of(&route.hop)))
        .collect();
    let bgp = table.is_none_or(|t| t.bgp);
    HopMap::new(&surround, &routes, bgp, |tag| fabric.listed(tag))
}

impl HopMap {
    /// The next hops of a subnet with these user routes. `bgp` says whether the table takes over
    /// what the gateway learns, `tag` the prefixes that a service tag is published with.
    #[must_use]
    pub fn new(
        surround: &Surround,
        routes: &[(Target, HopClass)],
        bgp: bool,
        tag: impl Fn(&str) -> Vec<IpNet>,
    ) -> Self {
        let mut list = Vec::new();
        let mut default = HopClass::Internet;
        let mut default_v6 = HopClass::Internet;
        let mut user_default = false;
        let system = RouteCause::System;
        let mut push = |nets: Vec<IpNet>, rank, class: &HopClass, cause| {
            add(&mut list, nets, rank, class, cause);
        };
        push(
            platform().to_prefixes(),
            Rank::Platform,
            &HopClass::Platform,
            system("platform"),
        );
        // The firewall itself is reached as an address, not through itself.
        for ip in surround.firewalls.keys() {
            let set = AddressSet::range(*ip, *ip);
            let class = if set.is_subset(&surround.space) {
                HopClass::Local
            } else {
                HopClass::Peer
            };
            push(
                set.to_prefixes(),
                Rank::Platform,
                &class,
                system("firewall"),
            );
        }
        for (index, (target, class)) in routes.iter().enumerate() {
            let cause = RouteCause::User(index);
            match target {
                Target::Default => {
                    default = class.clone();
                    user_default = true;
                    // 0.0.0.0/0 says nothing of IPv6: that follows the system routes.
                    let v4 = AddressSet::all().only(Family::V4);
                    push(v4.to_prefixes(), Rank::UserPrefix, class, cause);
                }
                Target::Prefix(net) => {
                    // INVARIANT: the table's `default` stands first; a second 0.0.0.0/0 is PC5013.
                    match net {
                        ipnet::IpNet::V4(net) if net.prefix_len() == 0 && !user_default => {
                            default = class.clone();
                            user_default = true;
                        }
                        ipnet::IpNet::V6(net) if net.prefix_len() == 0 => {
                            default_v6 = class.clone();
                        }
                        _ => {}
                    }
                    push(vec![*net], Rank::UserPrefix, class, cause);
                }
                Target::Tag(name) => push(tag(name), rank_of(name), class, cause),
            }
        }
        for name in &surround.service_endpoints {
            push(
                tag(name),
                Rank::Bound,
                &HopClass::ServiceEndpoint,
                system("service endpoint"),
            );
        }
        push(
            surround.space.to_prefixes(),
            Rank::Bound,
            &HopClass::Local,
            system("virtual network"),
        );
        for peer in &surround.peers {
            push(
                peer.to_prefixes(),
                Rank::Bound,
                &HopClass::Peer,
                system("peering"),
            );
        }
        for learnt in surround.on_premises.iter().filter(|_| bgp) {
            push(
                learnt.to_prefixes(),
                Rank::Bgp,
                &HopClass::Gateway,
                RouteCause::Bgp,
            );
        }
        // A user route for 0.0.0.0/0 also removes the system's `None` routes of the private ranges
        // (same page, routing example).
        if !user_default {
            push(
                private().to_prefixes(),
                Rank::System,
                &HopClass::None,
                system("private range"),
            );
        }
        push(
            AddressSet::all().to_prefixes(),
            Rank::System,
            &HopClass::Internet,
            system("default"),
        );
        let (v4, v6) = list.into_iter().partition(|c| c.family == Family::V4);
        Self {
            segments: partition(v4),
            segments_v6: partition(v6),
            default: Some(default),
            default_v6: Some(default_v6),
        }
    }
}

fn rank_of(tag: &str) -> Rank {
    let (base, region) = match tag.split_once('.') {
        Some((base, _)) => (base, true),
        None => (tag, false),
    };
    match (base.eq_ignore_ascii_case("AzureCloud"), region) {
        (true, false) => Rank::UserCloud,
        (true, true) => Rank::UserCloudRegion,
        (false, true) => Rank::UserRegionalTag,
        (false, false) => Rank::UserTag,
    }
}

fn class_of(hop: &Hop) -> HopClass {
    match hop {
        Hop::Firewall(key) => HopClass::Firewall(key.clone()),
        Hop::Internet => HopClass::Internet,
        Hop::None => HopClass::None,
        Hop::Vnet => HopClass::Local,
        Hop::Gateway => HopClass::Gateway,
    }
}

fn add(
    list: &mut Vec<Candidate>,
    nets: Vec<IpNet>,
    rank: Rank,
    class: &HopClass,
    cause: RouteCause,
) {
    for net in nets {
        let (family, first, last) = match net {
            ipnet::IpNet::V4(net) => (
                Family::V4,
                u128::from(u32::from(net.network())),
                u128::from(u32::from(net.broadcast())),
            ),
            ipnet::IpNet::V6(net) => (
                Family::V6,
                u128::from(net.network()),
                u128::from(net.broadcast()),
            ),
        };
        list.push(Candidate {
            family,
            first,
            last,
            length: net.prefix_len(),
            rank,
            class: class.clone(),
            cause,
        });
    }
}

/// Longest prefix first: prefixes nest, so a stack of open ones suffices. Of equal prefixes the one
/// that wins is opened last.
fn partition(list: Vec<Candidate>) -> Vec<Segment> {
    let mut list: Vec<(usize, Candidate)> = list.into_iter().enumerate().collect();
    list.sort_by_key(|(index, c)| (c.first, c.length, Reverse((c.rank, *index))));
    let mut out: Vec<Segment> = Vec::new();
    let mut open: Vec<Candidate> = Vec::new();
    let mut at: u128 = 0;
    for (_, next) in list {
        while let Some(top) = open.last() {
            if top.last >= next.first {
                break;
            }
            close(&mut out, &mut at, top.last, &open);
            open.pop();
        }
        if !open.is_empty() && next.first > at {
            close(&mut out, &mut at, next.first - 1, &open);
        }
        at = at.max(next.first);
        open.push(next);
    }
    while let Some(top) = open.last() {
        close(&mut out, &mut at, top.last, &open);
        open.pop();
    }
    out
}

/// The innermost route, but none of BGP's where one of the network's own is open.
fn winner(open: &[Candidate]) -> Option<&Candidate> {
    let bound = open.iter().any(|c| c.rank == Rank::Bound);
    open.iter().rev().find(|c| !bound || c.rank != Rank::Bgp)
}

fn close(out: &mut Vec<Segment>, at: &mut u128, last: u128, open: &[Candidate]) {
    let Some(won) = winner(open).filter(|_| *at <= last) else {
        return;
    };
    match out.last_mut() {
        Some(before)
            if before.last.checked_add(1) == Some(*at)
                && before.class == won.class
                && before.cause == won.cause =>
        {
            before.last = last;
        }
        _ => out.push(Segment {
            first: *at,
            last,
            class: won.class.clone(),
            cause: won.cause,
        }),
    }
    *at = last.saturating_add(1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn candidate(text: &str, rank: Rank, class: HopClass) -> Vec<Candidate> {
        let mut list = Vec::new();
        add(
            &mut list,
            vec![text.parse().unwrap()],
            rank,
            &class,
            RouteCause::User(0),
        );
        list
    }

    #[test]
    fn longest_prefix_then_rank() {
        let mut list = candidate(
            "0.0.0.0/0",
            Rank::UserPrefix,
            HopClass::Firewall("f".into()),
        );
        list.extend(candidate("10.0.0.0/8", Rank::System, HopClass::Local));
        list.extend(candidate("10.1.0.0/16", Rank::System, HopClass::Peer));
        list.extend(candidate("10.1.0.0/16", Rank::UserTag, HopClass::Internet));
        let map = HopMap {
            segments: partition(list),
            ..HopMap::default()
        };
        let hop = |text: &str| {
            let set = AddressSet::prefix(text.parse().unwrap());
            map.split(&set)[0].0.clone()
        };
        assert_eq!(hop("10.1.2.3/32"), HopClass::Internet);
        assert_eq!(hop("10.2.0.0/32"), HopClass::Local);
        assert_eq!(hop("9.255.255.255/32"), HopClass::Firewall("f".into()));
        assert_eq!(hop("255.255.255.255/32"), HopClass::Firewall("f".into()));
        assert_eq!(map.segments.len(), 5);
    }

    #[test]
    fn each_prefix_of_a_tag_is_a_route() {
        let routes = [
            (Target::Tag("T".to_owned()), HopClass::Internet),
            (
                Target::Prefix("20.0.0.0/16".parse().unwrap()),
                HopClass::None,
            ),
        ];
        let ask = |prefixes: &[&str]| {
            let nets: Vec<IpNet> = prefixes.iter().map(|t| t.parse().unwrap()).collect();
            let map = HopMap::new(&Surround::default(), &routes, true, |_| nets.clone());
            map.decide("20.0.1.1".parse().unwrap()).0
        };
        // Together they are the route's own prefix, and that would win.
        assert_eq!(ask(&["20.0.0.0/17", "20.0.128.0/17"]), HopClass::Internet);
        assert_eq!(ask(&["20.0.0.0/16"]), HopClass::None);
    }
}
