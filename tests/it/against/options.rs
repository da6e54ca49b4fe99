//! Which layers are asked, and what is known around them: every option, and what stands for it where it
//! is not given.

use super::{answers, ran, short};

fn one(words: &str) -> serde_json::Value {
    let mut all = answers(&ran(&format!("explain --format json {words}")));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn refused(words: &str) -> String {
    let told = ran(&format!("explain {words}"));
    assert_eq!(
        (told.code, told.out.as_str()),
        (2, ""),
        "{words}: {}",
        told.err
    );
    told.err
}

#[test]
fn only_the_layers_that_are_named_are_asked() {
    for (packet, layers, expected) in [
        (
            "tcp 10.1.0.4 10.2.0.9:22",
            "--nsg-out nsg-web",
            "deny nsg nsg-web rest-out",
        ),
        (
            "tcp 10.1.0.4 10.2.0.9:1433",
            "--nsg-out nsg-web",
            "allow nsg nsg-web db-out",
        ),
        (
            "tcp 10.1.0.4 10.2.0.9:1433",
            "--nsg-in nsg-db",
            "allow nsg nsg-db sql-in",
        ),
        (
            "tcp 20.9.9.9 10.2.0.9:1433",
            "--nsg-in nsg-db",
            "deny nsg nsg-db rest-in",
        ),
        (
            "udp 168.63.129.16 10.2.0.9:53",
            "--nsg-in nsg-db",
            "deny nsg nsg-db rest-in",
        ),
        (
            "tcp 10.1.0.4 10.2.0.9:1433",
            "--policy pol-web",
            "allow firewall pol-web web/net/db",
        ),
        (
            "tcp 10.1.0.4 10.3.66.9:1433",
            "--policy pol-web",
            "deny firewall pol-web base/deny/quarantine",
        ),
        // A parent by itself, if it is named.
        (
            "tcp 10.1.0.4 10.2.0.9:1433",
            "--policy pol-base",
            "deny firewall pol-base default",
        ),
        (
            "tcp 10.1.0.4 10.66.0.9:22",
            "--route-table rt-web",
            "deny route rt-web 10.66.0.0/16",
        ),
        (
            "tcp 10.1.0.4 20.60.26.1:22",
            "--route-table rt-web",
            "allow route rt-web Storage.WestEurope",
        ),
        // Without its policy nobody knows what an appliance does.
        (
            "tcp 10.1.0.4 20.5.5.5:443",
            "--route-table rt-web",
            "unknown route rt-web 0.0.0.0/0",
        ),
        (
            "tcp 10.1.0.4 20.5.5.5:443",
            "--route-table rt-web --nsg-out nsg-web",
            "unknown route rt-web 0.0.0.0/0",
        ),
        // Without a table all of it passes the firewall.
        (
            "tcp 10.1.0.4 20.60.26.1:1433",
            "--policy pol-web --nsg-in nsg-db",
            "deny firewall pol-web default",
        ),
        (
            "tcp 10.1.0.4 10.2.0.9:1433",
            "--policy pol-web --nsg-in nsg-db",
            "allow firewall pol-web web/net/db",
        ),
    ] {
        let found = one(&format!("{packet} {layers} --against rest"));
        assert_eq!(short(&found), expected, "{packet} {layers}");
    }
}

#[test]
fn without_names_the_only_one_of_each_kind_is_asked() {
    let found = one("tcp 10.1.0.4 20.5.5.5:443 --vnet 10.1.0.0/16 --against wall");
    assert_eq!(short(&found), "allow firewall azfw net/web");
    // Its address is known, so that nothing is taken for granted.
    assert!(found.get("assumes").is_none(), "{found}");
    let other = one("tcp 10.1.0.4 20.7.0.1:443 --vnet 10.1.0.0/16 --against wall");
    assert_eq!(short(&other), "unknown route rt 20.7.0.0/16");
    assert!(
        other["reason"]
            .as_str()
            .unwrap()
            .contains("appliance 10.0.2.4")
    );
    let several = refused("tcp 10.1.0.4 20.5.5.5:443 --against rest");
    assert!(
        several.contains("2 network security groups: `nsg-db`, `nsg-web`"),
        "{several}"
    );
    assert!(several.contains("--nsg-out"), "{several}");
    // A parent is nobody's firewall: the only other policy is asked.
    let told = one("tcp 10.1.0.4 10.2.0.9:1433 --against rest/firewallPolicies rest/ipGroups");
    assert_eq!(short(&told), "allow firewall pol-web web/net/db");
}

#[test]
fn the_address_space_says_what_is_inside() {
    // The rules of Azure alone.
    let ask = |to: &str, more: &str| {
        one(&format!(
            "tcp 10.1.0.4 {to} --nsg-out nsg-a {more} --against vnet/nsgs.json"
        ))
    };
    let inside = "allow nsg nsg-a AllowVnetOutBound";
    assert_eq!(short(&ask("10.1.9.9:22", "--vnet 10.1.0.0/16")), inside);
    assert_eq!(
        short(&ask("10.5.9.9:22", "--vnet 10.1.0.0/16")),
        "deny nsg nsg-a DenyAllOutBound"
    );
    assert_eq!(
        short(&ask("10.5.9.9:22", "--vnet 10.1.0.0/16 --vnet 10.5.0.0/16")),
        inside
    );
    assert_eq!(
        short(&ask("20.5.5.5:22", "")),
        "allow nsg nsg-a AllowInternetOutBound"
    );
    let open = ask("10.1.9.9:22", "");
    assert_eq!(open["verdict"], "unknown");
    let reason = open["reason"].as_str().unwrap();
    assert!(reason.contains("VirtualNetwork is not known"), "{reason}");
}

#[test]
fn exported_networks_say_it_too() {
    let ask =
        |to: &str, more: &str| short(&one(&format!("tcp 10.1.0.4 {to} {more} --against vnet")));
    assert_eq!(
        ask("10.1.1.9:22", "--nsg-out nsg-a"),
        "allow nsg nsg-a AllowVnetOutBound"
    );
    assert_eq!(
        ask("10.0.0.9:22", "--nsg-out nsg-a"),
        "allow nsg nsg-a AllowVnetOutBound"
    );
    assert_eq!(
        ask("10.0.1.9:22", "--nsg-out nsg-a"),
        "deny nsg nsg-a DenyAllOutBound"
    );
    // At nsg-b the table's prefixes belong to it; at nsg-a there is no table.
    let from = |nsg: &str| {
        let words = format!("tcp 192.168.1.1 10.1.0.4:22 --nsg-in {nsg} --against vnet");
        short(&one(&words))
    };
    assert_eq!(from("nsg-b"), "allow nsg nsg-b AllowVnetInBound");
    assert_eq!(from("nsg-a"), "deny nsg nsg-a DenyAllInBound");
}

#[test]
fn what_a_route_takes_for_granted_is_told() {
    let ask = |more: &str| {
        one(&format!(
            "tcp 10.1.0.4 10.2.0.9:1433 --route-table rt-web --policy pol-web {more} --against rest"
        ))
    };
    let found = ask("");
    assert_eq!(short(&found), "allow firewall pol-web web/net/db");
    let assumes = found["assumes"].to_string();
    assert!(
        assumes.contains("10.2.0.9 lies outside the source's virtual network"),
        "{assumes}"
    );
    assert!(assumes.contains("the appliance 10.0.1.4"), "{assumes}");
    let strict = ask("--strict");
    assert_eq!(strict["verdict"], "unknown");
    assert!(
        strict["reason"].as_str().unwrap().contains("--vnet"),
        "{strict}"
    );
    let inside = ask("--vnet 10.0.0.0/8");
    assert_eq!(
        short(&inside),
        "allow route rt-web system route (virtual network)"
    );
    // A table without a default route: what is private may be inside.
    let bare = |more: &str| {
        one(&format!(
            "tcp 10.1.0.4 10.2.0.9:1433 --route-table rt-b {more} --against vnet/rt.json"
        ))
    };
    assert_eq!(bare("")["verdict"], "unknown");
    assert_eq!(bare("--vnet 10.2.0.0/16")["verdict"], "allow");
    assert_eq!(bare("--vnet 10.1.0.0/16")["verdict"], "deny");
}

#[test]
fn service_tags_come_from_a_file_of_microsoft() {
    let dir = crate::cli::folder(&[
        (
            "ServiceTags_Public.json",
            r#"{"changeNumber": 7, "cloud": "Public", "values": [{"name": "Storage.WestEurope",
                "properties": {"addressPrefixes": ["20.5.5.0/24"]}}]}"#,
        ),
        ("none.json", "{}"),
    ]);
    let file = |name: &str| dir.path().join(name).display().to_string();
    let ask = |to: &str| {
        let tags = file("ServiceTags_Public.json");
        one(&format!(
            "tcp 10.1.0.4 {to}:443 --route-table rt-web --tags {tags} --against rest"
        ))
    };
    assert_eq!(
        short(&ask("20.5.5.5")),
        "allow route rt-web Storage.WestEurope"
    );
    assert_eq!(short(&ask("20.60.26.1")), "unknown route rt-web 0.0.0.0/0");
    let words = |tags: &str| format!("tcp 10.1.0.4 1.1.1.1:443 --tags {tags} --against wall");
    assert!(refused(&words(&file("none.json"))).contains("not a service tag file"));
    assert!(refused(&words(&file("nowhere.json"))).contains("cannot read"));
    let both = format!("--catalog x {}", words(&file("ServiceTags_Public.json")));
    assert!(refused(&both).contains("give one"));
    // A tag that the file does not have: what is public may be in it.
    let dir = crate::cli::folder(&[(
        "tags.json",
        r#"{"changeNumber": 7, "cloud": "Public", "values": [{"name": "Sql",
            "properties": {"addressPrefixes": ["20.5.5.0/24"]}}]}"#,
    )]);
    let tags = dir.path().join("tags.json").display().to_string();
    let layers = "--route-table rt-web --policy pol-web --vnet 10.1.0.0/16";
    let ask = |packet: &str| one(&format!("{packet} {layers} --tags {tags} --against rest"));
    let open = ask("tcp 10.1.0.4 20.60.26.1:22");
    assert_eq!(open["verdict"], "unknown");
    let reason = open["reason"].as_str().unwrap();
    assert!(
        reason.contains("service tag `Storage.WestEurope`"),
        "{reason}"
    );
    let inside = ask("tcp 10.1.0.4 10.2.0.9:1433");
    assert_eq!(short(&inside), "allow firewall pol-web web/net/db");
}

#[test]
fn names_that_are_not_there_are_told() {
    let ask = |more: &str| refused(&format!("tcp 10.1.0.4 20.5.5.5:443 {more}"));
    let told = ask("--nsg-out nsg-wed --against rest");
    assert!(
        told.contains("no network security group `nsg-wed`"),
        "{told}"
    );
    assert!(told.contains("did you mean `nsg-web`?"), "{told}");
    let told = ask("--policy azfw --against rest");
    assert!(told.contains("there is `pol-base`, `pol-web`"), "{told}");
    let told = ask("--route-table rt --against rest/ipGroups");
    assert!(told.contains("no route table is there"), "{told}");
    let told = ask("--against rest/none");
    assert!(told.contains("there is no `rest/none`"), "{told}");
    let told = refused("--against rest tcp 10.1.0.4 20.5.5.5:443");
    assert!(told.contains("behind `--`"), "{told}");
    let behind = ran("explain --policy pol-web --against rest -- udp 10.1.0.4 10.9.0.4:53");
    assert_eq!(behind.code, 0, "{}", behind.err);
    // The names choose among definitions, so there have to be some.
    let alone = ran("explain tcp 10.1.0.4 20.5.5.5:443 --nsg-out nsg-web");
    assert_eq!(alone.code, 2);
    assert!(alone.err.contains("--against"), "{}", alone.err);
}

#[test]
fn bad_lines_of_a_file_are_told_in_their_place() {
    let dir = crate::cli::folder(&[(
        "p.jsonl",
        "{\"protocol\":\"tcp\",\"source\":\"10.1.0.4\",\"destination\":\"20.5.5.5\",\"port\":443}\n\n{\"protocol\":\"tcp\"}\n",
    )]);
    let file = dir.path().join("p.jsonl").display().to_string();
    let told = ran(&format!(
        "explain --flows {file} --against wall --vnet 10.1.0.0/16"
    ));
    assert_eq!(told.code, 1);
    let lines: Vec<&str> = told.out.lines().collect();
    assert!(
        lines[0].starts_with("{\"verdict\":\"allow\""),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("\"line\":3"), "{}", lines[1]);
}
