//! What the rooms' readers share: places in JSON with lenient look-up, what the words of a resource
//! stand for, and addresses and ports as Azure writes them. It knows no resource type.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;
use serde_json::Value;

use crate::catalog::{Catalog, TagKind};
use crate::model::address::AddressSet;
use crate::model::internet::public;
use crate::model::service::PortSet;
use crate::packet::{Addresses, Symbol};

use super::resource::Resource;
use super::tree::Tree;

/// Why a resource cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Unreadable {
    /// Where: `nsg-a.properties.securityRules[3].properties.protocol`.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

/// What the words of a resource stand for: service tags and IP groups.
pub struct World<'a> {
    catalog: Option<&'a Catalog>,
    /// By lower-case name; the ones that were told come before the catalogue's.
    tags: RefCell<BTreeMap<String, Option<Rc<AddressSet>>>>,
    /// By lower-case id, and by lower-case name.
    ip_groups: BTreeMap<String, Option<Rc<AddressSet>>>,
    /// Names of groups whose complete id was told: another complete id is another group.
    placed: BTreeSet<String>,
    public: AddressSet,
}

/// What an IP group holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// These addresses.
    Known(Rc<AddressSet>),
    /// Nobody told.
    Unknown(Symbol),
}

impl<'a> World<'a> {
    /// A world in which service tags hold what a catalogue says.
    #[must_use]
    pub fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog: Some(catalog),
            ..Self::unknown()
        }
    }

    /// A world in which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            catalog: None,
            tags: RefCell::new(BTreeMap::new()),
            ip_groups: BTreeMap::new(),
            placed: BTreeSet::new(),
            public: public(),
        }
    }

    /// Says what a service tag holds; `None` if that is not known.
    pub fn set_tag(&mut self, name: &str, addresses: Option<AddressSet>) {
        let known = addresses.map(Rc::new);
        self.tags.borrow_mut().insert(name.to_lowercase(), known);
    }

    /// Says what an IP group holds, by its id and its name; `None` if it is only referred to.
    pub fn set_ip_group(&mut self, id: Option<&str>, name: &str, addresses: Option<AddressSet>) {
        let known = addresses.map(Rc::new);
        if let Some(id) = id {
            self.ip_groups.insert(id.to_lowercase(), known.clone());
            if name_after(id, "subscriptions").is_some() {
                self.placed.insert(name.to_lowercase());
            }
        }
        self.ip_groups.insert(name.to_lowercase(), known);
    }

    /// The addresses of a service tag, by its name in any case. The special tags have none here:
    /// what they stand for is the reader's business.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<Rc<AddressSet>> {
        let key = name.to_lowercase();
        if let Some(known) = self.tags.borrow().get(&key) {
            return known.clone();
        }
        let known = self
            .catalog
            .and_then(|catalog| catalog.tag(name))
            .filter(|tag| tag.kind() == TagKind::Listed)
            .map(|tag| Rc::new(AddressSet::prefixes(tag.prefixes().iter())));
        self.tags.borrow_mut().insert(key, known.clone());
        known
    }

    /// The prefixes of a service tag as published, where they are known to be that; else what its
    /// addresses make. None if nothing is known of it.
    #[must_use]
    pub fn listed(&self, name: &str) -> Vec<IpNet> {
        let Some(known) = self.tag(name) else {
            return Vec::new();
        };
        let published = self.catalog.and_then(|catalog| catalog.tag(name));
        published
            .map(|tag| tag.listed_prefixes().collect::<Vec<IpNet>>())
            .filter(|nets| AddressSet::prefixes(nets.iter().copied()) == *known)
            .unwrap_or_else(|| known.to_prefixes())
    }

    /// A service tag as one end of a packet: its addresses, or a symbol among public addresses, the
    /// only ones that tags hold ("Virtual network service tags", checked 2026-11-25).
    #[must_use]
    pub fn tag_end(&self, name: &str) -> Addresses {
        match self.tag(name) {
            Some(known) => Addresses::of((*known).clone()),
            None => Addresses {
                known: AddressSet::empty(),
                symbols: BTreeSet::from([Symbol {
                    kind: "service tag",
                    name: name.to_owned(),
                }]),
                within: Some(self.public.clone()),
            },
        }
    }

    /// The content of an IP group: by its id, else by its name.
    #[must_use]
    pub fn ip_group(&self, id: &str) -> Group {
        let name = last_segment(id);
        let elsewhere =
            name_after(id, "subscriptions").is_some() && self.placed.contains(&name.to_lowercase());
        let known = self.ip_groups.get(&id.to_lowercase()).or_else(|| {
            let by_name = self.ip_groups.get(&name.to_lowercase());
            by_name.filter(|_| !elsewhere)
        });
        match known {
            Some(Some(known)) => Group::Known(Rc::clone(known)),
            _ => Group::Unknown(Symbol {
                kind: "ip group",
                name: name.to_owned(),
            }),
        }
    }

    /// Every address that can be public.
    #[must_use]
    pub fn public(&self) -> &AddressSet {
        &self.public
    }
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("catalog", &self.catalog)
            .field("ip_groups", &self.ip_groups.len())
            .finish_non_exhaustive()
    }
}

/// A resource of ours as the JSON that is written: id, name, type, location, tags, zones and properties.
#[must_use]
pub fn resource_value(resource: &Resource) -> Value {
    let mut members = serde_json::Map::new();
    members.insert("id".to_owned(), Value::String(resource.id.text()));
    members.insert("name".to_owned(), Value::String(resource.arm_name()));
    members.insert("type".to_owned(), Value::String(resource.kind.full()));
    if let Some(location) = &resource.location {
        members.insert("location".to_owned(), Value::String(location.clone()));
    }
    if !resource.tags.is_empty() {
        let tags = resource.tags.iter();
        let tags = tags.map(|(k, v)| (k.clone(), Value::String(v.clone())));
        members.insert("tags".to_owned(), Value::Object(tags.collect()));
    }
    if let Some(zones) = &resource.zones {
        members.insert("zones".to_owned(), tree_value(zones));
    }
    members.insert("properties".to_owned(), tree_value(&resource.properties));
    Value::Object(members)
}

/// A tree as JSON; references become the text of their ids.
#[must_use]
pub fn tree_value(tree: &Tree) -> Value {
    match tree {
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Int(number) => Value::from(*number),
        Tree::Str(text) => Value::String(text.clone()),
        Tree::Ref(id) => Value::String(id.text()),
        Tree::List(items) => Value::Array(items.iter().map(tree_value).collect()),
        Tree::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| (key.clone().into_owned(), tree_value(value)))
                .collect(),
        ),
    }
}

/// A place in a resource's JSON. Names of members count in any case; `properties` may be there or
/// flattened into its parent, as the command line prints it.
#[derive(Clone, Debug)]
pub(crate) struct At<'v> {
    /// What stands there.
    pub(crate) value: &'v Value,
    /// How to get there.
    pub(crate) path: String,
}

impl<'v> At<'v> {
    /// A whole resource; its name begins every path.
    pub(crate) fn resource(value: &'v Value) -> Self {
        let name = member(value, "name").and_then(Value::as_str);
        Self {
            value,
            path: name.unwrap_or("resource").to_owned(),
        }
    }

    /// An error here.
    pub(crate) fn fault(&self, reason: impl Into<String>) -> Unreadable {
        Unreadable {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    /// `properties` if that is there, else the same place.
    ///
    /// # Errors
    /// `properties` is no object: what it says nobody knows.
    pub(crate) fn body(&self) -> Result<Self, Unreadable> {
        Ok(self.object("properties")?.unwrap_or_else(|| self.clone()))
    }

    /// A member that is an object.
    ///
    /// # Errors
    /// It is something else: an expression that is not known, as a rule.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Unreadable> {
        let Some(inner) = self.get(name) else {
            return Ok(None);
        };
        if inner.value.is_object() {
            return Ok(Some(inner));
        }
        Err(match inner.value.as_str().and_then(expression) {
            Some(open) => inner.fault(format!("{open} is not known")),
            None => inner.fault("is no object"),
        })
    }

    /// A member that is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let value = member(self.value, name).filter(|value| !value.is_null())?;
        Some(Self {
            value,
            path: format!("{}.{name}", self.path),
        })
    }

    /// The elements of a list; none if it is absent.
    pub(crate) fn items(&self, name: &str) -> Result<Vec<Self>, Unreadable> {
        let Some(list) = self.get(name) else {
            return Ok(Vec::new());
        };
        let Value::Array(items) = list.value else {
            return Err(match list.value.as_str().and_then(expression) {
                Some(open) => list.fault(format!("{open} is not known")),
                None => list.fault("is no list"),
            });
        };
        let at = |(index, value)| Self {
            value,
            path: format!("{}[{index}]", list.path),
        };
        Ok(items.iter().enumerate().map(at).collect())
    }

    /// A text, not empty; a number is read as its digits.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Unreadable> {
        let Some(place) = self.get(name) else {
            return Ok(None);
        };
        let text = place.as_text()?;
        Ok((!text.is_empty()).then_some(text))
    }

    /// A text that has to be there.
    pub(crate) fn needed(&self, name: &str) -> Result<String, Unreadable> {
        self.text(name)?
            .ok_or_else(|| self.fault(format!("has no `{name}`")))
    }

    /// This value as a text.
    pub(crate) fn as_text(&self) -> Result<String, Unreadable> {
        match self.value {
            Value::String(text) => Ok(text.trim().to_owned()),
            Value::Number(number) => Ok(number.to_string()),
            // A reference may stand in an object of its own.
            Value::Object(_) => self
                .text("id")?
                .ok_or_else(|| self.fault("is no text and has no `id`")),
            _ => Err(self.fault("is no text")),
        }
    }

    /// The texts of a list with their places; one text alone is a list of one.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<(String, Self)>, Unreadable> {
        let places = match self.get(name) {
            Some(alone) if alone.value.is_string() => vec![alone],
            _ => self.items(name)?,
        };
        let mut out = Vec::new();
        for place in places {
            let text = place.as_text()?;
            if !text.is_empty() {
                out.push((text, place));
            }
        }
        Ok(out)
    }

    /// The texts of a singular and a plural member together.
    pub(crate) fn one_or_many(
        &self,
        one: &str,
        many: &str,
    ) -> Result<Vec<(String, Self)>, Unreadable> {
        let mut out = self.texts(one)?;
        out.extend(self.texts(many)?);
        Ok(out)
    }

    /// A whole number that has to be there.
    pub(crate) fn number(&self, name: &str) -> Result<u32, Unreadable> {
        let text = self.needed(name)?;
        let wrong = || match expression(&text) {
            Some(open) => self.fault(format!("`{name}`: {open} is not known")),
            None => self.fault(format!("`{name}` is `{text}`, no whole number")),
        };
        text.parse().map_err(|_| wrong())
    }

    /// True or false, also as text.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        let Some(place) = self.get(name) else {
            return Ok(None);
        };
        match place.value {
            Value::Bool(value) => Ok(Some(*value)),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            _ => Err(place.fault("is neither true nor false")),
        }
    }

    /// The name: of a child its own, without its parents'.
    pub(crate) fn name(&self) -> Result<String, Unreadable> {
        Ok(last_segment(&self.needed("name")?).to_owned())
    }

    /// Refuses a member that narrows what is matched and is not among those that are read.
    pub(crate) fn only(&self, starts: &[&str], read: &[&str]) -> Result<(), Unreadable> {
        let Value::Object(members) = self.value else {
            return Err(self.fault("is no object"));
        };
        for (name, value) in members {
            let empty = match value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            let narrows = starts.iter().any(|start| {
                name.get(..start.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(start))
            });
            if !empty && narrows && !read.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return Err(self.fault(format!("`{name}` is not understood")));
            }
        }
        Ok(())
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        members
            .iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

/// The last segment of an id, or of a `parent/child` name.
pub(crate) fn last_segment(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}

/// The name that follows a segment of an id: of `firewallPolicies`, the policy's.
pub(crate) fn name_after<'i>(id: &'i str, segment: &str) -> Option<&'i str> {
    let mut segments = id.split('/');
    segments.find(|s| s.eq_ignore_ascii_case(segment))?;
    segments.next()
}

/// An address, a prefix (host bits do not count) or a range `a-b`.
pub(crate) fn literal(text: &str) -> Option<AddressSet> {
    let text = text.trim();
    if text.contains('/') {
        return text.parse::<IpNet>().ok().map(AddressSet::prefix);
    }
    if let Some((first, last)) = text.split_once('-') {
        let first: IpAddr = first.trim().parse().ok()?;
        let last: IpAddr = last.trim().parse().ok()?;
        let set = AddressSet::range(first, last);
        return (!set.is_empty()).then_some(set);
    }
    let address: IpAddr = text.parse().ok()?;
    Some(AddressSet::range(address, address))
}

/// A text of a template that nobody could evaluate, as something unknown. What begins with a bracket
/// is no address, port, protocol or name.
pub(crate) fn expression(text: &str) -> Option<Symbol> {
    (text.starts_with('[') && text.ends_with(']')).then(|| Symbol {
        kind: "expression",
        name: text.to_owned(),
    })
}

/// Whether a text can be the name of a service tag.
pub(crate) fn is_tag_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// `80`, `1000-2000` or `*`.
pub(crate) fn port_range(text: &str, place: &At<'_>) -> Result<(u16, u16), Unreadable> {
    if text == "*" {
        return Ok((0, u16::MAX));
    }
    let wrong = || place.fault(format!("`{text}` is no port and no range of ports"));
    let number = |part: &str| part.trim().parse::<u16>().map_err(|_| wrong());
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    if first > last {
        return Err(wrong());
    }
    Ok((first, last))
}

/// The ports of a list.
pub(crate) fn port_set(texts: &[(String, At<'_>)]) -> Result<PortSet, Unreadable> {
    let mut ranges = Vec::new();
    for (text, place) in texts {
        ranges.push(port_range(text, place)?);
    }
    Ok(PortSet::from_ranges(&ranges))
}

/// One end of a rule while it is read: known addresses, and symbols by where their addresses lie.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    /// Addresses that are surely in.
    pub(crate) known: AddressSet,
    symbols: BTreeMap<Option<AddressSet>, BTreeSet<Symbol>>,
}

impl End {
    /// Every address.
    pub(crate) fn any() -> Self {
        Self::of(AddressSet::all())
    }

    /// These addresses.
    pub(crate) fn of(known: AddressSet) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    /// Adds addresses.
    pub(crate) fn add(&mut self, addresses: &AddressSet) {
        self.known.add(addresses);
    }

    /// Adds addresses and symbols.
    pub(crate) fn join(&mut self, other: &Addresses) {
        self.add(&other.known);
        for symbol in &other.symbols {
            self.add_symbol(symbol.clone(), other.within.clone());
        }
    }

    /// Adds something that nobody told, and where its addresses can lie.
    pub(crate) fn add_symbol(&mut self, symbol: Symbol, within: Option<AddressSet>) {
        self.symbols.entry(within).or_default().insert(symbol);
    }

    /// Takes addresses away.
    pub(crate) fn remove(&mut self, addresses: &AddressSet) {
        self.known = self.known.subtract(addresses);
        let symbols = std::mem::take(&mut self.symbols);
        for (within, symbols) in symbols {
            let left = within.unwrap_or_else(AddressSet::all).subtract(addresses);
            if !left.is_empty() {
                self.symbols.entry(Some(left)).or_default().extend(symbols);
            }
        }
    }

    /// Whether nothing can be in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.symbols.is_empty()
    }

    /// As a union of ends of regions: the known addresses are in each.
    pub(crate) fn parts(&self) -> Vec<Addresses> {
        if self.symbols.is_empty() {
            if self.known.is_empty() {
                return Vec::new();
            }
            return vec![Addresses::of(self.known.clone())];
        }
        self.symbols
            .iter()
            .map(|(within, symbols)| Addresses {
                known: self.known.clone(),
                symbols: symbols.clone(),
                within: within.clone(),
            })
            .collect()
    }

    /// The same addresses, of which none is sure: something else has to hold that nobody told.
    pub(crate) fn doubted(&self, doubt: &Symbol) -> Self {
        let mut out = Self::default();
        if !self.known.is_empty() {
            let all = self.known == AddressSet::all();
            let within = (!all).then(|| self.known.clone());
            out.add_symbol(doubt.clone(), within);
        }
        for (within, symbols) in &self.symbols {
            let entry = out.symbols.entry(within.clone()).or_default();
            entry.extend(symbols.iter().cloned());
            entry.insert(doubt.clone());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::catalog::Cloud;
    use serde_json::json;

    #[test]
    fn literals_are_addresses_prefixes_and_ranges() {
        let set = |text: &str| literal(text).unwrap();
        assert_eq!(set("10.1.2.3/16"), set("10.1.0.0-10.1.255.255"));
        assert_eq!(set("fd00::1").to_prefixes()[0].to_string(), "fd00::1/128");
        for bad in ["", "*", "Storage", "10.0.0.0/33", "10.0.0.9-10.0.0.1"] {
            assert_eq!(literal(bad), None, "{bad}");
        }
        assert!(is_tag_name("AzureCloud.westeurope"));
        assert!(!is_tag_name("10.0.0.0/33"));
        assert!(!is_tag_name("fd00::zz"));
    }

    #[test]
    fn members_are_found_in_any_case_and_without_their_wrapper() {
        let value =
            json!({"Name": "a/b", "list": ["x", 7, {"id": "/z"}], "one": "y", "empty": null});
        let at = At::resource(&value);
        assert_eq!(at.path, "a/b");
        assert_eq!(at.name().unwrap(), "b");
        let texts: Vec<String> = at.texts("LIST").unwrap().into_iter().map(|t| t.0).collect();
        assert_eq!(texts, ["x", "7", "/z"]);
        assert_eq!(at.one_or_many("one", "list").unwrap().len(), 4);
        assert!(at.body().unwrap().get("empty").is_none());
        assert_eq!(
            at.items("one").unwrap_err().to_string(),
            "a/b.one: is no list"
        );
    }

    #[test]
    fn what_is_told_comes_before_the_catalogue() {
        let mut world = World::new(Catalog::embedded(Cloud::Public));
        assert!(world.tag("storage.WESTUS").is_some());
        assert_eq!(world.tag("Internet"), None);
        assert_eq!(world.tag("NoSuchTag"), None);
        assert!(world.tag_end("NoSuchTag").within.is_some());
        let set = literal("20.1.1.1").unwrap();
        world.set_tag("Storage.WestUS", Some(set.clone()));
        assert_eq!(world.tag("storage.WESTUS").as_deref(), Some(&set));
        world.set_ip_group(Some("/sub/ipGroups/G"), "G", Some(set.clone()));
        world.set_ip_group(None, "H", None);
        let known = Group::Known(Rc::new(set));
        assert_eq!(world.ip_group("/SUB/ipGroups/g"), known);
        assert_eq!(world.ip_group("/other/ipGroups/g"), known);
        assert!(matches!(world.ip_group("h"), Group::Unknown(_)));
        // Of one name in two places, each is its own.
        let id = |place: &str| format!("/subscriptions/{place}/ipGroups/p");
        let other = literal("20.2.2.2").unwrap();
        world.set_ip_group(Some(&id("a")), "p", Some(other.clone()));
        let known = Group::Known(Rc::new(other));
        assert_eq!(world.ip_group(&id("A")), known);
        assert_eq!(world.ip_group("p"), known);
        assert!(matches!(world.ip_group(&id("b")), Group::Unknown(_)));
    }

    #[test]
    fn what_narrows_and_is_not_read_is_refused() {
        let value = json!({"name": "r", "sourceAddresses": ["*"], "sourceGeoLocations": ["FR"], "etag": "x"});
        let at = At::resource(&value);
        let fault = at.only(&["source"], &["sourceAddresses"]).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "r: `sourceGeoLocations` is not understood"
        );
    }
}
