//! The rules that a flow became, and why. Which rules these are is told by what lowered.

use std::path::PathBuf;

use serde::Serialize;

use super::line;
use crate::backends::resource::ResourceId;
use crate::backends::tree::Tree;
use crate::backends::{Context, Lowered, Role};
use crate::cli::args::Global;
use crate::cli::io::IoFault;
use crate::cli::report::Reporter;
use crate::cli::{BAD, FINE, run};
use crate::diag::suggest;
use crate::driver::{LimitsMode, Stage};

/// One rule of a flow.
#[derive(Clone, Debug, Serialize)]
struct Row {
    environment: String,
    flow: String,
    /// Names of the resource, parent first.
    resource: String,
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    /// `exact`, `envelope`, `guard`.
    role: &'static str,
    why: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    place: String,
}

/// Runs the command for a flow; the exit code.
///
/// # Errors
/// When it could not run.
pub(super) fn run(global: &Global, reporter: &Reporter, word: &str) -> Result<u8, IoFault> {
    let mut rows: Vec<Row> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut found = false;
    let ask = run::Ask {
        path: PathBuf::from("."),
        limits: LimitsMode::Off,
        no_prove: true,
        asking: true,
        ..run::Ask::default()
    };
    let done = run::watched(global, reporter, &ask, &mut |stage, lowered| {
        let policy = stage.context.fabric.policy;
        let all = policy
            .flows
            .iter()
            .map(|f| (f.id.text(), f.spans.whole))
            .chain(policy.dnats.iter().map(|d| (d.id.text(), d.spans.whole)))
            .chain(policy.routes.iter().map(|r| (r.id.text(), r.span)));
        for (id, span) in all {
            if is_meant(&id, word) {
                found = true;
                let (file, line, _) = stage.sources.place(span);
                rows.extend(rules(stage, lowered, &id, &format!("{file}:{line}")));
            }
            ids.push(id);
        }
    })?;
    if let Err(code) = done {
        return Ok(code);
    }
    if !found {
        let near = suggest::closest(word, ids.iter().map(String::as_str))
            .or_else(|| {
                let short = ids.iter().map(|id| id.rsplit("::").next().unwrap_or(id));
                suggest::closest(word, short)
            })
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        reporter.fail(&IoFault::Other(format!(
            "`{word}` is neither a diagnostic code nor a flow of this project{near}"
        )));
        return Ok(BAD);
    }
    let mut out = String::new();
    if reporter.json() {
        for row in &rows {
            out.push_str(&line(row));
        }
        reporter.exact(&out)?;
        return Ok(FINE);
    }
    if rows.is_empty() {
        out.push_str(&format!("{word} became no rule\n"));
    }
    let mut last = (String::new(), String::new());
    for row in &rows {
        let head = (row.environment.clone(), row.flow.clone());
        if head != last {
            out.push_str(&format!(
                "{} in {}  {}\n",
                row.flow, row.environment, row.place
            ));
            last = head;
        }
        let number = row.priority.map_or_else(String::new, |n| format!(" {n}"));
        out.push_str(&format!(
            "  {}{number}  {}\n      {}\n",
            row.resource, row.rule, row.why
        ));
    }
    reporter.result(&out)?;
    Ok(FINE)
}

/// `login`, `names::login`, `weu::names::login`; the halves of a `between` too.
fn is_meant(id: &str, word: &str) -> bool {
    let whole = id.split('/').next().unwrap_or(id);
    [id, whole].iter().any(|text| {
        *text == word
            || text
                .strip_suffix(word)
                .is_some_and(|rest| rest.ends_with("::"))
    })
}

fn rules(stage: &Stage<'_>, lowered: &Lowered, id: &str, place: &str) -> Vec<Row> {
    let context = stage.context;
    let mut out = Vec::new();
    for trace in lowered
        .traces
        .iter()
        .filter(|t| t.flows.iter().any(|f| f == id))
    {
        let resource = ResourceId::parse(&trace.resource).names().join("/");
        let priority = lowered
            .resources
            .iter()
            .find(|r| r.id.text() == trace.resource)
            .and_then(|r| priority(&r.properties, &trace.rule));
        out.push(Row {
            environment: context.fabric.policy.environment.clone(),
            flow: id.to_owned(),
            why: why(context, trace.role, &trace.resource),
            resource,
            rule: trace.rule.clone(),
            priority,
            role: match trace.role {
                Role::Exact => "exact",
                Role::Envelope => "envelope",
                Role::Guard => "guard",
            },
            place: place.to_owned(),
        });
    }
    out
}

/// The number of a rule of a security group.
fn priority(properties: &Tree, rule: &str) -> Option<i64> {
    let named = |t: &&Tree| t.get("name") == Some(&Tree::str(rule));
    let found = properties.items("securityRules").iter().find(named)?;
    match found.get("properties")?.get("priority")? {
        Tree::Int(number) => Some(*number),
        _ => None,
    }
}

fn why(context: &Context<'_>, role: Role, resource: &str) -> String {
    let group = resource.contains("/networkSecurityGroups/");
    let table = resource.contains("/routeTables/");
    match role {
        Role::Envelope => {
            let narrowed = context.fabric.policy.firewalls.len();
            let behind = if narrowed > 0 {
                "a firewall behind it narrows this to the names, or `names = open` accepts it"
            } else {
                "`names = open` accepts it"
            };
            format!(
                "a security group cannot match names, so it allows Internet on the ports; {behind}"
            )
        }
        Role::Guard => "keeps the envelope from what a route leads past the firewall".to_owned(),
        Role::Exact if table => "leads its destination to where the statement says".to_owned(),
        Role::Exact if group => "says what the flow says, at the subnets on its way".to_owned(),
        Role::Exact => "says what the flow says, at the firewall on its way".to_owned(),
    }
}
