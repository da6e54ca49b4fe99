//! What an IP group holds, read from its JSON. Who refers to it is not known here.

use serde_json::Value;

use crate::backends::meaning::{At, Unreadable, World, literal};
use crate::model::address::AddressSet;

/// The addresses of a group: addresses, prefixes and ranges `a-b` ("IP Groups in Azure Firewall",
/// checked 2026-11-25).
///
/// # Errors
/// An entry is none of these.
pub fn addresses(group: &Value) -> Result<AddressSet, Unreadable> {
    let mut out = AddressSet::empty();
    for (text, place) in At::resource(group).body()?.texts("ipAddresses")? {
        let set = literal(&text)
            .ok_or_else(|| place.fault(format!("`{text}` is no address, prefix or range")))?;
        out.add(&set);
    }
    Ok(out)
}

/// Tells a world of a group.
///
/// # Errors
/// The group has no name, or an entry is no address.
pub fn register(group: &Value, world: &mut World<'_>) -> Result<(), Unreadable> {
    let at = At::resource(group);
    let set = addresses(group)?;
    world.set_ip_group(at.text("id")?.as_deref(), &at.name()?, Some(set));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::address::Family;
    use serde_json::json;

    #[test]
    fn entries_are_joined_with_the_wrapper_and_without() {
        let list = json!(["10.0.0.0", "10.1.0.0/30", "10.1.0.4-10.1.0.7"]);
        let wrapped = addresses(&json!({"name": "g", "properties": {"ipAddresses": list}}));
        let flat = addresses(&json!({"name": "g", "ipAddresses": list}));
        assert_eq!(wrapped, flat);
        assert_eq!(wrapped.unwrap().count(Family::V4), 9);
        assert!(addresses(&json!({"name": "g"})).unwrap().is_empty());
        let wrong = addresses(&json!({"name": "g", "ipAddresses": ["*"]})).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "g.ipAddresses[0]: `*` is no address, prefix or range"
        );
    }
}
