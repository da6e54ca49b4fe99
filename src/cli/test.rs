//! `test`: runs the policy's tests in every environment and tells what became of them. The judging is
//! elsewhere.

mod rows;
mod text;
mod junit;
mod tap;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{Format, Global, TestArgs};
use super::basis::Basis;
use super::explain::behind::Behind;
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{BAD, FINE, project, run};
use crate::backends::Lowered;
use crate::diag::{Diagnostic, suggest};
use crate::driver::{LimitsMode, Stage};
use crate::model::verify::TestBlock;
use crate::reach::{Traces, emitted};
use crate::trials::{self, Wanted, judge, promise};

use rows::{Coverage, Row, Untested};

/// What all environments found.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    coverage: Vec<Coverage>,
    /// Every name that there is, run or not.
    names: BTreeSet<String>,
    fault: Option<String>,
    basis: Basis,
    /// Only counts are wanted: what fails is told by another command.
    silent: bool,
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &TestArgs) -> Result<u8, IoFault> {
    // What there is to say beside the tests is for `check`.
    let reporter = Reporter::new(global, true).with_errors_only();
    let place = project::find(&args.path, global.config.as_deref())?;
    let shown = Names {
        root: place.root.clone(),
        shown_root: place.shown_root.clone(),
    };
    let mut found = Found::default();
    let ask = run::Ask {
        path: args.path.clone(),
        limits: LimitsMode::Off,
        on_expired: args.expired.map(Into::into),
        // What is promised is proven as tests.
        no_prove: true,
        promises_watched: true,
        no_files: true,
        ..run::Ask::default()
    };
    let done = run::watched(global, &reporter, &ask, &mut |stage, lowered| {
        environment(stage, lowered, args, &shown, &mut found);
    })?;
    if let Some(why) = found.fault {
        return Err(IoFault::Other(why));
    }
    let code = done.err().unwrap_or(FINE);
    if found.rows.is_empty() && code == FINE && args.filter.is_some() {
        return Err(IoFault::Other(no_match(args, &found.names)));
    }
    if found.rows.is_empty() && code != FINE {
        return Ok(code);
    }
    let out = match reporter.format() {
        Format::Json => rows::json(&found.rows, &found.coverage, &found.basis),
        Format::Junit => junit::text(&found.rows).map_err(IoFault::Other)?,
        Format::Tap => tap::text(&found.rows, &found.coverage, &found.basis),
        _ => text::text(&found.rows, &found.coverage, global.quiet, &found.basis),
    };
    match reporter.format() {
        Format::Json | Format::Junit | Format::Tap => reporter.exact(&out)?,
        _ => reporter.result(&out)?,
    }
    let failed = found.rows.iter().any(|row| !row.passed());
    Ok(if failed && code == FINE { BAD } else { code })
}

/// How many tests of one environment pass and fail, `required` flows among them.
///
/// # Errors
/// They cannot be judged; in words.
pub(in crate::cli) fn counted(
    stage: &Stage<'_>,
    lowered: &Lowered,
) -> Result<(usize, usize), String> {
    let shown = Names {
        root: PathBuf::new(),
        shown_root: ".".to_owned(),
    };
    let mut found = Found {
        silent: true,
        ..Found::default()
    };
    let all = TestArgs {
        path: PathBuf::new(),
        filter: None,
        coverage: false,
        expired: None,
    };
    environment(stage, lowered, &all, &shown, &mut found);
    if let Some(why) = found.fault {
        return Err(why);
    }
    let passed = found.rows.iter().filter(|row| row.passed()).count();
    Ok((passed, found.rows.len() - passed))
}

/// The names of files as they are seen from the working directory.
struct Names {
    root: PathBuf,
    shown_root: String,
}

impl Names {
    fn shown(&self, name: &str) -> String {
        if io::is_file(&self.root.join(Path::new(name))) {
            run::join(&self.shown_root, name)
        } else {
            name.to_owned()
        }
    }
}

/// Runs the tests of one environment.
fn environment(
    stage: &Stage<'_>,
    lowered: &Lowered,
    args: &TestArgs,
    shown: &Names,
    found: &mut Found,
) {
    let policy = stage.context.fabric.policy;
    let needle = args.filter.as_deref().map(str::to_lowercase);
    let wanted = |name: &str| {
        let meant = |needle: &String| name.to_lowercase().contains(needle);
        needle.as_ref().is_none_or(meant)
    };
    let promises: Vec<(usize, String)> = policy
        .flows
        .iter()
        .enumerate()
        .filter_map(|(index, flow)| Some((index, promise(flow)?)))
        .collect();
    found.names.extend(policy.tests.iter().map(TestBlock::path));
    found.names.extend(promises.iter().map(|(_, n)| n.clone()));
    let chosen = policy.tests.iter().filter(|test| wanted(&test.path()));
    let (changed, plain): (Vec<&TestBlock>, Vec<&TestBlock>) =
        chosen.partition(|test| test.with.is_some());
    let own = Wanted {
        tests: plain,
        promises: promises
            .iter()
            .filter(|(_, name)| wanted(name))
            .map(|(index, _)| *index)
            .collect(),
        coverage: args.coverage,
    };
    let mut made = Vec::new();
    one(stage, lowered, &own, (shown, true), &mut made, found);
    for test in changed {
        let seen = stage.under(test, &mut |stage, lowered| {
            let tests = stage.context.fabric.policy.tests.iter().collect();
            let own = Wanted {
                tests,
                ..Wanted::default()
            };
            one(stage, lowered, &own, (shown, false), &mut made, found);
        });
        if !seen {
            let place = place(stage, test, shown);
            made.push(Row::not_run(&policy.environment, test.path(), place));
        }
    }
    // As they stand in the sources; promises behind them.
    let order = |row: &Row| {
        let at = policy.tests.iter().position(|t| t.path() == row.test);
        (row.generated, at)
    };
    made.sort_by_key(order);
    found.rows.extend(made);
    found.basis.and(Basis::of(stage));
}

fn place(stage: &Stage<'_>, test: &TestBlock, shown: &Names) -> String {
    let (file, line, _) = stage.sources.place(test.span);
    format!("{}:{line}", shown.shown(&file))
}

/// Judges what is wanted of one policy, which is the environment's as it is or under a test's values.
fn one(
    stage: &Stage<'_>,
    lowered: &Lowered,
    wanted: &Wanted<'_>,
    (shown, as_it_is): (&Names, bool),
    rows: &mut Vec<Row>,
    found: &mut Found,
) {
    let environment = &stage.context.fabric.policy.environment;
    let network = match emitted::network(stage.context, &lowered.resources) {
        Ok(network) => network,
        Err(why) => {
            let why = format!("a resource of `{environment}` cannot be read back: {why}");
            found.fault = found.fault.take().or(Some(why));
            return;
        }
    };
    let findings = match judge(stage.context, &network, lowered, wanted, stage.told) {
        Ok(findings) => findings,
        Err(why) => {
            found.fault = found.fault.take().or(Some(why.to_string()));
            return;
        }
    };
    let behind = Behind::new(stage, Traces::new(&lowered.traces), &|name| {
        shown.shown(name)
    });
    let telling = rows::Telling {
        environment,
        sources: stage.sources,
        network: &network,
        behind: &behind,
        shown: &|name| shown.shown(name),
        as_it_is,
    };
    rows.extend(findings.trials.iter().map(|trial| telling.row(trial)));
    if wanted.coverage {
        found.coverage.push(covered(stage, &behind, &findings));
    }
    if !found.silent {
        let told = findings.diagnostics.into_iter();
        told.for_each(|d: Diagnostic| stage.say(d));
    }
}

fn covered(stage: &Stage<'_>, behind: &Behind, findings: &trials::Findings) -> Coverage {
    let policy = stage.context.fabric.policy;
    Coverage {
        kind: "coverage",
        environment: policy.environment.clone(),
        flows: policy.flows.len() + policy.dnats.len(),
        untested: findings
            .untested
            .iter()
            .map(|id| Untested {
                flow: id.clone(),
                place: behind.place(id),
            })
            .collect(),
    }
}

/// What is said if no test is meant.
fn no_match(args: &TestArgs, names: &BTreeSet<String>) -> String {
    let text = args.filter.as_deref().unwrap_or_default();
    let mut out = format!("no test has `{text}` in its name");
    // A word of a name may be what is meant.
    let words = names.iter().flat_map(|name| {
        let parts = name.split([' ', ':']).filter(|part| part.len() > 2);
        parts.chain([name.as_str()]).map(move |part| (part, name))
    });
    let words: Vec<(&str, &String)> = words.collect();
    let near = suggest::closest(text, words.iter().map(|(part, _)| *part));
    let mut shown: Vec<&str> = words
        .iter()
        .filter(|(part, _)| Some(*part) == near)
        .map(|(_, name)| name.as_str())
        .collect();
    shown.dedup();
    let word = if shown.is_empty() {
        shown = names.iter().map(String::as_str).collect();
        "the tests are"
    } else {
        "did you mean"
    };
    if shown.is_empty() {
        out.push_str("; the project has no tests");
        return out;
    }
    let more = shown.len().saturating_sub(10);
    shown.truncate(10);
    out.push_str(&format!("; {word} `{}`", shown.join("`, `")));
    if more > 0 {
        out.push_str(&format!(" and {more} more"));
    }
    if word == "did you mean" {
        out.push('?');
    }
    out
}
