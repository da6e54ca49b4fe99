//! Tests for people: a line each, below it what shows that one failed.

use super::rows::{Coverage, ProbeRow, Row, decider};
use crate::cli::basis::Basis;

/// All of it. `quiet` leaves out what passed.
pub(super) fn text(rows: &[Row], coverage: &[Coverage], quiet: bool, basis: &Basis) -> String {
    let mut out = String::new();
    let mut environment = "";
    for row in rows {
        if quiet && row.passed() {
            continue;
        }
        if row.environment != environment {
            environment = &row.environment;
            out.push_str(&format!("{environment}\n"));
        }
        let word = if row.passed() { "ok  " } else { "FAIL" };
        out.push_str(&format!("  {word}  {}", row.test));
        if !row.passed() {
            out.push_str(&format!("  {}", row.place));
        }
        out.push('\n');
        if let Some(reason) = &row.reason {
            out.push_str(&format!("        {reason}\n"));
        }
        for probe in row.failures() {
            out.push_str(&failure(probe, row));
        }
        for assumed in row.probes.iter().flat_map(|probe| &probe.assumes) {
            out.push_str(&format!("        assuming {assumed}\n"));
        }
    }
    if quiet {
        return out;
    }
    for one in coverage {
        out.push_str(&covered(one));
    }
    let passed = rows.iter().filter(|row| row.passed()).count();
    let failed = rows.len() - passed;
    let mut environments: Vec<&str> = rows.iter().map(|r| r.environment.as_str()).collect();
    environments.dedup();
    if rows.is_empty() {
        out.push_str("no tests: write `test \"name\" { deny tcp from any to ...:22 }`\n");
    } else {
        out.push_str(&format!(
            "{passed} passed, {failed} failed{}\n",
            match environments.len() {
                1 => String::new(),
                several => format!(" in {several} environments"),
            }
        ));
    }
    out.push_str(&basis.line());
    out
}

fn failure(probe: &ProbeRow, row: &Row) -> String {
    let mut out = format!("        {}  {}\n", probe.probe, probe.place);
    let mut say = |what: &str, text: &str| {
        out.push_str(&format!("          {what:9} {text}\n"));
    };
    if let Some(packet) = &probe.packet {
        say("packet", packet);
    }
    say("expected", probe.expected);
    match (&probe.actual, &probe.reason) {
        (Some(actual), reason) => {
            let by = decider(probe).map_or_else(String::new, |by| format!(" by {by}"));
            match probe.then {
                Some(then) => say("actual", &format!("{actual}; this one then {then}{by}")),
                None => say("actual", &format!("{actual}{by}")),
            }
            if let Some(reason) = reason {
                say("", reason);
            }
        }
        (None, Some(reason)) => say("actual", &format!("no packet: {reason}")),
        (None, None) => {}
    }
    if !probe.depends_on.is_empty() {
        say("depends", &format!("on {}", probe.depends_on.join(", ")));
    }
    for line in probe.way.lines() {
        out.push_str(&format!("          {line}\n"));
    }
    if let Some(words) = &probe.explain {
        out.push_str(&format!(
            "          more: portcullis explain {words}{}\n",
            match row.environment.as_str() {
                "default" => String::new(),
                name => format!(" -e {name}"),
            }
        ));
    }
    out
}

fn covered(coverage: &Coverage) -> String {
    let decided = coverage.flows - coverage.untested.len();
    let mut out = format!(
        "{}: tests decide {decided} of {} flows\n",
        coverage.environment, coverage.flows
    );
    let width = coverage
        .untested
        .iter()
        .map(|one| one.flow.chars().count())
        .max()
        .unwrap_or_default();
    for one in &coverage.untested {
        out.push_str(&format!("  {:width$}  {}\n", one.flow, one.place));
    }
    out
}
