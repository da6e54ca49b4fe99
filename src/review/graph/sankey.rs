//! The ways as a Sankey diagram in SVG: ribbons as wide as the flows that take them. The text
//! alternative is the title and the description; a page has the table beside it.

use std::fmt::Write;

use super::{Drawing, Links, caption, flows};
use crate::inventory::PointKind;
use crate::review::html::escape;

const WIDTH: f64 = 1100.0;
const NODE: f64 = 12.0;
/// Left edges of the columns.
const X: [f64; 3] = [270.0, 520.0, 818.0];
const GAP: f64 = 14.0;
const TOP: f64 = 44.0;
/// The least height of a node: its label needs it.
const LEAST: f64 = 14.0;
/// Characters of a label at a column's side.
const LABEL: [usize; 3] = [34, 34, 32];

/// A file of its own, one picture below the other.
#[must_use]
pub fn svg(drawings: &[Drawing]) -> String {
    let pictures: Vec<(String, f64)> = drawings
        .iter()
        .enumerate()
        .map(|(number, drawing)| picture(drawing, &format!("e{number}")))
        .collect();
    let whole: f64 = pictures.iter().map(|(_, height)| height + 40.0).sum();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {whole}\" width=\"{WIDTH}\" height=\"{whole}\" font-family=\"Segoe UI, Helvetica, Arial, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}",
        defs("")
    );
    let mut y = 0.0;
    for ((picture, height), drawing) in pictures.iter().zip(drawings) {
        let _ = writeln!(
            out,
            "<g transform=\"translate(0 {y})\" role=\"img\"><title>{}</title>\n<text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"#1b1f24\">{}</text>\n<g transform=\"translate(0 30)\">{picture}</g></g>",
            escape(&caption(drawing)),
            escape(&caption(drawing)),
        );
        y += height + 40.0;
    }
    out.push_str("</svg>\n");
    out
}

/// The picture for a page, whose style sheet gives it its colours. `id` is unique in the page.
#[must_use]
pub fn inline(drawing: &Drawing, id: &str) -> String {
    let (picture, height) = picture(drawing, id);
    format!(
        "<svg class=\"sankey\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">Sources on the left, what enforces in the middle, destinations on the right. The table below the picture says the same in words.</desc>{}{picture}</svg>",
        escape(&caption(drawing)),
        defs(id),
    )
}

/// The hatching of what passes no firewall.
fn defs(id: &str) -> String {
    let one = |name: &str, colour: &str, turn: i32| {
        format!(
            "<pattern id=\"{id}{name}\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate({turn})\"><rect width=\"7\" height=\"7\" fill=\"{colour}\" fill-opacity=\".28\"/><rect width=\"2.4\" height=\"7\" fill=\"{colour}\" fill-opacity=\".75\"/></pattern>"
        )
    };
    format!(
        "<defs>{}{}</defs>\n",
        one("pn", "#E69F00", 45),
        one("pd", "#D55E00", -45)
    )
}

const fn colour(kind: PointKind) -> &'static str {
    match kind {
        PointKind::Firewall => "#0072B2",
        PointKind::Nsg => "#E69F00",
        PointKind::Direct => "#D55E00",
    }
}

const fn class(kind: PointKind) -> &'static str {
    match kind {
        PointKind::Firewall => "fw",
        PointKind::Nsg => "ns",
        PointKind::Direct => "di",
    }
}

/// One node with its place.
struct Place {
    column: usize,
    y: f64,
    height: f64,
    /// Where the next ribbon begins, on its left and on its right.
    left: f64,
    right: f64,
}

/// The picture and its height.
fn picture(drawing: &Drawing, id: &str) -> (String, f64) {
    let graph = Links::of(drawing);
    if graph.nodes.is_empty() {
        let text = "<text x=\"16\" y=\"40\" font-size=\"13\" class=\"lb\" fill=\"#57606a\">No flow is allowed here.</text>";
        return (text.to_owned(), 70.0);
    }
    let prefix = if id.starts_with('e') { "" } else { id };
    let weight = |node: usize| -> usize {
        let sum = |pick: fn(&(usize, usize, PointKind, usize)) -> usize| -> usize {
            let own = graph.links.iter().filter(|link| pick(link) == node);
            own.map(|link| link.3).sum()
        };
        sum(|link| link.0).max(sum(|link| link.1))
    };
    let total: usize = drawing.courses.iter().map(|course| course.weight).sum();
    let most = (0..3)
        .map(|column| graph.nodes.iter().filter(|node| node.0 == column).count())
        .max()
        .unwrap_or(1);
    // As high as the fullest column needs, and not less than reads well.
    let scale = (count(most) * 16.0).clamp(160.0, 900.0) / count(total.max(1));
    let order = order(&graph);
    let mut places: Vec<Place> = Vec::new();
    let mut bottoms = [0.0_f64; 3];
    let mut by_node: Vec<usize> = vec![0; graph.nodes.len()];
    for node in order {
        let Some((column, ..)) = graph.nodes.get(node) else {
            continue;
        };
        let column = *column;
        let height = (count(weight(node)) * scale).max(LEAST);
        let y = bottoms.get(column).copied().unwrap_or(0.0);
        if let Some(bottom) = bottoms.get_mut(column) {
            *bottom = y + height + GAP;
        }
        if let Some(slot) = by_node.get_mut(node) {
            *slot = places.len();
        }
        places.push(Place {
            column,
            y,
            height,
            left: 0.0,
            right: 0.0,
        });
    }
    let tall = bottoms.iter().fold(0.0_f64, |all, one| all.max(*one));
    // Short columns stand in the middle.
    for place in &mut places {
        let own = bottoms.get(place.column).copied().unwrap_or(tall);
        place.y += TOP + (tall - own) / 2.0;
        place.left = place.y;
        place.right = place.y;
    }
    let mut out = heads();
    let mut links: Vec<&(usize, usize, PointKind, usize)> = graph.links.iter().collect();
    let at = |node: usize| by_node.get(node).copied().unwrap_or_default();
    links.sort_by_key(|link| (at(link.0), at(link.1)));
    // Ends on the right side of a ribbon are taken in the order of their left ends.
    for (from, to, kind, weight) in links {
        let width = count(*weight) * scale;
        let (Some(a), Some(b)) = (places.get(at(*from)), places.get(at(*to))) else {
            continue;
        };
        let x0 = X.get(a.column).copied().unwrap_or(0.0) + NODE;
        let x1 = X.get(b.column).copied().unwrap_or(0.0);
        let (y0, y1) = (a.right, b.left);
        let fill = match kind {
            PointKind::Firewall => colour(*kind).to_owned(),
            PointKind::Nsg => format!("url(#{prefix}pn)"),
            PointKind::Direct => format!("url(#{prefix}pd)"),
        };
        let opacity = if *kind == PointKind::Firewall {
            " fill-opacity=\".3\""
        } else {
            ""
        };
        let middle = (x0 + x1) / 2.0;
        let title = format!(
            "{} to {}: {}",
            graph.nodes.get(*from).map_or("", |node| node.1),
            graph.nodes.get(*to).map_or("", |node| node.1),
            flows(*weight)
        );
        let _ = write!(
            out,
            "<path class=\"rb {}\" d=\"M{x0:.1} {y0:.1}C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}V{:.1}C{middle:.1} {:.1} {middle:.1} {:.1} {x0:.1} {:.1}Z\" fill=\"{fill}\"{opacity}><title>{}</title></path>",
            class(*kind),
            y1 + width,
            y1 + width,
            y0 + width,
            y0 + width,
            escape(&title),
        );
        if let Some(a) = places.get_mut(at(*from)) {
            a.right += width;
        }
        if let Some(b) = places.get_mut(at(*to)) {
            b.left += width;
        }
    }
    for (node, (column, label, kind)) in graph.nodes.iter().enumerate() {
        let Some(place) = places.get(at(node)) else {
            continue;
        };
        let weight = weight(node);
        out.push_str(&drawn(place, *column, label, *kind, weight));
    }
    (out, tall + TOP + 6.0)
}

/// What the columns are.
fn heads() -> String {
    let head = |x: f64, anchor: &str, text: &str| {
        format!(
            "<text x=\"{x}\" y=\"20\" font-size=\"11\" letter-spacing=\".06em\" text-anchor=\"{anchor}\" class=\"hd\" fill=\"#57606a\">{text}</text>"
        )
    };
    let [from, by, to] = X;
    head(from + NODE, "end", "FROM") + &head(by, "start", "ENFORCED BY") + &head(to, "start", "TO")
}

fn drawn(
    place: &Place,
    column: usize,
    label: &str,
    kind: Option<PointKind>,
    weight: usize,
) -> String {
    let x = X.get(column).copied().unwrap_or(0.0);
    let fill = kind.map_or("#57606a", colour);
    let class = kind.map_or("nd", class);
    let most = LABEL.get(column).copied().unwrap_or(30);
    let (tx, anchor) = if column == 0 {
        (x - 8.0, "end")
    } else {
        (x + NODE + 8.0, "start")
    };
    format!(
        "<g><title>{}: {}</title><rect class=\"{class}\" x=\"{x}\" y=\"{:.1}\" width=\"{NODE}\" height=\"{:.1}\" rx=\"2\" fill=\"{fill}\"/><text class=\"lb\" x=\"{tx}\" y=\"{:.1}\" font-size=\"12.5\" dominant-baseline=\"middle\" text-anchor=\"{anchor}\" fill=\"#1b1f24\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\" stroke-linejoin=\"round\">{} <tspan class=\"ct\" fill=\"#57606a\">{weight}</tspan></text></g>",
        escape(label),
        flows(weight),
        place.y,
        place.height,
        place.y + place.height / 2.0,
        escape(&cut(label, most)),
    )
}

/// A label that fits beside its node; the whole is in the title.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let first: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", first.trim_end())
}

/// Nodes from top to bottom, column by column: firewalls before security groups before nothing, ends by
/// the mean place of what enforces on their ways, so that few ribbons cross.
fn order(graph: &Links<'_>) -> Vec<usize> {
    let mut points: Vec<usize> = (0..graph.nodes.len())
        .filter(|at| graph.nodes.get(*at).is_some_and(|node| node.0 == 1))
        .collect();
    points.sort_by_key(|at| graph.nodes.get(*at).map(|node| (node.2, node.1)));
    let rank = |point: usize| points.iter().position(|at| *at == point).unwrap_or(0);
    let mean = |node: usize| {
        let (mut sum, mut all) = (0_usize, 0_usize);
        for (from, to, _, weight) in &graph.links {
            if *from == node {
                sum += rank(*to) * weight * 1000;
                all += weight;
            } else if *to == node {
                sum += rank(*from) * weight * 1000;
                all += weight;
            }
        }
        sum.checked_div(all).unwrap_or(0)
    };
    let mut out = points.clone();
    for column in [0, 2] {
        let mut ends: Vec<usize> = (0..graph.nodes.len())
            .filter(|at| graph.nodes.get(*at).is_some_and(|node| node.0 == column))
            .collect();
        ends.sort_by_key(|at| {
            let label = graph.nodes.get(*at).map_or("", |node| node.1);
            // What was folded stands last.
            (label == super::OTHER, mean(*at), label)
        });
        out.extend(ends);
    }
    out
}

#[allow(clippy::cast_precision_loss)] // numbers of flows and of rows
fn count(number: usize) -> f64 {
    number as f64
}
