//! Translations at a firewall: one DNAT rule for each public address. Which firewall carries which
//! is decided elsewhere, and so is the security rule at the target.
//!
//! Sources, checked 2026-11-23: "Azure Firewall known issues" (NAT rules take the ports 1 to 63999),
//! REST reference "Firewall Policy Rule Collection Groups" (`NatRule`), "Service tags overview" (no
//! service tag as a source of a firewall rule).

use crate::backends::faults;
use crate::backends::lowered::Context;
use crate::backends::private_ranges::text_of;
use crate::backends::resource::Reference;
use crate::config::RcgLayout;
use crate::diag::Sink;
use crate::model::Key;
use crate::model::address::Family;
use crate::model::dnat::{Dnat, Target};
use crate::model::service::Proto;

use super::caps;
use super::rules::base_name;
use super::shape::{IpProtocol, NatRule};

/// The rules of one translation.
pub(super) fn rules(
    context: &Context<'_>,
    key: &Key,
    dnat: &Dnat,
    sink: &mut Sink,
) -> Vec<NatRule> {
    let layer = format!("firewall `{key}`");
    for (port, span) in [
        (dnat.port, dnat.spans.service),
        (dnat.into_port, dnat.spans.into),
    ] {
        if port > caps::NAT_PORT {
            sink.push(faults::dnat_cannot(
                dnat,
                span,
                &layer,
                &format!("a translation takes the ports 1 to {}", caps::NAT_PORT),
                "choose a lower port",
            ));
            return Vec::new();
        }
    }
    let Some((source_addresses, source_ip_groups)) = sources(context, dnat, &layer, sink) else {
        return Vec::new();
    };
    let (translated_address, translated_fqdn) = match &dnat.into {
        Target::Address(ip) => (Some(ip.to_string()), None),
        Target::Name(name) => (None, Some(name.text.clone())),
    };
    let merged = context.settings.layout.rcg == RcgLayout::Merged;
    let base = base_name(&dnat.id, dnat.rule_name.as_ref(), merged);
    let several = dnat.to.len() > 1;
    dnat.to
        .iter()
        .map(|ip| NatRule {
            name: if several {
                format!("{base}-{ip}")
            } else {
                base.clone()
            },
            description: dnat.purpose.clone(),
            ip_protocols: vec![if dnat.proto == Proto::Udp {
                IpProtocol::Udp
            } else {
                IpProtocol::Tcp
            }],
            source_addresses: source_addresses.clone(),
            source_ip_groups: source_ip_groups.clone(),
            destination_addresses: vec![ip.to_string()],
            destination_ports: vec![dnat.port.to_string()],
            translated_address: translated_address.clone(),
            translated_port: dnat.into_port.to_string(),
            translated_fqdn: translated_fqdn.clone(),
        })
        .collect()
}

/// Addresses and groups of those who may come; `None` if a fault was reported.
fn sources(
    context: &Context<'_>,
    dnat: &Dnat,
    layer: &str,
    sink: &mut Sink,
) -> Option<(Vec<String>, Vec<Reference>)> {
    let from = &dnat.from;
    if from.any {
        return Some((vec!["*".to_owned()], Vec::new()));
    }
    let why = if !from.tags.is_empty() || from.virtual_network {
        Some("a service tag cannot be a source on Azure Firewall")
    } else if !from.asgs.is_empty() {
        Some("Azure Firewall does not know application security groups")
    } else {
        None
    };
    if let Some(why) = why {
        let d = faults::dnat_cannot(dnat, dnat.spans.from, layer, why, "write the prefixes");
        sink.push(d);
        return None;
    }
    let list: Vec<String> = from
        .addresses
        .only(Family::V4)
        .to_prefixes()
        .iter()
        .map(text_of)
        .collect();
    let mut groups: Vec<Reference> = from
        .ip_groups
        .keys()
        .filter_map(|key| context.group_id(key))
        .map(Reference)
        .collect();
    if from.internet {
        groups.push(Reference(context.internet_id()));
    }
    if !from.addresses.only(Family::V6).is_empty() {
        let whole = list.is_empty() && groups.is_empty();
        let (why, help) = if whole {
            ("Azure Firewall rules take IPv4 only", "write IPv4 prefixes")
        } else {
            // `tag(Internet) except ...` has both families whatever its writer thought of.
            (
                "its public addresses are IPv4, so nobody comes from the IPv6 part: it is left out",
                "nothing to do",
            )
        };
        let d = faults::dnat_cannot(dnat, dnat.spans.from, layer, why, help);
        if whole {
            sink.push(d);
            return None;
        }
        sink.push(faults::left_out(d, false));
    }
    (!list.is_empty() || !groups.is_empty()).then_some((list, groups))
}
