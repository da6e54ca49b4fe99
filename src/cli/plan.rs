//! `plan`: what the sources compile to against what stands in the output folder or in Azure, as writes in
//! their order. Comparing and ordering are elsewhere; nothing is written.

mod sides;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::{FailOnArg, Global, PlanArgs};
use super::io::IoFault;
use super::lock::{self, Fill};
use super::report::Reporter;
use super::{BAD, DIFFERS, FAILS_ON, FINE, run};
use crate::allocate::lock as lock_file;
use crate::diff::order::{Order, order};
use crate::diff::textual::{Options, Side, Textual, compare_without};

use sides::Against;

/// What is told of one environment.
#[derive(Clone, Debug, Serialize)]
struct Planned {
    /// The writes.
    #[serde(flatten)]
    order: Order,
    /// What differs.
    textual: Textual,
    /// What Azure holds that the last output does not say, and the other way round; of `--live` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<Textual>,
    /// How full the bands are of what is written.
    bands: Vec<Fill>,
}

/// A plan as data.
#[derive(Clone, Debug, Serialize)]
struct Told<'t> {
    schema: &'static str,
    /// What the sources are compared with.
    against: &'t str,
    environments: &'t [Planned],
}

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &PlanArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let mut made: BTreeMap<String, Side> = BTreeMap::new();
    let ask = run::Ask {
        path: args.path.clone(),
        asking: true,
        on_expired: args.expired.map(Into::into),
        remember: lock::Remember {
            locked: if global.locked {
                crate::driver::Locked::Refuse
            } else {
                crate::driver::Locked::Update
            },
            ..lock::Remember::default()
        },
        ..run::Ask::default()
    };
    let done = run::watched(global, &reporter, &ask, &mut |stage, lowered| {
        let environment = stage.context.fabric.policy.environment.clone();
        made.insert(environment, Side::of_lowered(stage.context, lowered));
    })?;
    let done = match done {
        Ok(done) => done,
        Err(code) => return Ok(code),
    };
    for (environment, side) in &mut made {
        side.retired = sides::retired(&done.output.files, environment);
    }
    let names: Vec<&str> = made.keys().map(String::as_str).collect();
    let found = match sides::read(&reporter, args, &done.found, &names)? {
        Ok(found) => found,
        Err(()) => return Ok(BAD),
    };
    let numbers = lock_file::parse(&done.output.lock)
        .unwrap_or_default()
        .lock();
    let bands = &done.found.settings.bands;
    let compared = |environment: &str, old: &Side, new: &Side| {
        compare_without(
            environment,
            old,
            new,
            Options::default(),
            &args.ignore_fields,
        )
    };
    let mut all = Vec::new();
    for (environment, new) in &made {
        let nothing = Against::default();
        let against = found.sides.get(environment).unwrap_or(&nothing);
        let textual = compared(environment, &against.old, new);
        let order = order(&textual, bands, &new.retired);
        let drift = against
            .last
            .as_ref()
            .map(|last| compared(environment, last, &against.old));
        let written = |scope: &lock_file::Scope| {
            scope.environment == *environment
                && order.steps.iter().any(|s| {
                    let names = [Some(&s.resource.name), s.resource.parent.as_ref()];
                    names.into_iter().flatten().any(|n| *n == scope.name)
                })
        };
        all.push(Planned {
            bands: lock::fills(&numbers, bands, &written),
            textual,
            order,
            drift,
        });
    }
    if reporter.json() {
        let told = Told {
            schema: "urn:portcullis:plan:1",
            against: &found.shown,
            environments: &all,
        };
        let mut text = serde_json::to_string_pretty(&told).unwrap_or_default();
        text.push('\n');
        reporter.exact(&text)?;
    } else {
        reporter.exact(&text::text(&all, &found.shown, global.ascii, global.quiet))?;
    }
    let fails = |on: &FailOnArg| match on {
        FailOnArg::Drift => all
            .iter()
            .any(|p| p.drift.as_ref().is_some_and(|d| !d.is_same())),
    };
    Ok(if args.fail_on.iter().any(fails) {
        FAILS_ON
    } else if args.exit_code && all.iter().any(|p| !p.order.steps.is_empty()) {
        DIFFERS
    } else {
        FINE
    })
}
