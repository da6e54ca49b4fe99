//! The destinations that a firewall does not translate the source for, as Azure writes them: in the
//! policy, or in a firewall without one. Whether replies find back is not its business.

use crate::model::address::{AddressSet, Family};
use crate::model::internet::private;

/// Azure's word for the private ranges of RFC 1918 and RFC 6598, which it does not translate the
/// source for unless it is told otherwise.
///
/// Source: "Azure Firewall SNAT private IP address ranges" (checked 2026-11-23): a list of one's own
/// replaces it, so whoever wants it too names it too.
const IANA: &str = "IANAPrivateRanges";

/// The ranges as the policy writes them.
pub(crate) fn private_ranges(set: &AddressSet) -> Vec<String> {
    let v4 = set.only(Family::V4);
    let all = AddressSet::all().only(Family::V4);
    let usual = private();
    if v4 == all || !usual.is_subset(&v4) {
        return v4.to_prefixes().iter().map(text_of).collect();
    }
    let rest = v4.subtract(&usual);
    std::iter::once(IANA.to_owned())
        .chain(rest.to_prefixes().iter().map(text_of))
        .collect()
}

/// A single address without its length, as Azure shows it.
pub(crate) fn text_of(net: &ipnet::IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<String> {
        private_ranges(&AddressSet::prefixes(
            texts.iter().map(|t| t.parse().unwrap()),
        ))
    }

    #[test]
    fn the_usual_ranges_have_a_word() {
        let usual = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
        ];
        assert_eq!(ranges(&usual), [IANA]);
        assert_eq!(
            ranges(&[usual.as_slice(), &["198.51.100.0/24"]].concat()),
            [IANA, "198.51.100.0/24"]
        );
        assert_eq!(ranges(&["10.0.0.0/8"]), ["10.0.0.0/8"]);
        assert_eq!(ranges(&["0.0.0.0/0"]), ["0.0.0.0/0"]);
        assert_eq!(ranges(&["255.255.255.255/32"]), ["255.255.255.255"]);
    }
}
