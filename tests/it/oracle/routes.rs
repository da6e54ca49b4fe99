//! The next hop of a destination at one subnet: Azure's system routes, routes learnt by BGP, the
//! subnet's route table. It is one look-up, not a walk; the walk is in path.rs.
//!
//! Source: "Virtual network traffic routing", checked 2026-11-23.

use std::fmt;

use serde_json::Value;

use super::address::{Address, PRIVATE, Range};
use super::knowledge::Knowledge;
use super::nsg::Surroundings;
use super::{Match, items, text};

/// What the system routes of a subnet are made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Neighbourhood {
    /// The VNet's address space.
    pub(crate) space: Vec<Range>,
    /// The peered VNets' address spaces.
    pub(crate) peers: Vec<Range>,
    /// Prefixes learnt from the gateway.
    pub(crate) on_premises: Vec<Range>,
    /// Service endpoints: `Microsoft.Storage`, or a service tag such as `Sql.WestEurope` where the
    /// endpoint serves one region only.
    pub(crate) service_endpoints: Vec<String>,
}

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// Stays in the VNet.
    VnetLocal,
    /// To a peered VNet.
    Peering,
    /// To the VPN or ExpressRoute gateway.
    Gateway,
    /// Out of the VNet, or over the backbone to a public Azure service.
    Internet,
    /// To a service through its endpoint.
    ServiceEndpoint,
    /// To this appliance.
    Appliance(Address),
    /// Dropped.
    Nowhere,
    /// The tables do not say.
    Unknown,
}

/// A hop and the route that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The next hop.
    pub(crate) hop: Hop,
    /// The deciding route.
    pub(crate) by: String,
}

/// Where a route comes from; later beats earlier on the same prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    System,
    Bgp,
    User,
}

/// A route that covers the destination.
#[derive(Clone, Debug)]
struct Candidate {
    origin: Origin,
    /// The prefix length; `None` for a tag's prefix that the table does not tell.
    length: Option<u8>,
    /// 4 for a written prefix, 3 regional tag, 2 global tag, 1 AzureCloud.region, 0 AzureCloud.
    exactness: u8,
    /// Whether the route's tag surely holds the destination.
    sure: bool,
    hop: Hop,
    by: String,
}

/// The next hop of `destination` at a subnet with this route table.
pub(crate) fn next_hop(
    table: Option<&Value>,
    near: &Neighbourhood,
    destination: Address,
    known: &Knowledge,
) -> Choice {
    let mut all = user_routes(table, destination, known);
    all.extend(system_routes(
        near,
        destination,
        known,
        has_user_default(table),
    ));
    let propagated =
        table.is_none_or(|t| t["properties"]["disableBgpRoutePropagation"].as_bool() != Some(true));
    // Routes of the VNet, its peerings and its endpoints stay preferred to longer BGP ones.
    let bound = all.iter().any(|c| {
        c.origin == Origin::System
            && matches!(c.hop, Hop::VnetLocal | Hop::Peering | Hop::ServiceEndpoint)
    });
    if propagated && !bound {
        for range in near.on_premises.iter().filter(|r| r.contains(destination)) {
            all.push(Candidate {
                origin: Origin::Bgp,
                length: range.length,
                exactness: 4,
                sure: true,
                hop: Hop::Gateway,
                by: format!("bgp {}", range.low()),
            });
        }
    }
    choose(all)
}

/// What a subnet's group sees of its routes.
pub(crate) fn surroundings(table: Option<&Value>, near: &Neighbourhood) -> Surroundings {
    let mut around = Surroundings::default();
    for part in [&near.space, &near.peers, &near.on_premises] {
        around.network.extend(part.iter().copied());
    }
    for route in table.map_or(&[][..], routes) {
        let prefix = text(&route["properties"], "addressPrefix");
        match Range::parse(prefix) {
            Some(range) => around.routed.push(range),
            None => around.routed_tags.push(prefix.to_owned()),
        }
    }
    around
}

/// The routes of a table.
pub(crate) fn routes(table: &Value) -> &[Value] {
    items(&table["properties"], "routes")
}

/// The one with the longest prefix; on a tie the stronger origin; then the more exact spelling.
fn choose(mut all: Vec<Candidate>) -> Choice {
    all.sort_by_key(|c| {
        // A tag's unknown prefix is longer than the default route and, until it is compared below,
        // taken as long as any.
        (c.length.unwrap_or(32), c.origin, c.exactness)
    });
    let Some(best) = all.last() else {
        return Choice {
            hop: Hop::Nowhere,
            by: "no route".to_owned(),
        };
    };
    for rival in &all {
        if rival.hop == best.hop {
            continue;
        }
        let unclear = if best.length.is_none() {
            // The best is a tag of unknown length: a written prefix may be longer, unless it is the
            // default. Other tags of unknown length are taken to list the same prefix.
            rival.length.is_some_and(|length| length > 0) || !best.sure
        } else {
            // The best is as long as can be, and the rival lost the tie or is surely shorter; or
            // the rival is a tag of unknown length below it.
            rival.length.is_none() && best.length != Some(32)
        };
        if unclear {
            return Choice {
                hop: Hop::Unknown,
                by: format!("`{}` or `{}`", best.by, rival.by),
            };
        }
    }
    Choice {
        hop: best.hop,
        by: best.by.clone(),
    }
}

fn user_routes(table: Option<&Value>, destination: Address, known: &Knowledge) -> Vec<Candidate> {
    let mut found = Vec::new();
    for route in table.map_or(&[][..], routes) {
        let body = &route["properties"];
        let prefix = text(body, "addressPrefix");
        let by = format!("{}/{}", text(table.unwrap(), "name"), text(route, "name"));
        let address = text(body, "nextHopIpAddress");
        let hop = match text(body, "nextHopType") {
            "VnetLocal" => Hop::VnetLocal,
            "VirtualNetworkGateway" => Hop::Gateway,
            "Internet" => Hop::Internet,
            "None" => Hop::Nowhere,
            "VirtualAppliance" => Hop::Appliance(
                Address::parse(address).unwrap_or_else(|| panic!("{by}: hop `{address}`")),
            ),
            other => panic!("{by}: next hop type `{other}`"),
        };
        if let Some(range) = Range::parse(prefix) {
            if range.contains(destination) {
                found.push(Candidate {
                    origin: Origin::User,
                    length: range.length,
                    exactness: 4,
                    sure: true,
                    hop,
                    by,
                });
            }
            continue;
        }
        let member = known.in_service_tag(destination, prefix);
        if member != Match::No {
            found.push(Candidate {
                origin: Origin::User,
                length: known.tag_prefix_length(destination, prefix),
                exactness: tag_rank(prefix),
                sure: member == Match::Yes,
                hop,
                by,
            });
        }
    }
    found
}

fn system_routes(
    near: &Neighbourhood,
    destination: Address,
    known: &Knowledge,
    user_default: bool,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut add = |length, exactness, sure, hop, by: &str| {
        found.push(Candidate {
            origin: Origin::System,
            length,
            exactness,
            sure,
            hop,
            by: format!("system {by}"),
        });
    };
    for range in near.space.iter().filter(|r| r.contains(destination)) {
        add(range.length, 5, true, Hop::VnetLocal, "virtual network");
    }
    for range in near.peers.iter().filter(|r| r.contains(destination)) {
        add(range.length, 5, true, Hop::Peering, "peering");
    }
    for service in &near.service_endpoints {
        let tag = endpoint_tag(service);
        let member = known.in_service_tag(destination, tag);
        if member != Match::No {
            let length = known.tag_prefix_length(destination, tag);
            let sure = member == Match::Yes;
            add(length, 3, sure, Hop::ServiceEndpoint, "service endpoint");
        }
    }
    // A user's default route also removes these.
    if !user_default {
        for range in PRIVATE.map(|text| Range::parse(text).unwrap()) {
            if range.contains(destination) {
                add(range.length, 4, true, Hop::Nowhere, "private range");
            }
        }
    }
    add(Some(0), 4, true, Hop::Internet, "default");
    found
}

fn has_user_default(table: Option<&Value>) -> bool {
    table
        .map_or(&[][..], routes)
        .iter()
        .any(|route| text(&route["properties"], "addressPrefix") == "0.0.0.0/0")
}

fn tag_rank(tag: &str) -> u8 {
    let cloud = tag
        .split('.')
        .next()
        .is_some_and(|t| t.eq_ignore_ascii_case("AzureCloud"));
    match (cloud, tag.contains('.')) {
        (false, true) => 3,
        (false, false) => 2,
        (true, true) => 1,
        (true, false) => 0,
    }
}

/// The tag whose addresses an endpoint takes. Source: "Virtual network service endpoints", checked
/// 2026-11-23.
fn endpoint_tag(service: &str) -> &str {
    match service.strip_prefix("Microsoft.") {
        None => service,
        Some("KeyVault") => "AzureKeyVault",
        Some("Web") => "AppService",
        Some("ContainerRegistry") => "AzureContainerRegistry",
        Some("Storage.Global") => "Storage",
        Some(same) => same,
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VnetLocal => f.write_str("VnetLocal"),
            Self::Peering => f.write_str("VNetPeering"),
            Self::Gateway => f.write_str("VirtualNetworkGateway"),
            Self::Internet => f.write_str("Internet"),
            Self::ServiceEndpoint => f.write_str("VirtualNetworkServiceEndpoint"),
            Self::Appliance(address) => write!(f, "VirtualAppliance {address}"),
            Self::Nowhere => f.write_str("None"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
