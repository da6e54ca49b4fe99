//! Tags that are deprecated or gone, and spellings that are met but are no tag.

use std::sync::OnceLock;

use super::rows::{optional, rows};

/// What is the matter with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenamedKind {
    /// A tag that still resolves and should not be used in new rules.
    Deprecated,
    /// Was documented once and is in no data file.
    Gone,
    /// Never was a tag.
    Misspelt,
}

/// A name with a better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenamedTag {
    /// The name.
    pub name: &'static str,
    /// What is the matter.
    pub kind: RenamedKind,
    /// The tag to use, if one is known.
    pub replacement: Option<&'static str>,
    /// Why, in a few words.
    pub reason: &'static str,
}

static TABLE: &str = include_str!("../../catalog/renamed-tags.txt");

/// Finds what is known about a bad name, in any case.
#[must_use]
pub fn renamed_tag(name: &str) -> Option<&'static RenamedTag> {
    table()
        .iter()
        .find(|renamed| renamed.name.eq_ignore_ascii_case(name))
}

fn table() -> &'static [RenamedTag] {
    static RENAMED: OnceLock<Vec<RenamedTag>> = OnceLock::new();
    RENAMED.get_or_init(|| {
        rows::<4>(TABLE)
            .filter_map(|([name, kind, replacement, reason], _)| {
                let kind = match kind {
                    "deprecated" => RenamedKind::Deprecated,
                    "gone" => RenamedKind::Gone,
                    "misspelt" => RenamedKind::Misspelt,
                    _ => return None,
                };
                Some(RenamedTag {
                    name,
                    kind,
                    replacement: optional(replacement),
                    reason,
                })
            })
            .collect()
    })
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
    use crate::catalog::{Catalog, Cloud};

    #[test]
    fn every_replacement_is_a_tag_and_no_misspelling_is() {
        assert_eq!(table().len(), super::super::rows::row_lines(TABLE));
        let public = Catalog::embedded(Cloud::Public);
        for renamed in table() {
            let exists = public.tag(renamed.name).is_some();
            assert_eq!(
                exists,
                renamed.kind == RenamedKind::Deprecated,
                "{}",
                renamed.name
            );
            if let Some(replacement) = renamed.replacement {
                assert_eq!(public.tag(replacement).unwrap().name(), replacement);
            }
        }
    }
}
