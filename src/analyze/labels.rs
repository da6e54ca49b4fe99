//! Statements without a label: who they are is a hash of what they say, so an edit makes them somebody
//! else. What their rules are called is the rooms' business.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Sink};
use crate::model::{Flow, FlowId, Policy};
use crate::source::{SourceMap, Span};

use super::{Scene, is_own, label};

/// Words of a purpose that make up a label.
const WORDS: usize = 3;
/// A longer label is no help.
const LONGEST: usize = 40;

/// Tells them.
pub(super) fn check(scene: &Scene<'_>, sink: &mut Sink) {
    let mut taken = labels(scene.policy());
    let mut seen = BTreeSet::new();
    for flow in scene.own_flows() {
        // The halves of a `between` are one statement.
        if is_labelled(scene.sources, flow) || !seen.insert(flow.spans.services) {
            continue;
        }
        let d = told("flow", &label(flow), flow.spans.whole);
        sink.push(match proposal(scene.sources, flow, &mut taken) {
            Some(name) => {
                let services = flow.spans.services;
                let place = Span::new(services.file, services.start, services.start);
                d.help(format!("write `{name}:` before the services"))
                    .fix(place, format!("{name}: "))
            }
            None => d.help("write a label and `:` before the services"),
        });
    }
    let policy = scene.policy();
    let routes = policy.routes.iter().map(|r| ("route", &r.id, r.span));
    let dnats = policy.dnats.iter().map(|d| ("dnat", &d.id, d.spans.whole));
    for (what, id, span) in routes.chain(dnats) {
        // A label is part of the place; a hash is not.
        let labelled = scene.sources.text(span).contains(&id.label);
        if is_own(scene.sources, span) && !labelled {
            let d = told(what, &id.text(), span);
            sink.push(d.help(format!("write a label and `:` behind `{what}`")));
        }
    }
}

/// The place of a flow ends with its label; without one it is the verb.
fn is_labelled(sources: &SourceMap, flow: &Flow) -> bool {
    !matches!(sources.text(flow.spans.whole), "allow" | "deny" | "forbid")
}

/// Every label with its group.
fn labels(policy: &Policy) -> BTreeSet<FlowId> {
    let flows = policy.flows.iter().map(|f| &f.id);
    let routes = policy.routes.iter().map(|r| &r.id);
    let dnats = policy.dnats.iter().map(|d| &d.id);
    flows.chain(routes).chain(dnats).map(whole).collect()
}

fn whole(id: &FlowId) -> FlowId {
    FlowId {
        way: None,
        ..id.clone()
    }
}

/// A label from what the flow is for, or where it goes; none where another statement of its group has
/// both.
fn proposal(sources: &SourceMap, flow: &Flow, taken: &mut BTreeSet<FlowId>) -> Option<String> {
    let purpose = flow.purpose.as_deref().unwrap_or_default();
    let words: Vec<&str> = purpose.split_whitespace().take(WORDS).collect();
    let place = format!("to {}", sources.text(flow.spans.to));
    [words.join(" "), place]
        .iter()
        .filter_map(|text| slug(text))
        .find(|name| {
            let mut id = whole(&flow.id);
            id.label.clone_from(name);
            taken.insert(id)
        })
}

/// Lower-case letters and digits with hyphens between; nothing that could be read as something else.
fn slug(text: &str) -> Option<String> {
    let mut out = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            out.push(character.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    let fits = out.contains('-')
        && out.len() <= LONGEST
        && out.starts_with(|c: char| c.is_ascii_alphabetic());
    fits.then(|| out.to_owned())
}

fn told(what: &str, id: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::PC6020,
        span,
        format!("{what} `{id}` has no label: who it is changes with what it says"),
    )
    .label("named after a hash of its text")
    .note("an edit gives its rules other names and other numbers, as if one statement had gone and another had come")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_made_of_words() {
        let made = |text: &str| slug(text).unwrap_or_default();
        assert_eq!(made("Name resolution"), "name-resolution");
        assert_eq!(
            made("to tag(Storage.WestEurope)"),
            "to-tag-storage-westeurope"
        );
        assert_eq!(made("to 9.9.9.0/24"), "to-9-9-9-0-24");
        assert_eq!(made("any"), "", "a word of the language");
        assert_eq!(made("443 in"), "");
    }
}
