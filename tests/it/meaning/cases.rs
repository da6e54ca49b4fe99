//! Committed cases.
