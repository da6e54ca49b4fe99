//! Not written yet.

pub mod io;
