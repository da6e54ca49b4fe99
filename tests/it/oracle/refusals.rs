//! What the service would refuse in emitted resources, told as text. It judges the shape only, never
//! the meaning, and lists only refusals that are documented or were observed.
//!
//! Source: "Azure network security groups overview", "Azure Firewall known issues", "Azure Firewall
//! FAQ", "Virtual network traffic routing", "Azure service tags overview", "Azure subscription and
//! service limits", checked 2026-11-23.

use std::collections::BTreeSet;

use serde_json::Value;

use super::address::{Address, Range};
use super::load::Emitted;
use super::{items, port_range, text, texts};

/// Tags that the firewall does not know.
const NOT_FOR_FIREWALL: [&str; 6] = [
    "Internet",
    "VirtualNetwork",
    "AzureLoadBalancer",
    "AzurePlatformDNS",
    "AzurePlatformIMDS",
    "AzurePlatformLKM",
];

/// All refusals of one environment.
pub(crate) fn of(emitted: &Emitted) -> Vec<String> {
    let mut found = Vec::new();
    for group in &emitted.nsgs {
        of_nsg(group, &mut found);
    }
    for table in &emitted.route_tables {
        of_route_table(table, &mut found);
    }
    let mut priorities = BTreeSet::new();
    for group in &emitted.firewall.groups {
        of_rule_collection_group(group, &mut found);
        let policy = super::firewall::policy_of(group).to_lowercase();
        let number = group["properties"]["priority"].as_u64();
        if !priorities.insert((policy, number)) {
            found.push(format!(
                "{}: priority {number:?} twice",
                text(group, "name")
            ));
        }
    }
    found
}

/// Refusals of a network security group.
pub(crate) fn of_nsg(group: &Value, found: &mut Vec<String>) {
    let mut numbers = BTreeSet::new();
    let mut names = BTreeSet::new();
    let rules = items(&group["properties"], "securityRules");
    if rules.len() > 1000 {
        found.push(format!("{}: {} rules", text(group, "name"), rules.len()));
    }
    for rule in rules {
        let at = format!("{}/{}", text(group, "name"), text(rule, "name"));
        let body = &rule["properties"];
        let mut say = |what: String| found.push(format!("{at}: {what}"));
        check_name(text(rule, "name"), &mut say);
        if !names.insert(text(rule, "name").to_lowercase()) {
            say("name twice".to_owned());
        }
        let priority = body["priority"].as_u64().unwrap_or(0);
        if !(100..=4096).contains(&priority) {
            say(format!("priority {priority}"));
        }
        if !numbers.insert((text(body, "direction").to_owned(), priority)) {
            say(format!("SecurityRuleConflict, priority {priority} twice"));
        }
        for (member, allowed) in [
            ("direction", &["Inbound", "Outbound"][..]),
            ("access", &["Allow", "Deny"][..]),
            ("protocol", &["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"][..]),
        ] {
            if !allowed.contains(&text(body, member)) {
                say(format!("{member} `{}`", text(body, member)));
            }
        }
        if text(body, "description").chars().count() > 140 {
            say("description longer than 140".to_owned());
        }
        for side in ["source", "destination"] {
            check_side(body, side, &mut say);
        }
    }
}

/// Refusals of a route table.
pub(crate) fn of_route_table(table: &Value, found: &mut Vec<String>) {
    let mut prefixes = BTreeSet::new();
    let mut tags = 0;
    for route in super::routes::routes(table) {
        let at = format!("{}/{}", text(table, "name"), text(route, "name"));
        let mut say = |what: String| found.push(format!("{at}: {what}"));
        let body = &route["properties"];
        let prefix = text(body, "addressPrefix");
        check_name(text(route, "name"), &mut say);
        if !prefixes.insert(prefix.to_lowercase()) {
            say(format!("prefix `{prefix}` twice"));
        }
        if Range::parse(prefix).is_none() {
            tags += 1;
            if prefix.is_empty() || prefix == "*" || NOT_FOR_FIREWALL.contains(&prefix) {
                say(format!("prefix `{prefix}` is not for routes"));
            }
        } else if !prefix.contains('/') || !is_canonical(prefix) {
            say(format!("prefix `{prefix}` is not a network prefix"));
        }
        let appliance = text(body, "nextHopType") == "VirtualAppliance";
        if appliance != Address::parse(text(body, "nextHopIpAddress")).is_some() {
            say("a next hop address goes with VirtualAppliance, and only with it".to_owned());
        }
    }
    if tags > 25 {
        found.push(format!("{}: {tags} tag routes", text(table, "name")));
    }
}

/// Refusals of a rule collection group.
pub(crate) fn of_rule_collection_group(group: &Value, found: &mut Vec<String>) {
    let name = text(group, "name");
    let properties = &group["properties"];
    let mut numbers = BTreeSet::new();
    let check_priority = |value: &Value, at: &str, found: &mut Vec<String>| {
        let priority = value["priority"].as_u64().unwrap_or(0);
        if !(100..=65000).contains(&priority) {
            found.push(format!("{at}: priority {priority}"));
        }
        priority
    };
    check_priority(properties, name, found);
    for collection in items(properties, "ruleCollections") {
        let at = format!("{name}/{}", text(collection, "name"));
        let priority = check_priority(collection, &at, found);
        if !numbers.insert(priority) {
            found.push(format!("{at}: priority {priority} twice"));
        }
        let rules = items(collection, "rules");
        if rules.is_empty() {
            found.push(format!("{at}: no rules"));
        }
        let mut names = BTreeSet::new();
        for rule in rules {
            let at = format!("{at}/{}", text(rule, "name"));
            let mut say = |what: String| found.push(format!("{at}: {what}"));
            if !names.insert(text(rule, "name").to_lowercase()) {
                say("name twice".to_owned());
            }
            if text(rule, "ruleType") != text(&rules[0], "ruleType") {
                say("another rule type than its collection's first".to_owned());
            }
            of_firewall_rule(rule, &mut say);
        }
    }
}

fn of_firewall_rule(rule: &Value, say: &mut impl FnMut(String)) {
    if texts(rule, "sourceAddresses").is_empty() && texts(rule, "sourceIpGroups").is_empty() {
        say("no source".to_owned());
    }
    for source in texts(rule, "sourceAddresses") {
        match Range::parse(source) {
            Some(range) if range.six => say(format!("IPv6 source `{source}`")),
            None if source != "*" => say(format!("`{source}` is no source for the firewall")),
            _ => {}
        }
    }
    match text(rule, "ruleType") {
        "NetworkRule" => of_network_rule(rule, say),
        "ApplicationRule" => of_application_rule(rule, say),
        "NatRule" if texts(rule, "destinationPorts").len() != 1 => {
            say("a translation rule has one port".to_owned());
        }
        _ => {}
    }
}

fn of_network_rule(rule: &Value, say: &mut impl FnMut(String)) {
    let kinds = [
        "destinationAddresses",
        "destinationIpGroups",
        "destinationFqdns",
    ];
    if kinds.iter().all(|kind| texts(rule, kind).is_empty()) {
        say("no destination".to_owned());
    }
    for destination in texts(rule, "destinationAddresses") {
        if Range::parse(destination).is_some_and(|range| range.six) {
            say(format!("IPv6 destination `{destination}`"));
        }
        let tag = |known: &&str| known.eq_ignore_ascii_case(destination);
        if destination.contains("*.") || NOT_FOR_FIREWALL.iter().any(tag) {
            say(format!("destination `{destination}`"));
        }
    }
    for name in texts(rule, "destinationFqdns") {
        if name.contains('*') || Range::parse(name).is_some() || !name.contains('.') {
            say(format!("`{name}` in a network rule"));
        }
    }
    if texts(rule, "destinationPorts").is_empty() {
        say("no ports".to_owned());
    }
    for ports in texts(rule, "destinationPorts") {
        let (first, last) = port_range(ports);
        if ports != "*" && (first == 0 || first > last) {
            say(format!("ports `{ports}`"));
        }
    }
    if texts(rule, "ipProtocols").is_empty() {
        say("no protocol".to_owned());
    }
    for protocol in texts(rule, "ipProtocols") {
        if !["TCP", "UDP", "ICMP", "Any"].contains(&protocol) {
            say(format!("protocol `{protocol}`"));
        }
    }
}

fn of_application_rule(rule: &Value, say: &mut impl FnMut(String)) {
    if items(rule, "protocols").is_empty() {
        say("no protocols: the service answers with an internal error".to_owned());
    }
    for protocol in items(rule, "protocols") {
        let port = protocol["port"].as_u64().unwrap_or(0);
        if !(1..=64000).contains(&port) {
            say(format!("port {port}"));
        }
        if !["Http", "Https", "Mssql"].contains(&text(protocol, "protocolType")) {
            say(format!("protocol `{}`", text(protocol, "protocolType")));
        }
    }
    for pattern in texts(rule, "targetFqdns") {
        if pattern.is_empty() || pattern[1..].contains('*') || pattern.starts_with("*.*") {
            say(format!("pattern `{pattern}`: a star stands only in front"));
        }
    }
    let kinds = ["targetFqdns", "targetUrls", "fqdnTags", "webCategories"];
    if kinds.iter().all(|kind| texts(rule, kind).is_empty()) {
        say("no target".to_owned());
    }
}

/// Each operand in exactly one form; tags and stars singular; one family; no overlap.
fn check_side(body: &Value, side: &str, say: &mut impl FnMut(String)) {
    let single = text(body, &format!("{side}AddressPrefix"));
    let many = texts(body, &format!("{side}AddressPrefixes"));
    let groups = items(body, &format!("{side}ApplicationSecurityGroups"));
    let forms = [!single.is_empty(), !many.is_empty(), !groups.is_empty()];
    if forms.iter().filter(|form| **form).count() != 1 {
        say(format!("{side} needs exactly one form"));
    }
    let mut seen: Vec<Range> = Vec::new();
    for entry in many {
        let Some(range) = Range::parse(entry) else {
            say(format!("`{entry}` in a plural address field"));
            continue;
        };
        if seen.iter().any(|other| other.six != range.six) {
            say(format!("{side}: both address families"));
        }
        if seen.iter().any(|other| other.meets(range)) {
            say(format!("{side}: `{entry}` overlaps another prefix"));
        }
        seen.push(range);
    }
    let single = text(body, &format!("{side}PortRange"));
    let many = texts(body, &format!("{side}PortRanges"));
    if single.is_empty() == many.is_empty() {
        say(format!("{side} port needs exactly one form"));
    }
    if many.contains(&"*") {
        say(format!("{side}: `*` in a plural port field"));
    }
    for ports in many
        .into_iter()
        .chain([single].into_iter().filter(|p| !p.is_empty()))
    {
        let (first, last) = port_range(ports);
        if first > last {
            say(format!("{side} ports `{ports}`"));
        }
    }
}

/// `^[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?$`
fn check_name(name: &str, say: &mut impl FnMut(String)) {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let fine = (1..=80).contains(&name.len())
        && name.starts_with(plain)
        && name.ends_with(|c| plain(c) || c == '_')
        && name.chars().all(|c| plain(c) || "._-".contains(c));
    if !fine {
        say(format!("name `{name}`"));
    }
}

fn is_canonical(prefix: &str) -> bool {
    let address = prefix.split('/').next().unwrap_or("");
    Range::parse(prefix).map(Range::low) == Address::parse(address)
}

#[test]
fn the_refusals_of_network_security_groups_are_seen() {
    let group = serde_json::json!({"name": "nsg", "properties": {"securityRules": [
        {"name": "a", "properties": {"priority": 100, "direction": "Inbound", "access": "Allow",
            "protocol": "Tcp", "sourceAddressPrefixes": ["Storage", "10.0.0.0/8", "10.1.0.0/16"],
            "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRanges": ["*"]}},
        {"name": "b ", "properties": {"priority": 100, "direction": "Inbound", "access": "allow",
            "protocol": "TCP", "sourceAddressPrefix": "*", "sourceAddressPrefixes": ["10.0.0.0/8"],
            "sourcePortRange": "*", "destinationAddressPrefix": "*"}},
    ]}});
    let mut found = Vec::new();
    of_nsg(&group, &mut found);
    let expected = [
        "nsg/a: `Storage` in a plural address field",
        "nsg/a: source: `10.1.0.0/16` overlaps another prefix",
        "nsg/a: destination: `*` in a plural port field",
        "nsg/b : name `b `",
        "nsg/b : SecurityRuleConflict, priority 100 twice",
        "nsg/b : access `allow`",
        "nsg/b : protocol `TCP`",
        "nsg/b : source needs exactly one form",
        "nsg/b : destination port needs exactly one form",
    ];
    assert_eq!(found, expected);
}
