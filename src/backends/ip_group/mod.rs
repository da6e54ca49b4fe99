//! IP groups: the room's table of contents. No logic here.

pub(crate) mod caps;
pub mod emit;
pub(crate) mod lower;
pub mod meaning;
pub(crate) mod measure;
pub mod shape;
