//! The regions and the names each has in different places; no tags.

use std::sync::OnceLock;

use super::cloud::Cloud;
use super::rows::{optional, rows};
use super::suggest;

/// A region of one cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The location name in resources: `francecentral`.
    pub arm: &'static str,
    /// The name for people, where known: `France Central`.
    pub display: Option<&'static str>,
    /// The suffix of every service tag but AzureCloud: `FranceCentral`; none in the two regions without such tags.
    pub tag_suffix: Option<&'static str>,
    /// The suffix of AzureCloud: `centralfrance`.
    pub azure_cloud_suffix: &'static str,
    /// Its cloud.
    pub cloud: Cloud,
    /// The location name of the paired region.
    pub pair: Option<&'static str>,
    /// Remarks: `derived`, `canary`, `staging`, `only-azurecloud`, `since-…`; the table explains them.
    pub remarks: Vec<&'static str>,
}

static TABLE: &str = include_str!("../../catalog/regions.txt");

impl Region {
    /// The name to show: the display name, else the location name.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.display.unwrap_or(self.arm)
    }

    /// Whether the location name is in Microsoft's list; otherwise it is derived from the tags.
    #[must_use]
    pub fn verified(&self) -> bool {
        !self.remarks.contains(&"derived")
    }
}

/// All regions of all clouds, by cloud and location name.
#[must_use]
pub fn regions() -> &'static [Region] {
    static REGIONS: OnceLock<Vec<Region>> = OnceLock::new();
    REGIONS.get_or_init(|| {
        rows::<7>(TABLE)
            .filter_map(
                |([arm, display, tag, azure_cloud, cloud, pair, remarks], _)| {
                    Some(Region {
                        arm,
                        display: optional(display),
                        tag_suffix: optional(tag),
                        azure_cloud_suffix: azure_cloud,
                        cloud: Cloud::parse(cloud)?,
                        pair: optional(pair),
                        remarks: optional(remarks)
                            .into_iter()
                            .flat_map(str::split_whitespace)
                            .collect(),
                    })
                },
            )
            .collect()
    })
}

/// Finds a region by its location name, tag suffix or display name, in any case and spacing.
#[must_use]
pub fn region(name: &str) -> Option<&'static Region> {
    regions().iter().find(|region| {
        let spellings = [Some(region.arm), region.tag_suffix, region.display];
        spellings
            .into_iter()
            .flatten()
            .any(|known| same(known, name))
    })
}

/// Finds a region also by the irregular suffix of AzureCloud.
pub(super) fn region_in_tag(suffix: &str) -> Option<&'static Region> {
    region(suffix).or_else(|| {
        regions()
            .iter()
            .find(|region| region.azure_cloud_suffix.eq_ignore_ascii_case(suffix))
    })
}

/// The location name that was probably meant: `uswest` is `westus`, `centralfrance` is `francecentral`.
#[must_use]
pub fn suggest_region(name: &str) -> Option<&'static str> {
    if let Some(region) = region_in_tag(name) {
        return Some(region.arm);
    }
    let wanted = letters(name);
    let reordered = regions()
        .iter()
        .find(|region| letters(region.arm) == wanted);
    if let Some(region) = reordered {
        return Some(region.arm);
    }
    let plain: String = name.chars().filter(|letter| *letter != ' ').collect();
    suggest::nearest(&plain, regions().iter().map(|region| region.arm))
}

fn same(known: &str, name: &str) -> bool {
    let plain = |text: &'_ str| -> Vec<u8> {
        text.bytes()
            .filter(|byte| *byte != b' ')
            .map(|byte| byte.to_ascii_lowercase())
            .collect()
    };
    // Almost every question is answered without the copies.
    known.eq_ignore_ascii_case(name)
        || ((known.contains(' ') || name.contains(' ')) && plain(known) == plain(name))
}

/// The letters of a name in order: equal for names whose words were swapped.
fn letters(name: &str) -> Vec<char> {
    let mut letters: Vec<char> = name
        .chars()
        .filter(|letter| !" -_".contains(*letter))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    letters.sort_unstable();
    letters
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
    fn every_row_of_the_table_is_read_and_no_name_is_shared() {
        assert_eq!(regions().len(), super::super::rows::row_lines(TABLE));
        for region in regions() {
            for other in regions().iter().filter(|other| other.arm != region.arm) {
                assert_ne!(region.azure_cloud_suffix, other.azure_cloud_suffix);
                assert_ne!(
                    letters(region.arm),
                    letters(other.arm),
                    "swapped words must stay unique"
                );
            }
            assert!(region.pair.is_none_or(|pair| super::region(pair).is_some()));
        }
    }

    #[test]
    fn a_region_is_found_by_any_of_its_three_names() {
        for name in [
            "francecentral",
            "FranceCentral",
            "France Central",
            "france central",
            "FRANCECENTRAL",
        ] {
            assert_eq!(
                region(name).unwrap().azure_cloud_suffix,
                "centralfrance",
                "{name}"
            );
        }
        assert_eq!(region("centralfrance"), None);
        assert_eq!(suggest_region("centralfrance"), Some("francecentral"));
        assert_eq!(suggest_region("uswest"), Some("westus"));
        assert_eq!(suggest_region("westeurop"), Some("westeurope"));
        assert_eq!(suggest_region("atlantis"), None);
    }
}
