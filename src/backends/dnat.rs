//! Which firewall carries which translation, and what no firewall could carry beside others. How a
//! rule of it looks is the rooms' business.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::diag::Sink;
use crate::model::address::AddressSet;
use crate::model::dnat::Dnat;
use crate::model::internet::public;
use crate::model::service::{Proto, word};
use crate::model::{Flow, Key, Layer, Subnet, Tier};
use crate::path::Fabric;
use crate::syntax::ast::Verb;

use super::{example, faults};

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
            if let Some(first) = claims.insert((*ip, dnat.port, dnat.proto), index)
                && let Some(other) = dnats.get(first)
            {
                let what = format!("`{}/{}` of `{ip}`", word(dnat.proto), dnat.port);
                let told = faults::port_claimed_twice(dnat, other, &what);
                example::tell(sink, told, || {
                    example::of_translations(fabric, first, index)
                });
                break;
            }
        }
        if dnat.from.any {
            sink.push(faults::dnat_any_source(dnat));
        }
        if let Some(deny) = denied_by(fabric, dnat) {
            example::tell(sink, faults::dnat_denied(dnat, deny), || {
                let from = fabric.addresses(&dnat.from, None);
                example::sent_on(fabric, index, &from, deny)
            });
        } else if let Some(deny) = denied_as_asked(fabric, dnat) {
            example::tell(sink, faults::dnat_of_denied(dnat, deny), || {
                example::as_asked(fabric, index, deny)
            });
        } else if let Some(deny) = denied_on_arrival(fabric, dnat, &firewall) {
            let told = faults::dnat_arrives_denied(dnat, deny, &firewall);
            example::tell(sink, told, || {
                let from = &fabric.policy.firewalls.get(&firewall)?.subnet;
                example::sent_on(fabric, index, from, deny)
            });
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
    let seen = subnet_of(fabric, dnat);
    let traffic = Traffic {
        fabric,
        dnat,
        from: fabric.addresses(&dnat.from, None),
        to: dnat.target(),
        port: dnat.into_port,
        seen: seen.map(|(key, _)| key),
    };
    traffic.denied(|_| true)
}

/// The same for the public address and port that are asked for: no network rule gets to deny them.
fn denied_as_asked<'a>(fabric: &Fabric<'a>, dnat: &Dnat) -> Option<&'a Flow> {
    let traffic = Traffic {
        fabric,
        dnat,
        from: fabric.addresses(&dnat.from, None),
        to: addresses(&dnat.to),
        port: dnat.port,
        seen: None,
    };
    traffic.denied(|_| true)
}

/// The same for what the security group at the target sees, whose source is the firewall's subnet. An
/// ordered group counts here, since its rules stand before that of the translation.
///
/// Source: "Azure Firewall known issues", SNAT on inbound connections (checked 2026-11-23).
fn denied_on_arrival<'a>(fabric: &Fabric<'a>, dnat: &Dnat, firewall: &Key) -> Option<&'a Flow> {
    let (key, subnet) = subnet_of(fabric, dnat)?;
    let group = subnet.nsg.as_ref()?;
    let traffic = Traffic {
        fabric,
        dnat,
        from: fabric.policy.firewalls.get(firewall)?.subnet.clone(),
        to: dnat.target(),
        port: dnat.into_port,
        seen: Some(key),
    };
    let here = |flow: &Flow| {
        flow.at.as_ref().is_none_or(|layers| {
            layers
                .iter()
                .any(|l| *l == Layer::AnyNsg || *l == Layer::Nsg(group.clone()))
        })
    };
    traffic
        .denied(here)
        .or_else(|| traffic.denied_in_order(here))
}

/// The declared subnet of the target.
fn subnet_of<'a>(fabric: &Fabric<'a>, dnat: &Dnat) -> Option<(&'a Key, &'a Subnet)> {
    let target = dnat.target();
    fabric
        .end_subnets()
        .find(|(_, subnet)| subnet.prefix.meets(&target))
}

/// What a translation lets through, by the source that somebody sees.
struct Traffic<'f, 'a> {
    fabric: &'f Fabric<'a>,
    dnat: &'f Dnat,
    from: AddressSet,
    to: AddressSet,
    port: u16,
    /// The subnet of the target.
    seen: Option<&'a Key>,
}

impl<'a> Traffic<'_, 'a> {
    fn carries(&self, flow: &Flow) -> bool {
        let transport = flow.traffic.transport();
        [Proto::Any, self.dnat.proto]
            .iter()
            .any(|p| transport.get(p).is_some_and(|set| set.contains(self.port)))
    }

    fn ends(&self, flow: &Flow) -> [AddressSet; 2] {
        let seen = self.seen.map(String::as_str);
        [&flow.from, &flow.to].map(|end| self.fabric.addresses(end, seen))
    }

    fn meets(&self, flow: &Flow) -> bool {
        let [from, to] = self.ends(flow);
        self.carries(flow) && to.meets(&self.to) && from.meets(&self.from)
    }

    fn lies_in(&self, flow: &Flow) -> bool {
        let [from, to] = self.ends(flow);
        self.carries(flow) && self.to.is_subset(&to) && self.from.is_subset(&from)
    }

    fn denied(&self, counts: impl Fn(&Flow) -> bool) -> Option<&'a Flow> {
        let flows = &self.fabric.policy.flows;
        let excepted = |deny: &Flow| {
            let mut all = flows.iter();
            all.any(|f| f.tier == Tier::Exception && f.names_deny(deny) && self.lies_in(f))
        };
        flows.iter().find(|flow| {
            counts(flow)
                && match flow.tier {
                    Tier::Forbid => self.meets(flow),
                    Tier::Deny => self.meets(flow) && !excepted(flow),
                    Tier::Exception | Tier::Ordered | Tier::Allow => false,
                }
        })
    }

    /// The first deny of an ordered group that meets it, unless an allow before takes all of it.
    fn denied_in_order(&self, counts: impl Fn(&Flow) -> bool) -> Option<&'a Flow> {
        let flows = &self.fabric.policy.flows;
        let mut ordered: Vec<&Flow> = flows
            .iter()
            .filter(|f| f.tier == Tier::Ordered && counts(f) && self.meets(f))
            .collect();
        ordered.sort_by_key(|f| f.position);
        ordered
            .into_iter()
            .find(|f| f.verb != Verb::Allow || self.lies_in(f))
            .filter(|f| f.verb != Verb::Allow)
    }
}
