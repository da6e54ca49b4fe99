//! The parts of a difference as rows. Each has a packet that was walked on both sides; a row that a walk
//! contradicts is never told.

use std::collections::BTreeSet;

use crate::model::address::AddressSet;
use crate::packet::{Exhausted, Rectangle, Set, Space, Verdict, Witness};
use crate::query::{question, row_witness};
use crate::reach::question::word;
use crate::reach::{Journey, Network, Reply, Station, ask};

use super::super::told::Kind;
use super::Scene;
use super::fates::{Differing, LedTo};
use super::groups::{Cause, Edit, Edits, Groups, Part};
use super::read::read;
use super::slice::Slice;

/// Packets of which the fate differs alike.
#[derive(Clone, Debug)]
pub struct Region {
    /// How it differs.
    pub kind: Kind,
    /// Where a firewall led them, and where it leads them; of redirected packets.
    pub led: Option<(LedTo, LedTo)>,
    /// The packets, with those of `already`.
    pub rectangle: Rectangle,
    /// Packets of the row that fare as before: such as are newly allowed were not among these. A region
    /// is its row without them.
    pub already: Vec<Rectangle>,
    /// The witness is one whatever the symbols hold.
    pub sure: bool,
    /// One of the packets.
    pub witness: Witness,
    /// What the walk of that packet says on the old side.
    pub before: Reply,
    /// And on the new side.
    pub after: Reply,
    /// The statements that did it.
    pub causes: Vec<Cause>,
}

impl Region {
    /// Its packets: those of its row that do not fare as before.
    pub(super) fn packets(&self, space: &mut Space) -> Set {
        let row = space.rectangle(&self.rectangle);
        let full = space.full();
        let mut out = space.intersect(row, full);
        for other in &self.already {
            let other = space.rectangle(other);
            out = space.subtract(out, other);
        }
        out
    }
}

/// Why there are no rows.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Wrong {
    /// The sets grew too large.
    #[error("{0}: compare less with --env")]
    Exhausted(#[from] Exhausted),
    /// Sets and walk say different things of a packet: our own fault.
    #[error("{0}")]
    Disagree(String),
}

/// The rows of the parts, in a fixed order.
pub(super) fn rows(
    space: &mut Space,
    slice: &Slice,
    (old, new): (&Scene, &Scene),
    parts: Vec<Differing>,
) -> Result<Vec<Region>, Wrong> {
    let groups = Groups::new((old, &slice.old.network), (new, &slice.new.network));
    let mut out = Vec::new();
    for one in parts {
        for part in groups.part(space, one.kind, one.set) {
            part_rows(space, (old, new), groups.edits(), part, &one, &mut out)?;
        }
    }
    space.answer(|_| ())?;
    Ok(out)
}

fn part_rows(
    space: &mut Space,
    (old, new): (&Scene, &Scene),
    edits: &Edits,
    part: Part,
    differing: &Differing,
    out: &mut Vec<Region>,
) -> Result<(), Wrong> {
    for (rectangle, own, already) in read(space, part.set, differing.alike)? {
        let surely = space.surely(own);
        let sure = !space.is_empty(surely);
        let shown = if sure { surely } else { own };
        let Some(witness) = row_witness(space, &rectangle, shown) else {
            space.answer(|_| ())?;
            return Err(Wrong::Disagree(format!("the row `{rectangle}` is empty")));
        };
        let asked = question(&witness);
        let before = ask(&old.network, &asked, false);
        let after = ask(&new.network, &asked, false);
        if sure {
            agree(part.kind, &witness, &before, &after)?;
        }
        let mut causes = if part.causes.is_empty() {
            walked((old, &before), (new, &after), edits)
        } else {
            part.causes.clone()
        };
        // A route that was edited changes what statements say at the layers before it.
        let routed = routes((old, &before), (new, &after), edits);
        if causes.iter().all(|c| c.edit == Edit::There) && !routed.is_empty() {
            causes.clear();
        }
        for route in routed {
            if !causes.contains(&route) {
                causes.push(route);
            }
        }
        out.push(Region {
            kind: part.kind,
            led: differing.led,
            rectangle,
            already,
            sure,
            witness,
            before,
            after,
            causes,
        });
    }
    Ok(())
}

/// What the walks may say of a packet of a kind. Where a walk has no verdict the sets may have one: it
/// looks at one layer after the other, and does not see that what one of them leaves open another one
/// settles.
fn agree(kind: Kind, witness: &Witness, before: &Reply, after: &Reply) -> Result<(), Wrong> {
    let (allow, deny) = (Some(Verdict::Allow), Some(Verdict::Deny));
    let wrong = match kind {
        Kind::NewlyAllowed => before.verdict == allow || after.verdict == deny,
        Kind::NoLongerAllowed => before.verdict == deny || after.verdict == allow,
        Kind::NewlyBypassing => before.verdict == deny || after.verdict == deny || walled(after),
        Kind::NewlyPassing => before.verdict == deny || after.verdict == deny || walled(before),
        Kind::Redirected => before.verdict == deny || after.verdict == deny,
        Kind::Undecided => before.verdict.is_some() && after.verdict.is_some(),
    };
    if !wrong {
        return Ok(());
    }
    Err(Wrong::Disagree(format!(
        "`{witness}` is told to be {}, and its walks end with {} before and {} after",
        kind.word().replace('_', " "),
        word(before.verdict),
        word(after.verdict),
    )))
}

fn walled(reply: &Reply) -> bool {
    let steps = reply.journey.iter().flat_map(|j| &j.steps);
    steps
        .into_iter()
        .any(|s| matches!(s.station, Station::Firewall(_)))
}

/// The statements behind what a packet meets, where the rules alone do not say which did it: those that
/// were edited, else what was edited beside the rules, else those that decide now.
fn walked(
    (old, before): (&Scene, &Reply),
    (new, after): (&Scene, &Reply),
    edits: &Edits,
) -> Vec<Cause> {
    let mut met: BTreeSet<Cause> = BTreeSet::new();
    let mut beside: BTreeSet<Cause> = BTreeSet::new();
    for (scene, reply, is_old) in [(new, after, false), (old, before, true)] {
        for step in reply.journey.iter().flat_map(|j| &j.steps) {
            let routed = reply.journey.iter().flat_map(|j| led(scene, j, step));
            for id in behind(scene, step).into_iter().chain(routed) {
                met.insert(edits.cause(&id, is_old));
            }
            for id in around(&scene.network, &step.station) {
                beside.insert(edits.cause(&id, is_old));
            }
        }
        let ends = reply.journey.iter();
        for journey in ends {
            for addresses in [&journey.probe.source, &journey.probe.destination] {
                if let Some(site) = scene.network.site_of(addresses)
                    && let Some(site) = scene.network.sites.get(site)
                {
                    beside.insert(edits.cause(&format!("subnet {}", site.name), is_old));
                    if let Some(vnet) = &site.vnet {
                        beside.insert(edits.cause(&format!("vnet {vnet}"), is_old));
                    }
                }
            }
        }
    }
    let edited = |all: &BTreeSet<Cause>| -> Vec<Cause> {
        let mut out: Vec<Cause> = all
            .iter()
            .filter(|c| c.edit != Edit::There)
            .cloned()
            .collect();
        // What is on both sides is told as it is now.
        let now: BTreeSet<String> = out
            .iter()
            .filter(|c| !c.old)
            .map(|c| c.id.clone())
            .collect();
        out.retain(|c| !c.old || !now.contains(&c.id));
        out
    };
    let direct = edited(&met);
    if !direct.is_empty() {
        return direct;
    }
    let topology = edited(&beside);
    if !topology.is_empty() {
        return topology;
    }
    // Something else made way: any statement that is not on both sides and is no rule of the way.
    let elsewhere = |all: &std::collections::BTreeMap<String, Edit>, old: bool| -> Vec<Cause> {
        let edited = all.iter().filter(|(_, edit)| **edit != Edit::There);
        edited.map(|(id, _)| edits.cause(id, old)).collect()
    };
    let mut out: Vec<Cause> = met.iter().filter(|c| !c.old).cloned().collect();
    if out.is_empty() {
        out = elsewhere(&edits.new, false);
    }
    if out.is_empty() {
        out = elsewhere(&edits.old, true);
    }
    if out.is_empty() {
        out = met.into_iter().collect();
    }
    out
}

/// The statements behind a step.
fn behind(scene: &Scene, step: &crate::reach::Step) -> Vec<String> {
    let network = &scene.network;
    let found = match (network.rule(step), &step.translation) {
        (Some(rule), _) => scene.traces.of(rule),
        (None, Some(one)) => scene.traces.placed(&one.resource, &one.path),
        (None, None) => None,
    };
    found.map(|(_, ids)| ids.to_vec()).unwrap_or_default()
}

/// The statements behind the route that a step takes.
fn led(scene: &Scene, journey: &Journey, step: &crate::reach::Step) -> Vec<String> {
    let (at, to_addresses) = match &step.station {
        Station::Route(at, _) => (at, &journey.probe.destination),
        Station::Arrival(at, _) | Station::Reply(at, _) => (at, &journey.probe.source),
        _ => return Vec::new(),
    };
    to(scene, *at, to_addresses)
}

/// The statements behind the route of a site to some addresses.
fn to(scene: &Scene, at: usize, to: &AddressSet) -> Vec<String> {
    let found = scene.network.sites.get(at).and_then(|site| {
        let table = site.table.as_ref()?;
        let (_, cause) = site.hops.decide(to.first()?);
        let (name, _) = table.route(cause)?;
        scene.traces.named(&table.name, name)
    });
    found.map(|(_, ids)| ids.to_vec()).unwrap_or_default()
}

/// The edited routes that lead, or would lead, packets from their source to where they go.
fn routes(
    (old, before): (&Scene, &Reply),
    (new, after): (&Scene, &Reply),
    edits: &Edits,
) -> Vec<Cause> {
    let mut out = BTreeSet::new();
    for (scene, reply, is_old) in [(new, after, false), (old, before, true)] {
        for journey in reply.journey.iter() {
            let Some(at) = scene.network.site_of(&journey.probe.source) else {
                continue;
            };
            for id in to(scene, at, &journey.probe.destination) {
                let cause = edits.cause(&id, is_old);
                let known = out.iter().any(|c: &Cause| c.id == cause.id);
                if cause.edit != Edit::There && !known {
                    out.insert(cause);
                }
            }
        }
    }
    out.into_iter().collect()
}

/// The statements of what stands at a station.
fn around(network: &Network, station: &Station) -> Vec<String> {
    let site = |at: &usize| network.sites.get(*at);
    match station {
        Station::Out(gate, at) | Station::In(gate, at) => {
            let mut out = vec![format!("nsg {}", gate.group)];
            out.extend(site(at).map(|s| format!("subnet {}", s.name)));
            out
        }
        Station::Route(at, _) | Station::Arrival(at, _) | Station::Reply(at, _) => {
            let table = site(at).and_then(|s| s.table.as_ref());
            let mut out: Vec<String> = table
                .iter()
                .map(|t| format!("route-table {}", t.name))
                .collect();
            out.extend(site(at).map(|s| format!("subnet {}", s.name)));
            out
        }
        Station::Direct(at) => site(at)
            .map(|s| format!("subnet {}", s.name))
            .into_iter()
            .collect(),
        Station::GatewayRoute(at, _) => network
            .gateways
            .get(*at)
            .map(|g| format!("subnet {}", g.name))
            .into_iter()
            .collect(),
        Station::Firewall(at) | Station::Onward(at, _) => network
            .firewalls
            .get(*at)
            .map(|f| format!("firewall {}", f.key))
            .into_iter()
            .collect(),
    }
}
