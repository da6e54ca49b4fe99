//! Which layer has to say what: every flow's ways, and for each layer on them the duties it gets.
//! It decides what a layer can express, not how.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::catalog::{SpecialTag, Target, TargetUse};
use crate::diag::{Diagnostic, Severity, Sink};
use crate::model::address::{AddressSet, Family};
use crate::model::internet::public;
use crate::model::service::Proto;
use crate::model::{DefaultAction, Flow, Hop, Key, Layer, Subnet};
use crate::path::routes as route_targets;
use crate::path::{Entry, Fabric, HopClass, Way};

use super::{dnat, faults};

/// What one layer has to do for one flow.
#[derive(Clone, Debug, Default)]
pub struct Duty {
    /// Index of the flow in the policy.
    pub flow: usize,
    /// Sources that come by here.
    pub from: AddressSet,
    /// Destinations that are reached from here.
    pub to: AddressSet,
    /// Names are reached from here.
    pub names: bool,
    /// The subnets at which it applies (security groups only).
    pub subnets: BTreeSet<Key>,
    /// Names are narrowed by a firewall behind this layer.
    pub narrowed: bool,
    /// `any` on one side is no more than the addresses here.
    pub partial: bool,
    /// Set if this is one of several duties of one flow: which destinations count depends on the
    /// source. Four hex digits.
    pub part: Option<String>,
}

/// The duties of one layer, by flow and part.
pub type Duties = BTreeMap<(usize, usize), Duty>;

/// The duties of every layer.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Per security group, outbound: duties in flow order.
    pub outbound: BTreeMap<Key, Duties>,
    /// Per security group, inbound.
    pub inbound: BTreeMap<Key, Duties>,
    /// Per firewall.
    pub firewalls: BTreeMap<Key, Duties>,
    /// Per firewall: indices of its translations.
    pub dnats: BTreeMap<Key, Vec<usize>>,
}

/// Gives every layer its duties.
#[must_use]
pub fn plan(fabric: &Fabric<'_>, sink: &mut Sink) -> Plan {
    let mut plan = Plan::default();
    check_topology(fabric, sink);
    for (index, flow) in fabric.policy.flows.iter().enumerate() {
        let ways = match fabric.ways(flow) {
            Ok(ways) => ways,
            Err(_) => {
                let names: Vec<&str> = fabric.policy.firewalls.keys().map(String::as_str).collect();
                sink.push(faults::undetermined(
                    flow.spans.whole,
                    &format!(
                        "flow `{}` may cross any of {}",
                        flow.id.text(),
                        names.join(", ")
                    ),
                    "say which with `at`, or declare the subnets",
                ));
                continue;
            }
        };
        let known = !flow.from.is_opaque() && flow.from.asgs.is_empty();
        if ways.is_empty() && is_foreign(fabric, flow) {
            let at_firewall =
                !fabric.policy.firewalls.is_empty() && (flow.at.is_none() || asked_by_name(flow));
            let refused = at_firewall.then(|| not_at_a_firewall(flow));
            sink.push(refused.flatten().unwrap_or_else(|| {
                faults::nowhere(
                    flow,
                    "any way: no declared subnet is at its ends, and no firewall between them",
                )
            }));
        } else if ways.is_empty() && flow.allows() && known {
            sink.push(faults::unreachable(flow));
        }
        // Seen from different networks `tag(VirtualNetwork)` is different sets, and then sources
        // times destinations would be more than the flow says: each way is a duty of its own.
        let apart =
            (flow.from.virtual_network || flow.to.virtual_network) && !fabric.is_one_network();
        for (number, way) in ways.iter().enumerate() {
            let slot = (index, if apart { number } else { 0 });
            assign(fabric, &mut plan, slot, flow, way, sink);
        }
        let asgs = !(flow.from.asgs.is_empty() && flow.to.asgs.is_empty());
        if asgs && ways.is_empty() {
            sink.push(faults::cannot_express(
                flow,
                flow.spans.whole,
                "any layer",
                "an application security group is known to the NSG of a subnet only",
                "declare the `subnet` of its members with an `nsg`",
            ));
        }
        if let (Some(span), false) = (
            flow.spans.inspect.or(flow.spans.header),
            ways.iter().any(|w| w.firewall.is_some()),
        ) {
            sink.push(faults::cannot_express(
                flow,
                span,
                "any layer of its path",
                "only a firewall opens and changes requests",
                "route the subnet through a firewall, or drop the clause",
            ));
        }
        check_opaque(flow, &ways, sink);
        // Where the members of a group are that is only named is not known, nor their replies.
        if !flow.from.is_opaque() && !flow.to.is_opaque() {
            check_flow(fabric, flow, &ways, sink);
        }
    }
    plan.dnats = dnat::assign(fabric, sink);
    for duties in plan
        .outbound
        .values_mut()
        .chain(plan.inbound.values_mut())
        .chain(plan.firewalls.values_mut())
    {
        *duties = settled(std::mem::take(duties));
    }
    check_pins(fabric, &plan, sink);
    plan
}

/// A pin is the number of a security rule; a flow that makes none has nothing to pin.
fn check_pins(fabric: &Fabric<'_>, plan: &Plan, sink: &mut Sink) {
    for (index, flow) in fabric.policy.flows.iter().enumerate() {
        let Some(pin) = flow.pin else {
            continue;
        };
        let makes_rule = plan
            .outbound
            .values()
            .chain(plan.inbound.values())
            .flat_map(BTreeMap::values)
            .any(|duty| duty.flow == index);
        if !makes_rule {
            sink.push(faults::bad_pin(
                flow.spans.pin.unwrap_or(flow.spans.whole),
                pin,
                "has no rule of a security group to number",
                &[],
            ));
        }
    }
}

/// Puts the parts of each flow together where that adds nothing: the same destinations, then the
/// same sources.
fn settled(duties: Duties) -> Duties {
    let mut by_flow: BTreeMap<usize, Vec<Duty>> = BTreeMap::new();
    for duty in duties.into_values() {
        by_flow.entry(duty.flow).or_default().push(duty);
    }
    let mut out = Duties::new();
    for (flow, parts) in by_flow {
        let mut merged: Vec<Duty> = Vec::new();
        for part in parts {
            let same = |d: &&mut Duty| {
                d.to == part.to && d.names == part.names && d.narrowed == part.narrowed
            };
            match merged.iter_mut().find(same) {
                Some(there) => {
                    there.from = there.from.union(&part.from);
                    there.partial |= part.partial;
                    there.subnets.extend(part.subnets);
                }
                None => merged.push(part),
            }
        }
        let mut settled: Vec<Duty> = Vec::new();
        for part in merged {
            let fits = |d: &&mut Duty| {
                d.from == part.from
                    && d.subnets == part.subnets
                    && (!d.names || !part.names || d.narrowed == part.narrowed)
            };
            match settled.iter_mut().find(fits) {
                Some(there) => {
                    there.to = there.to.union(&part.to);
                    there.narrowed |= part.narrowed;
                    there.names |= part.names;
                    there.partial |= part.partial;
                }
                None => settled.push(part),
            }
        }
        let several = settled.len() > 1;
        for (number, mut duty) in settled.into_iter().enumerate() {
            duty.part = several.then(|| four_hex(&duty));
            duty.partial |= several;
            out.insert((flow, number), duty);
        }
    }
    out
}

fn four_hex(duty: &Duty) -> String {
    let text = |set: &AddressSet| {
        let list: Vec<String> = set.to_prefixes().iter().map(ToString::to_string).collect();
        list.join(",")
    };
    let what = format!("{}|{}|{}", text(&duty.from), text(&duty.to), duty.names);
    Sha256::digest(what.as_bytes())
        .iter()
        .take(2)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Neither end is in a declared subnet, so that nothing here can meet the flow. An end in one whose
/// next hop drops everything is another matter: there is nothing to enforce.
fn is_foreign(fabric: &Fabric<'_>, flow: &Flow) -> bool {
    fabric.end_subnets().all(|(key, subnet)| {
        !fabric
            .addresses(&flow.from, Some(key))
            .meets(&subnet.prefix)
            && !fabric.addresses(&flow.to, Some(key)).meets(&subnet.prefix)
    })
}

fn assign(
    fabric: &Fabric<'_>,
    plan: &mut Plan,
    slot: (usize, usize),
    flow: &Flow,
    way: &Way,
    sink: &mut Sink,
) {
    let nsg_of = |subnet: &Key| {
        fabric
            .policy
            .subnets
            .get(subnet)
            .and_then(|s| s.nsg.clone())
    };
    let mut layers = 0;
    let mut enforcing = 0;
    let mut told = false;
    for (subnet, outbound) in [(&way.out_of, true), (&way.into, false)] {
        let Some(subnet) = subnet else {
            continue;
        };
        let Some(nsg) = nsg_of(subnet) else {
            let asked = flow.at.as_ref().is_some_and(|l| l.contains(&Layer::AnyNsg));
            if asked {
                sink.push(faults::no_nsg(
                    flow.spans.layers.unwrap_or(flow.spans.whole),
                    subnet,
                    &format!("flow `{}` is to be enforced at NSGs", flow.id.text()),
                ));
                told = true;
            }
            continue;
        };
        layers += 1;
        if !wanted(flow, &Layer::Nsg(nsg.clone()), &Layer::AnyNsg) {
            continue;
        }
        let by_name = way.names;
        let exact = !by_name && !flow.from.is_opaque() && !flow.to.is_opaque();
        if !exact && !flow.allows() {
            continue;
        }
        enforcing += 1;
        let table = if outbound {
            &mut plan.outbound
        } else {
            &mut plan.inbound
        };
        let duty = table.entry(nsg).or_default().entry(slot).or_default();
        duty.flow = slot.0;
        duty.from = duty.from.union(&way.from);
        duty.to = duty.to.union(&way.to);
        duty.partial |= way.partial;
        duty.subnets.insert(subnet.clone());
        if by_name {
            let narrowed = way.firewall.is_some();
            duty.narrowed = if duty.names {
                duty.narrowed && narrowed
            } else {
                narrowed
            };
            duty.names = true;
        }
    }
    if let Some(firewall) = &way.firewall {
        layers += 1;
        if wanted(
            flow,
            &Layer::Firewall(firewall.clone()),
            &Layer::AnyFirewall,
        ) && (flow.allows() || asked_by_name(flow) || firewall_is_exact(fabric, flow))
        {
            enforcing += 1;
            let duty = plan
                .firewalls
                .entry(firewall.clone())
                .or_default()
                .entry(slot)
                .or_default();
            duty.flow = slot.0;
            duty.from = duty.from.union(&way.from);
            duty.to = duty.to.union(&way.to);
            duty.names |= way.names;
            duty.partial |= way.partial;
        }
    }
    let lost = if flow.allows() {
        layers == 0 || (flow.at.is_some() && enforcing == 0)
    } else {
        enforcing == 0
    };
    // Whether a group that is only named has members on this way is not known: told once a flow.
    let opaque = flow.from.is_opaque() || flow.to.is_opaque();
    // An allow from anywhere to anywhere is no claim about any one way; a deny is.
    let everything = flow.from.any && flow.to.any && flow.allows();
    if lost && !told && !opaque && !everything && !only_by_the_way(flow, way) {
        let refused = asked_by_name(flow).then(|| not_at_a_firewall(flow));
        sink.push(match refused.flatten() {
            Some(d) => d,
            None => faults::nowhere(flow, &describe(way)),
        });
    }
}

/// A deny of a group that is only named holds where a firewall is on the way, and nowhere else.
fn check_opaque(flow: &Flow, ways: &[Way], sink: &mut Sink) {
    if flow.allows() || !(flow.from.is_opaque() || flow.to.is_opaque()) {
        return;
    }
    let Some(past) = ways.iter().find(|w| w.firewall.is_none()) else {
        return;
    };
    let d = faults::nowhere(flow, &describe(past));
    sink.push(if ways.iter().any(|w| w.firewall.is_some()) {
        d.severity(Severity::Warning)
    } else {
        d
    });
}

/// A flow that only a firewall could enforce, with a service tag at an end that none knows.
fn not_at_a_firewall(flow: &Flow) -> Option<Diagnostic> {
    for (end, span) in [(&flow.from, flow.spans.from), (&flow.to, flow.spans.to)] {
        let platform = end.tags.iter().find(|t| SpecialTag::find(t).is_some());
        let (tag, help) = match platform {
            Some(tag) => (
                tag.as_str(),
                "keep the flow at the NSG of a declared `subnet`: this traffic crosses no firewall",
            ),
            None if end.virtual_network => (
                "VirtualNetwork",
                "declare each `vnet` with its `peers`, or write the prefixes",
            ),
            None => continue,
        };
        return Some(
            faults::cannot_express(
                flow,
                span,
                "a firewall",
                &format!("Azure Firewall does not know `tag({tag})`"),
                help,
            )
            .note("Virtual network service tags, column `Can use with Azure Firewall`: No for AzureLoadBalancer, VirtualNetwork and the tags of the platform (checked 2026-11-25)"),
        );
    }
    None
}

/// The platform's addresses count only where a flow names them: `any` does not.
fn only_by_the_way(flow: &Flow, way: &Way) -> bool {
    match (&way.hop, &way.entry) {
        (HopClass::Platform, Entry::Subnet) => flow.to.any,
        (HopClass::Platform, _) => flow.from.any,
        _ => false,
    }
}

/// The flow says that a firewall is to enforce it.
fn asked_by_name(flow: &Flow) -> bool {
    flow.at.as_ref().is_some_and(|layers| {
        layers
            .iter()
            .any(|l| matches!(l, Layer::AnyFirewall | Layer::Firewall(_)))
    })
}

/// A deny that a firewall cannot say exactly is not said there at all: service tags as a source and
/// some as a destination, application security groups, source ports, ESP and AH have no rule on
/// Azure Firewall.
fn firewall_is_exact(fabric: &Fabric<'_>, flow: &Flow) -> bool {
    let refused = |tag: &String| {
        matches!(
            fabric.catalog.usable(tag, Target::Firewall),
            Some(TargetUse::No(_))
        )
    };
    flow.from.tags.is_empty()
        && flow.from.asgs.is_empty()
        && flow.to.asgs.is_empty()
        && flow.source_ports.is_none()
        && !flow.to.tags.iter().any(refused)
        && !flow.traffic.has(Proto::Esp)
        && !flow.traffic.has(Proto::Ah)
}

fn wanted(flow: &Flow, this: &Layer, any: &Layer) -> bool {
    flow.at
        .as_ref()
        .is_none_or(|layers| layers.contains(this) || layers.contains(any))
}

/// A way in words.
pub(crate) fn describe(way: &Way) -> String {
    let from = match (&way.out_of, &way.entry) {
        (Some(subnet), _) => format!("the way from subnet `{subnet}`"),
        (None, Entry::Internet) => "the way from the internet".to_owned(),
        (None, Entry::Platform) => "the way from the platform".to_owned(),
        (None, _) => "the way from outside the declared subnets".to_owned(),
    };
    let to = match (&way.into, &way.hop) {
        (Some(subnet), _) => format!("to subnet `{subnet}`"),
        (None, HopClass::Internet) => "to the internet".to_owned(),
        (None, HopClass::Gateway) => "through the gateway".to_owned(),
        (None, HopClass::Firewall(f)) => format!("through firewall `{f}`"),
        (None, HopClass::ServiceEndpoint) => "through a service endpoint".to_owned(),
        (None, HopClass::Platform) => "to the platform".to_owned(),
        (None, _) => "inside the virtual network".to_owned(),
    };
    format!("{from} {to}")
}

fn check_flow(fabric: &Fabric<'_>, flow: &Flow, ways: &[Way], sink: &mut Sink) {
    check_via(fabric, flow, ways, sink);
    if !flow.allows() {
        return;
    }
    for way in ways {
        // `at nsg` says that no firewall is expected.
        if way.hop == HopClass::ServiceEndpoint
            && (flow.at.is_none() || asked_by_name(flow))
            && let Some(subnet) = &way.out_of
            && let Some(map) = fabric.hop_map(subnet)
            && matches!(map.default_hop(), HopClass::Firewall(_))
        {
            sink.push(faults::endpoint_bypass(flow, subnet));
        }
        check_gateway_reply(fabric, flow, way, sink);
        check_vnet_reply(fabric, flow, way, sink);
        if let Some(into) = &way.into
            && let Some(map) = fabric.hop_map(into)
        {
            check_reply(fabric, flow, way, into, map, sink);
        }
        if let (Some(a), Some(b)) = (&way.out_of, &way.into)
            && a != b
            && fabric.policy.vnets.is_empty()
            && let Some(HopClass::Firewall(name)) = [a, b]
                .into_iter()
                .filter_map(|end| fabric.hop_map(end))
                .map(crate::path::HopMap::default_hop)
                .find(|hop| matches!(hop, HopClass::Firewall(_)))
        {
            sink.push(faults::undetermined(
                flow.spans.whole,
                &format!("nothing says whether subnets `{a}` and `{b}` share a virtual network, are peered, or meet through firewall `{name}`"),
                "declare the `vnet`s and set `vnet` on the subnets",
            ));
        }
    }
}

/// `via` becomes a route of the source's table; a subnet without one goes on as before.
fn check_via(fabric: &Fabric<'_>, flow: &Flow, ways: &[Way], sink: &mut Sink) {
    let Some(hop) = &flow.via else {
        return;
    };
    // Without a table the way is Azure's own already: the network, then the internet.
    if matches!(hop, Hop::Vnet | Hop::Internet) {
        return;
    }
    for key in ways.iter().filter_map(|w| w.out_of.as_ref()) {
        let table = fabric
            .policy
            .subnets
            .get(key)
            .and_then(|s| s.route_table.as_ref());
        if table.is_none() {
            sink.push(faults::undetermined(
                flow.spans.whole,
                &format!(
                    "`via` of flow `{}` needs a route, and subnet `{key}` has no route table",
                    flow.id.text()
                ),
                "declare a `route-table` and set it on the subnet",
            ));
        }
    }
}

fn check_reply(
    fabric: &Fabric<'_>,
    flow: &Flow,
    way: &Way,
    into: &Key,
    map: &crate::path::HopMap,
    sink: &mut Sink,
) {
    let replies = map.split(&way.from);
    let four = map.split(&way.from.only(Family::V4));
    if way.entry == Entry::Internet
        && !four.is_empty()
        && four.iter().all(|(hop, _)| *hop == HopClass::None)
    {
        sink.push(faults::asymmetric(
            flow,
            &format!("enters subnet `{into}` from the internet"),
            "has no next hop",
            &format!("route the sources to `internet` on the table of subnet `{into}`"),
        ));
    }
    let reply_firewall = replies.into_iter().find_map(|(hop, _)| match hop {
        HopClass::Firewall(f) => Some(f),
        _ => None,
    });
    match (&way.entry, &way.firewall, reply_firewall) {
        (Entry::Internet, None, Some(f)) => {
            let example = flow
                .from
                .tags
                .iter()
                .next()
                .map_or_else(|| "PREFIX".to_owned(), |t| format!("tag({t})"));
            let table = fabric
                .policy
                .subnets
                .get(into)
                .and_then(|s| s.route_table.clone())
                .unwrap_or_else(|| into.clone());
            sink.push(faults::asymmetric(
                flow,
                &format!("enters subnet `{into}` from the internet"),
                &format!("leaves through firewall `{f}`"),
                &format!("add `route {example} via internet on {table}`, so that the reply goes back the same way"),
            ));
        }
        (Entry::Subnet, Some(f), None) => {
            sink.push(faults::asymmetric(
                flow,
                &format!("goes through firewall `{f}`"),
                &format!("leaves subnet `{into}` past it"),
                &format!("give subnet `{into}` a route table whose default is `{f}`"),
            ));
        }
        (Entry::Subnet, Some(there), Some(back)) if *there != back => {
            sink.push(faults::asymmetric(
                flow,
                &format!("goes through firewall `{there}`"),
                &format!("leaves subnet `{into}` through firewall `{back}`"),
                "lead both subnets to one firewall",
            ));
        }
        (Entry::Vnet, there, back) if *there != back => {
            let firewall = there.clone().unwrap_or_default();
            sink.push(faults::asymmetric(
                flow,
                &through("enters", there.as_ref()),
                &through("leaves", back.as_ref()),
                &format!("give subnet `{into}` a route table whose default is `{firewall}`, which the virtual network of the source names"),
            ));
        }
        (Entry::Gateway, there, back) if *there != back => {
            sink.push(faults::asymmetric(
                flow,
                &through("enters", there.as_ref()),
                &through("leaves", back.as_ref()),
                "let the route table of GatewaySubnet lead to the firewall that the subnet's table leads to",
            ));
        }
        (Entry::Subnet, None, Some(f)) => {
            sink.push(faults::asymmetric(
                flow,
                "goes past the firewall",
                &format!("leaves subnet `{into}` through firewall `{f}`"),
                "give both subnets a route table whose default is the firewall, or neither",
            ));
        }
        _ => {}
    }
}

fn through(verb: &str, firewall: Option<&Key>) -> String {
    firewall.map_or_else(
        || format!("{verb} past any firewall"),
        |f| format!("{verb} through firewall `{f}`"),
    )
}

/// The reply from the undeclared rest of a virtual network comes through the firewall that it names.
fn check_vnet_reply(fabric: &Fabric<'_>, flow: &Flow, way: &Way, sink: &mut Sink) {
    let Some(subnet) = way.out_of.as_ref().filter(|_| way.into.is_none()) else {
        return;
    };
    for (vnet, firewall, space) in fabric.firewalled(Some(subnet)) {
        if way.to.meets(space) && way.firewall.as_ref() != Some(firewall) {
            sink.push(faults::asymmetric(
                flow,
                &through("leaves", way.firewall.as_ref()),
                &through("comes back", Some(firewall)),
                &format!("give subnet `{subnet}` a route table whose default is `{firewall}`, which vnet `{vnet}` names"),
            ));
        }
    }
}

/// The reply from on-premises comes through the declared `GatewaySubnet`, by its routes.
fn check_gateway_reply(fabric: &Fabric<'_>, flow: &Flow, way: &Way, sink: &mut Sink) {
    if way.out_of.is_none() || way.into.is_some() {
        return;
    }
    for (gateway, on_premises) in fabric.gateways() {
        let Some(map) = fabric
            .hop_map(gateway)
            .filter(|_| way.to.meets(on_premises))
        else {
            continue;
        };
        let back = map
            .split(&way.from)
            .into_iter()
            .find_map(|(hop, _)| match hop {
                HopClass::Firewall(f) => Some(f),
                _ => None,
            });
        if way.firewall != back {
            sink.push(faults::asymmetric(
                flow,
                &through("leaves", way.firewall.as_ref()),
                &through("comes back", back.as_ref()),
                "let the route table of GatewaySubnet lead to the firewall that the subnet's table leads to",
            ));
        }
    }
}

fn check_topology(fabric: &Fabric<'_>, sink: &mut Sink) {
    let policy = fabric.policy;
    for (key, subnet) in &policy.subnets {
        if !policy.vnets.is_empty() && fabric.vnet_of(key).is_none() {
            sink.push(faults::undetermined(
                subnet.identity.span,
                &format!("subnet `{key}` lies in no declared vnet, or in several"),
                "set `vnet` on the subnet",
            ));
        }
        if let Some((service, span)) = &subnet.runs
            && subnet.nsg.is_none()
        {
            sink.push(faults::no_nsg(*span, key, &format!("{service} needs one")));
        }
    }
    for (key, table) in &fabric.tables {
        for route in &table.routes {
            if let Hop::Firewall(f) = &route.hop
                && policy
                    .firewalls
                    .get(f)
                    .is_some_and(|f| f.private_ip.is_none())
            {
                sink.push(faults::undetermined(
                    route.span,
                    &format!(
                        "route table `{key}` leads to firewall `{f}`, whose address is unknown"
                    ),
                    "set `private-ip` on the firewall",
                ));
            }
            let crate::path::routes::Cause::Exception(id) = &route.cause else {
                continue;
            };
            if route.hop != Hop::Internet {
                continue;
            }
            for (name, subnet) in fabric.end_subnets() {
                let default_is_internet = matches!(
                    fabric.hop_map(name).map(crate::path::HopMap::default_hop),
                    None | Some(HopClass::Internet)
                );
                if subnet.route_table.as_ref() == Some(key)
                    && !default_is_internet
                    && !is_bounded(fabric, subnet, name, &route.target)
                {
                    sink.push(faults::unbounded_exception(route.span, &id.text(), name));
                }
            }
        }
    }
}

/// A security group bounds an exception if it denies by default, or if a deny of everything covers
/// the exception's destination.
fn is_bounded(
    fabric: &Fabric<'_>,
    subnet: &Subnet,
    key: &Key,
    exception: &route_targets::Target,
) -> bool {
    let Some((group, nsg)) = subnet
        .nsg
        .as_ref()
        .and_then(|n| fabric.policy.nsgs.get_key_value(n))
    else {
        return false;
    };
    if nsg.default_outbound == Some(DefaultAction::Deny) {
        return true;
    }
    let reached = match exception {
        route_targets::Target::Default => AddressSet::all(),
        route_targets::Target::Prefix(net) => AddressSet::prefix(*net),
        route_targets::Target::Tag(tag) => (*fabric.tag(tag)).clone(),
    };
    fabric.policy.flows.iter().any(|flow| {
        !flow.allows()
            && flow.traffic.has(Proto::Any)
            && wanted(flow, &Layer::Nsg(group.clone()), &Layer::AnyNsg)
            && subnet
                .prefix
                .is_subset(&fabric.addresses(&flow.from, Some(key)))
            && reached.is_subset(&fabric.addresses(&flow.to, Some(key)))
    })
}

/// True if an address set has a public part.
#[must_use]
pub(crate) fn is_public(set: &AddressSet) -> bool {
    set.meets(&public())
}
