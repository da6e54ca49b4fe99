//! The ways as a picture with its table. The drawing is elsewhere.

use std::fmt::Write;

use super::escape::escape;
use super::page::plural;
use crate::inventory::{Environment, PointKind};
use crate::review::graph::{GroupBy, drawing, inline};

/// Ways that are drawn.
const DRAWN: usize = 40;

/// Ways that stand in the table.
const TOLD: usize = 1_000;

/// The section of an environment.
pub(super) fn ways(at: usize, environment: &Environment) -> String {
    let picture = drawing(environment, GroupBy::Subnet, DRAWN);
    let mut out = format!(
        "<div class=\"card\"><h2>Ways in {}</h2><p class=\"lead\">By which way allowed flows go, as wide as the flows that take it; names stand together, and so do the parts of a service tag{}. {} of {} {} a way past every firewall.</p><div class=\"key\"><span><i class=\"k-fw\"></i>a firewall</span><span><i class=\"k-ns\"></i>no firewall, an NSG</span><span><i class=\"k-di\"></i>nothing enforces</span></div>",
        escape(&environment.name),
        if picture.folded > 0 {
            format!(
                ": the {DRAWN} heaviest, and {} others put together",
                picture.folded
            )
        } else {
            String::new()
        },
        picture.unfiltered,
        plural(picture.flows, "flow", "flows"),
        if picture.unfiltered == 1 {
            "has"
        } else {
            "have"
        },
    );
    let _ = write!(
        out,
        "<div class=\"figure\">{}</div></div>",
        inline(&picture, &format!("w{at}"))
    );
    let all = drawing(environment, GroupBy::End, TOLD);
    let direct: Vec<_> = all
        .courses
        .iter()
        .filter(|course| course.kind != PointKind::Firewall)
        .collect();
    out.push_str("<div class=\"card\"><h2>What leaves without the firewall</h2><p class=\"lead\">Allowed flows with a way that no firewall sees.</p>");
    if direct.is_empty() {
        out.push_str("<p class=\"empty\">Nothing: every allowed way passes a firewall.</p></div>");
    } else {
        table(&mut out, direct.into_iter());
        out.push_str("</div>");
    }
    let _ = write!(
        out,
        "<div class=\"card\"><details class=\"ways\"><summary>Every way by itself, as a table: {}</summary><div style=\"margin-top:12px\">",
        plural(all.courses.len(), "way", "ways")
    );
    table(&mut out, all.courses.iter());
    out.push_str("</div></details></div>");
    out
}

fn table<'a>(out: &mut String, courses: impl Iterator<Item = &'a crate::review::graph::Course>) {
    out.push_str("<div class=\"scroll\"><table class=\"t\"><thead><tr><th scope=\"col\"><button type=\"button\">From</button></th><th scope=\"col\"><button type=\"button\">Enforced by</button></th><th scope=\"col\"><button type=\"button\">To</button></th><th scope=\"col\" class=\"num\"><button type=\"button\">Flows</button></th></tr></thead><tbody>\n");
    for course in courses {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"num\">{}</td></tr>",
            escape(&course.from),
            escape(&course.point),
            escape(&course.to),
            course.weight
        );
    }
    out.push_str("</tbody></table></div>");
}
