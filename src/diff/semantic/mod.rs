//! Which traffic fares differently on two sides, exactly: as sets of packets of the emitted resources on
//! the whole way, read back as rows, each with a packet that was walked on both sides.

mod fates;
mod groups;
mod read;
mod rows;
mod slice;

pub use groups::{Cause, Edit, Statement, Statements};
pub use rows::{Region, Wrong};

use crate::reach::{Network, Traces};

use fates::Both;
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

/// The regions of which the fate differs, in a fixed order. `whole` looks everywhere, not only where
/// something differs: it must find the same.
///
/// # Errors
/// The sets grew too large, or a walk and the sets disagree.
pub fn compare(old: &Scene, new: &Scene, whole: bool) -> Result<Vec<Region>, Wrong> {
    let mut slice = Slice::new(&old.network, &new.network, whole);
    if slice.regions.is_empty() {
        return Ok(Vec::new());
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
    let parts = both.parts()?;
    rows::rows(&mut both.space, &slice, (old, new), parts)
}
