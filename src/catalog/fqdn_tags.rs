//! Azure Firewall's FQDN tags; a tag's content is the publisher's secret, so only hints at it.

use std::sync::OnceLock;

use super::rows::{optional, rows};
use super::suggest;

/// An FQDN tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FqdnTag {
    /// The name as rules write it.
    pub name: &'static str,
    /// Whether classic rule collections take it too.
    pub classic: bool,
    /// The label in the documentation where it is another one.
    pub label: Option<&'static str>,
    /// What a reader should know.
    pub remark: Option<&'static str>,
    /// Where `about` is from.
    pub about_source: Option<&'static str>,
    /// Names that are probably in it: the nearest published list, never complete. `<...>` is a placeholder.
    pub about: Vec<&'static str>,
}

static TABLE: &str = include_str!("../../catalog/fqdn-tags.txt");

/// All FQDN tags, by name.
#[must_use]
pub fn fqdn_tags() -> &'static [FqdnTag] {
    static TAGS: OnceLock<Vec<FqdnTag>> = OnceLock::new();
    TAGS.get_or_init(|| {
        rows::<4>(TABLE)
            .map(|([name, classic, label, remark], indented)| FqdnTag {
                name,
                classic: classic == "classic",
                label: optional(label),
                remark: optional(remark),
                about_source: indented.iter().find_map(|line| line.strip_prefix("from ")),
                about: indented
                    .iter()
                    .filter_map(|line| line.strip_prefix("about "))
                    .flat_map(str::split_whitespace)
                    .collect(),
            })
            .collect()
    })
}

/// Finds an FQDN tag by its name in any case.
#[must_use]
pub fn fqdn_tag(name: &str) -> Option<&'static FqdnTag> {
    fqdn_tags()
        .iter()
        .find(|tag| tag.name.eq_ignore_ascii_case(name))
}

/// The FQDN tag that was probably meant.
#[must_use]
pub fn suggest_fqdn_tag(name: &str) -> Option<&'static str> {
    let by_label = |tag: &&FqdnTag| {
        tag.label
            .is_some_and(|label| label.eq_ignore_ascii_case(name))
    };
    if let Some(tag) = fqdn_tags().iter().find(by_label) {
        return Some(tag.name);
    }
    // Translated pages call the family Microsoft365; templates use Office365 only.
    if let Some((family, rest)) = name.split_once('.')
        && ["Microsoft365", "M365", "O365"]
            .iter()
            .any(|other| other.eq_ignore_ascii_case(family))
        && let Some(tag) = fqdn_tag(&format!("Office365.{rest}"))
    {
        return Some(tag.name);
    }
    suggest::nearest(name, fqdn_tags().iter().map(|tag| tag.name))
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

    #[test]
    fn the_table_is_whole_and_names_are_canonical() {
        assert_eq!(fqdn_tags().len(), 24);
        assert_eq!(fqdn_tags().len(), super::super::rows::row_lines(TABLE));
        let windows = fqdn_tag("windowsupdate").unwrap();
        assert_eq!(windows.name, "WindowsUpdate");
        assert!(windows.classic && windows.about.contains(&"*.update.microsoft.com"));
        assert_eq!(fqdn_tags().iter().filter(|tag| !tag.classic).count(), 13);
    }

    #[test]
    fn near_misses_are_found() {
        assert_eq!(suggest_fqdn_tag("WindowsUpdates"), Some("WindowsUpdate"));
        assert_eq!(suggest_fqdn_tag("AzureHDInsight"), Some("HDInsight"));
        assert_eq!(
            suggest_fqdn_tag("Office365.Skype.Defualt.NotRequired"),
            Some("Office365.Skype.Default.NotRequired")
        );
        assert_eq!(
            suggest_fqdn_tag("Microsoft365.Exchange.Optimize"),
            Some("Office365.Exchange.Optimize")
        );
        assert_eq!(suggest_fqdn_tag("login.microsoftonline.com"), None);
    }
}
