//! What ends when, what never does, and where optional flows are in force.

use std::fmt::Write;

use super::escape::{breakable, escape};
use super::page::{SOON, plural};
use crate::inventory::{Expiry, Inventory, Optional};
use crate::review::report::in_days;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `January 2027` of `2027-01-31`.
fn month(date: &str) -> String {
    let mut parts = date.split('-');
    let year = parts.next().unwrap_or_default();
    let number = parts.next().and_then(|m| m.parse::<usize>().ok());
    let name = number.and_then(|m| MONTHS.get(m.checked_sub(1)?));
    name.map_or_else(|| date.to_owned(), |name| format!("{name} {year}"))
}

/// What ends, by month, and exceptions that do not.
pub(super) fn calendar(inventory: &Inventory) -> String {
    let mut out = String::from("<div class=\"card\"><h2>What ends</h2>");
    let _ = write!(
        out,
        "<p class=\"lead\">{}</p>",
        match &inventory.tool.as_of {
            Some(day) => format!(
                "Statements with <code>until</code>, the soonest first, as of {}.",
                escape(day)
            ),
            None => "Statements with <code>until</code>, the soonest first. No day is given, so nothing is judged to be late; <code>--as-of</code> gives one.".to_owned(),
        }
    );
    if inventory.expiries.is_empty() {
        out.push_str("<p class=\"empty\">Nothing ends: no statement has <code>until</code>.</p>");
    }
    out.push_str("<div class=\"months\">");
    let mut open = String::new();
    for expiry in &inventory.expiries {
        let name = month(&expiry.until);
        if name != open {
            if !open.is_empty() {
                out.push_str("</div>");
            }
            let _ = write!(out, "<div class=\"month\"><h3>{}</h3>", escape(&name));
            open = name;
        }
        due(&mut out, expiry);
    }
    if !open.is_empty() {
        out.push_str("</div>");
    }
    out.push_str("</div></div>");
    endless(&mut out, inventory);
    out
}

fn due(out: &mut String, expiry: &Expiry) {
    let class = match expiry.days {
        Some(days) if days < 0 => "bad",
        Some(days) if days <= SOON => "warn",
        _ => "",
    };
    let left = in_days(expiry.days);
    let left = if left.is_empty() {
        String::new()
    } else {
        format!("<span class=\"chip {class}\">{left}</span>")
    };
    let _ = write!(
        out,
        "<div class=\"due\"><div class=\"mono\">{}</div><div>{left}</div><div><b>{}</b> <span class=\"chip\">{}</span> {}<div class=\"quiet\">{}</div></div></div>",
        escape(&expiry.until),
        escape(&expiry.flow),
        escape(&expiry.tier),
        escape(expiry.purpose.as_deref().unwrap_or_default()),
        facts(&[
            ("owner ", expiry.owner.clone().unwrap_or_default()),
            ("ticket ", expiry.ticket.clone().unwrap_or_default()),
            ("in ", expiry.environments.join(", ")),
            ("", expiry.place.text()),
        ]),
    );
}

/// Facts in a line, those that there are none of left out.
fn facts(list: &[(&str, String)]) -> String {
    let known = list.iter().filter(|(_, value)| !value.is_empty());
    let texts: Vec<String> = known
        .map(|(name, value)| format!("{name}{}", escape(value)))
        .collect();
    texts.join(" · ")
}

/// Exceptions without `until`, each once.
fn endless(out: &mut String, inventory: &Inventory) {
    let mut seen: Vec<&str> = Vec::new();
    let mut list = String::new();
    for flow in inventory.environments.iter().flat_map(|e| &e.flows) {
        let whole = flow.id.split('/').next().unwrap_or(&flow.id);
        if flow.tier != Some("exception") || flow.until.is_some() || seen.contains(&whole) {
            continue;
        }
        seen.push(whole);
        let _ = write!(
            list,
            "<li><b>{}</b> {}<div class=\"quiet\">{}</div></li>",
            escape(whole),
            escape(flow.purpose.as_deref().unwrap_or_default()),
            facts(&[
                ("owner ", flow.owner.clone().unwrap_or_default()),
                ("ticket ", flow.ticket.clone().unwrap_or_default()),
                ("", flow.place.text()),
            ])
        );
    }
    out.push_str("<div class=\"card\"><h2>Exceptions without an end</h2>");
    if seen.is_empty() {
        out.push_str("<p class=\"empty\">There is none: every exception from a deny has <code>until</code>.</p>");
    } else {
        let _ = write!(
            out,
            "<p class=\"lead\">{} from a deny that nothing ends.</p><ul>{list}</ul>",
            plural(seen.len(), "exception", "exceptions")
        );
    }
    out.push_str("</div>");
}

/// Optional flows by environment. `several`: how many environments there are, in words.
pub(super) fn optional(inventory: &Inventory, several: &str) -> String {
    let mut out = format!(
        "<div class=\"card\"><h2>Optional flows</h2><p class=\"lead\">Flows that an environment switches on with <code>enable</code>, and where they are on; {several}.</p>"
    );
    let list: Vec<&Optional> = inventory.optional.iter().filter(|o| o.optional).collect();
    if list.is_empty() {
        out.push_str("<p class=\"empty\">No flow is optional.</p></div>");
        return out;
    }
    out.push_str("<div class=\"scroll\"><table class=\"t\"><thead><tr><th scope=\"col\"><button type=\"button\">Flow</button></th>");
    for environment in &inventory.environments {
        let _ = write!(
            out,
            "<th scope=\"col\"><button type=\"button\">{}</button></th>",
            escape(&environment.name)
        );
    }
    out.push_str("<th scope=\"col\"><button type=\"button\">Owner</button></th><th scope=\"col\"><button type=\"button\">Source</button></th></tr></thead><tbody>\n");
    for one in list {
        let purpose = one.purpose.as_deref().unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td class=\"id\"><b>{}</b><span class=\"purpose\">{}</span></td>",
            breakable(&one.flow),
            escape(purpose)
        );
        for environment in &inventory.environments {
            let name = &environment.name;
            out.push_str(if one.on.contains(name) {
                "<td class=\"yes\">on</td>"
            } else if one.off.contains(name) {
                "<td class=\"no\">off</td>"
            } else if one.excluded.contains(name) {
                "<td class=\"no\">off by <code>when</code></td>"
            } else {
                "<td class=\"no\">not there</td>"
            });
        }
        let _ = writeln!(
            out,
            "<td>{}</td><td class=\"mono\">{}</td></tr>",
            escape(one.owner.as_deref().unwrap_or_default()),
            breakable(&one.place.text())
        );
    }
    out.push_str("</tbody></table></div></div>");
    out
}
