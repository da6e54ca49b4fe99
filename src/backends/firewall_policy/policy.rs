//! What a firewall policy says beside its rules: tier, parent, DNS, threat intelligence, source
//! translation. Rules are lowered elsewhere.

use std::collections::BTreeSet;

use crate::backends::faults;
use crate::backends::lowered::Context;
use crate::backends::ordered::traffic_meets;
use crate::backends::private_ranges::private_ranges;
use crate::backends::resource::{AzureType, ResourceId};
use crate::diag::Sink;
use crate::model::endpoint::Endpoint;
use crate::model::{self, Firewall, Flow, Key, Sku as ModelSku, Tier};

use super::application::sku_word;
use super::shape::{DnsSettings, PolicyProperties, Sku, Snat, ThreatIntelMode, Tier as SkuTier};

/// The properties of a policy that is ours.
pub(super) fn properties(context: &Context<'_>, firewall: &Firewall) -> PolicyProperties {
    PolicyProperties {
        base_policy: firewall
            .base_policy
            .as_ref()
            .map(|(name, _)| parent_id(context, firewall, name).into()),
        threat_intel_mode: firewall.threat_intel.as_deref().map(|word| match word {
            "off" => ThreatIntelMode::Off,
            "deny" => ThreatIntelMode::Deny,
            _ => ThreatIntelMode::Alert,
        }),
        snat: firewall.snat_private.as_ref().map(|set| Snat {
            private_ranges: private_ranges(set),
            ..Snat::default()
        }),
        dns_settings: firewall.dns_proxy.then(|| DnsSettings {
            enable_proxy: Some(true),
            ..DnsSettings::default()
        }),
        sku: Some(Sku {
            tier: match firewall.sku {
                ModelSku::Basic => SkuTier::Basic,
                ModelSku::Standard => SkuTier::Standard,
                ModelSku::Premium => SkuTier::Premium,
            },
        }),
    }
}

/// Settings that the tier does not have, and exceptions that the parent is read before.
pub(super) fn check(context: &Context<'_>, key: &Key, firewall: &Firewall, sink: &mut Sink) {
    let denies = firewall.threat_intel.as_deref() == Some("deny");
    for (set, feature) in [
        (firewall.dns_proxy, "the DNS proxy"),
        (denies, "threat intelligence that denies"),
    ] {
        if set && firewall.sku == ModelSku::Basic {
            sink.push(faults::needs_sku(
                firewall.identity.span,
                key,
                sku_word(firewall.sku),
                feature,
                sku_word(ModelSku::Standard),
            ));
        }
    }
    parent_first(context, key, firewall, sink);
}

/// The declared firewall whose policy a firewall's policy is based on.
fn parent<'a>(context: &Context<'a>, name: &str) -> Option<(&'a Key, &'a Firewall)> {
    let wanted = ResourceId::parse(name).key();
    context.fabric.policy.firewalls.iter().find(|(key, f)| {
        *key == name
            || f.identity.name == name
            || context.id(&f.identity, AzureType::FirewallPolicy).key() == wanted
    })
}

fn parent_id(context: &Context<'_>, child: &Firewall, name: &str) -> ResourceId {
    if let Some((_, parent)) = parent(context, name) {
        return context.id(&parent.identity, AzureType::FirewallPolicy);
    }
    if name.starts_with('/') {
        return ResourceId::parse(name);
    }
    let beside = model::Identity {
        name: name.to_owned(),
        resource_group: child.identity.resource_group.clone(),
        ..model::Identity::default()
    };
    context.id(&beside, AzureType::FirewallPolicy)
}

/// The rules of the parent come first, so an exception here beats no deny there.
fn parent_first(context: &Context<'_>, key: &Key, firewall: &Firewall, sink: &mut Sink) {
    let Some((name, _)) = &firewall.base_policy else {
        return;
    };
    let above = parent(context, name);
    let theirs = above
        .map(|(key, _)| flows_at(context, key))
        .unwrap_or_default();
    let mut told = false;
    for flow in flows_at(context, key) {
        if matches!(flow.tier, Tier::Deny | Tier::Forbid) {
            // Enforced at the parent too, it comes first there.
            let at_parent = theirs.iter().any(|f| f.id == flow.id);
            let allow = theirs
                .iter()
                .find(|f| !at_parent && f.allows() && meet(context, flow, f));
            // What somebody else's policy allows is not known, and once is enough to say so.
            if allow.is_some() || (above.is_none() && !told) {
                sink.push(faults::parent_allows(flow, key, name, allow.copied()));
            }
            told = true;
            continue;
        }
        if flow.tier != Tier::Exception {
            continue;
        }
        let deny = theirs
            .iter()
            .find(|f| f.tier == Tier::Deny && flow.names_deny(f));
        if deny.is_some() || above.is_none() {
            sink.push(faults::parent_first(flow, key, name, deny.copied()));
        }
    }
}

/// True if some packet is of both flows for certain: by address, or by name.
fn meet(context: &Context<'_>, a: &Flow, b: &Flow) -> bool {
    let set = |e: &Endpoint| context.fabric.addresses(e, None);
    let named =
        a.to.names
            .iter()
            .any(|x| b.to.names.iter().any(|y| x.meets(y)));
    traffic_meets(a, b)
        && set(&a.from).meets(&set(&b.from))
        && (named || set(&a.to).meets(&set(&b.to)))
}

/// The flows that a firewall has to do with, each once.
fn flows_at<'a>(context: &Context<'a>, key: &Key) -> Vec<&'a Flow> {
    let duties = context.plan.firewalls.get(key).into_iter().flatten();
    let indices: BTreeSet<usize> = duties.map(|(_, duty)| duty.flow).collect();
    let flows = &context.fabric.policy.flows;
    indices.into_iter().filter_map(|i| flows.get(i)).collect()
}
