//! The tool's own faults: what should never be seen. Faults of the input are raised elsewhere.

use super::{Code, Diagnostic};

/// PC9004: the tool found itself wrong and stopped rather than go on.
#[must_use]
pub fn internal(message: impl AsRef<str>) -> Diagnostic {
    Diagnostic::general(
        Code::PC9004,
        None,
        format!("internal error: {}", message.as_ref()),
    )
    .help("this is a fault of portcullis, not of the policy; please report it with the input")
}
