//! The file forms, on resources made by hand; not what the compiler puts into them. Where the
//! independent validators are at hand, they judge the same files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use portcullis::backends::firewall_policy::{emit as firewall, shape as fw};
use portcullis::backends::ip_group::emit::emit_ip_group;
use portcullis::backends::ip_group::shape::IpGroupProperties;
use portcullis::backends::nsg::emit::emit_network_security_group;
use portcullis::backends::nsg::operand::OneOrMany;
use portcullis::backends::nsg::shape as nsg;
use portcullis::backends::resource::{AzureType, Identity, Place, Reference, Resource, ResourceId};
use portcullis::backends::tree::Tree;
use portcullis::backends::udr::emit::emit_route_table;
use portcullis::backends::udr::shape as udr;
use portcullis::driver::OutFile;
use portcullis::wrap::manifest::{
    Association, CatalogIdentity, Envelope, FileHash, Manifest, RulePlace, Tool,
};
use portcullis::wrap::{ApiVersions, arm, rest};
use serde_json::{Value, json};

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

fn place() -> Place {
    Place {
        subscription: Some(SUBSCRIPTION.to_owned()),
        resource_group: Some("rg-network".to_owned()),
        location: Some("westeurope".to_owned()),
    }
}

fn identity(name: &str) -> Identity {
    Identity {
        name: name.to_owned(),
        place: place(),
        tags: BTreeMap::from([("owner".to_owned(), "[platform]".to_owned())]),
    }
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn ip_group(name: &str) -> Resource {
    let properties = IpGroupProperties {
        ip_addresses: strings(&["10.1.0.0/16", "10.2.0.0-10.2.0.31"]),
    };
    emit_ip_group(&properties, &identity(name))
}

fn policy(name: &str, base: Option<ResourceId>) -> Resource {
    let properties = fw::PolicyProperties {
        base_policy: base.map(Into::into),
        threat_intel_mode: Some(fw::ThreatIntelMode::Alert),
        snat: Some(fw::Snat {
            private_ranges: strings(&["IANAPrivateRanges"]),
            auto_learn_private_ranges: Some(fw::AutoLearn::Disabled),
        }),
        dns_settings: Some(fw::DnsSettings {
            servers: strings(&["10.0.0.4"]),
            enable_proxy: Some(true),
            require_proxy_for_network_rules: Some(true),
        }),
        sku: Some(fw::Sku {
            tier: fw::Tier::Premium,
        }),
    };
    firewall::emit_policy(&properties, &identity(name))
}

fn collection(name: &str, priority: u32, rules: Vec<fw::Rule>) -> fw::RuleCollection {
    fw::RuleCollection::Filter(fw::FilterCollection {
        name: name.to_owned(),
        priority,
        action: fw::FilterAction {
            kind: fw::Verdict::Allow,
        },
        rules,
    })
}

fn group_properties(priority: u32, sources: &ResourceId) -> fw::RuleCollectionGroupProperties {
    let dnat = fw::Rule::Nat(fw::NatRule {
        name: "web".to_owned(),
        ip_protocols: vec![fw::IpProtocol::Tcp],
        source_addresses: strings(&["203.0.113.0/24"]),
        destination_addresses: strings(&["20.1.2.3"]),
        destination_ports: strings(&["443"]),
        translated_address: Some("10.1.0.4".to_owned()),
        translated_port: "443".to_owned(),
        ..fw::NatRule::default()
    });
    let network = fw::Rule::Network(fw::NetworkRule {
        name: "ntp".to_owned(),
        description: Some("time".to_owned()),
        ip_protocols: vec![fw::IpProtocol::Udp],
        source_ip_groups: vec![Reference(sources.clone())],
        destination_addresses: strings(&["AzureMonitor"]),
        destination_ports: strings(&["123"]),
        ..fw::NetworkRule::default()
    });
    let application = fw::Rule::Application(fw::ApplicationRule {
        name: "registry".to_owned(),
        source_addresses: strings(&["10.1.0.0/16"]),
        protocols: vec![fw::ApplicationProtocol {
            protocol_type: fw::ApplicationProtocolType::Https,
            port: 443,
        }],
        target_fqdns: strings(&["*.azurecr.io"]),
        terminate_tls: Some(false),
        ..fw::ApplicationRule::default()
    });
    fw::RuleCollectionGroupProperties {
        priority,
        rule_collections: vec![
            fw::RuleCollection::Nat(fw::NatCollection {
                name: "dnat".to_owned(),
                priority: 100,
                action: fw::NatAction::default(),
                rules: vec![dnat],
            }),
            collection("net-allow", 200, vec![network]),
            collection("app-allow", 300, vec![application]),
        ],
    }
}

fn security_rule(
    name: &str,
    priority: u32,
    source: nsg::Side,
    destination: nsg::Side,
    ports: &[&str],
) -> nsg::SecurityRule {
    nsg::SecurityRule {
        name: name.to_owned(),
        properties: nsg::SecurityRuleProperties {
            description: Some("why".to_owned()),
            protocol: nsg::Protocol::Tcp,
            source_ports: OneOrMany::any(),
            destination_ports: OneOrMany::ports(strings(ports)).unwrap(),
            source,
            destination,
            access: nsg::Access::Allow,
            priority,
            direction: nsg::Direction::Inbound,
        },
    }
}

fn prefixes(values: &[&str]) -> nsg::Side {
    nsg::Side::Prefixes(OneOrMany::addresses(strings(values)).unwrap())
}

fn security_group_properties() -> nsg::NetworkSecurityGroupProperties {
    let asg = ResourceId::new(&place(), AzureType::ApplicationSecurityGroup, "asg-web");
    nsg::NetworkSecurityGroupProperties {
        flush_connection: Some(false),
        security_rules: vec![
            security_rule(
                "apim",
                2500,
                prefixes(&["ApiManagement"]),
                prefixes(&["10.1.0.0/24", "10.2.0.0/24"]),
                &["3443"],
            ),
            security_rule(
                "web",
                2510,
                prefixes(&["*"]),
                nsg::Side::ApplicationSecurityGroups(vec![asg.into()]),
                &["443", "8080-8090"],
            ),
        ],
    }
}

fn route_table_properties() -> udr::RouteTableProperties {
    udr::RouteTableProperties {
        routes: vec![
            udr::Route {
                name: "apim".to_owned(),
                properties: udr::RouteProperties::to("ApiManagement", udr::NextHopType::Internet),
            },
            udr::Route {
                name: "default".to_owned(),
                properties: udr::RouteProperties::to_appliance("0.0.0.0/0", "10.0.1.4"),
            },
        ],
        disable_bgp_route_propagation: Some(false),
    }
}

/// Out of order on purpose.
fn sample() -> Vec<Resource> {
    let groups = [ip_group("ipg-b"), ip_group("ipg-a")];
    let hub = policy("afwp-hub", None);
    let spoke = policy("afwp-a-child", Some(hub.id.clone()));
    let group = |priority, name| {
        let properties = group_properties(priority, &groups[0].id);
        firewall::emit_rule_collection_group(&properties, &hub.id, name)
    };
    let mut resources = vec![
        emit_route_table(&route_table_properties(), &identity("rt-apim")),
        emit_network_security_group(&security_group_properties(), &identity("nsg-apim")),
        group(25000, "pc-30-allow"),
        group(1000, "pc-00-forbid"),
        spoke,
        hub,
    ];
    resources.extend(groups);
    resources
}

fn parsed(file: &OutFile) -> Value {
    serde_json::from_str(&file.text).unwrap()
}

fn file<'a>(files: &'a [OutFile], path: &str) -> &'a OutFile {
    files.iter().find(|file| file.path == path).expect(path)
}

#[test]
fn one_file_per_resource_in_its_folder() {
    let files = rest::files("prod", &sample(), &ApiVersions::default()).unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "prod/firewall/afwp-a-child/policy.json",
            "prod/firewall/afwp-hub/policy.json",
            "prod/firewall/afwp-hub/rcg/pc-00-forbid.json",
            "prod/firewall/afwp-hub/rcg/pc-30-allow.json",
            "prod/ip-group/ipg-a.json",
            "prod/ip-group/ipg-b.json",
            "prod/nsg/nsg-apim.json",
            "prod/route-table/rt-apim.json",
        ]
    );
}

#[test]
fn the_text_of_a_file_is_exact() {
    let files = rest::files("prod", &sample(), &ApiVersions::default()).unwrap();
    assert_eq!(
        file(&files, "prod/route-table/rt-apim.json").text,
        r#"{
  "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-apim",
  "name": "rt-apim",
  "type": "Microsoft.Network/routeTables",
  "apiVersion": "2024-10-01",
  "location": "westeurope",
  "tags": {
    "owner": "[platform]"
  },
  "properties": {
    "routes": [
      {
        "name": "apim",
        "properties": {
          "addressPrefix": "ApiManagement",
          "nextHopType": "Internet"
        }
      },
      {
        "name": "default",
        "properties": {
          "addressPrefix": "0.0.0.0/0",
          "nextHopType": "VirtualAppliance",
          "nextHopIpAddress": "10.0.1.4"
        }
      }
    ],
    "disableBgpRoutePropagation": false
  }
}
"#
    );
}

#[test]
fn a_child_has_the_name_of_its_parent_and_no_place_of_its_own() {
    let mut versions = ApiVersions::default();
    versions
        .per_type
        .insert(AzureType::RuleCollectionGroup, "2025-05-01".to_owned());
    let files = rest::files("prod", &sample(), &versions).unwrap();
    let group = parsed(file(&files, "prod/firewall/afwp-hub/rcg/pc-30-allow.json"));
    assert_eq!(group["name"], "afwp-hub/pc-30-allow");
    assert_eq!(
        group["type"],
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups"
    );
    assert_eq!(group["apiVersion"], "2025-05-01");
    assert!(group.get("location").is_none() && group.get("tags").is_none());
    let network = &group["properties"]["ruleCollections"][1]["rules"][0];
    assert_eq!(network["ruleType"], "NetworkRule");
    assert!(
        network["sourceIpGroups"][0]
            .as_str()
            .unwrap()
            .ends_with("/ipGroups/ipg-b")
    );
}

#[test]
fn an_operand_has_one_form_only() {
    let files = rest::files("prod", &sample(), &ApiVersions::default()).unwrap();
    let group = parsed(file(&files, "prod/nsg/nsg-apim.json"));
    let rules = &group["properties"]["securityRules"];
    let asg = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/applicationSecurityGroups/asg-web";
    assert_eq!(
        rules[0]["properties"],
        json!({
            "description": "why", "protocol": "Tcp", "sourcePortRange": "*",
            "destinationPortRange": "3443", "sourceAddressPrefix": "ApiManagement",
            "destinationAddressPrefixes": ["10.1.0.0/24", "10.2.0.0/24"],
            "access": "Allow", "priority": 2500, "direction": "Inbound",
        })
    );
    assert_eq!(
        rules[1]["properties"],
        json!({
            "description": "why", "protocol": "Tcp", "sourcePortRange": "*",
            "destinationPortRanges": ["443", "8080-8090"], "sourceAddressPrefix": "*",
            "destinationApplicationSecurityGroups": [{ "id": asg }],
            "access": "Allow", "priority": 2510, "direction": "Inbound",
        })
    );
}

#[test]
fn unknown_places_leave_visible_holes_and_no_id() {
    let nowhere = Identity {
        name: "ipg".to_owned(),
        ..Identity::default()
    };
    let group = emit_ip_group(&IpGroupProperties::default(), &nowhere);
    let policy = ResourceId::new(&place(), AzureType::FirewallPolicy, "p");
    let user =
        firewall::emit_rule_collection_group(&group_properties(200, &group.id), &policy, "g");
    assert_eq!(group.incomplete_ids(), std::slice::from_ref(&group.id));
    assert_eq!(user.incomplete_ids(), std::slice::from_ref(&group.id));
    let files = rest::files("dev", &[group, user], &ApiVersions::default()).unwrap();
    let group = parsed(file(&files, "dev/ip-group/ipg.json"));
    assert!(group.get("id").is_none() && group.get("location").is_none());
    assert!(files.iter().any(|file| {
        file.text
            .contains("{subscriptionId}/resourceGroups/{resourceGroupName}")
    }));
}

#[test]
fn one_name_in_two_resource_groups_makes_two_files_and_one_resource_twice_none() {
    let mut elsewhere = identity("ipg-a");
    elsewhere.place.resource_group = Some("rg-other".to_owned());
    let other = emit_ip_group(&IpGroupProperties::default(), &elsewhere);
    let files = rest::files("prod", &[ip_group("ipg-a"), other], &ApiVersions::default()).unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "prod/rg-network/ip-group/ipg-a.json",
            "prod/rg-other/ip-group/ipg-a.json"
        ]
    );
    let twice = [ip_group("ipg-a"), ip_group("IPG-A")];
    let fault = rest::files("prod", &twice, &ApiVersions::default()).unwrap_err();
    assert!(fault.first.ends_with("ipg-a") && fault.second.ends_with("IPG-A"));
    assert!(arm::files("prod", &twice, &ApiVersions::default()).is_err());
}

#[test]
fn a_template_deploys_in_an_order_the_firewall_takes() {
    let files = arm::files("prod", &sample(), &ApiVersions::default()).unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].path, "prod/arm/rg-network.json");
    let template = parsed(&files[0]);
    assert_eq!(
        template["parameters"]["location"]["defaultValue"],
        "westeurope"
    );
    let resources = template["resources"].as_array().unwrap();
    let order: Vec<(&str, Vec<&str>)> = resources
        .iter()
        .map(|resource| {
            let after = resource.get("dependsOn").and_then(Value::as_array);
            let after = after
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            (resource["name"].as_str().unwrap(), after)
        })
        .collect();
    let a = "[resourceId('Microsoft.Network/ipGroups', 'ipg-a')]";
    let b = "[resourceId('Microsoft.Network/ipGroups', 'ipg-b')]";
    let hub = "[resourceId('Microsoft.Network/firewallPolicies', 'afwp-hub')]";
    let forbid = "[resourceId('Microsoft.Network/firewallPolicies/ruleCollectionGroups', 'afwp-hub', 'pc-00-forbid')]";
    assert_eq!(
        order,
        [
            ("ipg-a", vec![]),
            ("ipg-b", vec![a]),
            ("afwp-hub", vec![b]),
            ("afwp-a-child", vec![hub, b]),
            ("afwp-hub/pc-00-forbid", vec![hub, b]),
            ("afwp-hub/pc-30-allow", vec![hub, b, forbid]),
            ("nsg-apim", vec![]),
            ("rt-apim", vec![]),
        ]
    );
    assert_eq!(resources[0]["location"], "[parameters('location')]");
    assert_eq!(resources[0]["tags"]["owner"], "[[platform]");
    assert_eq!(resources[3]["properties"]["basePolicy"]["id"], hub);
    assert_eq!(
        resources[4]["properties"]["ruleCollections"][1]["rules"][0]["sourceIpGroups"][0],
        b
    );
}

#[test]
fn what_lives_elsewhere_is_referred_to_there_and_not_waited_for() {
    let mut elsewhere = identity("ipg");
    elsewhere.place.resource_group = Some("rg-shared".to_owned());
    elsewhere.place.location = None;
    let group = emit_ip_group(&IpGroupProperties::default(), &elsewhere);
    let policy = ResourceId::new(&place(), AzureType::FirewallPolicy, "afwp-live");
    let user =
        firewall::emit_rule_collection_group(&group_properties(200, &group.id), &policy, "g");
    let files = arm::files("prod", &[group, user], &ApiVersions::default()).unwrap();
    let shared = parsed(file(&files, "prod/arm/rg-shared.json"));
    assert_eq!(
        shared["parameters"]["location"]["defaultValue"],
        "[resourceGroup().location]"
    );
    let own = parsed(file(&files, "prod/arm/rg-network.json"));
    assert!(
        own.get("parameters").is_none(),
        "nothing in it has a location"
    );
    let group = &own["resources"][0];
    assert!(group.get("dependsOn").is_none());
    assert_eq!(
        group["properties"]["ruleCollections"][1]["rules"][0]["sourceIpGroups"][0],
        "[resourceId('rg-shared', 'Microsoft.Network/ipGroups', 'ipg')]"
    );
}

#[test]
fn shapes_read_back_what_they_write() {
    fn round_trip<T>(shape: &T)
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let through_json = serde_json::to_value(shape).unwrap();
        assert_eq!(
            &serde_json::from_value::<T>(through_json.clone()).unwrap(),
            shape
        );
        let through_tree: Value =
            serde_json::from_str(&portcullis::wrap::json::text(&Tree::from_shape(shape))).unwrap();
        assert_eq!(through_tree, through_json);
    }
    round_trip(&group_properties(200, &ip_group("ipg").id));
    round_trip(&security_group_properties());
    round_trip(&route_table_properties());
    let exported = json!({ "name": "x", "properties": {
        "protocol": "*", "access": "Deny", "priority": 4096, "direction": "Outbound",
        "sourcePortRange": "*", "sourcePortRanges": [], "destinationPortRange": "",
        "destinationPortRanges": ["80", "443"], "sourceAddressPrefix": "VirtualNetwork",
        "sourceAddressPrefixes": [], "destinationAddressPrefix": "Internet",
        "destinationAddressPrefixes": [], "provisioningState": "Succeeded",
    }});
    let rule: nsg::SecurityRule = serde_json::from_value(exported).unwrap();
    assert_eq!(rule.properties.destination_ports.values(), ["80", "443"]);
    round_trip(&rule);
}

#[test]
fn the_manifest_is_sorted_and_names_every_file() {
    let files = rest::files("prod", &sample(), &ApiVersions::default()).unwrap();
    let mut manifest = Manifest {
        tool: Tool::this(),
        environment: "prod".to_owned(),
        catalog: CatalogIdentity {
            name: "public".to_owned(),
            ..CatalogIdentity::default()
        },
        inputs: vec![FileHash::of("b.gate", "b"), FileHash::of("a.gate", "")],
        flows: BTreeMap::from([(
            "hub::aks::dns".to_owned(),
            ["z", "a", "z"]
                .map(|rule| RulePlace {
                    file: "nsg/n.json".to_owned(),
                    rule: rule.to_owned(),
                })
                .to_vec(),
        )]),
        envelopes: vec![Envelope {
            file: "nsg/n.json".to_owned(),
            rule: "a".to_owned(),
            flows: strings(&["y", "x"]),
        }],
        associations: vec![Association {
            zone: None,
            subnet: "hub.aks".to_owned(),
            network_security_group: Some("nsg-aks".to_owned()),
            route_table: None,
        }],
        ..Manifest::default()
    };
    manifest.record_files(&files);
    let written = manifest.file();
    assert_eq!(written.path, "prod/manifest.json");
    let value = parsed(&written);
    assert_eq!(value["tool"]["name"], "portcullis");
    assert_eq!(value["inputs"][0]["path"], "a.gate");
    assert_eq!(
        value["inputs"][0]["sha256"],
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(value["files"].as_array().unwrap().len(), files.len());
    assert_eq!(
        value["files"][0]["path"],
        "firewall/afwp-a-child/policy.json"
    );
    assert_eq!(value["flows"]["hub::aks::dns"].as_array().unwrap().len(), 2);
    assert_eq!(value["envelopes"][0]["flows"], json!(["x", "y"]));
    let read: Manifest = serde_json::from_value(value).unwrap();
    assert_eq!(read.file(), written);
}

/// The independent validators: beside the repository, or where the variable says.
fn validators() -> Option<PathBuf> {
    let folder = std::env::var_os("PORTCULLIS_VALIDATORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/validators"),
        PathBuf::from,
    );
    let script = folder.join("validate.py");
    script.is_file().then_some(script)
}

#[test]
fn independent_validators_accept_both_forms() {
    let Some(script) = validators() else {
        eprintln!("skipped: no validators beside the repository (PORTCULLIS_VALIDATORS unset)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let versions = ApiVersions::default();
    let mut files = rest::files("prod", &sample(), &versions).unwrap();
    files.extend(arm::files("prod", &sample(), &versions).unwrap());
    let mut command = Command::new("python3");
    command.arg(script);
    for file in &files {
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &file.text).unwrap();
        command.arg(path);
    }
    let output = match command.output() {
        Ok(output) if output.status.code() != Some(3) => output,
        _ => {
            eprintln!("skipped: the validators' own tools cannot be run here");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = format!("{} passed, 0 failed", files.len());
    assert!(output.status.success() && said.contains(&summary), "{said}");
}
