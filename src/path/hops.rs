//! The next hop of every address, seen from one subnet: longest prefix first, then Azure's order
//! among equal prefixes. It is a partition of the IPv4 line.

use crate::model::address::{AddressSet, Family};
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
    /// The platform itself, whatever the routes.
    Platform,
    /// Dropped.
    None,
}

/// First and last address, and where they go.
type Segment = (u128, u128, HopClass);

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
    let mut parts: std::collections::BTreeMap<&HopClass, Vec<(u128, u128)>> =
        std::collections::BTreeMap::new();
    let wanted = set.intervals(family);
    let mut rest = wanted.iter().peekable();
    for (first, last, class) in segments {
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
    System,
}

struct Candidate {
    family: Family,
    first: u128,
    last: u128,
    length: u8,
    rank: Rank,
    class: HopClass,
}

/// The next hops of a subnet.
pub(super) fn hop_map(fabric: &Fabric<'_>, key: &Key) -> HopMap {
    let mut list = Vec::new();
    let mut default = HopClass::Internet;
    let mut default_v6 = HopClass::Internet;
    let mut user_default = false;
    let subnet = fabric.policy.subnets.get(key);
    let space = fabric.space_of(key);

    add(&mut list, &platform(), Rank::Platform, &HopClass::Platform);
    // The firewall itself is reached as an address, not through itself.
    for firewall in fabric.policy.firewalls.values() {
        if let Some(ip) = firewall.private_ip {
            let set = AddressSet::range(ip.into(), ip.into());
            let class = if set.is_subset(&space) {
                HopClass::Local
            } else {
                HopClass::Peer
            };
            add(&mut list, &set, Rank::Platform, &class);
        }
    }
    let table = subnet
        .and_then(|s| s.route_table.as_ref())
        .and_then(|t| fabric.tables.get(t));
    for route in table.iter().flat_map(|t| &t.routes) {
        let class = class_of(&route.hop);
        match &route.target {
            Target::Default => {
                default = class.clone();
                user_default = true;
                // 0.0.0.0/0 says nothing of IPv6: that follows the system routes.
                let v4 = AddressSet::all().only(Family::V4);
                add(&mut list, &v4, Rank::UserPrefix, &class);
            }
            Target::Prefix(net) => {
                // INVARIANT: the table's `default` stands first; a second 0.0.0.0/0 is PC5013.
                match net {
                    ipnet::IpNet::V4(net) if net.prefix_len() == 0 && !user_default => {
                        default = class.clone();
                        user_default = true;
                    }
                    ipnet::IpNet::V6(net) if net.prefix_len() == 0 => default_v6 = class.clone(),
                    _ => {}
                }
                add(
                    &mut list,
                    &AddressSet::prefix(*net),
                    Rank::UserPrefix,
                    &class,
                );
            }
            Target::Tag(tag) => {
                let rank = match (tag.as_str(), tag.contains('.')) {
                    ("AzureCloud", _) => Rank::UserCloud,
                    (t, true) if t.starts_with("AzureCloud.") => Rank::UserCloudRegion,
                    (_, true) => Rank::UserRegionalTag,
                    (_, false) => Rank::UserTag,
                };
                add(&mut list, &fabric.tag(tag), rank, &class);
            }
        }
    }
    for tag in subnet.iter().flat_map(|s| &s.service_endpoints) {
        add(
            &mut list,
            &fabric.tag(tag),
            Rank::System,
            &HopClass::ServiceEndpoint,
        );
    }
    add(&mut list, &space, Rank::System, &HopClass::Local);
    let vnet = fabric.vnet_of(key).and_then(|v| fabric.policy.vnets.get(v));
    if let Some(vnet) = vnet {
        for peer in &vnet.peers {
            if let Some(peer) = fabric.policy.vnets.get(peer) {
                add(&mut list, &peer.space, Rank::System, &HopClass::Peer);
            }
        }
        if table.is_none_or(|t| t.bgp) {
            add(
                &mut list,
                &vnet.on_premises,
                Rank::System,
                &HopClass::Gateway,
            );
        }
    }
    // A user route for 0.0.0.0/0 also removes the system's `None` routes of the private ranges
    // (same page, routing example).
    if !user_default {
        add(&mut list, &private(), Rank::System, &HopClass::None);
        add(
            &mut list,
            &AddressSet::all(),
            Rank::System,
            &HopClass::Internet,
        );
    }
    let v6 = AddressSet::all().only(Family::V6);
    add(&mut list, &v6, Rank::System, &HopClass::Internet);
    let (v4, v6) = list.into_iter().partition(|c| c.family == Family::V4);
    HopMap {
        segments: partition(v4),
        segments_v6: partition(v6),
        default: Some(default),
        default_v6: Some(default_v6),
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

fn add(list: &mut Vec<Candidate>, set: &AddressSet, rank: Rank, class: &HopClass) {
    for net in set.to_prefixes() {
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
        });
    }
}

/// Longest prefix first: prefixes nest, so a stack of open ones suffices.
fn partition(mut list: Vec<Candidate>) -> Vec<(u128, u128, HopClass)> {
    list.sort_by_key(|c| (c.first, c.length, c.rank));
    list.dedup_by(|later, kept| later.first == kept.first && later.length == kept.length);
    let mut out: Vec<(u128, u128, HopClass)> = Vec::new();
    let mut open: Vec<Candidate> = Vec::new();
    let mut at: u128 = 0;
    for next in list {
        while let Some(top) = open.last() {
            if top.last >= next.first {
                break;
            }
            close(&mut out, &mut at, top.last, &top.class);
            open.pop();
        }
        if let Some(top) = open.last()
            && next.first > at
        {
            close(&mut out, &mut at, next.first - 1, &top.class);
        }
        at = at.max(next.first);
        open.push(next);
    }
    while let Some(top) = open.pop() {
        close(&mut out, &mut at, top.last, &top.class);
    }
    out
}

fn close(out: &mut Vec<(u128, u128, HopClass)>, at: &mut u128, last: u128, class: &HopClass) {
    if *at > last {
        return;
    }
    match out.last_mut() {
        Some((_, end, same)) if end.checked_add(1) == Some(*at) && same == class => *end = last,
        _ => out.push((*at, last, class.clone())),
    }
    *at = last.saturating_add(1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn candidate(text: &str, rank: Rank, class: HopClass) -> Vec<Candidate> {
        let mut list = Vec::new();
        let set = AddressSet::prefix(text.parse().unwrap());
        add(&mut list, &set, rank, &class);
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
}
