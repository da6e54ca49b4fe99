//! Every project in the repository compiles to exactly its committed output folder and lock file. The
//! content of that output is judged elsewhere (apim.rs, conformance.sh).
//!
//! `PORTCULLIS_BLESS=1 cargo test --test it examples` writes both anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::portcullis;

/// Where projects are: each folder in these that has settings.
const HOMES: [&str; 2] = ["policies", "examples"];

/// The settings file that makes a folder a project.
const SETTINGS: &str = "portcullis.yaml";

/// What compiling writes beside `out`.
const LOCK: &str = "portcullis.lock";

#[test]
fn every_project_compiles_to_its_committed_output() {
    let projects = projects();
    assert!(
        projects.iter().any(|p| p == "policies/apim"),
        "no policies/apim among {projects:?}"
    );
    let mut wrong = Vec::new();
    for project in &projects {
        let (made, lock) = compiled(project);
        let committed = root().join(project).join("out");
        let kept_lock = fs::read_to_string(root().join(project).join(LOCK)).ok();
        if kept_lock != lock {
            match &lock {
                Some(text) if blessing() => {
                    fs::write(root().join(project).join(LOCK), text).unwrap()
                }
                _ => wrong.push(format!("{project}/{LOCK}: is not what compiling leaves")),
            }
        }
        if blessing() {
            if files(&committed) != made {
                if committed.exists() {
                    fs::remove_dir_all(&committed).unwrap();
                }
                write(&committed, &made);
            }
            continue;
        }
        let kept = files(&committed);
        for path in kept.keys().filter(|path| !made.contains_key(*path)) {
            wrong.push(format!("{project}/out/{path}: is not made any more"));
        }
        for (path, text) in &made {
            match kept.get(path) {
                None => wrong.push(format!("{project}/out/{path}: is not committed")),
                Some(old) if old != text => wrong.push(format!(
                    "{project}/out/{path}: {}",
                    first_difference(old, text)
                )),
                Some(_) => {}
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "\n  {}\n  help: if the change is meant, run PORTCULLIS_BLESS=1 cargo test --test it examples, and star it in CHANGELOG.md\n",
        wrong.join("\n  ")
    );
}

/// The projects, as paths below the repository.
pub(crate) fn projects() -> Vec<String> {
    let mut found = Vec::new();
    for home in HOMES {
        for entry in fs::read_dir(root().join(home)).unwrap() {
            let folder = entry.unwrap().path();
            if folder.join(SETTINGS).is_file() {
                let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                found.push(format!("{home}/{name}"));
            }
        }
    }
    found.sort();
    found
}

/// What a project compiles to in a copy that has its lock and no output yet, and the lock then.
fn compiled(project: &str) -> (BTreeMap<String, String>, Option<String>) {
    let copy = tempfile::tempdir().unwrap();
    for home in HOMES {
        copy_folder(&root().join(home), &copy.path().join(home), true);
    }
    let ran = portcullis(copy.path(), &["compile", project]);
    assert_eq!(ran.code, 0, "{project}: {}", ran.err);
    let home = copy.path().join(project);
    (
        files(&home.join("out")),
        fs::read_to_string(home.join(LOCK)).ok(),
    )
}

/// Copies a folder; without output folders if asked for.
pub(crate) fn copy_folder(from: &Path, to: &Path, without_output: bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        } else if !(without_output && name == "out") {
            copy_folder(&path, &to.join(name), without_output);
        }
    }
}

/// The files below a folder by their path in it; none if there is no such folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap();
            let name = below.to_string_lossy().replace('\\', "/");
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn write(folder: &Path, files: &BTreeMap<String, String>) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// `line 7: committed `x`, made `y``.
fn first_difference(committed: &str, made: &str) -> String {
    let (mut old, mut new) = (committed.lines(), made.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (a, b) = (old.next(), new.next());
        if a == b && a.is_some() {
            continue;
        }
        let (a, b) = (a.unwrap_or("(end)").trim(), b.unwrap_or("(end)").trim());
        return format!("line {line}: committed `{a}`, made `{b}`");
    }
}

/// True if goldens are to be written rather than compared.
pub(crate) fn blessing() -> bool {
    std::env::var_os("PORTCULLIS_BLESS").is_some_and(|value| !value.is_empty())
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
