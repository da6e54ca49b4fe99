//! Network security groups: rules by priority, then Azure's default rules, first match. It knows no
//! security admin rules and no application security group members.
//!
//! Source: "Azure network security groups overview", "How network security groups filter network
//! traffic", "Azure service tags overview", checked 2026-11-23.

use serde_json::Value;

use super::address::{Address, HOST, METADATA, Range};
use super::knowledge::Knowledge;
use super::{Decision, FirstMatch, Match, Packet, Verdict, items, port_in, text, texts};

/// The way a packet crosses the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Into the subnet or network interface.
    Inbound,
    /// Out of it.
    Outbound,
}

/// What the tags `VirtualNetwork` and `Internet` are made of, at one subnet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The VNet's address space, its peers' and the on-premises prefixes.
    pub(crate) network: Vec<Range>,
    /// Prefixes of the subnet's user routes: `VirtualNetwork` absorbs them.
    pub(crate) routed: Vec<Range>,
    /// Service tags of the subnet's user routes.
    pub(crate) routed_tags: Vec<String>,
}

/// One rule, Azure's own included.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Its priority.
    pub(crate) priority: u64,
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) access: Verdict,
    protocol: String,
    /// Sources as written.
    pub(crate) sources: Vec<String>,
    /// Destinations as written.
    pub(crate) destinations: Vec<String>,
    /// Source ports as written.
    pub(crate) source_ports: Vec<String>,
    /// Destination ports as written.
    pub(crate) ports: Vec<String>,
    /// Whether an application security group is named, whose members are unknown.
    groups: [bool; 2],
}

/// The verdict of the subnet's group and the network interface's; either may be missing. A packet
/// has to pass both.
pub(crate) fn evaluate(
    subnet: Option<&Value>,
    interface: Option<&Value>,
    direction: Direction,
    packet: &Packet,
    around: &Surroundings,
    known: &Knowledge,
) -> Decision {
    let order = match direction {
        Direction::Inbound => [subnet, interface],
        Direction::Outbound => [interface, subnet],
    };
    let mut last = Decision::new(Verdict::Allow, "no network security group");
    let mut unknown = None;
    for group in order.into_iter().flatten() {
        let decision = evaluate_one(group, direction, packet, around, known);
        match decision.verdict {
            Verdict::Deny => return decision,
            Verdict::Unknown => unknown = Some(decision),
            Verdict::Allow => last = decision,
        }
    }
    unknown.unwrap_or(last)
}

/// The verdict of one group; deciding rules are named `group/rule`.
pub(crate) fn evaluate_one(
    group: &Value,
    direction: Direction,
    packet: &Packet,
    around: &Surroundings,
    known: &Knowledge,
) -> Decision {
    let platform = direction == Direction::Outbound && packet.destination.is_platform();
    let mut walk = FirstMatch::default();
    for rule in rules(group, direction) {
        // Platform addresses pass unless a rule names them by one of their own tags.
        if platform
            && !rule
                .destinations
                .iter()
                .any(|d| platform_tag(d, packet).is_some())
        {
            continue;
        }
        let by = format!("{}/{}", text(group, "name"), rule.name);
        let matched = rule.matches(packet, around, known);
        if let Some(decision) = walk.meet(matched, rule.access, &by) {
            return decision;
        }
    }
    assert!(platform, "Azure's last default rule matches everything");
    walk.end(Verdict::Allow, "platform address")
}

/// The rules of one direction by priority, Azure's default rules last.
pub(crate) fn rules(group: &Value, direction: Direction) -> Vec<Rule> {
    let word = match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    };
    let mut found: Vec<Rule> = items(&group["properties"], "securityRules")
        .iter()
        .filter(|rule| text(&rule["properties"], "direction").eq_ignore_ascii_case(word))
        .map(Rule::read)
        .collect();
    let default = |priority, name: &str, source: &str, destination: &str, access| Rule {
        priority,
        name: name.to_owned(),
        access,
        protocol: "*".to_owned(),
        sources: vec![source.to_owned()],
        destinations: vec![destination.to_owned()],
        source_ports: vec!["*".to_owned()],
        ports: vec!["*".to_owned()],
        groups: [false, false],
    };
    let (allow, deny) = (Verdict::Allow, Verdict::Deny);
    let vnet = "VirtualNetwork";
    match direction {
        Direction::Inbound => {
            let probe = "AllowAzureLoadBalancerInBound";
            found.push(default(65000, "AllowVnetInBound", vnet, vnet, allow));
            found.push(default(65001, probe, "AzureLoadBalancer", "*", allow));
            found.push(default(65500, "DenyAllInBound", "*", "*", deny));
        }
        Direction::Outbound => {
            let internet = "AllowInternetOutBound";
            found.push(default(65000, "AllowVnetOutBound", vnet, vnet, allow));
            found.push(default(65001, internet, "*", "Internet", allow));
            found.push(default(65500, "DenyAllOutBound", "*", "*", deny));
        }
    }
    found.sort_by_key(|rule| rule.priority);
    found
}

impl Rule {
    fn read(rule: &Value) -> Self {
        let name = text(rule, "name").to_owned();
        let body = &rule["properties"];
        let both = |one: &str, many: &str| -> Vec<String> {
            let mut all: Vec<String> = texts(body, many).into_iter().map(str::to_owned).collect();
            let single = text(body, one);
            if !single.is_empty() {
                all.push(single.to_owned());
            }
            all
        };
        Self {
            priority: body["priority"]
                .as_u64()
                .unwrap_or_else(|| panic!("rule `{name}` has no priority")),
            access: match text(body, "access").to_lowercase().as_str() {
                "allow" => Verdict::Allow,
                "deny" => Verdict::Deny,
                other => panic!("rule `{name}`: access `{other}`"),
            },
            protocol: text(body, "protocol").to_lowercase(),
            sources: both("sourceAddressPrefix", "sourceAddressPrefixes"),
            destinations: both("destinationAddressPrefix", "destinationAddressPrefixes"),
            source_ports: both("sourcePortRange", "sourcePortRanges"),
            ports: both("destinationPortRange", "destinationPortRanges"),
            groups: ["source", "destination"]
                .map(|side| !items(body, &format!("{side}ApplicationSecurityGroups")).is_empty()),
            name,
        }
    }

    /// Whether the rule matches, seen from one subnet.
    pub(crate) fn matches(
        &self,
        packet: &Packet,
        around: &Surroundings,
        known: &Knowledge,
    ) -> Match {
        let side = |entries: &[String], group: bool, address: Address| {
            let mut matched = if group { Match::May } else { Match::No };
            for entry in entries {
                matched = matched.or(entry_matches(entry, address, packet, around, known));
            }
            matched
        };
        Match::from(self.protocol == "*" || self.protocol == packet.protocol)
            .and(ports_match(&self.source_ports, packet, packet.source_port))
            .and(ports_match(&self.ports, packet, packet.port))
            .and(side(&self.sources, self.groups[0], packet.source))
            .and(side(&self.destinations, self.groups[1], packet.destination))
    }
}

/// A protocol without ports matches a rule for all ports only.
fn ports_match(entries: &[String], packet: &Packet, port: u16) -> Match {
    Match::from(entries.iter().any(|entry| {
        if packet.has_ports() {
            port_in(entry, port)
        } else {
            entry == "*" || entry == "0-65535"
        }
    }))
}

fn entry_matches(
    entry: &str,
    address: Address,
    packet: &Packet,
    around: &Surroundings,
    known: &Knowledge,
) -> Match {
    if entry == "*" {
        return Match::Yes;
    }
    if let Some(range) = Range::parse(entry) {
        return Match::from(range.contains(address));
    }
    match entry.to_lowercase().as_str() {
        "virtualnetwork" => virtual_network(address, around, known),
        "azureloadbalancer" => Match::from(address == HOST),
        // Publicly reachable and outside the network, Azure's own public addresses included. Whether
        // it loses what VirtualNetwork absorbs from routes is not documented; here it does not.
        "internet" => Match::from(address.is_public() && !address.within(&around.network)),
        _ => match platform_tag(entry, packet) {
            Some(yes) => Match::from(yes),
            None => known.in_service_tag(address, entry),
        },
    }
}

/// The VNet, its peers, on-premises, the host's address and the prefixes of the subnet's user routes.
fn virtual_network(address: Address, around: &Surroundings, known: &Knowledge) -> Match {
    if address == HOST || address.within(&around.network) || address.within(&around.routed) {
        return Match::Yes;
    }
    let mut matched = Match::No;
    for tag in &around.routed_tags {
        // Whether a route by service tag counts as a prefix is not documented.
        matched = matched.or(known.in_service_tag(address, tag).and(Match::May));
    }
    matched
}

/// For the tags that stand for platform addresses: whether the packet goes to that one.
fn platform_tag(entry: &str, packet: &Packet) -> Option<bool> {
    Some(match entry.to_lowercase().as_str() {
        "azureplatformdns" => packet.destination == HOST && packet.port == 53,
        "azureplatformlkm" => packet.destination == HOST && packet.port == 1688,
        "azureplatformimds" => packet.destination == METADATA,
        _ => return None,
    })
}
