//! What one rule of a firewall matches, read from its JSON: network, application and DNAT rules, which
//! policies and classic firewalls write alike. Their order is not known here.
//!
//! Source: "Azure Firewall rule processing logic", "Use FQDN filtering in network rules", "IP Groups
//! in Azure Firewall", "Azure Firewall FQDN tags overview" (Microsoft Learn, checked 2026-11-25).

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::catalog::SpecialTag;
use crate::model::address::AddressSet;
use crate::model::service::PortSet;
use crate::packet::{
    Addresses, Answer, Filter, Names, Probe, Region, Rule, Service, Symbol, Transport, Transports,
    Verdict,
};

use super::meaning::{
    At, End, Group, Unreadable, World, expression, is_tag_name, literal, port_set,
};

/// Whether the firewall's own rules for the platform's names are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Infrastructure {
    /// They stand between the last application rule and the implicit deny.
    Open,
    /// They are left out: somebody else tells of them.
    Closed,
}

/// What a firewall does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirewallMeaning {
    /// Translations in the order in which they are read. What one of them matches is translated and
    /// passes: no network or application rule is asked.
    pub translations: Vec<Translation>,
    /// Network rules, then application rules. At the end of the list the firewall denies.
    pub filter: Filter,
    /// `Off`, `Alert`, `Deny`: the strictest of the policy and its parents.
    pub threat_intel: Option<String>,
    /// The mode of intrusion detection, as written: `Off`, `Alert`, `Deny`.
    pub intrusion_detection: Option<String>,
    /// The parent that the policy names, by its id; a classic firewall has none.
    pub parent: Option<String>,
    /// The policy says that the firewall answers DNS itself.
    pub dns_proxy: bool,
    /// A parent policy that was not given, so that rules of it are missing here: its id.
    pub unknown_parent: Option<String>,
}

/// One DNAT rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Its name below the resource.
    pub path: String,
    /// The resource that holds it.
    pub resource: String,
    /// Its collection's number, for people.
    pub priority: u32,
    /// What it matches: the destinations are the firewall's own addresses.
    pub regions: Vec<Region>,
    /// Where it goes.
    pub target: Target,
    /// The port there.
    pub port: u16,
}

/// Where translated traffic goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An address.
    Address(IpAddr),
    /// A name that the firewall resolves.
    Name(String),
}

impl FirewallMeaning {
    /// The first translation that matches or may match a packet to the firewall.
    #[must_use]
    pub fn translation(&self, probe: &Probe) -> Option<(&Translation, Answer)> {
        self.translations.iter().find_map(|translation| {
            let answer = translation.holds(probe);
            (answer != Answer::No).then_some((translation, answer))
        })
    }
}

impl Translation {
    /// Whether it matches.
    #[must_use]
    pub fn holds(&self, probe: &Probe) -> Answer {
        let answers = self.regions.iter().map(|region| region.holds(probe));
        answers.max().unwrap_or(Answer::No)
    }
}

/// The three types, in the order in which a firewall reads them whatever the numbers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Nat,
    Network,
    Application,
}

/// A collection in its place, for both rooms.
pub(super) struct Collection<'v> {
    pub(super) kind: Kind,
    /// 0 for the outermost parent.
    pub(super) depth: usize,
    /// The number of its group, and which group it is; 0 where there are no groups.
    pub(super) group: (u32, usize),
    pub(super) priority: u32,
    /// `group/collection` or `collection`.
    pub(super) path: String,
    pub(super) resource: String,
    pub(super) verdict: Verdict,
    pub(super) rules: Vec<At<'v>>,
    pub(super) at: At<'v>,
    /// What would have to be known for it to count at all. Of a parent's translations Microsoft says that
    /// they are not inherited ("Azure Firewall Manager policy overview") and that they come first ("Azure
    /// Firewall rule processing logic", example; both checked 2026-11-30).
    pub(super) doubt: Option<Symbol>,
}

/// Which of the two forms of rules is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `ipProtocols`.
    Policy,
    /// `protocols`.
    Classic,
}

/// The rules of collections in the order in which a firewall reads them.
///
/// Collections that nothing puts in an order are refused where they do different things.
pub(super) fn read(
    mut collections: Vec<Collection<'_>>,
    form: Form,
    infrastructure: Infrastructure,
    resource: &str,
    world: &World<'_>,
) -> Result<FirewallMeaning, Unreadable> {
    collections.sort_by_key(|c| (c.kind, c.depth, c.group, c.priority));
    check_order(&collections)?;
    let mut out = FirewallMeaning::default();
    for collection in &collections {
        for place in &collection.rules {
            let name = place.name()?;
            let path = format!("{}/{name}", collection.path);
            if collection.kind == Kind::Nat {
                if let Some(translation) = translation(place, path, collection, form, world)? {
                    out.translations.push(translation);
                }
                continue;
            }
            let application = collection.kind == Kind::Application;
            let mut regions = if application {
                application_rule(place, form, world)?
            } else {
                network_rule(place, form, world)?
            };
            if !regions.is_empty() {
                // One region is the rule, and there may be very many rules.
                regions.shrink_to_fit();
                out.filter.rules.push(Rule {
                    path,
                    resource: collection.resource.clone(),
                    priority: collection.priority,
                    verdict: collection.verdict,
                    replaces_source: application,
                    built_in: false,
                    regions,
                });
            }
        }
    }
    if infrastructure == Infrastructure::Open {
        out.filter.rules.push(built_in(resource));
    }
    Ok(out)
}

/// The order among equal numbers is not documented; it matters where the actions differ.
fn check_order(collections: &[Collection<'_>]) -> Result<(), Unreadable> {
    for (index, later) in collections.iter().enumerate() {
        for earlier in collections.iter().take(index) {
            let one_list = earlier.kind == later.kind
                && earlier.depth == later.depth
                && earlier.group.0 == later.group.0;
            let tied = earlier.group.1 != later.group.1 || earlier.priority == later.priority;
            if one_list && tied && earlier.verdict != later.verdict {
                return Err(later.at.fault(format!(
                    "nothing says whether `{}` or `{}` is read first",
                    earlier.path, later.path
                )));
            }
        }
    }
    Ok(())
}

/// The firewall's own application rules for the platform's names ("Azure Firewall infrastructure
/// FQDNs", checked 2026-11-25), whose names and ports are not published.
fn built_in(resource: &str) -> Rule {
    let read = Transports::one(Transport::Http).union(Transports::one(Transport::Https));
    let symbol = Symbol {
        kind: "built-in",
        name: "platform fqdns".to_owned(),
    };
    Rule {
        path: "infrastructure rules".to_owned(),
        resource: resource.to_owned(),
        priority: u32::MAX,
        verdict: Verdict::Allow,
        replaces_source: true,
        built_in: true,
        regions: vec![Region {
            source: Addresses::any(),
            destination: Addresses::any(),
            services: vec![Service::to(read, PortSet::all())],
            names: Names::Some {
                patterns: BTreeSet::new(),
                symbols: BTreeSet::from([symbol]),
            },
        }],
    }
}

/// A mode of threat intelligence in Azure's spelling.
pub(super) fn threat_mode(at: &At<'_>) -> Result<Option<&'static str>, Unreadable> {
    let Some(word) = at.text("threatIntelMode")? else {
        return Ok(None);
    };
    ["Off", "Alert", "Deny"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(&word))
        .map(Some)
        .ok_or_else(|| at.fault(format!("threat intelligence `{word}`")))
}

/// Words with which members begin that say what a rule matches.
const MATCHING: [&str; 9] = [
    "source",
    "destination",
    "target",
    "fqdn",
    "web",
    "translated",
    "protocol",
    "ipProtocol",
    "url",
];

const NETWORK: [&str; 8] = [
    "sourceAddresses",
    "sourceIpGroups",
    "destinationAddresses",
    "destinationIpGroups",
    "destinationFqdns",
    "destinationPorts",
    "ipProtocols",
    "protocols",
];

const APPLICATION: [&str; 8] = [
    "sourceAddresses",
    "sourceIpGroups",
    "destinationAddresses",
    "protocols",
    "targetFqdns",
    "targetUrls",
    "fqdnTags",
    "webCategories",
];

const NAT: [&str; 9] = [
    "sourceAddresses",
    "sourceIpGroups",
    "destinationAddresses",
    "destinationPorts",
    "ipProtocols",
    "protocols",
    "translatedAddress",
    "translatedFqdn",
    "translatedPort",
];

/// A network rule. Its destinations of different kinds are alternatives; names take no wildcard, and
/// whatever they resolve to is the destination.
fn network_rule(place: &At<'_>, form: Form, world: &World<'_>) -> Result<Vec<Region>, Unreadable> {
    let at = place.body()?;
    at.only(&MATCHING, &NETWORK)?;
    let (Some(source), Some(destination)) = (
        end(&at, "source", world, true)?,
        end(&at, "destination", world, false)?,
    ) else {
        return Ok(Vec::new());
    };
    let mut names = BTreeSet::new();
    let mut open = BTreeSet::new();
    for (name, place) in at.texts("destinationFqdns")? {
        if let Some(symbol) = expression(&name) {
            open.insert(symbol);
            continue;
        }
        if name.contains('*') {
            return Err(place.fault(format!("`{name}`: a network rule takes no wildcard")));
        }
        names.insert(name.to_lowercase());
    }
    if destination.is_empty() && names.is_empty() && open.is_empty() {
        return Err(at.fault("has no destination"));
    }
    let mut regions = Vec::new();
    for (services, doubted) in services(&at, form)? {
        let doubt = |end: &End| match &doubted {
            Some(doubt) => end.doubted(doubt),
            None => end.clone(),
        };
        regions.extend(product(
            &source,
            &doubt(&destination),
            &services,
            &Names::Any,
        ));
        if !names.is_empty() || !open.is_empty() {
            let to = doubt(&End::any());
            let names = Names::Some {
                patterns: names.clone(),
                symbols: open.clone(),
            };
            regions.extend(product(&source, &to, &services, &names));
        }
    }
    Ok(regions)
}

/// Services, and what would have to be known for them to match.
type Doubted = (Vec<Service>, Option<Symbol>);

/// Protocols and ports: those that surely match, and those of which it is not known, with what would
/// have to be. `Any` is every protocol with the port `*`, TCP and UDP with written ports (rule
/// processing logic); what a port means to ICMP is not documented.
fn services(at: &At<'_>, form: Form) -> Result<Vec<Doubted>, Unreadable> {
    let texts = at.texts("destinationPorts")?;
    if texts.is_empty() {
        return Err(at.fault("has no destination ports"));
    }
    let protocols = protocols(at, form)?;
    if protocols.is_empty() {
        return Err(at.fault("has no protocols"));
    }
    let mut written = texts.iter().chain(&protocols);
    if let Some(open) = written.find_map(|(text, _)| expression(text)) {
        return Ok(vec![(vec![Service::any()], Some(open))]);
    }
    let ports = port_set(&texts)?;
    let every = texts.iter().any(|(text, _)| text == "*");
    let ports = if every { PortSet::all() } else { ports };
    let mut sure = Transports::NONE;
    let mut doubted = Transports::NONE;
    for (word, place) in protocols {
        match word.to_lowercase().as_str() {
            "tcp" => sure = sure.union(Transports::TCP),
            "udp" => sure = sure.union(Transports::one(Transport::Udp)),
            "icmp" if every => sure = sure.union(Transports::one(Transport::Icmp)),
            "icmp" => doubted = doubted.union(Transports::one(Transport::Icmp)),
            "any" if every => sure = sure.union(Transports::ALL),
            "any" => sure = sure.union(Transports::PORTED),
            _ => return Err(place.fault(format!("protocol `{word}`"))),
        }
    }
    let doubt = Symbol {
        kind: "undocumented",
        name: "ports of a protocol without ports".to_owned(),
    };
    let both = [(sure, None), (doubted, Some(doubt))];
    let filled = both.into_iter().filter(|(those, _)| !those.is_empty());
    Ok(filled
        .map(|(those, doubt)| (vec![Service::to(those, ports.clone())], doubt))
        .collect())
}

fn protocols<'v>(at: &At<'v>, form: Form) -> Result<Vec<(String, At<'v>)>, Unreadable> {
    match form {
        Form::Policy => at.texts("ipProtocols"),
        Form::Classic => at.texts("protocols"),
    }
}

/// An application rule: only HTTP, TLS and SQL are read, and only if they show a name. A URL is
/// told by its host here, and its path stays open.
fn application_rule(
    place: &At<'_>,
    form: Form,
    world: &World<'_>,
) -> Result<Vec<Region>, Unreadable> {
    let at = place.body()?;
    at.only(&MATCHING, &APPLICATION)?;
    let Some(source) = end(&at, "source", world, true)? else {
        return Ok(Vec::new());
    };
    let mut services = Vec::new();
    let mut doubt = at
        .get("protocols")
        .and_then(|place| expression(place.value.as_str()?));
    let listed = match &doubt {
        Some(_) => Vec::new(),
        None => at.items("protocols")?,
    };
    for protocol in listed {
        let whole = protocol.value.as_str().map(str::to_owned);
        let parts = [
            whole,
            protocol.text("protocolType")?,
            protocol.text("port")?,
        ];
        if let Some(open) = parts.iter().flatten().find_map(|text| expression(text)) {
            doubt = Some(open);
            continue;
        }
        let word = protocol.needed("protocolType")?;
        let transport = match word.to_lowercase().as_str() {
            "http" => Transport::Http,
            "https" => Transport::Https,
            "mssql" => Transport::Mssql,
            _ => return Err(protocol.fault(format!("protocol `{word}`"))),
        };
        let number = protocol.number("port")?;
        let port =
            u16::try_from(number).map_err(|_| protocol.fault(format!("`{number}` is no port")))?;
        services.push(Service::to(Transports::one(transport), PortSet::one(port)));
    }
    let mut patterns = BTreeSet::new();
    let mut symbols = BTreeSet::new();
    for (pattern, place) in at.texts("targetFqdns")? {
        if let Some(open) = expression(&pattern) {
            symbols.insert(open);
        } else {
            patterns.insert(name_pattern(&pattern, &place)?);
        }
    }
    for (member, kind) in [("fqdnTags", "fqdn tag"), ("webCategories", "category")] {
        for (name, _) in at.texts(member)? {
            symbols.insert(expression(&name).unwrap_or(Symbol { kind, name }));
        }
    }
    let mut urls = at.texts("targetUrls")?;
    urls.retain(|(url, _)| match expression(url) {
        Some(open) => {
            symbols.insert(open);
            false
        }
        None => true,
    });
    if patterns.is_empty() && symbols.is_empty() && urls.is_empty() {
        return Err(at.fault("has no name, URL, FQDN tag or category"));
    }
    if doubt.is_some() {
        let read = Transports::TCP.subtract(Transports::one(Transport::Tcp));
        services = vec![Service::to(read, PortSet::all())];
    }
    if services.is_empty() {
        // FQDN tags of a classic firewall are written without protocols; which ports come with them
        // is not documented, and what is in them is open anyway.
        let tags_only = !symbols.is_empty() && patterns.is_empty() && urls.is_empty();
        if form == Form::Policy || !tags_only {
            return Err(at.fault("has no protocols"));
        }
        let web = Transports::one(Transport::Http).union(Transports::one(Transport::Https));
        services.push(Service::to(web, PortSet::all()));
    }
    // In the schema, but reported to have no effect (hashicorp/terraform-provider-azurerm#28668).
    let narrowed = !at.texts("destinationAddresses")?.is_empty();
    let anywhere = if narrowed {
        End::any().doubted(&Symbol {
            kind: "undocumented",
            name: "destination addresses of an application rule".to_owned(),
        })
    } else {
        End::any()
    };
    let anywhere = match &doubt {
        Some(doubt) => anywhere.doubted(doubt),
        None => anywhere,
    };
    let mut regions = Vec::new();
    if !patterns.is_empty() || !symbols.is_empty() {
        let names = Names::Some { patterns, symbols };
        regions.extend(product(&source, &anywhere, &services, &names));
    }
    for (url, place) in urls {
        if url.contains("://") {
            return Err(place.fault(format!("`{url}`: a URL is written without its scheme")));
        }
        let host = url.split('/').next().unwrap_or_default();
        let names = Names::patterns([name_pattern(host, &place)?]);
        let path = Symbol {
            kind: "url",
            name: url.clone(),
        };
        let to = anywhere.doubted(&path);
        regions.extend(product(&source, &to, &services, &names));
    }
    Ok(regions)
}

/// A star stands at the front only ("Azure Firewall FAQ", checked 2026-11-25).
fn name_pattern(pattern: &str, place: &At<'_>) -> Result<String, Unreadable> {
    if pattern.is_empty() || pattern.get(1..).is_some_and(|rest| rest.contains('*')) {
        return Err(place.fault(format!("`{pattern}`: a star stands at the front only")));
    }
    Ok(pattern.to_lowercase())
}

fn translation(
    place: &At<'_>,
    path: String,
    collection: &Collection<'_>,
    form: Form,
    world: &World<'_>,
) -> Result<Option<Translation>, Unreadable> {
    let at = place.body()?;
    at.only(&MATCHING, &NAT)?;
    let (Some(source), Some(destination)) = (
        end(&at, "source", world, true)?,
        end(&at, "destination", world, true)?,
    ) else {
        return Ok(None);
    };
    let source = match &collection.doubt {
        Some(doubt) => source.doubted(doubt),
        None => source,
    };
    let mut transports = Transports::NONE;
    for (word, place) in protocols(&at, form)? {
        transports = transports.union(match word.to_lowercase().as_str() {
            "tcp" => Transports::TCP,
            "udp" => Transports::one(Transport::Udp),
            "any" => Transports::PORTED,
            _ => return Err(place.fault(format!("protocol `{word}`"))),
        });
    }
    let texts = at.texts("destinationPorts")?;
    if transports.is_empty() || texts.is_empty() {
        return Err(at.fault("has no protocols or no ports"));
    }
    let services = [Service::to(transports, port_set(&texts)?)];
    let written = at.needed("translatedPort")?;
    let port = written
        .parse()
        .map_err(|_| at.fault(format!("`translatedPort` is `{written}`, no port")))?;
    let target = match (at.text("translatedAddress")?, at.text("translatedFqdn")?) {
        (Some(address), None) => Target::Address(
            address
                .parse()
                .map_err(|_| at.fault(format!("`translatedAddress` is `{address}`")))?,
        ),
        (None, Some(name)) => Target::Name(name.to_lowercase()),
        _ => return Err(at.fault("has not one target")),
    };
    Ok(Some(Translation {
        path,
        resource: collection.resource.clone(),
        priority: collection.priority,
        regions: product(&source, &destination, &services, &Names::Any),
        target,
        port,
    }))
}

/// One end of a rule; nothing if it refers to an empty IP group, for which the firewall skips the
/// whole rule ("IP Groups in Azure Firewall"). Service tags are destinations only ("Virtual network
/// service tags").
fn end(
    at: &At<'_>,
    side: &str,
    world: &World<'_>,
    addresses_only: bool,
) -> Result<Option<End>, Unreadable> {
    let mut out = End::default();
    let entries = at.texts(&format!("{side}Addresses"))?;
    let groups = at.texts(&format!("{side}IpGroups"))?;
    let told = !entries.is_empty() || !groups.is_empty();
    for (text, place) in entries {
        if let Some(open) = expression(&text) {
            out.add_symbol(open, None);
        } else if text == "*" {
            out.add(&AddressSet::all());
        } else if let Some(set) = literal(&text) {
            out.add(&set);
        } else if !is_tag_name(&text) {
            return Err(place.fault(format!("`{text}` is no address, prefix or tag")));
        } else if addresses_only {
            return Err(place.fault(format!("`{text}`: a tag stands at destinations only")));
        } else if SpecialTag::find(&text).is_some() {
            return Err(place.fault(format!("a firewall does not know the tag `{text}`")));
        } else {
            out.join(&world.tag_end(&text));
        }
    }
    for (id, _) in groups {
        if let Some(open) = expression(&id) {
            out.add_symbol(open, None);
            continue;
        }
        match world.ip_group(&id) {
            Group::Known(set) if set.is_empty() => return Ok(None),
            Group::Known(set) => out.add(&set),
            Group::Unknown(symbol) => out.add_symbol(symbol, None),
        }
    }
    if !told && addresses_only {
        return Err(at.fault(format!("has no {side}")));
    }
    Ok(Some(out))
}

fn product(from: &End, to: &End, services: &[Service], names: &Names) -> Vec<Region> {
    let mut out = Vec::new();
    let destinations = to.parts();
    for source in from.parts() {
        for destination in &destinations {
            out.push(Region {
                source: source.clone(),
                destination: destination.clone(),
                services: services.to_vec(),
                names: names.clone(),
            });
        }
    }
    out
}
