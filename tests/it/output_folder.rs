//! What stands in the output folder: hand edits are kept, what is output no more is told and removed
//! only on request.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::cli::{SETTINGS, folder, portcullis};

const NETWORK: &str = "\
subnet web = 10.0.1.0/24 {
  nsg = nsg-web
  route-table = rt-web
}
nsg nsg-web { default-inbound = deny }
route-table rt-web { default = internet }
allow shop: tcp/443 from 203.0.113.0/24 to web for \"Customers\"
";

const NSG: &str = "out/prod/nsg/nsg-web.json";
const TABLE: &str = "out/prod/route-table/rt-web.json";

/// A compiled project of two environments.
fn compiled() -> TempDir {
    let policy = format!("{NETWORK}env dev {{}}\nenv prod {{}}\n");
    let dir = folder(&[("portcullis.yaml", SETTINGS), ("a.gate", &policy)]);
    assert_eq!(portcullis(dir.path(), &["compile"]).code, 0);
    dir
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file}: {text}");
    fs::write(&path, text.replace(from, to)).unwrap();
}

/// Takes the route table out of the source.
fn drop_table(folder: &Path) {
    edit(folder, "a.gate", "  route-table = rt-web\n", "");
    let statement = "route-table rt-web { default = internet }\n";
    edit(folder, "a.gate", statement, "");
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn a_hand_edit_stops_the_run_and_force_replaces_it() {
    let dir = compiled();
    let here = dir.path();
    let good = read(here, NSG);
    edit(here, NSG, "203.0.113.0/24", "203.0.112.0/23");
    let edited = read(here, NSG);
    // Another file is to change too, and does not.
    edit(
        here,
        "a.gate",
        "{ default = internet }",
        "{\n  default = internet\n  bgp = off\n}",
    );
    let table = read(here, TABLE);
    for args in [
        &["compile"] as &[&str],
        &["compile", "--check"],
        &["compile", "--clean"],
        &["compile", "-e", "prod"],
        &["check"],
    ] {
        let ran = portcullis(here, args);
        assert_eq!(ran.code, 1, "{args:?}: {}{}", ran.out, ran.err);
        assert!(
            ran.err.contains("error[PC9003]: output file `out/prod/nsg/nsg-web.json` was edited by hand\n  --> out/prod/nsg/nsg-web.json:"),
            "{args:?}: {}", ran.err
        );
        assert!(ran.err.contains("203.0.112.0/23"), "{}", ran.err);
        assert_eq!(read(here, NSG), edited);
        assert_eq!(read(here, TABLE), table);
    }
    // Another environment is not concerned, and looking writes nothing.
    assert_eq!(portcullis(here, &["compile", "-e", "dev"]).code, 0);
    assert_eq!(
        portcullis(here, &["compile", "--stdout", "prod/nsg/nsg-web"]).out,
        good
    );
    assert_eq!(portcullis(here, &["compile", "--check", "--force"]).code, 3);
    assert_eq!(read(here, NSG), edited);
    let forced = portcullis(here, &["compile", "--force"]);
    assert_eq!(forced.code, 0, "{}", forced.err);
    assert_eq!(read(here, NSG), good);
    assert_eq!(portcullis(here, &["compile", "--check"]).code, 0);
}

#[test]
fn an_edit_that_the_source_follows_is_no_fault() {
    let dir = compiled();
    let here = dir.path();
    edit(here, NSG, "203.0.113.0/24", "203.0.112.0/23");
    edit(here, "a.gate", "203.0.113.0/24", "203.0.112.0/23");
    let ran = portcullis(here, &["compile"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // Line ends that a checkout turned are no edit.
    let turned = read(here, NSG).replace('\n', "\r\n");
    fs::write(here.join(NSG), turned).unwrap();
    edit(here, "a.gate", "203.0.112.0/23", "203.0.113.0/24");
    assert_eq!(portcullis(here, &["compile"]).code, 0);
    // A file that is gone is written again.
    fs::remove_file(here.join(NSG)).unwrap();
    assert_eq!(portcullis(here, &["compile"]).code, 0);
    assert!(read(here, NSG).contains("203.0.113.0/24"));
}

#[test]
fn what_we_did_not_write_is_not_replaced() {
    let dir = folder(&[
        ("portcullis.yaml", SETTINGS),
        ("a.gate", NETWORK),
        ("out/default/nsg/nsg-web.json", "{ \"mine\": true }\n"),
    ]);
    let here = dir.path();
    let ran = portcullis(here, &["compile"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err
            .contains("stands where output goes, and was not written by portcullis"),
        "{}",
        ran.err
    );
    assert!(!here.join("out/default/manifest.json").exists());
    assert!(!here.join("portcullis.lock").exists());
    fs::write(here.join("out/default/nsg/nsg-web.json"), b"\xff\xfe").unwrap();
    let ran = portcullis(here, &["compile"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("cannot be read: it is not UTF-8"),
        "{}",
        ran.err
    );
    assert_eq!(portcullis(here, &["compile", "--force"]).code, 0);
    // A manifest that a merge left half done.
    edit(
        here,
        "out/default/manifest.json",
        "{\n  \"tool\"",
        "<<<<<<< ours\n{\n  \"tool\"",
    );
    let ran = portcullis(here, &["compile"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("is not the manifest that was written"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("out/default/manifest.json:1:1"),
        "{}",
        ran.err
    );
    assert_eq!(portcullis(here, &["compile", "--force"]).code, 0);
}

#[test]
fn what_is_output_no_more_is_told_and_removed_on_request() {
    let dir = compiled();
    let here = dir.path();
    drop_table(here);
    edit(here, "a.gate", "env dev {}\n", "");
    fs::write(here.join("out/prod/parameters.json"), "{}\n").unwrap();
    fs::write(here.join("out/README.md"), "ours\n").unwrap();
    // One environment says nothing of the others.
    let ran = portcullis(here, &["compile", "-e", "prod"]);
    assert!(
        ran.err
            .contains("warning[PC9010]: `out/prod/route-table/rt-web.json` is output no more"),
        "{}",
        ran.err
    );
    let ran = portcullis(here, &["compile"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err
            .contains("warning[PC9010]: 4 files in `out` are output no more"),
        "{}",
        ran.err
    );
    assert!(here.join(TABLE).exists());
    let ran = portcullis(here, &["compile", "--check", "--clean"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.out.contains("would remove out/dev/manifest.json\n"),
        "{}",
        ran.out
    );
    // What somebody edited stays even so.
    edit(here, TABLE, "Internet", "None");
    let ran = portcullis(here, &["compile", "--clean"]);
    assert_eq!(
        ran.code, 0,
        "it has left the manifest, so nothing says what it was: {}",
        ran.err
    );
    assert!(ran.out.ends_with("removed 4 files in out\n"), "{}", ran.out);
    assert!(!here.join(TABLE).exists());
    assert!(!here.join("out/prod/route-table").exists());
    assert!(!here.join("out/dev").exists());
    assert!(here.join("out/prod/parameters.json").exists());
    assert!(here.join("out/README.md").exists());
    let ran = portcullis(here, &["compile", "--check", "--clean"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
}

#[test]
fn clean_removes_no_edited_file_that_is_listed() {
    let dir = compiled();
    let here = dir.path();
    drop_table(here);
    edit(here, TABLE, "Internet", "None");
    let ran = portcullis(here, &["compile", "--clean"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("would be removed"), "{}", ran.err);
    assert!(here.join(TABLE).exists());
    // It is in nobody's way without --clean.
    assert_eq!(portcullis(here, &["compile", "--check"]).code, 3);
    assert_eq!(portcullis(here, &["compile", "--clean", "--force"]).code, 0);
    assert!(!here.join(TABLE).exists());
}

#[test]
fn a_part_of_a_project_says_nothing_of_the_rest() {
    let dir = folder(&[
        ("portcullis.yaml", SETTINGS),
        ("a.gate", NETWORK),
        ("b.gate", "nsg nsg-other { default-inbound = deny }\n"),
    ]);
    let here = dir.path();
    let ran = portcullis(here, &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = portcullis(here, &["check", "a.gate"]);
    assert!(!ran.err.contains("PC9010"), "{}", ran.err);
    let ran = portcullis(here, &["compile", "a.gate", "--clean"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(here.join("out/default/nsg/nsg-other.json").exists());
}
