//! Differences as text for people and programs: pure functions, a file per form. It compares nothing.

pub mod rule_lines;
