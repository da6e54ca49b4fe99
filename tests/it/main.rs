//! The one binary of integration tests.

mod catalog;
mod render;
