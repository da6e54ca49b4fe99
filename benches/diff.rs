//! How long it takes to find which traffic fares differently after 25 edits of 10,000 flows. Compiling
//! both sides is not counted. `cargo bench --bench diff`; figures are for comparing two states on one
//! machine.
#![allow(missing_docs)]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis::catalog::{Catalog, Cloud};
use portcullis::diff::scene::Scene;
use portcullis::diff::semantic::compare;
use portcullis::diff::textual;
use portcullis::driver::{LimitsMode, Options, Project, compile_watched};
use portcullis::reach::Traces;
use portcullis::source::MemoryLoader;

// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FLOWS: usize = 10_000;
const EDITS: usize = 25;

/// Two subnets' worth of endpoints behind a firewall, and flows between many of them; of the edited
/// flows one in three is gone, has another port or another destination.
fn policy(edited: bool) -> String {
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
        // Spread over all of them.
        let edit = edited && n % (FLOWS / EDITS) == 123;
        let which = n / (FLOWS / EDITS) % 3;
        if edit && which == 0 {
            continue;
        }
        let verb = if n % 10 == 0 { "deny" } else { "allow" };
        let port = 1 + n * 7 % 60_000;
        let port = if edit && which == 1 { port + 1 } else { port };
        let to = n * 17 % ends;
        let to = if edit && which == 2 { to + 1 } else { to };
        let _ = writeln!(
            text,
            "  {verb} r-{n}: tcp/{port},{} from net-{} to net-{} for \"rule {n}\"",
            1 + n * 13 % 60_000,
            n * 31 % ends,
            to % ends
        );
    }
    text.push_str("}\n");
    text
}

fn scene(edited: bool) -> Option<Scene> {
    let mut loader = MemoryLoader::default();
    let text = policy(edited);
    loader.files.insert("policy.gate".to_owned(), text);
    let project = Project {
        sources: vec!["policy.gate".to_owned()],
        ..Project::default()
    };
    let options = Options {
        limits: LimitsMode::Off,
        no_prove: true,
        no_files: true,
        ..Options::default()
    };
    let catalog = Catalog::embedded(Cloud::Public);
    let mut out = None;
    let compiled = compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            let side = textual::Side::of_lowered(stage.context, lowered);
            let traces = Traces::new(&lowered.traces);
            out = Scene::new(stage.context, stage.sources, side.items.iter(), traces).ok();
        },
    );
    assert!(
        compiled.output.is_some(),
        "{:?}",
        compiled.diagnostics.first()
    );
    out
}

fn run(c: &mut Criterion) {
    let (Some(old), Some(new)) = (scene(false), scene(true)) else {
        return;
    };
    let regions = |whole| compare(&old.sight, &new.sight, whole).map_or(0, |found| found.len());
    assert!(regions(false) >= EDITS, "{}", regions(false));
    c.bench_function("25 edits of 10,000 flows", |b| {
        b.iter(|| black_box(regions(false)));
    });
    c.bench_function("nothing of 10,000 flows", |b| {
        b.iter(|| black_box(compare(&old.sight, &old.sight, false).map_or(0, |f| f.len())));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = run
}
criterion_main!(benches);
