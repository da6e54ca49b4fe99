//! `init`: the first files of a project, and the pipelines of forges. It writes over no file unasked.

use std::path::{Path, PathBuf};

use super::args::{CiArg, Global, InitArgs, TemplateArg};
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{FINE, run};

const SETTINGS: &str = include_str!("templates/portcullis.yaml");
const SETTINGS_FILE: &str = "portcullis.yaml";
const ATTRIBUTES: &str = include_str!("templates/gitattributes");

/// How long the exception of a template lasts, counted from the day it is written.
const DAYS: i64 = 180;
/// Its end where the day is not known.
const SOME_DAY: &str = "2027-06-30";

/// A pipeline.
struct Pipeline {
    /// Where it belongs, below the repository's root.
    file: &'static str,
    text: &'static str,
    /// The line of it that names the project's folder, up to the name.
    folder: &'static str,
    /// What has to be filled in.
    open: &'static str,
}

/// Runs the command; the exit code.
///
/// # Errors
/// When a file is there already, or cannot be written.
pub fn run(global: &Global, args: &InitArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let here = io::working_directory()?;
    let folder = io::absolute(&here, &args.path);
    let shown_folder = io::relative(&here, &folder);
    if io::exists(&folder) && !io::is_folder(&folder) {
        return Err(IoFault::Write {
            path: shown_folder,
            reason: "it is not a folder".to_owned(),
        });
    }
    // A forge looks for its pipelines at the root, wherever the project is.
    let root = if args.ci.is_empty() {
        folder.clone()
    } else {
        repository(&folder)
    };
    let shown = io::relative(&here, &root);
    let place = io::relative(&root, &folder);
    let mut files = Vec::new();
    let new = args.ci.is_empty() || !io::exists(&folder.join(SETTINGS_FILE));
    if new {
        for (name, text) in project(args.template) {
            let name = if place == "." {
                name
            } else {
                format!("{place}/{name}")
            };
            files.push((name, text));
        }
    }
    let mut forges = args.ci.clone();
    forges.sort_unstable();
    forges.dedup();
    for forge in &forges {
        let pipeline = pipeline(*forge);
        files.push((pipeline.file.to_owned(), pipeline.at(&place)));
    }
    if !args.force {
        refuse_to_replace(&root, &shown, &files)?;
    }
    io::write_all(&root, &shown, &files)?;
    if reporter.wants_summary() {
        let mut text = String::new();
        for (name, _) in &files {
            text.push_str(&format!("wrote {}\n", run::join(&shown, name)));
        }
        if new {
            let next = if shown_folder == "." {
                "portcullis compile".to_owned()
            } else {
                format!("portcullis compile {shown_folder}")
            };
            text.push_str(&format!("next: change the addresses, then `{next}`\n"));
        }
        for forge in &forges {
            let Pipeline { file, open, .. } = pipeline(*forge);
            let file = run::join(&shown, file);
            text.push_str(&format!("next: say in {file} {open}\n"));
        }
        reporter.result(&text)?;
    }
    Ok(FINE)
}

/// Refuses if one of the files is there.
fn refuse_to_replace(root: &Path, shown: &str, files: &[(String, String)]) -> Result<(), IoFault> {
    let there: Vec<String> = files
        .iter()
        .filter(|(name, _)| io::exists(&root.join(name)))
        .map(|(name, _)| run::join(shown, name))
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    Err(IoFault::Other(format!(
        "`{}` {} there already; nothing was written (--force writes over {})",
        there.join("`, `"),
        if there.len() == 1 { "is" } else { "are" },
        if there.len() == 1 { "it" } else { "them" },
    )))
}

/// The root of the repository that holds a folder; the folder itself outside of one.
fn repository(folder: &Path) -> PathBuf {
    folder
        .ancestors()
        .find(|above| io::exists(&above.join(".git")))
        .unwrap_or(folder)
        .to_path_buf()
}

/// The files of a new project, by name.
fn project(template: TemplateArg) -> Vec<(String, String)> {
    let (name, policy) = match template {
        TemplateArg::Apim => ("apim.gate", include_str!("templates/apim.gate")),
        TemplateArg::Hub => ("hub.gate", include_str!("templates/hub.gate")),
        TemplateArg::Baseline => ("baseline.gate", include_str!("templates/baseline.gate")),
    };
    vec![
        (".gitattributes".to_owned(), ATTRIBUTES.to_owned()),
        (name.to_owned(), policy.replace(SOME_DAY, &end())),
        (SETTINGS_FILE.to_owned(), SETTINGS.replace("SOURCE", name)),
    ]
}

fn pipeline(forge: CiArg) -> Pipeline {
    match forge {
        CiArg::Github => Pipeline {
            file: ".github/workflows/portcullis.yml",
            text: include_str!("templates/github.yml"),
            folder: "  POLICY: ",
            open: "where Portcullis is kept: PORTCULLIS_REPOSITORY and PORTCULLIS_COMMIT",
        },
        CiArg::Azure => Pipeline {
            file: ".azure-pipelines/portcullis.yml",
            text: include_str!("templates/azure-pipelines.yml"),
            folder: "  - name: POLICY\n    value: ",
            open: "where Portcullis is kept: PORTCULLIS_GIT and PORTCULLIS_COMMIT",
        },
    }
}

impl Pipeline {
    /// The text for a project in a folder below the root.
    fn at(&self, place: &str) -> String {
        if place == "." {
            return self.text.to_owned();
        }
        let quoted = place.replace('\'', "''");
        self.text.replace(
            &format!("\n{}.\n", self.folder),
            &format!("\n{}'{quoted}'\n", self.folder),
        )
    }
}

/// The end of a template's exception.
fn end() -> String {
    io::today()
        .and_then(|today| today.checked_add(jiff::Span::new().days(DAYS)).ok())
        .map_or_else(|| SOME_DAY.to_owned(), |day| day.to_string())
}
