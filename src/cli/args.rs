//! The arguments as typed data. It runs nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::OnExpired;
use crate::diag::levels::may_be_lowered;
use crate::diag::{CODES, Code, suggest};
use crate::driver::{Emit, LimitsMode};
use crate::syntax::ast::Date;

/// Compiles network flows to Azure Firewall Policy, network security group rules and route tables.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "portcullis",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 fine, 1 the input is bad, 2 could not run, 3 differs (--check, --exit-code),\n\
                  4 a --fail-on condition holds.\n\
                  No command uses the network."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Compile a project and write its output folder.
    Compile(CompileArgs),
    /// Judge a project without writing anything.
    Check(CheckArgs),
    /// Tell what is odd about flows and about the rules that they become; nothing is written.
    Lint(LintArgs),
    /// Run the policy's tests: `test` blocks, and one for each `required` flow.
    Test(TestArgs),
    /// Show what each resource uses of Azure's limits.
    Limits(LimitsArgs),
    /// Write the first files of a project.
    Init(InitArgs),
    /// Print what the settings file may hold.
    Config(ConfigArgs),
    /// Print the JSON schema of an output or of the settings file.
    Schema(SchemaArgs),
    /// Format source files.
    Fmt(FmtArgs),
    /// Inspect and repair the lock file.
    Lock(LockArgs),
    /// Show what would be written to Azure, in which order and how long it takes; nothing is written.
    Plan(PlanArgs),
    /// Explain a diagnostic code, a flow, or what becomes of a packet.
    Explain(ExplainArgs),
    /// Tell who can reach what: all packets between two ends, as rows.
    Query(QueryArgs),
    /// Draw the ways that allowed flows take: from where, past what, to where.
    Graph(super::graph::GraphArgs),
    /// Tell what a policy holds: flows, who reaches what, limits, what ends; text, JSON or one HTML file.
    Report(super::picture::ReportArgs),
    /// Tell what a change means: which traffic becomes possible, which stops, and what did it.
    Diff(DiffArgs),
    /// List, search, build and compare the names that Azure knows.
    Catalog(super::catalog::CatalogArgs),
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Go to this folder first.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub folder: Option<PathBuf>,
    /// Settings file; found from PATH upwards to the repository's root if not given.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "PORTCULLIS_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Environment to compile, repeatable; all if not given.
    #[arg(
        short,
        long = "env",
        value_name = "NAME",
        global = true,
        env = "PORTCULLIS_ENV",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub environments: Vec<String>,
    /// Form of diagnostics.
    #[arg(
        long,
        value_name = "FORMAT",
        global = true,
        env = "PORTCULLIS_FORMAT",
        hide_env_values = true
    )]
    pub format: Option<Format>,
    /// Write results to a file instead of standard output.
    #[arg(short = 'o', value_name = "FILE", global = true)]
    pub output: Option<PathBuf>,
    /// Colour.
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        env = "PORTCULLIS_COLOR",
        hide_env_values = true
    )]
    pub color: Color,
    /// Write nothing outside ASCII on the terminal; Markdown, HTML and data keep their signs.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Errors only, no summary.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say what is read and written, and show notes.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// The day on which expiry and the catalogue's age are judged: a date, `today` or `none`.
    #[arg(
        long,
        value_name = "DATE",
        global = true,
        env = "PORTCULLIS_AS_OF",
        hide_env_values = true,
        value_parser = as_of
    )]
    pub as_of: Option<AsOf>,
    /// Catalogue of Azure's names instead of the program's own.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "PORTCULLIS_CATALOG",
        hide_env_values = true
    )]
    pub catalog: Option<PathBuf>,
    /// Tell CODE, or all `warnings`, as errors; repeatable.
    #[arg(long, value_name = "CODE", global = true, value_delimiter = ',', value_parser = denied)]
    pub deny: Vec<Denied>,
    /// Do not tell CODE; repeatable.
    #[arg(long, value_name = "CODE", global = true, value_delimiter = ',', value_parser = lowered)]
    pub allow: Vec<Code>,
    /// Tell CODE as a warning; repeatable.
    #[arg(long, value_name = "CODE", global = true, value_delimiter = ',', value_parser = lowered)]
    pub warn: Vec<Code>,
    /// Refuse a lock file that is out of date, and do not write it.
    #[arg(long, global = true)]
    pub locked: bool,
    /// Where diagnostics go: `stderr`, `stdout` or a file.
    #[arg(
        long,
        value_name = "WHERE",
        global = true,
        env = "PORTCULLIS_DIAGNOSTICS",
        hide_env_values = true
    )]
    pub diagnostics: Option<PathBuf>,
}

/// `compile`
#[derive(Args, Clone, Debug)]
pub struct CompileArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Output folder.
    #[arg(
        long,
        value_name = "DIR",
        env = "PORTCULLIS_OUT",
        hide_env_values = true
    )]
    pub out: Option<PathBuf>,
    /// Forms of output.
    #[arg(
        long,
        value_name = "FORMS",
        value_delimiter = ',',
        env = "PORTCULLIS_EMIT",
        hide_env_values = true
    )]
    pub emit: Vec<EmitArg>,
    /// Print one output file, for example `nsg-apim` or `prod/nsg/nsg-apim.json`, and write none.
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    pub stdout: Option<String>,
    /// Write nothing; exit with 3 and list the files that would change.
    #[arg(long)]
    pub check: bool,
    /// Replace output files that were edited by hand.
    #[arg(long)]
    pub force: bool,
    /// Remove output files of earlier runs that are output no more.
    #[arg(long)]
    pub clean: bool,
    /// Forget rule collection groups that were retired earlier: they are deleted in Azure.
    #[arg(long, conflicts_with = "locked")]
    pub prune: bool,
    /// What exceeding a limit of Azure means.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub limits: LimitsArg,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
    /// Do not prove that what is emitted means what is asked; the manifest says so.
    #[arg(long)]
    pub no_prove: bool,
}

/// `lock`
#[derive(Args, Clone, Debug)]
pub struct LockArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Settle what a merge left: what the common ancestor has keeps its number.
    #[arg(long)]
    pub fix: bool,
    /// The common ancestor's lock file for --fix; asked of git if not given.
    #[arg(long, value_name = "FILE", requires = "fix")]
    pub base: Option<PathBuf>,
    /// Take over the numbers of exported network security groups or rule collection groups.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["fix", "prune"])]
    pub from: Vec<PathBuf>,
    /// Forget retired rule collection groups: they are deleted in Azure.
    #[arg(long)]
    pub prune: bool,
    /// Show how full the bands are: of one scope, or of all that contain TEXT.
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["fix", "prune", "from"])]
    pub show: Option<String>,
}

/// `plan`
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Compare with this output folder instead of the project's own.
    #[arg(long, value_name = "DIR", conflicts_with = "live")]
    pub base: Option<PathBuf>,
    /// Compare with what was exported from Azure: a folder of JSON, with a folder in it for each
    /// environment if these are several.
    #[arg(long, value_name = "DIR")]
    pub live: Option<PathBuf>,
    /// Fields that are not compared, such as `tags.cost`; a name stands for all below it.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub ignore_fields: Vec<String>,
    /// Exit with 3 if there is something to write.
    #[arg(long)]
    pub exit_code: bool,
    /// Exit with 4 if this holds; repeatable.
    #[arg(long, value_name = "WHAT", requires = "live")]
    pub fail_on: Vec<FailOnArg>,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
}

/// What a plan can fail on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOnArg {
    /// Azure does not hold what the last output says.
    Drift,
}

/// `check`
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What exceeding a limit of Azure means.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub limits: LimitsArg,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
    /// Do not prove that what is emitted means what is asked; the manifest says so.
    #[arg(long)]
    pub no_prove: bool,
}

/// Definitions that are asked instead of a project.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Definitions instead of a project")]
pub struct AgainstArgs {
    /// Ask what these files and folders hold instead of a project: an output folder, ARM templates,
    /// exported resources; the words of a packet stand before it, or behind `--`.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub against: Vec<PathBuf>,
    /// The network security group that packets leave through. Of the four, those that are named are
    /// asked and no others; without any the only one of each kind, but for --nsg-in.
    #[arg(long, value_name = "NAME", requires = "against")]
    pub nsg_out: Option<String>,
    /// The route table of the source's subnet; without one all packets pass the firewall.
    #[arg(long, value_name = "NAME", requires = "against")]
    pub route_table: Option<String>,
    /// The firewall policy with its parents, or a firewall with rules of its own.
    #[arg(long, value_name = "NAME", requires = "against")]
    pub policy: Option<String>,
    /// The network security group at the destination.
    #[arg(long, value_name = "NAME", requires = "against")]
    pub nsg_in: Option<String>,
    /// Microsoft's weekly file of service tags instead of the built-in catalogue.
    #[arg(long, value_name = "FILE", requires = "against")]
    pub tags: Option<PathBuf>,
    /// Address space of the virtual network, its peers and what its gateway learns; repeatable. What
    /// exported virtual networks say if not given.
    #[arg(long, value_name = "PREFIX", requires = "against")]
    pub vnet: Vec<ipnet::IpNet>,
}

/// `lint`
#[derive(Args, Clone, Debug)]
pub struct LintArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// List every code with its level and name.
    #[arg(long, conflicts_with = "explain")]
    pub list: bool,
    /// Print the page of a code.
    #[arg(long, value_name = "CODE", value_parser = code)]
    pub explain: Option<Code>,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
    /// Definitions instead of a project.
    #[command(flatten)]
    pub definitions: AgainstArgs,
}

/// `test`
#[derive(Args, Clone, Debug)]
pub struct TestArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Run only tests whose name contains TEXT, in any case; the test of a required flow is called
    /// `required group::label`.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// List the flows that no test decides.
    #[arg(long)]
    pub coverage: bool,
    /// What a flow past its day means, with --as-of; what the settings say if not given.
    #[arg(long, value_name = "LEVEL")]
    pub expired: Option<ExpiredArg>,
}

/// `limits`
#[derive(Args, Clone, Debug)]
pub struct LimitsArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Show only what uses at least 80 %.
    #[arg(long)]
    pub near: bool,
}

/// `init`
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// Folder of the new project; made if it is not there.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What to begin with.
    #[arg(long, value_name = "NAME", default_value = "hub")]
    pub template: TemplateArg,
    /// Write the pipeline of a forge too, or of both; where a project is already, nothing else.
    #[arg(long, value_name = "FORGE", value_delimiter = ',')]
    pub ci: Vec<CiArg>,
    /// Write over files that are there.
    #[arg(long)]
    pub force: bool,
}

/// Whose pipeline `init` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum CiArg {
    /// A workflow of GitHub Actions: .github/workflows/portcullis.yml.
    Github,
    /// A pipeline of Azure DevOps: .azure-pipelines/portcullis.yml.
    Azure,
}

/// `config`
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// What to print.
    #[command(subcommand)]
    pub what: ConfigWhat,
}

/// What `config` prints.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigWhat {
    /// The JSON schema of portcullis.yaml.
    Schema,
}

/// `schema`
#[derive(Args, Clone, Debug)]
pub struct SchemaArgs {
    /// Of what.
    pub of: SchemaOf,
}

/// What has a JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The output of `diff --format json`.
    Diff,
    /// portcullis.yaml.
    Settings,
}

/// What a project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TemplateArg {
    /// An API Management instance behind a firewall.
    Apim,
    /// A hub network with a firewall, and a spoke behind it.
    Hub,
    /// Rules for every workload: denies, common allows, exceptions.
    Baseline,
}

/// `fmt`
#[derive(Args, Clone, Debug)]
pub struct FmtArgs {
    /// Files, or folders whose `.gate` files are taken, deeper ones too; `.` if none is given.
    #[arg(conflicts_with = "stdin")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; exit with 1 and list the files that are not formatted.
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show what would change.
    #[arg(long)]
    pub diff: bool,
    /// Read standard input, write standard output.
    #[arg(long)]
    pub stdin: bool,
}

/// `explain`
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// A code such as `PC1004`, a flow such as `names::login`, or a packet: protocol, source and
    /// destination, as in `tcp 10.10.4.7 login.microsoftonline.com:443`.
    #[arg(value_name = "WHAT")]
    pub subject: Vec<String>,
    /// Where the name of the packet resolves to.
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<std::net::IpAddr>,
    /// Packets from a file, one JSON object a line, `-` for standard input; one answer a line.
    #[arg(long, value_name = "FILE")]
    pub flows: Option<PathBuf>,
    /// Rules that nearly matched too.
    #[arg(long)]
    pub all: bool,
    /// Unknown where the verdict hangs on what a name resolves to.
    #[arg(long)]
    pub strict: bool,
    /// Definitions instead of a project.
    #[command(flatten)]
    pub definitions: AgainstArgs,
}

/// `query`
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("ends").args(["from", "to"]).multiple(true).required(true))]
pub struct QueryArgs {
    /// Source file, or folder of a project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Source, in the words of the root module: `weu::apim`, `10.0.0.0/8`, `any except hub`.
    #[arg(long, value_name = "ENDPOINT")]
    pub from: Option<String>,
    /// Destination: `tag(Storage.WestEurope)`, `login.microsoftonline.com`, `[web, data]`.
    #[arg(long, value_name = "ENDPOINT")]
    pub to: Option<String>,
    /// Protocols and services: `tcp`, `https`, `tcp/443, udp/53`, a declared service; any if not given.
    #[arg(long, value_name = "SERVICES")]
    pub proto: Option<String>,
    /// Destination ports: `22`, `80,8000-8080`.
    #[arg(long, value_name = "PORTS")]
    pub ports: Option<String>,
    /// What does not arrive, instead of what does.
    #[arg(long)]
    pub denied: bool,
    /// Only what takes this way: `direct` (past every firewall), `firewall`, or a firewall's name.
    #[arg(long, value_name = "WAY")]
    pub via: Option<String>,
    /// Rows of each kind that are shown; `json` and `csv` have all.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub rows: usize,
}

/// `diff`
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// What is compared: OLD and NEW, each a git revision, a project's folder or file, an output folder,
    /// an ARM template or exported resources; or `A..B`, or `A...B` from where they parted. Without NEW
    /// the work tree; without both what is not committed. A third word is the project's path in revisions.
    #[arg(value_name = "SIDE", num_args = 0..=3)]
    pub sides: Vec<String>,
    /// Look at all packets, not only where something differs: slower, and it must find the same.
    #[arg(long)]
    pub whole: bool,
    /// Exit with 3 if anything differs.
    #[arg(long, conflicts_with = "detailed_exitcode")]
    pub exit_code: bool,
    /// Exit with 2 if anything differs and 1 for errors, as `terraform plan` does.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Exit with 4 if this holds, repeatable: `widened`, `risk=high`, `risk=medium`, `risk=low`,
    /// `required-lost`, `drift` (anything differs).
    #[arg(long, value_name = "WHEN")]
    pub fail_on: Vec<FailOn>,
    /// A region that was looked at and is wanted, by its id, repeatable; it counts for no `--fail-on`.
    #[arg(long, value_name = "ID")]
    pub accept: Vec<String>,
    /// Another form beside that of --format, and its file, repeatable: `sarif=diff.sarif`.
    #[arg(long, value_name = "FORMAT=FILE")]
    pub also: Vec<super::diff::Also>,
    /// Append a summary to the file that GITHUB_STEP_SUMMARY names.
    #[arg(long)]
    pub step_summary: bool,
    /// Longest Markdown; what is left out is counted, and no row of high risk ever is.
    #[arg(long, value_name = "BYTES")]
    pub max_bytes: Option<usize>,
    /// Only what this names, repeatable: `widened`, `narrowed`, `undecided`, `newly-allowed`,
    /// `newly-bypassing`, `redirected`, `no-longer-allowed`, `newly-passing`. The JSON, SARIF and rdjson forms hold all.
    #[arg(long, value_name = "WHAT", value_parser = only, value_delimiter = ',')]
    pub only: Vec<crate::review::select::Only>,
    /// What rows stand below.
    #[arg(long, value_name = "WHAT")]
    pub by: Option<By>,
    /// Unfold the rules that differ.
    #[arg(long)]
    pub rules: bool,
    /// Where no side has sources: the security group that packets leave through.
    #[arg(long, value_name = "NAME", help_heading = "Sides without sources")]
    pub nsg_out: Option<String>,
    /// The route table of the source's subnet.
    #[arg(long, value_name = "NAME", help_heading = "Sides without sources")]
    pub route_table: Option<String>,
    /// The firewall policy, or a firewall without one.
    #[arg(long, value_name = "NAME", help_heading = "Sides without sources")]
    pub policy: Option<String>,
    /// The security group at the destination.
    #[arg(long, value_name = "NAME", help_heading = "Sides without sources")]
    pub nsg_in: Option<String>,
    /// Address space of the source's virtual network, repeatable.
    #[arg(long, value_name = "PREFIX", help_heading = "Sides without sources")]
    pub vnet: Vec<ipnet::IpNet>,
}

fn only(text: &str) -> Result<crate::review::select::Only, String> {
    use crate::review::select::Only;
    Only::of(text).ok_or_else(|| {
        let near = suggest::closest(text, Only::WORDS)
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("known are {}{near}", Only::WORDS.join(", "))
    })
}

/// What the rows of a difference stand below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The statement that did it.
    Flow,
    /// Who owns that.
    Owner,
    /// The environment.
    Env,
}

/// What makes `diff` exit with 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// More is allowed, or traffic passes a firewall no more.
    Widened,
    /// A region has this level or a higher one.
    Risk(crate::diff::told::Level),
    /// Traffic is lost that a `required` flow asks for.
    RequiredLost,
    /// Anything differs.
    Drift,
}

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use crate::diff::told::Level;
        const KNOWN: [(&str, FailOn); 6] = [
            ("widened", FailOn::Widened),
            ("risk=high", FailOn::Risk(Level::High)),
            ("risk=medium", FailOn::Risk(Level::Medium)),
            ("risk=low", FailOn::Risk(Level::Low)),
            ("required-lost", FailOn::RequiredLost),
            ("drift", FailOn::Drift),
        ];
        let found = KNOWN.iter().find(|(word, _)| *word == text);
        found.map(|(_, own)| *own).ok_or_else(|| {
            let words = KNOWN.iter().map(|(word, _)| *word);
            let near = suggest::closest(text, words.clone())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            format!("known are {}{near}", words.collect::<Vec<_>>().join(", "))
        })
    }
}

/// Form of diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    #[value(alias = "jsonl")]
    Json,
    /// Results as comma-separated values, of `query`; diagnostics are for people then.
    Csv,
    /// A SARIF 2.1.0 log.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// Issues of Azure Pipelines.
    AzurePipelines,
    /// JUnit XML; `test` only.
    Junit,
    /// TAP version 14; `test` only.
    Tap,
    /// A Mermaid flow chart; `graph` only.
    Mermaid,
    /// A graph for Graphviz; `graph` only.
    Dot,
    /// A picture; `graph` only.
    Svg,
    /// A diagram for D2; `graph` only.
    D2,
    /// Markdown for a comment; `diff` only.
    Markdown,
    /// For reviewdog; `diff` only.
    Rdjson,
    /// One HTML file; `diff` only.
    Html,
}

/// Colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EmitArg {
    /// One file a resource.
    Rest,
    /// One template a resource group.
    Arm,
}

impl From<EmitArg> for Emit {
    fn from(arg: EmitArg) -> Self {
        match arg {
            EmitArg::Rest => Self::Rest,
            EmitArg::Arm => Self::Arm,
        }
    }
}

/// What exceeding a limit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LimitsArg {
    /// Refuse.
    Error,
    /// Warn and go on.
    Warn,
    /// Say nothing.
    Off,
}

impl From<LimitsArg> for LimitsMode {
    fn from(arg: LimitsArg) -> Self {
        match arg {
            LimitsArg::Error => Self::Error,
            LimitsArg::Warn => Self::Warn,
            LimitsArg::Off => Self::Off,
        }
    }
}

/// What a flow past its day means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExpiredArg {
    /// Refuse.
    Error,
    /// Warn and go on.
    Warn,
    /// Leave the flow out.
    Drop,
}

impl From<ExpiredArg> for OnExpired {
    fn from(arg: ExpiredArg) -> Self {
        match arg {
            ExpiredArg::Error => Self::Error,
            ExpiredArg::Warn => Self::Warn,
            ExpiredArg::Drop => Self::Drop,
        }
    }
}

/// The day on which things are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// They are not.
    None,
    /// The clock's.
    Today,
    /// That one.
    Date(Date),
}

/// What `--deny` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Every warning.
    Warnings,
    /// One code.
    Code(Code),
}

fn as_of(text: &str) -> Result<AsOf, String> {
    match text {
        "none" => Ok(AsOf::None),
        "today" => Ok(AsOf::Today),
        _ => crate::config::parse_date(text)
            .map(AsOf::Date)
            .ok_or_else(|| "write a date such as 2027-01-31, `today` or `none`".to_owned()),
    }
}

fn denied(text: &str) -> Result<Denied, String> {
    if text == "warnings" {
        return Ok(Denied::Warnings);
    }
    code(text).map(Denied::Code)
}

fn lowered(text: &str) -> Result<Code, String> {
    let code = code(text)?;
    if may_be_lowered(code) {
        Ok(code)
    } else {
        Err(format!("{code} is an error that cannot be lowered"))
    }
}

fn code(text: &str) -> Result<Code, String> {
    Code::parse(text).ok_or_else(|| match nearest_code(text) {
        Some(near) => format!("no such code; did you mean {near}?"),
        None => "no such code; codes look like PC1011".to_owned(),
    })
}

/// The code whose number is nearest to what was typed, of the same family.
#[must_use]
pub fn nearest_code(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_uppercase();
    let family = text.get(..3)?;
    let codes = CODES
        .iter()
        .map(|c| c.id)
        .filter(|id| id.starts_with(family));
    suggest::closest(&text, codes)
}
