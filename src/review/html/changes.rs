//! What differs, by kind: traffic with its risk, packets before and after, what needs attention.

use std::fmt::Write;

use super::Panel;
use super::escape::{breakable, escape};
use super::page::{grouped, heads, plural};
use crate::diff::told::{Change, Difference, Fate, Kind, Level};
use crate::review::rules::{Rules, Shown, Sign};
use crate::review::words;

/// Sections in the order in which they are read.
const SECTIONS: [(Kind, &str, &str); 6] = [
    (
        Kind::NewlyAllowed,
        "Newly allowed",
        "Traffic that arrives now and did not before, the riskiest first.",
    ),
    (
        Kind::NewlyBypassing,
        "Newly past the firewall",
        "Traffic that arrives as before, and that no firewall sees any more.",
    ),
    (
        Kind::Redirected,
        "Led elsewhere",
        "Traffic that arrives as before, and that a firewall leads to another address or port.",
    ),
    (
        Kind::NoLongerAllowed,
        "No longer allowed",
        "Traffic that arrived before and does not now.",
    ),
    (
        Kind::NewlyPassing,
        "Newly through the firewall",
        "Traffic that arrives as before, and that a firewall sees now.",
    ),
    (
        Kind::Undecided,
        "Undecided",
        "What becomes of it hangs on what nobody told, on one side at least.",
    ),
];

/// The tab of a difference.
pub(super) fn panel(difference: &Difference) -> Panel {
    let renamed = Rules::of(difference).renamed();
    let mut out = format!(
        "<p class=\"lead\"><b>{}</b>. {} {}</p>{}",
        escape(&words::headline(&difference.summary, renamed)),
        escape(&words::verdict(&difference.summary)),
        escape(words::the_rest(&difference.summary)),
        cards(difference)
    );
    environments(&mut out, difference);
    let mut nothing = true;
    for (kind, name, lead) in SECTIONS {
        let of_kind: Vec<(usize, &Change)> = difference
            .semantic
            .iter()
            .enumerate()
            .filter(|(_, change)| change.change == kind)
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        nothing = false;
        let _ = write!(
            out,
            "<div class=\"card\"><h2>{name} <span class=\"quiet\">{}</span></h2><p class=\"lead\">{lead}</p><div class=\"scroll\"><table class=\"t\"><thead><tr>",
            of_kind.len()
        );
        out.push_str(&heads(&[
            "Risk",
            "Environments",
            "Who → where",
            "What",
            "Why",
            "Source",
            "A packet, before and after",
        ]));
        for (number, change) in of_kind {
            row(&mut out, number, change, name);
        }
        out.push_str("</tbody></table></div></div>");
    }
    if nothing {
        out.push_str("<div class=\"card\"><h2>Traffic</h2><p class=\"empty\">No packet changes its fate.</p></div>");
    }
    attention(&mut out, difference);
    Panel::new("p-changes", "Changes", Some(difference.semantic.len()), out)
}

fn cards(difference: &Difference) -> String {
    let summary = &difference.summary;
    let mut out = String::from("<div class=\"kpis\">");
    let mut card = |class: &str, figure: String, words: String| {
        let _ = write!(
            out,
            "<div class=\"kpi {class}\"><b>{}</b><span>{}</span></div>",
            escape(&figure),
            escape(&words)
        );
    };
    let risk = &summary.risk;
    card(
        match risk.max {
            Some(Level::High) => "bad",
            Some(Level::Medium) => "warn",
            _ => "",
        },
        risk.max.map_or_else(
            || "none".to_owned(),
            |level| format!("{} {}", level.word(), risk.score),
        ),
        format!(
            "highest risk; {} high, {} medium, {} low",
            risk.high, risk.medium, risk.low
        ),
    );
    let regions = &summary.regions;
    card(
        "",
        grouped(regions.newly_allowed),
        "newly allowed".to_owned(),
    );
    if regions.newly_bypassing > 0 {
        card(
            "warn",
            grouped(regions.newly_bypassing),
            "newly past the firewall".to_owned(),
        );
    }
    if regions.redirected > 0 {
        card(
            "warn",
            grouped(regions.redirected),
            "led elsewhere".to_owned(),
        );
    }
    card(
        if regions.required_lost > 0 { "bad" } else { "" },
        grouped(regions.no_longer_allowed),
        if regions.required_lost > 0 {
            format!(
                "no longer allowed, {} of it required",
                regions.required_lost
            )
        } else {
            "no longer allowed".to_owned()
        },
    );
    if regions.newly_passing > 0 {
        card(
            "",
            grouped(regions.newly_passing),
            "newly through the firewall".to_owned(),
        );
    }
    if regions.undecided > 0 {
        card("warn", grouped(regions.undecided), "undecided".to_owned());
    }
    let written = summary.blast_radius.resources.iter();
    for touched in written.filter(|touched| touched.touched > 0) {
        card(
            "",
            format!("{} of {}", touched.touched, touched.total),
            format!(
                "{} written",
                words::resource(&touched.kind, touched.total, false)
            ),
        );
    }
    if let Some(minutes) = summary.blast_radius.deploy_minutes {
        card(
            "",
            format!("{} min", words::minutes(minutes)),
            "for the firewalls' groups, one after another".to_owned(),
        );
    }
    out.push_str("</div>");
    out
}

fn environments(out: &mut String, difference: &Difference) {
    let list = &difference.summary.environments;
    if list.is_empty() {
        return;
    }
    out.push_str("<div class=\"card\"><h2>Environments</h2><div class=\"scroll\" style=\"margin-top:10px\"><table class=\"t\"><thead><tr><th scope=\"col\">Environment</th><th scope=\"col\">Risk</th><th scope=\"col\" class=\"num\">Newly allowed</th><th scope=\"col\" class=\"num\">No longer allowed</th><th scope=\"col\" class=\"num\">Past the firewall</th><th scope=\"col\" class=\"num\">Undecided</th><th scope=\"col\">Rules</th><th scope=\"col\">Tests</th></tr></thead><tbody>\n");
    for (name, one) in list {
        let only = one.only.map_or_else(String::new, |word| {
            format!(" <span class=\"chip warn\">{word}</span>")
        });
        let rules = one.rules;
        let tests = match one.tests {
            None => "<span class=\"quiet\">not run</span>".to_owned(),
            Some(tests) if tests.failed > 0 => format!(
                "<span class=\"chip bad\">{} failed</span> {} passed",
                tests.failed, tests.passed
            ),
            Some(tests) => format!("{} passed", tests.passed),
        };
        let _ = writeln!(
            out,
            "<tr><td><b>{}</b>{only}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"mono\">+{} −{} ~{} ↷{} #{}</td><td>{tests}</td></tr>",
            escape(name),
            one.risk
                .map_or_else(|| "<span class=\"quiet\">none</span>".to_owned(), level),
            one.regions.newly_allowed,
            one.regions.no_longer_allowed,
            one.regions.newly_bypassing,
            one.regions.undecided,
            rules.added,
            rules.removed,
            rules.changed,
            rules.renamed,
            rules.renumbered,
        );
    }
    out.push_str("</tbody></table></div><p class=\"quiet\" style=\"margin:8px 0 0\">Rules: + added, − removed, ~ changed, ↷ renamed, # renumbered.</p></div>");
}

/// A level with its mark; the word is always there.
fn level(level: Level) -> String {
    let sign = match level {
        Level::High => "▲",
        Level::Medium => "◆",
        Level::Low => "▽",
        Level::Info => "",
    };
    format!(
        "<span class=\"risk r-{0}\">{sign} {1}</span>",
        level.word(),
        level.word().to_uppercase()
    )
}

fn row(out: &mut String, number: usize, change: &Change, kind: &str) {
    let traffic = &change.traffic;
    let score = if change.risk.level == Level::Info {
        String::new()
    } else {
        format!(" {}", change.risk.score)
    };
    let _ = write!(
        out,
        "<tr id=\"c{number}\" data-w=\"{}\" data-kind=\"{kind}\"><td class=\"nw\" data-k=\"{}\">{}{score}{}{}</td><td>{}</td><td class=\"ends\"><b class=\"what-ends\">{} → {}</b>{}",
        u8::from(change.change.widens()),
        change.risk.score,
        level(change.risk.level),
        if change.required_lost {
            "<br><span class=\"chip bad\">required</span>"
        } else {
            ""
        },
        if change.accepted {
            "<br><span class=\"chip good\">accepted</span>"
        } else {
            ""
        },
        escape(&change.environments.join(", ")),
        breakable(&words::who(traffic)),
        breakable(&words::whither(traffic)),
        ends(change),
    );
    let _ = write!(
        out,
        "</td><td class=\"mono services\">{}</td><td>",
        breakable(&words::what(traffic))
    );
    why(out, change);
    out.push_str("</td><td class=\"source\">");
    for cause in &change.causes {
        let mut facts = vec![format!(
            "<span class=\"mono\">{}</span>",
            breakable(&cause.place())
        )];
        for (word, value) in [
            ("owner ", &cause.owner),
            ("ticket ", &cause.ticket),
            ("until ", &cause.until),
        ] {
            if let Some(value) = value {
                facts.push(format!("{word}{}", escape(value)));
            }
        }
        let _ = write!(
            out,
            "<div><b>{}</b> <span class=\"quiet\">{}</span><div class=\"quiet\">{}</div>{}</div>",
            breakable(&cause.flow),
            escape(&cause.edit),
            facts.join(" · "),
            cause
                .purpose
                .as_deref()
                .map_or_else(String::new, |text| format!(
                    "<div class=\"quiet\">{}</div>",
                    escape(text)
                ))
        );
    }
    let _ = write!(
        out,
        "</td><td class=\"ends\"><div class=\"mono\">{}</div>{}{}",
        breakable(&change.witness.text),
        fate("before", &change.before),
        fate("after", &change.after)
    );
    if let Some(command) = &change.witness.explain {
        let _ = write!(
            out,
            "<div class=\"cmd\"><code>{}</code></div>",
            escape(command)
        );
    }
    let _ = writeln!(
        out,
        "<div class=\"quiet mono\">{}</div></td></tr>",
        escape(&change.id)
    );
}

/// Prefixes and names of a change in full.
fn ends(change: &Change) -> String {
    let traffic = &change.traffic;
    let mut lists: Vec<(&str, Vec<String>)> = vec![
        ("from", traffic.source.prefixes.clone()),
        ("to", traffic.destination.prefixes.clone()),
    ];
    if !traffic.names.is_any() {
        let patterns = traffic.names.patterns.iter().map(|p| {
            if p.except.is_empty() {
                p.pattern.clone()
            } else {
                format!("{} except {}", p.pattern, p.except.join(", "))
            }
        });
        let mut names: Vec<String> = patterns.collect();
        names.extend(traffic.names.within.iter().cloned());
        lists.push(("names", names));
    }
    // Prefixes of a large region stand in the JSON.
    const MOST: usize = 60;
    let mut out = String::new();
    for (word, list) in lists {
        if list.is_empty() {
            continue;
        }
        let shown: String = list
            .iter()
            .take(MOST)
            .map(|text| format!("<li>{}</li>", escape(text)))
            .collect();
        let more = if list.len() > MOST {
            format!("<li>and {} more</li>", list.len() - MOST)
        } else {
            String::new()
        };
        let _ = write!(
            out,
            "<details class=\"more\"><summary>{word}: {}</summary><ul class=\"mono\">{shown}{more}</ul></details>",
            match list.as_slice() {
                [one] => escape(one),
                several => super::plural(several.len(), "part", "parts"),
            }
        );
    }
    out
}

fn why(out: &mut String, change: &Change) {
    let mut texts: Vec<String> = change
        .risk
        .factors
        .iter()
        .map(|factor| {
            format!(
                "{} <span class=\"quiet\">{}{}</span>",
                escape(&factor.text),
                if factor.points < 0 { "−" } else { "+" },
                factor.points.unsigned_abs()
            )
        })
        .collect();
    if texts.is_empty() {
        texts.push(escape(&words::edits(change, &str::to_owned)));
    }
    for remark in words::remarks(change) {
        texts.push(escape(&remark));
    }
    out.push_str(&texts.join("<br>"));
}

fn fate(word: &str, fate: &Fate) -> String {
    let mut out = format!("<div>{word}: {}</div>", escape(&fate.text));
    if fate.path.is_empty() {
        return out;
    }
    out.push_str("<ol class=\"hops\">");
    for hop in &fate.path {
        let mut text = hop.layer.clone();
        for part in [
            Some(hop.resource.as_str()),
            hop.direction.as_deref(),
            Some(hop.rule.as_str()),
        ]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        {
            text.push(' ');
            text.push_str(part);
        }
        if let Some(priority) = hop.priority {
            text.push_str(&format!(" {priority}"));
        }
        if let Some(next) = &hop.next_hop {
            text.push_str(&format!(" → {next}"));
        }
        if !hop.verdict.is_empty() {
            text.push_str(&format!(": {}", hop.verdict));
        }
        if let Some(source) = &hop.source {
            text.push_str(&format!(" ({source})"));
        }
        let _ = write!(out, "<li>{}</li>", escape(&text));
    }
    out.push_str("</ol>");
    out
}

fn attention(out: &mut String, difference: &Difference) {
    let new: Vec<_> = difference.diagnostics.iter().filter(|d| d.new).collect();
    if difference.expiring.is_empty() && new.is_empty() && difference.notes.is_empty() {
        return;
    }
    out.push_str("<div class=\"card\"><h2>Attention</h2><ul>");
    for note in &difference.notes {
        let _ = write!(out, "<li>{}</li>", escape(note));
    }
    for finding in new {
        let _ = write!(
            out,
            "<li><span class=\"chip {}\">{}</span> {}</li>",
            match finding.level.as_str() {
                "error" => "bad",
                "warning" => "warn",
                _ => "",
            },
            escape(&finding.level),
            escape(&words::finding(finding)),
        );
    }
    for one in &difference.expiring {
        let _ = write!(out, "<li>{}</li>", escape(&words::ending(one)));
    }
    let old =
        difference.diagnostics.len() - difference.diagnostics.iter().filter(|d| d.new).count();
    if old > 0 {
        let _ = write!(
            out,
            "<li class=\"quiet\">{} said before too</li>",
            plural(old, "thing is", "things are")
        );
    }
    out.push_str("</ul></div>");
}

/// The tab of the rules that differ; `None` if none do.
pub(super) fn rules(difference: &Difference) -> Option<Panel> {
    let rules = Rules::of(difference);
    if rules.blocks.is_empty() && rules.kept.is_empty() {
        return None;
    }
    let mut out = String::new();
    if !rules.kept.is_empty() {
        let _ = write!(out, "<div class=\"card\"><h2>{}</h2><ul>", rules.heading());
        for kept in &rules.kept {
            let now = kept.now.as_ref();
            let now = now.map_or_else(String::new, |now| format!(" → <b>{}</b>", escape(now)));
            let _ = write!(
                out,
                "<li><b>{}</b>{now}: {}</li>",
                escape(&kept.was),
                escape(&kept.told())
            );
        }
        out.push_str("</ul></div>");
    }
    for environment in rules.environments() {
        let _ = write!(
            out,
            "<div class=\"card\"><h2>Rules in {}</h2><p class=\"lead\">Rules and routes by the resource that holds them: + added, - removed, ! changed, ↷ another number.</p><pre class=\"rules\">",
            escape(environment)
        );
        for line in rules.lines_of(environment) {
            let class = match line {
                Shown::Heading(_) => "h",
                Shown::Line(line) => match line.sign {
                    Sign::Added => "add",
                    Sign::Removed => "del",
                    Sign::Changed => "chg",
                    Sign::Moved => "mov",
                    Sign::Note => "note",
                },
                Shown::Repeated { .. } => "note",
            };
            let _ = write!(
                out,
                "<span class=\"{class}\">{}</span>",
                escape(&line.line(false))
            );
        }
        out.push_str("</pre></div>");
    }
    let counts = difference.textual.iter().map(|own| own.entries.len());
    Some(Panel::new("p-rules", "Rules", Some(counts.sum()), out))
}
