//! Findings about emitted rules as rows: what `--format json` prints a line each, and what the text is
//! made of.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::backends::resource::ResourceId;
use crate::backends::{Lowered, Role};
use crate::driver::Stage;
use crate::foreign;
use crate::packet::{Facts, Filter, Rule};
use crate::path::{HopClass, HopMap};
use crate::reach::lint::{Finding, Kind, judge, widest};
use crate::reach::merge::mergeable;
use crate::reach::{Network, Traces, emitted};

/// Rules of each list that are shown as the widest.
const WIDEST: usize = 5;

/// A finding.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Row {
    /// `dead`, `hidden`, `shadowed`, `redundant`, `mergeable`, `envelope`, `wide`.
    pub(super) kind: &'static str,
    /// The environment; empty for definitions that are of none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) environment: String,
    /// The resource that holds the rule.
    pub(super) resource: String,
    /// `inbound`, `outbound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) direction: Option<&'static str>,
    /// The rule; for a firewall group, collection and rule with slashes between.
    pub(super) rule: String,
    /// `allow`, `deny`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) verdict: &'static str,
    /// The first flow behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow: Option<String>,
    /// All of them, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) flows: Vec<String>,
    /// Where the first is written.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) place: String,
    /// For a dead rule: `duplicate`, `one`, `several`. For a hidden one: `surely`, `possibly`. For one
    /// that could be a part of another: what differs.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) how: &'static str,
    /// What makes it so: the first flow behind each rule, or the rule where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) by: Vec<String>,
    /// The same as rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) by_rules: Vec<String>,
    /// Some of what takes a dead rule does the other thing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) contradicted: bool,
    /// A packet that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) example: Option<String>,
    /// How many packets it lets through, as text: no number of a program is large enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<String>,
    /// There are more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) at_least: bool,
    /// Firewalls that narrow an envelope.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) narrowed_by: Vec<String>,
}

/// The rows of one environment, or why there are none.
pub(super) fn rows(stage: &Stage<'_>, lowered: &Lowered) -> Result<Vec<Row>, String> {
    let network = emitted::network(stage.context, &lowered.resources)
        .map_err(|why| format!("a resource cannot be read back: {why}"))?;
    let place = Places::new(stage, lowered);
    let mut out = Vec::new();
    for list in lists(&network) {
        judged(&list, &network.facts, &place, &mut out)?;
    }
    envelopes(&network, lowered, &place, &mut out);
    for row in &mut out {
        row.environment
            .clone_from(&stage.context.fabric.policy.environment);
    }
    Ok(out)
}

/// The rows of lists that somebody else wrote, or why there are none.
pub(super) fn foreign_rows(environment: &str, lists: &[foreign::List]) -> Result<Vec<Row>, String> {
    let place = Places::default();
    let mut out = Vec::new();
    for list in lists {
        let rules = Rules {
            resource: list.resource.clone(),
            direction: list.direction,
            filters: vec![&list.filter],
        };
        let before = out.len();
        judged(&rules, &Facts::default(), &place, &mut out)?;
        // What can go has not to be joined with anything.
        let gone: BTreeSet<String> = out
            .iter()
            .skip(before)
            .filter(|row| matches!(row.kind, "dead" | "redundant"))
            .map(|row| row.rule.clone())
            .collect();
        for pair in mergeable(&list.filter, &list.single) {
            let rule = |at: usize| {
                let found = list.filter.rules.get(at);
                found.filter(|rule| !gone.contains(&rule.path))
            };
            let (Some(first), Some(second)) = (rule(pair.first), rule(pair.second)) else {
                continue;
            };
            out.push(Row {
                kind: "mergeable",
                how: pair.differs.word(),
                by: vec![first.path.clone()],
                by_rules: vec![first.path.clone()],
                ..place.row(&rules, second)
            });
        }
    }
    for row in &mut out {
        environment.clone_into(&mut row.environment);
    }
    Ok(out)
}

/// What is wrong with one list, and what is widest in it.
fn judged(
    list: &Rules<'_>,
    facts: &Facts,
    place: &Places,
    out: &mut Vec<Row>,
) -> Result<(), String> {
    let mut all: Option<Vec<Finding>> = None;
    for filter in &list.filters {
        let own = judge(filter, facts).map_err(|why| why.to_string())?;
        // A rule that one subnet needs is no dead rule.
        all = Some(match all {
            None => own,
            Some(seen) => seen
                .into_iter()
                .filter(|a| own.iter().any(|b| (a.kind, a.rule) == (b.kind, b.rule)))
                .collect(),
        });
    }
    let Some(filter) = list.filters.first() else {
        return Ok(());
    };
    for finding in all.unwrap_or_default() {
        if !place.is_made(filter, &finding) && !place.is_meant(filter, &finding) {
            out.extend(place.finding(list, filter, finding));
        }
    }
    for width in widest(filter, WIDEST).map_err(|why| why.to_string())? {
        let Some(rule) = filter.rules.get(width.rule) else {
            continue;
        };
        out.push(Row {
            kind: "wide",
            size: Some(width.size.to_string()),
            at_least: width.at_least,
            ..place.row(list, rule)
        });
    }
    Ok(())
}

/// One list of rules, as every subnet sees it.
struct Rules<'n> {
    resource: String,
    direction: Option<&'static str>,
    filters: Vec<&'n Filter>,
}

fn lists(network: &Network) -> Vec<Rules<'_>> {
    let mut groups: BTreeMap<(&str, &'static str), BTreeSet<usize>> = BTreeMap::new();
    for site in &network.sites {
        for (gates, word) in [(&site.inbound, "inbound"), (&site.outbound, "outbound")] {
            for gate in gates {
                groups
                    .entry((&gate.group, word))
                    .or_default()
                    .insert(gate.filter);
            }
        }
    }
    let groups = groups
        .into_iter()
        .map(|((group, direction), filters)| Rules {
            resource: group.to_owned(),
            direction: Some(direction),
            filters: filters
                .into_iter()
                .filter_map(|at| network.filters.get(at))
                .collect(),
        });
    let firewalls = network.firewalls.iter().map(|firewall| Rules {
        resource: firewall.resource.clone(),
        direction: None,
        filters: vec![&firewall.does.filter],
    });
    firewalls.chain(groups).collect()
}

/// What stands behind rules, and where; of what somebody else wrote nothing is known.
#[derive(Default)]
struct Places {
    traces: Traces,
    statements: BTreeMap<String, String>,
    /// Members of ordered groups.
    ordered: BTreeSet<String>,
}

impl Places {
    fn new(stage: &Stage<'_>, lowered: &Lowered) -> Self {
        let policy = stage.context.fabric.policy;
        let statements = policy.flows.iter().map(|flow| {
            let (file, line, _) = stage.sources.place(flow.spans.whole);
            (flow.id.text(), format!("{file}:{line}"))
        });
        Self {
            traces: Traces::new(&lowered.traces),
            statements: statements.collect(),
            ordered: policy
                .flows
                .iter()
                .filter(|flow| flow.position.is_some())
                .map(|flow| flow.id.text())
                .collect(),
        }
    }

    fn flows(&self, rule: &Rule) -> Vec<String> {
        let found = self.traces.of(rule);
        found.map_or_else(Vec::new, |(_, flows)| flows.to_vec())
    }

    /// Envelopes and guards are made by the compiler, and an exact rule may well lie in an envelope.
    fn is_made(&self, filter: &Filter, finding: &Finding) -> bool {
        let wider = |at: &usize| {
            let rule = filter.rules.get(*at);
            let found = rule.and_then(|rule| self.traces.of(rule));
            found.is_some_and(|(role, _)| role != Role::Exact)
        };
        wider(&finding.rule) || finding.kind == Kind::Redundant && finding.by.iter().any(wider)
    }

    /// A stronger tier is meant to take a part of a weaker one; in an ordered group, and where no flow
    /// is known, nobody said so.
    fn is_meant(&self, filter: &Filter, finding: &Finding) -> bool {
        let rule = filter.rules.get(finding.rule);
        let flows = rule.map(|rule| self.flows(rule)).unwrap_or_default();
        finding.kind == Kind::Shadowed
            && !flows.is_empty()
            && flows.iter().all(|flow| !self.ordered.contains(flow))
    }

    fn row(&self, list: &Rules<'_>, rule: &Rule) -> Row {
        let mut out = self.behind(self.flows(rule));
        out.resource.clone_from(&list.resource);
        out.direction = list.direction;
        out.rule.clone_from(&rule.path);
        out.verdict = rule.verdict.word();
        out
    }

    fn behind(&self, flows: Vec<String>) -> Row {
        let flow = flows.first().cloned();
        let place = flow.as_ref().and_then(|flow| self.statements.get(flow));
        Row {
            place: place.cloned().unwrap_or_default(),
            flow,
            flows: if flows.len() > 1 { flows } else { Vec::new() },
            ..Row::default()
        }
    }

    fn finding(&self, list: &Rules<'_>, filter: &Filter, finding: Finding) -> Option<Row> {
        let (kind, how) = match finding.kind {
            Kind::Duplicate => ("dead", "duplicate"),
            Kind::Dead if finding.by.len() == 1 => ("dead", "one"),
            Kind::Dead => ("dead", "several"),
            Kind::Redundant => ("redundant", ""),
            Kind::Shadowed => ("shadowed", ""),
            Kind::Hidden { sure: true } => ("hidden", "surely"),
            Kind::Hidden { sure: false } => ("hidden", "possibly"),
        };
        let rule = filter.rules.get(finding.rule)?;
        let by: Vec<&Rule> = finding
            .by
            .iter()
            .filter_map(|at| filter.rules.get(*at))
            .collect();
        Some(Row {
            kind,
            how,
            by: by
                .iter()
                .map(|rule| {
                    let flow = self.flows(rule).into_iter().next();
                    flow.unwrap_or_else(|| rule.path.clone())
                })
                .collect(),
            by_rules: by.iter().map(|rule| rule.path.clone()).collect(),
            contradicted: kind == "dead" && by.iter().any(|by| by.verdict != rule.verdict),
            example: finding.example,
            ..self.row(list, rule)
        })
    }
}

/// Rules that are wider than their flows, with the firewalls that narrow them.
fn envelopes(network: &Network, lowered: &Lowered, places: &Places, out: &mut Vec<Row>) {
    for trace in lowered.traces.iter().filter(|t| t.role == Role::Envelope) {
        let names = ResourceId::parse(&trace.resource).names().to_vec();
        let group = names.first().cloned().unwrap_or_default();
        let narrowed: BTreeSet<String> = network
            .sites
            .iter()
            .filter(|site| site.outbound.iter().any(|gate| gate.group == group))
            .filter_map(|site| match HopMap::default_hop(&site.hops) {
                HopClass::Firewall(key) => network.firewall(&key),
                _ => None,
            })
            .filter_map(|at| Some(network.firewalls.get(at)?.resource.clone()))
            .collect();
        out.push(Row {
            kind: "envelope",
            resource: names.join("/"),
            rule: trace.rule.clone(),
            verdict: "allow",
            narrowed_by: narrowed.into_iter().collect(),
            ..places.behind(trace.flows.clone())
        });
    }
}
