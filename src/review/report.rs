//! An inventory as text for people and as JSON. Pages are elsewhere.

use comfy_table::{CellAlignment, Table, presets};

use super::harmless::harmless;
use crate::inventory::{Environment, Expiry, Inventory, Kind, Matrix, State};

/// Widest a column of the tables gets.
const WIDE: usize = 46;

/// The whole as JSON.
///
/// # Errors
/// Never for an inventory; why, if it were.
pub fn json(inventory: &Inventory) -> Result<String, String> {
    let mut out = serde_json::to_string_pretty(inventory).map_err(|e| e.to_string())?;
    out.push('\n');
    Ok(out)
}

/// A section an environment, then what concerns all of them.
#[must_use]
pub fn text(inventory: &Inventory) -> String {
    let mut out = format!("{}: {}\n", inventory.project, summary(inventory));
    for environment in &inventory.environments {
        out.push_str(&section(environment));
    }
    out.push_str(&expiries(&inventory.expiries));
    out.push_str(&optional(inventory));
    let day = inventory.tool.as_of.as_deref();
    out.push_str(&format!(
        "\nservice tags of {}; {}\n",
        inventory.tool.catalog,
        day.map_or_else(
            || "expiry not judged: no day is given".to_owned(),
            |day| format!("as of {day}")
        )
    ));
    out.lines().map(|line| harmless(line) + "\n").collect()
}

fn summary(inventory: &Inventory) -> String {
    let environments = match inventory.environments.len() {
        1 => "1 environment".to_owned(),
        more => format!("{more} environments"),
    };
    let proven = if inventory.proven {
        "proven: the output means what the policy asks"
    } else {
        "not proven"
    };
    format!("{environments}; {proven}")
}

/// `3 flows`, `1 flow`.
pub(super) fn counted(count: usize, one: &str, more: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {more}")
    }
}

/// Cells by state, those that there are none of left out.
pub(super) fn states(matrix: &Matrix) -> Vec<(State, usize)> {
    State::ALL
        .into_iter()
        .map(|state| {
            let cells = matrix.cells.iter();
            (state, cells.filter(|cell| cell.state == state).count())
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn section(environment: &Environment) -> String {
    let count = |kind: Kind| environment.flows.iter().filter(|f| f.kind == kind).count();
    let cells: Vec<String> = states(&environment.matrix)
        .iter()
        .map(|(state, count)| format!("{count} {}", state.word()))
        .collect();
    let mut out = format!(
        "\n{}: {}, {}, {}, {}, {}; {}\n pairs of ends: {}\n\n",
        environment.name,
        counted(count(Kind::Flow), "flow", "flows"),
        counted(count(Kind::Translation), "translation", "translations"),
        counted(count(Kind::Route), "route", "routes"),
        counted(environment.subnets.len(), "subnet", "subnets"),
        counted(environment.envelopes.len(), "envelope", "envelopes"),
        counted(environment.assumptions, "assumption", "assumptions"),
        if cells.is_empty() {
            "none".to_owned()
        } else {
            cells.join(", ")
        },
    );
    let mut table = plain([
        "flow", "", "from", "to", "services", "owner", "until", "place",
    ]);
    for flow in &environment.flows {
        table.add_row([
            cut(&flow.id),
            match flow.tier {
                Some("exception") => "exception".to_owned(),
                _ => flow.action.clone(),
            },
            cut(&flow.from.join(", ")),
            cut(&match &flow.into {
                Some(into) => format!("{} -> {into}", flow.to.join(", ")),
                None => flow.to.join(", "),
            }),
            cut(&flow.services.join(", ")),
            flow.owner.clone().unwrap_or_default(),
            flow.until.clone().unwrap_or_default(),
            flow.place.text(),
        ]);
    }
    out.push_str(&lines(&table));
    let near: Vec<_> = environment
        .limits
        .iter()
        .filter(|limit| limit.mark != "ok")
        .collect();
    let most = environment.limits.iter().max_by_key(|limit| limit.percent);
    match (near.as_slice(), most) {
        ([], Some(most)) => out.push_str(&format!(
            "\n limits: none is near; most used is {} of {} `{}`: {} of {}\n",
            most.limit, most.resource, most.name, most.used, most.allowed
        )),
        ([], None) => {}
        (near, _) => {
            out.push_str("\n limits:\n");
            for limit in near {
                out.push_str(&format!(
                    "  {}: {} of {} `{}`: {} of {} ({} %)\n",
                    limit.mark,
                    limit.limit,
                    limit.resource,
                    limit.name,
                    limit.used,
                    limit.allowed,
                    limit.percent
                ));
            }
        }
    }
    let unasked = |state: State| {
        environment
            .matrix
            .cells
            .iter()
            .filter(move |c| c.state == state)
    };
    for (state, head) in [
        (State::Unasked, "passes though no flow asks for it"),
        (State::Undecided, "not decided by what is declared"),
    ] {
        let list: Vec<String> = unasked(state)
            .map(|cell| {
                let label = |units: &[crate::inventory::Unit], at: usize| {
                    units.get(at).map_or_else(String::new, |u| u.label.clone())
                };
                let row = label(&environment.matrix.rows, cell.row);
                let column = label(&environment.matrix.columns, cell.column);
                let why = cell.flows.iter().find_map(|one| one.why.clone());
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                format!("  {row} -> {column}{why}\n")
            })
            .collect();
        if !list.is_empty() {
            out.push_str(&format!("\n {head}:\n{}", list.concat()));
        }
    }
    out
}

fn expiries(list: &[Expiry]) -> String {
    if list.is_empty() {
        return "\nnothing ends: no flow has `until`\n".to_owned();
    }
    let mut table = plain(["until", "", "flow", "in", "owner", "ticket", "place"]);
    for one in list {
        table.add_row([
            one.until.clone(),
            in_days(one.days),
            one.flow.clone(),
            one.environments.join(", "),
            one.owner.clone().unwrap_or_default(),
            one.ticket.clone().unwrap_or_default(),
            one.place.text(),
        ]);
    }
    format!("\nwhat ends:\n{}", lines(&table))
}

/// `in 30 days`, `ended 2 days ago`, `today`; empty if no day is given.
pub(super) fn in_days(days: Option<i64>) -> String {
    match days {
        None => String::new(),
        Some(0) => "today".to_owned(),
        Some(1) => "in 1 day".to_owned(),
        Some(-1) => "ended 1 day ago".to_owned(),
        Some(days) if days > 0 => format!("in {days} days"),
        Some(days) => format!("ended {} days ago", days.unsigned_abs()),
    }
}

fn optional(inventory: &Inventory) -> String {
    let list: Vec<_> = inventory.optional.iter().filter(|o| o.optional).collect();
    if list.is_empty() {
        return String::new();
    }
    let mut table = plain(["optional flow", "on", "off", "place"]);
    for one in list {
        let mut off = one.off.clone();
        off.extend(one.excluded.iter().map(|e| format!("{e} (when)")));
        table.add_row([
            one.flow.clone(),
            or_dash(&one.on),
            or_dash(&off),
            one.place.text(),
        ]);
    }
    format!("\n{}", lines(&table))
}

fn or_dash(list: &[String]) -> String {
    if list.is_empty() {
        "-".to_owned()
    } else {
        list.join(", ")
    }
}

fn plain<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head);
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    table
}

fn lines(table: &Table) -> String {
    let lines = table.lines();
    lines
        .map(|line| format!(" {}\n", line.trim_end()))
        .collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDE {
        return text.to_owned();
    }
    let first: String = text.chars().take(WIDE - 3).collect();
    format!("{}...", first.trim_end())
}
