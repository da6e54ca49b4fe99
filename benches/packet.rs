//! How long packet sets take: regions to sets, and the fate of every rule of an ordered list.
//! `cargo bench --bench packet`; figures are for comparing two states on one machine.
#![allow(missing_docs, clippy::indexing_slicing)]

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use portcullis::model::address::AddressSet;
use portcullis::model::service::PortSet;
use portcullis::packet::{
    Addresses, Builder, Names, Region, Service, Set, Space, Transports, Verdict, first_match,
};

// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    fn prefix(&mut self, base: u32, bits: u32, lengths: &[u32]) -> AddressSet {
        let length = lengths[self.below(lengths.len() as u64) as usize];
        let host = self.below(1 << (32 - bits)) as u32;
        let first = (base | host) >> (32 - length) << (32 - length);
        let last = first | (u32::MAX.checked_shr(length).unwrap_or(0));
        AddressSet::range(Ipv4Addr::from(first).into(), Ipv4Addr::from(last).into())
    }
}

/// What the lists look like.
#[derive(Clone, Copy)]
enum Shape {
    /// Named sources to anywhere, many services: some rules are copies of earlier ones.
    Sources,
    /// Named sources to named destinations.
    Pairs,
    /// Few services and nested networks: almost every rule is dead.
    Dense,
}

fn rules(shape: Shape, count: usize) -> Vec<(Verdict, Region)> {
    let mut draw = Draw(7);
    let dense = matches!(shape, Shape::Dense);
    let nets: Vec<AddressSet> = (0..(count / 4).max(4))
        .map(|_| {
            let mut set = AddressSet::empty();
            for _ in 0..=draw.below(if dense { 1 } else { 4 }) {
                let part = if dense {
                    draw.prefix(0x0a00_0000, 8, &[10, 12, 16, 20, 24])
                } else if draw.below(10) < 7 {
                    draw.prefix(0x0a00_0000, 8, &[16, 20, 24, 24, 27, 28, 32, 32])
                } else {
                    draw.prefix(0xac10_0000, 12, &[20, 24, 24, 24, 27, 28, 32, 32])
                };
                set = set.union(&part);
            }
            set
        })
        .collect();
    let services: Vec<PortSet> = (0..if dense { 6 } else { (count / 20).max(4) })
        .map(|_| {
            let port = 1 + draw.below(65_000) as u16;
            match draw.below(5) {
                0 => PortSet::from_ranges(&[(port, port + draw.below(200) as u16)]),
                1 | 2 => PortSet::from_ranges(&[(port, port), (port / 2 + 1, port / 2 + 1)]),
                _ => PortSet::one(port),
            }
        })
        .collect();
    let mut out: Vec<(Verdict, Region)> = Vec::with_capacity(count);
    for _ in 0..count {
        if !out.is_empty() && draw.below(100) < 2 {
            let copy = out[draw.below(out.len() as u64) as usize].clone();
            out.push(copy);
            continue;
        }
        let mut end = |any: bool| {
            if any || dense && draw.below(20) == 0 {
                Addresses::any()
            } else {
                Addresses::of(nets[draw.below(nets.len() as u64) as usize].clone())
            }
        };
        let (source, destination) = (end(false), end(matches!(shape, Shape::Sources)));
        let ports = if dense && draw.below(2) == 0 {
            PortSet::one(443)
        } else {
            services[draw.below(services.len() as u64) as usize].clone()
        };
        let verdict = if draw.below(10) == 0 {
            Verdict::Deny
        } else {
            Verdict::Allow
        };
        out.push((
            verdict,
            Region {
                source,
                destination,
                services: vec![Service::to(Transports::TCP, ports)],
                names: Names::Any,
            },
        ));
    }
    out
}

fn sets(rules: &[(Verdict, Region)]) -> (Space, Vec<(Verdict, Set)>) {
    let mut builder = Builder::new();
    for (_, region) in rules {
        builder.region(region);
    }
    let mut space = builder.build();
    let sets = rules.iter().map(|(v, r)| (*v, space.region(r))).collect();
    (space, sets)
}

fn run(c: &mut Criterion) {
    for (name, shape) in [
        ("sources", Shape::Sources),
        ("pairs", Shape::Pairs),
        ("dense", Shape::Dense),
    ] {
        for count in [1_000, 10_000] {
            let rules = rules(shape, count);
            let id = |what: &str| BenchmarkId::new(format!("{what} {name}"), count);
            c.bench_with_input(id("regions"), &rules, |b, rules| {
                b.iter(|| black_box(sets(rules).1.len()));
            });
            c.bench_with_input(id("first match"), &rules, |b, rules| {
                b.iter(|| {
                    let (mut space, sets) = sets(rules);
                    black_box(first_match::order(&mut space, &sets).is_ok())
                });
            });
        }
    }
    // A service tag of some thousand intervals in every rule.
    let tag: Vec<(u128, u128)> = (0..4_000_u128)
        .map(|n| (n * 65_537 + 17, n * 65_537 + 250))
        .collect();
    let tag = AddressSet::from_intervals(portcullis::model::address::Family::V4, tag);
    let mut tagged = rules(Shape::Sources, 1_000);
    for (_, region) in &mut tagged {
        region.destination = Addresses::of(tag.clone());
    }
    c.bench_with_input(
        BenchmarkId::new("first match", "tag"),
        &tagged,
        |b, rules| {
            b.iter(|| {
                let (mut space, sets) = sets(rules);
                black_box(first_match::order(&mut space, &sets).is_ok())
            });
        },
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = run
}
criterion_main!(benches);
