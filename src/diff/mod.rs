//! What differs between two sides of a policy, as data. Nothing here writes text for people.

pub mod order;
pub mod textual;
