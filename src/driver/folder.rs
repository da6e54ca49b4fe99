//! The output folder in a run: what stands there from earlier runs is compared with what is made,
//! and told. Nothing is written or removed here.

use crate::diag::{Code, Diagnostic, Sink};
use crate::source::{SourceMap, Span};
use crate::wrap::OutFile;
use crate::wrap::earlier::{Earlier, Touched};

use super::Memory;

/// How the output folder is treated.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Its path as shown to people.
    pub shown: String,
    /// Paths of files there that could not be read, with the reason.
    pub unreadable: Vec<(String, String)>,
    /// What somebody changed by hand is replaced.
    pub force: bool,
    /// What is output no more is removed, so it needs no word.
    pub clean: bool,
}

/// Compares what is made with what stands in the folder. The result: files of earlier runs that are
/// output no more. `whole`: every environment is compiled.
pub(super) fn compare(
    memory: &Memory,
    made: &[OutFile],
    whole: bool,
    sources: &mut SourceMap,
    sink: &mut Sink,
) -> Vec<String> {
    let Some(folder) = &memory.folder else {
        return Vec::new();
    };
    let earlier = Earlier {
        files: &memory.output,
        unreadable: &folder.unreadable,
    };
    // A part of a project makes a part of its output: the rest is not left over.
    let mut found = earlier.compare(made, whole && !memory.lone);
    if memory.lone {
        found.stale.clear();
    }
    if !folder.force {
        for (path, why) in &found.touched {
            // What stays is in nobody's way.
            let removed = !made.iter().any(|f| f.path == *path);
            if removed && !folder.clean {
                continue;
            }
            let place = place(folder, memory, made, path, sources);
            sink.push(edited(&name_of(folder, path), why, place, removed));
        }
    }
    if !found.stale.is_empty() && !folder.clean {
        sink.push(stale(folder, &found.stale));
    }
    found.stale
}

fn name_of(folder: &Folder, path: &str) -> String {
    match folder.shown.as_str() {
        "." => path.to_owned(),
        shown => format!("{shown}/{path}"),
    }
}

/// The first line of a file that would not stay as it is, in a source of its own.
fn place(
    folder: &Folder,
    memory: &Memory,
    made: &[OutFile],
    path: &str,
    sources: &mut SourceMap,
) -> Option<Span> {
    let old = &memory.output.iter().find(|f| f.path == path)?.text;
    let new = made.iter().find(|f| f.path == path);
    let mut theirs = new.map(|f| f.text.lines()).into_iter().flatten();
    let mut start = 0;
    let mut length = 0;
    for line in old.split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        length = text.len();
        if theirs.next() != Some(text) {
            break;
        }
        start += line.len();
    }
    let id = sources.add(name_of(folder, path), old.clone());
    let indent = old
        .get(start..)
        .map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len());
    let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Span::new(
        id,
        offset(start + indent.min(length)),
        offset((start + length).min(old.len())),
    ))
}

/// PC9003.
fn edited(name: &str, why: &Touched, place: Option<Span>, removed: bool) -> Diagnostic {
    let message = match why {
        Touched::Edited => format!("output file `{name}` was edited by hand"),
        Touched::Unlisted => {
            format!("file `{name}` stands where output goes, and was not written by portcullis")
        }
        Touched::BadManifest(reason) => {
            format!("output file `{name}` is not the manifest that was written: {reason}")
        }
        Touched::Unreadable(reason) => {
            format!("file `{name}` stands where output goes, and cannot be read: {reason}")
        }
    };
    let what = if removed { "remove" } else { "replace" };
    let d = Diagnostic::general(Code::PC9003, place, message)
        .label(if removed {
            "would be removed"
        } else {
            "the first line that would be replaced"
        })
        .help(format!(
            "put the change into the source, or {what} the file with `--force`"
        ));
    match why {
        Touched::Edited => {
            d.note("its hash is not the one in manifest.json; after a merge of two branches that both compiled, `--force` is right")
        }
        Touched::Unlisted => d.note("no manifest.json beside it lists it; `--out` writes elsewhere"),
        Touched::BadManifest(_) => {
            d.note("without it nothing tells whether the files beside it were edited")
        }
        Touched::Unreadable(_) => d,
    }
}

/// PC9010.
fn stale(folder: &Folder, paths: &[String]) -> Diagnostic {
    const SHOWN: usize = 5;
    let mut list: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| format!("`{}`", name_of(folder, path)))
        .collect();
    if paths.len() > SHOWN {
        list.push(format!("{} more", paths.len() - SHOWN));
    }
    let message = match paths {
        [one] => format!("`{}` is output no more", name_of(folder, one)),
        many => format!(
            "{} files in `{}` are output no more",
            many.len(),
            folder.shown
        ),
    };
    let d = Diagnostic::general(Code::PC9010, None, message)
        .help("`portcullis compile --clean` removes what earlier runs wrote and this one does not");
    if paths.len() > 1 {
        d.note(format!("they are {}", list.join(", ")))
    } else {
        d.note("a pipeline that deploys every file of the folder would deploy it")
    }
}
