//! The rows for people: by environment and kind, the first of each.

use super::rows::Row;

/// Rows of a kind that are shown unless all are asked for.
const SHOWN: usize = 20;

const KINDS: [(&str, &str); 7] = [
    (
        "dead",
        "dead rules: earlier rules match all of their packets",
    ),
    (
        "hidden",
        "application rules that a network rule is read before",
    ),
    (
        "shadowed",
        "rules that lose a part to an earlier one of the other action",
    ),
    (
        "redundant",
        "redundant rules: later rules would decide likewise",
    ),
    ("mergeable", "rules that could be one with an earlier one"),
    (
        "envelope",
        "envelopes: wider than their flows, because a security group matches no names",
    ),
    (
        "wide",
        "widest allows of each list, in addresses times ports and protocols",
    ),
];

/// All of it.
pub(super) fn text(rows: &[Row], all: bool) -> String {
    let mut environments: Vec<&str> = rows.iter().map(|r| r.environment.as_str()).collect();
    environments.dedup();
    let mut out = String::new();
    for environment in environments {
        if !environment.is_empty() {
            out.push_str(&format!("{environment}\n"));
        }
        for (kind, heading) in KINDS {
            let of: Vec<&Row> = rows
                .iter()
                .filter(|r| r.environment == environment && r.kind == kind)
                .collect();
            if of.is_empty() {
                continue;
            }
            out.push_str(&format!(" {heading}: {}\n", of.len()));
            let shown = if all { of.len() } else { SHOWN };
            for row in of.iter().take(shown) {
                out.push_str(&line(row));
            }
            if of.len() > shown {
                out.push_str(&format!(
                    "  and {} more: `-v` or `--format json` shows all\n",
                    of.len() - shown
                ));
            }
        }
    }
    if out.is_empty() {
        out.push_str("no rules to judge\n");
    }
    out
}

fn line(row: &Row) -> String {
    let direction = row.direction.map_or_else(String::new, |d| format!(" {d}"));
    let mut out = format!(
        "  {}{direction}  {}",
        row.resource,
        row.rule.replace('/', " / ")
    );
    if !row.place.is_empty() {
        out.push_str(&format!("  {}", row.place));
    }
    out.push('\n');
    let by = row.by.join(", ");
    let detail = match row.kind {
        "dead" if row.how == "duplicate" => format!("the same as {by}"),
        "dead" if row.contradicted => {
            let other = if row.verdict == "allow" {
                "deny"
            } else {
                "allow"
            };
            format!(
                "all of it by {by}: what it would {} is told to {other}",
                row.verdict
            )
        }
        "dead" => format!("all of it by {by}"),
        "mergeable" => format!("with {by}: only the {} differs", row.how),
        "hidden" if row.how == "surely" => format!("by {by}, whatever its names resolve to"),
        "hidden" => format!("by {by}, if its names resolve to what that matches"),
        "envelope" if row.narrowed_by.is_empty() => {
            "nothing narrows it: `names = open` accepts it".to_owned()
        }
        "envelope" => format!("narrowed by {}", row.narrowed_by.join(", ")),
        "wide" => {
            let more = if row.at_least { "at least " } else { "" };
            format!("{more}{}", grouped(row.size.as_deref().unwrap_or_default()))
        }
        _ => format!("by {by}"),
    };
    out.push_str(&format!("      {detail}\n"));
    if let Some(example) = &row.example {
        out.push_str(&format!("      for example {example}\n"));
    }
    out
}

/// `1 048 576`
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!(grouped("7"), "7");
        assert_eq!(grouped("1048576"), "1 048 576");
    }
}
