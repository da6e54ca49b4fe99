//! The embedded catalogues against the publisher's files; needs those files for the exact comparison only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};

use clap::{Args as _, FromArgMatches as _};
use portcullis::catalog::{
    Catalog, CatalogDiff, Cloud, Prefixes, TagKind, convert_weekly, region, regions,
};
use portcullis::cli::catalog::{CatalogArgs, Surroundings, run};

const EMBEDDED: [(&str, &str); 3] = [
    ("public.txt", "ServiceTags_Public_376_20251110.json"),
    ("usgov.txt", "ServiceTags_AzureGovernment_402_20260720.json"),
    ("china.txt", "ServiceTags_China_405_20260720.json"),
];

/// The folder with the weekly files: they carry no licence, so the repository has none of them.
fn weekly_files() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder =
        std::env::var_os("PORTCULLIS_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = folder.join("azure/service-tags");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no folder of weekly service tag files (set PORTCULLIS_SHARED)");
    None
}

#[test]
fn catalog_files_are_what_build_makes_of_the_weekly_files() {
    let Some(folder) = weekly_files() else { return };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    for (embedded, weekly) in EMBEDDED {
        let json = std::fs::read(folder.join(weekly)).unwrap();
        let made = convert_weekly(&json, weekly, None).unwrap();
        assert!(made.notes.is_empty());
        if std::env::var_os("PORTCULLIS_BLESS").is_some() {
            std::fs::write(data.join(embedded), &made.text).unwrap();
        }
        let kept = std::fs::read_to_string(data.join(embedded)).unwrap();
        assert!(
            kept == made.text,
            "{embedded} differs from what `catalog build` makes of {weekly}"
        );
    }
}

#[test]
fn catalog_counts_are_those_published() {
    // Tags, listed prefixes, of these IPv6.
    for (cloud, identity, tags, prefixes, v6) in [
        (
            Cloud::Public,
            "public 376 (2025-11-10)",
            3041,
            95_823,
            24_475,
        ),
        (Cloud::UsGov, "usgov 402 (2026-07-20)", 299, 6_591, 1_732),
        (Cloud::China, "china 405 (2026-07-20)", 327, 4_390, 1_276),
    ] {
        let catalog = Catalog::embedded(cloud);
        assert_eq!(catalog.identity().to_string(), identity);
        assert_eq!(catalog.tags().count(), tags);
        let listed = || catalog.tags().flat_map(|tag| tag.listed_prefixes());
        assert_eq!(listed().count(), prefixes);
        assert_eq!(
            listed()
                .filter(|prefix| prefix.max_prefix_len() == 128)
                .count(),
            v6
        );
    }
}

fn public() -> &'static Catalog {
    Catalog::embedded(Cloud::Public)
}

fn addresses(name: &str) -> &'static Prefixes {
    public().tag(name).unwrap().prefixes()
}

#[test]
fn catalog_nesting_of_the_public_cloud_is_as_measured() {
    let inside = addresses("DataFactoryManagement").minus(addresses("DataFactory"));
    assert!(inside.is_empty());
    assert_eq!(
        addresses("Storage.WestUS").minus(addresses("Storage.EastUS")),
        *addresses("Storage.WestUS")
    );
    let outside = addresses("Storage").minus(addresses("AzureCloud"));
    assert_eq!(outside.v4_addresses(), 55_872);
    let regions = public()
        .tags()
        .filter(|tag| tag.name().starts_with("Storage."));
    let union = Prefixes::collapse(regions.flat_map(|tag| tag.listed_prefixes()));
    let missing = addresses("Storage").minus(&union);
    assert_eq!(missing.v4_addresses(), 73_904);
    assert!(union.minus(addresses("Storage")).is_empty());
    // Collapsing matters in the global AzureCloud tag alone.
    assert_eq!(addresses("AzureCloud").v4.len(), 1_883);
    let collapsed: usize = public()
        .tags()
        .map(|tag| tag.prefixes().iter().count())
        .sum();
    assert_eq!(95_823 - collapsed, 9_986);
}

#[test]
fn catalog_regions_have_two_spellings_in_tags() {
    let irregular: Vec<(&str, &str)> = regions()
        .iter()
        .filter(|region| region.azure_cloud_suffix != region.arm)
        .map(|region| (region.arm, region.azure_cloud_suffix))
        .collect();
    assert_eq!(
        irregular,
        [
            ("brazilsoutheast", "brazilse"),
            ("chilecentral", "chilec"),
            ("eastusstg", "usstagee"),
            ("francecentral", "centralfrance"),
            ("francesouth", "southfrance"),
            ("germanynorth", "germanyn"),
            ("germanywestcentral", "germanywc"),
            ("norwayeast", "norwaye"),
            ("norwaywest", "norwayw"),
            ("southcentralusstg", "usstagec"),
            ("switzerlandnorth", "switzerlandn"),
            ("switzerlandwest", "switzerlandw"),
        ]
    );
    for (arm, suffix) in irregular {
        let wrong = format!("AzureCloud.{arm}");
        let right = format!("AzureCloud.{suffix}");
        assert!(public().tag(&wrong).is_none());
        assert_eq!(public().canonical_tag_hint(&wrong).as_ref(), Some(&right));
        assert_eq!(public().suggest_tag(&wrong).as_ref(), Some(&right));
        assert_eq!(public().tag(&right.to_uppercase()).unwrap().name(), right);
    }
}

#[test]
fn catalog_every_regional_tag_is_spelt_by_the_region_table() {
    for cloud in Cloud::ALL {
        let catalog = Catalog::embedded(cloud);
        let mut odd = Vec::new();
        for tag in catalog.tags() {
            let (base, Some(suffix)) = catalog.base_of(tag.name()) else {
                assert!(!tag.name().starts_with("Storage."), "{}", tag.name());
                continue;
            };
            assert!(catalog.has_regional(base));
            let known = regions().iter().filter(|region| region.cloud == cloud);
            let spelt = known.filter_map(|region| catalog.regional_tag(base, region));
            if !spelt.into_iter().any(|name| name == tag.name()) {
                odd.push(suffix);
            }
        }
        odd.sort_unstable();
        odd.dedup();
        let expected: &[&str] = match cloud {
            Cloud::Public => &["EastUS2Stage", "NorthCentralUSStage"],
            Cloud::UsGov => &["AzureAppServiceUx"],
            Cloud::China => &[],
        };
        assert_eq!(odd, expected, "{cloud}");
    }
    assert_eq!(
        public().base_of("AzureFrontDoor.Frontend"),
        ("AzureFrontDoor.Frontend", None)
    );
    assert_eq!(
        public().base_of("AzureMonitor.Core"),
        ("AzureMonitor.Core", None)
    );
    assert_eq!(
        public().base_of("Storge.WestUS"),
        ("Storge", Some("WestUS"))
    );
    assert!(public().has_regional("storage") && !public().has_regional("AzureFrontDoor"));
    assert!(!public().has_regional("AzureActiveDirectory"));
}

#[test]
fn catalog_suggestions_correct_base_and_region_apart() {
    for (wrong, right) in [
        ("Storge.WestUS", Some("Storage.WestUS")),
        ("Storage.uswest", Some("Storage.WestUS")),
        ("Storge.WestUSS", Some("Storage.WestUS")),
        ("Storage.France Central", Some("Storage.FranceCentral")),
        ("Storage.centralfrance", Some("Storage.FranceCentral")),
        ("AzureStorage.WestEurope", Some("Storage.WestEurope")),
        ("KeyVault", Some("AzureKeyVault")),
        ("Keyvault.westus", Some("AzureKeyVault.WestUS")),
        (
            "AzureFrontDoorFirstParty",
            Some("AzureFrontDoor.FirstParty"),
        ),
        ("Frontdoor.FirstParty", Some("AzureFrontDoor.FirstParty")),
        ("AzureFrontDoor.FrontEndd", Some("AzureFrontDoor.Frontend")),
        ("AzureActiveDirectry", Some("AzureActiveDirectory")),
        ("EntraID", Some("AzureActiveDirectory")),
        ("AzureAutomation", Some("GuestAndHybridManagement")),
        ("VirtualNetworks", Some("VirtualNetwork")),
        ("AzureActiveDirectory.WestUS", None),
        ("login.microsoftonline.com", None),
        ("", None),
        (".", None),
        ("é.é", None),
    ] {
        assert_eq!(public().suggest_tag(wrong).as_deref(), right, "{wrong}");
    }
    assert_eq!(public().suggest_tag(&"x.".repeat(100_000)), None);
    assert_eq!(public().suggest_tag("Storage"), None);
}

#[test]
fn catalog_lookup_is_by_any_case_and_says_the_right_spelling() {
    assert_eq!(public().tag("SQL").unwrap().name(), "Sql");
    assert_eq!(
        public().tag("azurefrontdoor.frontend").unwrap().name(),
        "AzureFrontDoor.Frontend"
    );
    let probe = public().tag("azureloadbalancer").unwrap();
    assert_eq!(
        (probe.kind(), probe.prefixes().v4.len()),
        (TagKind::Special, 1)
    );
    assert_eq!(
        public().containing("168.63.129.16".parse().unwrap()),
        ["AzureLoadBalancer"]
    );
    assert!(
        public()
            .tag("AzureUpdateDelivery")
            .unwrap()
            .deprecated()
            .is_some()
    );
    assert!(public().tag("Storage").unwrap().deprecated().is_none());
    let west_us = region("West US").unwrap();
    assert_eq!(
        public().regional_tag("storage", west_us).as_deref(),
        Some("Storage.WestUS")
    );
    assert_eq!(
        Catalog::embedded(Cloud::China).regional_tag("Storage", west_us),
        None
    );
    assert_eq!(Catalog::embedded(Cloud::China).region("West US"), None);
}

#[test]
fn catalog_diff_of_two_weeks_is_as_measured() {
    let Some(folder) = weekly_files() else { return };
    let weekly = "ServiceTags_Public_375_20251028.json";
    let made = convert_weekly(&std::fs::read(folder.join(weekly)).unwrap(), weekly, None).unwrap();
    let old = Catalog::parse(made.text).unwrap();
    let diff = CatalogDiff::between(&old, public());
    assert_eq!((diff.added.len(), diff.removed.len()), (2, 0));
    assert_eq!((diff.changed.len(), diff.rewritten), (64, 0));
    let v4 = |side: fn(&portcullis::catalog::TagChange) -> &Prefixes| -> u64 {
        diff.changed
            .iter()
            .map(|change| side(change).v4_addresses())
            .sum()
    };
    assert_eq!(
        (v4(|change| &change.gained), v4(|change| &change.lost)),
        (161_325, 0)
    );
    assert!(CatalogDiff::between(&old, &old).is_empty());
}

fn command(words: &[&str], json: bool) -> (u8, String, String) {
    let words = ["portcullis"].iter().chain(words);
    let args = CatalogArgs::from_arg_matches(
        &CatalogArgs::augment_args(clap::Command::new("portcullis"))
            .try_get_matches_from(words)
            .unwrap(),
    )
    .unwrap();
    let read = |path: &str| match path {
        "week_20260102.json" => Ok(WEEK.as_bytes().to_vec()),
        "bad_20260102.json" => Ok(WEEK.replace("10.1.0.0/16", "10.1.0.1/16").into_bytes()),
        "empty.txt" => Ok(Vec::new()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let catalog = public();
    let mut with = Surroundings {
        catalog,
        json,
        read: &read,
        out: &mut out,
        err: &mut err,
    };
    let code = run(&args, &mut with).unwrap();
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

const WEEK: &str = r#"{"changeNumber": 9, "cloud": "China", "values": [
  {"name": "B.ChinaEast", "properties": {"changeNumber": 2, "region": "chinaeast", "systemService": "Svc",
    "addressPrefixes": ["2001:db8::/32", "10.1.0.0/16", "9.0.0.1/32"], "networkFeatures": ["NSG", "API", "MARS"]}},
  {"name": "A", "properties": {"addressPrefixes": ["10.0.0.0/8"], "networkFeatures": null}}]}"#;

#[test]
fn catalog_command_builds_a_catalogue() {
    let (code, out, err) = command(&["build", "--from", "week_20260102.json"], false);
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "portcullis-catalog 1\ncloud china\nchange 9\ndate 2026-01-02\n\
         origin Microsoft, weekly download \"Azure IP Ranges and Service Tags - China Cloud\", rewritten\ntags 2\n\n\
         A|-|-|-|-\n 10.0.0.0/8\nB.ChinaEast|API+NSG|chinaeast|Svc|2\n 9.0.0.1\n 10.1.0.0/16\n 2001:db8::/32\n"
    );
    assert_eq!(
        err,
        "note: unknown network feature `MARS` of tag `B.ChinaEast` left out\n\
         catalogue china 9 (2026-01-02): 2 tags, 4 prefixes\n"
    );
    let (code, out, err) = command(&["build", "--from", "bad_20260102.json"], false);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("tag `B.ChinaEast`: `10.1.0.1/16` has bits set after its length"),
        "{err}"
    );
}

#[test]
fn catalog_command_shows_and_lists() {
    let (code, out, _) = command(&["show", "storage.westus", "--brief"], false);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("tag         Storage.WestUS\ncatalogue   public 376 (2025-11-10)\n"),
        "{out}"
    );
    let (code, out, err) = command(&["show", "Storge.WestUS"], false);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.ends_with("help: did you mean `Storage.WestUS`?\n"),
        "{err}"
    );
    let (_, out, _) = command(&["tags", "--match", "frontdoor.f"], false);
    assert_eq!(out.lines().count(), 3, "{out}");
    let (_, out, err) = command(&["tags", "--match", "storge"], false);
    assert_eq!((out.as_str(), err.lines().count()), ("", 2));
    let (_, out, _) = command(&["contains", "168.63.129.16"], false);
    assert_eq!(
        out,
        "tag                in\nAzureLoadBalancer  168.63.129.16/32\n"
    );
    assert_eq!(command(&["contains", "nowhere"], false).0, 2);
    let (_, out, _) = command(&["regions", "--match", "centralfrance"], false);
    assert!(
        out.lines()
            .nth(1)
            .unwrap()
            .starts_with("francecentral  France Central  FranceCentral"),
        "{out}"
    );
    assert_eq!(command(&["fqdn-tags"], false).1.lines().count(), 25);
    assert_eq!(command(&["categories"], false).1.lines().count(), 65);
    for words in [
        &["tags", "--match", "Storage"][..],
        &["show", "Internet"],
        &["contains", "2001:db8::1"],
        &["fqdn-tags"],
        &["regions"],
        &["categories"],
        &["diff", "usgov", "china"],
    ] {
        let (code, out, _) = command(words, true);
        assert_eq!(code, 0);
        serde_json::from_str::<serde_json::Value>(&out).unwrap();
    }
}

#[test]
fn catalog_command_compares() {
    let (code, out, _) = command(&["diff", "public", "public", "--exit-code"], false);
    assert_eq!((code, out.lines().count()), (0, 2));
    let (code, out, err) = command(
        &["diff", "week_20260102.json", "public", "--exit-code"],
        false,
    );
    assert_eq!(
        (code, err.as_str()),
        (3, "note: these are catalogues of two clouds\n")
    );
    assert!(
        out.starts_with(
            "china 9 (2026-01-02) -> public 376 (2025-11-10)\n3041 tags added, 2 removed"
        ),
        "{out}"
    );
    let (code, _, err) = command(&["diff", "empty.txt", "public"], false);
    assert_eq!(code, 1);
    assert!(
        err.starts_with("error: empty.txt: line 1: the file does not begin with"),
        "{err}"
    );
}
