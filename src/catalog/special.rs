//! The service tags that Azure knows and no data file lists; no addresses but the one that is fixed.

use std::sync::OnceLock;

use super::prefixes::Prefixes;

/// A tag without a list, of the page "Virtual network service tags" (checked 2026-11-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpecialTag {
    /// The host's probe address, 168.63.129.16.
    AzureLoadBalancer,
    /// The platform's name server, outbound only.
    AzurePlatformDNS,
    /// The instance metadata service, outbound only.
    AzurePlatformIMDS,
    /// Windows licensing, outbound only.
    AzurePlatformLKM,
    /// Everything public outside the virtual network, Azure's own space included.
    Internet,
    /// The virtual network with its peers and what is connected to it.
    VirtualNetwork,
}

impl SpecialTag {
    /// All of them, by name.
    pub const ALL: [SpecialTag; 6] = [
        SpecialTag::AzureLoadBalancer,
        SpecialTag::AzurePlatformDNS,
        SpecialTag::AzurePlatformIMDS,
        SpecialTag::AzurePlatformLKM,
        SpecialTag::Internet,
        SpecialTag::VirtualNetwork,
    ];

    /// The name in Azure.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SpecialTag::AzureLoadBalancer => "AzureLoadBalancer",
            SpecialTag::AzurePlatformDNS => "AzurePlatformDNS",
            SpecialTag::AzurePlatformIMDS => "AzurePlatformIMDS",
            SpecialTag::AzurePlatformLKM => "AzurePlatformLKM",
            SpecialTag::Internet => "Internet",
            SpecialTag::VirtualNetwork => "VirtualNetwork",
        }
    }

    /// What it stands for, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            SpecialTag::AzureLoadBalancer => "the host's probe address 168.63.129.16",
            SpecialTag::AzurePlatformDNS => "the platform's name server",
            SpecialTag::AzurePlatformIMDS => "the instance metadata service",
            SpecialTag::AzurePlatformLKM => "Windows licensing",
            SpecialTag::Internet => {
                "public addresses outside the virtual network, Azure's own included"
            }
            SpecialTag::VirtualNetwork => {
                "the virtual network, its peers and what is connected to it"
            }
        }
    }

    /// Finds one by its name in any case.
    #[must_use]
    pub fn find(name: &str) -> Option<SpecialTag> {
        SpecialTag::ALL
            .into_iter()
            .find(|tag| tag.name().eq_ignore_ascii_case(name))
    }

    /// The fixed addresses: those of AzureLoadBalancer; the others depend on the place or are not published.
    pub(super) fn prefixes(self) -> &'static Prefixes {
        static PROBE: OnceLock<Prefixes> = OnceLock::new();
        static NONE: Prefixes = Prefixes {
            v4: Vec::new(),
            v6: Vec::new(),
        };
        match self {
            SpecialTag::AzureLoadBalancer => PROBE.get_or_init(|| {
                let probe = std::net::Ipv4Addr::new(168, 63, 129, 16);
                Prefixes {
                    v4: vec![probe.into()],
                    v6: Vec::new(),
                }
            }),
            _ => &NONE,
        }
    }
}
