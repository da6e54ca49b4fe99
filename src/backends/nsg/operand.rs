//! An operand of an NSG rule that Azure knows in a singular and a plural field. It chooses the
//! field; it does not parse or merge values.
//!
//! Source: "Network security groups" and the service's errors
//! `SecurityRuleParameterContainsUnsupportedValue` (a tag or `*` among several addresses) and
//! `SecurityRuleParameterContainsInvalidPortRanges` (`*` among several ports), checked 2026-11-23.

use std::net::IpAddr;

use ipnet::IpNet;

/// What stands for everything.
const ANY: &str = "*";

/// One value or several, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany {
    // INVARIANT: not empty; if there are several, the constructors for output have seen that Azure
    // takes each of them in the plural field.
    values: Vec<String>,
}

/// Why values are no operand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperandError {
    /// There are none; Azure has no empty operand.
    #[error("no value")]
    Empty,
    /// This one (a service tag) can only stand alone.
    #[error("`{0}` cannot stand beside other values in one rule")]
    MustStandAlone(String),
}

impl OneOrMany {
    /// Everything.
    #[must_use]
    pub fn any() -> Self {
        Self {
            values: vec![ANY.to_owned()],
        }
    }

    /// One value: an address, a prefix, a service tag, a port, a range.
    #[must_use]
    pub fn one(value: impl Into<String>) -> Self {
        Self {
            values: vec![value.into()],
        }
    }

    /// Addresses of one side: prefixes, or one service tag. `*` absorbs all others.
    ///
    /// # Errors
    /// There is no value, or a service tag beside other values.
    pub fn addresses(values: Vec<String>) -> Result<Self, OperandError> {
        Self::checked(values, |value| {
            value.parse::<IpAddr>().is_ok() || value.parse::<IpNet>().is_ok()
        })
    }

    /// Ports of one side. `*` absorbs all others.
    ///
    /// # Errors
    /// There is no value.
    pub fn ports(values: Vec<String>) -> Result<Self, OperandError> {
        Self::checked(values, |_| true)
    }

    fn checked(
        values: Vec<String>,
        fits_plural: impl Fn(&str) -> bool,
    ) -> Result<Self, OperandError> {
        if values.is_empty() {
            return Err(OperandError::Empty);
        }
        if values.iter().any(|value| value == ANY) {
            return Ok(Self::any());
        }
        if values.len() > 1
            && let Some(lone) = values.iter().find(|value| !fits_plural(value))
        {
            return Err(OperandError::MustStandAlone(lone.clone()));
        }
        Ok(Self { values })
    }

    /// What a file says, unjudged; `None` if it says nothing.
    pub(super) fn as_given(values: Vec<String>) -> Option<Self> {
        (!values.is_empty()).then_some(Self { values })
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The singular and the plural field: one of them is filled.
    pub(super) fn fields(self) -> (Option<String>, Vec<String>) {
        match <[String; 1]>::try_from(self.values) {
            Ok([value]) => (Some(value), Vec::new()),
            Err(values) => (None, values),
        }
    }
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

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn one_value_is_singular_and_several_are_plural() {
        let one = OneOrMany::addresses(strings(&["ApiManagement"])).unwrap();
        assert_eq!(one.fields(), (Some("ApiManagement".to_owned()), vec![]));
        let many = OneOrMany::addresses(strings(&["10.0.0.0/8", "fe80::1"])).unwrap();
        assert_eq!(many.fields(), (None, strings(&["10.0.0.0/8", "fe80::1"])));
    }

    #[test]
    fn everything_absorbs_and_is_singular() {
        for operand in [
            OneOrMany::addresses(strings(&["10.0.0.0/8", "*"])),
            OneOrMany::ports(strings(&["80", "*"])),
        ] {
            assert_eq!(operand.unwrap().fields(), (Some("*".to_owned()), vec![]));
        }
    }

    #[test]
    fn a_tag_stands_alone_and_nothing_is_no_operand() {
        assert_eq!(
            OneOrMany::addresses(strings(&["10.0.0.0/8", "Storage.WestEurope"])),
            Err(OperandError::MustStandAlone(
                "Storage.WestEurope".to_owned()
            ))
        );
        assert_eq!(OneOrMany::ports(vec![]), Err(OperandError::Empty));
    }
}
