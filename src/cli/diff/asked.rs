//! What the two sides of a difference are, from the words that were typed. It reads no policy.

use std::path::{Path, PathBuf};

use crate::cli::io::ground::{Ground, Repository};
use crate::cli::io::{self, IoFault};

/// One side.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// As it was typed; of the work tree the path.
    pub(super) name: String,
    /// Where its files are.
    pub(super) ground: Ground,
    /// The project, folder or file there, as typed.
    pub(super) path: PathBuf,
}

/// The sides, old first.
///
/// # Errors
/// A word is neither a path nor a revision, or both.
pub(super) fn sides(words: &[String]) -> Result<(Asked, Asked), IoFault> {
    let here = io::working_directory()?;
    let fault = IoFault::Other;
    let range = words
        .first()
        .filter(|w| !on_disk(&here, w))
        .and_then(|w| split(w));
    if let Some((a, b, base)) = range {
        let path = match words {
            [_] => PathBuf::from("."),
            [_, path] => PathBuf::from(path),
            _ => {
                return Err(fault(
                    "behind a range of revisions stands one path at most".to_owned(),
                ));
            }
        };
        let repository = repository(&here, &path)?;
        let (a, b) = (or_head(a), or_head(b));
        let old = if base {
            repository.merge_base(a, b).map_err(fault)?
        } else {
            a.to_owned()
        };
        let name = if base {
            format!("{a}...{b}")
        } else {
            a.to_owned()
        };
        return Ok((
            Asked {
                name,
                ..revision(&repository, &old, &path)?
            },
            revision(&repository, b, &path)?,
        ));
    }
    let path = PathBuf::from(words.get(2).map_or(".", String::as_str));
    let old = words.first().map_or("HEAD", String::as_str);
    let old = side(&here, old, &path)?;
    let new = match words.get(1) {
        Some(word) => side(&here, word, &path)?,
        None => Asked {
            name: "the work tree".to_owned(),
            ground: Ground::Disk,
            path: match &old.ground {
                Ground::Revision(_) => old.path.clone(),
                Ground::Disk => path,
            },
        },
    };
    Ok((old, new))
}

const fn or_head(word: &str) -> &str {
    if word.is_empty() { "HEAD" } else { word }
}

/// `A..B`, or with three dots from where they parted.
fn split(word: &str) -> Option<(&str, &str, bool)> {
    if let Some((a, b)) = word.split_once("...") {
        return Some((a, b, true));
    }
    let (a, b) = word.split_once("..")?;
    // A path may begin so.
    (!a.contains('/') || !b.starts_with('/')).then_some((a, b, false))
}

fn on_disk(here: &Path, word: &str) -> bool {
    io::exists(&io::absolute(here, Path::new(word)))
}

fn repository(here: &Path, path: &Path) -> Result<Repository, IoFault> {
    let target = io::absolute(here, path);
    // The path may be gone from the work tree.
    let folder = target
        .ancestors()
        .find(|f| io::is_folder(f))
        .unwrap_or(here);
    Repository::around(folder).map_err(|why| {
        IoFault::Other(format!(
            "`{}` is in no git repository that can be read ({why}); name two files or folders instead",
            io::slashes(path)
        ))
    })
}

fn revision(repository: &Repository, name: &str, path: &Path) -> Result<Asked, IoFault> {
    Ok(Asked {
        name: name.to_owned(),
        ground: Ground::Revision(repository.revision(name).map_err(IoFault::Other)?),
        path: path.to_path_buf(),
    })
}

/// A word: a path of the disk, a revision, or `REVISION:PATH`. `git:` before it says that it is a revision.
fn side(here: &Path, word: &str, path: &Path) -> Result<Asked, IoFault> {
    let is_path = on_disk(here, word);
    let forced = word.strip_prefix("git:");
    let named = forced.unwrap_or(word);
    let (name, inner) = match named.split_once(':') {
        Some((name, inner)) if !inner.is_empty() && (forced.is_some() || !is_path) => {
            (name, Some(inner))
        }
        _ => (named, None),
    };
    if is_path && forced.is_none() {
        // `./x` is a path and nothing else.
        let plain = !word.contains(['/', '\\', '.']);
        if plain
            && let Ok(repository) = Repository::around(here)
            && repository.commit(word).is_ok()
        {
            return Err(IoFault::Other(format!(
                "`{word}` is a revision and a path: write `git:{word}` or `./{word}`"
            )));
        }
        return Ok(Asked {
            name: word.to_owned(),
            ground: Ground::Disk,
            path: PathBuf::from(word),
        });
    }
    let repository = match inner {
        Some(_) => repository(here, Path::new(".")),
        None => repository(here, path),
    };
    let repository =
        repository.map_err(|why| IoFault::Other(format!("there is no `{word}`, and {why}")))?;
    match inner {
        // As git has it, from the top of the repository unless it begins with a dot.
        Some(inner) if !inner.starts_with('.') => {
            revision(&repository, name, &repository.top().join(inner))
        }
        Some(inner) => revision(&repository, name, Path::new(inner)),
        None => revision(&repository, name, path),
    }
    .map_err(|why| IoFault::Other(format!("{why}, and no path `{word}`")))
    .map(|asked| Asked {
        name: named.to_owned(),
        ..asked
    })
}
