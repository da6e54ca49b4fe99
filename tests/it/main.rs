//! The one binary of integration tests.

mod allocate;
mod apim;
mod catalog;
mod cli;
mod config;
mod render;
mod syntax;
mod wrap;
