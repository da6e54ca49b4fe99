//! Sets of addresses in the policy's own words: what is declared, what it mentions, differences of
//! these, and only then plain prefixes. The same set has the same name in every run.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::Policy;
use crate::model::address::{AddressSet, Family};
use crate::model::asked::Asked;
use crate::model::endpoint::Endpoint;
use crate::model::internet::{platform, public};
use crate::path::Fabric;

/// Terms of a label that are shown to people.
const SHOWN: usize = 4;

/// Supersets that are tried for a name with `except`.
const TRIED: usize = 6;

/// A set of addresses in words: the first terms without the second.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// A union.
    pub terms: Vec<String>,
    /// What is taken from it.
    pub except: Vec<String>,
}

impl Label {
    /// The same with long lists cut; how many are left out is said.
    #[must_use]
    pub fn short(&self) -> String {
        self.text(SHOWN)
    }

    fn text(&self, most: usize) -> String {
        let list = |terms: &[String]| match terms {
            [] => "nothing".to_owned(),
            [one] => one.clone(),
            several if several.len() <= most => format!("[{}]", several.join(", ")),
            several => {
                let first: Vec<&str> = several.iter().take(most).map(String::as_str).collect();
                format!("[{}, and {} more]", first.join(", "), several.len() - most)
            }
        };
        let mut out = list(&self.terms);
        if !self.except.is_empty() {
            out.push_str(" except ");
            out.push_str(&list(&self.except));
        }
        out
    }
}

/// The whole of it, as an endpoint expression unless `on-premises of` stands in it.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(usize::MAX))
    }
}

/// Named sets in one family, or in both.
#[derive(Debug, Default)]
struct Shelf {
    /// Name and set, the preferred first; a set is here once.
    all: Vec<(String, AddressSet)>,
    exact: BTreeMap<AddressSet, usize>,
    /// Indices by size, the largest first.
    by_size: Vec<usize>,
}

impl Shelf {
    fn add(&mut self, name: &str, set: AddressSet) {
        if set.is_empty() || self.exact.contains_key(&set) {
            return;
        }
        self.exact.insert(set.clone(), self.all.len());
        self.all.push((name.to_owned(), set));
    }

    fn close(&mut self) {
        let mut order: Vec<(u128, usize)> = self
            .all
            .iter()
            .enumerate()
            .map(|(at, (_, set))| (size(set), at))
            .collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.by_size = order.into_iter().map(|(_, at)| at).collect();
    }

    fn set(&self, at: usize) -> AddressSet {
        self.all
            .get(at)
            .map_or_else(AddressSet::empty, |(_, set)| set.clone())
    }

    /// A union of names, and of prefixes for what is left.
    fn union(&self, set: &AddressSet) -> Union {
        if let Some(at) = self.exact.get(set) {
            return Union::new(vec![*at], AddressSet::empty());
        }
        let mut used: Vec<(usize, AddressSet)> = Vec::new();
        let mut rest = set.clone();
        for at in &self.by_size {
            if rest.is_empty() {
                break;
            }
            let Some((_, own)) = self.all.get(*at) else {
                continue;
            };
            if may_hold(set, own) && own.is_subset(set) && own.meets(&rest) {
                used.push((*at, rest.intersect(own)));
                rest = rest.subtract(own);
            }
        }
        // A name that tears an interval apart says less than the interval.
        let mut kept: Vec<usize> = Vec::new();
        for (at, part) in used.into_iter().rev() {
            let whole = rest.union(&part);
            if 1 + plain_cost(&rest) > plain_cost(&whole) {
                rest = whole;
            } else {
                kept.push(at);
            }
        }
        Union::new(kept, rest)
    }

    fn label(&self, set: &AddressSet) -> Label {
        let nothing = || Union::new(Vec::new(), AddressSet::empty());
        let plainly = Union::new(Vec::new(), set.clone());
        let mut best = (self.union(set), nothing());
        if best.0.cost() <= 1 {
            return self.text(&best.0, &best.1);
        }
        // The smallest that hold it, and the largest, which is `any`.
        let around = self.by_size.iter().rev().filter(|at| {
            let found = self.all.get(**at);
            found.is_some_and(|(_, own)| may_hold(own, set) && set.is_subset(own))
        });
        let around: Vec<usize> = around.copied().collect();
        let mut tried: Vec<Vec<usize>> = around.iter().take(TRIED).map(|at| vec![*at]).collect();
        tried.extend(around.last().map(|at| vec![*at]));
        tried.push(self.mostly(set));
        for base in tried {
            let whole = base
                .iter()
                .fold(AddressSet::empty(), |all, at| all.union(&self.set(*at)));
            let mut terms = self.union(&set.subtract(&whole));
            terms.names.extend(base);
            let label = (terms, self.union(&whole.subtract(set)));
            // Two sets of one name tell nothing apart.
            let named = |at: &usize| self.all.get(*at).map(|(name, _)| name);
            let twice = |at: &usize| label.0.names.iter().any(|own| named(own) == named(at));
            if label.1.names.iter().any(twice) {
                continue;
            }
            let nameless = best.0.names.is_empty();
            if cost(&label) < cost(&best) || nameless && cost(&label) == cost(&best) {
                best = label;
            }
        }
        if plainly.cost() < cost(&best) {
            best = (plainly, nothing());
        }
        self.text(&best.0, &best.1)
    }

    /// The largest sets of which more than a half is in the set.
    fn mostly(&self, set: &AddressSet) -> Vec<usize> {
        let mut out = Vec::new();
        let mut whole = AddressSet::empty();
        for at in &self.by_size {
            let Some((_, own)) = self.all.get(*at) else {
                continue;
            };
            if own.meets(set) && size(&own.intersect(set)) > size(own) / 2 && !own.is_subset(&whole)
            {
                whole = whole.union(own);
                out.push(*at);
            }
        }
        out
    }

    fn text(&self, terms: &Union, except: &Union) -> Label {
        let texts = |union: &Union| {
            let mut names = union.names.clone();
            names.sort_unstable();
            let names = names.iter().filter_map(|at| self.all.get(*at));
            let mut out: Vec<String> = names.map(|(name, _)| name.clone()).collect();
            out.extend(plain(&union.rest));
            out
        };
        Label {
            terms: texts(terms),
            except: texts(except),
        }
    }
}

/// Names by index, and addresses that have none.
#[derive(Clone, Debug)]
struct Union {
    names: Vec<usize>,
    rest: AddressSet,
}

impl Union {
    fn new(names: Vec<usize>, rest: AddressSet) -> Self {
        Self { names, rest }
    }

    /// How long it reads.
    fn cost(&self) -> usize {
        self.names.len() + plain_cost(&self.rest)
    }
}

fn cost(label: &(Union, Union)) -> usize {
    let except = label.1.cost();
    label.0.cost() + except + usize::from(except > 0)
}

/// A prefix says half as much as a name, a range less.
fn plain_cost(set: &AddressSet) -> usize {
    let families = [Family::V4, Family::V6].into_iter();
    let all = families.flat_map(|family| set.intervals(family));
    let is_prefix = |(first, last): &(u128, u128)| {
        let size = last - first;
        size & size.wrapping_add(1) == 0 && first & size == 0
    };
    all.map(|own| if is_prefix(own) { 2 } else { 3 }).sum()
}

/// What sets of addresses are called in one environment.
#[derive(Debug, Default)]
pub struct Names {
    both: Shelf,
    v4: Shelf,
    v6: Shelf,
}

impl Names {
    /// The names of an environment; those of endpoints and parameters come with a question. Preferred
    /// are `any`, endpoints, subnets, virtual networks, firewalls, IP groups, what lies on-premises,
    /// `tag(Internet)`, the service tags that the policy mentions, and parameters, in this order.
    #[must_use]
    pub fn new(fabric: &Fabric<'_>, asked: Option<&Asked>) -> Self {
        let policy = fabric.policy;
        let mut out = Self::default();
        out.add("any", &AddressSet::all());
        if !fabric.names_platform() {
            // Then `any` does not speak of the platform's addresses.
            out.add("any", &AddressSet::all().subtract(&platform()));
        }
        // What the root module declares comes first: its names are shorter.
        let by_depth = |map: &BTreeMap<String, Endpoint>| {
            let mut list: Vec<(usize, String, AddressSet)> = map
                .iter()
                .filter_map(|(key, e)| {
                    Some((key.matches("::").count(), key.clone(), known(fabric, e)?))
                })
                .collect();
            list.sort();
            list
        };
        for (_, key, set) in asked.iter().flat_map(|a| by_depth(&a.endpoints)) {
            out.add(&key, &set);
        }
        for (key, subnet) in &policy.subnets {
            out.add(key, &subnet.prefix);
        }
        for (key, vnet) in &policy.vnets {
            out.add(key, &vnet.space);
        }
        for (key, firewall) in &policy.firewalls {
            if let Some(ip) = firewall.private_ip {
                out.add(key, &AddressSet::range(ip.into(), ip.into()));
            }
        }
        for (key, group) in &policy.ip_groups {
            // `ip-group(...)` takes a name of the module that it stands in.
            if !group.addresses.is_empty() && !key.contains("::") {
                out.add(&format!("ip-group({key})"), &group.addresses);
            }
        }
        for (key, vnet) in &policy.vnets {
            out.add(&format!("on-premises of {key}"), &vnet.on_premises);
        }
        out.add("tag(Internet)", &fabric.internet);
        for tag in tags(policy, asked) {
            out.add(&format!("tag({tag})"), &fabric.tag(tag));
        }
        for (_, key, set) in asked.iter().flat_map(|a| by_depth(&a.parameters)) {
            out.add(&key, &set);
        }
        for shelf in [&mut out.both, &mut out.v4, &mut out.v6] {
            shelf.close();
        }
        out
    }

    /// The names that every environment has: `any`, `tag(Internet)`.
    #[must_use]
    pub fn bare() -> Self {
        let mut out = Self::default();
        out.add("any", &AddressSet::all());
        out.add("any", &AddressSet::all().subtract(&platform()));
        out.add("tag(Internet)", &public());
        for shelf in [&mut out.both, &mut out.v4, &mut out.v6] {
            shelf.close();
        }
        out
    }

    fn add(&mut self, name: &str, set: &AddressSet) {
        self.both.add(name, set.clone());
        self.v4.add(name, set.only(Family::V4));
        self.v6.add(name, set.only(Family::V6));
    }

    /// What a set is called.
    #[must_use]
    pub fn label(&self, set: &AddressSet) -> Label {
        self.both.label(set)
    }

    /// The terms of what a set is called, each with what it stands for; addresses without a name are one
    /// term, and so is a set of which something is left out.
    #[must_use]
    pub fn parts(&self, set: &AddressSet) -> Vec<(Label, AddressSet)> {
        let label = self.both.label(set);
        if !label.except.is_empty() {
            return vec![(label, set.clone())];
        }
        let of = |term: &String| {
            let found = self.both.all.iter().find(|(name, _)| name == term);
            found.map(|(_, own)| own.intersect(set))
        };
        let mut out = Vec::new();
        let mut rest = set.clone();
        for term in &label.terms {
            if let Some(own) = of(term) {
                rest = rest.subtract(&own);
                let terms = vec![term.clone()];
                let except = Vec::new();
                out.push((Label { terms, except }, own));
            }
        }
        if !rest.is_empty() {
            let terms = plain(&rest);
            let except = Vec::new();
            out.push((Label { terms, except }, rest));
        }
        out
    }

    /// What a set is called beside another one at the other end: no packet has ends of two families,
    /// so what the other end lacks a family for is of no account.
    #[must_use]
    pub fn label_beside(&self, set: &AddressSet, other: &AddressSet) -> Label {
        let has = |set: &AddressSet, family| !set.intervals(family).is_empty();
        let both = |family| has(set, family) && has(other, family);
        match (both(Family::V4), both(Family::V6)) {
            (true, false) => self.v4.label(&set.only(Family::V4)),
            (false, true) => self.v6.label(&set.only(Family::V6)),
            _ => self.both.label(set),
        }
    }
}

/// The addresses of an endpoint that is nothing but addresses which are the same from everywhere.
fn known(fabric: &Fabric<'_>, e: &Endpoint) -> Option<AddressSet> {
    let fixed = !e.any
        && !e.virtual_network
        && !e.has_names()
        && e.asgs.is_empty()
        && e.ip_groups.values().all(Option::is_some);
    let set = fabric.addresses(e, None);
    (fixed && !set.is_empty()).then_some(set)
}

fn tags<'p>(policy: &'p Policy, asked: Option<&'p Asked>) -> Vec<&'p str> {
    let flows = policy.flows.iter().flat_map(|f| [&f.from, &f.to]);
    let routes = policy.routes.iter().map(|r| &r.to);
    let dnats = policy.dnats.iter().map(|d| &d.from);
    let asked = asked.into_iter().flat_map(|a| [&a.from, &a.to]);
    let mut out: Vec<&str> = flows
        .chain(routes)
        .chain(dnats)
        .chain(asked)
        .flat_map(|e| &e.tags)
        .map(String::as_str)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Whether one can be a subset of the other, by their ends alone.
fn may_hold(outer: &AddressSet, inner: &AddressSet) -> bool {
    [Family::V4, Family::V6].into_iter().all(|family| {
        let (out, own) = (outer.intervals(family), inner.intervals(family));
        match (out.first(), out.last(), own.first(), own.last()) {
            (Some(a), Some(b), Some(c), Some(d)) => a.0 <= c.0 && d.1 <= b.1,
            (_, _, own, _) => own.is_none(),
        }
    })
}

fn size(set: &AddressSet) -> u128 {
    set.count(Family::V4).saturating_add(set.count(Family::V6))
}

/// Every interval as a prefix, or as a range where it is none.
fn plain(set: &AddressSet) -> Vec<String> {
    let mut out = Vec::new();
    for family in [Family::V4, Family::V6] {
        for (first, last) in set.intervals(family) {
            let own = AddressSet::from_intervals(family, vec![(*first, *last)]);
            out.push(match own.to_prefixes().as_slice() {
                [one] if one.prefix_len() == one.max_prefix_len() => one.addr().to_string(),
                [one] => one.to_string(),
                _ => format!("{}-{}", address(family, *first), address(family, *last)),
            });
        }
    }
    out
}

fn address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        Family::V6 => Ipv6Addr::from(number).into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn set(texts: &[&str]) -> AddressSet {
        AddressSet::prefixes(texts.iter().map(|t| t.parse().unwrap()))
    }

    fn names() -> Names {
        let mut out = Names::default();
        out.add("any", &AddressSet::all());
        out.add("web", &set(&["10.0.0.0/24"]));
        out.add("data", &set(&["10.0.1.0/24"]));
        out.add("hub", &set(&["10.0.0.0/16"]));
        out.add("two", &set(&["10.9.0.0/24", "fd00::/64"]));
        for shelf in [&mut out.both, &mut out.v4, &mut out.v6] {
            shelf.close();
        }
        out
    }

    #[test]
    fn sets_are_called_by_what_is_declared() {
        let names = names();
        let text = |s: &AddressSet| names.label(s).to_string();
        assert_eq!(text(&AddressSet::all()), "any");
        assert_eq!(text(&set(&["10.0.0.0/16"])), "hub");
        assert_eq!(text(&set(&["10.0.0.0/23"])), "[web, data]");
        assert_eq!(
            text(&set(&["10.0.0.0/24", "10.7.0.0/16"])),
            "[web, 10.7.0.0/16]"
        );
        let hub = set(&["10.0.0.0/16"]);
        assert_eq!(
            text(&hub.subtract(&set(&["10.0.0.0/24"]))),
            "hub except web"
        );
        assert_eq!(
            text(&AddressSet::all().subtract(&set(&["10.0.0.0/23"]))),
            "any except [web, data]"
        );
        assert_eq!(text(&set(&["10.1.0.0/16"])), "10.1.0.0/16");
        assert_eq!(text(&set(&["10.0.0.7/32"])), "10.0.0.7");
        let range = AddressSet::range("10.3.0.1".parse().unwrap(), "10.3.0.6".parse().unwrap());
        assert_eq!(text(&range), "10.3.0.1-10.3.0.6");
        assert_eq!(text(&AddressSet::empty()), "nothing");
    }

    #[test]
    fn a_family_that_the_other_end_lacks_does_not_count() {
        let names = names();
        let v4 = set(&["10.9.0.0/24"]);
        let beside = |s: &AddressSet, o: &AddressSet| names.label_beside(s, o).to_string();
        assert_eq!(beside(&v4, &set(&["10.0.0.0/24"])), "two");
        assert_eq!(names.label(&v4).to_string(), "10.9.0.0/24");
        assert_eq!(beside(&set(&["0.0.0.0/0"]), &v4), "any");
    }

    #[test]
    fn long_lists_are_cut_for_people() {
        let many = set(&[
            "10.20.0.0/24",
            "10.22.0.0/24",
            "10.24.0.0/24",
            "10.26.0.0/24",
            "10.28.0.0/24",
            "10.30.0.0/24",
            "10.32.0.0/24",
        ]);
        let label = names().label(&many);
        assert!(
            label.short().ends_with("10.26.0.0/24, and 3 more]"),
            "{}",
            label.short()
        );
        assert!(label.to_string().ends_with("10.32.0.0/24]"));
    }
}
