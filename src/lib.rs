//! Portcullis compiles a small language of network flows to Azure's network resources.
//!
//! ```text
//! text -> syntax -> resolve -> model -> path -> backends -> allocate -> wrap -> text
//!          |                                        |
//!         fmt                                    catalog
//! ```
//!
//! The core (everything but `cli`) does no IO. See ARCHITECTURE.md for the map.

pub mod allocate;
pub mod backends;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod diag;
pub mod driver;
pub mod fmt;
pub mod model;
pub mod path;
pub mod resolve;
pub mod source;
pub mod syntax;
pub mod wrap;
