//! Not written yet.

pub mod catalog;
pub mod io;
