//! The rows for people: a table of each kind, under every row the packet that shows it.

use comfy_table::{Table, presets};

use super::told::Told;
use super::{Answered, QueryArgs};
use crate::query::Certainty;

/// All of one environment.
pub(super) fn text(args: &QueryArgs, answered: &Answered) -> String {
    let or_any = |text: &Option<String>| text.clone().unwrap_or_else(|| "any".to_owned());
    let mut asked = or_any(&args.proto);
    if let Some(ports) = &args.ports {
        asked.push_str(&format!(" on {ports}"));
    }
    asked.push_str(&format!(
        " from {} to {}",
        or_any(&args.from),
        or_any(&args.to)
    ));
    if let Some(way) = &args.via {
        asked.push_str(&format!(" via {way}"));
    }
    let mut out = format!("{}: {asked}\n", answered.environment);
    let word = if args.denied { "denied" } else { "allowed" };
    for (group, rows) in &answered.groups {
        let heading = match group.certainty {
            Certainty::Sure => word.to_owned(),
            Certainty::Assumed => format!("{word} if what nobody told is so"),
            Certainty::Open => "not decided by what is declared".to_owned(),
        };
        let total = rows.len() + group.left_out;
        match (total, group.certainty) {
            (0, Certainty::Sure) => {
                out.push_str(&format!(" {heading}: nothing\n"));
                continue;
            }
            (0, _) => continue,
            (1, _) => out.push_str(&format!(" {heading}: 1 row\n")),
            _ if group.unjoined => out.push_str(&format!(" {heading}: up to {total} rows\n")),
            _ => out.push_str(&format!(" {heading}: {total} rows\n")),
        }
        out.push_str(&table(rows));
        if group.left_out > 0 {
            let rows = match group.left_out {
                1 => "1 row".to_owned(),
                more => format!("{more} rows"),
            };
            let up_to = if group.unjoined { "up to " } else { "" };
            out.push_str(&format!(
                "  and {up_to}{rows} more: `--rows` or `--format json` shows them\n"
            ));
        }
    }
    out.push_str(&format!(" {}", answered.basis.line()));
    out
}

fn table(rows: &[Told]) -> String {
    let named = rows.iter().any(|row| row.names.is_some());
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["from", "to", "service"];
    if named {
        header.push("name");
    }
    header.extend(["way", "by"]);
    table.set_header(header);
    for row in rows {
        let mut services = cut(&row.services);
        if !row.source_ports.is_empty() {
            services.push_str(&format!(" from port {}", row.source_ports.join(",")));
        }
        let mut cells = vec![row.from.short.clone(), row.to.short.clone(), services];
        if named {
            let label = row.names.as_ref().map_or("any", |n| n.short.as_str());
            cells.push(label.to_owned());
        }
        let mut way = match row.way {
            "firewall" => row.firewalls.join(", "),
            "undeclared" => [row.firewalls.clone(), vec!["undeclared".to_owned()]]
                .concat()
                .join(", then "),
            other => other.to_owned(),
        };
        if let Some(to) = &row.translated_to {
            way.push_str(&format!(", translated to {to}"));
        }
        cells.extend([way, row.decider()]);
        table.add_row(cells);
    }
    let mut lines = table.lines();
    let mut out = String::new();
    if let Some(header) = lines.next() {
        out.push_str(&format!("  {}\n", header.trim()));
    }
    for (line, row) in lines.zip(rows) {
        out.push_str(&format!("  {}\n", line.trim()));
        for assumption in &row.assumes {
            out.push_str(&format!("      assuming {assumption}\n"));
        }
        if let Some(reason) = &row.reason {
            out.push_str(&format!("      {reason}\n"));
        }
        match &row.explain {
            Some(packet) => out.push_str(&format!("      for example {packet}\n")),
            None => out.push_str("      for example a packet that `--format json` shows\n"),
        }
    }
    out
}

/// Services, the first of many.
fn cut(services: &[String]) -> String {
    const SHOWN: usize = 6;
    if services.len() <= SHOWN {
        return services.join(", ");
    }
    let first: Vec<&str> = services.iter().take(SHOWN).map(String::as_str).collect();
    format!("{} and {} more", first.join(", "), services.len() - SHOWN)
}
