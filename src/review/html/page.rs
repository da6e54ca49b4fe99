//! The frame of a page: head, header, tabs, footer. What is in the panels is not known here.

use std::fmt::Write;

use super::escape::{escape, script_hash};
use crate::diff::risk;
use crate::diff::told::{Difference, Level, Outcome};
use crate::inventory::{Environment, Expiry, Inventory, Kind, State};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Days before its end from which a statement is marked.
pub(super) const SOON: i64 = 90;

/// One tab with what it shows.
pub(super) struct Panel {
    id: &'static str,
    name: &'static str,
    count: Option<usize>,
    body: String,
}

impl Panel {
    pub(super) fn new(
        id: &'static str,
        name: &'static str,
        count: Option<usize>,
        body: String,
    ) -> Self {
        Self {
            id,
            name,
            count,
            body,
        }
    }
}

/// What the header says.
pub(super) struct Head {
    kicker: &'static str,
    title: String,
    verdict: (&'static str, String),
    facts: Vec<(&'static str, String)>,
    note: Option<String>,
}

/// `1 flow`, `3 flows`.
pub(super) fn plural(count: usize, one: &str, more: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{} {more}", grouped(count))
    }
}

/// `12,345`.
pub(super) fn grouped(number: usize) -> String {
    risk::grouped(number as u128)
}

/// The header of one policy.
pub(super) fn of_policy(inventory: &Inventory) -> Head {
    let verdict = if inventory.proven {
        (
            "v-good",
            "Proven: the output means what the policy asks".to_owned(),
        )
    } else {
        ("v-warn", "Not proven: made with --no-prove".to_owned())
    };
    let day = inventory.tool.as_of.clone();
    Head {
        kicker: "Network policy",
        title: inventory.project.clone(),
        verdict,
        facts: vec![
            ("Service tags", inventory.tool.catalog.clone()),
            ("As of", day.unwrap_or_else(|| "no day given".to_owned())),
            ("portcullis", inventory.tool.version.to_owned()),
        ],
        note: None,
    }
}

/// The header of a difference.
pub(super) fn of_difference(difference: &Difference) -> Head {
    let summary = &difference.summary;
    let words = match summary.verdict {
        Outcome::Same => "Same: nothing differs",
        Outcome::SameTraffic => "Same traffic: rules differ, packets do not",
        Outcome::Narrowed => "Narrowed: less is allowed",
        Outcome::Widened => "Widened: more is allowed",
        Outcome::Mixed => "Mixed: something opens, and something closes",
        Outcome::Undecided => "Undecided: it hangs on what nobody told",
    };
    let class = match (summary.verdict, summary.risk.max) {
        (Outcome::Same | Outcome::SameTraffic, _) => "v-good",
        (Outcome::Widened | Outcome::Mixed, Some(Level::High)) => "v-bad",
        (Outcome::Widened | Outcome::Mixed | Outcome::Undecided, _) => "v-warn",
        (Outcome::Narrowed, _) => "v-calm",
    };
    let side = |side: &crate::diff::told::Side| match &side.commit {
        Some(commit) => {
            let short: String = commit.chars().take(10).collect();
            if side.name.starts_with(&short) {
                short
            } else {
                format!("{} ({short})", side.name)
            }
        }
        None => side.name.clone(),
    };
    let mut facts = vec![
        ("Before", side(&difference.old)),
        ("After", side(&difference.new)),
        ("Service tags", difference.tool.catalog.clone()),
        (
            "As of",
            difference
                .tool
                .as_of
                .clone()
                .unwrap_or_else(|| "no day given".to_owned()),
        ),
        ("portcullis", difference.tool.version.to_owned()),
    ];
    if difference.old.catalog != difference.new.catalog {
        facts.insert(3, ("Service tags before", difference.old.catalog.clone()));
    }
    Head {
        kicker: "Review of a change",
        title: difference.project.clone(),
        verdict: (class, words.to_owned()),
        facts,
        note: None,
    }
}

/// A block for each environment, of which the chosen one is shown.
pub(super) fn environments(
    inventory: &Inventory,
    of: impl Fn(usize, &Environment) -> String,
) -> String {
    let mut out = String::new();
    for (at, environment) in inventory.environments.iter().enumerate() {
        let hidden = if at == 0 { "" } else { " hidden" };
        let _ = write!(
            out,
            "<div class=\"env\" data-env=\"{at}\"{hidden}>{}</div>",
            of(at, environment)
        );
    }
    out
}

/// The figures of an environment that are read first.
pub(super) fn cards(inventory: &Inventory, environment: &Environment) -> String {
    let count = |kind: Kind| environment.flows.iter().filter(|f| f.kind == kind).count();
    let cells = |state: State| {
        let cells = environment.matrix.cells.iter();
        cells.filter(|cell| cell.state == state).count()
    };
    let undecided = environment
        .matrix
        .cells
        .iter()
        .filter(|cell| cell.undecided)
        .count();
    let passing = environment
        .matrix
        .cells
        .iter()
        .filter(|cell| {
            matches!(
                cell.state,
                State::Allow | State::Exception | State::Envelope | State::Unasked
            )
        })
        .count();
    let mut out = String::from("<div class=\"kpis\">");
    let mut card = |class: &str, figure: String, words: &str| {
        let _ = write!(
            out,
            "<div class=\"kpi {class}\"><b>{}</b><span>{}</span></div>",
            escape(&figure),
            escape(words)
        );
    };
    let (translations, routes) = (count(Kind::Translation), count(Kind::Route));
    card(
        "",
        grouped(count(Kind::Flow)),
        &format!(
            "flows in force, with {} and {}",
            plural(translations, "translation", "translations"),
            plural(routes, "exception route", "exception routes")
        ),
    );
    card(
        "",
        grouped(passing),
        "pairs of ends that something passes between",
    );
    let exceptions = environment
        .flows
        .iter()
        .filter(|f| f.tier == Some("exception"))
        .count();
    let endless = environment
        .flows
        .iter()
        .filter(|f| f.tier == Some("exception") && f.until.is_none())
        .count();
    card(
        if endless > 0 { "warn" } else { "" },
        grouped(exceptions),
        &if endless > 0 {
            format!("exceptions from denies, {endless} without an end")
        } else {
            "exceptions from denies, each with an end".to_owned()
        },
    );
    let unasked = cells(State::Unasked);
    card(
        if unasked > 0 { "bad" } else { "" },
        if environment.matrix.defaults_asked {
            grouped(unasked)
        } else {
            "?".to_owned()
        },
        "pairs that pass though no flow asks for it",
    );
    card(
        if undecided > 0 { "warn" } else { "" },
        grouped(undecided),
        "pairs that hang on what nobody told",
    );
    let most = environment.limits.iter().max_by_key(|limit| limit.percent);
    if let Some(most) = most {
        card(
            match most.mark {
                "over" => "bad",
                "near" => "warn",
                _ => "",
            },
            format!("{} %", most.percent),
            &format!("of the limit that is used most: {}", most.limit),
        );
    }
    let next: Option<&Expiry> = inventory.expiries.iter().find(|expiry| {
        expiry.environments.contains(&environment.name) && expiry.days.is_none_or(|d| d >= 0)
    });
    if let Some(next) = next {
        let soon = next.days.is_some_and(|days| days <= SOON);
        card(
            if soon { "warn" } else { "" },
            next.until.clone(),
            &format!("the next end: {}", next.flow),
        );
    }
    out.push_str("</div>");
    out
}

/// The whole page. `data` is JSON that may stand in a script block.
pub(super) fn page(inventory: &Inventory, head: &Head, panels: &[Panel], data: &str) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let _ = writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src '{}'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"portcullis {}\">\n<title>{} · {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>",
        script_hash(SCRIPT),
        escape(inventory.tool.version),
        escape(&head.title),
        head.kicker,
    );
    header(&mut out, inventory, head, panels);
    out.push_str("<main id=\"main\"><div class=\"wrap\">\n<noscript><p>This page shows all of its parts without scripts, one below the other; to filter, to switch environments and to open cells it needs them.</p><style>.panel[hidden],.env[hidden]{display:block!important}</style></noscript>\n");
    for (at, panel) in panels.iter().enumerate() {
        let hidden = if at == 0 { "" } else { " hidden" };
        let _ = writeln!(
            out,
            "<section class=\"panel\" role=\"tabpanel\" id=\"{0}\" aria-labelledby=\"t-{0}\" tabindex=\"0\"{hidden}>{1}</section>",
            panel.id, panel.body
        );
    }
    let _ = writeln!(
        out,
        "<footer>Made by portcullis {} from the policy alone. Service tags of {}. Paths are asked packet by packet with the <code>portcullis explain</code> commands that a cell shows; the page itself works nothing out and fetches nothing.</footer>\n</div></main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>",
        escape(inventory.tool.version),
        escape(&inventory.tool.catalog),
    );
    out
}

fn header(out: &mut String, inventory: &Inventory, head: &Head, panels: &[Panel]) {
    let (class, words) = &head.verdict;
    let _ = write!(
        out,
        "<header class=\"top\"><div class=\"wrap\"><div class=\"row\"><div><div class=\"kicker\">{}</div><h1>{}</h1></div><div class=\"actions\"><span class=\"verdict {class}\">{}</span><button type=\"button\" class=\"btn\" id=\"theme\">Theme: auto</button><button type=\"button\" class=\"btn\" id=\"print\">Print</button></div></div>",
        head.kicker,
        escape(&head.title),
        escape(words),
    );
    if let Some(note) = &head.note {
        let _ = write!(out, "<p class=\"lead\">{}</p>", escape(note));
    }
    out.push_str("<div class=\"row\" style=\"align-items:flex-end\"><dl class=\"facts\">");
    for (name, value) in &head.facts {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
    }
    out.push_str("</dl>");
    if !inventory.environments.is_empty() {
        out.push_str(
            "<div class=\"envs\" role=\"tablist\" aria-label=\"Environment\" id=\"envs\">",
        );
        for (at, environment) in inventory.environments.iter().enumerate() {
            let (selected, index) = if at == 0 { ("true", 0) } else { ("false", -1) };
            let _ = write!(
                out,
                "<button type=\"button\" role=\"tab\" aria-selected=\"{selected}\" tabindex=\"{index}\" aria-controls=\"main\">{}</button>",
                escape(&environment.name)
            );
        }
        out.push_str("</div>");
    }
    out.push_str("</div><div class=\"tabs\" role=\"tablist\" aria-label=\"Part of the report\" id=\"views\">");
    for (at, panel) in panels.iter().enumerate() {
        let (selected, index) = if at == 0 { ("true", 0) } else { ("false", -1) };
        let count = panel.count.map_or_else(String::new, |count| {
            format!("<span class=\"n\">{}</span>", grouped(count))
        });
        let _ = write!(
            out,
            "<button type=\"button\" role=\"tab\" id=\"t-{0}\" aria-controls=\"{0}\" aria-selected=\"{selected}\" tabindex=\"{index}\">{1}{count}</button>",
            panel.id, panel.name
        );
    }
    out.push_str("</div></div></header>\n");
}

/// The heads of a table's columns, each a button that sorts by it, up to the table's first row.
pub(super) fn heads(columns: &[&str]) -> String {
    let mut out = String::new();
    for head in columns {
        let _ = write!(
            out,
            "<th scope=\"col\"><button type=\"button\">{head}</button></th>"
        );
    }
    out.push_str("</tr></thead><tbody>\n");
    out
}
