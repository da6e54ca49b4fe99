//! Security groups that deny by default and forget the load balancer's health probes.

use crate::diag::{Code, Diagnostic, Severity, Sink};
use crate::model::address::AddressSet;
use crate::model::internet::platform;
use crate::model::service::Proto;
use crate::model::{DefaultAction, Flow, Key, Layer, Nsg, Tier};

use super::Scene;

/// Tells security groups with callers from the internet and no probe let in.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let flows = &scene.policy().flows;
    for (key, nsg) in &scene.policy().nsgs {
        for (subnet_key, subnet) in scene.fabric.end_subnets() {
            // A platform service states its own probes.
            if subnet.nsg.as_ref() != Some(key) || subnet.runs.is_some() {
                continue;
            }
            let reaches = |f: &&Flow| {
                let to = scene.fabric.addresses(&f.to, Some(subnet_key));
                to.meets(&subnet.prefix)
            };
            let deny = flows
                .iter()
                .filter(|f| denies_everything(f, key))
                .find(|f| {
                    let to = scene.fabric.addresses(&f.to, Some(subnet_key));
                    subnet.prefix.is_subset(&to)
                });
            if deny.is_none() && nsg.default_inbound != Some(DefaultAction::Deny) {
                continue;
            }
            // Where everything is denied only an exception lets anybody in, or a line before the
            // deny of an imported list.
            let passes = |f: &Flow, deny: &Flow| {
                f.tier == Tier::Exception && f.names_deny(deny) || f.stands_before(deny)
            };
            let allows = flows.iter().filter(reaches).filter(|f| f.allows());
            let caller = allows.clone().find(|f| {
                f.from.internet && deny.is_none_or(|deny| !deny.from.any || passes(f, deny))
            });
            let mut probes = allows.filter(|f| lets_probes_in(f));
            let let_in = probes.any(|f| deny.is_none_or(|deny| passes(f, deny)));
            if let (Some(caller), false) = (caller, let_in) {
                sink.push(no_probe((key, nsg), caller, subnet_key, deny));
            }
        }
    }
}

/// A deny of everything at the security group, or of the probes: somebody wrote it knowing that it
/// ends Azure's rules.
fn denies_everything(flow: &Flow, nsg: &Key) -> bool {
    let here = |layer: &Layer| *layer == Layer::AnyNsg || *layer == Layer::Nsg(nsg.clone());
    !flow.allows()
        && (flow.from.any || flow.from.tags.contains("AzureLoadBalancer"))
        && flow.traffic.has(Proto::Any)
        && flow.source_ports.is_none()
        && flow.at.as_ref().is_none_or(|at| at.iter().any(here))
}

fn lets_probes_in(flow: &Flow) -> bool {
    let from: &AddressSet = &flow.from.addresses;
    flow.from.any || flow.from.tags.contains("AzureLoadBalancer") || from.meets(&platform())
}

fn no_probe(
    (key, nsg): (&Key, &Nsg),
    caller: &Flow,
    subnet: &Key,
    deny: Option<&Flow>,
) -> Diagnostic {
    let message = format!(
        "NSG `{key}` denies the health probes of a load balancer in front of subnet `{subnet}`"
    );
    let (span, label, help) = match deny {
        Some(deny) => (
            deny.spans.whole,
            "comes before Azure's rule for probes",
            if deny.tier == Tier::Ordered {
                ", before this line".to_owned()
            } else {
                format!(" with `overrides {}`", deny.id.label)
            },
        ),
        None => (
            nsg.identity.span,
            "`default-inbound = deny` comes before Azure's rule for probes",
            String::new(),
        ),
    };
    let d = Diagnostic::new(Code::PC4031, span, message)
        .label(label)
        .also(caller.spans.whole, "called from the internet")
        .help(format!("if there is a load balancer, add `allow probes: tcp/PORT from tag(AzureLoadBalancer) to the subnet`{help}, with the port that is probed"))
        .note("Network security groups overview: AllowAzureLoadBalancerInBound has priority 65001, after every rule of ours (checked 2026-11-23)");
    if deny.is_none() {
        // Nothing says that there is a load balancer.
        return d.severity(Severity::Note);
    }
    d
}
