//! Azure Firewall by a firewall policy (parents, rule collection groups, collections, rules) or by
//! the collections of a classic firewall, first match. It knows no threat intelligence, no IDPS and no
//! infrastructure rules.
//!
//! Source: "Configure Azure Firewall rules" (rule processing logic; with classic rules each type has
//! its own priorities), "Azure Firewall policy rule sets", "IP Groups in Azure Firewall", "Use FQDN
//! filtering in network rules", checked 2026-11-23.

use serde_json::Value;

use super::address::{Address, Range};
use super::knowledge::Knowledge;
use super::{
    Decision, FirstMatch, Match, Packet, Verdict, items, last_segment, port_in, text, texts,
};

/// The resources that a firewall's behaviour depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Firewall {
    /// Policies; those without any setting of interest may be absent.
    pub(crate) policies: Vec<Value>,
    /// Rule collection groups, of any policy.
    pub(crate) groups: Vec<Value>,
    /// IP groups.
    pub(crate) ip_groups: Vec<Value>,
    /// Classic firewalls, whole or as a fragment.
    pub(crate) classic: Vec<Value>,
}

/// The three arrays of a classic firewall; nothing else says the type of their rules.
const CLASSIC: [(&str, Kind); 3] = [
    ("natRuleCollections", Kind::Dnat),
    ("networkRuleCollections", Kind::Network),
    ("applicationRuleCollections", Kind::Application),
];

/// The three rule types, in the order in which they are processed whatever the priorities say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Translation of inbound traffic.
    Dnat,
    /// Addresses and ports.
    Network,
    /// Names.
    Application,
}

/// One rule collection in its place.
#[derive(Clone, Debug)]
pub(crate) struct Collection<'a> {
    /// Its rule type.
    pub(crate) kind: Kind,
    /// 0 for the outermost parent policy.
    pub(crate) depth: usize,
    /// Its group's priority.
    pub(crate) group_priority: u64,
    /// Its own priority.
    pub(crate) priority: u64,
    /// `policy/group/collection`.
    pub(crate) path: String,
    /// What its rules do.
    pub(crate) action: Verdict,
    /// Its rules.
    pub(crate) rules: &'a [Value],
}

/// Where the firewall sends a packet to one of its addresses.
#[derive(Clone, Debug)]
pub(crate) struct Translation {
    /// An address or a name.
    pub(crate) target: String,
    /// The port there.
    pub(crate) port: u16,
    /// The rule.
    pub(crate) by: String,
}

impl Firewall {
    /// All collections of a policy and its parents in the order in which Azure reads them.
    pub(crate) fn order(&self, policy: &str) -> Vec<Collection<'_>> {
        if let Some(firewall) = self
            .classic
            .iter()
            .find(|f| text(f, "name").eq_ignore_ascii_case(policy))
        {
            return classic_order(firewall);
        }
        let mut found = Vec::new();
        for (depth, name) in self.lineage(policy).into_iter().enumerate() {
            for group in &self.groups {
                if !policy_of(group).eq_ignore_ascii_case(&name) {
                    continue;
                }
                let properties = &group["properties"];
                for collection in items(properties, "ruleCollections") {
                    let rules = items(collection, "rules");
                    let Some(first) = rules.first() else {
                        continue;
                    };
                    let path = format!(
                        "{name}/{}/{}",
                        last_segment(text(group, "name")),
                        text(collection, "name")
                    );
                    for rule in rules {
                        assert_eq!(
                            text(rule, "ruleType"),
                            text(first, "ruleType"),
                            "`{path}` mixes rule types"
                        );
                    }
                    found.push(Collection {
                        kind: match text(first, "ruleType") {
                            "NatRule" => Kind::Dnat,
                            "NetworkRule" => Kind::Network,
                            "ApplicationRule" => Kind::Application,
                            other => panic!("`{path}`: rule type `{other}`"),
                        },
                        depth,
                        group_priority: priority(properties, &path),
                        priority: priority(collection, &path),
                        action: action(collection, &path),
                        rules,
                        path,
                    });
                }
            }
        }
        found.sort_by_key(|c| (c.kind, c.depth, c.group_priority, c.priority));
        found
    }

    /// The verdict of a policy on a packet that is for somebody behind the firewall: translations are
    /// asked for apart.
    pub(crate) fn evaluate(&self, policy: &str, packet: &Packet, known: &Knowledge) -> Decision {
        self.decide(policy, packet, known).0
    }

    /// The same with the type of the deciding rule: application rules translate the source.
    pub(crate) fn decide(
        &self,
        policy: &str,
        packet: &Packet,
        known: &Knowledge,
    ) -> (Decision, Option<Kind>) {
        let mut walk = FirstMatch::default();
        for collection in self.order(policy) {
            if collection.kind == Kind::Dnat {
                continue;
            }
            for rule in collection.rules {
                let by = format!("{}/{}", collection.path, text(rule, "name"));
                let matched = self.matches(collection.kind, rule, packet, known);
                if let Some(decision) = walk.meet(matched, collection.action, &by) {
                    return (decision, Some(collection.kind));
                }
            }
        }
        (walk.end(Verdict::Deny, "firewall default"), None)
    }

    /// Where a packet to an address of the firewall is sent instead: the first translation that
    /// matches, as `target:port`. Names in `translatedFqdn` are not resolved.
    pub(crate) fn translate(
        &self,
        policy: &str,
        source: &str,
        destination: &str,
        protocol: &str,
        port: u16,
    ) -> Option<String> {
        let address = |text: &str| Address::parse(text).unwrap();
        let packet = Packet {
            source: address(source),
            destination: address(destination),
            name: String::new(),
            protocol: protocol.to_lowercase(),
            source_port: 50_000,
            port,
            l7: "none".to_owned(),
        };
        let found = self.translation(policy, &packet)?;
        Some(format!("{}:{}", found.target, found.port))
    }

    /// The first translation that matches a packet to one of the firewall's addresses.
    pub(crate) fn translation(&self, policy: &str, packet: &Packet) -> Option<Translation> {
        let known = Knowledge::default();
        for collection in self.order(policy) {
            if collection.kind != Kind::Dnat {
                continue;
            }
            for rule in collection.rules {
                if self.empty_group(rule) {
                    continue;
                }
                let ports = texts(rule, "destinationPorts");
                assert_eq!(ports.len(), 1, "one port a translation");
                let matched = self
                    .address_matches(rule, "source", packet.source, &known)
                    .and(self.address_matches(rule, "destination", packet.destination, &known))
                    .and(protocol_matches(rule, packet));
                assert_ne!(matched, Match::May, "translations name no tags");
                if matched == Match::Yes {
                    let target = match text(rule, "translatedAddress") {
                        "" => text(rule, "translatedFqdn"),
                        address => address,
                    };
                    return Some(Translation {
                        target: target.to_owned(),
                        port: text(rule, "translatedPort").parse().unwrap(),
                        by: format!("{}/{}", collection.path, text(rule, "name")),
                    });
                }
            }
        }
        None
    }

    /// An empty group makes the service skip the rule, whatever else the rule lists.
    fn empty_group(&self, rule: &Value) -> bool {
        ["sourceIpGroups", "destinationIpGroups"]
            .into_iter()
            .flat_map(|member| texts(rule, member))
            .any(|id| self.group_ranges(id).is_empty())
    }

    /// Whether a network or application rule matches a packet.
    pub(crate) fn matches(
        &self,
        kind: Kind,
        rule: &Value,
        packet: &Packet,
        known: &Knowledge,
    ) -> Match {
        if self.empty_group(rule) {
            return Match::No;
        }
        let source = self.address_matches(rule, "source", packet.source, known);
        match kind {
            Kind::Dnat => Match::No,
            Kind::Network => {
                let mut destination =
                    self.address_matches(rule, "destination", packet.destination, known);
                for name in texts(rule, "destinationFqdns") {
                    let same = !packet.name.is_empty() && name.eq_ignore_ascii_case(&packet.name);
                    destination = destination.or(Match::from(same));
                }
                source.and(destination).and(protocol_matches(rule, packet))
            }
            Kind::Application => source.and(application_matches(rule, packet, known)),
        }
    }

    /// The policy's parents from the outermost to itself.
    fn lineage(&self, policy: &str) -> Vec<String> {
        let mut names = vec![policy.to_owned()];
        let mut current = policy.to_owned();
        while let Some(found) = self
            .policies
            .iter()
            .find(|p| last_segment(text(p, "name")).eq_ignore_ascii_case(&current))
        {
            let Some(base) = found["properties"]["basePolicy"]["id"].as_str() else {
                break;
            };
            current = last_segment(base).to_owned();
            assert!(
                !names.iter().any(|n| n.eq_ignore_ascii_case(&current)),
                "`{policy}` is its own parent"
            );
            names.push(current.clone());
        }
        names.reverse();
        names
    }

    fn address_matches(
        &self,
        rule: &Value,
        side: &str,
        address: Address,
        known: &Knowledge,
    ) -> Match {
        let mut matched = Match::No;
        for entry in texts(rule, &format!("{side}Addresses")) {
            matched = matched.or(if entry == "*" {
                Match::Yes
            } else if let Some(range) = Range::parse(entry) {
                Match::from(range.contains(address))
            } else {
                assert_eq!(
                    side, "destination",
                    "`{entry}`: service tags are destinations only"
                );
                known.in_service_tag(address, entry)
            });
        }
        for id in texts(rule, &format!("{side}IpGroups")) {
            matched = matched.or(Match::from(address.within(&self.group_ranges(id))));
        }
        matched
    }

    /// The ranges of an IP group; none if it is empty or missing.
    pub(crate) fn group_ranges(&self, id: &str) -> Vec<Range> {
        let found = self.ip_groups.iter().find(|group| {
            let own = text(group, "id");
            if own.is_empty() {
                text(group, "name").eq_ignore_ascii_case(last_segment(id))
            } else {
                own.eq_ignore_ascii_case(id)
            }
        });
        let Some(group) = found else {
            return Vec::new();
        };
        texts(&group["properties"], "ipAddresses")
            .into_iter()
            .map(|t| Range::parse(t).unwrap_or_else(|| panic!("IP group entry `{t}`")))
            .collect()
    }
}

/// The collections of a classic firewall, type by type, each by its own priorities.
fn classic_order(firewall: &Value) -> Vec<Collection<'_>> {
    let mut found = Vec::new();
    for (member, kind) in CLASSIC {
        for collection in items(&firewall["properties"], member) {
            let path = format!("{}/{}", text(firewall, "name"), text(collection, "name"));
            let properties = &collection["properties"];
            found.push(Collection {
                kind,
                depth: 0,
                group_priority: 0,
                priority: priority(properties, &path),
                action: action(properties, &path),
                rules: items(properties, "rules"),
                path,
            });
        }
    }
    found.sort_by_key(|c| (c.kind, c.priority));
    for pair in found.windows(2) {
        assert_ne!(
            (pair[0].kind, pair[0].priority),
            (pair[1].kind, pair[1].priority),
            "`{}` and `{}` have one priority",
            pair[0].path,
            pair[1].path
        );
    }
    found
}

fn action(collection: &Value, path: &str) -> Verdict {
    match text(&collection["action"], "type") {
        a if a.eq_ignore_ascii_case("Allow") => Verdict::Allow,
        a if a.eq_ignore_ascii_case("Deny") => Verdict::Deny,
        a if a.eq_ignore_ascii_case("Dnat") => Verdict::Allow,
        other => panic!("`{path}`: action `{other}`"),
    }
}

/// The policy that a group belongs to: from its name `policy/group`, else from its id.
pub(crate) fn policy_of(group: &Value) -> &str {
    if let Some((policy, _)) = text(group, "name").split_once('/') {
        return policy;
    }
    let mut segments = text(group, "id").split('/');
    while let Some(segment) = segments.next() {
        if segment.eq_ignore_ascii_case("firewallPolicies") {
            return segments.next().unwrap_or("");
        }
    }
    ""
}

fn priority(value: &Value, path: &str) -> u64 {
    value["priority"]
        .as_u64()
        .unwrap_or_else(|| panic!("`{path}` or its group has no priority"))
}

/// IP protocol and port of a network rule. `Any` means every protocol only with the port `*`; with a
/// written port it is TCP and UDP.
fn protocol_matches(rule: &Value, packet: &Packet) -> Match {
    let ports = texts(rule, "destinationPorts");
    let every = ports.contains(&"*");
    let port = every || ports.iter().any(|p| port_in(p, packet.port));
    let mut matched = Match::No;
    // A classic firewall's word for it.
    let protocols = match rule.get("ipProtocols") {
        Some(_) => texts(rule, "ipProtocols"),
        None => texts(rule, "protocols"),
    };
    for protocol in protocols {
        let protocol = protocol.to_lowercase();
        matched = matched.or(match protocol.as_str() {
            "any" if packet.has_ports() => Match::from(port),
            "any" => Match::from(every),
            _ if protocol != packet.protocol => Match::No,
            _ if packet.has_ports() => Match::from(port),
            _ if every => Match::Yes,
            // What a port means to a protocol without ports is not documented.
            _ => Match::May,
        });
    }
    matched
}

/// Protocol and name of an application rule: only HTTP, HTTPS and MSSQL over TCP get here.
fn application_matches(rule: &Value, packet: &Packet, known: &Knowledge) -> Match {
    if packet.protocol != "tcp" || !["http", "https", "mssql"].contains(&packet.l7.as_str()) {
        return Match::No;
    }
    let protocol = items(rule, "protocols").iter().any(|p| {
        text(p, "protocolType").eq_ignore_ascii_case(&packet.l7)
            && p["port"].as_u64() == Some(u64::from(packet.port))
    });
    let mut name = Match::No;
    for pattern in texts(rule, "targetFqdns") {
        name = name.or(Match::from(fqdn_matches(pattern, &packet.name)));
    }
    for tag in texts(rule, "fqdnTags")
        .into_iter()
        .chain(texts(rule, "webCategories"))
    {
        name = name.or(known.in_name_tag(&packet.name, tag));
    }
    for url in texts(rule, "targetUrls") {
        // The packet has no path: a URL whose host fits may match.
        let host = url.split('/').next().unwrap_or("");
        if fqdn_matches(host, &packet.name) {
            name = name.or(Match::May);
        }
    }
    let mut all = Match::from(protocol).and(name);
    if !texts(rule, "destinationAddresses").is_empty() {
        // In the schema, but reported to have no effect.
        all = all.and(Match::May);
    }
    all
}

/// `x`, `*.x`, `*x`, `*`: a leading star stands for any characters, dots included; at least one of
/// them before a dot, since `*.contoso.com` does not cover `contoso.com`.
pub(crate) fn fqdn_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    if name.is_empty() {
        return false;
    }
    match pattern.strip_prefix('*') {
        None => name == pattern,
        Some(suffix) if suffix.starts_with('.') => {
            name.len() > suffix.len() && name.ends_with(suffix)
        }
        Some(suffix) => name.ends_with(suffix),
    }
}

#[test]
fn name_patterns() {
    for (pattern, name, expected) in [
        ("contoso.com", "Contoso.com", true),
        ("contoso.com", "www.contoso.com", false),
        ("*.contoso.com", "any.contoso.com", true),
        ("*.CONTOSO.com", "a.b.contoso.com", true),
        ("*.contoso.com", "contoso.com", false),
        ("*.contoso.com", ".contoso.com", false),
        ("*.contoso.com", "evilcontoso.com", false),
        ("*contoso.com", "contoso.com", true),
        ("*contoso.com", "evilcontoso.com", true),
        ("*contoso.com", "contoso.com.evil.org", false),
        ("*", "anything.example", true),
        ("*", "", false),
    ] {
        assert_eq!(fqdn_matches(pattern, name), expected, "{pattern} {name}");
    }
}
