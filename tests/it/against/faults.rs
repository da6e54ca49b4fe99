//! Definitions that are not what they have to be, and such as are not known in part: each with a place
//! and a reason, and never a guess.

use portcullis::catalog::{Catalog, Cloud};
use portcullis::foreign::{self, Names, Setting};
use portcullis::model::address::AddressSet;

use super::{answers, cases, ran, short};

#[test]
fn faults_have_a_place_and_a_reason() {
    for (case, place, reason) in [
        ("no-json", "bad/no-json/nsg.json:3:18", "is no JSON"),
        (
            "rule",
            "bad/rule/nsg.json:25:34",
            "`10.0.0.0/33` is no address, prefix or tag",
        ),
        (
            "open-action",
            "bad/open-action/main.json:17:27",
            "access `[parameters('access')]` is not known",
        ),
        (
            "open-list",
            "bad/open-list/main.json:14:26",
            "[parameters('rules')] is not known",
        ),
        (
            "open-properties",
            "bad/open-properties/main.json:12:21",
            "nsg-app.properties: expression [parameters('group')] is not known",
        ),
        (
            "open-routes",
            "bad/open-routes/main.json:13:19",
            "rt-app.properties.routes: expression [parameters('routes')] is not known",
        ),
        (
            "twice",
            "bad/twice/b.json:1:1",
            "is there twice, and not the same",
        ),
        ("groups", "bad/groups/a.json:5:5", "rule groups of 2019"),
    ] {
        for command in ["explain tcp 10.1.0.4 8.8.8.8:443", "lint"] {
            let told = ran(&format!("{command} --against bad/{case}"));
            assert_eq!(
                (told.code, told.out.as_str()),
                (1, ""),
                "{case}: {}",
                told.err
            );
            for part in ["error[PC8010]", place, reason] {
                assert!(told.err.contains(part), "{case}: {part}\n{}", told.err);
            }
        }
    }
    let circle = ran("explain tcp 10.1.0.4 8.8.8.8:443 --policy p --against bad/parents");
    assert_eq!(circle.code, 1);
    assert!(circle.err.contains("is its own parent"), "{}", circle.err);
    let nothing = ran("explain tcp 10.1.0.4 8.8.8.8:443 --against bad/nothing");
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("networkInterfaces"), "{}", nothing.err);
}

#[test]
fn what_is_taken_for_granted_is_said_with_the_answer() {
    let asked = |words: &str| {
        let told = ran(&format!(
            "explain --format json {words} --against parts/conditions"
        ));
        let aside = "5 things are taken for granted of the definitions (-v lists them)";
        assert!(told.err.contains(aside), "{}", told.err);
        answers(&told).remove(0)
    };
    let linked = "deployment `linked` changes nothing here: its template is not at hand";
    for (words, expected, assumes) in [
        (
            "tcp 20.9.9.9 10.1.0.4:22 --nsg-in nsg-app",
            "allow nsg nsg-app jump",
            "security rule `nsg-app/jump` is deployed, of which the condition `[parameters('jump')]` is not known",
        ),
        (
            "udp 10.1.0.4 20.5.5.5:53 --policy pol-app",
            "allow firewall pol-app base/allow/dns",
            "firewall policy `pol-shared` is deployed, of which the condition `[parameters('shared')]` is not known",
        ),
        (
            "tcp 10.1.0.4 20.5.5.5:53 --nsg-out nsg-inner",
            "allow nsg nsg-inner AllowInternetOutBound",
            "network security group `nsg-inner` is deployed, of which the condition `[parameters('extra')]` is not known",
        ),
        (
            "tcp 10.1.0.4 20.5.5.5:53 --route-table rt-app",
            "allow route rt-app system route (default)",
            "route `[parameters('owner')]/out` belongs to something else: `[parameters('owner')]` is not known",
        ),
    ] {
        let found = asked(words);
        assert_eq!(short(&found), expected, "{words}: {found}");
        let told = found["assumes"].to_string();
        assert!(told.contains(assumes), "{words}: {found}");
        assert!(told.contains(linked), "{words}: {found}");
    }
    let lint = ran("lint -v --against parts/conditions");
    assert!(lint.err.contains(linked), "{}", lint.err);
}

#[test]
fn a_part_of_a_space_is_not_taken_for_all_of_it() {
    let asked = |to: &str| {
        let words = "--format json --route-table rt-app --against parts/space";
        answers(&ran(&format!("explain tcp 10.1.0.4 {to} {words}"))).remove(0)
    };
    // In the part that is known.
    let inside = asked("10.1.9.4:22");
    assert_eq!(
        short(&inside),
        "allow route rt-app system route (virtual network)"
    );
    assert!(!inside.to_string().contains("lies outside"), "{inside}");
    // In a network that may be the peer, of which nobody told the space.
    let words = "--format json --route-table rt-app --policy pol-app --against parts/space parts/translation";
    let near = answers(&ran(&format!("explain tcp 10.1.0.4 10.7.0.4:22 {words}"))).remove(0);
    let told = "10.7.0.4 lies outside the source's virtual network";
    assert!(near["assumes"].to_string().contains(told), "{near}");
}

#[test]
fn whether_a_parents_translations_count_nobody_knows() {
    for (policy, expected) in [
        ("pol-base", "allow firewall pol-base in/publish/web"),
        ("pol-app", "unknown firewall pol-app in/publish/web"),
    ] {
        let words = format!("--policy {policy} --against parts/translation");
        let told = ran(&format!(
            "explain --format json tcp 20.9.9.9 20.1.1.1:443 {words}"
        ));
        assert_eq!(short(&answers(&told)[0]), expected, "{policy}");
    }
}

#[test]
fn what_a_template_leaves_open_is_unknown_with_its_expression() {
    let asked = |words: &str| {
        let told = ran(&format!("explain --format json {words} --against open"));
        assert!(
            told.err
                .contains("4 expressions in the definitions are not known"),
            "{}",
            told.err
        );
        answers(&told).remove(0)
    };
    for (packet, layers, expected, part) in [
        (
            "tcp 20.9.9.9 10.1.0.4:443",
            "--nsg-in nsg-app",
            "unknown",
            "expression [parameters('office')] is not known",
        ),
        (
            "udp 10.9.9.9 10.1.0.4:53",
            "--nsg-in nsg-app",
            "unknown",
            "expression [parameters('port')] is not known",
        ),
        // The other rules do not hang on it.
        (
            "udp 20.9.9.9 10.1.0.4:53",
            "--nsg-in nsg-app",
            "deny",
            "its condition",
        ),
        (
            "tcp 20.9.9.9 10.1.0.4:22",
            "--nsg-in nsg-app",
            "deny",
            "condition `[parameters('enabled')]`",
        ),
        (
            "https 10.1.0.4 www.contoso.com",
            "--policy pol-app",
            "unknown",
            "expression [concat(parameters('site'), '.contoso.com')]",
        ),
        (
            "http 10.1.0.4 www.contoso.com",
            "--policy pol-app",
            "unknown",
            "ip group not-here is not known",
        ),
        (
            "http 10.1.0.4 www.fabrikam.com",
            "--policy pol-app",
            "deny",
            "",
        ),
        // The address of the firewall is not known, and that there is one hop is enough.
        (
            "tcp 10.1.0.4 20.5.5.5:22",
            "--route-table rt-app --policy pol-app",
            "deny",
            "azureFirewalls",
        ),
        (
            "tcp 10.1.0.4 20.5.5.5:22",
            "--route-table rt-app",
            "unknown",
            "appliance [reference(resourceId(",
        ),
    ] {
        let found = asked(&format!("{packet} {layers}"));
        assert_eq!(found["verdict"], expected, "{packet} {layers}: {found}");
        let part = part.replace("its condition", "the condition");
        assert!(
            found.to_string().contains(&part),
            "{packet}: {part}\n{found}"
        );
    }
    let told = ran("explain -v tcp 10.1.0.4 20.5.5.5:22 --policy pol-app --against open");
    let line = "not known: [concat(parameters('site'), '.contoso.com')]: parameter `site` has no value; in rule collection group `pol-app/names`.properties.ruleCollections[0].rules[0].targetFqdns[0]";
    assert!(told.err.contains(line), "{}", told.err);
}

#[test]
fn what_is_not_shown_is_unknown() {
    let asked = |packet: &str| {
        let words = format!("explain --format json {packet} --policy pol --against parent");
        answers(&ran(&words)).remove(0)
    };
    let found = asked("tcp 10.1.0.4 20.5.5.5:443");
    assert_eq!(found["verdict"], "unknown");
    let reason = found["reason"].as_str().unwrap();
    assert!(
        reason.contains("firewallPolicies/hub` is not shown"),
        "{reason}"
    );
    // A tag that no list has, of a policy with its parents.
    let words = "explain --format json tcp 10.1.0.4 20.5.5.5:443 --policy hub --against parent";
    let told = ran(words);
    assert_eq!(told.code, 2, "{}", told.out);
    assert!(
        told.err.contains("there is no firewall policy `hub`"),
        "{}",
        told.err
    );
}

/// Damage of every kind makes an answer or a fault, never a panic.
#[test]
fn damaged_definitions_are_survived() {
    let mut texts: Vec<String> = Vec::new();
    for file in portcullis::cli::io::definition_files_below(&cases()).unwrap() {
        texts.extend(std::fs::read_to_string(file).ok());
    }
    let space = AddressSet::empty();
    let catalog = Catalog::embedded(Cloud::Public);
    let mut state = 7_u64;
    let mut below = |count: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % count.max(1)
    };
    let bits = [
        "null",
        "[]",
        "{}",
        "\"\"",
        "\"[concat('a', \"",
        "-1",
        "99999999999",
        "true",
        "\"*\"",
        "[",
        "}",
        "\"[copyIndex()]\"",
        "\"[variables('nsg')]\"",
        "\"10.0.0.0/33\"",
        "\"[[x]\"",
        "1e9",
        "\"é\"",
    ];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..600 {
        let mut text = texts[below(texts.len())].clone();
        for _ in 0..=below(3) {
            let mut from = below(text.len());
            while !text.is_char_boundary(from) {
                from -= 1;
            }
            // A whole value, so that more than the syntax is damaged.
            let rest = &text[from..];
            let start = from + rest.find(": ").map_or(0, |at| at + 2);
            let end = start + text[start..].find([',', '\n']).unwrap_or(0);
            text.replace_range(start..end, bits[below(bits.len())]);
        }
        let all = foreign::read(vec![("a/rcg/x.json".to_owned(), Ok(text))], Cloud::Public);
        let setting = Setting {
            all: &all,
            catalog,
            space: &space,
        };
        let (lists, faults) = foreign::lists(&setting, None);
        read += usize::from(!lists.is_empty());
        refused += usize::from(!faults.is_empty() || !all.faults.is_empty());
        if let Ok(chosen) = foreign::choose(&all, &Names::default()) {
            let _ = foreign::network(&setting, &chosen);
        }
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

/// A policy that lists more groups than are here.
#[test]
fn a_policy_without_its_groups_is_refused() {
    let id = "/subscriptions/0/resourceGroups/r/providers/Microsoft.Network/firewallPolicies/pol";
    let policy = format!(
        r#"{{"name": "pol", "id": "{id}", "ruleCollectionGroups": [{{"id": "{id}/ruleCollectionGroups/g"}}],
            "threatIntelMode": "Alert", "type": "Microsoft.Network/firewallPolicies"}}"#
    );
    let firewall = format!(
        r#"{{"name": "azfw", "type": "Microsoft.Network/azureFirewalls",
            "firewallPolicy": {{"id": "{id}"}}, "ipConfigurations": []}}"#
    );
    let group = r#"{"name": "pol/g", "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "properties": {"priority": 100, "ruleCollections": []}}"#;
    let dir = crate::cli::folder(&[
        ("pol.json", policy.as_str()),
        ("azfw.json", firewall.as_str()),
        ("rest/g.json", group),
    ]);
    let path = |name: &str| dir.path().join(name).display().to_string();
    let told = ran(&format!(
        "explain tcp 10.1.0.4 20.5.5.5:443 --policy pol --against {}",
        path("pol.json")
    ));
    assert_eq!(told.code, 1);
    assert!(
        told.err.contains("`pol/g` that is not here"),
        "{}",
        told.err
    );
    assert!(told.err.contains("pol.json:1:1"), "{}", told.err);
    // A firewall by name stands for its policy.
    let told = ran(&format!(
        "explain --format json tcp 10.1.0.4 20.5.5.5:443 --policy AzFw --against {}",
        dir.path().display()
    ));
    assert_eq!(short(&answers(&told)[0]), "deny firewall pol default");
}

/// A definition of which only the parts are here.
#[test]
fn parts_alone_are_asked_with_a_word() {
    let dir = crate::cli::folder(&[(
        "rule.json",
        r#"{"name": "nsg/r", "type": "Microsoft.Network/networkSecurityGroups/securityRules", "properties":
            {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
             "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
             "destinationPortRange": "443"}}"#,
    )]);
    let file = dir.path().join("rule.json").display().to_string();
    let told = ran(&format!(
        "explain -v --format json tcp 20.9.9.9 10.1.0.4:443 --nsg-in nsg --against {file}"
    ));
    assert!(
        told.err
            .contains("network security group `nsg` itself is not here"),
        "{}",
        told.err
    );
    assert_eq!(short(&answers(&told)[0]), "allow nsg nsg r");
}
