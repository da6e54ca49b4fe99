//! What differs between two sides: traffic, rules, risk. `told.rs` is the difference as data; where the
//! sides come from is not known here.

pub mod risk;
pub mod scene;
pub mod semantic;
pub mod told;
