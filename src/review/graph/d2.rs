//! The ways as a diagram for D2.

use super::{Drawing, Links, caption, quoted};
use crate::inventory::PointKind;
use crate::review::harmless::harmless;

/// What a quoted text escapes; `$` would begin a substitution.
const MARKED: [char; 3] = ['"', '\\', '$'];

/// One diagram; several environments are containers in it.
#[must_use]
pub fn d2(drawings: &[Drawing]) -> String {
    let mut out = String::from("direction: right\n");
    let several = drawings.len() > 1;
    for (number, drawing) in drawings.iter().enumerate() {
        let caption = harmless(&caption(drawing));
        out.push_str(&format!("# {caption}\n"));
        if several {
            out.push_str(&format!(
                "e{number}: {} {{\n",
                quoted(&drawing.environment, &MARKED)
            ));
        }
        let graph = Links::of(drawing);
        for (at, (_, text, kind)) in graph.nodes.iter().enumerate() {
            let style = match kind {
                None => "",
                Some(PointKind::Firewall) => {
                    " { shape: hexagon; style.fill: \"#0072B2\"; style.font-color: \"#ffffff\" }"
                }
                Some(PointKind::Nsg) => " { shape: hexagon; style.fill: \"#E69F00\" }",
                Some(PointKind::Direct) => {
                    " { shape: hexagon; style.fill: \"#D55E00\"; style.font-color: \"#ffffff\" }"
                }
            };
            out.push_str(&format!("n{at}: {}{style}\n", quoted(text, &MARKED)));
        }
        for (from, to, kind, weight) in &graph.links {
            let style = if *kind == PointKind::Firewall {
                ""
            } else {
                " { style.stroke: \"#D55E00\"; style.stroke-dash: 4 }"
            };
            out.push_str(&format!("n{from} -> n{to}: \"{weight}\"{style}\n"));
        }
        if several {
            out.push_str("}\n");
        }
    }
    out
}
