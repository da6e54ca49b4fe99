//! A plan for people.

use super::Planned;
use crate::diff::order::{Action, Order, Step};
use crate::diff::textual::{Counts, Kind, Textual};
use crate::review::rule_lines::{self, Block, Detail};

/// The plan of all environments.
pub(super) fn text(all: &[Planned], against: &str, ascii: bool, brief: bool) -> String {
    let parts: Vec<String> = all.iter().map(|p| one(p, against, ascii, brief)).collect();
    parts.join("\n")
}

fn one(of: &Planned, against: &str, ascii: bool, brief: bool) -> String {
    let mut out = head(&of.order, &of.textual, against);
    let blocks = rule_lines::blocks(&of.textual, Detail::default());
    let mut told: Vec<bool> = vec![false; blocks.len()];
    for step in &of.order.steps {
        out.push_str(&line(step));
        if brief {
            continue;
        }
        for note in &step.notes {
            out.push_str(&format!("      note: {note}\n"));
        }
        for write in &step.writes {
            let number = write.priority.map_or_else(String::new, |n| format!(" {n}"));
            let direction = write.direction.as_deref().unwrap_or_default();
            let word = format!("{:?}", write.write).to_lowercase();
            out.push_str(&format!(
                "      {word} {direction}{number} {}\n",
                write.rule
            ));
        }
        let head = rule_lines::place(&step.resource);
        let own: Vec<Block> = blocks
            .iter()
            .zip(&mut told)
            .filter(|(b, told)| !**told && of_resource(&b.title, &head))
            .map(|(block, told)| {
                *told = true;
                Block {
                    title: block
                        .title
                        .strip_prefix(&head)
                        .unwrap_or_default()
                        .trim_start_matches(" / ")
                        .trim()
                        .to_owned(),
                    lines: block.lines.clone(),
                }
            })
            .collect();
        out.push_str(&indented(&own, ascii));
    }
    if !brief {
        for (block, _) in blocks.iter().zip(&told).filter(|(_, told)| !**told) {
            out.push_str(&format!("      {}\n", block.title));
            let block = Block {
                title: String::new(),
                ..block.clone()
            };
            out.push_str(&indented(&[block], ascii));
        }
    }
    for suggestion in of.textual.suggestions() {
        out.push_str(&format!("  if it was renamed, write `{suggestion}`\n"));
    }
    for fill in &of.bands {
        out.push_str(&format!("  {}: {}\n", fill.title, fill.words()));
    }
    for text in &of.textual.aside {
        out.push_str(&format!("  not compared: {text}\n"));
    }
    if let Some(drift) = &of.drift {
        out.push_str(&drifted(drift, ascii, brief));
    }
    if ascii {
        crate::diag::render_text::to_ascii(&out)
    } else {
        out
    }
}

/// Whether a block is of a resource.
fn of_resource(title: &str, head: &str) -> bool {
    title
        .strip_prefix(head)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn indented(blocks: &[Block], ascii: bool) -> String {
    let mut out = String::new();
    for block in blocks {
        if !block.title.is_empty() {
            out.push_str(&format!("      {}\n", block.title));
        }
        for line in &block.lines {
            out.push_str(&format!("      {} {}\n", line.sign.text(ascii), line.text));
        }
    }
    out
}

fn head(order: &Order, textual: &Textual, against: &str) -> String {
    let environment = &order.environment;
    if order.steps.is_empty() {
        return format!("{environment}: nothing to write against {against}\n");
    }
    let writes = count(order.steps.len(), "write", "writes");
    let minutes = match order.counted {
        0 => "no time is known for them".to_owned(),
        groups => format!(
            "{}, about {} to {} minutes{}",
            match groups {
                1 => "1 firewall group".to_owned(),
                more => format!("{more} firewall groups, one after another"),
            },
            order.minutes.0,
            order.minutes.1,
            match order.uncounted {
                0 => String::new(),
                others => format!("; {} not counted", count(others, "write", "writes")),
            }
        ),
    };
    let radius: Vec<String> = textual
        .blast_radius
        .iter()
        .filter(|b| b.touched > 0)
        .map(|b| {
            format!(
                "{} of {} {}",
                b.touched,
                b.total,
                if b.total == 1 {
                    b.kind.word()
                } else {
                    b.kind.words()
                }
            )
        })
        .collect();
    let radius = if radius.is_empty() {
        String::new()
    } else {
        format!("  {}\n", radius.join(", "))
    };
    format!("{environment}: {writes} against {against}; {minutes}\n{radius}")
}

fn line(step: &Step) -> String {
    let mut out = format!(
        "{:>3}  {} {}",
        step.number,
        step.action.word(),
        rule_lines::place(&step.resource)
    );
    if let Some(tier) = step.tier {
        out.push_str(&format!(" [{tier}]"));
    }
    let word = match step.resource.kind {
        Kind::RouteTable => "routes",
        _ => "rules",
    };
    let counts = counts(step.rules);
    if !counts.is_empty() {
        out.push_str(&format!("  {word} {counts}"));
    }
    match step.minutes {
        Some((least, most)) => out.push_str(&format!("  {least} to {most} min")),
        None if step.action != Action::Attach => out.push_str("  not counted"),
        None => {}
    }
    out.push('\n');
    out
}

/// `+1 -2 ~3 renamed 1`.
fn counts(of: Counts) -> String {
    let all = [
        ("+", of.added),
        ("-", of.removed),
        ("!", of.changed),
        ("renamed ", of.renamed),
        ("renumbered ", of.renumbered),
    ];
    let shown = all.iter().filter(|(_, n)| *n > 0);
    let shown: Vec<String> = shown.map(|(sign, n)| format!("{sign}{n}")).collect();
    shown.join(" ")
}

fn drifted(drift: &Textual, ascii: bool, brief: bool) -> String {
    if drift.is_same() {
        return "  no drift: Azure holds what the last output says\n".to_owned();
    }
    let mut out = format!(
        "  drift: Azure does not hold what the last output says: {}\n",
        count(drift.entries.len(), "difference", "differences")
    );
    if !brief {
        for block in rule_lines::blocks(drift, Detail::default()) {
            out.push_str(&indented(&[block], ascii));
        }
    }
    out
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}
