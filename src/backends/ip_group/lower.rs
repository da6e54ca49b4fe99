//! From IP groups of the policy, and from `tag(Internet)` on a firewall, to shapes. A firewall takes
//! IPv4 only, so a group holds IPv4 only.

use crate::backends::lowered::{Context, Lowered};
use crate::model;
use crate::model::address::{AddressSet, Family};

use super::emit::emit_ip_group;
use super::shape::IpGroupProperties;

/// Emits every declared group that a firewall uses, and the group of public addresses if one does.
pub(crate) fn lower_ip_groups(context: &Context<'_>, out: &mut Lowered) {
    let policy = context.fabric.policy;
    let mut internet = false;
    let mut used = std::collections::BTreeSet::new();
    for duty in context.plan.firewalls.values().flat_map(|d| d.values()) {
        let Some(flow) = policy.flows.get(duty.flow) else {
            continue;
        };
        for end in [&flow.from, &flow.to] {
            internet |= end.internet && !end.any;
            used.extend(end.ip_groups.keys());
        }
    }
    for dnat in &policy.dnats {
        internet |= dnat.from.internet && !dnat.from.any;
        used.extend(dnat.from.ip_groups.keys());
    }
    if internet {
        emit(
            context,
            &Context::internet_group(),
            &context.fabric.internet,
            out,
        );
    }
    for key in used {
        if let Some(group) = policy.ip_groups.get(key)
            && group.identity.id.is_none()
        {
            emit(context, &group.identity, &group.addresses, out);
        }
    }
}

fn emit(context: &Context<'_>, identity: &model::Identity, set: &AddressSet, out: &mut Lowered) {
    let prefixes = set.only(Family::V4).to_prefixes();
    let properties = IpGroupProperties {
        ip_addresses: prefixes.iter().map(ToString::to_string).collect(),
    };
    let resource = emit_ip_group(&properties, &context.identity(identity));
    out.rules.push((resource.file.clone(), prefixes.len()));
    out.resources.push(resource);
}
