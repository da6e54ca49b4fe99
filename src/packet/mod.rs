//! Sets of packets: pure mathematics over addresses, ports, protocols and names. It knows no Azure
//! word and no layer; rooms and the language say what they match in its terms.

pub mod probe;
pub mod region;
pub mod rule;
pub mod transport;

pub use probe::{Answer, Probe};
pub use region::{Addresses, Dimension, Names, Region, Service, Symbol};
pub use rule::{Decision, Filter, Rule, Verdict};
pub use transport::{Transport, Transports};
