//! The one binary of integration tests.

mod allocate;
mod apim;
mod catalog;
mod render;
mod syntax;
mod wrap;
