//! `lint --against`: what is wrong with lists of rules that nobody compiled.

use std::collections::BTreeSet;

use super::{answers, ran};

#[test]
fn foreign_rules_are_judged() {
    let rows = answers(&ran("lint --format json --against lint"));
    let told: BTreeSet<String> = rows
        .iter()
        .filter(|row| row["kind"] != "wide")
        .map(|row| {
            let by: Vec<&str> = row["by_rules"]
                .as_array()
                .unwrap()
                .iter()
                .map(|b| b.as_str().unwrap())
                .collect();
            let how = row["how"].as_str().unwrap_or("");
            let contradicted = if row["contradicted"] == true {
                " contradicted"
            } else {
                ""
            };
            format!(
                "{} {how}{contradicted} {} by {}",
                row["kind"].as_str().unwrap(),
                row["rule"].as_str().unwrap(),
                by.join(" ")
            )
        })
        .collect();
    let expected = [
        "dead one inside by wide",
        "dead several both by low high",
        "dead several same by low high",
        "dead one contradicted never by wide",
        "shadowed  crossed by wide",
        "redundant  early by late",
        "mergeable destination high by low",
        "mergeable destination late by low",
        "hidden surely g/app/no-social by g/net/any-web",
    ];
    assert_eq!(told, expected.map(str::to_owned).into());
    let wide = rows.iter().find(|row| row["kind"] == "wide").unwrap();
    assert_eq!(wide["rule"], "g/net/any-web");
    assert_eq!(wide["size"], "1099511627776");
    assert!(rows.iter().all(|row| row.get("environment").is_none()));
}

#[test]
fn only_what_is_named_is_judged() {
    let resources = |words: &str| -> BTreeSet<String> {
        let rows = answers(&ran(&format!("lint --format json {words}")));
        let of = rows
            .iter()
            .map(|row| row["resource"].as_str().unwrap().to_owned());
        of.collect()
    };
    let both: BTreeSet<String> = ["nsg-lint", "pol-lint"].map(str::to_owned).into();
    assert_eq!(resources("--against lint"), both);
    let one: BTreeSet<String> = ["pol-lint".to_owned()].into();
    assert_eq!(resources("--policy pol-lint --against lint"), one);
    let none = ran("lint --against rest/routeTables");
    assert_eq!(none.code, 0);
    assert!(
        none.out
            .starts_with("no rules to judge\nservice tags of public "),
        "{}",
        none.out
    );
    let both = ran("lint rest --against lint");
    assert_eq!(both.code, 2);
    assert!(both.err.contains("leave `rest` away"), "{}", both.err);
    let text = ran("lint --against lint").out;
    let line = "all of it by wide: what it would deny is told to allow";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("with low: only the destination differs"),
        "{text}"
    );
}

/// What a project becomes is judged alike from its sources and from its output.
#[test]
fn an_output_is_judged_as_foreign() {
    let rows = answers(&ran(
        "lint --format json -e prod --against ../../../policies/hub/out",
    ));
    assert!(rows.iter().any(|row| row["kind"] == "wide"));
    assert!(rows.iter().all(|row| row["environment"] == "prod"));
}
