//! Sets of packets: pure mathematics over addresses, ports, protocols and names. It knows no Azure
//! word and no layer; rooms and the language say what they match in its terms.

pub mod transport;
pub mod region;
pub mod probe;
pub mod rule;
mod bdd;
mod atoms;
mod membership;
mod names;
mod builder;
pub mod facts;
mod space;
mod witness;
mod rectangles;
pub mod first_match;
pub mod near;
#[cfg(test)]
mod tests;

pub use builder::{Builder, DEFAULT_MOST_NODES, Exhausted, Fact, Side};
pub use facts::Facts;
pub use names::NamePattern;
pub use probe::{Answer, Probe};
pub use rectangles::{Rectangle, RectangleEnd, RectangleNames, Rectangles};
pub use region::{Addresses, Dimension, Names, Region, Service, Symbol};
pub use rule::{Decision, Filter, Rule, Verdict};
pub use space::{Set, Space};
pub use transport::{Transport, Transports};
pub use witness::{Assumption, Witness};
