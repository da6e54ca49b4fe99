//! Addresses, prefixes and ranges by hand. It is not an address library: only what the oracle asks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// Whether it is IPv6.
    pub(crate) six: bool,
    /// Its number.
    pub(crate) value: u128,
}

/// All addresses from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    /// Whether it is IPv6.
    pub(crate) six: bool,
    /// The first address's number.
    pub(crate) first: u128,
    /// The last address's number.
    pub(crate) last: u128,
    /// The prefix length, unless it was written as `a-b`.
    pub(crate) length: Option<u8>,
}

/// The host's address: DNS, probes (`AzureLoadBalancer`), DHCP.
/// Source: "What is IP address 168.63.129.16?", checked 2026-11-23.
pub(crate) const HOST: Address = four(168, 63, 129, 16);

/// The metadata service. Source: "Azure Instance Metadata Service", checked 2026-11-23.
pub(crate) const METADATA: Address = four(169, 254, 169, 254);

/// Ranges whose system route is `None`. Source: "Virtual network traffic routing", default routes,
/// checked 2026-11-23.
pub(crate) const PRIVATE: [&str; 4] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
];

/// Ranges no public service has. Source: IANA IPv4 and IPv6 special-purpose address registries,
/// checked 2026-11-23.
const SPECIAL: [&str; 18] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

const fn four(a: u8, b: u8, c: u8, d: u8) -> Address {
    Address {
        six: false,
        value: u32::from_be_bytes([a, b, c, d]) as u128,
    }
}

impl Address {
    /// Reads one address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text.trim().parse().ok()? {
            IpAddr::V4(four) => Self {
                six: false,
                value: u128::from(u32::from(four)),
            },
            IpAddr::V6(six) => Self {
                six: true,
                value: u128::from(six),
            },
        })
    }

    /// Whether it lies in one of these.
    pub(crate) fn within(self, ranges: &[Range]) -> bool {
        ranges.iter().any(|range| range.contains(self))
    }

    /// Whether it is private: RFC 1918 and RFC 6598.
    pub(crate) fn is_private(self) -> bool {
        self.within(&PRIVATE.map(|text| Range::parse(text).unwrap()))
    }

    /// Whether it is one of the platform's own.
    pub(crate) fn is_platform(self) -> bool {
        self == HOST || self == METADATA
    }

    /// Whether anyone on the internet can have it.
    pub(crate) fn is_public(self) -> bool {
        !self.is_private()
            && !self.is_platform()
            && !self.within(&SPECIAL.map(|text| Range::parse(text).unwrap()))
    }

    /// The address so many further, if there is one.
    pub(crate) fn step(self, by: i8) -> Option<Self> {
        let value = if by < 0 {
            self.value.checked_sub(u128::from(by.unsigned_abs()))?
        } else {
            self.value.checked_add(u128::from(by.unsigned_abs()))?
        };
        (self.six || value <= u128::from(u32::MAX)).then_some(Self {
            six: self.six,
            value,
        })
    }
}

impl Range {
    /// Reads an address, a prefix (host bits are cut off) or `a-b`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((address, length)) = text.split_once('/') {
            let address = Address::parse(address)?;
            let bits: u8 = if address.six { 128 } else { 32 };
            let length: u8 = length.parse().ok().filter(|length| *length <= bits)?;
            let mut host: u128 = 0;
            for bit in 0..(bits - length) {
                host |= 1 << bit;
            }
            return Some(Self {
                six: address.six,
                first: address.value & !host,
                last: address.value | host,
                length: Some(length),
            });
        }
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (Address::parse(first)?, Address::parse(last)?);
            return (first.six == last.six && first.value <= last.value).then_some(Self {
                six: first.six,
                first: first.value,
                last: last.value,
                length: None,
            });
        }
        let address = Address::parse(text)?;
        Some(Self {
            six: address.six,
            first: address.value,
            last: address.value,
            length: Some(if address.six { 128 } else { 32 }),
        })
    }

    /// Whether the address lies in it.
    pub(crate) fn contains(self, address: Address) -> bool {
        self.six == address.six && self.first <= address.value && address.value <= self.last
    }

    /// Whether the two share an address.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.six == other.six && self.first <= other.last && other.first <= self.last
    }

    /// The first address.
    pub(crate) fn low(self) -> Address {
        Address {
            six: self.six,
            value: self.first,
        }
    }

    /// The last address.
    pub(crate) fn high(self) -> Address {
        Address {
            six: self.six,
            value: self.last,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.six {
            write!(f, "{}", Ipv6Addr::from(self.value))
        } else {
            write!(f, "{}", Ipv4Addr::from(u32::try_from(self.value).unwrap()))
        }
    }
}

#[test]
fn prefixes_and_ranges_are_read_by_their_edges() {
    let show = |text: &str| {
        let range = Range::parse(text).unwrap();
        format!("{} {}", range.low(), range.high())
    };
    assert_eq!(show("10.1.2.3/16"), "10.1.0.0 10.1.255.255");
    assert_eq!(show("0.0.0.0/0"), "0.0.0.0 255.255.255.255");
    assert_eq!(show("10.0.0.1-10.0.0.9"), "10.0.0.1 10.0.0.9");
    assert_eq!(show("10.0.0.1"), "10.0.0.1 10.0.0.1");
    assert_eq!(show("fd00::/127"), "fd00:: fd00::1");
    for bad in ["", "*", "Storage", "10.0.0.0/33", "10.0.0.9-10.0.0.1"] {
        assert_eq!(Range::parse(bad), None, "{bad}");
    }
}

#[test]
fn public_addresses_are_what_is_left() {
    for text in ["8.8.8.8", "20.60.0.1", "2606:4700::1"] {
        assert!(Address::parse(text).unwrap().is_public(), "{text}");
    }
    for text in [
        "10.0.0.1",
        "100.64.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "203.0.113.9",
        "fd00::1",
    ] {
        assert!(!Address::parse(text).unwrap().is_public(), "{text}");
    }
}
