//! Disk, environment, clock, terminal: nothing outside this file and `io/write.rs` touches them. It
//! decides nothing.

// The lint keeps the rest of the crate from what this file is for.
#![allow(clippy::disallowed_methods)]

pub mod ground;
mod write;

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use crate::source::LoadError;
use crate::syntax::ast::Date;

pub use write::{
    Pending, Written, append, differing, remove_all, stage, write_all, write_each, write_file,
};

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

/// Columns of the terminal that standard output is; `COLUMNS` overrides it.
#[must_use]
pub fn width() -> Option<usize> {
    let told = env("COLUMNS").and_then(|text| text.parse().ok());
    let seen = || terminal_size::terminal_size_of(io::stdout()).map(|(w, _)| usize::from(w.0));
    told.or_else(seen)
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

/// The JSON files below a folder that are wanted by their path (forward slashes), sorted, each with
/// its text or why it cannot be read; hidden ones and links to folders are left out. Empty if there is
/// no such folder.
#[must_use]
pub fn json_files_below(
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(String, Result<String, String>)> {
    let paths = files_below(folder, &["json"], |_| Ok(Vec::new())).unwrap_or_default();
    let named = paths.into_iter().map(|p| (relative(folder, &p), p));
    let mut found: Vec<(String, Result<String, String>)> = named
        .filter(|(shown, _)| wanted(shown))
        .map(|(shown, path)| (shown, load_data(&path)))
        .collect();
    found.sort();
    found
}

/// The JSON files below a folder, with comments or without, sorted by path below it; hidden ones and
/// links to folders are left out.
///
/// # Errors
/// When a folder cannot be listed.
pub fn definition_files_below(folder: &Path) -> Result<Vec<PathBuf>, IoFault> {
    files_below(folder, &["json", "jsonc"], Err)
}

/// The files below a folder with one of some extensions, sorted; hidden ones and links to folders are
/// left out. `unlisted` says what a folder that cannot be listed holds.
fn files_below(
    folder: &Path,
    extensions: &[&str],
    unlisted: impl Fn(IoFault) -> Result<Vec<(String, bool)>, IoFault>,
) -> Result<Vec<PathBuf>, IoFault> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for (name, is_folder) in entries(&next).or_else(&unlisted)? {
            let path = next.join(&name);
            if name.starts_with('.') {
                continue;
            }
            if is_folder {
                if !path.is_symlink() {
                    open.push(path);
                }
            } else if Path::new(&name)
                .extension()
                .is_some_and(|e| extensions.iter().any(|known| e.eq_ignore_ascii_case(known)))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a data file that is a regular file, or why it is none.
///
/// # Errors
/// Says why there is no text.
pub fn load_data(path: &Path) -> Result<String, String> {
    if path.exists() && !path.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let bytes = read_bytes(path).map_err(|e| reason(&e))?;
    String::from_utf8(bytes).map_err(|e| not_utf8(e.utf8_error().valid_up_to()))
}

/// What git prints, run in a folder; `None` if it fails or is not there.
#[must_use]
pub fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let printed = ground::git(folder, args).ok()?;
    String::from_utf8(printed).ok()
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
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::StorageFull => "there is no space left".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::ground::{Ground, GroundLoader};
    use super::*;
    use crate::source::Loader;

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
        let loader = GroundLoader::new(Ground::Disk, dir.path().to_path_buf());
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
