//! An answer as data: verdict, what decided, every hop. It is what is printed as JSON, and what the
//! text form is made of.

use serde::Serialize;

use super::behind::{Behind, Statement};
use crate::backends::firewall_rules::Target;
use crate::packet::Verdict;
use crate::reach::question::{Reply, end_reason, hop_word, word};
use crate::reach::{Network, Station, Step, route_word};

/// An answer.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Told {
    /// The environment, if the policy has several or one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) environment: Option<String>,
    /// `allow`, `deny`, `unknown`.
    pub(in crate::cli) verdict: &'static str,
    /// `nsg`, `route`, `firewall`, `none`.
    pub(in crate::cli) layer: &'static str,
    /// The resource that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) resource: Option<String>,
    /// The rule that decided; for a firewall group, collection and rule with slashes between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) rule: Option<String>,
    /// The flows behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) flows: Vec<String>,
    /// Every hop, in order.
    pub(in crate::cli) path: Vec<Hop>,
    /// What the verdict takes for granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) assumes: Vec<String>,
    /// Why there is no verdict, or why it does not arrive though no rule denies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) reason: Option<String>,
    /// Rules that match in all but one thing, if asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) near: Vec<Near>,
    /// The catalogue of service tags, with its date.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::cli) catalogue: String,
    /// The first statement behind the deciding rule, for the heading.
    #[serde(skip)]
    pub(in crate::cli) statement: Option<Statement>,
}

/// What decided.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Decided {
    /// `nsg`, `route`, `firewall`, `none`.
    pub(in crate::cli) layer: &'static str,
    /// The resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) resource: Option<String>,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) rule: Option<String>,
    /// The flows behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) flows: Vec<String>,
    /// Where the first of them is written.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::cli) place: String,
}

/// One hop.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Hop {
    /// `nsg`, `route`, `firewall`, `none`.
    pub(in crate::cli) layer: &'static str,
    /// Security group, route table or firewall policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) resource: Option<String>,
    /// `outbound`, `inbound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) direction: Option<&'static str>,
    /// `allow`, `deny`, `unknown`.
    pub(in crate::cli) verdict: &'static str,
    /// The rule or route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) rule: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) priority: Option<u32>,
    /// Where a route leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) next_hop: Option<String>,
    /// The flows behind the rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) flows: Vec<String>,
    /// Where the first of them is written.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::cli) place: String,
}

/// A rule that nearly matched.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Near {
    /// The resource.
    pub(in crate::cli) resource: String,
    /// The rule.
    pub(in crate::cli) rule: String,
    /// `allow`, `deny`.
    pub(in crate::cli) verdict: &'static str,
    /// What differs.
    pub(in crate::cli) differs: &'static str,
}

impl Told {
    /// What decided, by itself.
    pub(in crate::cli) fn decided(&self) -> Decided {
        let statement = self.statement.as_ref();
        Decided {
            layer: self.layer,
            resource: self.resource.clone(),
            rule: self.rule.clone(),
            flows: self.flows.clone(),
            place: statement.map(|s| s.place.clone()).unwrap_or_default(),
        }
    }

    /// A reply with what is behind its rules.
    pub(in crate::cli) fn new(
        network: &Network,
        behind: &Behind,
        reply: &Reply,
        all: bool,
    ) -> Self {
        let mut out = Self {
            environment: None,
            catalogue: String::new(),
            verdict: word(reply.verdict),
            layer: "none",
            resource: None,
            rule: None,
            flows: Vec::new(),
            path: Vec::new(),
            assumes: reply.assumes.clone(),
            reason: reply.reason.clone(),
            near: Vec::new(),
            statement: None,
        };
        let Some(journey) = &reply.journey else {
            return out;
        };
        out.reason = out.reason.or_else(|| end_reason(journey));
        let to = journey.probe.destination.first();
        out.path = journey
            .steps
            .iter()
            .map(|step| hop(network, behind, step, to))
            .collect();
        if let Some(step) = journey.deciding(network).filter(|_| {
            // Without a verdict a step that is sure of itself decides nothing.
            reply.verdict.is_some() || reply.journey.as_ref().is_some_and(|j| j.verdict.is_none())
        }) {
            let made = hop(network, behind, step, to);
            out.layer = made.layer;
            out.resource = made.resource;
            out.rule = made.rule;
            out.flows = made.flows;
            out.statement = behind.at(network, step).first().map(|s| (*s).clone());
        }
        if all {
            for (step, rule, differs) in journey.near(network) {
                let found = journey
                    .steps
                    .get(step)
                    .and_then(|s| network.filter(&s.station))
                    .and_then(|f| f.rules.get(rule));
                if let Some(rule) = found {
                    out.near.push(Near {
                        resource: rule.resource.clone(),
                        rule: rule.path.clone(),
                        verdict: rule.verdict.word(),
                        differs: differs.word(),
                    });
                }
            }
        }
        out
    }
}

fn hop(network: &Network, behind: &Behind, step: &Step, to: Option<std::net::IpAddr>) -> Hop {
    let mut out = Hop {
        layer: step.layer().word(),
        resource: None,
        direction: None,
        verdict: word(step.verdict),
        rule: None,
        priority: None,
        next_hop: None,
        flows: Vec::new(),
        place: String::new(),
    };
    let said = |out: &mut Hop, list: Vec<&Statement>| {
        out.flows = list.iter().map(|s| s.id.clone()).collect();
        out.place = list.first().map(|s| s.place.clone()).unwrap_or_default();
    };
    match &step.station {
        Station::Out(gate, _) => {
            out.direction = Some("outbound");
            out.resource = Some(gate.group.clone());
        }
        Station::In(gate, _) => {
            out.direction = Some("inbound");
            out.resource = Some(gate.group.clone());
        }
        Station::Firewall(index) => {
            out.resource = network.firewalls.get(*index).map(|f| f.resource.clone());
        }
        Station::Route(site, next) => {
            let site = network.sites.get(*site);
            let table = site.and_then(|s| s.table.as_ref());
            out.resource = table.map(|t| t.name.clone());
            out.next_hop = Some(hop_word(next));
            if let Some((_, cause)) = site.zip(to).map(|(s, to)| s.hops.decide(to)) {
                out.rule = Some(route_word(table, cause));
                if let Some((table, (name, _))) = table.and_then(|t| Some((t, t.route(cause)?))) {
                    let list = behind.named(&table.name, name);
                    said(&mut out, list);
                }
            }
        }
        Station::GatewayRoute(index, next) => {
            out.resource = network
                .gateways
                .get(*index)
                .and_then(|g| Some(g.table.as_ref()?.name.clone()));
            out.next_hop = Some(hop_word(next));
        }
        Station::Arrival(site, next) | Station::Reply(site, next) => {
            out.resource = network
                .sites
                .get(*site)
                .and_then(|s| Some(s.table.as_ref()?.name.clone()));
            out.next_hop = Some(hop_word(next));
            out.rule = Some("reply".to_owned());
        }
        Station::Onward(index, next) => {
            out.resource = network.firewalls.get(*index).map(|f| f.key.clone());
            out.next_hop = Some(hop_word(next));
        }
        Station::Direct(_) => {
            out.next_hop = Some("straight from outside".to_owned());
        }
    }
    if let Some(translation) = &step.translation {
        out.rule = Some(translation.path.clone());
        let to = match &translation.target {
            Target::Address(address) => address.to_string(),
            Target::Name(name) => name.clone(),
        };
        out.next_hop = Some(format!("{to}:{}", translation.port));
        said(&mut out, behind.at(network, step));
    }
    if let Some(rule) = network.rule(step) {
        out.rule = Some(rule.path.clone());
        out.priority = (!rule.built_in).then_some(rule.priority);
        said(&mut out, behind.at(network, step));
    } else if step.decision.is_some() && step.verdict == Some(Verdict::Deny) {
        out.rule = Some("default".to_owned());
    }
    out
}
