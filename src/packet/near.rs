//! Which unions of regions can meet at all, by their outermost addresses and ports: most pairs never
//! need a look at their sets. That two of them are found says nothing yet.

use super::region::{Addresses, Region};
use super::transport::Transports;
use crate::model::address::{AddressSet, Family};
use crate::model::service::PortSet;

/// Cuts of a line.
const BUCKETS: usize = 512;
/// What lies in more buckets than this is kept beside them.
const WIDE: usize = 64;

/// What all packets of some regions lie in.
#[derive(Clone, Debug)]
pub struct Hull {
    source: AddressSet,
    destination: AddressSet,
    ports: PortSet,
}

impl Hull {
    /// Around some regions.
    #[must_use]
    pub fn around(regions: &[Region]) -> Self {
        let mut out: Option<Self> = None;
        for region in regions {
            let end = |end: &Addresses| match (&end.within, end.symbols.is_empty()) {
                (_, true) => end.known.clone(),
                (Some(within), false) => end.known.union(within),
                (None, false) => AddressSet::all(),
            };
            let mut ports = PortSet::from_ranges(&[]);
            for service in &region.services {
                let portless = service.transports.intersect(Transports::PORTLESS);
                if !portless.is_empty() {
                    ports = PortSet::all();
                    break;
                }
                ports = ports.union(&service.ports);
            }
            let own = Self {
                source: end(&region.source),
                destination: end(&region.destination),
                ports,
            };
            out = Some(match out {
                None => own,
                Some(all) => Self {
                    source: all.source.union(&own.source),
                    destination: all.destination.union(&own.destination),
                    ports: all.ports.union(&own.ports),
                },
            });
        }
        out.unwrap_or_else(|| Self {
            source: AddressSet::empty(),
            destination: AddressSet::empty(),
            ports: PortSet::from_ranges(&[]),
        })
    }

    fn meets(&self, other: &Self) -> bool {
        self.ports.meets(&other.ports)
            && self.source.meets(&other.source)
            && self.destination.meets(&other.destination)
    }

    fn lines(&self) -> [Vec<Interval>; 3] {
        let addresses = |set: &AddressSet| -> Vec<Interval> {
            let four = set.intervals(Family::V4).iter();
            let six = set.intervals(Family::V6).iter();
            four.map(|(first, last)| ((0, *first), (0, *last)))
                .chain(six.map(|(first, last)| ((1, *first), (1, *last))))
                .collect()
        };
        let ports = self.ports.ranges().iter();
        [
            addresses(&self.source),
            addresses(&self.destination),
            ports
                .map(|(first, last)| ((0, u128::from(*first)), (0, u128::from(*last))))
                .collect(),
        ]
    }
}

type Point = (u8, u128);
type Interval = (Point, Point);

/// One of the three dimensions in buckets of about the same size.
#[derive(Clone, Debug, Default)]
struct Line {
    cuts: Vec<Point>,
    buckets: Vec<Vec<usize>>,
    wide: Vec<usize>,
}

impl Line {
    fn new(all: &[Vec<Interval>]) -> Self {
        let mut starts: Vec<Point> = all.iter().flatten().map(|(first, _)| *first).collect();
        starts.sort_unstable();
        starts.dedup();
        let step = starts.len().div_ceil(BUCKETS).max(1);
        let cuts: Vec<Point> = starts.into_iter().step_by(step).collect();
        let mut out = Self {
            buckets: vec![Vec::new(); cuts.len() + 1],
            cuts,
            wide: Vec::new(),
        };
        for (at, intervals) in all.iter().enumerate() {
            let touched = out.touched(intervals);
            if touched.len() > WIDE {
                out.wide.push(at);
                continue;
            }
            for bucket in touched {
                if let Some(bucket) = out.buckets.get_mut(bucket) {
                    bucket.push(at);
                }
            }
        }
        out
    }

    fn touched(&self, intervals: &[Interval]) -> Vec<usize> {
        let mut out: Vec<usize> = Vec::new();
        for (first, last) in intervals {
            let from = self.cuts.partition_point(|cut| cut <= first);
            let to = self.cuts.partition_point(|cut| cut <= last);
            let from = out.last().map_or(from, |end| from.max(end + 1));
            out.extend(from..=to);
        }
        out
    }

    fn near(&self, touched: &[usize]) -> impl Iterator<Item = &[usize]> {
        let buckets = touched.iter().filter_map(|at| self.buckets.get(*at));
        buckets
            .map(Vec::as_slice)
            .chain(std::iter::once(self.wide.as_slice()))
    }
}

/// Numbered hulls.
#[derive(Clone, Debug, Default)]
pub struct Index {
    hulls: Vec<Hull>,
    /// Of each of the three lines: the intervals of every hull.
    intervals: [Vec<Vec<Interval>>; 3],
    lines: Vec<Line>,
}

impl Index {
    /// Puts hulls into buckets.
    #[must_use]
    pub fn new(hulls: Vec<Hull>) -> Self {
        let mut each: [Vec<Vec<Interval>>; 3] = Default::default();
        for hull in &hulls {
            for (line, own) in each.iter_mut().zip(hull.lines()) {
                line.push(own);
            }
        }
        Self {
            hulls,
            lines: each.iter().map(|all| Line::new(all)).collect(),
            intervals: each,
        }
    }

    /// Whether the first is the narrower one by its ends, or by its ports.
    #[must_use]
    pub fn is_case(&self, at: usize, of: usize) -> bool {
        let pair = self.hulls.get(at).zip(self.hulls.get(of));
        pair.is_some_and(|(own, wide)| {
            let ends =
                own.source.is_subset(&wide.source) && own.destination.is_subset(&wide.destination);
            ends || own.ports.is_subset(&wide.ports)
        })
    }

    /// Those that may meet one, ascending, itself left out.
    pub fn near(&self, at: usize, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let Some(own) = self.hulls.get(at) else {
            return Vec::new();
        };
        let fewest = self
            .lines
            .iter()
            .zip(&self.intervals)
            .filter_map(|(line, all)| Some((line, line.touched(all.get(at)?))))
            .min_by_key(|(line, touched)| line.near(touched).map(<[usize]>::len).sum::<usize>());
        let Some((line, touched)) = fewest else {
            return Vec::new();
        };
        let mut out: Vec<usize> = line
            .near(&touched)
            .flatten()
            .copied()
            .filter(|other| *other != at && wanted(*other))
            .collect();
        out.sort_unstable();
        out.dedup();
        out.retain(|other| self.hulls.get(*other).is_some_and(|hull| own.meets(hull)));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Names, Service};

    #[test]
    fn nobody_who_meets_is_left_out() {
        let mut seed = 7_u64;
        let mut draw = |most: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % most
        };
        let mut hulls = Vec::new();
        for _ in 0..600 {
            let mut end = || {
                let first = draw(1 << 16) as u32;
                let most = if draw(20) == 0 { 1 << 16 } else { 200 };
                let last = first + draw(most) as u32;
                let address = |n: u32| std::net::IpAddr::from(std::net::Ipv4Addr::from(n));
                Addresses::of(AddressSet::range(address(first), address(last)))
            };
            let (source, destination) = (end(), end());
            let port = 1 + draw(3000) as u16;
            hulls.push(Hull::around(&[Region {
                source,
                destination,
                services: vec![Service::to(
                    Transports::TCP,
                    PortSet::from_ranges(&[(port, port + draw(400) as u16)]),
                )],
                names: Names::Any,
            }]));
        }
        let index = Index::new(hulls.clone());
        for (at, hull) in hulls.iter().enumerate() {
            let met = hulls.iter().enumerate();
            let all: Vec<usize> = met
                .filter(|(other, hulls)| *other != at && hull.meets(hulls))
                .map(|(other, _)| other)
                .collect();
            assert_eq!(index.near(at, |_| true), all);
        }
    }
}
