//! What the publisher marks a tag as usable in (`networkFeatures`); no judgement of it, see `usage`.

use std::fmt;

/// One mark of `networkFeatures`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// The service tag discovery API.
    Api,
    /// Network security group rules.
    Nsg,
    /// Routes of a route table.
    Udr,
    /// Azure Firewall network rules.
    Firewall,
    /// Virtual network service endpoints.
    ServiceEndpoint,
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Features(u8);

impl Feature {
    /// Every mark, in the order in which a catalogue writes them.
    pub const ALL: [Feature; 5] = [
        Feature::Api,
        Feature::Nsg,
        Feature::Udr,
        Feature::Firewall,
        Feature::ServiceEndpoint,
    ];

    /// The publisher's abbreviation.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Feature::Api => "API",
            Feature::Nsg => "NSG",
            Feature::Udr => "UDR",
            Feature::Firewall => "FW",
            Feature::ServiceEndpoint => "VSE",
        }
    }

    /// Reads the publisher's abbreviation.
    #[must_use]
    pub fn parse(word: &str) -> Option<Feature> {
        Feature::ALL
            .into_iter()
            .find(|feature| feature.word() == word)
    }
}

impl Features {
    /// Whether the mark is set.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// The set with one more mark.
    #[must_use]
    pub fn with(self, feature: Feature) -> Features {
        Features(self.0 | (1 << feature as u8))
    }

    /// Whether no mark is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The marks that are set, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL
            .into_iter()
            .filter(move |feature| self.has(*feature))
    }

    /// Reads `API+NSG`; `-` is the empty set.
    pub(super) fn parse(text: &str) -> Option<Features> {
        if text == "-" {
            return Some(Features::default());
        }
        text.split('+').try_fold(Features::default(), |set, word| {
            Some(set.with(Feature::parse(word)?))
        })
    }
}

impl fmt::Display for Features {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return formatter.write_str("-");
        }
        for (place, feature) in self.iter().enumerate() {
            if place > 0 {
                formatter.write_str("+")?;
            }
            formatter.write_str(feature.word())?;
        }
        Ok(())
    }
}
