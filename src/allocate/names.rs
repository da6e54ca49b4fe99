//! Azure's rules for the names of network resources and of the rules in them. It shapes and judges
//! single names; whether two names clash is for the caller, who knows the scope.
//!
//! Source: "Naming rules and restrictions for Azure resources", Microsoft.Network (checked
//! 2026-11-23): 1 to 80 characters; alphanumerics, underscores, periods and hyphens; an
//! alphanumeric first, an alphanumeric or underscore last. It holds for firewall policies, rule
//! collection groups, IP groups, network security groups and their rules, route tables and routes.
//! Nothing is published for rule names inside a rule collection: the same rule is applied.

use sha2::{Digest, Sha256};

/// The longest name.
pub const MAX_LENGTH: usize = 80;

/// How many characters of a hash keep a shortened name apart from others.
const HASH_LENGTH: usize = 8;

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no character.
    #[error("is empty")]
    Empty,
    /// It has this many characters.
    #[error("has {0} characters; at most {MAX_LENGTH} are allowed")]
    TooLong(usize),
    /// It begins with this character.
    #[error("begins with `{0}`; only a letter or a digit can be first")]
    BadStart(char),
    /// It ends with this character.
    #[error("ends with `{0}`; only a letter, a digit or `_` can be last")]
    BadEnd(char),
    /// It contains this character.
    #[error("contains `{0}`; only letters, digits, `.`, `_` and `-` are allowed")]
    BadCharacter(char),
}

/// Judges a name.
///
/// # Errors
/// The first rule that it breaks.
pub fn validate(name: &str) -> Result<(), NameError> {
    let first = name.chars().next().ok_or(NameError::Empty)?;
    let last = name.chars().next_back().ok_or(NameError::Empty)?;
    if let Some(bad) = name.chars().find(|character| !is_inner(*character)) {
        return Err(NameError::BadCharacter(bad));
    }
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::BadStart(first));
    }
    if !is_last(last) {
        return Err(NameError::BadEnd(last));
    }
    // Only ASCII is left, so bytes are characters.
    if name.len() > MAX_LENGTH {
        return Err(NameError::TooLong(name.len()));
    }
    Ok(())
}

/// A valid name made from any text: valid text stays as it is; runs of other characters become one
/// hyphen; what is too long is cut and gets the hash of the whole, so that two long names that
/// begin alike stay two.
#[must_use]
pub fn sanitise(text: &str) -> String {
    if validate(text).is_ok() {
        return text.to_owned();
    }
    let mut name = String::new();
    for character in text.chars() {
        if is_inner(character) {
            name.push(character);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name
        .trim_start_matches(|character: char| !character.is_ascii_alphanumeric())
        .trim_end_matches(|character: char| !is_last(character));
    if name.is_empty() {
        return format!("u{}", hash(text));
    }
    if name.len() <= MAX_LENGTH {
        return name.to_owned();
    }
    let kept: String = name.chars().take(MAX_LENGTH - HASH_LENGTH - 1).collect();
    format!("{}-{}", kept.trim_end_matches(['-', '.']), hash(text))
}

/// The first hexadecimal digits of the SHA-256 of a text.
fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(HASH_LENGTH / 2)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_inner(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

fn is_last(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    #[test]
    fn each_rule_has_its_error() {
        assert_eq!(validate("a"), Ok(()));
        assert_eq!(validate("nsg-1.a_"), Ok(()));
        assert_eq!(validate(&"a".repeat(80)), Ok(()));
        assert_eq!(validate(""), Err(NameError::Empty));
        assert_eq!(validate(&"a".repeat(81)), Err(NameError::TooLong(81)));
        assert_eq!(validate("_a"), Err(NameError::BadStart('_')));
        assert_eq!(validate("a-"), Err(NameError::BadEnd('-')));
        assert_eq!(validate("aüb"), Err(NameError::BadCharacter('ü')));
        assert_eq!(validate("a\n"), Err(NameError::BadCharacter('\n')));
    }

    #[test]
    fn sanitised_names_are_valid_and_stable() {
        assert_eq!(sanitise("aks-egress"), "aks-egress");
        assert_eq!(sanitise("aks::egress / out"), "aks-egress-out");
        assert_eq!(sanitise("-.a.-"), "a");
        let long = format!("{}x", "ab-".repeat(40));
        let other = format!("{}y", "ab-".repeat(40));
        assert_ne!(sanitise(&long), sanitise(&other));
        for text in ["", "::", "ü", &long, "a".repeat(200).as_str()] {
            assert_eq!(validate(&sanitise(text)), Ok(()), "{text}");
        }
    }
}
