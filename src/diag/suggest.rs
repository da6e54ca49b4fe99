//! "Did you mean": the nearest of some known words. It words no message.

/// The candidate nearest to `word`: one that is equal but for case, else the one with the fewest
/// edits if these are few for the word's length. Ties go to the candidate that sorts first.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = match length {
        0..=4 => 1,
        5 => 2,
        6..=9 => 3,
        _ => length / 3,
    };
    let lower = word.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = candidate.to_lowercase();
        let other_length = other.chars().count();
        // The difference in length bounds the distance from below: long words cost nothing.
        if other_length.abs_diff(length) > limit {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&lower, &other);
        // Every letter replaced is not a likeness.
        if distance > limit || distance >= length.max(other_length) {
            continue;
        }
        if best.is_none_or(|b| (distance, candidate) < b) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_words_are_found() {
        let words = ["allow", "deny", "endpoint", "group", "ip-group", "route"];
        assert_eq!(closest("alow", words), Some("allow"));
        assert_eq!(closest("DENY", words), Some("deny"));
        assert_eq!(closest("endpiont", words), Some("endpoint"));
        assert_eq!(closest("rout", words), Some("route"));
        assert_eq!(closest("storage", words), None);
        assert_eq!(closest("", words), None);
        assert_eq!(closest(&"x".repeat(10_000), words), None);
    }

    #[test]
    fn ties_go_to_the_first_in_order() {
        assert_eq!(closest("bat", ["cat", "bar", "hat"]), Some("bar"));
        assert_eq!(closest("Tag", ["tab", "tag"]), Some("tag"));
    }
}
