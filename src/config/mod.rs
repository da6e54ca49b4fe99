//! portcullis.yaml, typed: what a project may set, and the defaults. It finds and opens no file.

mod bands;
mod choices;
mod read;
mod reader;
mod tree;

use std::collections::BTreeMap;

use indexmap::IndexMap;

pub use crate::diag::levels::Level;
pub use bands::{Band, Bands, NSG_RANGE, RCG_RANGE, Stride};
pub use choices::{Emit, LimitsMode};
pub use read::{not_text, parse};

use crate::catalog::Cloud;
use crate::diag::Code;
use crate::syntax::ast::Date;

/// The settings of a project. A field whose doc says "kept, not used yet" is checked when it is
/// read but changes nothing in this version.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Version of the settings' form; only 1 exists.
    pub version: u32,
    /// The project's name; the command line gives the folder's name if it is absent.
    pub project: Option<String>,
    /// Files of the root module, relative to the settings file, forward slashes. If empty: every
    /// `.gate` file of the folder.
    pub sources: Vec<String>,
    /// Output folder, relative to the settings file.
    pub out: String,
    /// Which Azure cloud's names are valid.
    pub cloud: Cloud,
    /// The day on which expiry and catalogue age are judged; not judged if absent.
    pub as_of: Option<Date>,
    /// Forms of output.
    pub emit: Vec<Emit>,
    /// API versions of the emitted resources.
    pub api_version: ApiVersions,
    /// Where resources live, unless the environment says otherwise.
    pub deploy: Deploy,
    /// What is particular to an environment.
    pub environments: IndexMap<String, EnvironmentSettings>,
    /// Which catalogue of Azure names to use.
    pub catalog: CatalogSettings,
    /// File of remembered numbers, relative to the settings file.
    pub lock: String,
    /// Patterns of generated names. Kept, not used yet.
    pub naming: Naming,
    /// How rules are spread over resources. Kept; only the defaults have an effect yet.
    pub layout: Layout,
    /// Numbers of the tiers.
    pub bands: Bands,
    /// Levels of diagnostics, changed from their defaults.
    pub lints: BTreeMap<Code, Level>,
    /// What every flow must state.
    pub require: Require,
    /// Ports of administration, as ranges.
    pub admin_ports: Vec<(u16, u16)>,
    /// Ports whose usual protocol is not encrypted, as ranges.
    pub clear_text_ports: Vec<(u16, u16)>,
    /// Risk of a change.
    pub risk: Risk,
    /// Reports of a change.
    pub diff: DiffSettings,
    /// Expiry of flows.
    pub expiry: Expiry,
    /// Whether arm output also ties subnets to their NSG and route table. Kept, not used yet.
    pub associate: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 1,
            project: None,
            sources: Vec::new(),
            out: "out".to_owned(),
            cloud: Cloud::Public,
            as_of: None,
            emit: vec![Emit::Rest],
            api_version: ApiVersions::default(),
            deploy: Deploy::default(),
            environments: IndexMap::new(),
            catalog: CatalogSettings::default(),
            lock: "portcullis.lock".to_owned(),
            naming: Naming::default(),
            layout: Layout::default(),
            bands: Bands::default(),
            lints: BTreeMap::new(),
            require: Require::default(),
            admin_ports: vec![
                (22, 22),
                (3389, 3389),
                (445, 445),
                (1433, 1433),
                (5985, 5986),
            ],
            clear_text_ports: vec![
                (21, 21),
                (23, 23),
                (80, 80),
                (110, 110),
                (143, 143),
                (389, 389),
                (512, 514),
            ],
            risk: Risk::default(),
            diff: DiffSettings::default(),
            expiry: Expiry::default(),
            associate: false,
        }
    }
}

/// The JSON schema of the settings file, for editors.
pub const SCHEMA: &str = include_str!("../../docs/portcullis.schema.json");

/// A date as `YYYY-MM-DD`, nothing else.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    reader::date(text)
}

impl Settings {
    /// Where the resources of an environment live: its own values over the common ones.
    #[must_use]
    pub fn deploy_for(&self, environment: &str) -> Deploy {
        let own = self.environments.get(environment).map(|e| &e.deploy);
        let pick = |get: fn(&Deploy) -> &Option<String>| {
            own.and_then(|d| get(d).clone())
                .or_else(|| get(&self.deploy).clone())
        };
        Deploy {
            subscription: pick(|d| &d.subscription),
            resource_group: pick(|d| &d.resource_group),
            location: pick(|d| &d.location),
        }
    }
}

/// API versions of the emitted resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersions {
    /// For every type that is not in `types`.
    pub default: String,
    /// By resource type as written, for example `Microsoft.Network/networkSecurityGroups`.
    pub types: IndexMap<String, String>,
}

impl Default for ApiVersions {
    fn default() -> Self {
        Self {
            // A version of Microsoft.Network that has every property emitted here.
            default: "2024-10-01".to_owned(),
            types: IndexMap::new(),
        }
    }
}

impl ApiVersions {
    /// The version of a resource type; Azure compares types without regard to case.
    #[must_use]
    pub fn of(&self, resource_type: &str) -> &str {
        self.types
            .iter()
            .find(|(t, _)| t.eq_ignore_ascii_case(resource_type))
            .map_or(&self.default, |(_, v)| v)
    }
}

/// Where resources live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deploy {
    /// Subscription id.
    pub subscription: Option<String>,
    /// Resource group.
    pub resource_group: Option<String>,
    /// Region.
    pub location: Option<String>,
}

/// What is particular to an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentSettings {
    /// Where its resources live; a missing value is the common one.
    pub deploy: Deploy,
}

/// Which catalogue of Azure names to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogSettings {
    /// A catalogue file, relative to the settings file; the embedded one if absent.
    pub file: Option<String>,
    /// Age in days from which the catalogue counts as old, judged on `as-of`.
    pub max_age_days: u32,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self {
            file: None,
            max_age_days: 60,
        }
    }
}

/// Patterns of generated names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Of a rule.
    pub rule: String,
    /// Of a rule collection group.
    pub rcg: String,
}

impl Default for Naming {
    fn default() -> Self {
        Self {
            rule: "{group}-{label}".to_owned(),
            rcg: "pc-{tier}-{action}-{instance}-{group}".to_owned(),
        }
    }
}

/// How rules are spread over resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Rule collection groups.
    pub rcg: RcgLayout,
    /// NSG rules.
    pub nsg_rules: NsgRuleLayout,
}

/// What a rule collection group holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RcgLayout {
    /// One group of flows.
    #[default]
    PerGroup,
    /// One instance of a module.
    PerInstance,
    /// A whole tier.
    Merged,
}

/// Where NSG rules stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NsgRuleLayout {
    /// In the NSG.
    #[default]
    Inline,
    /// As resources of their own.
    Children,
}

/// Which flows must state something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequiredOf {
    /// None.
    #[default]
    None,
    /// Exceptions.
    Exceptions,
    /// All.
    All,
}

/// What flows must state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Require {
    /// `for`.
    pub purpose: RequiredOf,
    /// `owner`.
    pub owner: RequiredOf,
    /// `ticket`.
    pub ticket: RequiredOf,
    /// Longest life in days of the flows of a tier.
    pub max_days: BTreeMap<Band, u32>,
}

/// How much a change weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskLevel {
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
}

/// Risk of a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Risk {
    /// The level from which a change fails.
    pub fail: Option<RiskLevel>,
    /// Weight by environment.
    pub weights: BTreeMap<String, f64>,
    /// Points by the name of a factor, where they are not those of [`POINTS`].
    pub points: BTreeMap<String, u32>,
}

/// What makes a change risky, with the points that it has unless the settings say otherwise. The last
/// two lower the score.
pub const POINTS: [(&str, u32); 14] = [
    ("source-any", 45),
    ("destination-any", 25),
    ("wildcard-name", 10),
    ("shared-wildcard", 15),
    ("addresses-opened", 32),
    ("boundary", 30),
    ("admin-port", 25),
    ("clear-text-port", 25),
    ("all-ports", 35),
    ("exception", 12),
    ("private-destination", 20),
    ("bypass", 20),
    ("until", 8),
    ("record", 5),
];

impl Risk {
    /// The points of a factor.
    #[must_use]
    pub fn points_of(&self, factor: &str) -> u32 {
        let usual = POINTS.iter().find(|(name, _)| *name == factor);
        let usual = usual.map_or(0, |(_, points)| *points);
        self.points.get(factor).copied().unwrap_or(usual)
    }

    /// The weight of an environment. Unless the settings say otherwise `test` weighs 0.7 and `dev` 0.5.
    #[must_use]
    pub fn weight_of(&self, environment: &str) -> f64 {
        let usual = match environment {
            "dev" => 0.5,
            "test" => 0.7,
            _ => 1.0,
        };
        self.weights.get(environment).copied().unwrap_or(usual)
    }
}

/// What becomes of an earlier comment on a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommentMode {
    /// It is written over.
    #[default]
    Update,
    /// A new one is added.
    New,
}

/// Reports of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffSettings {
    /// Longest report in bytes.
    pub max_bytes: u32,
    /// Comments.
    pub comment: CommentMode,
}

impl Default for DiffSettings {
    fn default() -> Self {
        Self {
            max_bytes: 65000,
            comment: CommentMode::Update,
        }
    }
}

/// What a flow past its day means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExpired {
    /// An error.
    #[default]
    Error,
    /// A warning.
    Warn,
    /// The flow is left out.
    Drop,
}

/// Expiry of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Days before the end from which it is told.
    pub warn_days: u32,
    /// What a flow past its day means.
    pub on_expired: OnExpired,
}

impl Default for Expiry {
    fn default() -> Self {
        Self {
            warn_days: 60,
            on_expired: OnExpired::Error,
        }
    }
}
