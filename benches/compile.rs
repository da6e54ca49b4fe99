//! How long parsing, formatting and compiling take for generated policies of 10, 1,000 and 10,000
//! flows. `cargo bench`; figures are for comparing two states on one machine.
#![allow(missing_docs)]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use portcullis::catalog::{Catalog, Cloud};
use portcullis::driver::{LimitsMode, Options, Project, compile};
use portcullis::source::{MemoryLoader, SourceMap};
use portcullis::{fmt, syntax};

// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A policy of that many flows: endpoints of three prefixes, services of two ports, groups of 250.
fn policy(flows: usize) -> String {
    let mut text = String::from("firewall azfw {\n  policy = \"bench\"\n}\n");
    for n in 0..flows.div_ceil(4).max(4) {
        let _ = writeln!(
            text,
            "endpoint net-{n} = [10.{}.{}.0/28, 10.{}.{}.64/27, 172.{}.{}.0/24]",
            n / 250 % 250,
            n % 250,
            n / 250 % 250,
            n % 250,
            16 + n / 250 % 16,
            n % 250
        );
    }
    let ends = flows.div_ceil(4).max(4);
    for n in 0..flows {
        if n % 250 == 0 {
            let _ = writeln!(
                text,
                "{}group g-{} {{",
                if n > 0 { "}\n" } else { "" },
                n / 250
            );
        }
        let verb = if n % 10 == 0 { "deny" } else { "allow" };
        let _ = writeln!(
            text,
            "  {verb} r-{n}: tcp/{},{} from net-{} to net-{} for \"rule {n}\"",
            1 + n * 7 % 60000,
            1 + n * 13 % 60000,
            n * 31 % ends,
            n * 17 % ends
        );
    }
    text.push_str("}\n");
    text
}

fn run(c: &mut Criterion) {
    let catalog = Catalog::embedded(Cloud::Public);
    for flows in [10, 1_000, 10_000] {
        let text = policy(flows);
        let mut sources = SourceMap::default();
        let file = sources.add("policy.gate", text.clone());
        c.bench_with_input(BenchmarkId::new("parse", flows), &file, |b, file| {
            b.iter(|| black_box(syntax::parse(&sources, *file)));
        });
        c.bench_with_input(BenchmarkId::new("format", flows), &file, |b, file| {
            b.iter(|| black_box(fmt::format(&sources, *file)));
        });
        let mut loader = MemoryLoader::default();
        loader.files.insert("policy.gate".to_owned(), text);
        let project = Project {
            sources: vec!["policy.gate".to_owned()],
            ..Project::default()
        };
        let options = Options {
            limits: LimitsMode::Off,
            ..Options::default()
        };
        c.bench_with_input(
            BenchmarkId::new("compile", flows),
            &project,
            |b, project| {
                b.iter(|| black_box(compile(&loader, project, catalog, &options)));
            },
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = run
}
criterion_main!(benches);
