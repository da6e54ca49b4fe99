//! Which traffic fares differently on two sides, exactly: as sets of packets of the emitted resources on
//! the whole way, read back as rows, each with a packet that was walked on both sides.

mod fates;
mod groups;
mod read;
mod rows;
mod slice;

pub use groups::{Cause, Edit, Statement, Statements};
pub use rows::{Region, Wrong};

use crate::packet::Set;
use crate::reach::{Network, Traces};

pub use fates::LedTo;

use fates::{Both, Differing};
use slice::Slice;

/// One side of one environment.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// What packets meet.
    pub network: Network,
    /// Which statements are behind which rules.
    pub traces: Traces,
    /// The statements.
    pub statements: Statements,
}

/// The regions of which the fate differs, in a fixed order. `whole` looks everywhere as well, not only
/// where something differs: it must find the same.
///
/// # Errors
/// The sets grew too large, a walk and the sets disagree, or the look at everything finds other packets.
pub fn compare(old: &Scene, new: &Scene, whole: bool) -> Result<Vec<Region>, Wrong> {
    let regions = match look(old, new, false)? {
        None => Vec::new(),
        Some((slice, mut both)) => {
            let parts = both.parts()?;
            rows::rows(&mut both.space, &slice, (old, new), parts)?
        }
    };
    if whole && let Some((_, mut both)) = look(old, new, true)? {
        for Differing { kind, set, led, .. } in both.parts()? {
            let own = regions.iter().filter(|r| r.kind == kind && r.led == led);
            let sets: Vec<Set> = own.map(|r| r.packets(&mut both.space)).collect();
            let told = both.space.unite(sets);
            both.space.answer(|_| ())?;
            if told != set {
                let kind = kind.word().replace('_', " ");
                return Err(Wrong::Disagree(format!(
                    "a look at everything finds other packets {kind}"
                )));
            }
        }
    }
    Ok(regions)
}

/// What can differ, evaluated; `None` if nothing can.
fn look(old: &Scene, new: &Scene, whole: bool) -> Result<Option<(Slice, Both)>, Wrong> {
    let mut slice = Slice::new(&old.network, &new.network, whole);
    if slice.regions.is_empty() {
        return Ok(None);
    }
    let own = slice.facts_differ().then(|| {
        let facts = |side: &slice::Side| side.network.facts.clone();
        (facts(&slice.old), facts(&slice.new))
    });
    slice.share_facts(false);
    let mut both = Both::new(&slice);
    if let Some((old_facts, new_facts)) = own
        && both.contradicts()
    {
        slice.old.network.facts = old_facts;
        slice.new.network.facts = new_facts;
        slice.share_facts(true);
        both = Both::new(&slice);
    }
    Ok(Some((slice, both)))
}
