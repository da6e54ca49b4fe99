//! The command line: arguments in, exit code out. It knows no Azure and no language.

mod against;
pub mod args;
mod basis;
pub mod catalog;
pub mod check;
pub mod compile;
pub mod config;
pub mod diff;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod init;
mod inventory;
pub mod io;
pub mod limits;
pub mod lint;
pub mod lock;
pub mod picture;
pub mod plan;
pub mod project;
pub mod query;
pub mod report;
mod run;
pub mod test;

use std::path::Path;

use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command, Format, Global};
use io::IoFault;
use report::Reporter;

use crate::diag::internal::internal;
use crate::source::SourceMap;

/// Exit code: nothing is wrong.
pub const FINE: u8 = 0;
/// Exit code: the input was judged bad.
pub const BAD: u8 = 1;
/// Exit code: the command could not run.
pub const CANNOT_RUN: u8 = 2;
/// Exit code: something differs, where that was the question.
pub const DIFFERS: u8 = 3;
/// Exit code: a condition of `--fail-on` holds.
pub const FAILS_ON: u8 = 4;

/// Runs the program and returns its exit code.
#[must_use]
pub fn main() -> u8 {
    let parsed = without_empty_variables(Cli::command())
        .try_get_matches_from(io::args())
        .and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with code 0.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(CANNOT_RUN);
        }
    };
    let reporter = Reporter::new(&cli.global, true);
    io::silence_panics();
    match std::panic::catch_unwind(|| dispatch(&cli)) {
        Ok(Ok(code)) => code,
        Ok(Err(fault)) => {
            reporter.fail(&fault);
            match &cli.command {
                // There 2 means that something differs.
                Command::Diff(args) if args.detailed_exitcode => BAD,
                _ => CANNOT_RUN,
            }
        }
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no further word");
            let _ = reporter.tell(&SourceMap::default(), &[internal(text)]);
            CANNOT_RUN
        }
    }
}

/// A variable that is set to nothing counts as not set.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| match arg.get_env() {
            Some(name) if io::env_is_empty(name) => arg.env(Resettable::Reset),
            _ => arg,
        })
        .mut_subcommands(without_empty_variables)
}

fn dispatch(cli: &Cli) -> Result<u8, IoFault> {
    if let Some(folder) = &cli.global.folder {
        io::change_directory(folder)?;
    }
    if cli.global.format == Some(Format::Csv) && !matches!(cli.command, Command::Query(_)) {
        return Err(IoFault::Other(
            "`--format csv` is for `query`: no other command has rows to write so".to_owned(),
        ));
    }
    if let (Some(format @ (Format::Junit | Format::Tap)), false) =
        (cli.global.format, matches!(cli.command, Command::Test(_)))
    {
        let word = if format == Format::Tap {
            "tap"
        } else {
            "junit"
        };
        return Err(IoFault::Other(format!(
            "`--format {word}` is for `portcullis test` only; write text, json, sarif, github or azure-pipelines"
        )));
    }
    if let (Some(Format::Mermaid | Format::Dot | Format::Svg | Format::D2), false) =
        (cli.global.format, matches!(cli.command, Command::Graph(_)))
    {
        return Err(IoFault::Other(
            "`--format mermaid`, `dot`, `svg` and `d2` are for `portcullis graph` only".to_owned(),
        ));
    }
    if let (Some(Format::Markdown | Format::Rdjson | Format::Html), false) =
        (cli.global.format, matches!(cli.command, Command::Diff(_)))
    {
        return Err(IoFault::Other(
            "`--format markdown`, `rdjson` and `html` are for `portcullis diff` only".to_owned(),
        ));
    }
    match &cli.command {
        Command::Compile(args) => compile::run(&cli.global, args),
        Command::Check(args) => check::run(&cli.global, args),
        Command::Limits(args) => limits::run(&cli.global, args),
        Command::Lint(args) => lint::run(&cli.global, args),
        Command::Test(args) => test::run(&cli.global, args),
        Command::Init(args) => init::run(&cli.global, args),
        Command::Config(args) => config::run(&cli.global, args),
        Command::Schema(args) => config::schema(&cli.global, args),
        Command::Lock(args) => lock::run(&cli.global, args),
        Command::Plan(args) => plan::run(&cli.global, args),
        Command::Fmt(args) => fmt::run(&cli.global, args),
        Command::Explain(args) => explain::run(&cli.global, args),
        Command::Query(args) => query::run(&cli.global, args),
        Command::Graph(args) => graph::run(&cli.global, args),
        Command::Report(args) => picture::run(&cli.global, args),
        Command::Diff(args) => diff::run(&cli.global, args),
        Command::Catalog(args) => catalogue(&cli.global, args),
    }
}

/// Gives the subcommand `catalog` what it may use: the catalogue in force and the streams.
fn catalogue(global: &Global, args: &catalog::CatalogArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, true);
    let found = project::settings_only(Path::new("."), global.config.as_deref())?;
    if !found.faults.1.is_empty() {
        reporter.tell(&found.faults.0, &found.faults.1)?;
        return Ok(CANNOT_RUN);
    }
    let mut own = None;
    let catalog = match run::catalog(global, &found, &mut own)? {
        Ok(catalog) => catalog,
        Err((sources, fault)) => {
            reporter.tell(&sources, &[*fault])?;
            return Ok(CANNOT_RUN);
        }
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = catalog::run(
        args,
        &mut catalog::Surroundings {
            catalog,
            json: reporter.json(),
            read: &|path| io::read_bytes(Path::new(path)),
            out: &mut out,
            err: &mut err,
        },
    )
    .map_err(|e| IoFault::Other(e.to_string()))?;
    if !out.is_empty() {
        reporter.exact(&String::from_utf8_lossy(&out))?;
    }
    io::print(io::Stream::Stderr, &String::from_utf8_lossy(&err))?;
    Ok(code)
}
