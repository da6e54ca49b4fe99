//! The Mermaid chart of a difference: who reaches where, newly or no more. At most thirty edges; what is
//! not drawn is counted. The table beside it says the same in words.

use crate::diff::told::{Difference, Kind};
use crate::review::harmless::{clipped, harmless};
use crate::review::words;

/// The most edges that a reader can follow.
const MOST: usize = 30;

/// The most characters of a label.
const LABEL: usize = 60;

/// An edge: from, to, kind, what; regions that differ only in what are one.
type Edge = (String, String, Kind, Vec<String>);

/// How a chart is fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fence {
    /// Three backticks, as GitHub reads them.
    Backticks,
    /// `::: mermaid`, as wikis of Azure DevOps read it.
    Colons,
}

/// The chart with a sentence below it; empty if nothing is to be drawn.
pub(super) fn chart(difference: &Difference, shown: &dyn Fn(Kind) -> bool, fence: Fence) -> String {
    let mut edges: Vec<Edge> = Vec::new();
    // By what an edge is known, so that many regions stay cheap.
    let mut known: std::collections::BTreeMap<(String, String, Kind), usize> =
        std::collections::BTreeMap::new();
    for change in &difference.semantic {
        if change.change == Kind::Undecided || !shown(change.change) {
            continue;
        }
        let traffic = &change.traffic;
        let (from, to) = (words::who(traffic), words::whither_in_short(traffic));
        let what = words::what(&change.traffic);
        let key = (from.clone(), to.clone(), change.change);
        match known.get(&key).and_then(|at| edges.get_mut(*at)) {
            Some((_, _, _, all)) if all.contains(&what) => {}
            Some((_, _, _, all)) => all.push(what),
            None => {
                known.insert(key, edges.len());
                edges.push((from, to, change.change, vec![what]));
            }
        }
    }
    if edges.is_empty() {
        return String::new();
    }
    let mut nodes: Vec<String> = Vec::new();
    let mut lines = String::from("flowchart LR\n  accTitle: Traffic that differs\n");
    let mut opened: Vec<String> = Vec::new();
    let mut closed: Vec<String> = Vec::new();
    for (at, (from, to, kind, what)) in edges.iter().take(MOST).enumerate() {
        let from = node(&mut nodes, from, fence);
        let to = node(&mut nodes, to, fence);
        let (arrow, word) = match kind {
            Kind::NewlyAllowed => ("==>", "new"),
            Kind::NewlyBypassing => ("==>", "past the firewall"),
            Kind::Redirected => ("==>", "led elsewhere"),
            Kind::NoLongerAllowed => ("-.->", "gone"),
            Kind::NewlyPassing | Kind::Undecided => ("-.->", "through the firewall"),
        };
        let text = label(&format!("{word}, {}", words::first_few(what, 3)), fence);
        lines.push_str(&format!("  {from} {arrow}|\"{text}\"| {to}\n"));
        let list = if kind.widens() {
            &mut opened
        } else {
            &mut closed
        };
        list.push(at.to_string());
    }
    // Told apart by the colour-blind; the arrows and the words say the same.
    for (list, colour) in [(opened, "darkorange"), (closed, "royalblue")] {
        if !list.is_empty() {
            lines.push_str(&format!("  linkStyle {} stroke:{colour}\n", list.join(",")));
        }
    }
    let mut out = match fence {
        Fence::Backticks => format!("```mermaid\n{lines}```\n"),
        Fence::Colons => format!("::: mermaid\n{lines}:::\n"),
    };
    if edges.len() > MOST {
        out.push_str(&format!(
            "\n{MOST} of {} arrows are drawn, those of the highest risk; the tables have all.\n",
            words::grouped_digits(&edges.len().to_string())
        ));
    }
    out
}

/// The id of the node with a label, with the label where it is first named.
fn node(nodes: &mut Vec<String>, name: &str, fence: Fence) -> String {
    if let Some(at) = nodes.iter().position(|known| known == name) {
        return format!("n{at}");
    }
    nodes.push(name.to_owned());
    format!("n{}[\"{}\"]", nodes.len() - 1, label(name, fence))
}

/// A label between quotes. Mermaid reads directives, comments, entities and Markdown even there, so all but
/// the plainest characters are written as entities. Between colons they are wide forms of themselves: where
/// such a chart is not drawn it is text, in which `#42;` would be an issue and `www.` or `GH-1` a link.
fn label(from: &str, fence: Fence) -> String {
    let mut out = String::new();
    for c in clipped(&harmless(from), LABEL).chars() {
        let before = out.to_ascii_lowercase();
        let link = c == '.' && before.ends_with("www") || c == '-' && before.ends_with("gh");
        let wide = char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_graphic());
        match (fence, wide) {
            _ if !link && plain(c) => out.push(c),
            (Fence::Colons, Some(wide)) => out.push(wide),
            _ => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}

fn plain(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || " ./,+()-".contains(c)
}
