//! The theorem over every way: builds the sets, compares them, and gives a packet for what does not
//! hold. What is said to people about it is elsewhere.

use std::collections::BTreeMap;

use crate::backends::firewall_rules::Target;
use crate::backends::meaning::Unreadable;
use crate::backends::{Context, Lowered};
use crate::denote::{Denotation, Part, denotation};
use crate::diag::Diagnostic;
use crate::model::address::{AddressSet, Family};
use crate::model::internet::platform;
use crate::model::service::Proto;
use crate::model::{self, Flow, Key};
use crate::packet::{Builder, Exhausted, Fact, Names, Set, Space, Symbol, Witness};
use crate::reach::{End, Network, Pass, Traces, Way, passage};
use crate::source::Span;
use crate::syntax::ast::Need;

use super::asked::{Asked, anywhere, asked};
use super::layers::{Layer, layer};
use super::{duties, hops};

/// Which part of the theorem does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Denied by a flow, and let through.
    DeniedPasses,
    /// Allowed by a flow, and stopped.
    AllowedStops,
    /// No flow speaks of it, and it passes though a layer denies by default.
    SilentPasses,
    /// No flow speaks of it, and it is stopped though every layer allows by default.
    SilentStops,
    /// A translation does not arrive.
    Translated,
    /// A layer was asked to deny it, and lets it through.
    LayerPasses,
    /// A layer was asked to let it through, and stops it.
    LayerStops,
    /// A layer was asked nothing of it and denies by default, and lets it through.
    LayerOpens,
    /// A layer was asked nothing of it and allows by default, and stops it.
    LayerShuts,
    /// A subnet sends it elsewhere than its routes were asked to.
    Hop,
}

impl Which {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::DeniedPasses => "the policy denies it, the output lets it through",
            Self::AllowedStops => "the policy allows it, the output stops it",
            Self::SilentPasses => {
                "no flow speaks of it and a layer denies by default, the output lets it through"
            }
            Self::SilentStops => {
                "no flow speaks of it and every layer allows by default, the output stops it"
            }
            Self::Translated => "a translation allows it, the output does not bring it there",
            Self::LayerPasses => "this layer was asked to deny it, and lets it through",
            Self::LayerStops => "this layer was asked to let it through, and stops it",
            Self::LayerOpens => {
                "this layer was not asked for it and denies by default, and lets it through"
            }
            Self::LayerShuts => {
                "this layer was not asked for it and allows by default, and stops it"
            }
            Self::Hop => "this subnet sends it elsewhere than it was asked to",
        }
    }
}

/// A packet that shows that the output does not mean what was asked.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which part.
    pub which: Which,
    /// The packet.
    pub witness: Witness,
    /// The flows that speak of it, by id.
    pub flows: Vec<String>,
    /// The layer that is wrong by itself, and its rule that decides; `None` if the fault is the whole
    /// way's.
    pub place: Option<(Place, Option<String>)>,
}

/// A layer of the policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A security group, outbound or inbound.
    Group(Key, bool),
    /// A firewall.
    Firewall(Key),
    /// The routes of a subnet.
    Routes(Key),
}

/// A `required` flow that is not allowed, or not denied, from end to end.
#[derive(Clone, Debug)]
pub struct Unmet {
    /// Index of the flow.
    pub flow: usize,
    /// A packet of it that is stopped, or let through.
    pub witness: Witness,
    /// It is so only if what the witness assumes holds.
    pub maybe: bool,
    /// A forbid matches all of it.
    pub forbidden: bool,
    /// It says `any`, and some of it passes.
    pub partly: bool,
}

/// What the proof found.
#[derive(Clone, Debug, Default)]
pub struct Proven {
    /// What does not hold: our own fault.
    pub violations: Vec<Violation>,
    /// Required flows that are not met: the policy's fault.
    pub unmet: Vec<Unmet>,
    /// Ways that were compared, those with the same layers counted once.
    pub ways: usize,
    /// Nodes that the sets took.
    pub nodes: usize,
}

impl Proven {
    /// The violations that are told: one of a layer by itself, which says where to look, and one of a
    /// whole way.
    #[must_use]
    pub fn shown(&self) -> Vec<&Violation> {
        let of = |layer: bool| {
            let mut all = self.violations.iter();
            all.find(|v| v.place.is_some() == layer)
        };
        of(true).into_iter().chain(of(false)).collect()
    }
}

/// Why there is no proof.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoProof {
    /// The output could not be read back.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    /// The sets grew too large.
    #[error("{0}")]
    Exhausted(Exhausted),
}

/// Compares what is asked with what was lowered; `network` is what was read of that. `told` is what was said about this environment: a
/// flow that a diagnostic gives up is not claimed.
///
/// # Errors
/// The output is not understood, or the sets grow too large.
pub fn prove(
    context: &Context<'_>,
    network: &Network,
    lowered: &Lowered,
    told: &[Diagnostic],
) -> Result<Proven, NoProof> {
    let mut denotation = denotation(context.fabric);
    for claim in &mut denotation.claims {
        let parts = std::mem::take(&mut claim.parts);
        claim.parts = parts
            .into_iter()
            .flat_map(|part| {
                let regions = network.facts.narrowed(part.region);
                regions
                    .into_iter()
                    .map(move |region| Part { region, ..part })
            })
            .collect();
    }
    let ways = network.ways(&AddressSet::all(), &AddressSet::all());
    let mut space = space_for(context, network, &denotation, &ways);
    let traces = Traces::new(&lowered.traces);
    let answer = space.answer(|space| {
        let mut bench = Bench::new(context, network, &denotation, space, &traces);
        bench.theorem(&ways, told)
    });
    let mut proven = answer.map_err(NoProof::Exhausted)?;
    proven.violations.extend(hops::check(context, network));
    Ok(proven)
}

/// A space in which everything that is compared can be said.
fn space_for(
    context: &Context<'_>,
    network: &Network,
    denotation: &Denotation,
    ways: &[Way],
) -> Space {
    let mut builder = Builder::new();
    for part in denotation.claims.iter().flat_map(|c| &c.parts) {
        builder.region(&part.region);
        if part.region.names != Names::Any {
            builder.region(&anywhere(&part.region));
        }
    }
    for translated in &denotation.translated {
        for region in translated.arriving.iter().chain(&translated.leaving) {
            builder.region(region);
        }
    }
    passage::tell(&mut builder, network, ways);
    let firewalls = network.firewalls.iter().map(|f| &f.does.filter);
    let rules = network.filters.iter().chain(firewalls);
    let mut doubted: Vec<Symbol> = rules
        .flat_map(|filter| &filter.rules)
        .flat_map(|rule| &rule.regions)
        .flat_map(|region| region.symbols())
        .filter(|symbol| is_undocumented(symbol))
        .cloned()
        .collect();
    // What no page of Azure's says is taken not to be: the rules are written so that it is no matter.
    doubted.sort();
    doubted.dedup();
    for symbol in doubted {
        builder.fact(Fact::Within(symbol, AddressSet::empty()));
    }
    for addresses in duties::addresses(context) {
        builder.addresses(&addresses);
    }
    builder.addresses(&context.fabric.internet);
    builder.addresses(&platform());
    builder.build()
}

fn is_undocumented(symbol: &Symbol) -> bool {
    matches!(symbol.kind, "routed tag" | "undocumented")
}

struct Bench<'a> {
    context: &'a Context<'a>,
    network: &'a Network,
    denotation: &'a Denotation,
    space: &'a mut Space,
    filters: Vec<Layer>,
    firewalls: Vec<Layer>,
}

impl<'a> Bench<'a> {
    fn new(
        context: &'a Context<'a>,
        network: &'a Network,
        denotation: &'a Denotation,
        space: &'a mut Space,
        traces: &Traces,
    ) -> Self {
        let filters = network
            .filters
            .iter()
            .map(|filter| layer(space, filter, traces))
            .collect();
        let firewalls = network
            .firewalls
            .iter()
            .map(|firewall| layer(space, &firewall.does.filter, traces))
            .collect();
        Self {
            context,
            network,
            denotation,
            space,
            filters,
            firewalls,
        }
    }

    fn theorem(&mut self, ways: &[Way], told: &[Diagnostic]) -> Proven {
        let free = passage::usual(self.space, self.network, &self.context.fabric.internet);
        let asked = asked(self.space, self.denotation, free);
        let excuses = Excuses::new(self, &asked, told);
        let runs = passage::runs(self.space, ways);
        let mut unnamed = vec![self.space.box_of(&AddressSet::all(), &platform())];
        if !self.context.fabric.names_platform() {
            unnamed.push(self.space.box_of(&platform(), &AddressSet::all()));
        }
        unnamed.push(self.space.regions(&self.network.facts.impossible));
        let unnamed = self.space.unite(unnamed);
        let mut out = Proven {
            ways: runs.len(),
            ..Proven::default()
        };
        let (mut reached, mut passed) = (Vec::new(), Vec::new());
        // What passes though an exception and a deny disagree about it.
        let mut disputed = Vec::new();
        for run in &runs {
            if run.end == End::Unknown {
                continue;
            }
            let region = self.space.subtract(run.region, asked.open);
            let through = self.through(&run.passes, region);
            let allowed = match run.end {
                End::There => through.allowed,
                _ => self.space.empty(),
            };
            if run.end == End::There {
                reached.push(region);
                let open = self.space.intersect(run.region, asked.open);
                if !self.space.is_empty(open) {
                    disputed.push(self.through(&run.passes, open).allowed);
                }
            }
            passed.push(allowed);
            // The platform's addresses pass outbound whatever is written, and inbound they count only
            // where a flow names them.
            let judged = self.space.subtract(region, through.foreign);
            let judged = self.space.subtract(judged, unnamed);
            let allowed = self.space.intersect(allowed, judged);
            let stopped = self.space.subtract(judged, allowed);
            let mut found: Vec<(Which, Set)> = Vec::new();
            let denied = self.space.intersect(asked.denied, allowed);
            found.push((
                Which::DeniedPasses,
                self.space.subtract(denied, excuses.denied),
            ));
            let silent = self.space.intersect(asked.silent, allowed);
            let silent = self.space.subtract(silent, through.by_default);
            found.push((
                Which::SilentPasses,
                self.space.subtract(silent, through.accepted),
            ));
            if run.end == End::There {
                let wanted = self.space.intersect(asked.allowed, stopped);
                found.push((
                    Which::AllowedStops,
                    self.space.subtract(wanted, excuses.allowed),
                ));
                let silent = self.space.intersect(asked.silent, through.by_default);
                let silent = self.space.intersect(silent, stopped);
                found.push((
                    Which::SilentStops,
                    self.space.subtract(silent, through.guarded),
                ));
            }
            for (which, set) in found {
                if let Some(witness) = self.space.witness(set) {
                    let flows = asked.speaking(self.space, self.denotation, &witness);
                    out.violations.push(Violation {
                        which,
                        witness,
                        flows,
                        place: None,
                    });
                }
            }
        }
        self.translations(&asked, &mut out);
        let laws = duties::Laws {
            context: self.context,
            network: self.network,
            denotation: self.denotation,
            asked: &asked,
            filters: &self.filters,
            firewalls: &self.firewalls,
            unnamed,
            preempted: excuses.preempted,
            runs: &runs,
        };
        duties::check(self.space, &laws, &mut out.violations);
        let reached = self.space.unite(reached);
        let passed = self.space.unite(passed);
        self.required(&asked, (reached, passed), unnamed, &excuses, &mut out);
        disputed.push(passed);
        let passed = self.space.unite(disputed);
        // What is our own fault is told as such.
        if out.violations.is_empty() {
            self.required_denies(&asked, passed, unnamed, &mut out);
        }
        out.nodes = self.space.nodes();
        out
    }

    /// What the layers of a way let through, and what their rules are.
    fn through(&mut self, passes: &[Pass], region: Set) -> Through {
        let space = &mut *self.space;
        let mut out = Through {
            allowed: region,
            by_default: region,
            foreign: space.empty(),
            accepted: space.empty(),
            guarded: space.empty(),
        };
        let (filters, firewalls) = (&self.filters, &self.firewalls);
        let layer = |pass: Pass| match pass {
            Pass::Out(index) | Pass::In(index) => filters.get(index),
            Pass::Firewall(index) => firewalls.get(index),
        };
        let mut narrowed = false;
        let mut envelopes = Vec::new();
        for pass in passes {
            let Some(layer) = layer(*pass) else {
                continue;
            };
            out.foreign = space.union(out.foreign, layer.foreign);
            out.by_default = space.intersect(out.by_default, layer.by_default);
            match pass {
                Pass::Out(_) => {
                    envelopes.push(layer.envelopes);
                    out.guarded = space.union(out.guarded, layer.guards);
                }
                Pass::Firewall(_) => {
                    narrowed = true;
                    out.by_default = space.empty();
                }
                Pass::In(_) => {}
            }
        }
        out.allowed = passage::through(space, self.network, passes, region, |pass| {
            layer(pass).map(|layer| layer.admitted)
        });
        if !narrowed {
            // Where no firewall narrows an envelope it must have been accepted.
            out.accepted = space.unite(envelopes);
        }
        out
    }

    /// Every translation takes what its statement says to the target, nothing else, and the security
    /// groups there let it in from the firewall.
    fn translations(&mut self, asked: &Asked, out: &mut Proven) {
        let dnats = &self.context.fabric.policy.dnats;
        for firewall in &self.network.firewalls {
            let mine = self.context.plan.dnats.get(&firewall.key);
            let mine: Vec<usize> = mine.into_iter().flatten().copied().collect();
            // What the firewall does, by where it leads.
            let mut matched = self.space.empty();
            let mut leads: BTreeMap<(String, u16), Set> = BTreeMap::new();
            for translation in &firewall.does.translations {
                let set = self.space.regions(&translation.regions);
                let own = self.space.subtract(set, matched);
                matched = self.space.union(matched, set);
                let to = match &translation.target {
                    Target::Address(address) => address.to_string(),
                    Target::Name(name) => name.clone(),
                };
                let known = leads
                    .entry((to, translation.port))
                    .or_insert(self.space.empty());
                *known = self.space.union(*known, own);
            }
            for translated in self.denotation.translated.iter() {
                let Some(dnat) = dnats.get(translated.dnat) else {
                    continue;
                };
                if !mine.contains(&translated.dnat) {
                    continue;
                }
                let to = match &dnat.into {
                    model::dnat::Target::Address(address) => address.to_string(),
                    model::dnat::Target::Name(name) => name.text.clone(),
                };
                let arriving = self.space.regions(&translated.arriving);
                let host = self.space.box_of(&platform(), &AddressSet::all());
                let arriving = self.space.subtract(arriving, host);
                let lead = leads.get_mut(&(to, dnat.into_port));
                let missing = match lead {
                    Some(lead) => {
                        let missing = self.space.subtract(arriving, *lead);
                        *lead = self.space.subtract(*lead, arriving);
                        missing
                    }
                    None => arriving,
                };
                self.report_translated(asked, missing, &translated.id, out);
                if firewall.subnet.is_empty() {
                    continue;
                }
                let from = self.space.box_of(&firewall.subnet, &AddressSet::all());
                let leaving = self.space.regions(&translated.leaving);
                let leaving = self.space.intersect(leaving, from);
                for site in &self.network.sites {
                    let inside = self.space.box_of(&AddressSet::all(), &site.prefix);
                    let mut stopped = self.space.empty();
                    for gate in &site.inbound {
                        let Some(layer) = self.filters.get(gate.filter).copied() else {
                            continue;
                        };
                        let met = self.space.intersect(leaving, inside);
                        let met = self.space.subtract(met, layer.foreign);
                        let met = self.space.subtract(met, layer.admitted.kept);
                        stopped = self.space.union(stopped, met);
                    }
                    // A flow that denies it at the group is told elsewhere (PC4015).
                    let stopped = self.space.subtract(stopped, asked.denied);
                    self.report_translated(asked, stopped, &translated.id, out);
                }
            }
            // What leads to a target of ours and nobody asked for; an export may have others.
            let ours = |to: &str, port: u16| {
                mine.iter().filter_map(|i| dnats.get(*i)).any(|d| {
                    d.into_port == port
                        && match &d.into {
                            model::dnat::Target::Address(a) => a.to_string() == to,
                            model::dnat::Target::Name(n) => n.text == to,
                        }
                })
            };
            let wide: Vec<Set> = leads
                .into_iter()
                .filter(|((to, port), _)| ours(to, *port))
                .map(|(_, set)| set)
                .collect();
            let wide = self.space.unite(wide);
            let host = self.space.box_of(&platform(), &AddressSet::all());
            let wide = self.space.subtract(wide, host);
            self.report_translated(asked, wide, "none", out);
        }
    }

    fn report_translated(&mut self, asked: &Asked, set: Set, id: &str, out: &mut Proven) {
        if let Some(witness) = self.space.witness(set) {
            let mut flows = asked.speaking(self.space, self.denotation, &witness);
            flows.push(id.to_owned());
            out.violations.push(Violation {
                which: Which::Translated,
                witness,
                flows,
                place: None,
            });
        }
    }

    /// Required flows are allowed wherever a way leads, but for what a forbid matches.
    fn required(
        &mut self,
        asked: &Asked,
        (reached, passed): (Set, Set),
        unnamed: Set,
        excuses: &Excuses,
        out: &mut Proven,
    ) {
        for (index, flow) in self.context.fabric.policy.flows.iter().enumerate() {
            if flow.need != Some(Need::Required) || !flow.allows() {
                continue;
            }
            let Some(spoken) = asked.flows.get(index) else {
                continue;
            };
            let whole = self.space.intersect(spoken.sure, reached);
            let counted = self.space.subtract(whole, asked.forbidden);
            let forbidden = self.space.is_empty(counted) && !self.space.is_empty(whole);
            let counted = if forbidden { whole } else { counted };
            let counted = self.space.subtract(counted, excuses.six(index));
            let counted = self.space.subtract(counted, unnamed);
            let missing = self.space.subtract(counted, passed);
            if self.space.is_empty(missing) {
                continue;
            }
            let surely = self.space.surely(missing);
            let maybe = self.space.is_empty(surely);
            let shown = if maybe { missing } else { surely };
            let any = flow.traffic.has(Proto::Any);
            let partly = any && !forbidden && self.space.meets(counted, passed);
            if let Some(witness) = self.space.witness(shown) {
                out.unmet.push(Unmet {
                    partly,
                    flow: index,
                    witness,
                    maybe,
                    forbidden,
                });
            }
        }
    }

    /// Nothing lets a packet of a required deny through: no exception, no rule of somebody else's.
    fn required_denies(&mut self, asked: &Asked, passed: Set, unnamed: Set, out: &mut Proven) {
        for (index, flow) in self.context.fabric.policy.flows.iter().enumerate() {
            if flow.need != Some(Need::Required) || flow.allows() {
                continue;
            }
            let Some(spoken) = asked.flows.get(index) else {
                continue;
            };
            let counted = self.space.subtract(spoken.sure, unnamed);
            let through = self.space.intersect(counted, passed);
            if self.space.is_empty(through) {
                continue;
            }
            // Surely let through: in the flow, and under no assumption of it stopped.
            let stopped = self.space.subtract(counted, passed);
            let may = self.space.possibly(stopped);
            let surely = self.space.subtract(through, may);
            let maybe = self.space.is_empty(surely);
            let shown = if maybe { through } else { surely };
            if let Some(witness) = self.space.witness(shown) {
                out.unmet.push(Unmet {
                    partly: false,
                    flow: index,
                    witness,
                    maybe,
                    forbidden: false,
                });
            }
        }
    }
}

/// What a way lets through, and why.
#[derive(Clone, Copy, Debug)]
struct Through {
    allowed: Set,
    by_default: Set,
    foreign: Set,
    accepted: Set,
    guarded: Set,
}

/// What diagnostics say is not claimed.
struct Excuses {
    /// Of allows.
    allowed: Set,
    /// Of denies.
    denied: Set,
    /// By flow: what of it has no way over IPv6.
    six: BTreeMap<usize, Set>,
    /// Where a network rule may be read before a rule for names.
    preempted: Set,
    none: Set,
}

impl Excuses {
    fn new(bench: &mut Bench<'_>, asked: &Asked, told: &[Diagnostic]) -> Self {
        let flows = &bench.context.fabric.policy.flows;
        let v6 = AddressSet::all().only(Family::V6);
        let six_all = bench.space.box_of(&v6, &v6);
        let (mut allowed, mut denied) = (Vec::new(), Vec::new());
        let mut preempted = Vec::new();
        let mut six = BTreeMap::new();
        for diagnostic in told {
            let code = diagnostic.code.info().id;
            if !["PC4001", "PC4002", "PC4014", "PC4022", "PC4023"].contains(&code) {
                continue;
            }
            let about: Vec<usize> = flows
                .iter()
                .enumerate()
                .filter(|(_, f)| speaks_of(diagnostic, f))
                .map(|(i, _)| i)
                .collect();
            match code {
                // A layer that is left out, or passed by, or that cannot say it.
                "PC4001" | "PC4002" | "PC4023" => {
                    for index in about {
                        let Some(spoken) = asked.flows.get(index) else {
                            continue;
                        };
                        match flows.get(index).map(Flow::allows) {
                            Some(true) => allowed.push(spoken.may),
                            _ => denied.push(spoken.may),
                        }
                    }
                }
                // One family has no way.
                "PC4022" => {
                    for index in about {
                        if let Some(spoken) = asked.flows.get(index) {
                            let part = bench.space.intersect(spoken.may, six_all);
                            allowed.push(part);
                            six.insert(index, part);
                        }
                    }
                }
                // A network rule may be read before a rule for names.
                "PC4014" => {
                    let sets: Vec<Set> = about
                        .iter()
                        .filter_map(|i| asked.flows.get(*i))
                        .map(|s| s.may)
                        .collect();
                    for (at, a) in sets.iter().enumerate() {
                        for b in sets.iter().skip(at + 1) {
                            let both = bench.space.intersect(*a, *b);
                            allowed.push(both);
                            denied.push(both);
                            preempted.push(both);
                        }
                    }
                }
                _ => {}
            }
        }
        Self {
            allowed: bench.space.unite(allowed),
            denied: bench.space.unite(denied),
            six,
            preempted: bench.space.unite(preempted),
            none: bench.space.empty(),
        }
    }

    fn six(&self, flow: usize) -> Set {
        self.six.get(&flow).copied().unwrap_or(self.none)
    }
}

/// Whether a diagnostic stands in a flow's statement.
fn speaks_of(diagnostic: &Diagnostic, flow: &Flow) -> bool {
    let whole = flow.spans.whole;
    let places = [
        Some(flow.spans.whole),
        Some(flow.spans.from),
        Some(flow.spans.to),
        Some(flow.spans.services),
        flow.spans.layers,
        flow.spans.via,
        flow.spans.inspect,
        flow.spans.header,
        flow.spans.source_ports,
    ];
    let mut all = diagnostic
        .primary
        .into_iter()
        .chain(diagnostic.labels.iter().map(|l| l.span));
    all.any(|span| places.contains(&Some(span)) || covers(whole, span))
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}
