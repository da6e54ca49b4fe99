//! Ports of administration that the outside may reach. Which ports those are is a setting.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Flow;
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::internet::{private, public};
use crate::model::service::{PortSet, Proto};

use super::{Scene, label, listed};

/// A source of more public addresses than this is no single office or jump host.
const FEW: u128 = 256;

/// Tells allows that open such a port from outside to inside.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let admin = PortSet::from_ranges(&scene.settings.admin_ports);
    let outside = public();
    let inside = private().union(&scene.policy().declared_ranges());
    for flow in scene.own_flows().filter(|f| f.allows()) {
        // Any to any is told as such.
        if flow.from.any && flow.to.any {
            continue;
        }
        let Some(source) = open_source(&flow.from, &outside) else {
            continue;
        };
        if !reaches_inside(&flow.to, &inside) {
            continue;
        }
        let open = open_ports(flow, &admin);
        if !open.is_empty() {
            sink.push(open_to(flow, &open, &source));
        }
    }
}

fn open_source(from: &Endpoint, outside: &AddressSet) -> Option<String> {
    if from.any {
        return Some("`any`".to_owned());
    }
    if from.internet {
        return Some("the internet".to_owned());
    }
    let foreign = from.addresses.intersect(outside);
    let count: u128 = foreign
        .intervals(Family::V4)
        .iter()
        .map(|(first, last)| last - first + 1)
        .sum();
    let many_v6 = !foreign.only(Family::V6).is_empty();
    (count > FEW || many_v6).then(|| {
        let prefixes = foreign.to_prefixes();
        let first = prefixes
            .iter()
            .min_by_key(|net| (net.prefix_len(), **net))
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("public addresses such as `{first}`")
    })
}

fn reaches_inside(to: &Endpoint, inside: &AddressSet) -> bool {
    to.any
        || to.virtual_network
        || !to.asgs.is_empty()
        || to.addresses.meets(inside)
        || to
            .ip_groups
            .values()
            .any(|g| g.as_ref().is_none_or(|set| set.meets(inside)))
}

fn open_ports(flow: &Flow, admin: &PortSet) -> Vec<String> {
    let mut open = Vec::new();
    for (first, last) in admin.ranges() {
        let range = PortSet::from_ranges(&[(*first, *last)]);
        let met = flow.traffic.iter().any(|(proto, ports)| {
            let carried = !matches!(proto, Proto::Icmp | Proto::Esp | Proto::Ah);
            carried && ports.meets(&range)
        });
        if met {
            open.extend(range.texts());
        }
    }
    open
}

fn open_to(flow: &Flow, open: &[String], source: &str) -> Diagnostic {
    let ports = if open.len() == 1 { "port" } else { "ports" };
    Diagnostic::new(
        Code::PC6004,
        flow.spans.services,
        format!(
            "flow `{}` opens administrative {ports} {} to {source}",
            label(flow),
            listed(open)
        ),
    )
    .label("a port of administration")
    .also(flow.spans.from, "who may come")
    .help("allow a jump host or Azure Bastion only; `admin-ports` in portcullis.yaml is the list")
}
