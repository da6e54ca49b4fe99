//! Texts made to cost too much: every one is compiled or refused in seconds, whatever it asks for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::Path;

use super::{compile, everything, more, project, run};

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

/// The third octets and fourth of the n-th address that is not next to another.
fn address(n: usize) -> String {
    format!("10.{}.{}.{}", n >> 15 & 255, n >> 7 & 255, (n & 127) * 2)
}

fn flow(from: &str) -> String {
    format!("allow q: tcp/443 from {from} to 10.4.4.4 for \"x\"\n")
}

/// Definitions that lead to one another, the last first, so that each waits for the next.
fn chain(count: usize, one: impl Fn(usize) -> String) -> String {
    (1..=count).rev().map(one).collect()
}

#[test]
fn what_would_overflow_the_stack_is_refused() {
    let n = 10_000;
    let deep = "more than 256 definitions lead to this one";
    let refused: [(&str, String, &str); 9] = [
        (
            "endpoints",
            chain(n, |i| format!("endpoint e{i} = e{}\n", i - 1)) + &flow("e10000"),
            deep,
        ),
        (
            "endpoints in a circle",
            chain(n, |i| format!("endpoint e{i} = e{}\n", i % n + 1)) + &flow("e10000"),
            deep,
        ),
        (
            "endpoints in lists",
            chain(n, |i| {
                let (open, close) = ("[".repeat(60), "]".repeat(60));
                format!("endpoint e{i} = {open}e{}{close}\n", i - 1)
            }) + &flow("e10000"),
            deep,
        ),
        (
            "services",
            chain(n, |i| format!("service e{i} = e{}\n", i - 1)),
            deep,
        ),
        (
            "parameters",
            chain(n, |i| format!("param e{i}: endpoint = e{}\n", i - 1)),
            deep,
        ),
        (
            "names filled in",
            chain(n, |i| format!("param e{i}: fqdn = x.${{e{}}}.com\n", i - 1)),
            deep,
        ),
        (
            "conditions",
            format!(
                "{} when {}workloads\n",
                flow("workloads").trim(),
                "not ".repeat(n)
            ),
            "nesting deeper than 64 levels",
        ),
        (
            "exceptions",
            flow(&format!("workloads{}", " except 10.1.0.4".repeat(n))),
            "nesting deeper than 64 levels",
        ),
        (
            "blocks",
            format!("env a {}", "{ b = ".repeat(n)),
            "nesting deeper than 64 levels",
        ),
    ];
    for (name, text, says) in refused {
        let dir = project();
        more(dir.path(), &text);
        let ran = compile(name, dir.path(), &[]);
        assert!(ran.err.contains("error[PC0012]"), "{name}: {}", ran.err);
        assert!(ran.err.contains(says), "{name}: {}", ran.err);
    }
}

#[test]
fn chains_and_trees_of_modules_have_an_end() {
    let deep = "imports lead through more than 64 modules";
    let many = "the project holds more than 10000 uses of modules";
    let rows: [(&str, usize, &[&str], &str); 2] = [
        ("a chain", 10_000, &["a"], deep),
        ("a tree", 30, &["a", "b"], many),
    ];
    for (name, count, uses, says) in rows {
        let dir = project();
        let next = |n: usize| -> String {
            let one = |path: &&str| format!("use \"m{n}.x\" as {path}\n");
            uses.iter().map(one).collect()
        };
        for n in 0..count {
            let text = next(n + 1) + "param unused: cidr = 10.0.0.0/8\n";
            fs::write(dir.path().join(format!("m{n}.x")), text).unwrap();
        }
        fs::write(dir.path().join(format!("m{count}.x")), flow("10.1.0.4")).unwrap();
        more(dir.path(), &next(0));
        let ran = compile(name, dir.path(), &[]);
        assert_eq!(ran.err.matches("error[PC0012]").count(), 1, "{}", ran.err);
        assert!(ran.err.contains(says), "{name}: {}", ran.err);
    }
}

/// Much that is in order, or has one fault a piece: no square of it, in time or in what is said.
#[test]
fn long_lists_cost_no_square() {
    let n = 20_000;
    let doubled = |tail: &str| {
        let pair = |i: usize| format!("endpoint d{i} = [d{0}, d{0}]{tail}\n", i + 1);
        let chain: String = (0..60).map(pair).collect();
        format!("{chain}endpoint d60 = 10.3.0.0/16\n{}", flow("d0"))
    };
    let texts: [(&str, String); 12] = [
        ("lists that double", doubled("")),
        ("lists that double but for one", doubled(" except 10.3.0.9")),
        ("prefixes", flow(&format!("[{}]", list(100_000, address)))),
        (
            "pieces",
            flow(&format!("10.0.0.0/8 except [{}]", list(100_000, address))),
        ),
        (
            "ports",
            format!("allow q: tcp/{} from workloads to 10.4.4.4 for \"x\"\n", {
                let ports: Vec<String> = (1..=65_535).step_by(2).map(|p| p.to_string()).collect();
                ports.join(",")
            }),
        ),
        (
            "names that are not defined",
            format!(
                "{}endpoint l = [{}]\n",
                chain(n, |i| format!("endpoint n{i} = 10.0.0.0/8\n")),
                list(n, |i| format!("m{i}"))
            ),
        ),
        (
            "tags that are none",
            format!("endpoint l = [{}]\n", list(n, |i| format!("tag(Storg{i})"))),
        ),
        (
            "host bits",
            format!(
                "endpoint l = [{}]\n",
                list(n, |i| format!("10.{}.0.1/8", i % 256))
            ),
        ),
        (
            "silencers",
            "// portcullis: allow PC1011 because\n".repeat(100_000),
        ),
        ("labels given twice", flow("workloads").repeat(n)),
        ("one run of words", "tcp/".repeat(1_000_000)),
        (
            "one line of what has no width",
            "\u{200b}".repeat(1_000_000),
        ),
    ];
    for (name, text) in texts {
        let dir = project();
        more(dir.path(), &text);
        let ran = run(dir.path(), &["check", "--color", "always"], &[]);
        assert!(ran.code == 0 || ran.code == 1, "{name}: {}", ran.code);
        assert!(!ran.err.contains("PC9004"), "{name}");
        assert!(ran.err.len() < 60_000, "{name}: {} bytes", ran.err.len());
    }
}

/// Names that would lead out of the project, or into a file of another name.
#[test]
fn no_name_leads_out_of_the_output() {
    let odd = [
        "..", "../../x", "a/b", "/etc/x", "a\\\\b", "con", "nul.json", ".", "a\u{0}b", "a\u{7}b",
        "", " ", "x y", "é", "-", "~", "*", "%2e%2e", "a:b", "A", "a.", "\u{200b}",
    ];
    for name in odd {
        for text in [
            format!("firewall f {{ name = \"{name}\" }}\n"),
            format!("nsg n {{ name = \"{name}\" }}\nsubnet s = 10.7.0.0/24 {{ nsg = n }}\n"),
            format!("env \"{name}\" {{ workloads = 10.1.0.0/16 }}\n"),
            format!("env {name} {{ workloads = 10.1.0.0/16 }}\n"),
            format!("allow {name}: tcp/1 from workloads to 10.9.0.4 for \"x\"\n"),
        ] {
            assert_inside(&text, |folder| more(folder, &text));
        }
        assert_inside(name, |folder| {
            let file = folder.join("portcullis.yaml");
            let old = fs::read_to_string(&file).unwrap();
            let name = format!("\"{}\"", name.escape_default());
            fs::write(&file, old.replace("demo", &name)).unwrap();
        });
    }
}

/// Compiles a project that lies in a folder of its own, beside which nothing may appear, and in which
/// every file is one that could be named on any system.
fn assert_inside(name: &str, spoil: impl Fn(&Path)) {
    let around = tempfile::tempdir().unwrap();
    let inside = around.path().join("one/two/three");
    fs::create_dir_all(&inside).unwrap();
    super::copy(&super::cases().join("project"), &inside);
    spoil(&inside);
    let ran = run(&inside, &["compile"], &[]);
    assert!((0..=2).contains(&ran.code), "{name:?}: {}", ran.code);
    assert!(!ran.err.contains("PC9004"), "{name:?}: {}", ran.err);
    for path in everything(around.path()).keys() {
        let mut above = Path::new("one/two/three").ancestors();
        let fine = path.starts_with("one/two/three") || above.any(|a| a == path);
        assert!(fine, "{name:?}: {}", path.display());
    }
}

/// A band is full once, however many rules find no place in it.
#[test]
fn ten_thousand_rules_for_one_security_group_are_told_once() {
    let network =
        "subnet busy = 10.7.1.0/24 {\n  nsg = busy\n}\nnsg busy {\n  default-inbound = deny\n}\n";
    let one = |i: usize| {
        let (a, b) = (i / 250, i % 250);
        format!(
            "allow b{i}: tcp/{} from 20.0.{a}.{b} to busy for \"x\"\n",
            i + 1
        )
    };
    let flows: String = (0..10_000).map(one).collect();
    let dir = project();
    more(dir.path(), &format!("{network}{flows}"));
    let ran = run(dir.path(), &["check", "--allow", "PC6003"], &[]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for code in ["error[PC7004]", "error[PC3001]"] {
        let told = ran.err.matches(code).count();
        assert!((1..=2).contains(&told), "{code} {told} times: {}", ran.err);
    }
    assert!(
        ran.err.contains("no number left for this and "),
        "{}",
        ran.err
    );
}
