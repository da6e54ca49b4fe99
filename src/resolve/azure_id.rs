//! The form of complete Azure resource ids, as a policy writes them. What stands behind an id is not
//! known.

use crate::syntax::ast::ResourceKind;

/// The type, below Microsoft.Network, of the resource that a statement is. A firewall statement is its
/// policy, unless it is classic.
pub(super) fn type_of(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::IpGroup => "ipGroups",
        ResourceKind::Vnet => "virtualNetworks",
        ResourceKind::Subnet => "virtualNetworks/subnets",
        ResourceKind::Firewall => "firewallPolicies",
        ResourceKind::Nsg => "networkSecurityGroups",
        ResourceKind::RouteTable => "routeTables",
    }
}

/// The id of a resource of this type, for people.
pub(super) fn example(kind: &str) -> String {
    let mut id =
        "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Network".to_owned();
    for segment in kind.split('/') {
        id.push_str(&format!("/{segment}/NAME"));
    }
    id
}

/// Judges an id: complete, and of the type. The fixed words compare without case
/// ("Naming rules and restrictions for Azure resources" and "Template functions for resources,
/// resourceId", checked 2026-11-25).
pub(super) fn check_id(id: &str, kind: &str) -> Result<(), String> {
    let parts: Vec<&str> = id.split('/').collect();
    let [
        "",
        subscriptions,
        subscription,
        groups,
        group,
        providers,
        provider,
        rest @ ..,
    ] = parts.as_slice()
    else {
        return Err("it is not complete".to_owned());
    };
    let same = str::eq_ignore_ascii_case;
    if !(same(subscriptions, "subscriptions")
        && same(groups, "resourceGroups")
        && same(providers, "providers"))
    {
        return Err("it is not complete".to_owned());
    }
    if !is_guid(subscription) {
        return Err(format!("`{subscription}` is not the id of a subscription"));
    }
    if group.is_empty() {
        return Err("it names no resource group".to_owned());
    }
    if !same(provider, "Microsoft.Network") {
        return Err(format!("`{provider}` is not Microsoft.Network"));
    }
    let words: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let names = rest.iter().skip(1).step_by(2);
    let found = words.join("/");
    if !same(kind, &found) {
        return Err(format!("it is of type `{provider}/{found}`"));
    }
    if names.clone().count() != words.len() || names.clone().any(|name| name.is_empty()) {
        return Err("a name in it is empty".to_owned());
    }
    Ok(())
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_complete_and_of_the_type() {
        let front = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg";
        let network = format!("{front}/providers/Microsoft.Network");
        let fits = |id: &str| check_id(id, "routeTables");
        assert_eq!(fits(&format!("{network}/routeTables/rt")), Ok(()));
        assert_eq!(
            fits(&format!("{network}/routetables/rt").to_uppercase()),
            Ok(())
        );
        for (id, why) in [
            ("/subscriptions/bad".to_owned(), "not complete"),
            ("bad".to_owned(), "not complete"),
            (network.clone(), "of type"),
            (format!("{network}/routeTables"), "empty"),
            (format!("{network}/routeTables/"), "empty"),
            (format!("{network}/networkSecurityGroups/rt"), "of type"),
            (format!("{network}/routeTables/rt/routes/one"), "of type"),
            (
                network.replace("Network", "Compute") + "/routeTables/rt",
                "not Microsoft.Network",
            ),
            (
                network.replace("0000-0000-", "") + "/routeTables/rt",
                "subscription",
            ),
            (
                network.replace("/rg/", "//") + "/routeTables/rt",
                "no resource group",
            ),
        ] {
            let said = fits(&id).err().unwrap_or_default();
            assert!(said.contains(why), "{id}: {said}");
        }
        let nested = "virtualNetworks/subnets";
        let subnet = format!("{network}/virtualNetworks/v/subnets/s");
        assert_eq!(check_id(&subnet, nested), Ok(()));
        assert!(example(nested).ends_with("/virtualNetworks/NAME/subnets/NAME"));
    }
}
