//! From chosen resources to the network that they make: one subnet that every packet comes from and
//! goes to, with the layers that are asked and no others. What a resource does is read by the rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use crate::backends::firewall_rules::{FirewallMeaning, Infrastructure};
use crate::backends::meaning::{Unreadable, World, literal};
use crate::backends::reading::nsg::Surroundings;
use crate::backends::reading::udr::{NextHop, Routes};
use crate::backends::reading::{Direction, classic_firewall, firewall_policy, ip_group, nsg, udr};
use crate::catalog::Catalog;
use crate::diag::Diagnostic;
use crate::model::address::AddressSet;
use crate::model::internet::{platform, private, public, unique_local};
use crate::packet::{Dimension, Filter};
use crate::path::routes::Target;
use crate::path::{HopClass, Surround};
use crate::reach::merge::Single;
use crate::reach::{Firewall, Gate, Network, Site, Table};

use super::choose::{Chosen, Wall, base, body, leaves, policy_of};
use super::definitions::{Definition, Definitions};
use super::kind::Kind;
use super::{member, vnets};

/// What is asked, and what is known beside the resources.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The resources.
    pub all: &'a Definitions,
    /// What service tags hold.
    pub catalog: &'a Catalog,
    /// The virtual network's address space; empty if nobody told.
    pub space: &'a AddressSet,
}

/// The network of foreign definitions.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// What packets meet.
    pub network: Network,
    /// Somebody told the address space of the virtual network.
    pub(super) space_known: bool,
    /// Of that space, or of the peers', a part is known.
    pub(super) partly: bool,
    /// The appliance of the routes that is taken for the firewall, in words.
    pub(super) taken: Option<String>,
    /// What every answer takes for granted.
    pub(super) granted: Vec<String>,
    /// Routes for service tags of which nobody told what they hold.
    pub(super) open_routes: Vec<(String, HopClass)>,
}

impl Foreign {
    /// What every answer takes for granted.
    #[must_use]
    pub fn assumed(&self) -> Vec<String> {
        let mut out = self.granted.clone();
        out.extend(self.taken.clone());
        let routed = self.network.sites.iter().any(|s| s.straight.is_none());
        if routed && !self.space_known {
            let told = if self.partly {
                "only a part of the address space of the virtual network and its peers is known: `--vnet` says all of it"
            } else {
                "nobody told the address space of the virtual network: `--vnet` does"
            };
            out.push(told.to_owned());
        }
        for (tag, _) in &self.open_routes {
            out.push(format!(
                "a route for the service tag `{tag}` is left out: nobody told what it holds"
            ));
        }
        out
    }
}

/// The network that the chosen resources make.
///
/// # Errors
/// One of them is not understood.
pub fn network(setting: &Setting<'_>, chosen: &Chosen) -> Result<Foreign, Box<Diagnostic>> {
    let world = world(setting)?;
    let reader = Reader::new(setting, &world, chosen);
    let told = |why: Unreadable| Box::new(setting.all.fault(&why));
    let mut out = Foreign {
        space_known: reader.space_known,
        partly: reader.partly,
        ..Foreign::default()
    };
    let mut wall = None;
    if let Some(chosen) = &chosen.firewall {
        wall = Some(reader.firewall(chosen).map_err(told)?);
    }
    let mut site = Site {
        name: "source".to_owned(),
        prefix: AddressSet::all().subtract(&platform()),
        // Where the space is not known a route into it may lead anywhere.
        space: if reader.space_known {
            reader.space.clone()
        } else {
            AddressSet::all()
        },
        ..Site::default()
    };
    let mut routes = None;
    match chosen
        .route_table
        .and_then(|at| setting.all.resources.get(at))
    {
        Some(table) => {
            let (value, named) = table_and_hops(setting.all, table);
            let read = udr::routes(&value).map_err(told)?;
            reader
                .route(&read, &named, wall.as_mut(), &mut site, &mut out)
                .map_err(told)?;
            routes = Some(read);
        }
        None => {
            // All that is asked lies on the way.
            site.straight = Some(match &wall {
                Some(wall) => HopClass::Firewall(wall.key.clone()),
                None => HopClass::Peer,
            });
        }
    }
    for (at, direction) in [
        (chosen.nsg_out, Direction::Outbound),
        (chosen.nsg_in, Direction::Inbound),
    ] {
        let Some(group) = at.and_then(|at| setting.all.resources.get(at)) else {
            continue;
        };
        let around = match direction {
            Direction::Outbound => reader.around(routes.as_ref()),
            Direction::Inbound => {
                let table = vnets::table_beside(setting.all, group);
                let value = table.map(|t| table_value(setting.all, t));
                let own = value.as_ref().map(udr::routes).transpose().map_err(told)?;
                reader.around(own.as_ref())
            }
        };
        let filter = reader.group(group, direction, &around).map_err(told)?;
        out.network.filters.push(filter);
        let gate = Gate {
            group: group.name.clone(),
            filter: out.network.filters.len() - 1,
        };
        match direction {
            Direction::Outbound => site.outbound.push(gate),
            Direction::Inbound => site.inbound.push(gate),
        }
    }
    if wall.is_some() {
        // What is not inside comes from outside, also what no public service has.
        let inside = private().union(&unique_local()).union(&platform());
        let inside = inside.union(&reader.space);
        out.network.outside = AddressSet::all().subtract(&inside);
    }
    out.network.declared = reader.space.clone();
    out.network.firewalls.extend(wall);
    out.network.sites.push(site);
    out.granted = granted(setting.all, chosen);
    Ok(out)
}

/// A list of rules, for those who judge it by itself.
#[derive(Clone, Debug)]
pub struct List {
    /// The resource.
    pub resource: String,
    /// `inbound`, `outbound`; a firewall has none.
    pub direction: Option<&'static str>,
    /// Its rules.
    pub filter: Filter,
    /// Ends of a security group's rules that are a tag or `*`: they take no others beside them.
    pub single: BTreeSet<Single>,
}

/// The lists of rules of the chosen resources, or of all if none is; beside them what is not
/// understood.
#[must_use]
pub fn lists(setting: &Setting<'_>, chosen: Option<&Chosen>) -> (Vec<List>, Vec<Diagnostic>) {
    let (mut out, mut faults) = (Vec::new(), Vec::new());
    let none = Chosen::default();
    let world = match world(setting) {
        Ok(world) => world,
        Err(fault) => return (out, vec![*fault]),
    };
    let reader = Reader::new(setting, &world, chosen.unwrap_or(&none));
    for (_, table) in setting
        .all
        .of(Kind::RouteTable)
        .filter(|_| chosen.is_none())
    {
        let value = table_value(setting.all, table);
        faults.extend(udr::routes(&value).err().map(|why| setting.all.fault(&why)));
    }
    let walls = match chosen {
        Some(chosen) => chosen.firewall.iter().cloned().collect(),
        None => leaves(setting.all),
    };
    for wall in walls {
        match reader.meaning(&wall) {
            Ok(meaning) => out.push(List {
                resource: wall.name,
                direction: None,
                filter: meaning.filter,
                single: BTreeSet::new(),
            }),
            Err(why) => faults.push(setting.all.fault(&why)),
        }
    }
    for (at, group) in setting.all.of(Kind::SecurityGroup) {
        let table = match chosen {
            Some(chosen) if chosen.nsg_out == Some(at) => chosen.route_table,
            _ => None,
        };
        let table = table.and_then(|at| setting.all.resources.get(at));
        let table = table.or_else(|| vnets::table_beside(setting.all, group));
        let value = table.map(|t| table_value(setting.all, t));
        // What is wrong with a table is told above.
        let Ok(routes) = value.as_ref().map(udr::routes).transpose() else {
            continue;
        };
        let around = reader.around(routes.as_ref());
        for (direction, word) in [
            (Direction::Inbound, "inbound"),
            (Direction::Outbound, "outbound"),
        ] {
            let asked = chosen.is_none_or(|chosen| match direction {
                Direction::Inbound => chosen.nsg_in == Some(at),
                Direction::Outbound => chosen.nsg_out == Some(at),
            });
            if !asked {
                continue;
            }
            match reader.group(group, direction, &around) {
                Ok(filter) => out.push(List {
                    resource: group.name.clone(),
                    direction: Some(word),
                    filter,
                    single: singles(setting.all, group),
                }),
                Err(why) => {
                    faults.push(setting.all.fault(&why));
                    // The other direction would say the same.
                    break;
                }
            }
        }
    }
    (out, faults)
}

/// The ends of a security group's rules that are a tag or `*`.
fn singles(all: &Definitions, group: &Definition) -> BTreeSet<Single> {
    let inline = member(body(group), "securityRules").and_then(Value::as_array);
    let prefix = format!("{}/", group.name.to_lowercase());
    let own = all.of(Kind::SecurityRule);
    let own = own.filter(|(_, d)| d.name.to_lowercase().starts_with(&prefix));
    let rules = inline
        .into_iter()
        .flatten()
        .chain(own.map(|(_, d)| &d.value));
    let mut out = BTreeSet::new();
    for rule in rules {
        let about = member(rule, "properties").unwrap_or(rule);
        let Some(name) = member(rule, "name").and_then(Value::as_str) else {
            continue;
        };
        let name = name.rsplit('/').next().unwrap_or(name);
        for (field, side) in [
            ("sourceAddressPrefix", Dimension::Source),
            ("destinationAddressPrefix", Dimension::Destination),
        ] {
            let text = member(about, field).and_then(Value::as_str).unwrap_or("");
            if !text.is_empty() && literal(text).is_none() {
                out.insert((name.to_owned(), side));
            }
        }
    }
    out
}

/// What conditions of the chosen resources, of their parts and of their parents are taken to be.
fn granted(all: &Definitions, chosen: &Chosen) -> Vec<String> {
    let groups = [chosen.nsg_out, chosen.route_table, chosen.nsg_in];
    let mut asked: BTreeSet<usize> = groups.into_iter().flatten().collect();
    let parts = |kind: Kind, owner: &str| {
        let front = format!("{}/", owner.to_lowercase());
        let parts = all.of(kind);
        parts
            .filter(|(_, d)| d.name.to_lowercase().starts_with(&front))
            .map(|(at, _)| at)
            .collect::<Vec<usize>>()
    };
    for at in groups.into_iter().flatten() {
        if let Some(d) = all.resources.get(at) {
            asked.extend(parts(Kind::SecurityRule, &d.name));
            asked.extend(parts(Kind::Route, &d.name));
        }
    }
    if let Some(wall) = &chosen.firewall {
        asked.extend(wall.classic);
        for name in wall.policy.iter().flat_map(|_| line(all, &wall.name)) {
            let own = all.of(Kind::Policy);
            let own = own.filter(|(_, d)| d.name.eq_ignore_ascii_case(&name));
            asked.extend(own.map(|(at, _)| at));
            asked.extend(parts(Kind::Group, &name));
        }
    }
    let mut out: Vec<String> = Vec::new();
    for (at, d) in all.resources.iter().enumerate() {
        if asked.contains(&at) {
            out.extend(d.taken());
            continue;
        }
        // A part of something that is asked, or not: nobody knows.
        let near = match d.kind {
            Kind::SecurityRule => chosen.nsg_out.or(chosen.nsg_in).is_some(),
            Kind::Route => chosen.route_table.is_some(),
            Kind::Group => chosen.firewall.is_some(),
            Kind::Network => chosen
                .route_table
                .or(chosen.nsg_out)
                .or(chosen.nsg_in)
                .is_some(),
            _ => false,
        };
        if near && d.kind == Kind::Network {
            out.extend(d.taken());
        } else if near {
            out.extend(d.of_nobody());
        }
    }
    out.extend(all.absent());
    out
}

/// The names of a policy and of its parents, as far as these are here.
fn line(all: &Definitions, name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.take() {
        if out.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            break;
        }
        let mut policies = all.of(Kind::Policy).map(|(_, d)| d);
        let found = policies.find(|d| d.name.eq_ignore_ascii_case(&name));
        next = found
            .and_then(base)
            .map(|id| id.rsplit('/').next().unwrap_or(&id).to_owned());
        out.push(name);
    }
    out
}

/// What the words of the resources stand for.
fn world<'a>(setting: &Setting<'a>) -> Result<World<'a>, Box<Diagnostic>> {
    let mut world = World::new(setting.catalog);
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (_, d) in setting.all.of(Kind::IpGroup) {
        *names.entry(d.name.to_lowercase()).or_default() += 1;
        if d.open.is_empty() {
            ip_group::register(&d.value, &mut world)
                .map_err(|why| Box::new(setting.all.fault(&why)))?;
        } else {
            world.set_ip_group(d.id.as_deref(), &d.name, None);
        }
    }
    // A name that two have says nothing.
    for (name, _) in names.into_iter().filter(|(_, count)| *count > 1) {
        world.set_ip_group(None, &name, None);
    }
    Ok(world)
}

/// A route table with the routes that are resources of their own.
#[must_use]
pub fn table_value(all: &Definitions, table: &Definition) -> Value {
    table_and_hops(all, table).0
}

/// The same with what stands for the next hops that are not known: addresses that no packet has.
fn table_and_hops(all: &Definitions, table: &Definition) -> (Value, BTreeMap<IpAddr, String>) {
    // What is not known stays where it is: the room refuses it.
    let unread = |of: &Value, name: &str, read: fn(&Value) -> bool| {
        member(of, name).is_some_and(|inner| !inner.is_null() && !read(inner))
    };
    if unread(&table.value, "properties", Value::is_object)
        || unread(body(table), "routes", Value::is_array)
    {
        return (table.value.clone(), BTreeMap::new());
    }
    let mut routes: Vec<Value> = member(body(table), "routes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let prefix = format!("{}/", table.name.to_lowercase());
    for (_, d) in all.of(Kind::Route) {
        let Some(own) = d
            .name
            .to_lowercase()
            .strip_prefix(&prefix)
            .map(str::to_owned)
        else {
            continue;
        };
        let is_it = |route: &Value| {
            let name = member(route, "name").and_then(Value::as_str);
            name.is_some_and(|name| name.eq_ignore_ascii_case(&own))
        };
        routes.retain(|route| !is_it(route));
        routes.push(d.value.clone());
    }
    let mut named: BTreeMap<IpAddr, String> = BTreeMap::new();
    for route in &mut routes {
        let inner = match route.get_mut("properties") {
            Some(_) => route.get_mut("properties").and_then(Value::as_object_mut),
            None => route.as_object_mut(),
        };
        let Some(inner) = inner else { continue };
        for (key, hop) in inner.iter_mut() {
            let open = hop
                .as_str()
                .filter(|t| t.starts_with('[') && t.ends_with(']'));
            let Some(open) = open.filter(|_| key.eq_ignore_ascii_case("nextHopIpAddress")) else {
                continue;
            };
            let known = named.iter().find(|(_, text)| text.as_str() == open);
            let address = match known {
                Some((address, _)) => *address,
                None => {
                    let number = u32::try_from(named.len()).unwrap_or(0) + 1;
                    let address = IpAddr::V4(Ipv4Addr::from(number));
                    named.insert(address, open.to_owned());
                    address
                }
            };
            *hop = Value::String(address.to_string());
        }
    }
    let flag = member(body(table), "disableBgpRoutePropagation").cloned();
    let peering = member(body(table), "disablePeeringRoute").cloned();
    let made = json!({ "name": table.name, "properties": {
        "routes": routes,
        "disableBgpRoutePropagation": flag,
        "disablePeeringRoute": peering,
    }});
    (made, named)
}

struct Reader<'r, 'a> {
    setting: &'r Setting<'a>,
    world: &'r World<'a>,
    space: AddressSet,
    space_known: bool,
    /// Only a part of it is known, or of the peers'.
    partly: bool,
    /// Address spaces of peered networks.
    peers: Vec<AddressSet>,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(setting: &'r Setting<'a>, world: &'r World<'a>, chosen: &Chosen) -> Self {
        let mut space = setting.space.clone();
        let mut peers = Vec::new();
        let mut partly = false;
        if space.is_empty()
            && let Some(found) = vnets::around(setting.all, chosen)
        {
            (space, peers) = (found.space, found.peers);
            partly = !found.complete;
        }
        Self {
            setting,
            world,
            space_known: !space.is_empty() && !partly,
            partly,
            space,
            peers,
        }
    }

    fn around(&self, routes: Option<&Routes>) -> Surroundings {
        let network = self
            .peers
            .iter()
            .fold(self.space.clone(), |a, b| a.union(b));
        Surroundings {
            network,
            routed: routes.map(Routes::prefixes).unwrap_or_default(),
            routed_tags: routes.map(Routes::tags).unwrap_or_default(),
            members: None,
            open: (!self.space_known).then(|| private().union(&unique_local())),
        }
    }

    fn group(
        &self,
        group: &Definition,
        direction: Direction,
        around: &Surroundings,
    ) -> Result<Filter, Unreadable> {
        let prefix = format!("{}/", group.name.to_lowercase());
        let rules = self.setting.all.of(Kind::SecurityRule);
        let children: Vec<&Value> = rules
            .filter(|(_, d)| d.name.to_lowercase().starts_with(&prefix))
            .map(|(_, d)| &d.value)
            .collect();
        nsg::filter(&group.value, &children, direction, around, self.world)
    }

    fn meaning(&self, wall: &Wall) -> Result<FirewallMeaning, Unreadable> {
        let all = self.setting.all;
        let closed = Infrastructure::Closed;
        if let Some(classic) = wall.classic.and_then(|at| all.resources.get(at)) {
            return classic_firewall::read(&classic.value, self.world, closed);
        }
        self.complete(wall)?;
        let policy = wall.policy.as_deref().unwrap_or(&wall.name);
        let (policies, groups) = (all.values(Kind::Policy), all.values(Kind::Group));
        firewall_policy::read(policy, &policies, &groups, self.world, closed)
    }

    /// Refuses a policy if its export, or that of a parent, lists groups that are not here: their rules
    /// would be missing.
    fn complete(&self, wall: &Wall) -> Result<(), Unreadable> {
        let all = self.setting.all;
        let named = |name: String| {
            let mut policies = all.of(Kind::Policy).map(|(_, d)| d);
            policies.find(|d| d.name.eq_ignore_ascii_case(&name))
        };
        let line = line(all, &wall.name);
        for policy in line.into_iter().filter_map(named) {
            let listed = member(body(policy), "ruleCollectionGroups").and_then(Value::as_array);
            for group in listed.into_iter().flatten() {
                let Some(id) = member(group, "id").and_then(Value::as_str) else {
                    continue;
                };
                let name = format!("{}/{}", policy.name, id.rsplit('/').next().unwrap_or(id));
                let mut groups = all.of(Kind::Group);
                if !groups.any(|(_, d)| d.name.eq_ignore_ascii_case(&name)) {
                    return Err(Unreadable {
                        path: policy.name.clone(),
                        reason: format!(
                            "the policy has a rule collection group `{name}` that is not here: `az network firewall policy rule-collection-group list` prints them"
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    fn firewall(&self, wall: &Wall) -> Result<Firewall, Unreadable> {
        let does = self.meaning(wall)?;
        let regions = does.translations.iter().flat_map(|t| &t.regions);
        let public_ips = regions.fold(AddressSet::empty(), |all, region| {
            all.union(&region.destination.known)
        });
        let private_ip = self.address(wall);
        Ok(Firewall {
            key: wall.name.clone(),
            resource: wall.name.clone(),
            private_ip,
            // Where it stands nobody told: inside, in any case.
            subnet: private_ip.map_or_else(private, around),
            public_ips: public_ips.intersect(&public()),
            // Nor where Azure's own routes lead from there.
            reaches: AddressSet::all(),
            does,
        })
    }

    /// The private address of the firewall with these rules, if an export of it is here.
    fn address(&self, wall: &Wall) -> Option<Ipv4Addr> {
        let all = self.setting.all;
        let firewall = match wall.classic {
            Some(at) => all.resources.get(at)?,
            None => {
                let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_lowercase();
                let is_of = |d: &Definition| {
                    policy_of(d).is_some_and(|policy| last(&policy) == last(&wall.name))
                };
                let mut found = all.of(Kind::Firewall).filter(|(_, d)| is_of(d));
                let (_, one) = found.next()?;
                // Two firewalls of one policy have two addresses.
                if found.next().is_some() {
                    return None;
                }
                one
            }
        };
        let body = body(firewall);
        let inner = |value: &Value| -> Option<Ipv4Addr> {
            let about = member(value, "properties").unwrap_or(value);
            member(about, "privateIPAddress")?.as_str()?.parse().ok()
        };
        let listed = member(body, "ipConfigurations").and_then(Value::as_array);
        let first = listed.and_then(|list| list.iter().find_map(inner));
        first.or_else(|| inner(member(body, "hubIPAddresses")?))
    }

    /// The next hops at the source; the appliance that is taken for the firewall, if none is known.
    fn route(
        &self,
        routes: &Routes,
        named: &BTreeMap<IpAddr, String>,
        wall: Option<&mut Firewall>,
        site: &mut Site,
        out: &mut Foreign,
    ) -> Result<(), Unreadable> {
        let mut firewalls: BTreeMap<IpAddr, String> = named
            .iter()
            .map(|(address, text)| (*address, format!("appliance {text}")))
            .collect();
        if let Some(wall) = wall {
            match wall.private_ip {
                Some(address) => drop(firewalls.insert(address.into(), wall.key.clone())),
                None => {
                    if let Some(address) = appliance(routes) {
                        let shown = match named.get(&address) {
                            Some(text) => text.clone(),
                            None => address.to_string(),
                        };
                        out.taken = Some(format!(
                            "the appliance {shown} of `{}` is the firewall of `{}`",
                            routes.name, wall.key
                        ));
                        firewalls.insert(address, wall.key.clone());
                        if let (IpAddr::V4(address), false) =
                            (address, named.contains_key(&address))
                        {
                            wall.private_ip = Some(address);
                            wall.subnet = around(address);
                        }
                    }
                }
            }
        }
        let surround = Surround {
            space: self.space.clone(),
            peers: self.peers.clone(),
            firewalls,
            ..Surround::default()
        };
        // Nothing is known of where such a route leads from, so it stands beside the others.
        let mut known = routes.clone();
        for route in &routes.routes {
            if let Target::Tag(tag) = &route.target
                && self.world.tag(tag).is_none()
            {
                out.open_routes
                    .push((tag.clone(), route.hop.class(&surround)));
                known.routes.retain(|other| other.name != route.name);
            }
        }
        site.hops = known.hop_map(&surround, self.world)?;
        site.table = Some(Table {
            name: routes.name.clone(),
            routes: known
                .routes
                .iter()
                .map(|r| (r.name.clone(), r.written.clone()))
                .collect(),
        });
        Ok(())
    }
}

/// Where the instances of a firewall with this address are.
///
/// Source: "Azure Firewall FAQ", why a /26 subnet: no firewall's subnet is smaller (Microsoft Learn,
/// checked 2026-11-25).
fn around(address: Ipv4Addr) -> AddressSet {
    let net = ipnet::Ipv4Net::new(address, 26).map(|net| net.trunc());
    net.map_or_else(|_| private(), |net| AddressSet::prefix(net.into()))
}

/// The appliance that can be the firewall: the only one, else that of the default route.
fn appliance(routes: &Routes) -> Option<IpAddr> {
    let hop = |hop: NextHop| match hop {
        NextHop::VirtualAppliance(address) => Some(address),
        _ => None,
    };
    let all: BTreeSet<IpAddr> = routes.routes.iter().filter_map(|r| hop(r.hop)).collect();
    if all.len() == 1 {
        return all.first().copied();
    }
    let default = routes.routes.iter().find(|r| match r.target {
        Target::Prefix(net) => net.addr().is_ipv4() && net.prefix_len() == 0,
        Target::Default => true,
        Target::Tag(_) => false,
    });
    default.and_then(|route| hop(route.hop))
}
