//! The checks of portcullis.yaml: tree to settings, every fault told. Not the YAML parser.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::bands::{self, BandFault};
use super::reader::{Reader, bad_settings, did_you_mean};
use super::tree::{self, Node};
use super::{
    ApiVersions, Band, Bands, CatalogSettings, CommentMode, Deploy, DiffSettings,
    EnvironmentSettings, Expiry, Layout, Level, NSG_RANGE, Naming, NsgRuleLayout, OnExpired,
    POINTS, RCG_RANGE, RcgLayout, Require, RequiredOf, Risk, RiskLevel, Settings,
};
use crate::catalog::Cloud;
use crate::diag::levels::may_be_lowered;
use crate::diag::{CODES, Code, Diagnostic};
use crate::source::{FileId, SourceMap, Span};

/// Reads a settings file. Faults are PC9001; the settings then hold what was right.
#[must_use]
pub fn parse(sources: &SourceMap, file: FileId) -> (Settings, Vec<Diagnostic>) {
    let text = sources.get(file).map_or("", |f| f.text.as_str());
    let mut reader = Reader {
        text,
        file,
        path: Vec::new(),
        faults: Vec::new(),
    };
    let mut settings = Settings::default();
    match tree::read(text) {
        Ok(root) => reader.settings(&root, &mut settings),
        Err(fault) => {
            let span = fault.place.map_or_else(
                || Span::new(file, 0, 0),
                |place| reader.span_of_place(place),
            );
            let help = "check the YAML; settings need no anchors, no tags and one document";
            reader
                .faults
                .push(bad_settings(span, fault.message).help(help));
        }
    }
    (settings, reader.faults)
}

/// PC9001 for a settings file whose byte `at` is not UTF-8.
#[must_use]
pub fn not_text(sources: &SourceMap, file: FileId, at: usize) -> Diagnostic {
    let length = sources.get(file).map_or(0, |f| f.text.len());
    let start = u32::try_from(at.min(length)).unwrap_or(u32::MAX);
    let span = Span::new(file, start, start.saturating_add(3));
    bad_settings(span, "the file holds bytes that are not UTF-8")
        .help("save the file as UTF-8 text")
}

const TOP_KEYS: &[&str] = &[
    "version",
    "project",
    "sources",
    "out",
    "cloud",
    "as-of",
    "emit",
    "api-version",
    "deploy",
    "environments",
    "catalog",
    "lock",
    "naming",
    "layout",
    "bands",
    "lints",
    "require",
    "admin-ports",
    "clear-text-ports",
    "risk",
    "diff",
    "expiry",
    "associate",
];

impl Reader<'_> {
    fn settings(&mut self, root: &Node, s: &mut Settings) {
        self.map(root, "the settings", TOP_KEYS, |r, key, node| match key {
            "version" => {
                if let Some(n) = r.integer(node, key, 1, i64::MAX)
                    && n != 1
                {
                    r.value_fault(
                        format!("version {n} of the settings is not known"),
                        "write `version: 1`, or use a newer portcullis",
                    );
                }
            }
            "project" => set(&mut s.project, r.text_of(node, key).map(Some)),
            "sources" => set(&mut s.sources, r.list(node, key, Self::relative_path)),
            "out" => set(&mut s.out, r.relative_path(node, key)),
            "cloud" => set(
                &mut s.cloud,
                r.word(
                    node,
                    key,
                    &[
                        ("public", Cloud::Public),
                        ("usgov", Cloud::UsGov),
                        ("china", Cloud::China),
                    ],
                ),
            ),
            "as-of" => set(&mut s.as_of, r.as_of(node, key)),
            "emit" => set(&mut s.emit, r.emit(node, key)),
            "api-version" => r.api_versions(node, key, &mut s.api_version),
            "deploy" => r.deploy(node, key, &mut s.deploy),
            "environments" => r.environments(node, key, &mut s.environments),
            "catalog" => r.catalog(node, key, &mut s.catalog),
            "lock" => set(&mut s.lock, r.relative_path(node, key)),
            "naming" => r.naming(node, key, &mut s.naming),
            "layout" => r.layout(node, key, &mut s.layout),
            "bands" => r.bands(node, key, &mut s.bands),
            "lints" => r.lints(node, key, &mut s.lints),
            "require" => r.require(node, key, &mut s.require),
            "admin-ports" => set(&mut s.admin_ports, r.list(node, key, Self::ports)),
            "clear-text-ports" => set(&mut s.clear_text_ports, r.list(node, key, Self::ports)),
            "risk" => r.risk(node, key, &mut s.risk),
            "diff" => r.diff(node, key, &mut s.diff),
            "expiry" => r.expiry(node, key, &mut s.expiry),
            "associate" => set(&mut s.associate, r.boolean(node, key)),
            _ => {}
        });
    }

    // Sections.

    fn api_versions(&mut self, node: &Node, key: &str, out: &mut ApiVersions) {
        if !matches!(node, Node::Map(_)) {
            set(&mut out.default, self.api_version(node, key));
            return;
        }
        self.any_map(node, key, |r, resource_type, node| {
            if resource_type == "default" {
                set(&mut out.default, r.api_version(node, key));
            } else if !resource_type.contains('/') {
                r.key_fault(
                    format!("`{resource_type}` is not a resource type"),
                    "write it in full, for example `Microsoft.Network/networkSecurityGroups`, \
                     or `default` for all others",
                );
            } else if let Some(version) = r.api_version(node, key) {
                out.types.insert(resource_type.to_owned(), version);
            }
        });
    }

    fn deploy(&mut self, node: &Node, key: &str, out: &mut Deploy) {
        let keys = &["subscription", "resource-group", "location"];
        self.map(node, key, keys, |r, key, node| match key {
            "subscription" => {
                if let Some(id) = r.text_of(node, key) {
                    if is_guid(&id) {
                        out.subscription = Some(id);
                    } else {
                        r.value_fault(
                            format!("`{id}` is not a subscription id"),
                            "a subscription id has the form 00000000-0000-0000-0000-000000000000",
                        );
                    }
                }
            }
            "resource-group" => set(&mut out.resource_group, r.text_of(node, key).map(Some)),
            _ => set(&mut out.location, r.text_of(node, key).map(Some)),
        });
    }

    fn environments(
        &mut self,
        node: &Node,
        key: &str,
        out: &mut IndexMap<String, EnvironmentSettings>,
    ) {
        self.any_map(node, key, |r, name, node| {
            let mut environment = EnvironmentSettings::default();
            // `prod:` with nothing after it is an environment without own values.
            if *node != Node::Null {
                let what = format!("environments.{name}");
                r.map(node, &what, &["deploy"], |r, key, node| {
                    r.deploy(node, key, &mut environment.deploy);
                });
            }
            out.insert(name.to_owned(), environment);
        });
    }

    fn catalog(&mut self, node: &Node, key: &str, out: &mut CatalogSettings) {
        self.map(node, key, &["file", "max-age-days"], |r, key, node| {
            if key == "file" {
                set(&mut out.file, r.relative_path(node, key).map(Some));
            } else {
                set(&mut out.max_age_days, r.number(node, key, 1, 3650));
            }
        });
    }

    fn naming(&mut self, node: &Node, key: &str, out: &mut Naming) {
        self.map(node, key, &["rule", "rcg"], |r, key, node| {
            let field = if key == "rule" {
                &mut out.rule
            } else {
                &mut out.rcg
            };
            set(field, r.text_of(node, key));
        });
    }

    fn layout(&mut self, node: &Node, key: &str, out: &mut Layout) {
        self.map(node, key, &["rcg", "nsg-rules"], |r, key, node| {
            if key == "rcg" {
                let words = [
                    ("per-group", RcgLayout::PerGroup),
                    ("per-instance", RcgLayout::PerInstance),
                    ("merged", RcgLayout::Merged),
                ];
                set(&mut out.rcg, r.word(node, key, &words));
            } else {
                let words = [
                    ("inline", NsgRuleLayout::Inline),
                    ("children", NsgRuleLayout::Children),
                ];
                set(&mut out.nsg_rules, r.word(node, key, &words));
            }
        });
    }

    fn bands(&mut self, node: &Node, key: &str, out: &mut Bands) {
        self.map(node, key, &["nsg", "rcg", "stride"], |r, key, node| {
            match key {
                "nsg" => r.band_table(node, "bands.nsg", &mut out.nsg, NSG_RANGE),
                "rcg" => r.band_table(node, "bands.rcg", &mut out.rcg, RCG_RANGE),
                _ => r.map(node, "bands.stride", &["nsg", "rcg"], |r, key, node| {
                    let field = if key == "nsg" {
                        &mut out.stride.nsg
                    } else {
                        &mut out.stride.rcg
                    };
                    set(field, r.number(node, key, 1, 1000));
                }),
            };
        });
    }

    fn band_table(
        &mut self,
        node: &Node,
        what: &str,
        out: &mut IndexMap<Band, (u32, u32)>,
        range: (u32, u32),
    ) {
        let mut table = out.clone();
        // Where each band was written; one that was not keeps its default numbers.
        let mut places: BTreeMap<Band, Vec<usize>> = BTreeMap::new();
        let keys: Vec<&str> = out.keys().map(|b| b.name()).collect();
        self.map(node, what, &keys, |r, key, node| {
            if let (Some(band), Some(numbers)) = (Band::parse(key), r.range(node, key)) {
                table.insert(band, numbers);
                places.insert(band, r.path.clone());
            }
        });
        let mut good = true;
        for fault in bands::check(&table, range) {
            good = false;
            let (band, other, message, help) = match fault {
                BandFault::OutOfRange(band) => (
                    band,
                    None,
                    format!("band `{}` leaves the range of priorities", band.name()),
                    format!("{what} may use {} to {}", range.0, range.1),
                ),
                BandFault::Meets(band, earlier) => {
                    let numbers = |b: &Band| table.get(b).copied().unwrap_or_default();
                    let (low, high) = numbers(&earlier);
                    let message = if earlier == Band::Reserved {
                        format!("band `{}` shares numbers with `reserved`", band.name())
                    } else {
                        format!(
                            "band `{}` does not start after `{}`",
                            band.name(),
                            earlier.name()
                        )
                    };
                    let help = format!(
                        "`{}` has {low} to {high} here; tiers rise in the order {}",
                        earlier.name(),
                        table
                            .keys()
                            .filter(|b| **b != Band::Reserved)
                            .map(|b| b.name())
                            .collect::<Vec<_>>()
                            .join(", ")
                    );
                    (band, Some(earlier), message, help)
                }
            };
            let place = places
                .get(&band)
                .or_else(|| other.and_then(|o| places.get(&o)));
            let path = place.cloned().unwrap_or_else(|| self.path.clone());
            self.fault_at(&path, false, message, help);
        }
        if good {
            *out = table;
        }
    }

    fn lints(&mut self, node: &Node, key: &str, out: &mut BTreeMap<Code, Level>) {
        let words = [
            ("error", Level::Error),
            ("warn", Level::Warn),
            ("note", Level::Note),
            ("allow", Level::Allow),
        ];
        self.any_map(node, key, |r, name, node| {
            let Some(code) = Code::parse(name) else {
                let family = name.get(..3).unwrap_or("").to_ascii_uppercase();
                let names = CODES
                    .iter()
                    .map(|c| c.id)
                    .filter(|id| id.starts_with(&family));
                r.key_fault(
                    format!("no diagnostic of this version has the code `{name}`"),
                    did_you_mean(&name.to_ascii_uppercase(), names)
                        .unwrap_or_else(|| "codes look like `PC1011`".to_owned()),
                );
                return;
            };
            let Some(level) = r.word(node, name, &words) else {
                return;
            };
            if level != Level::Error && !may_be_lowered(code) {
                r.value_fault(
                    format!("{code} is an error that cannot be lowered"),
                    "only warnings, notes and the families PC5 and PC6 may be lowered",
                );
                return;
            }
            out.insert(code, level);
        });
    }

    fn require(&mut self, node: &Node, key: &str, out: &mut Require) {
        let keys = &["purpose", "owner", "ticket", "max-days"];
        let words = [
            ("all", RequiredOf::All),
            ("exceptions", RequiredOf::Exceptions),
            ("none", RequiredOf::None),
        ];
        self.map(node, key, keys, |r, key, node| match key {
            "purpose" => set(&mut out.purpose, r.word(node, key, &words)),
            "owner" => set(&mut out.owner, r.word(node, key, &words)),
            "ticket" => set(&mut out.ticket, r.word(node, key, &words)),
            _ => {
                let tiers = ["forbid", "exception", "deny", "allow"];
                r.map(node, "require.max-days", &tiers, |r, key, node| {
                    if let (Some(band), Some(days)) =
                        (Band::parse(key), r.number(node, key, 1, 36500))
                    {
                        out.max_days.insert(band, days);
                    }
                });
            }
        });
    }

    fn risk(&mut self, node: &Node, key: &str, out: &mut Risk) {
        self.map(node, key, &["fail", "weights", "points"], |r, key, node| {
            if key == "fail" {
                let words = [
                    ("low", Some(RiskLevel::Low)),
                    ("medium", Some(RiskLevel::Medium)),
                    ("high", Some(RiskLevel::High)),
                    ("none", None),
                ];
                set(&mut out.fail, r.word(node, key, &words));
            } else if key == "points" {
                let names: Vec<&str> = POINTS.iter().map(|(name, _)| *name).collect();
                r.map(node, "risk.points", &names, |r, name, node| {
                    if let Some(points) = r.number(node, name, 0, 100) {
                        out.points.insert(name.to_owned(), points);
                    }
                });
            } else {
                r.any_map(node, "risk.weights", |r, name, node| {
                    let weight = match node {
                        #[allow(clippy::cast_precision_loss)]
                        Node::Int(n) => *n as f64,
                        Node::Float(f) => *f,
                        _ => return r.wrong_type(name, "a number", node),
                    };
                    if (0.0..=100.0).contains(&weight) {
                        out.weights.insert(name.to_owned(), weight);
                    } else {
                        r.value_fault(
                            format!("weight of `{name}` is out of range"),
                            "weights lie between 0 and 100",
                        );
                    }
                });
            }
        });
    }

    fn diff(&mut self, node: &Node, key: &str, out: &mut DiffSettings) {
        self.map(node, key, &["max-bytes", "comment"], |r, key, node| {
            if key == "comment" {
                let words = [("update", CommentMode::Update), ("new", CommentMode::New)];
                set(&mut out.comment, r.word(node, key, &words));
            } else {
                set(&mut out.max_bytes, r.number(node, key, 1000, 100_000_000));
            }
        });
    }

    fn expiry(&mut self, node: &Node, key: &str, out: &mut Expiry) {
        self.map(node, key, &["warn-days", "on-expired"], |r, key, node| {
            if key == "warn-days" {
                set(&mut out.warn_days, r.number(node, key, 0, 3650));
            } else {
                let words = [
                    ("error", OnExpired::Error),
                    ("warn", OnExpired::Warn),
                    ("drop", OnExpired::Drop),
                ];
                set(&mut out.on_expired, r.word(node, key, &words));
            }
        });
    }
}

/// Writes a value that was read without fault.
fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    // Bare names: the qualified form marks the one place that raises a code.
    use crate::config::Emit;
    use crate::config::reader::date;
    use crate::diag::Code::*;

    fn read(text: &str) -> (Settings, Vec<String>) {
        let mut sources = SourceMap::default();
        let file = sources.add("portcullis.yaml", text);
        let (settings, faults) = parse(&sources, file);
        let faults = faults
            .iter()
            .map(|d| {
                let (_, line, column) = sources.place(d.primary.unwrap());
                let help = d.help.as_deref().unwrap_or("");
                format!("{line}:{column} {} | {help}", d.message)
            })
            .collect();
        (settings, faults)
    }

    #[test]
    fn empty_is_default() {
        for text in ["", "\n# nothing\n", "---\n", "{}"] {
            assert_eq!(read(text), (Settings::default(), vec![]), "{text:?}");
        }
    }

    #[test]
    fn the_documented_file_is_read() {
        let text = r#"
version: 1
project: hub
sources: [hub.gate, ./apim-prod.gate]   # one root module
out: build/out
cloud: usgov
as-of: 2027-01-31
emit: [arm, rest]
api-version: { default: "2024-07-01", Microsoft.Network/networkSecurityGroups: 2023-11-01 }
deploy:
  subscription: 00000000-0000-0000-0000-000000000000
  resource-group: rg-network
  location: westeurope
environments:
  dev: { deploy: { resource-group: rg-network-dev } }
  prod: {}
  test:
catalog: { file: catalog/public.txt, max-age-days: 30 }
lock: portcullis.lock
naming: { rule: "{group}-{label}", rcg: "x-{group}" }
layout: { rcg: merged, nsg-rules: children }
bands:
  nsg: { reserved: 300-399, forbid: 100-299, exception: 700-1199 }
  rcg: { allow: 30000-40000 }
  stride: { nsg: 5, rcg: 50 }
lints: { PC1011: error, PC3008: allow }
require: { owner: all, max-days: { exception: 365 } }
admin-ports: [22, 5985-5986]
risk: { fail: high, weights: { dev: 0.5, prod: 1 } }
diff: { max-bytes: 65000, comment: update }
expiry: { warn-days: 60, on-expired: drop }
associate: true
"#;
        let (s, faults) = read(text);
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(s.project.as_deref(), Some("hub"));
        assert_eq!(s.sources, ["hub.gate", "apim-prod.gate"]);
        assert_eq!(s.cloud, Cloud::UsGov);
        assert_eq!(s.as_of, date("2027-01-31"));
        assert_eq!(s.emit, [Emit::Rest, Emit::Arm]);
        assert_eq!(
            s.api_version.of("microsoft.network/networksecuritygroups"),
            "2023-11-01"
        );
        assert_eq!(s.api_version.of("x/y"), "2024-07-01");
        assert_eq!(
            s.deploy_for("dev").resource_group.as_deref(),
            Some("rg-network-dev")
        );
        assert_eq!(s.deploy_for("dev").location.as_deref(), Some("westeurope"));
        assert_eq!(
            s.deploy_for("prod").resource_group.as_deref(),
            Some("rg-network")
        );
        assert_eq!(s.environments.len(), 3);
        assert_eq!(s.bands.nsg.get(&Band::Reserved), Some(&(300, 399)));
        assert_eq!(s.bands.nsg.get(&Band::Default), Some(&(4000, 4096)));
        assert_eq!(s.bands.stride.rcg, 50);
        assert_eq!(s.lints.get(&PC3008), Some(&Level::Allow));
        assert_eq!(s.admin_ports, [(22, 22), (5985, 5986)]);
        assert!(s.associate);
    }

    #[test]
    fn several_faults_each_in_its_place() {
        let (_, faults) = read(
            "versoin: 1\nout: [x]\ncloud: publik\nas-of: 2027-02-30\ndeploy: { subscription: abc, regoin: x }\n\
             lints:\n  PC1001: warn\n  PC1019: error\n  PC1011: loud\nsources: a.gate\nout: y\n\
             environments: { dev: { deploy: { location: 5 } } }\n",
        );
        assert_eq!(
            faults,
            [
                "1:1 unknown key `versoin` | did you mean `version`?",
                "2:6 `out` must be text, it is a list | write text",
                "3:8 `cloud` cannot be `publik` | did you mean `public`? (one of `public`, `usgov`, `china`)",
                "4:8 `2027-02-30` is not a date | write `none` or a date such as `2027-01-31`",
                "5:25 `abc` is not a subscription id | a subscription id has the form 00000000-0000-0000-0000-000000000000",
                "5:30 unknown key `regoin` in `deploy` | known here: subscription, resource-group, location",
                "7:11 PC1001 is an error that cannot be lowered | only warnings, notes and the families PC5 and PC6 may be lowered",
                "8:3 no diagnostic of this version has the code `PC1019` | did you mean `PC1009`?",
                "9:11 `PC1011` cannot be `loud` | write one of `error`, `warn`, `note`, `allow`",
                "10:10 `sources` must be a list, it is text | write `sources: [...]`",
                "11:1 key `out` stands twice | drop one of them",
                "12:44 `location` must be text, it is a whole number | put it in quotes",
            ]
        );
    }

    #[test]
    fn bands_rise_and_share_nothing() {
        let (s, faults) = read(
            "bands:\n  nsg:\n    forbid: 200-800\n    default: 4000-5000\n  rcg: { deny: 1-5, guard: 1-2 }\n",
        );
        assert_eq!(s.bands, Bands::default());
        let heads: Vec<_> = faults
            .iter()
            .map(|f| f.split(" | ").next().unwrap())
            .collect();
        assert_eq!(
            heads,
            [
                "3:13 band `exception` does not start after `forbid`",
                "4:14 band `default` leaves the range of priorities",
                "5:21 unknown key `guard` in `bands.rcg`",
                "5:16 band `deny` leaves the range of priorities",
            ]
        );
        let (_, faults) = read("bands: { nsg: { reserved: 100-250 } }\n");
        assert_eq!(faults.len(), 1, "{faults:?}");
        let (_, faults) = read("bands: { nsg: { deny: 9-3 }, stride: { nsg: 0 } }\n");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn broken_text_has_a_place() {
        let (_, faults) = read("a: [1, 2\nb: }\n");
        assert_eq!(faults.len(), 1);
        assert!(faults.iter().all(|f| f.starts_with("2:")), "{faults:?}");
        let (_, faults) = read("- a\n");
        assert_eq!(faults.len(), 1);
        assert_eq!(read("garbage").1.len(), 1);
    }
}
