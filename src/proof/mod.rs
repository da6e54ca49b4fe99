//! Proof on every compile: what the policy asks against what the emitted resources do, over every
//! packet of every way. It reads the resources as they are written and shares with the lowering
//! nothing but the model.
//!
//! The theorem is section 1.2 of the language: denied by a flow, some layer denies it; allowed by a
//! flow, every layer allows it; else denied where some layer denies by default; and what else passes
//! lies in an accepted envelope. Beside it stands the law of every layer: it does what its own duties
//! ask for, whatever comes by.

mod asked;
mod check;
mod duties;
mod excuses;
mod faults;
mod findings;
mod hops;
mod layers;
mod roles;
mod settings;
mod theorem;

pub use check::{Judged, Kind, check};
pub use faults::{tell, tell_violations, unproven};
pub use findings::{Place, Proven, Unmet, Violation, Which};
pub use theorem::{NoProof, prove};
