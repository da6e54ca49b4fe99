//! The ways as data.

use super::Drawing;

/// One object an environment, in a list.
///
/// # Errors
/// Never for what is drawn; why, if it were.
pub fn json(drawings: &[Drawing]) -> Result<String, String> {
    let mut out = serde_json::to_string_pretty(drawings).map_err(|e| e.to_string())?;
    out.push('\n');
    Ok(out)
}
