//! The one integration test binary: one module for each part.
mod syntax;
