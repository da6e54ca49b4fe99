//! How long answers about an emitted network of 10,000 flows take: one packet, 1,000 packets, and all
//! packets to one endpoint. Compiling and reading back is not counted. `cargo bench --bench answers`;
//! figures are for comparing two states on one machine.
#![allow(missing_docs)]

use std::fmt::Write;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis::catalog::{Catalog, Cloud};
use portcullis::driver::{LimitsMode, Options, Project, compile_watched};
use portcullis::packet::{Transport, Verdict};
use portcullis::query::{Picture, Wanted, rows};
use portcullis::reach::{Question, ask, emitted};
use portcullis::resolve::Words;
use portcullis::source::MemoryLoader;

// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FLOWS: usize = 10_000;

/// Two subnets behind a firewall, and flows between many endpoints.
fn policy() -> String {
    let mut text = String::from(
        "vnet hub = 10.0.0.0/8\n\
         firewall azfw {\n  vnet = hub\n  subnet = 10.255.0.0/26\n  private-ip = 10.255.0.4\n}\n",
    );
    let ends = FLOWS / 4;
    for n in 0..ends {
        let (a, b) = (n / 250 % 250, n % 250);
        let _ = writeln!(
            text,
            "endpoint net-{n} = [10.{a}.{b}.0/28, 10.{a}.{b}.64/27]"
        );
    }
    text.push_str("group all {\n");
    for n in 0..FLOWS {
        let verb = if n % 10 == 0 { "deny" } else { "allow" };
        let _ = writeln!(
            text,
            "  {verb} r-{n}: tcp/{},{} from net-{} to net-{} for \"rule {n}\"",
            1 + n * 7 % 60_000,
            1 + n * 13 % 60_000,
            n * 31 % ends,
            n * 17 % ends
        );
    }
    text.push_str("}\n");
    text
}

/// A packet that some flow may speak of.
fn question(n: u32) -> Question {
    let end = |n: u32| IpAddr::V4(Ipv4Addr::new(10, (n / 250 % 10) as u8, (n % 250) as u8, 4));
    Question {
        transport: Transport::Tcp,
        source: end(n * 31),
        source_port: Some(50_000),
        destination: Some(end(n * 17)),
        port: Some((1 + n * 7 % 60_000) as u16),
        name: None,
    }
}

fn run(c: &mut Criterion) {
    let mut loader = MemoryLoader::default();
    loader.files.insert("policy.gate".to_owned(), policy());
    let project = Project {
        sources: vec!["policy.gate".to_owned()],
        ..Project::default()
    };
    let options = Options {
        limits: LimitsMode::Off,
        no_prove: true,
        no_files: true,
        asked: Some(Words {
            to: Some("net-7".to_owned()),
            ..Words::default()
        }),
        ..Options::default()
    };
    let catalog = Catalog::embedded(Cloud::Public);
    let compiled = compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            let fabric = stage.context.fabric;
            let (Ok(network), Some(asked)) = (
                emitted::network(stage.context, &lowered.resources),
                &fabric.policy.asked,
            ) else {
                return;
            };
            c.bench_function("explain 1 packet", |b| {
                b.iter(|| black_box(ask(&network, &question(7), false)));
            });
            c.bench_function("explain 1,000 packets", |b| {
                b.iter(|| {
                    for n in 0..1_000 {
                        black_box(ask(&network, &question(n), false));
                    }
                });
            });
            c.bench_function("query to one endpoint", |b| {
                b.iter(|| {
                    let mut picture = Picture::new(fabric, &network, asked);
                    let wanted = Wanted {
                        verdict: Verdict::Allow,
                        most: 50,
                    };
                    black_box(rows(&mut picture, &network, wanted, |_| true).is_ok())
                });
            });
        },
    );
    assert!(
        compiled.output.is_some(),
        "{:?}",
        compiled.diagnostics.first()
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = run
}
criterion_main!(benches);
