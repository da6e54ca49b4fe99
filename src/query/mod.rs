//! Who can reach what: all packets between two ends by what becomes of them, as rows in the policy's
//! own words. What is walked and what is computed as sets must agree here; how rows are printed is not
//! known.

mod naming;
mod picture;
mod rows;
mod words;

pub use naming::{Label, Names};
pub use picture::{Course, Picture, Verdicts};
pub use rows::{Certainty, Group, Row, Wanted, Wrong, question, row_witness, rows};
pub use words::{names_text, service_texts, typed};
