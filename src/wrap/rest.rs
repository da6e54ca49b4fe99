//! One file per resource: what a PUT takes, with the identity in front. It does not say in which
//! order the files are to be written; the ARM form does.

use std::collections::BTreeMap;

use super::{ApiVersions, SameFile, json};
use crate::backends::resource::{Resource, ResourceId, file_segment};
use crate::backends::tree::Tree;
use crate::wrap::OutFile;

/// The files of an environment's resources, sorted by path.
///
/// Resources of one name in several resource groups would share a file; these are put into a
/// folder of their resource group.
///
/// # Errors
/// Two resources are the same one.
pub fn files(
    environment: &str,
    resources: &[Resource],
    versions: &ApiVersions,
) -> Result<Vec<OutFile>, SameFile> {
    // By lower-case path, because some file systems know no other.
    let mut written: BTreeMap<String, (OutFile, &ResourceId)> = BTreeMap::new();
    for (resource, path) in resources.iter().zip(paths(environment, resources)) {
        let file = OutFile {
            text: json::text(&document(resource, versions)),
            path: path.clone(),
        };
        if let Some((_, first)) = written.insert(path.to_lowercase(), (file, &resource.id)) {
            return Err(SameFile {
                path,
                first: first.text(),
                second: resource.id.text(),
            });
        }
    }
    let mut files: Vec<OutFile> = written.into_values().map(|(file, _)| file).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The file of each resource, in their order.
#[must_use]
pub fn paths(environment: &str, resources: &[Resource]) -> Vec<String> {
    let mut holders: BTreeMap<String, usize> = BTreeMap::new();
    for resource in resources {
        *holders.entry(resource.file.to_lowercase()).or_default() += 1;
    }
    let path = |resource: &Resource| {
        let shared = holders.get(&resource.file.to_lowercase()) > Some(&1);
        let folder = match (&resource.id, shared) {
            (ResourceId::Named(id), true) => id.resource_group.as_deref().map(file_segment),
            _ => None,
        };
        let folder = folder.map(|group| format!("{group}/")).unwrap_or_default();
        format!(
            "{}/{folder}{}.json",
            file_segment(environment),
            resource.file
        )
    };
    resources.iter().map(path).collect()
}

/// The document of one resource.
#[must_use]
pub fn document(resource: &Resource, versions: &ApiVersions) -> Tree {
    let mut members = Vec::new();
    if let Some(id) = resource.id.full() {
        members.push(("id".into(), Tree::Str(id)));
    }
    members.push(("name".into(), Tree::Str(resource.arm_name())));
    members.push(("type".into(), Tree::Str(resource.kind.full())));
    members.push(("apiVersion".into(), Tree::str(versions.of(resource.kind))));
    if let Some(location) = &resource.location {
        members.push(("location".into(), Tree::str(location)));
    }
    if !resource.tags.is_empty() {
        members.push(("tags".into(), tags(resource)));
    }
    if let Some(zones) = &resource.zones {
        members.push(("zones".into(), zones.clone()));
    }
    members.push(("properties".into(), resource.properties.clone()));
    Tree::Object(members)
}

/// The tags of a resource as an object.
pub(super) fn tags(resource: &Resource) -> Tree {
    Tree::Object(
        resource
            .tags
            .iter()
            .map(|(key, value)| (key.clone().into(), Tree::str(value)))
            .collect(),
    )
}
