//! Envelopes and guards: what a security group says for flows to names. An envelope allows Internet
//! on the flow's ports; a guard keeps it from opening what goes past the firewall.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::allocate::envelope_id;
use crate::backends::lowered::{Context, Role};
use crate::backends::plan::Duty;
use crate::config::Band;
use crate::model::address::{AddressSet, Family};
use crate::model::service::PortSet;
use crate::model::{Hop, Key};
use crate::path::routes::{Cause, Target};
use crate::source::Span;

use super::lower::{Draft, Operand};
use super::shape::{Access, Direction, Protocol};

/// What makes two envelopes one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sort {
    source: Operand,
    protocol: Protocol,
    ports: PortSet,
    narrowed: bool,
}

#[derive(Clone, Debug, Default)]
struct Behind {
    flows: BTreeSet<String>,
    subnets: BTreeSet<Key>,
    span: Span,
}

/// What a guard denies, and the flows whose envelopes need it.
struct Guarded {
    ports: PortSet,
    flows: BTreeSet<String>,
    span: Span,
}

/// The envelopes of one security group.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelopes {
    list: BTreeMap<Sort, Behind>,
}

impl Envelopes {
    pub(super) fn add(
        &mut self,
        source: &Operand,
        protocol: Protocol,
        ports: &PortSet,
        (flow, span): (&str, Span),
        duty: &Duty,
        narrowed: bool,
    ) {
        let behind = self
            .list
            .entry(Sort {
                source: source.clone(),
                protocol,
                ports: ports.clone(),
                narrowed,
            })
            .or_default();
        if behind.flows.is_empty() {
            behind.span = span;
        }
        behind.flows.insert(flow.to_owned());
        behind.subnets.extend(duty.subnets.iter().cloned());
    }

    /// The rules: envelopes, and guards for every exception of their subnets.
    pub(super) fn drafts(&self, context: &Context<'_>, key: &Key) -> Vec<Draft> {
        let mut out = Vec::new();
        let mut guards: BTreeMap<(Operand, Protocol, Operand), Guarded> = BTreeMap::new();
        for (sort, behind) in &self.list {
            let what = format!(
                "{key}|out|{:?}|{:?}|{}",
                sort.source,
                sort.protocol,
                sort.ports.texts().join(",")
            );
            let id = envelope_id(&what);
            let list: Vec<&str> = behind.flows.iter().map(String::as_str).collect();
            let action = if sort.narrowed {
                "Names, narrowed by the firewall"
            } else {
                "Names, accepted as Internet"
            };
            out.push(Draft {
                name: format!(
                    "envelope-{}-{}",
                    protocol_word(sort.protocol),
                    hex(&what, 4)
                ),
                id,
                band: Band::Envelope,
                given: None,
                order: None,
                pin: None,
                description: Some(format!("{action}: {}", list.join(", "))),
                protocol: sort.protocol,
                ports: sort.ports.clone(),
                source_ports: PortSet::all(),
                source: sort.source.clone(),
                destination: Operand::Tag("Internet".to_owned()),
                access: Access::Allow,
                direction: Direction::Outbound,
                flows: behind.flows.iter().cloned().collect(),
                role: Role::Envelope,
                span: behind.span,
            });
            if !sort.narrowed {
                continue;
            }
            for (exception, subnets) in exceptions(context, &behind.subnets) {
                let Some(source) = at(context, &sort.source, &subnets, &behind.subnets) else {
                    continue;
                };
                let slot = guards
                    .entry((source, sort.protocol, exception))
                    .or_insert_with(|| Guarded {
                        ports: PortSet::from_ranges(&[]),
                        flows: BTreeSet::new(),
                        span: behind.span,
                    });
                slot.ports = slot.ports.union(&sort.ports);
                slot.flows.extend(behind.flows.iter().cloned());
            }
        }
        for ((source, protocol, exception), guarded) in guards {
            let Guarded { ports, flows, span } = guarded;
            // The id leaves the ports out: a port more on the envelopes is no other guard.
            let what = format!("{key}|guard|{source:?}|{protocol:?}|{exception:?}");
            let target = match &exception {
                Operand::Tag(tag) => tag.clone(),
                _ => hex(&what, 2),
            };
            out.push(Draft {
                id: format!("guard/{}", hex(&what, 8)),
                name: format!(
                    "guard-{}-{target}-{}",
                    protocol_word(protocol),
                    hex(&what, 2)
                ),
                band: Band::Guard,
                given: None,
                order: None,
                pin: None,
                description: Some(
                    "Goes past the firewall by a route exception: no envelope here".to_owned(),
                ),
                protocol,
                ports,
                source_ports: PortSet::all(),
                source,
                destination: exception,
                access: Access::Deny,
                direction: Direction::Outbound,
                flows: flows.into_iter().collect(),
                role: Role::Guard,
                span,
            });
        }
        out
    }
}

/// What the subnets reach past the firewall, and which of them: exception routes to elsewhere and
/// service endpoints.
fn exceptions(context: &Context<'_>, subnets: &BTreeSet<Key>) -> BTreeMap<Operand, BTreeSet<Key>> {
    let mut out: BTreeMap<Operand, BTreeSet<Key>> = BTreeMap::new();
    let mut add = |operand: Operand, key: &Key| {
        out.entry(operand).or_default().insert(key.clone());
    };
    for key in subnets {
        let Some(subnet) = context.fabric.policy.subnets.get(key) else {
            continue;
        };
        for tag in &subnet.service_endpoints {
            add(Operand::Tag(tag.clone()), key);
        }
        let table = subnet
            .route_table
            .as_ref()
            .and_then(|t| context.fabric.tables.get(t));
        for route in table.iter().flat_map(|t| &t.routes) {
            let past = matches!(route.hop, Hop::Internet | Hop::Gateway | Hop::Vnet);
            if !past || !matches!(route.cause, Cause::Exception(_)) {
                continue;
            }
            match &route.target {
                Target::Tag(tag) => {
                    add(Operand::Tag(tag.clone()), key);
                }
                Target::Prefix(net) => {
                    // What is no part of Internet no envelope opens.
                    let set = AddressSet::prefix(*net).only(Family::V4);
                    if set.meets(&context.fabric.internet) {
                        add(Operand::Prefixes(vec![net.trunc().to_string()]), key);
                    }
                }
                Target::Default => {}
            }
        }
    }
    out
}

/// The sources of an envelope in the subnets that have an exception; `None` if there are none. Of a
/// subnet without it the firewall narrows what the guard would deny.
fn at(
    context: &Context<'_>,
    source: &Operand,
    subnets: &BTreeSet<Key>,
    all: &BTreeSet<Key>,
) -> Option<Operand> {
    if subnets == all {
        return Some(source.clone());
    }
    let mut held = AddressSet::empty();
    for subnet in subnets
        .iter()
        .filter_map(|k| context.fabric.policy.subnets.get(k))
    {
        held = held.union(&subnet.prefix);
    }
    let held = match source {
        Operand::Any => held.only(Family::V4),
        Operand::Prefixes(list) => {
            let own = list.iter().filter_map(|text| text.parse().ok());
            held.intersect(&AddressSet::prefixes(own))
        }
        // Which members are in which subnet is not known.
        Operand::Tag(_) | Operand::Group(_) => return Some(source.clone()),
    };
    let list: Vec<String> = held.to_prefixes().iter().map(ToString::to_string).collect();
    (!list.is_empty()).then_some(Operand::Prefixes(list))
}

fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
        Protocol::Esp => "esp",
        Protocol::Ah => "ah",
        Protocol::Any => "any",
    }
}

fn hex(text: &str, bytes: usize) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(bytes)
        .map(|b| format!("{b:02x}"))
        .collect()
}
