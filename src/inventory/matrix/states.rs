//! What a cell says, from what became of its flows. Nothing is asked here.

use std::collections::{BTreeMap, BTreeSet};

use crate::backends::Role;
use crate::backends::resource::AzureType;
use crate::inventory::Seen;
use crate::inventory::data::{Cell, CellFlow, Fate, Flow, Kind, State, Unit, UnitKind};
use crate::inventory::units::services;
use crate::model::service::PortSet;

use super::axes::Axis;
use super::bench::{Outcome, Verdict};
use super::pairs::Pair;

/// Cells as they are filled.
pub(super) struct Cells<'a> {
    pub(super) flows: &'a [Flow],
    pub(super) wide: BTreeSet<(String, String)>,
    pub(super) found: BTreeMap<(usize, usize), Vec<CellFlow>>,
}

impl Cells<'_> {
    pub(super) fn add(&mut self, row: usize, column: usize, one: CellFlow, verdict: &Verdict) {
        let list = self.found.entry((row, column)).or_default();
        let denies = one
            .flow
            .and_then(|at| self.flows.get(at))
            .is_some_and(|flow| flow.action != "allow" && flow.kind == Kind::Flow);
        let passes = matches!(one.fate, Fate::Passes | Fate::Partly);
        list.push(one.clone());
        if denies && passes {
            // What lets it through nevertheless, if a flow does.
            for by in &verdict.by {
                if self
                    .flows
                    .get(*by)
                    .is_some_and(|flow| flow.action == "allow")
                    && list.iter().all(|other| other.flow != Some(*by))
                {
                    list.push(CellFlow {
                        flow: Some(*by),
                        fate: Fate::Partly,
                        why: None,
                        packet: verdict.packet.clone(),
                    });
                }
            }
        }
    }

    /// What passes between two ends though no allow speaks of it. Of what hangs on things that nobody
    /// told the flows of the cell tell enough.
    pub(super) fn by_default(&mut self, row: usize, column: usize, verdict: &Verdict) {
        let list = self.found.entry((row, column)).or_default();
        let fate = match verdict.ruling {
            Outcome::Holds | Outcome::Nowhere => return,
            Outcome::Open if !list.is_empty() => return,
            Outcome::Fails => Fate::Partly,
            Outcome::Open => Fate::Undecided,
        };
        let why = match fate {
            Fate::Undecided => verdict.why.clone(),
            _ => verdict
                .why
                .as_ref()
                .map(|by| format!("let through by {by}")),
        };
        list.push(CellFlow {
            flow: None,
            fate,
            why,
            packet: verdict.packet.clone(),
        });
    }

    pub(super) fn finish(
        mut self,
        rows: &Axis,
        columns: &Axis,
        by_flow: &BTreeMap<usize, Vec<&Pair>>,
    ) -> Vec<Cell> {
        let mut out = Vec::new();
        for ((row, column), mut flows) in std::mem::take(&mut self.found) {
            flows.retain(|one| one.fate != Fate::Nowhere);
            if flows.is_empty() {
                continue;
            }
            let names = columns
                .units
                .get(column)
                .is_some_and(|unit| unit.kind == UnitKind::Names);
            let from = rows.units.get(row);
            let mut best: Option<State> = None;
            let (mut passes, mut stopped) = (BTreeSet::new(), BTreeSet::new());
            let mut ports = PortSet::from_ranges(&[]);
            let mut undecided = false;
            for one in &flows {
                let flow = one.flow.and_then(|at| self.flows.get(at));
                let traffic = one.flow.and_then(|at| by_flow.get(&at)?.first());
                let texts = || {
                    let known = traffic.map(|pair| services(&pair.traffic));
                    known.unwrap_or_default()
                };
                let allows = flow.is_none_or(|f| f.action == "allow" || f.kind != Kind::Flow);
                let state = match (one.fate, allows) {
                    (Fate::Undecided, _) => {
                        undecided = true;
                        State::Undecided
                    }
                    (Fate::Passes | Fate::Partly, true) => {
                        passes.extend(texts());
                        if let Some(pair) = traffic {
                            for (_, set) in pair.traffic.iter() {
                                ports = ports.union(set);
                            }
                        }
                        match flow {
                            None => {
                                passes.insert("anything".to_owned());
                                ports = PortSet::all();
                                State::Unasked
                            }
                            Some(flow) if flow.tier == Some("exception") => State::Exception,
                            Some(flow) if names && self.is_wide(flow, from) => State::Envelope,
                            Some(_) => State::Allow,
                        }
                    }
                    _ => {
                        stopped.extend(texts());
                        State::Denied
                    }
                };
                if one.fate == Fate::Partly && allows && one.why.is_some() && flow.is_some() {
                    let why = one.why.as_deref().unwrap_or_default();
                    undecided |= why.starts_with("hangs on");
                }
                best = Some(best.map_or(state, |best| best.min(state)));
            }
            let Some(state) = best else { continue };
            out.push(Cell {
                row,
                column,
                state,
                undecided,
                ports: if ports.is_all() {
                    0
                } else {
                    u32::try_from(ports.len()).unwrap_or(u32::MAX)
                },
                passes: passes.into_iter().collect(),
                stopped: stopped.into_iter().collect(),
                flows,
            });
        }
        out
    }

    fn is_wide(&self, flow: &Flow, from: Option<&Unit>) -> bool {
        let at = match from {
            Some(unit) if unit.kind == UnitKind::Subnet => format!("subnet {}", unit.label),
            _ => String::new(),
        };
        self.wide.contains(&(flow.id.clone(), at))
    }
}

/// By flow and security group: what is wider than asked there. The empty group stands for any.
pub(super) fn wide(seen: Seen<'_>) -> BTreeSet<(String, String)> {
    let mut out = BTreeSet::new();
    let traces = seen.lowered.traces.iter();
    for trace in traces.filter(|trace| trace.role == Role::Envelope) {
        for flow in &trace.flows {
            out.insert((flow.clone(), trace.resource.clone()));
            out.insert((flow.clone(), String::new()));
        }
    }
    let policy = seen.context.fabric.policy;
    let mut by_subnet = BTreeSet::new();
    for (key, subnet) in &policy.subnets {
        let nsg = subnet.nsg.as_ref().and_then(|key| policy.nsgs.get(key));
        let Some(nsg) = nsg else { continue };
        let id = seen
            .context
            .id(&nsg.identity, AzureType::NetworkSecurityGroup)
            .text();
        for (flow, resource) in &out {
            if *resource == id {
                by_subnet.insert((flow.clone(), format!("subnet {key}")));
            }
        }
    }
    out.extend(by_subnet);
    out
}
