//! Azure's names as data: service tags, FQDN tags, web categories, regions. Not written yet.

/// The names of one cloud.
#[derive(Clone, Debug, Default)]
pub struct Catalog {}
