//! Subnets, resources with what they use of Azure's limits, and envelopes. Nothing is counted here.

use std::fmt::Write;

use super::escape::escape;
use super::page::{grouped, heads};
use crate::inventory::{Environment, Limit};

/// Subnets and limits of an environment.
pub(super) fn resources(environment: &Environment) -> String {
    let mut out = format!(
        "<div class=\"card\"><h2>Azure's limits in {}</h2><p class=\"lead\">How much of each limit a resource uses, the fullest first. A limit counts as near from 80 % on.</p>",
        escape(&environment.name)
    );
    if environment.limits.is_empty() {
        out.push_str("<p class=\"empty\">No resource is written here.</p>");
    } else {
        let mut limits: Vec<&Limit> = environment.limits.iter().collect();
        limits.sort_by(|a, b| {
            let share = |limit: &Limit| limit.used * 10_000 / limit.allowed.max(1);
            share(b)
                .cmp(&share(a))
                .then_with(|| (a.resource, &a.name, a.limit).cmp(&(b.resource, &b.name, b.limit)))
        });
        out.push_str("<div class=\"scroll\"><table class=\"t\"><thead><tr><th scope=\"col\"><button type=\"button\">Resource</button></th><th scope=\"col\"><button type=\"button\">Name</button></th><th scope=\"col\"><button type=\"button\">Limit</button></th><th scope=\"col\" class=\"num\"><button type=\"button\">Used</button></th><th scope=\"col\" class=\"num\"><button type=\"button\">Allowed</button></th><th scope=\"col\"><button type=\"button\">Share</button></th><th scope=\"col\">Source of the limit</th></tr></thead><tbody>\n");
        for limit in limits {
            let mark = match limit.mark {
                "near" => " <span class=\"chip warn\">near</span>",
                "over" => " <span class=\"chip bad\">over</span>",
                _ => "",
            };
            let _ = write!(
                out,
                "<tr><td>{}</td><td class=\"mono\">{}</td><td>{}</td><td class=\"num\" data-k=\"{}\">{}</td><td class=\"num\" data-k=\"{}\">{}</td>",
                escape(limit.resource),
                escape(&limit.name),
                escape(limit.limit),
                limit.used,
                grouped(limit.used),
                limit.allowed,
                grouped(limit.allowed),
            );
            let _ = writeln!(
                out,
                "<td class=\"nw\" data-k=\"{0}\"><span class=\"bar {1}\" role=\"img\" aria-label=\"{0} percent\"><i style=\"width:{2}%\"></i></span> {0} %{mark}</td><td class=\"quiet\">{3} (checked {4})</td></tr>",
                limit.percent,
                limit.mark,
                limit.percent.min(100),
                escape(limit.source),
                escape(limit.checked),
            );
        }
        out.push_str("</tbody></table></div>");
    }
    out.push_str("</div>");
    subnets(&mut out, environment);
    out
}

fn subnets(out: &mut String, environment: &Environment) {
    out.push_str("<div class=\"card\"><h2>Subnets</h2><p class=\"lead\">What is attached to each subnet that traffic starts or ends in.</p>");
    if environment.subnets.is_empty() {
        out.push_str("<p class=\"empty\">No subnet is declared.</p></div>");
        return;
    }
    out.push_str("<div class=\"scroll\"><table class=\"t\"><thead><tr>");
    out.push_str(&heads(&[
        "Subnet",
        "Azure name",
        "Prefixes",
        "Network",
        "Zone",
        "NSG",
        "Route table",
        "Runs",
    ]));
    for subnet in &environment.subnets {
        let none = "<span class=\"chip warn\">none</span>".to_owned();
        let or = |value: &Option<String>, empty: &str| {
            value.as_deref().map_or_else(|| empty.to_owned(), escape)
        };
        let _ = writeln!(
            out,
            "<tr><td><b>{}</b></td><td>{}</td><td class=\"mono\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&subnet.key),
            escape(&subnet.name),
            escape(&subnet.prefixes.join(", ")),
            or(&subnet.network, ""),
            or(&subnet.zone, ""),
            or(&subnet.nsg, &none),
            or(&subnet.route_table, "<span class=\"quiet\">none</span>"),
            or(&subnet.runs, ""),
        );
    }
    out.push_str("</tbody></table></div></div>");
}

/// Envelopes of an environment.
pub(super) fn envelopes(environment: &Environment) -> String {
    let mut out = format!(
        "<div class=\"card\"><h2>Envelopes in {}</h2><p class=\"lead\">A network security group cannot match names. For a flow to names it lets out more than is asked, on the ports that are asked, and the firewall behind it narrows that to the names. Each such rule is here.</p>",
        escape(&environment.name)
    );
    if environment.envelopes.is_empty() {
        out.push_str(
            "<p class=\"empty\">There is none: every rule says what its flows say.</p></div>",
        );
        return out;
    }
    out.push_str("<div class=\"scroll\"><table class=\"t\"><thead><tr>");
    out.push_str(&heads(&[
        "NSG",
        "Rule",
        "Priority",
        "Direction",
        "Lets out",
        "From",
        "To",
        "Narrowed by",
        "Flows",
    ]));
    for one in &environment.envelopes {
        let narrowed = if one.narrowed_by.is_empty() {
            "<span class=\"chip warn\">nothing</span> accepted by <code>names = open</code>"
                .to_owned()
        } else {
            escape(&one.narrowed_by.join(", "))
        };
        let flows: String = one
            .flows
            .iter()
            .map(|flow| format!("<li>{}</li>", escape(flow)))
            .collect();
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"mono\">{}</td><td class=\"num\">{}</td><td>{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td>{narrowed}</td><td data-k=\"{}\"><details class=\"more\"{}><summary>{}</summary><ul>{flows}</ul></details></td></tr>",
            escape(&one.resource),
            escape(&one.rule),
            one.priority.map_or_else(String::new, |n| n.to_string()),
            escape(&one.direction.to_lowercase()),
            escape(&one.services),
            escape(&one.from.join(", ")),
            escape(&one.to.join(", ")),
            one.flows.len(),
            if one.flows.len() <= 3 { " open" } else { "" },
            super::plural(one.flows.len(), "flow", "flows"),
        );
    }
    out.push_str("</tbody></table></div></div>");
    out
}
