//! The law of every layer: what its rules do is the first match over the duties that it was given. A
//! duty asks for what of its flow comes by; a rule may say all of the flow. Envelopes and guards stand
//! behind all others. Which packets ever come to a layer is not asked here, nor what other layers do.

use std::collections::BTreeMap;

use crate::backends::Context;
use crate::backends::plan::Duty;
use crate::backends::reading::Direction;
use crate::denote::{Claim, Denotation, Denoter, Part};
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::{DefaultAction, Flow, Hop, Key, Nsg, Tier};
use crate::packet::{Filter, Names, Region, Set, Space, Verdict};
use crate::path::routes::{Cause, Target};
use crate::path::{Fabric, HopClass};
use crate::reach::{End, Network, Pass, Run};

use super::asked::{Asked, Decided, anywhere, decided};
use super::findings::{Place, Violation, Which};
use super::layers::Layer;

/// What is compared.
pub(super) struct Laws<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) network: &'a Network,
    pub(super) denotation: &'a Denotation,
    pub(super) asked: &'a Asked,
    /// The sets of the filters of the network.
    pub(super) filters: &'a [Layer],
    /// The sets of the firewalls of the network.
    pub(super) firewalls: &'a [Layer],
    /// Packets of which nothing is claimed.
    pub(super) unnamed: Set,
    /// Where a network rule may be read before a rule for names.
    pub(super) preempted: Set,
    /// Every way, by what it meets.
    pub(super) runs: &'a [Run],
}

/// Duties of one strength: forbids, exceptions, denies, a place of an ordered group, allows, guards,
/// envelopes.
type Rank = (u8, String, usize);

const GUARD: Rank = (5, String::new(), 0);
const ENVELOPE: Rank = (6, String::new(), 0);

/// What duties of one strength ask of a layer.
struct Asks {
    verdict: Verdict,
    sure: Vec<Set>,
    may: Vec<Set>,
}

/// Duties by strength.
#[derive(Default)]
struct List(BTreeMap<Rank, Asks>);

impl List {
    fn add(&mut self, rank: Rank, verdict: Verdict, (sure, may): (Vec<Set>, Vec<Set>)) {
        let asks = self.0.entry(rank).or_insert_with(|| Asks {
            verdict,
            sure: Vec::new(),
            may: Vec::new(),
        });
        asks.sure.extend(sure);
        asks.may.extend(may);
    }

    fn decided(self, space: &mut Space) -> Decided {
        let mut list = Vec::new();
        for asks in self.0.into_values() {
            let (sure, may) = (space.unite(asks.sure), space.unite(asks.may));
            // What is surely spoken of is spoken of.
            let may = space.union(sure, may);
            list.push((asks.verdict, sure, may));
        }
        decided(space, list)
    }
}

/// A layer, and what is to be compared with what.
struct Case<'a> {
    place: Place,
    filter: &'a Filter,
    layer: Layer,
    /// Packets that can stand before it.
    region: Set,
    /// Of these, those that some route leads on. A rule may be wider where none does: the subnets of a
    /// group that lie in different networks share its rules.
    led: Set,
    /// What it lets through if no duty speaks of it.
    by_default: Set,
    /// Somebody else's rules are kept here.
    kept: bool,
}

/// Adds what breaks the law of some layer.
pub(super) fn check(space: &mut Space, laws: &Laws<'_>, out: &mut Vec<Violation>) {
    let denoter = Denoter::new(laws.context.fabric);
    Bench {
        space,
        laws,
        denoter,
    }
    .layers(out);
}

/// Addresses at which the laws cut.
pub(super) fn addresses(context: &Context<'_>) -> Vec<AddressSet> {
    let plan = context.plan;
    let mut out: Vec<AddressSet> = Vec::new();
    let tables = plan.outbound.values().chain(plan.inbound.values());
    for duty in tables
        .chain(plan.firewalls.values())
        .flat_map(BTreeMap::values)
    {
        for set in [&duty.from, &duty.to, &duty.narrowed, &duty.unnarrowed] {
            if out.last() != Some(set) {
                out.push(set.clone());
            }
        }
    }
    let fabric = context.fabric;
    for (key, subnet) in &fabric.policy.subnets {
        out.push(subnet.prefix.clone());
        out.push(past(fabric, key));
        let hops = fabric.hop_map(key).map(|h| h.split(&AddressSet::all()));
        out.extend(hops.into_iter().flatten().map(|(_, part)| part));
    }
    out.sort();
    out.dedup();
    out
}

struct Bench<'a> {
    space: &'a mut Space,
    laws: &'a Laws<'a>,
    denoter: Denoter<'a>,
}

impl<'a> Bench<'a> {
    fn layers(&mut self, out: &mut Vec<Violation>) {
        let laws = self.laws;
        let policy = laws.context.fabric.policy;
        // Subnets that see the same rules of a group.
        let mut seen: BTreeMap<(usize, bool), (&Key, Vec<&Key>)> = BTreeMap::new();
        for site in &laws.network.sites {
            let group = policy.subnets.get(&site.name).and_then(|s| s.nsg.as_ref());
            let Some(group) = group else {
                continue;
            };
            for (gates, outbound) in [(&site.outbound, true), (&site.inbound, false)] {
                for gate in gates {
                    let entry = seen.entry((gate.filter, outbound));
                    let (_, sites) = entry.or_insert_with(|| (group, Vec::new()));
                    sites.push(&site.name);
                }
            }
        }
        for ((index, outbound), (group, sites)) in seen {
            let direction = if outbound {
                Direction::Outbound
            } else {
                Direction::Inbound
            };
            self.group(index, direction, group, &sites, out);
        }
        for index in 0..laws.network.firewalls.len() {
            self.firewall(index, out);
        }
    }

    /// A security group in one direction, as some subnets see it.
    fn group(
        &mut self,
        index: usize,
        direction: Direction,
        key: &'a Key,
        sites: &[&'a Key],
        out: &mut Vec<Violation>,
    ) {
        let laws = self.laws;
        let fabric = laws.context.fabric;
        let (Some(filter), Some(layer), Some(nsg)) = (
            laws.network.filters.get(index),
            laws.filters.get(index),
            fabric.policy.nsgs.get(key),
        ) else {
            return;
        };
        let subnets = || sites.iter().filter_map(|k| fabric.policy.subnets.get(*k));
        let own = subnets().fold(AddressSet::empty(), |all, s| all.union(&s.prefix));
        let outbound = direction == Direction::Outbound;
        let mut list = List::default();
        let duties = if outbound {
            laws.context.plan.outbound.get(key)
        } else {
            laws.context.plan.inbound.get(key)
        };
        let (mut envelopes, mut guards) = (Vec::new(), Vec::new());
        let past = behind_guards(fabric, key);
        for duty in duties.into_iter().flat_map(BTreeMap::values) {
            let Some((claim, flow)) = self.of(duty) else {
                continue;
            };
            let asks = self.at_group(duty, claim, flow);
            list.add(rank(claim), claim.verdict, asks);
            if outbound && duty.names && flow.allows() {
                let (sure, may, narrowed) = self.envelope(duty, claim, flow, nsg);
                envelopes.push(narrowed);
                list.add(ENVELOPE, Verdict::Allow, (sure, vec![may]));
                // A guard is for the whole of an exception, also where that is no part of Internet.
                let whole = self.spoken(flow, &flow.from, &past);
                let whole = self.space.unite(whole);
                let from = self.space.box_of(&duty.narrowed, &past);
                guards.push(self.space.intersect(whole, from));
            }
        }
        if !outbound {
            self.translated(&mut list, &own);
        }
        let envelopes = self.space.unite(envelopes);
        for site in sites {
            let sure = self.guard(envelopes, site);
            list.add(GUARD, Verdict::Deny, (vec![sure], Vec::new()));
        }
        list.add(GUARD, Verdict::Deny, (Vec::new(), guards));
        let all = AddressSet::all();
        let (region, default) = if outbound {
            (self.space.box_of(&own, &all), nsg.default_outbound)
        } else {
            (self.space.box_of(&all, &own), nsg.default_inbound)
        };
        let led = if outbound {
            let pass = Pass::Out(index);
            let runs = laws.runs.iter();
            let led = runs.filter(|run| run.end != End::NoRoute && run.passes.contains(&pass));
            let led: Vec<Set> = led.map(|run| run.region).collect();
            self.space.unite(led)
        } else {
            region
        };
        let case = Case {
            place: Place::Group(key.clone(), outbound),
            led,
            filter,
            layer: *layer,
            region,
            by_default: match default {
                Some(DefaultAction::Allow) => self.space.full(),
                Some(DefaultAction::Deny) => self.space.empty(),
                None => layer.built_in,
            },
            kept: nsg.base.is_some(),
        };
        self.compare(case, list, out);
    }

    fn firewall(&mut self, index: usize, out: &mut Vec<Violation>) {
        let laws = self.laws;
        let (Some(firewall), Some(layer)) =
            (laws.network.firewalls.get(index), laws.firewalls.get(index))
        else {
            return;
        };
        let Some(declared) = laws.context.fabric.policy.firewalls.get(&firewall.key) else {
            return;
        };
        let mut list = List::default();
        let duties = laws.context.plan.firewalls.get(&firewall.key);
        for duty in duties.into_iter().flat_map(BTreeMap::values) {
            if let Some((claim, flow)) = self.of(duty) {
                let asks = self.at_firewall(duty, claim, flow);
                list.add(rank(claim), claim.verdict, asks);
            }
        }
        // It takes no IPv6.
        let four = AddressSet::all().only(Family::V4);
        let region = self.space.box_of(&four, &four);
        let case = Case {
            place: Place::Firewall(firewall.key.clone()),
            filter: &firewall.does.filter,
            layer: *layer,
            region: self.space.subtract(region, laws.preempted),
            led: region,
            by_default: self.space.empty(),
            kept: declared.base.is_some()
                || declared.base_policy.is_some()
                || declared.infrastructure_denied,
        };
        self.compare(case, list, out);
    }

    fn of(&self, duty: &Duty) -> Option<(&'a Claim, &'a Flow)> {
        let claim = self.laws.denotation.claims.get(duty.flow)?;
        let flow = self.laws.context.fabric.policy.flows.get(duty.flow)?;
        Some((claim, flow))
    }

    /// What an exact rule of a security group says of a flow: its addresses, and where a name is said
    /// to be. A deny by name is not said there at all.
    fn at_group(&mut self, duty: &Duty, claim: &Claim, flow: &Flow) -> (Vec<Set>, Vec<Set>) {
        let (mut sure, mut may) = (Vec::new(), Vec::new());
        if claim
            .parts
            .iter()
            .all(|part| part.region.names == Names::Any)
            && let Some(whole) = self.whole(duty, claim)
        {
            sure.push(whole);
        } else {
            for part in &claim.parts {
                if part.region.names == Names::Any {
                    sure.push(self.within(&part.region, &duty.from, &duty.to));
                    may.push(self.space.region(&part.region));
                } else if flow.allows() && !part.free_name {
                    sure.push(self.within(&part.region, &duty.from, &duty.to));
                    may.extend(self.spoken(flow, &flow.from, &part.region.destination.known));
                }
            }
        }
        may.extend(self.network(duty, flow));
        (sure, may)
    }

    /// What a firewall says of a flow. A rule for names is for them wherever they are.
    fn at_firewall(&mut self, duty: &Duty, claim: &Claim, flow: &Flow) -> (Vec<Set>, Vec<Set>) {
        let (mut sure, mut may) = (Vec::new(), Vec::new());
        if let Some(whole) = self.whole(duty, claim) {
            sure.push(whole);
        } else {
            for part in &claim.parts {
                let region = &part.region;
                if region.names == Names::Any {
                    may.push(self.space.region(region));
                } else {
                    may.push(self.space.region(&anywhere(region)));
                }
                if !part.free_name {
                    sure.push(self.within(region, &duty.from, &duty.to));
                } else if duty.names {
                    sure.push(self.within(region, &duty.from, &AddressSet::all()));
                }
            }
        }
        may.extend(self.network(duty, flow));
        (sure, may)
    }

    /// All of a flow of addresses, if nothing of it lies elsewhere.
    fn whole(&mut self, duty: &Duty, claim: &Claim) -> Option<Set> {
        let here = |part: &Part| {
            let (from, to) = (&part.region.source, &part.region.destination);
            part.region.names == Names::Any
                && from.symbols.is_empty()
                && to.symbols.is_empty()
                && from.known.is_subset(&duty.from)
                && to.known.is_subset(&duty.to)
        };
        let spoken = self.laws.asked.flows.get(claim.flow)?;
        claim.parts.iter().all(here).then_some(spoken.sure)
    }

    fn within(&mut self, region: &Region, from: &AddressSet, to: &AddressSet) -> Set {
        let whole = self.space.region(region);
        let seen = self.space.box_of(from, to);
        self.space.intersect(whole, seen)
    }

    /// A flow's services between two ends, whatever names are shown.
    fn spoken(&mut self, flow: &Flow, from: &Endpoint, to: &AddressSet) -> Vec<Set> {
        let to = Endpoint::of(to.clone());
        let parts = self.denoter.parts(from, &to, &flow.traffic, None);
        let regions = parts.into_iter().map(|part| part.region);
        let facts = &self.laws.network.facts;
        let regions: Vec<Region> = regions.flat_map(|r| facts.narrowed(r)).collect();
        regions.iter().map(|r| self.space.region(r)).collect()
    }

    /// Seen from several networks `tag(VirtualNetwork)` is told by address, sources times destinations.
    fn network(&mut self, duty: &Duty, flow: &Flow) -> Vec<Set> {
        if !flow.from.virtual_network && !flow.to.virtual_network {
            return Vec::new();
        }
        self.spoken(flow, &Endpoint::of(duty.from.clone()), &duty.to)
    }

    /// What an envelope has to open, what it may, and of that what a firewall narrows.
    fn envelope(
        &mut self,
        duty: &Duty,
        claim: &Claim,
        flow: &Flow,
        nsg: &Nsg,
    ) -> (Vec<Set>, Set, Set) {
        let internet = self.laws.context.fabric.internet.clone();
        let mut open = duty.narrowed.clone();
        if nsg.names_open {
            open = open.union(&duty.unnarrowed);
        }
        let named = claim.parts.iter().filter(|p| p.free_name);
        let sure: Vec<Set> = named
            .map(|part| self.within(&part.region, &open, &internet))
            .collect();
        let all = self.spoken(flow, &flow.from, &internet);
        let all = self.space.unite(all);
        let from = self.space.box_of(&duty.from, &internet);
        let may = self.space.intersect(all, from);
        let narrowed = self.space.box_of(&duty.narrowed, &internet);
        let narrowed = self.space.intersect(all, narrowed);
        (sure, may, narrowed)
    }

    /// What guards keep shut of envelopes: what the subnet's exceptions lead past the firewall.
    fn guard(&mut self, envelopes: Set, site: &Key) -> Set {
        let fabric = self.laws.context.fabric;
        let Some(subnet) = fabric.policy.subnets.get(site) else {
            return self.space.empty();
        };
        let own = past(fabric, site);
        let mut led = AddressSet::empty();
        for (hop, part) in fabric.hop_map(site).into_iter().flat_map(|h| h.split(&own)) {
            let past = matches!(
                hop,
                HopClass::Internet | HopClass::ServiceEndpoint | HopClass::Gateway | HopClass::Peer
            );
            if past {
                led = led.union(&part);
            }
        }
        let here = self.space.box_of(&subnet.prefix, &led);
        self.space.intersect(envelopes, here)
    }

    /// What translations bring to the group of their target, from the firewall's own addresses.
    fn translated(&mut self, list: &mut List, own: &AddressSet) {
        let laws = self.laws;
        for (key, indices) in &laws.context.plan.dnats {
            let Some(firewall) = laws.context.fabric.policy.firewalls.get(key) else {
                continue;
            };
            for translated in &laws.denotation.translated {
                if indices.contains(&translated.dnat) {
                    let sets: Vec<Set> = translated
                        .leaving
                        .iter()
                        .map(|region| self.within(region, &firewall.subnet, own))
                        .collect();
                    list.add((4, String::new(), 0), Verdict::Allow, (sets, Vec::new()));
                }
            }
        }
    }

    fn compare(&mut self, case: Case<'_>, list: List, out: &mut Vec<Violation>) {
        let laws = self.laws;
        let asked = list.decided(self.space);
        let space = &mut *self.space;
        let mut judged = space.subtract(case.region, laws.unnamed);
        if case.kept {
            judged = space.subtract(judged, case.layer.foreign);
        }
        let passes = space.union(case.layer.admitted.kept, case.layer.admitted.replaced);
        let passes = space.intersect(passes, judged);
        let stopped = space.subtract(judged, passes);
        let silent = space.intersect(asked.silent, judged);
        let wide = space.intersect(silent, passes);
        let narrow = space.intersect(silent, stopped);
        let found = [
            (Which::LayerPasses, space.intersect(asked.denied, passes)),
            (Which::LayerStops, space.intersect(asked.allowed, stopped)),
            (Which::LayerOpens, {
                let opened = space.subtract(wide, case.by_default);
                space.intersect(opened, case.led)
            }),
            (Which::LayerShuts, space.intersect(narrow, case.by_default)),
        ];
        for (which, set) in found {
            let Some(witness) = space.witness(set) else {
                continue;
            };
            let decision = case
                .filter
                .decide_knowing(&(&witness).into(), &laws.network.facts);
            let rule = decision.rule.and_then(|i| case.filter.rules.get(i));
            let flows = laws.asked.speaking(space, laws.denotation, &witness);
            out.push(Violation {
                which,
                flows,
                witness,
                place: Some((case.place.clone(), rule.map(|r| r.path.clone()))),
            });
        }
    }
}

fn rank(claim: &Claim) -> Rank {
    let plain = |number| (number, String::new(), 0);
    match (claim.tier, &claim.order) {
        (Tier::Forbid, _) => plain(0),
        (Tier::Exception, _) => plain(1),
        (Tier::Deny, _) => plain(2),
        (Tier::Ordered, Some((group, place))) => (3, group.clone(), *place),
        (Tier::Ordered, None) => plain(3),
        (Tier::Allow, _) => plain(4),
    }
}

/// What exceptions of a group's subnets speak of.
fn behind_guards(fabric: &Fabric<'_>, group: &Key) -> AddressSet {
    let subnets = fabric.policy.subnets.iter();
    let subnets = subnets.filter(|(_, s)| s.nsg.as_ref() == Some(group));
    subnets.fold(AddressSet::empty(), |all, (key, _)| {
        all.union(&past(fabric, key))
    })
}

/// What exceptions of a subnet speak of.
fn past(fabric: &Fabric<'_>, site: &Key) -> AddressSet {
    let mut out = AddressSet::empty();
    let Some(subnet) = fabric.policy.subnets.get(site) else {
        return out;
    };
    for tag in &subnet.service_endpoints {
        out = out.union(&fabric.tag(tag));
    }
    let table = subnet
        .route_table
        .as_ref()
        .and_then(|t| fabric.tables.get(t));
    for route in table.into_iter().flat_map(|t| &t.routes) {
        let past = matches!(route.hop, Hop::Internet | Hop::Gateway | Hop::Vnet);
        if !past || !matches!(route.cause, Cause::Exception(_)) {
            continue;
        }
        out = match &route.target {
            Target::Tag(tag) => out.union(&fabric.tag(tag)),
            Target::Prefix(net) => out.union(&AddressSet::prefix(*net)),
            Target::Default => out,
        };
    }
    out
}
