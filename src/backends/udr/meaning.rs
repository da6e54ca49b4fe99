//! What a route table says, read from its JSON, and the next hops that follow from it. How routes are
//! selected is `path::hops`' business.
//!
//! Source: REST reference "Route Tables", "Virtual network traffic routing" (Microsoft Learn, checked
//! 2026-11-25).

use std::net::IpAddr;

use serde_json::Value;

use crate::backends::meaning::{At, Unreadable, World, expression, is_tag_name};
use crate::model::address::AddressSet;
use crate::path::routes::Target;
use crate::path::{HopClass, HopMap, Surround};

/// The routes of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The table's name.
    pub name: String,
    /// Its routes, as they stand there.
    pub routes: Vec<Route>,
    /// Routes that the gateway learns are taken over.
    pub bgp: bool,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Its prefix or service tag as written, for people.
    pub written: String,
    /// Its prefix or service tag.
    pub target: Target,
    /// Where it goes.
    pub hop: NextHop,
}

/// `nextHopType` with the address that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// The gateway.
    VirtualNetworkGateway,
    /// The virtual network itself.
    VnetLocal,
    /// The internet.
    Internet,
    /// This address.
    VirtualAppliance(IpAddr),
    /// Nowhere.
    None,
}

/// The routes of a table. Routes that are resources of their own are not looked for.
///
/// # Errors
/// A route is not understood.
pub fn routes(table: &Value) -> Result<Routes, Unreadable> {
    let at = At::resource(table);
    let body = at.body()?;
    // How peerings' routes are kept away is not known here.
    if let Some(mode) = body.text("disablePeeringRoute")?
        && !mode.eq_ignore_ascii_case("None")
    {
        return Err(body.fault(format!("`disablePeeringRoute` is `{mode}`")));
    }
    let mut out = Routes {
        name: at.name()?,
        routes: Vec::new(),
        bgp: !body.flag("disableBgpRoutePropagation")?.unwrap_or(false),
    };
    for place in body.items("routes")? {
        let route = route(&place)?;
        let twin = out.routes.iter().find(|known| known.target == route.target);
        if let Some(twin) = twin {
            return Err(place.fault(format!("`{}` has the same prefix", twin.name)));
        }
        out.routes.push(route);
    }
    Ok(out)
}

fn route(place: &At<'_>) -> Result<Route, Unreadable> {
    let body = place.body()?;
    let written = body.needed("addressPrefix")?;
    let target = if let Ok(net) = written.parse::<ipnet::IpNet>() {
        Target::Prefix(net.trunc())
    } else if let Ok(address) = written.parse::<IpAddr>() {
        Target::Prefix(address.into())
    } else if is_tag_name(&written) {
        Target::Tag(written.clone())
    } else if let Some(open) = expression(&written) {
        return Err(body.fault(format!("`addressPrefix`: {open} is not known")));
    } else {
        return Err(body.fault(format!("`{written}` is no prefix and no tag")));
    };
    let kind = body.needed("nextHopType")?;
    let address = body.text("nextHopIpAddress")?;
    let hop = match (kind.to_lowercase().as_str(), address) {
        ("virtualappliance", Some(address)) => NextHop::VirtualAppliance(
            address
                .parse()
                .map_err(|_| body.fault(format!("next hop `{address}`")))?,
        ),
        ("virtualappliance", None) => return Err(body.fault("has no `nextHopIpAddress`")),
        ("virtualnetworkgateway", _) => NextHop::VirtualNetworkGateway,
        ("vnetlocal", _) => NextHop::VnetLocal,
        ("internet", _) => NextHop::Internet,
        ("none", _) => NextHop::None,
        _ => return Err(body.fault(format!("next hop type `{kind}`"))),
    };
    Ok(Route {
        name: place.name()?,
        written,
        target,
        hop,
    })
}

impl Routes {
    /// The prefixes among the targets: what `VirtualNetwork` absorbs at a subnet with this table.
    #[must_use]
    pub fn prefixes(&self) -> AddressSet {
        AddressSet::prefixes(self.routes.iter().filter_map(|route| match route.target {
            Target::Prefix(net) => Some(net),
            Target::Default | Target::Tag(_) => None,
        }))
    }

    /// The service tags among the targets.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let tag = |route: &Route| match &route.target {
            Target::Tag(tag) => Some(tag.clone()),
            Target::Default | Target::Prefix(_) => None,
        };
        self.routes.iter().filter_map(tag).collect()
    }

    /// The next hops of a subnet with this table; `RouteCause::User` counts its routes.
    ///
    /// # Errors
    /// Nobody told what the tag of a route or of a service endpoint holds.
    pub fn hop_map(&self, surround: &Surround, world: &World<'_>) -> Result<HopMap, Unreadable> {
        let tags = self.tags();
        let unknown = tags.iter().chain(&surround.service_endpoints);
        if let Some(tag) = unknown.into_iter().find(|tag| world.tag(tag).is_none()) {
            return Err(Unreadable {
                path: self.name.clone(),
                reason: format!("nothing is known of the service tag `{tag}`"),
            });
        }
        let routes: Vec<(Target, HopClass)> = self
            .routes
            .iter()
            .map(|route| (route.target.clone(), route.hop.class(surround)))
            .collect();
        Ok(HopMap::new(surround, &routes, self.bgp, |tag| {
            world.listed(tag)
        }))
    }
}

impl NextHop {
    /// Where it leads from a subnet.
    #[must_use]
    pub fn class(self, surround: &Surround) -> HopClass {
        match self {
            Self::VirtualNetworkGateway => HopClass::Gateway,
            Self::VnetLocal => HopClass::Local,
            Self::Internet => HopClass::Internet,
            Self::None => HopClass::None,
            Self::VirtualAppliance(address) => surround
                .firewalls
                .get(&address)
                .map_or(HopClass::Appliance(address), |key| {
                    HopClass::Firewall(key.clone())
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::path::RouteCause;
    use serde_json::json;

    fn table() -> Value {
        json!({"name": "rt", "disableBgpRoutePropagation": "true", "routes": [
            {"name": "out", "properties": {"addressPrefix": "0.0.0.0/0",
                "nextHopType": "virtualAppliance", "nextHopIpAddress": "10.0.1.4"}},
            {"name": "hub", "addressPrefix": "10.9.0.0/16", "nextHopType": "VirtualAppliance",
                "nextHopIpAddress": "10.9.9.9"},
            {"name": "store", "addressPrefix": "Storage", "nextHopType": "INTERNET"},
        ]})
    }

    #[test]
    fn the_route_that_decides_is_told() {
        let routes = routes(&table()).unwrap();
        assert!(!routes.bgp);
        let mut world = World::unknown();
        let surround = Surround {
            space: AddressSet::prefix("10.1.0.0/16".parse().unwrap()),
            on_premises: vec![AddressSet::prefix("192.168.0.0/16".parse().unwrap())],
            firewalls: [("10.0.1.4".parse().unwrap(), "azfw".into())].into(),
            ..Surround::default()
        };
        let fault = routes.hop_map(&surround, &world).unwrap_err();
        assert!(fault.reason.contains("Storage"), "{fault}");
        world.set_tag(
            "storage",
            Some(AddressSet::prefix("20.60.0.0/16".parse().unwrap())),
        );
        let map = routes.hop_map(&surround, &world).unwrap();
        let firewall = HopClass::Firewall("azfw".into());
        for (address, hop, cause) in [
            ("8.8.8.8", firewall.clone(), RouteCause::User(0)),
            ("192.168.1.1", firewall, RouteCause::User(0)),
            (
                "10.9.0.1",
                HopClass::Appliance("10.9.9.9".parse().unwrap()),
                RouteCause::User(1),
            ),
            ("20.60.1.1", HopClass::Internet, RouteCause::User(2)),
            (
                "10.1.0.9",
                HopClass::Local,
                RouteCause::System("virtual network"),
            ),
            ("10.0.1.4", HopClass::Peer, RouteCause::System("firewall")),
            ("2603::1", HopClass::Internet, RouteCause::System("default")),
        ] {
            assert_eq!(
                map.decide(address.parse().unwrap()),
                (hop, cause),
                "{address}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (member, value, reason) in [
            (
                "addressPrefix",
                json!("10.0.0.0/33"),
                "no prefix and no tag",
            ),
            (
                "nextHopType",
                json!("VirtualApplianceEcmp"),
                "next hop type",
            ),
            ("nextHopIpAddress", json!(""), "has no `nextHopIpAddress`"),
        ] {
            let mut table = table();
            table["routes"][1][member] = value;
            let fault = routes(&table).unwrap_err();
            assert_eq!(fault.path, "rt.routes[1]");
            assert!(fault.reason.contains(reason), "{fault}");
        }
    }
}
