//! The law of what a firewall policy says beside its rules, as far as it changes what they do: its
//! parent, the DNS proxy that rules by name need, and threat intelligence. Only of policies that are
//! ours; what is merged into somebody else's export is not asked.

use crate::backends::Context;
use crate::model::Firewall;
use crate::reach::Network;

/// What is wrong, in words; nothing if all is as the statements say.
pub(super) fn check(context: &Context<'_>, network: &Network) -> Option<String> {
    let policy = context.fabric.policy;
    network.firewalls.iter().find_map(|firewall| {
        let declared = policy.firewalls.get(&firewall.key)?;
        if declared.classic || !declared.manage_policy {
            return None;
        }
        let does = &firewall.does;
        let parent = does.parent.as_deref().map(last);
        let asked = parent_of(context, declared);
        // The mode is the strictest of all policies that are read: a parent of ours may say it.
        let alone = does.parent.is_none() || does.unknown_parent.is_some();
        let mode = does.threat_intel.as_deref().map(str::to_lowercase);
        let (what, is, asked) = if parent.map(str::to_lowercase) != asked.map(str::to_lowercase) {
            (
                "parent",
                parent.map(str::to_owned),
                asked.map(str::to_owned),
            )
        } else if does.dns_proxy != declared.dns_proxy {
            let word = |on: bool| Some(if on { "on" } else { "off" }.to_owned());
            ("DNS proxy", word(does.dns_proxy), word(declared.dns_proxy))
        } else if alone && mode != declared.threat_intel {
            ("threat intelligence", mode, declared.threat_intel.clone())
        } else {
            return None;
        };
        let word = |of: Option<String>| of.map_or("none".to_owned(), |text| format!("`{text}`"));
        Some(format!(
            "the policy of firewall `{}` has {what} {}, and {} was asked for",
            firewall.key,
            word(is),
            word(asked)
        ))
    })
}

/// The Azure name of the parent that a statement names.
fn parent_of<'a>(context: &'a Context<'_>, firewall: &'a Firewall) -> Option<&'a str> {
    let (name, _) = firewall.base_policy.as_ref()?;
    let declared = context.fabric.policy.firewalls.get(name);
    Some(declared.map_or(last(name), |parent| parent.identity.name.as_str()))
}

fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
