//! What `tag(Internet)` stands for: every public address that no declared range holds. The set is
//! the same at every layer.

use ipnet::IpNet;

use super::Policy;
use super::address::{AddressSet, Family};

/// Special-use, private and platform ranges that are never the internet.
///
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 1918, RFC 6598; the platform
/// addresses 168.63.129.16 and 169.254.169.254 of "What is IP address 168.63.129.16?" (Microsoft
/// Learn). Checked 2026-11-23.
const NOT_INTERNET: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
];

/// The only globally routed IPv6 space is 2000::/3, less documentation, Teredo and benchmarking.
const NOT_INTERNET_V6: &[&str] = &["2001::/23", "2001:db8::/32", "3fff::/20"];

/// Private space of RFC 1918 and RFC 6598, IPv4.
#[must_use]
pub fn private() -> AddressSet {
    parse(&[
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
    ])
}

/// The unique local addresses of RFC 4193: the private space of IPv6.
#[must_use]
pub fn unique_local() -> AddressSet {
    parse(&["fc00::/7"])
}

/// The addresses that Azure's platform answers on, reached directly whatever the routes.
#[must_use]
pub fn platform() -> AddressSet {
    parse(&["168.63.129.16/32", "169.254.169.254/32"])
}

/// Every address that can be public, whatever the policy declares.
#[must_use]
pub fn public() -> AddressSet {
    let v4 = AddressSet::all()
        .only(Family::V4)
        .subtract(&parse(NOT_INTERNET));
    let v6 = parse(&["2000::/3"]).subtract(&parse(NOT_INTERNET_V6));
    v4.union(&v6)
}

/// What `tag(Internet)` stands for in a policy with these declared ranges.
#[must_use]
pub fn internet(declared: &AddressSet) -> AddressSet {
    public().subtract(declared)
}

impl Policy {
    /// Every range that the policy declares as its own: vnets, subnets, on-premises.
    #[must_use]
    pub fn declared_ranges(&self) -> AddressSet {
        let mut out = AddressSet::empty();
        for vnet in self.vnets.values() {
            out = out.union(&vnet.space).union(&vnet.on_premises);
        }
        for subnet in self.subnets.values() {
            out = out.union(&subnet.prefix);
        }
        out
    }
}

fn parse(texts: &[&str]) -> AddressSet {
    AddressSet::prefixes(texts.iter().filter_map(|t| t.parse::<IpNet>().ok()))
}
