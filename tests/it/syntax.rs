//! The parser from outside: texts in, trees and diagnostics out. No formatting, no meaning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis::diag::Diagnostic;
use portcullis::source::SourceMap;
use portcullis::syntax::{ast, parse};

pub(crate) fn read(text: &str) -> (ast::File, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let file = sources.add("policy.gate", text);
    parse(&sources, file)
}

/// `line:column code message` for each diagnostic.
pub(crate) fn told(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let file = sources.add("policy.gate", text);
    let (_, diagnostics) = parse(&sources, file);
    diagnostics
        .iter()
        .map(|d| {
            let (_, line, column) = sources.place(d.primary.unwrap());
            format!("{line}:{column} {} {}", d.code, d.message)
        })
        .collect()
}

/// The folder with the design's examples: beside the repository, or where the variable says.
pub(crate) fn examples() -> std::path::PathBuf {
    std::env::var_os("PORTCULLIS_EXAMPLES").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/design/examples"),
        Into::into,
    )
}

#[test]
fn design_examples_parse() {
    let folder = examples();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the folder with the design's examples is not here");
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(told(&text), Vec::<String>::new(), "{}", path.display());
    }
}
