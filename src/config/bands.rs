//! The number bands of the tiers: which priorities a tier may use. It gives no rule its number.

use indexmap::IndexMap;

/// A tier of rules, in the order in which their numbers rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Numbers kept for rules that are not ours.
    Reserved,
    /// `forbid`.
    Forbid,
    /// Exceptions to denies.
    Exception,
    /// `deny`.
    Deny,
    /// Groups in which source order counts.
    Ordered,
    /// `allow`.
    Allow,
    /// Denies that bound an envelope.
    Guard,
    /// Rules wider than asked, narrowed later on the path.
    Envelope,
    /// The closing rules.
    Default,
}

impl Band {
    /// Every band, in order.
    pub const ALL: [Self; 9] = [
        Self::Reserved,
        Self::Forbid,
        Self::Exception,
        Self::Deny,
        Self::Ordered,
        Self::Allow,
        Self::Guard,
        Self::Envelope,
        Self::Default,
    ];

    /// The word of the settings file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Forbid => "forbid",
            Self::Exception => "exception",
            Self::Deny => "deny",
            Self::Ordered => "ordered",
            Self::Allow => "allow",
            Self::Guard => "guard",
            Self::Envelope => "envelope",
            Self::Default => "default",
        }
    }

    /// The band with that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|b| b.name() == text)
    }
}

/// The distance of neighbouring round numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    /// Of NSG rules.
    pub nsg: u32,
    /// Of rule collection groups.
    pub rcg: u32,
}

/// The numbers of every tier, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Priorities of NSG rules; every band is present.
    pub nsg: IndexMap<Band, (u32, u32)>,
    /// Priorities of rule collection groups; the bands from reserved to allow are present.
    pub rcg: IndexMap<Band, (u32, u32)>,
    /// Steps.
    pub stride: Stride,
}

/// Lowest and highest priority of an NSG rule.
/// Source: Microsoft, "Azure network security groups overview", checked 2026-11-23.
pub const NSG_RANGE: (u32, u32) = (100, 4096);

/// Lowest and highest priority of a rule collection group.
/// Source: Microsoft, "Azure Firewall Policy rule sets", checked 2026-11-23.
pub const RCG_RANGE: (u32, u32) = (100, 65000);

impl Default for Bands {
    fn default() -> Self {
        Self {
            nsg: IndexMap::from([
                (Band::Reserved, (100, 199)),
                (Band::Forbid, (200, 699)),
                (Band::Exception, (700, 1199)),
                (Band::Deny, (1200, 1999)),
                (Band::Ordered, (2000, 2499)),
                (Band::Allow, (2500, 3799)),
                (Band::Guard, (3800, 3899)),
                (Band::Envelope, (3900, 3999)),
                (Band::Default, (4000, 4096)),
            ]),
            rcg: IndexMap::from([
                (Band::Reserved, (100, 999)),
                (Band::Forbid, (1000, 4999)),
                (Band::Exception, (5000, 9999)),
                (Band::Deny, (10000, 19999)),
                (Band::Ordered, (20000, 24999)),
                (Band::Allow, (25000, 59999)),
            ]),
            stride: Stride { nsg: 10, rcg: 100 },
        }
    }
}

/// A band that is in the wrong place, and the one it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BandFault {
    /// It leaves the range of the resource.
    OutOfRange(Band),
    /// It starts before an earlier tier ends, or shares numbers with the reserved band.
    Meets(Band, Band),
}

/// Checks one table: inside `range`, tiers rising, nothing shared. Returns the first fault of each
/// band, so that a moved band is told once.
#[must_use]
pub(super) fn check(table: &IndexMap<Band, (u32, u32)>, range: (u32, u32)) -> Vec<BandFault> {
    let mut faults = Vec::new();
    let mut before: Option<(Band, u32)> = None;
    let reserved = table.get(&Band::Reserved).copied();
    for band in Band::ALL {
        let Some((low, high)) = table.get(&band).copied() else {
            continue;
        };
        if low < range.0 || high > range.1 {
            faults.push(BandFault::OutOfRange(band));
        } else if band != Band::Reserved {
            // The reserved band may lie anywhere: the foreign rules decide where their numbers are.
            if let Some((a, b)) = reserved
                && low <= b
                && a <= high
            {
                faults.push(BandFault::Meets(band, Band::Reserved));
            } else if let Some((earlier, end)) = before
                && low <= end
            {
                faults.push(BandFault::Meets(band, earlier));
            }
        }
        if band != Band::Reserved {
            before = Some((band, high));
        }
    }
    faults
}
