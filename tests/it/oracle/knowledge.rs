//! What the tests say about the world: which address is in which service tag, which name in which
//! FQDN tag or web category. It is not the compiler's catalogue and is never derived from it.

use std::collections::{BTreeMap, BTreeSet};

use super::Match;
use super::address::{Address, Range};

/// Both tables. A listed address or name has the tags listed and no others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    addresses: BTreeMap<Address, Vec<Membership>>,
    names: BTreeMap<String, BTreeSet<String>>,
}

/// One service tag of an address.
#[derive(Clone, Debug)]
struct Membership {
    /// The tag, lower case.
    tag: String,
    /// The tag's prefix that holds the address, where the test says which.
    prefix: Option<Range>,
}

impl Knowledge {
    /// Says all tags of an address: `Storage.WestUS`, or with its prefix `Storage=20.60.0.0/16`.
    /// A regional tag brings its global one (a tag's regions lie inside it).
    pub(crate) fn address(&mut self, address: &str, tags: &[&str]) {
        let key = Address::parse(address)
            .unwrap_or_else(|| panic!("`{address}` in the address table is not an address"));
        let entry = self.addresses.entry(key).or_default();
        for written in tags {
            let (tag, prefix) = match written.split_once('=') {
                None => (*written, None),
                Some((tag, prefix)) => {
                    let range = Range::parse(prefix).unwrap_or_else(|| panic!("bad `{written}`"));
                    assert!(range.contains(key), "{address} is not in `{written}`");
                    (tag, Some(range))
                }
            };
            let tag = tag.to_lowercase();
            let parent = tag.split('.').next().unwrap().to_owned();
            if parent != tag && !entry.iter().any(|known| known.tag == parent) {
                entry.push(Membership {
                    tag: parent,
                    prefix,
                });
            }
            entry.retain(|known| known.tag != tag);
            entry.push(Membership { tag, prefix });
        }
    }

    /// Says all FQDN tags and web categories of a name.
    pub(crate) fn name(&mut self, name: &str, tags: &[&str]) {
        self.names
            .entry(name.to_lowercase())
            .or_default()
            .extend(tags.iter().map(|tag| tag.to_lowercase()));
    }

    /// Whether the address is in the service tag. Only public addresses are in tags.
    pub(crate) fn in_service_tag(&self, address: Address, tag: &str) -> Match {
        match self.addresses.get(&address) {
            Some(tags) => Match::from(tags.iter().any(|known| known.tag.eq_ignore_ascii_case(tag))),
            None if address.is_public() => Match::May,
            None => Match::No,
        }
    }

    /// The length of the tag's prefix around the address, if the test says it.
    pub(crate) fn tag_prefix_length(&self, address: Address, tag: &str) -> Option<u8> {
        self.addresses
            .get(&address)?
            .iter()
            .find(|known| known.tag.eq_ignore_ascii_case(tag))?
            .prefix?
            .length
    }

    /// Whether the name is in the FQDN tag or web category.
    pub(crate) fn in_name_tag(&self, name: &str, tag: &str) -> Match {
        if name.is_empty() {
            return Match::No;
        }
        match self.names.get(&name.to_lowercase()) {
            Some(tags) => Match::from(tags.contains(&tag.to_lowercase())),
            None => Match::May,
        }
    }

    /// The listed addresses, ascending.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.addresses.keys().copied()
    }
}
