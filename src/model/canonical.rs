//! The content of a policy as one text that comments, order and places of statements do not touch;
//! for hashes, not for reading.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use sha2::{Digest as _, Sha256};

use super::dnat::Dnat;
use super::{Flow, Policy, Route};

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
        let _ = flow(&mut out, f, &f.id.text());
    }
    for d in &policy.dnats {
        let _ = dnat(&mut out, d, &d.id.text());
    }
    for r in &policy.routes {
        let _ = route(&mut out, r, &r.id.text());
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

fn flow(out: &mut impl Write, f: &Flow, id: &str) -> fmt::Result {
    writeln!(
        out,
        "flow {id} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
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
    )?;
    if let Some(position) = f.position {
        writeln!(out, "flow-ordered {id} {position} {:?}", f.verb)?;
    }
    if f.pin.is_some() || f.rule_name.is_some() {
        writeln!(out, "flow-rule {id} {:?} {:?}", f.pin, f.rule_name)?;
    }
    if f.source_ports.is_some() || f.inspect || !f.headers.is_empty() {
        writeln!(
            out,
            "flow-more {id} {:?} {:?} {:?}",
            f.source_ports, f.inspect, f.headers
        )?;
    }
    Ok(())
}

fn dnat(out: &mut impl Write, d: &Dnat, id: &str) -> fmt::Result {
    writeln!(
        out,
        "dnat {id} {:?} {} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?}",
        d.proto,
        d.port,
        d.from,
        d.to,
        d.into,
        d.into_port,
        d.at,
        d.purpose,
        d.owner,
        d.ticket,
        d.until,
        d.rule_name
    )
}

fn route(out: &mut impl Write, r: &Route, id: &str) -> fmt::Result {
    writeln!(out, "route {id} {:?} {:?} {}", r.to, r.hop, r.table)?;
    if r.until.is_some() || r.name.is_some() {
        let name = r.name.as_ref().map(|(name, _)| name);
        writeln!(out, "route-more {id} {:?} {name:?}", r.until)?;
    }
    Ok(())
}

/// Stands for a text: two that are equal have equal texts. Of very many statements the texts themselves
/// would take more memory than the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    fn written(write: impl FnOnce(&mut Hashed) -> fmt::Result) -> Self {
        let mut out = Hashed(Sha256::new());
        // Writing to a hash cannot fail.
        let _ = write(&mut out);
        Self(out.0.finalize().into())
    }
}

/// A writer into a hash.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// What every statement that has an id says, flows, translations and routes, by that id; the id itself is
/// not part of it. Two with equal digests ask for the same.
#[must_use]
pub fn statements(policy: &Policy) -> BTreeMap<String, Digest> {
    let mut out: BTreeMap<String, Digest> = BTreeMap::new();
    let flows = policy.flows.iter();
    let flows = flows.map(|f| (f.id.text(), Digest::written(|to| flow(to, f, ""))));
    let dnats = policy.dnats.iter();
    let dnats = dnats.map(|d| (d.id.text(), Digest::written(|to| dnat(to, d, ""))));
    let routes = policy.routes.iter();
    let routes = routes.map(|r| (r.id.text(), Digest::written(|to| route(to, r, ""))));
    for (id, said) in flows.chain(dnats).chain(routes) {
        // Several statements of one id are known together.
        out.entry(id)
            .and_modify(|known| *known = Digest::written(|to| write!(to, "{known:?} {said:?}")))
            .or_insert(said);
    }
    out
}
