//! The one binary of integration tests.

// The core does no IO; tests read files, run the program and print.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod allocate;
mod apim;
mod apim_mutants;
mod apim_packets;
mod catalog;
mod cli;
mod config;
mod determinism;
mod diagnostics;
mod docs;
mod emitted_tiers;
mod examples;
mod fmt;
mod golden_vectors;
mod meaning;
mod oracle;
mod oracle_ways;
mod render;
mod resolve_faults;
mod shuffles;
mod syntax;
mod tidy;
mod wrap;
