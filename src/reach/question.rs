//! Packets of which not everything is said, such as a name without an address: one verdict where
//! all that it can be agrees, else the usual one with what it assumes.

use std::net::IpAddr;

use crate::model::address::{AddressSet, Family};
use crate::model::internet::public;
use crate::model::service::PortSet;
use crate::packet::region::pattern_holds;
use crate::packet::{Dimension, Names, Probe, Transport, Verdict};
use crate::path::HopClass;

use super::network::{Network, route_word};
use super::walk::{Journey, Step, walk};
use super::ways::{End, Station};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Protocol, and what is read inside.
    pub transport: Transport,
    /// Source.
    pub source: IpAddr,
    /// Source port; any if absent.
    pub source_port: Option<u16>,
    /// Destination; if absent any address, or one that the name resolves to.
    pub destination: Option<IpAddr>,
    /// Destination port; any if absent.
    pub port: Option<u16>,
    /// The name that the connection shows, lower case.
    pub name: Option<String>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The verdict; `None` if it is not known.
    pub verdict: Option<Verdict>,
    /// The way that is told.
    pub journey: Option<Journey>,
    /// What the verdict takes for granted.
    pub assumes: Vec<String>,
    /// Why there is no verdict.
    pub reason: Option<String>,
}

/// The layer that a verdict comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerWord {
    /// A security group.
    Nsg,
    /// A route.
    Route,
    /// A firewall.
    Firewall,
    /// None.
    None,
}

impl LayerWord {
    /// `nsg`, `route`, `firewall`, `none`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nsg => "nsg",
            Self::Route => "route",
            Self::Firewall => "firewall",
            Self::None => "none",
        }
    }
}

impl Question {
    fn destinations(&self, network: &Network) -> AddressSet {
        let family = if self.source.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        match (self.destination, &self.name) {
            (Some(address), _) => AddressSet::range(address, address),
            (None, Some(name)) => {
                let told = network
                    .resolved
                    .iter()
                    .filter(|(pattern, _)| pattern_holds(pattern, name))
                    .fold(AddressSet::empty(), |all, (_, set)| all.union(set));
                if told.is_empty() {
                    public().subtract(&network.declared).only(family)
                } else {
                    told.only(family)
                }
            }
            (None, None) => AddressSet::all().only(family),
        }
    }

    fn probe(&self, network: &Network) -> Probe {
        Probe {
            transport: self.transport,
            source: AddressSet::range(self.source, self.source),
            source_ports: self.source_port.map_or_else(PortSet::all, PortSet::one),
            destination: self.destinations(network),
            ports: self.port.map_or_else(PortSet::all, PortSet::one),
            name: self.name.clone(),
        }
    }
}

/// Answers a question. Where a name without an address is decided otherwise on another route than
/// the usual one, the answer is that of the usual one with the assumption, or none if `strict`.
#[must_use]
pub fn ask(network: &Network, question: &Question, strict: bool) -> Reply {
    let probe = question.probe(network);
    let mut journeys = walk(network, &probe);
    let Some(first) = journeys.first() else {
        return Reply {
            verdict: None,
            journey: None,
            assumes: Vec::new(),
            reason: Some(nowhere(network, question)),
        };
    };
    let verdict = first.verdict;
    let agree = journeys.iter().all(|j| j.verdict == verdict);
    let usual = usual(network, &probe, &journeys);
    if agree && verdict.is_some() {
        let journey = journeys.swap_remove(usual);
        return Reply {
            verdict,
            journey: Some(journey),
            assumes: Vec::new(),
            reason: None,
        };
    }
    let mut told = journeys.get(usual).unwrap_or(first).clone();
    let by_name = question.destination.is_none() && question.name.is_some();
    if by_name && !strict {
        let name = question.name.as_deref().unwrap_or_default();
        let mut assumes = Vec::new();
        // Rules for addresses that the name may resolve to: it usually does not.
        while told.verdict.is_none()
            && let Some((said, rest)) = beside_open_rule(network, &told)
        {
            let probe = Probe {
                destination: rest,
                ..probe.clone()
            };
            let Some(narrower) = walk(network, &probe).into_iter().next() else {
                break;
            };
            assumes.push(format!("{name} {said}"));
            told = narrower;
        }
        if told.verdict.is_some() {
            let others = journeys
                .iter()
                .enumerate()
                .filter(|(at, j)| *at != usual && j.verdict != told.verdict)
                .map(|(_, j)| j);
            for journey in others {
                let way = format!("{name} does not resolve into {}", way_of(network, journey));
                if !assumes.contains(&way) {
                    assumes.push(way);
                }
            }
            return Reply {
                verdict: told.verdict,
                journey: Some(told),
                assumes,
                reason: None,
            };
        }
    }
    let reason = if journeys.len() == 1 || !by_name && question.destination.is_some() {
        open_reason(network, &told)
    } else {
        let mut routes: Vec<String> = journeys
            .iter()
            .map(|j| format!("{} by {}", word(j.verdict), way_of(network, j)))
            .collect();
        routes.dedup();
        format!(
            "it depends on the destination address: {}",
            routes.join(", ")
        )
    };
    Reply {
        verdict: None,
        journey: Some(told),
        assumes: Vec::new(),
        reason: Some(reason),
    }
}

/// `allow`, `deny`, `unknown`.
#[must_use]
pub const fn word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(verdict) => verdict.word(),
        None => "unknown",
    }
}

/// The journey by the default route, else the one to the most addresses.
fn usual(network: &Network, probe: &Probe, journeys: &[Journey]) -> usize {
    let default = network
        .site_of(&probe.source)
        .and_then(|i| network.sites.get(i))
        .map(|site| match probe.source.first() {
            Some(IpAddr::V6(_)) => site.hops.default_of(Family::V6),
            _ => site.hops.default_of(Family::V4),
        });
    let size = |j: &Journey| {
        let count = |family| j.probe.destination.count(family);
        count(Family::V4).saturating_add(count(Family::V6))
    };
    let by_default = |j: &Journey| {
        j.steps
            .iter()
            .any(|s| matches!(&s.station, Station::Route(_, hop) if Some(hop) == default.as_ref()))
    };
    (0..journeys.len())
        .max_by_key(|i| {
            journeys
                .get(*i)
                .map(|j| (by_default(j), size(j), std::cmp::Reverse(*i)))
        })
        .unwrap_or_default()
}

fn nowhere(network: &Network, question: &Question) -> String {
    let source = AddressSet::range(question.source, question.source);
    if source.is_subset(&network.transit) {
        return "the source lies in a subnet of a gateway or firewall, which is passed and never an end"
            .to_owned();
    }
    let to = question.destinations(network);
    if !to.is_empty() && to.is_subset(&network.transit) {
        return "the destination lies in a subnet of a gateway or firewall, which is passed and never an end"
            .to_owned();
    }
    "neither end lies in a declared subnet, and no firewall stands between them".to_owned()
}

/// The first rule of a layer that may match a packet for its address alone: where the packet is taken
/// to go, in words and as addresses; `None` if no such rule leaves the verdict open. It usually goes
/// elsewhere, unless the rule speaks of most of the internet.
fn beside_open_rule(network: &Network, journey: &Journey) -> Option<(String, AddressSet)> {
    let internet = public().subtract(&network.declared);
    let undecided = journey.steps.iter().filter(|s| s.verdict.is_none());
    for step in undecided {
        let filter = network.filter(&step.station)?;
        let open = step.decision.iter().flat_map(|d| &d.open);
        for rule in open.filter_map(|index| filter.rules.get(*index)) {
            let addresses = rule
                .regions
                .iter()
                .filter(|r| r.names == Names::Any && r.misses(&journey.probe).is_empty())
                .fold(AddressSet::empty(), |all, r| {
                    all.union(&r.destination.known)
                });
            let before = &journey.probe.destination;
            let (word, rest) = if is_most(&addresses, &internet) {
                ("resolves", before.intersect(&addresses))
            } else {
                ("does not resolve", before.subtract(&addresses))
            };
            if !rest.is_empty() && rest != *before {
                let (path, resource) = (&rule.path, &rule.resource);
                return Some((
                    format!("{word} into addresses of `{path}` of `{resource}`"),
                    rest,
                ));
            }
        }
    }
    None
}

/// Whether addresses are more than half of all, in one family.
#[must_use]
pub fn is_most(addresses: &AddressSet, all: &AddressSet) -> bool {
    [Family::V4, Family::V6].into_iter().any(|family| {
        let own = addresses.intersect(all).count(family);
        own > all.count(family) / 2
    })
}

/// The way that a journey takes, in words: its route, or the rule that stops it before there is one.
#[must_use]
pub fn way_of(network: &Network, journey: &Journey) -> String {
    route_of(network, journey).unwrap_or_else(|| {
        let rule = journey.steps.iter().rev().find_map(|s| network.rule(s));
        rule.map_or_else(
            || "another way".to_owned(),
            |rule| format!("addresses of `{}` of `{}`", rule.path, rule.resource),
        )
    })
}

/// The route that a journey takes, in words.
fn route_of(network: &Network, journey: &Journey) -> Option<String> {
    journey.steps.iter().rev().find_map(|s| match &s.station {
        Station::Route(site, hop) => {
            let site = network.sites.get(*site)?;
            let to = journey.probe.destination.first()?;
            let (_, cause) = site.hops.decide(to);
            let route = route_word(site.table.as_ref(), cause);
            Some(format!("{route} -> {}", hop_word(hop)))
        }
        Station::GatewayRoute(_, hop) | Station::Arrival(_, hop) | Station::Reply(_, hop) => {
            Some(hop_word(hop))
        }
        _ => None,
    })
}

/// A next hop in words.
#[must_use]
pub fn hop_word(hop: &HopClass) -> String {
    match hop {
        HopClass::Local => "virtual network".to_owned(),
        HopClass::Peer => "peering".to_owned(),
        HopClass::Gateway => "gateway".to_owned(),
        HopClass::Internet => "internet".to_owned(),
        HopClass::ServiceEndpoint => "service endpoint".to_owned(),
        HopClass::Firewall(key) => key.clone(),
        HopClass::Appliance(ip) => format!("appliance {ip}"),
        HopClass::Platform => "platform".to_owned(),
        HopClass::None => "none".to_owned(),
    }
}

/// Why a packet that no rule denies does not arrive.
#[must_use]
pub fn end_reason(journey: &Journey) -> Option<String> {
    let last = journey.steps.last()?;
    match (&last.station, last.verdict) {
        (Station::Reply(_, hop), Some(Verdict::Deny)) => Some(match hop {
            HopClass::None => "no route leads the reply back".to_owned(),
            _ => format!(
                "the reply would leave by {}, which has not seen the request",
                hop_word(hop)
            ),
        }),
        (
            Station::Route(..)
            | Station::GatewayRoute(..)
            | Station::Arrival(..)
            | Station::Onward(..),
            Some(Verdict::Deny),
        ) => Some("no route leads there".to_owned()),
        (Station::Firewall(_), Some(Verdict::Deny))
            if last.decision.is_none() && last.translation.is_none() =>
        {
            Some(
                "nothing translates it, and behind the firewall's own address is nobody else"
                    .to_owned(),
            )
        }
        _ => None,
    }
}

/// Why a journey has no verdict.
#[must_use]
pub fn open_reason(network: &Network, journey: &Journey) -> String {
    for step in &journey.steps {
        if step.verdict.is_some() {
            continue;
        }
        match &step.station {
            Station::Firewall(index) => {
                if let Some(parent) = network
                    .firewalls
                    .get(*index)
                    .and_then(|f| f.does.unknown_parent.as_ref())
                {
                    return format!("the parent policy `{parent}` is not shown");
                }
            }
            Station::Route(_, hop) | Station::Arrival(_, hop) | Station::GatewayRoute(_, hop) => {
                return format!(
                    "the next hop is {}, of which nothing is known",
                    hop_word(hop)
                );
            }
            _ => {}
        }
        let open = step
            .decision
            .as_ref()
            .and_then(|d| d.open.first())
            .and_then(|i| network.filter(&step.station)?.rules.get(*i));
        if let Some(rule) = open {
            let symbols: Vec<String> = rule
                .regions
                .iter()
                .flat_map(|r| r.symbols())
                .map(ToString::to_string)
                .collect();
            let why = symbols
                .first()
                .map_or_else(String::new, |s| format!(", {s} is not known"));
            return format!("rule `{}` of `{}` may match{why}", rule.path, rule.resource);
        }
        if step.translation.is_some() {
            return "a translation may match".to_owned();
        }
        if step.decision.as_ref().is_some_and(|d| d.verdict.is_some()) {
            return "nobody told which address the firewall in front of it calls from".to_owned();
        }
    }
    match journey.end {
        End::Unknown => "which way it takes is not determined by what is declared".to_owned(),
        _ => "it depends on what nobody told".to_owned(),
    }
}

impl Journey {
    /// The step that the verdict comes from: the first that denies or is open; of a packet that
    /// passes the firewall, else the last security group with a rule that somebody wrote, else any.
    #[must_use]
    pub fn deciding<'a>(&'a self, network: &Network) -> Option<&'a Step> {
        if self.verdict != Some(Verdict::Allow) {
            return self
                .steps
                .iter()
                .find(|s| s.verdict == Some(Verdict::Deny))
                .or_else(|| self.steps.iter().find(|s| s.verdict.is_none()));
        }
        let firewall = self
            .steps
            .iter()
            .rev()
            .find(|s| matches!(s.station, Station::Firewall(_)));
        let written = self
            .steps
            .iter()
            .rev()
            .find(|s| network.rule(s).is_some_and(|r| !r.built_in));
        firewall
            .or(written)
            .or_else(|| self.steps.iter().rev().find(|s| s.decision.is_some()))
            .or_else(|| self.steps.last())
    }

    /// Rules that match in all but one dimension, by step: its number, the rule's index, what differs.
    #[must_use]
    pub fn near(&self, network: &Network) -> Vec<(usize, usize, Dimension)> {
        let mut out = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let decided = step.decision.as_ref().and_then(|d| d.rule);
            let Some(filter) = network.filter(&step.station) else {
                continue;
            };
            for (index, rule) in filter.rules.iter().enumerate() {
                if rule.built_in || Some(index) == decided {
                    continue;
                }
                let one = rule.regions.iter().find_map(|region| {
                    match region.misses(&self.probe).as_slice() {
                        [one] => Some(*one),
                        _ => None,
                    }
                });
                if let Some(dimension) = one {
                    out.push((number, index, dimension));
                }
            }
        }
        out
    }
}

impl Step {
    /// The layer.
    #[must_use]
    pub const fn layer(&self) -> LayerWord {
        match self.station {
            Station::Out(..) | Station::In(..) => LayerWord::Nsg,
            Station::Firewall(_) => LayerWord::Firewall,
            Station::Route(..)
            | Station::GatewayRoute(..)
            | Station::Arrival(..)
            | Station::Onward(..)
            | Station::Reply(..) => LayerWord::Route,
            Station::Direct(_) => LayerWord::None,
        }
    }
}
