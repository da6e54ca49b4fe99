//! The table of flows: a row for each statement, environments that say the same in one row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::escape::{breakable, escape};
use super::page::{SOON, heads};
use crate::inventory::{Flow, Inventory, Kind, Rule};

/// Statements as rows.
pub(super) struct Rows<'a> {
    rows: Vec<Row<'a>>,
    /// By environment and number of the flow there: the row.
    places: BTreeMap<(usize, usize), usize>,
}

struct Row<'a> {
    flow: &'a Flow,
    environments: Vec<usize>,
    rules: BTreeSet<&'a Rule>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut rows: Vec<Row<'a>> = Vec::new();
        let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (at, environment) in inventory.environments.iter().enumerate() {
            for (number, flow) in environment.flows.iter().enumerate() {
                let same = by_id.get(flow.id.as_str()).into_iter().flatten();
                let same = same.copied().find(|row| {
                    rows.get(*row)
                        .is_some_and(|row| says_the_same(row.flow, flow))
                });
                let row = same.unwrap_or_else(|| {
                    rows.push(Row {
                        flow,
                        environments: Vec::new(),
                        rules: BTreeSet::new(),
                    });
                    by_id.entry(&flow.id).or_default().push(rows.len() - 1);
                    rows.len() - 1
                });
                if let Some(found) = rows.get_mut(row) {
                    found.environments.push(at);
                    found.rules.extend(&flow.rules);
                }
                places.insert((at, number), row);
            }
        }
        Self { rows, places }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row of a flow of an environment.
    pub(super) fn row(&self, environment: usize, flow: usize) -> Option<usize> {
        self.places.get(&(environment, flow)).copied()
    }
}

/// All but the rules, which have other names where parts of a flow differ.
fn says_the_same(a: &Flow, b: &Flow) -> bool {
    let plain = |flow: &Flow| Flow {
        rules: Vec::new(),
        ..flow.clone()
    };
    plain(a) == plain(b)
}

/// What a statement is, in a word, and the class of its chip.
fn action(flow: &Flow) -> (&str, &'static str) {
    match (flow.kind, flow.tier) {
        (Kind::Flow, Some("exception")) => ("exception", "x"),
        (Kind::Flow, _) if flow.action == "allow" => ("allow", "a"),
        (Kind::Flow, _) => (&flow.action, "d"),
        _ => (&flow.action, ""),
    }
}

/// Filters and table.
pub(super) fn table(inventory: &Inventory, rows: &Rows<'_>) -> String {
    let mut out = String::from(
        "<div class=\"card\"><h2>Flows</h2><p class=\"lead\">Every statement that is in force, with the line that says it. Statements that say the same in several environments stand in one row.</p>",
    );
    filters(&mut out, inventory, rows);
    out.push_str("<div class=\"scroll\"><table class=\"t flows\" id=\"flows\"><caption class=\"vh\">Statements in force</caption><thead><tr>");
    out.push_str(&heads(&[
        "Flow",
        "Kind",
        "From",
        "To",
        "Services",
        "Owner",
        "Ticket",
        "Until",
        "Source",
        "Environments",
    ]));
    let days: BTreeMap<(&str, &str), i64> = inventory
        .expiries
        .iter()
        .filter_map(|e| Some(((e.flow.as_str(), e.until.as_str()), e.days?)))
        .collect();
    for (number, row) in rows.rows.iter().enumerate() {
        one(&mut out, inventory, number, row, &days);
    }
    out.push_str("</tbody></table></div><p class=\"empty\" id=\"f-none\" hidden>No statement meets all filters.</p></div>");
    out
}

fn one(
    out: &mut String,
    inventory: &Inventory,
    number: usize,
    row: &Row<'_>,
    days: &BTreeMap<(&str, &str), i64>,
) {
    let flow = row.flow;
    let (word, class) = action(flow);
    let whole = flow.id.split('/').next().unwrap_or(&flow.id);
    let until = flow.until.as_deref();
    let left = until.and_then(|until| days.get(&(whole, until)));
    let envs: Vec<String> = row.environments.iter().map(ToString::to_string).collect();
    let _ = write!(
        out,
        "<tr id=\"f{number}\" data-env=\"{}\" data-action=\"{}\"",
        envs.join(" "),
        escape(word)
    );
    if let Some(left) = left {
        let _ = write!(out, " data-days=\"{left}\"");
    }
    let _ = write!(out, "><td><b>{}</b>", breakable(&flow.id));
    if let Some(purpose) = &flow.purpose {
        let _ = write!(out, "<span class=\"purpose\">{}</span>", escape(purpose));
    }
    if !flow.overrides.is_empty() {
        let _ = write!(
            out,
            "<span class=\"purpose over\">overrides {}</span>",
            escape(&flow.overrides.join(", "))
        );
    }
    if !row.rules.is_empty() {
        let _ = write!(
            out,
            "<details class=\"more\"><summary>{}</summary><ul>",
            super::plural(row.rules.len(), "rule", "rules")
        );
        for rule in &row.rules {
            let role = if rule.role == "exact" {
                String::new()
            } else {
                format!(" ({})", rule.role)
            };
            let _ = write!(
                out,
                "<li>{} / {}{role}",
                escape(&rule.resource),
                escape(&rule.rule)
            );
        }
        out.push_str("</ul></details>");
    }
    let need = flow.need.map_or_else(String::new, |need| {
        format!(" <span class=\"quiet\">{need}</span>")
    });
    let to = match (&flow.into, flow.kind) {
        (Some(into), Kind::Route) => format!("{} via {into}", flow.to.join(", ")),
        (Some(into), _) => format!("{} → {into}", flow.to.join(", ")),
        (None, _) => flow.to.join(", "),
    };
    let mark = match left {
        Some(left) if *left < 0 => " <span class=\"chip bad\">ended</span>",
        Some(left) if *left <= SOON => " <span class=\"chip warn\">soon</span>",
        _ => "",
    };
    let names: Vec<&str> = row
        .environments
        .iter()
        .filter_map(|at| Some(inventory.environments.get(*at)?.name.as_str()))
        .collect();
    // The style sheet and the script know the columns by their places; end tags may be left out.
    let _ = write!(
        out,
        "<td><span class=\"chip {class}\">{}</span>{need}<td>{}<td>{}<td>{}",
        escape(word),
        breakable(&flow.from.join(", ")),
        breakable(&to),
        breakable(&flow.services.join(", ")),
    );
    let _ = writeln!(
        out,
        "<td>{}<td>{}<td>{}<td>{}<td>{}",
        escape(flow.owner.as_deref().unwrap_or_default()),
        escape(flow.ticket.as_deref().unwrap_or_default()),
        until.map_or_else(String::new, |until| format!(
            "<span>{}</span>{mark}",
            escape(until)
        )),
        breakable(&flow.place.text()),
        escape(&names.join(", ")),
    );
}

fn filters(out: &mut String, inventory: &Inventory, rows: &Rows<'_>) {
    let set = |of: fn(&Flow) -> Option<&String>| -> (BTreeSet<&str>, bool) {
        let values = rows.rows.iter().map(|row| of(row.flow));
        let none = values.clone().any(|value| value.is_none());
        (values.flatten().map(String::as_str).collect(), none)
    };
    let (owners, no_owner) = set(|flow| flow.owner.as_ref());
    let (tickets, no_ticket) = set(|flow| flow.ticket.as_ref());
    out.push_str("<div class=\"filters\" role=\"search\" aria-label=\"Filter flows\"><label>Text<input type=\"search\" id=\"f-text\" placeholder=\"name, address, purpose, file\"></label>");
    select(
        out,
        "f-owner",
        "Owner",
        &owners,
        no_owner.then_some("no owner"),
    );
    select(
        out,
        "f-ticket",
        "Ticket",
        &tickets,
        no_ticket.then_some("no ticket"),
    );
    out.push_str("<label>Ends<select id=\"f-due\"><option value=\"\">any</option>");
    if inventory.tool.as_of.is_some() {
        out.push_str("<option value=\"past\">in the past</option><option value=\"30\">within 30 days</option><option value=\"90\">within 90 days</option><option value=\"365\">within a year</option>");
    }
    out.push_str("<option value=\"some\">some day</option><option value=\"never\">never</option></select></label><label>Kind<select id=\"f-action\"><option value=\"\">all</option>");
    let kinds: BTreeSet<&str> = rows.rows.iter().map(|row| action(row.flow).0).collect();
    for kind in kinds {
        let _ = write!(out, "<option value=\"{0}\">{0}</option>", escape(kind));
    }
    out.push_str("</select></label><label>Environment<select id=\"f-env\">");
    for (at, environment) in inventory.environments.iter().enumerate() {
        let _ = write!(
            out,
            "<option value=\"{at}\">{}</option>",
            escape(&environment.name)
        );
    }
    out.push_str("<option value=\"\">all</option></select></label><button type=\"button\" class=\"btn\" id=\"f-clear\" hidden>Clear filters</button><span class=\"count\" id=\"f-count\" role=\"status\"></span></div>");
}

fn select(out: &mut String, id: &str, name: &str, values: &BTreeSet<&str>, none: Option<&str>) {
    let _ = write!(
        out,
        "<label>{name}<select id=\"{id}\"><option value=\"\">all</option>"
    );
    if let Some(none) = none {
        let _ = write!(out, "<option value=\"-\">{none}</option>");
    }
    for value in values {
        // A sign in front keeps a value apart from `-`, which is none.
        let _ = write!(out, "<option value=\"={0}\">{0}</option>", escape(value));
    }
    out.push_str("</select></label>");
}
