//! Service tags of one end, as few as say the same: a regional tag beside its global one is left out
//! where the catalogue has all of it there. Nothing else is assumed of tags, and routes keep theirs,
//! because of two tags with one prefix the regional one wins.

use std::collections::BTreeSet;

use crate::path::Fabric;

/// The tags to write.
pub(crate) fn minimal<'a>(fabric: &Fabric<'_>, tags: &'a BTreeSet<String>) -> Vec<&'a String> {
    tags.iter()
        .filter(|tag| {
            let (base, region) = fabric.catalog.base_of(tag);
            region.is_none()
                || base == tag.as_str()
                || !tags.contains(base)
                || !fabric.tag(tag).is_subset(&fabric.tag(base))
        })
        .collect()
}
