//! Limits of a network security group, with their sources. Nothing is checked here.

/// Rules a group holds.
pub(crate) const RULES: usize = 1000;
/// Where that is said.
pub(crate) const RULES_SOURCE: &str =
    "Azure networking limits: 1,000 rules per network security group (checked 2026-11-23)";
/// Characters of a rule's description.
pub(crate) const DESCRIPTION: usize = 140;
