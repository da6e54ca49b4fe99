//! Which firewall carries which translation, and what no firewall could carry beside others. How a
//! rule of it looks is the rooms' business.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::diag::Sink;
use crate::model::address::AddressSet;
use crate::model::dnat::Dnat;
use crate::model::internet::public;
use crate::model::service::{Proto, word};
use crate::model::{Flow, Key, Layer, Tier};
use crate::path::Fabric;

use super::faults;

/// The translations of every firewall, by index.
pub(super) fn assign(fabric: &Fabric<'_>, sink: &mut Sink) -> BTreeMap<Key, Vec<usize>> {
    let mut out: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut claims: BTreeMap<(Ipv4Addr, u16, Proto), usize> = BTreeMap::new();
    let dnats = &fabric.policy.dnats;
    for (index, dnat) in dnats.iter().enumerate() {
        let Some(firewall) = firewall_of(fabric, dnat, sink) else {
            continue;
        };
        for ip in &dnat.to {
            if let Some(other) = claims.insert((*ip, dnat.port, dnat.proto), index)
                && let Some(other) = dnats.get(other)
            {
                let what = format!("`{}/{}` of `{ip}`", word(dnat.proto), dnat.port);
                sink.push(faults::port_claimed_twice(dnat, other, &what));
                break;
            }
        }
        if dnat.from.any {
            sink.push(faults::dnat_any_source(dnat));
        }
        if let Some(deny) = denied_by(fabric, dnat) {
            sink.push(faults::dnat_denied(dnat, deny));
        }
        out.entry(firewall).or_default().push(index);
    }
    out
}

/// The firewall whose address is translated.
fn firewall_of(fabric: &Fabric<'_>, dnat: &Dnat, sink: &mut Sink) -> Option<Key> {
    let firewalls = &fabric.policy.firewalls;
    let asked: Vec<&Key> = match &dnat.at {
        Some(layers) => firewalls
            .keys()
            .filter(|k| {
                layers.contains(&Layer::AnyFirewall)
                    || layers.contains(&Layer::Firewall((*k).clone()))
            })
            .collect(),
        None => firewalls.keys().collect(),
    };
    let wanted = addresses(&dnat.to);
    let holds: Vec<&Key> = asked
        .iter()
        .copied()
        .filter(|k| {
            firewalls
                .get(*k)
                .is_some_and(|f| wanted.is_subset(&f.public_ips))
        })
        .collect();
    let key = match (holds.as_slice(), asked.as_slice()) {
        ([one], _) | ([], [one]) => (*one).clone(),
        (_, []) => {
            sink.push(faults::dnat_cannot(
                dnat,
                dnat.spans.whole,
                "a layer",
                "only a firewall translates addresses",
                "declare a `firewall`, and name it if `at` is there",
            ));
            return None;
        }
        _ => {
            sink.push(faults::undetermined(
                dnat.spans.to,
                &format!(
                    "the address of dnat `{}` may be that of any of several firewalls",
                    dnat.id.text()
                ),
                "list the address under `public-ips` of its firewall, or say which with `at`",
            ));
            return None;
        }
    };
    let known = firewalls.get(&key).map(|f| &f.public_ips)?;
    if !known.is_empty() && !wanted.is_subset(known) {
        sink.push(faults::dnat_cannot(
            dnat,
            dnat.spans.to,
            &format!("firewall `{key}`"),
            "the address is none of its `public-ips`",
            "write a public address of the firewall, or add it to `public-ips`",
        ));
        return None;
    }
    // "Azure Firewall known issues": no translation of private destinations; a later version of
    // the service may take them, which is not verified (checked 2026-11-23).
    if known.is_empty() && !wanted.is_subset(&documentation_or_public()) {
        sink.push(faults::dnat_cannot(
            dnat,
            dnat.spans.to,
            &format!("firewall `{key}`"),
            "only public addresses of the firewall are translated",
            "write its public address",
        ));
        return None;
    }
    Some(key)
}

fn addresses(list: &[Ipv4Addr]) -> AddressSet {
    AddressSet::prefixes(
        list.iter()
            .map(|ip| ipnet::IpNet::from(std::net::IpAddr::V4(*ip))),
    )
}

/// Public addresses, and those of examples.
fn documentation_or_public() -> AddressSet {
    let examples = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
    public().union(&AddressSet::prefixes(
        examples.iter().filter_map(|t| t.parse().ok()),
    ))
}

/// A flow that denies some of the traffic that is translated, and that no exception overrides for
/// all of it. Judged by addresses and ports; what an ordered group decides is not judged.
fn denied_by<'a>(fabric: &Fabric<'a>, dnat: &Dnat) -> Option<&'a Flow> {
    let target = dnat.target();
    let from = fabric.addresses(&dnat.from, None);
    let carries = |flow: &Flow| {
        let transport = flow.traffic.transport();
        [Proto::Any, dnat.proto].iter().any(|p| {
            transport
                .get(p)
                .is_some_and(|set| set.contains(dnat.into_port))
        })
    };
    let meets = |flow: &Flow| {
        carries(flow)
            && fabric.addresses(&flow.to, None).meets(&target)
            && fabric.addresses(&flow.from, None).meets(&from)
    };
    let excepted = |deny: &Flow| {
        let id = deny.id.text();
        fabric.policy.flows.iter().any(|flow| {
            flow.tier == Tier::Exception
                && flow.overrides.contains(&id)
                && carries(flow)
                && target.is_subset(&fabric.addresses(&flow.to, None))
                && from.is_subset(&fabric.addresses(&flow.from, None))
        })
    };
    fabric.policy.flows.iter().find(|flow| match flow.tier {
        Tier::Forbid => meets(flow),
        Tier::Deny => meets(flow) && !excepted(flow),
        Tier::Exception | Tier::Ordered | Tier::Allow => false,
    })
}
