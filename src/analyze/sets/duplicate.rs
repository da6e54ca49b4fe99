//! Flows of one tier that ask for exactly the same. In an ordered group the second is dead, which
//! `dead.rs` tells.

use std::collections::BTreeMap;

use crate::diag::Code;
use crate::model::Tier;
use crate::packet::Set;

use super::Findings;
use super::picture::{Picture, stands_for};

/// Tells the second of each pair, by id.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    let mut first: BTreeMap<(Tier, Set), Vec<usize>> = BTreeMap::new();
    for at in 0..picture.subjects.len() {
        let Some(subject) = picture.subject(at) else {
            continue;
        };
        if subject.flow.position.is_some() || picture.space.is_empty(subject.set) {
            continue;
        }
        let alike = first.entry((subject.tier(), subject.set)).or_default();
        let may_go = |own: usize, other: usize| {
            let pair = picture.subject(own).zip(picture.subject(other));
            pair.is_some_and(|(own, other)| {
                own.own && !named(picture, own) && stands_for(other.flow, own.flow)
            })
        };
        // Whichever says less goes.
        let found = alike
            .iter()
            .position(|other| may_go(at, *other) || may_go(*other, at));
        let Some((place, other)) = found.and_then(|p| Some((p, *alike.get(p)?))) else {
            alike.push(at);
            continue;
        };
        let (goes, stays) = if may_go(at, other) {
            (at, other)
        } else {
            if let Some(kept) = alike.get_mut(place) {
                *kept = at;
            }
            (other, at)
        };
        tell(picture, goes, stays, out);
        picture.goes(goes);
    }
}

fn named(picture: &Picture<'_>, deny: &super::picture::Subject<'_>) -> bool {
    deny.tier() == Tier::Deny
        && picture
            .subjects
            .iter()
            .any(|s| s.tier() == Tier::Exception && deny.named_by(s))
}

fn tell(picture: &mut Picture<'_>, at: usize, other: usize, out: &mut Findings) {
    let Some((name, set)) = picture.subject(at).map(|s| (s.name.clone(), s.set)) else {
        return;
    };
    let message = format!(
        "flows `{name}` and {} are duplicates",
        picture.named(&[other])
    );
    let d = picture
        .told(Code::PC5004, at, message, &[other], "asks for the same")
        .label("changes nothing")
        .help("delete one");
    let d = picture.shown(d, set);
    out.agreed(picture, at, d);
}
