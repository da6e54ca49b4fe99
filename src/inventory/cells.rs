//! Who reaches what: a cell for each pair of ends that some flow speaks of, and what becomes of it. The
//! verdicts are those of tests that the policy could have: they are asked of the emitted resources.

use std::collections::{BTreeMap, BTreeSet};

use crate::backends::Role;
use crate::backends::resource::AzureType;
use crate::denote::Denoter;
use crate::diag::Diagnostic;
use crate::model::address::AddressSet;
use crate::model::endpoint::Endpoint;
use crate::model::service::{PortSet, Proto, Traffic};
use crate::model::verify::{Expect, ModelProbe, ProbeSpans, TestBlock};
use crate::packet::{Builder, Witness};
use crate::query::typed;
use crate::reach::{Network, Traces};
use crate::source::Span;
use crate::trials::{Judged, Ruling, Shown, Wanted, judge};

use super::Seen;
use super::data::{Cell, CellFlow, Fate, Flow, Kind, Matrix, State, Unit, UnitKind};
use super::edges::subnet;
use super::units::{Term, Terms, is_most, prefixes, services};

/// Subnets that a source or destination is shown at beside its own row or column.
const MOST_SUBNETS: usize = 12;

/// Pairs of subnets that are asked for what passes though no flow speaks of it.
const MOST_DEFAULTS: usize = 4_000;

/// What a flow speaks of between two ends.
struct Pair {
    row: usize,
    column: usize,
    flow: usize,
    allows: bool,
    from: Endpoint,
    to: Endpoint,
    traffic: Traffic,
}

/// Rows or columns as they are found.
#[derive(Default)]
struct Axis {
    units: Vec<Unit>,
    index: BTreeMap<(UnitKind, String), usize>,
    endpoints: Vec<Endpoint>,
    owners: Vec<BTreeMap<String, usize>>,
}

impl Axis {
    fn place(&mut self, unit: Unit, endpoint: Endpoint) -> usize {
        let key = (unit.kind, unit.label.clone());
        if let Some(at) = self.index.get(&key) {
            return *at;
        }
        let at = self.units.len();
        self.index.insert(key, at);
        self.units.push(unit);
        self.endpoints.push(endpoint);
        self.owners.push(BTreeMap::new());
        at
    }

    fn owned(&mut self, at: usize, owner: Option<&String>) {
        if let (Some(owners), Some(owner)) = (self.owners.get_mut(at), owner) {
            *owners.entry(owner.clone()).or_default() += 1;
        }
    }
}

/// The matrix of an environment, and what there is to say of the compiler itself.
pub(super) fn matrix(
    seen: Seen<'_>,
    network: &Network,
    terms: &Terms<'_>,
    flows: &[Flow],
) -> Result<(Matrix, Vec<Diagnostic>), String> {
    let (mut rows, mut columns) = (Axis::default(), Axis::default());
    let pairs = pairs(seen, terms, &mut rows, &mut columns);
    let mut bench = Bench {
        seen,
        network,
        traces: Traces::new(&seen.lowered.traces),
        flows: flows
            .iter()
            .enumerate()
            .map(|(at, flow)| (flow.id.as_str(), at))
            .collect(),
        told: Vec::new(),
    };
    let first: Vec<ModelProbe> = pairs
        .iter()
        .map(|pair| {
            let expect = if pair.allows {
                Expect::Allow
            } else {
                Expect::Deny
            };
            probe(&pair.from, &pair.to, &pair.traffic, expect)
        })
        .collect();
    let first = bench.judge(first)?;
    let packets = packets(seen, &pairs);

    // What does not end as its flow says is asked for once more: some of it, or none?
    let again: Vec<usize> = (0..pairs.len())
        .filter(|at| first.get(*at).is_some_and(|judged| !judged.passed()))
        .collect();
    let mut second: Vec<ModelProbe> = again
        .iter()
        .filter_map(|at| pairs.get(*at))
        .map(|pair| {
            let expect = if pair.allows {
                Expect::Reach
            } else {
                Expect::Allow
            };
            probe(&pair.from, &pair.to, &pair.traffic, expect)
        })
        .collect();
    let open: BTreeSet<(usize, usize)> = pairs
        .iter()
        .zip(&first)
        .filter(|(pair, judged)| pair.allows && judged.passed())
        .map(|(pair, _)| (pair.row, pair.column))
        .collect();
    let (defaults, defaults_asked) = defaults(seen, &mut rows, &mut columns, &open);
    let everything = everything();
    second.extend(defaults.iter().filter_map(|(row, column)| {
        let from = rows.endpoints.get(*row)?;
        let to = columns.endpoints.get(*column)?;
        Some(probe(from, to, &everything, Expect::Deny))
    }));
    let second = bench.judge(second)?;
    let (more, by_default) = second.split_at(again.len().min(second.len()));
    let more: BTreeMap<usize, &Verdict> = again.iter().copied().zip(more).collect();

    let mut cells = Cells {
        flows,
        wide: wide(seen),
        found: BTreeMap::new(),
    };
    for (at, pair) in pairs.iter().enumerate() {
        let owner = flows.get(pair.flow).and_then(|flow| flow.owner.as_ref());
        rows.owned(pair.row, owner);
        columns.owned(pair.column, owner);
        let Some(verdict) = first.get(at) else {
            continue;
        };
        let (fate, why) = fate(pair, verdict, more.get(&at).copied());
        let shown = if verdict.passed() {
            packets.get(at).cloned().flatten()
        } else {
            verdict.packet.clone()
        };
        let one = CellFlow {
            flow: Some(pair.flow),
            fate,
            why,
            packet: shown.or_else(|| packets.get(at).cloned().flatten()),
        };
        cells.add(pair.row, pair.column, one, verdict);
    }
    for ((row, column), verdict) in defaults.iter().zip(by_default) {
        cells.by_default(*row, *column, verdict);
    }
    let by_pair: BTreeMap<usize, Vec<&Pair>> = {
        let mut out: BTreeMap<usize, Vec<&Pair>> = BTreeMap::new();
        for pair in &pairs {
            out.entry(pair.flow).or_default().push(pair);
        }
        out
    };
    let found = cells.finish(&rows, &columns, &by_pair);
    let told = std::mem::take(&mut bench.told);
    Ok((ordered(rows, columns, found, defaults_asked), told))
}

/// What a probe came to.
#[derive(Clone, Debug)]
struct Verdict {
    ruling: Outcome,
    /// What it hangs on, or what decides.
    why: Option<String>,
    packet: Option<String>,
    /// The flows behind the rules that it meets, if it shows a packet.
    by: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Holds,
    Fails,
    Open,
    Nowhere,
}

impl Verdict {
    fn passed(&self) -> bool {
        self.ruling == Outcome::Holds
    }
}

/// What is asked, and of what.
struct Bench<'a> {
    seen: Seen<'a>,
    network: &'a Network,
    traces: Traces,
    flows: BTreeMap<&'a str, usize>,
    told: Vec<Diagnostic>,
}

impl Bench<'_> {
    fn judge(&mut self, probes: Vec<ModelProbe>) -> Result<Vec<Verdict>, String> {
        if probes.is_empty() {
            return Ok(Vec::new());
        }
        let test = TestBlock {
            instance: Vec::new(),
            name: "report".to_owned(),
            span: Span::default(),
            with: None,
            probes,
        };
        let wanted = Wanted {
            tests: vec![&test],
            ..Wanted::default()
        };
        let Seen {
            context,
            lowered,
            told,
            ..
        } = self.seen;
        let findings =
            judge(context, self.network, lowered, &wanted, told).map_err(|why| why.to_string())?;
        self.told.extend(findings.diagnostics);
        let trials = findings.trials.iter();
        Ok(trials
            .flat_map(|trial| &trial.probes)
            .map(|judged| self.verdict(judged))
            .collect())
    }

    fn verdict(&self, judged: &Judged) -> Verdict {
        let nothing = |ruling, why| Verdict {
            ruling,
            why,
            packet: None,
            by: Vec::new(),
        };
        match &judged.ruling {
            Ruling::Passed => nothing(Outcome::Holds, None),
            Ruling::Failed(shown) | Ruling::NotBy(shown) => Verdict {
                ruling: Outcome::Fails,
                why: self.decider(shown),
                packet: arguments(&shown.witness),
                by: self.behind(shown),
            },
            Ruling::Undecided(shown, doubts) => {
                let on: Vec<&str> = doubts.iter().map(|doubt| doubt.on.as_str()).collect();
                Verdict {
                    ruling: Outcome::Open,
                    why: Some(format!("hangs on {}", on.join(", "))),
                    packet: arguments(&shown.witness),
                    by: Vec::new(),
                }
            }
            Ruling::Empty(why) => nothing(Outcome::Nowhere, Some((*why).to_owned())),
        }
    }

    /// The rule that decides, with its resource.
    fn decider(&self, shown: &Shown) -> Option<String> {
        let step = shown.journey.as_ref()?.deciding(self.network)?;
        match self.network.rule(step) {
            Some(rule) => Some(format!("`{}` of `{}`", rule.path, rule.resource)),
            None if step.verdict == Some(crate::packet::Verdict::Deny) => {
                Some("the default of a layer".to_owned())
            }
            None => Some("no layer with rules".to_owned()),
        }
    }

    fn behind(&self, shown: &Shown) -> Vec<usize> {
        let Some(journey) = &shown.journey else {
            return Vec::new();
        };
        let Some(step) = journey.deciding(self.network) else {
            return Vec::new();
        };
        let found = match (self.network.rule(step), &step.translation) {
            (Some(rule), _) => self.traces.of(rule),
            (None, Some(one)) => self.traces.placed(&one.resource, &one.path),
            (None, None) => None,
        };
        let ids = found.map(|(_, flows)| flows).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.flows.get(id.as_str()).copied())
            .collect()
    }
}

/// A packet as arguments of `explain`.
fn arguments(witness: &Witness) -> Option<String> {
    typed(witness, true)
}

fn probe(from: &Endpoint, to: &Endpoint, traffic: &Traffic, expect: Expect) -> ModelProbe {
    ModelProbe {
        expect,
        traffic: traffic.clone(),
        from: from.clone(),
        to: to.clone(),
        at: None,
        by: None,
        spans: ProbeSpans::default(),
    }
}

fn everything() -> Traffic {
    let mut out = Traffic::default();
    out.add(Proto::Any, &PortSet::all());
    out
}

fn fate(pair: &Pair, first: &Verdict, second: Option<&Verdict>) -> (Fate, Option<String>) {
    let again = second.map(|verdict| verdict.ruling);
    let fate = match (first.ruling, pair.allows) {
        (Outcome::Nowhere, _) => Fate::Nowhere,
        (Outcome::Holds, true) => Fate::Passes,
        (Outcome::Holds, false) => Fate::Stopped,
        (Outcome::Fails, true) => match again {
            Some(Outcome::Holds) => Fate::Partly,
            Some(Outcome::Open) => Fate::Undecided,
            _ => Fate::Stopped,
        },
        (Outcome::Fails, false) if again == Some(Outcome::Holds) => Fate::Passes,
        (Outcome::Fails, false) => Fate::Partly,
        (Outcome::Open, true) if again == Some(Outcome::Holds) => Fate::Partly,
        (Outcome::Open, _) => Fate::Undecided,
    };
    let why = match first.ruling {
        Outcome::Holds => None,
        Outcome::Fails if pair.allows => {
            let by = first.why.as_deref().unwrap_or("a layer");
            Some(format!("stopped by {by}"))
        }
        Outcome::Fails => {
            let by = first.why.as_deref().unwrap_or("a layer");
            Some(format!("let through by {by}"))
        }
        Outcome::Open | Outcome::Nowhere => first.why.clone(),
    };
    (fate, why)
}

/// By flow and security group: what is wider than asked there. The empty group stands for any.
fn wide(seen: Seen<'_>) -> BTreeSet<(String, String)> {
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

/// Every flow with the rows and columns that it speaks of.
fn pairs(seen: Seen<'_>, terms: &Terms<'_>, rows: &mut Axis, columns: &mut Axis) -> Vec<Pair> {
    let fabric = seen.context.fabric;
    let policy = fabric.policy;
    for (key, own) in fabric.end_subnets() {
        for axis in [&mut *rows, &mut *columns] {
            axis.place(of_subnet(seen, key), Endpoint::of(own.prefix.clone()));
        }
    }
    let mut out = Vec::new();
    let mut add = |flow: usize, allows: bool, from: &Endpoint, to: &Endpoint, traffic: &Traffic| {
        let from = ends(seen, terms, from, rows);
        let to = ends(seen, terms, to, columns);
        for (row, from) in &from {
            for (column, to) in &to {
                out.push(Pair {
                    row: *row,
                    column: *column,
                    flow,
                    allows,
                    from: from.clone(),
                    to: to.clone(),
                    traffic: traffic.clone(),
                });
            }
        }
    };
    for (at, flow) in policy.flows.iter().enumerate() {
        add(at, flow.allows(), &flow.from, &flow.to, &flow.traffic);
    }
    for (at, dnat) in (policy.flows.len()..).zip(&policy.dnats) {
        let mut traffic = Traffic::default();
        traffic.add(dnat.proto, &PortSet::one(dnat.port));
        let public = dnat.to.iter().fold(AddressSet::empty(), |all, ip| {
            all.union(&AddressSet::range((*ip).into(), (*ip).into()))
        });
        add(at, true, &dnat.from, &Endpoint::of(public), &traffic);
    }
    out
}

fn of_subnet(seen: Seen<'_>, key: &str) -> Unit {
    let fabric = seen.context.fabric;
    let node = subnet(fabric, key);
    let found = fabric.policy.subnets.get(key);
    Unit {
        label: node.label,
        kind: UnitKind::Subnet,
        network: node.network,
        zone: node.zone,
        owner: None,
        members: found.map(|s| prefixes(&s.prefix)).unwrap_or_default(),
    }
}

/// The terms of an end, and the subnets that lie in it or meet it.
fn ends(
    seen: Seen<'_>,
    terms: &Terms<'_>,
    e: &Endpoint,
    axis: &mut Axis,
) -> Vec<(usize, Endpoint)> {
    let mut out: Vec<(usize, Endpoint)> = Vec::new();
    let found = terms.of(e);
    for term in found {
        let Term {
            label,
            kind,
            members,
            endpoint,
        } = term;
        let unit = Unit {
            label,
            kind,
            members,
            ..Unit::default()
        };
        out.push((axis.place(unit, endpoint.clone()), endpoint));
    }
    let groups = e.ip_groups.values().flatten();
    let own = groups.fold(e.addresses.clone(), |all, set| all.union(set));
    if e.any || own.is_empty() || is_most(&own) {
        return out;
    }
    let fabric = seen.context.fabric;
    let met: Vec<_> = fabric
        .end_subnets()
        .filter(|(_, subnet)| subnet.prefix.meets(&own))
        .collect();
    if met.len() > MOST_SUBNETS {
        return out;
    }
    for (key, subnet) in met {
        let whole = Endpoint::of(subnet.prefix.clone());
        let at = axis.place(of_subnet(seen, key), whole);
        if out.iter().all(|(other, _)| *other != at) {
            out.push((at, Endpoint::of(subnet.prefix.intersect(&own))));
        }
    }
    out
}

/// Pairs of subnets, and of a subnet and the internet, that no flow opens entirely.
fn defaults(
    seen: Seen<'_>,
    rows: &mut Axis,
    columns: &mut Axis,
    open: &BTreeSet<(usize, usize)>,
) -> (Vec<(usize, usize)>, bool) {
    let subnets: Vec<String> = seen
        .context
        .fabric
        .end_subnets()
        .map(|(key, _)| key.clone())
        .collect();
    if subnets.len() * (subnets.len() + 2) > MOST_DEFAULTS {
        return (Vec::new(), false);
    }
    let internet = || Unit {
        label: "tag(Internet)".to_owned(),
        kind: UnitKind::Everyone,
        members: vec!["tag(Internet)".to_owned()],
        ..Unit::default()
    };
    let endpoint = || Endpoint {
        internet: true,
        ..Endpoint::default()
    };
    let units: Vec<Unit> = subnets.iter().map(|key| of_subnet(seen, key)).collect();
    if units.is_empty() {
        return (Vec::new(), true);
    }
    let at = |axis: &mut Axis, unit: &Unit| axis.place(unit.clone(), Endpoint::default());
    let sources: Vec<usize> = units.iter().map(|unit| at(rows, unit)).collect();
    let targets: Vec<usize> = units.iter().map(|unit| at(columns, unit)).collect();
    let from_internet = rows.place(internet(), endpoint());
    let to_internet = columns.place(internet(), endpoint());
    let mut out = Vec::new();
    for row in &sources {
        for column in targets.iter().chain([&to_internet]) {
            out.push((*row, *column));
        }
    }
    out.extend(targets.iter().map(|column| (from_internet, *column)));
    out.retain(|pair| !open.contains(pair));
    (out, true)
}

/// A packet of each pair, as arguments of `explain`.
fn packets(seen: Seen<'_>, pairs: &[Pair]) -> Vec<Option<String>> {
    let denoter = Denoter::new(seen.context.fabric);
    let regions: Vec<Vec<_>> = pairs
        .iter()
        .map(|pair| {
            let parts = denoter.parts(&pair.from, &pair.to, &pair.traffic, None);
            parts.into_iter().map(|part| part.region).collect()
        })
        .collect();
    let mut builder = Builder::new();
    for region in regions.iter().flatten() {
        builder.region(region);
    }
    let mut space = builder.build();
    let mut out = Vec::new();
    for list in &regions {
        let found = space.answer(|space| {
            let set = space.regions(list);
            space.witness(set)
        });
        out.push(found.ok().flatten().as_ref().and_then(arguments));
    }
    out
}

/// Cells as they are filled.
struct Cells<'a> {
    flows: &'a [Flow],
    wide: BTreeSet<(String, String)>,
    found: BTreeMap<(usize, usize), Vec<CellFlow>>,
}

impl Cells<'_> {
    fn add(&mut self, row: usize, column: usize, one: CellFlow, verdict: &Verdict) {
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
                if self.flows.get(*by).is_some_and(|flow| flow.action == "allow")
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

    /// What passes between two subnets though no flow of theirs says so.
    fn by_default(&mut self, row: usize, column: usize, verdict: &Verdict) {
        let fate = match verdict.ruling {
            Outcome::Holds | Outcome::Nowhere => return,
            Outcome::Fails => Fate::Partly,
            Outcome::Open => Fate::Undecided,
        };
        let list = self.found.entry((row, column)).or_default();
        let passing = |one: &CellFlow| {
            matches!(one.fate, Fate::Passes | Fate::Partly)
                && one
                    .flow
                    .and_then(|at| self.flows.get(at))
                    .is_none_or(|flow| flow.action == "allow" || flow.kind != Kind::Flow)
        };
        if list.iter().any(passing) || fate == Fate::Undecided && !list.is_empty() {
            return;
        }
        let mut by: Vec<Option<usize>> = verdict
            .by
            .iter()
            .filter(|at| self.flows.get(**at).is_some_and(|f| f.action != "deny"))
            .map(|at| Some(*at))
            .collect();
        if by.is_empty() {
            by.push(None);
        }
        for flow in by {
            list.push(CellFlow {
                flow,
                fate,
                why: match fate {
                    Fate::Undecided => verdict.why.clone(),
                    _ => verdict.why.as_ref().map(|by| format!("let through by {by}")),
                },
                packet: verdict.packet.clone(),
            });
        }
    }

    fn finish(
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

/// Rows and columns in the order in which they are read, without those that nothing is said of.
fn ordered(rows: Axis, columns: Axis, mut cells: Vec<Cell>, defaults_asked: bool) -> Matrix {
    let used_rows: BTreeSet<usize> = cells.iter().map(|cell| cell.row).collect();
    let used_columns: BTreeSet<usize> = cells.iter().map(|cell| cell.column).collect();
    let (rows, new_rows) = sorted(rows, &used_rows);
    let (columns, new_columns) = sorted(columns, &used_columns);
    for cell in &mut cells {
        cell.row = new_rows.get(&cell.row).copied().unwrap_or_default();
        cell.column = new_columns.get(&cell.column).copied().unwrap_or_default();
    }
    cells.sort_by_key(|cell| (cell.row, cell.column));
    Matrix {
        rows,
        columns,
        cells,
        defaults_asked,
    }
}

fn sorted(axis: Axis, used: &BTreeSet<usize>) -> (Vec<Unit>, BTreeMap<usize, usize>) {
    let mut list: Vec<(usize, Unit)> = Vec::new();
    for (at, (mut unit, owners)) in axis.units.into_iter().zip(axis.owners).enumerate() {
        if used.contains(&at) || unit.kind == UnitKind::Subnet {
            let most = owners.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
            unit.owner = most.map(|(owner, _)| owner);
            list.push((at, unit));
        }
    }
    list.sort_by(|(_, a), (_, b)| {
        let key = |unit: &Unit| (unit.kind, unit.network.clone(), unit.label.clone());
        key(a).cmp(&key(b))
    });
    let places = list.iter().enumerate();
    let places = places.map(|(new, (old, _))| (*old, new)).collect();
    (list.into_iter().map(|(_, unit)| unit).collect(), places)
}
