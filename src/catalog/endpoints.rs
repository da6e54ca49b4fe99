//! Which service tag a virtual network service endpoint covers; nothing of endpoints themselves.

/// The service tag whose traffic a service endpoint takes over.
///
/// Names of services: pages "Azure virtual network service endpoints" (2019-11-08 text) and, for
/// Microsoft.Storage.Global, "Configure Azure Storage firewalls and virtual networks". Tags: those that
/// Public 376 marks `VSE`, one a service, but for the remarks in the table. Checked 2026-11-23.
///
/// The first page limits Microsoft.Sql to the region of the virtual network, and the local
/// Microsoft.Storage to that region (whether also to its pair is unverified): the tag is the outer bound.
#[must_use]
pub fn service_endpoint_tag(service: &str) -> Option<&'static str> {
    SERVICES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(service))
        .map(|(_, tag)| *tag)
}

/// The services that have a service endpoint, as Azure spells them.
pub fn service_endpoints() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

const SERVICES: [(&str, &str); 11] = [
    // For Data Lake Storage Gen1 only, says the page; the tag itself carries VSE.
    ("Microsoft.AzureActiveDirectory", "AzureActiveDirectory"),
    ("Microsoft.AzureCosmosDB", "AzureCosmosDB"),
    // The tag carries no VSE; the page "Configure virtual networks for Azure AI services" names it.
    ("Microsoft.CognitiveServices", "CognitiveServicesManagement"),
    ("Microsoft.ContainerRegistry", "AzureContainerRegistry"),
    ("Microsoft.EventHub", "EventHub"),
    ("Microsoft.KeyVault", "AzureKeyVault"),
    ("Microsoft.ServiceBus", "ServiceBus"),
    ("Microsoft.Sql", "Sql"),
    ("Microsoft.Storage", "Storage"),
    // The cross-region endpoint.
    ("Microsoft.Storage.Global", "Storage"),
    ("Microsoft.Web", "AppService"),
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
    use crate::catalog::{Catalog, Cloud, Feature};

    #[test]
    fn each_endpoint_has_a_tag_that_is_marked_for_endpoints() {
        let public = Catalog::embedded(Cloud::Public);
        for (service, tag) in SERVICES {
            let entry = public.tag(tag).unwrap();
            let marked = entry.features().has(Feature::ServiceEndpoint);
            assert_eq!(
                marked,
                service != "Microsoft.CognitiveServices",
                "{service}"
            );
        }
        assert_eq!(service_endpoint_tag("microsoft.storage"), Some("Storage"));
        assert_eq!(service_endpoint_tag("Microsoft.Nothing"), None);
    }
}
