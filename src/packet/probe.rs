//! One packet, or a few that are told together, asked of regions: yes, no or may.

use std::fmt;
use std::net::IpAddr;

use crate::model::address::AddressSet;
use crate::model::service::PortSet;

use super::transport::Transport;

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It does not.
    No,
    /// It depends on what nobody told.
    May,
    /// It does.
    Yes,
}

impl Answer {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

/// The packet that starts a connection; where a part is a set of several, it is one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Protocol.
    pub transport: Transport,
    /// Source address.
    pub source: AddressSet,
    /// Source port; of no account where the protocol has none.
    pub source_ports: PortSet,
    /// Destination address.
    pub destination: AddressSet,
    /// Destination port; of no account where the protocol has none.
    pub ports: PortSet,
    /// The name that the connection shows, lower case; `None` if it shows none.
    pub name: Option<String>,
}

impl Probe {
    /// A packet from one address to another, from any port.
    #[must_use]
    pub fn new(transport: Transport, source: IpAddr, destination: IpAddr, port: u16) -> Self {
        Self {
            transport,
            source: AddressSet::range(source, source),
            source_ports: PortSet::all(),
            destination: AddressSet::range(destination, destination),
            ports: PortSet::one(port),
            name: None,
        }
    }

    /// The same packet, showing a name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_ascii_lowercase());
        self
    }
}

/// `tcp 10.0.0.4 -> 203.0.113.5:443`, with the name if there is one.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> ", self.transport, end(&self.source))?;
        match &self.name {
            Some(name) if self.destination.first() == self.destination.last() => {
                write!(f, "{name} ({})", end(&self.destination))?;
            }
            Some(name) => f.write_str(name)?,
            None => f.write_str(&end(&self.destination))?,
        }
        if self.transport.has_ports() {
            let ports = if self.ports.is_all() {
                "*".to_owned()
            } else {
                self.ports.texts().join(",")
            };
            write!(f, ":{ports}")?;
        }
        Ok(())
    }
}

fn end(set: &AddressSet) -> String {
    match (set.first(), set.last()) {
        (Some(first), Some(last)) if first == last && first.is_ipv6() => format!("[{first}]"),
        (Some(first), Some(last)) if first == last => first.to_string(),
        (None, _) => "nowhere".to_owned(),
        _ => "any".to_owned(),
    }
}
