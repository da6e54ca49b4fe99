//! The projects of the repository and the design's own examples, compiled as a user would. It judges
//! that they compile and that what is committed is current, not whether the rules are right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::apim::{entries, files, root};
use crate::cli::portcullis;
use crate::syntax::examples;

/// Every project below `policies` and `examples`.
fn projects() -> Vec<PathBuf> {
    ["policies", "examples"]
        .iter()
        .flat_map(|area| entries(&root().join(area)))
        .filter(|folder| folder.join("portcullis.yaml").is_file())
        .collect()
}

fn short(folder: &Path) -> String {
    let path = folder.strip_prefix(root()).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn sources_are_formatted() {
    let folders = [root().join("policies/std"), root().join("tests/cases/std")];
    for folder in projects().into_iter().chain(folders) {
        let ran = portcullis(&folder, &["fmt", "--check", "."]);
        assert_eq!(ran.code, 0, "{}: {}{}", short(&folder), ran.out, ran.err);
    }
}

/// No error, no warning, and the committed output is what the sources compile to today.
#[test]
fn committed_output_is_current() {
    let mut faults = Vec::new();
    for folder in projects() {
        let ran = portcullis(&folder, &["compile", "--check", "--deny", "warnings"]);
        if ran.code != 0 {
            faults.push(format!(
                "{}: run `portcullis compile` there\n{}{}",
                short(&folder),
                ran.out,
                ran.err
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a README quotes as JSON stands in the committed output, indentation aside.
#[test]
fn readmes_quote_the_output() {
    for folder in projects() {
        let Ok(readme) = fs::read_to_string(folder.join("README.md")) else {
            continue;
        };
        let output: Vec<String> = if folder.join("out").is_dir() {
            let files = files(&folder.join("out"));
            files
                .iter()
                .map(|f| flat(&fs::read_to_string(f).unwrap()))
                .collect()
        } else {
            Vec::new()
        };
        for block in readme.split("```json\n").skip(1) {
            let quoted = flat(block.split("```").next().unwrap());
            assert!(
                output.iter().any(|o| o.contains(&quoted)),
                "{}: README.md quotes what is not in out:\n{quoted}",
                short(&folder)
            );
        }
    }
}

/// A project holds all it compiles; what network security owns is copied, never changed.
#[test]
fn the_guardrails_are_one_text() {
    let text = |project: &str| {
        fs::read_to_string(
            root()
                .join("policies")
                .join(project)
                .join("guardrails.gate"),
        )
        .unwrap()
    };
    assert_eq!(text("hub"), text("baseline"));
}

/// The design's examples as one project, in both environments: the acceptance test of the tiers.
#[test]
fn the_designs_examples_compile_together() {
    let from = examples();
    if !from.join("hub.gate").is_file() {
        println!("skipped: the folder with the design's examples is not here");
        return;
    }
    let folder = crate::cli::folder(&[(
        "portcullis.yaml",
        &format!(
            "{}sources: [hub.gate, apim-prod.gate, spokes.gate, baseline.gate]\n",
            crate::cli::SETTINGS
        ),
    )]);
    for name in ["hub", "apim", "apim-prod", "spokes", "baseline"] {
        let text = fs::read_to_string(from.join(format!("{name}.gate"))).unwrap();
        fs::write(folder.path().join(format!("{name}.gate")), text).unwrap();
    }
    let ran = portcullis(folder.path(), &["compile"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for environment in ["dev", "prod"] {
        let out = folder.path().join("out").join(environment);
        for tier in [
            "pc-00-forbid",
            "pc-10-exception",
            "pc-20-deny",
            "pc-30-allow",
        ] {
            assert!(
                files(&out).iter().any(|f| f
                    .file_name()
                    .is_some_and(|n| n.to_string_lossy().starts_with(tier))),
                "{environment} has no {tier} group"
            );
        }
    }
}

/// The lines without their indentation.
fn flat(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        out.push_str(line.trim());
        out.push('\n');
        out
    })
}
