//! The one integration test binary: one module for each part.
mod fmt;
mod syntax;
