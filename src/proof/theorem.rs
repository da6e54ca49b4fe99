//! The theorem over every way: builds the sets, compares them, and gives a packet for what does not
//! hold. What is said to people about it is elsewhere.

use std::collections::BTreeMap;

use crate::backends::firewall_rules::Target;
use crate::backends::meaning::Unreadable;
use crate::backends::{Context, Lowered};
use crate::denote::{Denotation, Part, denotation};
use crate::diag::Diagnostic;
use crate::model::address::AddressSet;
use crate::model::internet::platform;
use crate::model::service::Proto;
use crate::model::{self};
use crate::packet::{Builder, Exhausted, Fact, Names, Set, Space, Symbol};
use crate::reach::{End, Network, Pass, Traces, Way, passage};
use crate::syntax::ast::Need;

use super::asked::{Asked, anywhere, asked};
use super::excuses::Excuses;
use super::findings::{Proven, Unmet, Violation, Which};
use super::layers::{Layer, layer};
use super::{duties, hops};

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
        let excuses = Excuses::new(self.space, &self.context.fabric.policy.flows, &asked, told);
        let runs = passage::runs(self.space, ways);
        let mut unnamed = vec![self.space.box_of(&AddressSet::all(), &platform())];
        if !self.context.fabric.names_platform() {
            unnamed.push(self.space.box_of(&platform(), &AddressSet::all()));
        }
        unnamed.push(self.space.regions(&self.network.facts.impossible));
        let unnamed = self.space.unite(unnamed);
        let mut out = Proven {
            ways: runs.len(),
            one_family: excuses.one_family(),
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
        // Which address a firewall uses is not said: what is denied may pass with none of them.
        let passed = passage::through(space, self.network, passes, region, |pass| {
            layer(pass).map(|layer| layer.admitted)
        });
        out.allowed = passed.may;
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
