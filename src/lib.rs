//! Portcullis compiles a small language of network flows to Azure's network resources.
//!
//! ```text
//! text -> syntax -> resolve -> model -> path -> backends -> wrap -> text
//!           |          |                 |         |
//!          fmt      catalog           analyze   allocate
//! ```
//!
//! The core (everything but `cli`) does no IO. A module uses only those above it in the list below;
//! see ARCHITECTURE.md for the map.

pub mod source;
pub mod diag;
pub mod syntax;
pub mod fmt;
pub mod catalog;
pub mod config;
pub mod model;
pub mod packet;
pub mod resolve;
pub mod path;
pub mod denote;
pub mod analyze;
pub mod allocate;
pub mod backends;
pub mod wrap;
pub mod reach;
pub mod foreign;
pub mod proof;
pub mod query;
pub mod trials;
pub mod diff;
pub mod inventory;
pub mod review;
pub mod driver;
pub mod cli;
