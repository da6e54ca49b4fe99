//! The facts that both sides of the comparison share: the prefixes of a few service tags, read from
//! the catalogue's text, and the tags of a few names. It is data, not meaning.

use std::collections::BTreeMap;

use crate::oracle::address::{Address, Range};
use crate::oracle::knowledge::Knowledge;
use crate::oracle::load;

/// Service tags that generated policies use: small, with a global one around regional ones.
pub(super) const TAGS: [&str; 8] = [
    "ApiManagement",
    "ApiManagement.WestEurope",
    "AzureKeyVault",
    "AzureKeyVault.WestEurope",
    "AzureKeyVault.NorthEurope",
    "AzureConnectors.WestEurope",
    "AzureTrafficManager",
    "Storage.WestUS",
];

/// Names and the FQDN tags and web categories they are in.
const NAMES: [(&str, &[&str]); 14] = [
    ("www.contoso.com", &[]),
    ("contoso.com", &[]),
    ("a.b.contoso.com", &[]),
    ("evilcontoso.com", &[]),
    ("api.fabrikam.com", &[]),
    ("www.fabrikam.com", &[]),
    ("fabrikam.com", &[]),
    ("login.example.org", &[]),
    ("example.org", &[]),
    ("unlisted.example.net", &[]),
    ("download.windowsupdate.com", &["WindowsUpdate"]),
    ("notcontoso.com.example.net", &[]),
    ("casino.example.net", &["Gambling"]),
    ("db.contoso.com", &[]),
];

/// The shared facts.
pub(super) struct Facts {
    tags: BTreeMap<&'static str, Vec<Range>>,
}

impl Facts {
    /// Reads the catalogue's text by hand.
    pub(super) fn read() -> Self {
        let text = load::read_text(&load::root().join("catalog/public.txt")).unwrap();
        let mut tags: BTreeMap<&'static str, Vec<Range>> = BTreeMap::new();
        let mut current = None;
        for line in text.lines() {
            if let Some(prefixes) = line.strip_prefix(' ') {
                if let Some(tag) = current {
                    let ranges = prefixes.split_whitespace().filter_map(Range::parse);
                    tags.entry(tag).or_default().extend(ranges);
                }
                continue;
            }
            let name = line.split('|').next().unwrap_or("");
            current = TAGS.into_iter().find(|tag| *tag == name);
        }
        for tag in TAGS {
            assert!(tags.contains_key(tag), "the catalogue has no `{tag}`");
        }
        Self { tags }
    }

    /// A tag's prefixes.
    pub(super) fn prefixes(&self, tag: &str) -> &[Range] {
        &self.tags[tag]
    }

    /// Whether an address is in a tag.
    pub(super) fn in_tag(&self, address: Address, tag: &str) -> bool {
        address.within(&self.tags[tag])
    }

    /// Whether a name is in an FQDN tag or a web category.
    pub(super) fn name_has(&self, name: &str, tag: &str) -> bool {
        NAMES
            .iter()
            .any(|(known, tags)| known.eq_ignore_ascii_case(name) && tags.contains(&tag))
    }

    /// Names to ask for.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().map(|(name, _)| name)
    }

    /// The oracle's knowledge of one packet's addresses and of all names.
    pub(super) fn knowledge(&self, addresses: &[Address]) -> Knowledge {
        let mut known = Knowledge::default();
        for (name, tags) in NAMES {
            known.name(name, tags);
        }
        for address in addresses.iter().filter(|a| a.is_public()) {
            let mut list: Vec<String> = Vec::new();
            for (tag, ranges) in &self.tags {
                let longest = ranges
                    .iter()
                    .filter(|r| r.contains(*address))
                    .max_by_key(|r| r.length);
                if let Some(range) = longest {
                    let length = range.length.unwrap_or(32);
                    list.push(format!("{tag}={}/{length}", range.low()));
                }
            }
            // Regional tags first: each brings its parent, which its own line then corrects.
            list.sort_by_key(|text| !text.split('=').next().unwrap_or("").contains('.'));
            let texts: Vec<&str> = list.iter().map(String::as_str).collect();
            known.address(&address.to_string(), &texts);
        }
        known
    }
}
