//! What must not stand on the firewall's own subnet: a route back to it, a security group.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Hop, Key, Subnet};

use super::Scene;

/// Tells both.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
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
