//! What a proof finds, as data. It finds nothing itself.

use std::collections::BTreeSet;

use crate::model::Key;
use crate::packet::Witness;

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
    /// Flows of which it is told that IPv6 has no way, by index: that part is not claimed.
    pub one_family: BTreeSet<usize>,
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
