//! From the resources of an environment to the network that they make, with the topology of the
//! policy. What a resource does is read from what is written, never from what was asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::backends::Context;
use crate::backends::firewall_rules::Infrastructure;
use crate::backends::meaning::{Unreadable, World, resource_value};
use crate::backends::reading::nsg::Surroundings;
use crate::backends::reading::udr::Routes;
use crate::backends::reading::{Direction, classic_firewall, firewall_policy, ip_group, nsg, udr};
use crate::backends::resource::{AzureType, Resource};
use crate::model::address::AddressSet;
use crate::model::dnat::Dnat;
use crate::model::internet::public;
use crate::model::{self, Key};
use crate::packet::Filter;
use crate::path::HopMap;

use super::network::{Firewall, Firewalled, Gate, Gateway, Network, Site, Table};

/// The network of an environment.
///
/// # Errors
/// A resource is not understood: nothing that the compiler writes should be so.
pub fn network(context: &Context<'_>, resources: &[Resource]) -> Result<Network, Unreadable> {
    let values = resources.iter().map(|r| {
        (
            r.kind,
            r.id.text().to_lowercase(),
            Arc::new(resource_value(r)),
        )
    });
    network_of(context, &values.collect::<Vec<_>>())
}

/// A resource as JSON, with its type and its id in lower case.
pub type Placed = (AzureType, String, Arc<Value>);

/// The same of resources as JSON.
///
/// # Errors
/// A resource is not understood.
pub fn network_of(context: &Context<'_>, values: &[Placed]) -> Result<Network, Unreadable> {
    let fabric = context.fabric;
    let policy = fabric.policy;
    let mut world = World::new(fabric.catalog);
    // A group that is kept elsewhere holds what its statement says, if that says anything.
    for group in policy.ip_groups.values() {
        if !group.addresses.is_empty() {
            let id = context.id(&group.identity, AzureType::IpGroup).text();
            let held = Some(group.addresses.clone());
            world.set_ip_group(Some(&id), &group.identity.name, held);
        }
    }
    for (_, _, value) in values.iter().filter(|(k, ..)| *k == AzureType::IpGroup) {
        ip_group::register(value, &mut world)?;
    }
    let mut reader = Reader {
        context,
        values,
        world,
        filters: Vec::new(),
        known: BTreeMap::new(),
    };
    let mut out = Network {
        declared: policy.declared_ranges(),
        resolved: resolved(policy),
        ..Network::default()
    };
    for (key, firewall) in &policy.firewalls {
        out.firewalls.push(reader.firewall(key, firewall)?);
    }
    let mut ends = AddressSet::empty();
    for (key, subnet) in fabric.end_subnets() {
        ends = ends.union(&subnet.prefix);
        out.sites.push(reader.site(key, subnet)?);
    }
    out.transit = out
        .firewalls
        .iter()
        .fold(fabric.subnet_addresses().clone(), |all, f| {
            all.union(&f.subnet)
        })
        .subtract(&ends);
    for (key, on_premises) in fabric.gateways() {
        let Some(subnet) = policy.subnets.get(key) else {
            continue;
        };
        let (hops, table, _) = reader.hops(key, subnet)?;
        out.gateways.push(Gateway {
            name: key.clone(),
            hops,
            table,
            on_premises: on_premises.clone(),
            space: fabric.space_of(key),
        });
    }
    for (vnet, firewall, space) in fabric.firewalled(None) {
        if let Some(firewall) = out.firewall(firewall) {
            out.firewalled.push(Firewalled {
                vnet: vnet.clone(),
                firewall,
                space: space.clone(),
            });
        }
    }
    out.filters = reader.filters;
    out.facts = crate::denote::facts(fabric);
    if !out.facts.unseen.is_empty() {
        let firewalls = out.firewalls.iter_mut().map(|f| &mut f.does.filter);
        let all = out.filters.iter_mut().chain(firewalls);
        for rule in all.flat_map(|f| &mut f.rules) {
            let regions = std::mem::take(&mut rule.regions);
            let regions = regions.into_iter();
            rule.regions = regions.flat_map(|r| out.facts.narrowed(r)).collect();
        }
    }
    Ok(out)
}

/// Names of which a flow says where they resolve to.
fn resolved(policy: &model::Policy) -> Vec<(String, AddressSet)> {
    let mut out: Vec<(String, AddressSet)> = policy
        .flows
        .iter()
        .flat_map(|f| &f.to.names)
        .filter_map(|n| Some((n.text.clone(), n.within.clone()?)))
        .collect();
    out.sort();
    out.dedup();
    out
}

struct Reader<'a> {
    context: &'a Context<'a>,
    values: &'a [Placed],
    world: World<'a>,
    filters: Vec<Filter>,
    /// By what a filter depends on, as text: its index.
    known: BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn value(&self, kind: AzureType, identity: &model::Identity) -> Option<&Value> {
        let id = self.context.id(identity, kind).text().to_lowercase();
        self.values
            .iter()
            .find(|(k, own, _)| *k == kind && *own == id)
            .map(|(_, _, value)| &**value)
    }

    fn firewall(&self, key: &Key, firewall: &model::Firewall) -> Result<Firewall, Unreadable> {
        let kind = if firewall.classic {
            AzureType::AzureFirewall
        } else {
            AzureType::FirewallPolicy
        };
        let id = self.context.id(&firewall.identity, kind);
        let all = |kind: AzureType| -> Vec<&Value> {
            self.values
                .iter()
                .filter(|(k, ..)| *k == kind)
                .map(|(_, _, value)| &**value)
                .collect()
        };
        let groups: Vec<&Value> = {
            let prefix = format!("{}/", id.text().to_lowercase());
            self.values
                .iter()
                .filter(|(k, own, _)| {
                    *k == AzureType::RuleCollectionGroup && own.starts_with(&prefix)
                })
                .map(|(_, _, value)| &**value)
                .collect()
        };
        let policies = all(AzureType::FirewallPolicy);
        let closed = Infrastructure::Closed;
        let mut does = if firewall.classic {
            match self.value(kind, &firewall.identity) {
                Some(value) => classic_firewall::read(value, &self.world, closed)?,
                None => crate::backends::firewall_rules::FirewallMeaning::default(),
            }
        } else if groups.is_empty() && policies.is_empty() {
            // Nothing was written for it: it denies by default.
            crate::backends::firewall_rules::FirewallMeaning::default()
        } else {
            let found = policies
                .iter()
                .any(|p| p.get("id").and_then(Value::as_str) == Some(id.text().as_str()));
            if groups.is_empty() && !found {
                crate::backends::firewall_rules::FirewallMeaning::default()
            } else {
                firewall_policy::read(&id.text(), &policies, &groups, &self.world, closed)?
            }
        };
        // The parent stands in a policy that somebody else writes.
        let written = self.value(kind, &firewall.identity).is_some();
        if let Some((parent, _)) = firewall.base_policy.as_ref().filter(|_| !written) {
            does.unknown_parent.get_or_insert_with(|| parent.clone());
        }
        let mut public_ips = firewall.public_ips.clone();
        for dnat in &self.context.fabric.policy.dnats {
            if self.carries(key, dnat) {
                for ip in &dnat.to {
                    public_ips = public_ips.union(&AddressSet::range((*ip).into(), (*ip).into()));
                }
            }
        }
        Ok(Firewall {
            key: key.clone(),
            resource: firewall.identity.name.clone(),
            private_ip: firewall.private_ip,
            subnet: firewall.subnet.clone(),
            public_ips,
            reaches: self.reaches(firewall),
            does,
        })
    }

    /// Where Azure's own routes lead from a firewall's network: there, to its peers, behind its gateway,
    /// and to the internet.
    fn reaches(&self, firewall: &model::Firewall) -> AddressSet {
        let policy = self.context.fabric.policy;
        let Some(vnet) = firewall.vnet.as_ref().and_then(|v| policy.vnets.get(v)) else {
            return AddressSet::all();
        };
        let peers = vnet.peers.iter().filter_map(|peer| policy.vnets.get(peer));
        peers.fold(
            public().union(&vnet.space).union(&vnet.on_premises),
            |all, peer| all.union(&peer.space),
        )
    }

    fn carries(&self, key: &Key, dnat: &Dnat) -> bool {
        let dnats = &self.context.fabric.policy.dnats;
        self.context
            .plan
            .dnats
            .get(key)
            .into_iter()
            .flatten()
            .filter_map(|i| dnats.get(*i))
            .any(|d| d.id == dnat.id)
    }

    fn site(&mut self, key: &Key, subnet: &model::Subnet) -> Result<Site, Unreadable> {
        let fabric = self.context.fabric;
        let (hops, table, routes) = self.hops(key, subnet)?;
        let around = Surroundings {
            network: fabric.virtual_network(key),
            routed: routes.as_ref().map(Routes::prefixes).unwrap_or_default(),
            routed_tags: routes.as_ref().map(Routes::tags).unwrap_or_default(),
            members: Some(fabric.subnet_addresses().clone()),
            open: None,
        };
        let group = subnet.nsg.as_ref();
        Ok(Site {
            name: key.clone(),
            prefix: subnet.prefix.clone(),
            vnet: fabric.vnet_of(key).cloned(),
            space: fabric.space_of(key),
            hops,
            straight: None,
            table,
            outbound: self.gate(group, Direction::Outbound, &around)?,
            inbound: self.gate(group, Direction::Inbound, &around)?,
        })
    }

    fn gate(
        &mut self,
        group: Option<&Key>,
        direction: Direction,
        around: &Surroundings,
    ) -> Result<Vec<Gate>, Unreadable> {
        let Some(group) = group else {
            return Ok(Vec::new());
        };
        let Some(identity) = self
            .context
            .fabric
            .policy
            .nsgs
            .get(group)
            .map(|n| &n.identity)
        else {
            return Ok(Vec::new());
        };
        let seen = format!("{group}|{direction:?}|{around:?}");
        let filter = match self.known.get(&seen) {
            Some(index) => *index,
            None => {
                // Where every rule is a resource of its own, the group itself is somebody else's.
                let alone = serde_json::json!({ "name": identity.name, "properties": {} });
                let value = self.value(AzureType::NetworkSecurityGroup, identity);
                let value = value.unwrap_or(&alone);
                let id = self
                    .context
                    .id(identity, AzureType::NetworkSecurityGroup)
                    .text()
                    .to_lowercase();
                let prefix = format!("{id}/");
                let children: Vec<&Value> = self
                    .values
                    .iter()
                    .filter(|(k, own, _)| *k == AzureType::SecurityRule && own.starts_with(&prefix))
                    .map(|(_, _, value)| &**value)
                    .collect();
                let filter = nsg::filter(value, &children, direction, around, &self.world)?;
                self.filters.push(filter);
                let index = self.filters.len() - 1;
                self.known.insert(seen, index);
                index
            }
        };
        Ok(vec![Gate {
            group: identity.name.clone(),
            filter,
        }])
    }

    /// The next hops of a subnet by its written table.
    fn hops(
        &self,
        key: &Key,
        subnet: &model::Subnet,
    ) -> Result<(HopMap, Option<Table>, Option<Routes>), Unreadable> {
        let surround = self.context.fabric.surround(key);
        let identity = subnet
            .route_table
            .as_ref()
            .and_then(|t| self.context.fabric.policy.route_tables.get(t))
            .map(|t| &t.identity);
        let Some(identity) = identity else {
            let none = Routes {
                bgp: true,
                ..Routes::default()
            };
            return Ok((none.hop_map(&surround, &self.world)?, None, None));
        };
        let Some(value) = self.value(AzureType::RouteTable, identity) else {
            return Err(Unreadable {
                path: identity.name.clone(),
                reason: "the route table was not written".to_owned(),
            });
        };
        let routes = udr::routes(value)?;
        let hops = routes.hop_map(&surround, &self.world)?;
        let table = Table {
            name: identity.name.clone(),
            routes: routes
                .routes
                .iter()
                .map(|r| (r.name.clone(), r.written.clone()))
                .collect(),
        };
        Ok((hops, Some(table), Some(routes)))
    }
}
