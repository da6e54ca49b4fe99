//! Choices that settings and flags share: the form of the output, what a limit exceeded means.

/// What to do with a limit that is exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitsMode {
    /// Refuse.
    #[default]
    Error,
    /// Warn and go on.
    Warn,
    /// Say nothing.
    Off,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Emit {
    /// One file a resource, as a PUT takes it.
    Rest,
    /// One deployable template per resource group.
    Arm,
}
