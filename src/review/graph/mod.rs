//! Pictures of the ways that allowed flows take: from a source, by what enforces, to a destination.
//! Here ways are grouped and cut to what can be read; a file a form draws them.

mod d2;
mod dot;
mod json;
mod mermaid;
mod sankey;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::inventory::{Environment, Node, PointKind, UnitKind};
use crate::review::harmless::harmless;

pub use d2::d2;
pub use dot::dot;
pub use json::json;
pub use mermaid::mermaid;
pub use sankey::{inline, svg};
pub use text::text;

/// What ends are put together by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// Subnets by themselves, names together, the parts of a service tag together.
    #[default]
    Subnet,
    /// Each subnet, list of names, tag by itself.
    End,
    /// Subnets by their virtual network.
    Network,
    /// Subnets by their zone.
    Zone,
    /// Sources by the owner of the flow.
    Owner,
    /// Everything by what it is: subnets, addresses, tags, names.
    Kind,
}

/// What can be drawn of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drawing {
    /// Its environment.
    pub environment: String,
    /// The ways, the heaviest first; what was folded last.
    pub courses: Vec<Course>,
    /// Ways that were folded into others.
    pub folded: usize,
    /// Flows that are drawn.
    pub flows: usize,
    /// Flows of which some way passes no firewall.
    pub unfiltered: usize,
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Course {
    /// Where it starts.
    pub from: String,
    /// What enforces.
    pub kind: PointKind,
    /// The same in words.
    pub point: String,
    /// Where it ends.
    pub to: String,
    /// Flows that take it.
    pub weight: usize,
}

/// The end of ways that were folded.
pub(super) const OTHER: &str = "other";

/// What enforces, in words; security groups together unless each end stands by itself.
fn point(kind: PointKind, by: &str, grouping: GroupBy) -> String {
    match kind {
        PointKind::Nsg if grouping != GroupBy::End => "no firewall, an NSG".to_owned(),
        PointKind::Firewall if by.is_empty() => "firewall".to_owned(),
        PointKind::Firewall => format!("firewall {by}"),
        PointKind::Nsg => format!("no firewall, NSG {by}"),
        PointKind::Direct => "nothing enforces".to_owned(),
    }
}

/// The ways of an environment, grouped; of them the `most` heaviest, the others together by what
/// enforces on them.
#[must_use]
pub fn drawing(environment: &Environment, by: GroupBy, most: usize) -> Drawing {
    let mut found: BTreeMap<(String, PointKind, String, String), BTreeSet<usize>> = BTreeMap::new();
    let several = several(environment);
    let (mut all, mut unfiltered) = (BTreeSet::new(), BTreeSet::new());
    for edge in &environment.edges {
        for at in &edge.flows {
            let Some(flow) = environment.flows.get(*at) else {
                continue;
            };
            all.insert(*at);
            if edge.point != PointKind::Firewall {
                unfiltered.insert(*at);
            }
            let from = match by {
                GroupBy::Owner => flow.owner.clone().unwrap_or_else(|| "no owner".to_owned()),
                _ => group(&edge.from, by, &several),
            };
            let key = (
                from,
                edge.point,
                point(edge.point, &edge.by, by),
                group(&edge.to, by, &several),
            );
            found.entry(key).or_default().insert(*at);
        }
    }
    let mut list: Vec<(Course, BTreeSet<usize>)> = found
        .into_iter()
        .map(|((from, kind, point, to), flows)| {
            let weight = flows.len();
            let course = Course {
                from,
                kind,
                point,
                to,
                weight,
            };
            (course, flows)
        })
        .collect();
    list.sort_by(|(a, _), (b, _)| b.weight.cmp(&a.weight).then_with(|| a.cmp(b)));
    let rest = list.split_off(most.max(1).min(list.len()));
    let folded = rest.len();
    let mut others: BTreeMap<(PointKind, String), BTreeSet<usize>> = BTreeMap::new();
    for (course, flows) in rest {
        let entry = others.entry((course.kind, course.point)).or_default();
        entry.extend(flows);
    }
    let mut courses: Vec<Course> = list.into_iter().map(|(course, _)| course).collect();
    for ((kind, point), flows) in others {
        courses.push(Course {
            from: OTHER.to_owned(),
            kind,
            point,
            to: OTHER.to_owned(),
            weight: flows.len(),
        });
    }
    Drawing {
        environment: environment.name.clone(),
        courses,
        folded,
        flows: all.len(),
        unfiltered: unfiltered.len(),
    }
}

/// `tag(Storage` of `tag(Storage.WestEurope)`.
fn service(label: &str) -> Option<&str> {
    label.split_once('.').map(|(service, _)| service)
}

/// Service tags of which several parts are drawn.
fn several(environment: &Environment) -> BTreeSet<&str> {
    let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in environment.edges.iter().flat_map(|e| [&e.from, &e.to]) {
        if let (UnitKind::Tag, Some(service)) = (node.kind, service(&node.label)) {
            parts.entry(service).or_default().insert(&node.label);
        }
    }
    let many = parts.into_iter().filter(|(_, parts)| parts.len() > 1);
    many.map(|(service, _)| service).collect()
}

fn group(node: &Node, by: GroupBy, several: &BTreeSet<&str>) -> String {
    let known = match (by, node.kind) {
        (GroupBy::Network, UnitKind::Subnet) => node.network.clone(),
        (GroupBy::Zone, UnitKind::Subnet) => {
            Some(node.zone.clone().unwrap_or_else(|| "no zone".to_owned()))
        }
        (GroupBy::Kind, kind) => Some(kind.words().to_owned()),
        (GroupBy::End, _) => None,
        (_, UnitKind::Names) => Some("names".to_owned()),
        (_, UnitKind::Tag) => service(&node.label)
            .filter(|service| several.contains(service))
            .map(|service| format!("{service}.*)")),
        _ => None,
    };
    known.unwrap_or_else(|| node.label.clone())
}

/// Nodes of the three columns with their numbers, and the links between neighbours with their weight:
/// what every form of a graph is made of.
struct Links<'a> {
    nodes: Vec<(usize, &'a str, Option<PointKind>)>,
    links: Vec<(usize, usize, PointKind, usize)>,
}

impl<'a> Links<'a> {
    fn of(drawing: &'a Drawing) -> Self {
        let mut nodes: Vec<(usize, &str, Option<PointKind>)> = Vec::new();
        let mut index: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        let mut links: BTreeMap<(usize, usize, PointKind), usize> = BTreeMap::new();
        for course in &drawing.courses {
            let mut place = |column: usize, label: &'a str, kind: Option<PointKind>| {
                *index.entry((column, label)).or_insert_with(|| {
                    nodes.push((column, label, kind));
                    nodes.len() - 1
                })
            };
            let from = place(0, &course.from, None);
            let by = place(1, &course.point, Some(course.kind));
            let to = place(2, &course.to, None);
            for (a, b) in [(from, by), (by, to)] {
                *links.entry((a, b, course.kind)).or_default() += course.weight;
            }
        }
        Self {
            nodes,
            links: links
                .into_iter()
                .map(|((a, b, kind), weight)| (a, b, kind, weight))
                .collect(),
        }
    }
}

/// `1 flow`, `3 flows`.
fn flows(count: usize) -> String {
    if count == 1 {
        "1 flow".to_owned()
    } else {
        format!("{count} flows")
    }
}

/// What a reader has to know of a drawing, in a sentence.
fn caption(drawing: &Drawing) -> String {
    let mut out = format!(
        "{}: {} allowed; {} with a way past every firewall",
        drawing.environment,
        flows(drawing.flows),
        drawing.unfiltered
    );
    if drawing.folded > 0 {
        out.push_str(&format!("; {} ways are put together", drawing.folded));
    }
    out
}

/// A text in quotes, with a backslash before what is marked.
fn quoted(text: &str, marked: &[char]) -> String {
    let mut out = String::from("\"");
    for c in harmless(text).chars() {
        if marked.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
