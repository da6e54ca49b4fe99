//! What a probe speaks of, as regions: packets to addresses, and packets to names of which nobody said
//! where they are. It knows no layer.
//!
//! Who asks for addresses asks for connections that show no name, and for names that the policy says are
//! there. Who asks for more than half of the internet, as `any` does, asks for every name too: it has
//! to be somewhere. In less than that, the probe names the addresses by themselves, and a name of which
//! nobody said where it is lies elsewhere. Who asks for names asks for them where they are said to be,
//! and for the others at public addresses.

use std::collections::BTreeSet;

use crate::denote::{Denoter, Part};
use crate::model::Flow;
use crate::model::address::AddressSet;
use crate::model::verify::{ModelProbe, TestBlock};
use crate::packet::{Addresses, Names, Region, Symbol};
use crate::path::Fabric;
use crate::reach::Network;
use crate::reach::question::is_most;

/// The packets of one probe.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn {
    /// To addresses.
    pub(super) placed: Vec<Region>,
    /// To so many of the internet's addresses that every name is among them.
    pub(super) wide: Vec<Region>,
    /// To names that are said to be at some addresses.
    pub(super) said: Vec<Region>,
    /// To names that may be at any public address.
    pub(super) free: Vec<Region>,
    /// To the same names wherever they are.
    pub(super) anywhere: Vec<Region>,
}

impl Drawn {
    /// All of them.
    pub(super) fn regions(&self) -> impl Iterator<Item = &Region> {
        let lists = [
            &self.placed,
            &self.wide,
            &self.said,
            &self.free,
            &self.anywhere,
        ];
        lists.into_iter().flatten()
    }

    /// Those whose ends are named: neither is `any` or most of the internet.
    pub(super) fn named(&self, internet: &AddressSet) -> Vec<Region> {
        let few = |region: &&Region| {
            !is_most(&region.source.known, internet)
                && (region.names != Names::Any || !is_most(&region.destination.known, internet))
        };
        self.regions().filter(few).cloned().collect()
    }

    /// What it names of which nobody told the members.
    pub(super) fn symbols(&self) -> BTreeSet<Symbol> {
        self.regions().flat_map(Region::symbols).cloned().collect()
    }
}

/// The packets of every probe of some tests.
pub(super) fn draw(
    fabric: &Fabric<'_>,
    network: &Network,
    tests: &[&TestBlock],
) -> Vec<Vec<Drawn>> {
    let denoter = Denoter::new(fabric);
    let one = |probe: &ModelProbe| {
        let parts = denoter.parts(&probe.from, &probe.to, &probe.traffic, None);
        sorted(fabric, network, parts)
    };
    tests
        .iter()
        .map(|test| test.probes.iter().map(one).collect())
        .collect()
}

/// The packets of some flows, each as a probe of its own.
pub(super) fn promised(fabric: &Fabric<'_>, network: &Network, flows: &[&Flow]) -> Vec<Vec<Drawn>> {
    let denoter = Denoter::new(fabric);
    let one = |flow: &&Flow| {
        let ports = flow.source_ports.as_ref();
        let parts = denoter.parts(&flow.from, &flow.to, &flow.traffic, ports);
        vec![sorted(fabric, network, parts)]
    };
    flows.iter().map(one).collect()
}

fn sorted(fabric: &Fabric<'_>, network: &Network, parts: Vec<Part>) -> Drawn {
    let mut out = Drawn::default();
    for part in parts {
        let list = if part.free_name {
            // Which path of a host is meant is said of no other address.
            if part.region.destination.symbols.is_empty() {
                let everywhere = Region {
                    destination: Addresses::any(),
                    ..part.region.clone()
                };
                out.anywhere.extend(network.facts.narrowed(everywhere));
            }
            &mut out.free
        } else if part.region.names != Names::Any {
            &mut out.said
        } else if is_most(&part.region.destination.known, &fabric.internet) {
            &mut out.wide
        } else {
            &mut out.placed
        };
        list.extend(network.facts.narrowed(part.region));
    }
    out
}
