//! Which packets some flows decide: those of which the deciding rule has one of them behind it. The
//! deciding rule is what `explain` says: the first that denies; of what passes the firewall's, else
//! that of the last security group in which somebody wrote one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use crate::model::Layer;
use crate::model::verify::Decider;
use crate::packet::{Rule, Set};
use crate::reach::passage::{self, own_addresses};
use crate::reach::{Pass, Station, Taken};

use super::lab::{Lab, arrives};

/// Rules that are looked at together.
const BLOCK: usize = 64;

/// The rules of lists as sets, made when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Lists {
    known: BTreeMap<(bool, usize, bool), Rc<List>>,
}

#[derive(Debug, Default)]
struct List {
    rules: Vec<Set>,
    /// Unions of so many rules that follow each other.
    blocks: Vec<Set>,
}

/// What is looked for behind rules.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meant<'m> {
    /// No flow.
    Nobody,
    /// One of these, by id without the half of a `between`.
    Flows(&'m BTreeSet<String>),
    /// The same, by the first rule that surely matches: what only may match before it and does the same
    /// decides nothing.
    Surely(&'m BTreeSet<String>),
    /// Anything that somebody wrote.
    Written,
}

/// An id without the half of a `between`.
fn whole(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(front, _)| front)
}

impl<'m> Meant<'m> {
    pub(super) fn by(decider: &'m Decider) -> Self {
        match decider {
            Decider::Default => Self::Nobody,
            Decider::Flow(ids) => Self::Flows(ids),
        }
    }

    pub(super) fn surely_by(decider: &'m Decider) -> Self {
        match decider {
            Decider::Default => Self::Nobody,
            Decider::Flow(ids) => Self::Surely(ids),
        }
    }
}

/// Where some packets are decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) at: Vec<Place>,
    /// A route drops them, or no layer with a rule of anybody's is on their way.
    pub(super) nobody: Set,
}

/// Packets that a layer decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) pass: Pass,
    /// Their source as the layer sees it, if a firewall put its own address there.
    pub(super) source: Option<IpAddr>,
    pub(super) packets: Set,
}

impl Lab<'_> {
    /// Of some packets, those that are decided by what is meant; `allowed` says that they pass.
    pub(super) fn decided(
        &mut self,
        of: Set,
        at: Option<&Layer>,
        meant: Meant<'_>,
        allowed: bool,
    ) -> Set {
        let places = self.places(of, at, allowed);
        let mut out = Vec::new();
        // With some other address of the firewall something else decides.
        let mut otherwise = Vec::new();
        for place in places.at {
            out.push(match place.source {
                None => self.first(place.pass, place.packets, meant),
                Some(source) => {
                    let full = self.space.full();
                    let own = self.first(place.pass, full, meant);
                    let own = self.space.with_source(own, source);
                    otherwise.push(self.space.subtract(place.packets, own));
                    self.space.intersect(place.packets, own)
                }
            });
        }
        if matches!(meant, Meant::Nobody) {
            out.push(places.nobody);
        }
        for index in 0..self.taken.len() {
            let Some(taken) = self.taken.get(index).cloned() else {
                continue;
            };
            out.push(match at {
                Some(layer) => self.on_translation_at(&taken, of, layer, meant),
                None => self.on_translation(&taken, of, meant),
            });
        }
        let out = self.space.unite(out);
        let otherwise = self.space.unite(otherwise);
        self.space.subtract(out, otherwise)
    }

    /// Where packets that are not translated are decided.
    pub(super) fn places(&mut self, of: Set, at: Option<&Layer>, allowed: bool) -> Places {
        let mut out = Places::default();
        let mut nobody = Vec::new();
        for run in self.runs_for(at) {
            let of = self.space.intersect(of, run.region);
            if self.space.is_empty(of) {
                continue;
            }
            let (passes, ends) = match at {
                Some(layer) => (self.at(layer, &run.passes), true),
                None => (run.passes.clone(), arrives(&run)),
            };
            if at.is_some() && passes.is_empty() {
                continue;
            }
            let own = self.on_way(&passes, ends, of, allowed);
            out.at.extend(own.at);
            nobody.push(own.nobody);
        }
        out.nobody = self.space.unite(nobody);
        out.at.retain(|place| !self.space.is_empty(place.packets));
        out
    }

    fn on_way(&mut self, passes: &[Pass], arrives: bool, of: Set, allowed: bool) -> Places {
        let mut kept = of;
        // By the address that a firewall put there, if that is known.
        let mut replaced: Vec<(Option<IpAddr>, Set)> = Vec::new();
        let mut stops = Vec::new();
        let mut firewall: Vec<Place> = Vec::new();
        for (number, pass) in passes.iter().copied().enumerate() {
            let Some(layer) = self.layers.at(pass) else {
                continue;
            };
            let is_firewall = matches!(pass, Pass::Firewall(_));
            if is_firewall {
                firewall.clear();
            }
            let mut meets =
                |packets: Set, source: Option<IpAddr>, admitted: Set, lab: &mut Self| {
                    let place = |packets| Place {
                        pass,
                        source,
                        packets,
                    };
                    stops.push(place(lab.space.subtract(packets, admitted)));
                    if is_firewall {
                        firewall.push(place(packets));
                    }
                };
            let admitted = self.space.union(layer.kept, layer.replaced);
            meets(kept, None, admitted, self);
            let mut again = vec![self.space.intersect(kept, layer.replaced)];
            if !matches!(pass, Pass::Out(_)) {
                for (address, set) in &mut replaced {
                    let Some(address) = *address else {
                        continue;
                    };
                    let passed = self.space.with_source(layer.kept, address);
                    let opened = self.space.with_source(layer.replaced, address);
                    let admitted = self.space.union(passed, opened);
                    meets(*set, Some(address), admitted, self);
                    again.push(self.space.intersect(*set, opened));
                    *set = self.space.intersect(*set, passed);
                }
            }
            if let Pass::Firewall(index) = pass {
                let again = self.space.unite(again);
                if !self.space.is_empty(again) {
                    let rest = passes.get(number + 1..).unwrap_or_default();
                    let own = own_addresses(self.network, index, rest);
                    if own.is_empty() {
                        replaced.push((None, again));
                    }
                    replaced.extend(own.into_iter().map(|address| (Some(address), again)));
                }
            }
            kept = self.space.intersect(kept, layer.kept);
        }
        let mut all: Vec<Set> = replaced.iter().map(|(_, set)| *set).collect();
        all.push(kept);
        let mut rest = self.space.unite(all);
        if !allowed {
            return Places {
                at: stops,
                // A route drops what is left.
                nobody: if arrives { self.space.empty() } else { rest },
            };
        }
        let mut at = Vec::new();
        if firewall.is_empty() {
            // The last group in which somebody wrote a rule.
            for pass in passes.iter().rev().copied() {
                let written = self.first(pass, rest, Meant::Written);
                rest = self.space.subtract(rest, written);
                at.push(Place {
                    pass,
                    source: None,
                    packets: written,
                });
            }
        } else {
            for place in firewall {
                let packets = self.space.intersect(place.packets, rest);
                at.push(Place { packets, ..place });
            }
            rest = self.space.empty();
        }
        Places { at, nobody: rest }
    }

    /// What a layer by itself does with what a translation takes.
    fn on_translation_at(
        &mut self,
        taken: &Taken<'_>,
        of: Set,
        layer: &Layer,
        meant: Meant<'_>,
    ) -> Set {
        let translation = taken.translation;
        let of = self.space.intersect(of, taken.packets);
        if self.is_asked(layer, &Station::Firewall(taken.firewall)) {
            let placed = self.traces.placed(&translation.resource, &translation.path);
            let flows = placed.map_or(&[] as &[String], |(_, flows)| flows);
            return if is_meant(meant, flows) {
                of
            } else {
                self.space.empty()
            };
        }
        let mut out = Vec::new();
        for (pass, source, address) in passage::arriving(self.network, taken) {
            if self.at(layer, &[pass]).is_empty() {
                continue;
            }
            let full = self.space.full();
            let own = self.first(pass, full, meant);
            let own = self.arrived(own, address, translation.port, source);
            out.push(self.space.intersect(of, own));
        }
        self.space.unite(out)
    }

    /// What a firewall lets in by a translation, or the group at its target keeps out.
    fn on_translation(&mut self, taken: &Taken<'_>, of: Set, meant: Meant<'_>) -> Set {
        let translation = taken.translation;
        let flows = self
            .traces
            .placed(&translation.resource, &translation.path)
            .map_or(&[] as &[String], |(_, flows)| flows);
        let mut out = Vec::new();
        if is_meant(meant, flows) {
            out.push(self.space.intersect(of, taken.outcome.allowed));
        }
        let kept_out = self.space.intersect(of, taken.outcome.denied);
        if !self.space.is_empty(kept_out) {
            let seen = passage::arriving(self.network, taken);
            // What the groups let in is lost on a route: by nobody's rule.
            let mut lost = kept_out;
            for (pass, source, address) in &seen {
                if let Some(filter) = self.filter(*pass) {
                    let let_in = passage::admitted(self.space, filter).kept;
                    let let_in = self.arrived(let_in, *address, translation.port, *source);
                    lost = self.space.intersect(lost, let_in);
                }
            }
            let kept_out = self.space.subtract(kept_out, lost);
            for (pass, source, address) in seen {
                let full = self.space.full();
                let own = self.first(pass, full, meant);
                let own = self.arrived(own, address, translation.port, source);
                out.push(self.space.intersect(kept_out, own));
            }
            if matches!(meant, Meant::Nobody) {
                out.push(lost);
            }
        }
        self.space.unite(out)
    }

    /// The packets that are in a set once they are translated.
    fn arrived(&mut self, set: Set, address: IpAddr, port: u16, source: IpAddr) -> Set {
        let set = self.space.with_destination(set, address, Some(port));
        self.space.with_source(set, source)
    }

    /// Of some packets, those whose first match in a list is a rule that is meant.
    pub(super) fn first(&mut self, pass: Pass, of: Set, meant: Meant<'_>) -> Set {
        let Some(filter) = self.filter(pass) else {
            return self.space.empty();
        };
        let traces = self.traces;
        let is = |rule: &Rule| match meant {
            Meant::Written => !rule.built_in,
            _ => is_meant(meant, traces.of(rule).map_or(&[], |(_, flows)| flows)),
        };
        let members: Vec<bool> = filter.rules.iter().map(is).collect();
        let list = self.list(pass, matches!(meant, Meant::Surely(_)));
        let mut rest = of;
        let mut found = Vec::new();
        for (number, block) in list.blocks.iter().enumerate() {
            if self.space.is_empty(rest) {
                break;
            }
            let start = number * BLOCK;
            let rules = list.rules.iter().zip(&members).skip(start).take(BLOCK);
            if !self.space.meets(rest, *block) {
                continue;
            }
            if !rules.clone().any(|(_, member)| *member) {
                rest = self.space.subtract(rest, *block);
                continue;
            }
            for (rule, member) in rules {
                if *member {
                    found.push(self.space.intersect(rest, *rule));
                }
                rest = self.space.subtract(rest, *rule);
            }
        }
        // At the end of a list a packet is dropped, by nobody's rule.
        if matches!(meant, Meant::Nobody) {
            found.push(rest);
        }
        self.space.unite(found)
    }

    fn list(&mut self, pass: Pass, surely: bool) -> Rc<List> {
        let key = match pass {
            Pass::Firewall(index) => (true, index, surely),
            Pass::Out(index) | Pass::In(index) => (false, index, surely),
        };
        if let Some(known) = self.lists.known.get(&key) {
            return Rc::clone(known);
        }
        let mut list = List::default();
        if let Some(filter) = self.filter(pass) {
            for rule in &filter.rules {
                let set = self.space.regions(&rule.regions);
                let open = rule.regions.iter().any(|r| r.symbols().next().is_some());
                list.rules.push(if surely && open {
                    self.space.surely(set)
                } else {
                    set
                });
            }
            for block in list.rules.chunks(BLOCK) {
                list.blocks.push(self.space.unite(block.to_vec()));
            }
        }
        let list = Rc::new(list);
        self.lists.known.insert(key, Rc::clone(&list));
        list
    }
}

fn is_meant(meant: Meant<'_>, flows: &[String]) -> bool {
    match meant {
        Meant::Nobody => flows.is_empty(),
        Meant::Flows(ids) | Meant::Surely(ids) => flows.iter().any(|id| ids.contains(whole(id))),
        Meant::Written => true,
    }
}
