//! Exceptions that reach beyond the denies they override: what lies outside is allowed by a statement
//! that reviewers read as an exception.

use crate::diag::Code;
use crate::model::Tier;
use crate::packet::{Addresses, Region, Set};

use super::Findings;
use super::picture::Picture;

/// Tells them.
pub(super) fn check(picture: &mut Picture<'_>, out: &mut Findings) {
    for at in picture.own() {
        let Some(set) = picture
            .subject(at)
            .filter(|s| s.tier() == Tier::Exception)
            .map(|s| s.set)
        else {
            continue;
        };
        let denies = picture.overridden_by(at);
        // One that meets none of them at all has its own code.
        let sets: Vec<Set> = denies
            .iter()
            .filter_map(|deny| picture.subject(*deny).map(|s| s.set))
            .collect();
        if !sets.iter().any(|deny| picture.space.meets(set, *deny)) {
            continue;
        }
        let rest = rest(picture, at, &denies);
        if !picture.space.is_empty(rest) {
            tell(picture, at, &denies, rest, out);
        }
    }
}

/// The packets of an exception that surely none of the denies speaks of. A name may resolve to what a
/// deny says of addresses.
fn rest(picture: &mut Picture<'_>, at: usize, denies: &[usize]) -> Set {
    let Some((exact, named)) = picture.subject(at).map(|s| (s.exact, s.named)) else {
        return picture.space.empty();
    };
    let mut denied = Vec::new();
    let mut anywhere = Vec::new();
    for deny in denies {
        let Some(subject) = picture.subjects.get(*deny) else {
            continue;
        };
        denied.push(subject.set);
        for region in &subject.regions {
            let wide = Region {
                destination: Addresses::any(),
                ..region.clone()
            };
            anywhere.push(picture.space.region(&wide));
        }
    }
    let denied = picture.space.unite(denied);
    let anywhere = picture.space.unite(anywhere);
    let by_address = picture.space.subtract(exact, denied);
    let by_name = picture.space.subtract(named, anywhere);
    let all = picture.space.union(by_address, by_name);
    picture.surely(all)
}

fn tell(picture: &mut Picture<'_>, at: usize, denies: &[usize], rest: Set, out: &mut Findings) {
    let message = format!(
        "exception {} reaches beyond {}, which it overrides",
        picture.named(&[at]),
        picture.named(denies)
    );
    let d = picture
        .told(Code::PC5011, at, message, denies, "ends here")
        .label("a part of it no deny speaks of")
        .help("write that part as a plain allow, narrow the exception, or name the deny that it meets")
        .note("the rest is no exception to anything");
    let d = picture.shown(d, rest);
    out.always(d);
}
