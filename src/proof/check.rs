//! One environment judged: its resources are read, the theorem and the laws are asked, and what they
//! find is told. It compares nothing itself.

use crate::backends::{Context, Lowered};
use crate::diag::Diagnostic;
use crate::reach::emitted;

use super::faults::{misset, tell, unproven};
use super::findings::Which;
use super::settings;
use super::theorem::{NoProof, prove};

/// What there is to say of an environment.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The diagnostics.
    pub told: Vec<Diagnostic>,
    /// What is our own fault, if something is: what the first of the diagnostics is about.
    pub wrong: Option<Kind>,
}

/// How the output is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It does something else than what is asked.
    Meaning(Which),
    /// It cannot be read.
    Unreadable,
    /// What stands beside the rules of a firewall is not what is asked.
    Settings,
}

/// Proves that the resources mean what the policy asks. `before` is what was said of the environment
/// so far. The output of an environment without an error here means what was asked.
#[must_use]
pub fn check(context: &Context<'_>, lowered: &Lowered, before: &[Diagnostic]) -> Judged {
    let environment = &context.fabric.policy.environment;
    let unproven = |why: NoProof| Judged {
        wrong: match why {
            NoProof::Unreadable(_) => Some(Kind::Unreadable),
            NoProof::Exhausted(_) => None,
        },
        told: vec![unproven(environment, &why)],
    };
    let network = match emitted::network(context, &lowered.resources) {
        Ok(network) => network,
        Err(unreadable) => return unproven(unreadable.into()),
    };
    if let Some(what) = settings::check(context, &network) {
        return Judged {
            told: vec![misset(environment, &what)],
            wrong: Some(Kind::Settings),
        };
    }
    match prove(context, &network, lowered, before) {
        Ok(proven) => Judged {
            told: tell(context, &network, lowered, &proven),
            wrong: proven.shown().first().map(|v| Kind::Meaning(v.which)),
        },
        Err(why) => unproven(why),
    }
}
