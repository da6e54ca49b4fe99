//! The ways as a Mermaid flow chart, which GitHub and Azure DevOps show in Markdown.

use super::{Drawing, Links, caption};
use crate::inventory::PointKind;
use crate::review::harmless::harmless;

/// One chart; several environments are subgraphs of it.
#[must_use]
pub fn mermaid(drawings: &[Drawing]) -> String {
    let mut out = String::from("flowchart LR\n");
    let several = drawings.len() > 1;
    let mut classes = [Vec::new(), Vec::new(), Vec::new()];
    let mut dashed: Vec<usize> = Vec::new();
    let mut count = 0;
    for (number, drawing) in drawings.iter().enumerate() {
        out.push_str(&format!("  %% {}\n", plain(&caption(drawing))));
        if several {
            let name = label(&drawing.environment);
            out.push_str(&format!("  subgraph e{number}[\"{name}\"]\n"));
        }
        let graph = Links::of(drawing);
        for (at, (_, text, kind)) in graph.nodes.iter().enumerate() {
            let id = format!("e{number}n{at}");
            let text = label(text);
            match kind {
                None => out.push_str(&format!("  {id}[\"{text}\"]\n")),
                Some(kind) => {
                    out.push_str(&format!("  {id}{{{{\"{text}\"}}}}\n"));
                    if let Some(list) = classes.get_mut(class(*kind)) {
                        list.push(id);
                    }
                }
            }
        }
        for (from, to, kind, weight) in &graph.links {
            let arrow = if *kind == PointKind::Firewall {
                "-->"
            } else {
                "-.->"
            };
            out.push_str(&format!(
                "  e{number}n{from} {arrow}|{weight}| e{number}n{to}\n"
            ));
            if *kind != PointKind::Firewall {
                dashed.push(count);
            }
            count += 1;
        }
        if several {
            out.push_str("  end\n");
        }
    }
    let styles = [
        ("firewall", "fill:#0072B2,stroke:#00486f,color:#ffffff"),
        ("nsg", "fill:#E69F00,stroke:#8a5f00,color:#000000"),
        ("direct", "fill:#D55E00,stroke:#7d3700,color:#ffffff"),
    ];
    for ((name, style), list) in styles.iter().zip(classes) {
        if !list.is_empty() {
            out.push_str(&format!("  classDef {name} {style}\n"));
            out.push_str(&format!("  class {} {name}\n", list.join(",")));
        }
    }
    if !dashed.is_empty() {
        let list: Vec<String> = dashed.iter().map(ToString::to_string).collect();
        out.push_str(&format!("  linkStyle {} stroke:#D55E00\n", list.join(",")));
    }
    out
}

const fn class(kind: PointKind) -> usize {
    match kind {
        PointKind::Firewall => 0,
        PointKind::Nsg => 1,
        PointKind::Direct => 2,
    }
}

/// A text inside quotes: what could end it, or be read as markup, is written as an entity.
fn label(text: &str) -> String {
    let mut out = String::new();
    for c in harmless(text).chars() {
        match c {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | ' '
            | '.'
            | '-'
            | '_'
            | '/'
            | ':'
            | ','
            | '('
            | ')' => out.push(c),
            // Mermaid's own form of an entity has a number sign and no ampersand.
            _ => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}

/// A comment ends with its line, and Mermaid reads braces after `%%` as a directive.
fn plain(text: &str) -> String {
    harmless(text).replace(['{', '}'], "?")
}
