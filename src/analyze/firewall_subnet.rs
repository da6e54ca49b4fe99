//! What must not stand on the firewall's own subnet, a route back to it, a security group, and how
//! large it is.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::address::{AddressSet, Family};
use crate::model::{Hop, Key, Subnet};
use crate::source::Span;

use super::Scene;

/// The longest prefix of a firewall's subnet.
///
/// Source: "Azure Firewall FAQ", why a /26 (checked 2026-11-25): room for the instances it scales to.
const LONGEST: u8 = 26;

/// Tells them.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, firewall) in &scene.policy().firewalls {
        if too_small(&firewall.subnet) {
            let whose = format!("the subnet of firewall `{key}`");
            sink.push(small(firewall.identity.span, &whose, &firewall.subnet));
        }
    }
    for (key, subnet) in &scene.policy().subnets {
        let named = subnet.identity.name == "AzureFirewallSubnet";
        let holds = scene
            .policy()
            .firewalls
            .values()
            .any(|f| !f.subnet.is_empty() && subnet.prefix.is_subset(&f.subnet));
        if !named && !holds {
            continue;
        }
        if named && !holds && too_small(&subnet.prefix) {
            let whose = format!("the firewall's own subnet `{key}`");
            sink.push(small(subnet.identity.span, &whose, &subnet.prefix));
        }
        let default = subnet
            .route_table
            .as_ref()
            .and_then(|t| scene.policy().route_tables.get(t))
            .and_then(|t| t.default.as_ref());
        if let Some(Hop::Firewall(firewall)) = default {
            sink.push(looped(key, subnet, firewall));
        }
        if let Some(nsg) = &subnet.nsg {
            sink.push(guarded(key, subnet, nsg));
        }
    }
}

fn too_small(prefix: &AddressSet) -> bool {
    let needed = 1u128 << (32 - LONGEST);
    (1..needed).contains(&prefix.count(Family::V4))
}

fn small(span: Span, whose: &str, prefix: &AddressSet) -> Diagnostic {
    let nets: Vec<String> = prefix
        .to_prefixes()
        .iter()
        .map(ToString::to_string)
        .collect();
    Diagnostic::new(
        Code::PC3016,
        span,
        format!(
            "{whose} has {}; Azure Firewall needs a /{LONGEST} or larger",
            nets.join(", ")
        ),
    )
    .label("too small")
    .help(format!("give it a /{LONGEST}"))
    .note("Azure Firewall FAQ: AzureFirewallSubnet is at least a /26, so that there are addresses for every instance (checked 2026-11-25)")
}

fn looped(key: &Key, subnet: &Subnet, firewall: &str) -> Diagnostic {
    let table = subnet.route_table.as_deref().unwrap_or_default();
    Diagnostic::new(
        Code::PC4033,
        subnet.identity.span,
        format!("route table `{table}` leads the firewall's own subnet `{key}` back to firewall `{firewall}`"),
    )
    .label("traffic would go in a circle")
    .help("give this subnet no table, or one with `default = internet`")
    .note("Azure Firewall: AzureFirewallSubnet needs a direct route 0.0.0.0/0 to the internet unless it is built for forced tunnelling (checked 2026-11-23)")
}

fn guarded(key: &Key, subnet: &Subnet, nsg: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC4034,
        subnet.identity.span,
        format!("NSG `{nsg}` stands on the firewall's own subnet `{key}`"),
    )
    .label("Azure refuses it")
    .help(format!("drop `nsg = {nsg}`; the platform guards this subnet"))
    .note("Azure Firewall FAQ: network security groups on AzureFirewallSubnet are disabled (checked 2026-11-23)")
}
