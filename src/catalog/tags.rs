//! The service tags of one cloud: look-up by name and by address; no rules, no targets.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;

use ipnet::IpNet;

use super::cloud::{CatalogIdentity, Cloud};
use super::features::Features;
use super::format::{self, CatalogFault, Columns, Place};
use super::prefixes::Prefixes;
use super::regions::{Region, region, region_in_tag};
use super::renamed::{RenamedKind, renamed_tag};
use super::special::SpecialTag;
use super::suggest;

/// The service tags of one cloud at one date.
#[derive(Clone, Default)]
pub struct Catalog {
    text: Cow<'static, str>,
    identity: CatalogIdentity,
    /// INVARIANT: sorted by `format::compare_names`, no two equal.
    places: Vec<Place>,
}

/// Whether a tag has a list of addresses in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// It is in the publisher's file.
    Listed,
    /// Azure knows it, the file does not; see [`SpecialTag`].
    Special,
}

/// A tag of a catalogue.
#[derive(Clone, Copy)]
pub struct TagEntry<'c> {
    text: &'c str,
    which: Which<'c>,
}

#[derive(Clone, Copy)]
enum Which<'c> {
    Listed(&'c Place),
    Special(SpecialTag),
}

/// Suffixes that mean a place and are no region: of staging stamps and of one misnamed tag of Azure Government.
const ODD_SUFFIXES: [&str; 3] = ["EastUS2Stage", "NorthCentralUSStage", "AzureAppServiceUx"];

impl Catalog {
    /// The catalogue that the program carries.
    #[must_use]
    pub fn embedded(cloud: Cloud) -> &'static Catalog {
        static PUBLIC: OnceLock<Catalog> = OnceLock::new();
        static USGOV: OnceLock<Catalog> = OnceLock::new();
        static CHINA: OnceLock<Catalog> = OnceLock::new();
        let cell = match cloud {
            Cloud::Public => &PUBLIC,
            Cloud::UsGov => &USGOV,
            Cloud::China => &CHINA,
        };
        cell.get_or_init(|| {
            let text = embedded_text(cloud);
            // The tests check the embedded files whole; here only the places are needed.
            let (identity, places) = format::index(text).unwrap_or_default();
            Catalog {
                text: Cow::Borrowed(text),
                identity,
                places,
            }
        })
    }

    /// Reads a catalogue file and checks all of it.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(text: String) -> Result<Catalog, CatalogFault> {
        let (identity, places) = format::index(&text)?;
        format::check(&text, &places)?;
        Ok(Catalog {
            text: Cow::Owned(text),
            identity,
            places,
        })
    }

    /// Which data this is.
    #[must_use]
    pub fn identity(&self) -> &CatalogIdentity {
        &self.identity
    }

    /// Finds a tag, listed or special, by its name in any case.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<TagEntry<'_>> {
        if let Some(special) = SpecialTag::find(name) {
            return Some(TagEntry {
                text: &self.text,
                which: Which::Special(special),
            });
        }
        let place = self.places.get(self.find(name).ok()?)?;
        Some(self.entry(place))
    }

    /// The listed tags, by name.
    pub fn tags(&self) -> impl Iterator<Item = TagEntry<'_>> {
        self.places.iter().map(|place| self.entry(place))
    }

    /// The names of the tags that hold the address, by name.
    #[must_use]
    pub fn containing(&self, address: IpAddr) -> Vec<&str> {
        let single = IpNet::from(address);
        let mut names: Vec<&str> = self
            .tags()
            .filter(|tag| tag.listed_prefixes().any(|prefix| prefix.contains(&single)))
            .map(|tag| tag.name())
            .collect();
        let special = SpecialTag::ALL
            .into_iter()
            .filter(|tag| tag.prefixes().contains(address));
        names.extend(special.map(|tag| -> &str { tag.name() }));
        names.sort_by(|a, b| format::compare_names(a, b));
        names
    }

    /// Splits a name into the tag and its region's suffix. A dot alone does not make a region:
    /// `AzureFrontDoor.Frontend` is one tag without region.
    #[must_use]
    pub fn base_of<'n>(&self, name: &'n str) -> (&'n str, Option<&'n str>) {
        let Some((base, suffix)) = name.rsplit_once('.') else {
            return (name, None);
        };
        let regional = match self.tag(name) {
            Some(entry) if !entry.region().is_empty() => true,
            _ => {
                region_in_tag(suffix).is_some()
                    || ODD_SUFFIXES
                        .iter()
                        .any(|odd| odd.eq_ignore_ascii_case(suffix))
            }
        };
        if regional {
            (base, Some(suffix))
        } else {
            (name, None)
        }
    }

    /// Whether the tag has regional tags below it.
    #[must_use]
    pub fn has_regional(&self, base: &str) -> bool {
        let prefix = format!("{base}.");
        let first = self.find(&prefix).unwrap_or_else(|place| place);
        self.places
            .iter()
            .skip(first)
            .map(|place| self.entry(place).name())
            .take_while(|name| starts_with(name, &prefix))
            .any(|name| self.base_of(name).1.is_some())
    }

    /// The tag of one region: `Storage` and France Central give `Storage.FranceCentral`, `AzureCloud` gives
    /// `AzureCloud.centralfrance`. `None` if this catalogue has no such tag.
    #[must_use]
    pub fn regional_tag(&self, base: &str, region: &Region) -> Option<String> {
        let suffix = if base.eq_ignore_ascii_case("AzureCloud") {
            region.azure_cloud_suffix
        } else {
            region.tag_suffix?
        };
        let entry = self.tag(&format!("{base}.{suffix}"))?;
        Some(entry.name().to_owned())
    }

    /// The right name of a regional tag whose region is spelt as elsewhere: `AzureCloud.francecentral` gives
    /// `AzureCloud.centralfrance`, `Storage.France Central` gives `Storage.FranceCentral`.
    #[must_use]
    pub fn canonical_tag_hint(&self, name: &str) -> Option<String> {
        if self.tag(name).is_some() {
            return None;
        }
        let (base, suffix) = name.split_once('.')?;
        self.regional_tag(base, region_in_tag(suffix)?)
    }

    /// The tag that was probably meant by a name that is none; base and region are corrected separately.
    #[must_use]
    pub fn suggest_tag(&self, name: &str) -> Option<String> {
        if self.tag(name).is_some() || name.len() > 120 {
            return None;
        }
        if let Some(replacement) = renamed_tag(name).and_then(|renamed| renamed.replacement)
            && let Some(entry) = self.tag(replacement)
        {
            return Some(entry.name().to_owned());
        }
        if let Some(hint) = self.canonical_tag_hint(name) {
            return Some(hint);
        }
        if let Some((base, suffix)) = name.split_once('.') {
            let known_base = self.base_like(base);
            let known_region = super::suggest_region(suffix).and_then(region);
            if let (Some(base), Some(region)) = (known_base, known_region)
                && self.has_regional(base)
            {
                // A tag without this region: the tag itself is the better advice than a guess at another region.
                return self
                    .regional_tag(base, region)
                    .or_else(|| Some(base.to_owned()));
            }
        }
        self.base_like(name).map(str::to_owned)
    }

    /// Finds a region of this catalogue's cloud, see [`region`].
    #[must_use]
    pub fn region(&self, name: &str) -> Option<&'static Region> {
        region(name).filter(|region| region.cloud == self.identity.cloud)
    }

    /// The tag without region that is called so or nearly so.
    fn base_like(&self, name: &str) -> Option<&str> {
        if let Some(entry) = self.tag(name) {
            return Some(entry.name());
        }
        if let Some(entry) = renamed_tag(name).and_then(|renamed| self.tag(renamed.replacement?)) {
            return Some(entry.name());
        }
        // Half of the tags begin with `Azure` and nobody remembers which half.
        let azure = format!("Azure{name}");
        let bare = name
            .get(..5)
            .filter(|start| start.eq_ignore_ascii_case("azure"))
            .and_then(|_| name.get(5..));
        if let Some(entry) = self.tag(&azure).or_else(|| self.tag(bare?)) {
            return Some(entry.name());
        }
        let bases = || {
            self.tags()
                .filter(|entry| self.base_of(entry.name()).1.is_none())
        };
        let mut of_service = bases().filter(|entry| entry.service().eq_ignore_ascii_case(name));
        if let (Some(only), None) = (of_service.next(), of_service.next()) {
            return Some(only.name());
        }
        let special = SpecialTag::ALL.map(|tag| -> &str { tag.name() });
        let names = || bases().map(|entry| entry.name()).chain(special);
        suggest::nearest(name, names())
            .or_else(|| suggest::nearest(&azure, names()))
            .or_else(|| suggest::nearest(bare?, names()))
    }

    fn entry<'c>(&'c self, place: &'c Place) -> TagEntry<'c> {
        TagEntry {
            text: &self.text,
            which: Which::Listed(place),
        }
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.places.binary_search_by(|place| {
            let known = self.text.get(place.name.clone()).unwrap_or_default();
            format::compare_names(known, name)
        })
    }
}

impl<'c> TagEntry<'c> {
    /// The name in Azure's spelling.
    #[must_use]
    pub fn name(&self) -> &'c str {
        match self.which {
            Which::Listed(place) => self.text.get(place.name.clone()).unwrap_or_default(),
            Which::Special(special) => special.name(),
        }
    }

    /// Whether the data lists it.
    #[must_use]
    pub fn kind(&self) -> TagKind {
        match self.which {
            Which::Listed(_) => TagKind::Listed,
            Which::Special(_) => TagKind::Special,
        }
    }

    /// Which of the special tags it is.
    #[must_use]
    pub fn special(&self) -> Option<SpecialTag> {
        match self.which {
            Which::Listed(_) => None,
            Which::Special(special) => Some(special),
        }
    }

    /// Its addresses, collapsed. Parsed at the first call, kept for the next.
    /// A special tag but AzureLoadBalancer has none here, which does not mean that it is empty.
    #[must_use]
    pub fn prefixes(&self) -> &'c Prefixes {
        match self.which {
            Which::Listed(place) => place
                .prefixes
                .get_or_init(|| Prefixes::collapse(self.listed_prefixes())),
            Which::Special(special) => special.prefixes(),
        }
    }

    /// Its prefixes as published, sorted, not collapsed; parsed anew at each call.
    pub fn listed_prefixes(&self) -> impl Iterator<Item = IpNet> + use<'c> {
        let body = match self.which {
            Which::Listed(place) => self.text.get(place.body.clone()).unwrap_or_default(),
            Which::Special(_) => "",
        };
        format::listed_prefixes(body)
    }

    /// What it is marked as usable in; nothing if that is not known.
    #[must_use]
    pub fn features(&self) -> Features {
        self.known_features().unwrap_or_default()
    }

    /// What it is marked as usable in; `None` if the data does not say, as for special tags.
    #[must_use]
    pub fn known_features(&self) -> Option<Features> {
        Features::parse(self.columns().features)
    }

    /// The region in the publisher's spelling (that of AzureCloud); empty if it has none.
    #[must_use]
    pub fn region(&self) -> &'c str {
        undash(self.columns().region)
    }

    /// The publisher's name of the service; empty if it has none.
    #[must_use]
    pub fn service(&self) -> &'c str {
        undash(self.columns().service)
    }

    /// The number of the tag's last change.
    #[must_use]
    pub fn change_number(&self) -> Option<u32> {
        self.columns().change.parse().ok()
    }

    /// Why the tag should not be used in new rules.
    #[must_use]
    pub fn deprecated(&self) -> Option<&'static str> {
        let base = self.name().split('.').next().unwrap_or_default();
        renamed_tag(base)
            .filter(|renamed| renamed.kind == RenamedKind::Deprecated)
            .map(|renamed| renamed.reason)
    }

    fn columns(&self) -> Columns<'c> {
        match self.which {
            Which::Listed(place) => {
                let line = self.text.get(place.columns.clone()).unwrap_or_default();
                format::columns(line).unwrap_or_default()
            }
            Which::Special(_) => Columns::default(),
        }
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Catalog({}, {} tags)",
            self.identity,
            self.places.len()
        )
    }
}

impl fmt::Debug for TagEntry<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TagEntry({})", self.name())
    }
}

/// The text behind [`Catalog::embedded`].
pub(super) fn embedded_text(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public => include_str!("../../catalog/public.txt"),
        Cloud::UsGov => include_str!("../../catalog/usgov.txt"),
        Cloud::China => include_str!("../../catalog/china.txt"),
    }
}

fn undash(column: &str) -> &str {
    if column == "-" { "" } else { column }
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
