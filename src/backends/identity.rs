//! Who a resource is: types, places, ids, and references to others. It knows the form of ARM ids,
//! not what a resource contains.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::from_shape::REFERENCE;

/// The provider of every resource type here.
const PROVIDER: &str = "Microsoft.Network";

/// The resource types that are emitted or referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AzureType {
    /// A list of addresses that firewall rules refer to.
    IpGroup,
    /// A set of network interfaces that NSG rules refer to. Referred to, never emitted.
    ApplicationSecurityGroup,
    /// A firewall policy.
    FirewallPolicy,
    /// A firewall with rules of its own.
    AzureFirewall,
    /// A rule collection group, child of a firewall policy.
    RuleCollectionGroup,
    /// A network security group.
    NetworkSecurityGroup,
    /// A rule of a network security group, as a resource of its own.
    SecurityRule,
    /// A route table.
    RouteTable,
}

impl AzureType {
    /// Every type, in the order in which templates list them.
    pub const ALL: [Self; 8] = [
        Self::IpGroup,
        Self::ApplicationSecurityGroup,
        Self::FirewallPolicy,
        Self::AzureFirewall,
        Self::RuleCollectionGroup,
        Self::NetworkSecurityGroup,
        Self::SecurityRule,
        Self::RouteTable,
    ];

    /// The type's segments below the provider, in Azure's spelling.
    #[must_use]
    pub const fn segments(self) -> &'static [&'static str] {
        match self {
            Self::IpGroup => &["ipGroups"],
            Self::ApplicationSecurityGroup => &["applicationSecurityGroups"],
            Self::FirewallPolicy => &["firewallPolicies"],
            Self::AzureFirewall => &["azureFirewalls"],
            Self::RuleCollectionGroup => &["firewallPolicies", "ruleCollectionGroups"],
            Self::NetworkSecurityGroup => &["networkSecurityGroups"],
            Self::SecurityRule => &["networkSecurityGroups", "securityRules"],
            Self::RouteTable => &["routeTables"],
        }
    }

    /// The full type: `Microsoft.Network/firewallPolicies/ruleCollectionGroups`.
    #[must_use]
    pub fn full(self) -> String {
        format!("{PROVIDER}/{}", self.segments().join("/"))
    }

    /// The type with this full name, in any case.
    #[must_use]
    pub fn from_full(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.full().eq_ignore_ascii_case(text))
    }
}

/// Where resources live; what is unknown is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The subscription's id.
    pub subscription: Option<String>,
    /// The resource group's name.
    pub resource_group: Option<String>,
    /// The Azure region.
    pub location: Option<String>,
}

/// Who a resource is, before its content: what the rooms' `emit_*` functions take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The resource's own Azure name (of a child: without its parent's).
    pub name: String,
    /// Where it lives.
    pub place: Place,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Identity {
    /// The id of a resource of the given top-level type with this identity.
    #[must_use]
    pub fn id(&self, kind: AzureType) -> ResourceId {
        ResourceId::new(&self.place, kind, &self.name)
    }
}

/// The identity of a resource, as complete as it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceId {
    /// An id built from, or taken apart into, its parts.
    Named(NamedId),
    /// An id of a type or form that is not known here, kept as the user wrote it.
    Verbatim(String),
}

/// An id in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedId {
    /// The subscription, if known.
    pub subscription: Option<String>,
    /// The resource group, if known.
    pub resource_group: Option<String>,
    /// The type.
    pub kind: AzureType,
    /// One name per segment of the type.
    pub names: Vec<String>,
}

impl NamedId {
    /// The complete ARM id, if the subscription and the resource group are known.
    #[must_use]
    pub fn full(&self) -> Option<String> {
        (self.subscription.is_some() && self.resource_group.is_some()).then(|| self.text())
    }

    /// The id with the unknown parts left out: an id for people and for comparison, and the
    /// complete one where everything is known.
    #[must_use]
    pub fn text(&self) -> String {
        self.written(self.subscription.as_deref(), self.resource_group.as_deref())
    }

    /// The id with Azure's own placeholders for what is unknown. No service accepts one, so a
    /// file with a hole cannot be deployed to the wrong place.
    #[must_use]
    pub fn with_placeholders(&self) -> String {
        self.written(
            Some(self.subscription.as_deref().unwrap_or("{subscriptionId}")),
            Some(
                self.resource_group
                    .as_deref()
                    .unwrap_or("{resourceGroupName}"),
            ),
        )
    }

    fn written(&self, subscription: Option<&str>, resource_group: Option<&str>) -> String {
        let mut text = String::new();
        if let Some(subscription) = subscription {
            text.push_str("/subscriptions/");
            text.push_str(subscription);
        }
        if let Some(resource_group) = resource_group {
            text.push_str("/resourceGroups/");
            text.push_str(resource_group);
        }
        text.push_str("/providers/");
        text.push_str(PROVIDER);
        for (segment, name) in self.kind.segments().iter().zip(&self.names) {
            text.push('/');
            text.push_str(segment);
            text.push('/');
            text.push_str(name);
        }
        text
    }
}

impl ResourceId {
    /// The id of a resource of a type with one segment.
    #[must_use]
    pub fn new(place: &Place, kind: AzureType, name: &str) -> Self {
        Self::Named(NamedId {
            subscription: place.subscription.clone(),
            resource_group: place.resource_group.clone(),
            kind,
            names: vec![name.to_owned()],
        })
    }

    /// The id of a child of this resource. The child of a verbatim id is verbatim too.
    #[must_use]
    pub fn child(&self, kind: AzureType, name: &str) -> Self {
        match self {
            Self::Named(parent) => {
                let mut id = parent.clone();
                id.kind = kind;
                id.names.push(name.to_owned());
                Self::Named(id)
            }
            Self::Verbatim(parent) => {
                let segment = kind.segments().last().copied().unwrap_or_default();
                Self::Verbatim(format!("{parent}/{segment}/{name}"))
            }
        }
    }

    /// Takes an id apart. Its fixed words are read in any case, because ARM ids compare without
    /// case; leading parts may be missing; whatever else it is stays verbatim.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        parse_named(text).map_or_else(|| Self::Verbatim(text.to_owned()), Self::Named)
    }

    /// The complete ARM id, if everything it needs is known.
    #[must_use]
    pub fn full(&self) -> Option<String> {
        match self {
            Self::Named(id) => id.full(),
            Self::Verbatim(text) => Some(text.clone()),
        }
    }

    /// The id as far as it is known: see [`NamedId::text`].
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Named(id) => id.text(),
            Self::Verbatim(text) => text.clone(),
        }
    }

    /// The complete id, or one with visible holes: see [`NamedId::with_placeholders`].
    #[must_use]
    pub fn with_placeholders(&self) -> String {
        match self {
            Self::Named(id) => id.with_placeholders(),
            Self::Verbatim(text) => text.clone(),
        }
    }

    /// The resource's own name: the last one of the id.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named(id) => id.names.last().map_or("", String::as_str),
            Self::Verbatim(text) => text.rsplit('/').next().unwrap_or_default(),
        }
    }

    /// The names of the whole path, parent first: one for a top-level resource.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Named(id) => id.names.clone(),
            Self::Verbatim(_) => vec![self.name().to_owned()],
        }
    }

    /// The resource's parent, if it is a child.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Named(id) => {
                let kind = match id.kind {
                    AzureType::RuleCollectionGroup => AzureType::FirewallPolicy,
                    AzureType::SecurityRule => AzureType::NetworkSecurityGroup,
                    _ => return None,
                };
                let name = id.names.first()?.clone();
                Some(Self::Named(NamedId {
                    kind,
                    names: vec![name],
                    ..id.clone()
                }))
            }
            Self::Verbatim(_) => None,
        }
    }

    /// Two ids with equal keys name the same resource: ARM compares without case.
    #[must_use]
    pub fn key(&self) -> String {
        self.text().to_ascii_lowercase()
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

fn parse_named(text: &str) -> Option<NamedId> {
    let mut parts = text.strip_prefix('/')?.split('/').peekable();
    let mut after = |word: &str| {
        parts.next_if(|part| part.eq_ignore_ascii_case(word))?;
        parts.next().map(str::to_owned)
    };
    let subscription = after("subscriptions");
    let resource_group = after("resourceGroups");
    if !after("providers")?.eq_ignore_ascii_case(PROVIDER) {
        return None;
    }
    let rest: Vec<&str> = parts.collect();
    let mut kind = PROVIDER.to_owned();
    let mut names = Vec::new();
    for pair in rest.chunks(2) {
        let [segment, name] = pair else { return None };
        if name.is_empty() {
            return None;
        }
        kind.push('/');
        kind.push_str(segment);
        names.push((*name).to_owned());
    }
    let complete = |part: &Option<String>| part.as_ref().is_none_or(|part| !part.is_empty());
    if !complete(&subscription) || !complete(&resource_group) {
        return None;
    }
    Some(NamedId {
        subscription,
        resource_group,
        kind: AzureType::from_full(&kind)?,
        names,
    })
}

/// A reference to another resource inside a shape. In JSON it is the id's text; in a tree it
/// stays a reference, so that each wrapper can write it in its own way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference(pub ResourceId);

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // INVARIANT: `ResourceId::parse` reads back what `text` writes (tested below).
        serializer.serialize_newtype_struct(REFERENCE, &self.0.text())
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(ResourceId::parse(&text)))
    }
}

impl From<ResourceId> for Reference {
    fn from(id: ResourceId) -> Self {
        Self(id)
    }
}

/// `{ "id": ... }`: the object that most references of Azure are wrapped in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubResource {
    /// The resource referred to.
    pub id: Reference,
}

impl From<ResourceId> for SubResource {
    fn from(id: ResourceId) -> Self {
        Self { id: Reference(id) }
    }
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

    fn place(subscription: Option<&str>, group: Option<&str>) -> Place {
        Place {
            subscription: subscription.map(str::to_owned),
            resource_group: group.map(str::to_owned),
            location: None,
        }
    }

    #[test]
    fn the_text_of_an_id_reads_back_at_every_degree_of_completeness() {
        for subscription in [None, Some("0-1")] {
            for group in [None, Some("rg-a")] {
                let policy = ResourceId::new(
                    &place(subscription, group),
                    AzureType::FirewallPolicy,
                    "afwp-hub",
                );
                let child = policy.child(AzureType::RuleCollectionGroup, "pc-30");
                assert_eq!(ResourceId::parse(&policy.text()), policy);
                assert_eq!(ResourceId::parse(&child.text()), child);
                assert_eq!(child.parent(), Some(policy));
            }
        }
    }

    #[test]
    fn only_a_complete_id_is_full() {
        let known = ResourceId::new(&place(Some("s"), Some("g")), AzureType::IpGroup, "ipg");
        assert_eq!(
            known.full().as_deref(),
            Some("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/ipg")
        );
        let unknown = ResourceId::new(&place(None, Some("g")), AzureType::IpGroup, "ipg");
        assert_eq!(unknown.full(), None);
        assert!(unknown.with_placeholders().contains("{subscriptionId}"));
    }

    #[test]
    fn fixed_words_are_read_in_any_case_and_foreign_ids_stay_verbatim() {
        let odd = "/Subscriptions/s/resourcegroups/g/providers/microsoft.network/IPGROUPS/Ipg";
        assert!(matches!(ResourceId::parse(odd), ResourceId::Named(id) if id.names == ["Ipg"]));
        for foreign in [
            "",
            "ipg",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualHubs/h",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups",
            "/subscriptions//resourceGroups/g/providers/Microsoft.Network/ipGroups/x",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/ipGroups/x",
        ] {
            assert_eq!(
                ResourceId::parse(foreign),
                ResourceId::Verbatim(foreign.to_owned())
            );
        }
    }
}
