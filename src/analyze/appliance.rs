//! Platform services in a subnet whose default route leads to a firewall, without the exceptions
//! that their control planes need.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Hop, Key, Subnet};
use crate::path::routes::Target;

use super::Scene;

/// What a service needs beside a default route to an appliance.
enum Need {
    /// An exception route for one of these tags, or a regional form of it.
    Tag(&'static [&'static str]),
    /// No default route to an appliance at all.
    NoAppliance,
}

/// The services, by the word of `runs`.
///
/// Sources: "Force tunnel traffic" (API Management); "Control network traffic in Azure HDInsight";
/// "Application Gateway infrastructure
/// configuration"; "User-defined route settings for Azure Databricks"; "Configure inbound and
/// outbound network traffic" (Azure Machine Learning); "Create an Azure Batch pool in a virtual
/// network"; "Connectivity architecture for Azure SQL Managed Instance" (Microsoft Learn, checked
/// 2026-11-23).
// App Service Environment v3 is not among them: its platform traffic does not cross the subnet
// ("App Service Environment networking", Microsoft Learn, checked 2026-11-23).
const SERVICES: &[(&str, Need)] = &[
    ("api-management", Need::Tag(&["ApiManagement"])),
    ("application-gateway", Need::NoAppliance),
    ("batch", Need::Tag(&["BatchNodeManagement"])),
    ("databricks", Need::Tag(&["AzureDatabricks"])),
    ("hdinsight", Need::Tag(&["HDInsight"])),
    (
        "machine-learning",
        Need::Tag(&["BatchNodeManagement", "AzureMachineLearning"]),
    ),
    ("sql-managed-instance", Need::Tag(&["AzureActiveDirectory"])),
];

/// Tells subnets of such services without the exception.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for (key, subnet) in scene.fabric.end_subnets() {
        let Some((service, _)) = &subnet.runs else {
            continue;
        };
        let Some((_, need)) = SERVICES.iter().find(|(name, _)| *name == plain(service)) else {
            continue;
        };
        let routes = subnet
            .route_table
            .as_ref()
            .and_then(|t| scene.fabric.tables.get(t))
            .map(|t| t.routes.as_slice())
            .unwrap_or_default();
        let default = routes.iter().find_map(|r| match (&r.target, &r.hop) {
            (Target::Default, Hop::Firewall(firewall)) => Some(firewall),
            _ => None,
        });
        let Some(firewall) = default else {
            continue;
        };
        let excepted = |tags: &[&str]| {
            routes.iter().any(|r| match &r.target {
                Target::Tag(tag) => {
                    let base = tag.split('.').next().unwrap_or(tag);
                    r.hop == Hop::Internet && tags.contains(&base)
                }
                // Management addresses may be listed one by one.
                Target::Prefix(_) => r.hop == Hop::Internet,
                Target::Default => false,
            })
        };
        match need {
            Need::Tag(tags) if !excepted(tags) => {
                sink.push(tunnelled(key, subnet, service, firewall, tags));
            }
            Need::NoAppliance => sink.push(tunnelled(key, subnet, service, firewall, &[])),
            Need::Tag(_) => {}
        }
    }
}

/// `application-gateway-v2` is `application-gateway`.
fn plain(service: &str) -> &str {
    service
        .strip_suffix("-v2")
        .or_else(|| service.strip_suffix("-v3"))
        .unwrap_or(service)
}

fn tunnelled(
    key: &Key,
    subnet: &Subnet,
    service: &str,
    firewall: &str,
    tags: &[&str],
) -> Diagnostic {
    let span = subnet.runs.as_ref().map_or(subnet.identity.span, |r| r.1);
    let table = subnet.route_table.as_deref().unwrap_or_default();
    let help = match tags {
        [] => format!("leave `default` of route table `{table}` to the internet"),
        tags => format!(
            "add `route control-plane: tag({}) via internet on {table}`",
            tags.join(") or tag(")
        ),
    };
    Diagnostic::new(
        Code::PC4032,
        span,
        format!("subnet `{key}` runs {service}, and its default route leads to firewall `{firewall}`"),
    )
    .label("its control plane would lose it")
    .help(help)
    .note("replies to the service's control plane must not cross a firewall that never saw the request; each service's own networking page names its exceptions (checked 2026-11-23)")
}
