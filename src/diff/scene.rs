//! One side of one environment, from a compilation: the network that its resources make, what the policy
//! calls things, and the statements behind the rules. It compares nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backends::Context;
use crate::backends::meaning::Unreadable;
use crate::denote;
use crate::model::Tier;
use crate::model::address::AddressSet;
use crate::model::canonical::{self, Digest};
use crate::packet::Region;
use crate::query::Names;
use crate::reach::{Network, Traces, emitted};
use crate::source::{SourceMap, Span};
use crate::syntax::ast::{Date, Need};
use crate::syntax::word_count;

use super::semantic;
use super::textual::Item;

/// What is known of a statement beside what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The file, as the sources call it; empty if nobody wrote it.
    pub file: String,
    /// The line, from 1; 0 if nobody wrote it.
    pub line: u32,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// `until`.
    pub until: Option<Date>,
    /// It is an exception.
    pub exception: bool,
    /// How often `except` stands in it.
    pub excepts: usize,
}

/// One side of one environment.
#[derive(Debug, Default)]
pub struct Scene {
    /// The environment.
    pub environment: String,
    /// What packets meet, and who is behind it.
    pub sight: semantic::Scene,
    /// What sets of addresses are called.
    pub names: Names,
    /// What is known of the statements, by id.
    pub about: BTreeMap<String, About>,
    /// Addresses by the zone that the policy puts them into.
    pub zones: BTreeMap<String, AddressSet>,
    /// What `tag(Internet)` is.
    pub internet: AddressSet,
    /// What `required` flows ask for, by their ids.
    pub required: Vec<(String, Vec<Region>)>,
}

impl Scene {
    /// Of an environment, with its resources as they are written and the flows behind their rules.
    ///
    /// # Errors
    /// A resource is not understood.
    pub fn new<'i>(
        context: &Context<'_>,
        sources: &SourceMap,
        items: impl Iterator<Item = &'i Item>,
        traces: Traces,
    ) -> Result<Self, Unreadable> {
        let placed = items.filter_map(|item| {
            let id = item.known_by().to_lowercase();
            Some((item.azure_type()?, id, Arc::clone(&item.value)))
        });
        let network = emitted::network_of(context, &placed.collect::<Vec<_>>())?;
        let mut out = Self::around(context, sources, network);
        out.sight.traces = traces;
        Ok(out)
    }

    /// The same with a network that somebody else's resources make in the policy's topology; no
    /// statement is behind their rules.
    #[must_use]
    pub fn around(context: &Context<'_>, sources: &SourceMap, network: Network) -> Self {
        let fabric = context.fabric;
        let policy = fabric.policy;
        let mut out = Self {
            environment: policy.environment.clone(),
            names: Names::new(fabric, policy.asked.as_ref()),
            internet: fabric.internet.clone(),
            ..Self::default()
        };
        out.sight.network = network;
        out.statements(context, sources);
        for subnet in policy.subnets.values() {
            if let Some(zone) = &subnet.zone {
                let known = out.zones.entry(zone.clone()).or_default();
                *known = known.union(&subnet.prefix);
            }
        }
        let required = policy.flows.iter();
        for flow in required.filter(|f| f.need == Some(Need::Required) && f.allows()) {
            let asked = denote::regions(
                fabric,
                &flow.from,
                &flow.to,
                &flow.traffic,
                flow.source_ports.as_ref(),
            );
            let regions = asked.into_iter().map(|part| part.region).collect();
            out.required.push((flow.id.text(), regions));
        }
        out
    }

    fn statements(&mut self, context: &Context<'_>, sources: &SourceMap) {
        let policy = context.fabric.policy;
        let place = |span: Span| {
            let (file, line, _) = sources.place(span);
            if file.is_empty() || span == Span::default() {
                (String::new(), 0)
            } else {
                (file, line)
            }
        };
        let mut contents = canonical::statements(policy);
        let known = &mut self.sight.statements;
        let mut add = |id: String, span: Span, about: About, content: Option<Digest>| {
            let (file, line) = place(span);
            let statement = semantic::Statement {
                ruled: content.is_none(),
                content: content.or_else(|| contents.remove(&id)).unwrap_or_default(),
            };
            known.all.insert(id.clone(), statement);
            let about = About {
                file,
                line,
                ..about
            };
            self.about.insert(id, about);
        };
        for f in &policy.flows {
            // The statement up to the end of the line on which its last end stands.
            let ends = [f.spans.from, f.spans.to, f.spans.services];
            let end = ends
                .iter()
                .filter(|s| s.file == f.spans.whole.file)
                .map(|s| s.end);
            let body = Span {
                end: end
                    .max()
                    .unwrap_or(f.spans.whole.end)
                    .max(f.spans.whole.end),
                ..f.spans.whole
            };
            let rest = sources.get(body.file).and_then(|file| {
                let rest = file.text.get(body.end as usize..)?;
                rest.lines().next()
            });
            let excepts = word_count(sources.text(body), "except")
                + word_count(rest.unwrap_or_default(), "except");
            let about = About {
                excepts,
                purpose: f.purpose.clone(),
                owner: f.owner.clone(),
                ticket: f.ticket.clone(),
                until: f.until,
                exception: f.tier == Tier::Exception,
                ..About::default()
            };
            add(f.id.text(), f.spans.whole, about, None);
        }
        for d in &policy.dnats {
            let about = About {
                purpose: d.purpose.clone(),
                owner: d.owner.clone(),
                ticket: d.ticket.clone(),
                until: d.until,
                ..About::default()
            };
            add(d.id.text(), d.spans.whole, about, None);
        }
        for r in &policy.routes {
            let about = About {
                owner: r.owner.clone(),
                until: r.until,
                ..About::default()
            };
            add(r.id.text(), r.span, about, None);
        }
        let plain = About::default;
        for (key, v) in &policy.vnets {
            let content = Digest::of(&format!(
                "{:?} {:?} {:?} {:?}",
                v.space, v.peers, v.on_premises, v.firewall
            ));
            add(
                format!("vnet {key}"),
                v.identity.span,
                plain(),
                Some(content),
            );
        }
        for (key, s) in &policy.subnets {
            let content = Digest::of(&format!(
                "{:?} {:?} {:?} {:?} {:?}",
                s.prefix, s.vnet, s.nsg, s.route_table, s.service_endpoints
            ));
            add(
                format!("subnet {key}"),
                s.identity.span,
                plain(),
                Some(content),
            );
        }
        for (key, f) in &policy.firewalls {
            let content = Digest::of(&format!(
                "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                f.classic,
                f.sku,
                f.dns_proxy,
                f.private_ip,
                f.public_ips,
                f.base_policy.as_ref().map(|(id, _)| id),
                f.snat_private,
                f.subnet,
                f.threat_intel
            ));
            add(
                format!("firewall {key}"),
                f.identity.span,
                plain(),
                Some(content),
            );
        }
        for n in policy.nsgs.values() {
            let content = Digest::of(&format!(
                "{:?} {:?} {:?} {:?}",
                n.default_inbound,
                n.default_outbound,
                n.names_open,
                n.base.as_ref().map(|b| &b.text)
            ));
            let id = format!("nsg {}", n.identity.name);
            add(id, n.identity.span, plain(), Some(content));
        }
        for t in policy.route_tables.values() {
            let content = Digest::of(&format!("{:?} {:?}", t.default, t.bgp));
            let id = format!("route-table {}", t.identity.name);
            add(id, t.identity.span, plain(), Some(content));
        }
        known.moved.clone_from(&policy.moved);
        known.expired = policy.expired.iter().map(|e| e.id.clone()).collect();
        for one in &policy.expired {
            let (file, line) = place(one.span);
            let about = About {
                file,
                line,
                purpose: one.purpose.clone(),
                owner: one.owner.clone(),
                ticket: one.ticket.clone(),
                until: one.until,
                ..About::default()
            };
            self.about.insert(one.id.clone(), about);
        }
        known.known = true;
    }
}
