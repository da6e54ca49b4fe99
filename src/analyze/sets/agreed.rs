//! Findings that hold only if every environment agrees: what is redundant in one may be needed in
//! another. It judges nothing itself.

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Sink};
use crate::source::Span;

/// Findings so far, and how often each statement was looked at.
#[derive(Clone, Debug, Default)]
pub struct Agreed {
    looked: BTreeMap<Span, usize>,
    found: BTreeMap<(Code, Span), (usize, Vec<Diagnostic>)>,
}

impl Agreed {
    /// A statement is looked at: once in each environment, and once for each instance of its file.
    pub(super) fn look(&mut self, statement: Span) {
        *self.looked.entry(statement).or_default() += 1;
    }

    /// Something was found about a statement.
    pub(super) fn found(&mut self, statement: Span, diagnostic: Diagnostic) {
        let entry = self.found.entry((diagnostic.code, statement)).or_default();
        entry.0 += 1;
        entry.1.push(diagnostic);
    }

    /// Tells what was found wherever a statement was looked at.
    pub fn tell(self, sink: &mut Sink) {
        for ((_, statement), (times, all)) in self.found {
            if self.looked.get(&statement) == Some(&times) {
                sink.extend(all);
            }
        }
    }
}
