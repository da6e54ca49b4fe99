//! Plain allows of which denies and forbids leave nothing. Allows of ordered groups are told in
//! `dead.rs`; what only some deny takes a part of is as it should be.

use crate::diag::Code;
use crate::model::Tier;
use crate::syntax::ast::Need;

use super::Findings;
use super::picture::{Picture, counts_where};

/// Tells them; `proven` says whether required flows are proven later.
pub(super) fn check(picture: &mut Picture<'_>, proven: bool, out: &mut Findings) {
    for at in picture.own() {
        let Some(subject) = picture.subject(at).filter(|s| s.tier() == Tier::Allow) else {
            continue;
        };
        let (flow, set) = (subject.flow, subject.set);
        if picture.space.is_empty(set) {
            continue;
        }
        // What is proven of a required flow says more: which hop stops it.
        if flow.need == Some(Need::Required) && proven {
            continue;
        }
        // One that an exception honours is allowed, by two statements.
        let exceptions = picture.near(at, |s| s.tier() == Tier::Exception);
        let honoured = exceptions.into_iter().any(|other| {
            let other = picture.subject(other).map(|s| s.set);
            other.is_some_and(|other| picture.space.meets(set, other))
        });
        if honoured {
            continue;
        }
        let denies = picture.near(at, |s| {
            matches!(s.tier(), Tier::Forbid | Tier::Deny) && counts_where(s.flow, flow)
        });
        if let Some(by) = picture.covering(set, &denies) {
            tell(picture, at, &by, out);
            picture.goes(at);
        }
    }
}

fn tell(picture: &mut Picture<'_>, at: usize, by: &[usize], out: &mut Findings) {
    let Some((name, set)) = picture.subject(at).map(|s| (s.name.clone(), s.set)) else {
        return;
    };
    let of = |tier: Tier| -> Vec<usize> {
        let is = |b: &&usize| picture.subject(**b).is_some_and(|s| s.tier() == tier);
        by.iter().filter(is).copied().collect()
    };
    let (forbids, denies) = (of(Tier::Forbid), of(Tier::Deny));
    let help = if forbids.is_empty() {
        let named: Vec<&str> = denies
            .iter()
            .filter_map(|b| Some(picture.subject(*b)?.name.as_str()))
            .collect();
        format!(
            "delete the flow, or add `overrides {}` with `ticket` and `until`",
            Picture::written(named)
        )
    } else {
        format!(
            "delete the flow, or narrow {}: nothing overrides a forbid",
            picture.named(&forbids)
        )
    };
    let (verb, part) = match by {
        [_] => ("", "denies all of it"),
        _ => (" together", "denies a part of it"),
    };
    let message = format!(
        "allow `{name}` is entirely denied by {}{verb}",
        picture.named(by)
    );
    let d = picture
        .told(Code::PC5006, at, message, by, part)
        .label("allows nothing")
        .help(help)
        .note("a deny beats a plain allow wherever it is written");
    let d = picture.shown(d, set);
    out.always(d);
}
