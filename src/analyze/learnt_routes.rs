//! Routes for service tags in a table that takes over learnt routes: the longer prefix wins, whoever
//! it is from. Which prefixes will be learnt is not known here.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Hop, Key, Subnet};
use crate::path::UserRoute;
use crate::path::routes::Target;

use super::Scene;

/// Tells, once a table and statement, tags that a learnt route may beat.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, table) in &scene.fabric.tables {
        let learns = scene
            .policy()
            .subnets
            .iter()
            .any(|(name, subnet)| is_on(subnet, key) && has_gateway(scene, name));
        if !table.bgp || !learns {
            continue;
        }
        let mut tags: BTreeMap<_, (&UserRoute, Vec<String>)> = BTreeMap::new();
        for route in &table.routes {
            // What goes to the gateway goes where a learnt route would lead it too.
            if let (Target::Tag(tag), false) = (&route.target, route.hop == Hop::Gateway) {
                let entry = tags.entry(route.span).or_insert((route, Vec::new()));
                entry.1.push(format!("`tag({tag})`"));
            }
        }
        for (route, tags) in tags.into_values() {
            sink.push(longer_wins(key, route, &tags));
        }
    }
}

fn is_on(subnet: &Subnet, table: &Key) -> bool {
    subnet.route_table.as_ref() == Some(table)
}

/// The subnet's network, or a peer of it, has something behind a gateway.
fn has_gateway(scene: &Scene<'_>, subnet: &Key) -> bool {
    let vnets = &scene.policy().vnets;
    let Some(own) = scene.fabric.vnet_of(subnet).and_then(|v| vnets.get(v)) else {
        return false;
    };
    let gateway = scene
        .fabric
        .gateways()
        .any(|(key, _)| scene.fabric.vnet_of(key) == scene.fabric.vnet_of(subnet));
    gateway || !own.on_premises.is_empty()
}

fn longer_wins(table: &Key, route: &UserRoute, tags: &[String]) -> Diagnostic {
    Diagnostic::new(
        Code::PC4037,
        route.span,
        format!(
            "routes that table `{table}` learns may beat the one for {}",
            super::listed(tags)
        ),
    )
    .label("its prefixes are those of the tag, and a longer one wins")
    .help(format!(
        "write `bgp = off` on route table `{table}`, or see that the gateway is told no public prefixes"
    ))
    .note("Virtual network traffic routing: the longest prefix decides; only of equal ones a user route comes before a learnt one (checked 2026-11-25)")
}
