//! The one binary of integration tests.

// Tests read fixtures and run the program; the ban on IO is for the core.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod allocate;
mod apim;
mod apim_mutants;
mod apim_packets;
mod bad_input;
mod catalog;
mod cli;
mod config;
mod denote;
mod determinism;
mod diagnostics;
mod docs;
mod emitted_tiers;
mod examples;
mod fmt;
mod fuzz;
mod golden_vectors;
mod hygiene;
mod init;
mod internal_error;
mod library_pages;
mod limits;
mod lint;
mod lock;
mod manifest;
mod meaning;
mod oracle;
mod oracle_classic;
mod oracle_ways;
mod ordered;
mod output_folder;
mod probes;
mod projects;
mod render;
mod resolve_faults;
mod rooms_meaning;
mod shuffles;
mod syntax;
mod targets;
mod tidy;
mod traps;
mod window;
mod wrap;
