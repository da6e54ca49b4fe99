//! How much of its limits an IP group uses, counted in what was emitted. Judged elsewhere.

use crate::backends::limits::Cap;
use crate::backends::resource::Resource;

use super::caps;

/// Counts one group.
pub(crate) fn measure(group: &Resource) -> Vec<(&'static Cap, usize)> {
    let addresses = group.properties.items("ipAddresses").len();
    vec![(&caps::ADDRESSES, addresses)]
}
