//! A difference as data: what the JSON form says, and all that the other forms are made of. Prefixes are
//! always complete; a label stands beside them, never instead of them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::Verdict;

use super::order::Order;
use super::textual::Textual;

/// The version of the form. It changes when a reader could break.
pub const SCHEMA: &str = "urn:portcullis:diff:1";

/// The JSON schema of [`Difference`], as published in docs/diff.schema.json.
#[must_use]
pub fn schema() -> String {
    let made = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Difference>();
    let mut value = made.to_value();
    if let Some(members) = value.as_object_mut() {
        members.insert("$id".to_owned(), SCHEMA.into());
    }
    // A value that serde made can be written.
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// What differs between two sides.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What made this.
    pub tool: Tool,
    /// The project's name.
    pub project: String,
    /// Before.
    pub old: Side,
    /// After.
    pub new: Side,
    /// The short of it.
    pub summary: Summary,
    /// Regions of traffic of which the fate differs, the riskiest first. Those of one kind, cause and
    /// environment share no packet, and their union is the difference.
    pub semantic: Vec<Change>,
    /// Rules that differ, by environment.
    pub textual: Vec<Textual>,
    /// Statements that `moved` gives another name.
    pub moved: Vec<Moved>,
    /// The writes of a deployment in order, by environment.
    pub order: Vec<Order>,
    /// Flows of the new side that end soon.
    pub expiring: Vec<Expiring>,
    /// What is said of the new side, and whether the old one said it too.
    pub diagnostics: Vec<Finding>,
    /// What a reader has to know beside: two catalogues, sides without source, a lock that is not there.
    pub notes: Vec<String>,
}

/// What made a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tool {
    /// `portcullis`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The catalogue of service tags that the new side is read with, with its date.
    pub catalog: String,
    /// The day that expiry is judged on.
    pub as_of: Option<String>,
}

/// One side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Side {
    /// As it was asked for: a revision, a folder, a file.
    #[serde(rename = "ref")]
    pub name: String,
    /// The commit, if it is a revision: in full.
    pub commit: Option<String>,
    /// A hash of what was emitted for it: two sides with one hash are the same to the byte.
    pub hash: String,
    /// The catalogue that it was read with.
    pub catalog: String,
}

/// What a difference comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing differs.
    Same,
    /// Rules differ, packets do not.
    SameTraffic,
    /// Less is allowed.
    Narrowed,
    /// More is allowed, or traffic passes a firewall no more.
    Widened,
    /// Both.
    Mixed,
    /// All that may differ hangs on what nobody told.
    Undecided,
}

impl Outcome {
    /// `same-traffic` and the like.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::SameTraffic => "same-traffic",
            Self::Narrowed => "narrowed",
            Self::Widened => "widened",
            Self::Mixed => "mixed",
            Self::Undecided => "undecided",
        }
    }
}

/// The short of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// What it comes to.
    pub verdict: Outcome,
    /// How risky it is. Accepted regions are not counted.
    pub risk: RiskCount,
    /// Regions, each once though it be in several environments.
    pub regions: Counts,
    /// By environment.
    pub environments: IndexMap<String, EnvironmentSummary>,
    /// Resources that a deployment writes, over all environments.
    pub blast_radius: BlastRadius,
}

/// Regions by risk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RiskCount {
    /// The highest; `None` if nothing is newly allowed.
    pub max: Option<Level>,
    /// The highest score, 0 to 100.
    pub score: u32,
    /// Regions of high risk.
    pub high: usize,
    /// Of medium risk.
    pub medium: usize,
    /// Of low risk.
    pub low: usize,
}

/// Regions by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// [`Kind::NewlyAllowed`].
    pub newly_allowed: usize,
    /// [`Kind::NoLongerAllowed`].
    pub no_longer_allowed: usize,
    /// [`Kind::NewlyBypassing`].
    pub newly_bypassing: usize,
    /// [`Kind::Redirected`].
    pub redirected: usize,
    /// [`Kind::NewlyPassing`].
    pub newly_passing: usize,
    /// [`Kind::Undecided`].
    pub undecided: usize,
    /// Of those no longer allowed, such as a `required` flow asks for.
    pub required_lost: usize,
    /// Regions that `--accept` names.
    pub accepted: usize,
    /// Of all, those that only the service tags' data caused.
    pub by_data: usize,
}

/// One environment in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvironmentSummary {
    /// It is on one side only: `added`, `removed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<&'static str>,
    /// The highest risk in it.
    pub risk: Option<Level>,
    /// Regions.
    #[serde(flatten)]
    pub regions: Counts,
    /// Rules and routes.
    pub rules: RuleCounts,
    /// The policy's tests on the new side; `None` if they were not run.
    pub tests: Option<Tests>,
}

/// Rules and routes that differ.
pub type RuleCounts = super::textual::Counts;

/// The policy's tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tests {
    /// They hold.
    pub passed: usize,
    /// They do not.
    pub failed: usize,
}

/// Resources of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Touched {
    /// `rule_collection_group`, `nsg`, `route_table`, `ip_group`, `firewall_policy`.
    pub kind: String,
    /// That a deployment writes or deletes.
    pub touched: usize,
    /// That there are, on either side.
    pub total: usize,
}

/// What a deployment writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BlastRadius {
    /// By kind of resource, in a fixed order.
    pub resources: Vec<Touched>,
    /// Minutes that the firewalls' groups take one after another: from, to; `None` if no group is written.
    pub deploy_minutes: Option<(u32, u32)>,
}

/// How the fate of packets differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They arrive and did not before.
    NewlyAllowed,
    /// They arrive as before, and pass a firewall no more.
    NewlyBypassing,
    /// They arrive as before, and a firewall leads them to another address or port behind it.
    Redirected,
    /// They arrived and do no more.
    NoLongerAllowed,
    /// They arrive as before, and pass a firewall now.
    NewlyPassing,
    /// What becomes of them hangs on what nobody told, on one side at least, and the sides differ.
    Undecided,
}

impl Kind {
    /// `newly_allowed` and the like.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NewlyAllowed => "newly_allowed",
            Self::NewlyBypassing => "newly_bypassing",
            Self::Redirected => "redirected",
            Self::NoLongerAllowed => "no_longer_allowed",
            Self::NewlyPassing => "newly_passing",
            Self::Undecided => "undecided",
        }
    }

    /// Whether more gets through, gets through unseen, or reaches what it did not reach.
    #[must_use]
    pub const fn widens(self) -> bool {
        matches!(
            self,
            Self::NewlyAllowed | Self::NewlyBypassing | Self::Redirected
        )
    }
}

/// What made them differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The policy.
    Policy,
    /// Only what service tags hold.
    Data,
}

/// A region of traffic of which the fate differs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// `sem-` and eight hex digits of kind and traffic: the same traffic has the same id in every run.
    pub id: String,
    /// How it differs.
    pub change: Kind,
    /// What made it differ.
    pub caused_by: Cause,
    /// Where, by name.
    pub environments: Vec<String>,
    /// The packets, with those of `already`, in the first of the environments.
    pub traffic: Traffic,
    /// Packets of the row that fare as before: newly allowed are those that are in none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub already: Vec<Traffic>,
    /// The same in environments where these words stand for other packets.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub elsewhere: IndexMap<String, Elsewhere>,
    /// Where a firewall led them and leads them now; of redirected regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub led: Option<Led>,
    /// The walks of the witness and the sets agree on every layer, without an assumption.
    pub exact: bool,
    /// What the region takes for granted of things whose members nobody told.
    pub assuming: Vec<String>,
    /// A `required` flow asks for what is lost.
    pub required_lost: bool,
    /// Named by `--accept`.
    pub accepted: bool,
    /// How risky it is.
    pub risk: Risk,
    /// A packet of it.
    pub witness: Witness,
    /// What becomes of the witness on the old side.
    pub before: Fate,
    /// And on the new side.
    pub after: Fate,
    /// The statements that did it, new side first.
    pub causes: Vec<CausingFlow>,
}

/// Where a firewall leads what it translates, on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Led {
    /// `10.1.2.4:8443`.
    pub before: String,
    /// `10.1.2.9:22`.
    pub after: String,
}

/// A region in another environment, where the same words stand for other packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Elsewhere {
    /// The packets, with those of `already`.
    pub traffic: Traffic,
    /// Packets of the row that fare as before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub already: Vec<Traffic>,
}

/// A product of sources, destinations and services. All of it together is exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Traffic {
    /// In the language's words: `tcp/443`, `https`, `any`.
    pub services: Vec<String>,
    /// `tcp`, `http`, `https`, `mssql`, `udp`, `icmp`, `esp`, `ah`, `other`; `tcp` is TCP in which no HTTP,
    /// TLS or TDS is read.
    pub protocols: Vec<String>,
    /// Destination ports, from and to; all of 1 to 65535 where a protocol has none.
    pub ports: Vec<(u16, u16)>,
    /// Source ports.
    pub source_ports: Vec<(u16, u16)>,
    /// Where it comes from.
    pub source: End,
    /// Where it goes.
    pub destination: End,
    /// Which names connections show.
    pub names: Names,
    /// What else it takes for granted: of addresses that a layer put in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assuming: Vec<String>,
}

/// One end.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct End {
    /// In the policy's words; `None` if it has none for exactly this.
    pub label: Option<String>,
    /// The label cut to a line, or prefixes, for people.
    pub short: String,
    /// Every prefix of both families.
    pub prefixes: Vec<String>,
    /// Things of which nobody told the members that hold the address: `service tag Foo`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<String>,
    /// Such things that do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
    /// How many IPv4 addresses, decimal.
    pub ipv4: String,
    /// How many IPv6 addresses, decimal.
    pub ipv6: String,
}

/// Names that connections show.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Names {
    /// For people: `any`, `no name`, `*.contoso.com except www.contoso.com`.
    pub short: String,
    /// Connections that show no name are in it.
    pub none: bool,
    /// Names that match one of these are in it.
    pub patterns: Vec<Pattern>,
    /// Things of which nobody told the members that hold the name: `category Social`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<String>,
    /// Such things that do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
}

impl Names {
    /// Whether it says nothing of names.
    #[must_use]
    pub fn is_any(&self) -> bool {
        let all = matches!(self.patterns.as_slice(), [one] if one.pattern == "*" && one.except.is_empty());
        self.none && all && self.within.is_empty() && self.outside.is_empty()
    }
}

/// Names without some.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Pattern {
    /// `www.contoso.com`, `*.contoso.com`, `*`.
    pub pattern: String,
    /// Patterns of names that are not in it.
    pub except: Vec<String>,
}

/// How risky a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It opens nothing.
    Info,
    /// Below 25.
    Low,
    /// Below 60.
    Medium,
    /// From 60.
    High,
}

impl Level {
    /// `info`, `low`, `medium`, `high`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The score of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Risk {
    /// By the score.
    pub level: Level,
    /// 0 to 100.
    pub score: u32,
    /// What it is the sum of, before it is capped.
    pub factors: Vec<Factor>,
}

/// Part of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Factor {
    /// `source_any`, `addresses_opened` and the like; the keys of `risk.points` in portcullis.yaml.
    pub name: &'static str,
    /// What was found, for people: `65,536 private addresses newly reachable`.
    pub text: String,
    /// What it adds or, below 0, takes.
    pub points: i32,
}

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Witness {
    /// In which environment.
    pub environment: String,
    /// One of [`Traffic::protocols`].
    pub protocol: String,
    /// Source address.
    pub source_ip: String,
    /// Source port, where it matters.
    pub source_port: Option<u16>,
    /// Destination address.
    pub destination_ip: String,
    /// Destination port, where the protocol has any.
    pub destination_port: Option<u16>,
    /// The name that it shows.
    pub fqdn: Option<String>,
    /// `tcp 10.40.32.4 -> 172.31.0.1:443`.
    pub text: String,
    /// The command that tells its whole way on the new side; `None` if it cannot be typed.
    pub explain: Option<String>,
}

/// What becomes of a packet on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fate {
    /// The verdict; `None` if nobody can say.
    #[serde(serialize_with = "verdict")]
    #[schemars(with = "VerdictWord")]
    pub verdict: Option<Verdict>,
    /// In a line: `denied: firewall default`.
    pub text: String,
    /// What it meets, in order.
    pub path: Vec<Hop>,
}

/// The words of verdicts.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[allow(dead_code)]
enum VerdictWord {
    /// It arrives.
    Allow,
    /// It does not.
    Deny,
    /// Nobody can say.
    Undecided,
}

fn verdict<S: serde::Serializer>(of: &Option<Verdict>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(of.map_or("undecided", Verdict::word))
}

/// One thing on a packet's way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hop {
    /// `nsg`, `route`, `firewall`.
    pub layer: String,
    /// The resource; empty if none is attached.
    pub resource: String,
    /// `inbound`, `outbound`, of an NSG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The rule or route that decides, `default` if none does.
    pub rule: String,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Where a route leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<String>,
    /// What it says: `allow`, `deny`, empty for a route that leads on.
    pub verdict: String,
    /// `file:line` of the statement behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A statement that made packets differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct CausingFlow {
    /// `group::label`, or what the statement is: `subnet apim`.
    pub flow: String,
    /// `old`, `new`: where it is written.
    pub side: String,
    /// `added`, `removed`, `changed`, `expired`; `there` if it is as it was and something else made way for it; empty
    /// if a side has no sources, so that nobody knows.
    pub edit: String,
    /// The file as seen from the working directory; empty if nobody wrote it.
    pub file: String,
    /// The line, from 1; 0 if nobody wrote it.
    pub line: u32,
    /// `file:line` on the other side, if that has the statement too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    /// `for`.
    pub purpose: Option<String>,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// `until`.
    pub until: Option<String>,
}

impl CausingFlow {
    /// `hub.gate:90`, with `(base)` if only the old side has it.
    #[must_use]
    pub fn place(&self) -> String {
        let base = if self.side == "old" { " (base)" } else { "" };
        if self.line == 0 {
            format!("{}{base}", self.file)
        } else {
            format!("{}:{}{base}", self.file, self.line)
        }
    }
}

/// A statement with another name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Moved {
    /// On the old side.
    pub was: String,
    /// On the new side.
    pub now: String,
}

/// A flow that ends soon.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Expiring {
    /// `until`.
    pub until: String,
    /// `group::label`.
    pub flow: String,
    /// `owner`.
    pub owner: Option<String>,
    /// `ticket`.
    pub ticket: Option<String>,
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// What is said of the new side.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Finding {
    /// `PC6009`.
    pub code: String,
    /// `error`, `warning`, `note`.
    pub level: String,
    /// The message.
    pub message: String,
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The old side did not say it.
    pub new: bool,
}
