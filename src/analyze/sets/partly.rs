//! Flows of an ordered group of which an earlier one with the other action takes a part. Where the
//! earlier one is the narrower one in its ends or in its services the order says what is meant: a case
//! before the rule, or a last `deny any`.

use crate::diag::Code;
use crate::packet::Set;

use super::Findings;
use super::picture::{Picture, Subject};

/// Tells the first such pair of each flow.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    let members: Vec<usize> = picture
        .own()
        .into_iter()
        .filter(|at| picture.place(*at).is_some())
        .collect();
    for at in members {
        let allows = picture.subject(at).is_some_and(Subject::allows);
        let before = picture.before(at, |s| s.allows() != allows);
        let mut met = Vec::new();
        let mut lost = None;
        for other in before {
            if let Some(part) = taken(picture, at, other) {
                met.push(other);
                lost = lost.or(Some(part));
            }
        }
        if let Some(lost) = lost {
            tell(picture, at, &met, lost, out);
        }
    }
}

/// What an earlier flow surely takes from a flow against its action.
fn taken(picture: &mut Picture<'_>, at: usize, other: usize) -> Option<Set> {
    let (own, theirs) = (picture.subject(at)?, picture.subject(other)?);
    let (own, theirs) = (own.set, theirs.set);
    if picture.index.is_case(other, at) || picture.space.is_subset(theirs, own) {
        return None;
    }
    let both = picture.overlap(at, other);
    let decided = picture.part(other);
    let lost = picture.space.intersect(both, decided);
    (!picture.space.is_empty(lost)).then_some(lost)
}

fn tell(picture: &mut Picture<'_>, at: usize, by: &[usize], lost: Set, out: &mut Findings) {
    let Some(subject) = picture.subject(at) else {
        return;
    };
    let (name, does) = (subject.name.clone(), subject.allows());
    let (verb, took) = if does {
        ("denies", "denies a part of it")
    } else {
        ("allows", "allows a part of it")
    };
    let verb = match by {
        [_] => verb,
        _ if does => "deny",
        _ => "allow",
    };
    let message = format!("flow `{name}` is partly shadowed by {}", picture.named(by));
    let d = picture
        .told(Code::PC5002, at, message, by, took)
        .label("does not decide all that it says")
        .help("say in each flow what is meant for it alone, or move this one up")
        .note(format!(
            "what stands first decides: {} {verb} it",
            picture.named(by)
        ));
    let d = picture.shown(d, lost);
    out.agreed(picture, at, d);
}
