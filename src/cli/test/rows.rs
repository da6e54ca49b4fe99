//! Tests with what became of them, as data: what is printed as JSON, a line each, and what the other
//! forms are made of.

use serde::Serialize;
use serde_json::json;

use super::super::explain::behind::Behind;
use super::super::explain::text::way;
use super::super::explain::told::{Decided, Hop, Told};
use crate::cli::basis::Basis;
use crate::model::verify::Expect;
use crate::reach::Network;
use crate::reach::question::{Reply, word};
use crate::source::{SourceMap, Span};
use crate::trials::{Judged, Ruling, Shown, Trial, explain_words};

/// One test in one environment.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// `test`.
    pub(super) kind: &'static str,
    /// The environment.
    pub(super) environment: String,
    /// Its name.
    pub(super) test: String,
    /// `passed`, `failed`.
    pub(super) status: &'static str,
    /// A `required` flow promises it; nobody wrote a test.
    pub(super) generated: bool,
    /// `file:line`.
    pub(super) place: String,
    /// Its probes.
    pub(super) probes: Vec<ProbeRow>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// One probe.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ProbeRow {
    /// As it is written; of a promise the flow.
    pub(super) probe: String,
    /// `file:line`.
    pub(super) place: String,
    /// `passed`, `failed`.
    pub(super) status: &'static str,
    /// The diagnostic of a probe that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// `allow`, `deny`, `reach`.
    pub(super) expected: &'static str,
    /// What becomes of the packet: `allow`, `deny`, `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actual: Option<&'static str>,
    /// Of what is unknown: what becomes of the packet if it is as it is assumed to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) then: Option<&'static str>,
    /// A packet that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packet: Option<String>,
    /// The words with which `portcullis explain` tells more of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explain: Option<String>,
    /// The layer, resource and rule that decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decided_by: Option<Decided>,
    /// Every hop of the packet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) path: Vec<Hop>,
    /// What nobody told, if it depends on that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) depends_on: Vec<String>,
    /// What it takes for granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assumes: Vec<String>,
    /// Why there is no packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Every hop as text.
    #[serde(skip)]
    pub(super) way: String,
}

/// Flows of an environment that no test decides.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Coverage {
    /// `coverage`.
    pub(super) kind: &'static str,
    /// The environment.
    pub(super) environment: String,
    /// Its flows and translations.
    pub(super) flows: usize,
    /// Those that no test decides.
    pub(super) untested: Vec<Untested>,
}

/// A flow that no test decides.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Untested {
    /// `instance::group::label`.
    pub(super) flow: String,
    /// `file:line`.
    pub(super) place: String,
}

impl Row {
    /// Whether it passed.
    pub(super) fn passed(&self) -> bool {
        self.status == "passed"
    }

    /// A test whose values make a fault.
    pub(super) fn not_run(environment: &str, test: String, place: String) -> Self {
        Self {
            kind: "test",
            environment: environment.to_owned(),
            test,
            status: "failed",
            generated: false,
            place,
            probes: Vec::new(),
            reason: Some("the policy does not compile under its values".to_owned()),
        }
    }

    /// The probes that failed.
    pub(super) fn failures(&self) -> impl Iterator<Item = &ProbeRow> {
        self.probes.iter().filter(|p| p.status == "failed")
    }
}

/// What rows are made with.
pub(super) struct Telling<'a> {
    pub(super) environment: &'a str,
    pub(super) sources: &'a SourceMap,
    pub(super) network: &'a Network,
    pub(super) behind: &'a Behind,
    pub(super) shown: &'a dyn Fn(&str) -> String,
    /// The policy is the environment's, without the values of a test: `explain` tells of the same one.
    pub(super) as_it_is: bool,
}

impl Telling<'_> {
    pub(super) fn row(&self, trial: &Trial) -> Row {
        Row {
            kind: "test",
            environment: self.environment.to_owned(),
            test: trial.name.clone(),
            status: if trial.passed() { "passed" } else { "failed" },
            generated: trial.generated,
            place: self.place(trial.span),
            probes: trial.probes.iter().map(|p| self.probe(p)).collect(),
            reason: None,
        }
    }

    fn place(&self, span: Span) -> String {
        let (file, line, _) = self.sources.place(span);
        format!("{}:{line}", (self.shown)(&file))
    }

    fn probe(&self, judged: &Judged) -> ProbeRow {
        let mut out = ProbeRow {
            probe: self.written(judged.span),
            place: self.place(judged.span),
            status: "failed",
            code: None,
            expected: match judged.expect {
                Expect::Allow => "allow",
                Expect::Deny => "deny",
                Expect::Reach => "reach",
            },
            actual: None,
            then: None,
            packet: None,
            explain: None,
            decided_by: None,
            path: Vec::new(),
            depends_on: Vec::new(),
            assumes: judged.assumes.clone(),
            reason: None,
            way: String::new(),
        };
        match &judged.ruling {
            Ruling::Passed => out.status = "passed",
            Ruling::Failed(shown) => {
                out.code = Some("PC8001");
                self.show(&mut out, shown);
            }
            Ruling::NotBy(shown) => {
                out.code = Some("PC8004");
                self.show(&mut out, shown);
            }
            Ruling::Undecided(shown, doubts) => {
                out.code = Some("PC8005");
                self.show(&mut out, shown);
                for doubt in doubts {
                    if doubt.symbol {
                        out.depends_on.push(doubt.on.clone());
                    } else {
                        out.reason = Some(doubt.on.clone());
                    }
                }
            }
            Ruling::Empty(why) => {
                out.code = Some("PC8006");
                out.reason = Some((*why).to_owned());
            }
        }
        out
    }

    /// The text of a statement, on one line.
    fn written(&self, span: Span) -> String {
        let file = self.sources.get(span.file);
        let text = file.and_then(|f| f.text.get(span.start as usize..span.end as usize));
        let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
        words.join(" ")
    }

    fn show(&self, out: &mut ProbeRow, shown: &Shown) {
        let reply = Reply {
            // Where it is not known, what becomes of this packet as it is assumed to be.
            verdict: shown
                .verdict
                .or_else(|| shown.journey.as_ref().and_then(|j| j.verdict)),
            journey: shown.journey.clone(),
            assumes: Vec::new(),
            reason: None,
        };
        let told = Told::new(self.network, self.behind, &reply, false);
        out.actual = Some(word(shown.verdict));
        out.then = shown.verdict.is_none().then_some(told.verdict);
        out.packet = Some(shown.witness.to_string());
        out.explain = self.as_it_is.then(|| explain_words(shown));
        out.way = way(&told);
        out.decided_by = Some(told.decided());
        out.reason = told.reason;
        out.path = told.path;
    }
}

/// A line each, and one for the sum.
pub(super) fn json(rows: &[Row], coverage: &[Coverage], basis: &Basis) -> String {
    let mut lines: Vec<String> = Vec::new();
    // INVARIANT: texts, numbers and lists of them are always JSON.
    lines.extend(rows.iter().filter_map(|r| serde_json::to_string(r).ok()));
    lines.extend(
        coverage
            .iter()
            .filter_map(|c| serde_json::to_string(c).ok()),
    );
    let passed = rows.iter().filter(|row| row.passed()).count();
    let sum = json!({
        "kind": "summary",
        "passed": passed,
        "failed": rows.len() - passed,
        "catalogue": basis.catalogue,
    });
    lines.push(sum.to_string());
    lines.join("\n") + "\n"
}

/// What decides, in words.
pub(super) fn decider(row: &ProbeRow) -> Option<String> {
    let by = row.decided_by.as_ref()?;
    let mut out = match (&by.rule, &by.resource) {
        (Some(rule), Some(resource)) => format!("{} of {resource}", rule.replace('/', " / ")),
        (Some(rule), None) => format!("{rule} of {}", by.layer),
        (None, _) if by.layer == "none" => "nothing on the way".to_owned(),
        (None, Some(resource)) => format!("{} {resource}", by.layer),
        (None, None) => by.layer.to_owned(),
    };
    for more in by.flows.first().into_iter().chain([&by.place]) {
        if !more.is_empty() {
            out.push_str("  ");
            out.push_str(more);
        }
    }
    Some(out)
}
