//! Tells diagnostics: which form, which stream, which level. It makes none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::args::{Color, Denied, Format, Global};
use super::io::{self, IoFault, Stream};
use crate::config::{Level, Settings};
use crate::diag::levels::Levels;
use crate::diag::render_text::{self, Style};
use crate::diag::{
    Code, Diagnostic, Severity, render_github, render_json, render_pipelines, render_sarif,
};
use crate::source::SourceMap;

/// Where diagnostics go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Stream(Stream),
    File(PathBuf),
}

/// How this run talks.
#[derive(Clone, Debug)]
pub struct Reporter {
    format: Format,
    place: Place,
    /// Annotations beside the text, as GitHub Actions reads them.
    annotate: bool,
    color: Color,
    ascii: bool,
    quiet: bool,
    verbose: bool,
    /// Notes are shown, not counted.
    notes: bool,
    /// Warnings and notes are for another command.
    errors_only: bool,
    output: Option<PathBuf>,
}

/// Results are a picture; diagnostics are for people then.
const fn is_picture(format: Format) -> bool {
    matches!(
        format,
        Format::Mermaid | Format::Dot | Format::Svg | Format::D2
    )
}

impl Reporter {
    /// Reads the options and what the environment says about terminals and pipelines.
    /// `pure_stdout`: standard output holds a file's text and nothing may be mixed in.
    #[must_use]
    pub fn new(global: &Global, pure_stdout: bool) -> Self {
        // Azure Pipelines is often told to fail on any line of standard error.
        let in_pipelines = io::env("TF_BUILD").is_some();
        let in_actions = io::env("GITHUB_ACTIONS").is_some_and(|v| v == "true");
        let format = global.format.unwrap_or(if in_pipelines {
            Format::AzurePipelines
        } else {
            Format::Text
        });
        let place = match global.diagnostics.as_ref() {
            Some(place) if place.as_os_str() == "stderr" => Place::Stream(Stream::Stderr),
            Some(place) if place.as_os_str() == "stdout" => Place::Stream(Stream::Stdout),
            Some(file) => Place::File(file.clone()),
            None if in_pipelines && !pure_stdout => Place::Stream(Stream::Stdout),
            None => Place::Stream(Stream::Stderr),
        };
        Self {
            format,
            annotate: in_actions && !in_pipelines && global.format.is_none(),
            place,
            color: global.color,
            ascii: global.ascii,
            quiet: global.quiet,
            verbose: global.verbose,
            notes: global.verbose,
            errors_only: false,
            output: global.output.clone(),
        }
    }

    /// The same with notes shown.
    #[must_use]
    pub fn with_notes(mut self) -> Self {
        self.notes = true;
        self
    }

    /// The same without warnings and notes.
    #[must_use]
    pub fn with_errors_only(mut self) -> Self {
        self.errors_only = true;
        self
    }

    /// Tells diagnostics, in every form that is due. A form for machines is written even if there
    /// is nothing to say, so that a reader finds a valid file.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn tell(&self, sources: &SourceMap, all: &[Diagnostic]) -> Result<(), IoFault> {
        let people = matches!(
            self.format,
            Format::Text
                | Format::Csv
                | Format::Github
                | Format::AzurePipelines
                | Format::Junit
                | Format::Tap
                | Format::Markdown
                | Format::Rdjson
                | Format::Html
        ) || is_picture(self.format);
        // A log of a pipeline has no line of counts, so notes are left out there, not folded.
        let least = match self.format {
            _ if self.errors_only || self.quiet && people => Severity::Error,
            Format::Github | Format::AzurePipelines if !self.notes => Severity::Warning,
            _ => Severity::Note,
        };
        let kept: Vec<Diagnostic> = all
            .iter()
            .filter(|d| d.severity >= least)
            .cloned()
            .collect();
        let mut text = match self.format {
            Format::Text
            | Format::Csv
            | Format::Junit
            | Format::Tap
            | Format::Mermaid
            | Format::Dot
            | Format::Svg
            | Format::D2
            | Format::Markdown
            | Format::Rdjson
            | Format::Html => render_text::render(sources, &kept, self.style()),
            Format::Json => render_json::render(sources, &kept),
            Format::Sarif => render_sarif::render(sources, &kept),
            Format::Github => render_github::render(sources, &kept),
            Format::AzurePipelines => render_pipelines::render(sources, &kept),
        };
        let annotations = if self.annotate {
            let notable = |d: &&Diagnostic| self.notes || d.severity > Severity::Note;
            let kept: Vec<Diagnostic> = kept.iter().filter(notable).cloned().collect();
            render_github::render(sources, &kept)
        } else {
            String::new()
        };
        match &self.place {
            Place::Stream(stream) => {
                text.push_str(&annotations);
                io::print(*stream, &text)
            }
            Place::File(file) => {
                io::write_file(file, &io::slashes(file), &text)?;
                let style = self.stream_style(Stream::Stderr);
                io::print(
                    Stream::Stderr,
                    &(annotations + &render_text::summary(&kept, style)),
                )
            }
        }
    }

    /// Tells why the command could not run. With nobody to tell it to, nothing is left to do.
    pub fn fail(&self, fault: &IoFault) {
        let _ = match self.format {
            Format::AzurePipelines => {
                let text = fault.to_string().replace('\n', "%0A");
                io::print(
                    Stream::Stdout,
                    &format!("##vso[task.logissue type=error;]{text}\n"),
                )
            }
            _ => io::print(Stream::Stderr, &format!("error: {fault}\n")),
        };
    }

    /// Gives a result: to standard output, or to the file of `-o`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn result(&self, text: &str) -> Result<(), IoFault> {
        let text = if self.ascii {
            render_text::to_ascii(text)
        } else {
            text.to_owned()
        };
        self.exact(&text)
    }

    /// Gives a result to the byte, such as the text of a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn exact(&self, text: &str) -> Result<(), IoFault> {
        match &self.output {
            Some(file) => io::write_file(file, &io::slashes(file), text),
            None => io::print(Stream::Stdout, text),
        }
    }

    /// Says what is being done, with `-v` only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remark(&self, text: &str) -> Result<(), IoFault> {
        if self.verbose {
            io::print(Stream::Stderr, &format!("{text}\n"))
        } else {
            Ok(())
        }
    }

    /// Says something that is no fault, unless told to be quiet.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn tell_aside(&self, text: &str) -> Result<(), IoFault> {
        if self.quiet {
            Ok(())
        } else {
            io::print(Stream::Stderr, &format!("portcullis: {text}\n"))
        }
    }

    /// Whether a summary for people may go to standard output.
    #[must_use]
    pub fn wants_summary(&self) -> bool {
        let machine = matches!(self.format, Format::Json | Format::Sarif);
        let mixed = self.place == Place::Stream(Stream::Stdout) && self.output.is_none();
        !(self.quiet || (machine && mixed))
    }

    /// The form that results have.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether results are for programs.
    #[must_use]
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether results are comma-separated values.
    #[must_use]
    pub fn csv(&self) -> bool {
        self.format == Format::Csv
    }

    fn style(&self) -> Style {
        match &self.place {
            Place::Stream(stream) => self.stream_style(*stream),
            Place::File(_) => Style {
                color: self.color == Color::Always,
                ascii: self.ascii,
                fold_notes: !self.notes,
            },
        }
    }

    /// How text on a stream is styled.
    #[must_use]
    pub fn stream_style(&self, stream: Stream) -> Style {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                if io::env("NO_COLOR").is_some() {
                    false
                } else if io::env("CLICOLOR_FORCE").is_some_and(|v| v != "0") {
                    true
                } else {
                    io::is_terminal(stream) && io::env("TERM").is_none_or(|t| t != "dumb")
                }
            }
        };
        Style {
            color,
            ascii: self.ascii,
            fold_notes: !self.notes,
        }
    }
}

/// The levels of a run.
///
/// # Errors
/// When a code is named by two flags.
pub fn levels(global: &Global, settings: &Settings) -> Result<Levels, IoFault> {
    let mut flags: BTreeMap<Code, Level> = BTreeMap::new();
    let denied = global.deny.iter().filter_map(|d| match d {
        Denied::Code(code) => Some((*code, Level::Error)),
        Denied::Warnings => None,
    });
    let named = denied
        .chain(global.allow.iter().map(|c| (*c, Level::Allow)))
        .chain(global.warn.iter().map(|c| (*c, Level::Warn)));
    for (code, level) in named {
        if flags.insert(code, level).is_some_and(|old| old != level) {
            return Err(IoFault::Other(format!(
                "{code} is given two levels on the command line"
            )));
        }
    }
    Ok(Levels {
        settings: settings.lints.clone(),
        flags,
        deny_warnings: global.deny.contains(&Denied::Warnings),
        keep_errors: false,
        judge_unused: global.environments.is_empty(),
    })
}
