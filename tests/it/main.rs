//! The one binary of integration tests.

// Tests read fixtures and run the program; the ban on IO is for the core.
#![allow(clippy::disallowed_methods)]

mod allocate;
mod apim;
mod catalog;
mod cli;
mod config;
mod fmt;
mod render;
mod syntax;
mod wrap;
