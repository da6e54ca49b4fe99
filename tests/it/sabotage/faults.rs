//! The seeded faults: what lowering or emission could get wrong, each done to the resources of a small
//! policy. How they are found is told in sabotage.rs.

mod around;
mod firewall;
mod groups;

use portcullis::backends::Lowered;

/// The policies that faults are done to.
pub(super) const HUB: &str = include_str!("hub.gate");
pub(super) const CLASSIC: &str = include_str!("classic.gate");
pub(super) const PLAIN: &str = include_str!("plain.gate");
pub(super) const PARENT: &str = include_str!("parent.gate");

/// One fault.
pub(super) struct Fault {
    /// What went wrong.
    pub(super) name: &'static str,
    /// The policy.
    pub(super) policy: &'static str,
    /// Does it.
    pub(super) spoil: fn(&mut Lowered),
    /// What of the diagnostic must be there: whose fault it is.
    pub(super) says: &'static str,
}

pub(super) const fn fault(
    name: &'static str,
    policy: &'static str,
    spoil: fn(&mut Lowered),
    says: &'static str,
) -> Fault {
    Fault {
        name,
        policy,
        spoil,
        says,
    }
}

/// All of them.
pub(super) fn all() -> Vec<&'static Fault> {
    let lists = [groups::FAULTS, firewall::FAULTS, around::FAULTS];
    lists.into_iter().flatten().collect()
}
