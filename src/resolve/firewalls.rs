//! Firewall statements to the model, and which of their keys have somewhere to go: a policy that is
//! ours, a firewall that is merged into, or nowhere. Rules are not looked at.

use crate::model::{Firewall, Policy, Sku};
use crate::source::Span;
use crate::syntax::ast;

use super::azure_id::check_id;
use super::faults;
use super::resources::Keys;
use super::values::single_v4;
use super::world::{InstanceId, World};

/// The type of a firewall policy.
const POLICY: &str = "firewallPolicies";

impl<'a> World<'a, '_> {
    pub(super) fn firewall_statement(
        &mut self,
        r: &'a ast::Resource,
        instance: InstanceId,
        policy: &mut Policy,
    ) {
        let keys = self.keys(r);
        let classic = self
            .member(&keys, "output", &["policy", "classic"], instance)
            .is_some_and(|(word, _)| word == "classic");
        let kind = if classic { "azureFirewalls" } else { POLICY };
        let identity = self.identity(r, &keys, kind, instance);
        let base = match keys.get("base") {
            Some(value) if !classic => {
                let path = self.text(&keys, "base", instance).unwrap_or_default();
                let why = "the rules of this firewall are in a policy; `base` goes with `output = classic`";
                self.say(faults::base_file(value.span, &path, "firewall", why));
                None
            }
            _ => self.base_file(&keys, instance, "firewall"),
        };
        let manage = self.member(&keys, "manage", &["rules", "policy"], instance);
        let base_policy = self
            .text(&keys, "base-policy", instance)
            .zip(keys.get("base-policy").map(|v| v.span));
        if let Some((parent, span)) = &base_policy
            && parent.starts_with('/')
            && let Err(reason) = check_id(parent, POLICY)
        {
            self.say(faults::bad_resource_id(*span, parent, &reason, POLICY));
        }
        let sku = match self.member(&keys, "sku", &["basic", "standard", "premium"], instance) {
            Some((word, _)) if word == "basic" => Sku::Basic,
            Some((word, _)) if word == "premium" => Sku::Premium,
            _ => Sku::Standard,
        };
        let private_ip = match self.addresses(&keys, "private-ip", instance) {
            Some(set) => {
                let address = single_v4(&set);
                if let (None, Some(value)) = (address, keys.get("private-ip")) {
                    self.say(faults::wrong_type(
                        value.span,
                        "one IPv4 address",
                        "several addresses",
                    ));
                }
                address
            }
            None => None,
        };
        let public_ips = self
            .addresses(&keys, "public-ips", instance)
            .unwrap_or_default();
        let subnet = self
            .addresses(&keys, "subnet", instance)
            .unwrap_or_default();
        let vnet = self.vnet_key(&keys, instance);
        let threat_intel = self
            .member(&keys, "threat-intel", &["off", "alert", "deny"], instance)
            .map(|(word, _)| word);
        let snat_private = self.addresses(&keys, "snat-private", instance);
        let infrastructure = self.member(&keys, "infrastructure", &["allow", "deny"], instance);
        let dns_proxy = self.flag(&keys, "dns-proxy", instance);
        let owned = manage.as_ref().filter(|(word, _)| word == "policy");
        if classic {
            self.classic_keys(r, &keys, owned.map(|(_, span)| *span));
        } else if owned.is_none() {
            self.owners_keys(r, &keys);
        }
        let key = self.key(instance, &r.name.node);
        policy.firewalls.insert(
            key,
            Firewall {
                identity,
                classic,
                manage_policy: manage.is_some_and(|(word, _)| word == "policy"),
                sku,
                sku_stated: keys.get("sku").is_some(),
                dns_proxy: dns_proxy == Some(true),
                dns_proxy_stated: dns_proxy.is_some(),
                private_ip,
                public_ips,
                base_policy,
                snat_private,
                infrastructure_denied: infrastructure.is_some_and(|(word, _)| word == "deny"),
                subnet,
                vnet,
                threat_intel,
                base,
                implied: false,
            },
        );
    }

    /// What a classic firewall has no place for. Merged into its export it is written as a whole;
    /// without one only its three arrays of rules are.
    fn classic_keys(&mut self, r: &'a ast::Resource, keys: &Keys<'a>, owned: Option<Span>) {
        let place = |key: &str| keys.get(key).map(|v| v.span);
        for (span, feature) in [
            (place("policy"), "a policy (`policy`)"),
            (place("base-policy"), "a parent policy (`base-policy`)"),
            (owned, "a policy to own (`manage = policy`)"),
        ] {
            if let Some(span) = span {
                self.say(faults::classic_cannot(span, &r.name.node, feature));
            }
        }
        if keys.get("base").is_some() {
            return;
        }
        for key in ["threat-intel", "snat-private", "tags"] {
            if let Some(span) = keys.key_span(key) {
                self.say(faults::fragment_cannot(span, &r.name.node, key));
            }
        }
    }

    /// What only the policy says, and the policy is somebody else's. `sku`, `dns-proxy` and
    /// `base-policy` are facts that checks need, and so are the private ranges, which are told all
    /// the same: whoever writes them expects them to be set.
    fn owners_keys(&mut self, r: &'a ast::Resource, keys: &Keys<'a>) {
        let whose = format!("firewall `{}`", r.name.node);
        for key in ["threat-intel", "snat-private", "tags", "location"] {
            let Some(span) = keys.key_span(key) else {
                continue;
            };
            let why = "it belongs to the policy, which is somebody else's here";
            let help = "write `manage = policy` to emit the policy too, or drop the key";
            let d = faults::in_no_output(span, key, &whose, why, help);
            self.say(if key == "snat-private" {
                faults::only_a_fact(d)
            } else {
                d
            });
        }
    }
}
