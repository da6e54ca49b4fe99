//! Packets at the edges of what emitted resources say: the first and last address and port of every
//! range in them, one less and one more, and names just inside and outside every pattern. It draws
//! by a fixed sequence, so a run is repeatable, and it is a sample: it proves nothing by itself.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Packet;
use super::address::{Address, HOST, Range};
use super::firewall::Firewall;
use super::knowledge::Knowledge;

/// The edges found in some JSON.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edges {
    sources: BTreeSet<Address>,
    destinations: BTreeSet<Address>,
    source_ports: BTreeSet<u16>,
    ports: BTreeSet<u16>,
    names: BTreeSet<String>,
}

/// A fixed sequence of numbers.
pub(crate) struct Draw(u64);

/// Knowledge for a sample: every service tag in the JSON gets one address that no other has, beside
/// what is known already.
pub(crate) fn knowledge(resources: &[&Value], mut known: Knowledge) -> Knowledge {
    let mut tags = BTreeSet::new();
    for resource in resources {
        walk(resource, "", &mut |key, text| {
            if is_address_key(key) && Range::parse(text).is_none() && !text.contains('*') {
                tags.insert(text.to_lowercase());
            }
        });
    }
    for (index, tag) in tags.iter().enumerate() {
        let address = format!("20.200.{}.{}", index / 250, index % 250 + 1);
        known.address(&address, &[tag.as_str()]);
    }
    known
}

impl Edges {
    /// The edges in a rule or a whole resource.
    pub(crate) fn of(value: &Value, firewall: &Firewall, known: &Knowledge) -> Self {
        let mut edges = Self::default();
        walk(value, "", &mut |key, text| {
            let lower = key.to_lowercase();
            let mut addresses = BTreeSet::new();
            if lower.contains("ipgroups") {
                for range in firewall.group_ranges(text) {
                    add_range(&mut addresses, range);
                }
            } else if is_address_key(key) {
                match Range::parse(text) {
                    Some(range) => add_range(&mut addresses, range),
                    None => addresses.extend(members(text, known)),
                }
            } else if lower.contains("port") && text != "*" {
                let (first, last) = super::port_range(text);
                let into = if lower.starts_with("source") {
                    &mut edges.source_ports
                } else {
                    &mut edges.ports
                };
                into.extend([first, last, first.saturating_sub(1), last.saturating_add(1)]);
            } else if lower.ends_with("fqdns") {
                let bare = text.trim_start_matches('*').trim_start_matches('.');
                let bare = if bare.is_empty() { "contoso.com" } else { bare };
                edges.names.extend([
                    bare.to_owned(),
                    format!("a.{bare}"),
                    format!("a.b.{bare}"),
                    format!("evil{bare}"),
                ]);
            }
            if lower.starts_with("source") {
                edges.sources.extend(addresses);
            } else if lower.starts_with("address") || lower.starts_with("ipaddress") {
                edges.sources.extend(addresses.iter().copied());
                edges.destinations.extend(addresses);
            } else {
                edges.destinations.extend(addresses);
            }
        });
        // Application rules write their ports as numbers.
        walk_numbers(value, "", &mut |key, number| {
            if key == "port" {
                let port = u16::try_from(number).unwrap_or(u16::MAX);
                edges
                    .ports
                    .extend([port, port.saturating_sub(1), port.saturating_add(1)]);
            }
        });
        edges
    }

    /// Adds the edges of ranges that no resource writes, such as the topology's.
    pub(crate) fn add(&mut self, ranges: &[Range]) {
        for range in ranges {
            add_range(&mut self.sources, *range);
            add_range(&mut self.destinations, *range);
        }
    }

    /// Adds another's edges.
    pub(crate) fn join(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.destinations.extend(other.destinations);
        self.source_ports.extend(other.source_ports);
        self.ports.extend(other.ports);
        self.names.extend(other.names);
    }

    /// Draws packets; dimensions without edges of their own take those of `others`.
    pub(crate) fn packets(&self, others: &Self, count: usize, draw: &mut Draw) -> Vec<Packet> {
        let pick = |own: &BTreeSet<Address>, all: &BTreeSet<Address>| -> Vec<Address> {
            let from = if own.is_empty() { all } else { own };
            if from.is_empty() {
                vec![Address::parse("8.8.8.8").unwrap(), HOST]
            } else {
                from.iter().copied().collect()
            }
        };
        let sources = pick(&self.sources, &others.sources);
        let destinations = pick(&self.destinations, &others.destinations);
        let mut ports: Vec<u16> = self.ports.iter().copied().collect();
        if ports.is_empty() {
            ports = others.ports.iter().copied().collect();
            ports.extend([22, 80, 443, 1433]);
        }
        let mut source_ports: Vec<u16> = self.source_ports.iter().copied().collect();
        source_ports.push(50_000);
        let mut names: Vec<String> = self.names.iter().cloned().collect();
        names.push(String::new());
        let l7 = ["none", "http", "https", "mssql"];
        let protocols = ["tcp", "tcp", "tcp", "udp", "icmp"];
        let mut packets = Vec::new();
        for _ in 0..count {
            let protocol = *draw.pick(&protocols);
            let tcp = protocol == "tcp";
            let has_ports = tcp || protocol == "udp";
            packets.push(Packet {
                source: *draw.pick(&sources),
                destination: *draw.pick(&destinations),
                name: draw.pick(&names).clone(),
                protocol: protocol.to_owned(),
                source_port: if has_ports {
                    *draw.pick(&source_ports)
                } else {
                    0
                },
                port: if has_ports { *draw.pick(&ports) } else { 0 },
                l7: if tcp { *draw.pick(&l7) } else { "none" }.to_owned(),
            });
        }
        packets
    }
}

impl Draw {
    /// A sequence; the same start gives the same numbers.
    pub(crate) fn new(start: u64) -> Self {
        Self(start)
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        // Knuth's MMIX constants; the high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let index = (self.0 >> 33) as usize % all.len();
        &all[index]
    }
}

/// Addresses in a tag, and a few around a word that stands for many.
fn members(tag: &str, known: &Knowledge) -> Vec<Address> {
    let parse = |texts: &[&str]| texts.iter().map(|t| Address::parse(t).unwrap()).collect();
    match tag.to_lowercase().as_str() {
        "*" | "virtualnetwork" => Vec::new(),
        "internet" => parse(&["8.8.8.8", "9.255.255.255", "11.0.0.0", "172.32.0.0"]),
        "azureloadbalancer" => parse(&["168.63.129.15", "168.63.129.16", "168.63.129.17"]),
        _ => known
            .addresses()
            .filter(|address| known.in_service_tag(*address, tag) == super::Match::Yes)
            .collect(),
    }
}

fn add_range(into: &mut BTreeSet<Address>, range: Range) {
    into.extend([range.low(), range.high()]);
    into.extend(range.low().step(-1));
    into.extend(range.high().step(1));
}

/// Fields of rules, routes and IP groups that hold addresses or tags.
fn is_address_key(key: &str) -> bool {
    let lower = key.to_lowercase();
    [
        "addressprefix",
        "addressprefixes",
        "sourceaddresses",
        "destinationaddresses",
        "ipaddresses",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}

/// Visits every text with the member that holds it.
fn walk(value: &Value, key: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(key, text),
        Value::Array(items) => items.iter().for_each(|item| walk(item, key, visit)),
        Value::Object(members) => members
            .iter()
            .for_each(|(key, item)| walk(item, key, visit)),
        _ => {}
    }
}

fn walk_numbers(value: &Value, key: &str, visit: &mut impl FnMut(&str, u64)) {
    match value {
        Value::Number(number) => visit(key, number.as_u64().unwrap_or(0)),
        Value::Array(items) => items.iter().for_each(|item| walk_numbers(item, key, visit)),
        Value::Object(members) => members
            .iter()
            .for_each(|(key, item)| walk_numbers(item, key, visit)),
        _ => {}
    }
}
