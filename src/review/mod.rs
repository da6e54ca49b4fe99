//! What people and forges read, a form per file: pure functions from data to text. They know no set and
//! no policy.

pub mod annotations;
pub mod rdjson;
pub mod sarif;
pub mod sentence;
