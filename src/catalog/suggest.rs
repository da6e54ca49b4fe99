//! The nearest of known names to a mistyped one; knows no meaning.

use strsim::damerau_levenshtein;

/// The nearest candidate, if it is near enough to be meant.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    nearest_of(name, candidates.map(|candidate| (candidate, candidate)))
}

/// The value of the nearest key; of equals the first.
pub(super) fn nearest_of<'a, T>(
    name: &str,
    candidates: impl Iterator<Item = (&'a str, T)>,
) -> Option<T> {
    // A hostile name of a megabyte has no near candidate and must not cost its square.
    if name.len() > 120 {
        return None;
    }
    let wanted = name.to_ascii_lowercase();
    let mut best: Option<(usize, T)> = None;
    for (key, value) in candidates {
        // One slip in three letters, at most four: beyond that names of this domain mean other things.
        let allowed = (key.len().min(wanted.len()) / 3).clamp(1, 4);
        let limit = best.as_ref().map_or(allowed, |(distance, _)| {
            allowed.min(distance.saturating_sub(1))
        });
        if key.len().abs_diff(wanted.len()) > limit {
            continue;
        }
        let distance = damerau_levenshtein(&wanted, &key.to_ascii_lowercase());
        if distance <= limit {
            best = Some((distance, value));
        }
    }
    best.map(|(_, value)| value)
}
