//! A list written out again and again, where a name would keep its copies alike. Lists behind names
//! are not seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Sink};
use crate::source::Span;

use super::Scene;

/// Two equal lists may be chance.
const TOO_OFTEN: usize = 3;
/// The most places shown beside the first.
const SHOWN: usize = 3;

/// Tells lists of several elements that stand in several statements.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let mut places: BTreeMap<Vec<String>, BTreeSet<Span>> = BTreeMap::new();
    for flow in scene.own_flows() {
        for span in [flow.spans.from, flow.spans.to] {
            if let Some(elements) = elements(scene.sources.text(span)) {
                places.entry(elements).or_default().insert(span);
            }
        }
    }
    for (elements, spans) in places {
        if spans.len() >= TOO_OFTEN {
            sink.push(again(&elements, &spans));
        }
    }
}

/// The elements of a flat list, sorted; nothing else.
fn elements(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.contains(['[', ']', '"']) || inner.contains("//") {
        return None;
    }
    let mut out: Vec<String> = inner
        .split(',')
        .map(|e| e.trim().to_lowercase())
        .filter(|e| !e.is_empty())
        .collect();
    out.sort();
    out.dedup();
    (out.len() > 1).then_some(out)
}

fn again(elements: &[String], spans: &BTreeSet<Span>) -> Diagnostic {
    let mut all = spans.iter();
    let first = all.next().copied().unwrap_or_default();
    let mut d = Diagnostic::new(
        Code::PC6008,
        first,
        format!(
            "the same list of {} is written out {} times",
            elements.len(),
            spans.len()
        ),
    )
    .label("first time")
    .help("give it a name with `endpoint NAME = [...]` and use that");
    for span in all.take(SHOWN) {
        d = d.also(*span, "again");
    }
    d
}
