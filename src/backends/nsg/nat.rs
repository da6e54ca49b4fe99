//! What a translation at a firewall needs of the security group at its target: one rule, inbound.
//! The translation itself is a firewall's.
//!
//! Source: "Azure Firewall known issues", SNAT on inbound connections (checked 2026-11-23): what a
//! DNAT rule lets in also has its source translated, always, to an address of the firewall's own
//! subnet, so that the reply comes back. Hence the rule's source is that subnet and not the client,
//! whatever the source of the translation and the private ranges of the policy say; the rest of the
//! translation is the destination and port behind it.

use crate::backends::faults;
use crate::backends::lowered::{Context, Role};
use crate::config::Band;
use crate::diag::Sink;
use crate::model::Key;
use crate::model::address::{AddressSet, Family};
use crate::model::dnat::Dnat;
use crate::model::service::PortSet;

use super::lower::{Draft, Given, Operand, protocol_of, rule_name};
use super::shape::{Access, Direction};

/// The rules that translations need at one security group.
pub(super) fn drafts(context: &Context<'_>, key: &Key, sink: &mut Sink) -> Vec<Draft> {
    let policy = context.fabric.policy;
    let mut behind = AddressSet::empty();
    for (_, subnet) in context.fabric.end_subnets() {
        if subnet.nsg.as_ref() == Some(key) {
            behind = behind.union(&subnet.prefix);
        }
    }
    let mut out = Vec::new();
    for (firewall, indices) in &context.plan.dnats {
        for dnat in indices.iter().filter_map(|i| policy.dnats.get(*i)) {
            let target = dnat.target().intersect(&behind);
            if target.is_empty() {
                continue;
            }
            let own = policy.firewalls.get(firewall).map(|f| &f.subnet);
            match own {
                Some(own) if !own.is_empty() => out.push(draft(dnat, own, &target)),
                _ => sink.push(faults::undetermined(
                    dnat.spans.into,
                    &format!(
                        "the addresses that firewall `{firewall}` comes from to NSG `{key}` are unknown"
                    ),
                    "set `subnet` on the firewall, the prefix of its AzureFirewallSubnet",
                )),
            }
        }
    }
    out
}

fn draft(dnat: &Dnat, from: &AddressSet, target: &AddressSet) -> Draft {
    let id = format!("{}/in", dnat.id.text());
    let prefixes = |set: &AddressSet| {
        let nets = set.only(Family::V4).to_prefixes();
        Operand::Prefixes(nets.iter().map(ToString::to_string).collect())
    };
    Draft {
        name: dnat.rule_name.clone().unwrap_or_else(|| rule_name(&id)),
        given: dnat.spans.name.map(|span| Given {
            span,
            statement: dnat.id.text(),
        }),
        id,
        band: Band::Allow,
        order: None,
        pin: dnat.pin,
        description: dnat.purpose.clone(),
        protocol: protocol_of(dnat.proto),
        ports: PortSet::one(dnat.into_port),
        source_ports: PortSet::all(),
        source: prefixes(from),
        destination: prefixes(target),
        access: Access::Allow,
        direction: Direction::Inbound,
        flows: vec![dnat.id.text()],
        role: Role::Exact,
        span: dnat.spans.whole,
    }
}
