//! Not written yet.

pub mod catalog;
