//! Exports that ours are merged into: what left the source does not come back with them, and numbers
//! are taken from them.

use std::fs;

use portcullis::allocate::lock::{Lock, Part, Scope};
use portcullis::diag::Code;
use portcullis::driver::Output;
use serde_json::{Value, json};

use super::project::Built;
use super::read;
use crate::cli::{folder, portcullis};

const NSG: &str = "vnet hub = 10.0.0.0/16\nnsg web {\n  base = \"live.json\"\n}\n\
    subnet web = 10.0.2.0/24 {\n  vnet = hub\n  nsg = web\n}\n";

fn group(flows: &[&str], export: &str) -> Built {
    let lines: String = flows.iter().map(|flow| format!("{flow}\n")).collect();
    Built::of(&format!("{NSG}{lines}")).with("live.json", export)
}

/// The only file of a kind, as JSON.
fn made(output: &Output, part: &str) -> Value {
    let file = output.files.iter().find(|f| f.path.contains(part)).unwrap();
    serde_json::from_str(&file.text).unwrap()
}

fn rules(output: &Output) -> Vec<(String, u64)> {
    let value = made(output, "/nsg/");
    let list = value["properties"]["securityRules"].as_array().unwrap();
    let rule = |r: &Value| {
        let number = r["properties"]["priority"].as_u64().unwrap();
        (r["name"].as_str().unwrap().to_owned(), number)
    };
    list.iter().map(rule).collect()
}

/// The output as it would be exported after its deployment, with a rule of somebody else.
fn deployed(output: &Output) -> String {
    let mut value = made(output, "/nsg/");
    let list = value["properties"]["securityRules"].as_array_mut().unwrap();
    list.retain(|rule| rule["name"] != "ssh");
    list.push(
        json!({ "name": "ssh", "properties": { "priority": 150, "direction": "Inbound",
        "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "10.0.0.0/8",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22" } }),
    );
    value.to_string()
}

const A: &str = "allow a: tcp/443 from 10.0.9.0/24 to web for \"A\"";
const B: &str = "allow b: tcp/8443 from 10.0.9.0/24 to web for \"B\" name \"own-name\"";
const C: &str = "allow c: tcp/22 from 10.0.9.0/24 to web for \"C\"";

fn names(output: &Output) -> Vec<String> {
    let mut names: Vec<String> = rules(output).into_iter().map(|(name, _)| name).collect();
    names.sort();
    names
}

fn lines(lock: &str, word: &str) -> usize {
    lock.lines().filter(|line| line.contains(word)).count()
}

#[test]
fn a_rule_that_left_the_source_does_not_come_back_with_the_export() {
    let (first, _) = group(&[A, B, C], "{\"securityRules\":[]}").compile(None);
    let export = deployed(&first);
    // What was written last is known, also under a name of its own.
    let (next, told) = group(&[C], &export).compile(Some(&first.lock));
    assert_eq!(names(&next), ["c-in", "ssh"]);
    assert_eq!(lines(&next.lock, "retired  exported"), 2, "{}", next.lock);
    assert!(!told.iter().any(|d| d.code == Code::PC7007), "{told:#?}");
    assert!(!made(&next, "manifest.json").to_string().contains("retired"));
    // As long as the export has it.
    let (again, _) = group(&[C], &export).compile(Some(&next.lock));
    assert_eq!((&again.lock, &again.files), (&next.lock, &next.files));
    let mut pruned = group(&[C], &export);
    pruned.prune = true;
    assert_eq!(pruned.compile(Some(&next.lock)).0.lock, next.lock);
    let mut lock = read(&next.lock);
    assert_eq!(lock.prune(), []);
    // A rule that comes back is ours again, with its number.
    let (back, _) = group(&[A, C], &export).compile(Some(&next.lock));
    let number = |output: &Output, name: &str| {
        let found = rules(output).into_iter().find(|(n, _)| n == name);
        found.unwrap().1
    };
    assert_eq!(number(&back, "a-in"), number(&first, "a-in"));
    // The next export has it no more, and then the lock neither.
    let (gone, _) = group(&[C], &deployed(&next)).compile(Some(&next.lock));
    assert_eq!(lines(&gone.lock, "retired"), 0, "{}", gone.lock);
    assert_eq!(names(&gone), ["c-in", "ssh"]);
}

#[test]
fn the_old_name_of_a_renamed_rule_does_not_come_back_with_the_export() {
    let (first, _) = group(&[A, C], "{\"securityRules\":[]}").compile(None);
    let export = deployed(&first);
    let z = A.replace("allow a:", "allow z:");
    let (next, _) = group(&["moved a -> z", &z, C], &export).compile(Some(&first.lock));
    assert_eq!(names(&next), ["c-in", "ssh", "z-in"]);
    let (old, new) = (read(&first.lock), read(&next.lock));
    let scope = Scope::new("default", "web", Part::Inbound);
    let number = |lock: &Lock, id: &str| lock.scopes[&scope].entries[id].number;
    assert_eq!(number(&old, "main::a/in"), number(&new, "main::z/in"));
    let (again, told) = group(&["moved a -> z", &z, C], &export).compile(Some(&next.lock));
    assert_eq!((&again.lock, &again.files), (&next.lock, &next.files));
    assert!(!told.iter().any(|d| d.code == Code::PC7002), "{told:#?}");
    // The name alone may change, too.
    let named = A.to_owned() + " name \"other\"";
    let (next, _) = group(&[&named, C], &export).compile(Some(&first.lock));
    assert_eq!(names(&next), ["c-in", "other", "ssh"]);
    let (again, _) = group(&[&named, C], &export).compile(Some(&next.lock));
    assert_eq!(names(&again), ["c-in", "other", "ssh"]);
}

#[test]
fn a_rule_of_somebody_else_stays_when_numbers_were_taken_from_the_export() {
    let (first, _) = group(&[A], "{\"securityRules\":[]}").compile(None);
    let export = deployed(&first);
    let dir = folder(&[
        (
            "portcullis.yaml",
            "version: 1\nproject: p\nsources: [main.gate]\ndeploy:\n  subscription: 00000000-0000-0000-0000-000000000000\n  resource-group: rg\n  location: westeurope\n",
        ),
        ("main.gate", &format!("{NSG}{A}\n")),
        ("live.json", &export),
    ]);
    let seeded = portcullis(dir.path(), &["lock", ".", "--from", "live.json"]);
    assert_eq!(seeded.code, 0, "{}", seeded.err);
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    let text = fs::read_to_string(dir.path().join("out/default/nsg/web.json")).unwrap();
    assert!(text.contains("\"ssh\""), "{text}");
    let numbers = rules(&first);
    assert!(
        text.contains(&format!("\"priority\": {}", numbers[0].1)),
        "{text}"
    );
    let lock = fs::read_to_string(dir.path().join("portcullis.lock")).unwrap();
    assert!(!lock.contains("ssh"), "{lock}");
}

const OTHER: &str = "group other {\n  allow o: tcp/443 from 10.1.0.0/16 to 20.1.1.9 for \"O\"\n}\n";

fn classic(base: bool, text: &str, export: &str) -> Built {
    let base = if base { "  base = \"live.json\"\n" } else { "" };
    Built::of(&format!(
        "firewall azfw {{\n  output = classic\n{base}  dns-proxy = true\n}}\n\
        group main2 {{\n  allow m: tcp/443 from 10.1.0.0/16 to 20.1.1.1 for \"M\"\n  \
        allow n: https from 10.1.0.0/16 to n.contoso.com for \"N\"\n}}\n{text}"
    ))
    .with("live.json", export)
}

const EMPTY: &str = "{\"name\":\"azfw\",\"networkRuleCollections\":[]}";

#[test]
fn a_classic_firewall_remembers_only_what_its_export_holds() {
    let (first, _) = classic(false, OTHER, EMPTY).compile(None);
    let (next, told) = classic(false, "", EMPTY).compile(Some(&first.lock));
    assert_eq!(lines(&next.lock, "retired"), 0, "{}", next.lock);
    assert!(!told.iter().any(|d| d.code == Code::PC7007), "{told:#?}");

    let (first, _) = classic(true, OTHER, EMPTY).compile(None);
    let export = made(&first, "/firewall/").to_string();
    let (next, told) = classic(true, "", &export).compile(Some(&first.lock));
    assert_eq!(lines(&next.lock, "other  "), 1, "{}", next.lock);
    assert_eq!(lines(&next.lock, "retired  exported"), 1, "{}", next.lock);
    assert!(!told.iter().any(|d| d.code == Code::PC7007), "{told:#?}");
    assert!(!made(&next, "/firewall/").to_string().contains("other"));
    assert_eq!(read(&next.lock).prune(), []);
    let (again, _) = classic(true, "", &export).compile(Some(&next.lock));
    assert_eq!((&again.lock, &again.files), (&next.lock, &next.files));
    let later = made(&next, "/firewall/").to_string();
    let (gone, _) = classic(true, "", &later).compile(Some(&next.lock));
    assert_eq!(lines(&gone.lock, "retired"), 0, "{}", gone.lock);
}

const CLASSIC: &str = "ordered group acl {\n  allow x: tcp/22 from 10.1.0.0/16 to 20.1.1.2 for \"X\"\n  \
    deny y: tcp/22 from 10.1.0.0/16 to 20.1.1.0/24 for \"Y\"\n}\n";

/// Names and priorities of the collections of a classic firewall.
fn collections(output: &Output) -> Vec<(String, u64)> {
    let value = made(output, "/firewall/");
    let mut out = Vec::new();
    for array in [
        "networkRuleCollections",
        "applicationRuleCollections",
        "natRuleCollections",
    ] {
        for one in value["properties"][array].as_array().into_iter().flatten() {
            let number = one["properties"]["priority"].as_u64().unwrap();
            out.push((one["name"].as_str().unwrap().to_owned(), number));
        }
    }
    out.sort();
    out
}

/// A lock whose numbers are not those of a fresh start.
const LIVED: &str = "default/fw/azfw/rcg  pc-25-ordered-acl  20700  1\n\
    default/fw/azfw/rcg  pc-30-allow-main2  33300  2\n\
    default/fw/azfw/rules  pc-25-ordered-acl/net-x/acl::x  -  1\n\
    default/fw/azfw/runs  pc-25-ordered-acl/net/x  20123  1\n\
    default/fw/azfw/runs  pc-25-ordered-acl/net/y  20456  2\n";

#[test]
fn a_lost_lock_is_found_in_our_fragment() {
    let mut built = classic(false, CLASSIC, EMPTY);
    let (first, _) = built.compile(Some(LIVED));
    let numbers: Vec<u64> = collections(&first).into_iter().map(|(_, n)| n).collect();
    assert_eq!(
        numbers,
        [20123, 20456, 33300, 33300],
        "{:?}",
        collections(&first)
    );
    built.output.clone_from(&first.files);
    let (seeded, told) = built.compile(None);
    assert!(seeded.seeded);
    assert_eq!(seeded.files, first.files);
    assert!(!told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
}

#[test]
fn a_classic_export_gives_ours_their_numbers_and_leaves_the_others() {
    let (first, _) = classic(false, CLASSIC, EMPTY).compile(Some(LIVED));
    let mut export = made(&first, "/firewall/");
    let theirs = |name: &str, priority: u64| {
        json!({ "name": name, "properties": { "priority": priority, "action": { "type": "Allow" },
            "rules": [{ "name": "ntp", "protocols": ["UDP"], "sourceAddresses": ["*"],
                "destinationAddresses": ["20.9.9.9"], "destinationPorts": ["123"] }] } })
    };
    export["name"] = json!("azfw");
    let list = export["properties"]["networkRuleCollections"]
        .as_array_mut()
        .unwrap();
    list.push(theirs("time", 200));
    list.push(theirs("last word", 34000));
    // One whose name could be that of a group of ours, and is none.
    list.push(theirs("pc-30-allow-unknown-net", 35000));
    let export = export.to_string();
    let lock = portcullis::wrap::seed::lock_of_export("default", &export).unwrap();
    let (next, told) = classic(true, CLASSIC, &export).compile(Some(&lock.text()));
    let (ours, all) = (collections(&first), collections(&next));
    for one in &ours {
        assert!(all.contains(one), "{one:?} {all:?}");
    }
    for (name, number) in [
        ("time", 200),
        ("last word", 34000),
        ("pc-30-allow-unknown-net", 35000),
    ] {
        assert!(all.contains(&(name.to_owned(), number)), "{all:?}");
    }
    assert_eq!(all.len(), ours.len() + 3);
    assert!(!told.iter().any(|d| d.code == Code::PC7003), "{told:#?}");
    let groups = &read(&next.lock).scopes[&Scope::new("default", "azfw", Part::Groups)];
    let ids: Vec<&String> = groups.entries.keys().collect();
    assert_eq!(ids, ["pc-25-ordered-acl", "pc-30-allow-main2"]);
    // A number that another has is not given to a new group of ours.
    let (more, _) = classic(true, &format!("{CLASSIC}{OTHER}"), &export).compile(Some(&next.lock));
    let numbers: Vec<u64> = collections(&more).into_iter().map(|(_, n)| n).collect();
    let mut distinct = numbers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    // Two arrays of the group `main2` have one number.
    assert_eq!(distinct.len(), numbers.len() - 1, "{numbers:?}");
}
