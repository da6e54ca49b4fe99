//! The place that resources are deployed to: subnets with what is attached to them, firewalls, what
//! lies around. It decides nothing.

use std::net::Ipv4Addr;

use crate::backends::firewall_rules::FirewallMeaning;
use crate::model::Key;
use crate::model::address::AddressSet;
use crate::packet::{Facts, Filter};
use crate::path::{HopClass, HopMap, RouteCause};

/// Everything a packet can meet.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Subnets that can be an end of a flow.
    pub sites: Vec<Site>,
    /// Subnets that traffic from on-premises enters by.
    pub gateways: Vec<Gateway>,
    /// Firewalls.
    pub firewalls: Vec<Firewall>,
    /// Networks whose undeclared rest sends everything through a firewall.
    pub firewalled: Vec<Firewalled>,
    /// What security groups do, each once: those of subnets that see the same are one.
    pub filters: Vec<Filter>,
    /// Every address that belongs to the network, private or public.
    pub declared: AddressSet,
    /// Subnets that are only passed: the gateway's and the firewalls'.
    pub transit: AddressSet,
    /// Names of which the policy says where they resolve to, as patterns.
    pub resolved: Vec<(String, AddressSet)>,
    /// What is known of things whose members nobody told.
    pub facts: Facts,
    /// Sources that reach the public addresses of a firewall though a subnet holds them.
    pub outside: AddressSet,
}

/// A subnet.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its name, for people.
    pub name: String,
    /// Its prefixes.
    pub prefix: AddressSet,
    /// Its virtual network, if it has a name.
    pub vnet: Option<Key>,
    /// The address space of that.
    pub space: AddressSet,
    /// Next hops.
    pub hops: HopMap,
    /// The hop of everything where no route is asked of: it is no station of its own.
    pub straight: Option<HopClass>,
    /// Its route table.
    pub table: Option<Table>,
    /// What a packet passes outbound, in order.
    pub outbound: Vec<Gate>,
    /// What a packet passes inbound, in order.
    pub inbound: Vec<Gate>,
}

/// A route table, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Name and prefix or tag of each of its routes.
    pub routes: Vec<(String, String)>,
}

impl Table {
    /// The name of a route of it.
    #[must_use]
    pub fn route(&self, cause: RouteCause) -> Option<&(String, String)> {
        match cause {
            RouteCause::User(index) => self.routes.get(index),
            _ => None,
        }
    }
}

/// A route in words: its prefix or tag as written, or what it is of Azure's own.
#[must_use]
pub fn route_word(table: Option<&Table>, cause: RouteCause) -> String {
    match cause {
        RouteCause::User(_) => table
            .and_then(|t| t.route(cause))
            .map_or_else(|| "user route".to_owned(), |(_, written)| written.clone()),
        RouteCause::Bgp => "bgp".to_owned(),
        RouteCause::System(word) => format!("system route ({word})"),
    }
}

/// A security group in one direction, as one subnet sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gate {
    /// The security group.
    pub group: String,
    /// Its rules, by index in [`Network::filters`].
    pub filter: usize,
}

/// A subnet of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// Its name, for people.
    pub name: String,
    /// Next hops.
    pub hops: HopMap,
    /// Its route table.
    pub table: Option<Table>,
    /// What lies behind the gateway.
    pub on_premises: AddressSet,
    /// The address space of its virtual network.
    pub space: AddressSet,
}

/// A firewall.
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    /// What next hops call it.
    pub key: Key,
    /// The resource that holds its rules.
    pub resource: String,
    /// Its private address.
    pub private_ip: Option<Ipv4Addr>,
    /// Its subnet.
    pub subnet: AddressSet,
    /// Its public addresses, as far as translations and the policy tell them.
    pub public_ips: AddressSet,
    /// Where the routes of its network lead it: without a network that is declared, everywhere.
    pub reaches: AddressSet,
    /// Its rules.
    pub does: FirewallMeaning,
}

impl Firewall {
    /// The addresses that a connection of its own comes from.
    #[must_use]
    pub fn own(&self) -> AddressSet {
        match self.private_ip {
            Some(ip) => AddressSet::range(ip.into(), ip.into()),
            None => self.subnet.clone(),
        }
    }

    /// The addresses that what it translates comes from; empty if nobody told them.
    #[must_use]
    pub fn behind_translations(&self) -> AddressSet {
        if self.subnet.is_empty() {
            self.own()
        } else {
            self.subnet.clone()
        }
    }
}

/// A virtual network whose undeclared rest sends what leaves it through a firewall.
#[derive(Clone, Debug)]
pub struct Firewalled {
    /// The virtual network.
    pub vnet: Key,
    /// The firewall, by index.
    pub firewall: usize,
    /// The network's address space.
    pub space: AddressSet,
}

impl Network {
    /// The firewall that next hops call so.
    #[must_use]
    pub fn firewall(&self, key: &str) -> Option<usize> {
        self.firewalls.iter().position(|f| f.key == key)
    }

    /// Addresses of all subnets that can be an end.
    #[must_use]
    pub fn site_addresses(&self) -> AddressSet {
        self.sites
            .iter()
            .fold(AddressSet::empty(), |all, site| all.union(&site.prefix))
    }

    /// The subnet that holds all of some addresses.
    #[must_use]
    pub fn site_of(&self, addresses: &AddressSet) -> Option<usize> {
        self.sites
            .iter()
            .position(|site| !addresses.is_empty() && addresses.is_subset(&site.prefix))
    }
}
