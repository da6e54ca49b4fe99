//! A difference as annotations of a run: workflow commands of GitHub Actions, logging commands of Azure
//! Pipelines. Not the report: forges show few annotations, so only what must be looked at has one.

use super::forge::{Spot, message, short, spot, title};
use crate::diag::escape::{
    github_data, github_property, pipelines_data, pipelines_plain, pipelines_property,
};
use crate::diff::told::{Change, Difference, Kind, Level};

/// Most annotations of one kind: GitHub shows ten warnings and ten errors of a step, and one line is
/// kept for the rest. GitHub Docs, "Workflow commands", and the runner's limits, checked 2026-11-30.
const SHOWN: usize = 9;

/// Which changes have an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Those that widen and are at least as risky.
    pub least: Level,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { least: Level::High }
    }
}

/// How grave an annotation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grave {
    Error,
    Warning,
}

/// Workflow commands of GitHub Actions. `folder` is the project's, as seen from where files are named from.
#[must_use]
pub fn github(difference: &Difference, folder: &str, wanted: Wanted) -> String {
    let (shown, hidden) = chosen(difference, wanted);
    let mut out = String::new();
    for (grave, change) in shown {
        let command = match grave {
            Grave::Error => "error",
            Grave::Warning => "warning",
        };
        let Spot { path, line } = spot(change, folder);
        let line = line.map_or_else(String::new, |line| format!("line={line},"));
        out.push_str(&format!(
            "::{command} file={},{line}title={}::{}\n",
            github_property(&path),
            github_property(&format!("Portcullis: {}", title(change))),
            github_data(&message(change))
        ));
    }
    out.push_str(&format!(
        "::notice title=Portcullis::{}\n",
        github_data(&summary(difference, hidden))
    ));
    out
}

/// Logging commands of Azure Pipelines. `folder` is the project's, as seen from where files are named from.
#[must_use]
pub fn azure_pipelines(difference: &Difference, folder: &str, wanted: Wanted) -> String {
    let (shown, hidden) = chosen(difference, wanted);
    let mut out = String::new();
    for (grave, change) in shown {
        let kind = match grave {
            Grave::Error => "error",
            Grave::Warning => "warning",
        };
        let Spot { path, line } = spot(change, folder);
        let line = line.map_or_else(String::new, |line| format!("linenumber={line};"));
        out.push_str(&format!(
            "##vso[task.logissue type={kind};sourcepath={};{line}code={};]{}\n",
            pipelines_property(&path),
            super::sarif::rule_id(change),
            pipelines_data(&format!("{}: {}", title(change), message(change)))
        ));
    }
    out.push_str(&pipelines_plain(&format!(
        "portcullis: {}",
        summary(difference, hidden)
    )));
    out
}

/// What has an annotation, the riskiest first, and how many changes have none.
fn chosen(difference: &Difference, wanted: Wanted) -> (Vec<(Grave, &Change)>, usize) {
    let mut all: Vec<(Grave, &Change)> = difference
        .semantic
        .iter()
        .filter(|change| !change.accepted)
        .filter_map(|change| {
            let level = change.risk.level;
            match change.change {
                kind if kind.widens() && level >= wanted.least => Some(if level == Level::High {
                    (Grave::Error, change)
                } else {
                    (Grave::Warning, change)
                }),
                Kind::NoLongerAllowed if change.required_lost => Some((Grave::Error, change)),
                _ => None,
            }
        })
        .collect();
    all.sort_by_key(|(_, change)| std::cmp::Reverse((change.risk.level, change.risk.score)));
    let mut room = [SHOWN; 2];
    all.retain(|(grave, _)| {
        let left = match grave {
            Grave::Error => &mut room[0],
            Grave::Warning => &mut room[1],
        };
        let fits = *left > 0;
        *left = left.saturating_sub(1);
        fits
    });
    let hidden = difference.semantic.len() - all.len();
    (all, hidden)
}

fn summary(difference: &Difference, hidden: usize) -> String {
    let mut out = short(difference);
    if hidden > 0 {
        let (noun, verb) = if hidden == 1 {
            ("region", "has")
        } else {
            ("regions", "have")
        };
        out.push_str(&format!(
            ". {hidden} {noun} of traffic {verb} no annotation of {}: see the report",
            if hidden == 1 { "its own" } else { "their own" }
        ));
    }
    out
}
