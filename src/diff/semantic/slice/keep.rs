//! What of a network the packets of some regions can meet: its rules and its ways, and nothing else.

use super::Side;
use crate::backends::firewall_rules::Target;
use crate::model::address::AddressSet;
use crate::model::service::PortSet;
use crate::packet::{Addresses, Filter, Region, Rule, Service, Transports};
use crate::reach::{Firewall, Network, Way};

pub(super) fn may_hold(end: &Addresses, addresses: &AddressSet) -> bool {
    end.known.meets(addresses)
        || !end.symbols.is_empty()
            && !addresses.is_empty()
            && end.within.as_ref().is_none_or(|set| set.meets(addresses))
}

/// The outline of regions, to see quickly that something lies elsewhere.
struct Outline {
    source: AddressSet,
    destination: AddressSet,
    ports: PortSet,
}

impl Outline {
    fn of(region: &Region) -> Self {
        let end = |end: &Addresses| match (&end.within, end.symbols.is_empty()) {
            (_, true) => end.known.clone(),
            (Some(within), false) => end.known.union(within),
            (None, false) => AddressSet::all(),
        };
        Self {
            source: end(&region.source),
            destination: end(&region.destination),
            ports: ports(&region.services),
        }
    }

    fn around(all: &[Self]) -> Self {
        Self {
            source: AddressSet::united(all.iter().map(|o| &o.source)),
            destination: AddressSet::united(all.iter().map(|o| &o.destination)),
            ports: PortSet::united(all.iter().map(|o| &o.ports)),
        }
    }

    fn meets(&self, region: &Region, any_source: bool) -> bool {
        let end = |end: &Addresses, own: &AddressSet| {
            end.known.meets(own)
                || !end.symbols.is_empty() && end.within.as_ref().is_none_or(|set| set.meets(own))
        };
        (any_source || end(&region.source, &self.source))
            && end(&region.destination, &self.destination)
            && region
                .services
                .iter()
                .any(|s| portless(s) || s.ports.meets(&self.ports))
    }
}

fn portless(service: &Service) -> bool {
    !service
        .transports
        .intersect(Transports::PORTLESS)
        .is_empty()
}

fn ports(services: &[Service]) -> PortSet {
    if services.iter().any(portless) {
        return PortSet::all();
    }
    services
        .iter()
        .fold(PortSet::from_ranges(&[]), |all, s| all.union(&s.ports))
}

impl Side {
    pub(super) fn whole(network: &Network, ways: Vec<Way>) -> Self {
        Self {
            network: network.clone(),
            ways,
        }
    }

    /// The network with the rules, and the ways, that packets of some regions can meet.
    pub(super) fn sliced(network: &Network, ways: Vec<Way>, regions: &[Region]) -> Self {
        let outlines: Vec<Outline> = regions.iter().map(Outline::of).collect();
        let around = Outline::around(&outlines);
        // Behind a firewall the source may be another one, and at the target of a translation the
        // destination too.
        let owns = network
            .firewalls
            .iter()
            .fold(AddressSet::empty(), |all, f| all.union(&f.own()));
        let targets = targets(network);
        let keeps = |rule: &Rule, inbound: bool| {
            rule.regions.iter().any(|region| {
                let own = inbound && may_hold(&region.source, &owns);
                around.meets(region, own) && outlines.iter().any(|o| o.meets(region, own))
                    || inbound && may_hold(&region.destination, &targets)
            })
        };
        let mut out = Network {
            sites: network.sites.clone(),
            gateways: network.gateways.clone(),
            firewalls: network.firewalls.iter().map(bare).collect(),
            firewalled: network.firewalled.clone(),
            filters: vec![Filter::default(); network.filters.len()],
            declared: network.declared.clone(),
            transit: network.transit.clone(),
            resolved: network.resolved.clone(),
            facts: network.facts.clone(),
            outside: network.outside.clone(),
        };
        let kept = |filter: &Filter, inbound: bool| Filter {
            rules: filter
                .rules
                .iter()
                .filter(|rule| keeps(rule, inbound))
                .cloned()
                .collect(),
        };
        for (own, full) in out.filters.iter_mut().zip(&network.filters) {
            *own = kept(full, true);
        }
        for (own, full) in out.firewalls.iter_mut().zip(&network.firewalls) {
            own.does.filter = kept(&full.does.filter, true);
        }
        let ways = ways
            .into_iter()
            .filter(|way| {
                let here = |o: &Outline| o.source.meets(&way.from) && o.destination.meets(&way.to);
                here(&around) && outlines.iter().any(here)
            })
            .collect();
        Self { network: out, ways }
    }
}

/// A firewall without its rules; its translations stay, they are few.
fn bare(firewall: &Firewall) -> Firewall {
    let mut out = Firewall {
        key: firewall.key.clone(),
        resource: firewall.resource.clone(),
        private_ip: firewall.private_ip,
        subnet: firewall.subnet.clone(),
        public_ips: firewall.public_ips.clone(),
        reaches: firewall.reaches.clone(),
        ..Firewall::default()
    };
    out.does.translations = firewall.does.translations.clone();
    out.does.unknown_parent = firewall.does.unknown_parent.clone();
    out
}

fn targets(network: &Network) -> AddressSet {
    let all = network.firewalls.iter();
    all.flat_map(|f| &f.does.translations)
        .filter_map(|t| match t.target {
            Target::Address(address) => Some(AddressSet::range(address, address)),
            Target::Name(_) => None,
        })
        .fold(AddressSet::empty(), |all, one| all.union(&one))
}
