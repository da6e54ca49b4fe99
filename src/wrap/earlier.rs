//! What an earlier run left in the output folder, against what this one makes: files that somebody
//! changed since, and files that are output no more. It compares; it removes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::manifest::Manifest;
use super::{OutFile, arm, sha256_hex};
use crate::backends::resource::AzureType;

/// The name of an environment's record.
const MANIFEST: &str = "/manifest.json";

/// Why a file must not be replaced unasked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touched {
    /// It differs from what the manifest says was written.
    Edited,
    /// No manifest says that it was written by us.
    Unlisted,
    /// It is a manifest, and cannot be read as one.
    BadManifest(String),
    /// It cannot be read as text.
    Unreadable(String),
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Files that this run would replace or remove, and that somebody touched; sorted by path.
    pub touched: Vec<(String, Touched)>,
    /// Files of earlier runs that are output no more; sorted.
    pub stale: Vec<String>,
}

/// What stands in the output folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Earlier<'a> {
    /// The JSON files that could be read.
    pub files: &'a [OutFile],
    /// Paths of those that could not, with the reason.
    pub unreadable: &'a [(String, String)],
}

impl Earlier<'_> {
    /// Compares with what is made. `whole`: every environment is compiled, so a folder of an
    /// environment that is not among the made ones is left over.
    #[must_use]
    pub fn compare(&self, made: &[OutFile], whole: bool) -> Findings {
        let new: BTreeMap<&str, &str> = texts(made);
        let old: BTreeMap<&str, &str> = texts(self.files);
        let folders: BTreeSet<&str> = made.iter().filter_map(|f| folder(&f.path)).collect();
        let mut out = Findings::default();
        let mut listed: BTreeMap<String, String> = BTreeMap::new();
        let mut manifests: BTreeSet<&str> = BTreeSet::new();
        let mut damaged: BTreeSet<&str> = BTreeSet::new();
        for (path, text) in &old {
            let Some(folder) = path.strip_suffix(MANIFEST).filter(|f| !f.contains('/')) else {
                continue;
            };
            match manifest(text) {
                Ok(manifest) => {
                    manifests.insert(folder);
                    let files = manifest.files.into_iter();
                    listed.extend(files.map(|f| (format!("{folder}/{}", f.path), f.sha256)));
                }
                Err(why) => {
                    damaged.insert(folder);
                    if new.get(path).is_some_and(|made| made != text) {
                        let why = Touched::BadManifest(why);
                        out.touched.push(((*path).to_owned(), why));
                    }
                }
            }
        }
        for (path, why) in self.unreadable {
            if new.contains_key(path.as_str()) {
                let why = Touched::Unreadable(why.clone());
                out.touched.push((path.clone(), why));
            }
        }
        for (path, text) in old {
            let Some(folder) = folder(path) else {
                continue;
            };
            let is_manifest = path.strip_prefix(folder) == Some(MANIFEST);
            let as_written = listed.get(path).map(|hash| is_of(hash, text));
            match new.get(path) {
                Some(made) if *made == text || is_manifest || damaged.contains(folder) => {}
                Some(_) => match as_written {
                    Some(true) => {}
                    Some(false) => out.touched.push((path.to_owned(), Touched::Edited)),
                    None => out.touched.push((path.to_owned(), Touched::Unlisted)),
                },
                None => {
                    let left = folders.contains(folder) || (whole && manifests.contains(folder));
                    let ours = is_manifest || as_written.is_some() || has_our_form(path, text);
                    if left && ours {
                        out.stale.push(path.to_owned());
                        if as_written == Some(false) {
                            out.touched.push((path.to_owned(), Touched::Edited));
                        }
                    }
                }
            }
        }
        out.touched.sort();
        out
    }
}

fn texts(files: &[OutFile]) -> BTreeMap<&str, &str> {
    let pairs = files.iter().map(|f| (f.path.as_str(), f.text.as_str()));
    pairs.collect()
}

/// The environment's folder of a path.
fn folder(path: &str) -> Option<&str> {
    path.split_once('/').map(|(folder, _)| folder)
}

fn manifest(text: &str) -> Result<Manifest, String> {
    let read: Manifest = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if read.tool.name == env!("CARGO_PKG_NAME") {
        Ok(read)
    } else {
        Err("it does not name the program that wrote it".to_owned())
    }
}

/// Whether a text is the one that was hashed; a checkout may have turned its line ends.
fn is_of(hash: &str, text: &str) -> bool {
    sha256_hex(text) == hash
        || (text.contains("\r\n") && sha256_hex(&text.replace("\r\n", "\n")) == hash)
}

/// Whether a file that no manifest lists any more looks, by its place and its content, like one that
/// was written by us: a body of one of our types in a file of its name, or a template of ours.
fn has_our_form(path: &str, text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let member = |key: &str| value.get(key).and_then(Value::as_str);
    let mut parts = path.split('/').skip(1);
    if parts.next() == Some("arm") {
        return member("$schema") == Some(arm::SCHEMA);
    }
    let kind = member("type").and_then(AzureType::from_full);
    let name = member("name").and_then(|name| name.rsplit('/').next());
    let stem = path
        .rsplit('/')
        .next()
        .and_then(|f| f.strip_suffix(".json"));
    let (Some(_), Some(name), Some(stem)) = (kind, name, stem) else {
        return false;
    };
    member("apiVersion").is_some()
        && (stem == crate::backends::resource::file_segment(name)
            || matches!(stem, "policy" | "firewall")
            || stem.strip_suffix(".fragment") == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> OutFile {
        OutFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn record(environment: &str, files: &[OutFile]) -> OutFile {
        let mut manifest = Manifest {
            tool: super::super::manifest::Tool::this(),
            environment: environment.to_owned(),
            ..Manifest::default()
        };
        manifest.record_files(files);
        manifest.file()
    }

    /// What was written by an earlier run, manifest last.
    fn written(files: &[(&str, &str)]) -> Vec<OutFile> {
        let mut out: Vec<OutFile> = files.iter().map(|(p, t)| file(p, t)).collect();
        out.push(record("prod", &out));
        out
    }

    fn compare(old: &[OutFile], new: &[OutFile]) -> Findings {
        let earlier = Earlier {
            files: old,
            unreadable: &[],
        };
        earlier.compare(new, true)
    }

    #[test]
    fn what_we_wrote_may_be_replaced() {
        let old = written(&[("prod/nsg/a.json", "1\n"), ("prod/nsg/b.json", "1\n")]);
        let new = written(&[("prod/nsg/a.json", "2\n"), ("prod/nsg/b.json", "1\n")]);
        assert_eq!(compare(&old, &new), Findings::default());
        let mut turned = old;
        for file in &mut turned {
            file.text = file.text.replace('\n', "\r\n");
        }
        assert_eq!(compare(&turned, &new), Findings::default());
    }

    #[test]
    fn what_somebody_changed_may_not() {
        let mut old = written(&[("prod/nsg/a.json", "1\n"), ("prod/nsg/b.json", "1\n")]);
        let new = written(&[("prod/nsg/a.json", "2\n"), ("prod/nsg/b.json", "3\n")]);
        for (edit, touched) in [("9\n", true), ("2\n", false), ("1\n", false)] {
            if let Some(first) = old.first_mut() {
                first.text = edit.to_owned();
            }
            let expected: Vec<_> = touched
                .then(|| ("prod/nsg/a.json".to_owned(), Touched::Edited))
                .into_iter()
                .collect();
            assert_eq!(compare(&old, &new).touched, expected, "{edit}");
        }
    }

    #[test]
    fn what_nobody_lists_is_not_ours() {
        let new = written(&[("prod/nsg/a.json", "2\n")]);
        let stranger = [file("prod/nsg/a.json", "1\n")];
        let touched = vec![("prod/nsg/a.json".to_owned(), Touched::Unlisted)];
        assert_eq!(compare(&stranger, &new).touched, touched);
        let mut damaged = stranger.to_vec();
        damaged.push(file("prod/manifest.json", "<<<<<<< ours\n"));
        let found = compare(&damaged, &new).touched;
        assert!(
            matches!(found.as_slice(), [(path, Touched::BadManifest(_))] if path == "prod/manifest.json"),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_output_no_more() {
        let body = r#"{"name":"x/old","type":"Microsoft.Network/firewallPolicies/ruleCollectionGroups","apiVersion":"1"}"#;
        let mut old = written(&[("prod/nsg/a.json", "1\n"), ("prod/nsg/gone.json", "1\n")]);
        old.push(file("prod/firewall/x/rcg/old.json", body));
        old.push(file("prod/firewall/x/rcg/other.json", body));
        old.push(file("prod/parameters.json", "{}"));
        old.push(file("notes/nsg/a.json", "{}"));
        let new = written(&[("prod/nsg/a.json", "1\n")]);
        let found = compare(&old, &new);
        assert_eq!(
            found.stale,
            ["prod/firewall/x/rcg/old.json", "prod/nsg/gone.json"]
        );
        assert_eq!(found.touched, []);
        // An environment that left the source.
        let dead = written(&[("prod/nsg/a.json", "1\n")]);
        let found = compare(&dead, &[]);
        assert_eq!(found.stale, ["prod/manifest.json", "prod/nsg/a.json"]);
        let earlier = Earlier {
            files: &dead,
            unreadable: &[],
        };
        assert_eq!(earlier.compare(&[], false), Findings::default());
    }
}
