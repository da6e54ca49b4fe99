//! What a probe speaks of, as regions: packets to addresses, and packets to names of which nobody said
//! where they are. It knows no layer.

use std::collections::BTreeSet;

use crate::denote::Denoter;
use crate::model::verify::{ModelProbe, TestBlock};
use crate::packet::{Region, Symbol};
use crate::path::Fabric;
use crate::reach::Network;

/// The packets of one probe.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn {
    /// To addresses, and to names that are said to be at some.
    pub(super) placed: Vec<Region>,
    /// To names that may be at any public address.
    pub(super) free: Vec<Region>,
}

impl Drawn {
    /// What it names of which nobody told the members.
    pub(super) fn symbols(&self) -> BTreeSet<Symbol> {
        let regions = self.placed.iter().chain(&self.free);
        regions.flat_map(Region::symbols).cloned().collect()
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
        let mut out = Drawn::default();
        for part in denoter.parts(&probe.from, &probe.to, &probe.traffic, None) {
            let list = if part.free_name {
                &mut out.free
            } else {
                &mut out.placed
            };
            list.extend(network.facts.narrowed(part.region));
        }
        out
    };
    tests
        .iter()
        .map(|test| test.probes.iter().map(one).collect())
        .collect()
}
