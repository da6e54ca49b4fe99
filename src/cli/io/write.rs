//! Files on the disk: written all or none, replaced atomically, removed. What they say, others know.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempPath;

use super::{IoFault, reason};

/// What happened to a set of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Those whose content differed.
    pub written: Vec<String>,
    /// How many were the same already.
    pub unchanged: usize,
}

/// Which of the files (path below `folder`, text) differ from the disk.
#[must_use]
pub fn differing<'a>(folder: &Path, files: &'a [(String, String)]) -> Vec<&'a (String, String)> {
    files
        .iter()
        .filter(|(path, text)| {
            fs::read(folder.join(path)).map_or(true, |old| old != text.as_bytes())
        })
        .collect()
}

/// Writes the files whose content differs, all or none as far as a file system allows: every new
/// text is on the disk under a temporary name before the first old file is replaced.
///
/// # Errors
/// The first fault; if it comes before the replacing, no old file has changed.
pub fn write_all(
    folder: &Path,
    shown: &str,
    files: &[(String, String)],
) -> Result<Written, IoFault> {
    let mut seen = BTreeSet::new();
    for (path, _) in files {
        let inside = Path::new(path)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        // Names in lower case: some disks hold `A` and `a` in one file.
        if !inside || path.contains('\\') || !seen.insert(path.to_lowercase()) {
            return Err(IoFault::Write {
                path: format!("{shown}/{path}"),
                reason: "two files would share this path, or it leaves the output folder"
                    .to_owned(),
            });
        }
    }
    let todo = differing(folder, files);
    let mut ready: Vec<(TempPath, PathBuf, &str)> = Vec::new();
    for (path, text) in &todo {
        let target = folder.join(path);
        let temporary = folder_of(&target)
            .and_then(|()| prepare(&target, text))
            .map_err(|e| write_fault(shown, path, &e))?;
        ready.push((temporary, target, path));
    }
    let (mut written, all) = (Vec::new(), ready.len());
    for (temporary, target, path) in ready {
        replace(temporary, &target).map_err(|e| {
            let done = format!("{} of {all} files were replaced", written.len());
            let why = format!("{}; {done}, run it again", reason(&e));
            write_fault(shown, path, &io::Error::other(why))
        })?;
        written.push(path.to_owned());
    }
    Ok(Written {
        unchanged: files.len() - written.len(),
        written,
    })
}

/// Removes files below a folder, and the folders that are empty then. A file that is gone already
/// is no fault.
///
/// # Errors
/// As the system says of the first that cannot be removed.
pub fn remove_all(folder: &Path, shown: &str, paths: &[String]) -> Result<(), IoFault> {
    for path in paths {
        let target = folder.join(path);
        match step().and_then(|()| fs::remove_file(&target)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(write_fault(shown, path, &e));
            }
            _ => {}
        }
        for above in target.ancestors().skip(1).take_while(|a| *a != folder) {
            // One that is not empty stays.
            if fs::remove_dir(above).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// Replaces one file.
///
/// # Errors
/// As the system says; the old file is then whole.
pub fn write_file(path: &Path, shown: &str, text: &str) -> Result<(), IoFault> {
    let fault = |e: &io::Error| IoFault::Write {
        path: shown.to_owned(),
        reason: reason(e),
    };
    // A device such as /dev/null is written to, not replaced.
    if path.exists() && !path.is_file() && !path.is_dir() {
        return fs::write(path, text).map_err(|e| fault(&e));
    }
    // A link stays one: the file that it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let temporary = prepare(&target, text).map_err(|e| fault(&e))?;
    replace(temporary, &target).map_err(|e| fault(&e))
}

/// A file that is safe on the disk under a temporary name.
#[derive(Debug)]
pub struct Pending {
    temporary: TempPath,
    target: PathBuf,
    shown: String,
}

impl Pending {
    /// Gives it its name, in place of an old file.
    ///
    /// # Errors
    /// As the system says; the old file is then whole.
    pub fn put(self) -> Result<(), IoFault> {
        let fault = |e: &io::Error| IoFault::Write {
            path: self.shown.clone(),
            reason: reason(e),
        };
        replace(self.temporary, &self.target).map_err(|e| fault(&e))
    }
}

/// Prepares a file that is to appear together with others.
///
/// # Errors
/// As the system says; nothing has changed then.
pub fn stage(path: &Path, shown: &str, text: &str) -> Result<Pending, IoFault> {
    let temporary = prepare(path, text).map_err(|e| IoFault::Write {
        path: shown.to_owned(),
        reason: reason(&e),
    })?;
    Ok(Pending {
        temporary,
        target: path.to_path_buf(),
        shown: shown.to_owned(),
    })
}

/// Replaces several files, all or none as far as a file system allows: every new text is on the disk
/// under a temporary name before the first old file is replaced.
///
/// # Errors
/// The first fault; if it comes before the replacing, no old file has changed.
pub fn write_each(files: &[(PathBuf, String)]) -> Result<(), IoFault> {
    let device = |path: &Path| path.exists() && !path.is_file() && !path.is_dir();
    let (devices, plain): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| device(path));
    let mut pending = Vec::new();
    for (path, text) in plain {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        pending.push(stage(&target, &super::slashes(path), text)?);
    }
    for one in pending {
        one.put()?;
    }
    for (path, text) in devices {
        write_file(path, &super::slashes(path), text)?;
    }
    Ok(())
}

/// Writes behind what stands in a file.
///
/// # Errors
/// As the system says.
pub fn append(path: &Path, text: &str) -> Result<(), IoFault> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| IoFault::Write {
            path: super::slashes(path),
            reason: reason(&e),
        })
}

fn write_fault(shown: &str, path: &str, e: &io::Error) -> IoFault {
    IoFault::Write {
        path: format!("{shown}/{path}"),
        reason: reason(e),
    }
}

/// Makes the folder that an output file stands in.
fn folder_of(target: &Path) -> io::Result<()> {
    step()?;
    target.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Gives a temporary file its name, in place of an old file.
fn replace(temporary: TempPath, target: &Path) -> io::Result<()> {
    step()?;
    temporary.persist(target).map_err(|e| e.error)
}

/// One step of writing. For tests, in a build with debug assertions: `PORTCULLIS_TEST_WRITE=fail:3`
/// lets the third step of a run fail as a full disk does, `stop:3` ends the process before it.
fn step() -> io::Result<()> {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let Some(wanted) = super::env("PORTCULLIS_TEST_WRITE") else {
        return Ok(());
    };
    let now = STEPS.fetch_add(1, Ordering::Relaxed) + 1;
    match wanted.split_once(':') {
        Some(("fail", at)) if at == now.to_string() => Err(io::ErrorKind::StorageFull.into()),
        Some(("stop", at)) if at == now.to_string() => std::process::abort(),
        _ => Ok(()),
    }
}

/// A temporary file beside the target, with its text safe on the disk. It is closed: a project may
/// have more files than a process may hold open.
fn prepare(target: &Path, text: &str) -> io::Result<TempPath> {
    if target.is_dir() {
        return Err(io::Error::other("there is a folder of this name"));
    }
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".portcullis-");
    // Temporary files are private by default; output is as readable as the user's other files.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    step()?;
    let mut file = builder.tempfile_in(parent)?;
    let (half, rest) = text.as_bytes().split_at(text.len() / 2);
    file.write_all(half)?;
    step()?;
    file.write_all(rest)?;
    #[cfg(unix)]
    if let Ok(old) = fs::metadata(target) {
        file.as_file().set_permissions(old.permissions())?;
    }
    step()?;
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn pair(path: &str, text: &str) -> (String, String) {
        (path.to_owned(), text.to_owned())
    }

    #[test]
    fn a_fault_on_the_way_leaves_old_files_whole() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "old").unwrap();
        // `b` is a file, so `b/c` cannot be made.
        fs::write(dir.path().join("b"), "file").unwrap();
        let files = [pair("a", "new"), pair("b/c", "x")];
        let fault = write_all(dir.path(), "out", &files).unwrap_err();
        assert!(fault.to_string().starts_with("cannot write `out/b/c`: "));
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "old");
        // Nothing temporary stays.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        fs::create_dir(dir.path().join("d")).unwrap();
        let files = [pair("a", "new"), pair("d", "x")];
        assert!(write_all(dir.path(), "out", &files).is_err());
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "old");
    }

    #[test]
    fn only_what_differs_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let files = [pair("x/a", "1\n"), pair("x/b", "2\n")];
        let first = write_all(dir.path(), "out", &files).unwrap();
        assert_eq!((first.written.len(), first.unchanged), (2, 0));
        let files = [pair("x/a", "1\n"), pair("x/b", "3\n")];
        let second = write_all(dir.path(), "out", &files).unwrap();
        assert_eq!(second.written, ["x/b"]);
        assert_eq!(second.unchanged, 1);
    }

    #[test]
    fn paths_stay_inside_and_differ() {
        let dir = tempfile::tempdir().unwrap();
        for files in [
            vec![pair("../a", "")],
            vec![pair("/a", "")],
            vec![pair("a", ""), pair("A", "")],
            vec![pair("a\\b", "")],
        ] {
            assert!(write_all(dir.path(), "out", &files).is_err(), "{files:?}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
