//! Where the files of a project are: on the disk, or in a revision of a git repository, which is read
//! without touching the work tree. It decides nothing.

// The lint keeps the rest of the crate from what this file is for.
#![allow(clippy::disallowed_methods)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::{IoFault, MaybeText, absolute, is_gate, not_utf8, readable, to_text};
use crate::source::{LoadError, Loader};

/// Links of a revision that are followed for one file.
const MOST_LINKS: usize = 8;

/// A place that files are read from. Paths are absolute, as on the disk.
#[derive(Clone, Debug)]
pub enum Ground {
    /// The disk.
    Disk,
    /// A commit.
    Revision(Revision),
}

/// A commit of a repository.
#[derive(Clone, Debug)]
pub struct Revision {
    /// As it was asked for.
    pub name: String,
    /// The commit, in full.
    pub commit: String,
    /// The repository's folder.
    top: PathBuf,
    /// Files by path below that, each with its object and whether it is a link.
    files: BTreeMap<String, (String, bool)>,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    top: PathBuf,
}

/// What git prints, or why it prints nothing.
pub(super) fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // A partial clone would ask the network for what it lacks.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("`git` cannot be run ({e})"))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let told = String::from_utf8_lossy(&done.stderr);
    let first = told.lines().next().unwrap_or("it said nothing");
    Err(format!("git: {}", first.trim_start_matches("fatal: ")))
}

fn line(of: Vec<u8>) -> String {
    String::from_utf8_lossy(&of).trim_end().to_owned()
}

impl Repository {
    /// The repository that a folder lies in.
    ///
    /// # Errors
    /// It lies in none, or git cannot be run; in words.
    pub fn around(folder: &Path) -> Result<Self, String> {
        let up = git(folder, &["rev-parse", "--show-cdup"]).map(line)?;
        Ok(Self {
            top: absolute(folder, Path::new(&up)),
        })
    }

    /// The repository's folder.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The commit of a name, in full.
    ///
    /// # Errors
    /// There is none; in words.
    pub fn commit(&self, name: &str) -> Result<String, String> {
        let asked = format!("{name}^{{commit}}");
        let args = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &asked,
        ];
        let found = git(&self.top, &args).map(line);
        found.map_err(|_| {
            let shallow = git(&self.top, &["rev-parse", "--is-shallow-repository"]).map(line);
            let hint = if shallow.as_deref() == Ok("true") {
                "; the clone is shallow: fetch more of it (`git fetch --unshallow`, or `fetch-depth: 0` of the checkout action)"
            } else {
                ""
            };
            format!("there is no revision `{name}` in the repository{hint}")
        })
    }

    /// The commit where two lines of work parted.
    ///
    /// # Errors
    /// There is none; in words.
    pub fn merge_base(&self, a: &str, b: &str) -> Result<String, String> {
        let (a, b) = (self.commit(a)?, self.commit(b)?);
        git(&self.top, &["merge-base", &a, &b])
            .map(line)
            .map_err(|_| {
                "the revisions have no common ancestor here: fetch more of the history".to_owned()
            })
    }

    /// A revision with the names of its files.
    ///
    /// # Errors
    /// There is none, or it cannot be read; in words.
    pub fn revision(&self, name: &str) -> Result<Revision, String> {
        let commit = self.commit(name)?;
        let listed = git(&self.top, &["ls-tree", "-r", "-z", "--full-tree", &commit])?;
        let mut files = BTreeMap::new();
        for entry in listed.split(|b| *b == 0).filter(|e| !e.is_empty()) {
            let entry = String::from_utf8_lossy(entry);
            let Some((about, path)) = entry.split_once('\t') else {
                continue;
            };
            let mut words = about.split(' ');
            let (Some(mode), Some("blob"), Some(object)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            files.insert(path.to_owned(), (object.to_owned(), mode == "120000"));
        }
        Ok(Revision {
            name: name.to_owned(),
            commit,
            top: self.top.clone(),
            files,
        })
    }
}

impl Revision {
    /// The path below the repository's folder, with forward slashes; links in it are followed.
    fn inner(&self, path: &Path) -> Option<String> {
        let mut own = self.plain(path)?;
        for _ in 0..MOST_LINKS {
            let parts: Vec<&str> = own.split('/').collect();
            let link = (1..=parts.len()).find_map(|length| {
                let front = parts.get(..length)?.join("/");
                let (object, true) = self.files.get(&front)? else {
                    return None;
                };
                Some((front, object, parts.get(length..)?.join("/")))
            });
            let Some((front, object, rest)) = link else {
                return Some(own);
            };
            let to = git(&self.top, &["cat-file", "blob", object]).ok()?;
            let folder = self.top.join(&front);
            let to = absolute(folder.parent()?, Path::new(&*String::from_utf8_lossy(&to)));
            own = self.plain(&to.join(rest))?;
        }
        None
    }

    fn plain(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.top).ok()?;
        let parts: Option<Vec<&str>> = below
            .components()
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        Some(parts?.join("/"))
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, LoadError> {
        let own = self.inner(path).ok_or(LoadError::NotFound)?;
        let Some((object, _)) = self.files.get(&own) else {
            return Err(if self.has_folder(&own) {
                LoadError::Unreadable("it is a folder".to_owned())
            } else {
                LoadError::NotFound
            });
        };
        git(&self.top, &["cat-file", "blob", object]).map_err(LoadError::Unreadable)
    }

    fn has_folder(&self, own: &str) -> bool {
        let front = format!("{own}/");
        own.is_empty()
            || self
                .files
                .range(front.clone()..)
                .next()
                .is_some_and(|(path, _)| path.starts_with(&front))
    }

    /// Paths of the files below a folder.
    fn below(&self, folder: &Path) -> Vec<&str> {
        let Some(own) = self.inner(folder) else {
            return Vec::new();
        };
        let front = if own.is_empty() {
            own
        } else {
            format!("{own}/")
        };
        let all = self.files.range(front.clone()..);
        all.take_while(|(path, _)| path.starts_with(&front))
            .map(|(path, _)| path.as_str())
            .collect()
    }
}

impl Ground {
    /// The revision, if it is one.
    #[must_use]
    pub const fn revision(&self) -> Option<&Revision> {
        match self {
            Self::Disk => None,
            Self::Revision(revision) => Some(revision),
        }
    }

    /// Whether a path leads to a folder.
    #[must_use]
    pub fn is_folder(&self, path: &Path) -> bool {
        match self {
            Self::Disk => super::is_folder(path),
            Self::Revision(r) => r.inner(path).is_some_and(|own| r.has_folder(&own)),
        }
    }

    /// Whether a path leads to a file.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        match self {
            Self::Disk => super::is_file(path),
            Self::Revision(r) => r.inner(path).is_some_and(|own| r.files.contains_key(&own)),
        }
    }

    /// Whether a path leads to anything.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        match self {
            Self::Disk => super::exists(path),
            Self::Revision(_) => self.is_file(path) || self.is_folder(path),
        }
    }

    /// Whether a folder is a repository's.
    #[must_use]
    pub fn is_top(&self, folder: &Path) -> bool {
        match self {
            Self::Disk => super::exists(&folder.join(".git")),
            Self::Revision(r) => folder == r.top,
        }
    }

    /// Names of the `.gate` files in a folder, sorted.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn gate_files(&self, folder: &Path) -> Result<Vec<String>, IoFault> {
        match self {
            Self::Disk => super::gate_files(folder),
            Self::Revision(r) => {
                let front = r.inner(folder).unwrap_or_default();
                let names = r.below(folder).into_iter().filter_map(|path| {
                    let name = path.strip_prefix(&front)?.trim_start_matches('/');
                    (!name.contains('/') && is_gate(name)).then(|| name.to_owned())
                });
                Ok(names.collect())
            }
        }
    }

    /// Whether there are sources somewhere below a folder.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn holds_sources(&self, folder: &Path) -> Result<bool, IoFault> {
        match self {
            Self::Disk => Ok(!super::gate_files_below(folder)?.is_empty()),
            Self::Revision(r) => Ok(r.below(folder).into_iter().any(is_gate)),
        }
    }

    /// The files below a folder that can hold definitions, sorted; absolute.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn definition_files_below(&self, folder: &Path) -> Result<Vec<PathBuf>, IoFault> {
        match self {
            Self::Disk => super::definition_files_below(folder),
            Self::Revision(r) => Ok(r
                .below(folder)
                .into_iter()
                .filter(|path| path.ends_with(".json"))
                .filter(|path| !path.split('/').any(|part| part.starts_with('.')))
                .map(|path| r.top.join(path))
                .collect()),
        }
    }

    /// The environments of an output folder: folders directly in it that have a manifest, sorted.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn output_folders(&self, folder: &Path) -> Result<Vec<PathBuf>, IoFault> {
        let files = self.definition_files_below(folder)?;
        let manifests = files
            .iter()
            .filter(|file| file.file_name().is_some_and(|name| name == "manifest.json"));
        let own = manifests.filter_map(|file| file.parent());
        let own = own.filter(|inner| inner.parent() == Some(folder));
        let mut out: Vec<PathBuf> = own.map(Path::to_path_buf).collect();
        out.sort();
        Ok(out)
    }

    /// A file of definitions: its text, or why it cannot be read.
    ///
    /// # Errors
    /// In words.
    pub fn load_data(&self, path: &Path) -> Result<String, String> {
        match self {
            Self::Disk => super::load_data(path),
            Self::Revision(r) => match r.bytes(path) {
                Ok(bytes) => {
                    String::from_utf8(bytes).map_err(|e| not_utf8(e.utf8_error().valid_up_to()))
                }
                Err(LoadError::NotFound) => Err("there is no such file".to_owned()),
                Err(LoadError::Unreadable(why)) => Err(why),
                Err(LoadError::NotText { at, .. }) => Err(not_utf8(at)),
            },
        }
    }

    /// The text of a source or settings file.
    ///
    /// # Errors
    /// As [`Loader::load`].
    pub fn load(&self, path: &Path) -> Result<String, LoadError> {
        match self {
            Self::Disk => super::load(path),
            Self::Revision(r) => to_text(r.bytes(path)?),
        }
    }

    /// The text of a source or settings file, for one who can point at the byte that is none.
    ///
    /// # Errors
    /// When it is absent, a folder, or too large.
    pub fn read_maybe_text(&self, path: &Path, shown: &str) -> Result<MaybeText, IoFault> {
        match self {
            Self::Disk => super::read_maybe_text(path, shown),
            Self::Revision(_) => match self.load(path) {
                Ok(text) => Ok(Ok(text)),
                Err(LoadError::NotText { text, at }) => Ok(Err((text, at))),
                Err(LoadError::NotFound) => Err(unread(shown, "there is no such file".to_owned())),
                Err(LoadError::Unreadable(why)) => Err(unread(shown, why)),
            },
        }
    }

    /// The text of a source or settings file.
    ///
    /// # Errors
    /// When it is absent, a folder, too large, or no text.
    pub fn read_text(&self, path: &Path, shown: &str) -> Result<String, IoFault> {
        self.read_maybe_text(path, shown)?
            .map_err(|(_, at)| unread(shown, not_utf8(at)))
    }

    /// The text of a data file, for one who can point at the byte that is none.
    ///
    /// # Errors
    /// When it is absent, a folder, or too large.
    pub fn read_large_maybe_text(&self, path: &Path, shown: &str) -> Result<MaybeText, IoFault> {
        match self {
            Self::Disk => super::read_large_maybe_text(path, shown),
            Self::Revision(r) => match r.bytes(path) {
                Ok(bytes) => Ok(String::from_utf8(bytes).map_err(|e| readable(&e))),
                Err(LoadError::Unreadable(why)) => Err(unread(shown, why)),
                Err(_) => Err(unread(shown, "there is no such file".to_owned())),
            },
        }
    }
}

fn unread(shown: &str, reason: String) -> IoFault {
    IoFault::Read {
        path: shown.to_owned(),
        reason,
    }
}

/// Loads modules from a folder of a ground and remembers which it gave.
#[derive(Debug)]
pub struct GroundLoader {
    ground: Ground,
    root: PathBuf,
    served: RefCell<BTreeSet<String>>,
}

impl GroundLoader {
    /// A loader for paths relative to `root`.
    #[must_use]
    pub fn new(ground: Ground, root: PathBuf) -> Self {
        Self {
            ground,
            root,
            served: RefCell::new(BTreeSet::new()),
        }
    }

    /// Whether a path was read there, not from the embedded library.
    #[must_use]
    pub fn served(&self, path: &str) -> bool {
        self.served.borrow().contains(path)
    }
}

impl Loader for GroundLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        if path.contains('\\') || Path::new(path).is_absolute() {
            return Err(LoadError::Unreadable(
                "paths are relative, with forward slashes".to_owned(),
            ));
        }
        self.served.borrow_mut().insert(path.to_owned());
        self.ground.load(&absolute(&self.root, Path::new(path)))
    }
}
