//! Faults of the paths: requests and replies that part, next hops that nothing determines, exceptions
//! that nothing bounds. It gives no layer a duty.

use crate::diag::Sink;
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::service::Proto;
use crate::model::{DefaultAction, Flow, Hop, Key, Layer, Subnet};
use crate::path::routes as route_targets;
use crate::path::{Entry, Fabric, HopClass, Way};

use super::plan::{asked_by_name, wanted};
use super::{example, faults};

/// What is wrong with the ways of a flow.
pub(super) fn check_flow(fabric: &Fabric<'_>, flow: &Flow, ways: &[Way], sink: &mut Sink) {
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
            let told = faults::undetermined(
                flow.spans.whole,
                &format!(
                    "nothing says whether subnets `{a}` and `{b}` share a virtual network, are peered, or meet through firewall `{name}`"
                ),
                "declare the `vnet`s and set `vnet` on the subnets",
            );
            example::tell(sink, told, || example::on_way(fabric, flow, way));
        }
    }
}

/// Addresses that were written and have nothing of their family at the other end; true if that is
/// all there is. `any`, tags and names hold whatever the other end has.
pub(super) fn check_families(
    fabric: &Fabric<'_>,
    flow: &Flow,
    ways: &[Way],
    sink: &mut Sink,
) -> bool {
    let families = [Family::V4, Family::V6];
    let in_both = |family: &Family| {
        has_family(fabric, &flow.from, *family) && has_family(fabric, &flow.to, *family)
    };
    let whole = ways.is_empty() && !families.iter().any(in_both);
    let ends = [
        (&flow.to, "destination", flow.spans.to, &flow.from, "source"),
        (
            &flow.from,
            "source",
            flow.spans.from,
            &flow.to,
            "destination",
        ),
    ];
    for (end, word, span, other, other_word) in ends {
        let mut written = end.addresses.clone();
        for group in end.ip_groups.values().flatten() {
            written = written.union(group);
        }
        for family in families {
            let part = written.only(family);
            let on_a_way = ways.iter().any(|way| {
                let side = if word == "source" { &way.from } else { &way.to };
                side.meets(&part)
            });
            // Both halves of a `between` lack the same.
            if part.is_empty() || on_a_way || flow.id.way == Some("ba") {
                continue;
            }
            if has_family(fabric, other, family) {
                continue;
            }
            let name = if family == Family::V4 { "IPv4" } else { "IPv6" };
            let mut list: Vec<String> = part
                .to_prefixes()
                .iter()
                .map(|net| format!("`{net}`"))
                .collect();
            if list.len() > 3 {
                list.truncate(3);
                list.push("...".to_owned());
            }
            let part = format!("the {name} part of its {word}, {},", list.join(", "));
            sink.push(faults::no_counterpart(
                flow,
                (span, &part),
                (other_word, name),
                whole,
            ));
            if whole {
                return true;
            }
        }
    }
    whole
}

fn has_family(fabric: &Fabric<'_>, end: &Endpoint, family: Family) -> bool {
    // Without a subnet nothing says what the network of the other end is.
    let network = || {
        let mut ends = fabric.end_subnets().peekable();
        ends.peek().is_none()
            || ends.any(|(key, _)| !fabric.virtual_network(key).only(family).is_empty())
    };
    end.any
        || Fabric::has_free_names(end)
        || !fabric.addresses(end, None).only(family).is_empty()
        || end.virtual_network && network()
}

/// Names at private addresses behind a second firewall: the first one opens a connection of its own for
/// what it reads names in, so that the second would have to let that in, from whoever it may come. True
/// if that was told.
///
/// Source: "Use Azure Firewall to SNAT private ranges": application rules are always translated
/// (Microsoft Learn, checked 2026-11-25).
pub(super) fn check_second_firewall(
    fabric: &Fabric<'_>,
    flow: &Flow,
    ways: &[Way],
    sink: &mut Sink,
) -> bool {
    let read_inside = flow.traffic.iter().any(|(proto, ports)| match proto {
        Proto::Http | Proto::Https | Proto::Mssql => true,
        Proto::Tcp => [80, 443, 1433].iter().any(|port| ports.contains(*port)),
        _ => false,
    });
    let named: Vec<&AddressSet> = flow
        .to
        .names
        .iter()
        .filter_map(|n| n.within.as_ref())
        .collect();
    if !flow.allows() || !read_inside || named.is_empty() {
        return false;
    }
    let pairs = ways
        .iter()
        .enumerate()
        .flat_map(|(at, first)| ways.iter().skip(at + 1).map(move |second| (first, second)));
    for (first, second) in pairs {
        let both = Way {
            from: first.from.intersect(&second.from),
            to: first.to.intersect(&second.to),
            ..first.clone()
        };
        let (Some(one), Some(other)) = (&first.firewall, &second.firewall) else {
            continue;
        };
        if one == other || both.from.is_empty() || !named.iter().any(|set| set.meets(&both.to)) {
            continue;
        }
        let told = faults::cannot_express(
            flow,
            flow.spans.to,
            &format!("two firewalls on one way, `{one}` and `{other}`"),
            "the first opens a connection of its own for names, and the second sees that one's source",
            "write the addresses instead of the names",
        );
        example::tell(sink, told, || example::on_way(fabric, flow, &both));
        return true;
    }
    false
}

/// `via` becomes a route of the source's table; a subnet without one goes on as before.
pub(super) fn check_via(fabric: &Fabric<'_>, flow: &Flow, ways: &[Way], sink: &mut Sink) {
    let Some(hop) = &flow.via else {
        return;
    };
    if let Some((why, help)) = unroutable(flow, hop, ways) {
        sink.push(faults::cannot_express(
            flow,
            flow.spans.via.unwrap_or(flow.spans.to),
            "a route table",
            why,
            help,
        ));
        return;
    }
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
            let told = faults::undetermined(
                flow.spans.whole,
                &format!(
                    "`via` of flow `{}` needs a route, and subnet `{key}` has no route table",
                    flow.id.text()
                ),
                "declare a `route-table` and set it on the subnet",
            );
            example::tell(sink, told, || example::of(fabric, flow));
        }
    }
}

/// An allow that goes past the firewall because another flow keeps its pair of subnets in the peering;
/// true if that was told.
pub(super) fn check_passed_by(
    fabric: &Fabric<'_>,
    flow: &Flow,
    way: &Way,
    sink: &mut Sink,
) -> bool {
    let (Some(a), Some(b), None) = (&way.out_of, &way.into, &way.firewall) else {
        return false;
    };
    let meant = flow.via == Some(Hop::Vnet)
        || flow.at.is_some() && !asked_by_name(flow)
        || flow.from.any && flow.to.any;
    let Some((cause, firewall)) = fabric.direct.cause(a, b).filter(|_| !meant) else {
        return false;
    };
    let Some(cause) = fabric.policy.flows.iter().find(|f| f.id == *cause) else {
        return false;
    };
    sink.push(faults::passed_by(
        flow,
        cause,
        (a.min(b), a.max(b)),
        firewall,
    ));
    true
}

/// Why no route can lead the destination of a flow to the hop that its `via` names.
fn unroutable(flow: &Flow, hop: &Hop, ways: &[Way]) -> Option<(&'static str, &'static str)> {
    // A firewall that the names reach anyway needs no route.
    let reached = |key: &Key| {
        let mut names = ways
            .iter()
            .filter(|w| w.names && !w.from.only(Family::V4).is_empty());
        names.all(|w| w.firewall.as_ref() == Some(key))
    };
    let led = matches!(hop, Hop::Firewall(key) if reached(key));
    if Fabric::has_free_names(&flow.to) && !led {
        return Some((
            "a route matches addresses, and these are names",
            "write the addresses or a service tag, give the names a flow of their own, or drop `via`",
        ));
    }
    if *hop == Hop::Vnet {
        return None;
    }
    if !flow.to.asgs.is_empty() {
        return Some((
            "a route table does not know application security groups",
            "write the prefixes, or drop `via`",
        ));
    }
    flow.to.is_opaque().then_some((
        "the addresses of an IP group that is only named are not known",
        "list the group's addresses, or drop `via`",
    ))
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
        let told = faults::asymmetric(
            flow,
            &format!("enters subnet `{into}` from the internet"),
            "has no next hop",
            &format!("route the sources to `internet` on the table of subnet `{into}`"),
        );
        example::tell(sink, told, || example::on_way(fabric, flow, way));
    }
    let reply = replies.into_iter().find_map(|(hop, part)| match hop {
        HopClass::Firewall(f) => Some((f, part)),
        _ => None,
    });
    let (reply_firewall, sources) = match reply {
        Some((firewall, part)) => (Some(firewall), part),
        None => (None, way.from.clone()),
    };
    let packet = || {
        let part = Way {
            from: sources.clone(),
            ..way.clone()
        };
        example::on_way(fabric, flow, &part)
    };
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
            let told = faults::asymmetric(
                flow,
                &format!("enters subnet `{into}` from the internet"),
                &format!("leaves through firewall `{f}`"),
                &format!(
                    "add `route {example} via internet on {table}`, so that the reply goes back the same way"
                ),
            );
            example::tell(sink, told, packet);
        }
        (Entry::Subnet, Some(f), None) => {
            let told = faults::asymmetric(
                flow,
                &format!("goes through firewall `{f}`"),
                &format!("leaves subnet `{into}` past it"),
                &format!("give subnet `{into}` a route table whose default is `{f}`"),
            );
            example::tell(sink, told, packet);
        }
        (Entry::Subnet, Some(there), Some(back)) if *there != back => {
            let told = faults::asymmetric(
                flow,
                &format!("goes through firewall `{there}`"),
                &format!("leaves subnet `{into}` through firewall `{back}`"),
                "lead both subnets to one firewall",
            );
            example::tell(sink, told, packet);
        }
        (Entry::Vnet, there, back) if *there != back => {
            let firewall = there.clone().unwrap_or_default();
            let told = faults::asymmetric(
                flow,
                &through("enters", there.as_ref()),
                &through("leaves", back.as_ref()),
                &format!(
                    "give subnet `{into}` a route table whose default is `{firewall}`, which the virtual network of the source names"
                ),
            );
            example::tell(sink, told, packet);
        }
        (Entry::Gateway, there, back) if *there != back => {
            let told = faults::asymmetric(
                flow,
                &through("enters", there.as_ref()),
                &through("leaves", back.as_ref()),
                "let the route table of GatewaySubnet lead to the firewall that the subnet's table leads to",
            );
            example::tell(sink, told, packet);
        }
        (Entry::Subnet, None, Some(f)) => {
            let told = faults::asymmetric(
                flow,
                "goes past the firewall",
                &format!("leaves subnet `{into}` through firewall `{f}`"),
                "give both subnets a route table whose default is the firewall, or neither",
            );
            example::tell(sink, told, packet);
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
            let told = faults::asymmetric(
                flow,
                &through("leaves", way.firewall.as_ref()),
                &through("comes back", Some(firewall)),
                &format!(
                    "give subnet `{subnet}` a route table whose default is `{firewall}`, which vnet `{vnet}` names"
                ),
            );
            example::tell(sink, told, || {
                let to = way.to.intersect(space);
                example::within(fabric, flow, &way.from, &to)
            });
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
            let told = faults::asymmetric(
                flow,
                &through("leaves", way.firewall.as_ref()),
                &through("comes back", back.as_ref()),
                "let the route table of GatewaySubnet lead to the firewall that the subnet's table leads to",
            );
            example::tell(sink, told, || {
                let to = way.to.intersect(on_premises);
                example::within(fabric, flow, &way.from, &to)
            });
        }
    }
}

/// What is wrong with the networks and routes, whatever the flows.
pub(super) fn check_topology(fabric: &Fabric<'_>, sink: &mut Sink) {
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
                    let told = faults::unbounded_exception(route.span, &id.text(), name);
                    example::tell(sink, told, || {
                        let to = reached(fabric, &route.target);
                        example::any_between(fabric, &subnet.prefix, &to)
                    });
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
    let reached = reached(fabric, exception);
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

/// The addresses that a route is for.
fn reached(fabric: &Fabric<'_>, target: &route_targets::Target) -> AddressSet {
    match target {
        route_targets::Target::Default => AddressSet::all(),
        route_targets::Target::Prefix(net) => AddressSet::prefix(*net),
        route_targets::Target::Tag(tag) => (*fabric.tag(tag)).clone(),
    }
}
