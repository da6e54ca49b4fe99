//! Flows of an ordered group that decide nothing: earlier ones take all of their packets, or stronger
//! flows of the other action do. Other tiers have no order, and codes of their own.

use crate::diag::Code;
use crate::model::Tier;

use super::picture::{Picture, counts_where};
use super::{Findings, redundant};

/// Tells them.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    let members: Vec<usize> = picture.members();
    for at in members {
        let Some((flow, own)) = picture.subject(at).map(|s| (s.flow, s.own)) else {
            continue;
        };
        if !own {
            continue;
        }
        if picture.is_dead(at) {
            let by = picture.place(at).map(|p| p.by.clone());
            tell(picture, at, &by.unwrap_or_default(), "first", out);
            continue;
        }
        let stronger = picture.near(at, |s| {
            s.tier() < Tier::Ordered && counts_where(s.flow, flow)
        });
        let set = picture.part(at);
        let Some(by) = picture.covering(set, &stronger) else {
            continue;
        };
        let alike = by.iter().all(|b| {
            picture
                .subject(*b)
                .is_some_and(|s| s.allows() == flow.allows())
        });
        if alike {
            redundant::tell(picture, at, &by, out);
        } else {
            tell(picture, at, &by, "before every ordered group", out);
        }
        picture.goes(at);
    }
}

fn tell(picture: &mut Picture<'_>, at: usize, by: &[usize], when: &str, out: &mut Findings) {
    let Some(subject) = picture.subject(at) else {
        return;
    };
    let (name, set) = (subject.name.clone(), subject.set);
    let (takes, part) = match by {
        [_] => ("matches all of its packets", "matches all of it"),
        _ => ("together match all of its packets", "matches a part of it"),
    };
    let message = format!(
        "flow `{name}` can never match: {} {takes}",
        picture.named(by)
    );
    let d = picture
        .told(Code::PC5001, at, message, by, part)
        .label("decides nothing")
        .help("delete the flow, or move it up, or narrow what stands before it")
        .note(format!("what counts {when} decides"));
    let d = picture.shown(d, set);
    out.agreed(picture, at, d);
}
