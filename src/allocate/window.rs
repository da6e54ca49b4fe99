//! Numbers that must rise in a given order: the members of ordered groups. An insertion takes the
//! middle of its gap, or a stride from the first or last member at the ends; only where a gap is full
//! do neighbours make room. It gives no tier its band.

use std::collections::{BTreeMap, BTreeSet};

use super::{AllocError, AllocErrorKind, Allocation, MoveReason, Moved, OFFERED, Request};

/// Gives every request a number of `band` that rises with the order of `requests`. Each request
/// must have an id of its own; of the requests' own bands nothing is used.
///
/// What is remembered is kept as far as it rises (its longest rising subsequence); the rest is
/// placed anew. Where no number is left between two neighbours, a window around them is doubled
/// until its rules fill at most half of its room, and is spread evenly. Pins and reserved numbers
/// never move. A number that another id gives up, because it goes or moves, is taken only if little else
/// is left.
#[must_use]
pub fn allocate_ordered(
    requests: &[Request],
    band: (u32, u32),
    reserved: &[(u32, u32)],
    stride: u32,
    previous: &BTreeMap<String, u32>,
) -> Allocation {
    let ids: BTreeSet<&str> = requests.iter().map(|r| r.id.as_str()).collect();
    let freed: BTreeSet<u32> = previous
        .iter()
        .filter(|(id, _)| !ids.contains(id.as_str()))
        .map(|(_, number)| *number)
        .collect();
    let careful = attempt(requests, band, reserved, stride, previous, &freed);
    if !careful.errors.is_empty() && !freed.is_empty() {
        return attempt(requests, band, reserved, stride, previous, &BTreeSet::new());
    }
    // What moves frees a number, too.
    let mut avoid = freed;
    let mut better = careful.clone();
    for _ in 0..TRIES {
        let given_up: BTreeSet<u32> = better.moved.iter().map(|m| m.from).collect();
        let again = |(id, number): (&String, &u32)| {
            previous.get(id) != Some(number) && given_up.contains(number)
        };
        if !better.numbers.iter().any(again) {
            // Why something moves, the first attempt knows; more of them make room for these.
            for moved in &mut better.moved {
                let first = careful.moved.iter().find(|m| m.id == moved.id);
                moved.reason = first.map_or(MoveReason::Window, |m| m.reason);
            }
            return better;
        }
        avoid.extend(given_up);
        better = attempt(requests, band, reserved, stride, previous, &avoid);
        if !better.errors.is_empty() {
            break;
        }
    }
    careful
}

/// How often numbers are given anew because one went from a member to another.
const TRIES: usize = 4;

/// The numbers that may be used, ascending; places are counted in them, so that holes need no care.
struct Room {
    numbers: Vec<u32>,
}

impl Room {
    fn index(&self, number: u32) -> Option<usize> {
        self.numbers.binary_search(&number).ok()
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.numbers.get(index).copied()
    }

    /// The first place whose number is not below this.
    fn at_least(&self, number: u32) -> usize {
        self.numbers.partition_point(|n| *n < number)
    }
}

/// The sequence while it is numbered.
struct Sequence {
    /// Place of each member.
    places: Vec<Option<usize>>,
    /// Members that never move.
    pinned: Vec<bool>,
    size: usize,
}

fn attempt(
    requests: &[Request],
    band: (u32, u32),
    reserved: &[(u32, u32)],
    stride: u32,
    previous: &BTreeMap<String, u32>,
    avoid: &BTreeSet<u32>,
) -> Allocation {
    let is_reserved = |n: u32| reserved.iter().any(|(a, b)| (*a..=*b).contains(&n));
    let pins: BTreeSet<u32> = requests.iter().filter_map(|r| r.pin).collect();
    let room = Room {
        numbers: (band.0..=band.1)
            .filter(|n| !is_reserved(*n) && (pins.contains(n) || !avoid.contains(n)))
            .collect(),
    };
    let mut sequence = Sequence {
        places: vec![None; requests.len()],
        pinned: vec![false; requests.len()],
        size: room.numbers.len(),
    };
    let mut failed = pin(requests, &room, &mut sequence);
    let faulty: BTreeSet<usize> = failed.iter().map(|(at, _)| *at).collect();
    keep(requests, &room, previous, &faulty, &mut sequence);
    let kept: Vec<Option<usize>> = sequence.places.clone();
    let mut at = 0;
    while at < requests.len() {
        if sequence.place(at).is_some() || faulty.contains(&at) {
            at += 1;
            continue;
        }
        let run: Vec<usize> = (at..requests.len())
            .take_while(|i| sequence.place(*i).is_none())
            .filter(|i| !faulty.contains(i))
            .collect();
        let last = run.last().copied().unwrap_or(at);
        if !sequence.fill(&run, &room, stride) {
            for member in run {
                if !sequence.make_room(member) {
                    failed.push((member, AllocErrorKind::BandFull));
                }
            }
        }
        at = last + 1;
    }
    let placed = Placed {
        requests,
        room: &room,
        sequence: &sequence,
        kept: &kept,
        reserved,
    };
    placed.allocation(previous, failed)
}

/// Pins what can be pinned: inside the band, free, and rising.
fn pin(requests: &[Request], room: &Room, sequence: &mut Sequence) -> Vec<(usize, AllocErrorKind)> {
    let mut failed = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    for (at, request) in requests.iter().enumerate() {
        let Some(pin) = request.pin else {
            continue;
        };
        match room.index(pin) {
            None => {
                let inside = (request.band.0..=request.band.1).contains(&pin);
                failed.push((
                    at,
                    if inside {
                        AllocErrorKind::PinTaken { holder: None }
                    } else {
                        AllocErrorKind::PinOutside
                    },
                ));
            }
            Some(place) => match before {
                Some((earlier, id)) if place <= earlier => {
                    let holder = Some(id.to_owned());
                    failed.push((at, AllocErrorKind::PinTaken { holder }));
                }
                _ => {
                    sequence.set(at, Some(place));
                    if let Some(flag) = sequence.pinned.get_mut(at) {
                        *flag = true;
                    }
                    before = Some((place, &request.id));
                }
            },
        }
    }
    failed
}

/// Keeps the longest rising subsequence of what is remembered, between the pins.
fn keep(
    requests: &[Request],
    room: &Room,
    previous: &BTreeMap<String, u32>,
    faulty: &BTreeSet<usize>,
    sequence: &mut Sequence,
) {
    let mut start = 0;
    while start < requests.len() {
        let end = (start..requests.len())
            .find(|i| sequence.place(*i).is_some())
            .unwrap_or(requests.len());
        let low = start.checked_sub(1).and_then(|i| sequence.place(i));
        let high = sequence.place(end);
        let candidates: Vec<(usize, usize)> = requests
            .iter()
            .enumerate()
            .take(end)
            .skip(start)
            .filter(|(at, _)| !faulty.contains(at))
            .filter_map(|(at, r)| Some((at, room.index(*previous.get(&r.id)?)?)))
            .filter(|(_, p)| low.is_none_or(|l| l < *p) && high.is_none_or(|h| *p < h))
            .collect();
        for (at, place) in longest_rising(&candidates) {
            sequence.set(at, Some(place));
        }
        start = end + 1;
    }
}

/// The longest subsequence whose places rise strictly.
fn longest_rising(candidates: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // `tails[k]` is the candidate that ends the best subsequence of length k + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::new();
    let place = |i: usize| candidates.get(i).map_or(0, |c| c.1);
    for (index, (_, value)) in candidates.iter().enumerate() {
        let length = tails.partition_point(|t| place(*t) < *value);
        before.push(length.checked_sub(1).and_then(|l| tails.get(l).copied()));
        match tails.get_mut(length) {
            Some(tail) => *tail = index,
            None => tails.push(index),
        }
    }
    let mut out = Vec::new();
    let mut next = tails.last().copied();
    while let Some(index) = next {
        out.extend(candidates.get(index).copied());
        next = before.get(index).copied().flatten();
    }
    out.reverse();
    out
}

impl Sequence {
    fn place(&self, at: usize) -> Option<usize> {
        self.places.get(at).copied().flatten()
    }

    fn set(&mut self, at: usize, place: Option<usize>) {
        if let Some(slot) = self.places.get_mut(at) {
            *slot = place;
        }
    }

    /// The first free place after the members before `at`, and one past the last free one.
    fn gap(&self, first: usize, last: usize) -> (usize, usize) {
        let below = self.places.iter().take(first).rev().flatten().next();
        let above = self.places.iter().skip(last + 1).flatten().next();
        (
            below.map_or(0, |p| p + 1),
            above.copied().unwrap_or(self.size),
        )
    }

    /// Puts a run of neighbours into their gap: strides behind the last member or before the first,
    /// else evenly.
    fn fill(&mut self, run: &[usize], room: &Room, stride: u32) -> bool {
        let (Some(&first), Some(&last)) = (run.first(), run.last()) else {
            return true;
        };
        let (low, high) = self.gap(first, last);
        let placed = if high == self.size {
            self.append(run, low, room, stride)
        } else {
            low == 0 && self.prepend(run, high, room, stride)
        };
        placed || self.spread(run, low, high)
    }

    /// Strides before the first member.
    fn prepend(&mut self, run: &[usize], high: usize, room: &Room, stride: u32) -> bool {
        let mut places = Vec::new();
        let mut above = high;
        for _ in run {
            let wanted = room
                .number(above)
                .and_then(|next| next.checked_sub(stride.max(1)));
            let place = wanted.filter(|n| room.number(0).is_some_and(|first| first <= *n));
            // The nearest number from there on that nobody else has.
            match place.map(|n| room.at_least(n)) {
                Some(place) if place < above => {
                    places.push(place);
                    above = place;
                }
                _ => return false,
            }
        }
        for (at, place) in run.iter().rev().zip(places) {
            self.set(*at, Some(place));
        }
        true
    }

    fn append(&mut self, run: &[usize], low: usize, room: &Room, stride: u32) -> bool {
        let mut places = Vec::new();
        let stride = stride.max(1);
        let mut next = match low.checked_sub(1).and_then(|before| room.number(before)) {
            Some(number) => number.saturating_add(stride),
            // The first members of all leave room before them.
            None => room.number(room.numbers.len() / 4).unwrap_or(0) / stride * stride,
        };
        for _ in run {
            let place = room.at_least(next);
            let Some(number) = room.number(place) else {
                return false;
            };
            places.push(place);
            next = number.saturating_add(stride);
        }
        for (at, place) in run.iter().zip(places) {
            self.set(*at, Some(place));
        }
        true
    }

    /// Spreads members evenly over the places `low..high`.
    fn spread(&mut self, run: &[usize], low: usize, high: usize) -> bool {
        let width = high.saturating_sub(low);
        if width < run.len() {
            return false;
        }
        for (index, at) in run.iter().enumerate() {
            let offset = ((2 * index + 1) * width) / (2 * run.len());
            self.set(*at, Some(low + offset));
        }
        true
    }

    /// Makes room for one member: a window around it doubles until it is at most half full.
    fn make_room(&mut self, at: usize) -> bool {
        let total = self.places.len();
        let mut reach = 1;
        loop {
            let (first, left_wall) = self.reach_left(at, reach);
            let (last, right_wall) = self.reach_right(at, reach, total);
            let members: Vec<usize> = (first..=last)
                .filter(|i| *i == at || self.place(*i).is_some())
                .collect();
            let (low, high) = self.gap(first, last);
            let width = high.saturating_sub(low);
            let walled = left_wall && right_wall;
            if (members.len() * 2 <= width || walled) && self.spread(&members, low, high) {
                return true;
            }
            if walled {
                return false;
            }
            reach *= 2;
        }
    }

    /// How far a window reaches, and whether it ends at a pin or the end of the sequence.
    fn reach_left(&self, at: usize, reach: usize) -> (usize, bool) {
        let mut first = at;
        for _ in 0..reach {
            match first.checked_sub(1) {
                Some(next) if !self.is_pinned(next) => first = next,
                _ => return (first, true),
            }
        }
        (first, false)
    }

    fn reach_right(&self, at: usize, reach: usize, total: usize) -> (usize, bool) {
        let mut last = at;
        for _ in 0..reach {
            if last + 1 < total && !self.is_pinned(last + 1) {
                last += 1;
            } else {
                return (last, true);
            }
        }
        (last, false)
    }

    fn is_pinned(&self, at: usize) -> bool {
        self.pinned.get(at).copied().unwrap_or(false)
    }
}

/// A sequence that is numbered.
struct Placed<'a> {
    requests: &'a [Request],
    room: &'a Room,
    sequence: &'a Sequence,
    /// What was kept at first; what differs later made room.
    kept: &'a [Option<usize>],
    reserved: &'a [(u32, u32)],
}

impl Placed<'_> {
    fn allocation(
        &self,
        previous: &BTreeMap<String, u32>,
        failed: Vec<(usize, AllocErrorKind)>,
    ) -> Allocation {
        let mut out = Allocation::default();
        for (at, request) in self.requests.iter().enumerate() {
            let number = self.sequence.place(at).and_then(|p| self.room.number(p));
            let Some(to) = number else {
                continue;
            };
            out.numbers.insert(request.id.clone(), to);
            let Some(&from) = previous.get(&request.id).filter(|from| **from != to) else {
                continue;
            };
            let reason = if request.pin.is_some() {
                MoveReason::Pin
            } else if self.kept.get(at).copied().flatten().is_some() {
                MoveReason::Window
            } else if !(request.band.0..=request.band.1).contains(&from) {
                MoveReason::Band
            } else if self.reserved.iter().any(|(a, b)| (*a..=*b).contains(&from)) {
                MoveReason::Clash
            } else {
                MoveReason::Order
            };
            out.moved.push(Moved {
                id: request.id.clone(),
                from,
                to,
                reason,
            });
        }
        out.moved.sort_by(|a, b| a.id.cmp(&b.id));
        for (at, kind) in failed {
            let Some(request) = self.requests.get(at) else {
                continue;
            };
            out.errors.push(AllocError {
                id: request.id.clone(),
                kind,
                free: self.free(at),
            });
        }
        out.errors.sort_by(|a, b| a.id.cmp(&b.id));
        out
    }

    /// Numbers that a member could have where it stands.
    fn free(&self, at: usize) -> Vec<u32> {
        let (low, high) = self.sequence.gap(at, at);
        (low..high)
            .filter_map(|p| self.room.number(p))
            .take(OFFERED)
            .collect()
    }
}
