//! Azure Firewall's web categories; which site is in which is not published and not here.

use std::sync::OnceLock;

use super::rows::rows;
use super::suggest;

/// A web category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebCategory {
    /// The name as rules write it.
    pub name: &'static str,
    /// The label in the documentation.
    pub label: &'static str,
    /// Its group: `Liability`, `HighBandwidth`, `BusinessUse`, `ProductivityLoss`, `GeneralSurfing`, `Uncategorized`.
    pub group: &'static str,
    /// Whether the name was seen in a template; otherwise it is from the same list of another product.
    pub verified: bool,
}

static TABLE: &str = include_str!("../../catalog/web-categories.txt");

/// All web categories, by name.
#[must_use]
pub fn categories() -> &'static [WebCategory] {
    static CATEGORIES: OnceLock<Vec<WebCategory>> = OnceLock::new();
    CATEGORIES.get_or_init(|| {
        rows::<4>(TABLE)
            .map(|([name, label, group, seen], _)| WebCategory {
                name,
                label,
                group,
                verified: seen == "seen",
            })
            .collect()
    })
}

/// Finds a category by its name or its label, in any case.
#[must_use]
pub fn category(name: &str) -> Option<&'static WebCategory> {
    let by = |field: fn(&WebCategory) -> &'static str| {
        categories()
            .iter()
            .find(|category| field(category).eq_ignore_ascii_case(name))
    };
    by(|category| category.name).or_else(|| by(|category| category.label))
}

/// The category that was probably meant.
#[must_use]
pub fn suggest_category(name: &str) -> Option<&'static str> {
    // Recorded by a public template as not working.
    if name.eq_ignore_ascii_case("PornographyOrSexuallyExplicit") {
        return Some("PornographyAndSexuallyExplicit");
    }
    let names = categories()
        .iter()
        .map(|category| (category.name, category.name));
    let labels = categories()
        .iter()
        .map(|category| (category.label, category.name));
    suggest::nearest_of(name, names.chain(labels))
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
    fn the_table_is_whole_and_both_names_work() {
        assert_eq!(categories().len(), 64);
        assert_eq!(categories().len(), super::super::rows::row_lines(TABLE));
        assert_eq!(
            category("socialnetworking").unwrap().name,
            "SocialNetworking"
        );
        assert_eq!(
            category("File repository").unwrap().name,
            "WebRepositoryAndStorage"
        );
        assert_eq!(suggest_category("SocialNetwork"), Some("SocialNetworking"));
        assert_eq!(suggest_category("Sport"), Some("Sports"));
        assert_eq!(suggest_category("zzz"), None);
    }
}
