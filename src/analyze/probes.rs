//! Security groups that deny by default and forget the load balancer's health probes.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::address::AddressSet;
use crate::model::internet::platform;
use crate::model::{DefaultAction, Flow, Key, Nsg};

use super::Scene;

/// Tells security groups with callers from the internet and no probe let in.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, nsg) in &scene.policy().nsgs {
        if nsg.default_inbound != Some(DefaultAction::Deny) {
            continue;
        }
        for (subnet_key, subnet) in scene.fabric.end_subnets() {
            // A platform service states its own probes.
            if subnet.nsg.as_ref() != Some(key) || subnet.runs.is_some() {
                continue;
            }
            let flows = &scene.policy().flows;
            let reaches = |f: &&Flow| {
                f.allows()
                    && scene
                        .fabric
                        .addresses(&f.to, Some(subnet_key))
                        .meets(&subnet.prefix)
            };
            let caller = flows.iter().filter(reaches).find(|f| f.from.internet);
            let probed = flows.iter().filter(reaches).any(lets_probes_in);
            if let (Some(caller), false) = (caller, probed) {
                sink.push(no_probe(key, nsg, caller, subnet_key));
            }
        }
    }
}

fn lets_probes_in(flow: &Flow) -> bool {
    let from: &AddressSet = &flow.from.addresses;
    flow.from.any || flow.from.tags.contains("AzureLoadBalancer") || from.meets(&platform())
}

fn no_probe(key: &Key, nsg: &Nsg, caller: &Flow, subnet: &Key) -> Diagnostic {
    Diagnostic::new(
        Code::PC4031,
        nsg.identity.span,
        format!("NSG `{key}` denies the health probes of a load balancer in front of subnet `{subnet}`"),
    )
    .label("`default-inbound = deny` comes before Azure's rule for probes")
    .also(caller.spans.whole, "called from the internet")
    .help("add `allow probes: tcp/PORT from tag(AzureLoadBalancer) to the subnet`, with the port that is probed")
    .note("Network security groups overview: AllowAzureLoadBalancerInBound has priority 65001, after every rule of ours (checked 2026-11-23)")
}
