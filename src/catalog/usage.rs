//! Whether a tag may stand in a rule of a target: what the data marks and what the pages refuse.

use super::features::Feature;
use super::special::SpecialTag;
use super::tags::{Catalog, TagEntry};

/// What a rule is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A network security group.
    Nsg,
    /// A route table.
    Udr,
    /// Azure Firewall.
    Firewall,
}

/// Whether the target takes the tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetUse {
    /// It does.
    Yes,
    /// The data does not mark it, or page and data disagree: it may be refused. Says what is missing.
    Unmarked(String),
    /// It does not. Says why.
    No(String),
}

impl Target {
    fn feature(self) -> Feature {
        match self {
            Target::Nsg => Feature::Nsg,
            Target::Udr => Feature::Udr,
            Target::Firewall => Feature::Firewall,
        }
    }

    fn rules(self) -> &'static str {
        match self {
            Target::Nsg => "network security group rules",
            Target::Udr => "routes",
            Target::Firewall => "Azure Firewall rules",
        }
    }
}

impl Catalog {
    /// Whether rules of the target take the tag; `None` if there is no such tag.
    ///
    /// The marks in the data and the table of the page contradict each other for several tags, in both
    /// directions, so a missing mark is not a refusal.
    #[must_use]
    pub fn usable(&self, name: &str, target: Target) -> Option<TargetUse> {
        let entry = self.tag(name)?;
        let refused = match target {
            Target::Nsg => false,
            Target::Udr => udr_refuses(&entry),
            Target::Firewall => firewall_refuses(&entry),
        };
        if refused {
            return Some(TargetUse::No(format!(
                "the service tags page lists `{}` as not usable in {}",
                entry.name(),
                target.rules()
            )));
        }
        if entry.special().is_some() {
            return Some(TargetUse::Yes);
        }
        let Some(features) = entry.known_features() else {
            return Some(TargetUse::Yes);
        };
        if !features.has(target.feature()) {
            let marks = if features.is_empty() {
                "for no use".to_owned()
            } else {
                format!("for {features} only")
            };
            return Some(TargetUse::Unmarked(format!(
                "service tag data {} marks `{}` {marks}, not for {}",
                self.identity(),
                entry.name(),
                target.rules()
            )));
        }
        if target == Target::Firewall && DOUBTED_ON_FIREWALL.contains(&entry.name()) {
            return Some(TargetUse::Unmarked(format!(
                "the service tags page says that Azure Firewall does not take `{}`, service tag data {} says that it does",
                entry.name(),
                self.identity()
            )));
        }
        Some(TargetUse::Yes)
    }

    /// Whether the pages refuse the tag in a route.
    #[must_use]
    pub fn udr_refused(&self, name: &str) -> bool {
        self.tag(name).is_some_and(|entry| udr_refuses(&entry))
    }

    /// Whether the pages refuse the tag in Azure Firewall beyond doubt.
    #[must_use]
    pub fn firewall_refused(&self, name: &str) -> bool {
        self.tag(name).is_some_and(|entry| firewall_refuses(&entry))
    }
}

// The page "User-defined routes", section on service tags: the six tags without a list, checked 2026-11-23.
fn udr_refuses(entry: &TagEntry<'_>) -> bool {
    entry.special().is_some()
}

// The page "Virtual network service tags", column "Can use with Azure Firewall", checked 2026-11-23.
fn firewall_refuses(entry: &TagEntry<'_>) -> bool {
    match entry.special() {
        Some(
            SpecialTag::AzureLoadBalancer
            | SpecialTag::AzurePlatformDNS
            | SpecialTag::AzurePlatformIMDS
            | SpecialTag::AzurePlatformLKM
            | SpecialTag::Internet
            | SpecialTag::VirtualNetwork,
        ) => true,
        None => false,
    }
}

/// Tags with "no" in that column and `FW` in the data of Public 376.
const DOUBTED_ON_FIREWALL: [&str; 4] = [
    "GatewayManager",
    "KustoAnalytics",
    "MicrosoftPurviewPolicyDistribution",
    "Scuba",
];

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use crate::catalog::Cloud;

    fn public(name: &str, target: Target) -> TargetUse {
        Catalog::embedded(Cloud::Public)
            .usable(name, target)
            .unwrap()
    }

    #[test]
    fn the_six_special_tags_are_refused_in_routes_and_on_the_firewall_only() {
        for tag in SpecialTag::ALL {
            assert_eq!(public(tag.name(), Target::Nsg), TargetUse::Yes);
            assert!(matches!(public(tag.name(), Target::Udr), TargetUse::No(_)));
            assert!(matches!(
                public(tag.name(), Target::Firewall),
                TargetUse::No(_)
            ));
        }
    }

    #[test]
    fn a_missing_mark_is_not_a_refusal() {
        assert_eq!(public("Storage.WestUS", Target::Firewall), TargetUse::Yes);
        for (name, target) in [
            ("ServiceBus.WestUS", Target::Firewall),
            ("AzureMonitor.WestUS", Target::Udr),
            ("AzureBackup.WestUS", Target::Nsg),
            ("AzureCloud", Target::Firewall),
            ("GatewayManager", Target::Firewall),
        ] {
            assert!(
                matches!(public(name, target), TargetUse::Unmarked(_)),
                "{name}"
            );
        }
        assert_eq!(public("GatewayManager", Target::Udr), TargetUse::Yes);
        assert_eq!(
            Catalog::embedded(Cloud::Public).usable("Storge", Target::Nsg),
            None
        );
    }
}
