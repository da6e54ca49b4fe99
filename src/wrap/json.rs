//! A tree as JSON text: two-space indent, LF, final newline, members in the tree's order. It only
//! writes; references are written as ids.

use crate::backends::tree::Tree;

/// The text of a document.
#[must_use]
pub fn text(tree: &Tree) -> String {
    let mut out = String::new();
    write(tree, 0, &mut out);
    out.push('\n');
    out
}

/// The tree with every string, key and reference rewritten.
#[must_use]
pub fn rewrite(
    tree: &Tree,
    string: &impl Fn(&str) -> String,
    reference: &impl Fn(&crate::backends::resource::ResourceId) -> String,
) -> Tree {
    match tree {
        Tree::Bool(_) | Tree::Int(_) => tree.clone(),
        Tree::Str(value) => Tree::Str(string(value)),
        Tree::Ref(id) => Tree::Str(reference(id)),
        Tree::List(items) => Tree::List(
            items
                .iter()
                .map(|item| rewrite(item, string, reference))
                .collect(),
        ),
        Tree::Object(members) => Tree::Object(
            members
                .iter()
                .map(|(key, value)| (string(key).into(), rewrite(value, string, reference)))
                .collect(),
        ),
    }
}

fn write(tree: &Tree, depth: usize, out: &mut String) {
    match tree {
        Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Tree::Int(value) => out.push_str(&value.to_string()),
        Tree::Str(value) => out.push_str(&quoted(value)),
        Tree::Ref(id) => out.push_str(&quoted(&id.with_placeholders())),
        Tree::List(items) => write_items(items, ['[', ']'], depth, out, |item, out| {
            write(item, depth + 1, out);
        }),
        Tree::Object(members) => {
            write_items(members, ['{', '}'], depth, out, |(key, value), out| {
                out.push_str(&quoted(key));
                out.push_str(": ");
                write(value, depth + 1, out);
            });
        }
    }
}

fn write_items<T>(
    items: &[T],
    [open, close]: [char; 2],
    depth: usize,
    out: &mut String,
    mut write_one: impl FnMut(&T, &mut String),
) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        indent(depth + 1, out);
        write_one(item, out);
    }
    if !items.is_empty() {
        out.push('\n');
        indent(depth, out);
    }
    out.push(close);
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn quoted(text: &str) -> String {
    // The library's own writer for one string, in the form that cannot fail.
    serde_json::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    #[test]
    fn the_form_is_that_of_a_pretty_printer_and_reads_back() {
        let tree = Tree::Object(vec![
            ("b".into(), Tree::List(vec![Tree::Int(1), Tree::Bool(true)])),
            ("a\"\\".into(), Tree::str("tab\tline\nü")),
            ("none".into(), Tree::List(vec![])),
            ("empty".into(), Tree::Object(vec![])),
        ]);
        let written = text(&tree);
        assert_eq!(
            written,
            "{\n  \"b\": [\n    1,\n    true\n  ],\n  \"a\\\"\\\\\": \"tab\\tline\\nü\",\n  \
             \"none\": [],\n  \"empty\": {}\n}\n"
        );
        let back: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(back["a\"\\"], "tab\tline\nü");
    }
}
