//! What the library says that a service requires, seen from one subnet: the service's module is
//! resolved beside the project, with the subnet in place of its own. It judges nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::analyze::required::Required;
use crate::catalog::{Catalog, Region, regions};
use crate::config::Settings;
use crate::diag::Sink;
use crate::model::address::Family;
use crate::model::{Flow, Key, Policy, Subnet};
use crate::resolve::{library_text, resolve};
use crate::source::{MemoryLoader, SourceMap};
use crate::syntax::ast::{self, Item, Need};

/// Stands for every endpoint that the module leaves to its user; no module names it.
const ANY_ENDPOINT: &str = "192.0.2.1";

/// Stands for every service that the module leaves to its user; no module names it.
const ANY_SERVICE: &str = "esp";

/// Regions that are tried where none is named.
const REGIONS: usize = 3;

/// A module's parameter of which each value is right by itself: the edition of Microsoft's page.
const EDITION: &str = "page";

/// The requirements of every subnet that runs a service with a module.
pub(super) fn required(
    policy: &Policy,
    catalog: &Catalog,
    settings: &Settings,
) -> BTreeMap<Key, Required> {
    let mut out = BTreeMap::new();
    for (key, subnet) in &policy.subnets {
        if let Some((service, _)) = &subnet.runs
            && let Some(found) = of_subnet(policy, catalog, settings, service, subnet)
        {
            out.insert(key.clone(), found);
        }
    }
    out
}

fn of_subnet(
    policy: &Policy,
    catalog: &Catalog,
    settings: &Settings,
    service: &str,
    subnet: &Subnet,
) -> Option<Required> {
    let module = match service {
        "api-management" => "std/apim".to_owned(),
        same => format!("std/{same}"),
    };
    let text = library_text(&module)?;
    let parameters = parameters(text);
    let prefixes = subnet.prefix.only(Family::V4).to_prefixes();
    let prefix = prefixes
        .into_iter()
        .next()
        .or_else(|| subnet.prefix.to_prefixes().into_iter().next())?
        .to_string();
    let known = region_of(policy, catalog, settings, subnet);
    let editions: Vec<Option<&str>> = parameters
        .iter()
        .find(|p| p.name.node == EDITION)
        .map_or_else(
            || vec![None],
            |p| p.ty.members.iter().map(|m| Some(m.node.as_str())).collect(),
        );
    let of_region = |region: &'static Region| -> (&'static Region, Vec<Vec<Flow>>) {
        let choices = editions
            .iter()
            .map(|edition| {
                let mut with = String::new();
                for parameter in &parameters {
                    let name = parameter.name.node.as_str();
                    let value = match (parameter.ty.name.node.as_str(), edition) {
                        (_, Some(edition)) if name == EDITION => edition,
                        ("endpoint", _) => ANY_ENDPOINT,
                        ("service", _) => ANY_SERVICE,
                        ("vnet", _) => "net",
                        ("cidr", _) => prefix.as_str(),
                        ("region", _) => region.arm,
                        ("hop", _) => "internet",
                        _ => continue,
                    };
                    let _ = writeln!(with, "  {name} = {value}");
                }
                let root =
                    format!("vnet net = {prefix}\nuse \"{module}\" as needs with {{\n{with}}}\n");
                flows(&root, catalog)
            })
            .collect();
        (region, choices)
    };
    // Not every region has every regional tag: the one of which most is known serves for all.
    let (region, choices) = match known {
        Some(region) => of_region(region),
        None => regions()
            .iter()
            .filter(|r| r.cloud == catalog.identity().cloud && r.tag_suffix.is_some())
            .take(REGIONS)
            .map(of_region)
            .max_by_key(|(_, choices)| choices.iter().map(Vec::len).sum::<usize>())?,
    };
    Some(Required {
        choices,
        module,
        any_region: known.is_none().then(|| region.arm.to_owned()),
    })
}

/// The region that the statements around a subnet name, else that of the settings.
fn region_of(
    policy: &Policy,
    catalog: &Catalog,
    settings: &Settings,
    subnet: &Subnet,
) -> Option<&'static Region> {
    let nsg = subnet.nsg.as_ref().and_then(|n| policy.nsgs.get(n));
    let vnet = subnet.vnet.as_ref().and_then(|v| policy.vnets.get(v));
    [
        subnet.identity.location.as_ref(),
        nsg.and_then(|n| n.identity.location.as_ref()),
        vnet.and_then(|v| v.identity.location.as_ref()),
        settings.deploy.location.as_ref(),
    ]
    .into_iter()
    .flatten()
    .next()
    .and_then(|location| {
        regions()
            .iter()
            .find(|r| r.arm.eq_ignore_ascii_case(location) && r.cloud == catalog.identity().cloud)
    })
}

fn parameters(text: &str) -> Vec<ast::Param> {
    let mut sources = SourceMap::default();
    let file = sources.add("library", text);
    let (tree, _) = crate::syntax::parse(&sources, file);
    tree.items
        .into_iter()
        .filter_map(|item| match item.node {
            Item::Param(param) => Some(param),
            _ => None,
        })
        .collect()
}

/// The required flows of a project in memory. What does not resolve in this cloud is not asked for.
fn flows(root: &str, catalog: &Catalog) -> Vec<Flow> {
    let name = "needs.gate".to_owned();
    let mut loader = MemoryLoader::default();
    loader.files.insert(name.clone(), root.to_owned());
    let mut sink = Sink::default();
    let mut sources = SourceMap::default();
    let policies = resolve(&loader, &[name], catalog, &[], &mut sources, &mut sink);
    let required = |flow: &Flow| flow.allows() && flow.need == Some(Need::Required);
    let flows = policies.into_iter().flat_map(|policy| policy.flows);
    flows.filter(required).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::catalog::Cloud;
    use crate::model::address::AddressSet;
    use crate::source::Span;

    #[test]
    fn every_service_with_a_module_requires_something_in_every_cloud() {
        for (service, editions) in [
            ("aks", 1),
            ("api-management", 2),
            ("app-service-environment", 1),
            ("application-gateway", 1),
            ("bastion", 1),
            ("machine-learning", 1),
        ] {
            for cloud in [Cloud::Public, Cloud::UsGov, Cloud::China] {
                let mut policy = Policy::default();
                let subnet = Subnet {
                    prefix: AddressSet::prefix("10.1.0.0/24".parse().unwrap()),
                    runs: Some((service.to_owned(), Span::default())),
                    ..Subnet::default()
                };
                policy.subnets.insert("s".to_owned(), subnet);
                let catalog = Catalog::embedded(cloud);
                let found = required(&policy, catalog, &Settings::default());
                let found = found.get("s").unwrap_or_else(|| panic!("{service}"));
                assert_eq!(found.choices.len(), editions, "{service}");
                assert!(found.choices.iter().all(|c| !c.is_empty()), "{service}");
                assert!(found.any_region.is_some());
            }
        }
    }

    #[test]
    fn no_module_uses_what_stands_for_the_choice_of_its_user() {
        for module in [
            "aks",
            "apim",
            "app-service-environment",
            "application-gateway",
            "bastion",
            "machine-learning",
        ] {
            let text = library_text(&format!("std/{module}")).unwrap();
            assert!(
                !text.contains(ANY_ENDPOINT) && !text.contains("esp/"),
                "{module}"
            );
            assert!(
                !text.contains(": esp ") && !text.contains("= esp"),
                "{module}"
            );
        }
    }
}
