//! Which service tag a virtual network service endpoint covers; nothing of endpoints themselves.

/// The service tag whose traffic a service endpoint takes over.
///
/// The service names are those of the page "Virtual network service endpoints" (checked 2026-11-23).
/// The tags are those that Public 376 marks `VSE`, one a service, except the two below.
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
    ("Microsoft.AzureActiveDirectory", "AzureActiveDirectory"),
    ("Microsoft.AzureCosmosDB", "AzureCosmosDB"),
    // Unverified: no Cognitive Services tag carries VSE; this one is the nearest by name.
    ("Microsoft.CognitiveServices", "CognitiveServicesManagement"),
    ("Microsoft.ContainerRegistry", "AzureContainerRegistry"),
    ("Microsoft.EventHub", "EventHub"),
    ("Microsoft.KeyVault", "AzureKeyVault"),
    ("Microsoft.ServiceBus", "ServiceBus"),
    ("Microsoft.Sql", "Sql"),
    ("Microsoft.Storage", "Storage"),
    // Unverified that the whole tag is routed: the endpoint for storage accounts of other regions.
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
