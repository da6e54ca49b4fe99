//! A flow's whole way: from the source's subnet by its routes, through a firewall or not, to the
//! destination's subnet. It says which layers a flow passes, not what they do with it.

mod direct;
pub mod hops;
pub mod routes;
mod ways;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ipnet::IpNet;

use crate::catalog::{Catalog, TagKind};
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::internet::{internet, platform};
use crate::model::{Key, Policy};

pub use direct::Direct;
pub use hops::{HopClass, HopMap, RouteCause, Surround};
pub use routes::{TableRoutes, UserRoute};
pub use ways::{Entry, Undetermined, Way};

/// The topology of one environment with its routes worked out.
#[derive(Debug)]
pub struct Fabric<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Names of the cloud.
    pub catalog: &'a Catalog,
    /// Every user route of every table, the ones that peering needs included.
    pub tables: BTreeMap<Key, TableRoutes>,
    /// What `tag(Internet)` stands for.
    pub internet: AddressSet,
    /// What `via vnet` keeps in a peering.
    pub direct: Direct,
    hops: BTreeMap<Key, HopMap>,
    all_subnets: AddressSet,
    tags: RefCell<BTreeMap<String, Rc<AddressSet>>>,
}

impl<'a> Fabric<'a> {
    /// Works out the routes of every declared subnet.
    #[must_use]
    pub fn new(policy: &'a Policy, catalog: &'a Catalog) -> Self {
        let mut all_subnets = AddressSet::empty();
        for subnet in policy.subnets.values() {
            all_subnets = all_subnets.union(&subnet.prefix);
        }
        let mut fabric = Self {
            policy,
            catalog,
            tables: BTreeMap::new(),
            internet: internet(&policy.declared_ranges()),
            direct: Direct::default(),
            hops: BTreeMap::new(),
            all_subnets,
            tags: RefCell::new(BTreeMap::new()),
        };
        fabric.direct = direct::direct(&fabric);
        fabric.tables = routes::user_routes(&fabric);
        let keys: Vec<&Key> = policy.subnets.keys().collect();
        for key in keys {
            let map = hops::hop_map(&fabric, key);
            fabric.hops.insert(key.clone(), map);
        }
        fabric
    }

    /// The addresses of a service tag in the catalogue; the platform's own tags are its addresses.
    #[must_use]
    pub fn tag(&self, name: &str) -> Rc<AddressSet> {
        if let Some(known) = self.tags.borrow().get(name) {
            return Rc::clone(known);
        }
        let set = match self.catalog.tag(name) {
            Some(tag) if tag.kind() == TagKind::Special && tag.name() != "AzureLoadBalancer" => {
                platform()
            }
            Some(tag) => AddressSet::prefixes(tag.prefixes().iter()),
            None => AddressSet::empty(),
        };
        let set = Rc::new(set);
        self.tags
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&set));
        set
    }

    /// The prefixes of a service tag as published: each is a route of its own where a route table
    /// names the tag.
    ///
    /// Source: "Virtual network traffic routing", service tags for user-defined routes (Microsoft
    /// Learn, checked 2026-11-30).
    #[must_use]
    pub fn listed(&self, tag: &str) -> Vec<IpNet> {
        let listed = self.catalog.tag(tag).map(|t| t.listed_prefixes().collect());
        let listed: Vec<IpNet> = listed.unwrap_or_default();
        if listed.is_empty() {
            self.tag(tag).to_prefixes()
        } else {
            listed
        }
    }

    /// The virtual network of a subnet: the one it names, else the only one that holds its prefix.
    #[must_use]
    pub fn vnet_of(&self, subnet: &str) -> Option<&Key> {
        let subnet = self.policy.subnets.get(subnet)?;
        if let Some(vnet) = &subnet.vnet {
            return self.policy.vnets.get_key_value(vnet).map(|(k, _)| k);
        }
        let mut holders = self
            .policy
            .vnets
            .iter()
            .filter(|(_, v)| subnet.prefix.is_subset(&v.space));
        let first = holders.next()?;
        holders.next().is_none().then_some(first.0)
    }

    /// The address space of a subnet's virtual network; of all subnets where none is declared.
    #[must_use]
    pub fn space_of(&self, subnet: &str) -> AddressSet {
        self.vnet_of(subnet)
            .and_then(|v| self.policy.vnets.get(v))
            .map_or_else(
                || {
                    if self.policy.vnets.is_empty() {
                        self.all_subnets.clone()
                    } else {
                        AddressSet::empty()
                    }
                },
                |v| v.space.clone(),
            )
    }

    /// What `tag(VirtualNetwork)` stands for, seen from a subnet: its virtual network, the peers and
    /// the on-premises prefixes as declared; never what a user route adds in Azure's own tag.
    #[must_use]
    pub fn virtual_network(&self, subnet: &str) -> AddressSet {
        let mut out = self.space_of(subnet);
        if let Some(vnet) = self.vnet_of(subnet).and_then(|v| self.policy.vnets.get(v)) {
            out = out.union(&vnet.on_premises);
            for peer in &vnet.peers {
                if let Some(peer) = self.policy.vnets.get(peer) {
                    out = out.union(&peer.space);
                }
            }
        }
        out
    }

    /// True if some flow speaks of the platform's addresses: `any` does not, whatever `except` takes
    /// from it.
    #[must_use]
    pub fn names_platform(&self) -> bool {
        let platform = platform();
        self.policy
            .flows
            .iter()
            .flat_map(|f| [&f.from, &f.to].into_iter().zip(&f.written))
            .filter(|(e, written)| !e.any && !written.as_ref().is_some_and(|w| w.any))
            .any(|(e, _)| self.addresses(e, None).meets(&platform))
    }

    /// True if `tag(VirtualNetwork)` is the same set seen from every subnet.
    #[must_use]
    pub fn is_one_network(&self) -> bool {
        let mut sets = self.end_subnets().map(|(key, _)| self.virtual_network(key));
        let first = sets.next();
        sets.all(|set| Some(&set) == first.as_ref())
    }

    /// The addresses of an endpoint, seen from a subnet at the other end; names have none.
    #[must_use]
    pub fn addresses(&self, e: &Endpoint, seen_from: Option<&str>) -> AddressSet {
        if e.any {
            return AddressSet::all();
        }
        let mut out = e.addresses.clone();
        if e.internet {
            out = out.union(&self.internet);
        }
        if let (true, Some(subnet)) = (e.virtual_network, seen_from) {
            out = out.union(&self.virtual_network(subnet));
        }
        for tag in &e.tags {
            out = out.union(&self.tag(tag));
        }
        for group in e.ip_groups.values() {
            match group {
                Some(group) => out = out.union(group),
                // A group that is only named may hold any address.
                None => return AddressSet::all(),
            }
        }
        if !e.asgs.is_empty() {
            // Its members are network interfaces, so they are in some subnet.
            out = out.union(&self.all_subnets);
        }
        for name in &e.names {
            if let Some(within) = &name.within {
                out = out.union(within);
            }
        }
        out
    }

    /// True if some name of the endpoint may have any public address.
    #[must_use]
    pub fn has_free_names(e: &Endpoint) -> bool {
        e.names.iter().any(|n| n.within.is_none())
            || !e.fqdn_tags.is_empty()
            || !e.categories.is_empty()
            || !e.urls.is_empty()
    }

    /// Subnets that can be an end of a flow: not the gateway's and not a firewall's.
    pub fn end_subnets(&self) -> impl Iterator<Item = (&'a Key, &'a crate::model::Subnet)> + '_ {
        self.policy
            .subnets
            .iter()
            .filter(|(_, s)| !s.is_gateway() && !self.is_firewall_subnet(&s.prefix))
    }

    fn is_firewall_subnet(&self, prefix: &AddressSet) -> bool {
        self.policy
            .firewalls
            .values()
            .any(|f| !f.subnet.is_empty() && prefix.is_subset(&f.subnet))
    }

    /// Where traffic of a subnet to some addresses goes next.
    #[must_use]
    pub fn hop_map(&self, subnet: &str) -> Option<&HopMap> {
        self.hops.get(subnet)
    }

    /// What the routes of a subnet are made of beside its table.
    #[must_use]
    pub fn surround(&self, subnet: &str) -> Surround {
        hops::surround(self, subnet)
    }

    /// Addresses of all declared subnets.
    #[must_use]
    pub fn subnet_addresses(&self) -> &AddressSet {
        &self.all_subnets
    }
}
