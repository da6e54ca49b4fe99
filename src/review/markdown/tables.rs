//! The tables of regions and of their packets, as rows of Markdown that are complete in themselves. Which
//! of them are shown is not known here.

use super::escape::{code, command, message, text};
use crate::diff::told::{Cause, Change, Difference, EnvironmentSummary, Kind, Level};
use crate::review::words;

/// One row.
pub(super) struct Row {
    /// Its text, with a line end.
    pub text: String,
    /// How risky it is.
    pub level: Level,
    /// It is never left out.
    pub protected: bool,
}

/// The regions of one kind.
pub(super) struct Table {
    /// What stands above it.
    pub heading: &'static str,
    /// A sentence below the heading, where the heading does not say it all.
    pub remark: &'static str,
    /// The head of the table, two lines.
    pub head: &'static str,
    /// One for each region.
    pub rows: Vec<Row>,
}

/// The kinds in the order in which a reviewer asks for them.
pub(super) const KINDS: [Kind; 6] = [
    Kind::NewlyAllowed,
    Kind::NewlyBypassing,
    Kind::Redirected,
    Kind::NoLongerAllowed,
    Kind::NewlyPassing,
    Kind::Undecided,
];

const WITH_RISK: &str = "\
| Risk | Env | Who → where | What | Why the risk | Source |
|---|---|---|---|---|---|
";

const WITH_REASON: &str = "\
| Env | Who → where | What | Why | Source |
|---|---|---|---|---|
";

const OPEN: &str = "\
| Env | Who → where | What | Hangs on | Source |
|---|---|---|---|---|
";

/// The table of a kind; `None` if no region is of it.
pub(super) fn table(difference: &Difference, kind: Kind) -> Option<Table> {
    let changes = difference.semantic.iter().filter(|c| c.change == kind);
    let rows: Vec<Row> = changes.map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let (heading, remark, head) = match kind {
        Kind::NewlyAllowed => ("Newly allowed", "", WITH_RISK),
        Kind::NewlyBypassing => (
            "Newly past the firewall",
            "This traffic arrives as before, and no firewall sees it any more.",
            WITH_RISK,
        ),
        Kind::Redirected => (
            "Led elsewhere",
            "This traffic arrives as before, and a firewall leads it to another address or port.",
            WITH_RISK,
        ),
        Kind::NoLongerAllowed => ("No longer allowed", "", WITH_REASON),
        Kind::NewlyPassing => (
            "Newly through the firewall",
            "This traffic arrives as before, and now passes a firewall.",
            WITH_REASON,
        ),
        Kind::Undecided => (
            "Undecided",
            "Whether this traffic changes hangs on what the policy does not say.",
            OPEN,
        ),
    };
    Some(Table {
        heading,
        remark,
        head,
        rows,
    })
}

fn row(change: &Change) -> Row {
    let mut cells = Vec::new();
    if change.change.widens() {
        cells.push(risk(change));
    }
    cells.push(environments(&change.environments));
    cells.push(format!(
        "{} → {}",
        code(&words::who(&change.traffic)),
        code(&words::whither_in_short(&change.traffic))
    ));
    cells.push(text(&words::what(&change.traffic)));
    cells.push(why(change));
    cells.push(sources(change));
    Row {
        text: line(&cells),
        level: change.risk.level,
        protected: change.risk.level == Level::High || change.required_lost,
    }
}

/// The gravest region that opens something and the first that closes something, a line each: what a reader
/// has to see before any table.
pub(super) fn leading(difference: &Difference) -> String {
    let live = || difference.semantic.iter().filter(|c| !c.accepted);
    let opens: Vec<&Change> = live().filter(|c| c.change.widens()).collect();
    let closes: Vec<&Change> = live()
        .filter(|c| matches!(c.change, Kind::NoLongerAllowed | Kind::NewlyPassing))
        .collect();
    let gravest = opens.iter().rev().max_by_key(|c| c.risk.score);
    let lost = closes.iter().find(|c| c.required_lost).or(closes.first());
    let mut out = String::new();
    for (word, found, count) in [
        ("Opens", gravest, opens.len()),
        ("Closes", lost, closes.len()),
    ] {
        let Some(change) = found else { continue };
        let traffic = &change.traffic;
        let mut said = vec![
            format!(
                "{} → {}",
                code(&words::who(traffic)),
                code(&words::whither_in_short(traffic))
            ),
            text(&words::what(traffic)),
        ];
        said.extend(words::instead(change).map(|instead| text(&instead)));
        said.push(format!("in {}", environments(&change.environments)));
        if change.change.widens() {
            said.push(format!(
                "{} {}",
                sign(change.risk.level),
                words::risk(change)
            ));
        } else if change.required_lost {
            said.push("🔴 **REQUIRED**".to_owned());
        }
        let by = change.causes.first().map(|cause| {
            let place = text(&cause.place());
            format!(": {} {place}", code(&cause.flow))
        });
        let more = match count {
            1 => String::new(),
            _ => format!("; and {} more", count - 1),
        };
        out.push_str(&format!(
            "* {word}: {}{}{more}.\n",
            said.join(", "),
            by.unwrap_or_default().trim_end()
        ));
    }
    out
}

/// Cells as a line of a table.
pub(super) fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A word with a sign before it, so that neither colour nor sign is needed.
fn risk(change: &Change) -> String {
    // Spaces at which no line breaks: the cell is narrow.
    let mut out = format!(
        "{}\u{a0}{}",
        sign(change.risk.level),
        words::risk(change).replace(' ', "\u{a0}")
    );
    if change.accepted {
        out.push_str(", accepted");
    }
    // What `--accept` takes, where it is most likely needed.
    if change.risk.level == Level::High {
        out.push_str(&format!("<br>{}", code(&change.id)));
    }
    out
}

/// The sign of a level.
pub(super) const fn sign(level: Level) -> &'static str {
    match level {
        Level::High => "🔴",
        Level::Medium => "🟡",
        Level::Low => "🟢",
        Level::Info => "⚪",
    }
}

fn environments(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| text(name)).collect();
    words::first_few(&names, 6)
}

fn why(change: &Change) -> String {
    let mut parts = Vec::new();
    if change.required_lost {
        parts.push("🔴 **REQUIRED flow lost**".to_owned());
    }
    match change.change {
        Kind::NewlyAllowed | Kind::NewlyBypassing | Kind::Redirected => {
            parts.extend(words::instead(change).map(|instead| text(&instead)));
            parts.extend(words::reasons(&change.risk).map(|reasons| message(&reasons)));
        }
        Kind::NoLongerAllowed | Kind::NewlyPassing => parts.push(words::edits(change, &code)),
        Kind::Undecided => {
            let assumed: Vec<String> = change
                .assuming
                .iter()
                .chain(&change.traffic.assuming)
                .map(|one| message(one))
                .collect();
            parts.push(words::first_few(&assumed, 3));
        }
    }
    if change.caused_by == Cause::Data {
        parts.push("only the data of service tags differs".to_owned());
    }
    parts.extend(words::partly(change).map(|partly| text(&partly)));
    if change.change != Kind::Undecided {
        let assumed: Vec<String> = change.assuming.iter().map(|one| message(one)).collect();
        if !assumed.is_empty() {
            parts.push(format!("assuming {}", words::first_few(&assumed, 2)));
        }
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join("; ")
    }
}

fn sources(change: &Change) -> String {
    let mut parts: Vec<String> = change
        .causes
        .iter()
        .take(2)
        .map(|cause| format!("{} {}", code(&cause.flow), text(&cause.place())))
        .map(|cause| cause.trim_end().to_owned())
        .collect();
    if change.causes.len() > 2 {
        parts.push(format!("and {} more", change.causes.len() - 2));
    }
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join("<br>")
    }
}

/// The head of the table of packets.
pub(super) const PACKETS: &str = "\
| Id | Env | Packet | Before | After |
|---|---|---|---|---|
";

/// The packet of a region as a row.
pub(super) fn packet(change: &Change) -> String {
    let witness = &change.witness;
    line(&[
        code(&change.id),
        text(&witness.environment),
        text(&witness.text.replace(" -> ", " → ")),
        fate(&change.before),
        fate(&change.after),
    ])
}

fn fate(of: &crate::diff::told::Fate) -> String {
    // The way is made of names that are quoted one by one; a text is from somebody else.
    if of.verdict == Some(crate::packet::Verdict::Allow) && !of.path.is_empty() {
        words::fate(of, &code).replace(" -> ", " → ")
    } else {
        message(&words::fate(of, &code))
    }
}

/// The command that tells the way of the first packet that has one.
pub(super) fn example(changes: &[&Change]) -> Option<String> {
    let first = changes.iter().find_map(|c| c.witness.explain.as_ref())?;
    Some(command(first))
}

/// The table of environments.
pub(super) fn environment_table(difference: &Difference) -> String {
    let all = &difference.summary.environments;
    if all.is_empty() {
        return String::new();
    }
    type Count = fn(&EnvironmentSummary) -> usize;
    let counts: [(&str, bool, Count); 7] = [
        ("Newly allowed", true, |e| e.regions.newly_allowed),
        ("Newly past the firewall", false, |e| {
            e.regions.newly_bypassing
        }),
        ("Led elsewhere", false, |e| e.regions.redirected),
        ("No longer allowed", true, |e| e.regions.no_longer_allowed),
        ("Newly through the firewall", false, |e| {
            e.regions.newly_passing
        }),
        ("Undecided", false, |e| e.regions.undecided),
        ("Required lost", false, |e| e.regions.required_lost),
    ];
    let shown: Vec<_> = counts
        .iter()
        .filter(|(_, always, count)| *always || all.values().any(|one| count(one) > 0))
        .collect();
    let renumbered = all.values().any(|one| one.rules.renumbered > 0);
    let mut head = vec!["Risk".to_owned(), "Environment".to_owned()];
    head.extend(shown.iter().map(|(name, _, _)| (*name).to_owned()));
    head.push(if renumbered {
        "Rules +/-/~/renamed/renumbered".to_owned()
    } else {
        "Rules +/-/~/renamed".to_owned()
    });
    head.push("Tests".to_owned());
    let mut out = line(&head);
    out.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    for (name, one) in all {
        let risk = one.risk.map_or_else(
            || "none".to_owned(),
            |level| format!("{} {}", sign(level), level.word()),
        );
        let only = match one.only {
            Some("added") => " (new)",
            Some("removed") => " (removed)",
            _ => "",
        };
        let mut cells = vec![risk, format!("{}{only}", text(name))];
        cells.extend(shown.iter().map(|(_, _, count)| count(one).to_string()));
        let counts = &one.rules;
        let mut told = format!(
            "+{} -{} ~{} ↷{}",
            counts.added, counts.removed, counts.changed, counts.renamed
        );
        if renumbered {
            told.push_str(&format!(" ↕{}", counts.renumbered));
        }
        cells.push(told);
        cells.push(match one.tests {
            Some(tests) if tests.failed > 0 => {
                format!("🔴 {} passed, **{} FAILED**", tests.passed, tests.failed)
            }
            tests => words::tests(tests),
        });
        out.push_str(&line(&cells));
    }
    out
}
