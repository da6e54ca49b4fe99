//! Definitions that somebody else wrote, or that Azure exported: what resources are in files, which of
//! them are asked, and the network that they make. It reads no disk, and no policy of ours is needed.

mod choose;
mod definitions;
mod evaluate;
mod expression;
mod faults;
mod functions;
mod join;
mod json;
mod kind;
mod network;
mod template;
mod vnets;

pub mod answer;

pub use answer::answer;
pub use choose::{Chosen, Names, Wall, choose, leaves, nothing};
pub use definitions::{Definition, Definitions, File, read};
pub use evaluate::Unknown;
pub use join::ANSWERED;
pub use kind::Kind;
pub use network::{Foreign, List, Setting, lists, network, table_value};

use serde_json::Value;

/// A member of an object, by its name in any case.
fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        members
            .iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}
