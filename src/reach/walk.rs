//! One packet on its way: what every layer does with it, in order, and the sum. A packet to several
//! possible addresses is told for each way that these take.

use crate::model::address::AddressSet;
use crate::model::service::PortSet;
use crate::packet::{Answer, Decision, Facts, Filter, Probe, Rule, Verdict};
use crate::path::HopClass;

use super::network::{Firewall, Network};
use super::ways::{End, Station, Way};
use crate::backends::firewall_rules::{Target, Translation};

/// A packet on one way.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The packet, to the destinations that take this way.
    pub probe: Probe,
    /// What it met, in order. It ends where the packet does.
    pub steps: Vec<Step>,
    /// How the way ends.
    pub end: End,
    /// What becomes of it; `None` if that depends on what nobody told.
    pub verdict: Option<Verdict>,
}

/// One thing that the packet met.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is.
    pub station: Station,
    /// What it does; `None` if that is not known.
    pub verdict: Option<Verdict>,
    /// Of a layer with rules: which of them decided.
    pub decision: Option<Decision>,
    /// The translation that a firewall applied.
    pub translation: Option<Translation>,
}

impl Network {
    /// The rules of a station, if it has any.
    #[must_use]
    pub fn filter(&self, station: &Station) -> Option<&Filter> {
        match station {
            Station::Out(gate, _) | Station::In(gate, _) => self.filters.get(gate.filter),
            Station::Firewall(index) => self.firewalls.get(*index).map(|f| &f.does.filter),
            _ => None,
        }
    }

    /// The rule that decided at a step.
    #[must_use]
    pub fn rule(&self, step: &Step) -> Option<&Rule> {
        let index = step.decision.as_ref()?.rule?;
        self.filter(&step.station)?.rules.get(index)
    }
}

/// The ways of a packet, each with what becomes of it; none if nothing that is known lies between
/// its ends.
#[must_use]
pub fn walk(network: &Network, probe: &Probe) -> Vec<Journey> {
    walk_knowing(network, probe, &network.facts)
}

/// The same, with more that is known of things whose members nobody told than the network says.
#[must_use]
pub fn walk_knowing(network: &Network, probe: &Probe, facts: &Facts) -> Vec<Journey> {
    if from_outside(network, probe)
        && let Some(journey) = translated(network, probe, facts)
    {
        return vec![journey];
    }
    network
        .ways(&probe.source, &probe.destination)
        .into_iter()
        .map(|way| follow(network, probe, facts, way, &|_| true))
        .collect()
}

impl Network {
    /// The next hop of what a subnet replies to a translation's firewall, and whether it gets there:
    /// a firewall drops the reply of a connection that another one has seen begin.
    pub(super) fn reply(
        &self,
        site: usize,
        firewall: &Firewall,
        sources: &AddressSet,
    ) -> (HopClass, Option<Verdict>) {
        // The address that next hops call it by is the firewall's front, not where this comes from.
        let behind = sources.subtract(&firewall.own());
        let sources = if behind.is_empty() { sources } else { &behind };
        let hops = self.sites.get(site).map(|site| site.hops.split(sources));
        let judged = hops.into_iter().flatten().map(|(hop, _)| {
            let verdict = match &hop {
                HopClass::Local | HopClass::Peer => Some(Verdict::Allow),
                HopClass::Firewall(key) if *key == firewall.key => Some(Verdict::Allow),
                HopClass::Appliance(_) => None,
                _ => Some(Verdict::Deny),
            };
            (hop, verdict)
        });
        let judged: Vec<(HopClass, Option<Verdict>)> = judged.collect();
        let Some(first) = judged.first() else {
            return (HopClass::Local, Some(Verdict::Allow));
        };
        // Which of its addresses it uses is not said, so all must fare alike.
        let alike = judged.iter().all(|(_, verdict)| *verdict == first.1);
        (first.0.clone(), first.1.filter(|_| alike))
    }
}

/// Whether a translation may take a packet: it comes from outside all subnets.
fn from_outside(network: &Network, probe: &Probe) -> bool {
    network.site_of(&probe.source).is_none()
        || !network.outside.is_empty() && probe.source.is_subset(&network.outside)
}

/// What some layers by themselves do with a packet that meets them, whatever happens to it elsewhere.
#[must_use]
pub fn walk_at(
    network: &Network,
    probe: &Probe,
    facts: &Facts,
    asked: &dyn Fn(&Station) -> bool,
) -> Vec<Journey> {
    let mut out = Vec::new();
    if from_outside(network, probe)
        && let Some(mut journey) = translated(network, probe, facts)
    {
        journey.steps.retain(|step| asked(&step.station));
        journey.verdict = sum(&journey.steps);
        out.push(journey);
    } else {
        for way in network.ways(&probe.source, &probe.destination) {
            let end = End::There;
            out.push(follow(network, probe, facts, Way { end, ..way }, asked));
        }
    }
    out.retain(|journey| !journey.steps.is_empty());
    out
}

fn follow(
    network: &Network,
    probe: &Probe,
    facts: &Facts,
    way: Way,
    asked: &dyn Fn(&Station) -> bool,
) -> Journey {
    let mut probe = Probe {
        destination: way.to,
        ..probe.clone()
    };
    let mut journey = Journey {
        probe: probe.clone(),
        steps: Vec::new(),
        end: way.end,
        verdict: None,
    };
    let last_route = way.stations.iter().rposition(Station::is_route);
    if let (End::NoRoute, None, Some(station)) = (way.end, last_route, way.stations.first()) {
        // The firewall whose address it is, which no translation leads on.
        if asked(station) {
            journey.steps.push(Step {
                station: station.clone(),
                verdict: Some(Verdict::Deny),
                decision: None,
                translation: None,
            });
            journey.verdict = Some(Verdict::Deny);
        }
        return journey;
    }
    for (number, station) in way.stations.into_iter().enumerate() {
        if !asked(&station) {
            continue;
        }
        let here = last_route == Some(number);
        let (verdict, decision) = match &station {
            Station::Firewall(index) => {
                let Some(firewall) = network.firewalls.get(*index) else {
                    continue;
                };
                let (verdict, decision) = at_firewall(firewall, &probe, facts);
                let verdict = verdict.filter(|_| told(&probe));
                if let Some(rule) = decision
                    .as_ref()
                    .and_then(|d| firewall.does.filter.rules.get(d.rule?))
                    && rule.replaces_source
                {
                    probe.source = firewall.own();
                }
                (verdict, decision)
            }
            Station::Out(gate, _) | Station::In(gate, _) => {
                let Some(filter) = network.filters.get(gate.filter) else {
                    continue;
                };
                let decision = filter.decide_knowing(&probe, facts);
                (decision.verdict.filter(|_| told(&probe)), Some(decision))
            }
            station if here && station.is_route() => {
                let verdict = match way.end {
                    End::There => Some(Verdict::Allow),
                    End::NoRoute | End::Asymmetric => Some(Verdict::Deny),
                    End::Unknown => None,
                };
                (verdict, None)
            }
            _ => (Some(Verdict::Allow), None),
        };
        journey.steps.push(Step {
            station,
            verdict,
            decision,
            translation: None,
        });
        if verdict == Some(Verdict::Deny) {
            break;
        }
    }
    if way.end == End::Unknown && last_route.is_none() {
        return journey;
    }
    journey.verdict = sum(&journey.steps);
    journey
}

fn at_firewall(
    firewall: &Firewall,
    probe: &Probe,
    facts: &Facts,
) -> (Option<Verdict>, Option<Decision>) {
    let decision = firewall.does.filter.decide_knowing(probe, facts);
    // A parent that nobody showed comes first in its rule type.
    let verdict = match firewall.does.unknown_parent {
        Some(_) => None,
        None => decision.verdict,
    };
    (verdict, Some(decision))
}

/// Whether it is known who comes: nobody need have told the addresses of a firewall that made a
/// connection of its own.
fn told(probe: &Probe) -> bool {
    !probe.source.is_empty()
}

/// Denied if one step denies, open if one is.
fn sum(steps: &[Step]) -> Option<Verdict> {
    if steps.iter().any(|s| s.verdict == Some(Verdict::Deny)) {
        return Some(Verdict::Deny);
    }
    steps
        .iter()
        .all(|s| s.verdict == Some(Verdict::Allow))
        .then_some(Verdict::Allow)
}

/// A packet to an address of a firewall that a translation takes.
fn translated(network: &Network, probe: &Probe, facts: &Facts) -> Option<Journey> {
    for (index, firewall) in network.firewalls.iter().enumerate() {
        if !probe.destination.is_subset(&firewall.public_ips) {
            continue;
        }
        if let Some((translation, answer)) = firewall.does.translation(probe) {
            let firewall = (index, firewall);
            return Some(into(network, firewall, (translation, answer), probe, facts));
        }
    }
    None
}

fn into(
    network: &Network,
    (index, firewall): (usize, &Firewall),
    (translation, answer): (&Translation, Answer),
    probe: &Probe,
    facts: &Facts,
) -> Journey {
    let known = answer == Answer::Yes && firewall.does.unknown_parent.is_none();
    let mut journey = Journey {
        probe: probe.clone(),
        steps: vec![Step {
            station: Station::Firewall(index),
            verdict: known.then_some(Verdict::Allow),
            decision: None,
            translation: Some(translation.clone()),
        }],
        end: End::There,
        verdict: None,
    };
    let Target::Address(address) = translation.target else {
        journey.end = End::Unknown;
        return journey;
    };
    let target = AddressSet::range(address, address);
    // "Azure Firewall known issues" and "Use Azure Firewall to SNAT private ranges": what DNAT lets in
    // comes from an address of the firewall's subnet (checked 2026-11-25).
    let sources = firewall.behind_translations();
    let arriving = Probe {
        source: sources.clone(),
        destination: target.clone(),
        ports: PortSet::one(translation.port),
        name: None,
        ..probe.clone()
    };
    if !target.is_subset(&firewall.reaches) {
        journey.end = End::NoRoute;
        journey.steps.push(Step {
            station: Station::Onward(index, HopClass::None),
            verdict: Some(Verdict::Deny),
            decision: None,
            translation: None,
        });
    } else if let Some(site) = network.site_of(&target) {
        for station in network.inbound(site) {
            let Some(filter) = network.filter(&station) else {
                continue;
            };
            let decision = filter.decide_knowing(&arriving, facts);
            // Of a firewall that nobody told an address of it is not known who comes.
            let verdict = decision.verdict.filter(|_| !sources.is_empty());
            journey.steps.push(Step {
                station,
                verdict,
                decision: Some(decision),
                translation: None,
            });
        }
        if sum(&journey.steps) != Some(Verdict::Deny) {
            let (hop, verdict) = network.reply(site, firewall, &sources);
            journey.steps.push(Step {
                station: Station::Reply(site, hop),
                verdict,
                decision: None,
                translation: None,
            });
        }
    }
    journey.verdict = sum(&journey.steps);
    journey
}
