//! The embedded catalogues against the publisher's files; needs those files for the exact comparison only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};

use portcullis::catalog::convert_weekly;

const EMBEDDED: [(&str, &str); 3] = [
    ("public.txt", "ServiceTags_Public_376_20251110.json"),
    ("usgov.txt", "ServiceTags_AzureGovernment_402_20260720.json"),
    ("china.txt", "ServiceTags_China_405_20260720.json"),
];

/// The folder with the weekly files: they carry no licence, so the repository has none of them.
fn weekly_files() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder =
        std::env::var_os("PORTCULLIS_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let folder = folder.join("azure/service-tags");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no folder of weekly service tag files (set PORTCULLIS_SHARED)");
    None
}

#[test]
fn catalog_files_are_what_build_makes_of_the_weekly_files() {
    let Some(folder) = weekly_files() else { return };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    for (embedded, weekly) in EMBEDDED {
        let json = std::fs::read(folder.join(weekly)).unwrap();
        let made = convert_weekly(&json, weekly, None).unwrap();
        assert!(made.notes.is_empty());
        if std::env::var_os("PORTCULLIS_BLESS").is_some() {
            std::fs::write(data.join(embedded), &made.text).unwrap();
        }
        let kept = std::fs::read_to_string(data.join(embedded)).unwrap();
        assert!(
            kept == made.text,
            "{embedded} differs from what `catalog build` makes of {weekly}"
        );
    }
}
