//! The ways between all addresses: for every pair of parts, what lies on it in order. Packets of one
//! way meet the same layers; what these do with them is not known here.

use crate::model::address::{AddressSet, Family};
use crate::model::internet::{platform, private, public, unique_local};
use crate::path::HopClass;

use super::network::{Gate, Network};

/// One thing on the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Station {
    /// A security group, out of a subnet.
    Out(Gate, usize),
    /// The next hop of a subnet towards the destination.
    Route(usize, HopClass),
    /// The next hop of the gateway's subnet towards the destination.
    GatewayRoute(usize, HopClass),
    /// An undeclared private source comes by the hop that the subnet replies by.
    Arrival(usize, HopClass),
    /// A packet comes straight from the internet or the platform to the subnet.
    Direct(usize),
    /// The reply's next hop at the subnet.
    Reply(usize, HopClass),
    /// A firewall.
    Firewall(usize),
    /// The next hop of a firewall towards where it translates to.
    Onward(usize, HopClass),
    /// A security group, into a subnet.
    In(Gate, usize),
}

impl Station {
    /// Whether it is a next hop, where a packet may be dropped without a rule.
    #[must_use]
    pub const fn is_route(&self) -> bool {
        matches!(
            self,
            Self::Route(..) | Self::GatewayRoute(..) | Self::Arrival(..) | Self::Reply(..)
        )
    }
}

/// Where a way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// At the destination.
    There,
    /// A route drops it, or leads where the destination is not.
    NoRoute,
    /// The request arrives, the reply does not come back the same way.
    Asymmetric,
    /// It depends on what is not declared.
    Unknown,
}

/// Packets from some addresses to others, and what they meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Sources.
    pub from: AddressSet,
    /// Destinations.
    pub to: AddressSet,
    /// What is met, in order.
    pub stations: Vec<Station>,
    /// How it ends.
    pub end: End,
}

impl Network {
    /// The ways from some addresses to others: every pair of both is on one of them, but for pairs
    /// that have no way to speak of: from or to a subnet that is only passed, between families, or
    /// between ends that no subnet and no firewall stands between.
    #[must_use]
    pub fn ways(&self, from: &AddressSet, to: &AddressSet) -> Vec<Way> {
        let from = from.subtract(&self.transit);
        let mut out = Vec::new();
        let mut outside = from;
        for (index, site) in self.sites.iter().enumerate() {
            let part = outside.intersect(&site.prefix);
            if part.is_empty() {
                continue;
            }
            outside = outside.subtract(&part);
            // Where a subnet stands for everything, what comes from outside is known by itself.
            let front = part.intersect(&self.outside);
            let open = self.front(&front, to, &mut out);
            for (part, to) in [(&part.subtract(&front), to), (&front, &open)] {
                for family in [Family::V4, Family::V6] {
                    let (part, to) = (part.only(family), to.only(family));
                    if !part.is_empty() && !to.is_empty() {
                        self.leave(index, &part, &to, &mut out);
                    }
                }
            }
        }
        let mut beyond = to.subtract(&self.transit);
        for (index, site) in self.sites.iter().enumerate() {
            let part = beyond.intersect(&site.prefix);
            if part.is_empty() {
                continue;
            }
            beyond = beyond.subtract(&part);
            for family in [Family::V4, Family::V6] {
                let (from, part) = (outside.only(family), part.only(family));
                if !from.is_empty() && !part.is_empty() {
                    self.enter(index, &from, &part, &mut out);
                }
            }
        }
        let near = private().union(&unique_local()).union(&self.declared);
        let front = outside.subtract(&near);
        let open = self.front(&front, &beyond, &mut out);
        self.pass(&front, &open, &mut out);
        self.pass(&outside.subtract(&front), &beyond, &mut out);
        out
    }

    /// What comes from the internet to an address of a firewall and is not translated ends there: behind
    /// that address is nobody else ("Filter inbound traffic with Azure Firewall DNAT", checked 2026-11-30).
    /// The other destinations.
    fn front(&self, from: &AddressSet, to: &AddressSet, out: &mut Vec<Way>) -> AddressSet {
        let mut open = to.clone();
        let from = from.only(Family::V4);
        for (index, firewall) in self.firewalls.iter().enumerate() {
            let own = open.intersect(&firewall.public_ips);
            open = open.subtract(&own);
            if !own.is_empty() && !from.is_empty() {
                out.push(Way {
                    from: from.clone(),
                    to: own,
                    stations: vec![Station::Firewall(index)],
                    end: End::NoRoute,
                });
            }
        }
        open
    }

    fn leave(&self, index: usize, from: &AddressSet, to: &AddressSet, out: &mut Vec<Way>) {
        let Some(site) = self.sites.get(index) else {
            return;
        };
        let outbound: Vec<Station> = site
            .outbound
            .iter()
            .map(|gate| Station::Out(gate.clone(), index))
            .collect();
        if let Some(hop) = &site.straight {
            self.onward(from, to, hop, &site.space, &outbound, out);
            return;
        }
        for (hop, part) in site.hops.split(to) {
            let mut stations = outbound.clone();
            stations.push(Station::Route(index, hop.clone()));
            self.onward(from, &part, &hop, &site.space, &stations, out);
        }
    }

    /// From a hop to the destination: what the hop reaches, the firewall if it is one, and the
    /// security group there.
    fn onward(
        &self,
        from: &AddressSet,
        to: &AddressSet,
        hop: &HopClass,
        space: &AddressSet,
        stations: &[Station],
        out: &mut Vec<Way>,
    ) {
        let reached = match hop {
            HopClass::Local => to.intersect(space),
            HopClass::Internet => to.intersect(&public()),
            HopClass::None => AddressSet::empty(),
            _ => to.clone(),
        };
        let lost = to.subtract(&reached);
        let mut push = |to: AddressSet, stations: Vec<Station>, end: End| {
            if !to.is_empty() {
                out.push(Way {
                    from: from.clone(),
                    to,
                    stations,
                    end,
                });
            }
        };
        push(lost, stations.to_vec(), End::NoRoute);
        let (stations, end) = match hop {
            HopClass::Firewall(key) => match self.firewall(key) {
                Some(index) => {
                    let mut stations = stations.to_vec();
                    stations.push(Station::Firewall(index));
                    (stations, End::There)
                }
                None => (stations.to_vec(), End::Unknown),
            },
            HopClass::Appliance(_) => (stations.to_vec(), End::Unknown),
            _ => (stations.to_vec(), End::There),
        };
        let mut rest = reached;
        for (index, site) in self.sites.iter().enumerate() {
            let inside = rest.intersect(&site.prefix);
            if !inside.is_empty() {
                rest = rest.subtract(&inside);
                let mut stations = stations.clone();
                stations.extend(self.inbound(index));
                push(inside, stations, end);
            }
        }
        push(rest, stations, end);
    }

    pub(super) fn inbound(&self, index: usize) -> impl Iterator<Item = Station> + '_ {
        self.sites
            .get(index)
            .into_iter()
            .flat_map(|site| &site.inbound)
            .map(move |gate| Station::In(gate.clone(), index))
    }

    /// From outside all subnets into one.
    fn enter(&self, index: usize, from: &AddressSet, to: &AddressSet, out: &mut Vec<Way>) {
        let Some(site) = self.sites.get(index) else {
            return;
        };
        let inbound: Vec<Station> = self.inbound(index).collect();
        let mut push = |from: AddressSet, to: &AddressSet, mut stations: Vec<Station>, end: End| {
            if !from.is_empty() && !to.is_empty() {
                stations.extend(inbound.iter().cloned());
                out.push(Way {
                    from,
                    to: to.clone(),
                    stations,
                    end,
                });
            }
        };
        let host = from.intersect(&platform());
        push(host.clone(), to, vec![Station::Direct(index)], End::There);
        let open = from
            .subtract(&host)
            .subtract(&private())
            .subtract(&unique_local())
            .subtract(&self.declared);
        let mut near = from.subtract(&host).subtract(&open);
        for (hop, part) in site.hops.split(&open) {
            let end = match hop {
                HopClass::Internet | HopClass::ServiceEndpoint => End::There,
                HopClass::None => End::NoRoute,
                HopClass::Appliance(_) => End::Unknown,
                _ => End::Asymmetric,
            };
            push(
                part,
                to,
                vec![Station::Direct(index), Station::Reply(index, hop)],
                end,
            );
        }
        for (number, gateway) in self.gateways.iter().enumerate() {
            let part = near.intersect(&gateway.on_premises);
            if part.is_empty() {
                continue;
            }
            near = near.subtract(&part);
            for (hop, reached) in gateway.hops.split(to) {
                let mut stations = vec![Station::GatewayRoute(number, hop.clone())];
                let end = self.cross(&hop, &mut stations);
                let lost = match hop {
                    HopClass::Local => reached.subtract(&gateway.space),
                    _ => AddressSet::empty(),
                };
                push(
                    part.clone(),
                    &reached.subtract(&lost),
                    stations.clone(),
                    end,
                );
                push(part.clone(), &lost, stations, End::NoRoute);
            }
        }
        for network in &self.firewalled {
            if site.vnet.as_ref() == Some(&network.vnet) {
                continue;
            }
            let part = near.intersect(&network.space);
            near = near.subtract(&part);
            push(
                part,
                to,
                vec![Station::Firewall(network.firewall)],
                End::There,
            );
        }
        for (hop, part) in site.hops.split(&near) {
            let mut stations = vec![Station::Arrival(index, hop.clone())];
            let end = self.cross(&hop, &mut stations);
            // The network's own hop finds nobody outside its space.
            let lost = match hop {
                HopClass::Local => part.subtract(&site.space),
                _ => AddressSet::empty(),
            };
            push(part.subtract(&lost), to, stations.clone(), end);
            push(lost, to, stations, End::NoRoute);
        }
    }

    /// Through the hop by which an undeclared private source comes.
    fn cross(&self, hop: &HopClass, stations: &mut Vec<Station>) -> End {
        match hop {
            HopClass::Firewall(key) => match self.firewall(key) {
                Some(index) => {
                    stations.push(Station::Firewall(index));
                    End::There
                }
                None => End::Unknown,
            },
            HopClass::Appliance(_) => End::Unknown,
            HopClass::None | HopClass::Internet => End::NoRoute,
            _ => End::There,
        }
    }

    /// Between two ends outside all subnets, through the firewalls there are. Azure Firewall has no
    /// IPv6 address, so none of that passes.
    fn pass(&self, from: &AddressSet, to: &AddressSet, out: &mut Vec<Way>) {
        let host = platform();
        let mut from = from.only(Family::V4).subtract(&host);
        let to = to.only(Family::V4).subtract(&host);
        let mut push = |from: &AddressSet, to: &AddressSet, firewalls: &[usize], end: End| {
            if !from.is_empty() && !to.is_empty() {
                out.push(Way {
                    from: from.clone(),
                    to: to.clone(),
                    stations: firewalls.iter().copied().map(Station::Firewall).collect(),
                    end,
                });
            }
        };
        match self.firewalls.len() {
            0 => return,
            1 => {
                push(&from, &to, &[0], End::There);
                return;
            }
            _ => {}
        }
        // Several: that of the source's network, then that of the destination's.
        let mut sources: Vec<(AddressSet, Option<usize>)> = Vec::new();
        for network in &self.firewalled {
            let part = from.intersect(&network.space);
            from = from.subtract(&part);
            sources.push((part, Some(network.firewall)));
        }
        sources.push((from, None));
        for (part, first) in sources {
            let mut rest = to.clone();
            for network in &self.firewalled {
                let inside = rest.intersect(&network.space);
                rest = rest.subtract(&inside);
                let mut firewalls: Vec<usize> = first.into_iter().collect();
                if first != Some(network.firewall) {
                    firewalls.push(network.firewall);
                }
                push(&part, &inside, &firewalls, End::There);
            }
            match first {
                Some(firewall) => push(&part, &rest, &[firewall], End::There),
                None => push(&part, &rest, &[], End::Unknown),
            }
        }
    }
}
