//! One network in four forms: exported by REST, by the command line, as one list, and as an ARM template
//! with parameters, loops, children and nested deployments. Each is asked the same packets.

use super::{answers, cases, ran, short};
use crate::cli::portcullis;

const FORMS: [&str; 4] = ["rest", "cli", "list", "template"];

/// What becomes of the packets of packets.jsonl without a group at the destination.
const EXPECTED: [&str; 33] = [
    "allow firewall pol-web web/app/site",
    "unknown firewall pol-web -",
    "unknown firewall pol-web -",
    "allow firewall pol-web web/net/db",
    "deny firewall pol-web base/deny/quarantine",
    "allow firewall pol-web web/net/dns",
    "deny route rt-web 10.66.0.0/16",
    "deny nsg nsg-web mail-out",
    "allow nsg nsg-web web-out",
    "deny nsg nsg-web rest-out",
    "allow firewall pol-web web/app/site",
    "unknown firewall pol-web -",
    "unknown firewall pol-web -",
    "allow firewall pol-web web/net/db",
    "deny firewall pol-web base/deny/quarantine",
    "allow firewall pol-web web/net/dns",
    "deny route rt-web 10.66.0.0/16",
    "deny nsg nsg-web mail-out",
    "allow nsg nsg-web web-out",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web rest-out",
    "deny firewall pol-web default",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web mail-out",
    "deny nsg nsg-web rest-out",
    "deny nsg nsg-web rest-out",
    "allow firewall pol-web nat/dnat/publish",
    "deny firewall pol-web -",
    "unknown none - -",
];

const OUT: &str = "--nsg-out nsg-web --route-table rt-web --policy pol-web --vnet 10.1.0.0/16";

#[test]
fn every_form_is_answered_alike() {
    for form in FORMS {
        let asked = format!("explain --flows packets.jsonl --format jsonl {OUT} --against {form}");
        let found: Vec<String> = answers(&ran(&asked)).iter().map(short).collect();
        assert_eq!(found, EXPECTED, "{form}");
    }
    // The whole answers too, with the group at the destination.
    let asked = |form: &str| {
        let into = "--nsg-in NSG-DB --all --strict";
        ran(&format!(
            "explain --flows packets.jsonl --format json {OUT} {into} --against {form}"
        ))
    };
    let first = asked("rest");
    assert!(
        first.out.contains("\"resource\":\"nsg-db\""),
        "{}",
        first.out
    );
    for form in FORMS {
        assert_eq!(asked(form).out, first.out, "{form}");
    }
}

#[test]
fn one_packet_is_told_as_text() {
    let packet = "tcp 10.1.0.4 10.2.0.9:1433";
    let all = format!("explain {packet} {OUT} --nsg-in nsg-db --against rest");
    let told = ran(&all);
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(
        told.out,
        "\
ALLOWED  by web/net/db of pol-web
  assuming the appliance 10.0.1.4 of `rt-web` is the firewall of `pol-web`
  1 nsg nsg-web outbound  allow  210  db-out
  2 route rt-web          0.0.0.0/0 -> pol-web
  3 firewall pol-web      allow  web / net / db
  4 nsg nsg-db inbound    allow  100  sql-in
  service tags of public 376 (2025-11-10)
"
    );
}

#[test]
fn what_is_passed_over_is_told() {
    let told = ran(&format!(
        "explain -v udp 10.1.0.4 10.9.0.4:53 {OUT} --against rest"
    ));
    for line in [
        "read: rest/networkSecurityGroups/nsg-web.json",
        "passed over: rest/network-interface.json: a resource of type `Microsoft.Network/networkInterfaces`",
    ] {
        assert!(told.err.contains(line), "{line}\n{}", told.err);
    }
    let told = ran(&format!(
        "explain -v udp 10.1.0.4 10.9.0.4:53 {OUT} --against template"
    ));
    let line =
        "passed over: template/main.json: `nsg-jump` is not deployed: its condition is false";
    assert!(told.err.contains(line), "{}", told.err);
}

#[test]
fn files_and_folders_are_named_together() {
    let told = ran(&format!(
        "explain udp 10.1.0.4 10.9.0.4:53 {OUT} --against rest/networkSecurityGroups rest/routeTables/rt-web.json list"
    ));
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(
        told.out.starts_with("ALLOWED  by web/net/dns of pol-web"),
        "{}",
        told.out
    );
}

/// Both forms of an output folder, with the environment's name as from the sources.
#[test]
fn an_output_folder_is_read_by_environments() {
    let out = cases().join("../../../policies/apim/out");
    let out = out.to_str().unwrap();
    let asked = |more: &[&str]| {
        let mut words = vec![
            "explain",
            "tcp",
            "10.10.4.7",
            "login.microsoftonline.com:443",
        ];
        words.extend(["--policy", "afwp-hub", "--format", "json"]);
        words.extend(more);
        portcullis(&cases(), &words)
    };
    let both = answers(&asked(&["--against", out]));
    let of: Vec<&str> = both
        .iter()
        .map(|a| a["environment"].as_str().unwrap())
        .collect();
    assert_eq!(of, ["dev", "prod"]);
    assert_eq!(short(&both[0]), "deny firewall afwp-hub default");
    let rule = "allow firewall afwp-hub pc-30-allow-weu-names/app-allow/names-login";
    assert_eq!(short(&both[1]), rule);
    let one = answers(&asked(&["-e", "prod", "--against", out]));
    assert_eq!(one, both[1..]);
    let arm = format!("{out}/prod/arm");
    let alone = answers(&asked(&["--against", &arm]));
    assert_eq!(short(&alone[0]), rule);
    assert!(alone[0].get("environment").is_none());
    let none = asked(&["-e", "test", "--against", out]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("no environment `test`"), "{}", none.err);
}
