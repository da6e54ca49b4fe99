//! Exceptions that also meet a deny which they do not name: whether it is meant to hold is not said. A
//! forbid simply wins.

use crate::diag::Code;
use crate::model::Tier;
use crate::packet::Set;
use crate::syntax::ast::Need;

use super::Findings;
use super::picture::{Picture, Subject};

/// Tells them, a deny at a time; `proven` says whether required flows are proven later.
pub(super) fn check(picture: &mut Picture<'_>, proven: bool, out: &mut Findings) {
    for at in picture.own() {
        let Some(subject) = picture.subject(at).filter(|s| s.tier() == Tier::Exception) else {
            continue;
        };
        let flow = subject.flow;
        let apart =
            |s: &Subject<'_>| s.flow.at.is_some() && flow.at.is_some() && s.flow.at != flow.at;
        // What is proven of a required deny says which rule lets a packet through.
        let told = |s: &Subject<'_>| proven && s.flow.need == Some(Need::Required);
        let denies: Vec<usize> = picture
            .near(at, |s| s.tier() == Tier::Deny && !apart(s) && !told(s))
            .into_iter()
            .filter(|deny| names(picture, at, *deny) == Some(false))
            .collect();
        let forbids = picture.near(at, |s| s.tier() == Tier::Forbid);
        for deny in denies {
            let met = open(picture, at, deny, &forbids);
            if !picture.space.is_empty(met) {
                tell(picture, at, deny, met, out);
            }
        }
    }
}

fn names(picture: &Picture<'_>, exception: usize, deny: usize) -> Option<bool> {
    Some(picture.subject(deny)?.named_by(picture.subject(exception)?))
}

/// What both surely speak of, where no forbid and no exception that names the deny does.
fn open(picture: &mut Picture<'_>, at: usize, deny: usize, forbids: &[usize]) -> Set {
    let mut met = picture.overlap(at, deny);
    if picture.space.is_empty(met) {
        return met;
    }
    let mut settled = picture.near(at, |s| s.tier() == Tier::Exception);
    settled.retain(|other| names(picture, *other, deny) == Some(true));
    settled.extend(forbids);
    for other in settled {
        if let Some(set) = picture.subject(other).map(|s| s.set) {
            met = picture.space.subtract(met, set);
        }
    }
    met
}

fn tell(picture: &mut Picture<'_>, at: usize, deny: usize, met: Set, out: &mut Findings) {
    let Some(subject) = picture.subject(at) else {
        return;
    };
    let named = subject.flow.overrides.iter().map(String::as_str);
    let (name, overrides) = (subject.name.clone(), Picture::written(named.clone()));
    let Some((other, required)) = picture
        .subject(deny)
        .map(|s| (s.name.clone(), s.flow.need == Some(Need::Required)))
    else {
        return;
    };
    let both = Picture::written([overrides.as_str(), &other]);
    let message =
        format!("exception `{name}` overrides `{overrides}` but also meets deny `{other}`");
    let d = picture
        .told(
            Code::PC5007,
            at,
            message,
            &[deny],
            "also denies a part of it",
        )
        .label(format!("does not override `{other}`"))
        .help(if required {
            format!("narrow the exception: nothing overrides a required deny such as `{other}`")
        } else {
            format!("write `overrides {both}` if all are meant, or narrow the exception")
        })
        .note("nothing says whether it is allowed");
    let d = picture.shown(d, met);
    out.always(d);
}
