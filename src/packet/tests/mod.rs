//! Small worlds for the tests of packet sets: random regions, and every packet that they can tell
//! apart. It holds no tests itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod brute;
mod laws;
mod symbols;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::address::AddressSet;
use crate::model::service::PortSet;

use super::{
    Addresses, Builder, Names, Probe, Region, Service, Set, Space, Symbol, Transport, Transports,
};

/// Numbers from a seed.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % most as u64) as usize
    }

    pub(super) fn one<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

pub(super) const PATTERNS: [&str; 8] = [
    "*",
    "google.com",
    "*google.com",
    "*.google.com",
    "www.google.com",
    "*.www.google.com",
    "*ww.google.com",
    "x.org",
];

/// A name for every class of names that the patterns tell apart.
pub(super) const NAMES: [Option<&str>; 11] = [
    None,
    Some("google.com"),
    Some("mygoogle.com"),
    Some("www.google.com"),
    Some("a.www.google.com"),
    Some("a.google.com"),
    Some("aww.google.com"),
    Some("com"),
    Some("x.org"),
    Some("y.org"),
    Some("ww.google.com"),
];

pub(super) fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn between(first: &str, last: &str) -> AddressSet {
    AddressSet::range(at(first), at(last))
}

pub(super) fn symbol(name: &str) -> Symbol {
    Symbol {
        kind: "service tag",
        name: name.to_owned(),
    }
}

/// Sets of few addresses.
pub(super) fn addresses(draw: &mut Draw) -> AddressSet {
    let mut set = AddressSet::empty();
    for _ in 0..=draw.below(2) {
        let part = match draw.below(8) {
            0 => AddressSet::all(),
            1 => between("10.0.0.1", "10.0.0.1"),
            2 => between("10.0.0.2", "10.0.0.2"),
            3 => between("10.0.0.1", "10.0.0.2"),
            4 => between("10.0.0.2", "10.0.0.3"),
            5 => between("10.0.0.3", "255.255.255.255"),
            6 => between("fd00::1", "fd00::1"),
            _ => between("fd00::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        };
        set = set.union(&part);
    }
    set
}

pub(super) fn ports(draw: &mut Draw) -> PortSet {
    match draw.below(6) {
        0 | 1 => PortSet::all(),
        2 => PortSet::one(1),
        3 => PortSet::from_ranges(&[(2, 443)]),
        4 => PortSet::from_ranges(&[(1, 1), (443, 65535)]),
        _ => PortSet::one(443),
    }
}

pub(super) fn service(draw: &mut Draw) -> Service {
    let transports = match draw.below(6) {
        0 => Transports::ALL,
        1 => Transports::TCP,
        2 => Transports::one(Transport::Https),
        3 => Transports::one(Transport::Icmp),
        4 => Transports::one(Transport::Udp).union(Transports::one(Transport::Icmp)),
        _ => Transports::TCP.union(Transports::one(Transport::Udp)),
    };
    Service {
        transports,
        ports: ports(draw),
        source_ports: if draw.below(4) == 0 {
            ports(draw)
        } else {
            PortSet::all()
        },
    }
}

pub(super) fn region(draw: &mut Draw) -> Region {
    let names = if draw.below(2) == 0 {
        Names::Any
    } else {
        let count = 1 + draw.below(2);
        Names::patterns((0..count).map(|_| draw.one(&PATTERNS).to_owned()))
    };
    Region {
        source: Addresses::of(addresses(draw)),
        destination: Addresses::of(addresses(draw)),
        services: (0..=draw.below(2)).map(|_| service(draw)).collect(),
        names,
    }
}

/// A region that may also ask about symbols.
pub(super) fn open_region(draw: &mut Draw) -> Region {
    let mut region = region(draw);
    let mut end = |own: &mut Addresses| {
        for name in ["A", "B", "C"] {
            if draw.below(5) == 0 {
                own.symbols.insert(symbol(name));
            }
        }
        if draw.below(3) == 0 {
            own.within = Some(addresses(draw));
        }
    };
    end(&mut region.source);
    end(&mut region.destination);
    if draw.below(3) == 0 {
        let symbols = BTreeSet::from([symbol(draw.one(&["A", "N"]))]);
        region.names = match region.names {
            Names::Any => Names::Some {
                patterns: BTreeSet::new(),
                symbols,
            },
            Names::Some { patterns, .. } => Names::Some { patterns, symbols },
        };
    }
    region
}

/// A packet for every class that regions of this file tell apart.
pub(super) fn packets() -> Vec<Probe> {
    let v4 = ["0.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    let v6 = ["::", "fd00::1", "fd00::2"];
    let mut out = Vec::new();
    for transport in [
        Transport::Tcp,
        Transport::Https,
        Transport::Udp,
        Transport::Icmp,
        Transport::Other,
    ] {
        let ports = [1, 2, 443, 60000];
        let pairs = ports.iter().flat_map(|a| ports.map(|b| (*a, b)));
        for (source_port, port) in pairs {
            for name in NAMES {
                for family in [&v4[..], &v6[..]] {
                    for source in family {
                        for destination in family {
                            let mut probe =
                                Probe::new(transport, at(source), at(destination), port);
                            probe.source_ports = PortSet::one(source_port);
                            probe.name = name.map(str::to_owned);
                            out.push(probe);
                        }
                    }
                }
            }
        }
    }
    out
}

/// Some packets, so that a test of many cases takes no minute.
pub(super) fn some_packets(draw: &mut Draw, count: usize) -> Vec<Probe> {
    let all = packets();
    (0..count).map(|_| draw.one(&all)).collect()
}

pub(super) fn space(regions: &[Region]) -> Space {
    builder(regions).build()
}

pub(super) fn builder(regions: &[Region]) -> Builder {
    let mut builder = Builder::new();
    for region in regions {
        builder.region(region);
    }
    builder
}

pub(super) fn sets(space: &mut Space, regions: &[Region]) -> Vec<Set> {
    regions.iter().map(|r| space.region(r)).collect()
}
