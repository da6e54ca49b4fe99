//! Flows that differ in one of service, source and destination and say nothing else that would keep
//! them apart: no label, or one purpose. Two labels with two purposes are two matters.

use std::collections::BTreeMap;

use crate::diag::Code;
use crate::model::Flow;
use crate::source::SourceMap;

use super::Findings;
use super::picture::Picture;

/// Tells each flow after the first of those that could be one.
pub(super) fn check(picture: &mut Picture<'_>, sources: &SourceMap, out: &mut Findings) {
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for at in picture.own() {
        let Some(subject) = picture.subject(at) else {
            continue;
        };
        // A place in an order is something else that is said.
        if subject.flow.position.is_some() {
            continue;
        }
        if let Some(key) = key(subject.flow, sources) {
            alike.entry(key).or_default().push(at);
        }
    }
    for flows in alike.into_values().filter(|flows| flows.len() > 1) {
        // By two of the three.
        let mut seen: [BTreeMap<String, usize>; 3] = Default::default();
        for at in flows {
            let Some(flow) = picture.subject(at).map(|s| s.flow) else {
                continue;
            };
            let [services, from, to] = [
                format!("{:?}", flow.traffic),
                format!("{:?}", flow.from),
                format!("{:?}", flow.to),
            ];
            let keys = [
                (format!("{from} {to}"), "service"),
                (format!("{services} {to}"), "source"),
                (format!("{services} {from}"), "destination"),
            ];
            let mut found = None;
            for (map, (key, what)) in seen.iter_mut().zip(keys) {
                match map.get(&key) {
                    Some(other) => found = found.or(Some((*other, what))),
                    None => {
                        map.insert(key, at);
                    }
                }
            }
            if let Some((other, what)) = found {
                tell(picture, at, other, what, out);
            }
        }
    }
}

/// All that is said beside service and ends; `None` if that keeps it apart from every other.
fn key(flow: &Flow, sources: &SourceMap) -> Option<String> {
    let labelled = sources.text(flow.spans.whole).contains(&flow.id.label);
    if labelled && flow.purpose.is_none() || flow.rule_name.is_some() || flow.pin.is_some() {
        return None;
    }
    let id = &flow.id;
    let clauses = (
        (&id.instance, &id.group, id.way, &flow.purpose),
        (flow.tier, flow.need, &flow.at, &flow.via, &flow.overrides),
        (&flow.owner, &flow.ticket, &flow.until),
        (&flow.source_ports, flow.inspect, &flow.headers),
    );
    Some(format!("{clauses:?}"))
}

fn tell(picture: &Picture<'_>, at: usize, other: usize, what: &str, out: &mut Findings) {
    let message = format!(
        "flows {} and {} could be one",
        picture.named(&[other]),
        picture.named(&[at])
    );
    let d = picture
        .told(Code::PC5005, at, message, &[other], "the other one")
        .label(format!("only the {what} differs"))
        .help(format!("write one flow with both of them as its {what}"));
    out.agreed(picture, at, d);
}
