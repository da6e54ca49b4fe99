//! The ways as a graph for Graphviz.

use super::{Drawing, Links, caption, quoted};
use crate::inventory::PointKind;

/// What a quoted text escapes; nothing else can end it.
const MARKED: [char; 2] = ['"', '\\'];

/// One digraph; several environments are clusters of it.
#[must_use]
pub fn dot(drawings: &[Drawing]) -> String {
    let mut out = String::from(
        "digraph portcullis {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\", color=\"#0072B2\"];\n",
    );
    let several = drawings.len() > 1;
    for (number, drawing) in drawings.iter().enumerate() {
        if several {
            out.push_str(&format!("  subgraph cluster_{number} {{\n"));
        }
        out.push_str(&format!(
            "  label={};\n",
            quoted(&caption(drawing), &MARKED)
        ));
        let graph = Links::of(drawing);
        for (at, (_, text, kind)) in graph.nodes.iter().enumerate() {
            let style = match kind {
                None => "",
                Some(PointKind::Firewall) => {
                    ", shape=hexagon, fillcolor=\"#0072B2\", fontcolor=\"#ffffff\""
                }
                Some(PointKind::Nsg) => ", shape=hexagon, fillcolor=\"#E69F00\"",
                Some(PointKind::Direct) => {
                    ", shape=hexagon, fillcolor=\"#D55E00\", fontcolor=\"#ffffff\""
                }
            };
            out.push_str(&format!(
                "  e{number}n{at} [label={}{style}];\n",
                quoted(text, &MARKED)
            ));
        }
        for (from, to, kind, weight) in &graph.links {
            // Square root: a way of a hundred flows must leave room for one of one.
            let width = (1..=12).rev().find(|w| w * w <= *weight).unwrap_or(1);
            let style = if *kind == PointKind::Firewall {
                ""
            } else {
                ", style=dashed, color=\"#D55E00\""
            };
            out.push_str(&format!(
                "  e{number}n{from} -> e{number}n{to} [label=\"{weight}\", penwidth={width}{style}];\n"
            ));
        }
        if several {
            out.push_str("  }\n");
        }
    }
    out.push_str("}\n");
    out
}
