//! What two lists, and two areas, have in common. It knows no rule and no packet.

use std::collections::HashMap;

use crate::model::address::AddressSet;

/// Takes a box out of boxes.
pub(super) fn cut(rest: &mut Vec<(AddressSet, AddressSet)>, from: &AddressSet, to: &AddressSet) {
    if rest.is_empty() {
        return;
    }
    let mut out = Vec::with_capacity(rest.len());
    for (a, b) in rest.drain(..) {
        if !a.meets(from) || !b.meets(to) {
            out.push((a, b));
            continue;
        }
        let outside = a.subtract(from);
        let inside = a.intersect(from);
        let beyond = b.subtract(to);
        if !beyond.is_empty() {
            out.push((inside, beyond));
        }
        if !outside.is_empty() {
            out.push((outside, b));
        }
    }
    *rest = out;
}

/// Of two lists, which of their members are a common part in the same order: the longest rising run of
/// those that both have. Two that are equal stand for each other in order.
pub(super) fn in_both(a: &[usize], b: &[usize]) -> (Vec<bool>, Vec<bool>) {
    let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, number) in b.iter().enumerate().rev() {
        places.entry(*number).or_default().push(at);
    }
    // Pairs of places, rising in the first.
    let pairs: Vec<(usize, usize)> = a
        .iter()
        .enumerate()
        .filter_map(|(at, number)| Some((at, places.get_mut(number)?.pop()?)))
        .collect();
    // Patience: the smallest end of a run of each length, with the pair before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; pairs.len()];
    for (at, (_, place)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs.get(*end).is_some_and(|p| p.1 < *place));
        if let Some(slot) = before.get_mut(at) {
            *slot = length.checked_sub(1).and_then(|l| ends.get(l)).copied();
        }
        if length == ends.len() {
            ends.push(at);
        } else if let Some(end) = ends.get_mut(length) {
            *end = at;
        }
    }
    let (mut kept_a, mut kept_b) = (vec![false; a.len()], vec![false; b.len()]);
    let mut next = ends.last().copied();
    while let Some(at) = next {
        if let Some((x, y)) = pairs.get(at) {
            if let Some(kept) = kept_a.get_mut(*x) {
                *kept = true;
            }
            if let Some(kept) = kept_b.get_mut(*y) {
                *kept = true;
            }
        }
        next = before.get(at).copied().flatten();
    }
    (kept_a, kept_b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_common_run_is_kept() {
        let kept = |a: &[usize], b: &[usize]| in_both(a, b).0.iter().filter(|k| **k).count();
        assert_eq!(kept(&[1, 2, 3, 4], &[1, 2, 3, 4]), 4);
        assert_eq!(kept(&[1, 2, 3, 4], &[2, 3, 4, 1]), 3);
        assert_eq!(kept(&[1, 1, 2], &[1, 2, 1]), 2);
        assert_eq!(kept(&[1, 2], &[3, 4]), 0);
        let (a, b) = in_both(&[5, 1, 2], &[1, 2, 6]);
        assert_eq!(a, [false, true, true]);
        assert_eq!(b, [true, true, false]);
    }

    #[test]
    fn boxes_are_cut_without_loss() {
        let set = |text: &str| {
            text.parse()
                .map_or_else(|_| AddressSet::empty(), AddressSet::prefix)
        };
        let mut rest = vec![(set("10.0.0.0/8"), set("10.0.0.0/8"))];
        cut(&mut rest, &set("10.0.0.0/9"), &set("10.0.0.0/9"));
        let area = |boxes: &[(AddressSet, AddressSet)]| -> u128 {
            use crate::model::address::Family::V4;
            boxes.iter().map(|(a, b)| a.count(V4) * b.count(V4)).sum()
        };
        assert_eq!(area(&rest), 3 << 46);
    }
}
