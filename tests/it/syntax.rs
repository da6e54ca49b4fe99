//! The parser from outside: texts in, trees and diagnostics out. No formatting, no meaning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::diag::Diagnostic;
use portcullis::source::SourceMap;
use portcullis::syntax::{ast, parse};

pub(crate) fn read(text: &str) -> (ast::File, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let file = sources.add("policy.gate", text);
    parse(&sources, file)
}

/// `line:column code message` for each diagnostic.
pub(crate) fn told(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let file = sources.add("policy.gate", text);
    let (_, diagnostics) = parse(&sources, file);
    diagnostics
        .iter()
        .map(|d| {
            let (_, line, column) = sources.place(d.primary.unwrap());
            format!("{line}:{column} {} {}", d.code, d.message)
        })
        .collect()
}

/// The folder with the design's examples: beside the repository, or where the variable says.
pub(crate) fn examples() -> std::path::PathBuf {
    std::env::var_os("PORTCULLIS_EXAMPLES").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/design/examples"),
        Into::into,
    )
}

#[test]
fn design_examples_parse() {
    let folder = examples();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the folder with the design's examples is not here");
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(told(&text), Vec::<String>::new(), "{}", path.display());
    }
}

fn case(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/syntax");
    std::fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn everything_parses() {
    let text = case("everything/policy.gate");
    assert_eq!(told(&text), Vec::<String>::new());
    let (tree, _) = read(&text);
    assert!(tree.items.len() > 60);
    assert!(!tree.items.iter().any(|i| i.node == ast::Item::Error));
}

#[test]
fn twelve_faults_give_twelve_diagnostics() {
    let told = told(&case("twelve-faults/policy.gate"));
    let expected = case("twelve-faults/expect.txt");
    assert_eq!(told.join("\n"), expected.trim_end());
    assert_eq!(told.len(), 12);
}

/// The one diagnostic of a text that has one fault.
fn only(text: &str) -> Diagnostic {
    let (_, mut diagnostics) = read(text);
    assert_eq!(diagnostics.len(), 1, "{text}\n{diagnostics:#?}");
    diagnostics.pop().unwrap()
}

#[test]
fn single_faults_are_told_where_they_are() {
    for (text, expected) in [
        (
            "portcullis 2",
            "1:12 PC0010 language version 2 is newer than this tool",
        ),
        (
            "endpoint a = 10.0.0.9/8",
            "1:14 PC0007 prefix `10.0.0.9/8` has host bits set",
        ),
        (
            "endpoint a = 10.0.0.0/35",
            "1:14 PC0006 `10.0.0.0/35` is not a valid prefix",
        ),
        (
            "endpoint a = 10.0.0.256",
            "1:14 PC0006 `10.0.0.256` is not a valid prefix",
        ),
        (
            "endpoint a = 10.0.0.9-10.0.0.1",
            "1:14 PC0006 `10.0.0.9-10.0.0.1` is not a valid prefix",
        ),
        (
            "endpoint a = www.*.com",
            "1:14 PC0009 `www.*.com` is not a valid name pattern",
        ),
        (
            "endpoint a = *",
            "1:14 PC0009 `*` is not a valid name pattern",
        ),
        (
            "endpoint a = contoso.com/x",
            "1:14 PC0009 `contoso.com/x` is not a valid name pattern",
        ),
        ("service a = tcp/0", "1:17 PC0008 port 0 is not used"),
        (
            "service a = tcp/65536",
            "1:17 PC0008 port 65536 is out of range",
        ),
        ("endpoint a = \"x", "1:14 PC0002 unclosed `\"`"),
        ("endpoint a = [x", "1:14 PC0002 unclosed `[`"),
        ("endpoint a = tag(x", "1:17 PC0002 unclosed `(`"),
        ("nsg a {", "1:7 PC0002 unclosed `{`"),
        (
            "nsg a {\n  x = y\n\nendpoint b = any",
            "1:7 PC0002 unclosed `{`",
        ),
        (
            "group a {\n  allow x: any from b to c\n\ngroup d {\n}",
            "1:9 PC0002 unclosed `{`",
        ),
        (
            "endpoint a = any\0",
            "1:17 PC0011 the file holds the control character U+0000",
        ),
        (
            "endpoint a =\nendpoint b = any",
            "1:13 PC0001 expected an endpoint, found the end of the statement",
        ),
        (
            "endpoint a =",
            "1:13 PC0001 expected an endpoint, found the end of the file",
        ),
        ("endpoint a any", "1:12 PC0001 expected `=`, found `any`"),
        (
            "endpoint tcp = any",
            "1:10 PC0001 expected a name, found the reserved word `tcp`",
        ),
        (
            "allow x: tcp/443 to b from c",
            "1:18 PC0001 expected `from` or `between`, found `to`",
        ),
        (
            "allow x: tcp/443 from https://www.contoso.com to c",
            "1:23 PC0001 expected an endpoint, found `https://www.contoso.com`",
        ),
        (
            "allow x: web/443 from a to c",
            "1:10 PC0001 expected a protocol before `/`, found `web`",
        ),
        (
            "endpoint a = tags(Storage)",
            "1:14 PC0001 expected `tag`, `fqdn-tag`, `ip-group`, `asg`, `category`, `url` or `fqdn`, found `tags(`",
        ),
        (
            "allow x: tcp from a to b foor \"y\"",
            "1:26 PC0004 unknown clause `foor`",
        ),
        (
            "allow x: tcp from a to b\n  foor \"y\"",
            "2:3 PC0004 unknown clause `foor`",
        ),
        (
            "allow x: tcp from a to b\nallaw y: tcp from a to b",
            "2:1 PC0003 unknown statement `allaw`",
        ),
        ("}", "1:1 PC0001 expected a statement, found `}`"),
        (
            "env a {\n  b 1\n  c = 2\n}",
            "2:5 PC0001 expected `=`, found `1`",
        ),
        (
            "allow x: any from a to b\n  ticket 123",
            "2:10 PC0001 expected a string or a name, found `123`",
        ),
        (
            "allow x: any from a to b\n  until 2027-02-30",
            "2:9 PC0001 expected a day of the calendar, found `2027-02-30`",
        ),
        (
            "dnat x: tcp from a to b into 10.0.0.1",
            "1:9 PC0001 expected `tcp` or `udp` with one port, found `tcp`",
        ),
        (
            "test \"x\" {\n  allow tcp/1 from a to b:2\n}",
            "2:26 PC0001 expected no ports behind the destination, found `:`",
        ),
        (
            "allow x: any from a to b\n  when c = d",
            "2:10 PC0001 expected `==` or `!=`, found `=`",
        ),
    ] {
        assert_eq!(told(text), [expected], "{text}");
    }
}

#[test]
fn fixes_mend_the_text() {
    for (text, mended) in [
        ("endpoint a = 10.0.0.9/8", "endpoint a = 10.0.0.0/8"),
        ("endpiont a = any", "endpoint a = any"),
        (
            "allow tcp/80, 443 from a to b",
            "allow tcp/80,443 from a to b",
        ),
        ("allow x tcp from a to b", "allow x: tcp from a to b"),
        (
            "allow x: tcp from a exept c to b",
            "allow x: tcp from a except c to b",
        ),
        (
            "allow x: tcp from a to b fore \"x\"",
            "allow x: tcp from a to b for \"x\"",
        ),
        ("allow x: tpc/1 from a to b", "allow x: tcp/1 from a to b"),
        (
            "allow x: any from a to b ticket 1",
            "allow x: any from a to b ticket \"1\"",
        ),
    ] {
        let fix = only(text).fix.unwrap_or_else(|| panic!("no fix: {text}"));
        let mut found = text.to_owned();
        found.replace_range(
            fix.span.start as usize..fix.span.end as usize,
            &fix.replacement,
        );
        assert_eq!(found, mended);
        assert_eq!(told(&found), Vec::<String>::new());
    }
}

#[test]
fn a_bad_member_keeps_the_rest_of_its_group() {
    let (tree, diagnostics) = read(
        "group g owner {\n  allow a: tcp from x to y\n  allow b tcp\n  allow c: tcp from x to y\n}\n",
    );
    assert_eq!(diagnostics.len(), 2, "{diagnostics:#?}");
    let ast::Item::Group(group) = &tree.items[0].node else {
        panic!("{tree:#?}");
    };
    assert_eq!(group.members.len(), 3);
    assert_eq!(group.members[1].node, ast::Member::Error);
}

#[test]
fn values_mean_what_their_form_says() {
    let (tree, diagnostics) = read(
        "env e {\n a = b\n c = [x, 1, \"s\"]\n d = [x] except y\n e = tcp, web\n f = any\n g = 2025\n}\nparam v: enum(seed, 2025)",
    );
    assert_eq!(diagnostics, []);
    let ast::Item::Env(env) = &tree.items[0].node else {
        panic!("{tree:#?}");
    };
    let value = |at: usize| &env.block.entries[at].node.value.node;
    assert!(matches!(value(0), ast::Value::Expr(e) if matches!(e.kind, ast::ExprKind::Path(_))));
    assert!(matches!(value(1), ast::Value::List(l) if l.elements.len() == 3));
    assert!(matches!(value(2), ast::Value::Expr(e) if matches!(e.kind, ast::ExprKind::Except(..))));
    assert!(matches!(value(3), ast::Value::Services(s) if s.len() == 2));
    assert!(matches!(value(4), ast::Value::Expr(e) if e.kind == ast::ExprKind::Any));
    assert!(matches!(value(5), ast::Value::Int(2025)));
    let ast::Item::Param(param) = &tree.items[1].node else {
        panic!("{tree:#?}");
    };
    assert_eq!(param.ty.members[1].node, "2025");
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    for deep in [
        format!("endpoint a = {}x{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("endpoint a = {}", "[".repeat(10_000)),
        format!("env a {}", "{ b = ".repeat(10_000)),
        format!("allow any from a to b when {}c", "not ".repeat(10_000)),
        format!(
            "allow any from a to b when {}c{}",
            "(".repeat(10_000),
            ")".repeat(10_000)
        ),
        format!("endpoint a = b{}", " except c".repeat(10_000)),
        format!("env a {{ b = {}", "[".repeat(10_000)),
        format!("env a {{ b = [c]{} }}", " except c".repeat(10_000)),
    ] {
        let (_, diagnostics) = read(&deep);
        let first = diagnostics.iter().find(|d| d.code.id() == "PC0012");
        assert!(first.is_some(), "{diagnostics:#?}");
        assert!(diagnostics.len() <= 50);
    }
}

#[test]
fn long_lines_and_names_are_read() {
    let elements: Vec<String> = (0..100_000).map(|n| format!("n{n}")).collect();
    assert_eq!(
        told(&format!("endpoint a = [{}]", elements.join(", "))),
        Vec::<String>::new()
    );
    assert_eq!(told(&"x ".repeat(100_000)).len(), 1);
    assert_eq!(told(&"endpoint ".repeat(100_000)).len(), 1);
    assert_eq!(told(&"} ".repeat(100_000)).len(), 1);
    let name = "n".repeat(10_000);
    assert_eq!(
        told(&format!("endpoint {name} = any")),
        Vec::<String>::new()
    );
    let unknown = only(&format!("{name} = any"));
    assert!(unknown.message.len() < 200);
    assert_eq!(
        only(&format!("endpoint a = {name}.com")).code.id(),
        "PC0009"
    );
}

#[test]
fn large_files_are_refused_quickly() {
    let text = "endpoint a = any\n".repeat(50 * 1024 * 1024 / 17);
    assert_eq!(only(&text).code.id(), "PC0012");
    let text = ", ".repeat(8 * 1024 * 1024);
    assert_eq!(only(&text).code.id(), "PC0012");
}

#[test]
fn at_most_fifty_errors_are_told() {
    let text = "endpiont a = any\n".repeat(1000);
    assert_eq!(told(&text).len(), 50);
}

/// The tree without places and comments.
pub(crate) fn bare(text: &str) -> ast::File {
    let (mut tree, _) = read(text);
    portcullis::syntax::visit::erase(&mut tree);
    tree
}

#[test]
fn byte_order_mark_and_line_ends_change_nothing() {
    let text = case("everything/policy.gate");
    let plain = bare(&text);
    assert_eq!(bare(&format!("\u{feff}{text}")), plain);
    assert_eq!(bare(&text.replace('\n', "\r\n")), plain);
}

mod properties {
    use super::{case, read};
    use portcullis::diag::Severity;
    use portcullis::source::Span;
    use portcullis::syntax::ast;
    use portcullis::syntax::visit::{Change, change};
    use proptest::prelude::*;

    struct InRange(u32);

    impl Change for InRange {
        fn span(&mut self, span: &mut Span) {
            assert!(span.start <= span.end && span.end <= self.0, "{span:?}");
        }
    }

    /// Parses and checks what holds for every text.
    fn check(text: &str) -> (ast::File, usize) {
        let (mut tree, diagnostics) = read(text);
        let length = u32::try_from(text.trim_start_matches('\u{feff}').len()).unwrap();
        change(&mut tree, &mut InRange(length));
        for d in &diagnostics {
            let span = d.primary.unwrap();
            assert!(span.start <= span.end && span.end <= length, "{d:?}");
        }
        let errors = diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        (tree, errors)
    }

    /// Words and signs of the language in any order.
    fn soup() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "allow",
            "deny",
            "group",
            "test",
            "env",
            "endpoint",
            "subnet",
            "param",
            "route",
            "dnat",
            "a",
            "b::c",
            "from",
            "to",
            "for",
            "when",
            "not",
            "and",
            "or",
            "==",
            "=",
            "{",
            "}",
            "[",
            "]",
            "(",
            ")",
            ",",
            ":",
            "/",
            "->",
            "tcp/80",
            "any",
            "except",
            "10.0.0.0/8",
            "10.0.0",
            "x.com",
            "*",
            "\"s\"",
            "\"",
            "1",
            "2027-01-31",
            "\n",
            "\n  ",
            "// c\n",
            "tag(",
            "${a}",
            "via",
            "on",
            "into",
            "x:443",
            "with",
            "service",
            "=",
            "\u{e9}",
            "overrides",
            "::",
        ]);
        prop::collection::vec(words, 0..60).prop_map(|w| w.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read(text in "\\PC{0,200}") {
            check(&text);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_words_are_read(text in soup()) {
            check(&text);
        }

        #[test]
        fn mutated_policies_are_read(
            at in 0.0..1.0_f64,
            length in 0_usize..40,
            insert in soup(),
        ) {
            let text = case("everything/policy.gate");
            let boundary = |mut n: usize| {
                while !text.is_char_boundary(n) {
                    n -= 1;
                }
                n
            };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let start = boundary((at * text.len() as f64) as usize);
            let end = boundary((start + length).min(text.len()));
            let mutated = format!("{}{insert}{}", &text[..start], &text[end..]);
            check(&mutated);
        }

        #[test]
        fn one_lost_line_is_at_most_a_few_errors(line in 0_usize..300) {
            let text = case("everything/policy.gate");
            let kept: Vec<&str> = text
                .lines()
                .enumerate()
                .filter(|(n, _)| *n != line)
                .map(|(_, l)| l)
                .collect();
            let (_, errors) = check(&kept.join("\n"));
            // Without its first line, each line of a test is read as a flow.
            prop_assert!(errors <= 10, "line {line}: {errors}");
        }
    }
}

/// The productions of the grammar, and the functions that carry them out.
#[test]
fn grammar_and_parser_have_the_same_productions() {
    use std::collections::BTreeSet;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let grammar = std::fs::read_to_string(root.join("grammar/portcullis.ebnf")).unwrap();
    let lower = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let productions: BTreeSet<String> = grammar
        .lines()
        .filter(|l| !l.starts_with(' '))
        .filter_map(|l| l.split_once(" ="))
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| lower(name))
        .collect();
    let mut functions = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("src/syntax/parse")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|n| n == "mod.rs") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let Some((name, rest)) = line
                .strip_prefix("pub(super) fn ")
                .or_else(|| line.strip_prefix("pub(crate) fn "))
                .and_then(|l| l.split_once('('))
            else {
                continue;
            };
            if rest.contains("i: In<'_>) -> Res<") {
                functions.insert(name.to_owned());
            }
        }
    }
    assert_eq!(productions, functions);
    // Every production that is used is defined.
    let mut used = BTreeSet::new();
    let mut plain = String::new();
    for (n, part) in grammar.split("(*").enumerate() {
        plain.push_str(if n == 0 {
            part
        } else {
            part.split_once("*)").unwrap().1
        });
    }
    for (n, part) in plain.split('"').enumerate() {
        if n % 2 == 0 {
            used.extend(
                part.split(|c: char| {
                    !c.is_ascii_lowercase() && c != '_' && !c.is_ascii_uppercase()
                })
                .filter(|w| lower(w))
                .map(str::to_owned),
            );
        }
    }
    assert_eq!(used, productions);
}
