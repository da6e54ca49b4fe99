//! Checks of flows against flows, from exact sets of packets: dead, shadowed, redundant, equal, denied,
//! and exceptions that do not fit their denies. A check per file; it judges no rule and no layer.

mod agreed;
mod beyond;
mod dead;
mod denied;
mod duplicate;
mod idle_override;
mod mergeable;
mod partly;
mod picture;
mod redundant;
mod undecided;
mod unnamed_deny;

use crate::diag::{Code, Diagnostic, Sink};
use crate::packet::Exhausted;
use crate::source::Span;

pub use agreed::Agreed;

use super::Scene;
use picture::Picture;

/// What the checks found in one environment.
#[derive(Clone, Debug, Default)]
struct Findings {
    /// Told whatever other environments say.
    always: Vec<Diagnostic>,
    /// Told if every environment says so, by statement.
    agreed: Vec<(Span, Diagnostic)>,
}

impl Findings {
    fn always(&mut self, diagnostic: Diagnostic) {
        self.always.push(diagnostic);
    }

    fn agreed(&mut self, picture: &Picture<'_>, at: usize, diagnostic: Diagnostic) {
        if let Some(subject) = picture.subject(at) {
            self.agreed.push((subject.flow.spans.whole, diagnostic));
        }
    }
}

/// Runs every check over one environment. What may differ between environments waits in `agreed`.
pub(super) fn check(scene: &Scene<'_>, agreed: &mut Agreed, sink: &mut Sink) {
    let mut picture = Picture::new(scene);
    let mut found = Findings::default();
    dead::check(&mut picture, &mut found);
    duplicate::check(&mut picture, &mut found);
    redundant::check(&mut picture, &mut found);
    denied::check(&mut picture, scene.proven, &mut found);
    partly::check(&mut picture, &mut found);
    mergeable::check(&mut picture, scene.sources, &mut found);
    unnamed_deny::check(&mut picture, scene.proven, &mut found);
    idle_override::check(&mut picture, &mut found);
    beyond::check(&mut picture, &mut found);
    undecided::check(&mut picture, &mut found);
    for subject in picture.subjects.iter().filter(|s| s.own) {
        agreed.look(subject.flow.spans.whole);
    }
    // After a limit no answer counts.
    if let Err(why) = picture.reliable() {
        sink.push(too_large(&scene.fabric.policy.environment, why));
        return;
    }
    sink.extend(found.always);
    for (statement, diagnostic) in found.agreed {
        agreed.found(statement, diagnostic);
    }
}

fn too_large(environment: &str, why: Exhausted) -> Diagnostic {
    Diagnostic::general(
        Code::PC5014,
        None,
        format!("the flows of `{environment}` are not compared with each other: {why}"),
    )
    .help("split the policy into projects, or use fewer overlapping port ranges and prefixes")
    .note("dead, redundant and denied flows of this environment are not told; the output is not affected")
}
