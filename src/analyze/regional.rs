//! A service tag of the whole world where the policy itself knows the region.

use crate::catalog::region;
use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Flow, Key};

use super::{Scene, label};

/// Tells global tags that have a regional form, where the region is known.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let catalog = scene.fabric.catalog;
    for flow in scene.own_flows().filter(|f| f.allows()) {
        for tag in &flow.to.tags {
            if tag.contains('.') || !catalog.has_regional(tag) {
                continue;
            }
            let found = sibling(scene, flow, tag).or_else(|| by_location(scene, flow, tag));
            if let Some((regional, why)) = found {
                sink.push(global(flow, tag, &regional, &why));
            }
        }
    }
}

/// Another flow of the same instance that names the tag with a region.
fn sibling(scene: &Scene<'_>, flow: &Flow, tag: &str) -> Option<(String, String)> {
    let front = format!("{tag}.");
    scene
        .policy()
        .flows
        .iter()
        .filter(|other| other.id.instance == flow.id.instance && other.from == flow.from)
        .flat_map(|other| other.to.tags.iter().map(move |t| (other, t)))
        .find(|(_, t)| t.starts_with(&front))
        .map(|(other, t)| {
            (
                t.clone(),
                format!("flow `{}` of the same source uses `{t}`", label(other)),
            )
        })
}

/// The region that the source's subnet, or its virtual network, states.
fn by_location(scene: &Scene<'_>, flow: &Flow, tag: &str) -> Option<(String, String)> {
    let fabric = scene.fabric;
    let (key, location) = fabric.end_subnets().find_map(|(key, subnet)| {
        let meets = !flow.from.any && flow.from.addresses.meets(&subnet.prefix);
        let location = subnet
            .identity
            .location
            .clone()
            .or_else(|| vnet_location(scene, key));
        location.filter(|_| meets).map(|l| (key, l))
    })?;
    let regional = fabric.catalog.regional_tag(tag, region(&location)?)?;
    Some((regional, format!("subnet `{key}` lies in {location}")))
}

fn vnet_location(scene: &Scene<'_>, subnet: &Key) -> Option<String> {
    let vnet = scene.fabric.vnet_of(subnet)?;
    scene.policy().vnets.get(vnet)?.identity.location.clone()
}

fn global(flow: &Flow, tag: &str, regional: &str, why: &str) -> Diagnostic {
    Diagnostic::new(
        Code::PC6010,
        flow.spans.to,
        format!(
            "flow `{}` uses the global tag `{tag}` where the region is known",
            label(flow)
        ),
    )
    .label(why.to_owned())
    .help(format!(
        "use `tag({regional})`, if the traffic stays in the region"
    ))
}
