//! IP groups: the room's table of contents. No logic here.

pub mod emit;
pub(crate) mod lower;
pub mod shape;
