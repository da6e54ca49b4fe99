//! What an endpoint expression stands for once every name is bound: a union of addresses, service
//! tags, names and other things Azure matches on.

use std::collections::{BTreeMap, BTreeSet};

use super::address::AddressSet;

/// A name pattern: `www.contoso.com`, `*.contoso.com`, `*contoso.com`, `*`; lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern {
    /// The pattern.
    pub text: String,
    /// Where the name resolves to, if written `fqdn(name, in = prefix)`.
    pub within: Option<AddressSet>,
}

impl NamePattern {
    /// True if there is a star in front.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.text.starts_with('*')
    }

    /// True if some name matches both patterns. Suffixes of characters, so `*x` meets `ax`.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self.text.strip_prefix('*'), other.text.strip_prefix('*')) {
            (None, None) => self.text == other.text,
            (Some(suffix), None) => longer(&other.text, suffix),
            (None, Some(suffix)) => longer(&self.text, suffix),
            (Some(a), Some(b)) => a.ends_with(b) || b.ends_with(a),
        }
    }
}

fn longer(name: &str, suffix: &str) -> bool {
    name.ends_with(suffix) && !(suffix.starts_with('.') && name.len() == suffix.len())
}

/// A union of everything one end of a flow can be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `any`: everything; the rest is then of no account.
    pub any: bool,
    /// `tag(Internet)`.
    pub internet: bool,
    /// `tag(VirtualNetwork)`.
    pub virtual_network: bool,
    /// Prefixes, ranges, subnets, merged.
    pub addresses: AddressSet,
    /// Service tags, canonical spelling.
    pub tags: BTreeSet<String>,
    /// Name patterns.
    pub names: BTreeSet<NamePattern>,
    /// FQDN tags, canonical spelling.
    pub fqdn_tags: BTreeSet<String>,
    /// Web categories, canonical spelling.
    pub categories: BTreeSet<String>,
    /// URLs.
    pub urls: BTreeSet<String>,
    /// IP groups by key, with their prefixes if declared.
    pub ip_groups: BTreeMap<String, Option<AddressSet>>,
    /// Application security groups.
    pub asgs: BTreeSet<String>,
}

/// A union of many endpoints. Parts of like size are joined first, so that a list costs no square.
#[derive(Clone, Debug, Default)]
pub struct Union {
    /// With how often each was joined; these numbers fall.
    parts: Vec<(u32, Endpoint)>,
}

impl Union {
    /// Adds one.
    pub fn add(&mut self, endpoint: Endpoint) {
        let mut joined = (0, endpoint);
        while let Some((times, last)) = self.parts.pop() {
            if times > joined.0 {
                self.parts.push((times, last));
                break;
            }
            joined = (joined.0 + 1, last.union(joined.1));
        }
        self.parts.push(joined);
    }

    /// All of them together.
    #[must_use]
    pub fn whole(mut self) -> Endpoint {
        let mut out = Endpoint::default();
        while let Some((_, part)) = self.parts.pop() {
            out = part.union(out);
        }
        out
    }
}

impl Endpoint {
    /// An endpoint that is a set of addresses.
    #[must_use]
    pub fn of(addresses: AddressSet) -> Self {
        Self {
            addresses,
            ..Self::default()
        }
    }

    /// `any`.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            any: true,
            ..Self::default()
        }
    }

    /// The union of both.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.any |= other.any;
        self.internet |= other.internet;
        self.virtual_network |= other.virtual_network;
        self.addresses = self.addresses.union(&other.addresses);
        self.tags.extend(other.tags);
        self.names.extend(other.names);
        self.fqdn_tags.extend(other.fqdn_tags);
        self.categories.extend(other.categories);
        self.urls.extend(other.urls);
        self.ip_groups.extend(other.ip_groups);
        self.asgs.extend(other.asgs);
        self
    }

    /// True if some part is matched by name: names, FQDN tags, categories, URLs.
    #[must_use]
    pub fn has_names(&self) -> bool {
        !(self.names.is_empty()
            && self.fqdn_tags.is_empty()
            && self.categories.is_empty()
            && self.urls.is_empty())
    }

    /// True if some part is matched by address: any, prefixes, tags, IP groups, ASGs.
    #[must_use]
    pub fn has_addresses(&self) -> bool {
        self.any
            || self.internet
            || self.virtual_network
            || !(self.addresses.is_empty()
                && self.tags.is_empty()
                && self.ip_groups.is_empty()
                && self.asgs.is_empty())
    }

    /// True if it consists of application security groups only.
    #[must_use]
    pub fn is_only_asgs(&self) -> bool {
        !self.asgs.is_empty()
            && Self {
                asgs: BTreeSet::new(),
                ..self.clone()
            } == Self::default()
    }

    /// True if some part is a set of addresses that nobody told: an IP group that is only named.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.ip_groups.values().any(Option::is_none)
    }

    /// True if it consists of plain addresses only.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.any
            && !self.internet
            && !self.virtual_network
            && !self.has_names()
            && self.tags.is_empty()
            && self.ip_groups.is_empty()
            && self.asgs.is_empty()
    }
}
