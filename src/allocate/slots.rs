//! The slots of a band, in the order in which one id looks at them. It knows no rule and no use.

/// A range of numbers, both ends included; empty if the ends are the wrong way round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    first: u32,
    last: u32,
}

impl From<(u32, u32)> for Band {
    fn from((first, last): (u32, u32)) -> Self {
        Self { first, last }
    }
}

impl Band {
    pub(super) fn contains(self, number: u32) -> bool {
        (self.first..=self.last).contains(&number)
    }

    /// The multiples of `step` in the band, beginning at the one that `start` points to and
    /// wrapping round.
    pub(super) fn slots_from(self, step: u32, start: u64) -> impl Iterator<Item = u32> {
        let step = u64::from(step.max(1));
        let first = u64::from(self.first).div_ceil(step) * step;
        let last = u64::from(self.last);
        let count = if first > last {
            0
        } else {
            (last - first) / step + 1
        };
        let offset = start.checked_rem(count).unwrap_or(0);
        (offset..count)
            .chain(0..offset)
            .filter_map(move |index| u32::try_from(first + index * step).ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn slots(band: (u32, u32), step: u32, start: u64) -> Vec<u32> {
        Band::from(band).slots_from(step, start).collect()
    }

    #[test]
    fn every_slot_comes_once_from_the_start_on() {
        assert_eq!(slots((100, 103), 1, 6), [102, 103, 100, 101]);
        assert_eq!(slots((105, 139), 10, 1), [120, 130, 110]);
    }

    #[test]
    fn odd_bands_have_the_slots_they_have() {
        assert_eq!(slots((101, 109), 10, 3), [] as [u32; 0]);
        assert_eq!(slots((9, 5), 1, 3), [] as [u32; 0]);
        assert_eq!(slots((u32::MAX, u32::MAX), 1, u64::MAX), [u32::MAX]);
        assert_eq!(slots((1, 2), 0, 0), [1, 2]);
    }
}
