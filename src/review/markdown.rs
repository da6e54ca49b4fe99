//! A difference as a Markdown comment, as a step summary of GitHub, and for Azure DevOps. It says what it
//! leaves out, and how a page is posted is not known here.
//!
//! Sizes that forges take (checked 2026-11-30): a comment on GitHub holds 65,536 characters, a step summary
//! 1 MiB, a comment on Azure DevOps 150,000 characters. Azure DevOps shows `<details>` in pull requests, and
//! documents Mermaid charts for wikis only, so that a chart is drawn there on demand.

mod budget;
mod chart;
mod escape;
mod tables;

use super::rules::Rules;
use super::select::{Only, shown};
use super::words;
use crate::diff::told::{Change, Difference, Level, Outcome, RuleCounts};
use budget::{Share, fit};
use chart::{Fence, chart};
use escape::{code, command, marker, message, text};
use tables::{KINDS, PACKETS, Table, environment_table, packet, table};

/// Who shows the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// A comment on GitHub.
    #[default]
    Comment,
    /// `$GITHUB_STEP_SUMMARY`: long tables are not folded, and a chart is drawn.
    StepSummary,
    /// A comment or a summary on Azure DevOps.
    AzureDevOps,
}

impl Flavour {
    /// The bytes that a page may have if nobody says more, a little below what the forge takes.
    #[must_use]
    pub const fn budget(self) -> usize {
        match self {
            Self::Comment => 65_000,
            Self::StepSummary => 1_000_000,
            Self::AzureDevOps => 150_000,
        }
    }
}

/// How it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who shows it.
    pub flavour: Flavour,
    /// The most bytes; `None` is [`Flavour::budget`].
    pub max_bytes: Option<usize>,
    /// Whether a chart is drawn; `None` draws one in a step summary only.
    pub chart: Option<bool>,
    /// The lines of rules are unfolded.
    pub rules: bool,
    /// Only these; all if there are none. What is hidden is counted.
    pub only: Vec<Only>,
    /// What else this run made, for the last line: `HTML report`, `JSON`.
    pub artefacts: Vec<String>,
    /// The command that makes this again.
    pub reproduce: Option<String>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The Markdown, with a line end behind the last line.
    pub text: String,
    /// What was left out so that it fits; the page says the same.
    pub cut: Cut,
    /// The summary and the rows that are never left out are more than the budget by so many bytes; 0 if it
    /// fits.
    pub over: usize,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The chart.
    pub chart: bool,
    /// Lines of rules.
    pub rule_lines: usize,
    /// Packets that show a region.
    pub packets: usize,
    /// Points that need attention.
    pub attention: usize,
    /// Rows of medium risk.
    pub medium_rows: usize,
    /// All other rows. A row of high risk or of a lost `required` flow is never left out.
    pub other_rows: usize,
}

impl Cut {
    /// Whether anything was left out.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// Rows of a table that are not folded.
const UNFOLDED: usize = 10;

/// The page.
#[must_use]
pub fn render(difference: &Difference, rules: &Rules, options: &Options) -> Page {
    let most = options.max_bytes.unwrap_or(options.flavour.budget());
    let parts = Parts::of(difference, rules, options);
    let all = parts.all();
    let (mut out, share) = fit(all, most, &|share| parts.page(share, most, 0));
    let over = out.len().saturating_sub(most);
    if over > 0 {
        out = parts.page(&share, most, over);
    }
    Page {
        over: out.len().saturating_sub(most),
        cut: parts.cut(&share),
        text: out,
    }
}

/// What a page is put together from.
struct Parts {
    head: String,
    chart: String,
    tables: Vec<Table>,
    /// For each row of each table: its turn among those that may be left out; `None` if it may not.
    turns: Vec<Vec<Option<usize>>>,
    hidden: String,
    packets: Vec<String>,
    example: Option<String>,
    same: String,
    /// By environment: the summary of its fold, and its lines.
    rules: Vec<(String, Vec<String>)>,
    attention: Vec<String>,
    foot: String,
    folds: bool,
    open: bool,
}

impl Parts {
    fn of(difference: &Difference, rules: &Rules, options: &Options) -> Self {
        let picked: Vec<&Change> = difference
            .semantic
            .iter()
            .filter(|change| shown(&options.only, change.change))
            .collect();
        let tables: Vec<Table> = KINDS
            .iter()
            .filter(|kind| shown(&options.only, **kind))
            .filter_map(|kind| table(difference, *kind))
            .collect();
        let wanted = options
            .chart
            .unwrap_or(options.flavour == Flavour::StepSummary);
        let fence = match options.flavour {
            Flavour::AzureDevOps => Fence::Colons,
            Flavour::Comment | Flavour::StepSummary => Fence::Backticks,
        };
        Self {
            head: head(difference, rules),
            chart: if wanted {
                chart(difference, &|kind| shown(&options.only, kind), fence)
            } else {
                String::new()
            },
            turns: turns(&tables),
            tables,
            hidden: hidden(difference.semantic.len() - picked.len()),
            packets: picked.iter().map(|change| packet(change)).collect(),
            example: tables::example(&picked),
            same: same(rules),
            rules: rule_folds(difference, rules),
            attention: attention(difference),
            foot: foot(difference, options),
            folds: options.flavour != Flavour::StepSummary,
            open: options.rules,
        }
    }

    fn all(&self) -> Share {
        Share {
            chart: usize::from(!self.chart.is_empty()),
            rules: self.rules.iter().map(|(_, lines)| lines.len()).sum(),
            packets: self.packets.len(),
            attention: self.attention.len(),
            rows: self.turns.iter().flatten().flatten().count(),
        }
    }

    fn cut(&self, share: &Share) -> Cut {
        let all = self.all();
        let mut cut = Cut {
            chart: share.chart < all.chart,
            rule_lines: all.rules - share.rules,
            packets: all.packets - share.packets,
            attention: all.attention - share.attention,
            ..Cut::default()
        };
        for (table, turns) in self.tables.iter().zip(&self.turns) {
            for (row, turn) in table.rows.iter().zip(turns) {
                if turn.is_some_and(|turn| turn >= share.rows) {
                    if row.level == Level::Medium {
                        cut.medium_rows += 1;
                    } else {
                        cut.other_rows += 1;
                    }
                }
            }
        }
        cut
    }

    /// The page of a share. `over` is by how much it is known to be too long.
    fn page(&self, share: &Share, most: usize, over: usize) -> String {
        let mut out = self.head.clone();
        out.push_str(&cut_note(&self.cut(share), most, over));
        if share.chart > 0 {
            out.push('\n');
            out.push_str(&self.chart);
        }
        for (table, turns) in self.tables.iter().zip(&self.turns) {
            self.table(&mut out, table, turns, share.rows);
        }
        out.push_str(&self.hidden);
        self.packets(&mut out, share.packets);
        out.push_str(&self.same);
        self.rules(&mut out, share.rules);
        if share.attention > 0 {
            out.push_str("\n### Attention\n\n");
            for point in self.attention.iter().take(share.attention) {
                out.push_str(&format!("* {point}\n"));
            }
        }
        out.push_str(&self.foot);
        out
    }

    fn table(&self, out: &mut String, table: &Table, turns: &[Option<usize>], share: usize) {
        let kept: Vec<_> = table
            .rows
            .iter()
            .zip(turns)
            .filter(|(_, turn)| turn.is_none_or(|turn| turn < share))
            .map(|(row, _)| row)
            .collect();
        let unfolded = if self.folds { UNFOLDED } else { kept.len() };
        if table.rows.len() > unfolded || kept.len() < table.rows.len() {
            let count = words::grouped_digits(&table.rows.len().to_string());
            out.push_str(&format!("\n### {} ({count})\n", table.heading));
        } else {
            out.push_str(&format!("\n### {}\n", table.heading));
        }
        if !table.remark.is_empty() {
            out.push_str(&format!("\n{}\n", table.remark));
        }
        if !kept.is_empty() {
            out.push('\n');
            out.push_str(table.head);
        }
        for row in kept.iter().take(unfolded) {
            out.push_str(&row.text);
        }
        if kept.len() > unfolded {
            let rest = kept.iter().skip(unfolded);
            let high = rest.clone().filter(|row| row.level == Level::High).count();
            let of_high = match high {
                0 => String::new(),
                some => format!(
                    ", {} of them of HIGH risk",
                    words::grouped_digits(&some.to_string())
                ),
            };
            let count = words::counted(kept.len() - unfolded, "more row", "more rows");
            out.push_str(&format!(
                "\n<details><summary>{count}{of_high}</summary>\n\n{}",
                table.head
            ));
            for row in rest {
                out.push_str(&row.text);
            }
            out.push_str("\n</details>\n");
        }
        let left_out = table.rows.len() - kept.len();
        if left_out > 0 {
            let rows = words::counted(left_out, "row is", "rows are");
            out.push_str(&format!(
                "\n*{rows} left out of this table, none of high risk.*\n"
            ));
        }
    }

    fn packets(&self, out: &mut String, share: usize) {
        if share == 0 {
            return;
        }
        out.push_str(
            "\n<details><summary>One example packet for each (try them with <code>portcullis explain</code>)</summary>\n\n",
        );
        out.push_str(PACKETS);
        for packet in self.packets.iter().take(share) {
            out.push_str(packet);
        }
        if let Some(example) = &self.example {
            out.push_str(&format!("\nThe first: {example}\n"));
        }
        out.push_str("\n</details>\n");
    }

    fn rules(&self, out: &mut String, share: usize) {
        if share == 0 {
            return;
        }
        out.push_str("\n### Rules\n\n");
        let mut left = share;
        for (summary, lines) in &self.rules {
            if left == 0 {
                break;
            }
            let kept: Vec<&str> = lines.iter().take(left).map(String::as_str).collect();
            left -= kept.len();
            let short = match lines.len() - kept.len() {
                0 => String::new(),
                more => format!(", {} left out", words::counted(more, "line", "lines")),
            };
            let open = if self.open { " open" } else { "" };
            let body = kept.join("\n");
            let fence = "`".repeat(longest_run(&body, '`').max(2) + 1);
            out.push_str(&format!(
                "<details{open}><summary>{summary}{short}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n"
            ));
        }
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// The turns of the rows that may be left out: those of medium risk come first, and then the rows of all
/// tables side by side, so that no table vanishes for another.
fn turns(tables: &[Table]) -> Vec<Vec<Option<usize>>> {
    let mut order: Vec<(bool, usize, usize)> = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        for (line, row) in table.rows.iter().enumerate() {
            if !row.protected {
                order.push((row.level < Level::Medium, line, at));
            }
        }
    }
    order.sort_unstable();
    let mut turns: Vec<Vec<Option<usize>>> = tables
        .iter()
        .map(|table| vec![None; table.rows.len()])
        .collect();
    for (turn, (_, line, at)) in order.into_iter().enumerate() {
        if let Some(place) = turns.get_mut(at).and_then(|rows| rows.get_mut(line)) {
            *place = Some(turn);
        }
    }
    turns
}

/// Marker, heading, what it comes to, blast radius, environments, notes: what is never left out.
fn head(difference: &Difference, rules: &Rules) -> String {
    let side = |side: &crate::diff::told::Side| match &side.commit {
        Some(commit) => words::short_commit(commit),
        None => side.name.clone(),
    };
    let summary = &difference.summary;
    let mut out = format!(
        "<!-- portcullis:diff v1 project={} base={} head={} -->\n",
        marker(&difference.project),
        marker(&side(&difference.old)),
        marker(&side(&difference.new)),
    );
    out.push_str(&format!(
        "## Portcullis: {}{}\n\n",
        words::headline(summary, rules.renamed()),
        within(difference)
    ));
    let mut said = vec![words::verdict(summary)];
    if let Some((level, counts)) = words::highest(&summary.risk) {
        said.push(format!(
            "**Highest risk: {} {}** ({counts}).",
            words::level(level),
            summary.risk.score
        ));
    }
    let lost = summary.regions.required_lost;
    if lost > 0 {
        said.push(format!(
            "🔴 **{} that a `required` flow asks for {} no longer allowed.**",
            words::counted(lost, "region", "regions"),
            if lost == 1 { "is" } else { "are" }
        ));
    }
    if summary.regions.accepted > 0 {
        said.push(format!(
            "{} accepted by `--accept` and not counted in the risk.",
            words::counted(summary.regions.accepted, "region is", "regions are")
        ));
    }
    said.extend(words::by_data(difference).map(|sentence| message(&sentence)));
    let rest = words::the_rest(summary);
    if !rest.is_empty() {
        said.push(rest.to_owned());
    }
    out.push_str(&said.join(" "));
    out.push('\n');
    let leading = tables::leading(difference);
    if !leading.is_empty() {
        out.push_str(&format!("\n{leading}"));
    }
    if summary.verdict != Outcome::Same
        && let Some(blast) = words::blast(&summary.blast_radius)
    {
        out.push_str(&format!("\n{}\n", text(&blast)));
    }
    for note in &difference.notes {
        out.push_str(&format!("\nNote: {}\n", message(note)));
    }
    let environments = environment_table(difference);
    if !environments.is_empty() && summary.verdict != Outcome::Same {
        out.push_str(&format!("\n{environments}"));
    }
    out
}

/// `, in 2 environments`: those in which anything differs.
fn within(difference: &Difference) -> String {
    let differing: Vec<&String> = difference
        .summary
        .environments
        .iter()
        .filter(|(name, one)| {
            one.rules != RuleCounts::default()
                || difference
                    .semantic
                    .iter()
                    .any(|c| c.environments.contains(name))
        })
        .map(|(name, _)| name)
        .collect();
    match differing.as_slice() {
        [] => String::new(),
        [one] => format!(", in {}", text(one)),
        several => format!(", in {} environments", several.len()),
    }
}

fn cut_note(cut: &Cut, most: usize, over: usize) -> String {
    let mut parts = Vec::new();
    if cut.chart {
        parts.push("the chart".to_owned());
    }
    for (count, one, many) in [
        (cut.rule_lines, "line of rules", "lines of rules"),
        (cut.packets, "example packet", "example packets"),
        (cut.attention, "point of attention", "points of attention"),
        (cut.medium_rows, "row of medium risk", "rows of medium risk"),
        (cut.other_rows, "row of less risk", "rows of less risk"),
    ] {
        if count > 0 {
            parts.push(words::counted(count, one, many));
        }
    }
    let most = words::grouped_digits(&most.to_string());
    let mut out = String::new();
    if !parts.is_empty() {
        out.push_str(&format!(
            "\n**Left out to fit {most} bytes:** {}. No row of high risk is left out. `--format json` holds everything.\n",
            words::listed(&parts)
        ));
    }
    if over > 0 {
        out.push_str(&format!(
            "\n**Longer than {most} bytes:** the summary and the rows of high risk alone are more, and are never cut.\n"
        ));
    }
    out
}

fn hidden(count: usize) -> String {
    if count == 0 {
        return String::new();
    }
    let regions = words::counted(count, "region is", "regions are");
    format!("\n*{regions} hidden by `--only`.*\n")
}

fn same(rules: &Rules) -> String {
    if rules.kept.is_empty() {
        return String::new();
    }
    let mut lines: Vec<String> = rules
        .kept
        .iter()
        .map(|one| {
            let name = match &one.now {
                Some(now) => format!("{} → {}", code(&one.was), code(now)),
                None => code(&one.was),
            };
            format!("* {name}: {}.\n", message(&one.told()))
        })
        .collect();
    let folded = lines.split_off(lines.len().min(UNFOLDED));
    let mut out = format!("\n### {}\n\n{}", rules.heading(), lines.concat());
    if !folded.is_empty() {
        out.push_str(&format!(
            "\n<details><summary>{} more</summary>\n\n{}\n</details>\n",
            folded.len(),
            folded.concat()
        ));
    }
    out
}

fn rule_folds(difference: &Difference, rules: &Rules) -> Vec<(String, Vec<String>)> {
    rules
        .environments()
        .into_iter()
        .map(|environment| {
            let counts = difference.summary.environments.get(environment);
            let counts = counts.map_or_else(String::new, |one| {
                let of = &one.rules;
                let mut told = format!(": +{} -{} ~{}", of.added, of.removed, of.changed);
                for (count, word) in [(of.renamed, "renamed"), (of.renumbered, "renumbered")] {
                    if count > 0 {
                        told.push_str(&format!(" {word} {count}"));
                    }
                }
                told
            });
            let lines = rules.lines_of(environment);
            let lines = lines
                .into_iter()
                .map(|line| super::harmless::harmless(&line.line(false)))
                .collect();
            (format!("{}{counts}", text(environment)), lines)
        })
        .collect()
}

fn attention(difference: &Difference) -> Vec<String> {
    let mut out = Vec::new();
    for one in &difference.expiring {
        let known: Vec<String> = [&one.ticket, &one.owner]
            .into_iter()
            .flatten()
            .map(|word| text(word))
            .collect();
        let brackets = if known.is_empty() {
            String::new()
        } else {
            format!(" ({})", known.join(", "))
        };
        out.push(format!(
            "⏳ {} ends {}{brackets}{}",
            code(&one.flow),
            text(&one.until),
            text(&words::behind(&one.file, one.line))
        ));
    }
    for one in difference.diagnostics.iter().filter(|d| d.new) {
        out.push(format!(
            "New {}: {} {}{}",
            text(&one.level),
            text(&one.code),
            message(&one.message),
            text(&words::behind(&one.file, one.line))
        ));
    }
    let old = difference.diagnostics.iter().filter(|d| !d.new).count();
    if old > 0 {
        let those = words::counted(old, "diagnostic is", "diagnostics are");
        out.push(format!("{those} as before."));
    }
    out
}

fn foot(difference: &Difference, options: &Options) -> String {
    let tool = &difference.tool;
    let mut parts = vec![format!("{} {}", tool.name, text(tool.version))];
    if !tool.catalog.is_empty() {
        parts.push(format!("catalogue {}", text(&tool.catalog)));
    }
    if let Some(day) = &tool.as_of {
        parts.push(format!("as of {}", text(day)));
    }
    if !options.artefacts.is_empty() {
        let all: Vec<String> = options.artefacts.iter().map(|one| text(one)).collect();
        parts.push(format!("{}: artefacts of this run", words::listed(&all)));
    }
    if let Some(line) = &options.reproduce {
        parts.push(format!("reproduce: {}", command(line)));
    }
    format!("\n<sub>{}</sub>\n", parts.join(" · "))
}
