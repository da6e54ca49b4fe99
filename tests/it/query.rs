//! The command `query`, as it is typed: rows, ends in the policy's words, faults in them. That the sets
//! are right is judged in meaning/query.rs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{SETTINGS, folder, portcullis};
use crate::examples::{copy_folder, root};

/// A hub with a firewall that publishes a server, a second hub that knows nothing of it.
const PUBLISHED: &str = "\
vnet hub = 10.0.0.0/16 { peers = [spoke] }
vnet spoke = 10.1.0.0/16
vnet far = 10.9.0.0/16 { peers = [spoke] }

firewall azfw {
  vnet = hub
  subnet = 10.0.1.0/26
  private-ip = 10.0.1.4
  public-ips = [20.50.60.70]
}

firewall other {
  vnet = far
  subnet = 10.9.1.0/26
  private-ip = 10.9.1.4
  public-ips = [20.50.60.80]
}

subnet web = 10.1.1.0/24 {
  vnet = spoke
  nsg = web
  route-table = web
}

nsg web {
  default-inbound = deny
  default-outbound = deny
}

route-table web {
  default = azfw
}

route back: far via azfw on web
dnat shop: tcp/443 from tag(Internet) to 20.50.60.70 into 10.1.1.10:8443 for \"Shop\"
dnat stray: tcp/443 from tag(Internet) to 20.50.60.80 into 10.1.1.10:8443 for \"Stray\"
allow dns: udp/53 from web to 9.9.9.9 for \"Names\"
";

/// A firewall whose policy has a parent that nobody showed, and a group that is only named.
const OPEN: &str = "\
vnet hub = 10.0.0.0/16

ip-group partners = [] {
  id = \"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/ipGroups/partners\"
}

firewall azfw {
  vnet = hub
  subnet = 10.0.1.0/26
  private-ip = 10.0.1.4
}

allow mail: tcp/25 from 172.16.0.0/24 to ip-group(partners) for \"Mail\"
allow web: tcp/443 from 172.16.0.0/24 to 9.9.9.0/24 for \"Web\"
";

fn project(policy: &str) -> TempDir {
    folder(&[("portcullis.yaml", SETTINGS), ("main.gate", policy)])
}

fn rows(dir: &TempDir, args: &[&str]) -> Vec<Value> {
    let args = [&["query", "--format", "json"], args].concat();
    let ran = portcullis(dir.path(), &args);
    assert_eq!(ran.code, 0, "{args:?}\n{}", ran.err);
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The columns of a row that people read.
fn short(row: &Value) -> String {
    let services: Vec<&str> = row["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_str().unwrap())
        .collect();
    let mut out = format!(
        "{} {} from {} to {}",
        row["verdict"].as_str().unwrap(),
        services.join(", "),
        row["from"]["label"].as_str().unwrap(),
        row["to"]["label"].as_str().unwrap()
    );
    if let Some(to) = row["translated_to"].as_str() {
        out.push_str(&format!(" as {to}"));
    }
    out
}

fn shorts(dir: &TempDir, args: &[&str]) -> Vec<String> {
    rows(dir, args).iter().map(short).collect()
}

#[test]
fn what_explain_says_of_the_packet_of_a_row_is_what_the_row_says() {
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&root().join("policies/hub"), dir.path(), false);
    let mut count = 0;
    for ends in [
        vec!["--from", "any", "--to", "any"],
        vec!["--from", "any", "--to", "any", "--denied"],
        vec!["--from", "weu::apim", "--denied", "--proto", "https"],
        vec!["--to", "avd", "--via", "direct"],
    ] {
        let found = rows(&dir, &[&["-e", "prod"], ends.as_slice()].concat());
        let packets: Vec<String> = found.iter().map(|r| r["packet"].to_string()).collect();
        fs::write(dir.path().join("packets.jsonl"), packets.join("\n")).unwrap();
        let asked = [
            "explain",
            "--flows",
            "packets.jsonl",
            "-e",
            "prod",
            "--strict",
        ];
        let ran = portcullis(dir.path(), &asked);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.out.lines().count(), found.len());
        for (line, row) in ran.out.lines().zip(&found) {
            let told: Value = serde_json::from_str(line).unwrap();
            let sure = row.get("assumes").is_none();
            let expected = if sure {
                row["verdict"].as_str()
            } else {
                Some("unknown")
            };
            assert_eq!(told["verdict"].as_str(), expected, "{row:#}\n{told:#}");
            count += 1;
        }
        // As it is typed, the first and the last.
        for row in [found.first(), found.last()].into_iter().flatten() {
            let typed = row["explain"].as_str().unwrap();
            let mut args = vec!["explain", "-e", "prod", "--format", "json", "--strict"];
            args.extend(typed.split(' '));
            let ran = portcullis(dir.path(), &args);
            assert_eq!(ran.code, 0, "{typed}: {}", ran.err);
            let told: Value = serde_json::from_str(&ran.out).unwrap();
            let sure = row.get("assumes").is_none();
            let expected = if sure {
                row["verdict"].as_str()
            } else {
                Some("unknown")
            };
            assert_eq!(told["verdict"].as_str(), expected, "{typed}");
        }
    }
    assert!(count > 200, "{count} rows");
}

#[test]
fn what_a_translation_lets_in_is_found_by_either_destination() {
    let dir = project(PUBLISHED);
    let arrives = ["allow tcp/443 from tag(Internet) to 20.50.60.70 as 10.1.1.10:8443"];
    // The statement behind it is told, here and by `explain`.
    let row = rows(&dir, &["--to", "20.50.60.70"]).remove(0);
    assert_eq!(row["by"]["flows"][0], row["path"][0]["flows"][0], "{row:#}");
    assert!(
        row["by"]["place"].as_str().unwrap().contains(".gate:"),
        "{row:#}"
    );
    let ran = portcullis(
        dir.path(),
        &["explain", "tcp", "8.8.8.8", "20.50.60.70:443"],
    );
    assert!(
        ran.out.contains("\"Shop\"") && ran.out.contains(".gate:"),
        "{}",
        ran.out
    );
    let allowed = |args: &[&str]| -> Vec<String> {
        let all = shorts(&dir, args).into_iter();
        all.filter(|row| row.starts_with("allow")).collect()
    };
    assert_eq!(allowed(&["--to", "web"]), arrives);
    assert_eq!(allowed(&["--to", "20.50.60.70"]), arrives);
    assert_eq!(
        allowed(&["--from", "tag(Internet)", "--to", "10.1.1.10"]),
        arrives
    );
    assert_eq!(allowed(&["--to", "web", "--ports", "8443"]), arrives);
    assert_eq!(allowed(&["--to", "web", "--via", "azfw"]), arrives);
    for other in [
        ["--to", "web", "--ports", "443"],
        ["--to", "web", "--via", "direct"],
        ["--to", "10.1.1.11", "--proto", "tcp"],
    ] {
        assert_eq!(allowed(&other), [""; 0], "{other:?}");
    }
}

#[test]
fn a_translation_whose_replies_go_astray_does_not_arrive() {
    let dir = project(PUBLISHED);
    let found = rows(
        &dir,
        &["--to", "20.50.60.80", "--denied", "--proto", "tcp/443"],
    );
    let stray: Vec<&Value> = found
        .iter()
        .filter(|row| row.get("translated_to").is_some())
        .collect();
    assert_eq!(stray.len(), 1, "{found:#?}");
    assert_eq!(stray[0]["by"]["layer"], "route");
    assert_eq!(
        stray[0]["reason"],
        "the reply would leave by azfw, which has not seen the request"
    );
    let ran = portcullis(
        dir.path(),
        &["explain", "tcp", "8.8.8.8", "20.50.60.80:443"],
    );
    assert!(ran.out.starts_with("DENIED"), "{}", ran.out);
    let ran = portcullis(
        dir.path(),
        &["explain", "tcp", "8.8.8.8", "20.50.60.70:443"],
    );
    assert!(ran.out.starts_with("ALLOWED"), "{}", ran.out);
}

#[test]
fn a_translation_to_where_no_route_leads_does_not_arrive() {
    let policy = PUBLISHED.replace(
        "into 10.1.1.10:8443 for \"Stray\"",
        "into 10.77.0.4 for \"Stray\"",
    );
    let dir = project(&policy);
    let stray = [
        "--to",
        "20.50.60.80",
        "--proto",
        "tcp/443",
        "--denied",
        "--via",
        "other",
    ];
    let found = rows(&dir, &stray);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["translated_to"], "10.77.0.4:443");
    assert_eq!(found[0]["by"]["layer"], "route");
    assert_eq!(found[0]["reason"], "no route leads there");
}

#[test]
fn what_one_firewall_opens_the_next_one_sees_from_there() {
    let policy = "\
vnet west = 10.10.0.0/16 { firewall = fw }
vnet east = 10.20.0.0/16 { firewall = fx }
firewall fw { private-ip = 10.0.1.4 }
firewall fx { private-ip = 10.128.1.4 }
allow names: https from 10.20.0.0/16 to fqdn(app.contoso.com, in = 10.10.0.0/24) at fx for \"Names\"
allow all: tcp/443 from 10.20.0.0/17 to 10.10.0.0/24 at fw for \"Whole\"
";
    let dir = project(policy);
    let args = [
        "explain",
        "https",
        "10.20.0.4",
        "app.contoso.com:443",
        "--address",
        "10.10.0.4",
    ];
    let ran = portcullis(dir.path(), &args);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let walk = ran.out.starts_with("ALLOWED");
    let to = [
        "--from",
        "10.20.0.4",
        "--to",
        "10.10.0.4",
        "--proto",
        "https",
    ];
    let named = rows(&dir, &to)
        .iter()
        .filter(|row| row["names"]["label"] != "none" && row["verdict"] == "allow")
        .count();
    assert_eq!(named > 0, walk, "{}", ran.out);
}

#[test]
fn what_nobody_told_is_told_apart() {
    let dir = project(OPEN);
    let found = rows(&dir, &["--from", "172.16.0.0/24"]);
    assert_eq!(
        found.iter().map(short).collect::<Vec<_>>(),
        [
            "allow tcp/443 from 172.16.0.0/24 to 9.9.9.0/24",
            "allow tcp/25 from 172.16.0.0/24 to any except [10.0.1.0/26, 168.63.129.16, 169.254.169.254]",
            "unknown any from 172.16.0.0/24 to [10.0.1.0/26, 168.63.129.16, 169.254.169.254]",
        ]
    );
    assert!(found[0].get("assumes").is_none());
    assert_eq!(found[1]["assumes"][0], "destination in ip group partners");
    for keys in ["", "  manage = policy\n"] {
        let parent = format!("{keys}  base-policy = \"corp\"\n  vnet = hub\n  subnet");
        let dir = project(&OPEN.replace("  vnet = hub\n  subnet", &parent));
        let ends = [
            "--from",
            "172.16.0.0/24",
            "--to",
            "9.9.9.0/24",
            "--proto",
            "tcp/443",
        ];
        let found = rows(&dir, &ends);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0]["verdict"], "unknown");
        let reason = found[0]["reason"].as_str().unwrap();
        assert!(reason.contains("parent policy"), "{reason}");
        let ran = portcullis(dir.path(), &[&["query"], &ends[..]].concat());
        assert!(ran.out.contains(" allowed: nothing\n"), "{}", ran.out);
        let undecided = " not decided by what is declared: 1 row\n";
        assert!(ran.out.contains(undecided), "{}", ran.out);
    }
}

#[test]
fn rows_beyond_the_first_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&root().join("policies/hub"), dir.path(), false);
    let all = rows(&dir, &["--from", "weu::apim", "-e", "prod"]);
    let sure = all.iter().filter(|r| r.get("assumes").is_none()).count();
    let args = ["query", "--from", "weu::apim", "-e", "prod", "--rows", "2"];
    let ran = portcullis(dir.path(), &args);
    assert!(
        ran.out.contains(&format!(" allowed: {sure} rows\n")),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains(&format!("  and {} rows more:", sure - 2)),
        "{}",
        ran.out
    );
}

#[test]
fn comma_separated_values_have_the_rows_of_json() {
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&root().join("policies/hub"), dir.path(), false);
    let asked = ["--from", "weu::apim", "--to", "any"];
    let json = rows(&dir, &asked);
    let ran = portcullis(
        dir.path(),
        &[&["query", "--format", "csv"], &asked[..]].concat(),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out
            .lines()
            .next()
            .unwrap()
            .starts_with("environment,verdict,assumes,from,to,")
    );
    assert!(ran.out.ends_with("\r\n"));
    let mut reader = csv::Reader::from_reader(ran.out.as_bytes());
    let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(read.len(), json.len());
    for (record, row) in read.iter().zip(&json) {
        assert_eq!(&record[0], row["environment"].as_str().unwrap());
        assert_eq!(&record[1], row["verdict"].as_str().unwrap());
        assert_eq!(&record[3], row["from"]["label"].as_str().unwrap());
        assert_eq!(&record[4], row["to"]["label"].as_str().unwrap());
    }
    let ran = portcullis(dir.path(), &["check", "--format", "csv"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("`--format csv` is for `query`"),
        "{}",
        ran.err
    );
}

#[test]
fn a_label_can_be_asked_about_again() {
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&root().join("policies/hub"), dir.path(), false);
    let found = rows(&dir, &["--from", "weu::apim", "-e", "prod"]);
    let mut labels = 0;
    for row in &found {
        let label = row["to"]["label"].as_str().unwrap();
        // `except` is exact only where no service tag stands beside it.
        let tags = label.contains("except") && label.contains("tag(");
        if tags || label.contains("on-premises of") {
            continue;
        }
        // What the row is about is a part of what its words are about.
        let again = rows(&dir, &["--from", "weu::apim", "--to", label, "-e", "prod"]);
        assert!(!again.is_empty(), "{label}");
        labels += 1;
    }
    assert!(labels > 5);
}

#[test]
fn faults_in_what_is_asked_have_a_place() {
    let dir = project(PUBLISHED);
    for (args, said) in [
        (vec!["--to", "wep"], "--to:1:1"),
        (vec!["--to", "[web, 10.0.0.0/33]"], "--to:1:7"),
        (vec!["--from", "any excpt web"], "--from:1:5"),
        (vec!["--from", ""], "--from:1:1"),
        (vec!["--from", "web\nallow"], "--from:1:4"),
        (vec!["--from", "www.contoso.com"], "--from:1:1"),
        (vec!["--to", "tag(Storge)"], "--to:1:5"),
        (vec!["--to", "web", "--proto", "tpc"], "--proto:1:1"),
        (vec!["--to", "web", "--ports", "70000"], "--ports:1:1"),
        (
            vec!["--to", "web", "--proto", "icmp", "--ports", "1"],
            "--ports:1:1",
        ),
    ] {
        let args = [vec!["query"], args].concat();
        let ran = portcullis(dir.path(), &args);
        assert_eq!(ran.code, 1, "{args:?}\n{}{}", ran.out, ran.err);
        assert!(
            ran.err.contains(&format!("--> {said}\n")),
            "{args:?}\n{}",
            ran.err
        );
        assert!(ran.err.contains("error[PC"), "{}", ran.err);
        assert!(!ran.err.contains("end of the file"), "{}", ran.err);
        assert_eq!(ran.out, "");
    }
    let ran = portcullis(dir.path(), &["query", "--to", "web", "--via", "azfv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `azfw`?"), "{}", ran.err);
    let ran = portcullis(dir.path(), &["query"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--from"), "{}", ran.err);
}

#[test]
fn asking_about_a_name_is_no_use_of_it() {
    let policy = format!("endpoint spare = 10.1.1.7\n{PUBLISHED}");
    let dir = project(&policy);
    let ran = portcullis(dir.path(), &["query", "--to", "spare", "--deny", "PC1011"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("PC1011"), "{}", ran.err);
}
