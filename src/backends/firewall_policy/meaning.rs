//! What a firewall policy does with a packet, read from its JSON and that of its parents and rule
//! collection groups: their order. What a single rule matches stands in `firewall_rules`.
//!
//! Source: "Azure Firewall rule processing logic", "Use Azure Firewall policy to define a rule
//! hierarchy" (Microsoft Learn, checked 2026-11-25): the type of a rule before everything, then
//! parents before children, then the numbers of group and collection.

use serde_json::Value;

use crate::backends::firewall_rules::{
    Collection, FirewallMeaning, Form, Infrastructure, Kind, read as read_collections, threat_mode,
};
use crate::backends::meaning::{At, Unreadable, World, last_segment, name_after};
use crate::packet::{Symbol, Verdict};

/// What a policy does, with what its parents say. A policy that is not among `policies` is taken to
/// have groups only.
///
/// # Errors
/// A policy, group or rule is not understood, or nothing is there of the policy asked for.
pub fn read(
    policy: &str,
    policies: &[&Value],
    groups: &[&Value],
    world: &World<'_>,
    infrastructure: Infrastructure,
) -> Result<FirewallMeaning, Unreadable> {
    let line = lineage(policy, policies)?;
    let mut collections = Vec::new();
    let mut found = line.members.iter().any(|member| member.at.is_some());
    for (depth, member) in line.members.iter().rev().enumerate() {
        let own = depth + 1 == line.members.len();
        for (index, group) in groups.iter().enumerate() {
            let at = At::resource(group);
            if member.holds(&at)? {
                found = true;
                let from = collections.len();
                read_group(&at, (depth, index), &member.name, &mut collections)?;
                let inherited = collections.iter_mut().skip(from);
                for one in inherited.filter(|one| !own && one.kind == Kind::Nat) {
                    one.doubt = Some(Symbol {
                        kind: "what is translated of",
                        name: member.name.clone(),
                    });
                }
            }
        }
    }
    if !found {
        return Err(Unreadable {
            path: policy.to_owned(),
            reason: "nothing is there of this policy".to_owned(),
        });
    }
    let name = last_segment(policy);
    let mut out = read_collections(collections, Form::Policy, infrastructure, name, world)?;
    out.unknown_parent = line.unknown;
    out.parent = line.members.get(1).map(|member| member.id.clone());
    if let Some(own) = line.members.first().and_then(|m| m.at.as_ref()) {
        let dns = own.body()?.object("dnsSettings")?;
        let proxy = dns.map(|d| d.flag("enableProxy")).transpose()?;
        out.dns_proxy = proxy.flatten() == Some(true);
    }
    for member in line.members.iter().filter_map(|m| m.at.as_ref()) {
        let body = member.body()?;
        let mode = threat_mode(&body)?;
        let known = out.threat_intel.take();
        out.threat_intel = match (known, mode) {
            (Some(known), Some(mode)) if rank(&known) >= rank(mode) => Some(known),
            (known, None) => known,
            (_, Some(mode)) => Some(mode.to_owned()),
        };
        if out.intrusion_detection.is_none()
            && let Some(detection) = body.object("intrusionDetection")?
        {
            out.intrusion_detection = detection.text("mode")?;
        }
    }
    Ok(out)
}

fn rank(word: &str) -> u8 {
    match word {
        "Off" => 0,
        "Alert" => 1,
        _ => 2,
    }
}

/// A policy of the line.
struct Member<'v> {
    /// As it was referred to: an id or a name.
    id: String,
    name: String,
    at: Option<At<'v>>,
}

struct Line<'v> {
    /// The policy itself first, its parents after it.
    members: Vec<Member<'v>>,
    unknown: Option<String>,
}

fn lineage<'v>(policy: &str, policies: &[&'v Value]) -> Result<Line<'v>, Unreadable> {
    let mut members: Vec<Member<'v>> = Vec::new();
    let mut next = policy.to_owned();
    let mut unknown = None;
    loop {
        let name = last_segment(&next).to_owned();
        let mut at = None;
        for value in policies {
            let candidate = At::resource(value);
            let own = candidate.text("id")?;
            let own = own.unwrap_or(candidate.name()?);
            if same(&own, &next) {
                at = Some(candidate);
                break;
            }
        }
        if at.is_none() && !members.is_empty() {
            unknown = Some(next.clone());
        }
        let base = match &at {
            Some(at) => at.body()?.text("basePolicy")?,
            None => None,
        };
        if members.iter().any(|member| same(&member.id, &next)) {
            return Err(Unreadable {
                path: policy.to_owned(),
                reason: "is its own parent".to_owned(),
            });
        }
        members.push(Member { id: next, name, at });
        match base {
            Some(base) => next = base,
            None => break,
        }
    }
    Ok(Line { members, unknown })
}

/// Two ids are the same in any case; where one of them is short, as ours are while a subscription
/// is not known, the names count.
fn same(a: &str, b: &str) -> bool {
    let full = |id: &str| name_after(id, "subscriptions").is_some();
    if full(a) && full(b) {
        return a.eq_ignore_ascii_case(b);
    }
    last_segment(a).eq_ignore_ascii_case(last_segment(b))
}

impl Member<'_> {
    /// Whether a group is the policy's: by its id, else by its name `policy/group`.
    fn holds(&self, group: &At<'_>) -> Result<bool, Unreadable> {
        if let Some(id) = group.text("id")?
            && let Some(lower) = id.to_lowercase().rfind("/rulecollectiongroups/")
            && let Some(policy) = id.get(..lower)
        {
            let own = self.at.as_ref().map(|at| at.text("id")).transpose()?;
            let own = own.flatten().unwrap_or_else(|| self.id.clone());
            return Ok(same(policy, &own));
        }
        match group.needed("name")?.split_once('/') {
            Some((policy, _)) => Ok(policy.eq_ignore_ascii_case(&self.name)),
            None => Err(group.fault("does not say of which policy it is")),
        }
    }
}

fn read_group<'v>(
    at: &At<'v>,
    (depth, index): (usize, usize),
    policy: &str,
    out: &mut Vec<Collection<'v>>,
) -> Result<(), Unreadable> {
    let name = at.name()?;
    let body = at.body()?;
    let priority = body.number("priority")?;
    let all = body.items("ruleCollections")?;
    // A number orders collections of one group; Microsoft's own examples leave that of an only one out.
    let alone = all.len() == 1;
    for collection in all {
        let rules = collection.items("rules")?;
        let mut kind = None;
        for rule in &rules {
            let own = match rule.needed("ruleType")?.to_lowercase().as_str() {
                "natrule" => Kind::Nat,
                "networkrule" => Kind::Network,
                "applicationrule" => Kind::Application,
                other => return Err(rule.fault(format!("rule type `{other}`"))),
            };
            if kind.is_some_and(|kind| kind != own) {
                return Err(collection.fault("mixes types of rules"));
            }
            kind = Some(own);
        }
        // A collection without rules matches nothing.
        let Some(kind) = kind else { continue };
        let Some(action) = collection.get("action") else {
            return Err(collection.fault("has no action"));
        };
        let word = action.needed("type")?.to_lowercase();
        let verdict = match (kind, word.as_str()) {
            (Kind::Nat, "dnat") | (Kind::Network | Kind::Application, "allow") => Verdict::Allow,
            (Kind::Network | Kind::Application, "deny") => Verdict::Deny,
            _ => return Err(action.fault(format!("action `{word}`"))),
        };
        out.push(Collection {
            doubt: None,
            kind,
            depth,
            group: (priority, index),
            priority: match collection.text("priority")? {
                None if alone => 0,
                _ => collection.number("priority")?,
            },
            path: format!("{name}/{}", collection.name()?),
            resource: policy.to_owned(),
            verdict,
            rules,
            at: collection,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::backends::firewall_rules::Target;
    use crate::packet::{Answer, Probe, Transport};
    use serde_json::json;

    fn group(name: &str, action: &str, rules: &Value) -> Value {
        json!({"name": name, "properties": {"priority": 100, "ruleCollections": [
            {"name": "c", "priority": 100, "action": {"type": action}, "rules": rules}]}})
    }

    fn ask(groups: &[&Value], policies: &[&Value]) -> Result<FirewallMeaning, Unreadable> {
        let world = World::unknown();
        read("pol", policies, groups, &world, Infrastructure::Open)
    }

    fn nat() -> Value {
        json!([{"ruleType": "NATRULE", "name": "web", "ipProtocols": ["tcp"],
            "sourceAddresses": ["*"], "destinationAddresses": ["20.1.2.3"],
            "destinationPorts": ["443"], "translatedAddress": "10.1.0.4",
            "translatedPort": 8443}])
    }

    #[test]
    fn translations_stand_apart_and_the_built_in_rules_end_the_list() {
        let read = ask(&[&group("pol/g", "Dnat", &nat())], &[]).unwrap();
        assert_eq!(read.translations[0].path, "g/c/web");
        assert_eq!(read.translations[0].port, 8443);
        let target = Target::Address("10.1.0.4".parse().unwrap());
        assert_eq!(read.translations[0].target, target);
        let from = "8.8.8.8".parse().unwrap();
        let probe = Probe::new(Transport::Https, from, "20.1.2.3".parse().unwrap(), 443);
        assert!(matches!(read.translation(&probe), Some((_, Answer::Yes))));
        assert!(read.filter.rules[0].built_in);
        assert_eq!(read.filter.decide(&probe).open, Vec::<usize>::new());
        assert_eq!(read.filter.decide(&probe.named("x.azure.com")).open, [0]);
    }

    #[test]
    fn a_parent_that_is_not_there_is_told() {
        let child = json!({"name": "pol", "threatIntelMode": "alert",
            "basePolicy": {"id": "/subscriptions/0/x/firewallPolicies/Base"}});
        let read = ask(&[], &[&child]).unwrap();
        let parent = read.unknown_parent.as_deref();
        assert_eq!(parent, Some("/subscriptions/0/x/firewallPolicies/Base"));
        assert_eq!(read.threat_intel.as_deref(), Some("Alert"));
        let base = json!({"name": "base", "threatIntelMode": "Deny"});
        let read = ask(&[], &[&child, &base]).unwrap();
        assert_eq!(read.unknown_parent, None);
        assert_eq!(read.threat_intel.as_deref(), Some("Deny"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let fault = |member: &str, value: Value| {
            let mut rules = nat();
            rules[0][member] = value;
            ask(&[&group("pol/g", "DNAT", &rules)], &[])
                .unwrap_err()
                .to_string()
        };
        let at = "pol/g.properties.ruleCollections[0].rules[0]";
        let tag = fault("sourceAddresses", json!(["Storage"]));
        let reason = "`Storage`: a tag stands at destinations only";
        assert_eq!(tag, format!("{at}.sourceAddresses[0]: {reason}"));
        let twice = fault("translatedFqdn", json!("x.y"));
        assert_eq!(twice, format!("{at}: has not one target"));
        let geo = fault("sourceGeoLocations", json!(["FR"]));
        assert_eq!(geo, format!("{at}: `sourceGeoLocations` is not understood"));
        let fault = ask(&[&group("g", "Allow", &nat())], &[]).unwrap_err();
        assert_eq!(fault.to_string(), "g: does not say of which policy it is");
        let fault = ask(&[&group("pol/g", "Allow", &nat())], &[]).unwrap_err();
        assert!(fault.reason.contains("action `allow`"), "{fault}");
        assert!(ask(&[], &[]).is_err());
    }

    #[test]
    fn equal_numbers_are_refused_where_they_matter() {
        let rule = json!([{"ruleType": "NetworkRule", "name": "r", "ipProtocols": ["Any"],
            "sourceAddresses": ["*"], "destinationAddresses": ["*"], "destinationPorts": ["*"]}]);
        let allow = group("pol/a", "Allow", &rule);
        let deny = group("pol/b", "Deny", &rule);
        let fault = ask(&[&allow, &deny], &[]).unwrap_err();
        let reason = "nothing says whether `a/c` or `b/c` is read first";
        assert_eq!(fault.reason, reason);
        assert!(ask(&[&allow, &group("pol/b", "Allow", &rule)], &[]).is_ok());
    }
}
