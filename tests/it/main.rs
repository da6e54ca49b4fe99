//! The one binary of integration tests.

// Tests read fixtures and run the program; the ban on IO is for the core.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod allocate;
mod apim;
mod apim_mutants;
mod apim_packets;
mod catalog;
mod cli;
mod config;
mod emitted_tiers;
mod fmt;
mod golden_vectors;
mod hygiene;
mod init;
mod limits;
mod oracle;
mod oracle_ways;
mod render;
mod syntax;
mod tidy;
mod traps;
mod wrap;
