//! The table of contents of a compilation: the stages in order. It reads and writes nothing.

use crate::catalog::Catalog;
use crate::config::Settings;
use crate::diag::Diagnostic;
use crate::source::{Loader, SourceMap};
use crate::syntax::ast::Date;

/// What is compiled: the settings and the root module's files.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Settings, from portcullis.yaml or defaults.
    pub settings: Settings,
    /// Paths of the root module's files, as the loader knows them, relative, forward slashes.
    pub sources: Vec<String>,
}

/// What to do with a limit that is exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitsMode {
    /// Refuse.
    #[default]
    Error,
    /// Warn and go on.
    Warn,
    /// Say nothing.
    Off,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Emit {
    /// One file a resource, as a PUT takes it.
    Rest,
    /// One deployable template per resource group.
    Arm,
}

/// How to compile.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Environments to compile; all if empty.
    pub environments: Vec<String>,
    /// What a limit exceeded means.
    pub limits: LimitsMode,
    /// The day on which expiry and catalogue age are judged; not judged if absent.
    pub as_of: Option<Date>,
    /// Forms to emit; those of the settings if empty.
    pub emit: Vec<Emit>,
}

/// One output file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutFile {
    /// Path below the output folder, forward slashes: `prod/nsg/nsg-apim.json`.
    pub path: String,
    /// Its text, LF line ends, final newline.
    pub text: String,
}

/// One row of the summary table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// `firewall policy`, `rule collection group`, `nsg`, `route table`, `ip group`.
    pub kind: &'static str,
    /// The Azure name.
    pub name: String,
    /// Rules or routes in it.
    pub rules: usize,
    /// Of these, envelopes (rules wider than asked, narrowed later on the path).
    pub envelopes: usize,
}

/// What an environment became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvSummary {
    /// Its name.
    pub environment: String,
    /// One row a resource.
    pub rows: Vec<SummaryRow>,
}

/// The result of a compilation without errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The files, sorted by path.
    pub files: Vec<OutFile>,
    /// A summary per environment, sorted by name.
    pub summaries: Vec<EnvSummary>,
}

/// Everything a run says and makes.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The sources that were read.
    pub sources: SourceMap,
    /// The output; `None` if there is an error.
    pub output: Option<Output>,
    /// What there is to say, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a project. Never fails: faults are diagnostics, and then there is no output.
#[must_use]
pub fn compile(
    _loader: &dyn Loader,
    _project: &Project,
    _catalog: &Catalog,
    _options: &Options,
) -> Compiled {
    Compiled::default()
}
