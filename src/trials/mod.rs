//! The tests of a policy, judged by exact sets of packets against what the emitted resources do. A
//! packet that shows a failure is walked, and both must agree. Which tests are run, and how they are
//! told, is decided elsewhere.

mod asked;
mod urls;
mod lab;
mod deciders;
mod ruling;
mod shown;
mod promises;
mod coverage;
mod faults;

pub use faults::explain_words;
pub use promises::name as promise;

use crate::backends::{Context, Lowered};
use crate::diag::Diagnostic;
use crate::model::address::AddressSet;
use crate::model::verify::{Expect, TestBlock};
use crate::packet::{Exhausted, Verdict, Witness};
use crate::proof;
use crate::reach::{Journey, Network, Traces};
use crate::source::Span;

use lab::Lab;
use promises::Promises;

/// What is judged of one environment.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'t> {
    /// Tests, each with its probes as this policy types them.
    pub tests: Vec<&'t TestBlock>,
    /// `required` flows that are judged as tests of their own, by index.
    pub promises: Vec<usize>,
    /// Work out which flows no test decides.
    pub coverage: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The tests in the order in which they were wanted, then the promises.
    pub trials: Vec<Trial>,
    /// Flows and translations that no test decides, by id, if asked for.
    pub untested: Vec<String>,
    /// What there is to say about tests that failed, and of the compiler itself.
    pub diagnostics: Vec<Diagnostic>,
}

/// One test.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its name; `required group::label` for a promise.
    pub name: String,
    /// The policy promises it by `required`; nobody wrote a test.
    pub generated: bool,
    /// Its name's place, or the flow's.
    pub span: Span,
    /// Its probes.
    pub probes: Vec<Judged>,
}

impl Trial {
    /// Whether every probe holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.probes
            .iter()
            .all(|p| matches!(p.ruling, Ruling::Passed))
    }
}

/// One probe.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The probe's place, or the flow's.
    pub span: Span,
    /// What is expected.
    pub expect: Expect,
    /// How it ended.
    pub ruling: Ruling,
    /// What it takes for granted.
    pub assumes: Vec<String>,
}

/// How a probe ended.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// It holds.
    Passed,
    /// It does not: PC8001.
    Failed(Box<Shown>),
    /// It does, but something else decides than `by` says: PC8004.
    NotBy(Box<Shown>),
    /// It depends on what nobody told: PC8005.
    Undecided(Box<Shown>, Vec<Doubt>),
    /// It covers no packet: PC8006; why.
    Empty(&'static str),
}

/// Something that nobody told, on which a probe hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What it is: a symbol as a policy writes it, or a sentence.
    pub on: String,
    /// It is a symbol.
    pub symbol: bool,
    /// A statement that would settle it.
    pub assume: Option<String>,
}

/// A packet that shows how a probe ended.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The packet.
    pub witness: Witness,
    /// What becomes of it; `None` if that depends on what nobody told.
    pub verdict: Option<Verdict>,
    /// Its way; `None` if nothing that is known lies between its ends.
    pub journey: Option<Journey>,
}

/// Why tests cannot be judged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CannotJudge {
    /// The sets grew too large.
    #[error("the tests of environment `{0}` cannot be judged: {1}")]
    Exhausted(String, Exhausted),
}

/// Judges tests of one policy; `network` is what was read of the resources that it became, `told` what
/// was said about the environment so far.
///
/// # Errors
/// The sets grow too large.
pub fn judge(
    context: &Context<'_>,
    network: &Network,
    lowered: &Lowered,
    wanted: &Wanted<'_>,
    told: &[Diagnostic],
) -> Result<Findings, CannotJudge> {
    let environment = &context.fabric.policy.environment;
    let traces = Traces::new(&lowered.traces);
    let mut out = Findings::default();
    let promises = Promises::new(context.fabric, network, &wanted.promises);
    let proven =
        (!wanted.promises.is_empty()).then(|| proof::prove(context, network, lowered, told));
    let tests = wanted.tests.len();
    let mut drawn = asked::draw(context.fabric, network, &wanted.tests);
    drawn.extend(promises.drawn.iter().cloned());
    let ways = network.ways(&AddressSet::all(), &AddressSet::all());
    let mut space = lab::space(context.fabric, network, &ways, &drawn, &promises.forbidden);
    let judged = space.answer(|space| {
        let mut lab = Lab::new(context.fabric, network, &traces, space, &ways, &drawn);
        let mut trials: Vec<Trial> = wanted
            .tests
            .iter()
            .zip(0..)
            .map(|(test, at)| ruling::trial(&mut lab, test, at))
            .collect();
        let decided = if wanted.coverage {
            coverage::decided(&mut lab, &wanted.tests, &trials)
        } else {
            Default::default()
        };
        if let Some(Ok(proven)) = &proven {
            trials.extend(promises.judge(&mut lab, tests, proven));
        }
        (trials, decided, std::mem::take(&mut lab.disagreements))
    });
    let (trials, mut decided, disagreements) =
        judged.map_err(|why| CannotJudge::Exhausted(environment.clone(), why))?;
    for (test, trial) in wanted.tests.iter().zip(&trials) {
        let test = Some(*test);
        out.diagnostics
            .extend(faults::of_trial(context, network, &traces, test, trial));
    }
    match &proven {
        Some(Ok(proven)) => out
            .diagnostics
            .extend(proof::tell_violations(context, network, proven)),
        Some(Err(why)) => out.diagnostics.push(proof::unproven(environment, why)),
        None => {}
    }
    for trial in trials.iter().skip(tests) {
        out.diagnostics
            .extend(faults::of_trial(context, network, &traces, None, trial));
        if trial.passed() {
            let id = trial.name.strip_prefix("required ");
            decided.extend(id.map(str::to_owned));
        }
    }
    out.trials = trials;
    out.diagnostics.extend(
        disagreements
            .iter()
            .map(|d| faults::disagreement(environment, d)),
    );
    if wanted.coverage {
        out.untested = coverage::untested(context, &decided);
    }
    Ok(out)
}
