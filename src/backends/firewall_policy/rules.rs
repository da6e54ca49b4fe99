//! One flow at a firewall: which application rules and network rules it becomes.

use std::collections::{BTreeMap, BTreeSet};

use crate::backends::faults;
use crate::backends::lowered::Context;
use crate::backends::plan::Duty;
use crate::backends::private_ranges::text_of;
use crate::backends::resource::Reference;
use crate::backends::tags;
use crate::catalog::{Target, TargetUse};
use crate::config::RcgLayout;
use crate::diag::Sink;
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::NamePattern;
use crate::model::service::{PortSet, Proto, word};
use crate::model::{Firewall, Flow, FlowId, Key};

use super::application::{self, Pairs};
use super::caps;
use super::shape::{
    ApplicationProtocol, ApplicationProtocolType, ApplicationRule, IpProtocol, NetworkRule,
};

/// The rules of one flow.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowRules {
    pub network: Vec<NetworkRule>,
    pub application: Vec<ApplicationRule>,
}

/// How the traffic to names is divided.
#[derive(Default)]
struct NameTraffic {
    /// What application rules match.
    pairs: Pairs,
    /// What only network rules match, by port set.
    network: BTreeMap<Vec<String>, BTreeSet<IpProtocol>>,
}

/// A flow at a firewall.
pub(super) struct Room<'a> {
    pub context: &'a Context<'a>,
    pub key: &'a Key,
    pub firewall: &'a Firewall,
    pub flow: &'a Flow,
    pub duty: &'a Duty,
}

impl Room<'_> {
    /// The rules, with base names that are unique inside their flow.
    pub(super) fn rules(&self, sink: &mut Sink) -> FlowRules {
        let mut out = FlowRules::default();
        let flow = self.flow;
        if !flow.from.tags.is_empty() && !flow.from.any {
            // A deny that is not exact comes here only where `at` asks for it.
            self.cannot(
                flow.spans.from,
                "a service tag cannot be a source on Azure Firewall",
                "write the prefixes, or keep the flow at the NSG with `at nsg`",
                sink,
            );
            return out;
        }
        if flow.traffic.has(Proto::Esp) || flow.traffic.has(Proto::Ah) {
            self.cannot(
                flow.spans.services,
                "Azure Firewall has no rule for ESP or AH alone",
                "use `any` to the same ends, or keep the flow at the NSG with `at nsg`",
                sink,
            );
            return out;
        }
        if !flow.from.asgs.is_empty() || !flow.to.asgs.is_empty() {
            let span = if flow.from.asgs.is_empty() {
                flow.spans.to
            } else {
                flow.spans.from
            };
            self.cannot(
                span,
                "Azure Firewall does not know application security groups",
                "keep the flow at the NSG with `at nsg`, or write the prefixes",
                sink,
            );
            return out;
        }
        if let (Some(_), span) = (&flow.source_ports, flow.spans.source_ports) {
            self.cannot(
                span.unwrap_or(flow.spans.whole),
                "Azure Firewall does not match source ports",
                "keep the flow at the NSG with `at nsg`, or drop `source-port`",
                sink,
            );
            return out;
        }
        let (sources, source_groups) = self.sources(sink);
        if sources.is_empty() && source_groups.is_empty() {
            return out;
        }
        let with_names = flow.to.has_names() && self.duty.names || !self.within_names().is_empty();
        let mut fqdn_rules = Vec::new();
        if with_names {
            let traffic = self.name_traffic(sink);
            out.application =
                self.application_rules(&traffic.pairs, &sources, &source_groups, sink);
            fqdn_rules = self.fqdn_rules(&traffic, &sources, &source_groups, sink);
        }
        self.address_rules(&sources, &source_groups, &mut out.network, sink);
        let merged = self.context.settings.layout.rcg == RcgLayout::Merged;
        let base = base_name(&flow.id, flow.rule_name.as_ref(), merged);
        suffix(&mut out.network, &base);
        suffix(&mut fqdn_rules, &format!("{base}-fqdn"));
        out.network.extend(fqdn_rules);
        if let Some(part) = &self.duty.part {
            for rule in &mut out.network {
                rule.name = format!("{}-{part}", rule.name);
            }
        }
        application::name(&mut out.application, &base);
        if let Some(part) = &self.duty.part {
            for rule in &mut out.application {
                rule.name = format!("{}-{part}", rule.name);
            }
        }
        if let (Some(span), false) = (
            flow.spans.inspect.or(flow.spans.header),
            flow.to.has_names(),
        ) {
            self.cannot(
                span,
                "requests are opened and changed by application rules, and those match names only",
                "name the destinations, or drop the clause",
                sink,
            );
        }
        out
    }

    fn within_names(&self) -> Vec<&NamePattern> {
        self.flow
            .to
            .names
            .iter()
            .filter(|n| n.within.as_ref().is_some_and(|w| w.meets(&self.duty.to)))
            .collect()
    }

    pub(super) fn cannot(&self, span: crate::source::Span, why: &str, help: &str, sink: &mut Sink) {
        sink.push(faults::cannot_express(
            self.flow,
            span,
            &format!("firewall `{}`", self.key),
            why,
            help,
        ));
    }

    /// IPv4 prefixes of a set; what was written as IPv6 is named in a note.
    fn prefixes(
        &self,
        set: &AddressSet,
        span: crate::source::Span,
        sink: &mut Sink,
    ) -> Vec<String> {
        if !set.only(Family::V6).is_empty() {
            let d = faults::cannot_express(
                self.flow,
                span,
                &format!("firewall `{}`", self.key),
                "Azure Firewall rules take IPv4 only, the IPv6 part is left out",
                "filter IPv6 at the NSG",
            );
            let whole = set.only(Family::V4).is_empty();
            sink.push(faults::left_out(d, whole));
        }
        set.only(Family::V4)
            .to_prefixes()
            .iter()
            .map(text_of)
            .collect()
    }

    fn sources(&self, sink: &mut Sink) -> (Vec<String>, Vec<Reference>) {
        let from = &self.flow.from;
        if from.any {
            return (self.everything(&self.duty.from), Vec::new());
        }
        let span = self.flow.spans.from;
        let mut set = from.addresses.intersect(&self.duty.from);
        if from.virtual_network {
            set = set.union(&self.seen_virtual_network(&self.duty.from));
        }
        let mut groups = Vec::new();
        for (key, content) in &from.ip_groups {
            if let Some(part) = self.less_than(content.as_ref(), &self.duty.from) {
                set = set.union(&part);
            } else if content.as_ref().is_none_or(|c| c.meets(&self.duty.from)) {
                groups.extend(self.group(key, content.as_ref(), span, sink));
            }
        }
        if from.internet && self.context.fabric.internet.meets(&self.duty.from) {
            groups.push(Reference(self.context.internet_id()));
        }
        (self.prefixes(&set, span, sink), groups)
    }

    /// The IPv4 part of an IP group that is meant here, where that is less than the group: who may talk
    /// to the rest of it is another matter.
    fn less_than(&self, content: Option<&AddressSet>, seen: &AddressSet) -> Option<AddressSet> {
        let four = content.filter(|_| self.duty.partial)?.only(Family::V4);
        (!four.is_subset(seen)).then(|| four.intersect(seen))
    }

    /// The reference to an IP group. A firewall takes its IPv4 part, and would skip the whole rule
    /// if that were empty.
    fn group(
        &self,
        key: &Key,
        content: Option<&AddressSet>,
        span: crate::source::Span,
        sink: &mut Sink,
    ) -> Option<Reference> {
        if content.is_some_and(|c| c.only(Family::V4).is_empty()) {
            self.cannot(
                span,
                &format!(
                    "ip group `{key}` has no IPv4 address, and Azure Firewall takes no others"
                ),
                "keep the flow at the NSG with `at nsg`",
                sink,
            );
            return None;
        }
        self.context.group_id(key).map(Reference)
    }

    /// `any`, or all that is meant by it here.
    fn everything(&self, seen: &AddressSet) -> Vec<String> {
        if !self.duty.partial {
            return vec!["*".to_owned()];
        }
        let four = seen.only(Family::V4);
        four.to_prefixes().iter().map(text_of).collect()
    }

    /// What `tag(VirtualNetwork)` stands for here: everything seen that is declared.
    fn seen_virtual_network(&self, seen: &AddressSet) -> AddressSet {
        let mut all = AddressSet::empty();
        for (key, _) in self.context.fabric.end_subnets() {
            all = all.union(&self.context.fabric.virtual_network(key));
        }
        all.intersect(seen)
    }

    fn name_traffic(&self, sink: &mut Sink) -> NameTraffic {
        let flow = self.flow;
        let mut out = NameTraffic::default();
        let mut from_tcp = BTreeSet::new();
        for (proto, ports) in flow.traffic.iter() {
            match proto {
                Proto::Http | Proto::Https | Proto::Mssql => {
                    self.single_ports(proto, ports, &mut out, sink);
                }
                Proto::Tcp => {
                    let mut rest = ports.clone();
                    // A broad port set is no statement about HTTP: it stays a network rule.
                    if ports.len() <= 256 {
                        for (port, kind) in [
                            (80, ApplicationProtocolType::Http),
                            (443, ApplicationProtocolType::Https),
                            (1433, ApplicationProtocolType::Mssql),
                        ] {
                            if rest.contains(port) {
                                rest = rest.without(port);
                                from_tcp.insert(port);
                                out.pairs.insert(ApplicationProtocol {
                                    protocol_type: kind,
                                    port: u32::from(port),
                                });
                            }
                        }
                    }
                    if !rest.is_empty() {
                        out.network
                            .entry(rest.texts())
                            .or_default()
                            .insert(IpProtocol::Tcp);
                    }
                }
                Proto::Esp | Proto::Ah => {}
                Proto::Udp | Proto::Icmp | Proto::Any => {
                    if !flow.allows() {
                        self.cannot(
                            flow.spans.services,
                            &format!("a deny of `{}` cannot be told by name", word(proto)),
                            "deny http, https or mssql to the names, or deny the addresses",
                            sink,
                        );
                        continue;
                    }
                    out.network
                        .entry(port_texts(proto, ports))
                        .or_default()
                        .insert(ip_protocol(proto));
                }
            }
        }
        if !from_tcp.is_empty() {
            let list: Vec<String> = from_tcp.iter().map(ToString::to_string).collect();
            sink.push(faults::l7_meaning(
                flow,
                &format!(
                    "tcp/{} to names is matched as HTTP, HTTPS or SQL",
                    list.join(",")
                ),
                "needs a Host header or TLS SNI; other clients need a rule by address",
            ));
        }
        out
    }

    fn single_ports(&self, proto: Proto, ports: &PortSet, out: &mut NameTraffic, sink: &mut Sink) {
        if ports.len() > caps::PORTS_WRITTEN_OUT
            || ports.ports().any(|p| p > caps::APPLICATION_PORT)
        {
            self.cannot(
                self.flow.spans.services,
                "an application rule takes single ports up to 64000",
                "list the ports",
                sink,
            );
            return;
        }
        let kind = match proto {
            Proto::Http => ApplicationProtocolType::Http,
            Proto::Https => ApplicationProtocolType::Https,
            _ => ApplicationProtocolType::Mssql,
        };
        for port in ports.ports() {
            out.pairs.insert(ApplicationProtocol {
                protocol_type: kind,
                port: u32::from(port),
            });
        }
    }

    fn fqdn_rules(
        &self,
        traffic: &NameTraffic,
        sources: &[String],
        groups: &[Reference],
        sink: &mut Sink,
    ) -> Vec<NetworkRule> {
        let flow = self.flow;
        let mut out = Vec::new();
        for (ports, protocols) in &traffic.network {
            let what = format!(
                "{} {}",
                protocols
                    .iter()
                    .map(|p| protocol_text(*p))
                    .collect::<Vec<_>>()
                    .join(" "),
                ports.join(",")
            );
            let mut refused = false;
            for name in flow.to.names.iter().filter(|n| n.is_wildcard()) {
                sink.push(faults::wildcard(flow, &name.text, &what));
                refused = true;
            }
            refused |= self.only_by_application_rule(&what, sink);
            if refused || flow.to.names.is_empty() {
                continue;
            }
            if !self.firewall.dns_proxy {
                sink.push(faults::no_dns_proxy(flow, self.key));
                continue;
            }
            out.push(NetworkRule {
                description: flow.purpose.clone(),
                ip_protocols: protocols.iter().copied().collect(),
                source_addresses: sources.to_vec(),
                source_ip_groups: groups.to_vec(),
                destination_fqdns: flow.to.names.iter().map(|n| n.text.clone()).collect(),
                destination_ports: ports.clone(),
                ..NetworkRule::default()
            });
        }
        out
    }

    fn address_rules(
        &self,
        sources: &[String],
        source_groups: &[Reference],
        out: &mut Vec<NetworkRule>,
        sink: &mut Sink,
    ) {
        let flow = self.flow;
        let to = &flow.to;
        let mut addresses: Vec<String> = Vec::new();
        let mut groups = Vec::new();
        if to.any {
            addresses.extend(self.everything(&self.duty.to));
        } else {
            let span = flow.spans.to;
            let mut set = to.addresses.intersect(&self.duty.to);
            if to.virtual_network {
                set = set.union(&self.seen_virtual_network(&self.duty.to));
            }
            for (key, content) in &to.ip_groups {
                if let Some(part) = self.less_than(content.as_ref(), &self.duty.to) {
                    set = set.union(&part);
                } else if content.as_ref().is_none_or(|c| c.meets(&self.duty.to)) {
                    groups.extend(self.group(key, content.as_ref(), span, sink));
                }
            }
            addresses.extend(self.prefixes(&set, span, sink));
            if to.internet && self.context.fabric.internet.meets(&self.duty.to) {
                groups.push(Reference(self.context.internet_id()));
            }
            for tag in tags::minimal(self.context.fabric, &to.tags) {
                if !self.context.fabric.tag(tag).meets(&self.duty.to) {
                    continue;
                }
                match self.context.fabric.catalog.usable(tag, Target::Firewall) {
                    Some(TargetUse::No(why)) => {
                        self.cannot(span, &why, "write the prefixes, or another tag", sink);
                        continue;
                    }
                    Some(TargetUse::Unmarked(why)) => {
                        sink.push(faults::unmarked_tag(span, tag, &why));
                    }
                    _ => {}
                }
                addresses.push(tag.clone());
            }
        }
        if addresses.is_empty() && groups.is_empty() {
            return;
        }
        let words: Vec<&str> = flow
            .traffic
            .iter()
            .filter(|(p, _)| matches!(p, Proto::Http | Proto::Https | Proto::Mssql))
            .map(|(p, _)| word(p))
            .collect();
        if let Some(first) = words.first() {
            if !flow.allows() {
                self.cannot(
                    flow.spans.services,
                    &format!("`{first}` to addresses cannot be told from other tcp"),
                    "write tcp with the ports, or name the destinations",
                    sink,
                );
                return;
            }
            sink.push(faults::plain_tcp(flow, first));
        }
        let mut by_ports: BTreeMap<Vec<String>, BTreeSet<IpProtocol>> = BTreeMap::new();
        for (proto, ports) in flow.traffic.transport() {
            by_ports
                .entry(port_texts(proto, &ports))
                .or_default()
                .insert(ip_protocol(proto));
        }
        for (ports, protocols) in by_ports {
            out.push(NetworkRule {
                description: flow.purpose.clone(),
                ip_protocols: protocols.into_iter().collect(),
                source_addresses: sources.to_vec(),
                source_ip_groups: source_groups.to_vec(),
                destination_addresses: addresses.clone(),
                destination_ip_groups: groups.clone(),
                destination_ports: ports,
                ..NetworkRule::default()
            });
        }
    }
}

fn port_texts(proto: Proto, ports: &PortSet) -> Vec<String> {
    match proto {
        Proto::Icmp | Proto::Any => vec!["*".to_owned()],
        _ => ports.texts(),
    }
}

fn ip_protocol(proto: Proto) -> IpProtocol {
    match proto {
        Proto::Udp => IpProtocol::Udp,
        Proto::Icmp => IpProtocol::Icmp,
        Proto::Any => IpProtocol::Any,
        _ => IpProtocol::Tcp,
    }
}

fn protocol_text(protocol: IpProtocol) -> &'static str {
    match protocol {
        IpProtocol::Tcp => "tcp",
        IpProtocol::Udp => "udp",
        IpProtocol::Icmp => "icmp",
        IpProtocol::Any => "any",
    }
}

/// `GROUP-LABEL`, `-ab` or `-ba` behind it for a half of a `between`; the group `main` is not named,
/// and the instance only where one rule collection group gathers several.
pub(super) fn base_name(id: &FlowId, given: Option<&String>, with_instance: bool) -> String {
    let half = |name: String| match id.way {
        Some(way) => format!("{name}-{way}"),
        None => name,
    };
    if let Some(name) = given {
        return half(name.clone());
    }
    let mut parts: Vec<&str> = Vec::new();
    if with_instance {
        parts.extend(id.instance.iter().map(String::as_str));
    }
    if id.group != "main" {
        parts.push(&id.group);
    }
    parts.push(&id.label);
    half(parts.join("-"))
}

/// Names the rules of one kind: the protocol is added where a flow needs several.
fn suffix(rules: &mut [NetworkRule], base: &str) {
    let several = rules.len() > 1;
    for rule in rules {
        let mut name = base.to_owned();
        if several {
            for protocol in &rule.ip_protocols {
                name.push('-');
                name.push_str(protocol_text(*protocol));
            }
        }
        rule.name = name;
    }
}
