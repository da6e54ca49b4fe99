//! Exceptions that name a deny which they do not meet: there is nothing to override.

use crate::diag::Code;
use crate::model::Tier;

use super::Findings;
use super::picture::Picture;

/// Tells them, a deny at a time.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    for at in picture.own() {
        let Some(exception) = picture.subject(at).filter(|s| s.tier() == Tier::Exception) else {
            continue;
        };
        let set = exception.set;
        let denies = picture.overridden_by(at);
        for deny in denies {
            let Some(other) = picture.subject(deny).map(|s| s.set) else {
                continue;
            };
            if !picture.space.meets(set, other) {
                tell(picture, at, deny, out);
            }
        }
    }
}

fn tell(picture: &Picture<'_>, at: usize, deny: usize, out: &mut Findings) {
    let message = format!(
        "exception {} does not meet {}, which it overrides",
        picture.named(&[at]),
        picture.named(&[deny])
    );
    let d = picture
        .told(Code::PC5008, at, message, &[deny], "denies none of it")
        .label("has nothing to override here")
        .help(format!(
            "remove {} from `overrides`; a flow that meets no deny is a plain allow",
            picture.named(&[deny])
        ));
    out.agreed(picture, at, d);
}
