//! `limits`: what each resource uses of Azure's limits. The counting is elsewhere.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use super::args::{Global, LimitsArgs};
use super::io::IoFault;
use super::report::Reporter;
use super::{BAD, FINE, run};
use crate::driver::{LimitsMode, Usage, kind_words};

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &LimitsArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let ask = run::Ask {
        path: args.path.clone(),
        // What is exceeded stands in the table.
        limits: LimitsMode::Off,
        ..run::Ask::default()
    };
    let done = match run::run(global, &reporter, &ask)? {
        Ok(done) => done,
        Err(code) => return Ok(code),
    };
    let mut environments = done.output.limits;
    if args.near {
        for (_, usages) in &mut environments {
            usages.retain(Usage::is_near);
        }
    }
    let over = environments
        .iter()
        .any(|(_, usages)| usages.iter().any(Usage::is_over));
    if reporter.json() {
        reporter.exact(&as_json(&environments))?;
    } else {
        let tables: Vec<String> = environments.iter().map(|(e, u)| table(e, u)).collect();
        reporter.result(&tables.join("\n"))?;
    }
    Ok(if over { BAD } else { FINE })
}

/// `ok`, `near` from 80 % on, `over`.
fn mark(usage: &Usage) -> &'static str {
    if usage.is_over() {
        "over"
    } else if usage.is_near() {
        "near"
    } else {
        "ok"
    }
}

fn table(environment: &str, usages: &[Usage]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["resource", "name", "limit", "used", "allowed", "%", ""]);
    for usage in usages {
        table.add_row([
            kind_words(usage.resource).to_owned(),
            usage.name.clone(),
            usage.cap.name.to_owned(),
            usage.used.to_string(),
            usage.cap.value.to_string(),
            usage.percent().to_string(),
            match mark(usage) {
                "ok" => String::new(),
                mark => mark.to_owned(),
            },
        ]);
    }
    for column in [3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!("{environment}\n");
    if usages.is_empty() {
        text.push_str(" nothing to show\n");
        return text;
    }
    for line in table.lines() {
        text.push_str(&format!(" {}\n", line.trim_end()));
    }
    text
}

fn as_json(environments: &[(String, Vec<Usage>)]) -> String {
    let rows: Vec<serde_json::Value> = environments
        .iter()
        .flat_map(|(environment, usages)| usages.iter().map(move |u| (environment, u)))
        .map(|(environment, u)| {
            json!({
                "environment": environment,
                "resource": kind_words(u.resource),
                "name": u.name,
                "limit": u.cap.name,
                "used": u.used,
                "allowed": u.cap.value,
                "percent": u.percent(),
                "mark": mark(u),
                "source": u.cap.source,
                "checked": u.cap.checked,
            })
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&rows).unwrap_or_default();
    text.push('\n');
    text
}
