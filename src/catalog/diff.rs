//! What changed between two catalogues, as sets of addresses; nothing of policies.

use super::prefixes::Prefixes;
use super::tags::Catalog;

/// The difference of two catalogues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogDiff {
    /// Tags that only the new one has, by name.
    pub added: Vec<String>,
    /// Tags that only the old one has, by name.
    pub removed: Vec<String>,
    /// Tags whose address set differs, by name.
    pub changed: Vec<TagChange>,
    /// How many tags list other prefixes for the same addresses.
    pub rewritten: usize,
}

/// How a tag's addresses changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagChange {
    /// The tag.
    pub name: String,
    /// Addresses it gained.
    pub gained: Prefixes,
    /// Addresses it lost.
    pub lost: Prefixes,
}

impl CatalogDiff {
    /// Compares two catalogues. Equal sets in other prefixes are no change: the publisher regroups at will.
    #[must_use]
    pub fn between(old: &Catalog, new: &Catalog) -> CatalogDiff {
        let mut diff = CatalogDiff::default();
        for tag in new.tags() {
            let Some(before) = old.tag(tag.name()) else {
                diff.added.push(tag.name().to_owned());
                continue;
            };
            if before.listed_prefixes().eq(tag.listed_prefixes()) {
                continue;
            }
            let gained = tag.prefixes().minus(before.prefixes());
            let lost = before.prefixes().minus(tag.prefixes());
            if gained.is_empty() && lost.is_empty() {
                diff.rewritten += 1;
            } else {
                diff.changed.push(TagChange {
                    name: tag.name().to_owned(),
                    gained,
                    lost,
                });
            }
        }
        diff.removed = old
            .tags()
            .filter(|tag| new.tag(tag.name()).is_none())
            .map(|tag| tag.name().to_owned())
            .collect();
        diff
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}
