//! A change of traffic as a sentence, and its place in the sources: what the forms for forges share. How
//! they write it, each of them knows.

use crate::diff::told::{
    Cause, CausingFlow, Change, Difference, End, Finding, Kind, Level, Outcome, Traffic,
};

/// The settings file: the place of what no statement is behind.
const SETTINGS: &str = "portcullis.yaml";

/// A place in the sources of the new side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// As the difference names files: forges want it as seen from the repository's root.
    pub path: String,
    /// The line, from 1; `None` if the new side has no such line.
    pub line: Option<u32>,
}

/// Where a change is shown: at the statement of the new side that did it. A statement that only the old
/// side has is shown at its file without a line, since the line holds something else now; what nobody
/// wrote is shown at the settings. `folder` is the project's, as seen from where files are named from.
#[must_use]
pub fn spot(change: &Change, folder: &str) -> Spot {
    let written = |flow: &&CausingFlow| !flow.file.is_empty();
    let new = change
        .causes
        .iter()
        .filter(written)
        .find(|flow| flow.side == "new" && flow.line > 0);
    match new.or_else(|| change.causes.iter().find(written)) {
        Some(flow) => Spot {
            path: flow.file.clone(),
            line: (flow.side == "new" && flow.line > 0).then_some(flow.line),
        },
        None => Spot {
            path: below(folder, SETTINGS),
            line: None,
        },
    }
}

/// Where a diagnostic of the new side is shown; at the settings if it is of no file.
#[must_use]
pub fn place_of(finding: &Finding, folder: &str) -> Spot {
    Spot {
        path: if finding.file.is_empty() {
            below(folder, SETTINGS)
        } else {
            finding.file.clone()
        },
        line: (finding.line > 0).then_some(finding.line),
    }
}

/// A file of the project's folder, as seen from where files are named from.
#[must_use]
pub fn below(folder: &str, file: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    if folder.is_empty() || folder == "." {
        file.to_owned()
    } else {
        format!("{folder}/{file}")
    }
}

/// A change in a few words: `newly allowed, risk HIGH 72`.
#[must_use]
pub fn title(change: &Change) -> String {
    let what = match change.change {
        Kind::NewlyAllowed => "newly allowed",
        Kind::NewlyBypassing => "newly past the firewall",
        Kind::NoLongerAllowed if change.required_lost => "required traffic lost",
        Kind::NoLongerAllowed => "no longer allowed",
        Kind::NewlyPassing => "newly through the firewall",
        Kind::Undecided => "undecided",
    };
    if change.change.widens() {
        format!("{what}, risk {}", risk(change))
    } else {
        what.to_owned()
    }
}

/// A change in full, in sentences on one line: who, where, what, a packet, why the risk, which statement.
#[must_use]
pub fn sentence(change: &Change) -> String {
    let traffic = &change.traffic;
    let (from, to) = (end(&traffic.source), target(traffic));
    let what = traffic.services.join(", ");
    let main = match change.change {
        Kind::NewlyAllowed => format!("{from} can newly reach {to} with {what}"),
        Kind::NewlyBypassing => {
            format!("what {from} sends to {to} with {what} passes the firewall no more")
        }
        Kind::NoLongerAllowed => format!("{from} can no longer reach {to} with {what}"),
        Kind::NewlyPassing => {
            format!("what {from} sends to {to} with {what} passes the firewall now")
        }
        Kind::Undecided => format!("whether {from} can reach {to} with {what} is not decided"),
    };
    let mut out = format!("{}: {main}.", change.environments.join(", "));
    if change.required_lost {
        out.push_str(" A `required` flow asks for it.");
    }
    if change.caused_by == Cause::Data {
        out.push_str(" Only what service tags hold has changed, not the policy.");
    }
    out.push_str(&format!(
        " Example: {}; before {}; now {}.",
        change.witness.text, change.before.text, change.after.text
    ));
    if !change.assuming.is_empty() {
        out.push_str(&format!(" Assuming {}.", change.assuming.join(", ")));
    }
    if change.change.widens() {
        let why: Vec<&str> = change
            .risk
            .factors
            .iter()
            .map(|f| f.text.as_str())
            .collect();
        out.push_str(&format!(" Risk {}", risk(change)));
        if !why.is_empty() {
            out.push_str(&format!(": {}", why.join("; ")));
        }
        out.push('.');
    }
    if !change.causes.is_empty() {
        let causes: Vec<String> = change.causes.iter().map(cause).collect();
        out.push_str(&format!(" Source: {}.", causes.join("; ")));
    }
    out.push_str(&format!(" Id {}", change.id));
    out.push_str(if change.accepted { ", accepted." } else { "." });
    out
}

/// `HIGH 72`.
fn risk(change: &Change) -> String {
    format!(
        "{} {}",
        change.risk.level.word().to_uppercase(),
        change.risk.score
    )
}

/// An end, with its prefix where the name stands for one.
fn end(end: &End) -> String {
    match (end.label.is_some(), end.prefixes.as_slice()) {
        (true, [one]) if !end.short.contains(one.as_str()) => format!("{} ({one})", end.short),
        _ => end.short.clone(),
    }
}

/// Where it goes: names, and addresses where these say more.
fn target(traffic: &Traffic) -> String {
    let addresses = end(&traffic.destination);
    if traffic.names.is_any() || traffic.names.short.is_empty() {
        addresses
    } else if traffic.destination.short == "any" || traffic.destination.short.is_empty() {
        traffic.names.short.clone()
    } else {
        format!("{} at {addresses}", traffic.names.short)
    }
}

fn cause(flow: &CausingFlow) -> String {
    let mut out = flow.flow.clone();
    if !flow.edit.is_empty() && flow.edit != "there" {
        out.push_str(&format!(" {}", flow.edit));
    }
    let place = flow.place();
    if !flow.file.is_empty() {
        out.push_str(&format!(" ({place})"));
    }
    for (word, part) in [
        ("owner", &flow.owner),
        ("ticket", &flow.ticket),
        ("until", &flow.until),
    ] {
        if let Some(part) = part {
            out.push_str(&format!(", {word} {part}"));
        }
    }
    out
}

/// The whole in a line: `widened: 3 newly allowed, 1 no longer allowed; highest risk HIGH 72`.
#[must_use]
pub fn short(difference: &Difference) -> String {
    let summary = &difference.summary;
    let regions = &summary.regions;
    let parts: Vec<String> = [
        (regions.newly_allowed, "newly allowed"),
        (regions.newly_bypassing, "newly past the firewall"),
        (regions.no_longer_allowed, "no longer allowed"),
        (regions.newly_passing, "newly through the firewall"),
        (regions.undecided, "undecided"),
        (regions.accepted, "accepted"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    let mut out = match (summary.verdict, parts.is_empty()) {
        (Outcome::Same, _) => "same: nothing differs".to_owned(),
        (Outcome::SameTraffic, _) => "same traffic: rules differ, packets do not".to_owned(),
        (verdict, true) => verdict.word().to_owned(),
        (verdict, false) => format!("{}: {}", verdict.word(), parts.join(", ")),
    };
    if let Some(level) = summary.risk.max.filter(|l| *l > Level::Info) {
        out.push_str(&format!(
            "; highest risk {} {}",
            level.word().to_uppercase(),
            summary.risk.score
        ));
    }
    out
}
