//! Flows that change nothing because others of the same action cover them. Equal ones are told in
//! `duplicate.rs`, what never matches in `dead.rs`.

use crate::diag::Code;
use crate::model::Tier;

use super::Findings;
use super::picture::{Picture, stands_for};

/// Tells them. What is told to go covers nothing else, so that all of them may go together.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    let exceptions: Vec<usize> = (0..picture.subjects.len())
        .filter(|at| {
            picture
                .subject(*at)
                .is_some_and(|s| s.tier() == Tier::Exception)
        })
        .collect();
    for at in picture.own() {
        let Some(subject) = picture.subject(at) else {
            continue;
        };
        let (flow, set) = (subject.flow, subject.set);
        // Who is named by an exception is needed by it.
        let named = subject.tier() == Tier::Deny
            && exceptions
                .iter()
                .any(|e| picture.subject(*e).is_some_and(|e| subject.named_by(e)));
        if flow.position.is_some() || named || picture.space.is_empty(set) {
            continue;
        }
        let mut others = picture.near(at, |s| s.tier() <= flow.tier && stands_for(s.flow, flow));
        others.retain(|other| picture.stays(*other));
        if let Some(by) = picture.covering(set, &others) {
            tell(picture, at, &by, out);
            picture.goes(at);
        }
    }
    ordered(picture, out);
}

/// In an ordered group what would decide without the flow stands behind it.
fn ordered(picture: &mut Picture<'_>, out: &mut Findings) {
    let mut members: Vec<usize> = picture
        .own()
        .into_iter()
        .filter(|at| picture.place(*at).is_some())
        .collect();
    members.sort_by_key(|at| {
        let flow = picture.subject(*at).map(|s| s.flow);
        flow.map(|f| (&f.id.instance, &f.id.group, f.position))
    });
    for at in members.into_iter().rev() {
        if let Some(by) = behind(picture, at) {
            tell(picture, at, &by, out);
            picture.goes(at);
        }
    }
}

/// Those behind a member, and after its group, that would decide its packets likewise.
fn behind(picture: &mut Picture<'_>, at: usize) -> Option<Vec<usize>> {
    let flow = picture.subject(at)?.flow;
    let later = picture.behind(at);
    let part = picture.part(at);
    let mut open = part;
    let mut takers = Vec::new();
    for other in later {
        let their = picture.subject(other)?;
        if !picture.space.meets(open, their.set) {
            continue;
        }
        let their = picture.subject(other)?;
        if !stands_for(their.flow, flow) {
            return None;
        }
        // What never matches comes to life where this one alone goes; it covers nothing if both do.
        if !picture.stays(other) {
            continue;
        }
        takers.push((other, their.set));
        open = picture.space.subtract(open, their.set);
    }
    if flow.allows() && !picture.space.is_empty(open) {
        let mut plain = picture.near(at, |s| s.tier() == Tier::Allow && stands_for(s.flow, flow));
        plain.retain(|other| picture.stays(*other));
        for other in picture.covering(open, &plain)? {
            takers.push((other, picture.subject(other)?.set));
        }
        open = picture.space.empty();
    }
    if !picture.space.is_empty(open) {
        return None;
    }
    let sets: Vec<_> = takers.iter().map(|(_, set)| *set).collect();
    let found = crate::packet::first_match::covering(&mut picture.space, part, &sets)?;
    Some(
        found
            .iter()
            .filter_map(|i| Some(takers.get(*i)?.0))
            .collect(),
    )
}

/// Says that a flow may go.
pub(super) fn tell(picture: &mut Picture<'_>, at: usize, by: &[usize], out: &mut Findings) {
    let Some(subject) = picture.subject(at) else {
        return;
    };
    let verb = if subject.allows() { "allow" } else { "deny" };
    let (name, set) = (subject.name.clone(), picture.part(at));
    let (verb, part) = match by {
        [_] => (format!("already {}", third(verb)), "covers all of it"),
        _ => (format!("together already {verb}"), "covers a part of it"),
    };
    let message = format!(
        "flow `{name}` is redundant: {} {verb} all of it",
        picture.named(by)
    );
    let d = picture
        .told(Code::PC5003, at, message, by, part)
        .label("changes nothing")
        .help("delete the flow, or narrow the wider one to what is needed");
    let d = picture.shown(d, set);
    out.agreed(picture, at, d);
}

fn third(verb: &str) -> &'static str {
    if verb == "deny" { "denies" } else { "allows" }
}
