//! Network security groups: the room's table of contents. No logic here.

pub mod emit;
pub mod operand;
pub mod shape;
