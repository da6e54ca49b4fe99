//! The firewall that ours are merged into: an export, whose other content and whose foreign
//! collections are kept as they are. They are not judged.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::allocate::collections::parts_of_classic;
use crate::backends::base::{object, properties, resource, tree};
use crate::backends::resource::AzureType;
use crate::backends::tree::{MemberName, Tree};

/// The arrays of collections in Azure's order, each with the word that ends the names of ours.
pub(crate) const ARRAYS: [(&str, &str); 3] = [
    ("applicationRuleCollections", "app"),
    ("natRuleCollections", "dnat"),
    ("networkRuleCollections", "net"),
];

/// The order of a firewall's properties in Azure's schema ("Azure Firewalls" REST reference, checked
/// 2026-11-25).
const ORDER: &[&str] = &[
    "applicationRuleCollections",
    "natRuleCollections",
    "networkRuleCollections",
    "ipConfigurations",
    "managementIpConfiguration",
    "threatIntelMode",
    "virtualHub",
    "firewallPolicy",
    "hubIPAddresses",
    "sku",
    "additionalProperties",
];

/// What stands beside `properties` in a firewall, though the command line prints all side by side.
const BESIDE: &[&str] = &["location", "tags", "zones"];

/// What the service says of a firewall and takes from nobody.
const SERVICE_ONLY: &[&str] = &["ipGroups", "resourceGuid"];

/// A collection that this policy does not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Its array.
    pub(crate) array: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Its priority.
    pub(crate) priority: u32,
    collection: Tree,
}

impl Foreign {
    /// The group that it would be of if it were ours, in lower case: `egress` of `egress-net`, and
    /// `imported` of `imported-net.dns`.
    pub(crate) fn group(&self) -> Option<String> {
        let name = self.name.to_lowercase();
        let (_, word) = ARRAYS.iter().find(|(array, _)| *array == self.array)?;
        let (group, _) = parts_of_classic(word, &name)?;
        Some(group.to_owned())
    }
}

/// A firewall to merge into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Its name, as far as the file says.
    pub(crate) name: Option<String>,
    /// Its complete id, as far as the file says.
    pub(crate) id: Option<String>,
    /// Its region.
    pub(crate) location: Option<String>,
    /// Its tags.
    pub(crate) tags: Vec<(String, String)>,
    /// Its availability zones.
    pub(crate) zones: Option<Tree>,
    /// Everything else of it but collections.
    content: Vec<(MemberName, Tree)>,
    /// The collections of others, in the order of the file.
    pub(crate) foreign: Vec<Foreign>,
}

impl Base {
    /// Takes out the collections that are ours: those of a group with one of these names.
    pub(crate) fn without(mut self, ours: &BTreeSet<String>) -> Self {
        self.foreign
            .retain(|f| f.group().is_none_or(|group| !ours.contains(&group)));
        self
    }

    /// The groups that collections in it would be of.
    pub(crate) fn groups(&self) -> BTreeSet<String> {
        self.foreign.iter().filter_map(Foreign::group).collect()
    }

    /// The priorities that others have, but for collections of groups with these names.
    pub(crate) fn priorities(&self, but: &BTreeSet<String>) -> Vec<u32> {
        let foreign = self.foreign.iter();
        foreign
            .filter(|f| f.group().is_none_or(|group| !but.contains(&group)))
            .map(|f| f.priority)
            .collect()
    }

    /// The firewall's properties with our arrays among those of others, each by priority, and with
    /// what the statement says of it.
    pub(crate) fn merged(&self, ours: &Tree, said: &Tree) -> Tree {
        let mut content = Tree::Object(self.content.clone());
        overlay(&mut content, said);
        let Tree::Object(mut members) = content else {
            return content;
        };
        for (array, _) in ARRAYS {
            let mut all: Vec<Tree> = ours.items(array).to_vec();
            let foreign = self.foreign.iter().filter(|f| f.array == array);
            all.extend(foreign.map(|f| f.collection.clone()));
            all.sort_by_key(
                |c| match c.get("properties").and_then(|p| p.get("priority")) {
                    Some(Tree::Int(priority)) => *priority,
                    _ => 0,
                },
            );
            // An empty array says that there are none; a missing one might say nothing.
            members.push((array.into(), Tree::List(all)));
        }
        let rank = |key: &str| ORDER.iter().position(|o| *o == key).unwrap_or(ORDER.len());
        members.sort_by(|a, b| (rank(&a.0), &a.0).cmp(&(rank(&b.0), &b.0)));
        Tree::Object(members)
    }
}

/// Puts the members of one object into another; objects inside are joined in the same way.
fn overlay(there: &mut Tree, said: &Tree) {
    let (Tree::Object(members), Tree::Object(new)) = (&mut *there, said) else {
        *there = said.clone();
        return;
    };
    for (key, value) in new {
        match members
            .iter_mut()
            .find(|(k, _)| k.eq_ignore_ascii_case(key))
        {
            Some((_, old)) => overlay(old, value),
            None => members.push((key.clone(), value.clone())),
        }
    }
}

/// Reads an export: what `az network firewall show` prints, a REST body, or an ARM template with one
/// firewall.
pub(crate) fn read(text: &str) -> Result<Base, String> {
    let marks = ARRAYS.map(|(array, _)| array);
    let firewall = resource(text, AzureType::AzureFirewall, &marks)?;
    let mut content = properties(&firewall, BESIDE);
    if content.get("firewallPolicy").is_some_and(|p| !p.is_null()) {
        return Err(
            "its rules come from a firewall policy (`firewallPolicy`), so its own have no effect"
                .to_owned(),
        );
    }
    let mut foreign = Vec::new();
    for (array, _) in ARRAYS {
        let list = match content.remove(array) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list,
            Some(_) => return Err(format!("its `{array}` is no list")),
        };
        for (index, one) in list.iter().enumerate() {
            let read = collection(array, one)
                .map_err(|why| format!("collection {} of its `{array}` {why}", index + 1))?;
            foreign.push(read);
        }
    }
    for key in SERVICE_ONLY {
        content.remove(*key);
    }
    let mut members = Vec::new();
    if let Tree::Object(plain) = object(&content, ORDER) {
        members.extend(plain);
    }
    for (key, value) in &mut members {
        match (key.as_ref(), content.get(key.as_ref())) {
            ("ipConfigurations", Some(Value::Array(list))) => {
                *value = Tree::List(list.iter().filter_map(ip_configuration).collect());
            }
            ("managementIpConfiguration", Some(one)) => {
                if let Some(read) = ip_configuration(one) {
                    *value = read;
                }
            }
            _ => {}
        }
    }
    let text = |key: &str| firewall.get(key).and_then(Value::as_str).map(str::to_owned);
    let tags = firewall.get("tags").and_then(Value::as_object);
    let mut tags: Vec<(String, String)> = tags
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    tags.sort();
    Ok(Base {
        name: text("name"),
        id: text("id").filter(|id| id.starts_with("/subscriptions/")),
        location: text("location"),
        tags,
        zones: firewall.get("zones").and_then(tree),
        content: members,
        foreign,
    })
}

fn collection(array: &'static str, value: &Value) -> Result<Foreign, String> {
    let members = value.as_object().ok_or("is not an object")?;
    let name = members.get("name").and_then(Value::as_str);
    let name = name.ok_or("has no name")?.to_owned();
    let content = properties(members, &[]);
    let priority = content
        .get("priority")
        .and_then(Value::as_u64)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| format!("(`{name}`) has no priority"))?;
    Ok(Foreign {
        array,
        collection: named(&name, &content, &["priority", "action", "rules"]),
        name,
        priority,
    })
}

/// An address of the firewall; which private one it got, the service says.
fn ip_configuration(value: &Value) -> Option<Tree> {
    let members = value.as_object()?;
    let mut content = properties(members, &[]);
    content.remove("privateIPAddress");
    content.remove("privateIpAddress");
    let name = members.get("name").and_then(Value::as_str)?;
    Some(named(name, &content, &["subnet", "publicIPAddress"]))
}

fn named(name: &str, content: &Map<String, Value>, order: &[&str]) -> Tree {
    Tree::Object(vec![
        ("name".into(), Tree::str(name)),
        ("properties".into(), object(content, order)),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const FLAT: &str = r#"{"name":"fw","location":"westeurope","etag":"x","resourceGroup":"rg",
        "id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/azureFirewalls/fw",
        "type":"Microsoft.Network/azureFirewalls","zones":["1"],"tags":{"b":"2","a":"1"},
        "ipGroups":[{"id":"/x"}],"provisioningState":"Succeeded","threatIntelMode":"Alert",
        "sku":{"name":"AZFW_VNet","tier":"Standard"},"firewallPolicy":null,
        "ipConfigurations":[{"name":"c","id":"/y","privateIPAddress":"10.0.0.4","etag":"z",
            "subnet":{"id":"/vnet/subnet"},"publicIPAddress":{"id":"/pip"},"provisioningState":"Succeeded"}],
        "networkRuleCollections":[{"name":"theirs","priority":150,"action":{"type":"Allow"},
            "id":"/z","etag":"z","rules":[{"name":"ntp","protocols":["UDP"],"description":null}]}],
        "natRuleCollections":[],"applicationRuleCollections":[]}"#;

    #[test]
    fn the_command_lines_form_is_read_as_rest() {
        let base = read(FLAT).unwrap();
        assert_eq!(base.name.as_deref(), Some("fw"));
        assert_eq!(
            base.tags,
            [("a".into(), "1".into()), ("b".into(), "2".into())]
        );
        assert_eq!(base.foreign[0].priority, 150);
        let merged = base.merged(&Tree::Object(Vec::new()), &Tree::Object(Vec::new()));
        let Tree::Object(members) = &merged else {
            panic!("{merged:?}")
        };
        let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(
            keys,
            [
                "applicationRuleCollections",
                "natRuleCollections",
                "networkRuleCollections",
                "ipConfigurations",
                "threatIntelMode",
                "sku"
            ]
        );
        let address = &merged.items("ipConfigurations")[0];
        assert!(address.get("id").is_none());
        let inside = address.get("properties").unwrap();
        assert!(inside.get("subnet").is_some() && inside.get("privateIPAddress").is_none());
        let rule = &merged.items("networkRuleCollections")[0];
        let rule = &rule.get("properties").unwrap().items("rules")[0];
        assert!(rule.get("description").is_none());
    }

    #[test]
    fn what_cannot_be_merged_into_says_why() {
        for (text, why) in [
            ("{}", "no firewall"),
            (
                r#"{"networkRuleCollections":[],"firewallPolicy":{"id":"/p"}}"#,
                "firewall policy",
            ),
            (r#"{"networkRuleCollections":[1]}"#, "is not an object"),
            (r#"{"networkRuleCollections":"x"}"#, "is no list"),
            (r#"{"networkRuleCollections":[{}]}"#, "has no name"),
            (
                r#"{"natRuleCollections":[{"name":"a"}]}"#,
                "collection 1 of its `natRuleCollections` (`a`) has no priority",
            ),
        ] {
            assert!(read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
