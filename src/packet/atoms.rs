//! A line of numbers cut into elementary intervals, each of which every set holds wholly or not at
//! all. What the numbers are does not matter here.

/// Where a line is cut, while that is being gathered.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    starts: Vec<u128>,
    tidy: usize,
}

impl Cuts {
    /// Cuts before the interval and behind it.
    pub(super) fn add(&mut self, first: u128, last: u128) {
        self.starts.push(first);
        if let Some(next) = last.checked_add(1) {
            self.starts.push(next);
        }
        // The same few ends come again and again.
        if self.starts.len() > 2 * self.tidy + 4096 {
            self.tidy();
        }
    }

    fn tidy(&mut self) {
        self.starts.sort_unstable();
        self.starts.dedup();
        self.tidy = self.starts.len();
    }

    /// The line from `first` to `last`.
    pub(super) fn line(mut self, first: u128, last: u128) -> Line {
        self.starts.push(first);
        self.starts
            .retain(|start| first <= *start && *start <= last);
        self.tidy();
        Line {
            starts: self.starts,
            last,
        }
    }
}

/// A line in elementary intervals, counted from 0.
#[derive(Clone, Debug)]
pub(super) struct Line {
    starts: Vec<u128>,
    last: u128,
}

impl Line {
    /// How many intervals there are; at least one.
    pub(super) fn len(&self) -> u32 {
        self.starts.len() as u32
    }

    /// How many bits tell them apart.
    pub(super) fn bits(&self) -> u32 {
        self.len().max(1).next_power_of_two().trailing_zeros()
    }

    /// The interval that a number lies in.
    pub(super) fn index(&self, value: u128) -> u32 {
        let after = self.starts.partition_point(|start| *start <= value);
        after.saturating_sub(1) as u32
    }

    /// Ascending disjoint intervals as ranges of elementary ones; `None` if one ends where the line
    /// is not cut.
    pub(super) fn codes(&self, intervals: &[(u128, u128)]) -> Option<Vec<(u32, u32)>> {
        let mut out = Vec::with_capacity(intervals.len());
        for &(first, last) in intervals {
            let from = self.starts.binary_search(&first).ok()?;
            let to = if last == self.last {
                self.starts.len()
            } else {
                self.starts.binary_search(&last.checked_add(1)?).ok()?
            };
            out.push((from as u32, to.checked_sub(1)? as u32));
        }
        Some(out)
    }

    /// Ascending disjoint intervals as ranges of the elementary ones that they meet.
    pub(super) fn met(&self, intervals: &[(u128, u128)]) -> Vec<(u32, u32)> {
        let mut out: Vec<(u32, u32)> = Vec::with_capacity(intervals.len());
        for &(first, last) in intervals {
            let (from, to) = (self.index(first), self.index(last));
            match out.last_mut() {
                Some(open) if from <= open.1.saturating_add(1) => open.1 = open.1.max(to),
                _ => out.push((from, to)),
            }
        }
        out
    }

    /// The numbers of a range of elementary intervals.
    pub(super) fn interval(&self, from: u32, to: u32) -> (u128, u128) {
        let first = self.starts.get(from as usize).copied().unwrap_or_default();
        let last = match self.starts.get(to as usize + 1) {
            Some(next) => next.saturating_sub(1),
            None => self.last,
        };
        (first, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_go_there_and_back() {
        let mut cuts = Cuts::default();
        cuts.add(10, 19);
        cuts.add(15, 30);
        let line = cuts.line(0, 255);
        assert_eq!(line.len(), 5);
        assert_eq!(line.bits(), 3);
        assert_eq!(line.codes(&[(10, 19)]), Some(vec![(1, 2)]));
        assert_eq!(line.codes(&[(15, 255)]), Some(vec![(2, 4)]));
        assert_eq!(line.codes(&[(11, 19)]), None);
        assert_eq!(line.interval(1, 2), (10, 19));
        assert_eq!(line.interval(4, 4), (31, 255));
        assert_eq!(line.met(&[(11, 12), (14, 15)]), vec![(1, 2)]);
        assert_eq!(Cuts::default().line(0, u128::MAX).bits(), 0);
    }
}
