//! What differs between two sides: traffic, rules, risk, the order of writes. `told.rs` is the difference
//! as data; where the sides come from is not known here, nor how anything is said.

pub mod beside;
pub mod order;
pub mod risk;
pub mod scene;
pub mod semantic;
pub mod textual;
pub mod told;
