//! One deployable ARM template per resource group. It knows templates, scopes and the order of
//! deployment, not what a resource contains.
//!
//! Sources, checked 2026-11-23: "Syntax and expressions in ARM templates" (brackets and quotes),
//! "Resource functions for ARM templates" (`resourceId`), "Azure Firewall known issues and
//! limitations" (the groups of a policy, and IP groups, are updated one at a time).

use std::collections::{BTreeMap, BTreeSet};

use super::{ApiVersions, SameFile, json, rest};
use crate::backends::resource::{AzureType, NamedId, Resource, ResourceId, file_segment};
use crate::backends::tree::Tree;
use crate::wrap::OutFile;

/// The schema that every template names.
pub(super) const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const LOCATION_PARAMETER: &str = "[parameters('location')]";
const LOCATION_OF_GROUP: &str = "[resourceGroup().location]";

/// Where a template is deployed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scope {
    subscription: Option<String>,
    resource_group: Option<String>,
}

/// The templates of an environment's resources, sorted by path. Classic firewalls are in none: a
/// template would state the whole firewall.
///
/// # Errors
/// Two resources are the same one.
pub fn files(
    environment: &str,
    resources: &[Resource],
    versions: &ApiVersions,
) -> Result<Vec<OutFile>, SameFile> {
    let mut templates: BTreeMap<Key, (Scope, Vec<&Resource>)> = BTreeMap::new();
    for resource in resources.iter().filter(|r| r.in_templates()) {
        let scope = scope_of(&resource.id);
        templates
            .entry(key_of(&scope))
            .or_insert_with(|| (scope, Vec::new()))
            .1
            .push(resource);
    }
    let several = several(templates.keys());
    let mut files = Vec::new();
    for (key, (scope, members)) in &templates {
        let path = path(environment, scope, several.contains(&key.0));
        let ordered = in_order(scope, members, &path)?;
        files.push(OutFile {
            path,
            text: json::text(&template(scope, &ordered, versions)),
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The template of each resource, in their order; none for what is in no template.
#[must_use]
pub fn paths(environment: &str, resources: &[Resource]) -> Vec<Option<String>> {
    let held = resources.iter().filter(|r| r.in_templates());
    // The first spelling of a resource group names the file.
    let mut scopes: BTreeMap<Key, Scope> = BTreeMap::new();
    for resource in held {
        let scope = scope_of(&resource.id);
        scopes.entry(key_of(&scope)).or_insert(scope);
    }
    let several = several(scopes.keys());
    let path = |resource: &Resource| {
        let key = key_of(&scope_of(&resource.id));
        let scope = scopes.get(&key).filter(|_| resource.in_templates())?;
        Some(path(environment, scope, several.contains(&key.0)))
    };
    resources.iter().map(path).collect()
}

/// Resource group and subscription; names of both compare without case.
type Key = (String, String);

fn key_of(scope: &Scope) -> Key {
    let lower = |part: &Option<String>| part.as_deref().unwrap_or_default().to_lowercase();
    (lower(&scope.resource_group), lower(&scope.subscription))
}

/// The resource groups whose name several subscriptions have.
fn several<'k>(keys: impl Iterator<Item = &'k Key>) -> BTreeSet<String> {
    let mut subscriptions: BTreeMap<&String, usize> = BTreeMap::new();
    for (group, _) in keys {
        *subscriptions.entry(group).or_default() += 1;
    }
    let more = subscriptions.into_iter().filter(|(_, count)| *count > 1);
    more.map(|(group, _)| group.clone()).collect()
}

/// The file of a template. Groups of one name in several subscriptions get a folder of their
/// subscription.
fn path(environment: &str, scope: &Scope, several: bool) -> String {
    let folder = match &scope.subscription {
        Some(id) if several => format!("{}/", file_segment(id)),
        _ => String::new(),
    };
    let name = scope.resource_group.as_deref().unwrap_or("main");
    format!(
        "{}/arm/{folder}{}.json",
        file_segment(environment),
        file_segment(name)
    )
}

fn scope_of(id: &ResourceId) -> Scope {
    match id {
        ResourceId::Named(id) => Scope {
            subscription: id.subscription.clone(),
            resource_group: id.resource_group.clone(),
        },
        ResourceId::Verbatim(_) => Scope::default(),
    }
}

/// A resource and all that must precede it in its template.
struct Step<'a> {
    resource: &'a Resource,
    key: String,
    after: Vec<&'a ResourceId>,
}

/// The resources in the order of their deployment, each with what it waits for.
fn in_order<'a>(
    scope: &Scope,
    members: &[&'a Resource],
    path: &str,
) -> Result<Vec<Step<'a>>, SameFile> {
    let mut sorted: Vec<(String, &Resource)> = members
        .iter()
        .map(|resource| (key_in(scope, &resource.id), *resource))
        .collect();
    sorted.sort_by_cached_key(|(key, resource)| {
        let priority = match resource.properties.get("priority") {
            Some(Tree::Int(priority)) => *priority,
            _ => 0,
        };
        (
            resource.kind,
            parent_key(scope, resource),
            priority,
            key.clone(),
        )
    });
    let mut own: BTreeMap<String, &ResourceId> = BTreeMap::new();
    for (key, resource) in &sorted {
        if let Some(first) = own.insert(key.clone(), &resource.id) {
            return Err(SameFile {
                path: path.to_owned(),
                first: first.text(),
                second: resource.id.text(),
            });
        }
    }
    let mut waiting = Vec::new();
    let mut last_ip_group: Option<&ResourceId> = None;
    let mut last_group: BTreeMap<String, &ResourceId> = BTreeMap::new();
    for (key, resource) in sorted {
        let mut after: Vec<&ResourceId> = resource
            .depends_on
            .iter()
            .filter_map(|id| own.get(&key_in(scope, id)).copied())
            .collect();
        match resource.kind {
            AzureType::IpGroup => {
                after.extend(last_ip_group.replace(&resource.id));
            }
            // Every firewall that uses a changed IP group is updated with it, and a firewall takes
            // one update at a time, so policies and groups wait for the last one.
            AzureType::FirewallPolicy => after.extend(last_ip_group),
            AzureType::RuleCollectionGroup => {
                let previous = last_group.insert(parent_key(scope, resource), &resource.id);
                after.extend(previous.or(last_ip_group));
            }
            AzureType::ApplicationSecurityGroup
            | AzureType::AzureFirewall
            | AzureType::NetworkSecurityGroup
            | AzureType::SecurityRule
            | AzureType::RouteTable => {}
        }
        let mut seen = BTreeSet::from([key.clone()]);
        after.retain(|id| seen.insert(key_in(scope, id)));
        waiting.push(Step {
            resource,
            key,
            after,
        });
    }
    Ok(topological(scope, waiting))
}

/// Puts each step behind what it waits for, otherwise keeping the order. Policies that wait for
/// each other in a circle, which the resolver refuses, keep it altogether.
fn topological<'a>(scope: &Scope, mut waiting: Vec<Step<'a>>) -> Vec<Step<'a>> {
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|step| {
            step.after
                .iter()
                .all(|id| done.contains(&key_in(scope, id)))
        });
        let step = waiting.remove(ready.unwrap_or(0));
        done.insert(step.key.clone());
        ordered.push(step);
    }
    ordered
}

/// The key of an id, with the template's own scope for what the id does not say.
fn key_in(scope: &Scope, id: &ResourceId) -> String {
    match id {
        ResourceId::Named(id) => {
            let mut id = id.clone();
            id.subscription = id.subscription.or_else(|| scope.subscription.clone());
            id.resource_group = id.resource_group.or_else(|| scope.resource_group.clone());
            ResourceId::Named(id).key()
        }
        ResourceId::Verbatim(_) => id.key(),
    }
}

fn parent_key(scope: &Scope, resource: &Resource) -> String {
    resource
        .id
        .parent()
        .map(|parent| key_in(scope, &parent))
        .unwrap_or_default()
}

fn template(scope: &Scope, steps: &[Step<'_>], versions: &ApiVersions) -> Tree {
    let mut locations: Vec<Option<&str>> = steps
        .iter()
        .filter(|step| step.resource.is_tracked())
        .map(|step| step.resource.location.as_deref())
        .collect();
    locations.sort_unstable();
    locations.dedup();
    // One location for all is the parameter's default; of several, only what is unknown follows
    // the resource group.
    let common = match locations.as_slice() {
        [one] => *one,
        _ => None,
    };
    let mut members = vec![
        ("$schema".into(), Tree::str(SCHEMA)),
        ("contentVersion".into(), Tree::str("1.0.0.0")),
    ];
    if common.is_some() || locations.contains(&None) {
        let default = common.map_or_else(|| LOCATION_OF_GROUP.to_owned(), escaped);
        let parameter = Tree::Object(vec![
            ("type".into(), Tree::str("string")),
            ("defaultValue".into(), Tree::Str(default)),
        ]);
        members.push((
            "parameters".into(),
            Tree::Object(vec![("location".into(), parameter)]),
        ));
    }
    let resources = steps
        .iter()
        .map(|step| resource_in_template(scope, step, common, versions))
        .collect();
    members.push(("resources".into(), Tree::List(resources)));
    Tree::Object(members)
}

fn resource_in_template(
    scope: &Scope,
    step: &Step<'_>,
    common: Option<&str>,
    versions: &ApiVersions,
) -> Tree {
    let resource = step.resource;
    let literal = |text: &str| Tree::Str(escaped(text));
    let content = |tree: &Tree| json::rewrite(tree, &escaped, &|id| reference(scope, id));
    let mut members = vec![
        ("type".into(), Tree::Str(resource.kind.full())),
        ("apiVersion".into(), literal(versions.of(resource.kind))),
        ("name".into(), literal(&resource.arm_name())),
    ];
    if resource.is_tracked() {
        let location = match resource.location.as_deref() {
            Some(own) if common.is_none() => literal(own),
            _ => Tree::str(LOCATION_PARAMETER),
        };
        members.push(("location".into(), location));
    }
    if !resource.tags.is_empty() {
        members.push(("tags".into(), content(&rest::tags(resource))));
    }
    if !step.after.is_empty() {
        let ids = step.after.iter().map(|id| Tree::Str(reference(scope, id)));
        members.push(("dependsOn".into(), Tree::List(ids.collect())));
    }
    members.push(("properties".into(), content(&resource.properties)));
    Tree::Object(members)
}

/// A literal. Only text in brackets on both sides would be read as an expression; text that merely
/// begins with a bracket must stay as it is.
fn escaped(text: &str) -> String {
    if text.starts_with('[') && text.ends_with(']') {
        format!("[{text}")
    } else {
        text.to_owned()
    }
}

/// An expression for another resource's id, as short as the scope allows.
fn reference(scope: &Scope, id: &ResourceId) -> String {
    match id {
        ResourceId::Named(id) => resource_id_call(scope, id),
        ResourceId::Verbatim(text) => escaped(text),
    }
}

fn resource_id_call(scope: &Scope, id: &NamedId) -> String {
    let elsewhere = |other: &Option<String>, here: &Option<String>| {
        other.as_ref().is_some_and(|other| {
            !here
                .as_ref()
                .is_some_and(|here| here.eq_ignore_ascii_case(other))
        })
    };
    let other_subscription = elsewhere(&id.subscription, &scope.subscription);
    let other_group = elsewhere(&id.resource_group, &scope.resource_group);
    let mut arguments = Vec::new();
    if other_subscription {
        arguments.extend(id.subscription.as_deref().map(argument));
    }
    if other_subscription || other_group {
        let group = id
            .resource_group
            .as_deref()
            .or(scope.resource_group.as_deref());
        arguments.push(group.map_or_else(|| "resourceGroup().name".to_owned(), argument));
    }
    arguments.push(argument(&id.kind.full()));
    arguments.extend(id.names.iter().map(|name| argument(name)));
    format!("[resourceId({})]", arguments.join(", "))
}

fn argument(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    #[test]
    fn only_text_in_brackets_on_both_sides_is_escaped() {
        assert_eq!(escaped("[test value]"), "[[test value]");
        assert_eq!(escaped("[test] value"), "[test] value");
        assert_eq!(escaped("plain"), "plain");
    }

    #[test]
    fn a_reference_names_only_what_differs() {
        let scope = Scope {
            subscription: Some("s1".to_owned()),
            resource_group: Some("rg-a".to_owned()),
        };
        let id = |subscription: Option<&str>, group: Option<&str>| {
            ResourceId::Named(NamedId {
                subscription: subscription.map(str::to_owned),
                resource_group: group.map(str::to_owned),
                kind: AzureType::IpGroup,
                names: vec!["o'x".to_owned()],
            })
        };
        let tail = "'Microsoft.Network/ipGroups', 'o''x')]";
        for (subscription, group, arguments) in [
            (None, None, ""),
            (Some("S1"), Some("RG-A"), ""),
            (Some("s1"), Some("rg-b"), "'rg-b', "),
            (Some("s2"), Some("rg-a"), "'s2', 'rg-a', "),
        ] {
            assert_eq!(
                reference(&scope, &id(subscription, group)),
                format!("[resourceId({arguments}{tail}")
            );
        }
    }
}
