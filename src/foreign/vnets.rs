//! What exported virtual networks say of the chosen resources: the address space around them, and which
//! table lies beside a security group. It decides nothing.

use serde_json::Value;

use crate::model::address::AddressSet;

use super::choose::{Chosen, body};
use super::definitions::{Definition, Definitions};
use super::kind::Kind;
use super::member;

/// What is known around the chosen resources.
pub(super) struct Around {
    /// The address space of the virtual network.
    pub(super) space: AddressSet,
    /// Those of its peers.
    pub(super) peers: Vec<AddressSet>,
    /// That is all of them.
    pub(super) complete: bool,
}

/// The address space of the network that the chosen resources are attached in, else of the only one;
/// and that of its peers.
pub(super) fn around(all: &Definitions, chosen: &Chosen) -> Option<Around> {
    let networks: Vec<&Definition> = all.of(Kind::Network).map(|(_, d)| d).collect();
    let asked = |at: Option<usize>| at.and_then(|at| all.resources.get(at));
    let attached = networks.iter().find(|network| {
        let mut subnets = subnets(all, network).into_iter();
        subnets.any(|subnet| {
            let at = |member, d: Option<&Definition>| d.is_some_and(|d| refers(subnet, member, d));
            at("networkSecurityGroup", asked(chosen.nsg_out))
                || at("routeTable", asked(chosen.route_table))
        })
    });
    let network = match (attached, networks.as_slice()) {
        (Some(network), _) => network,
        (None, [only]) => only,
        _ => return None,
    };
    let mut complete = true;
    let mut known = |space: Option<&Value>| {
        let (known, all) = space.map_or((AddressSet::empty(), false), prefixes);
        complete &= all;
        known
    };
    let space = known(member(body(network), "addressSpace"));
    let front = format!("{}/", network.name.to_lowercase());
    let apart = all.of(Kind::Peering).map(|(_, d)| d);
    let apart = apart.filter(|d| d.name.to_lowercase().starts_with(&front));
    let mut peerings: Vec<&Value> = apart.map(|d| &d.value).collect();
    let mut listed = true;
    match member(body(network), "virtualNetworkPeerings") {
        Some(Value::Array(inline)) => peerings.extend(inline),
        None | Some(Value::Null) => {}
        Some(_) => listed = false,
    }
    let peers = peerings.into_iter().map(|peering| {
        let about = member(peering, "properties").unwrap_or(peering);
        let space = member(about, "remoteVirtualNetworkAddressSpace")
            .or_else(|| member(about, "remoteAddressSpace"));
        known(space)
    });
    let peers: Vec<AddressSet> = peers.collect();
    complete &= listed;
    (!space.is_empty()).then_some(Around {
        space,
        peers,
        complete,
    })
}

/// The route table of the subnet that a security group is attached to, if one is here and there is no
/// other.
pub(super) fn table_beside<'a>(all: &'a Definitions, group: &Definition) -> Option<&'a Definition> {
    let networks = all.of(Kind::Network).map(|(_, d)| d);
    let mut beside: Vec<&Definition> = Vec::new();
    for subnet in networks.flat_map(|network| subnets(all, network)) {
        if !refers(subnet, "networkSecurityGroup", group) {
            continue;
        }
        // A subnet without a table, or with one that is not here, adds nothing.
        let table = all
            .of(Kind::RouteTable)
            .find(|(_, d)| refers(subnet, "routeTable", d));
        beside.extend(table.map(|(_, d)| d));
    }
    beside.dedup_by_key(|d| d.name.to_lowercase());
    match beside.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// The subnets of a network, also those that are resources of their own.
fn subnets<'a>(all: &'a Definitions, network: &'a Definition) -> Vec<&'a Value> {
    let inline = member(body(network), "subnets").and_then(Value::as_array);
    let prefix = format!("{}/", network.name.to_lowercase());
    let own = all.of(Kind::Subnet);
    let own = own.filter(|(_, d)| d.name.to_lowercase().starts_with(&prefix));
    let inline = inline.into_iter().flatten();
    inline.chain(own.map(|(_, d)| &d.value)).collect()
}

/// Whether a subnet refers to a resource: by its id, else by its name.
fn refers(subnet: &Value, name: &str, to: &Definition) -> bool {
    let about = member(subnet, "properties").unwrap_or(subnet);
    let Some(id) = member(about, name)
        .and_then(|of| member(of, "id"))
        .and_then(Value::as_str)
    else {
        return false;
    };
    match &to.id {
        Some(own) if id.to_lowercase().contains("/subscriptions/") => own.eq_ignore_ascii_case(id),
        _ => id
            .rsplit('/')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case(&to.name)),
    }
}

/// The prefixes of an address space, and whether all of them could be read.
fn prefixes(space: &Value) -> (AddressSet, bool) {
    let list = member(space, "addressPrefixes").and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        return (AddressSet::empty(), false);
    };
    let read = |one: &Value| one.as_str()?.trim().parse().ok();
    let nets: Vec<ipnet::IpNet> = list.iter().filter_map(read).collect();
    let all = nets.len() == list.len();
    (AddressSet::prefixes(nets), all)
}
