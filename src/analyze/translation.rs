//! Destinations that a firewall leaves the source of untouched, and from which no declared route
//! leads back to it. Which ranges are emitted is the room's work.

use std::net::{IpAddr, Ipv4Addr};

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::address::{AddressSet, Family};
use crate::model::internet::private;
use crate::model::{Firewall, Hop, Key, Subnet};

use super::Scene;

/// The most prefixes that a message names.
const SHOWN: usize = 3;

/// Tells ranges of `snat-private` beyond the private ones without a way back.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, firewall) in &scene.policy().firewalls {
        let Some(ranges) = &firewall.snat_private else {
            continue;
        };
        let beyond = ranges.only(Family::V4).subtract(&in_no_need());
        let lost = beyond.subtract(&led_back(scene, key));
        if !lost.is_empty() {
            sink.push(no_way_back(key, firewall, &lost));
        }
    }
}

/// The ranges that need no way back here: Azure's own list, whose ways are judged flow by flow, and
/// the address that stands for `translate always`.
fn in_no_need() -> AddressSet {
    let always = IpAddr::V4(Ipv4Addr::BROADCAST);
    private().union(&AddressSet::range(always, always))
}

/// The addresses of subnets, and of what lies behind a gateway, whose routes lead to the firewall.
fn led_back(scene: &Scene<'_>, firewall: &str) -> AddressSet {
    let leads = |subnet: &Subnet| {
        let table = subnet.route_table.as_ref();
        table
            .and_then(|t| scene.fabric.tables.get(t))
            .is_some_and(|t| {
                t.routes
                    .iter()
                    .any(|r| matches!(&r.hop, Hop::Firewall(f) if f == firewall))
            })
    };
    let subnets = &scene.policy().subnets;
    let own = subnets
        .values()
        .filter(|s| leads(s))
        .map(|s| s.prefix.clone());
    let behind = scene
        .fabric
        .gateways()
        .filter(|(key, _)| subnets.get(*key).is_some_and(leads))
        .map(|(_, set)| set.clone());
    own.chain(behind)
        .fold(AddressSet::empty(), |all, set| all.union(&set))
}

fn no_way_back(key: &Key, firewall: &Firewall, lost: &AddressSet) -> Diagnostic {
    let prefixes = lost.to_prefixes();
    let mut names: Vec<String> = prefixes
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if prefixes.len() > SHOWN {
        names.push(format!("{} more", prefixes.len() - SHOWN));
    }
    // 0.0.0.0/0 less the private ranges is a list that nobody wrote.
    let all = AddressSet::all().only(Family::V4);
    let never = firewall
        .snat_private
        .as_ref()
        .is_some_and(|r| all.is_subset(r));
    let what = if never {
        "translates no source at all".to_owned()
    } else {
        format!(
            "does not translate the source for {}",
            super::listed(&names)
        )
    };
    Diagnostic::new(
        Code::PC4036,
        firewall.identity.span,
        format!("firewall `{key}` {what}, and no declared route leads all replies back to it"),
    )
    .label("`snat-private` goes beyond the private ranges")
        .help("take these ranges out of `snat-private`, or declare the subnets that have them with a route table that leads to the firewall")
        .note("Azure Firewall SNAT private IP address ranges: no source is translated for the ranges of this list, 0.0.0.0/0 is never, 255.255.255.255/32 is always; replies must come back through the firewall (checked 2026-11-25)")
}
