//! One binary for all integration tests.

mod catalog;
mod cli;
mod config;
mod render;
