//! The manifest of a compilation: which flow is behind which rule, route, envelope and guard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Value, json};

use crate::lock::project::Built;

const POLICY: &str = "vnet hub = 10.0.0.0/16\n\
    firewall azfw {\n  policy = \"afwp\"\n  vnet = hub\n  subnet = 10.0.1.0/26\n  private-ip = 10.0.1.4\n}\n\
    subnet web = 10.0.2.0/24 {\n  vnet = hub\n  nsg = web\n  route-table = web\n}\n\
    nsg web {\n  default-outbound = deny\n}\nroute-table web {\n  default = azfw\n}\n\
    allow shop: https from web to shop.contoso.com for \"Shop\"\n\
    group past {\n  route vault: tag(AzureKeyVault) via internet on web for \"Vault\"\n}\n";

fn manifest(text: &str) -> Value {
    let (output, _) = Built::of(text).compile(None);
    let file = output
        .files
        .iter()
        .find(|f| f.path.ends_with("manifest.json"));
    serde_json::from_str(&file.unwrap().text).unwrap()
}

#[test]
fn routes_and_guards_have_their_statements() {
    let manifest = manifest(POLICY);
    assert_eq!(
        manifest["flows"]["past::vault"],
        json!([{ "file": "route-table/web.json", "rule": "past-vault" }])
    );
    let guards = manifest["guards"].as_array().unwrap();
    assert_eq!(guards.len(), 1, "{manifest:#}");
    assert_eq!(guards[0]["flows"], json!(["main::shop"]));
    assert_eq!(guards[0]["file"], "nsg/web.json");
    let behind = manifest["flows"]["main::shop"].as_array().unwrap();
    let rules: Vec<&str> = behind.iter().map(|p| p["rule"].as_str().unwrap()).collect();
    for front in ["envelope-tcp-", "guard-tcp-AzureKeyVault-", "shop"] {
        assert!(
            rules.iter().any(|rule| rule.starts_with(front)),
            "{rules:?}"
        );
    }
}

#[test]
fn two_statements_that_ask_for_one_route_are_both_behind_it() {
    let twice = POLICY.replace(
        "for \"Vault\"\n",
        "for \"Vault\"\n  route again: tag(AzureKeyVault) via internet on web for \"Again\"\n",
    );
    let manifest = manifest(&twice);
    let behind = |id: &str| manifest["flows"][id].clone();
    assert!(behind("past::vault").is_array(), "{manifest:#}");
    assert_eq!(behind("past::vault"), behind("past::again"));
}
