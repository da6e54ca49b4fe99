//! The one binary of integration tests.

mod apim;
mod catalog;
mod render;
