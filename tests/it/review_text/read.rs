//! A Markdown page read by a reader that knows GitHub's Markdown and nothing of ours.

use markdown::mdast::Node;
use markdown::{ParseOptions, to_mdast};

/// What a reader finds in a page.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each table as rows of cells, the head first.
    pub tables: Vec<Vec<Vec<String>>>,
    /// Each piece of HTML.
    pub html: Vec<String>,
    /// Running text, without code.
    pub text: String,
    /// Code spans.
    pub spans: Vec<String>,
    /// Blocks of code, by language.
    pub blocks: Vec<(String, String)>,
    /// Links, images and footnotes.
    pub links: Vec<String>,
    /// Points of lists.
    pub points: usize,
    /// Headings.
    pub headings: Vec<String>,
    /// Between `<code>` and `</code>`.
    code: bool,
}

pub(super) fn read(page: &str) -> Found {
    let tree = to_mdast(page, &ParseOptions::gfm()).unwrap();
    let mut found = Found::default();
    walk(&tree, &mut found);
    found
}

fn walk(node: &Node, found: &mut Found) {
    match node {
        Node::Table(table) => {
            let mut rows = Vec::new();
            for row in &table.children {
                let cells = row.children().unwrap();
                rows.push(cells.iter().map(plain).collect());
            }
            found.tables.push(rows);
        }
        Node::Html(html) => {
            match html.value.as_str() {
                "<code>" => found.code = true,
                "</code>" => found.code = false,
                _ => {}
            }
            found.html.push(html.value.clone());
        }
        Node::Text(text) if found.code => found.spans.push(text.value.clone()),
        Node::Text(text) => {
            found.text.push_str(&text.value);
            found.text.push('\n');
        }
        Node::InlineCode(code) => found.spans.push(code.value.clone()),
        Node::Code(code) => {
            let language = code.lang.clone().unwrap_or_default();
            found.blocks.push((language, code.value.clone()));
        }
        Node::Link(_)
        | Node::Image(_)
        | Node::LinkReference(_)
        | Node::ImageReference(_)
        | Node::Definition(_)
        | Node::FootnoteReference(_)
        | Node::FootnoteDefinition(_) => found.links.push(format!("{node:?}")),
        Node::ListItem(_) => found.points += 1,
        Node::Heading(_) => found.headings.push(plain(node)),
        _ => {}
    }
    for child in node.children().into_iter().flatten() {
        walk(child, found);
    }
}

/// The text below a node, code and HTML included.
fn plain(node: &Node) -> String {
    match node {
        Node::Text(text) => text.value.clone(),
        Node::InlineCode(code) => code.value.clone(),
        Node::Html(html) => html.value.clone(),
        _ => node.children().into_iter().flatten().map(plain).collect(),
    }
}
