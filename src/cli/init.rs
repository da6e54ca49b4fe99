//! `init`: the first files of a project. It never writes over a file.

use super::args::{Global, InitArgs, TemplateArg};
use super::io::{self, IoFault};
use super::report::Reporter;
use super::{FINE, run};

const SETTINGS: &str = include_str!("templates/portcullis.yaml");
const ATTRIBUTES: &str = include_str!("templates/gitattributes");

/// How long the exception of a template lasts, counted from the day it is written.
const DAYS: i64 = 180;
/// Its end where the day is not known.
const SOME_DAY: &str = "2027-06-30";

/// Runs the command; the exit code.
///
/// # Errors
/// When a file is there already, or cannot be written.
pub fn run(global: &Global, args: &InitArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let here = io::working_directory()?;
    let folder = io::absolute(&here, &args.path);
    let shown = io::relative(&here, &folder);
    if io::exists(&folder) && !io::is_folder(&folder) {
        return Err(IoFault::Write {
            path: shown,
            reason: "it is not a folder".to_owned(),
        });
    }
    let files = files(args.template);
    let there: Vec<&str> = files
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| io::exists(&folder.join(name)))
        .collect();
    if !there.is_empty() {
        return Err(IoFault::Other(format!(
            "`{}` {} there already; nothing was written",
            there
                .iter()
                .map(|name| run::join(&shown, name))
                .collect::<Vec<_>>()
                .join("`, `"),
            if there.len() == 1 { "is" } else { "are" }
        )));
    }
    io::write_all(&folder, &shown, &files)?;
    if reporter.wants_summary() {
        let mut text = String::new();
        for (name, _) in &files {
            text.push_str(&format!("wrote {}\n", run::join(&shown, name)));
        }
        let next = if shown == "." {
            "portcullis compile".to_owned()
        } else {
            format!("portcullis compile {shown}")
        };
        text.push_str(&format!("next: change the addresses, then `{next}`\n"));
        reporter.result(&text)?;
    }
    Ok(FINE)
}

/// The files of a new project, by name.
fn files(template: TemplateArg) -> Vec<(String, String)> {
    let (name, policy) = match template {
        TemplateArg::Apim => ("apim.gate", include_str!("templates/apim.gate")),
        TemplateArg::Hub => ("hub.gate", include_str!("templates/hub.gate")),
        TemplateArg::Baseline => ("baseline.gate", include_str!("templates/baseline.gate")),
    };
    vec![
        (".gitattributes".to_owned(), ATTRIBUTES.to_owned()),
        (name.to_owned(), policy.replace(SOME_DAY, &end())),
        (
            "portcullis.yaml".to_owned(),
            SETTINGS.replace("SOURCE", name),
        ),
    ]
}

/// The end of a template's exception.
fn end() -> String {
    io::today()
        .and_then(|today| today.checked_add(jiff::Span::new().days(DAYS)).ok())
        .map_or_else(|| SOME_DAY.to_owned(), |day| day.to_string())
}
