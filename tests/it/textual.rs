//! The textual difference and the order of writes: cases with their lines, and laws on drawn policies.
//! What rules do to packets is not asked here, but for what stands between two writes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod exports;
mod laws;
mod order;

use std::collections::BTreeMap;
use std::fs;

use portcullis::catalog::{Catalog, Cloud};
use portcullis::config::Settings;
use portcullis::diag::Severity;
use portcullis::diff::order::{Order, order as ordered};
use portcullis::diff::textual::{Options, Side, Textual, compare};
use portcullis::driver::{self, Memory, Options as Compiling, OutFile, Project};
use portcullis::foreign;
use portcullis::review::rule_lines::{Detail, blocks, place, text};
use portcullis::source::MemoryLoader;
use portcullis::wrap::manifest::Manifest;

use crate::lock::project::Built;
use crate::oracle::load;

/// A policy as one side, with its output and its lock.
pub(crate) struct Made {
    pub(crate) sides: BTreeMap<String, Side>,
    pub(crate) files: Vec<OutFile>,
    pub(crate) lock: String,
    pub(crate) settings: Settings,
}

/// Compiles files, of which `main.gate` or all are the root, after a lock.
pub(crate) fn made(built: &Built, lock: Option<&str>) -> Result<Made, String> {
    let loader = MemoryLoader {
        files: built.files.clone(),
    };
    let project = Project {
        settings: built.settings.clone(),
        sources: vec!["main.gate".to_owned()],
    };
    let options = Compiling {
        no_prove: true,
        memory: Memory {
            lock: lock.map(str::to_owned),
            ..Memory::default()
        },
        ..Compiling::default()
    };
    let catalog = Catalog::embedded(Cloud::Public);
    let mut sides = BTreeMap::new();
    let compiled = driver::compile_watched(
        &loader,
        &project,
        catalog,
        &options,
        &mut |stage, lowered| {
            let environment = stage.context.fabric.policy.environment.clone();
            sides.insert(environment, Side::of_lowered(stage.context, lowered));
        },
    );
    let Some(output) = compiled.output else {
        let errors = compiled.diagnostics.iter();
        let errors = errors.filter(|d| d.severity == Severity::Error);
        let told: Vec<String> = errors
            .map(|d| format!("{:?} {}", d.code, d.message))
            .collect();
        return Err(told.join("; "));
    };
    for (environment, side) in &mut sides {
        side.retired = manifest(&output.files, environment).retired;
    }
    Ok(Made {
        sides,
        files: output.files,
        lock: output.lock,
        settings: built.settings.clone(),
    })
}

fn manifest(files: &[OutFile], environment: &str) -> Manifest {
    let path = format!("{environment}/manifest.json");
    let file = files.iter().find(|f| f.path == path).unwrap();
    serde_json::from_str(&file.text).unwrap()
}

/// The side that the files of an output folder are.
pub(crate) fn read_back(files: &[OutFile], environment: &str) -> Side {
    let folder = format!("{environment}/");
    let own = files.iter().filter(|f| f.path.starts_with(&folder));
    let own = own.filter(|f| !f.path.ends_with("manifest.json"));
    let own = own.map(|f| (f.path.clone(), Ok(f.text.clone())));
    let all = foreign::read(own.collect(), Cloud::Public);
    assert!(all.faults.is_empty(), "{:?}", all.faults);
    Side::of_definitions(&all, Some(&manifest(files, environment)), environment)
}

/// Old and new text, the new one numbered after the old one.
pub(crate) fn pair(old: &str, new: &str) -> Result<(Made, Made), String> {
    let old = made(&Built::of(old), None).map_err(|e| format!("old: {e}"))?;
    let new = made(&Built::of(new), Some(&old.lock)).map_err(|e| format!("new: {e}"))?;
    Ok((old, new))
}

pub(crate) fn difference(old: &Made, new: &Made, environment: &str) -> (Textual, Order) {
    let (before, after) = (&old.sides[environment], &new.sides[environment]);
    let textual = compare(environment, before, after, Options::default());
    let order = ordered(&textual, &new.settings.bands, &after.retired);
    (textual, order)
}

fn shown(textual: &Textual, order: &Order) -> String {
    let mut out = text(&blocks(textual, Detail::default()), false);
    out.push_str(&format!("rules {:?}\n", textual.rules));
    for blast in textual.blast_radius.iter().filter(|b| b.touched > 0) {
        out.push_str(&format!(
            "{} of {} {}\n",
            blast.touched,
            blast.total,
            blast.kind.words()
        ));
    }
    for suggestion in textual.suggestions() {
        out.push_str(&format!("suggested: {suggestion}\n"));
    }
    for text in &textual.aside {
        out.push_str(&format!("aside: {text}\n"));
    }
    for step in &order.steps {
        let tier = step.tier.map_or_else(String::new, |t| format!(" [{t}]"));
        out.push_str(&format!(
            "{} {} {}{tier}\n",
            step.number,
            step.action.word(),
            place(&step.resource)
        ));
        for note in &step.notes {
            out.push_str(&format!("    {note}\n"));
        }
    }
    let (least, most) = order.minutes;
    out.push_str(&format!(
        "{least} to {most} minutes for {}, {} not counted\n",
        order.counted, order.uncounted
    ));
    out
}

#[test]
fn cases_read_as_they_should() {
    let bless = std::env::var_os("PORTCULLIS_BLESS").is_some();
    let mut wrong = Vec::new();
    let folders = load::entries(&load::root().join("tests/cases/textual")).unwrap();
    assert!(folders.len() > 20);
    for folder in folders {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (old, new) = pair(&read("old.gate"), &read("new.gate"))
            .unwrap_or_else(|why| panic!("{name}: {why}"));
        let (textual, order) = difference(&old, &new, "default");
        let found = shown(&textual, &order);
        // The files that were written are the same side.
        let from_files = compare(
            "default",
            &read_back(&old.files, "default"),
            &new.sides["default"],
            Options::default(),
        );
        assert_eq!(textual.entries, from_files.entries, "{name}");
        assert_eq!(textual.blast_radius, from_files.blast_radius, "{name}");
        if bless {
            fs::write(folder.join("expected.txt"), &found).unwrap();
        } else if found != read("expected.txt") {
            wrong.push(format!(
                "{name}: found\n{found}expected\n{}",
                read("expected.txt")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
