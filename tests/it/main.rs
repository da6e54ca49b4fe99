//! The one binary of integration tests.

mod allocate;
mod apim;
mod apim_mutants;
mod apim_packets;
mod catalog;
mod cli;
mod config;
mod determinism;
mod diagnostics;
mod emitted_tiers;
mod fmt;
mod golden_vectors;
mod internal_error;
mod meaning;
mod oracle;
mod oracle_ways;
mod render;
mod resolve_faults;
mod shuffles;
mod syntax;
mod tidy;
mod wrap;
