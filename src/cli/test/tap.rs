//! Tests as TAP version 14, with YAML blocks that say why one failed ("Test Anything Protocol Version
//! 14", testanything.org, checked 2026-11-30).

use std::collections::BTreeMap;

use super::rows::{Coverage, ProbeRow, Row, decider};
use crate::cli::basis::Basis;

/// All of it.
pub(super) fn text(rows: &[Row], coverage: &[Coverage], basis: &Basis) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", rows.len());
    for (row, number) in rows.iter().zip(1..) {
        let word = if row.passed() { "ok" } else { "not ok" };
        let name = escaped(&format!("{}: {}", row.environment, row.test));
        out.push_str(&format!("{word} {number} - {name}\n"));
        for assumed in row.probes.iter().flat_map(|probe| &probe.assumes) {
            out.push_str(&format!("# assuming {}\n", one_line(assumed)));
        }
        if !row.passed() {
            out.push_str(&block(row));
        }
    }
    for one in coverage {
        out.push_str(&format!(
            "# {}: tests decide {} of {} flows\n",
            one.environment,
            one.flows - one.untested.len(),
            one.flows
        ));
        for flow in &one.untested {
            out.push_str(&format!("#   {}  {}\n", flow.flow, flow.place));
        }
    }
    if !basis.catalogue.is_empty() {
        out.push_str(&format!("# {}", basis.line()));
    }
    out
}

/// A hash begins a directive.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn block(row: &Row) -> String {
    let mut out = "  ---\n".to_owned();
    let mut whole: BTreeMap<&str, serde_yaml::Value> = BTreeMap::new();
    whole.insert("at", row.place.clone().into());
    if let Some(reason) = &row.reason {
        whole.insert("message", reason.clone().into());
    }
    let probes: Vec<serde_yaml::Value> = row.failures().map(value).collect();
    if !probes.is_empty() {
        whole.insert("probes", serde_yaml::Value::Sequence(probes));
    }
    let text = serde_yaml::to_string(&whole).unwrap_or_default();
    for line in text.lines() {
        out.push_str(&format!("  {line}\n"));
    }
    out.push_str("  ...\n");
    out
}

fn value(probe: &ProbeRow) -> serde_yaml::Value {
    let mut map = serde_yaml::Mapping::new();
    let mut put = |key: &str, text: Option<String>| {
        if let Some(text) = text {
            map.insert(key.into(), text.into());
        }
    };
    put("probe", Some(probe.probe.clone()));
    put("at", Some(probe.place.clone()));
    put("code", probe.code.map(str::to_owned));
    put("packet", probe.packet.clone());
    put("expected", Some(probe.expected.to_owned()));
    put("actual", probe.actual.map(str::to_owned));
    put("decided_by", decider(probe));
    put("reason", probe.reason.clone());
    if !probe.depends_on.is_empty() {
        put("depends_on", Some(probe.depends_on.join(", ")));
    }
    let way: Vec<&str> = probe.way.lines().map(str::trim).collect();
    if !way.is_empty() {
        put("way", Some(way.join("\n")));
    }
    serde_yaml::Value::Mapping(map)
}
