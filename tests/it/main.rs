//! The integration tests, one binary: each part has its own file. No logic here.

mod allocate;
mod wrap;
