//! The rooms: one per Azure resource family. What a room knows about Azure stays in it; what the
//! wrappers need of every room is in `resource` and `tree`.

pub(crate) mod faults;
mod from_shape;
mod identity;
pub mod plan;
pub mod resource;
pub mod tree;

pub mod firewall_policy;
pub mod ip_group;
pub mod nsg;
pub mod udr;

mod lowered;

pub use lowered::{Context, Lowered, RuleTrace, lower};
