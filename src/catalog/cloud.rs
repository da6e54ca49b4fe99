//! Which cloud a catalogue describes, and which version of it; no tags.

use std::fmt;

/// A cloud with service tags of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// The public cloud.
    #[default]
    Public,
    /// Azure Government (United States).
    UsGov,
    /// Azure in China, run by 21Vianet.
    China,
}

/// Which data a catalogue holds, for headers and manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CatalogIdentity {
    /// The cloud.
    pub cloud: Cloud,
    /// The publisher's change number; none in files that were not published as such.
    pub change_number: Option<u32>,
    /// The date of the file, `YYYY-MM-DD`.
    pub date: String,
}

impl Cloud {
    /// Every cloud, in the order of the documentation.
    pub const ALL: [Cloud; 3] = [Cloud::Public, Cloud::UsGov, Cloud::China];

    /// Reads the word of the settings: `public`, `usgov` or `china`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Cloud> {
        Cloud::ALL.into_iter().find(|cloud| cloud.word() == word)
    }

    /// The word of the settings.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cloud::Public => "public",
            Cloud::UsGov => "usgov",
            Cloud::China => "china",
        }
    }

    /// The title of the publisher's weekly download.
    pub(super) fn download_title(self) -> &'static str {
        match self {
            Cloud::Public => "Azure IP Ranges and Service Tags - Public Cloud",
            Cloud::UsGov => "Azure IP Ranges and Service Tags - US Government Cloud",
            Cloud::China => "Azure IP Ranges and Service Tags - China Cloud",
        }
    }

    /// The value of `cloud` in the weekly file.
    pub(super) fn from_weekly(word: &str) -> Option<Cloud> {
        match word {
            "Public" => Some(Cloud::Public),
            "AzureGovernment" => Some(Cloud::UsGov),
            "China" => Some(Cloud::China),
            _ => None,
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl fmt::Display for CatalogIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change_number {
            Some(number) => write!(formatter, "{} {number} ({})", self.cloud, self.date),
            None => write!(formatter, "{} ({})", self.cloud, self.date),
        }
    }
}
