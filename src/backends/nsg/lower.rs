//! From the duties of a security group to its rules: one rule per tag and side, address families
//! apart. Numbers are given where they are assembled.

use std::collections::BTreeMap;

use crate::backends::example;
use crate::backends::faults::{self, Several};
use crate::backends::lowered::{Context, Lowered, Role};
use crate::backends::ordered;
use crate::backends::plan::{Duties, Duty, asked_by_name, is_public};
use crate::backends::resource::AzureType;
use crate::backends::tags;
use crate::catalog::{Target, TargetUse};
use crate::config::Band;
use crate::diag::Sink;
use crate::model::address::{AddressSet, Family};
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Proto, word};
use crate::model::{self, DefaultAction, Flow, Key, Nsg, Tier};
use crate::source::Span;

use super::assemble::finish;
use super::envelope::Envelopes;
use super::nat;
use super::operand::OneOrMany;
use super::shape::{Access, Direction, Protocol, Side};

/// One side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operand {
    /// `*`
    Any,
    /// A service tag.
    Tag(String),
    /// Prefixes of one family.
    Prefixes(Vec<String>),
    /// An application security group, by its name.
    Group(String),
}

impl Operand {
    pub(super) fn side(&self, context: &Context<'_>) -> Option<Side> {
        let value = match self {
            Self::Any => OneOrMany::any(),
            Self::Tag(tag) => OneOrMany::one(tag.clone()),
            Self::Prefixes(list) => OneOrMany::addresses(list.clone()).ok()?,
            // A group exists beside the NSG: it is referred to, never made.
            Self::Group(name) => {
                let identity = model::Identity {
                    name: name.clone(),
                    ..model::Identity::default()
                };
                let id = context.id(&identity, AzureType::ApplicationSecurityGroup);
                return Some(Side::ApplicationSecurityGroups(vec![id.into()]));
            }
        };
        Some(Side::Prefixes(value))
    }
}

/// A rule without its number.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub id: String,
    pub name: String,
    /// The name was written with `name`.
    pub given: Option<Given>,
    pub band: Band,
    /// The ordered group, instance path first, and the flow's place in it.
    pub order: Option<(Vec<String>, usize)>,
    pub pin: Option<u32>,
    pub description: Option<String>,
    pub protocol: Protocol,
    pub ports: PortSet,
    pub source_ports: PortSet,
    pub source: Operand,
    pub destination: Operand,
    pub access: Access,
    pub direction: Direction,
    pub flows: Vec<String>,
    pub role: Role,
    pub span: Span,
}

/// A name that a statement gives its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Where it stands.
    pub span: Span,
    /// The statement: the id of its flows, without the half of a `between`.
    pub statement: String,
}

/// Lowers one security group.
pub(crate) fn lower_nsg(context: &Context<'_>, key: &Key, out: &mut Lowered, sink: &mut Sink) {
    let Some(nsg) = context.fabric.policy.nsgs.get(key) else {
        return;
    };
    let none = BTreeMap::new();
    let outbound = context.plan.outbound.get(key).unwrap_or(&none);
    let inbound = context.plan.inbound.get(key).unwrap_or(&none);
    let mut drafts = Vec::new();
    let mut envelopes = Envelopes::default();
    for (duties, direction) in [
        (inbound, Direction::Inbound),
        (outbound, Direction::Outbound),
    ] {
        for duty in duties.values() {
            let Some(flow) = context.fabric.policy.flows.get(duty.flow) else {
                continue;
            };
            let room = Room {
                context,
                key,
                nsg,
                flow,
                duty,
                direction,
            };
            let before = drafts.len();
            room.rules(&mut drafts, sink);
            let made = drafts.get(before..).unwrap_or_default();
            if let Some(why) = several(flow, made) {
                sink.push(faults::rule_per_tag(flow, key, made.len(), why));
            }
            if direction == Direction::Outbound && duty.names {
                room.denied_later(outbound, sink);
                room.envelope(&mut envelopes, sink);
            }
        }
    }
    tell_apart(&mut drafts);
    drafts.extend(envelopes.drafts(context, key));
    drafts.extend(nat::drafts(context, key, sink));
    defaults(nsg, &mut drafts);
    finish(context, key, nsg, drafts, out, sink);
}

/// The rules of a statement with a `name` have it, and where they are several what a generated name
/// has behind the label too: direction, tag, family, protocol.
fn tell_apart(drafts: &mut [Draft]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for given in drafts.iter().filter_map(|d| d.given.as_ref()) {
        *counts.entry(given.statement.clone()).or_default() += 1;
    }
    for draft in drafts {
        let Some(given) = &draft.given else {
            continue;
        };
        if counts.get(&given.statement).is_some_and(|n| *n > 1)
            && let Some(expansion) = draft.id.strip_prefix(&given.statement)
        {
            draft.name.push_str(&expansion.replace('/', "-"));
        }
    }
}

/// Why the rules of a flow are several, if its ends are the reason and not its protocols.
fn several(flow: &Flow, made: &[Draft]) -> Option<Several> {
    let first = made.first()?;
    let alike = |d: &&Draft| d.protocol == first.protocol && d.ports == first.ports;
    if made.iter().filter(alike).count() < 2 {
        return None;
    }
    let words = |e: &Endpoint| e.tags.len() + e.asgs.len();
    if words(&flow.from).max(words(&flow.to)) > 1 {
        return Some(Several::Tags);
    }
    let has = |pick: fn(&Draft) -> &Operand, test: fn(&Operand) -> bool| {
        made.iter().any(|d| test(pick(d)))
    };
    let sides: [fn(&Draft) -> &Operand; 2] = [|d| &d.source, |d| &d.destination];
    let word = |o: &Operand| matches!(o, Operand::Tag(_) | Operand::Group(_));
    let prefixes = |o: &Operand| matches!(o, Operand::Prefixes(_));
    if sides.iter().any(|s| has(*s, word) && has(*s, prefixes)) {
        return Some(Several::Beside);
    }
    Some(Several::Families)
}

struct Room<'a> {
    context: &'a Context<'a>,
    key: &'a Key,
    nsg: &'a Nsg,
    flow: &'a Flow,
    duty: &'a Duty,
    direction: Direction,
}

impl Room<'_> {
    fn rules(&self, drafts: &mut Vec<Draft>, sink: &mut Sink) {
        let flow = self.flow;
        let app_words: Vec<&str> = flow
            .traffic
            .iter()
            .filter(|(p, _)| matches!(p, Proto::Http | Proto::Https | Proto::Mssql))
            .map(|(p, _)| word(p))
            .collect();
        let sources = self.operands(&flow.from, &self.duty.from, true, sink);
        let destinations = self.operands(&flow.to, &self.duty.to, false, sink);
        if sources.is_empty() || destinations.is_empty() {
            return;
        }
        let portless = flow
            .traffic
            .iter()
            .find(|(p, _)| matches!(p, Proto::Icmp | Proto::Esp | Proto::Ah));
        if let (Some(span), Some((proto, _))) = (flow.spans.source_ports, portless) {
            sink.push(faults::cannot_express(
                flow,
                span,
                &format!("NSG `{}`", self.key),
                &format!("`{}` has no ports to come from", word(proto)),
                "give it a flow of its own without `source-port`",
            ));
            return;
        }
        if let Some(first) = app_words.first() {
            if !flow.allows() {
                sink.push(faults::cannot_express(
                    flow,
                    flow.spans.services,
                    &format!("NSG `{}`", self.key),
                    &format!("`{first}` to addresses cannot be told from other tcp"),
                    "write tcp with the ports, or name the destinations",
                ));
                return;
            }
            sink.push(faults::plain_tcp(flow, first));
        }
        for (proto, ports) in flow.traffic.transport() {
            for source in &sources {
                for destination in &destinations {
                    if family_of(source)
                        .zip(family_of(destination))
                        .is_some_and(|(a, b)| a != b)
                    {
                        continue;
                    }
                    drafts.push(self.draft(proto, &ports, source, destination));
                }
            }
        }
    }

    fn draft(
        &self,
        proto: Proto,
        ports: &PortSet,
        source: &Operand,
        destination: &Operand,
    ) -> Draft {
        let flow = self.flow;
        let inbound = self.direction == Direction::Inbound;
        let mut id = format!("{}/{}", flow.id.text(), if inbound { "in" } else { "out" });
        for part in [source, destination] {
            match part {
                Operand::Tag(word) | Operand::Group(word) => {
                    id.push('/');
                    // One group may stand on either side of one flow.
                    let lone = matches!(source, Operand::Any | Operand::Prefixes(_));
                    if lone && matches!(part, Operand::Group(_)) {
                        id.push_str("to-");
                    }
                    id.push_str(word);
                }
                Operand::Prefixes(_) if family_of(part) == Some(Family::V6) => id.push_str("/v6"),
                _ => {}
            }
        }
        if !matches!(proto, Proto::Tcp | Proto::Any) {
            id.push('/');
            id.push_str(word(proto));
        }
        if let Some(part) = &self.duty.part {
            id.push('/');
            id.push_str(part);
        }
        let name = flow.rule_name.clone().unwrap_or_else(|| rule_name(&id));
        let given = flow.rule_name.as_ref().map(|_| Given {
            span: flow.spans.name.unwrap_or(flow.spans.whole),
            statement: model::FlowId {
                way: None,
                ..flow.id.clone()
            }
            .text(),
        });
        Draft {
            id,
            name,
            given,
            band: band_of(flow.tier),
            order: order_of(flow),
            pin: flow.pin,
            description: flow.purpose.clone(),
            protocol: protocol_of(proto),
            ports: ports.clone(),
            source_ports: flow.source_ports.clone().unwrap_or_else(PortSet::all),
            source: source.clone(),
            destination: destination.clone(),
            access: if flow.allows() {
                Access::Allow
            } else {
                Access::Deny
            },
            direction: self.direction,
            flows: vec![flow.id.text()],
            role: Role::Exact,
            span: flow.spans.whole,
        }
    }

    /// The operands of one end: the subnet's own side is narrowed to the subnet.
    fn operands(
        &self,
        end: &Endpoint,
        seen: &AddressSet,
        source: bool,
        sink: &mut Sink,
    ) -> Vec<Operand> {
        let own_side = source == (self.direction == Direction::Outbound);
        let span = if source {
            self.flow.spans.from
        } else {
            self.flow.spans.to
        };
        // See `partial` of the duty.
        let narrow = end.any && (self.duty.partial || source && *seen != self.duty.from);
        if end.any && !narrow {
            return if seen.is_empty() {
                Vec::new()
            } else {
                vec![Operand::Any]
            };
        }
        let mut out = Vec::new();
        // One group a rule, as with tags, so that a group more renames no rule.
        if !seen.is_empty() {
            out.extend(end.asgs.iter().cloned().map(Operand::Group));
        }
        if end.is_opaque() {
            sink.push(faults::cannot_express(
                self.flow,
                span,
                &format!("NSG `{}`", self.key),
                "the addresses of an IP group that is only named are not known",
                "keep the flow at the firewall with `at firewall`, or list the group's addresses",
            ));
        }
        let mut plain = if narrow {
            seen.clone()
        } else {
            end.addresses.intersect(seen)
        };
        for group in end.ip_groups.values().flatten() {
            plain = plain.union(&group.intersect(seen));
        }
        // An allow of a name lets its addresses through; a deny of it says nothing of who else is there.
        for name in end.names.iter().filter(|_| self.flow.allows()) {
            if let Some(within) = &name.within {
                plain = plain.union(&within.intersect(seen));
            }
        }
        if end.virtual_network {
            plain = plain.union(&self.virtual_network(own_side, seen, span, &mut out, sink));
        }
        for family in [Family::V4, Family::V6] {
            let texts: Vec<String> = plain
                .only(family)
                .to_prefixes()
                .iter()
                .map(ToString::to_string)
                .collect();
            if !texts.is_empty() {
                out.push(Operand::Prefixes(texts));
            }
        }
        if end.internet && self.context.fabric.internet.meets(seen) {
            out.push(Operand::Tag("Internet".to_owned()));
        }
        for tag in tags::minimal(self.context.fabric, &end.tags) {
            if !self.context.fabric.tag(tag).meets(seen) {
                continue;
            }
            if let Some(TargetUse::Unmarked(why)) =
                self.context.fabric.catalog.usable(tag, Target::Nsg)
            {
                sink.push(faults::unmarked_tag(span, tag, &why));
            }
            out.push(Operand::Tag(tag.clone()));
        }
        out
    }

    /// The prefixes of `tag(VirtualNetwork)`, or the tag itself where Azure means the same by it.
    fn virtual_network(
        &self,
        own_side: bool,
        seen: &AddressSet,
        span: Span,
        out: &mut Vec<Operand>,
        sink: &mut Sink,
    ) -> AddressSet {
        let fabric = self.context.fabric;
        let mut set = AddressSet::empty();
        let mut absorbed: Option<AddressSet> = None;
        for subnet in &self.duty.subnets {
            let own = fabric.virtual_network(subnet);
            let table = fabric
                .policy
                .subnets
                .get(subnet)
                .and_then(|s| s.route_table.as_ref())
                .and_then(|t| fabric.tables.get(t));
            // The tag takes in the prefixes of the subnet's user routes.
            for route in table.iter().flat_map(|t| &t.routes) {
                use crate::path::routes::Target;
                let beyond = match &route.target {
                    Target::Default => Some(AddressSet::all()),
                    Target::Prefix(net) => {
                        Some(AddressSet::prefix(*net)).filter(|set| !set.is_subset(&own))
                    }
                    Target::Tag(tag) => Some((*fabric.tag(tag)).clone()),
                };
                if let Some(beyond) = beyond {
                    absorbed = Some(absorbed.unwrap_or_default().union(&beyond));
                }
            }
            set = set.union(&own);
        }
        if own_side {
            return set.intersect(seen);
        }
        // Azure's tag also holds the platform's address 168.63.129.16, from which probes come
        // ("Virtual network service tags", checked 2026-11-23): a deny would stop them, and an allow
        // would let them in where a flow speaks of them.
        let host =
            filters_platform(self.direction) && (!self.flow.allows() || fabric.names_platform());
        if absorbed.is_none() && !host {
            out.push(Operand::Tag("VirtualNetwork".to_owned()));
            return AddressSet::empty();
        }
        if let Some(absorbed) = absorbed {
            example::tell(sink, faults::absorbs(self.flow, span, self.key), || {
                let beyond = absorbed.subtract(&set);
                let (from, to) = match self.direction {
                    Direction::Outbound => (&self.duty.from, &beyond),
                    Direction::Inbound => (&beyond, &self.duty.to),
                };
                example::of_traffic(fabric, &self.flow.traffic, from, to)
            });
        }
        set.intersect(seen)
    }

    /// What a security group says for names stands behind every deny, also behind those that the
    /// ordered group reads later.
    fn denied_later(&self, duties: &Duties, sink: &mut Sink) {
        let later = duties.values().find_map(|duty| {
            let other = self.context.fabric.policy.flows.get(duty.flow)?;
            let denies = self.flow.stands_before(other)
                && !other.allows()
                && duty.from.meets(&self.duty.from)
                && is_public(&duty.to)
                && ordered::traffic_meets(self.flow, other);
            denies.then_some(other)
        });
        if let Some(deny) = later {
            sink.push(faults::cannot_express(
                self.flow,
                self.flow.spans.to,
                &format!("NSG `{}`", self.key),
                &format!(
                    "rules for names stand behind the deny `{}` of the same ordered group",
                    deny.id.text()
                ),
                "keep the deny at the firewall with `at firewall`, or deny addresses that are not public",
            ));
        }
    }

    fn envelope(&self, envelopes: &mut Envelopes, sink: &mut Sink) {
        let flow = self.flow;
        let traffic = flow.traffic.transport();
        let ports: Vec<String> = traffic
            .iter()
            .map(|(p, set)| format!("{} {}", word(*p), set.texts().join(",")))
            .collect();
        let ports = ports.join(" and ");
        let (narrowed, unnarrowed) = (&self.duty.narrowed, &self.duty.unnarrowed);
        if !narrowed.is_empty() {
            let at_firewall = flow.at.is_none() || asked_by_name(flow);
            sink.push(faults::envelope(flow, self.key, &ports, at_firewall));
        }
        // The sources of one rule are told apart by prefix, not by tag or group.
        let narrow = self.operands(&flow.from, narrowed, true, sink);
        let tells = narrow
            .iter()
            .all(|o| matches!(o, Operand::Any | Operand::Prefixes(_)));
        let together = !narrowed.is_empty() && !unnarrowed.is_empty() && !tells;
        if !unnarrowed.is_empty() && !self.nsg.names_open {
            let six = unnarrowed.only(Family::V4).is_empty();
            if six && !narrowed.is_empty() && !together {
                sink.push(faults::ipv6_stays_shut(flow, self.key, &ports));
            } else {
                let told = faults::nothing_narrows(flow, self.key, &ports, six);
                example::tell(sink, told, || {
                    example::within(self.context.fabric, flow, unnarrowed, &AddressSet::all())
                });
                return;
            }
        }
        let mut add = |sources: Vec<Operand>, narrowed: bool| {
            for source in sources {
                for (proto, set) in &traffic {
                    envelopes.add(
                        &source,
                        protocol_of(*proto),
                        set,
                        (&flow.id.text(), flow.spans.whole),
                        self.duty,
                        narrowed,
                    );
                }
            }
        };
        if !together {
            add(narrow, true);
        }
        if self.nsg.names_open && !unnarrowed.is_empty() {
            let accepted = if together {
                &self.duty.from
            } else {
                unnarrowed
            };
            add(self.operands(&flow.from, accepted, true, sink), false);
        }
    }
}

/// Platform addresses are filtered as sources only: outbound they pass unless a tag names them.
fn filters_platform(direction: Direction) -> bool {
    direction == Direction::Inbound
}

fn family_of(operand: &Operand) -> Option<Family> {
    match operand {
        Operand::Prefixes(list) => list.first().map(|p| {
            if p.contains(':') {
                Family::V6
            } else {
                Family::V4
            }
        }),
        _ => None,
    }
}

/// The Azure name of a rule from its id: `weu-platform-storage-out-Storage.WestEurope`. The group
/// `main` is not named.
pub(super) fn rule_name(id: &str) -> String {
    let text = id.replace("::", "-").replace('/', "-");
    text.strip_prefix("main-")
        .map_or(text.clone(), str::to_owned)
}

/// Where a flow stands in its ordered group. Groups stand behind each other in any order: they do not
/// meet.
fn order_of(flow: &Flow) -> Option<(Vec<String>, usize)> {
    let mut group = flow.id.instance.clone();
    group.push(flow.id.group.clone());
    flow.position.map(|position| (group, position))
}

fn band_of(tier: Tier) -> Band {
    match tier {
        Tier::Forbid => Band::Forbid,
        Tier::Exception => Band::Exception,
        Tier::Deny => Band::Deny,
        Tier::Ordered => Band::Ordered,
        Tier::Allow => Band::Allow,
    }
}

/// Azure's protocol word; `any` is `*`.
pub(super) fn protocol_of(proto: Proto) -> Protocol {
    match proto {
        Proto::Tcp | Proto::Http | Proto::Https | Proto::Mssql => Protocol::Tcp,
        Proto::Udp => Protocol::Udp,
        Proto::Icmp => Protocol::Icmp,
        Proto::Esp => Protocol::Esp,
        Proto::Ah => Protocol::Ah,
        Proto::Any => Protocol::Any,
    }
}

fn defaults(nsg: &Nsg, drafts: &mut Vec<Draft>) {
    for (action, direction, name) in [
        (nsg.default_inbound, Direction::Inbound, "default-inbound"),
        (
            nsg.default_outbound,
            Direction::Outbound,
            "default-outbound",
        ),
    ] {
        let Some(action) = action else {
            continue;
        };
        drafts.push(Draft {
            id: name.to_owned(),
            name: name.to_owned(),
            given: None,
            band: Band::Default,
            order: None,
            pin: None,
            description: Some("What no other rule decides".to_owned()),
            protocol: Protocol::Any,
            ports: PortSet::all(),
            source_ports: PortSet::all(),
            source: Operand::Any,
            destination: Operand::Any,
            access: match action {
                DefaultAction::Deny => Access::Deny,
                DefaultAction::Allow => Access::Allow,
            },
            direction,
            flows: Vec::new(),
            role: Role::Exact,
            span: nsg.identity.span,
        });
    }
}
