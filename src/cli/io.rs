//! Disk, environment, clock, terminal: the only file that touches them. It decides nothing.

// The lint keeps the rest of the crate from what this file is for.
#![allow(clippy::disallowed_methods)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempPath;
use thiserror::Error;

use crate::source::{LoadError, Loader};
use crate::syntax::ast::Date;

/// Largest source file in bytes; offsets are 32 bits wide and no policy comes near it.
pub const MAX_SOURCE_BYTES: u64 = 16 * 1024 * 1024;

/// Largest catalogue or other data file in bytes; the weekly file of service tags has 4 million.
const MAX_DATA_BYTES: u64 = 64 * 1024 * 1024;

/// Why the world did not answer.
#[derive(Debug, Error)]
pub enum IoFault {
    /// Reading.
    #[error("cannot read `{path}`: {reason}")]
    Read {
        /// As shown.
        path: String,
        /// Why.
        reason: String,
    },
    /// Writing.
    #[error("cannot write `{path}`: {reason}")]
    Write {
        /// As shown.
        path: String,
        /// Why.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

// Environment, clock, terminal.

/// A variable that is set and not empty.
#[must_use]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// Whether a variable is set to nothing, which pipelines do for values that were not given.
#[must_use]
pub fn env_is_empty(name: &std::ffi::OsStr) -> bool {
    std::env::var_os(name).is_some_and(|v| v.is_empty())
}

/// The arguments, the program's name first.
#[must_use]
pub fn args() -> Vec<std::ffi::OsString> {
    std::env::args_os().collect()
}

/// Today in UTC, so that two machines agree.
#[must_use]
pub fn today() -> Option<Date> {
    let now = jiff::Timestamp::try_from(std::time::SystemTime::now()).ok()?;
    Some(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// A stream of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Stdout,
    /// Everything else.
    Stderr,
}

/// Whether a stream is a terminal.
#[must_use]
pub fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Stdout => io::stdout().is_terminal(),
        Stream::Stderr => io::stderr().is_terminal(),
    }
}

/// Writes to a stream. A reader that went away is no fault: `portcullis ... | head` is usual.
///
/// # Errors
/// When the stream takes no more, for example on a full disk.
pub fn print(stream: Stream, text: &str) -> Result<(), IoFault> {
    let write = |out: &mut dyn Write| out.write_all(text.as_bytes()).and_then(|()| out.flush());
    let done = match stream {
        Stream::Stdout => write(&mut io::stdout().lock()),
        Stream::Stderr => write(&mut io::stderr().lock()),
    };
    match done {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(IoFault::Write {
            path: match stream {
                Stream::Stdout => "standard output".to_owned(),
                Stream::Stderr => "standard error".to_owned(),
            },
            reason: reason(&e),
        }),
        _ => Ok(()),
    }
}

/// Replaces the runtime's report of a panic by one for users; the text is told by the caller.
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

// Paths.

/// The working directory.
///
/// # Errors
/// When it is gone.
pub fn working_directory() -> Result<PathBuf, IoFault> {
    std::env::current_dir()
        .map_err(|e| IoFault::Other(format!("cannot use the working directory: {}", reason(&e))))
}

/// Makes `folder` the working directory.
///
/// # Errors
/// When there is no such folder.
pub fn change_directory(folder: &Path) -> Result<(), IoFault> {
    std::env::set_current_dir(folder).map_err(|e| {
        IoFault::Other(format!(
            "cannot go to folder `{}`: {}",
            slashes(folder),
            reason(&e)
        ))
    })
}

/// Whether a path leads to a folder.
#[must_use]
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Whether a path leads to a file.
#[must_use]
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Whether a path leads to anything.
#[must_use]
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// An absolute path without `.` and `..`, as written: links are not followed.
#[must_use]
pub fn absolute(base: &Path, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// `to` as seen from the folder `from`, with forward slashes; both absolute. `.` if they are equal.
#[must_use]
pub fn relative(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if same == 0 {
        // Another drive: there is no relative path.
        return slashes(&to.iter().collect::<PathBuf>());
    }
    let mut parts = vec!["..".to_owned(); from.len() - same];
    parts.extend(
        to.iter()
            .skip(same)
            .map(|c| c.as_os_str().to_string_lossy().into_owned()),
    );
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// A path with forward slashes on every system.
#[must_use]
pub fn slashes(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// Names of the files directly in a folder that end in `.gate`, sorted.
///
/// # Errors
/// When the folder cannot be listed.
pub fn gate_files(folder: &Path) -> Result<Vec<String>, IoFault> {
    let mut names = Vec::new();
    for (name, is_folder) in entries(folder)? {
        if !is_folder && is_gate(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Paths below a folder that end in `.gate`, sorted; hidden folders and links to folders are left
/// out.
///
/// # Errors
/// When a folder cannot be listed.
pub fn gate_files_below(folder: &Path) -> Result<Vec<PathBuf>, IoFault> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for (name, is_folder) in entries(&next)? {
            let path = next.join(&name);
            if is_folder {
                if !name.starts_with('.') && !path.is_symlink() {
                    open.push(path);
                }
            } else if is_gate(&name) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The JSON files below a folder that are wanted by their path (forward slashes) with their texts,
/// sorted; hidden ones, links to folders and what cannot be read are left out. Empty if there is no
/// such folder.
#[must_use]
pub fn json_files_below(folder: &Path, wanted: fn(&str) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for (name, is_folder) in entries(&next).unwrap_or_default() {
            let path = next.join(&name);
            if name.starts_with('.') {
                continue;
            }
            if is_folder {
                if !path.is_symlink() {
                    open.push(path);
                }
            } else if Path::new(&name).extension().is_some_and(|e| e == "json") {
                let shown = relative(folder, &path);
                if wanted(&shown)
                    && let Ok(text) = load(&path)
                {
                    found.push((shown, text));
                }
            }
        }
    }
    found.sort();
    found
}

/// What git prints, run in a folder; `None` if it fails or is not there.
#[must_use]
pub fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).ok())
        .flatten()
}

fn is_gate(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "gate") && !name.starts_with('.')
}

fn entries(folder: &Path) -> Result<Vec<(String, bool)>, IoFault> {
    let fault = |e: &io::Error| IoFault::Read {
        path: slashes(folder),
        reason: reason(e),
    };
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| fault(&e))? {
        let entry = entry.map_err(|e| fault(&e))?;
        // A name that is not Unicode cannot be shown or imported.
        if let Ok(name) = entry.file_name().into_string() {
            let is_folder = entry.path().is_dir();
            out.push((name, is_folder));
        }
    }
    out.sort();
    Ok(out)
}

// Reading.

/// The text of a source or settings file.
///
/// # Errors
/// When it is absent, a folder, too large, or not UTF-8.
pub fn read_text(path: &Path, shown: &str) -> Result<String, IoFault> {
    load(path).map_err(|e| IoFault::Read {
        path: shown.to_owned(),
        reason: match e {
            LoadError::NotFound => "there is no such file".to_owned(),
            LoadError::Unreadable(why) => why,
            LoadError::NotText { at, .. } => not_utf8(at),
        },
    })
}

/// A text, or what could be read of it and where the first byte is that is not UTF-8.
pub type MaybeText = Result<String, (String, usize)>;

/// The text of a source or settings file, for one who can point at the byte that is none.
///
/// # Errors
/// When it is absent, a folder, or too large.
pub fn read_maybe_text(path: &Path, shown: &str) -> Result<MaybeText, IoFault> {
    match load(path) {
        Err(LoadError::NotText { text, at }) => Ok(Err((text, at))),
        Ok(text) => Ok(Ok(text)),
        Err(_) => read_text(path, shown).map(Ok),
    }
}

/// The text of a data file, which may be larger than a source file.
///
/// # Errors
/// When it is absent, a folder, too large, or not UTF-8.
pub fn read_large_text(path: &Path, shown: &str) -> Result<String, IoFault> {
    let text = read_large_maybe_text(path, shown)?;
    text.map_err(|(_, at)| IoFault::Read {
        path: shown.to_owned(),
        reason: not_utf8(at),
    })
}

/// The text of a data file, for one who can point at the byte that is none.
///
/// # Errors
/// When it is absent, a folder, or too large.
pub fn read_large_maybe_text(path: &Path, shown: &str) -> Result<MaybeText, IoFault> {
    let fault = |reason: String| IoFault::Read {
        path: shown.to_owned(),
        reason,
    };
    if path.exists() && !path.is_file() {
        return Err(fault("it is not a regular file".to_owned()));
    }
    let bytes = read_bytes(path).map_err(|e| fault(reason(&e)))?;
    Ok(String::from_utf8(bytes).map_err(|e| readable(&e)))
}

/// What can be read of bytes that are not UTF-8, and where the first is that is not.
fn readable(error: &std::string::FromUtf8Error) -> (String, usize) {
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    (text, error.utf8_error().valid_up_to())
}

fn not_utf8(at: usize) -> String {
    format!("it is not UTF-8 text: invalid byte at offset {at}")
}

/// The bytes of a data file.
///
/// # Errors
/// As the system says; also when it is absurdly large.
pub fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MAX_DATA_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_DATA_BYTES {
        return Err(io::Error::other("it is larger than 64 MiB"));
    }
    Ok(bytes)
}

/// All of standard input as text.
///
/// # Errors
/// When it is too large or not UTF-8.
pub fn read_stdin() -> Result<String, IoFault> {
    let mut bytes = Vec::new();
    let fault = |reason: String| IoFault::Read {
        path: "standard input".to_owned(),
        reason,
    };
    io::stdin()
        .lock()
        .take(MAX_SOURCE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| fault(reason(&e)))?;
    match to_text(bytes) {
        Ok(text) => Ok(text),
        Err(LoadError::NotText { at, .. }) => Err(fault(not_utf8(at))),
        Err(LoadError::Unreadable(why)) => Err(fault(why)),
        Err(LoadError::NotFound) => Err(fault("it is closed".to_owned())),
    }
}

fn load(path: &Path) -> Result<String, LoadError> {
    let unreadable = |e: &io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LoadError::NotFound,
        _ => LoadError::Unreadable(reason(e)),
    };
    let about = fs::metadata(path).map_err(|e| unreadable(&e))?;
    if about.is_dir() {
        return Err(LoadError::Unreadable("it is a folder".to_owned()));
    }
    // A device or a pipe may never end.
    if !about.is_file() {
        return Err(LoadError::Unreadable("it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_SOURCE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|e| unreadable(&e))?;
    to_text(bytes)
}

fn to_text(bytes: Vec<u8>) -> Result<String, LoadError> {
    if bytes.len() as u64 > MAX_SOURCE_BYTES {
        return Err(LoadError::Unreadable("it is larger than 16 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|e| {
        let (text, at) = readable(&e);
        LoadError::NotText { text, at }
    })
}

/// What the system says, without its numbers, which differ from system to system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::InvalidData => error.to_string(),
        kind => kind.to_string(),
    }
}

/// Loads modules from a folder and remembers which it gave.
#[derive(Debug)]
pub struct DiskLoader {
    root: PathBuf,
    served: RefCell<BTreeSet<String>>,
}

impl DiskLoader {
    /// A loader for paths relative to `root`.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            served: RefCell::new(BTreeSet::new()),
        }
    }

    /// Whether a path was read from disk, not from the embedded library.
    #[must_use]
    pub fn served(&self, path: &str) -> bool {
        self.served.borrow().contains(path)
    }
}

impl Loader for DiskLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        if path.contains('\\') || Path::new(path).is_absolute() {
            return Err(LoadError::Unreadable(
                "paths are relative, with forward slashes".to_owned(),
            ));
        }
        self.served.borrow_mut().insert(path.to_owned());
        load(&absolute(&self.root, Path::new(path)))
    }
}

// Writing.

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
    let Some(wanted) = env("PORTCULLIS_TEST_WRITE") else {
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

    #[test]
    fn relative_paths() {
        let rel = |a: &str, b: &str| relative(Path::new(a), Path::new(b));
        assert_eq!(rel("/a/b", "/a/b"), ".");
        assert_eq!(rel("/a/b", "/a/b/c/d"), "c/d");
        assert_eq!(rel("/a/b/x", "/a/c"), "../../c");
        assert_eq!(
            absolute(Path::new("/a/b"), Path::new("../c/./d")),
            Path::new("/a/c/d")
        );
    }

    #[test]
    fn the_loader_refuses_what_is_no_text() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("bad"), b"ab\xff").unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        let big = fs::File::create(dir.path().join("big")).unwrap();
        big.set_len(MAX_SOURCE_BYTES + 1).unwrap();
        let loader = DiskLoader::new(dir.path().to_path_buf());
        let why = |path: &str| match loader.load(path) {
            Err(LoadError::Unreadable(why)) => why,
            Err(LoadError::NotText { at, .. }) => not_utf8(at),
            other => format!("{other:?}"),
        };
        assert_eq!(why("bad"), "it is not UTF-8 text: invalid byte at offset 2");
        assert_eq!(why("sub"), "it is a folder");
        assert_eq!(why("big"), "it is larger than 16 MiB");
        assert_eq!(loader.load("none"), Err(LoadError::NotFound));
        assert_eq!(loader.load("bad/x"), Err(LoadError::NotFound));
        assert!(why("/etc/hostname").starts_with("paths are relative"));
    }
}
