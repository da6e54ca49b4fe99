//! The JSON objects of a route table, one struct each, in the order of Azure's schema. Routes are
//! not judged here.
//!
//! Source: REST reference "Route Tables", "Routes" (checked 2026-11-23).

use serde::{Deserialize, Serialize};

/// `properties` of a route table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteTableProperties {
    /// All routes: a PUT states the complete list.
    pub routes: Vec<Route>,
    /// Whether routes learnt from gateways are kept away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_bgp_route_propagation: Option<bool>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name, unique in the table.
    pub name: String,
    /// Its content.
    pub properties: RouteProperties,
}

/// `properties` of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteProperties {
    /// A prefix or a service tag.
    pub address_prefix: String,
    /// Where it goes.
    pub next_hop_type: NextHopType,
    /// The appliance's address; with [`NextHopType::VirtualAppliance`] only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_ip_address: Option<String>,
}

impl RouteProperties {
    /// A route to an appliance.
    #[must_use]
    pub fn to_appliance(address_prefix: impl Into<String>, appliance: impl Into<String>) -> Self {
        Self {
            address_prefix: address_prefix.into(),
            next_hop_type: NextHopType::VirtualAppliance,
            next_hop_ip_address: Some(appliance.into()),
        }
    }

    /// A route of a type that takes no address.
    #[must_use]
    pub fn to(address_prefix: impl Into<String>, next_hop_type: NextHopType) -> Self {
        Self {
            address_prefix: address_prefix.into(),
            next_hop_type,
            next_hop_ip_address: None,
        }
    }
}

/// `nextHopType`, those a user may set ("Virtual network traffic routing", checked 2026-11-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NextHopType {
    /// The VPN gateway.
    VirtualNetworkGateway,
    /// The virtual network itself.
    VnetLocal,
    /// The internet, or Azure's backbone for Azure's own addresses.
    Internet,
    /// An address, such as the firewall's.
    VirtualAppliance,
    /// Nowhere: dropped.
    None,
}
