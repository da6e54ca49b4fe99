//! What the forms for forges share: where a change is shown, its title, its message. How a forge wants it
//! written, each form knows.

use super::harmless::harmless;
use super::words;
use crate::diff::told::{CausingFlow, Change, Difference, Finding, Kind};

/// The settings file: the place of what no statement is behind.
const SETTINGS: &str = "portcullis.yaml";

/// Most statements in a message.
const SOURCES: usize = 4;

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
        Kind::Redirected => "led elsewhere",
        Kind::NoLongerAllowed if change.required_lost => "required traffic lost",
        Kind::NoLongerAllowed => "no longer allowed",
        Kind::NewlyPassing => "newly through the firewall",
        Kind::Undecided => "undecided",
    };
    if change.change.widens() {
        format!("{what}, risk {}", words::risk(change))
    } else {
        what.to_owned()
    }
}

/// A change in full, on one line: who, where, what, a packet, why the risk, which statement.
#[must_use]
pub fn message(change: &Change) -> String {
    let plain = |name: &str| name.to_owned();
    let mut parts = vec![words::sentence(change)];
    parts.extend(words::remarks(change));
    parts.push(format!(
        "Example: {}; before {}; now {}.",
        change.witness.text,
        words::fate(&change.before, &plain),
        words::fate(&change.after, &plain)
    ));
    if change.change.widens() {
        parts.push(match words::reasons(&change.risk) {
            Some(why) => format!("Risk {}: {why}.", words::risk(change)),
            None => format!("Risk {}.", words::risk(change)),
        });
    }
    let mut sources: Vec<String> = change.causes.iter().take(SOURCES).map(source).collect();
    let more = change.causes.len() - sources.len();
    if more > 0 {
        sources.push(format!("{more} more"));
    }
    if !sources.is_empty() {
        parts.push(format!("Source: {}.", sources.join("; ")));
    }
    parts.push(format!("Id {}.", change.id));
    harmless(&parts.join(" "))
}

/// `avd-egress::intranet changed (hub.gate:90), owner desktops, ticket NET-7`.
fn source(flow: &CausingFlow) -> String {
    let mut out = flow.flow.clone();
    if !flow.edit.is_empty() && flow.edit != "there" {
        out.push_str(&format!(" {}", flow.edit));
    }
    if !flow.file.is_empty() {
        out.push_str(&format!(" ({})", flow.place()));
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

/// The whole in a line: `3 widened, 1 narrowed; highest risk HIGH 72`.
#[must_use]
pub fn short(difference: &Difference) -> String {
    let summary = &difference.summary;
    let mut out = words::headline(summary, 0);
    if let Some((level, _)) = words::highest(&summary.risk) {
        out.push_str(&format!(
            "; highest risk {} {}",
            words::level(level),
            summary.risk.score
        ));
    }
    if summary.regions.accepted > 0 {
        out.push_str(&format!("; {} accepted", summary.regions.accepted));
    }
    out
}
