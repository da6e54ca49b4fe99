//! `portcullis test` on whole projects: every folder of tests/cases/trials in every form, and how the
//! command is called. That verdicts are right packet by packet is for meaning/trials.rs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{Ran, SETTINGS, command, run};

/// Forms with the names of their goldens.
const FORMS: [(&str, &str); 4] = [
    ("text", "test.txt"),
    ("json", "test.jsonl"),
    ("junit", "test.xml"),
    ("tap", "test.tap"),
];

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/trials");
    let mut out: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    out.sort();
    assert!(out.len() >= 6);
    out
}

/// The arguments that a case's first line gives.
fn arguments(case: &Path) -> Vec<String> {
    let text = fs::read_to_string(case.join("main.gate")).unwrap();
    let first = text.lines().next().unwrap();
    let args = first.strip_prefix("// args: ").unwrap_or_default();
    args.split_whitespace().map(str::to_owned).collect()
}

fn ask(folder: &Path, args: &[&str]) -> Ran {
    let mut all = vec!["test", "--color", "never"];
    all.extend(args);
    run(&mut command(folder, &all))
}

#[test]
fn every_case_in_every_form() {
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some_and(|v| v == "1");
    let mut wrong = Vec::new();
    for case in cases() {
        let more = arguments(&case);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        for (form, golden) in FORMS {
            let ran = ask(&case, &[&["--format", form], more.as_slice()].concat());
            let file = case.join(golden);
            if bless {
                fs::write(&file, &ran.out).unwrap();
            }
            let expected = fs::read_to_string(&file).unwrap_or_default();
            if expected.replace("\r\n", "\n") != ran.out {
                wrong.push(format!("{}:\n{}\n{}", file.display(), ran.out, ran.err));
            }
            let text = fs::read_to_string(case.join("test.txt")).unwrap_or_default();
            let failed = text.contains("  FAIL  ");
            assert_eq!(ran.code, i32::from(failed), "{}", file.display());
        }
    }
    assert!(
        wrong.is_empty(),
        "if the new output is better: PORTCULLIS_BLESS=1\n{}",
        wrong.join("\n")
    );
}

/// Names, failures and errors of every suite, read by a reader that knows XML and nothing of ours.
fn suites(text: &str) -> BTreeMap<String, (usize, usize, usize)> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut out = BTreeMap::new();
    let mut suite = String::new();
    let mut depth = 0_i32;
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(e) | Event::Empty(e) => {
                let attributes: BTreeMap<String, String> = e
                    .attributes()
                    .map(|a| a.unwrap())
                    .map(|a| (a.key.0.to_owned(), a.value.to_string()))
                    .collect();
                let name = e.name().0.to_owned();
                let counted: &mut (usize, usize, usize) = match name.as_str() {
                    "testsuite" => {
                        suite = attributes["name"].clone();
                        out.entry(suite.clone()).or_default()
                    }
                    _ => out.entry(suite.clone()).or_default(),
                };
                match name.as_str() {
                    "testcase" => counted.0 += 1,
                    "failure" => counted.1 += 1,
                    "error" => counted.2 += 1,
                    _ => {}
                }
                if matches!(event, Event::Start(_)) {
                    depth += 1;
                }
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    out.remove("");
    out
}

#[test]
fn the_forms_tell_the_same() {
    for case in cases() {
        let more = arguments(&case);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let of = |form: &str| ask(&case, &[&["--format", form], more.as_slice()].concat()).out;
        let mut json: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
        let mut rows = 0;
        let mut failed = 0;
        for line in of("json").lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            if row["kind"] != "test" {
                continue;
            }
            rows += 1;
            let environment = row["environment"].as_str().unwrap().to_owned();
            let counts = json.entry(environment).or_default();
            counts.0 += 1;
            if row["status"] == "failed" {
                failed += 1;
                match row.get("reason") {
                    Some(_) => counts.2 += 1,
                    None => counts.1 += 1,
                }
                for probe in row["probes"].as_array().unwrap() {
                    if probe["status"] == "failed" && probe["code"] != "PC8006" {
                        assert!(probe["packet"].is_string(), "{line}");
                        assert!(probe["actual"].is_string(), "{line}");
                        assert!(probe["decided_by"]["layer"].is_string(), "{line}");
                    }
                }
            }
        }
        assert_eq!(suites(&of("junit")), json, "{}", case.display());
        let tap = of("tap");
        assert!(tap.starts_with(&format!("TAP version 14\n1..{rows}\n")));
        let begins = |word: &str| tap.lines().filter(|l| l.starts_with(word)).count();
        assert_eq!(begins("ok "), rows - failed);
        assert_eq!(begins("not ok "), failed);
        for block in tap.split("  ---\n").skip(1) {
            let (yaml, _) = block.split_once("  ...\n").unwrap();
            let _: serde_yaml::Value = serde_yaml::from_str(yaml).unwrap();
        }
    }
}

/// A project in a folder of its own.
fn project(policy: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("portcullis.yaml"), SETTINGS).unwrap();
    fs::write(folder.path().join("main.gate"), policy).unwrap();
    folder
}

const FLOWS: &str = "portcullis 1\n\
    firewall azfw { policy = \"demo\" }\n\
    allow web: tcp/443 from 10.0.0.0/24 to 10.1.0.0/16 for \"The sites\"\n";

#[test]
fn a_filter_that_means_nothing_says_what_is_near() {
    let folder = project(&format!(
        "{FLOWS}test \"sites are open\" {{ allow tcp from 10.0.0.0/24 to 10.1.0.4:443 }}\n\
         test \"shells are not\" {{ deny tcp from any to 10.1.0.0/16:22 }}\n"
    ));
    let one = ask(folder.path(), &["main.gate", "--filter", "OPEN"]);
    assert_eq!(one.code, 0, "{}", one.err);
    assert!(one.out.contains("sites are open") && !one.out.contains("shells"));
    let none = ask(folder.path(), &["main.gate", "--filter", "shels"]);
    assert_eq!(none.code, 2);
    assert!(
        none.err.contains("did you mean `shells are not`?"),
        "{}",
        none.err
    );
    let far = ask(folder.path(), &["main.gate", "--filter", "zzzzzzzz"]);
    assert_eq!(far.code, 2);
    assert!(far.err.contains("the tests are"), "{}", far.err);
}

#[test]
fn forms_of_tests_are_for_tests() {
    let folder = project(FLOWS);
    for subcommand in ["check", "compile", "lint", "limits"] {
        for form in ["junit", "tap"] {
            let ran = run(&mut command(
                folder.path(),
                &[subcommand, "main.gate", "--format", form],
            ));
            assert_eq!(ran.code, 2, "{subcommand}: {}", ran.err);
            assert!(
                ran.err.contains("for `portcullis test` only"),
                "{}",
                ran.err
            );
        }
    }
}

#[test]
fn a_file_takes_the_result() {
    let folder = project(FLOWS);
    let ran = ask(
        folder.path(),
        &["main.gate", "--format", "junit", "-o", "report.xml"],
    );
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    let text = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(text.starts_with("<?xml"), "{text}");
}

#[test]
fn other_commands_run_no_test() {
    let folder = project(&format!(
        "{FLOWS}test \"wrong\" {{ deny tcp from any to 10.1.0.4:443 }}\n"
    ));
    assert_eq!(ask(folder.path(), &["main.gate"]).code, 1);
    for subcommand in ["check", "lint"] {
        let ran = run(&mut command(folder.path(), &[subcommand, "main.gate"]));
        assert_eq!(ran.code, 0, "{subcommand}: {}", ran.err);
    }
}

#[test]
fn what_does_not_compile_is_not_tested() {
    let folder = project(&format!(
        "{FLOWS}allow lost: tcp/443 from nowhere to 10.1.0.0/16 for \"Lost\"\n\
         test \"sites\" {{ allow tcp from 10.0.0.0/24 to 10.1.0.4:443 }}\n"
    ));
    let ran = ask(folder.path(), &["main.gate"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("PC1001"), "{}", ran.err);
    let ran = ask(folder.path(), &["nowhere"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn a_fault_under_the_values_of_a_test_fails_that_test_alone() {
    let folder = project(
        "portcullis 1\n\
         param clients: cidr = 10.0.0.0/24 \"who calls\"\n\
         firewall azfw { policy = \"demo\" }\n\
         allow web: tcp/443 from clients except 10.0.0.9 to 10.1.0.0/16 for \"The sites\"\n\
         test \"one client\" with { clients = 10.0.0.9/32 } {\n  deny tcp from any to 10.1.0.4:443\n}\n\
         test \"sites\" {\n  reach tcp from clients to 10.1.0.4:443\n}\n",
    );
    let ran = ask(folder.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("under the values of this test"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("FAIL  one client"), "{}", ran.out);
    assert!(
        ran.out.contains("does not compile under its values"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("ok    sites"), "{}", ran.out);
}

#[test]
fn quiet_tells_what_failed() {
    let folder = project(&format!(
        "{FLOWS}test \"right\" {{ allow tcp from 10.0.0.0/24 to 10.1.0.4:443 }}\n\
         test \"wrong\" {{ deny tcp from any to 10.1.0.4:443 }}\n"
    ));
    let ran = ask(folder.path(), &["main.gate", "-q"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("wrong") && !ran.out.contains("right"),
        "{}",
        ran.out
    );
    let none = project(FLOWS);
    let ran = ask(none.path(), &["main.gate"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("no tests"), "{}", ran.out);
}

#[test]
fn odd_names_are_told_in_every_form() {
    let folder = project(&format!(
        "{FLOWS}test \"a <b> & \\\"c\\\" # d \\\\ e\" {{ deny tcp from any to 10.1.0.4:443 }}\n"
    ));
    let xml = ask(folder.path(), &["main.gate", "--format", "junit"]).out;
    assert_eq!(suites(&xml).len(), 1, "{xml}");
    let tap = ask(folder.path(), &["main.gate", "--format", "tap"]).out;
    assert!(tap.contains("\\# d"), "{tap}");
}

/// Two networks, each behind a firewall of its own.
const TWO: &str = "portcullis 1\n\
    vnet west = 10.10.0.0/16 { firewall = fw }\n\
    vnet east = 10.20.0.0/16 { firewall = fx }\n\
    firewall fw {\n  private-ip = 10.0.1.4\n}\n\
    firewall fx {\n  private-ip = 10.128.1.4\n}\n";

/// Application rules put the firewall's own address there, and the next firewall judges that.
#[test]
fn a_second_firewall_sees_the_address_of_the_first() {
    let folder = project(&format!(
        "{TWO}\
         allow db: https from 10.10.0.0/16 to fqdn(db.contoso.com, in = 10.20.9.0/24) at fw for \"Far\"\n\
         test \"far\" {{\n  allow https from 10.10.0.0/16 to fqdn(db.contoso.com, in = 10.20.9.0/24)\n}}\n\
         test \"by the second\" {{\n  deny https from 10.10.0.0/16 to fqdn(db.contoso.com, in = 10.20.9.0/24) by default\n}}\n"
    ));
    let ran = ask(folder.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(!ran.err.contains("PC9004"), "{}", ran.err);
    assert!(ran.out.contains("deny by default of fx"), "{}", ran.out);
    assert!(ran.out.contains("ok    by the second"), "{}", ran.out);
}

#[test]
fn a_required_deny_is_a_test() {
    let folder = project(
        "portcullis 1\n\
         firewall azfw { policy = \"demo\" }\n\
         required deny smb: tcp/445 from 10.0.0.0/8 to 192.0.2.0/24 for \"No file sharing\"\n\
         required forbid old: tcp/23 from 10.0.0.0/8 to any for \"No clear text\"\n\
         deny sites: tcp/443-445 from 10.0.0.0/8 to 192.0.2.0/24 for \"No sites\"\n\
         allow site: tcp/443-445 from 10.0.0.4 to 192.0.2.9 for \"The old site\" \
         overrides sites ticket S-1 until 2027-06-30\n",
    );
    let ran = ask(folder.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("FAIL  required main::smb"), "{}", ran.out);
    assert!(ran.out.contains("ok    required main::old"), "{}", ran.out);
    assert!(ran.out.contains("10.0.0.4 -> 192.0.2.9:445"), "{}", ran.out);
    // The same without a test being run.
    let check = run(&mut command(folder.path(), &["check", "main.gate"]));
    assert_eq!(check.code, 1);
    assert!(check.err.contains("error[PC4003]"), "{}", check.err);
}

/// What the proof does not speak of is no promise kept: no route, a way that is not determined, a
/// parent policy that nobody showed.
#[test]
fn a_promise_is_judged_like_any_probe() {
    let place = "portcullis 1\n\
         vnet spoke = 10.1.0.0/16\n\
         nsg app { default-inbound = deny  default-outbound = deny }\n";
    let lost = project(&format!(
        "{place}subnet app = 10.1.1.0/24 {{ vnet = spoke  nsg = app }}\n\
         required allow lost: tcp/443 from app to 10.9.0.0/16 for \"Lost\"\n\
         required allow part: tcp/443 from app to [10.9.1.0/24, 203.0.113.0/24] for \"Half\"\n\
         required allow out: tcp/443 from app to any for \"What a way leads to\"\n\
         required deny clear: tcp/80 from app to [10.9.0.0/16, 203.0.113.0/24] for \"No\"\n"
    ));
    let ran = ask(lost.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("FAIL  required main::lost"), "{}", ran.out);
    assert!(ran.out.contains("FAIL  required main::part"), "{}", ran.out);
    assert!(ran.out.contains("ok    required main::out"), "{}", ran.out);
    assert!(ran.out.contains("assuming it says `any`"), "{}", ran.out);
    assert!(
        ran.out.contains("ok    required main::clear"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("PC8001") && !ran.err.contains("PC9004"),
        "{}",
        ran.err
    );
    let unknown = project(
        "portcullis 1\n\
         firewall west { }\n\
         firewall north { }\n\
         required allow dns: udp/53 from 10.1.0.0/16 to 192.0.2.53 for \"Names\" at west\n",
    );
    let ran = ask(unknown.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("FAIL  required main::dns"), "{}", ran.out);
    assert!(ran.err.contains("PC8005"), "{}", ran.err);
    let parent = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg\
                  /providers/Microsoft.Network/firewallPolicies/base";
    let hidden = project(&format!(
        "portcullis 1\n\
         firewall azfw {{\n  policy = \"demo\"\n  manage = policy\n  base-policy = \"{parent}\"\n}}\n\
         required allow web: tcp/443 from 10.0.0.0/24 to 10.1.0.0/16 for \"The sites\"\n\
         required deny no: tcp/22 from 10.0.0.0/24 to 10.1.0.0/16 for \"Not this\"\n"
    ));
    let ran = ask(hidden.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("FAIL  required main::web"), "{}", ran.out);
    assert!(ran.out.contains("FAIL  required main::no"), "{}", ran.out);
    assert!(ran.err.contains("is not shown"), "{}", ran.err);
}

/// Without `private-ip` any address of its subnet may be what a firewall calls from, and without a
/// subnet nobody knows: what the group behind it does hangs on that.
#[test]
fn where_a_firewall_calls_from_is_not_guessed() {
    let shut = r#"{"name":"app","type":"Microsoft.Network/networkSecurityGroups","location":"westeurope","properties":{"securityRules":[
        {"name":"shut","properties":{"priority":150,"direction":"Inbound","access":"Deny","protocol":"*","sourceAddressPrefix":"10.0.1.0/27","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"*"}}]}}"#;
    for (place, refused) in [
        ("vnet = hub\n  subnet = 10.0.1.0/26", true),
        ("vnet = hub", true),
        (
            "vnet = hub\n  private-ip = 10.0.1.40\n  subnet = 10.0.1.0/26",
            false,
        ),
    ] {
        let folder = project(&format!(
            "portcullis 1\n\
             vnet hub = 10.0.0.0/16 {{ peers = [spoke, remote] }}\n\
             vnet spoke = 10.1.0.0/16 {{ peers = [hub] }}\n\
             vnet remote = 10.2.0.0/16 {{ peers = [hub] firewall = azfw }}\n\
             firewall azfw {{\n  policy = \"afwp\"\n  sku = premium\n  dns-proxy = true\n  {place}\n}}\n\
             nsg app {{ base = \"app.json\" }}\n\
             subnet app = 10.1.1.0/24 {{ vnet = spoke  nsg = app }}\n\
             allow web: https from remote to www.contoso.com for \"Sites\"\n\
             test \"in\" {{ allow https from remote to fqdn(www.contoso.com, in = 10.1.1.0/24) }}\n\
             test \"out\" {{ deny https from remote to fqdn(www.contoso.com, in = 10.1.1.0/24) }}\n"
        ));
        fs::write(folder.path().join("app.json"), shut).unwrap();
        let ran = ask(folder.path(), &["main.gate"]);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(!ran.err.contains("PC9004"), "{place}: {}", ran.err);
        assert!(ran.out.contains("FAIL  out"), "{place}: {}", ran.out);
        assert_eq!(
            ran.out.contains("FAIL  in"),
            refused,
            "{place}: {}",
            ran.out
        );
        // A packet by itself fares alike.
        let packet = [
            "https",
            "10.2.0.4",
            "www.contoso.com:443",
            "--address",
            "10.1.1.4",
        ];
        let explain = [["explain", "--color", "never"].as_slice(), &packet].concat();
        let explain = run(&mut command(folder.path(), &explain));
        assert_eq!(
            explain.out.starts_with("UNKNOWN"),
            refused,
            "{place}: {}",
            explain.out
        );
        assert_eq!(
            explain.out.starts_with("ALLOWED"),
            !refused,
            "{place}: {}",
            explain.out
        );
        let guess = "which address the firewall in front of it calls from";
        assert_eq!(
            explain.out.contains(guess),
            place == "vnet = hub",
            "{place}: {}",
            explain.out
        );
        let undecided = ran.err.matches("PC8005").count();
        assert_eq!(
            undecided,
            if refused { 2 } else { 0 },
            "{place}: {}",
            ran.err
        );
    }
}

/// A group by itself is asked whatever the routes do with what passes it, or with the reply.
#[test]
fn a_layer_by_itself_is_asked_on_ways_that_go_astray() {
    let folder = project(
        "portcullis 1\n\
         vnet hub = 10.0.0.0/16 { peers = [spoke] }\n\
         vnet spoke = 10.1.0.0/16 { peers = [hub] }\n\
         firewall azfw {\n  policy = \"afwp\"\n  vnet = hub\n  subnet = 10.0.1.0/26\n  private-ip = 10.0.1.4\n}\n\
         nsg app { base = \"app.json\" }\n\
         nsg shut { default-inbound = deny }\n\
         route-table out { default = azfw }\n\
         subnet app = 10.1.1.0/24 { vnet = spoke  nsg = app  route-table = out }\n\
         subnet back = 10.1.2.0/24 { vnet = spoke  nsg = shut  route-table = out }\n\
         test \"open\" { deny tcp from 192.0.2.0/24 to app:443 at app }\n\
         test \"open, said\" { allow tcp from 192.0.2.0/24 to app:443 at app }\n\
         test \"shut\" { deny tcp from 192.0.2.0/24 to back:443 at shut }\n",
    );
    let open = r#"{"name":"app","type":"Microsoft.Network/networkSecurityGroups","location":"westeurope","properties":{"securityRules":[
        {"name":"open","properties":{"priority":150,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"443"}}]}}"#;
    fs::write(folder.path().join("app.json"), open).unwrap();
    let ran = ask(folder.path(), &["main.gate"]);
    assert!(
        !ran.err.contains("PC9004") && !ran.err.contains("PC8006"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("FAIL  open  "), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("ok    open, said"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(ran.out.contains("ok    shut"), "{}{}", ran.out, ran.err);
}

/// What a layer does with what a firewall translates is what it does by itself: not what becomes of the
/// reply, nor what the other layer does.
#[test]
fn a_layer_by_itself_is_asked_about_what_is_translated() {
    let half = r#"{"name":"app","type":"Microsoft.Network/networkSecurityGroups","location":"westeurope","properties":{"securityRules":[
        {"name":"half","properties":{"priority":150,"direction":"Inbound","access":"Deny","protocol":"*","sourceAddressPrefix":"10.0.1.0/27","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"*"}}]}}"#;
    let parent = "manage = policy\n  base-policy = \"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg\
                  /providers/Microsoft.Network/firewallPolicies/base\"";
    for (name, firewall, group, route, ok, undecided) in [
        (
            "lost reply",
            "",
            "",
            "route 10.0.1.0/26 via none on out",
            ["azfw", "app"].as_slice(),
            0,
        ),
        ("half", "", "base = \"app.json\"", "", &["azfw"], 3),
        ("parent", parent, "", "", &["app"], 2),
    ] {
        let folder = project(&format!(
            "portcullis 1\n\
             vnet hub = 10.0.0.0/16 {{ peers = [spoke] }}\n\
             vnet spoke = 10.1.0.0/16 {{ peers = [hub] }}\n\
             firewall azfw {{\n  policy = \"afwp\"\n  vnet = hub\n  subnet = 10.0.1.0/26\n  public-ips = [20.50.60.70]\n  {firewall}\n}}\n\
             nsg app {{ default-inbound = deny  {group} }}\n\
             route-table out {{ }}\n\
             subnet app = 10.1.1.0/24 {{ vnet = spoke  nsg = app  route-table = out }}\n\
             {route}\n\
             dnat site: tcp/443 from 203.0.113.0/24 to 20.50.60.70 into 10.1.1.4 for \"Site\"\n\
             test \"whole\" {{ allow tcp from 203.0.113.0/24 to 20.50.60.70:443 }}\n\
             test \"azfw\" {{ allow tcp from 203.0.113.0/24 to 20.50.60.70:443 at azfw by site }}\n\
             test \"app\" {{ allow tcp from 203.0.113.0/24 to 20.50.60.70:443 at app }}\n\
             test \"not app\" {{ deny tcp from 203.0.113.0/24 to 20.50.60.70:443 at app }}\n"
        ));
        fs::write(folder.path().join("app.json"), half).unwrap();
        let ran = ask(folder.path(), &["main.gate"]);
        let told = format!("{name}: {}{}", ran.out, ran.err);
        assert_eq!(ran.code, 1, "{told}");
        assert!(!ran.err.contains("PC9004"), "{told}");
        assert!(ran.out.contains("FAIL  whole"), "{told}");
        assert!(ran.out.contains("FAIL  not app"), "{told}");
        for at in ["azfw", "app"] {
            let held = ran.out.contains(&format!("ok    {at}\n"));
            assert_eq!(held, ok.contains(&at), "{at}: {told}");
        }
        assert_eq!(ran.err.matches("PC8005").count(), undecided, "{told}");
    }
}

/// Where a firewall put its own address, a statement about the packet's source settles nothing.
#[test]
fn no_statement_is_proposed_that_settles_nothing() {
    let folder = project(&format!(
        "{TWO}\
         ip-group partners = [] {{\n  id = \"/subscriptions/00000000-0000-0000-0000-000000000000\
         /resourceGroups/rg/providers/Microsoft.Network/ipGroups/partners\"\n}}\n\
         allow db: https from 10.10.0.0/16 to fqdn(db.contoso.com, in = 10.20.9.0/24) at fw for \"Far\"\n\
         allow near: tcp/443 from ip-group(partners) to 10.20.9.0/24 at fx for \"Near\"\n\
         test \"far\" {{\n  allow https from 10.10.0.0/16 to fqdn(db.contoso.com, in = 10.20.9.0/24)\n}}\n"
    ));
    let ran = ask(folder.path(), &["main.gate"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("it depends on ip-group(partners)"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("for example `assume"), "{}", ran.err);
}

/// A probe of which a part has no way says so: of that part nothing was found.
#[test]
fn packets_without_a_way_are_not_dropped_in_silence() {
    let folder = project(
        "portcullis 1\n\
         vnet spoke = 10.1.0.0/16\n\
         nsg app { default-inbound = deny  default-outbound = deny }\n\
         subnet app = 10.1.1.0/24 { vnet = spoke  nsg = app }\n\
         test \"part\" { deny tcp from [app, 192.168.0.0/16] to 192.168.9.0/24:22 }\n\
         test \"whole\" { deny tcp from app to 192.168.9.0/24:22 }\n\
         test \"wide\" { deny tcp from any to app:22 }\n",
    );
    let ran = ask(folder.path(), &["main.gate"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[1].contains("ok    part"), "{}", ran.out);
    assert!(
        lines[2].contains("assuming tcp 192.168.0.4 -> 192.168.9.4:22 is as expected: nothing"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches("assuming").count(), 1, "{}", ran.out);
}
