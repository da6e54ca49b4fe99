//! Faults of names and types from outside: each is told once, at its place, and draws no other. The
//! wording of each code is golden in tests/diagnostics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::catalog::{Catalog, Cloud};
use portcullis::driver::{self, Options, Project};
use portcullis::source::MemoryLoader;

/// `file:line:column code message` for each diagnostic of a project whose root is all the files
/// that are not in `modules`.
fn told(files: &[(&str, &str)], modules: &[&str]) -> Vec<String> {
    let mut loader = MemoryLoader::default();
    let mut project = Project::default();
    for (name, text) in files {
        loader.files.insert((*name).to_owned(), (*text).to_owned());
        if !modules.contains(name) {
            project.sources.push((*name).to_owned());
        }
    }
    let catalog = Catalog::embedded(Cloud::Public);
    let compiled = driver::compile(&loader, &project, catalog, &Options::default());
    compiled
        .diagnostics
        .iter()
        .map(|d| match d.primary {
            Some(span) => {
                let (file, line, column) = compiled.sources.place(span);
                format!("{file}:{line}:{column} {} {}", d.code, d.message)
            }
            None => format!("- {} {}", d.code, d.message),
        })
        .collect()
}

/// `line:column code message` of the faults of one file.
fn faults(text: &str) -> Vec<String> {
    told(&[("a.gate", text)], &[])
        .into_iter()
        .map(|t| t.strip_prefix("a.gate:").unwrap_or(&t).to_owned())
        .collect()
}

#[test]
fn twelve_faults_give_twelve_diagnostics() {
    let root =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/resolve/twelve-faults");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let told = told(
        &[
            ("hub.gate", &read("hub.gate")),
            ("egress.gate", &read("egress.gate")),
            ("spoke.gate", &read("spoke.gate")),
        ],
        &["spoke.gate"],
    );
    assert_eq!(told.join("\n"), read("expect.txt").trim_end());
    assert_eq!(told.len(), 12);
}

/// A text and the faults in it.
type Row = (&'static str, &'static [&'static str]);

#[test]
fn what_did_not_parse_draws_no_other_fault() {
    let rows: [Row; 5] = [
        (
            "endpiont a = 10.0.0.0/8\nallow x: tcp/1 from a to 10.0.0.4\n",
            &["1:1 PC0003 unknown statement `endpiont`"],
        ),
        (
            "param r: region\nenv p { r = 10.0.0/8 }\nallow x: tcp/1 from 10.0.0.4 to tag(Storage.${r})\n",
            &["2:13 PC0006 `10.0.0/8` is not a valid prefix"],
        ),
        (
            "param p: cidr\nenv p {\n  p = = 10.0.0.0/8\n}\nallow x: tcp/1 from p to 10.0.0.4\n",
            &["3:7 PC0001 expected a value, found `=`"],
        ),
        (
            "dney d: tcp/1 from 10.0.0.4 to 10.0.0.5\nallow x: tcp/1 from 10.0.0.4 to 10.0.0.5 overrides d\n",
            &["1:1 PC0003 unknown statement `dney`"],
        ),
        // What has nothing to do with the syntax error is told beside it.
        (
            "endpiont a = 10.0.0.0/8\nallow x: tcp/1 from b to 10.0.0.4\n",
            &[
                "1:1 PC0003 unknown statement `endpiont`",
                "2:21 PC1001 name `b` is not defined",
            ],
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(faults(text), expected, "{text}");
    }
}

#[test]
fn words_and_clauses_have_their_place() {
    let rows: [Row; 7] = [
        (
            "ordered group o {\n  required allow x: tcp/1 from 10.0.0.4 to 10.0.0.5\n  allow y: tcp/1 from 10.0.0.4 to 10.0.0.5 pin 500\n}\n",
            &[
                "2:3 PC2001 `required` makes no sense in an ordered group",
                "3:44 PC2001 `pin` makes no sense in an ordered group",
            ],
        ),
        (
            "deny d: tcp/1 from 10.0.0.4 to 10.0.0.5\nforbid f: tcp/1 from 10.0.0.4 to 10.0.0.5 overrides d\n",
            &["2:43 PC2001 `overrides` makes no sense on a `forbid`"],
        ),
        (
            "route-table t { default = none }\nroute r: 10.0.0.0/8 via internet on t at nsg\n",
            &["2:39 PC2001 `at` makes no sense on a route"],
        ),
        (
            "group g source-port 53 {\n  allow x: tcp/1 from 10.0.0.4 to 10.0.0.5\n}\n",
            &["1:9 PC2001 `source-port` makes no sense on a group"],
        ),
        (
            "allow x: tcp/1 from 10.0.0.4 to 10.0.0.5 via none\n",
            &["1:46 PC2001 `via none` makes no sense on a flow"],
        ),
        (
            "service web = tcp/80\nallow x: web from 10.0.0.4 to 10.0.0.5\ntest \"t\" { deny web from 10.0.0.4 to 10.0.0.5:81 }\n",
            &["3:47 PC2001 `ports` makes no sense behind the destination"],
        ),
        (
            "param cloud: bool = true\nallow x: tcp/1 from 10.0.0.4 to 10.0.0.5\n",
            &["1:7 PC2001 `cloud` makes no sense as the name of a parameter"],
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(faults(text), expected, "{text}");
    }
}

#[test]
fn a_parameter_without_value_is_told_once_for_all_environments() {
    let text = "param p: cidr\nenv a { }\nenv b { }\nallow x: tcp/1 from p to 10.0.0.4\n";
    assert_eq!(
        faults(text),
        ["1:7 PC1008 parameter `p` has no value in environments `a`, `b`"]
    );
}

#[test]
fn tests_are_checked_like_flows() {
    let rows: [Row; 3] = [
        (
            "env prod { }\nallow x: tcp/1 from 10.0.0.4 to 10.0.0.5\ntest \"t\" with { env = prd } { deny tcp from 10.0.0.4 to 10.0.0.5:2 }\n",
            &["3:23 PC1001 environment `prd` is not defined"],
        ),
        (
            "allow x: tcp/1 from 10.0.0.4 to 10.0.0.5\ntest \"t\" { deny tcp from a.contoso.com to 10.0.0.5:2 }\n",
            &["2:26 PC2002 a name can only be a destination"],
        ),
        (
            "allow x: tcp/1 from 10.0.0.4 to 10.0.0.5\ntest \"t\" { deny tcp from 10.0.0.4 to 10.0.0.5:2 by y }\n",
            &["2:52 PC1001 flow `y` is not defined"],
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(faults(text), expected, "{text}");
    }
}
