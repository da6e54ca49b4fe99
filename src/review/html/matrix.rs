//! The matrix of an environment, and the data that its cells open. It works out no verdict.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::escape::{escape, json as script_json};
use super::flows::Rows;
use super::marks::Marks;
use super::page::plural;
use crate::inventory::{Cell, Environment, Fate, Inventory, State, Unit};
use crate::review::harmless::shell;

/// What a state means, for the legend.
const fn meaning(state: State) -> &'static str {
    match state {
        State::Allow => "passes as its flows say",
        State::Exception => "passes by an exception from a deny",
        State::Envelope => "passes; the NSG is wider than asked and a later layer narrows it",
        State::Unasked => "passes though no flow asks for it",
        State::Undecided => "hangs on what nobody told",
        State::Denied => "what flows speak of is stopped",
    }
}

/// What stands in a cell: the port, or how many.
fn figure(cell: &Cell) -> String {
    match (cell.state, cell.ports) {
        (State::Denied, _) => "×".to_owned(),
        (State::Undecided, _) => "?".to_owned(),
        (_, 0) => "all".to_owned(),
        (_, 1) => {
            let port = cell.passes.iter().find_map(|text| port(text));
            port.unwrap_or_else(|| "1 p".to_owned())
        }
        (_, ports) if ports > 999 => "many".to_owned(),
        (_, ports) => format!("{ports} p"),
    }
}

/// The port of a service with one.
fn port(service: &str) -> Option<String> {
    let text = match service.split_once('/') {
        Some((_, port)) => port,
        None => match service {
            "https" => "443",
            "http" => "80",
            "mssql" => "1433",
            _ => return None,
        },
    };
    text.chars()
        .all(|c| c.is_ascii_digit())
        .then(|| text.to_owned())
}

/// A cell in words.
fn words(row: &Unit, column: &Unit, cell: Option<&Cell>, marks: &[&'static str]) -> String {
    let mut out = format!("{} to {}: ", row.label, column.label);
    let Some(cell) = cell else {
        out.push_str(&marks.join(", "));
        return out;
    };
    out.push_str(cell.state.word());
    let list = |texts: &[String]| match texts {
        [] => String::new(),
        some => some.join(", "),
    };
    if !cell.passes.is_empty() {
        out.push_str(&format!("; passes {}", list(&cell.passes)));
    }
    if !cell.stopped.is_empty() {
        out.push_str(&format!("; stopped {}", list(&cell.stopped)));
    }
    if cell.undecided {
        out.push_str("; part of it hangs on what nobody told");
    }
    if !marks.is_empty() {
        out.push_str(&format!("; {}", marks.join(", ")));
    }
    out
}

/// Cells and marked pairs of an environment, in the order of the matrix, with their numbers.
struct Places<'a> {
    list: Vec<(usize, usize, Option<&'a Cell>)>,
    index: BTreeMap<(usize, usize), usize>,
}

impl<'a> Places<'a> {
    fn of(at: usize, environment: &'a Environment, marks: &Marks) -> Self {
        let mut all: BTreeMap<(usize, usize), Option<&Cell>> = BTreeMap::new();
        for cell in &environment.matrix.cells {
            all.insert((cell.row, cell.column), Some(cell));
        }
        for pair in marks.pairs(at) {
            all.entry(pair).or_insert(None);
        }
        let list: Vec<_> = all
            .into_iter()
            .map(|((row, column), cell)| (row, column, cell))
            .collect();
        let index = list
            .iter()
            .enumerate()
            .map(|(at, (row, column, _))| ((*row, *column), at))
            .collect();
        Self { list, index }
    }
}

/// What the page's script knows: ends with their members, cells with their flows.
pub(super) fn data(inventory: &Inventory, rows: &Rows<'_>, marks: &Marks) -> String {
    let units = |list: &[Unit]| -> Vec<Value> {
        list.iter()
            .map(|unit| json!([unit.label, unit.members]))
            .collect()
    };
    let environments: Vec<Value> = inventory
        .environments
        .iter()
        .enumerate()
        .map(|(at, environment)| {
            let places = Places::of(at, environment, marks);
            let cells: Vec<Value> = places
                .list
                .iter()
                .map(|(row, column, cell)| {
                    let flows = cell.map(|cell| cell.flows.as_slice()).unwrap_or_default();
                    let flows: Vec<Value> = flows
                        .iter()
                        .map(|one| {
                            let row = one.flow.and_then(|flow| rows.row(at, flow));
                            json!([row, fate(one.fate), one.why, one.packet])
                        })
                        .collect();
                    json!([row, column, flows, marks.changes(at, *row, *column)])
                })
                .collect();
            json!({
                "name": environment.name,
                "shell": shell(&environment.name),
                "rows": units(&environment.matrix.rows),
                "columns": units(&environment.matrix.columns),
                "cells": cells,
            })
        })
        .collect();
    script_json(&json!({ "environments": environments }))
}

const fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Passes => "passes",
        Fate::Partly => "partly",
        Fate::Stopped => "stopped",
        Fate::Undecided => "undecided",
        Fate::Nowhere => "nowhere",
    }
}

/// Rows by what they are: subnets by their network.
fn heading(unit: &Unit) -> String {
    match &unit.network {
        Some(network) => format!("network {network}"),
        None => unit.kind.words().to_owned(),
    }
}

/// The matrix with its legend.
pub(super) fn matrix(at: usize, environment: &Environment, marks: &Marks) -> String {
    let matrix = &environment.matrix;
    let mut out = format!(
        "<div class=\"card\"><h2>Who reaches what in {}</h2><p class=\"lead\">Sources are rows, destinations columns. A cell says what becomes of the traffic that flows speak of, asked of the resources that are written: the port, or how many ports (p), that pass. Choose a cell to see its flows, the lines that say them, and a packet to try. An empty cell: no flow speaks of this pair by itself; rows and columns of <i>everyone</i> hold for all.</p>",
        escape(&environment.name)
    );
    if matrix.rows.is_empty() || matrix.columns.is_empty() {
        out.push_str("<p class=\"empty\">No flow is in force here.</p></div>");
        return out;
    }
    if !matrix.defaults_asked {
        out.push_str("<p><span class=\"chip warn\">not asked</span> There are too many subnets to ask each pair for what passes though no flow speaks of it; <code>portcullis query</code> tells it for the ends that you name.</p>");
    }
    legend(&mut out, environment, marks, at);
    out.push_str("<div class=\"filters\"><label>Rows and columns<input type=\"search\" class=\"mfind\" placeholder=\"name, prefix, host\"></label><label>Group rows by<select class=\"mgroup\"><option value=\"network\">network</option><option value=\"zone\">zone</option><option value=\"owner\">owner</option><option value=\"\">nothing</option></select></label><p class=\"empty mnone\" hidden>No row or column has that; all are shown.</p></div>");
    let _ = write!(
        out,
        "<div class=\"split\"><div class=\"mwrap\"><table class=\"m\" role=\"grid\" aria-label=\"Who reaches what in {}: {} by {}\"><colgroup><col class=\"rh\"><col span=\"{}\"></colgroup><thead><tr class=\"g\"><th class=\"corner\"></th>",
        escape(&environment.name),
        plural(matrix.rows.len(), "source", "sources"),
        plural(matrix.columns.len(), "destination", "destinations"),
        matrix.columns.len(),
    );
    let mut last: Option<(String, usize)> = None;
    let mut heads: Vec<(String, usize)> = Vec::new();
    for column in &matrix.columns {
        let head = heading(column);
        match &mut last {
            Some((open, count)) if *open == head => *count += 1,
            _ => heads.extend(last.replace((head, 1))),
        }
    }
    heads.extend(last);
    for (head, count) in heads {
        let _ = write!(
            out,
            "<th colspan=\"{count}\" scope=\"colgroup\" title=\"{}\">{}</th>",
            escape(&head),
            escape(head.strip_prefix("network ").unwrap_or(&head))
        );
    }
    out.push_str("</tr><tr class=\"c\"><th class=\"corner\" scope=\"col\">from ↓ &nbsp; to →</th>");
    for column in &matrix.columns {
        let _ = write!(
            out,
            "<th scope=\"col\" title=\"{0}\"><div>{0}</div></th>",
            escape(&column.label)
        );
    }
    out.push_str("</tr></thead><tbody>\n");
    let places = Places::of(at, environment, marks);
    let mut open = String::new();
    for (r, row) in matrix.rows.iter().enumerate() {
        let head = heading(row);
        if head != open {
            let _ = writeln!(
                out,
                "<tr class=\"h\"><th scope=\"rowgroup\">{}</th><td colspan=\"{}\"></td></tr>",
                escape(&head),
                matrix.columns.len()
            );
            open = head;
        }
        let _ = write!(
            out,
            "<tr data-r=\"{r}\" data-network=\"{}\" data-kind=\"{}\"",
            escape(
                &row.network
                    .as_ref()
                    .map_or_else(String::new, |n| format!("network {n}"))
            ),
            row.kind.words()
        );
        for (name, value) in [("zone", &row.zone), ("owner", &row.owner)] {
            if let Some(value) = value {
                let _ = write!(out, " data-{name}=\"{}\"", escape(value));
            }
        }
        let _ = write!(
            out,
            "><th scope=\"row\" title=\"{0}\">{0}</th>",
            escape(&row.label)
        );
        for (c, column) in matrix.columns.iter().enumerate() {
            match places.index.get(&(r, c)) {
                None => out.push_str("<td>"),
                Some(number) => {
                    let cell = places.list.get(*number).and_then(|(_, _, cell)| *cell);
                    one(
                        &mut out,
                        *number,
                        (row, column),
                        cell,
                        &marks.of_pair(at, r, c),
                    );
                }
            }
        }
        out.push('\n');
    }
    out.push_str("</tbody></table></div><div class=\"detail\" role=\"region\" aria-label=\"The chosen cell\" hidden></div></div>");
    if let Some(note) = marks.beside(at) {
        let _ = write!(
            out,
            "<p class=\"quiet\" style=\"margin:12px 0 0\">{}</p>",
            escape(&note)
        );
    }
    out.push_str("</div>");
    out
}

fn one(
    out: &mut String,
    number: usize,
    (row, column): (&Unit, &Unit),
    cell: Option<&Cell>,
    marks: &[&'static str],
) {
    let mut class = String::from("z");
    if let Some(cell) = cell {
        class.push_str(" s-");
        class.push_str(cell.state.word());
        if cell.undecided && cell.state != State::Undecided {
            class.push_str(" u");
        }
    }
    for mark in marks {
        class.push_str(if *mark == "widened" {
            " plus"
        } else {
            " minus"
        });
    }
    let text = escape(&words(row, column, cell, marks));
    let _ = write!(
        out,
        "<td class=\"{class}\" tabindex=\"-1\" data-c=\"{number}\" aria-label=\"{text}\">"
    );
    if let Some(cell) = cell {
        let _ = write!(out, "<span>{}</span>", escape(&figure(cell)));
    }
}

fn legend(out: &mut String, environment: &Environment, marks: &Marks, at: usize) {
    out.push_str(
        "<ul class=\"legend\" aria-label=\"Legend; choose a state to see its cells alone\">",
    );
    for state in State::ALL {
        let cells = environment.matrix.cells.iter();
        let count = cells.filter(|cell| cell.state == state).count();
        let sign = match state {
            State::Denied => "×",
            State::Undecided => "?",
            _ => "",
        };
        let _ = write!(
            out,
            "<li><button type=\"button\" aria-pressed=\"false\" data-s=\"s-{0}\"><span class=\"sw s-{0}\" aria-hidden=\"true\">{sign}</span>{0} <em>{1} · {2}</em></button></li>",
            state.word(),
            count,
            meaning(state)
        );
    }
    if marks.any() {
        let (wide, narrow) = marks.counts(at);
        let _ = write!(
            out,
            "<li><button type=\"button\" aria-pressed=\"false\" data-s=\"plus\"><span class=\"sw plus\" aria-hidden=\"true\"></span>widened <em>{wide} · green corner: more passes than before, or unseen by a firewall</em></button></li><li><button type=\"button\" aria-pressed=\"false\" data-s=\"minus\"><span class=\"sw minus\" aria-hidden=\"true\"></span>narrowed <em>{narrow} · red corner: less passes than before</em></button></li>"
        );
    }
    out.push_str("</ul>");
}
