//! An answer for people: the verdict with the flow behind it, then every hop.

use super::told::{Hop, Told};

/// The text of an answer.
pub(in crate::cli) fn text(told: &Told, packet: &str) -> String {
    let mut out = String::new();
    let verdict = match told.verdict {
        "allow" => "ALLOWED",
        "deny" => "DENIED",
        _ => "UNKNOWN",
    };
    if let Some(environment) = &told.environment {
        out.push_str(&format!("{environment}: {packet}\n"));
    }
    out.push_str(verdict);
    match (&told.statement, &told.reason) {
        (Some(statement), _) => {
            out.push_str(&format!("  {}", statement.id));
            if let Some(purpose) = &statement.purpose {
                out.push_str(&format!("  \"{purpose}\""));
            }
            if let Some(owner) = &statement.owner {
                out.push_str(&format!("  owner {owner}"));
            }
        }
        (None, None) => {
            if let Some(rule) = &told.rule {
                let of = told.resource.as_deref().unwrap_or(told.layer);
                out.push_str(&format!("  by {rule} of {of}"));
            } else if told.layer == "none" {
                out.push_str("  nothing on the way filters it");
            }
        }
        (None, Some(_)) => {}
    }
    out.push('\n');
    if let Some(reason) = &told.reason {
        out.push_str(&format!("  {reason}\n"));
    }
    for assumption in &told.assumes {
        out.push_str(&format!("  assuming {assumption}\n"));
    }
    out.push_str(&way(told));
    for near in &told.near {
        out.push_str(&format!(
            "  nearly matched: {} {} of {} ({} differs)\n",
            near.verdict, near.rule, near.resource, near.differs
        ));
    }
    out
}

/// Every hop, a line each.
pub(in crate::cli) fn way(told: &Told) -> String {
    let mut out = String::new();
    let rows: Vec<(String, String, &str)> = told
        .path
        .iter()
        .enumerate()
        .map(|(index, hop)| {
            (
                format!("{} {}", index + 1, station(hop)),
                detail(hop),
                hop.place.as_str(),
            )
        })
        .collect();
    let first = rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0);
    let second = rows.iter().map(|r| r.1.chars().count()).max().unwrap_or(0);
    for (station, detail, place) in rows {
        let line = format!("  {station:first$}  {detail:second$}  {place}");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn station(hop: &Hop) -> String {
    let mut out = hop.layer.to_owned();
    if hop.layer == "none" {
        out = "arrives".to_owned();
    }
    if let Some(resource) = &hop.resource {
        out.push(' ');
        out.push_str(resource);
    }
    if let Some(direction) = hop.direction {
        out.push(' ');
        out.push_str(direction);
    }
    out
}

fn detail(hop: &Hop) -> String {
    let rule = hop.rule.as_deref().unwrap_or_default();
    if let Some(next) = &hop.next_hop {
        let mut out = match rule {
            "" => next.clone(),
            _ => format!("{rule} -> {next}"),
        };
        if hop.verdict != "allow" {
            out = format!("{}  {out}", hop.verdict);
        }
        return out;
    }
    let mut out = hop.verdict.to_owned();
    if let Some(priority) = hop.priority.filter(|_| hop.layer == "nsg") {
        out.push_str(&format!("  {priority}"));
    }
    if !rule.is_empty() {
        out.push_str(&format!("  {}", rule.replace('/', " / ")));
    }
    out
}
