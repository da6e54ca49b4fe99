//! The content of a policy as one text that comments, order and places of statements do not touch;
//! for hashes, not for reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Policy;

/// The policy's content. Two policies with equal texts compile to equal output.
#[must_use]
pub fn text(policy: &Policy) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "environment {}", policy.environment);
    for (key, v) in &policy.vnets {
        let _ = writeln!(
            out,
            "vnet {key} {:?} {:?} {:?} {:?}",
            v.identity.name, v.space, v.peers, v.on_premises
        );
    }
    for (key, firewall) in policy
        .vnets
        .iter()
        .filter_map(|(k, v)| Some((k, v.firewall.as_ref()?)))
    {
        let _ = writeln!(out, "vnet-firewall {key} {firewall}");
    }
    for (key, s) in &policy.subnets {
        let _ = writeln!(
            out,
            "subnet {key} {:?} {:?} {:?} {:?} {:?} {:?}",
            s.identity.name, s.prefix, s.vnet, s.nsg, s.route_table, s.service_endpoints
        );
    }
    for (key, s) in &policy.subnets {
        if let Some(zone) = &s.zone {
            let _ = writeln!(out, "subnet-zone {key} {zone}");
        }
    }
    for (key, f) in &policy.firewalls {
        let _ = writeln!(
            out,
            "firewall {key} {:?} {:?} {:?} {:?} {:?}",
            f.identity.name, f.manage_policy, f.sku, f.dns_proxy, f.private_ip
        );
        // What is seldom written has a line of its own, so that it changes no other hash.
        if let Some((parent, _)) = &f.base_policy {
            let _ = writeln!(out, "firewall-parent {key} {parent:?}");
        }
        if let Some(mode) = &f.threat_intel {
            let _ = writeln!(out, "firewall-threat-intel {key} {mode}");
        }
        if let Some(ranges) = &f.snat_private {
            let _ = writeln!(out, "firewall-snat {key} {ranges:?}");
        }
        if f.classic {
            let _ = writeln!(out, "firewall-classic {key}");
        }
        if let Some(base) = &f.base {
            let _ = writeln!(out, "firewall-base {key} {:?}", base.text);
        }
        if f.infrastructure_denied {
            let _ = writeln!(out, "firewall-infrastructure {key}");
        }
        if !policy.dnats.is_empty() {
            let _ = writeln!(out, "firewall-dnat {key} {:?} {:?}", f.public_ips, f.subnet);
        }
    }
    for (key, n) in &policy.nsgs {
        let _ = writeln!(
            out,
            "nsg {key} {:?} {:?} {:?} {:?} {:?} {:?}",
            n.identity.name,
            n.default_inbound,
            n.default_outbound,
            n.names_open,
            n.flush,
            n.base.as_ref().map(|b| &b.text)
        );
    }
    for (key, t) in &policy.route_tables {
        let _ = writeln!(
            out,
            "route-table {key} {:?} {:?} {:?}",
            t.identity.name, t.default, t.bgp
        );
    }
    for (key, g) in &policy.ip_groups {
        let _ = writeln!(
            out,
            "ip-group {key} {:?} {:?}",
            g.identity.name, g.addresses
        );
    }
    for f in &policy.flows {
        let _ = writeln!(
            out,
            "flow {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            f.id.text(),
            f.tier,
            f.need,
            f.traffic,
            f.from,
            f.to,
            f.at,
            f.via,
            f.overrides,
            f.purpose,
            f.owner,
            f.ticket,
            f.until
        );
        if let Some(position) = f.position {
            let _ = writeln!(out, "flow-ordered {} {position} {:?}", f.id.text(), f.verb);
        }
        if f.pin.is_some() || f.rule_name.is_some() {
            let _ = writeln!(
                out,
                "flow-rule {} {:?} {:?}",
                f.id.text(),
                f.pin,
                f.rule_name
            );
        }
        if f.source_ports.is_some() || f.inspect || !f.headers.is_empty() {
            let _ = writeln!(
                out,
                "flow-more {} {:?} {:?} {:?}",
                f.id.text(),
                f.source_ports,
                f.inspect,
                f.headers
            );
        }
    }
    for d in &policy.dnats {
        let _ = writeln!(out, "dnat {}", d.canonical());
    }
    for r in &policy.routes {
        let _ = writeln!(
            out,
            "route {} {:?} {:?} {}",
            r.id.text(),
            r.to,
            r.hop,
            r.table
        );
        if r.until.is_some() || r.name.is_some() {
            let name = r.name.as_ref().map(|(name, _)| name);
            let _ = writeln!(out, "route-more {} {:?} {name:?}", r.id.text(), r.until);
        }
    }
    // What a policy takes for true decides what is told of it and what its tests answer.
    let mut facts = BTreeSet::new();
    for (word, list) in [("apart", &policy.apart), ("inside", &policy.inside)] {
        for fact in list {
            facts.insert(format!("assume-{word} {:?} {:?}", fact.left, fact.right));
        }
    }
    for fact in facts {
        let _ = writeln!(out, "{fact}");
    }
    out
}

/// The content of every statement that has an id, flows, translations and routes, by that. Two with
/// equal texts ask for the same.
#[must_use]
pub fn statements(policy: &Policy) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for line in text(policy).lines() {
        let mut words = line.split(' ');
        let (Some(kind), Some(id)) = (words.next(), words.next()) else {
            continue;
        };
        let own = [
            "flow",
            "flow-ordered",
            "flow-rule",
            "flow-more",
            "dnat",
            "route",
            "route-more",
        ];
        if !own.contains(&kind) {
            continue;
        }
        let rest = words.collect::<Vec<_>>().join(" ");
        let known: &mut String = out.entry(id.to_owned()).or_default();
        known.push_str(&rest);
        known.push('\n');
    }
    out
}
