//! A `dnat` statement to the model: one port, public addresses, one target. Whether a firewall can
//! carry it is decided later.

use crate::model::address::AddressSet;
use crate::model::dnat::{Dnat, DnatSpans, Target};
use crate::model::endpoint::Endpoint;
use crate::model::{FlowId, Layer};
use crate::source::Span;
use crate::syntax::ast::{self, ClauseKind};

use super::faults;
use super::flows::{Clauses, svc_span};
use super::values::single_v4;
use super::world::{InstanceId, World};

/// What the statement's expressions stand for: source, public addresses, target, layers. Absent
/// where a fault was reported.
pub(super) type Ends = (
    Option<Endpoint>,
    Option<AddressSet>,
    Option<Endpoint>,
    Option<Option<Vec<Layer>>>,
);

impl<'a> World<'a, '_> {
    /// The translation of a statement whose parts are bound; `None` if a fault was reported.
    pub(super) fn dnat_of(
        &mut self,
        instance: InstanceId,
        group: &str,
        dnat: &'a ast::Dnat,
        span: Span,
        clauses: &Clauses<'a>,
        ends: Ends,
    ) -> Option<Dnat> {
        let (from, to, into, at) = ends;
        let to = to.and_then(|set| self.single_addresses(&set, dnat.to.span));
        let into = into.and_then(|e| self.dnat_target(&e, dnat.into.span));
        let (proto, port) = one_port(&dnat.service)?;
        let (from, to, into, at) = (from?, to?, into?, at?);
        let into_port = dnat.into_port.as_ref().map_or(port, |p| p.node);
        let id: FlowId = self.id(instance, group, dnat.label.as_ref(), || {
            format!("dnat|{proto:?}|{port}|{from:?}|{to:?}|{into:?}|{into_port}")
        });
        let text_of = |pick: fn(&ClauseKind) -> Option<String>| clauses.find(pick);
        Some(Dnat {
            id,
            proto,
            port,
            from,
            to,
            into,
            into_port,
            at,
            purpose: text_of(|k| match k {
                ClauseKind::For(text) => Some(text.node.clone()),
                _ => None,
            }),
            owner: text_of(|k| match k {
                ClauseKind::Owner(text) => Some(text.text.node.clone()),
                _ => None,
            }),
            ticket: text_of(|k| match k {
                ClauseKind::Ticket(text) => Some(text.text.node.clone()),
                _ => None,
            }),
            until: clauses.until,
            pin: clauses.find(|k| match k {
                ClauseKind::Pin(n) => Some(n.node),
                _ => None,
            }),
            rule_name: text_of(|k| match k {
                ClauseKind::Name(text) => Some(text.node.clone()),
                _ => None,
            }),
            spans: DnatSpans {
                whole: dnat.label.as_ref().map_or(span, |l| l.span),
                service: svc_span(&dnat.service),
                from: dnat.from.span,
                to: dnat.to.span,
                into: dnat
                    .into_port
                    .as_ref()
                    .map_or(dnat.into.span, |p| dnat.into.span.to(p.span)),
                pin: clauses.place("pin"),
                name: clauses.place("name"),
            },
        })
    }

    /// The addresses of a set, one by one.
    fn single_addresses(
        &mut self,
        set: &AddressSet,
        span: Span,
    ) -> Option<Vec<std::net::Ipv4Addr>> {
        let mut out = Vec::new();
        let nets = set.to_prefixes();
        // A firewall has 250 public addresses at most, so a longer list is a prefix gone wrong.
        let small = nets.iter().all(|net| match net {
            ipnet::IpNet::V4(net) => net.prefix_len() >= 24,
            ipnet::IpNet::V6(_) => false,
        });
        if !small || nets.is_empty() {
            self.say(faults::wrong_type(
                span,
                "public IPv4 addresses of the firewall",
                "prefixes that are none",
            ));
            return None;
        }
        for net in nets {
            if let ipnet::IpNet::V4(net) = net {
                let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
                out.extend((first..=last).map(std::net::Ipv4Addr::from));
            }
        }
        Some(out)
    }

    fn dnat_target(&mut self, e: &Endpoint, span: Span) -> Option<Target> {
        if e.is_plain()
            && let Some(ip) = single_v4(&e.addresses)
        {
            return Some(Target::Address(ip));
        }
        let mut names = e.names.iter();
        if let (Some(name), None, false) = (names.next(), names.next(), e.has_addresses())
            && !name.is_wildcard()
            && e.fqdn_tags.is_empty()
            && e.categories.is_empty()
            && e.urls.is_empty()
        {
            return Some(Target::Name(name.clone()));
        }
        self.say(faults::wrong_type(
            span,
            "one IPv4 address or one exact name",
            "something that is neither",
        ));
        None
    }
}

/// The protocol and port; the parser has seen that there is one of each, or said why not.
fn one_port(service: &ast::Svc) -> Option<(ast::Proto, u16)> {
    let ast::Svc::Proto {
        proto,
        ports: Some(ports),
    } = service
    else {
        return None;
    };
    let (port, _) = ports.ranges.first()?;
    Some((proto.node, *port))
}
