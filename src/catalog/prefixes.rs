//! The address space of a tag as sorted, disjoint, shortest lists of prefixes; nothing of tags.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

/// A set of addresses: two lists, each sorted, disjoint and as short as prefixes allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// The IPv4 part.
    pub v4: Vec<Ipv4Net>,
    /// The IPv6 part.
    pub v6: Vec<Ipv6Net>,
}

impl Prefixes {
    /// Collapses any prefixes to the canonical lists.
    #[must_use]
    pub fn collapse(prefixes: impl IntoIterator<Item = IpNet>) -> Prefixes {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for prefix in prefixes {
            match prefix {
                IpNet::V4(net) => v4.push(net),
                IpNet::V6(net) => v6.push(net),
            }
        }
        Prefixes {
            v4: Ipv4Net::aggregate(&v4),
            v6: Ipv6Net::aggregate(&v6),
        }
    }

    /// Whether there is no address in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether the address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                let after = self.v4.partition_point(|net| net.network() <= address);
                after
                    .checked_sub(1)
                    .and_then(|place| self.v4.get(place))
                    .is_some_and(|net| net.contains(&address))
            }
            IpAddr::V6(address) => {
                let after = self.v6.partition_point(|net| net.network() <= address);
                after
                    .checked_sub(1)
                    .and_then(|place| self.v6.get(place))
                    .is_some_and(|net| net.contains(&address))
            }
        }
    }

    /// How many IPv4 addresses are in it.
    #[must_use]
    pub fn v4_addresses(&self) -> u64 {
        self.v4
            .iter()
            .map(|net| 1_u64 << (32 - u32::from(net.prefix_len()).min(32)))
            .sum()
    }

    /// The addresses of this set that are not in the other.
    #[must_use]
    pub fn minus(&self, other: &Prefixes) -> Prefixes {
        let v4 = subtract(
            self.v4.iter().map(|net| v4_range(*net)),
            other.v4.iter().map(|net| v4_range(*net)),
        );
        let v6 = subtract(
            self.v6.iter().map(|net| v6_range(*net)),
            other.v6.iter().map(|net| v6_range(*net)),
        );
        Prefixes {
            v4: v4
                .into_iter()
                .filter_map(|(first, last)| {
                    Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?))
                })
                .flat_map(|(first, last)| Ipv4Subnets::new(first.into(), last.into(), 0))
                .collect(),
            v6: v6
                .into_iter()
                .flat_map(|(first, last)| Ipv6Subnets::new(first.into(), last.into(), 0))
                .collect(),
        }
    }

    /// Every prefix, IPv4 first.
    pub fn iter(&self) -> impl Iterator<Item = IpNet> + '_ {
        let v4 = self.v4.iter().map(|net| IpNet::V4(*net));
        v4.chain(self.v6.iter().map(|net| IpNet::V6(*net)))
    }
}

/// Reads a prefix as a catalogue writes it: an address alone is that address.
pub(super) fn parse_prefix(text: &str) -> Result<IpNet, &'static str> {
    let net = if text.contains('/') {
        text.parse().map_err(|_| "is not a prefix")?
    } else {
        let address: IpAddr = text.parse().map_err(|_| "is not an address")?;
        IpNet::from(address)
    };
    if net.addr() == net.network() {
        Ok(net)
    } else {
        Err("has bits set after its length")
    }
}

/// Writes a prefix as a catalogue does: one address has no length.
pub(super) fn write_prefix(net: IpNet, into: &mut String) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = if net.prefix_len() == net.max_prefix_len() {
        write!(into, "{}", net.addr())
    } else {
        write!(into, "{net}")
    };
}

fn v4_range(net: Ipv4Net) -> (u128, u128) {
    let first = u32::from(net.network());
    (first.into(), u32::from(net.broadcast()).into())
}

fn v6_range(net: Ipv6Net) -> (u128, u128) {
    (net.network().into(), net.broadcast().into())
}

/// Subtracts sorted disjoint ranges from sorted disjoint ranges.
fn subtract(
    from: impl Iterator<Item = (u128, u128)>,
    minus: impl Iterator<Item = (u128, u128)>,
) -> Vec<(u128, u128)> {
    let mut minus = minus.peekable();
    let mut left = Vec::new();
    for (first, last) in from {
        let mut first = first;
        let mut whole = true;
        while let Some(&(cut_first, cut_last)) = minus.peek() {
            if cut_last < first {
                minus.next();
                continue;
            }
            if cut_first > last {
                break;
            }
            if cut_first > first {
                left.push((first, cut_first - 1));
            }
            if cut_last >= last {
                // The cut may reach into the next range: it stays.
                whole = false;
                break;
            }
            first = cut_last + 1;
            minus.next();
        }
        if whole {
            left.push((first, last));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    fn set(words: &str) -> Prefixes {
        Prefixes::collapse(
            words
                .split_whitespace()
                .map(|word| parse_prefix(word).unwrap()),
        )
    }

    #[test]
    fn collapsing_joins_siblings_and_swallows_children() {
        let joined = set("10.0.1.0/24 10.0.0.0/24 10.0.1.7 2001:db8::/33 2001:db8:8000::/33");
        assert_eq!(joined, set("10.0.0.0/23 2001:db8::/32"));
        assert_eq!(joined.v4.len() + joined.v6.len(), 2);
        assert_eq!(set("0.0.0.0/1 128.0.0.0/1").v4_addresses(), 1 << 32);
        assert_eq!(set("255.255.255.255 0.0.0.0").v4.len(), 2);
    }

    #[test]
    fn subtraction_is_exact_at_both_ends_of_the_space() {
        let all = set("0.0.0.0/0 ::/0");
        assert!(all.minus(&all).is_empty());
        assert_eq!(
            all.minus(&set("0.0.0.0/1 8000::/1")),
            set("128.0.0.0/1 ::/1")
        );
        let two = set("10.0.0.0/24 10.0.2.0/24");
        assert_eq!(
            two.minus(&set("10.0.0.128/25 10.0.1.0/24 10.0.2.0/25")),
            set("10.0.0.0/25 10.0.2.128/25")
        );
        assert_eq!(two.minus(&set("10.0.0.0/8")), set(""));
        assert_eq!(two.minus(&Prefixes::default()), two);
    }

    #[test]
    fn membership_finds_the_one_prefix() {
        let some = set("10.0.0.0/24 10.0.2.0/24 2001:db8::/32");
        assert!(some.contains("10.0.2.255".parse().unwrap()));
        assert!(!some.contains("10.0.1.0".parse().unwrap()));
        assert!(!some.contains("9.255.255.255".parse().unwrap()));
        assert!(some.contains("2001:db8:1::1".parse().unwrap()));
    }
}
