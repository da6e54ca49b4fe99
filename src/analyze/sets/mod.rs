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

/// Nodes of all sets of an environment: about 100 MiB. Lists of 10,000 flows need a tenth.
const MOST_NODES: usize = 3_000_000;

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
    check_within(scene, MOST_NODES, agreed, sink);
}

fn check_within(scene: &Scene<'_>, most_nodes: usize, agreed: &mut Agreed, sink: &mut Sink) {
    let mut picture = Picture::new(scene, most_nodes);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::{Catalog, Cloud};
    use crate::config::Settings;
    use crate::path::Fabric;
    use crate::source::{MemoryLoader, SourceMap};

    const SAME: &str = "allow a: tcp/22 from 10.0.0.0/8 to 10.1.0.0/16 for \"One\"\n\
                        allow b: tcp/22 from 10.0.0.0/8 to 10.1.0.0/16 for \"The same\"\n";

    fn codes(most_nodes: usize) -> Vec<&'static str> {
        let mut loader = MemoryLoader::default();
        loader.files.insert("a.gate".to_owned(), SAME.to_owned());
        let (mut sources, mut sink) = (SourceMap::default(), Sink::default());
        let catalog = Catalog::embedded(Cloud::Public);
        let roots = ["a.gate".to_owned()];
        let policies =
            crate::resolve::resolve(&loader, &roots, catalog, &[], &mut sources, &mut sink);
        assert!(!sink.has_errors(), "{:?}", sink.items());
        let fabric = Fabric::new(policies.first().unwrap(), catalog);
        let scene = Scene {
            fabric: &fabric,
            settings: &Settings::default(),
            sources: &sources,
            required: &BTreeMap::new(),
            proven: false,
            held: true,
        };
        let (mut agreed, mut sink) = (Agreed::default(), Sink::default());
        check_within(&scene, most_nodes, &mut agreed, &mut sink);
        agreed.tell(&mut sink);
        sink.items().iter().map(|d| d.code.id()).collect()
    }

    #[test]
    fn past_the_limit_one_warning_takes_the_place_of_all_findings() {
        assert_eq!(codes(MOST_NODES), ["PC5004"]);
        assert_eq!(codes(4), ["PC5014"]);
    }
}
