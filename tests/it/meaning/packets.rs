//! Packets for a generated policy, most of them at an edge of something it says: the first and last
//! address and port of a range, one less and one more, names in and out of every pattern.

use crate::oracle::Packet;
use crate::oracle::address::{Address, HOST, Range};

use super::facts::Facts;
use super::generate::Dice;
use super::policy::{Flow, Part, Policy, range};

/// Public addresses that no tag used here holds and no generated range names.
pub(super) const FREE: [&str; 4] = [
    "8.8.4.4",
    "93.184.216.34",
    "23.45.67.89",
    "2606:2800:220:1::1",
];

/// So many packets inside the universe of the language.
pub(super) fn sample(policy: &Policy, facts: &Facts, seed: u64, count: usize) -> Vec<Packet> {
    let mut dice = Dice::new(seed ^ 0x00c0_ffee);
    let mut out = Vec::new();
    if policy.flows.is_empty() {
        return out;
    }
    let translated = if policy.dnats.is_empty() { 0 } else { 20 };
    let common = common(policy, facts);
    for _ in 0..count * 4 {
        if out.len() >= count {
            break;
        }
        let packet = if dice.percent(translated) {
            published(policy, facts, &common, &mut dice)
        } else {
            let flow = &policy.flows[dice.below(policy.flows.len())];
            one(policy, facts, flow, &common, &mut dice)
        };
        if in_universe(policy, &packet) && !out.contains(&packet) {
            out.push(packet);
        }
    }
    out
}

fn one(policy: &Policy, facts: &Facts, flow: &Flow, common: &[Address], dice: &mut Dice) -> Packet {
    let (mut from, mut to) = (&flow.from, &flow.to);
    if flow.between && dice.percent(50) {
        std::mem::swap(&mut from, &mut to);
    }
    let other = &policy.flows[dice.below(policy.flows.len())];
    let source_parts = if dice.percent(88) { from } else { &other.from };
    let to_parts = if dice.percent(88) { to } else { &other.to };
    let source = address(policy, facts, source_parts, common, dice);
    let mut destination = address(policy, facts, to_parts, common, dice);
    let service = if dice.percent(80) {
        dice.pick(&flow.services).clone()
    } else {
        dice.pick(&other.services).clone()
    };
    let mut protocol = match service.0 {
        "http" | "https" | "mssql" => "tcp",
        "any" => dice.word(&["tcp", "udp", "icmp"]),
        word => word,
    };
    if dice.percent(6) {
        protocol = dice.word(&["tcp", "udp", "icmp"]);
    }
    let mut port = match service.0 {
        "http" if service.1.is_empty() => 80,
        "https" if service.1.is_empty() => 443,
        "mssql" if service.1.is_empty() => 1433,
        _ if service.1.is_empty() => *dice.pick(&[1_u16, 22, 53, 443, 8443, 65_535]),
        _ => {
            let (first, last) = *dice.pick(&service.1);
            *dice.pick(&[first, last, first, last.saturating_add(1), first - 1])
        }
    };
    if port == 0 {
        port = 1;
    }
    let plain: Vec<Part> = to_parts.iter().flat_map(Part::plain).collect();
    let named = plain.iter().any(Part::is_name);
    let mut name = String::new();
    if dice.percent(if named { 85 } else { 10 }) {
        let names: Vec<&str> = Facts::names().collect();
        let fit: Vec<&str> = plain
            .iter()
            .filter_map(|p| match p {
                Part::Name(n) => Some(n.trim_start_matches('*').trim_start_matches('.')),
                Part::Category(_) => Some("casino.example.net"),
                Part::Url(url) => url.split('/').next(),
                Part::NameWithin(n, _) => Some(*n),
                _ => None,
            })
            .filter(|n| !n.is_empty())
            .collect();
        name = match dice.below(3) {
            0 if !fit.is_empty() => (*dice.pick(&fit)).to_owned(),
            _ => (*dice.pick(&names)).to_owned(),
        };
        if dice.percent(5) {
            name = name.to_uppercase();
        }
        let private = plain.iter().any(|p| matches!(p, Part::NameWithin(..)));
        if dice.percent(if private { 25 } else { 85 }) {
            let alike = |text: &&str| text.contains(':') == source.six;
            let free: Vec<&str> = FREE.into_iter().filter(alike).collect();
            destination = Address::parse(dice.word(&free)).unwrap();
        }
    }
    let l7 = if protocol != "tcp" {
        "none"
    } else if !name.is_empty() && dice.percent(90) {
        match port {
            80 => "http",
            1433 => "mssql",
            443 => "https",
            _ => match service.0 {
                word @ ("http" | "https" | "mssql") => word,
                _ => "none",
            },
        }
    } else {
        dice.word(&["none", "none", "https"])
    };
    let ports = protocol == "tcp" || protocol == "udp";
    let source_port = match flow.source_ports.as_slice() {
        [] => 50_000,
        several => {
            let (first, last) = *dice.pick(several);
            *dice.pick(&[first, last, first - 1, last.saturating_add(1), 50_000])
        }
    };
    Packet {
        source,
        destination,
        name,
        protocol: protocol.to_owned(),
        source_port: if ports { source_port } else { 0 },
        port: if ports { port } else { 0 },
        l7: l7.to_owned(),
    }
}

/// A packet from outside to a public address of a firewall, mostly for one of its translations.
fn published(policy: &Policy, facts: &Facts, common: &[Address], dice: &mut Dice) -> Packet {
    let dnat = dice.pick(&policy.dnats);
    let other = dice.pick(&policy.dnats);
    // What is opened at the target is for the firewall alone: others ask there too.
    if let (Some(target), true) = (Address::parse(&dnat.into), dice.percent(30)) {
        let mut near: Vec<Address> = common.to_vec();
        for subnet in policy.firewalls.iter().filter_map(|f| f.subnet.as_ref()) {
            near.extend(range(subnet).low().step(-1));
            near.extend(range(subnet).high().step(1));
        }
        return Packet {
            source: *dice.pick(&near),
            destination: target,
            name: String::new(),
            protocol: dnat.protocol.to_owned(),
            source_port: 50_000,
            port: dnat.into_port.unwrap_or(dnat.port),
            l7: "none".to_owned(),
        };
    }
    let port = if dice.percent(85) {
        dnat.port
    } else {
        *dice.pick(&[dnat.port + 1, dnat.port - 1, other.port])
    };
    let usual = dice.percent(90);
    Packet {
        source: address(policy, facts, &dnat.from, common, dice),
        destination: Address::parse(dice.word(if usual { &dnat.to } else { &other.to })).unwrap(),
        name: String::new(),
        protocol: if dice.percent(92) {
            dnat.protocol
        } else {
            dice.word(&["tcp", "udp"])
        }
        .to_owned(),
        source_port: 50_000,
        port,
        l7: "none".to_owned(),
    }
}

/// An address of a part or at its edge, or any other that matters.
fn address(
    policy: &Policy,
    facts: &Facts,
    parts: &[Part],
    common: &[Address],
    dice: &mut Dice,
) -> Address {
    if dice.percent(6) {
        return *dice.pick(common);
    }
    let part = dice.pick(parts);
    let ranges = ranges(policy, facts, part);
    if ranges.is_empty() {
        return if dice.percent(50) {
            Address::parse(dice.word(&FREE)).unwrap()
        } else {
            *dice.pick(common)
        };
    }
    edge(*dice.pick(&ranges), dice)
}

fn edge(range: Range, dice: &mut Dice) -> Address {
    let (low, high) = (range.low(), range.high());
    match dice.below(13) {
        0..5 => low,
        5..10 => high,
        10 => low.step(-1).unwrap_or(low),
        11 => high.step(1).unwrap_or(high),
        _ => low.step(1).unwrap_or(low),
    }
}

fn ranges(policy: &Policy, facts: &Facts, part: &Part) -> Vec<Range> {
    match part {
        Part::Range(text) => vec![range(text)],
        Part::NameWithin(_, text) => vec![range(text)],
        Part::Group(name) => policy.ip_group(name),
        Part::Named(_, _, parts) => parts
            .iter()
            .flat_map(|p| ranges(policy, facts, p))
            .collect(),
        Part::Subnet(name) => policy.subnet(name).ranges(),
        Part::Tag("AzureLoadBalancer") => vec![range("168.63.129.16")],
        Part::Tag(tag) => facts.prefixes(tag).to_vec(),
        Part::Network => policy
            .subnets
            .iter()
            .flat_map(super::policy::Subnet::ranges)
            .chain(policy.vnets.iter().flat_map(super::policy::Vnet::ranges))
            .collect(),
        Part::Except(base, minus) => {
            let mut all = ranges(policy, facts, base);
            all.extend(minus.iter().map(|text| range(text)));
            all
        }
        Part::Asg(_) => policy
            .subnets
            .iter()
            .flat_map(super::policy::Subnet::ranges)
            .collect(),
        Part::Any
        | Part::Internet
        | Part::Name(_)
        | Part::NameTag(_)
        | Part::Category(_)
        | Part::Url(_) => Vec::new(),
    }
}

/// Addresses that matter to any policy of this topology.
fn common(policy: &Policy, facts: &Facts) -> Vec<Address> {
    let mut out: Vec<Address> = FREE.iter().filter_map(|t| Address::parse(t)).collect();
    for text in [
        "51.10.20.7",
        "51.10.3.3",
        "8.8.8.8",
        "10.200.0.1",
        "10.77.1.1",
        "172.16.8.1",
        "192.168.7.9",
        "192.168.255.255",
    ] {
        out.extend(Address::parse(text));
    }
    if policy.vnets.iter().any(|v| v.firewall.is_some()) {
        // The undeclared rest of such networks.
        for vnet in &policy.vnets {
            out.extend(Address::parse(&vnet.space.replace(".0.0/16", ".99.7")));
        }
    }
    for subnet in &policy.subnets {
        for range in subnet.ranges() {
            out.extend([range.low(), range.high()]);
            out.extend(range.high().step(1));
        }
    }
    for vnet in &policy.vnets {
        out.extend(vnet.ranges().into_iter().map(Range::high));
    }
    for route in &policy.routes {
        for range in ranges(policy, facts, &route.to).into_iter().take(4) {
            out.extend([range.low(), range.high()]);
        }
    }
    out
}

/// At least one end in a declared subnet, or both outside with one firewall between; the firewall's
/// own subnet is no end; platform addresses only where a flow names them.
pub(super) fn in_universe(policy: &Policy, packet: &Packet) -> bool {
    let inside = |address: Address| policy.subnets.iter().any(|s| address.within(&s.ranges()));
    let (source, destination) = (packet.source, packet.destination);
    if source.six != destination.six {
        return false;
    }
    if destination.within(&policy.published()) {
        return source.is_public() && !source.within(&policy.declared());
    }
    if source.within(&policy.published()) {
        return false;
    }
    // `tag(VirtualNetwork)` is that of the subnet at the other end: where neither end is in one the
    // language does not say what it stands for.
    let network = |f: &Flow| {
        let mut ends = f.from.iter().chain(&f.to).flat_map(Part::plain);
        ends.any(|p| p == Part::Network)
    };
    let named = |address: Address| {
        let mut own = policy.vnets.iter().filter(|v| v.firewall.is_some());
        own.find(|v| address.within(&v.ranges()))
    };
    let (near, far) = (named(source), named(destination));
    let alone = policy.firewalls.len() == 1 || near.is_some() || far.is_some();
    let within = near.is_some() && near.map(|v| &v.name) == far.map(|v| &v.name);
    let unsaid = !alone || within || !policy.subnets.is_empty() && policy.flows.iter().any(network);
    if !inside(source) && !inside(destination) && unsaid {
        return false;
    }
    let gateway = policy.gateway.iter().flat_map(|g| g.ranges());
    let gateway: Vec<Range> = gateway.collect();
    let transit = |address: Address| {
        address.within(&gateway)
            || policy.firewalls.iter().any(|f| {
                range(&f.address).contains(address)
                    || f.subnet
                        .as_ref()
                        .is_some_and(|s| range(s).contains(address))
            })
    };
    if transit(source) || transit(destination) || destination.is_platform() {
        return false;
    }
    let named = policy
        .flows
        .iter()
        .any(|f| f.from.contains(&Part::Tag("AzureLoadBalancer")) && policy.present(f));
    if source == HOST {
        return named && inside(destination);
    }
    // A name without an address is a public one, and one with its own has no other.
    let mut ends = policy
        .flows
        .iter()
        .flat_map(|f| &f.to)
        .flat_map(Part::plain);
    let own = ends.find_map(|p| match p {
        Part::NameWithin(name, prefix) => packet
            .name
            .eq_ignore_ascii_case(name)
            .then(|| range(prefix).contains(destination)),
        _ => None,
    });
    if !packet.name.is_empty() && !own.unwrap_or_else(|| destination.is_public()) {
        return false;
    }
    // Addresses that nobody has are no ends: broadcast, multicast, documentation.
    let real = |a: Address| inside(a) || a.is_public() || a.is_private();
    real(source) && real(destination) && !source.is_platform() && source != destination
}
