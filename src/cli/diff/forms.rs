//! The forms of a difference, and where each goes. What they say is known elsewhere.

use std::path::{Path, PathBuf};

use super::super::args::{By, DiffArgs, Format, Global};
use super::super::io::{self, IoFault, Stream};
use super::super::report::Reporter;
use super::asked::Asked;
use super::page;
use crate::config::Settings;
use crate::diff::told::Difference;
use crate::review::harmless::shell;
use crate::review::rules::Rules;
use crate::review::select::{self, Only};
use crate::review::{annotations, markdown, rdjson, sarif, text};

/// Columns of a terminal that does not tell.
const USUAL_WIDTH: usize = 100;

/// A form with the file that it goes to.
#[derive(Clone, Debug)]
pub struct Also {
    /// The form.
    pub form: Format,
    /// The file.
    pub file: PathBuf,
}

impl std::str::FromStr for Also {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (form, file) = text
            .split_once('=')
            .ok_or("write FORMAT=FILE, such as sarif=diff.sarif")?;
        let form = <Format as clap::ValueEnum>::from_str(form, false)?;
        if file.is_empty() {
            return Err("the file's name is missing".to_owned());
        }
        Ok(Self {
            form,
            file: PathBuf::from(file),
        })
    }
}

/// What the forms are made of.
pub(super) struct Forms<'a> {
    /// The options of every command.
    pub(super) global: &'a Global,
    /// Those of this one.
    pub(super) args: &'a DiffArgs,
    /// How results and diagnostics are told.
    pub(super) reporter: &'a Reporter,
    /// Those of the new side.
    pub(super) settings: &'a Settings,
    /// The new side's project, as files are named from.
    pub(super) folder: &'a str,
    /// The new side, as it was asked for.
    pub(super) new: &'a Asked,
    /// The difference.
    pub(super) difference: &'a Difference,
}

/// Whether a difference can be told so.
///
/// # Errors
/// It cannot.
pub(super) fn known(form: Format) -> Result<(), IoFault> {
    match form {
        Format::Text
        | Format::Json
        | Format::Sarif
        | Format::Github
        | Format::AzurePipelines
        | Format::Markdown
        | Format::Rdjson
        | Format::Html => Ok(()),
        _ => Err(IoFault::Other(
            "`diff` has the forms text, markdown, html, json, sarif, github, azure-pipelines and rdjson"
                .to_owned(),
        )),
    }
}

impl Forms<'_> {
    /// Writes every form that is asked for. What goes to files is written all or none, before the rest.
    ///
    /// # Errors
    /// A form cannot be made or written.
    pub(super) fn write(&self) -> Result<(), IoFault> {
        let rules = Rules::of(self.difference);
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for also in &self.args.also {
            files.push((also.file.clone(), self.text(also.form, &rules, true)?));
        }
        let own = self.text(self.reporter.format(), &rules, self.global.output.is_some())?;
        if let Some(file) = &self.global.output {
            files.push((file.clone(), own.clone()));
        }
        for (at, (file, _)) in files.iter().enumerate() {
            if files.iter().take(at).any(|(other, _)| other == file) {
                return Err(IoFault::Other(format!(
                    "two forms go to `{}`",
                    io::slashes(file)
                )));
            }
        }
        let summary = self.summary(&rules)?;
        io::write_each(&files)?;
        if let Some((file, text)) = summary {
            io::append(Path::new(&file), &text)?;
        }
        if self.global.output.is_none() {
            io::print(Stream::Stdout, &own)?;
        }
        Ok(())
    }

    /// The step summary, and its file.
    fn summary(&self, rules: &Rules) -> Result<Option<(String, String)>, IoFault> {
        if !self.args.step_summary {
            return Ok(None);
        }
        let Some(file) = io::env("GITHUB_STEP_SUMMARY") else {
            self.reporter.tell_aside(
                "`--step-summary`: GITHUB_STEP_SUMMARY names no file, so nothing is appended",
            )?;
            return Ok(None);
        };
        let page = self.page(rules, markdown::Flavour::StepSummary, None);
        Ok(Some((file, page.text)))
    }

    fn only(&self) -> Vec<Only> {
        self.args.only.clone()
    }

    fn page(
        &self,
        rules: &Rules,
        flavour: markdown::Flavour,
        most: Option<usize>,
    ) -> markdown::Page {
        let names: Vec<String> = self
            .args
            .also
            .iter()
            .filter_map(|also| match also.form {
                Format::Html => Some("HTML report".to_owned()),
                Format::Json => Some("JSON".to_owned()),
                Format::Sarif => Some("SARIF".to_owned()),
                _ => None,
            })
            .collect();
        let options = markdown::Options {
            flavour,
            max_bytes: most,
            chart: None,
            rules: self.args.rules,
            only: self.only(),
            artefacts: names,
            reproduce: Some(self.again()),
        };
        markdown::render(self.difference, rules, &options)
    }

    /// The command that makes the same again.
    fn again(&self) -> String {
        let mut out = "portcullis diff".to_owned();
        for word in &self.args.sides {
            out.push(' ');
            out.push_str(&shell(word));
        }
        for name in &self.global.environments {
            out.push_str(&format!(" -e {}", shell(name)));
        }
        out
    }

    fn text(&self, form: Format, rules: &Rules, to_file: bool) -> Result<String, IoFault> {
        known(form)?;
        let most = annotations::Wanted::default();
        Ok(match form {
            Format::Json => {
                let text = serde_json::to_string_pretty(self.difference)
                    .map_err(|e| IoFault::Other(e.to_string()))?;
                format!("{text}\n")
            }
            Format::Sarif => sarif::render(self.difference, self.folder),
            Format::Github => annotations::github(self.difference, self.folder, most),
            Format::AzurePipelines => {
                annotations::azure_pipelines(self.difference, self.folder, most)
            }
            Format::Html => page::page(self.global, self.new, self.difference)?,
            Format::Rdjson => rdjson::render(self.difference, self.folder),
            Format::Markdown => {
                // Azure Pipelines says that it runs; its comments take more.
                let azure = io::env("TF_BUILD").is_some();
                let flavour = if azure {
                    markdown::Flavour::AzureDevOps
                } else {
                    markdown::Flavour::Comment
                };
                let own = self.settings.diff.max_bytes;
                let usual = (!azure).then_some(own as usize);
                let page = self.page(rules, flavour, self.args.max_bytes.or(usual));
                if page.over > 0 {
                    self.reporter.tell_aside(&format!(
                        "the Markdown is {} bytes longer than asked for: rows of high risk are never left out",
                        page.over
                    ))?;
                }
                page.text
            }
            _ => {
                let style = self.reporter.stream_style(Stream::Stdout);
                let options = text::Options {
                    width: if to_file {
                        USUAL_WIDTH
                    } else {
                        io::width().unwrap_or(USUAL_WIDTH)
                    },
                    color: style.color && !to_file,
                    ascii: self.global.ascii,
                    only: self.only(),
                    by: self.args.by.map(|by| match by {
                        By::Flow => select::By::Flow,
                        By::Owner => select::By::Owner,
                        By::Env => select::By::Environment,
                    }),
                    rules: self.args.rules,
                    ..text::Options::default()
                };
                text::render(self.difference, rules, &options)
            }
        })
    }
}
