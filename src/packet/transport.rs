//! What a connection is carried by, and what can be read inside: one dimension, since only TCP is
//! ever looked into.

use std::fmt;

/// The protocol of a packet, with what a firewall can read in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP in which nothing is read.
    Tcp,
    /// HTTP over TCP.
    Http,
    /// TLS over TCP.
    Https,
    /// SQL Server's protocol over TCP.
    Mssql,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// IPsec ESP.
    Esp,
    /// IPsec AH.
    Ah,
    /// Any other IP protocol.
    Other,
}

impl Transport {
    /// All, in order.
    pub const ALL: [Self; 9] = [
        Self::Tcp,
        Self::Http,
        Self::Https,
        Self::Mssql,
        Self::Udp,
        Self::Icmp,
        Self::Esp,
        Self::Ah,
        Self::Other,
    ];

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> u32 {
        self as u32
    }

    /// Whether it has ports.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(
            self,
            Self::Tcp | Self::Http | Self::Https | Self::Mssql | Self::Udp
        )
    }

    /// The IP protocol: `tcp`, `udp`, `icmp`, `esp`, `ah`, `other`.
    #[must_use]
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Tcp | Self::Http | Self::Https | Self::Mssql => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Esp => "esp",
            Self::Ah => "ah",
            Self::Other => "other",
        }
    }

    /// What is read inside: `none`, `http`, `https`, `mssql`.
    #[must_use]
    pub const fn inside(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Mssql => "mssql",
            _ => "none",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http | Self::Https | Self::Mssql => self.inside(),
            _ => self.protocol(),
        })
    }
}

/// A set of transports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transports(u16);

impl Transports {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(0x1ff);
    /// TCP, whatever is inside.
    pub const TCP: Self = Self(0b1111);
    /// Those that have ports.
    pub const PORTED: Self = Self(0b1_1111);
    /// Those that have none.
    pub const PORTLESS: Self = Self(0x1e0);

    /// One.
    #[must_use]
    pub const fn one(transport: Transport) -> Self {
        Self(1 << transport.index())
    }

    /// Those in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of this that the other lacks.
    #[must_use]
    pub const fn subtract(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it is in.
    #[must_use]
    pub const fn contains(self, transport: Transport) -> bool {
        self.0 & (1 << transport.index()) != 0
    }

    /// Its members, in order.
    pub fn iter(self) -> impl Iterator<Item = Transport> {
        Transport::ALL
            .into_iter()
            .filter(move |t| self.contains(*t))
    }
}
