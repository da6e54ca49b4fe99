//! Service tags that hold more, or less, than their names say: AzureCloud, Internet, Sql.

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::Flow;
use crate::model::service::PortSet;

use super::{Scene, label};

/// Ports of the redirect connection policy of Azure SQL.
///
/// Source: "Azure SQL Database connectivity architecture" (Microsoft Learn, checked 2026-11-23).
const REDIRECT: (u16, u16) = (11000, 11999);

/// Port of the public endpoint of SQL Managed Instance.
///
/// Source: "Configure public endpoints in Azure SQL Managed Instance" (Microsoft Learn, checked
/// 2026-11-25).
const INSTANCE: u16 = 3342;

/// Tells flows that may lean on the wrong meaning.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    for flow in scene.own_flows() {
        let cloud = flow
            .to
            .tags
            .iter()
            .find(|t| *t == "AzureCloud" || t.starts_with("AzureCloud."));
        if let (true, Some(tag)) = (flow.allows(), cloud) {
            sink.push(not_all_of_azure(flow, tag));
        }
        if !flow.allows() && flow.to.internet {
            sink.push(azure_too(flow));
        }
        let sql = flow
            .to
            .tags
            .iter()
            .find(|t| *t == "Sql" || t.starts_with("Sql."));
        if let (true, Some(tag)) = (flow.allows(), sql) {
            if lacks_redirect(flow) {
                sink.push(redirect(flow, tag));
            }
            if opens_instances(flow) {
                sink.push(no_instances(flow, tag));
            }
        }
    }
}

fn lacks_redirect(flow: &Flow) -> bool {
    let redirect = PortSet::from_ranges(&[REDIRECT]);
    let opens = |port: u16| flow.traffic.iter().any(|(_, ports)| ports.contains(port));
    opens(1433) && !flow.traffic.iter().any(|(_, ports)| ports.meets(&redirect))
}

/// The port of instances is meant, not only one of all ports.
fn opens_instances(flow: &Flow) -> bool {
    flow.traffic
        .iter()
        .any(|(_, ports)| ports.contains(INSTANCE) && !ports.is_all())
}

fn no_instances(flow: &Flow, tag: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6019,
        flow.spans.to,
        format!(
            "flow `{}` opens {INSTANCE}, the port of SQL Managed Instance, to `{tag}`, which holds no instance",
            label(flow)
        ),
    )
    .label("Azure SQL Database and its like only")
    .help("write the subnet of the instance, or the address of its public endpoint")
    .note("Virtual network service tags: Sql does not include SQL Managed Instance (checked 2026-11-25)")
}

fn not_all_of_azure(flow: &Flow, tag: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6015,
        flow.spans.to,
        format!("`{tag}` of flow `{}` does not hold every service of Azure", label(flow)),
    )
    .label("parts of Storage, Entra ID and Front Door are outside")
    .help("name the services' own tags; they are narrower too")
    .note("service tag file: 89 % of the IPv4 addresses of Storage, 85 % of AzureActiveDirectory and 6 % of AzureFrontDoor.Frontend lie in AzureCloud (public cloud, 2025-11-10)")
}

fn azure_too(flow: &Flow) -> Diagnostic {
    Diagnostic::new(
        Code::PC6016,
        flow.spans.to,
        format!(
            "`{}` also stops the public addresses of Azure's own services",
            label(flow)
        ),
    )
    .label("Internet includes them")
    .help("a service that is needed on these ports takes an exception that `overrides` this")
    .note("Virtual network service tags: Internet is everything outside the virtual network, the public address space of Azure included (checked 2026-11-23)")
}

fn redirect(flow: &Flow, tag: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6017,
        flow.spans.services,
        format!(
            "flow `{}` opens 1433 to `{tag}`, but clients inside Azure are redirected to other ports",
            label(flow)
        ),
    )
    .label("enough for the proxy connection policy only")
    .help("write `tcp/1433,11000-11999`, or set the servers' connection policy to proxy")
    .note("Azure SQL connectivity architecture: redirect, the default inside Azure, needs 11000 to 11999; SQL Managed Instance is not in this tag at all (checked 2026-11-23)")
}
