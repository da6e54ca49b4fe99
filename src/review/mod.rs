//! What people and other programs read of a policy or of a difference: pure functions from data to
//! text, one file or folder a form. They know no set of packets and no policy.

pub mod graph;
pub mod html;
pub mod report;
