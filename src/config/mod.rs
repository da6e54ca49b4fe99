//! portcullis.yaml, typed. Not written yet.

/// The settings of a project.
#[derive(Clone, Debug, Default)]
pub struct Settings {}
