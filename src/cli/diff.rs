//! `diff`: what a change means. The sides are read here; what differs is worked out elsewhere, and so is
//! how it is said.

mod asked;
mod foreign;
mod forms;
mod page;
mod pairs;
mod sides;
mod telling;

use indexmap::IndexMap;

use super::args::{DiffArgs, FailOn, Global};
use super::io::IoFault;
use super::io::ground::Ground;
use super::report::Reporter;
use super::{BAD, CANNOT_RUN, DIFFERS, FAILS_ON, FINE};
use crate::config::RiskLevel;
use crate::diag::internal::internal;
use crate::diag::{Diagnostic, Severity};
use crate::diff::semantic::{self, Region, Wrong};
use crate::diff::told::{
    self, Change, Difference, EnvironmentSummary, Kind, Outcome, Summary, Tool,
};
use crate::diff::{order, textual};
use crate::source::SourceMap;

use asked::Asked;
pub use forms::Also;
use forms::Forms;
use pairs::{Bad, Sides};
use sides::{Environment, Side};
use telling::Pair;

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &DiffArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    forms::known(reporter.format())?;
    for also in &args.also {
        forms::known(also.form)?;
    }
    let (old, new) = pairs::placed(&args.sides, asked::sides(&args.sides)?)?;
    let sides = match pairs::read(global, args, &old, &new)? {
        Ok(sides) => sides,
        Err(bad) => return refuse(&reporter, (&old, &new), &bad),
    };
    let difference = match differ(global, args, (&old, &new), &sides) {
        Ok(difference) => difference,
        Err(Fault::Other(why)) => return Err(IoFault::Other(why)),
        Err(Fault::Ours(why)) => {
            reporter.tell(&SourceMap::default(), &[internal(why)])?;
            return Ok(if args.detailed_exitcode {
                BAD
            } else {
                CANNOT_RUN
            });
        }
    };
    Forms {
        global,
        args,
        reporter: &reporter,
        settings: &sides.new.settings,
        folder: &sides.new.folder,
        new: &new,
        difference: &difference,
    }
    .write()?;
    let least = sides.new.settings.risk.fail;
    let code = code(args, least, &difference);
    // The process ends here: giving back the memory of two policies piece by piece takes longer than
    // comparing them.
    std::mem::forget((sides, difference));
    Ok(code)
}

/// Tells what is wrong with the sides.
fn refuse(reporter: &Reporter, (old, new): (&Asked, &Asked), bad: &Bad) -> Result<u8, IoFault> {
    let mut sources = SourceMap::default();
    let mut all: Vec<Diagnostic> = Vec::new();
    for (asked, side) in [(old, &bad.old), (new, &bad.new)] {
        let front = match &asked.ground {
            Ground::Disk => String::new(),
            Ground::Revision(revision) => format!("{}:", revision.name),
        };
        let ids: Vec<_> = side
            .sources
            .iter()
            .map(|(_, file)| sources.add(format!("{front}{}", file.name), file.text.clone()))
            .collect();
        let errors = side
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error);
        all.extend(errors.map(|d| d.clone().in_files(&ids)));
    }
    reporter.tell(&sources, &all)?;
    for (word, side) in [("old", &bad.old), ("new", &bad.new)] {
        if let Some(why) = &side.unreadable {
            return Err(IoFault::Other(format!("the {word} side: {why}")));
        }
    }
    Ok(BAD)
}

/// Why there is no difference to tell.
enum Fault {
    /// What the user can do something about.
    Other(String),
    /// Our own fault.
    Ours(String),
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Exhausted(_) => Self::Other(wrong.to_string()),
            Wrong::Disagree(text) => Self::Ours(text),
        }
    }
}

fn differ(
    global: &Global,
    args: &DiffArgs,
    (old, new): (&Asked, &Asked),
    sides: &Sides,
) -> Result<Difference, Fault> {
    let names = environments(global, sides).map_err(Fault::Other)?;
    let mut changes: Vec<Change> = Vec::new();
    let mut notes = sides.notes.clone();
    let (mut written, mut writes) = (Vec::new(), Vec::new());
    for name in &names {
        let nothing = foreign::nothing(name);
        let was = sides.old.environment(name).unwrap_or(&nothing);
        let is = sides.new.environment(name).unwrap_or(&nothing);
        let pair = Pair {
            name,
            old: was,
            new: is,
            settings: &sides.new.settings,
            sides: (&sides.old, &sides.new),
        };
        let updated = sides
            .updated
            .as_ref()
            .and_then(|side| side.environment(name));
        let numbers = sides.old.numbered && sides.new.numbered;
        // Rules as text beside traffic: neither looks at the other.
        let (text, traffic) = std::thread::scope(|scope| {
            let options = textual::Options { numbers };
            let text = scope.spawn(move || textual::compare(name, &was.text, &is.text, options));
            let traffic = traffic(&pair, updated, args.whole);
            (text.join(), traffic)
        });
        changes.extend(traffic?);
        let text = text.map_err(|_| Fault::Ours("the rules could not be compared".to_owned()))?;
        let bands = &sides.new.settings.bands;
        writes.push(order::order(&text, bands, &is.retired));
        written.push(text);
        let there = |side: &Side| side.environment(name).is_some();
        // Layers of sides without sources are no environments.
        let named = |of: &Environment| of.scene.sight.statements.known;
        match (there(&sides.old), there(&sides.new)) {
            (false, true) if named(is) => notes.push(format!("environment `{name}` is new")),
            (true, false) if named(was) => notes.push(format!("environment `{name}` is gone")),
            _ => {}
        }
        let flows = was.flows.max(is.flows);
        if flows > sides::MOST_HELD {
            notes.push(format!(
                "environment `{name}` has {flows} flows: whether some of them are dead or equal is told by `check` only"
            ));
        }
        for gone in &is.retired {
            notes.push(format!(
                "environment `{name}`: rule collection group `{}` of `{}` left the source and stays in force until it is deleted: its rules count (PC7007)",
                gone.name, gone.policy
            ));
        }
    }
    if sides.old.catalogue != sides.new.catalogue {
        notes.push(if sides.updated.is_some() {
            format!(
                "service tags of {} before and {} after: what only they changed is told apart",
                sides.old.catalogue, sides.new.catalogue
            )
        } else {
            format!(
                "service tags of {} before and {} after; the old policy does not compile with these, so what only they changed is not told apart",
                sides.old.catalogue, sides.new.catalogue
            )
        });
    }
    let semantic = telling::merged(changes, &names, &args.accept);
    if let Some(note) = telling::sessions(&semantic) {
        notes.push(note);
    }
    if let Some(unknown) = args
        .accept
        .iter()
        .find(|id| !semantic.iter().any(|c| c.id == **id))
    {
        notes.push(format!("`--accept {unknown}`: there is no such region"));
    }
    let mut environments: IndexMap<String, EnvironmentSummary> = IndexMap::new();
    for name in &names {
        let own = || semantic.iter().filter(|c| c.environments.contains(name));
        let there = |side: &Side| side.environment(name).is_some();
        environments.insert(
            name.clone(),
            EnvironmentSummary {
                only: match (there(&sides.old), there(&sides.new)) {
                    (true, false) => Some("removed"),
                    (false, true) => Some("added"),
                    _ => None,
                },
                risk: telling::risks(own()).max,
                regions: telling::counts(own()),
                rules: written
                    .iter()
                    .find(|t: &&textual::Textual| t.environment == *name)
                    .map(|t| t.rules)
                    .unwrap_or_default(),
                tests: sides.new.environment(name).and_then(|e| e.tests),
            },
        );
    }
    let counts = telling::counts(semantic.iter());
    let rules_differ = written.iter().any(|t| !t.is_same());
    let (old_hash, new_hash) = (sides.old.hash.clone(), sides.new.hash.clone());
    let side = |asked: &Asked, side: &Side, hash: &str| told::Side {
        name: asked.name.clone(),
        commit: asked.ground.revision().map(|r| r.commit.clone()),
        hash: hash.to_owned(),
        catalog: side.catalogue.clone(),
    };
    Ok(Difference {
        schema: told::SCHEMA,
        tool: Tool {
            name: "portcullis",
            version: env!("CARGO_PKG_VERSION"),
            catalog: sides.new.catalogue.clone(),
            as_of: sides.new.today.map(|day| day.to_string()),
        },
        project: sides.new.settings.project.clone().unwrap_or_default(),
        old: side(old, &sides.old, &old_hash),
        new: side(new, &sides.new, &new_hash),
        summary: Summary {
            verdict: telling::outcome(&counts, rules_differ),
            risk: telling::risks(semantic.iter()),
            regions: counts,
            environments,
            blast_radius: telling::blast(&written, &writes),
        },
        semantic,
        textual: written,
        moved: telling::moved(&sides.old, &sides.new),
        order: writes,
        expiring: telling::expiring(&sides.new),
        diagnostics: telling::findings(&sides.old, &sides.new),
        notes,
    })
}

/// The regions of one environment. With the old policy on the new data what that changed is told apart.
fn traffic(
    pair: &Pair<'_>,
    updated: Option<&Environment>,
    whole: bool,
) -> Result<Vec<Change>, Fault> {
    let steps = match updated {
        Some(updated) => vec![
            (
                Pair {
                    new: updated,
                    ..*pair
                },
                told::Cause::Data,
            ),
            (
                Pair {
                    old: updated,
                    ..*pair
                },
                told::Cause::Policy,
            ),
        ],
        None => vec![(*pair, told::Cause::Policy)],
    };
    let mut out = Vec::new();
    for (pair, cause) in steps {
        let (old, new) = (&pair.old.scene.sight, &pair.new.scene.sight);
        let found: Vec<Region> = semantic::compare(old, new, whole)?;
        out.extend(found.iter().map(|region| pair.change(region, cause)));
    }
    Ok(out)
}

/// The environments of both sides, those that weigh most first.
fn environments(global: &Global, sides: &Sides) -> Result<Vec<String>, String> {
    let both = sides.old.environments.iter().chain(&sides.new.environments);
    let mut out: Vec<String> = both.map(|e| e.scene.environment.clone()).collect();
    out.sort();
    out.dedup();
    let weight = |name: &String| sides.new.settings.risk.weight_of(name);
    out.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    // Of sides without sources each layer is told by itself: `prod: nsg app`.
    let there = |name: &String| {
        let front = format!("{name}: ");
        out.iter().any(|own| own == name || own.starts_with(&front))
    };
    if let Some(unknown) = global.environments.iter().find(|name| !there(name)) {
        return Err(format!("neither side has an environment `{unknown}`"));
    }
    Ok(out)
}

/// The exit code. `least` is the level from which the settings let a change fail.
fn code(args: &DiffArgs, least: Option<RiskLevel>, difference: &Difference) -> u8 {
    let summary = &difference.summary;
    let differs = summary.verdict != Outcome::Same;
    let live = || difference.semantic.iter().filter(|c| !c.accepted);
    let least = least.map(|level| {
        FailOn::Risk(match level {
            RiskLevel::Low => told::Level::Low,
            RiskLevel::Medium => told::Level::Medium,
            RiskLevel::High => told::Level::High,
        })
    });
    let holds = args.fail_on.iter().chain(&least).any(|when| match when {
        FailOn::Widened => live().any(|c| c.change.widens()),
        FailOn::Risk(level) => live().any(|c| c.change.widens() && c.risk.level >= *level),
        FailOn::RequiredLost => {
            live().any(|c| c.required_lost && c.change == Kind::NoLongerAllowed)
        }
        FailOn::Drift => differs,
    });
    match () {
        () if holds => FAILS_ON,
        () if args.detailed_exitcode && differs => CANNOT_RUN,
        () if args.exit_code && differs => DIFFERS,
        () => FINE,
    }
}
