//! A product of what is matched in every dimension, and when a packet lies in it. A rule or a flow
//! matches a union of a few regions.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::address::AddressSet;
use crate::model::service::PortSet;

use super::facts::Facts;
use super::probe::{Answer, Probe};
use super::transport::Transports;

/// Something whose members nobody told: `service tag Foo`, `fqdn tag WindowsUpdate`, `ip group x`.
/// The same text is the same thing; on either side of a packet it is a question of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// What it is: `service tag`, `fqdn tag`, `category`, `url`, `ip group`, `asg`.
    pub kind: &'static str,
    /// Which one.
    pub name: String,
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One end of a region: known addresses and things that may hold more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addresses {
    /// Addresses that are surely in.
    pub known: AddressSet,
    /// Of these nobody told the addresses.
    pub symbols: BTreeSet<Symbol>,
    /// Where the addresses of the symbols can lie; everything if absent.
    pub within: Option<AddressSet>,
}

impl Addresses {
    /// Every address.
    #[must_use]
    pub fn any() -> Self {
        Self::of(AddressSet::all())
    }

    /// These addresses.
    #[must_use]
    pub fn of(known: AddressSet) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    /// Whether nothing can be in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.symbols.is_empty()
    }

    /// Whether the addresses lie in it.
    #[must_use]
    pub fn holds(&self, addresses: &AddressSet) -> Answer {
        self.holds_knowing(addresses, &Facts::default())
    }

    /// The same, with what is known of symbols.
    #[must_use]
    pub fn holds_knowing(&self, addresses: &AddressSet, facts: &Facts) -> Answer {
        if addresses.is_subset(&self.known) {
            return Answer::Yes;
        }
        let inside = |set: &AddressSet| addresses.is_subset(set);
        if self.within.as_ref().is_none_or(inside)
            && self.symbols.iter().any(|s| facts.holds(s, addresses))
        {
            return Answer::Yes;
        }
        let may_hold = match &self.within {
            _ if !self.symbols.iter().any(|s| facts.may_hold(s, addresses)) => false,
            Some(within) => within.meets(addresses),
            None => true,
        };
        if may_hold || addresses.meets(&self.known) {
            Answer::May
        } else {
            Answer::No
        }
    }
}

/// What is asked of the name that a connection shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Names {
    /// Nothing: any name and none.
    #[default]
    Any,
    /// A name that a pattern matches or a symbol holds.
    Some {
        /// Lower case: `www.contoso.com`, `*.contoso.com`, `*contoso.com`, `*`.
        patterns: BTreeSet<String>,
        /// Of these nobody told the names.
        symbols: BTreeSet<Symbol>,
    },
}

impl Names {
    /// Names that one of the patterns matches.
    #[must_use]
    pub fn patterns(patterns: impl IntoIterator<Item = String>) -> Self {
        Self::Some {
            patterns: patterns.into_iter().collect(),
            symbols: BTreeSet::new(),
        }
    }

    /// Whether a name, or none, lies in it.
    #[must_use]
    pub fn holds(&self, name: Option<&str>) -> Answer {
        self.holds_knowing(name, &Facts::default())
    }

    /// The same, with what is known of symbols.
    #[must_use]
    pub fn holds_knowing(&self, name: Option<&str>, facts: &Facts) -> Answer {
        match (self, name) {
            (Self::Any, _) => Answer::Yes,
            (Self::Some { .. }, None) => Answer::No,
            (Self::Some { patterns, symbols }, Some(name)) => {
                if patterns.iter().any(|p| pattern_holds(p, name))
                    || symbols.iter().any(|s| facts.shows(s, name))
                {
                    Answer::Yes
                } else if symbols.iter().any(|s| facts.may_show(s, name)) {
                    Answer::May
                } else {
                    Answer::No
                }
            }
        }
    }
}

/// What a region speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The protocol, or what is read inside.
    Transport,
    /// The destination port.
    Port,
    /// The source port.
    SourcePort,
    /// The source address.
    Source,
    /// The destination address.
    Destination,
    /// The name.
    Name,
}

impl Dimension {
    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transport => "protocol",
            Self::Port => "port",
            Self::SourcePort => "source port",
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Name => "name",
        }
    }
}

/// Whether a name matches a pattern, both in lower case: a star stands for any characters, at least
/// one of them before a dot.
#[must_use]
pub fn pattern_holds(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        None => pattern == name,
        Some(suffix) => {
            name.ends_with(suffix) && !(suffix.starts_with('.') && name.len() == suffix.len())
        }
    }
}

/// Protocols with their ports. Ports do not count where the protocol has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// The protocols.
    pub transports: Transports,
    /// Destination ports.
    pub ports: PortSet,
    /// Source ports.
    pub source_ports: PortSet,
}

impl Service {
    /// Every protocol on every port.
    #[must_use]
    pub fn any() -> Self {
        Self::to(Transports::ALL, PortSet::all())
    }

    /// Protocols to some ports, from any.
    #[must_use]
    pub fn to(transports: Transports, ports: PortSet) -> Self {
        Self {
            transports,
            ports,
            source_ports: PortSet::all(),
        }
    }

    fn holds(&self, probe: &Probe) -> Answer {
        if !self.transports.contains(probe.transport) {
            return Answer::No;
        }
        if !probe.transport.has_ports() {
            return Answer::Yes;
        }
        let of = |own: &PortSet, asked: &PortSet| {
            if asked.is_subset(own) {
                Answer::Yes
            } else if own.meets(asked) {
                Answer::May
            } else {
                Answer::No
            }
        };
        of(&self.ports, &probe.ports).and(of(&self.source_ports, &probe.source_ports))
    }
}

/// A product: packets from one of the sources to one of the destinations, by one of the services,
/// that show one of the names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    /// Sources.
    pub source: Addresses,
    /// Destinations.
    pub destination: Addresses,
    /// Services; a union.
    pub services: Vec<Service>,
    /// Names.
    pub names: Names,
}

impl Region {
    /// Every packet.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            source: Addresses::any(),
            destination: Addresses::any(),
            services: vec![Service::any()],
            names: Names::Any,
        }
    }

    /// Whether a packet lies in it.
    #[must_use]
    pub fn holds(&self, probe: &Probe) -> Answer {
        self.holds_knowing(probe, &Facts::default())
    }

    /// The same, with what is known of symbols.
    #[must_use]
    pub fn holds_knowing(&self, probe: &Probe, facts: &Facts) -> Answer {
        let service = self
            .services
            .iter()
            .map(|s| s.holds(probe))
            .max()
            .unwrap_or(Answer::No);
        if service == Answer::No {
            return Answer::No;
        }
        let source = service.and(self.source.holds_knowing(&probe.source, facts));
        if source == Answer::No {
            return Answer::No;
        }
        let destination = source.and(self.destination.holds_knowing(&probe.destination, facts));
        if destination == Answer::No {
            return Answer::No;
        }
        destination.and(self.names.holds_knowing(probe.name.as_deref(), facts))
    }

    /// The dimensions in which a packet does not lie in it, in the order of the words of a flow.
    #[must_use]
    pub fn misses(&self, probe: &Probe) -> Vec<Dimension> {
        let mut out = Vec::new();
        let carried: Vec<&Service> = self
            .services
            .iter()
            .filter(|s| s.transports.contains(probe.transport))
            .collect();
        if carried.is_empty() {
            out.push(Dimension::Transport);
        } else if carried.iter().all(|s| s.holds(probe) == Answer::No) {
            let to = |s: &&Service| s.ports.meets(&probe.ports);
            out.push(if carried.iter().any(to) {
                Dimension::SourcePort
            } else {
                Dimension::Port
            });
        }
        let rest = [
            (self.source.holds(&probe.source), Dimension::Source),
            (
                self.destination.holds(&probe.destination),
                Dimension::Destination,
            ),
            (self.names.holds(probe.name.as_deref()), Dimension::Name),
        ];
        out.extend(
            rest.into_iter()
                .filter(|(answer, _)| *answer == Answer::No)
                .map(|(_, dimension)| dimension),
        );
        out
    }

    /// The symbols in it.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        let names = match &self.names {
            Names::Any => None,
            Names::Some { symbols, .. } => Some(symbols.iter()),
        };
        self.source
            .symbols
            .iter()
            .chain(&self.destination.symbols)
            .chain(names.into_iter().flatten())
    }
}
