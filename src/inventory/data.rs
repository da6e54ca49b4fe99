//! One policy as data: what `report --format json` says, and all that tables and pictures are made of.
//! It works nothing out.

use serde::Serialize;

/// The version of the form. It changes when a reader could break.
pub const SCHEMA: &str = "urn:portcullis:report:1";

/// A policy in all its environments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What made this.
    pub tool: Tool,
    /// The project's name.
    pub project: String,
    /// The output was proven to mean what the policy asks.
    pub proven: bool,
    /// By name.
    pub environments: Vec<Environment>,
    /// What ends, the soonest first: flows, translations and routes with `until`.
    pub expiries: Vec<Expiry>,
    /// Flows that are not in force in every environment.
    pub optional: Vec<Optional>,
}

/// What made an inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tool {
    /// `portcullis`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The catalogue of service tags, with its date.
    pub catalog: String,
    /// The day that expiry is judged on.
    pub as_of: Option<String>,
}

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Assumptions that the policy states.
    pub assumptions: usize,
    /// Subnets that are ends of traffic.
    pub subnets: Vec<Subnet>,
    /// What is in force: flows, translations, routes.
    pub flows: Vec<Flow>,
    /// Who reaches what.
    pub matrix: Matrix,
    /// By which way allowed flows go.
    pub edges: Vec<Edge>,
    /// Azure's limits, with what each resource uses.
    pub limits: Vec<Limit>,
    /// Rules that let more pass than their flows ask for, for a later layer to narrow.
    pub envelopes: Vec<Envelope>,
}

/// A place in the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as seen from the working directory; empty if nobody wrote it.
    pub file: String,
    /// The line, from 1; 0 if nobody wrote it.
    pub line: u32,
}

impl Place {
    /// `hub.gate:90`; empty if nobody wrote it.
    #[must_use]
    pub fn text(&self) -> String {
        if self.line == 0 {
            self.file.clone()
        } else {
            format!("{}:{}", self.file, self.line)
        }
    }
}

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// `instance::name`.
    pub key: String,
    /// The Azure name.
    pub name: String,
    /// Its prefixes.
    pub prefixes: Vec<String>,
    /// Its virtual network.
    pub network: Option<String>,
    /// Its zone.
    pub zone: Option<String>,
    /// The Azure name of its network security group.
    pub nsg: Option<String>,
    /// The Azure name of its route table.
    pub route_table: Option<String>,
    /// What it runs.
    pub runs: Option<String>,
}

/// What a statement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `allow`, `deny`, `forbid`.
    #[default]
    Flow,
    /// `dnat`.
    Translation,
    /// `route`.
    Route,
}

/// One statement that is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// `instance::group::label`.
    pub id: String,
    /// `instance::group`.
    pub group: String,
    /// What it is.
    pub kind: Kind,
    /// `allow`, `deny`, `forbid`, `dnat`, `route`.
    pub action: String,
    /// `forbid`, `exception`, `deny`, `ordered`, `allow`; that of a flow only.
    pub tier: Option<&'static str>,
    /// `required`, `optional`.
    pub need: Option<&'static str>,
    /// Source, term by term.
    pub from: Vec<String>,
    /// Destination, term by term.
    pub to: Vec<String>,
    /// `https`, `tcp/80,443`.
    pub services: Vec<String>,
    /// Where a translation or a route leads.
    pub into: Option<String>,
    /// What it overrides.
    pub overrides: Vec<String>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// `until`.
    pub until: Option<String>,
    /// Where it is written.
    pub place: Place,
    /// The rules that it became.
    pub rules: Vec<Rule>,
    /// Firewalls on its ways, by name.
    pub firewalls: Vec<String>,
    /// Some of its ways pass no firewall.
    pub direct: bool,
}

/// A rule that a flow became.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rule {
    /// Names of the resource, parent first.
    pub resource: String,
    /// Its name.
    pub rule: String,
    /// `exact`, `envelope`, `guard`.
    pub role: &'static str,
}

/// What the end of a matrix is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// `any`, or most of the addresses that there are.
    #[default]
    Everyone,
    /// A declared subnet.
    Subnet,
    /// Addresses with or without a name.
    Addresses,
    /// A service tag.
    Tag,
    /// Host names, FQDN tags, web categories, URLs.
    Names,
}

impl UnitKind {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Subnet => "subnets",
            Self::Addresses => "addresses",
            Self::Tag => "service tags",
            Self::Names => "names",
        }
    }
}

/// A row or a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// What it is called, in a line.
    pub label: String,
    /// What it is.
    pub kind: UnitKind,
    /// Its virtual network, of a subnet.
    pub network: Option<String>,
    /// Its zone, of a subnet.
    pub zone: Option<String>,
    /// The owner of most of its flows.
    pub owner: Option<String>,
    /// Prefixes, or names: all of them.
    pub members: Vec<String>,
}

/// Sources, destinations, and what passes between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// Sources.
    pub rows: Vec<Unit>,
    /// Destinations.
    pub columns: Vec<Unit>,
    /// By row and column; a pair that is not here no flow speaks of, and nothing passes that was asked
    /// about.
    pub cells: Vec<Cell>,
    /// Pairs of subnets, and of a subnet and the internet, were asked for what passes though no flow
    /// speaks of it.
    pub defaults_asked: bool,
}

/// What becomes of the traffic of a cell. The first that holds is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something passes of which no flow speaks: by Azure's own rules, or where nothing enforces.
    Unasked,
    /// Something passes by an exception from a deny.
    Exception,
    /// Something passes, by a rule of a security group that is wider than asked and narrowed later.
    Envelope,
    /// Something passes.
    Allow,
    /// Whether something passes hangs on what nobody told.
    Undecided,
    /// Nothing of what flows speak of passes.
    Denied,
}

impl State {
    /// One word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::Envelope => "envelope",
            Self::Allow => "allow",
            Self::Unasked => "unasked",
            Self::Undecided => "undecided",
            Self::Denied => "denied",
        }
    }

    /// All of them, in the order of a legend.
    pub const ALL: [Self; 6] = [
        Self::Allow,
        Self::Exception,
        Self::Envelope,
        Self::Unasked,
        Self::Undecided,
        Self::Denied,
    ];
}

/// One pair with something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The row, by number.
    pub row: usize,
    /// The column, by number.
    pub column: usize,
    /// What becomes of its traffic.
    pub state: State,
    /// Part of what flows speak of hangs on what nobody told.
    pub undecided: bool,
    /// Services of flows of which something passes.
    pub passes: Vec<String>,
    /// How many ports that are; 0 if all of them.
    pub ports: u32,
    /// Services of flows of which something is stopped.
    pub stopped: Vec<String>,
    /// The flows behind it.
    pub flows: Vec<CellFlow>,
}

/// What becomes of what a flow speaks of, between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// All of it arrives.
    Passes,
    /// Some of it arrives.
    Partly,
    /// None of it arrives.
    Stopped,
    /// It hangs on what nobody told.
    Undecided,
    /// Nothing that is declared lies between the ends.
    Nowhere,
}

/// A flow behind a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellFlow {
    /// By number in the environment's flows; `None` for what no flow speaks of.
    pub flow: Option<usize>,
    /// What becomes of it.
    pub fate: Fate,
    /// What it hangs on, which rule takes it, why.
    pub why: Option<String>,
    /// A packet of it, as arguments of `portcullis explain`.
    pub packet: Option<String>,
}

/// What enforces on a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// A firewall.
    Firewall,
    /// A network security group only.
    Nsg,
    /// Nothing.
    Direct,
}

/// Flows of one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Where it starts: a subnet, or what the flows call it.
    pub from: Node,
    /// What enforces on it.
    pub point: PointKind,
    /// The firewall's or the security group's name; empty if nothing enforces.
    pub by: String,
    /// Where it ends.
    pub to: Node,
    /// The flows that take it, by number in the environment's flows.
    pub flows: Vec<usize>,
}

/// An end of an edge.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Node {
    /// Its label.
    pub label: String,
    /// What it is.
    pub kind: UnitKind,
    /// Its virtual network, of a subnet.
    pub network: Option<String>,
    /// Its zone, of a subnet.
    pub zone: Option<String>,
}

/// How much of a limit of Azure a resource uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// The resource's type in words.
    pub resource: &'static str,
    /// Its Azure name.
    pub name: String,
    /// What is counted.
    pub limit: &'static str,
    /// How much is used.
    pub used: usize,
    /// The most there may be.
    pub allowed: usize,
    /// The share in hundredths, rounded down.
    pub percent: usize,
    /// `ok`, `near` from 80 % on, `over`.
    pub mark: &'static str,
    /// Where the limit is said.
    pub source: &'static str,
    /// When that was read.
    pub checked: &'static str,
}

/// A rule that is wider than its flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// The network security group.
    pub resource: String,
    /// The rule.
    pub rule: String,
    /// Its number.
    pub priority: Option<i64>,
    /// `Inbound`, `Outbound`.
    pub direction: String,
    /// Protocol and ports.
    pub services: String,
    /// Sources.
    pub from: Vec<String>,
    /// Destinations.
    pub to: Vec<String>,
    /// The flows behind it.
    pub flows: Vec<String>,
    /// The firewalls behind it that narrow it; if there are none, the policy accepts it as it is.
    pub narrowed_by: Vec<String>,
}

/// Something that ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Expiry {
    /// `until`.
    pub until: String,
    /// Days from the day of judgement; below 0 if it is past. `None` if no day is given.
    pub days: Option<i64>,
    /// `instance::group::label`.
    pub flow: String,
    /// `forbid`, `exception`, `deny`, `ordered`, `allow`, `dnat`, `route`.
    pub tier: String,
    /// Where it is in force.
    pub environments: Vec<String>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// A flow that is not in force everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Optional {
    /// `instance::group::label`.
    pub flow: String,
    /// It is `optional`; else only a `when` keeps it out.
    pub optional: bool,
    /// Where it is in force.
    pub on: Vec<String>,
    /// Where it is not: `optional` and not enabled.
    pub off: Vec<String>,
    /// Where a `when` keeps it out.
    pub excluded: Vec<String>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// Where it is written.
    pub place: Place,
}
