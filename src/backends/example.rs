//! Packets that show what is wrong with a flow or with two. Whether it is wrong is judged elsewhere.

use crate::denote::{self, Denoter, Translated};
use crate::diag::{Diagnostic, Sink};
use crate::model::Flow;
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Proto, Traffic};
use crate::packet::{Builder, Region, Set, Space, Witness};
use crate::path::{Fabric, Way};

/// A packet of a flow.
pub(super) fn of(fabric: &Fabric<'_>, flow: &Flow) -> Option<Witness> {
    within(fabric, flow, &AddressSet::all(), &AddressSet::all())
}

/// A packet of a flow on a way.
pub(super) fn on_way(fabric: &Fabric<'_>, flow: &Flow, way: &Way) -> Option<Witness> {
    let to = if way.names {
        // Names may have any public address; others have those that the flow says.
        way.to.union(&fabric.internet)
    } else {
        way.to.clone()
    };
    within(fabric, flow, &way.from, &to)
}

/// A packet of a flow from some addresses to some others.
pub(super) fn within(
    fabric: &Fabric<'_>,
    flow: &Flow,
    from: &AddressSet,
    to: &AddressSet,
) -> Option<Witness> {
    let regions = regions(fabric, flow);
    let mut space = space(fabric, &[&regions], &[from, to]);
    let between = space.box_of(from, to);
    let flow = space.regions(&regions);
    let set = space.intersect(between, flow);
    witness(&mut space, set)
}

/// Any packet from some addresses to some others.
pub(super) fn any_between(
    fabric: &Fabric<'_>,
    from: &AddressSet,
    to: &AddressSet,
) -> Option<Witness> {
    let mut traffic = Traffic::default();
    traffic.add(Proto::Any, &PortSet::all());
    of_traffic(fabric, &traffic, from, to)
}

/// A packet of some protocols and ports from some addresses to some others.
pub(super) fn of_traffic(
    fabric: &Fabric<'_>,
    traffic: &Traffic,
    from: &AddressSet,
    to: &AddressSet,
) -> Option<Witness> {
    let everything = Region::everything();
    let part = between(fabric, traffic, from, to);
    common(fabric, &part, &[everything])
}

/// A packet of a flow among those of some ends, protocol and ports.
pub(super) fn among(
    fabric: &Fabric<'_>,
    flow: &Flow,
    (from, to): (&AddressSet, &AddressSet),
    (proto, ports): (Proto, &PortSet),
) -> Option<Witness> {
    let mut traffic = Traffic::default();
    traffic.add(proto, ports);
    let part = between(fabric, &traffic, from, to);
    common(fabric, &regions(fabric, flow), &part)
}

/// A packet that both flows match.
pub(super) fn of_both(fabric: &Fabric<'_>, a: &Flow, b: &Flow) -> Option<Witness> {
    common(fabric, &regions(fabric, a), &regions(fabric, b))
}

/// A packet to a firewall that two translations take.
pub(super) fn of_translations(fabric: &Fabric<'_>, a: usize, b: usize) -> Option<Witness> {
    let arriving = |index| translated(fabric, index).map(|t| t.arriving);
    common(fabric, &arriving(a)?, &arriving(b)?)
}

/// A packet to a firewall that a translation takes and a flow matches.
pub(super) fn as_asked(fabric: &Fabric<'_>, dnat: usize, flow: &Flow) -> Option<Witness> {
    let arriving = translated(fabric, dnat)?.arriving;
    common(fabric, &arriving, &regions(fabric, flow))
}

/// A packet that a translation sends on from some of these addresses, and that a flow matches.
pub(super) fn sent_on(
    fabric: &Fabric<'_>,
    dnat: usize,
    from: &AddressSet,
    flow: &Flow,
) -> Option<Witness> {
    let leaving = translated(fabric, dnat)?.leaving;
    let flow = regions(fabric, flow);
    let mut space = space(fabric, &[&leaving, &flow], &[from]);
    let between = space.box_of(from, &AddressSet::all());
    let (leaving, flow) = (space.regions(&leaving), space.regions(&flow));
    let set = space.intersect(leaving, between);
    let set = space.intersect(set, flow);
    witness(&mut space, set)
}

/// Tells a diagnostic with its packet, if there is one; the packet is looked for only if the
/// diagnostic is new.
pub(super) fn tell(
    sink: &mut Sink,
    diagnostic: Diagnostic,
    packet: impl FnOnce() -> Option<Witness>,
) {
    sink.push_with(diagnostic, |diagnostic| match packet() {
        Some(packet) => diagnostic.packet(packet.to_string()),
        None => diagnostic,
    });
}

fn regions(fabric: &Fabric<'_>, flow: &Flow) -> Vec<Region> {
    let ports = flow.source_ports.as_ref();
    denote::regions(fabric, &flow.from, &flow.to, &flow.traffic, ports)
        .into_iter()
        .map(|part| part.region)
        .collect()
}

fn between(
    fabric: &Fabric<'_>,
    traffic: &Traffic,
    from: &AddressSet,
    to: &AddressSet,
) -> Vec<Region> {
    let (from, to) = (Endpoint::of(from.clone()), Endpoint::of(to.clone()));
    denote::regions(fabric, &from, &to, traffic, None)
        .into_iter()
        .map(|part| part.region)
        .collect()
}

fn translated(fabric: &Fabric<'_>, index: usize) -> Option<Translated> {
    let dnat = fabric.policy.dnats.get(index)?;
    Some(Denoter::new(fabric).translated(index, dnat))
}

fn common(fabric: &Fabric<'_>, a: &[Region], b: &[Region]) -> Option<Witness> {
    let mut space = space(fabric, &[a, b], &[]);
    let (a, b) = (space.regions(a), space.regions(b));
    let set = space.intersect(a, b);
    witness(&mut space, set)
}

fn space(fabric: &Fabric<'_>, regions: &[&[Region]], addresses: &[&AddressSet]) -> Space {
    let mut builder = Builder::new();
    for region in regions.iter().copied().flatten() {
        builder.region(region);
    }
    for set in addresses {
        builder.addresses(set);
    }
    for fact in denote::facts(fabric).facts {
        builder.fact(fact);
    }
    builder.build()
}

/// What needs no assumption is shown first, and IPv4 before IPv6.
fn witness(space: &mut Space, set: Set) -> Option<Witness> {
    let four = AddressSet::all().only(Family::V4);
    let sure = space.surely(set);
    let four = space.box_of(&four, &four);
    let sure_four = space.intersect(sure, four);
    [sure_four, sure, set]
        .into_iter()
        .find_map(|set| space.answer(|space| space.witness(set)).ok().flatten())
}
