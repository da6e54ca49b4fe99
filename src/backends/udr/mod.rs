//! Route tables: the room's table of contents. No logic here.

pub mod emit;
pub mod shape;
